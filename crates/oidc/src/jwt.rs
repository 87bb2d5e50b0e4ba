//! Compact signed tokens (RFC 7515): what they say is read only after a key of the provider's, and an algorithm from the
//! list, have vouched for it. No key, address or certificate in a token's own header is ever looked at.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json;
use crate::keys::Keys;

/// Longest token, in bytes. One with five hundred groups has some twenty kilobytes.
pub(crate) const TOKEN_MAX: usize = 128 * 1024;
/// Keys that are tried for a token that names none.
const TRIED_MAX: usize = 8;

/// Algorithms that there are: a provider signs with a key that only it has. `none` and those with a shared key cannot be
/// named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alg {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    EdDSA,
}

impl Alg {
    /// As RFC 7518 and 8037 call it; RFC 9864's `Ed25519` is the same.
    pub(crate) fn parse(raw: &str) -> Option<Self> {
        Some(match raw {
            "RS256" => Self::RS256,
            "RS384" => Self::RS384,
            "RS512" => Self::RS512,
            "PS256" => Self::PS256,
            "PS384" => Self::PS384,
            "PS512" => Self::PS512,
            "ES256" => Self::ES256,
            "ES384" => Self::ES384,
            "ES512" => Self::ES512,
            "EdDSA" | "Ed25519" => Self::EdDSA,
            _ => return None,
        })
    }

    /// The hash that `at_hash` is made with.
    fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::RS256 | Self::PS256 | Self::ES256 => &digest::SHA256,
            Self::RS384 | Self::PS384 | Self::ES384 => &digest::SHA384,
            Self::RS512 | Self::PS512 | Self::ES512 | Self::EdDSA => &digest::SHA512,
        }
    }

    /// `at_hash` of an access token: the left half of its hash.
    pub(crate) fn half_hash(self, text: &str) -> String {
        let whole = digest::digest(self.hash(), text.as_bytes());
        let whole = whole.as_ref();
        URL_SAFE_NO_PAD.encode(whole.get(..whole.len() / 2).unwrap_or_default())
    }
}

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the token cannot be read: {0}")]
    Form(&'static str),
    #[error("the token is signed with `{0}`, which is not among the algorithms that were entered")]
    Algorithm(String),
    #[error("the token is signed with a key that the provider does not publish (key id {0})")]
    Key(String),
    #[error("the token's signature does not hold")]
    Signature,
}

impl TokenError {
    /// Whether newer keys may help.
    pub(crate) const fn wants_keys(&self) -> bool {
        matches!(self, Self::Key(_))
    }
}

/// A token whose signature holds.
#[derive(Debug)]
pub(crate) struct Believed {
    pub(crate) alg: Alg,
    /// The header's `typ`, in lower case.
    pub(crate) typ: Option<String>,
    pub(crate) claims: Map<String, Value>,
}

struct Parts<'a> {
    alg: Alg,
    kid: Option<String>,
    typ: Option<String>,
    signed: &'a [u8],
    payload: &'a str,
    signature: Vec<u8>,
}

fn decoded(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Form("a part of it is not base64url"))
}

fn parse<'a>(raw: &'a str, allowed: &[Alg]) -> Result<Parts<'a>, TokenError> {
    if raw.len() > TOKEN_MAX {
        return Err(TokenError::Form("it is too long"));
    }
    let (signed, signature) = raw.rsplit_once('.').ok_or(TokenError::Form("it does not have three parts"))?;
    let (head, payload) = signed.split_once('.').ok_or(TokenError::Form("it does not have three parts"))?;
    if payload.contains('.') {
        return Err(TokenError::Form("it does not have three parts"));
    }
    let head = json::object(&decoded(head)?).map_err(TokenError::Form)?;
    // Extensions that must be understood, and none of which is.
    if head.contains_key("crit") || head.contains_key("b64") {
        return Err(TokenError::Form("it asks for an extension that is not known here"));
    }
    let word = |name: &'static str| match head.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= 1_024 => Ok(Some(text.clone())),
        Some(_) => Err(TokenError::Form("its header is not right")),
    };
    let said = word("alg")?.unwrap_or_default();
    let alg = Alg::parse(&said).filter(|alg| allowed.contains(alg));
    let alg = alg.ok_or_else(|| TokenError::Algorithm(wk_domain::text::clean_line(&said, 32)))?;
    let typ = word("typ")?.map(|typ| typ.to_ascii_lowercase());
    Ok(Parts {
        alg,
        kid: word("kid")?,
        typ,
        signed: signed.as_bytes(),
        payload,
        signature: decoded(signature)?,
    })
}

/// What the token says, if it is to be believed.
///
/// # Errors
/// [`TokenError`].
pub(crate) fn believe(raw: &str, allowed: &[Alg], keys: &Keys) -> Result<Believed, TokenError> {
    let parts = parse(raw, allowed)?;
    let mut fitting = keys.fitting(parts.alg, parts.kid.as_deref()).take(TRIED_MAX).peekable();
    if fitting.peek().is_none() {
        let kid = parts.kid.as_deref().unwrap_or("none");
        return Err(TokenError::Key(wk_domain::text::clean_line(kid, 80)));
    }
    if !fitting.any(|key| key.verifies(parts.alg, parts.signed, &parts.signature)) {
        return Err(TokenError::Signature);
    }
    let claims = json::object(&decoded(parts.payload)?).map_err(TokenError::Form)?;
    Ok(Believed { alg: parts.alg, typ: parts.typ, claims })
}

