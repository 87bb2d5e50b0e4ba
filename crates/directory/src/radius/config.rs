//! How a RADIUS server is reached, as an operator writes it. The shared secret, or the private key, is kept apart.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use wk_domain::cidr::Cidr;

use super::packet;
use crate::server::{self, Server};
use crate::{ConfigError, GuardConfig, tls};

/// How packets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// RADIUS in TLS with certificates on both sides (RFC 6614), port 2083.
    #[default]
    Radsec,
    /// Plain RADIUS (RFC 2865), port 1812: a password is hidden by MD5 alone. Only to loopback, and to networks that
    /// `protected_networks` names.
    Udp,
}

/// What counts as a second factor of the RADIUS server's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    #[default]
    Never,
    /// A challenge that was answered.
    Challenge,
    /// Every accept: the server asks for a push, or for a code behind the password.
    Always,
}

/// The attribute that names groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupAttribute {
    /// 11 is Filter-Id, 25 is Class, 26 is a vendor's.
    #[serde(rename = "type")]
    pub kind: u8,
    /// For 26: the vendor's number (9 is Cisco, 311 Microsoft) and its own type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_type: Option<u8>,
    /// Only values that begin with it count, without it: `group=`.
    #[serde(default)]
    pub prefix: String,
    /// What stands between several groups in one value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
}

/// The configuration of a provider of kind `radius`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RadiusConfig {
    /// Host names, with `:port` if it is not the usual one; the next is asked when one does not answer.
    pub servers: Vec<String>,
    #[serde(default)]
    pub transport: Transport,
    /// For `udp`: networks on whose way nobody else can listen, because they are a management network of their own or
    /// lie in a tunnel.
    #[serde(default)]
    pub protected_networks: Vec<String>,
    /// For `radsec`: the only authorities that count, in PEM. Without: those of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// For `radsec`: our certificate, in PEM. Its private key is the provider's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_pem: Option<String>,
    /// What we call ourselves (NAS-Identifier).
    #[serde(default = "nas_identifier")]
    pub nas_identifier: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupAttribute>,
    #[serde(default)]
    pub second_factor: SecondFactor,
    /// How long one server is waited for, in milliseconds: 1000 to 60000. A push on a telephone needs the longer ones.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// Challenges of one sign-in: 0 to 5.
    #[serde(default = "challenges_max")]
    pub challenges_max: u8,
    /// Keeps the server from locking accounts because of failures that come through here.
    #[serde(default)]
    pub protection: GuardConfig,
}

fn nas_identifier() -> String {
    "watchkeep".to_owned()
}

const fn timeout_ms() -> u64 {
    5_000
}

const fn challenges_max() -> u8 {
    3
}

/// The configuration, checked.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) servers: Vec<Server>,
    pub(crate) transport: Transport,
    pub(crate) protected: Vec<Cidr>,
    pub(crate) ca_pem: Option<String>,
    pub(crate) certificate_pem: Option<String>,
    pub(crate) nas_identifier: String,
    pub(crate) groups: Option<GroupAttribute>,
    pub(crate) second_factor: SecondFactor,
    pub(crate) timeout_ms: u64,
    pub(crate) challenges_max: u8,
    pub(crate) protection: GuardConfig,
}

impl Plan {
    /// Whether a password that only MD5 hides may travel there.
    pub(crate) fn is_protected(&self, address: IpAddr) -> bool {
        address.to_canonical().is_loopback() || self.protected.iter().any(|network| network.contains(address))
    }
}

