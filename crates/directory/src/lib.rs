//! Directories that know people: LDAP (Active Directory, OpenLDAP, 389) and RADIUS.
//!
//! Pure clients. Who may sign in with what they say, which rights that gives and where secrets are kept is not known
//! here: the two kinds fill `wk_identity::outside::ProviderKind`.
//!
//! Whoever answers is hostile until proven: LDAP is spoken in TLS with a verified name and nowhere else, every answer
//! is bounded in bytes, entries and time, and a RADIUS answer without a valid Message-Authenticator was never there.
//! The readers of both protocols are our own, total and small; `docs/adr/0028` says why.

mod guard;
pub mod ldap;
mod name;
pub mod radius;
mod server;
mod tls;
mod trace;

pub use guard::GuardConfig;
pub use ldap::LdapKind;
pub use name::{LoginName, NameError};
pub use radius::RadiusKind;

pub(crate) use wk_identity::outside::Wrong as ConfigError;

/// Somebody whom the directory let in. All text is cleaned and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// What stays the same when the person is renamed or moved.
    pub(crate) subject: String,
    /// The directory's login name.
    pub(crate) name: String,
    /// Empty when the directory has none.
    pub(crate) display_name: String,
    /// Empty when the directory has none.
    pub(crate) mail: String,
    /// Normalised names of groups, each once, sorted.
    pub(crate) groups: Vec<String>,
    /// The directory has asked for a second factor itself.
    pub(crate) second_factor: bool,
}

/// Why nobody was let in. People who sign in are told one sentence for all of [`Denied::Wrong`], [`Denied::Account`]
/// and [`Denied::Held`]; the test walk shows each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    /// Unknown name or wrong password.
    #[error("name or password is wrong: {0}")]
    Wrong(String),
    /// The password may be right; the account must not be used.
    #[error("{0}")]
    Account(AccountState),
    /// Too many failures lately. The directory was not asked, so that it does not lock the account.
    #[error(
        "the directory was not asked: too many failures of this account lately, and one more might lock it there"
    )]
    Held,
    /// What the directory says does not fit together; nobody is let in on that.
    #[error("the directory's answer cannot be used: {0}")]
    Unsound(String),
    /// The provider cannot work as it is set up, whoever signs in.
    #[error("{0}")]
    Misconfigured(String),
    /// No server answered as it must.
    #[error("{0}")]
    Unavailable(String),
}

/// What is wrong with an account that the directory knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountState {
    Disabled,
    Locked,
    Expired,
    PasswordExpired,
    MustChangePassword,
    /// Not at this hour or not from this machine.
    Restricted,
}

impl std::fmt::Display for AccountState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Disabled => "the account is disabled in the directory",
            Self::Locked => "the account is locked in the directory, after too many wrong passwords",
            Self::Expired => "the account has expired in the directory",
            Self::PasswordExpired => "the password has expired: change it in the directory first",
            Self::MustChangePassword => "the password must be changed in the directory first",
            Self::Restricted => {
                "the directory lets this account in at other hours or from other machines only"
            }
        })
    }
}

/// Doors for fuzzing.
#[doc(hidden)]
pub mod fuzzing {
    /// Reads `bytes` as every part of LDAP that a server may send, and as every text that an operator may write.
    pub fn exercise_ldap(bytes: &[u8]) {
        crate::ldap::exercise(bytes);
    }

    /// Reads `bytes` as an answer of a RADIUS server, with and without a right authenticator.
    pub fn exercise_radius(bytes: &[u8]) {
        crate::radius::exercise(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fuzzing;

    /// Messages as servers send them, to be damaged.
    const ANSWERS: [&[u8]; 5] = [
        b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
        b"\x30\x84\x00\x00\x00\x10\x02\x01\x05\x61\x84\x00\x00\x00\x07\x0a\x01\x31\x04\x00\x04\x00",
        b"\x30\x3a\x02\x01\x02\x64\x35\x04\x0buid=a,dc=ex\x30\x26\x30\x12\x04\x02cn\x31\x0c\x04\x04Anna\x04\x04Anne\
          \x30\x10\x04\x04mail\x31\x08\x04\x06a@b.cc",
        b"\x30\x1b\x02\x01\x02\x73\x16\x04\x14ldaps://dc2.x/dc=a??",
        b"\x02\x00\x00\x2b0123456789abcdef\x50\x120123456789abcdef\x0b\x05ops",
    ];
    /// Texts as operators write them.
    const TEXTS: [&str; 4] = [
        "(&(objectClass=person)(|(uid={name})(mail={name}@x))(!(a:1.2.3:=\\2a))(cn=a*b*c))",
        "cn=a\\,b+ou=\\c3\\a9,dc=x;dc=#0401",
        "ldap://dc2.corp.example:389/ou=a%2cdc=b??sub",
        " Ann   L\u{e9}e ",
    ];

    proptest! {
        #[test]
        fn damaged_answers_and_texts_end(
            which in 0usize..9,
            cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            keep in any::<prop::sample::Index>(),
        ) {
            let mut bytes = match which {
                0..5 => ANSWERS[which].to_vec(),
                _ => TEXTS[which - 5].as_bytes().to_vec(),
            };
            for (at, byte) in cuts {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(keep.index(bytes.len()) + 1);
            fuzzing::exercise_ldap(&bytes);
            fuzzing::exercise_radius(&bytes);
        }
    }
}
