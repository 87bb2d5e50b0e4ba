//! The way out: which addresses may be dialled, and dialling exactly those.
//!
//! A name is resolved once, every address is classified, and the connection goes to an address that passed: a name that
//! resolves to something else a moment later changes nothing. No proxy, no redirect, no second look-up.
//!
//! [`tls`] shakes hands over such a connection, [`https`] makes one bounded exchange. Not here: what is said.

pub mod https;
pub mod tls;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Addresses of one name that are tried, and how long each: four dead ones still leave time for an answer.
const TRIED_MAX: usize = 4;
const CONNECT: Duration = Duration::from_millis(2_500);
/// Addresses of one name that are looked at.
const RESOLVED_MAX: usize = 32;

/// A name or an address, parsed strictly: no octal, hexadecimal, shortened or decimal forms of IPv4, no zones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RemoteHost {
    /// A DNS name in lower case, without the final dot.
    Name(String),
    Address(IpAddr),
}

impl FromStr for RemoteHost {
    type Err = String;

    /// An IPv6 address stands in brackets.
    fn from_str(raw: &str) -> Result<Self, String> {
        if let Some(inner) = raw.strip_prefix('[').and_then(|raw| raw.strip_suffix(']')) {
            let address: Ipv6Addr =
                inner.parse().map_err(|_| "what stands in brackets is not an IPv6 address".to_owned())?;
            return Ok(Self::Address(IpAddr::V6(address)));
        }
        if let Ok(address) = raw.parse::<Ipv4Addr>() {
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        if raw.is_empty() {
            return Err("the host is missing".to_owned());
        }
        if !raw.is_ascii() {
            return Err("write the host in its ASCII form, as in xn--bcher-kva.example".to_owned());
        }
        let name = raw.strip_suffix('.').unwrap_or(raw);
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if name.len() > 253 || !name.split('.').all(label) {
            return Err("the host is neither a name nor an address; IPv6 stands in brackets".to_owned());
        }
        // Resolvers read 2130706433, 0x7f.1 and 127.1 as addresses; people do not.
        let last = name.rsplit('.').next().unwrap_or(name);
        if last.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(
                "write an IPv4 address as four decimal numbers; a name does not end in one".to_owned()
            );
        }
        Ok(Self::Name(name.to_ascii_lowercase()))
    }
}

impl fmt::Display for RemoteHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// What kind of address it is, as far as dialling it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Anybody's.
    Public,
    /// A site's own; allowed where the server's configuration lists it.
    Site(&'static str),
    /// Of no use to anybody but an attacker; never dialled, whatever is listed.
    Never(&'static str),
}

struct Range4(u32, u8, Class);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> u32 {
    u32::from_be_bytes([a, b, c, d])
}

/// IANA's special-purpose registry, with the clouds' metadata services. The first that matches counts.
const RANGES_4: &[Range4] = &[
    Range4(v4(0, 0, 0, 0), 8, Class::Never("\"this\" network")),
    Range4(v4(169, 254, 0, 0), 16, Class::Never("link-local, where clouds keep their metadata service")),
    Range4(v4(100, 100, 100, 200), 32, Class::Never("a cloud's metadata service")),
    Range4(v4(168, 63, 129, 16), 32, Class::Never("a cloud's metadata service")),
    Range4(v4(192, 0, 0, 192), 32, Class::Never("a cloud's metadata service")),
    Range4(v4(224, 0, 0, 0), 4, Class::Never("multicast")),
    Range4(v4(240, 0, 0, 0), 4, Class::Never("reserved or broadcast")),
    Range4(v4(127, 0, 0, 0), 8, Class::Site("loopback")),
    Range4(v4(10, 0, 0, 0), 8, Class::Site("private")),
    Range4(v4(172, 16, 0, 0), 12, Class::Site("private")),
    Range4(v4(192, 168, 0, 0), 16, Class::Site("private")),
    Range4(v4(100, 64, 0, 0), 10, Class::Site("shared by a provider's customers")),
    Range4(v4(192, 0, 0, 0), 24, Class::Site("reserved for protocols")),
    Range4(v4(192, 0, 2, 0), 24, Class::Site("for documentation")),
    Range4(v4(198, 51, 100, 0), 24, Class::Site("for documentation")),
    Range4(v4(203, 0, 113, 0), 24, Class::Site("for documentation")),
    Range4(v4(192, 88, 99, 0), 24, Class::Site("a 6to4 relay")),
    Range4(v4(198, 18, 0, 0), 15, Class::Site("for benchmarks")),
];

/// What kind an address is. Forms of IPv6 that carry an IPv4 address are at best [`Class::Site`], and never dialled when
/// the carried address is never dialled.
pub fn classify(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => classify_4(address),
        IpAddr::V6(address) => match carried(address) {
            Some((form, inner)) => match classify_4(inner) {
                Class::Never(why) => Class::Never(why),
                Class::Site(_) | Class::Public => Class::Site(form),
            },
            None => classify_6(address),
        },
    }
}

