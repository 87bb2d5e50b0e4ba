//! Keys: those of identity providers, which are certificates somebody configured, and our own.
//!
//! A certificate here is a container for a public key and no more: who signs is settled by the configuration, so names,
//! chains and dates of a certificate prove nothing and are only shown. Key material inside a message is never looked at.

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{self, KeyPair as _, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wk_domain::Timestamp;
use wk_domain::text::clean_line;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use zeroize::Zeroizing;

use crate::time;

/// Longest certificate, in bytes.
const CERTIFICATE_MAX: usize = 16 << 10;
/// How long our own certificate says that it is valid. Providers show it, some warn; the key is rotated before.
const OWN_DAYS: i64 = 3 * 365;

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";

/// Why a key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("this is not a certificate: paste the text between BEGIN CERTIFICATE and END CERTIFICATE")]
    NotACertificate,
    #[error(
        "the certificate has a key of a kind that is not accepted here: RSA of 2048 to 8192 bits, P-256 or P-384"
    )]
    Kind,
    #[error("the own key cannot be read; make a new one")]
    Own,
    #[error("the system gave no randomness")]
    Random,
}

/// What a signature is made with. SHA-1, MD5, DSA and everything symmetric are not here, so they cannot be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureMethod {
    RsaSha256,
    RsaSha384,
    RsaSha512,
    PssSha256,
    PssSha384,
    PssSha512,
    EcdsaSha256,
    EcdsaSha384,
}

impl SignatureMethod {
    pub(crate) fn of(uri: &str) -> Option<Self> {
        Some(match uri {
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => Self::RsaSha256,
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => Self::RsaSha384,
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => Self::RsaSha512,
            "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1" => Self::PssSha256,
            "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1" => Self::PssSha384,
            "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1" => Self::PssSha512,
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => Self::EcdsaSha256,
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => Self::EcdsaSha384,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
}

/// The certificate with which an identity provider signs.
#[derive(Clone, PartialEq, Eq)]
pub struct IdpCertificate {
    kind: Kind,
    key: Vec<u8>,
    der: Vec<u8>,
    /// Whom it names, to be shown.
    pub subject: String,
    /// When it says it ends; for a warning only.
    pub not_after: Timestamp,
}

impl fmt::Debug for IdpCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdpCertificate").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl IdpCertificate {
    /// Reads DER.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        if der.len() > CERTIFICATE_MAX {
            return Err(KeyError::NotACertificate);
        }
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| KeyError::NotACertificate)?;
        if !rest.is_empty() {
            return Err(KeyError::NotACertificate);
        }
        let public = certificate.public_key();
        let algorithm = public.algorithm.algorithm.to_id_string();
        let curve =
            public.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok()).map(|o| o.to_id_string());
        let kind = match (algorithm.as_str(), curve.as_deref()) {
            (RSA, _) => Kind::Rsa,
            (EC, Some(P256)) => Kind::P256,
            (EC, Some(P384)) => Kind::P384,
            _ => return Err(KeyError::Kind),
        };
        if let Ok(PublicKey::RSA(key)) = public.parsed()
            && !(2048..=8192).contains(&key.key_size())
        {
            return Err(KeyError::Kind);
        }
        let key = public.subject_public_key.data.to_vec();
        let not_after =
            Timestamp::from_ms(certificate.validity().not_after.timestamp().saturating_mul(1_000));
        let subject = clean_line(certificate.subject().to_string(), 200);
        Ok(Self { kind, key, der: der.to_vec(), subject, not_after })
    }

    /// Reads what people paste: PEM, or base64 alone as in metadata.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        if text.len() > 2 * CERTIFICATE_MAX {
            return Err(KeyError::NotACertificate);
        }
        let body: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("-----"))
            .flat_map(str::chars)
            .collect();
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        let der = STANDARD.decode(body).map_err(|_| KeyError::NotACertificate)?;
        Self::from_der(&der)
    }

    /// As DER in base64, the form that a configuration keeps.
    pub fn to_text(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// SHA-256 of the certificate, lower-case hex: what one compares over the telephone.
    pub fn fingerprint(&self) -> String {
        hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der).as_ref())
    }

    /// Whether this key made the signature. A method that does not fit the kind of key says no.
    pub(crate) fn verify(&self, method: SignatureMethod, message: &[u8], signature: &[u8]) -> bool {
        use SignatureMethod as M;
        let algorithm: &'static dyn signature::VerificationAlgorithm = match (self.kind, method) {
            (Kind::Rsa, M::RsaSha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Kind::Rsa, M::RsaSha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Kind::Rsa, M::RsaSha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (Kind::Rsa, M::PssSha256) => &signature::RSA_PSS_2048_8192_SHA256,
            (Kind::Rsa, M::PssSha384) => &signature::RSA_PSS_2048_8192_SHA384,
            (Kind::Rsa, M::PssSha512) => &signature::RSA_PSS_2048_8192_SHA512,
            (Kind::P256, M::EcdsaSha256) => &signature::ECDSA_P256_SHA256_FIXED,
            (Kind::P384, M::EcdsaSha384) => &signature::ECDSA_P384_SHA384_FIXED,
            _ => return false,
        };
        !signature.is_empty()
            && UnparsedPublicKey::new(algorithm, &self.key).verify(message, signature).is_ok()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How a content key was wrapped for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oaep {
    /// SHA-1 for digest and mask: what deployed providers send. The digest is no signature here; collisions are no help.
    Sha1,
    Sha256,
}

/// Our own key: it signs requests, and reads assertions that are encrypted for us.
pub struct OwnKey {
    pkcs8: Zeroizing<Vec<u8>>,
    pair: RsaKeyPair,
    certificate: Vec<u8>,
    /// When it was made.
    pub made: Timestamp,
}

impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnKey(..)")
    }
}

