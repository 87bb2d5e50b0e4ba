//! Asking a provider: an AuthnRequest by HTTP-Redirect, signed where it is wanted; and telling it that a session has ended.
//!
//! By GET alone. A form that posts would have to be allowed to reach the provider's origin, and browsers apply
//! `form-action` to where a post is redirected, too. "Deflated" is a stored block: every inflater reads it, and a
//! compressor would be a dependency for 300 bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wk_domain::Timestamp;

use crate::key::{KeyError, OwnKey, hex};
use crate::response::{IdentityProvider, ServiceProvider};
use crate::time;
use crate::xml::escape;

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask<'a> {
    /// The person must prove it anew, whatever session they have over there.
    pub fresh: bool,
    /// The format of the name that is wanted; empty: the provider's choice.
    pub name_id_format: &'a str,
    /// How they are to prove it: any of these.
    pub contexts: &'a [String],
    /// Whether to sign.
    pub signed: bool,
}

/// A request to be made by sending the browser to `url`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What the answer must name.
    pub id: String,
    pub url: String,
}

/// The answer to a request to end a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Farewell<'a> {
    /// The provider's single logout service (HTTP-Redirect).
    pub to: &'a str,
    /// The request's id.
    pub in_response_to: &'a str,
    /// `RelayState` as it came with the request.
    pub relay: Option<&'a str>,
}

/// Makes a request. `random` makes its id: 128 bits or more that nobody can guess.
///
/// # Errors
/// [`KeyError`] when it is to be signed and there is no key.
pub fn authn_request(
    sp: &ServiceProvider,
    idp: &IdentityProvider,
    ask: &Ask<'_>,
    random: &[u8],
    now: Timestamp,
) -> Result<Request, KeyError> {
    let id = format!("_{}", hex(random));
    let xml = document(sp, idp, ask, &id, now);
    let key = if ask.signed { Some(sp.signing_key(now).ok_or(KeyError::Own)?) } else { None };
    Ok(Request { id, url: redirect(&idp.sso_url, "SAMLRequest", &xml, None, key)? })
}

/// Answers a request to end a session that a browser brought: where to send it. Signed.
///
/// # Errors
/// [`KeyError`] when there is no key.
pub fn logout_response(
    sp: &ServiceProvider,
    answer: &Farewell<'_>,
    random: &[u8],
    now: Timestamp,
) -> Result<String, KeyError> {
    let xml = format!(
        "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_{}\" Version=\"2.0\" IssueInstant=\"{}\" \
         Destination=\"{}\" InResponseTo=\"{}\"><saml:Issuer>{}</saml:Issuer><samlp:Status><samlp:StatusCode \
         Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status></samlp:LogoutResponse>",
        hex(random),
        time::write(now),
        escape(answer.to),
        escape(answer.in_response_to),
        escape(&sp.entity_id),
    );
    let key = sp.signing_key(now).ok_or(KeyError::Own)?;
    redirect(answer.to, "SAMLResponse", &xml, answer.relay, Some(key))
}

/// A message by HTTP-Redirect (bindings, 3.4).
fn redirect(
    to: &str,
    field: &str,
    xml: &str,
    relay: Option<&str>,
    key: Option<&OwnKey>,
) -> Result<String, KeyError> {
    let mut query = format!("{field}={}", percent(&STANDARD.encode(stored(xml.as_bytes()))));
    if let Some(relay) = relay {
        query.push_str(&format!("&RelayState={}", percent(relay)));
    }
    if let Some(key) = key {
        query.push_str(&format!("&SigAlg={}", percent(RSA_SHA256)));
        let signature = key.sign(query.as_bytes())?;
        query.push_str(&format!("&Signature={}", percent(&STANDARD.encode(signature))));
    }
    let joint = if to.contains('?') { '&' } else { '?' };
    Ok(format!("{to}{joint}{query}"))
}

fn document(sp: &ServiceProvider, idp: &IdentityProvider, ask: &Ask<'_>, id: &str, now: Timestamp) -> String {
    let mut xml = format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{}\" \
         Destination=\"{}\" AssertionConsumerServiceURL=\"{}\" \
         ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"{}><saml:Issuer>{}</saml:Issuer>",
        time::write(now),
        escape(&idp.sso_url),
        escape(&sp.acs_url),
        if ask.fresh { " ForceAuthn=\"true\"" } else { "" },
        escape(&sp.entity_id),
    );
    if ask.name_id_format.is_empty() {
        xml.push_str("<samlp:NameIDPolicy AllowCreate=\"true\"/>");
    } else {
        let format = escape(ask.name_id_format);
        xml.push_str(&format!("<samlp:NameIDPolicy Format=\"{format}\" AllowCreate=\"true\"/>"));
    }
    if !ask.contexts.is_empty() {
        xml.push_str("<samlp:RequestedAuthnContext Comparison=\"exact\">");
        for context in ask.contexts {
            xml.push_str(&format!(
                "<saml:AuthnContextClassRef>{}</saml:AuthnContextClassRef>",
                escape(context)
            ));
        }
        xml.push_str("</samlp:RequestedAuthnContext>");
    }
    xml.push_str("</samlp:AuthnRequest>");
    xml
}

/// DEFLATE (RFC 1951) in stored blocks: 5 bytes before each 65 535.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 5);
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    out
}

fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_who_asks_and_where_the_answer_goes() {
        let sp = ServiceProvider {
            entity_id: "https://watch.example/m?a=1&b=2".to_owned(),
            acs_url: "https://watch.example/acs".to_owned(),
            logout_url: String::new(),
            keys: Vec::new(),
        };
        let idp = IdentityProvider {
            entity_id: "https://idp.example".to_owned(),
            sso_url: "https://idp.example/sso?tenant=7".to_owned(),
            certificates: Vec::new(),
        };
        let now = Timestamp::from_ms(1_795_284_000_000);
        let ask = Ask { fresh: true, contexts: &["urn:x".to_owned()], ..Ask::default() };
        let request = authn_request(&sp, &idp, &ask, &[7; 16], now).unwrap();
        assert_eq!(request.id, format!("_{}", "07".repeat(16)));
        assert!(request.url.starts_with("https://idp.example/sso?tenant=7&SAMLRequest="), "{}", request.url);
        let xml = document(&sp, &idp, &ask, &request.id, now);
        let read = crate::xml::Document::parse(xml.as_bytes()).unwrap();
        assert_eq!(read.attribute(read.root(), "ForceAuthn"), Some("true"));
        assert_eq!(read.attribute(read.root(), "IssueInstant"), Some("2026-11-21T18:00:00Z"));
        let issuer = read.only(read.root(), crate::response::SAML, "Issuer").unwrap();
        assert_eq!(read.text(issuer).unwrap(), sp.entity_id);
        let signed = Ask { signed: true, ..ask };
        assert_eq!(authn_request(&sp, &idp, &signed, &[7; 16], now).unwrap_err(), KeyError::Own);
    }

    #[test]
    fn stored_blocks_have_the_form_of_rfc_1951() {
        assert_eq!(stored(b"abc"), [1, 3, 0, 0xfc, 0xff, b'a', b'b', b'c']);
        let long = stored(&[7; 0x1_0000]);
        assert_eq!((long[0], long[5 + 0xffff], long.len()), (0, 1, 0x1_0000 + 10));
    }
}
