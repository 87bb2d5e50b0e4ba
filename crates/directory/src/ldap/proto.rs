//! The messages of LDAP that a sign-in needs (RFC 4511), written and read.

use super::ber::{self, BOOLEAN, BerError, ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, SET, Writer};
use super::filter::Filter;

use wk_domain::text::clean_line;
use zeroize::Zeroizing;

pub(crate) const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
const PAGED: &str = "1.2.840.113556.1.4.319";
/// Says why a bind failed or is of no use (draft-behera-ldap-password-policy).
const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";
/// 389 Directory Server: the password has expired, only a new one may be set.
const PASSWORD_EXPIRED: &str = "2.16.840.1.113730.3.4.4";

/// Attributes of one entry, and addresses of one referral, that are read.
const ATTRIBUTES_MAX: usize = 100;
const REFERRALS_MAX: usize = 16;
/// Longest diagnostic text that is kept.
const DIAGNOSTIC_MAX: usize = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Base = 0,
    Subtree = 2,
}

pub(crate) struct Search<'a> {
    pub(crate) base: &'a str,
    pub(crate) scope: Scope,
    pub(crate) filter: &'a Filter,
    pub(crate) attributes: &'a [&'a str],
    /// Zero: the server's own.
    pub(crate) size_limit: i32,
    pub(crate) time_limit_s: i32,
    /// Entries in a page, and where to go on.
    pub(crate) page: Option<(i32, &'a [u8])>,
}

/// `dn` and password in clear: only ever written into TLS.
pub(crate) fn bind(id: i32, dn: &str, password: &str) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::new();
    writer.nest(SEQUENCE, |w| {
        w.number(INTEGER, id);
        w.nest(0x60, |w| {
            w.number(INTEGER, 3);
            w.bytes(OCTETS, dn.as_bytes());
            w.bytes(0x80, password.as_bytes());
        });
        // Not critical: most servers do not know it.
        w.nest(0xa0, |w| w.nest(SEQUENCE, |w| w.bytes(OCTETS, PASSWORD_POLICY.as_bytes())));
    });
    writer.into_bytes()
}

pub(crate) fn unbind(id: i32) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::new();
    writer.nest(SEQUENCE, |w| {
        w.number(INTEGER, id);
        w.bytes(0x42, &[]);
    });
    writer.into_bytes()
}

pub(crate) fn start_tls(id: i32) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::new();
    writer.nest(SEQUENCE, |w| {
        w.number(INTEGER, id);
        w.nest(0x77, |w| w.bytes(0x80, START_TLS.as_bytes()));
    });
    writer.into_bytes()
}

pub(crate) fn search(id: i32, search: &Search<'_>) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::new();
    writer.nest(SEQUENCE, |w| {
        w.number(INTEGER, id);
        w.nest(0x63, |w| {
            w.bytes(OCTETS, search.base.as_bytes());
            w.number(ENUMERATED, search.scope as i32);
            // Aliases are not followed: they would lead out of the base.
            w.number(ENUMERATED, 0);
            w.number(INTEGER, search.size_limit);
            w.number(INTEGER, search.time_limit_s);
            w.boolean(BOOLEAN, false);
            search.filter.write(w);
            w.nest(SEQUENCE, |w| {
                search.attributes.iter().for_each(|name| w.bytes(OCTETS, name.as_bytes()));
            });
        });
        if let Some((size, cookie)) = search.page {
            let mut value = Writer::new();
            value.nest(SEQUENCE, |w| {
                w.number(INTEGER, size);
                w.bytes(OCTETS, cookie);
            });
            w.nest(0xa0, |w| {
                w.nest(SEQUENCE, |w| {
                    w.bytes(OCTETS, PAGED.as_bytes());
                    w.bytes(OCTETS, &value.into_bytes());
                });
            });
        }
    });
    writer.into_bytes()
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    /// The server's words, cleaned.
    pub(crate) diagnostic: String,
    pub(crate) referrals: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawEntry {
    pub(crate) dn: String,
    /// Names in lower case, as they came; values are bytes.
    pub(crate) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Bind(Outcome),
    Entry(RawEntry),
    /// Addresses where the search would have to be continued.
    Reference(Vec<String>),
    Done(Outcome),
    Extended(Outcome, Option<String>),
    /// Of operations that we do not begin.
    Other,
}

/// Words of a password policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyWord {
    Expired,
    Locked,
    MustChange,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: i32,
    pub(crate) said: Said,
    /// Where the next page begins; empty after the last.
    pub(crate) cookie: Option<Vec<u8>>,
    pub(crate) policy: Option<PolicyWord>,
}

fn outcome(reader: &mut Reader<'_>) -> Result<Outcome, BerError> {
    let code = reader.number(ENUMERATED)?;
    let _matched = reader.expect(OCTETS)?;
    let diagnostic = clean_line(reader.expect(OCTETS)?, DIAGNOSTIC_MAX);
    let referrals = match reader.optional(0xa3)? {
        Some(content) => addresses(content)?,
        None => Vec::new(),
    };
    Ok(Outcome { code, diagnostic, referrals })
}

fn addresses(content: &[u8]) -> Result<Vec<String>, BerError> {
    let mut reader = Reader::new(content);
    let mut found = Vec::new();
    while !reader.is_empty() {
        let address = reader.text()?;
        if found.len() < REFERRALS_MAX {
            found.push(address.to_owned());
        }
    }
    Ok(found)
}