impl OwnKey {
    /// A new key of 3072 bits with a certificate of its own hand, which names `name`. Takes a second or so.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate(name: &str, now: Timestamp) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(|_| KeyError::Random)?;
        let pkcs8 = Zeroizing::new(pair.as_der().map_err(|_| KeyError::Own)?.as_ref().to_vec());
        let certificate = self_signed(&pair, name, now)?;
        Ok(Self { pkcs8, pair, certificate, made: now })
    }

    /// What is to be sealed and kept: `made in ms . PKCS#8 . certificate`, in base64.
    pub fn to_secret(&self) -> Zeroizing<String> {
        let (key, certificate) =
            (Zeroizing::new(STANDARD.encode(&*self.pkcs8)), STANDARD.encode(&self.certificate));
        Zeroizing::new(format!("{}.{}.{certificate}", self.made.as_ms(), &*key))
    }

    /// Reads what [`Self::to_secret`] gave.
    ///
    /// # Errors
    /// [`KeyError::Own`].
    pub fn from_secret(secret: &str) -> Result<Self, KeyError> {
        let mut parts = secret.trim().split('.');
        let mut next = || parts.next().ok_or(KeyError::Own);
        let made = Timestamp::from_ms(next()?.parse().map_err(|_| KeyError::Own)?);
        let pkcs8 = Zeroizing::new(STANDARD.decode(next()?).map_err(|_| KeyError::Own)?);
        let certificate = STANDARD.decode(next()?).map_err(|_| KeyError::Own)?;
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| KeyError::Own)?;
        let of = IdpCertificate::from_der(&certificate).map_err(|_| KeyError::Own)?;
        if parts.next().is_some() || of.key != pair.public_key().as_ref() {
            return Err(KeyError::Own);
        }
        Ok(Self { pkcs8, pair, certificate, made })
    }

    /// The certificate, as metadata carries it.
    pub fn certificate_text(&self) -> String {
        STANDARD.encode(&self.certificate)
    }

    /// The certificate as a provider's key, for whoever checks what we signed.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn certificate(&self) -> Result<IdpCertificate, KeyError> {
        IdpCertificate::from_der(&self.certificate)
    }

    /// RSA with SHA-256, PKCS #1 1.5: what every provider understands.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        sign(&self.pair, message)
    }

    pub(crate) fn unwrap_key(&self, how: Oaep, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = PrivateDecryptingKey::from_pkcs8(&self.pkcs8).ok()?;
        let key = OaepPrivateDecryptingKey::new(key).ok()?;
        if wrapped.len() != key.key_size_bytes() {
            return None;
        }
        let algorithm = match how {
            Oaep::Sha1 => &OAEP_SHA1_MGF1SHA1,
            Oaep::Sha256 => &OAEP_SHA256_MGF1SHA256,
        };
        let mut plain = Zeroizing::new(vec![0; key.min_output_size()]);
        let length = key.decrypt(algorithm, wrapped, &mut plain, None).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

fn sign(pair: &RsaKeyPair, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| KeyError::Random)?;
    Ok(signature)
}