impl RadiusConfig {
    /// Checks everything that can be checked without the server.
    pub(crate) fn plan(&self) -> Result<Plan, ConfigError> {
        let udp = self.transport == Transport::Udp;
        let servers = server::servers(&self.servers, if udp { 1812 } else { 2083 })?;
        tls::check_ca(self.ca_pem.as_deref())?;
        let mut protected = Vec::new();
        for (at, raw) in self.protected_networks.iter().enumerate() {
            let pointer = format!("/protected_networks/{at}");
            let network: Cidr =
                raw.trim().parse().map_err(|why| ConfigError::at(&pointer, format!("{why}")))?;
            // Whoever means a whole continent has not looked at the path.
            if network.bits() < 8 {
                return Err(ConfigError::at(pointer, "too wide to be a path that nobody else can listen on"));
            }
            protected.push(network);
        }
        if protected.len() > 32 {
            return Err(ConfigError::at("/protected_networks", "name at most 32 networks"));
        }
        match (udp, &self.certificate_pem) {
            (false, None) => {
                let detail = "RadSec needs a certificate of ours, and its private key as the secret";
                return Err(ConfigError::at("/certificate_pem", detail));
            }
            (true, Some(_)) => {
                return Err(ConfigError::at("/certificate_pem", "plain RADIUS has no certificates"));
            }
            (true, None) if self.ca_pem.is_some() => {
                return Err(ConfigError::at("/ca_pem", "plain RADIUS has no certificates"));
            }
            (false, Some(_)) if !protected.is_empty() => {
                return Err(ConfigError::at("/protected_networks", "RadSec needs none: leave it empty"));
            }
            _ => {}
        }
        let name = &self.nas_identifier;
        if !(1..=64).contains(&name.len()) || !name.chars().all(|c| c.is_ascii_graphic()) {
            return Err(ConfigError::at(
                "/nas_identifier",
                "use 1 to 64 letters, digits or signs, without spaces",
            ));
        }
        if let Some(groups) = &self.groups {
            let vendor = groups.vendor.is_some() && groups.vendor_type.is_some();
            if (groups.kind == packet::VENDOR) != vendor
                || groups.vendor.is_some() != groups.vendor_type.is_some()
            {
                let detail = "type 26 needs vendor and vendor_type, and no other type has them";
                return Err(ConfigError::at("/groups/vendor", detail));
            }
            if !matches!(groups.kind, 11 | 25 | packet::VENDOR) {
                return Err(ConfigError::at(
                    "/groups/type",
                    "use 11 (Filter-Id), 25 (Class) or 26 (a vendor's)",
                ));
            }
            if groups.prefix.len() > 100 {
                return Err(ConfigError::at("/groups/prefix", "at most 100 bytes"));
            }
        }
        if !(1_000..=60_000).contains(&self.timeout_ms) {
            return Err(ConfigError::at("/timeout_ms", "choose 1000 to 60000"));
        }
        if self.challenges_max > 5 {
            return Err(ConfigError::at("/challenges_max", "choose 0 to 5"));
        }
        self.protection.check()?;
        Ok(Plan {
            servers,
            transport: self.transport,
            protected,
            ca_pem: self.ca_pem.clone(),
            certificate_pem: self.certificate_pem.clone(),
            nas_identifier: name.clone(),
            groups: self.groups.clone(),
            second_factor: self.second_factor,
            timeout_ms: self.timeout_ms,
            challenges_max: self.challenges_max,
            protection: self.protection,
        })
    }
}

/// Why a shared secret protects nothing. Guessing it offline takes one packet that was heard.
pub(crate) fn weak_secret(secret: &[u8]) -> Option<&'static str> {
    let mut seen = [false; 256];
    secret.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    if secret.len() < 16 {
        return Some("a shared secret needs at least 16 bytes; make 32 random ones: openssl rand -base64 24");
    }
    if secret.len() > 256 {
        return Some("a shared secret has at most 256 bytes");
    }
    if seen.iter().filter(|seen| **seen).count() < 8 {
        return Some("this shared secret repeats few characters; make a random one: openssl rand -base64 24");
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pointer(config: Value) -> String {
        match serde_json::from_value::<RadiusConfig>(config) {
            Err(error) => format!("unread: {error}"),
            Ok(config) => config.plan().map_or_else(|wrong| wrong.pointer, |_| "good".to_owned()),
        }
    }

    #[test]
    fn plain_packets_go_only_where_somebody_said_so() {
        let config =
            json!({"servers": ["10.0.0.5"], "transport": "udp", "protected_networks": ["10.0.0.0/24"]});
        let plan = serde_json::from_value::<RadiusConfig>(config).unwrap().plan().unwrap();
        assert!(
            plan.is_protected("10.0.0.5".parse().unwrap()) && plan.is_protected("127.0.0.1".parse().unwrap())
        );
        assert!(!plan.is_protected("10.0.1.5".parse().unwrap()));
        assert_eq!(plan.servers[0].port, 1812);
    }

    #[test]
    fn what_cannot_be_right_is_refused_where_it_stands() {
        let udp = |more: Value| {
            let mut config = json!({"servers": ["127.0.0.1"], "transport": "udp"});
            config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            pointer(config)
        };
        assert_eq!(udp(json!({})), "good");
        assert_eq!(
            pointer(json!({"servers": ["radius.example"]})),
            "/certificate_pem",
            "RadSec is the default"
        );
        assert_eq!(udp(json!({"protected_networks": ["0.0.0.0/0"]})), "/protected_networks/0");
        assert_eq!(udp(json!({"protected_networks": ["10.0.0.1/8"]})), "/protected_networks/0");
        assert_eq!(udp(json!({"nas_identifier": "a b"})), "/nas_identifier");
        assert_eq!(udp(json!({"timeout_ms": 1})), "/timeout_ms");
        assert_eq!(udp(json!({"challenges_max": 9})), "/challenges_max");
        assert_eq!(udp(json!({"groups": {"type": 2}})), "/groups/type");
        assert_eq!(udp(json!({"groups": {"type": 26}})), "/groups/vendor");
        assert_eq!(
            udp(json!({"groups": {"type": 26, "vendor": 9, "vendor_type": 1, "prefix": "group="}})),
            "good"
        );
        assert!(udp(json!({"message_authenticator": false})).starts_with("unread"));
        assert!(udp(json!({"transport": "tcp"})).starts_with("unread"));
    }

    #[test]
    fn secrets_that_are_guessed_from_one_packet_are_refused() {
        for bad in
            [&b"testing123"[..], b"", b"aaaaaaaaaaaaaaaaaaaaaaaa", b"abababababababababab", &[b'x'; 300]]
        {
            assert!(weak_secret(bad).is_some());
        }
        assert_eq!(weak_secret(b"kJ8s0vQm3Z7pL1xTfWc9"), None);
    }
}
