//! Certificate requests from agents: the key counts, every name in them is ignored.

use rcgen::SubjectPublicKeyInfo;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

use crate::cert::{KeyKind, key_of_spki, signed_by};

/// A request with a P-256 key and no names has about 200 bytes.
pub const CSR_BYTES_MAX: usize = 4096;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CsrError {
    /// Too long.
    #[error("the certificate request has {bytes} bytes: at most {CSR_BYTES_MAX} are read")]
    TooLong { bytes: usize },
    /// Not a request.
    #[error("this is not one PKCS#10 certificate request in DER")]
    Der,
    /// A key of another kind.
    #[error("the request's key is neither P-256 (uncompressed) nor Ed25519")]
    Key,
    /// Nobody showed that they hold the key.
    #[error("the request's signature is not by the key in it")]
    Signature,
}

/// A request whose sender has shown to hold the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCsr {
    spki_der: Vec<u8>,
}

impl AgentCsr {
    /// Reads and verifies a request.
    ///
    /// # Errors
    /// [`CsrError`].
    pub fn parse(der: &[u8]) -> Result<Self, CsrError> {
        if der.len() > CSR_BYTES_MAX {
            return Err(CsrError::TooLong { bytes: der.len() });
        }
        let (rest, csr) = X509CertificationRequest::from_der(der).map_err(|_| CsrError::Der)?;
        if !rest.is_empty() {
            return Err(CsrError::Der);
        }
        let info = &csr.certification_request_info;
        let spki_der = info.subject_pki.raw;
        let (kind, _) = key_of_spki(spki_der).ok_or(CsrError::Key)?;
        let algorithm = csr.signature_algorithm.algorithm.to_id_string();
        let signature: &[u8] = &csr.signature_value.data;
        if !signed_by(spki_der, &algorithm, info.raw, signature) {
            return Err(CsrError::Signature);
        }
        // The parser forgives spare bits and tags that the signature does not cover. One request has one spelling here.
        if spelling(info.raw, kind, signature) != der {
            return Err(CsrError::Der);
        }
        Ok(Self { spki_der: spki_der.to_vec() })
    }

    /// SHA-256 of the key's `SubjectPublicKeyInfo`: what names the key in a store.
    pub fn spki_sha256(&self) -> [u8; 32] {
        wk_seal::sha256(&self.spki_der)
    }

    pub(crate) fn public_key(&self) -> Result<SubjectPublicKeyInfo, CsrError> {
        SubjectPublicKeyInfo::from_der(&self.spki_der).map_err(|_| CsrError::Key)
    }
}

/// `AlgorithmIdentifier` of ecdsa-with-SHA256, and of Ed25519.
const ECDSA_SHA256: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

/// The only DER of a request with these parts.
fn spelling(info: &[u8], kind: KeyKind, signature: &[u8]) -> Vec<u8> {
    let mut bits = vec![0u8];
    bits.extend_from_slice(signature);
    let algorithm = match kind {
        KeyKind::P256 => ECDSA_SHA256,
        KeyKind::Ed25519 => ED25519,
    };
    let body = [info, algorithm, &tagged(0x03, &bits)].concat();
    tagged(0x30, &body)
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u64).to_be_bytes();
    let zeros = len.iter().take_while(|&&byte| byte == 0).count().min(7);
    let digits = &len[zeros..];
    let mut out = vec![tag];
    match digits {
        [short @ 0..=0x7f] => out.push(*short),
        // At most eight digits.
        _ => {
            out.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
            out.extend_from_slice(digits);
        }
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn csr(alg: &'static rcgen::SignatureAlgorithm, names: &[&str]) -> Vec<u8> {
        let key = KeyPair::generate_for(alg).unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        CertificateParams::new(names).unwrap().serialize_request(&key).unwrap().der().to_vec()
    }

    #[test]
    fn accepts_the_two_kinds_of_key_whatever_the_names() {
        for alg in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ED25519] {
            AgentCsr::parse(&csr(alg, &["admin.example.org"])).unwrap().public_key().unwrap();
        }
    }

    #[test]
    fn refuses_other_keys_and_lengths() {
        assert_eq!(AgentCsr::parse(&csr(&rcgen::PKCS_ECDSA_P384_SHA384, &[])), Err(CsrError::Key));
        assert_eq!(AgentCsr::parse(&[0x30; 5000]), Err(CsrError::TooLong { bytes: 5000 }));
        let mut long = csr(&rcgen::PKCS_ED25519, &[]);
        long.push(0);
        assert_eq!(AgentCsr::parse(&long), Err(CsrError::Der));
    }

    #[test]
    fn refuses_every_changed_byte() {
        let good = csr(&rcgen::PKCS_ECDSA_P256_SHA256, &["a"]);
        for at in 0..good.len() {
            let mut bent = good.clone();
            bent[at] ^= 1;
            assert!(AgentCsr::parse(&bent).is_err(), "byte {at}");
            assert!(AgentCsr::parse(&good[..at]).is_err());
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(AgentCsr::parse(&bytes).is_err());
        }
    }
}
