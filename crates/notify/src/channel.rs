//! A channel's configuration: read strictly, given back in full. Secrets are not part of it.

use std::fmt;
use std::str::FromStr;

use lettre::message::Mailbox;
use serde_json::{Map, Value, json};
use wk_domain::Status;
use wk_domain::text::is_clean_line;

use crate::egress::RemoteHost;
use crate::egress::tls;

/// A page goes to a handful of people; more than this is what a mailing list is for.
const TO_MAX: usize = 20;
/// Longest text of a field, in bytes; a URL is the longest.
const TEXT_MAX: usize = 2_048;
/// Longest `root_pem`: a handful of certificates.
const PEM_MAX: usize = 32 * 1024;

/// JSON pointer into the configuration, and a sentence.
type Wrong = (String, String);

/// How the connection to the mail server becomes TLS. There is no other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From the first byte, mostly on port 465.
    Tls,
    /// After `STARTTLS`, mostly on port 587. A server that does not offer it is told nothing.
    StartTls,
}

/// A mail server and who is told through it.
#[derive(Debug, Clone, PartialEq)]
pub struct EmailConfig {
    pub server: RemoteHost,
    pub port: u16,
    pub security: Security,
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
    /// The password is the channel's secret.
    pub username: Option<String>,
    /// Further certificate authorities to trust, PEM.
    pub root_pem: Option<String>,
    pub severities: Vec<Status>,
}

/// Where to post.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookConfig {
    pub url: WebhookUrl,
    /// Further certificate authorities to trust, PEM.
    pub root_pem: Option<String>,
    pub severities: Vec<Status>,
}

/// A channel's configuration, parsed.
#[derive(Debug, Clone, PartialEq)]
pub enum ChannelConfig {
    Email(EmailConfig),
    Webhook(WebhookConfig),
}

/// An HTTPS URL without user, password or fragment, on port 443 or one from 1024.
///
/// Path and query may hold a token of the receiver's; `Debug` leaves them out, and errors name the host alone.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    pub(crate) host: RemoteHost,
    pub(crate) port: u16,
    /// Path and query, as they go on the wire.
    pub(crate) target: String,
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}/..", self.authority())
    }
}

impl WebhookUrl {
    pub(crate) fn authority(&self) -> String {
        match self.port {
            443 => self.host.to_string(),
            port => format!("{}:{port}", self.host),
        }
    }

    fn full(&self) -> String {
        format!("https://{}{}", self.authority(), self.target)
    }
}

impl FromStr for WebhookUrl {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = raw.split_once("://") else {
            return Err("write the whole URL, as in https://hooks.example/watchkeep".to_owned());
        };
        if !scheme.eq_ignore_ascii_case("https") {
            return Err("webhooks go over https alone".to_owned());
        }
        if !rest.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(
                "the URL holds a space, a control or a non-ASCII character; percent-encode it".to_owned()
            );
        }
        if rest.contains('#') {
            return Err("a fragment (`#...`) is never sent; leave it out".to_owned());
        }
        let cut = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(cut);
        if authority.contains('@') {
            return Err(
                "leave user and password out of the URL: it is not secret; the signing key is".to_owned()
            );
        }
        let (host, port) = split_port(authority)?;
        let host: RemoteHost = host.parse()?;
        let port = port.unwrap_or(443);
        if port != 443 && port < 1024 {
            return Err(format!(
                "port {port} belongs to another service; webhooks go to 443 or to 1024 and above"
            ));
        }
        let target = match target {
            "" => "/".to_owned(),
            target if target.starts_with('?') => format!("/{target}"),
            target => target.to_owned(),
        };
        // What the HTTP library would refuse later is refused now.
        let parsed: Result<http::uri::PathAndQuery, _> = target.parse();
        if !target.starts_with('/') || target.contains('\\') || parsed.is_err() {
            return Err("the path of the URL holds a character that must be percent-encoded".to_owned());
        }
        Ok(Self { host, port, target })
    }
}

/// Host and port of `host:port`, `[v6]:port` or `host`.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = match authority.rsplit_once(':') {
        // A colon inside brackets, or several without, is no port's.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = match port {
        Some(port) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            Some(port.parse().ok().filter(|port| *port > 0).ok_or("the port is not between 1 and 65535")?)
        }
        Some(_) => return Err("what follows the colon is not a port".to_owned()),
        None => None,
    };
    Ok((host, port))
}