fn entry(content: &[u8]) -> Result<RawEntry, BerError> {
    let mut reader = Reader::new(content);
    let dn = reader.text()?.to_owned();
    let mut all = Reader::new(reader.expect(SEQUENCE)?);
    let mut attributes = Vec::new();
    while !all.is_empty() {
        let mut one = Reader::new(all.expect(SEQUENCE)?);
        let name = one.text()?.to_ascii_lowercase();
        let mut set = Reader::new(one.expect(SET)?);
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(set.expect(OCTETS)?.to_vec());
        }
        one.done()?;
        if attributes.len() == ATTRIBUTES_MAX {
            return Err(BerError::Trailing);
        }
        attributes.push((name, values));
    }
    reader.done()?;
    Ok(RawEntry { dn, attributes })
}

/// Reads one whole message.
pub(crate) fn message(bytes: &[u8]) -> Result<Message, BerError> {
    let mut whole = Reader::new(bytes);
    let mut reader = Reader::new(whole.expect(SEQUENCE)?);
    whole.done()?;
    let id = reader.number(INTEGER)?;
    let (tag, content) = reader.next()?;
    let mut inside = Reader::new(content);
    let said = match tag {
        0x61 => {
            let outcome = outcome(&mut inside)?;
            let _sasl = inside.optional(0x87)?;
            inside.done()?;
            Said::Bind(outcome)
        }
        0x64 => Said::Entry(entry(content)?),
        0x65 => {
            let outcome = outcome(&mut inside)?;
            inside.done()?;
            Said::Done(outcome)
        }
        0x73 => Said::Reference(addresses(content)?),
        0x78 => {
            let outcome = outcome(&mut inside)?;
            let name = inside.optional(0x8a)?;
            let _value = inside.optional(0x8b)?;
            inside.done()?;
            let name = name.map(std::str::from_utf8).transpose().map_err(|_| BerError::Text)?;
            Said::Extended(outcome, name.map(str::to_owned))
        }
        _ => Said::Other,
    };
    // Active Directory puts the name of its farewell here, outside of the answer that it belongs to.
    let _misplaced = reader.optional(0x8a)?;
    let mut message = Message { id, said, cookie: None, policy: None };
    if let Some(controls) = reader.optional(0xa0)? {
        read_controls(controls, &mut message)?;
    }
    reader.done()?;
    Ok(message)
}

fn read_controls(content: &[u8], message: &mut Message) -> Result<(), BerError> {
    let mut all = Reader::new(content);
    while !all.is_empty() {
        let mut control = Reader::new(all.expect(SEQUENCE)?);
        let kind = control.text()?;
        let _critical = control.optional(BOOLEAN)?;
        let value = control.optional(OCTETS)?;
        control.done()?;
        match (kind, value) {
            (PAGED, Some(value)) => {
                let mut value = Reader::new(value);
                let mut pair = Reader::new(value.expect(SEQUENCE)?);
                let _estimate = pair.number(INTEGER)?;
                message.cookie = Some(pair.expect(OCTETS)?.to_vec());
            }
            (PASSWORD_POLICY, Some(value)) if !value.is_empty() => {
                let mut value = Reader::new(value);
                let mut pair = Reader::new(value.expect(SEQUENCE)?);
                let _warning = pair.optional(0xa0)?;
                message.policy = match pair.optional(0x81)?.map(ber::number).transpose()? {
                    Some(0) => Some(PolicyWord::Expired),
                    Some(1) => Some(PolicyWord::Locked),
                    Some(2) => Some(PolicyWord::MustChange),
                    _ => None,
                };
            }
            (PASSWORD_EXPIRED, _) => message.policy = Some(PolicyWord::Expired),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bind_is_written_as_the_standard_says() {
        let bytes = bind(1, "cn=a", "pw");
        let head = [0x60, 0x0d, 2, 1, 3, 4, 4, b'c', b'n', b'=', b'a', 0x80, 2, b'p', b'w'];
        assert!(bytes.windows(head.len()).any(|window| window == head), "{bytes:x?}");
        assert_eq!(&bytes[2..5], [2, 1, 1]);
    }

    #[test]
    fn answers_are_read_with_the_long_lengths_of_active_directory() {
        let raw = b"\x30\x84\x00\x00\x00\x10\x02\x01\x05\x61\x84\x00\x00\x00\x07\x0a\x01\x31\x04\x00\x04\x00";
        let message = message(raw).unwrap();
        assert_eq!(message.id, 5);
        assert!(matches!(message.said, Said::Bind(Outcome { code: 49, .. })));
    }

    #[test]
    fn a_policy_that_wants_a_new_password_is_heard() {
        let mut writer = Writer::new();
        writer.nest(SEQUENCE, |w| {
            w.number(INTEGER, 1);
            w.nest(0x61, |w| {
                w.number(ENUMERATED, 0);
                w.bytes(OCTETS, b"");
                w.bytes(OCTETS, b"");
            });
            w.nest(0xa0, |w| {
                w.nest(SEQUENCE, |w| {
                    w.bytes(OCTETS, PASSWORD_POLICY.as_bytes());
                    w.bytes(OCTETS, &[0x30, 3, 0x81, 1, 2]);
                });
            });
        });
        assert_eq!(message(&writer.into_bytes()).unwrap().policy, Some(PolicyWord::MustChange));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = message(&bytes);
        }

        #[test]
        fn damaged_answers_are_a_message_or_an_error(at in 0usize..60, byte in any::<u8>(), cut in 0usize..70) {
            let mut raw = b"\x30\x3a\x02\x01\x02\x64\x35\x04\x0buid=a,dc=ex\x30\x26\x30\x12\x04\x02cn\x31\x0c\x04\x04Anna\x04\x04Anne\
                            \x30\x10\x04\x04mail\x31\x08\x04\x06a@b.cc".to_vec();
            if let Some(slot) = raw.get_mut(at) { *slot = byte; }
            raw.truncate(cut);
            let _ = message(&raw);
        }
    }
}
