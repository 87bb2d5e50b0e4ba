//! Where a directory says that something else is: LDAP addresses (RFC 4516), as far as they may be followed.
//!
//! Only host, port and place are taken. The filter stays ours, and so does the protection: `ldap` means StartTLS.

use wk_egress::RemoteHost;

use super::config::Security;
use crate::server::Server;

/// Longest address.
const ADDRESS_MAX: usize = 2_048;

/// Another place to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) server: Server,
    pub(crate) security: Security,
    /// Where to search there, if it says so.
    pub(crate) base: Option<String>,
}

/// Reads an address. `None`: it is none that could be followed.
pub(crate) fn parse(raw: &str) -> Option<Target> {
    if raw.len() > ADDRESS_MAX {
        return None;
    }
    let (scheme, rest) = raw.split_once("://")?;
    let (security, port) = match scheme.to_ascii_lowercase().as_str() {
        "ldaps" => (Security::Ldaps, 636),
        "ldap" => (Security::Starttls, 389),
        _ => return None,
    };
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let server = Server::parse(place, port).ok()?;
    let base = path.split('?').next().unwrap_or_default();
    let base = match base {
        "" => None,
        base => Some(decode(base)?),
    };
    Some(Target { server, security, base })
}

fn decode(raw: &str) -> Option<String> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let pair = [bytes.next()?, bytes.next()?];
                let digits =
                    std::str::from_utf8(&pair).ok().filter(|_| pair.iter().all(u8::is_ascii_hexdigit))?;
                u8::from_str_radix(digits, 16).ok()?
            }
            byte => byte,
        };
        out.push(byte);
    }
    let text = String::from_utf8(out).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

/// Whether `target` is on the list of hosts that may be asked.
pub(crate) fn allowed(target: &Target, list: &[RemoteHost]) -> bool {
    list.contains(&target.server.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_never_followed_in_clear() {
        let target = parse("ldap://DC2.corp.example/ou=people%2Cdc=corp,dc=example??sub").unwrap();
        assert_eq!(target.server.to_string(), "dc2.corp.example:389");
        assert_eq!(target.security, Security::Starttls);
        assert_eq!(target.base.as_deref(), Some("ou=people,dc=corp,dc=example"));
        assert_eq!(parse("ldaps://10.0.0.1").unwrap().server.to_string(), "10.0.0.1:636");
        for bad in [
            "",
            "http://x/",
            "ldap:///dc=x",
            "ldap://a@b/",
            "ldap://x:0/",
            "ldap://x/%zz",
            "ldap://x/%00",
            "ldapi://%2ftmp",
            "ldap://x y/",
            "//x",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_named_hosts_are_followed() {
        let list = ["dc2.corp.example".parse().unwrap()];
        assert!(allowed(&parse("ldap://dc2.corp.example:3389/").unwrap(), &list));
        for bad in
            ["ldap://evil.example/", "ldap://dc2.corp.example.evil.example/", "ldap://xdc2.corp.example/"]
        {
            assert!(!allowed(&parse(bad).unwrap(), &list), "{bad}");
        }
    }
}
