//! RADIUS packets (RFC 2865), written and read: total, bounded, nothing taken on trust.

use wk_seal::SecretBytes;
use zeroize::Zeroizing;

use super::hide;

pub(crate) const REQUEST: u8 = 1;
pub(crate) const ACCEPT: u8 = 2;
pub(crate) const REJECT: u8 = 3;
pub(crate) const CHALLENGE: u8 = 11;

pub(crate) const USER_NAME: u8 = 1;
pub(crate) const USER_PASSWORD: u8 = 2;
pub(crate) const REPLY_MESSAGE: u8 = 18;
pub(crate) const STATE: u8 = 24;
pub(crate) const VENDOR: u8 = 26;
pub(crate) const CALLING_STATION: u8 = 31;
pub(crate) const NAS_IDENTIFIER: u8 = 32;
pub(crate) const PROXY_STATE: u8 = 33;
pub(crate) const PROMPT: u8 = 76;
pub(crate) const EAP_MESSAGE: u8 = 79;
pub(crate) const MESSAGE_AUTHENTICATOR: u8 = 80;

/// Code, id, length, authenticator.
pub(crate) const HEAD: usize = 20;
/// Longest packet (RFC 2865, 3).
pub(crate) const PACKET_MAX: usize = 4_096;
/// Attributes of one answer.
const ATTRIBUTES_MAX: usize = 250;

/// What is wrong with a packet. Over UDP such a packet was never there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PacketError {
    #[error("it is shorter than any packet")]
    Short,
    #[error("its length is not what it says")]
    Length,
    #[error("an attribute ends behind the packet, or has no length")]
    Attribute,
    #[error("it has too many attributes")]
    Many,
    #[error("it answers another request")]
    Id,
    #[error("it is no answer to a request for access")]
    Code,
    #[error("its authenticator is wrong: another shared secret, or not from this server")]
    Authenticator,
    #[error("it has no Message-Authenticator, so that anybody on the way could have made it (CVE-2024-3596)")]
    Unauthenticated,
    #[error("its Message-Authenticator is wrong: another shared secret, or changed on the way")]
    MessageAuthenticator,
    #[error("it has a Proxy-State that was never sent, as forged answers do (CVE-2024-3596)")]
    ProxyState,
}

/// A request, as it is sent however often.
pub(crate) struct Request {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    id: u8,
    authenticator: [u8; 16],
}

/// Puts a request together. The Message-Authenticator stands first (RFC 5080 and what came after CVE-2024-3596).
#[derive(Debug)]
pub(crate) struct Builder {
    bytes: Zeroizing<Vec<u8>>,
    authenticator: [u8; 16],
}

impl Builder {
    pub(crate) fn new(id: u8, authenticator: [u8; 16]) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(PACKET_MAX));
        bytes.extend_from_slice(&[REQUEST, id, 0, 0]);
        bytes.extend_from_slice(&authenticator);
        bytes.extend_from_slice(&[MESSAGE_AUTHENTICATOR, 18]);
        bytes.extend_from_slice(&[0; 16]);
        Self { bytes, authenticator }
    }

    /// `None`: it does not fit.
    #[must_use]
    pub(crate) fn with(mut self, kind: u8, value: &[u8]) -> Option<Self> {
        let length = u8::try_from(value.len() + 2).ok().filter(|_| !value.is_empty())?;
        self.bytes.extend_from_slice(&[kind, length]);
        self.bytes.extend_from_slice(value);
        (self.bytes.len() <= PACKET_MAX).then_some(self)
    }

    pub(crate) fn with_password(self, secret: &SecretBytes, password: &[u8]) -> Option<Self> {
        if password.len() > hide::PASSWORD_MAX {
            return None;
        }
        let hidden = hide::password(secret, &self.authenticator, password);
        self.with(USER_PASSWORD, &hidden)
    }

    pub(crate) fn finish(mut self, secret: &SecretBytes) -> Option<Request> {
        let length = u16::try_from(self.bytes.len()).ok()?;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let mac = hide::message_authenticator(secret, &[&self.bytes])?;
        self.bytes[HEAD + 2..HEAD + 18].copy_from_slice(&mac);
        Some(Request { id: self.bytes[1], bytes: self.bytes, authenticator: self.authenticator })
    }
}