/// Takes keys out one by one; what is left over is unknown.
struct Fields {
    left: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    fn new(config: &Value) -> Result<Self, Wrong> {
        match config.as_object() {
            Some(map) => Ok(Self { left: map.clone(), known: Vec::new() }),
            None => Err((String::new(), "the configuration must be a JSON object".to_owned())),
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.left.remove(key).filter(|value| !value.is_null())
    }

    fn text(&mut self, key: &'static str) -> Result<Option<String>, Wrong> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => line(&format!("/{key}"), text).map(Some),
            Some(_) => Err((format!("/{key}"), "this must be text".to_owned())),
        }
    }

    fn needed(&mut self, key: &'static str, example: &str) -> Result<String, Wrong> {
        self.text(key)?.ok_or_else(|| (format!("/{key}"), format!("this is missing; for example {example}")))
    }

    fn list(&mut self, key: &'static str) -> Result<Option<Vec<String>>, Wrong> {
        let wrong = |pointer: String| Err((pointer, "this must be a list of texts".to_owned()));
        let items = match self.take(key) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return wrong(format!("/{key}")),
        };
        let mut out = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            match item {
                Value::String(text) => out.push(line(&format!("/{key}/{at}"), text)?),
                _ => return wrong(format!("/{key}/{at}")),
            }
        }
        Ok(Some(out))
    }

    fn root_pem(&mut self) -> Result<Option<String>, Wrong> {
        let at = || "/root_pem".to_owned();
        match self.take("root_pem") {
            None => Ok(None),
            Some(Value::String(pem)) if pem.trim().is_empty() => Ok(None),
            Some(Value::String(pem)) if pem.len() > PEM_MAX => Err((
                at(),
                format!("this is longer than {PEM_MAX} bytes; leave out all but the roots that are needed"),
            )),
            Some(Value::String(pem)) => tls::roots(&pem).map(|_| Some(pem)).map_err(|error| (at(), error)),
            Some(_) => Err((at(), "this must be text".to_owned())),
        }
    }

    fn severities(&mut self) -> Result<Vec<Status>, Wrong> {
        let all = [Status::Critical, Status::Warning, Status::Unknown];
        let Some(words) = self.list("severities")? else { return Ok(all.to_vec()) };
        let mut out = Vec::new();
        for (at, word) in words.iter().enumerate() {
            match Status::parse(word).filter(|status| all.contains(status)) {
                Some(status) if !out.contains(&status) => out.push(status),
                Some(_) => {}
                None => {
                    let text = format!(
                        "`{word}` is not critical, warning or unknown; recoveries follow their problem"
                    );
                    return Err((format!("/severities/{at}"), text));
                }
            }
        }
        if out.is_empty() {
            let text = "nobody would be told of anything; name at least one severity, or disable the channel";
            return Err(("/severities".to_owned(), text.to_owned()));
        }
        Ok(out)
    }

    fn end(self) -> Result<(), Wrong> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(key) => {
                let shown = wk_domain::text::clean_line(key, 60);
                let pointer = key.replace('~', "~0").replace('/', "~1");
                Err((
                    format!("/{pointer}"),
                    format!("`{shown}` is not known here; known are {}", self.known.join(", ")),
                ))
            }
        }
    }
}

fn line(pointer: &str, text: String) -> Result<String, Wrong> {
    let wrong = |what: &str| Err((pointer.to_owned(), what.to_owned()));
    match text.as_str() {
        text if text.trim().is_empty() => wrong("this is empty"),
        text if text.len() > TEXT_MAX => wrong("this is longer than 2048 bytes"),
        text if !is_clean_line(text) => {
            wrong("this holds control characters, line breaks, or space at its ends")
        }
        _ => Ok(text),
    }
}

fn mailbox(pointer: &str, text: &str) -> Result<Mailbox, Wrong> {
    let mailbox: Mailbox = text.parse().map_err(|_| {
        (
            pointer.to_owned(),
            "this is not an e-mail address, as in ops@example.org or Ops <ops@example.org>".to_owned(),
        )
    })?;
    // An address of other characters reaches only some servers; the name before it may hold any.
    if !mailbox.email.to_string().is_ascii() {
        return Err((pointer.to_owned(), "the address holds characters beyond ASCII".to_owned()));
    }
    Ok(mailbox)
}

impl ChannelConfig {
    /// Reads a configuration. `kind` is `email` or `webhook`.
    ///
    /// # Errors
    /// A JSON pointer into the configuration and a sentence.
    pub fn parse(kind: &str, config: &Value) -> Result<Self, (String, String)> {
        match kind {
            "email" => email(config).map(Self::Email),
            "webhook" => webhook(config).map(Self::Webhook),
            other => {
                let other = wk_domain::text::clean_line(other, 60);
                Err(("/kind".to_owned(), format!("`{other}` is neither email nor webhook")))
            }
        }
    }

