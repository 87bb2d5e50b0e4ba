//! The name somebody types, in the one form that is counted, searched and remembered.
//!
//! Directories compare names loosely: case, width and repeated spaces do not count (RFC 4518). If they counted here, one
//! account could be guessed at under many spellings, each with a count of its own.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization as _;

/// Longest name in bytes. Active Directory's longest is a user principal name of 256 that nobody types.
const NAME_MAX: usize = 128;

/// A login name: NFKC, lower case, single spaces, without controls or what steers a reader's eye.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LoginName(String);

/// Why a text can be nobody's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the name is empty")]
    Empty,
    #[error("the name is longer than {NAME_MAX} bytes")]
    TooLong,
    #[error("the name has a character that no name has")]
    Character,
}

impl FromStr for LoginName {
    type Err = NameError;

    fn from_str(raw: &str) -> Result<Self, NameError> {
        if raw.len() > NAME_MAX {
            return Err(NameError::TooLong);
        }
        let mut name = String::with_capacity(raw.len());
        for c in raw.trim().chars().nfkc().flat_map(char::to_lowercase).nfkc() {
            if is_odd(c) {
                return Err(NameError::Character);
            }
            if c != ' ' || !name.ends_with(' ') {
                name.push(c);
            }
        }
        let name = name.trim().to_owned();
        match name.len() {
            0 => Err(NameError::Empty),
            1..=NAME_MAX => Ok(Self(name)),
            _ => Err(NameError::TooLong),
        }
    }
}

/// Controls, other white space, what is invisible or private, and what could not be decoded. RFC 4518 maps most of the
/// invisible ones to nothing: with them, one name would have many spellings.
fn is_odd(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{1806}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
            | '\u{e000}'..='\u{f8ff}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{10ffff}')
}

impl LoginName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_account_has_one_spelling() {
        let alice: LoginName = "alice".parse().unwrap();
        for same in ["Alice", " ALICE ", "ａｌｉｃｅ", "alicE"] {
            assert_eq!(same.parse::<LoginName>().unwrap(), alice, "{same}");
        }
        assert_eq!("Ann   Lee".parse::<LoginName>().unwrap().as_str(), "ann lee");
        assert_eq!("Jose\u{301}".parse::<LoginName>(), "josé".parse::<LoginName>());
    }

    #[test]
    fn what_nobody_is_called_is_refused() {
        for bad in [
            "",
            "  ",
            "a\0b",
            "a\nb",
            "al\u{ad}ice",
            "al\u{200b}ice",
            "al\u{202e}ice",
            "\u{fffd}",
            "a\u{feff}",
        ] {
            assert!(bad.parse::<LoginName>().is_err(), "{bad:?}");
        }
        assert_eq!("a".repeat(129).parse::<LoginName>(), Err(NameError::TooLong));
        // Grows by normalising.
        assert_eq!("\u{fdfa}".repeat(40).parse::<LoginName>(), Err(NameError::TooLong));
    }

    proptest! {
        #[test]
        fn parsing_again_changes_nothing(raw in "\\PC{0,40}") {
            if let Ok(name) = raw.parse::<LoginName>() {
                prop_assert_eq!(name.as_str().parse::<LoginName>().unwrap(), name);
            }
        }
    }
}
