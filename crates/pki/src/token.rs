//! The enrolment token: one line to paste, and all an agent needs to find its server and to know it for the right one.
//!
//! ```text
//! "wk1." base64url( id 16 | secret 16 | root SPKI SHA-256 32 | count u8 | count x (len u8, "host:port") | check 4 )
//! ```
//! `check` is the start of the SHA-256 of all before it: it catches a line cut or mistyped, and proves nothing.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wk_domain::TokenId;
use wk_seal::{Secret, sha256};

use crate::names::dns_name;

const PREFIX: &str = "wk1.";
const SERVERS_MAX: usize = 8;
const FIXED: usize = 16 + 16 + 32 + 1;
const CHECK: usize = 4;
/// Eight servers of 255 bytes each, in base64.
const TEXT_MAX: usize = PREFIX.len() + (FIXED + SERVERS_MAX * 256 + CHECK).div_ceil(3) * 4;

/// Why a text is not a token, or parts do not make one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Something else was pasted.
    #[error(
        "an enrolment token starts with `wk1.`: paste the whole line that `watchkeep agent token` printed"
    )]
    Prefix,
    /// Longer than any token.
    #[error("this is longer than any enrolment token ({TEXT_MAX} characters)")]
    TooLong,
    /// Cut, mistyped or changed.
    #[error("the enrolment token is incomplete or mistyped: copy the whole line again")]
    Damaged,
    /// No server, or too many.
    #[error("an enrolment token carries 1 to {SERVERS_MAX} server addresses, not {count}")]
    Servers { count: usize },
    /// Not an address.
    #[error("`{text}` is not a server address: write `host:port` or `[address]:port`")]
    Address { text: String },
}

/// Where a server listens for agents: a DNS name or an address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerAddr {
    host: String,
    port: u16,
}

impl ServerAddr {
    /// The name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, never 0.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for ServerAddr {
    type Err = TokenError;

    fn from_str(raw: &str) -> Result<Self, TokenError> {
        let bad = || TokenError::Address { text: raw.chars().take(80).filter(|c| !c.is_control()).collect() };
        let (host, port) = raw.rsplit_once(':').ok_or_else(bad)?;
        let port_ok = !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse::<u16>().ok().filter(|&port| port_ok && port != 0).ok_or_else(bad)?;
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(v6) => v6.parse::<std::net::Ipv6Addr>().map_err(|_| bad())?.to_string(),
            None => match host.parse::<IpAddr>() {
                Ok(IpAddr::V4(v4)) => v4.to_string(),
                Ok(IpAddr::V6(_)) => return Err(bad()),
                Err(_) => dns_name(host).ok_or_else(bad)?,
            },
        };
        Ok(Self { host, port })
    }
}

impl fmt::Display for ServerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A token as the operator pastes it. The server keeps only [`EnrolToken::secret_sha256`].
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolToken {
    id: TokenId,
    secret: Secret<[u8; 16]>,
    root_spki_sha256: [u8; 32],
    servers: Vec<ServerAddr>,
}

impl fmt::Debug for EnrolToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolToken")
            .field("id", &self.id)
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

impl EnrolToken {
    /// Puts a token together.
    ///
    /// # Errors
    /// [`TokenError::Servers`] for no server or more than eight.
    pub fn new(
        id: TokenId,
        secret: Secret<[u8; 16]>,
        root_spki_sha256: [u8; 32],
        servers: Vec<ServerAddr>,
    ) -> Result<Self, TokenError> {
        if !(1..=SERVERS_MAX).contains(&servers.len()) {
            return Err(TokenError::Servers { count: servers.len() });
        }
        Ok(Self { id, secret, root_spki_sha256, servers })
    }

    /// The token's id: not secret, names it in lists and events.
    pub const fn id(&self) -> TokenId {
        self.id
    }

    /// The 128-bit secret, for the one request that presents it.
    pub const fn secret(&self) -> &Secret<[u8; 16]> {
        &self.secret
    }

    /// What the server stores. The secret is random, so one plain hash suffices.
    pub fn secret_sha256(&self) -> [u8; 32] {
        sha256(self.secret.expose())
    }

    /// SHA-256 of the root key's `SubjectPublicKeyInfo`.
    pub const fn root_spki_sha256(&self) -> &[u8; 32] {
        &self.root_spki_sha256
    }

    /// Where to enrol, in the order to try.
    pub fn servers(&self) -> &[ServerAddr] {
        &self.servers
    }

