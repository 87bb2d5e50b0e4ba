//! The one place where MD5 is used, because RADIUS is made of it (RFC 2865, 3 and 5.2; RFC 2869, 5.14).
//!
//! What protects is not this: it is TLS (RadSec), or the path that an operator declares as protected.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;
use wk_seal::SecretBytes;
use zeroize::Zeroizing;

/// HMAC-MD5 over the parts.
pub(crate) fn message_authenticator(secret: &SecretBytes, parts: &[&[u8]]) -> Option<[u8; 16]> {
    let mut mac = Hmac::<Md5>::new_from_slice(secret.expose()).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac.finalize().into_bytes().into())
}

/// MD5 over the parts and the secret.
pub(crate) fn response_authenticator(secret: &SecretBytes, parts: &[&[u8]]) -> [u8; 16] {
    let mut md5 = Md5::new();
    parts.iter().for_each(|part| md5.update(part));
    md5.update(secret.expose());
    md5.finalize().into()
}

pub(crate) fn same(a: &[u8; 16], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Longest password that the protocol carries.
pub(crate) const PASSWORD_MAX: usize = 128;

/// The password as it travels: a chain of MD5 over blocks of 16.
pub(crate) fn password(secret: &SecretBytes, request: &[u8; 16], password: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(password.to_vec());
    out.resize(password.len().max(1).next_multiple_of(16), 0);
    let mut previous = *request;
    for block in out.chunks_exact_mut(16) {
        let mut md5 = Md5::new();
        md5.update(secret.expose());
        md5.update(previous);
        let mask: [u8; 16] = md5.finalize().into();
        block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        previous.copy_from_slice(block);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(raw: &str) -> Vec<u8> {
        (0..raw.len()).step_by(2).map(|at| u8::from_str_radix(&raw[at..at + 2], 16).unwrap()).collect()
    }

    fn secret() -> SecretBytes {
        SecretBytes::new(b"xyzzy5461".to_vec())
    }

    /// RFC 2865, 7.1.
    #[test]
    fn passwords_are_hidden_as_in_the_standards_example() {
        let request: [u8; 16] = hex("0f403f9473978057bd83d5cb98f4227a").try_into().unwrap();
        assert_eq!(*password(&secret(), &request, b"arctangent"), hex("0dbe708d93d413ce3196e43f782a0aee"));
        assert_eq!(password(&secret(), &request, &[b'x'; 128]).len(), 128);
    }

    /// RFC 2865, 7.1: the answer to that.
    #[test]
    fn answers_are_signed_as_in_the_standards_example() {
        let request = hex("0f403f9473978057bd83d5cb98f4227a");
        let attributes = hex("0606000000010f06000000000e06c0a80103");
        let found = response_authenticator(&secret(), &[&hex("02000026"), &request, &attributes]);
        assert_eq!(found.to_vec(), hex("86fe220e7624ba2a1005f6bf9b55e0b2"));
    }

    /// RFC 5997, 6.1.
    #[test]
    fn messages_are_authenticated_as_in_the_standards_example() {
        let head = hex("0cda00268a54f4686fb394c52866e302185d0623");
        let zeroed = [hex("5012"), vec![0; 16]].concat();
        let found = message_authenticator(&secret(), &[&head, &zeroed]).unwrap();
        assert_eq!(found.to_vec(), hex("5a665e2e1e8411f3e243822097c84fa3"));
    }
}
