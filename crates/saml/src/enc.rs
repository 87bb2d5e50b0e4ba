//! Encrypted assertions: XML Encryption with RSA-OAEP and AES-GCM.
//!
//! AES-CBC is refused. It has no integrity, a receiver decrypts before it can check a signature, and whoever may ask it
//! often enough reads the content through its errors (Jager and Somorovsky, 2011). RSA PKCS #1 1.5 is refused for the
//! like reason. Encryption proves nothing about who wrote: what comes out is as untrusted as what went in, and needs a
//! signature like any other.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::dsig::{DS, decoded};
use crate::key::{Oaep, OwnKey};
use crate::xml::{Document, NodeId};

const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
const ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
const NONCE: usize = 12;
const TAG: usize = 16;
/// Wrapped keys for others than us that are tried.
const KEYS_MAX: usize = 4;

/// Why an assertion is not decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    #[error("the encryption is not of the form SAML has: {0}")]
    Form(&'static str),
    #[error(
        "it is encrypted with {0}, which is not accepted; let the provider use AES-GCM (AES-256-GCM) and RSA-OAEP, or not encrypt"
    )]
    Algorithm(String),
    /// One answer for a wrong key and a changed text.
    #[error(
        "it cannot be decrypted with this server's key; give the provider the present metadata of this server"
    )]
    Failed,
}

fn named(uri: &str) -> DecryptError {
    DecryptError::Algorithm(format!("`{}`", wk_domain::text::clean_line(uri, 120)))
}

/// Decrypts an EncryptedAssertion; gives the element in it as a document of its own.
pub(crate) fn decrypt(document: &Document, at: NodeId, keys: &[OwnKey]) -> Result<Document, DecryptError> {
    use DecryptError as E;
    let data =
        document.only(at, XENC, "EncryptedData").ok_or(E::Form("there is not exactly one EncryptedData"))?;
    if document.attribute(data, "Type").is_some_and(|kind| kind != ELEMENT) {
        return Err(E::Form("it is not an element that is encrypted"));
    }
    let method = document.only(data, XENC, "EncryptionMethod").ok_or(E::Form("no EncryptionMethod"))?;
    let (algorithm, length) = match document.attribute(method, "Algorithm").unwrap_or_default() {
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => (&AES_128_GCM, 16),
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => (&AES_256_GCM, 32),
        other => return Err(named(other)),
    };
    let text = cipher_value(document, data)?;
    // The wrapped key is inside the data's KeyInfo, or beside the data: providers do both.
    let info = document.only(data, DS, "KeyInfo");
    let inside = info.into_iter().flat_map(|info| document.named(info, XENC, "EncryptedKey"));
    let wrapped: Vec<NodeId> =
        inside.chain(document.named(at, XENC, "EncryptedKey")).take(KEYS_MAX).collect();
    if wrapped.is_empty() {
        return Err(E::Form("there is no EncryptedKey"));
    }
    for one in wrapped {
        let how = wrapping(document, one)?;
        let value = cipher_value(document, one)?;
        for key in keys {
            let Some(content_key) = key.unwrap_key(how, &value).filter(|key| key.len() == length) else {
                continue;
            };
            let Ok(unbound) = UnboundKey::new(algorithm, &content_key) else { continue };
            let Some((nonce, sealed)) =
                text.split_first_chunk::<NONCE>().filter(|(_, rest)| rest.len() >= TAG)
            else {
                return Err(E::Form("the text is too short"));
            };
            let mut plain = sealed.to_vec();
            let opened = LessSafeKey::new(unbound).open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::empty(),
                &mut plain,
            );
            let Ok(opened) = opened else { continue };
            return Document::parse_in(opened, document.scope(data)).map_err(|_| E::Failed);
        }
    }
    Err(E::Failed)
}

fn cipher_value(document: &Document, at: NodeId) -> Result<Vec<u8>, DecryptError> {
    // A CipherReference would make us fetch something.
    let data = document.only(at, XENC, "CipherData").ok_or(DecryptError::Form("no CipherData"))?;
    let value = document.only(data, XENC, "CipherValue").ok_or(DecryptError::Form("no CipherValue"))?;
    decoded(document, value).ok_or(DecryptError::Form("CipherValue is not base64"))
}

fn wrapping(document: &Document, key: NodeId) -> Result<Oaep, DecryptError> {
    let method =
        document.only(key, XENC, "EncryptionMethod").ok_or(DecryptError::Form("no EncryptionMethod"))?;
    let digest =
        document.only(method, DS, "DigestMethod").and_then(|digest| document.attribute(digest, "Algorithm"));
    let mask = document.only(method, XENC11, "MGF").and_then(|mask| document.attribute(mask, "Algorithm"));
    if document.only(method, XENC, "OAEPparams").is_some() {
        return Err(DecryptError::Form("OAEP with parameters"));
    }
    let sha1 = |digest: Option<&str>| matches!(digest, None | Some("http://www.w3.org/2000/09/xmldsig#sha1"));
    let uri = document.attribute(method, "Algorithm").unwrap_or_default();
    match uri {
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" if sha1(digest) && mask.is_none() => Ok(Oaep::Sha1),
        "http://www.w3.org/2009/xmlenc11#rsa-oaep" => match (digest, mask) {
            (digest, None | Some("http://www.w3.org/2009/xmlenc11#mgf1sha1")) if sha1(digest) => {
                Ok(Oaep::Sha1)
            }
            (
                Some("http://www.w3.org/2001/04/xmlenc#sha256"),
                Some("http://www.w3.org/2009/xmlenc11#mgf1sha256"),
            ) => Ok(Oaep::Sha256),
            _ => Err(named("RSA-OAEP with two different digests")),
        },
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" => {
            Err(named("RSA-OAEP with two different digests"))
        }
        other => Err(named(other)),
    }
}
