//! The keys a provider publishes (RFC 7517), and what they vouch for.

use aws_lc_rs::signature::{
    self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::json;
use crate::jwt::Alg;

/// Longest set, in bytes.
pub(crate) const SET_MAX: usize = 256 * 1024;
/// Keys of one set that are looked at.
const KEYS_MAX: usize = 64;

#[derive(Debug, Clone)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// Uncompressed point.
    P256(Vec<u8>),
    P384(Vec<u8>),
    P521(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A key for signatures.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    kid: Option<String>,
    /// The only one it may be used with, if it says so.
    alg: Option<Alg>,
    material: Material,
}

/// A provider's keys for signatures. Others in its set are left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(Vec<Key>);

fn number(key: &Map<String, Value>, name: &str, exact: Option<usize>) -> Option<Vec<u8>> {
    let raw = URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok()?;
    exact.is_none_or(|len| raw.len() == len).then_some(raw)
}

fn point(key: &Map<String, Value>, len: usize) -> Option<Vec<u8>> {
    let (x, y) = (number(key, "x", Some(len))?, number(key, "y", Some(len))?);
    Some([&[4], x.as_slice(), y.as_slice()].concat())
}

fn read(key: &Map<String, Value>) -> Option<Key> {
    let word = |name: &str| key.get(name).and_then(Value::as_str);
    if key.get("use").is_some_and(|usage| usage != "sig") {
        return None;
    }
    if let Some(ops) = key.get("key_ops")
        && !ops.as_array()?.iter().any(|op| op == "verify")
    {
        return None;
    }
    let alg = match key.get("alg") {
        None => None,
        // One that is not known here is not to be used with another.
        Some(alg) => Some(Alg::parse(alg.as_str()?)?),
    };
    let material = match (word("kty")?, word("crv")) {
        ("RSA", _) => {
            let bare = |raw: Vec<u8>| raw.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
            let (n, e) = (bare(number(key, "n", None)?), bare(number(key, "e", None)?));
            // 2048 to 8192 bits: what is weaker is not believed, what is stronger takes too long.
            if !(256..=1024).contains(&n.len()) || e.is_empty() || e.len() > 8 {
                return None;
            }
            Material::Rsa { n, e }
        }
        ("EC", Some("P-256")) => Material::P256(point(key, 32)?),
        ("EC", Some("P-384")) => Material::P384(point(key, 48)?),
        ("EC", Some("P-521")) => Material::P521(point(key, 66)?),
        ("OKP", Some("Ed25519")) => Material::Ed25519(number(key, "x", Some(32))?),
        _ => return None,
    };
    Some(Key { kid: word("kid").map(str::to_owned), alg, material })
}

impl Keys {
    /// Reads a set.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) fn parse(raw: &[u8]) -> Result<Self, &'static str> {
        if raw.len() > SET_MAX {
            return Err("it is too long");
        }
        let set = json::object(raw)?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("it has no list of keys")?;
        Ok(Self(keys.iter().take(KEYS_MAX).filter_map(Value::as_object).filter_map(read).collect()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether one could verify `alg`.
    pub(crate) fn can(&self, alg: Alg) -> bool {
        self.fitting(alg, None).next().is_some()
    }

    /// Keys for `alg`, of this id if one is given.
    pub(crate) fn fitting<'a>(&'a self, alg: Alg, kid: Option<&'a str>) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(move |key| {
            key.alg.is_none_or(|only| only == alg)
                && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
                && key.material.fits(alg)
        })
    }
}

impl Material {
    const fn fits(&self, alg: Alg) -> bool {
        use Alg as A;
        match self {
            Self::Rsa { .. } => {
                matches!(alg, A::RS256 | A::RS384 | A::RS512 | A::PS256 | A::PS384 | A::PS512)
            }
            Self::P256(_) => matches!(alg, A::ES256),
            Self::P384(_) => matches!(alg, A::ES384),
            Self::P521(_) => matches!(alg, A::ES512),
            Self::Ed25519(_) => matches!(alg, A::EdDSA),
        }
    }
}

impl Key {
    pub(crate) fn verifies(&self, alg: Alg, signed: &[u8], signature: &[u8]) -> bool {
        let plain = |how: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(how, key).verify(signed, signature).is_ok()
        };
        let rsa: &'static RsaParameters = match alg {
            Alg::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Alg::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Alg::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Alg::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
            Alg::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
            Alg::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
            Alg::ES256 | Alg::ES384 | Alg::ES512 | Alg::EdDSA => {
                return match (&self.material, alg) {
                    (Material::P256(key), Alg::ES256) => plain(&signature::ECDSA_P256_SHA256_FIXED, key),
                    (Material::P384(key), Alg::ES384) => plain(&signature::ECDSA_P384_SHA384_FIXED, key),
                    (Material::P521(key), Alg::ES512) => plain(&signature::ECDSA_P521_SHA512_FIXED, key),
                    (Material::Ed25519(key), Alg::EdDSA) => plain(&signature::ED25519, key),
                    _ => false,
                };
            }
        };
        let Material::Rsa { n, e } = &self.material else { return false };
        RsaPublicKeyComponents { n, e }.verify(rsa, signed, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_foreign_and_private_keys_are_left_out() {
        let n = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![0xc5; bytes]);
        let set = format!(
            r#"{{"keys":[
                {{"kty":"RSA","kid":"good","n":"{}","e":"AQAB"}},
                {{"kty":"RSA","kid":"weak","n":"{}","e":"AQAB"}},
                {{"kty":"RSA","kid":"huge","n":"{}","e":"AQAB"}},
                {{"kty":"RSA","kid":"enc","use":"enc","n":"{}","e":"AQAB"}},
                {{"kty":"RSA","kid":"oaep","alg":"RSA-OAEP","n":"{}","e":"AQAB"}},
                {{"kty":"oct","kid":"shared","k":"AAAA"}},
                {{"kty":"EC","crv":"P-256","kid":"short","x":"AAAA","y":"AAAA"}},
                {{"kty":"EC","crv":"secp256k1","kid":"coin","x":"AAAA","y":"AAAA"}},
                7]}}"#,
            n(256),
            n(128),
            n(2048),
            n(256),
            n(256)
        );
        let keys = Keys::parse(set.as_bytes()).unwrap();
        assert_eq!(keys.len(), 1);
        assert!(keys.can(Alg::RS256) && keys.can(Alg::PS512) && !keys.can(Alg::ES256));
        assert!(keys.fitting(Alg::RS256, Some("weak")).next().is_none());
        assert!(!keys.fitting(Alg::RS256, None).next().unwrap().verifies(Alg::RS256, b"x", &[7; 256]));
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for wrong in [&b"{}"[..], b"[]", b"", br#"{"keys":{}}"#, &vec![b' '; SET_MAX + 1]] {
            assert!(Keys::parse(wrong).is_err());
        }
    }
}
