//! RADIUS: asks a server whether name and password are right, and passes its further questions on.
//!
//! In TLS with certificates on both sides (RadSec) by default. Plain packets go only to networks that an operator has
//! declared as protected, with a Message-Authenticator in both directions: nothing else stands between a listener and a
//! password there but MD5. PAP alone: what CHAP would hide, it would make the server keep in clear.

mod client;
mod config;
mod hide;
mod kind;
mod packet;

pub use config::{GroupAttribute, RadiusConfig, SecondFactor, Transport};
pub use kind::RadiusKind;

/// For fuzzing: an answer as it comes, and as one that holds the right authenticator.
pub(crate) fn exercise(bytes: &[u8]) {
    let secret = wk_seal::SecretBytes::new(b"a shared secret for fuzzing".to_vec());
    let request = packet::Builder::new(0, [0; 16])
        .with(packet::USER_NAME, b"a")
        .and_then(|builder| builder.with_password(&secret, b"b"))
        .and_then(|builder| builder.finish(&secret));
    let Some(request) = request else { return };
    assert!(request.judge(&secret, bytes, false).is_err(), "an answer without the secret");
    let mut signed = bytes.to_vec();
    if signed.len() < packet::HEAD {
        return;
    }
    let length = u16::try_from(signed.len()).unwrap_or(u16::MAX).to_be_bytes();
    signed[1] = 0;
    signed[2..4].copy_from_slice(&length);
    let right = hide::response_authenticator(&secret, &[&signed[..4], &[0; 16], &signed[packet::HEAD..]]);
    signed[4..packet::HEAD].copy_from_slice(&right);
    if let Ok(reply) = request.judge(&secret, &signed, true) {
        client::exercise(&reply);
    }
}
