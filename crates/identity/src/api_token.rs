//! Tokens by which programs use the API.
//!
//! ```text
//! wk_pat_  52 digits  7 digits
//! kind     256 random bits, then CRC-32 of all that stands before it, both in Crockford's base32
//! ```
//! The kind and the checksum are for people and scanners: a token that was pushed to a public place is recognised by its
//! form, and a mistyped one is refused without asking the store. They protect nothing: the 256 bits do. A token is opaque;
//! what it may do is kept by the server, so there is nothing in it to forge.

use std::fmt;

use wk_seal::{RandomError, Secret, SecretString, random_array, sha256};
use zeroize::Zeroizing;

use crate::base32;
use crate::token::TokenError;

const LEN: usize = 32;
/// Digits of 32 and of 4 bytes.
const BODY: usize = 52;
const CHECK: usize = 7;
/// Digits that lists show, so that a person finds a token again: 20 of 256 bits.
const HINT: usize = 4;

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiTokenForm {
    /// A person's own.
    Personal,
    /// A service account's.
    Service,
}

impl ApiTokenForm {
    const ALL: [Self; 2] = [Self::Personal, Self::Service];

    /// How its text begins.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Personal => "wk_pat_",
            Self::Service => "wk_svc_",
        }
    }
}

/// A token of the API. Shown once; the store keeps its digest.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken {
    form: ApiTokenForm,
    secret: Secret<[u8; LEN]>,
}

impl ApiToken {
    /// A fresh one: 256 random bits.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn generate(form: ApiTokenForm) -> Result<Self, RandomError> {
        Ok(Self { form, secret: Secret::new(random_array()?) })
    }

    /// The text that goes behind `Authorization: Bearer`: 66 characters.
    pub fn text(&self) -> SecretString {
        let mut text = self.form.prefix().to_owned();
        text.push_str(&Zeroizing::new(base32::encode(base32::CROCKFORD, self.secret.expose())));
        let check = crc32(text.as_bytes()).to_be_bytes();
        text.push_str(&base32::encode(base32::CROCKFORD, &check));
        SecretString::new(text)
    }

    /// Reads what a program sent.
    ///
    /// # Errors
    /// [`TokenError`] for anything that is not exactly such a text: another form, a slip, a token of another system.
    pub fn parse(raw: &str) -> Result<Self, TokenError> {
        let form =
            ApiTokenForm::ALL.into_iter().find(|form| raw.starts_with(form.prefix())).ok_or(TokenError)?;
        let digits = raw.as_bytes().get(form.prefix().len()..).ok_or(TokenError)?;
        if digits.len() != BODY + CHECK {
            return Err(TokenError);
        }
        let (body, check) = digits.split_at(BODY);
        let said = base32::decode::<4>(base32::CROCKFORD, check).ok_or(TokenError)?;
        let before = raw.as_bytes().get(..form.prefix().len() + BODY).ok_or(TokenError)?;
        if crc32(before).to_be_bytes() != said {
            return Err(TokenError);
        }
        let secret = base32::decode::<LEN>(base32::CROCKFORD, body).ok_or(TokenError)?;
        Ok(Self { form, secret: Secret::new(secret) })
    }

    /// Whose it says it is.
    pub const fn form(&self) -> ApiTokenForm {
        self.form
    }

    /// What the store keeps and looks up: of the whole text, so that its kind cannot be exchanged.
    pub fn sha256(&self) -> [u8; 32] {
        sha256(self.text().expose().as_bytes())
    }

    /// The beginning, for lists: `wk_pat_7h2k`.
    pub fn hint(&self) -> String {
        self.text().expose().chars().take(self.form.prefix().len() + HINT).collect()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(..)")
    }
}

/// CRC-32 of ISO-HDLC (zlib's), so that a scanner in any language can check a find. 66 bytes: no table is worth it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_checksum_is_everybodys() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_token_comes_back_and_shows_nothing() {
        for form in ApiTokenForm::ALL {
            let token = ApiToken::generate(form).unwrap();
            let text = token.text();
            assert_eq!(text.expose().len(), 66);
            assert_eq!(ApiToken::parse(text.expose()).unwrap(), token);
            assert_eq!(token.form(), form);
            assert_eq!(format!("{token:?}"), "ApiToken(..)");
            assert!(text.expose().starts_with(&token.hint()) && token.hint().len() == 11);
        }
    }

    #[test]
    fn every_slip_of_one_character_is_seen_without_the_store() {
        let text = ApiToken::generate(ApiTokenForm::Personal).unwrap().text();
        for at in 0..text.expose().len() {
            for other in ["0", "1", "z", "_", "A"] {
                let mut bent = text.expose().clone();
                bent.replace_range(at..=at, other);
                assert!(bent == *text.expose() || ApiToken::parse(&bent).is_err(), "{at}");
            }
        }
        // Nor may it change its kind.
        let other = text.expose().replacen("wk_pat_", "wk_svc_", 1);
        assert!(ApiToken::parse(&other).is_err());
        assert!(ApiToken::parse(&text.expose().to_uppercase()).is_err());
        assert!(ApiToken::parse(&format!("{} ", text.expose())).is_err());
    }

    #[test]
    fn tokens_of_other_systems_are_none() {
        for raw in [
            "",
            "wk_pat_",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "wkt1.abc",
        ] {
            assert!(ApiToken::parse(raw).is_err(), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn hostile_texts_never_pass(raw in "(wk_(pat|svc)_)?[0-9a-zA-Z_.-]{0,80}") {
            prop_assert!(ApiToken::parse(&raw).is_err());
        }

        #[test]
        fn texts_of_any_kind_never_panic(raw in "\\PC{0,100}") {
            let _ = ApiToken::parse(&raw);
        }
    }
}
