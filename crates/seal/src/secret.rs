//! Values that must not be printed, serialised or left in memory.
//!
//! Reading one takes a call to [`Secret::expose`], which a reviewer can search for.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A value that shows nothing of itself, is wiped on drop and compares in constant time.
pub struct Secret<T: Zeroize>(T);

/// Secret bytes of any length.
pub type SecretBytes = Secret<Vec<u8>>;
/// Secret text.
pub type SecretString = Secret<String>;

impl<T: Zeroize> Secret<T> {
    /// Wraps `value`. The caller's own copies are the caller's to wipe.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. Keep the borrow short and never format it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl SecretString {
    /// A copy of `bytes` as text, or `None` when they are not UTF-8.
    pub fn from_utf8(bytes: &SecretBytes) -> Option<Self> {
        std::str::from_utf8(bytes.expose()).ok().map(|text| Self::new(text.to_owned()))
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize + Clone> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Constant time for equal lengths; a difference in length shows, as it does in any comparison.
impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nothing_when_printed() {
        let secret = SecretString::new("canary-7f3a".to_owned());
        assert_eq!(format!("{secret:?} {secret:#?}"), "Secret(..) Secret(..)");
        assert_eq!(format!("{:?}", Some(SecretBytes::new(b"canary".to_vec()))), "Some(Secret(..))");
    }

    #[test]
    fn compares_by_content() {
        assert_eq!(Secret::new([1u8; 32]), Secret::new([1u8; 32]));
        assert_ne!(Secret::new([1u8; 32]), Secret::new([2u8; 32]));
        assert_ne!(SecretBytes::new(vec![1]), SecretBytes::new(vec![1, 2]));
    }
}
