//! Metadata: ours, for the provider's administrator, and the provider's, read when somebody configures it.
//!
//! What the provider's says is trusted because an administrator brought it; a signature is checked where they also brought
//! the certificate it must be made with. Nothing is fetched here.

use wk_domain::Timestamp;
use wk_domain::text::clean_line;

use crate::dsig::{self, DS};
use crate::key::{IdpCertificate, KeyError};
use crate::response::{SAMLP, ServiceProvider};
use crate::time;
use crate::xml::{Document, NodeId, XmlError, escape};

const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// Certificates of one provider.
pub const CERTIFICATES_MAX: usize = 8;

/// What a provider's metadata says.
#[derive(Debug, Clone)]
pub struct IdpMetadata {
    pub entity_id: String,
    /// Where to send people by HTTP-Redirect.
    pub sso_url: String,
    /// Where to send the answer to its logout by HTTP-Redirect; empty: nowhere.
    pub slo_url: String,
    pub certificates: Vec<IdpCertificate>,
    pub wants_signed_requests: bool,
    pub name_id_formats: Vec<String>,
}

/// Why metadata cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error("the metadata is not accepted as XML: {0}")]
    Xml(#[from] XmlError),
    #[error("this is not the metadata of an identity provider: {0}")]
    Form(&'static str),
    #[error("the metadata ended at {0}: fetch it anew from the provider")]
    Expired(String),
    #[error("the metadata names a certificate that cannot be used: {0}")]
    Key(#[from] KeyError),
    #[error("the metadata is not signed with the certificate that was given: {0}")]
    Signature(#[source] dsig::SignatureError),
}

/// Reads the metadata of one identity provider. `signed_by`: the certificate that must have signed it.
///
/// # Errors
/// [`MetadataError`].
pub fn read_idp_metadata(
    bytes: &[u8],
    signed_by: Option<&IdpCertificate>,
    now: Timestamp,
) -> Result<IdpMetadata, MetadataError> {
    use MetadataError as E;
    let mut document = Document::parse(bytes)?;
    if let Some(certificate) = signed_by {
        let content = dsig::verify(&document, document.root(), std::slice::from_ref(certificate));
        document = Document::parse(&content.map_err(E::Signature)?)?;
    }
    let root = document.root();
    let is = |id: NodeId, local: &str| document.element(id).is_some_and(|e| e.is(MD, local));
    let entities: Vec<NodeId> = if is(root, "EntityDescriptor") {
        vec![root]
    } else if is(root, "EntitiesDescriptor") {
        document.named(root, MD, "EntityDescriptor").collect()
    } else {
        return Err(E::Form("its element is not EntityDescriptor"));
    };
    let mut providers = entities.into_iter().flat_map(|entity| {
        document.named(entity, MD, "IDPSSODescriptor").map(move |role| (entity, role)).collect::<Vec<_>>()
    });
    let (entity, role) = providers.next().ok_or(E::Form("there is no IDPSSODescriptor in it"))?;
    if providers.next().is_some() {
        return Err(E::Form("there are several identity providers in it; take the file of one"));
    }
    for at in [root, entity, role] {
        if let Some(until) = document.attribute(at, "validUntil") {
            let end = time::read(until).ok_or(E::Form("validUntil is no instant in UTC"))?;
            if now >= end {
                return Err(E::Expired(time::write(end)));
            }
        }
    }
    let speaks = document.attribute(role, "protocolSupportEnumeration").unwrap_or_default();
    if !speaks.split_ascii_whitespace().any(|protocol| protocol == SAMLP) {
        return Err(E::Form("it does not speak SAML 2.0"));
    }
    let entity_id = document.attribute(entity, "entityID").map(str::trim).unwrap_or_default().to_owned();
    if entity_id.is_empty() || entity_id.len() > 1_024 || entity_id.chars().any(char::is_control) {
        return Err(E::Form("it has no entityID"));
    }
    let sso_url = document
        .named(role, MD, "SingleSignOnService")
        .filter(|at| document.attribute(*at, "Binding") == Some(REDIRECT))
        .find_map(|at| document.attribute(at, "Location"))
        .ok_or(E::Form("it has no SingleSignOnService for HTTP-Redirect; switch that binding on over there"))?
        .trim()
        .to_owned();
    let slo_url = document
        .named(role, MD, "SingleLogoutService")
        .filter(|at| document.attribute(*at, "Binding") == Some(REDIRECT))
        .find_map(|at| document.attribute(at, "ResponseLocation").or(document.attribute(at, "Location")))
        .map(|url| url.trim().to_owned())
        .unwrap_or_default();
    let mut certificates: Vec<IdpCertificate> = Vec::new();
    for key in document.named(role, MD, "KeyDescriptor") {
        if document.attribute(key, "use").is_some_and(|purpose| purpose != "signing") {
            continue;
        }
        for text in texts(&document, key) {
            let certificate = IdpCertificate::from_text(&text)?;
            if !certificates.contains(&certificate) && certificates.len() < CERTIFICATES_MAX {
                certificates.push(certificate);
            }
        }
    }
    if certificates.is_empty() {
        return Err(E::Form("it has no certificate to sign with"));
    }
    let wants = document.attribute(role, "WantAuthnRequestsSigned");
    let formats = document.named(role, MD, "NameIDFormat").filter_map(|at| document.text(at));
    Ok(IdpMetadata {
        entity_id,
        sso_url,
        slo_url,
        certificates,
        wants_signed_requests: matches!(wants, Some("true" | "1")),
        name_id_formats: formats.take(20).map(|format| clean_line(format.trim(), 200)).collect(),
    })
}

fn texts(document: &Document, key: NodeId) -> Vec<String> {
    document
        .named(key, DS, "KeyInfo")
        .flat_map(|info| document.named(info, DS, "X509Data"))
        .flat_map(|data| document.named(data, DS, "X509Certificate"))
        .filter_map(|certificate| document.text(certificate))
        .collect()
}

/// Our metadata, as the provider's administrator loads it. `signs`: whether our requests are signed.
pub fn sp_metadata(sp: &ServiceProvider, signs: bool, name_id_format: &str) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<md:EntityDescriptor xmlns:md=\"{MD}\" xmlns:ds=\"{DS}\" \
         entityID=\"{}\">\n  <md:SPSSODescriptor protocolSupportEnumeration=\"{SAMLP}\" \
         AuthnRequestsSigned=\"{signs}\" WantAssertionsSigned=\"true\">\n",
        escape(&sp.entity_id)
    );
    for key in &sp.keys {
        let info = format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
            key.certificate_text()
        );
        xml.push_str(&format!("    <md:KeyDescriptor use=\"signing\">{info}</md:KeyDescriptor>\n"));
    }
    // Only the first: whoever encrypts picks any of those it finds, and old ones go.
    if let Some(key) = sp.keys.first() {
        xml.push_str(&format!(
            "    <md:KeyDescriptor use=\"encryption\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
             <md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/>\
             <md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes128-gcm\"/>\
             <md:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>\
             </md:KeyDescriptor>\n",
            key.certificate_text()
        ));
    }
    xml.push_str(&format!(
        "    <md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{}\"/>\n",
        escape(&sp.logout_url)
    ));
    if !name_id_format.is_empty() {
        xml.push_str(&format!("    <md:NameIDFormat>{}</md:NameIDFormat>\n", escape(name_id_format)));
    }
    xml.push_str(&format!(
        "    <md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Location=\"{}\" index=\"0\" isDefault=\"true\"/>\n  </md:SPSSODescriptor>\n</md:EntityDescriptor>\n",
        escape(&sp.acs_url)
    ));
    xml
}
