//! What an administrator enters for a provider.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wk_egress::https::HttpsUrl;
use wk_identity::outside::Wrong;

use crate::jwt::Alg;

/// Longest text of one field.
const TEXT_MAX: usize = 512;
/// Items of one list.
const LIST_MAX: usize = 32;
/// Longest PEM of own authorities.
const PEM_MAX: usize = 64 * 1024;

/// How the token endpoint knows us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// A public client: only the code's verifier proves anything.
    None,
}

/// Which claims say what. A plain name, or a JSON pointer such as `/realm_access/roles`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Claims {
    pub name: String,
    pub display_name: String,
    pub mail: String,
    pub groups: String,
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            name: "preferred_username".to_owned(),
            display_name: "name".to_owned(),
            mail: "email".to_owned(),
            groups: "groups".to_owned(),
        }
    }
}

fn basic() -> ClientAuth {
    ClientAuth::Basic
}

fn asymmetric() -> Vec<Alg> {
    vec![Alg::RS256, Alg::PS256, Alg::ES256, Alg::EdDSA]
}

fn scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).to_vec()
}

fn mfa() -> Vec<String> {
    vec!["mfa".to_owned()]
}

fn yes() -> bool {
    true
}

/// The whole configuration. The client secret is beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Exactly as the provider writes it into its tokens.
    pub issuer: String,
    pub client_id: String,
    #[serde(default = "basic")]
    pub client_auth: ClientAuth,
    /// Algorithms that a signature may have. Those with a shared key do not exist here.
    #[serde(default = "asymmetric")]
    pub algorithms: Vec<Alg>,
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub claims: Claims,
    /// Claims that the ID token does not have are asked for at the userinfo endpoint.
    #[serde(default = "yes")]
    pub userinfo: bool,
    /// Hosts beside the issuer's that its endpoints may be on: `host` or `host:port`.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Values of `amr` that stand for a second factor.
    #[serde(default = "mfa")]
    pub amr: Vec<String>,
    /// Values of `acr` that stand for a second factor; they are asked for, too.
    #[serde(default)]
    pub acr: Vec<String>,
    /// Authorities for its TLS beside the machine's, PEM.
    #[serde(default)]
    pub root_pem: String,
}

fn text(pointer: &str, value: &str, what: &str) -> Result<(), Wrong> {
    if value.trim().is_empty() {
        return Err(Wrong::at(pointer, format!("enter {what}")));
    }
    if value.len() > TEXT_MAX || value.chars().any(char::is_control) || value.trim() != value {
        return Err(Wrong::at(
            pointer,
            format!("{what} has at most {TEXT_MAX} bytes, and no blanks around it"),
        ));
    }
    Ok(())
}

fn words(pointer: &str, values: &[String], what: &str) -> Result<(), Wrong> {
    if values.len() > LIST_MAX {
        return Err(Wrong::at(pointer, format!("at most {LIST_MAX}")));
    }
    for (i, value) in values.iter().enumerate() {
        text(&format!("{pointer}/{i}"), value, what)?;
        if value.contains([' ', '"', '\\']) {
            return Err(Wrong::at(format!("{pointer}/{i}"), format!("{what} is one word")));
        }
    }
    Ok(())
}

impl Config {
    /// Reads one strictly.
    ///
    /// # Errors
    /// [`Wrong`], with the field where it can be told.
    pub fn read(value: &Value) -> Result<Self, Wrong> {
        let config: Self =
            serde_json::from_value(value.clone()).map_err(|error| Wrong::at("", error.to_string()))?;
        config.judge()?;
        Ok(config)
    }

