//! A passkey's public key as COSE (RFC 9053) writes it, and the signatures it checks.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::PasskeyError;
use super::cbor::{Malformed, Reader};

/// ECDSA on P-256 with SHA-256, Ed25519, RSA with SHA-256: what authenticators have, best first.
pub const ALGORITHMS: [i64; 3] = [-7, -8, -257];

/// Smallest and largest RSA modulus, in bytes: 2048 to 4096 bits.
const RSA_MODULUS: std::ops::RangeInclusive<usize> = 256..=512;
/// Largest public exponent, in bytes.
const RSA_EXPONENT_MAX: usize = 4;

/// A public key, borrowed from its COSE form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PublicKey<'a> {
    P256 { x: &'a [u8; 32], y: &'a [u8; 32] },
    Ed25519(&'a [u8; 32]),
    Rsa { n: &'a [u8], e: &'a [u8] },
}

impl From<Malformed> for PasskeyError {
    fn from(_: Malformed) -> Self {
        Self::Malformed("its CBOR is not the canonical one")
    }
}

impl<'a> PublicKey<'a> {
    /// Reads the whole of `cose`.
    pub(super) fn parse(cose: &'a [u8]) -> Result<Self, PasskeyError> {
        let mut reader = Reader::new(cose);
        let (mut kind, mut algorithm, mut curve) = (None, None, None);
        let (mut first, mut second): (Option<&[u8]>, Option<&[u8]>) = (None, None);
        let mut last: Option<i64> = None;
        for _ in 0..reader.map()? {
            let label = reader.number()?;
            if last.replace(label) == Some(label) {
                return Err(PasskeyError::Malformed("its key says something twice"));
            }
            match (label, kind) {
                (1, None) => kind = Some(reader.number()?),
                (3, _) if algorithm.is_none() => algorithm = Some(reader.number()?),
                // In an RSA key -1 is the modulus and -2 the exponent; in the others -1 is the curve.
                (-1, Some(3)) if first.is_none() => first = Some(reader.bytes()?),
                (-2, Some(3)) if second.is_none() => second = Some(reader.bytes()?),
                (-1, Some(_)) if curve.is_none() => curve = Some(reader.number()?),
                (-2, Some(_)) if first.is_none() => first = Some(reader.bytes()?),
                (-3, Some(_)) if second.is_none() => second = Some(reader.bytes()?),
                _ => return Err(PasskeyError::Malformed("its key has a part that is not known")),
            }
        }
        if !reader.left().is_empty() {
            return Err(PasskeyError::Malformed("something follows its key"));
        }
        let fixed = |part: Option<&'a [u8]>| -> Result<&'a [u8; 32], PasskeyError> {
            part.and_then(|bytes| bytes.try_into().ok())
                .ok_or(PasskeyError::Malformed("its key has a part of another length"))
        };
        match (kind, algorithm, curve) {
            (Some(2), Some(-7), Some(1)) => Ok(Self::P256 { x: fixed(first)?, y: fixed(second)? }),
            (Some(1), Some(-8), Some(6)) if second.is_none() => Ok(Self::Ed25519(fixed(first)?)),
            (Some(3), Some(-257), None) => {
                let (n, e) = first.zip(second).ok_or(PasskeyError::Malformed("its key is not whole"))?;
                let odd =
                    n.last().is_some_and(|byte| byte & 1 == 1) && n.first().is_some_and(|byte| *byte != 0);
                if !RSA_MODULUS.contains(&n.len()) || e.is_empty() || e.len() > RSA_EXPONENT_MAX || !odd {
                    return Err(PasskeyError::Algorithm);
                }
                Ok(Self::Rsa { n, e })
            }
            _ => Err(PasskeyError::Algorithm),
        }
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), PasskeyError> {
        let refused = |_| PasskeyError::Signature;
        match self {
            Self::P256 { x, y } => {
                let mut point = [4u8; 65];
                point[1..33].copy_from_slice(*x);
                point[33..].copy_from_slice(*y);
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
                    .verify(message, signature)
                    .map_err(refused)
            }
            Self::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature).map_err(refused)
            }
            Self::Rsa { n, e } => RsaPublicKeyComponents { n: *n, e: *e }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .map_err(refused),
        }
    }
}