    /// The configuration in full, as it is stored and shown.
    pub fn to_json(&self) -> Value {
        let words =
            |severities: &[Status]| severities.iter().map(|status| status.as_str()).collect::<Vec<_>>();
        let (mut out, optional) = match self {
            Self::Email(email) => {
                let out = json!({
                    "server": format!("{}:{}", email.server, email.port),
                    "security": match email.security { Security::Tls => "tls", Security::StartTls => "starttls" },
                    "from": email.from.to_string(),
                    "to": email.to.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "severities": words(&email.severities),
                });
                (out, [("username", &email.username), ("root_pem", &email.root_pem)])
            }
            Self::Webhook(hook) => {
                let out = json!({"url": hook.url.full(), "severities": words(&hook.severities)});
                (out, [("root_pem", &hook.root_pem), ("username", &None)])
            }
        };
        for (key, value) in optional {
            if let Some(value) = value {
                out[key] = json!(value);
            }
        }
        out
    }
}

fn email(config: &Value) -> Result<EmailConfig, Wrong> {
    let mut fields = Fields::new(config)?;
    let server = fields.needed("server", "mail.example:465")?;
    let security = match fields.needed("security", "tls")?.as_str() {
        "tls" => Security::Tls,
        "starttls" => Security::StartTls,
        "none" | "plain" | "off" => {
            let text =
                "mail is never sent without TLS; use tls (mostly port 465) or starttls (mostly port 587)";
            return Err(("/security".to_owned(), text.to_owned()));
        }
        _ => return Err(("/security".to_owned(), "this must be tls or starttls".to_owned())),
    };
    let at_server = |what: String| ("/server".to_owned(), what);
    let (host, port) = split_port(&server).map_err(at_server)?;
    let server = host.parse::<RemoteHost>().map_err(at_server)?;
    let port = port.unwrap_or(match security {
        Security::Tls => 465,
        Security::StartTls => 587,
    });
    let from = mailbox("/from", &fields.needed("from", "watchkeep@example.org")?)?;
    let to = fields.list("to")?.unwrap_or_default();
    if to.is_empty() || to.len() > TO_MAX {
        return Err((
            "/to".to_owned(),
            format!("name one to {TO_MAX} addresses, as in [\"ops@example.org\"]"),
        ));
    }
    let to = to.iter().enumerate().map(|(at, text)| mailbox(&format!("/to/{at}"), text));
    let to = to.collect::<Result<Vec<_>, _>>()?;
    let username = fields.text("username")?;
    let root_pem = fields.root_pem()?;
    let severities = fields.severities()?;
    fields.end()?;
    Ok(EmailConfig { server, port, security, from, to, username, root_pem, severities })
}

fn webhook(config: &Value) -> Result<WebhookConfig, Wrong> {
    let mut fields = Fields::new(config)?;
    let url = fields.needed("url", "https://hooks.example/watchkeep")?;
    let url = url.parse().map_err(|what| ("/url".to_owned(), what))?;
    let root_pem = fields.root_pem()?;
    let severities = fields.severities()?;
    fields.end()?;
    Ok(WebhookConfig { url, root_pem, severities })
}

