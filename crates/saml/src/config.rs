//! What an administrator enters for a provider.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wk_domain::Timestamp;
use wk_egress::https::HttpsUrl;
use wk_identity::outside::Wrong;

use crate::key::IdpCertificate;
use crate::metadata::{CERTIFICATES_MAX, read_idp_metadata};
use crate::response::{IdentityProvider, TRANSIENT};

/// Longest text of one field, in bytes. A subject is the provider's name and the person's: both fit.
const TEXT_MAX: usize = 300;
/// Items of one list.
const LIST_MAX: usize = 32;
/// Furthest apart that two clocks may be, in seconds.
const SKEW_MAX: u16 = 300;

/// Attributes that say what, by name or friendly name; the first that the provider sends counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Attributes {
    /// What the account is called; without any, the NameID.
    pub name: Vec<String>,
    pub display_name: Vec<String>,
    pub mail: Vec<String>,
    pub groups: Vec<String>,
}

fn words(of: &[&str]) -> Vec<String> {
    of.iter().map(|word| (*word).to_owned()).collect()
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            name: words(&[
                "uid",
                "username",
                "urn:oid:0.9.2342.19200300.100.1.1",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
            ]),
            display_name: words(&[
                "displayName",
                "urn:oid:2.16.840.1.113730.3.1.241",
                "http://schemas.microsoft.com/identity/claims/displayname",
                "cn",
                "urn:oid:2.5.4.3",
            ]),
            mail: words(&[
                "mail",
                "email",
                "urn:oid:0.9.2342.19200300.100.1.3",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
            ]),
            groups: words(&[
                "groups",
                "memberOf",
                "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
                "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
                "http://schemas.xmlsoap.org/claims/Group",
            ]),
        }
    }
}

fn persistent() -> String {
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned()
}

fn factors() -> Vec<String> {
    words(&["https://refeds.org/profile/mfa", "http://schemas.microsoft.com/claims/multipleauthn"])
}

fn yes() -> bool {
    true
}

fn minute() -> u16 {
    60
}

/// The whole configuration. Our own key is beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The provider's name for itself: what it writes as the issuer.
    #[serde(default)]
    pub entity_id: String,
    /// Where people are sent: its single sign-on service for HTTP-Redirect.
    #[serde(default)]
    pub sso_url: String,
    /// Where the answer to its logout goes, when a person's browser brought that: its single logout service for
    /// HTTP-Redirect. Empty: it gets none.
    #[serde(default)]
    pub slo_url: String,
    /// The certificates it signs with, DER in base64 (PEM is taken, too). Several while it changes them.
    #[serde(default)]
    pub certificates: Vec<String>,
    /// Its metadata, as XML: fills the four fields above, and is not kept.
    #[serde(default, skip_serializing)]
    pub metadata: String,
    /// The certificate that must have signed that metadata; empty: whoever pastes it vouches for it. Not kept.
    #[serde(default, skip_serializing)]
    pub metadata_signed_by: String,
    /// Whether it may send people here who did not begin here.
    #[serde(default)]
    pub unsolicited: bool,
    /// Whether our requests are signed.
    #[serde(default = "yes")]
    pub sign_requests: bool,
    /// The format of the name that is asked for; empty: the provider's choice.
    #[serde(default = "persistent")]
    pub name_id_format: String,
    /// The attribute that says who somebody is, for ever; empty: the NameID.
    #[serde(default)]
    pub subject: String,
    /// Whether a NameID that is an e-mail address says who somebody is. Addresses are given to others one day.
    #[serde(default)]
    pub mail_is_subject: bool,
    #[serde(default)]
    pub attributes: Attributes,
    /// How people are to prove it over there (AuthnContext classes); empty: the provider's choice.
    #[serde(default)]
    pub contexts: Vec<String>,
    /// AuthnContext classes, and values of Microsoft's `authnmethodsreferences`, that stand for a second factor.
    #[serde(default = "factors")]
    pub factor_contexts: Vec<String>,
    /// How far the two clocks may be apart, in seconds.
    #[serde(default = "minute")]
    pub clock_skew_s: u16,
}

fn text(pointer: &str, value: &str, what: &str) -> Result<(), Wrong> {
    if value.trim().is_empty() {
        return Err(Wrong::at(pointer, format!("enter {what}")));
    }
    if value.len() > TEXT_MAX || value.chars().any(char::is_control) || value.trim() != value {
        return Err(Wrong::at(
            pointer,
            format!("{what} has at most {TEXT_MAX} bytes, and no blanks around it"),
        ));
    }
    Ok(())
}

fn address(pointer: &str, value: &str) -> Result<(), Wrong> {
    let _: HttpsUrl = value.parse().map_err(|error: String| Wrong::at(pointer, error))?;
    if value.contains('#') {
        return Err(Wrong::at(pointer, "an address without a fragment"));
    }
    Ok(())
}

