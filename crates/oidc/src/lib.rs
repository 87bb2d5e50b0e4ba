//! OpenID Connect: signing in at somebody else's, by authorization code with PKCE, and being told when that is over.
//!
//! | file | what |
//! |---|---|
//! | [`config`] | what an administrator enters, read strictly |
//! | `json` | JSON without doubled names |
//! | `jwt` | compact signed tokens: parsed, and believed only with a key and an algorithm from the list |
//! | `keys` | the provider's keys |
//! | `claims` | what an ID token and a logout token must say |
//! | `client` | discovery, keys, token and userinfo: fetched from the configured hosts alone |
//! | [`kind`] | the whole walk, as [`wk_identity::outside::ProviderKind`] |
//!
//! Specifications: OpenID Connect Core 1.0, Discovery 1.0, Back-Channel Logout 1.0, RFC 7515 to 7518, 7636, 8725, 9207, 9700.
//! Left out: encrypted tokens, symmetric signatures, implicit and hybrid flows, `request` objects, dynamic registration.

mod claims;
mod client;
pub mod config;
mod json;
mod jwt;
mod keys;
pub mod kind;

pub use config::Config;
pub use kind::Oidc;

/// Readers of hostile bytes, reachable for fuzzing.
#[doc(hidden)]
pub mod fuzzing {
    /// A token, of whatever kind, from a provider with no keys: parsed and then refused.
    pub fn token(raw: &str) {
        crate::jwt::exercise(raw);
    }

    /// A token whose header and claims are these texts.
    pub fn parts(head: &str, claims: &str) {
        use base64::Engine as _;
        let b64 = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        crate::jwt::exercise(&format!("{}.{}.AAAA", b64(head), b64(claims)));
    }

    /// A set of keys.
    pub fn keys(raw: &[u8]) {
        let _ = crate::keys::Keys::parse(raw);
    }
}
