//! Random bytes, SHA-256 and the one AEAD, all from AWS-LC.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomError;

pub(crate) const NONCE_LEN: usize = 12;
pub(crate) const TAG_LEN: usize = 16;
pub(crate) const KEY_LEN: usize = 32;

/// Fills `out` with bytes fit for keys.
///
/// # Errors
/// [`RandomError`] when the operating system has none.
pub fn fill_random(out: &mut [u8]) -> Result<(), RandomError> {
    aws_lc_rs::rand::fill(out).map_err(|_| RandomError)
}

/// `N` bytes fit for keys.
///
/// # Errors
/// [`RandomError`] when the operating system has none.
pub fn random_array<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut out = [0u8; N];
    fill_random(&mut out)?;
    Ok(out)
}

/// SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0u8; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data).as_ref());
    out
}

/// `nonce || ciphertext || tag`. GCM-SIV, so that a repeated nonce would show equality and nothing more.
pub(crate) fn aead_seal(key: &[u8; KEY_LEN], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, RandomError> {
    let nonce = random_array::<NONCE_LEN>()?;
    let key = UnboundKey::new(&AES_256_GCM_SIV, key).map_err(|_| RandomError)?;
    let mut body = Vec::with_capacity(plain.len() + TAG_LEN);
    body.extend_from_slice(plain);
    LessSafeKey::new(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body)
        .map_err(|_| RandomError)?;
    let mut out = Vec::with_capacity(NONCE_LEN + body.len());
    out.extend_from_slice(&nonce);
    out.append(&mut body);
    Ok(out)
}

/// Opens what [`aead_seal`] made. `None` for anything else: no reason, so that nothing can be learnt from it.
pub(crate) fn aead_open(key: &[u8; KEY_LEN], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let key = UnboundKey::new(&AES_256_GCM_SIV, key).ok()?;
    let mut body = body.to_vec();
    let len = LessSafeKey::new(key)
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut body)
        .ok()?
        .len();
    body.truncate(len);
    Some(body)
}

/// Joins parts so that no two different lists give the same bytes.
pub(crate) fn framed(label: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    for part in std::iter::once(&label.as_bytes()).chain(parts) {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_byte_is_refused() {
        let key = [7u8; 32];
        let sealed = aead_seal(&key, b"aad", b"plain").unwrap();
        assert_eq!(aead_open(&key, b"aad", &sealed).as_deref(), Some(&b"plain"[..]));
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert_eq!(aead_open(&key, b"aad", &bent), None, "byte {at}");
        }
        assert_eq!(aead_open(&key, b"aae", &sealed), None);
        assert_eq!(aead_open(&[8u8; 32], b"aad", &sealed), None);
        for len in 0..sealed.len() {
            assert_eq!(aead_open(&key, b"aad", &sealed[..len]), None);
        }
    }

    #[test]
    fn framing_is_unambiguous() {
        assert_ne!(framed("a", &[b"bc", b"d"]), framed("a", &[b"b", b"cd"]));
        assert_ne!(framed("ab", &[b"c"]), framed("a", &[b"bc"]));
    }
}