    fn judge(&self) -> Result<(), Wrong> {
        text("/issuer", &self.issuer, "the issuer's address")?;
        let issuer: HttpsUrl = self.issuer.parse().map_err(|error: String| Wrong::at("/issuer", error))?;
        if issuer.target().contains('?') {
            return Err(Wrong::at("/issuer", "an issuer has no query"));
        }
        text("/client_id", &self.client_id, "the client's id")?;
        words("/scopes", &self.scopes, "a scope")?;
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return Err(Wrong::at("/scopes", "`openid` must be among them: without it there is no ID token"));
        }
        if self.algorithms.is_empty() || self.algorithms.len() > LIST_MAX {
            return Err(Wrong::at("/algorithms", "name at least one, such as RS256"));
        }
        for (pointer, name) in [
            ("/claims/name", &self.claims.name),
            ("/claims/display_name", &self.claims.display_name),
            ("/claims/mail", &self.claims.mail),
            ("/claims/groups", &self.claims.groups),
        ] {
            text(pointer, name, "the claim's name")?;
        }
        words("/amr", &self.amr, "a value of amr")?;
        words("/acr", &self.acr, "a value of acr")?;
        if self.hosts.len() > LIST_MAX {
            return Err(Wrong::at("/hosts", format!("at most {LIST_MAX}")));
        }
        for (i, host) in self.hosts.iter().enumerate() {
            let url: Result<HttpsUrl, String> = format!("https://{host}/").parse();
            if host.contains(['/', '?']) || url.is_err() {
                return Err(Wrong::at(format!("/hosts/{i}"), "write `host` or `host:port`"));
            }
        }
        if self.root_pem.len() > PEM_MAX {
            return Err(Wrong::at("/root_pem", format!("at most {} KiB", PEM_MAX / 1024)));
        }
        if !self.root_pem.is_empty() {
            wk_egress::tls::roots(&self.root_pem).map_err(|error| Wrong::at("/root_pem", error))?;
        }
        Ok(())
    }

    /// Own authorities, if there are some.
    pub(crate) fn root_pem(&self) -> Option<&str> {
        Some(self.root_pem.as_str()).filter(|pem| !pem.is_empty())
    }

    /// An endpoint that the provider names: on the issuer's host or a listed one, or it is not dialled, and no browser
    /// is sent there.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) fn endpoint(&self, what: &str, raw: &str) -> Result<HttpsUrl, String> {
        let url: HttpsUrl =
            raw.parse().map_err(|error| format!("its {what} is no address to use: {error}"))?;
        let own = |raw: &str| raw.parse::<HttpsUrl>().ok();
        let mut known = std::iter::once(self.issuer.clone())
            .chain(self.hosts.iter().map(|host| format!("https://{host}/")))
            .filter_map(|raw| own(&raw));
        if known.any(|known| known.host() == url.host() && known.port() == url.port()) {
            return Ok(url);
        }
        Err(format!(
            "its {what} is on {}, which is neither the issuer's host nor listed; if that is right, add it to the hosts",
            url.authority()
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn least() -> Value {
        json!({"issuer": "https://op.example/realms/main", "client_id": "watchkeep"})
    }

    #[test]
    fn defaults_are_the_strict_ones() {
        let config = Config::read(&least()).unwrap();
        assert_eq!(config.client_auth, ClientAuth::Basic);
        assert_eq!(config.algorithms, [Alg::RS256, Alg::PS256, Alg::ES256, Alg::EdDSA]);
        assert_eq!(config.amr, ["mfa"]);
        let kept = serde_json::to_value(&config).unwrap();
        assert_eq!(Config::read(&kept).unwrap(), config);
    }

    #[test]
    fn what_is_not_right_is_named() {
        for (at, value, pointer) in [
            ("issuer", json!("http://op.example"), "/issuer"),
            ("issuer", json!("https://op.example/?a"), "/issuer"),
            ("client_id", json!(""), "/client_id"),
            ("scopes", json!(["profile"]), "/scopes"),
            ("scopes", json!(["openid", "a b"]), "/scopes/1"),
            ("algorithms", json!([]), "/algorithms"),
            ("algorithms", json!(["none"]), ""),
            ("algorithms", json!(["HS256"]), ""),
            ("hosts", json!(["https://x.example"]), "/hosts/0"),
            ("hosts", json!(["a.example", "b.example/x"]), "/hosts/1"),
            ("root_pem", json!("x"), "/root_pem"),
            ("client_secret", json!("x"), ""),
            ("claims", json!({"groups": ""}), "/claims/groups"),
        ] {
            let mut config = least();
            config[at] = value;
            assert_eq!(Config::read(&config).unwrap_err().pointer, pointer, "{config}");
        }
    }

    #[test]
    fn endpoints_stay_on_the_hosts_that_were_entered() {
        let mut config = Config::read(&least()).unwrap();
        assert!(config.endpoint("x", "https://op.example/token").is_ok());
        for stranger in [
            "https://evil.example/token",
            "https://op.example:8443/token",
            "http://op.example/token",
            "https://op.example.evil.example/",
            "https://127.0.0.1/",
            "https://op.example@evil.example/",
        ] {
            assert!(config.endpoint("x", stranger).is_err(), "{stranger}");
        }
        config.hosts = vec!["evil.example".to_owned()];
        assert!(config.endpoint("x", "https://evil.example/token").is_ok());
    }
}