fn classify_4(address: Ipv4Addr) -> Class {
    let bits = u32::from(address);
    let inside = |range: &&Range4| bits >> (32 - range.1) == range.0 >> (32 - range.1);
    RANGES_4.iter().find(inside).map_or(Class::Public, |range| range.2)
}

/// The IPv4 address that an IPv6 address carries, and the name of the form.
fn carried(address: Ipv6Addr) -> Option<(&'static str, Ipv4Addr)> {
    let s = address.segments();
    let pair = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        // The unspecified address and loopback are no IPv4-compatible ones.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(("an IPv4-mapped form", pair(high, low))),
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(("an IPv4-translated form", pair(high, low))),
        [0, 0, 0, 0, 0, 0, high, low] => Some(("an IPv4-compatible form", pair(high, low))),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(("a NAT64 form", pair(high, low))),
        [0x2002, high, low, ..] => Some(("a 6to4 form", pair(high, low))),
        // The client's address stands inverted at the end.
        [0x2001, 0, .., high, low] => Some(("a Teredo form", pair(!high, !low))),
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(("an ISATAP form", pair(high, low))),
        _ => None,
    }
}

fn classify_6(address: Ipv6Addr) -> Class {
    let s = address.segments();
    if address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254) {
        return Class::Never("a cloud's metadata service");
    }
    match s[0] {
        _ if address.is_unspecified() => Class::Never("unspecified"),
        _ if address.is_loopback() => Class::Site("loopback"),
        0xff00..=0xffff => Class::Never("multicast"),
        0xfe80..=0xfebf => Class::Never("link-local"),
        0xfc00..=0xfdff => Class::Site("private (unique local)"),
        0xfec0..=0xfeff => Class::Site("private (site-local)"),
        0x2001 if s[1] == 0xdb8 => Class::Site("for documentation"),
        0x2001 if s[1] < 0x200 => Class::Site("reserved for protocols"),
        0x3fff if s[1] < 0x1000 => Class::Site("for documentation"),
        0x2000..=0x3fff => Class::Public,
        // Only 2000::/3 is given out; NAT64 prefixes of one's own (64:ff9b:1::/48) are among the rest.
        _ => Class::Site("not a public one"),
    }
}

/// A network in CIDR form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether the address lies inside. The families are apart: `::ffff:10.0.0.1` does not lie in `10.0.0.0/8`.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => mask_4(address, self.prefix) == u32::from(base),
            (IpAddr::V6(base), IpAddr::V6(address)) => mask_6(address, self.prefix) == u128::from(base),
            _ => false,
        }
    }
}

fn mask_4(address: Ipv4Addr, prefix: u8) -> u32 {
    u32::from(address) & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

fn mask_6(address: Ipv6Addr, prefix: u8) -> u128 {
    u128::from(address) & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

impl FromStr for Network {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let wrong = || format!("`{raw}` is not a network such as 10.1.0.0/16 or fd12:3456::/32");
        let (address, prefix) = raw.split_once('/').unwrap_or((raw, ""));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix: u8 = match prefix {
            "" if !raw.contains('/') => widest,
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| wrong())?,
            _ => return Err(wrong()),
        };
        if prefix > widest {
            return Err(wrong());
        }
        let base = match address {
            IpAddr::V4(address) => IpAddr::V4(mask_4(address, prefix).into()),
            IpAddr::V6(address) => IpAddr::V6(mask_6(address, prefix).into()),
        };
        if base != address {
            return Err(format!("`{raw}` has bits beyond its prefix; is {base}/{prefix} meant?"));
        }
        Ok(Self { base, prefix })
    }
}

/// Who dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Webhooks: public addresses, and networks that the server's configuration lists.
    Listed,
    /// The mail server and identity providers, which mostly stand in the site's own network: private addresses too.
    /// Nothing that they say before their certificate is verified is shown to anybody.
    Site,
}

/// Why nothing was dialled, or nobody answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    #[error("{host} is at {address}, which is {why}; that is never dialled")]
    Never { host: String, address: IpAddr, why: &'static str },
    #[error(
        "{host} is at {address}, which is {why}; webhooks go there only if `webhook_private_networks` in the server's \
         configuration lists the network"
    )]
    NotListed { host: String, address: IpAddr, why: &'static str },
    #[error("the name {host} cannot be resolved: {detail}")]
    Unresolved { host: String, detail: String },
    #[error("the name {host} has no address")]
    NoAddress { host: String },
    #[error("cannot connect to {host} ({address}): {detail}")]
    Connect { host: String, address: SocketAddr, detail: String },
}

