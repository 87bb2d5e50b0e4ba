//! Certificate requests from agents: the key counts, every name in them is ignored.

use rcgen::SubjectPublicKeyInfo;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

use crate::cert::{key_of_spki, signed_by};

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
        key_of_spki(spki_der).ok_or(CsrError::Key)?;
        let algorithm = csr.signature_algorithm.algorithm.to_id_string();
        if !signed_by(spki_der, &algorithm, info.raw, &csr.signature_value.data) {
            return Err(CsrError::Signature);
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