/// Attributes in order.
pub(crate) fn attributes(mut rest: &[u8]) -> Result<Vec<(u8, &[u8])>, PacketError> {
    let mut found = Vec::new();
    while let Some((&kind, after)) = rest.split_first() {
        let length = usize::from(*after.first().ok_or(PacketError::Attribute)?);
        if length < 2 || length > rest.len() {
            return Err(PacketError::Attribute);
        }
        if found.len() == ATTRIBUTES_MAX {
            return Err(PacketError::Many);
        }
        found.push((kind, &rest[2..length]));
        rest = &rest[length..];
    }
    Ok(found)
}

/// What a server said, proven to be its answer to the one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u8,
    pub(crate) attributes: Vec<(u8, Vec<u8>)>,
}

impl Reply {
    pub(crate) fn all(&self, kind: u8) -> impl Iterator<Item = &[u8]> {
        self.attributes.iter().filter(move |(known, _)| *known == kind).map(|(_, value)| value.as_slice())
    }
}

impl Request {
    /// Reads an answer. Everything is checked before anything is believed. `in_tls`: the answer came through TLS, which
    /// proves it; the secret is then a word that everybody knows (RFC 6614), and no Message-Authenticator is demanded.
    pub(crate) fn judge(
        &self,
        secret: &SecretBytes,
        bytes: &[u8],
        in_tls: bool,
    ) -> Result<Reply, PacketError> {
        if bytes.len() < HEAD {
            return Err(PacketError::Short);
        }
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        if length != bytes.len() || length > PACKET_MAX {
            return Err(PacketError::Length);
        }
        if bytes[1] != self.id {
            return Err(PacketError::Id);
        }
        if !matches!(bytes[0], ACCEPT | REJECT | CHALLENGE) {
            return Err(PacketError::Code);
        }
        let attributes = attributes(&bytes[HEAD..])?;
        let expected =
            hide::response_authenticator(secret, &[&bytes[..4], &self.authenticator, &bytes[HEAD..]]);
        if !hide::same(&expected, &bytes[4..HEAD]) {
            return Err(PacketError::Authenticator);
        }
        let mut offset = HEAD;
        let mut found = None;
        for (kind, value) in &attributes {
            match *kind {
                MESSAGE_AUTHENTICATOR if found.is_some() || value.len() != 16 => {
                    return Err(PacketError::MessageAuthenticator);
                }
                MESSAGE_AUTHENTICATOR => found = Some(offset + 2),
                // We send none, so an honest server has none to give back; forged prefixes need room for it.
                PROXY_STATE => return Err(PacketError::ProxyState),
                _ => {}
            }
            offset += value.len() + 2;
        }
        match found {
            None if in_tls => {}
            None => return Err(PacketError::Unauthenticated),
            Some(at) => {
                let parts: [&[u8]; 5] =
                    [&bytes[..4], &self.authenticator, &bytes[HEAD..at], &[0; 16], &bytes[at + 16..]];
                let expected = hide::message_authenticator(secret, &parts);
                let expected = expected.ok_or(PacketError::MessageAuthenticator)?;
                if !hide::same(&expected, &bytes[at..at + 16]) {
                    return Err(PacketError::MessageAuthenticator);
                }
            }
        }
        let attributes = attributes.into_iter().map(|(kind, value)| (kind, value.to_vec())).collect();
        Ok(Reply { code: bytes[0], attributes })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret() -> SecretBytes {
        SecretBytes::new(b"a shared secret of some length".to_vec())
    }

    fn request() -> Request {
        Builder::new(7, [9; 16])
            .with(USER_NAME, b"alice")
            .and_then(|b| b.with_password(&secret(), b"pw"))
            .and_then(|b| b.finish(&secret()))
            .unwrap()
    }

    /// An answer as a server makes it; `signed`: with a Message-Authenticator, first.
    fn answer(
        secret: &SecretBytes,
        code: u8,
        id: u8,
        request: &[u8; 16],
        rest: &[u8],
        signed: bool,
    ) -> Vec<u8> {
        let mut bytes = vec![code, id, 0, 0];
        bytes.extend_from_slice(request);
        if signed {
            bytes.extend_from_slice(&[MESSAGE_AUTHENTICATOR, 18]);
            bytes.extend_from_slice(&[0; 16]);
        }
        bytes.extend_from_slice(rest);
        let length = (bytes.len() as u16).to_be_bytes();
        bytes[2..4].copy_from_slice(&length);
        if signed {
            let mac = hide::message_authenticator(secret, &[&bytes]).unwrap();
            bytes[22..38].copy_from_slice(&mac);
        }
        let authenticator = hide::response_authenticator(secret, &[&bytes]);
        bytes[4..20].copy_from_slice(&authenticator);
        bytes
    }

    #[test]
    fn an_honest_answer_is_believed() {
        let reply = request()
            .judge(&secret(), &answer(&secret(), ACCEPT, 7, &[9; 16], b"\x0b\x05ops", true), false)
            .unwrap();
        assert_eq!(reply.code, ACCEPT);
        assert_eq!(reply.all(11).collect::<Vec<_>>(), [b"ops"]);
    }

    #[test]
    fn the_message_authenticator_is_sent_first() {
        assert_eq!(request().bytes[HEAD..HEAD + 2], [MESSAGE_AUTHENTICATOR, 18]);
        assert_ne!(request().bytes[HEAD + 2..HEAD + 18], [0; 16]);
        assert!(!request().bytes.windows(2).any(|pair| pair == b"pw"));
    }

    #[test]
    fn what_others_could_have_made_is_not() {
        let other = SecretBytes::new(b"another".to_vec());
        let judge = |bytes: &[u8]| request().judge(&secret(), bytes, false).unwrap_err();
        assert_eq!(judge(&answer(&secret(), ACCEPT, 7, &[9; 16], b"", false)), PacketError::Unauthenticated);
        assert_eq!(judge(&answer(&other, ACCEPT, 7, &[9; 16], b"", true)), PacketError::Authenticator);
        assert_eq!(judge(&answer(&secret(), ACCEPT, 8, &[9; 16], b"", true)), PacketError::Id);
        assert_eq!(
            judge(&answer(&secret(), ACCEPT, 7, &[8; 16], b"", true)),
            PacketError::Authenticator,
            "replayed"
        );
        assert_eq!(judge(&answer(&secret(), REQUEST, 7, &[9; 16], b"", true)), PacketError::Code);
        let junk = answer(&secret(), ACCEPT, 7, &[9; 16], b"\x21\x06junk", true);
        assert_eq!(judge(&junk), PacketError::ProxyState);
        // A collision found by Blast-RADIUS makes the outer authenticator right, never the inner one.
        let mut collided = answer(&secret(), ACCEPT, 7, &[9; 16], b"", true);
        collided[25] ^= 1;
        let outer = hide::response_authenticator(&secret(), &[&collided[..4], &[9; 16], &collided[20..]]);
        collided[4..20].copy_from_slice(&outer);
        assert_eq!(judge(&collided), PacketError::MessageAuthenticator);
        let twice = [&[MESSAGE_AUTHENTICATOR, 18][..], &[0; 16]].concat();
        assert_eq!(
            judge(&answer(&secret(), ACCEPT, 7, &[9; 16], &twice, true)),
            PacketError::MessageAuthenticator
        );
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let good = answer(&secret(), ACCEPT, 7, &[9; 16], b"", true);
        let judge = |bytes: &[u8]| request().judge(&secret(), bytes, false).unwrap_err();
        assert_eq!(judge(&good[..19]), PacketError::Short);
        assert_eq!(judge(&good[..30]), PacketError::Length);
        assert_eq!(judge(&[&good[..], b"x"].concat()), PacketError::Length);
        for rest in [&b"\x0b"[..], b"\x0b\x00", b"\x0b\x01", b"\x0b\xffabc"] {
            assert_eq!(judge(&answer(&secret(), ACCEPT, 7, &[9; 16], rest, true)), PacketError::Attribute);
        }
        assert_eq!(
            judge(&answer(&secret(), ACCEPT, 7, &[9; 16], &[11, 2].repeat(300), true)),
            PacketError::Many
        );
    }

    #[test]
    fn what_does_not_fit_is_not_cut() {
        let builder = || Builder::new(1, [0; 16]);
        assert!(builder().with(USER_NAME, &[b'a'; 253]).is_some());
        assert!(builder().with(USER_NAME, &[b'a'; 254]).is_none());
        assert!(builder().with(USER_NAME, b"").is_none());
        assert!(builder().with_password(&secret(), &[b'a'; 129]).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_are_an_answer_without_the_secret(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(request().judge(&secret(), &bytes, false).is_err());
        }

        #[test]
        fn no_change_of_an_answer_is_an_answer(at in 0usize..43, bit in 0u8..8) {
            let mut bytes = answer(&secret(), ACCEPT, 7, &[9; 16], b"\x0b\x05ops", true);
            bytes[at] ^= 1 << bit;
            prop_assert!(request().judge(&secret(), &bytes, false).is_err());
        }

        #[test]
        fn attributes_add_up(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(found) = attributes(&bytes) {
                prop_assert_eq!(found.iter().map(|(_, value)| value.len() + 2).sum::<usize>(), bytes.len());
            }
        }
    }
}