/// For fuzzing: everything up to the signature.
pub(crate) fn exercise(raw: &str) {
    if let Ok(parts) = parse(raw, &[Alg::RS256, Alg::ES256, Alg::EdDSA]) {
        let _ = decoded(parts.payload).map(|payload| json::object(&payload));
    }
    let _ = believe(raw, &[Alg::RS256, Alg::ES256, Alg::EdDSA], &Keys::default());
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use proptest::prelude::*;

    use super::*;

    const ALL: &[Alg] = &[Alg::RS256, Alg::PS256, Alg::ES256, Alg::EdDSA];

    fn b64(raw: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(raw)
    }

    struct Signer {
        pair: EcdsaKeyPair,
    }

    impl Signer {
        fn new() -> Self {
            Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
        }

        fn keys(&self, more: &str) -> Keys {
            let point = self.pair.public_key().as_ref();
            let (x, y) = (b64(&point[1..33]), b64(&point[33..65]));
            let set =
                format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"one","x":"{x}","y":"{y}"{more}}}]}}"#);
            Keys::parse(set.as_bytes()).unwrap()
        }

        fn token(&self, head: &str, payload: &str) -> String {
            let signed = format!("{}.{}", b64(head), b64(payload));
            let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            format!("{signed}.{}", b64(signature))
        }
    }

    #[test]
    fn a_signed_token_is_believed_and_one_with_a_bit_changed_is_not() {
        let signer = Signer::new();
        let keys = signer.keys("");
        let token = signer.token(r#"{"alg":"ES256","kid":"one","typ":"JWT"}"#, r#"{"sub":"7"}"#);
        let believed = believe(&token, ALL, &keys).unwrap();
        assert_eq!((believed.claims["sub"].as_str(), believed.typ.as_deref()), (Some("7"), Some("jwt")));
        let other = token.replace(&b64(r#"{"sub":"7"}"#), &b64(r#"{"sub":"8"}"#));
        assert_eq!(believe(&other, ALL, &keys).unwrap_err(), TokenError::Signature);
        assert_eq!(believe(&token, ALL, &Signer::new().keys("")).unwrap_err(), TokenError::Signature);
        assert_eq!(believe(&token, &[Alg::RS256], &keys).unwrap_err(), TokenError::Algorithm("ES256".into()));
    }

    #[test]
    fn no_header_talks_its_way_in() {
        let signer = Signer::new();
        let keys = signer.keys("");
        for (head, why) in [
            (r#"{"alg":"none"}"#, "none"),
            (r#"{"alg":"None"}"#, "None"),
            (r#"{"alg":"HS256","kid":"one"}"#, "HS256"),
            (r#"{}"#, ""),
            (r#"{"alg":"es256","kid":"one"}"#, "es256"),
        ] {
            let refused = believe(&signer.token(head, "{}"), ALL, &keys).unwrap_err();
            assert_eq!(refused, TokenError::Algorithm(why.to_owned()), "{head}");
        }
        for head in [
            r#"{"alg":"ES256","kid":"two"}"#,
            r#"{"alg":"RS256","kid":"one"}"#,
            r#"{"alg":"EdDSA"}"#,
            r#"{"alg":"ES256","kid":"two","jwk":{"kty":"EC"},"jku":"https://evil.example/keys"}"#,
        ] {
            assert!(believe(&signer.token(head, "{}"), ALL, &keys).unwrap_err().wants_keys(), "{head}");
        }
        for head in [
            r#"{"alg":"ES256","kid":"one","crit":["exp"]}"#,
            r#"{"alg":"ES256","kid":"one","b64":false}"#,
            r#"{"alg":"ES256","alg":"none"}"#,
            r#"{"alg":["ES256"]}"#,
            r#"{"alg":"ES256","kid":7}"#,
        ] {
            let refused = believe(&signer.token(head, "{}"), ALL, &keys).unwrap_err();
            assert!(matches!(refused, TokenError::Form(_)), "{head}: {refused}");
        }
        // Without a key id any fitting key may vouch; a key for something else may not.
        assert!(believe(&signer.token(r#"{"alg":"ES256"}"#, "{}"), ALL, &keys).is_ok());
        for more in [r#","use":"enc""#, r#","alg":"ES384""#, r#","key_ops":["sign"]"#] {
            let token = signer.token(r#"{"alg":"ES256","kid":"one"}"#, "{}");
            assert!(believe(&token, ALL, &signer.keys(more)).unwrap_err().wants_keys(), "{more}");
        }
        // A claim twice.
        let token = signer.token(r#"{"alg":"ES256"}"#, r#"{"aud":"a","aud":"b"}"#);
        assert!(matches!(believe(&token, ALL, &keys).unwrap_err(), TokenError::Form(_)));
    }

    #[test]
    fn the_half_hash_is_the_specifications() {
        // OpenID Connect Core 1.0, A.3: the access token and the at_hash of its ID token.
        let half = Alg::RS256.half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
        assert_eq!(half, "77QmUPtjPfzWtF2AnpK9RQ");
    }

    proptest! {
        #[test]
        fn anything_is_read_without_a_panic(raw in "[A-Za-z0-9_.=-]{0,200}") {
            exercise(&raw);
        }

        #[test]
        fn any_header_and_payload_are_read_without_a_panic(head: Vec<u8>, payload: Vec<u8>, signature: Vec<u8>) {
            exercise(&format!("{}.{}.{}", b64(head), b64(payload), b64(signature)));
        }
    }
}