/// Checks a channel's configuration and gives it back in full.
///
/// # Errors
/// A JSON pointer into the configuration and a sentence.
pub fn check_config(kind: &str, config: &Value) -> Result<Value, (String, String)> {
    ChannelConfig::parse(kind, config).map(|config| config.to_json())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mail() -> Value {
        json!({"server": "mail.example", "security": "tls", "from": "Wächter <wk@example.org>", "to": ["ops@example.org"]})
    }

    fn with(mut config: Value, key: &str, value: Value) -> Value {
        config[key] = value;
        config
    }

    #[test]
    fn a_configuration_comes_back_in_full_and_stays() {
        let full = check_config("email", &mail()).unwrap();
        let wanted = json!({
            "server": "mail.example:465",
            "security": "tls",
            "from": "Wächter <wk@example.org>",
            "to": ["ops@example.org"],
            "severities": ["critical", "warning", "unknown"],
        });
        assert_eq!(full, wanted);
        assert_eq!(check_config("email", &full).unwrap(), full);
        let starttls = with(mail(), "security", json!("starttls"));
        assert_eq!(check_config("email", &starttls).unwrap()["server"], "mail.example:587");
        let hook = json!({"url": "https://HOOKS.example?token=1", "severities": ["critical", "critical"]});
        let full = json!({"url": "https://hooks.example/?token=1", "severities": ["critical"]});
        assert_eq!(check_config("webhook", &hook).unwrap(), full);
        assert_eq!(check_config("webhook", &full).unwrap(), full);
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        let email = |key, value| check_config("email", &with(mail(), key, value)).unwrap_err();
        let (pointer, text) = email("security", json!("none"));
        assert_eq!(pointer, "/security");
        assert_eq!(
            text,
            "mail is never sent without TLS; use tls (mostly port 465) or starttls (mostly port 587)"
        );
        for (key, value, pointer) in [
            ("server", json!("mail.example:0"), "/server"),
            ("server", json!("mail.example:smtp"), "/server"),
            ("server", json!("mail.example/x"), "/server"),
            ("server", json!("2130706433:465"), "/server"),
            ("server", json!(25), "/server"),
            ("security", json!("opportunistic"), "/security"),
            ("from", json!("nobody"), "/from"),
            ("from", json!("a@example.org\r\nBcc: b@example.org"), "/from"),
            ("from", Value::Null, "/from"),
            ("to", json!([]), "/to"),
            ("to", json!("ops@example.org"), "/to"),
            ("to", json!(["ops@example.org", "x\n@example.org"]), "/to/1"),
            ("to", json!(["ops@example.org", "öps@example.org"]), "/to/1"),
            ("to", json!(vec!["ops@example.org"; 21]), "/to"),
            ("username", json!("ops\0"), "/username"),
            ("root_pem", json!("no certificate"), "/root_pem"),
            ("severities", json!([]), "/severities"),
            ("severities", json!(["critical", "ok"]), "/severities/1"),
            ("sevirities", json!(["critical"]), "/sevirities"),
            ("password", json!("canary"), "/password"),
            ("a/b~c", json!(1), "/a~1b~0c"),
        ] {
            let (at, text) = email(key, value.clone());
            assert_eq!(at, pointer, "{key}: {value}: {text}");
            assert!(!text.contains("canary"), "{text}");
        }
        let unknown = email("sevirities", json!(["critical"])).1;
        assert!(
            unknown.contains("known are server, security, from, to, username, root_pem, severities"),
            "{unknown}"
        );
        assert_eq!(check_config("pager", &json!({})).unwrap_err().0, "/kind");
        assert_eq!(check_config("webhook", &json!([])).unwrap_err().0, "");
    }

    #[test]
    fn urls_are_read_strictly() {
        for good in [
            "https://hooks.example",
            "HTTPS://hooks.example:8443/a/b?c=d&e=%20",
            "https://[2606:4700::1]:443/x",
            "https://1.1.1.1/",
            "https://hooks.example:1024/",
            "https://10.1.2.3/x",
        ] {
            good.parse::<WebhookUrl>().unwrap_or_else(|error| panic!("{good}: {error}"));
        }
        for bad in [
            "",
            "hooks.example",
            "http://hooks.example/",
            "ftp://hooks.example/",
            "file:///etc/passwd",
            "gopher://x/",
            "javascript:alert(1)",
            "https:hooks.example",
            "https:/hooks.example",
            "https://",
            "https:///x",
            "https://:443/",
            "https://user@hooks.example/",
            "https://user:pw@hooks.example/",
            "https://a@b@hooks.example/",
            "https://hooks.example:0/",
            "https://hooks.example:22/",
            "https://hooks.example:25/",
            "https://hooks.example:80/",
            "https://hooks.example:65536/",
            "https://hooks.example:/",
            "https://hooks.example:+443/",
            "https://hooks.example:4 43/",
            "https://hooks.example/#x",
            "https://hooks.example\\@evil.example/",
            "https://hooks.example/a b",
            "https://hooks.example/\r\nHost: evil",
            "https://hooks.example/\u{202e}x",
            "https://hooks.exämple/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://127.0.0.1./",
            "https://[::1",
            "https://::1/",
            "https://[fe80::1%25eth0]/",
            "https://[::ffff:1.2.3.4]x/",
            "https://hooks..example/",
            "https://%31%32%37.0.0.1/",
            "https://hooks.example%2f@evil/",
            "https://①.example/",
            "https://hooks_x.example/",
            "https://hooks.example\t/",
            "https://hooks.example/<x>",
            "https://hooks.example\0/",
        ] {
            assert!(bad.parse::<WebhookUrl>().is_err(), "{bad}");
        }
        let url: WebhookUrl = "https://hooks.example/T0/canary?k=canary".parse().unwrap();
        assert_eq!(format!("{url:?}"), "https://hooks.example/..");
    }

    proptest! {
        #[test]
        fn reading_is_total_and_what_is_accepted_is_stable(url in "(https://)?\\PC{0,40}", server in "\\PC{0,30}") {
            for (kind, config) in [
                ("webhook", json!({"url": url})),
                ("email", with(mail(), "server", json!(server))),
                ("email", with(mail(), "from", json!(server))),
            ] {
                if let Ok(full) = check_config(kind, &config) {
                    prop_assert_eq!(check_config(kind, &full), Ok(full));
                }
            }
        }
    }
}