// ---- a certificate is a form that providers' screens ask for: the few lines of DER it takes

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// An X.509 certificate of version 3 without extensions: SHA256withRSA, and a common name.
fn self_signed(pair: &RsaKeyPair, name: &str, now: Timestamp) -> Result<Vec<u8>, KeyError> {
    const SHA256_WITH_RSA: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 11, 5, 0];
    const RSA_ENCRYPTION: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
    const COMMON_NAME: &[u8] = &[6, 3, 0x55, 4, 3];
    let mut serial = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| KeyError::Random)?;
    // Positive, and no zero in front.
    serial[0] = serial[0] & 0x7f | 0x40;
    // X.520 allows 64 characters.
    let name: String = clean_line(name, 64).chars().filter(char::is_ascii).take(64).collect();
    let name = der(0x30, &[&der(0x31, &[&der(0x30, &[COMMON_NAME, &der(0x0c, &[name.as_bytes()])])])]);
    let end = Timestamp::from_ms(now.as_ms() + OWN_DAYS * 86_400_000);
    let from = Timestamp::from_ms(now.as_ms() - 300_000);
    let at = |time: Timestamp| match time::generalized(time) {
        // Before 2050 the other of the two forms is demanded.
        text if text.as_str() < "2050" => der(0x17, &[text.get(2..).unwrap_or_default().as_bytes()]),
        text => der(0x18, &[text.as_bytes()]),
    };
    let validity = der(0x30, &[&at(from), &at(end)]);
    let key = der(0x30, &[RSA_ENCRYPTION, &der(3, &[&[0], pair.public_key().as_ref()])]);
    let version = der(0xa0, &[&[2, 1, 2]]);
    let signed = der(0x30, &[&version, &der(2, &[&serial]), SHA256_WITH_RSA, &name, &validity, &name, &key]);
    let signature = sign(pair, &signed)?;
    Ok(der(0x30, &[&signed, SHA256_WITH_RSA, &der(3, &[&[0], &signature])]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_key_has_a_certificate_that_holds_and_comes_back_from_its_secret() {
        let now = Timestamp::from_ms(1_795_284_000_000);
        let key = OwnKey::generate("https://watch.example/saml", now).unwrap();
        let (_, parsed) = X509Certificate::from_der(&key.certificate).unwrap();
        assert_eq!(parsed.subject().to_string(), "CN=https://watch.example/saml");
        assert_eq!(parsed.validity().not_before.timestamp(), now.as_ms() / 1_000 - 300);
        let certificate = key.certificate().unwrap();
        let signature = &parsed.signature_value.data;
        assert!(certificate.verify(SignatureMethod::RsaSha256, parsed.tbs_certificate.as_ref(), signature));
        let again = OwnKey::from_secret(&key.to_secret()).unwrap();
        assert_eq!((again.made, &again.certificate), (key.made, &key.certificate));
        assert!(certificate.verify(SignatureMethod::RsaSha256, b"x", &again.sign(b"x").unwrap()));
        assert!(!certificate.verify(SignatureMethod::RsaSha384, b"x", &again.sign(b"x").unwrap()));
        assert!(!certificate.verify(SignatureMethod::EcdsaSha256, b"x", &again.sign(b"x").unwrap()));
        assert_eq!(format!("{key:?}"), "OwnKey(..)");
        let other = OwnKey::generate("x", now).unwrap();
        let mixed = {
            let (a, b) = (key.to_secret(), other.to_secret());
            let head: Vec<&str> = a.split('.').collect();
            let tail: Vec<&str> = b.split('.').collect();
            format!("{}.{}.{}", head[0], head[1], tail[2])
        };
        for wrong in ["", "1", "1.x.y", mixed.as_str()] {
            assert_eq!(OwnKey::from_secret(wrong).unwrap_err(), KeyError::Own);
        }
    }
}
