//! Reading certificates: only the few facts the rest of the crate asks for, from bytes that may be hostile.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey};
use wk_domain::Timestamp;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Our own certificates are below 1 KiB; a name-constrained root with 64 names is below 4.
pub(crate) const CERT_BYTES_MAX: usize = 16 * 1024;

/// Why bytes are not a certificate this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertError {
    /// Longer than any certificate of ours.
    #[error("the certificate is longer than {CERT_BYTES_MAX} bytes")]
    TooLong,
    /// Not DER, or something after it.
    #[error("this is not one X.509 certificate in DER")]
    Der,
    /// A serial longer than the 128 bits that ours have.
    #[error("the certificate's serial is longer than 128 bits")]
    Serial,
    /// A key of another kind.
    #[error("the certificate's key is neither P-256 nor Ed25519")]
    Key,
}

/// A certificate's serial: 128 random bits, printed as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial([u8; 16]);

impl Serial {
    /// The serial around bytes from a store.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Big-endian bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From the content of a DER INTEGER, which may carry a leading zero and drops further ones.
    fn from_der_integer(raw: &[u8]) -> Option<Self> {
        let digits = match raw {
            [0, rest @ ..] => rest,
            _ => raw,
        };
        let mut bytes = [0u8; 16];
        bytes.get_mut(16usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
        Some(Self(bytes))
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Serial {
    type Err = CertError;

    fn from_str(raw: &str) -> Result<Self, CertError> {
        if raw.len() != 32 || !raw.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(CertError::Serial);
        }
        u128::from_str_radix(raw, 16).map(|value| Self(value.to_be_bytes())).map_err(|_| CertError::Serial)
    }
}

/// The two kinds of key that exist in this system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    P256,
    Ed25519,
}

impl KeyKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "ECDSA P-256",
            Self::Ed25519 => "Ed25519",
        }
    }
}

/// `SubjectPublicKeyInfo` of an uncompressed P-256 point: everything before the 64 bytes of the point.
const P256_PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
/// The same for the 32 bytes of an Ed25519 key.
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Splits a `SubjectPublicKeyInfo` by its exact DER: one spelling per key, so a digest of it names the key.
pub(crate) fn key_of_spki(spki_der: &[u8]) -> Option<(KeyKind, &[u8])> {
    if spki_der.len() == 91 && spki_der.starts_with(&P256_PREFIX) {
        return Some((KeyKind::P256, &spki_der[26..]));
    }
    if spki_der.len() == 44 && spki_der.starts_with(&ED25519_PREFIX) {
        return Some((KeyKind::Ed25519, &spki_der[12..]));
    }
    None
}

/// Whether `signature` (with its algorithm's OID) is by the key in `spki_der` over `message`.
pub(crate) fn signed_by(spki_der: &[u8], algorithm_oid: &str, message: &[u8], signature: &[u8]) -> bool {
    match key_of_spki(spki_der) {
        Some((KeyKind::P256, key)) => {
            algorithm_oid == "1.2.840.10045.4.3.2"
                && UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature).is_ok()
        }
        Some((KeyKind::Ed25519, key)) => {
            algorithm_oid == "1.3.101.112"
                && UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
        }
        None => false,
    }
}

/// What a certificate says, as far as anybody here asks.
#[derive(Debug, Clone)]
pub(crate) struct CertFacts {
    pub(crate) serial: Serial,
    pub(crate) subject: String,
    /// Subject and issuer as they stand in the DER, to match one against the other.
    pub(crate) subject_der: Vec<u8>,
    pub(crate) issuer_der: Vec<u8>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) key: KeyKind,
    pub(crate) spki_der: Vec<u8>,
    pub(crate) is_ca: bool,
    pub(crate) self_signed: bool,
    pub(crate) client_auth_only: bool,
    /// Alternative names: DNS and addresses as text, URIs with their scheme.
    pub(crate) dns: Vec<String>,
    pub(crate) ips: Vec<std::net::IpAddr>,
    pub(crate) uris: Vec<String>,
    /// Alternative names of any other sort.
    pub(crate) other_names: usize,
    /// Permitted subtrees of the name constraints; `None` without constraints.
    pub(crate) permitted: Option<Permitted>,
}

