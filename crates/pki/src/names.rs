//! The names and addresses the server answers to, and the limits the root puts on them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::string::Ia5String;
use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints, SanType};

use crate::cert::Permitted;

/// A machine with more names than this is a mistake, such as a list pasted into a setting.
const NAMES_MAX: usize = 64;

/// Suffixes that no public authority hands out: a root that may sign for them harms nobody outside.
const PRIVATE_SUFFIXES: [&str; 7] =
    ["localhost", "localdomain", "local", "lan", "internal", "home.arpa", "test"];

/// Address ranges that no public authority hands out.
const PRIVATE_NETS: [(IpAddr, u8); 9] = [
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];

/// Why a name cannot stand in a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Neither an address nor a DNS name.
    #[error("`{name}` is neither an IP address nor a DNS name")]
    Bad { name: String },
    /// Too many.
    #[error("{count} names are too many for one certificate: give at most {NAMES_MAX}")]
    TooMany { count: usize },
}

/// What the server certificate stands for: sorted, without doubles, always with `localhost`, `127.0.0.1` and `::1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerNames {
    dns: Vec<String>,
    ips: Vec<IpAddr>,
}

impl ServerNames {
    /// Parses names and addresses as text. DNS names are kept in lower case, without a final dot.
    ///
    /// # Errors
    /// [`NameError`] with the first bad one.
    pub fn parse<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, NameError> {
        let mut dns = vec!["localhost".to_owned()];
        let mut ips = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        for name in names {
            let name = name.as_ref();
            match name.parse::<IpAddr>() {
                Ok(ip) => ips.push(ip),
                Err(_) => dns.push(dns_name(name).ok_or_else(|| NameError::Bad {
                    name: name.chars().take(80).filter(|c| !c.is_control()).collect(),
                })?),
            }
        }
        dns.sort();
        dns.dedup();
        ips.sort();
        ips.dedup();
        let count = dns.len() + ips.len();
        if count > NAMES_MAX {
            return Err(NameError::TooMany { count });
        }
        Ok(Self { dns, ips })
    }

    /// DNS names, lower case.
    pub fn dns(&self) -> &[String] {
        &self.dns
    }

    /// Addresses.
    pub fn ips(&self) -> &[IpAddr] {
        &self.ips
    }

    /// The names that `limits` allow, and as text those they do not.
    pub(crate) fn split(&self, limits: Option<&Permitted>) -> (Self, Vec<String>) {
        let Some(limits) = limits else { return (self.clone(), Vec::new()) };
        let (dns, no_dns) = self.dns.iter().cloned().partition(|name| limits.allows_dns(name));
        let (ips, no_ips): (Vec<IpAddr>, Vec<IpAddr>) =
            self.ips.iter().partition(|&&ip| limits.allows_ip(ip));
        let mut left_out: Vec<String> = no_dns;
        left_out.extend(no_ips.into_iter().map(|ip| ip.to_string()));
        (Self { dns, ips }, left_out)
    }

    pub(crate) fn alternative_names(&self) -> Vec<SanType> {
        let dns =
            self.dns.iter().filter_map(|name| Ia5String::try_from(name.as_str()).ok()).map(SanType::DnsName);
        dns.chain(self.ips.iter().copied().map(SanType::IpAddress)).collect()
    }

    /// What a root made for these names may sign for: these, what lies below them, and names that are private anyway.
    ///
    /// Agents' URIs are not in it: RFC 5280 constrains a URI by its host part, and a URN has none, so a constraint on
    /// URIs would forbid them all.
    pub(crate) fn constraints(&self) -> NameConstraints {
        let mut dns: Vec<String> = PRIVATE_SUFFIXES.iter().map(|&name| name.to_owned()).collect();
        dns.extend(self.dns.iter().filter(|name| !PRIVATE_SUFFIXES.contains(&name.as_str())).cloned());
        let mut nets = PRIVATE_NETS.to_vec();
        for &ip in &self.ips {
            if !nets.iter().any(|&(net, bits)| in_net(ip, net, bits)) {
                nets.push((ip, if ip.is_ipv4() { 32 } else { 128 }));
            }
        }
        let nets = nets
            .into_iter()
            .map(|(net, bits)| GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(net, bits)));
        NameConstraints {
            permitted_subtrees: dns.into_iter().map(GeneralSubtree::DnsName).chain(nets).collect(),
            excluded_subtrees: Vec::new(),
        }
    }
}

fn in_net(ip: IpAddr, net: IpAddr, bits: u8) -> bool {
    match (ip, net) {
        (IpAddr::V4(ip), IpAddr::V4(net)) => {
            (ip.to_bits() ^ net.to_bits()).checked_shr(32 - u32::from(bits)).unwrap_or(0) == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(net)) => {
            (ip.to_bits() ^ net.to_bits()).checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// RFC 1123 syntax plus the underscore, which real machines' names carry. A last label of digits is an address gone
/// wrong, and TLS libraries refuse it.
pub(crate) fn dns_name(raw: &str) -> Option<String> {
    let name = raw.strip_suffix('.').unwrap_or(raw);
    if name.is_empty() || name.len() > 253 {
        return None;
    }
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let last = name.rsplit('.').next().unwrap_or(name);
    (name.split('.').all(label_ok) && !last.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_names_are_always_there() {
        let names = ServerNames::parse(["Web1.Example.org.", "203.0.113.7", "web1.example.org"]).unwrap();
        assert_eq!(names.dns(), ["localhost", "web1.example.org"]);
        assert_eq!(names.ips().len(), 3);
    }

    #[test]
    fn refuses_what_is_no_name() {
        for bad in
            ["", ".", "a..b", "-a", "a b", "*.example.org", "1.2.3", "ä.example", &"a".repeat(64), "x\0y"]
        {
            assert!(ServerNames::parse([bad]).is_err(), "{bad}");
        }
        let many: Vec<String> = (0..70).map(|i| format!("n{i}")).collect();
        assert!(matches!(ServerNames::parse(&many), Err(NameError::TooMany { count: 73 })));
    }

    #[test]
    fn networks_hold_their_addresses() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(in_net(ip("172.31.0.1"), ip("172.16.0.0"), 12));
        assert!(!in_net(ip("172.32.0.1"), ip("172.16.0.0"), 12));
        assert!(in_net(ip("fd12::1"), ip("fc00::"), 7));
        assert!(!in_net(ip("2001:db8::1"), ip("fc00::"), 7));
        assert!(in_net(ip("::1"), ip("::1"), 128) && !in_net(ip("::2"), ip("::1"), 128));
    }
}
