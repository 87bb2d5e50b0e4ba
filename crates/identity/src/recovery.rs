//! Recovery codes: ten codes of 80 random bits for the day the telephone is lost. Each works once; only hashes are kept.

use std::fmt;

use wk_domain::UserId;
use wk_seal::{RandomError, Secret, SecretString, random_array, sha256};
use zeroize::Zeroizing;

use crate::base32;

/// How many codes a person gets.
pub const RECOVERY_CODES: usize = 10;
const CODE_LEN: usize = 10;
const DIGITS: usize = 16;

/// Not a code's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a recovery code has sixteen letters and digits, such as `7k3m-q9xv-b2nd-w5ht`")]
pub struct RecoveryError;

/// One recovery code.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Secret<[u8; CODE_LEN]>);

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

impl RecoveryCode {
    /// A fresh set. Show it once and store [`RecoveryCode::sha256_for`] of each.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn generate_set() -> Result<[Self; RECOVERY_CODES], RandomError> {
        let mut set = [const { Self(Secret::new([0; CODE_LEN])) }; RECOVERY_CODES];
        for code in &mut set {
            *code = Self(Secret::new(random_array()?));
        }
        Ok(set)
    }

    /// The code in four groups of four, in letters that cannot be mistaken for digits.
    pub fn text(&self) -> SecretString {
        let digits = Zeroizing::new(base32::encode(base32::CROCKFORD, self.0.expose()));
        let mut out = String::with_capacity(DIGITS + 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                out.push('-');
            }
            out.push(digit);
        }
        SecretString::new(out)
    }

    /// Reads what a person typed: any case, with or without groups, `o` for 0 and `i` or `l` for 1.
    ///
    /// # Errors
    /// [`RecoveryError`].
    pub fn parse(typed: &str) -> Result<Self, RecoveryError> {
        if typed.len() > 64 {
            return Err(RecoveryError);
        }
        let digits: Zeroizing<Vec<u8>> = Zeroizing::new(
            typed
                .bytes()
                .filter(|byte| !matches!(byte, b'-' | b' '))
                .map(|byte| match byte.to_ascii_lowercase() {
                    b'o' => b'0',
                    b'i' | b'l' => b'1',
                    other => other,
                })
                .collect(),
        );
        base32::decode(base32::CROCKFORD, &digits).map(|bytes| Self(Secret::new(bytes))).ok_or(RecoveryError)
    }

    /// What the store keeps: bound to the account, so that a hash copied to another account opens nothing.
    pub fn sha256_for(&self, user: UserId) -> [u8; 32] {
        let mut input = Zeroizing::new(b"watchkeep recovery 1\0".to_vec());
        input.extend_from_slice(user.uuid().as_bytes());
        input.extend_from_slice(self.0.expose());
        sha256(&input)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_different_codes_in_groups() {
        let set = RecoveryCode::generate_set().unwrap();
        let mut texts: Vec<String> = set.iter().map(|code| code.text().expose().clone()).collect();
        assert!(texts.iter().all(|text| text.len() == 19 && text.split('-').all(|group| group.len() == 4)));
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 10);
        assert_eq!(format!("{:?}", set[0]), "RecoveryCode(..)");
    }

    #[test]
    fn what_people_type_is_forgiven() {
        let code = RecoveryCode(Secret::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
        let text = code.text().expose().clone();
        assert_eq!(text, "000g-40r4-0m30-e209");
        for typed in
            [text.to_uppercase(), text.replace('-', " "), text.replace('-', ""), text.replace('0', "O")]
        {
            assert_eq!(RecoveryCode::parse(&typed), Ok(code.clone()), "{typed}");
        }
        for bad in
            ["", "000g-40r4-0m30-e20", "000g-40r4-0m30-e209-1", "000g-40r4-0m30-e20u", &"0".repeat(1000)]
        {
            assert!(RecoveryCode::parse(bad).is_err());
        }
    }

    #[test]
    fn a_hash_belongs_to_one_account() {
        let code = RecoveryCode::parse("000g-40r4-0m30-e209").unwrap();
        let (a, b) = (UserId::new(1, [1; 10]), UserId::new(1, [2; 10]));
        assert_eq!(code.sha256_for(a), code.sha256_for(a));
        assert_ne!(code.sha256_for(a), code.sha256_for(b));
    }

    proptest! {
        #[test]
        fn codes_come_back_and_hostile_text_never_panics(bytes: [u8; 10], text in "\\PC{0,70}") {
            let code = RecoveryCode(Secret::new(bytes));
            prop_assert_eq!(RecoveryCode::parse(code.text().expose()).unwrap(), code);
            let _ = RecoveryCode::parse(&text);
        }
    }
}