/// The name constraints of a root, as far as this crate writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Permitted {
    pub(crate) dns: Vec<String>,
    /// Address and mask, four or sixteen bytes each.
    pub(crate) nets: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Permitted {
    pub(crate) fn allows_dns(&self, name: &str) -> bool {
        self.dns.iter().any(|base| {
            name == base || name.strip_suffix(base.as_str()).is_some_and(|front| front.ends_with('.'))
        })
    }

    pub(crate) fn allows_ip(&self, ip: std::net::IpAddr) -> bool {
        let bytes = match ip {
            std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
            std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        self.nets.iter().any(|(net, mask)| {
            net.len() == bytes.len() && bytes.iter().zip(mask).zip(net).all(|((b, m), n)| b & m == n & m)
        })
    }
}

fn ip_of(bytes: &[u8]) -> Option<std::net::IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(std::net::IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(std::net::IpAddr::from),
        _ => None,
    }
}

impl CertFacts {
    pub(crate) fn read(der: &[u8]) -> Result<Self, CertError> {
        if der.len() > CERT_BYTES_MAX {
            return Err(CertError::TooLong);
        }
        let (rest, cert) = X509Certificate::from_der(der).map_err(|_| CertError::Der)?;
        if !rest.is_empty() {
            return Err(CertError::Der);
        }
        let spki_der = cert.public_key().raw.to_vec();
        let (key, _) = key_of_spki(&spki_der).ok_or(CertError::Key)?;
        let instant = |seconds: i64| Timestamp::from_ms(seconds.saturating_mul(1000));
        let usage = cert.extended_key_usage().map_err(|_| CertError::Der)?;
        let client_auth_only = usage.is_some_and(|usage| {
            let usage = usage.value;
            usage.client_auth && !usage.any && !usage.server_auth && usage.other.is_empty()
        });
        let mut facts = Self {
            serial: Serial::from_der_integer(cert.tbs_certificate.raw_serial()).ok_or(CertError::Serial)?,
            subject: cert.subject().to_string(),
            subject_der: cert.subject().as_raw().to_vec(),
            issuer_der: cert.issuer().as_raw().to_vec(),
            not_before: instant(cert.validity().not_before.timestamp()),
            not_after: instant(cert.validity().not_after.timestamp()),
            key,
            is_ca: cert.is_ca(),
            self_signed: signed_by(
                &spki_der,
                &cert.signature_algorithm.algorithm.to_id_string(),
                cert.tbs_certificate.as_ref(),
                &cert.signature_value.data,
            ),
            spki_der,
            client_auth_only,
            dns: Vec::new(),
            ips: Vec::new(),
            uris: Vec::new(),
            other_names: 0,
            permitted: None,
        };
        if let Some(names) = cert.subject_alternative_name().map_err(|_| CertError::Der)? {
            for name in &names.value.general_names {
                match name {
                    GeneralName::DNSName(name) => facts.dns.push((*name).to_owned()),
                    GeneralName::URI(uri) => facts.uris.push((*uri).to_owned()),
                    GeneralName::IPAddress(bytes) => match ip_of(bytes) {
                        Some(ip) => facts.ips.push(ip),
                        None => facts.other_names += 1,
                    },
                    _ => facts.other_names += 1,
                }
            }
        }
        if let Some(constraints) = cert.tbs_certificate.name_constraints().map_err(|_| CertError::Der)? {
            let mut permitted = Permitted::default();
            for subtree in constraints.value.permitted_subtrees.iter().flatten() {
                match &subtree.base {
                    GeneralName::DNSName(name) => permitted.dns.push((*name).to_owned()),
                    GeneralName::IPAddress(bytes) => {
                        let (net, mask) = bytes.split_at(bytes.len() / 2);
                        permitted.nets.push((net.to_vec(), mask.to_vec()));
                    }
                    _ => {}
                }
            }
            facts.permitted = Some(permitted);
        }
        Ok(facts)
    }

    pub(crate) fn spki_sha256(&self) -> [u8; 32] {
        wk_seal::sha256(&self.spki_der)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn serials_print_and_parse() {
        let serial = Serial::from_der_integer(&[0, 0xff, 1]).unwrap();
        assert_eq!(serial.to_string(), "0000000000000000000000000000ff01");
        assert_eq!(serial.to_string().parse::<Serial>(), Ok(serial));
        assert_eq!(Serial::from_der_integer(&[1; 17]), None);
        assert_eq!(Serial::from_der_integer(&[0, 0xff].repeat(8)[..16]).unwrap().0[0], 0);
        for bad in ["", "+0000000000000000000000000000ff0", "0000000000000000000000000000FF01"] {
            assert!(bad.parse::<Serial>().is_err());
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(CertFacts::read(&bytes).is_err());
        }
    }
}