impl EgressError {
    /// Whether a rule stands against it, and trying again does not help.
    pub const fn is_rule(&self) -> bool {
        matches!(self, Self::Never { .. } | Self::NotListed { .. })
    }
}

/// Turns names into addresses.
#[async_trait]
pub trait Resolve: Send + Sync + fmt::Debug {
    /// The addresses of `name`.
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The machine's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// The only place here that dials.
#[derive(Debug, Clone)]
pub struct Egress {
    listed: Vec<Network>,
    resolver: Arc<dyn Resolve>,
}

impl Egress {
    /// With the networks that webhooks may reach beside the public ones.
    pub fn new(listed: Vec<Network>) -> Self {
        Self::with_resolver(listed, Arc::new(SystemResolver))
    }

    /// With another resolver.
    pub fn with_resolver(listed: Vec<Network>, resolver: Arc<dyn Resolve>) -> Self {
        Self { listed, resolver }
    }

    fn is_listed(&self, address: IpAddr) -> bool {
        self.listed.iter().any(|network| network.contains(address))
    }

    /// Whether `address` may be dialled for `host`.
    ///
    /// # Errors
    /// [`EgressError::Never`] and [`EgressError::NotListed`].
    pub fn permit(&self, host: &RemoteHost, address: IpAddr, reach: Reach) -> Result<(), EgressError> {
        let not_listed = |why| Err(EgressError::NotListed { host: host.to_string(), address, why });
        match classify(address) {
            Class::Public => Ok(()),
            Class::Never(why) => Err(EgressError::Never { host: host.to_string(), address, why }),
            Class::Site(why) => {
                if let (Reach::Site, None) = (reach, inner(address)) {
                    return Ok(());
                }
                if !self.is_listed(address) {
                    return not_listed(why);
                }
                // Listing NAT64's prefix opens the public Internet behind it, not the private networks.
                match inner(address) {
                    Some(inner) if !matches!(classify(inner), Class::Public) && !self.is_listed(inner) => {
                        not_listed(why)
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Resolves, classifies, and gives the addresses that passed, at least one: for what is not TCP.
    ///
    /// # Errors
    /// [`EgressError`].
    pub async fn addresses(&self, host: &RemoteHost, reach: Reach) -> Result<Vec<IpAddr>, EgressError> {
        let found = match host {
            RemoteHost::Address(address) => vec![*address],
            RemoteHost::Name(name) => self.resolver.resolve(name).await.map_err(|error| {
                EgressError::Unresolved { host: host.to_string(), detail: error.to_string() }
            })?,
        };
        let mut refused = None;
        let mut permitted: Vec<IpAddr> = Vec::new();
        for address in found.into_iter().take(RESOLVED_MAX) {
            match self.permit(host, address, reach) {
                Ok(()) if !permitted.contains(&address) => permitted.push(address),
                Ok(()) => {}
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        let permitted = alternate(permitted);
        if permitted.is_empty() {
            return Err(refused.unwrap_or_else(|| EgressError::NoAddress { host: host.to_string() }));
        }
        Ok(permitted)
    }

    /// Resolves, classifies, and connects to an address that passed.
    ///
    /// # Errors
    /// [`EgressError`].
    pub async fn connect(
        &self,
        host: &RemoteHost,
        port: u16,
        reach: Reach,
    ) -> Result<TcpStream, EgressError> {
        let mut failed = EgressError::NoAddress { host: host.to_string() };
        for address in self.addresses(host, reach).await? {
            let address = SocketAddr::new(address, port);
            let detail = match timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // A page is a few small writes; waiting to merge them only delays it.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer within {} ms", CONNECT.as_millis()),
            };
            failed = EgressError::Connect { host: host.to_string(), address, detail };
        }
        Err(failed)
    }
}

fn inner(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => carried(address).map(|(_, inner)| IpAddr::V4(inner)),
    }
}

/// The families in turn, so that a broken one does not use up the tries.
fn alternate(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    first.reverse();
    second.reverse();
    let mut out = Vec::new();
    while out.len() < TRIED_MAX && (!first.is_empty() || !second.is_empty()) {
        out.extend(first.pop());
        out.extend(second.pop());
    }
    out.truncate(TRIED_MAX);
    out
}

#[cfg(test)]
mod tests;