    /// The line to paste. It carries the secret: print it once, log it never.
    pub fn encode(&self) -> wk_seal::SecretString {
        let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(TEXT_MAX));
        bytes.extend_from_slice(self.id.uuid().as_bytes());
        bytes.extend_from_slice(self.secret.expose());
        bytes.extend_from_slice(&self.root_spki_sha256);
        // At most eight, each at most 253 + 6 + 2 bytes: `new` and `ServerAddr` see to it.
        bytes.push(u8::try_from(self.servers.len()).unwrap_or(0));
        for server in &self.servers {
            let text = server.to_string();
            bytes.push(u8::try_from(text.len()).unwrap_or(0));
            bytes.extend_from_slice(text.as_bytes());
        }
        let check = sha256(&bytes);
        bytes.extend_from_slice(&check[..CHECK]);
        wk_seal::SecretString::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&*bytes)))
    }

    /// Reads a pasted line; spaces around it do not matter.
    ///
    /// # Errors
    /// [`TokenError`], never with any part of the secret in it.
    pub fn parse(raw: &str) -> Result<Self, TokenError> {
        let raw = raw.trim_ascii();
        let body = raw.strip_prefix(PREFIX).ok_or(TokenError::Prefix)?;
        if raw.len() > TEXT_MAX {
            return Err(TokenError::TooLong);
        }
        let bytes = zeroize::Zeroizing::new(URL_SAFE_NO_PAD.decode(body).map_err(|_| TokenError::Damaged)?);
        Self::from_bytes(&bytes).ok_or(TokenError::Damaged)?
    }

    fn from_bytes(bytes: &[u8]) -> Option<Result<Self, TokenError>> {
        let (payload, check) = bytes.split_last_chunk::<CHECK>()?;
        if sha256(payload)[..CHECK] != check[..] {
            return None;
        }
        let (id, rest) = payload.split_first_chunk::<16>()?;
        let (secret, rest) = rest.split_first_chunk::<16>()?;
        let (pin, rest) = rest.split_first_chunk::<32>()?;
        let (&count, mut rest) = rest.split_first()?;
        let mut servers = Vec::new();
        for _ in 0..usize::from(count).min(SERVERS_MAX + 1) {
            let (&len, after) = rest.split_first()?;
            let (text, after) = after.split_at_checked(usize::from(len))?;
            match std::str::from_utf8(text).ok()?.parse() {
                Ok(server) => servers.push(server),
                Err(error) => return Some(Err(error)),
            }
            rest = after;
        }
        if usize::from(count) == servers.len() && !rest.is_empty() {
            return None;
        }
        let id = TokenId::from_uuid(uuid::Uuid::from_bytes(*id));
        Some(Self::new(id, Secret::new(*secret), *pin, servers))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(servers: &[&str]) -> EnrolToken {
        let servers = servers.iter().map(|server| server.parse().unwrap()).collect();
        let id = TokenId::new(1_763_700_000_000, [7; 10]);
        EnrolToken::new(id, Secret::new([0xAB; 16]), [0xCD; 32], servers).unwrap()
    }

    #[test]
    fn a_token_is_one_line_that_comes_back_whole() {
        let token = token(&["watch.example.org:8444", "[2001:db8::1]:8444", "192.0.2.1:443"]);
        let line = token.encode();
        assert!(line.expose().starts_with("wk1.") && line.expose().len() < 250, "{}", line.expose().len());
        assert!(line.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)));
        assert_eq!(EnrolToken::parse(&format!("  {}\n", line.expose())).unwrap(), token);
    }

    #[test]
    fn printing_one_shows_no_secret() {
        let token = token(&["a:1"]);
        let shown = format!("{token:?}");
        assert!(!shown.to_lowercase().contains("abab") && !shown.contains("171"), "{shown}");
        assert!(!shown.contains(token.encode().expose().as_str()));
    }

    #[test]
    fn a_cut_or_mistyped_line_says_so() {
        let line = token(&["a:1"]).encode();
        let line = line.expose();
        assert_eq!(EnrolToken::parse("hello"), Err(TokenError::Prefix));
        assert_eq!(EnrolToken::parse(""), Err(TokenError::Prefix));
        assert_eq!(EnrolToken::parse(&line[..line.len() - 1]), Err(TokenError::Damaged));
        assert_eq!(EnrolToken::parse(&format!("{line}A")), Err(TokenError::Damaged));
        assert_eq!(EnrolToken::parse(&format!("wk1.{}", "A".repeat(9000))), Err(TokenError::TooLong));
        for at in PREFIX.len()..line.len() {
            let mut bent = line.clone().into_bytes();
            bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
            assert!(EnrolToken::parse(std::str::from_utf8(&bent).unwrap()).is_err(), "{at}");
        }
    }

    #[test]
    fn addresses_are_names_or_addresses_with_a_port() {
        for (raw, host, port) in [
            ("Web.Example.org:8444", "web.example.org", 8444),
            ("[::1]:1", "::1", 1),
            ("10.0.0.1:65535", "10.0.0.1", 65535),
        ] {
            let addr: ServerAddr = raw.parse().unwrap();
            assert_eq!((addr.host(), addr.port()), (host, port));
            assert_eq!(addr.to_string().parse::<ServerAddr>().unwrap(), addr);
        }
        for bad in [
            "",
            "a",
            "a:",
            "a:0",
            "a:65536",
            "a:+1",
            ":1",
            "::1:1",
            "[10.0.0.1]:1",
            "a b:1",
            "http://a:1",
            "a:1\n",
        ] {
            assert!(bad.parse::<ServerAddr>().is_err(), "{bad:?}");
        }
        assert!(EnrolToken::new(TokenId::new(0, [0; 10]), Secret::new([0; 16]), [0; 32], vec![]).is_err());
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in "(wk1\\.)?[A-Za-z0-9_-]{0,300}") {
            let _ = EnrolToken::parse(&text);
        }

        #[test]
        fn hostile_payloads_with_a_good_check_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let check = sha256(&bytes);
            bytes.extend_from_slice(&check[..CHECK]);
            let line = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
            if let Ok(token) = EnrolToken::parse(&line) {
                prop_assert_eq!(EnrolToken::parse(token.encode().expose()).unwrap(), token);
            }
        }
    }
}