fn list(pointer: &str, values: &[String], what: &str) -> Result<(), Wrong> {
    if values.len() > LIST_MAX {
        return Err(Wrong::at(pointer, format!("at most {LIST_MAX}")));
    }
    values.iter().enumerate().try_for_each(|(i, value)| text(&format!("{pointer}/{i}"), value, what))
}

impl Config {
    /// Reads what was entered; pasted metadata is taken in.
    ///
    /// # Errors
    /// [`Wrong`], with the field where it can be told.
    pub fn read(value: &Value) -> Result<Self, Wrong> {
        let mut config: Self =
            serde_json::from_value(value.clone()).map_err(|error| Wrong::at("", error.to_string()))?;
        config.take_in_metadata()?;
        config.judge()?;
        Ok(config)
    }

    fn take_in_metadata(&mut self) -> Result<(), Wrong> {
        if self.metadata.trim().is_empty() {
            return Ok(());
        }
        let signed_by = match self.metadata_signed_by.trim() {
            "" => None,
            text => Some(
                IdpCertificate::from_text(text)
                    .map_err(|error| Wrong::at("/metadata_signed_by", error.to_string()))?,
            ),
        };
        // There is no clock here. When metadata says until when it holds, that is about fetching it again; the keys in it
        // are an administrator's choice from now on.
        let metadata =
            read_idp_metadata(self.metadata.trim().as_bytes(), signed_by.as_ref(), Timestamp::from_ms(0))
                .map_err(|error| Wrong::at("/metadata", error.to_string()))?;
        self.entity_id = metadata.entity_id;
        self.sso_url = metadata.sso_url;
        // What cannot be used is left out: nobody needs it to come in.
        self.slo_url = Some(metadata.slo_url).filter(|url| address("", url).is_ok()).unwrap_or_default();
        self.certificates = metadata.certificates.iter().map(IdpCertificate::to_text).collect();
        self.sign_requests |= metadata.wants_signed_requests;
        self.metadata.clear();
        self.metadata_signed_by.clear();
        Ok(())
    }

    fn judge(&mut self) -> Result<(), Wrong> {
        text("/entity_id", &self.entity_id, "the provider's entity id, or paste its metadata")?;
        if self.entity_id.contains(' ') {
            return Err(Wrong::at("/entity_id", "an entity id has no blank in it"));
        }
        text("/sso_url", &self.sso_url, "the address of its single sign-on service (HTTP-Redirect)")?;
        self::address("/sso_url", &self.sso_url)?;
        if !self.slo_url.is_empty() {
            text("/slo_url", &self.slo_url, "the address of its single logout service (HTTP-Redirect)")?;
            self::address("/slo_url", &self.slo_url)?;
        }
        if self.certificates.is_empty() || self.certificates.len() > CERTIFICATES_MAX {
            return Err(Wrong::at("/certificates", format!("1 to {CERTIFICATES_MAX} certificates")));
        }
        for (i, certificate) in self.certificates.iter_mut().enumerate() {
            *certificate = IdpCertificate::from_text(certificate)
                .map_err(|error| Wrong::at(format!("/certificates/{i}"), error.to_string()))?
                .to_text();
        }
        if !self.name_id_format.is_empty() {
            text("/name_id_format", &self.name_id_format, "a format")?;
        }
        if !self.subject.is_empty() {
            text("/subject", &self.subject, "the attribute's name")?;
        } else if self.name_id_format == TRANSIENT {
            return Err(Wrong::at(
                "/name_id_format",
                "a transient name is another each time: ask for a persistent one, or name an attribute as the subject",
            ));
        }
        list("/attributes/name", &self.attributes.name, "an attribute's name")?;
        list("/attributes/display_name", &self.attributes.display_name, "an attribute's name")?;
        list("/attributes/mail", &self.attributes.mail, "an attribute's name")?;
        list("/attributes/groups", &self.attributes.groups, "an attribute's name")?;
        list("/contexts", &self.contexts, "a class")?;
        list("/factor_contexts", &self.factor_contexts, "a class")?;
        if self.clock_skew_s > SKEW_MAX {
            return Err(Wrong::at(
                "/clock_skew_s",
                format!("at most {SKEW_MAX} seconds: set the clocks instead"),
            ));
        }
        Ok(())
    }

    /// The provider as the reader wants it.
    ///
    /// # Errors
    /// [`Wrong`] when a certificate cannot be read (any more).
    pub(crate) fn idp(&self) -> Result<IdentityProvider, Wrong> {
        let read = |(i, text): (usize, &String)| {
            IdpCertificate::from_text(text)
                .map_err(|error| Wrong::at(format!("/certificates/{i}"), error.to_string()))
        };
        Ok(IdentityProvider {
            entity_id: self.entity_id.clone(),
            sso_url: self.sso_url.clone(),
            certificates: self.certificates.iter().enumerate().map(read).collect::<Result<_, _>>()?,
        })
    }
}
