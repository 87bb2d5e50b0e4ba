//! Rows as the audit log sees them: the fields whose hash is taken before and after an act, secrets by what is stored of
//! them only.
//!
//! What changes by itself all the time is left out: states, cursors, when an agent was last seen. So are revisions, which
//! an entry gives beside the hashes.

use serde_json::Value as Json;
use wk_audit::{Image, Value};
use wk_domain::{Tenant, Timestamp};

use crate::ports::rows::{
    AckRow, AgentRow, ChannelRow, CheckRow, DowntimeRow, HostRow, InvitationRow, SessionRow, TokenRow,
    UserRow, ViewRow,
};

/// Deepest JSON that is taken apart; what is deeper goes in as its text.
const DEPTH_MAX: usize = 6;

/// What an audit entry's hashes are over.
pub trait Imaged {
    /// As it is now.
    fn image(&self) -> Image;
}

fn ms(at: Timestamp) -> i64 {
    at.as_ms()
}

fn number(n: u128) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn list(items: &[String]) -> String {
    items.join(" ")
}

/// Takes a JSON document apart, so that the log names the field that changed and a name that speaks of a secret keeps its
/// value back: `headers.authorization`, whichever way headers are written.
pub fn json(image: Image, name: &str, text: &str) -> Image {
    match serde_json::from_str(text) {
        Ok(value) => fields(image, name, &value, 0),
        Err(_) => image.field(name, text),
    }
}

fn fields(image: Image, name: &str, value: &Json, depth: usize) -> Image {
    match value {
        Json::Null => image,
        Json::Bool(flag) => image.field(name, *flag),
        Json::Number(number) => match number.as_f64() {
            Some(number) => image.field(name, number),
            None => image.field(name, number.to_string()),
        },
        Json::String(text) if holds_credentials(text) => image.field(name, Value::Withheld),
        Json::String(text) => image.field(name, text.as_str()),
        Json::Array(_) | Json::Object(_) if depth >= DEPTH_MAX => image.field(name, value.to_string()),
        Json::Array(items) => items.iter().enumerate().fold(image, |image, (i, item)| match item {
            // A header: its name is the field's.
            Json::Array(pair) => match pair.as_slice() {
                [Json::String(key), value] => fields(image, &format!("{name}.{key}"), value, depth + 1),
                _ => fields(image, &format!("{name}.{i}"), item, depth + 1),
            },
            _ => fields(image, &format!("{name}.{i}"), item, depth + 1),
        }),
        Json::Object(map) => map
            .iter()
            .fold(image, |image, (key, value)| fields(image, &format!("{name}.{key}"), value, depth + 1)),
    }
}

/// The document as people may read it back: what the log would withhold is withheld here too, as `{"withheld": true}`.
/// A secret goes in and is used; nobody reads it again, not even who wrote it.
pub fn without_secrets(value: Json) -> Json {
    readable("", value)
}

fn readable(name: &str, value: Json) -> Json {
    let withheld = || serde_json::json!({"withheld": true});
    match value {
        Json::String(text) if wk_audit::speaks_of_secret(name) || holds_credentials(&text) => withheld(),
        Json::Array(items) => match items.as_slice() {
            // A header: its name is the field's.
            [Json::String(key), Json::String(_)] if wk_audit::speaks_of_secret(key) => {
                Json::Array(vec![Json::from(key.as_str()), withheld()])
            }
            _ => items.into_iter().map(|item| readable(name, item)).collect(),
        },
        Json::Object(map) => map
            .into_iter()
            .map(|(key, value)| {
                let value = readable(&key, value);
                (key, value)
            })
            .collect(),
        other => other,
    }
}

/// `https://user:password@host/`: the address is not worth the password.
fn holds_credentials(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

impl Imaged for Tenant {
    fn image(&self) -> Image {
        Image::new()
            .field("parent", self.parent.map(|parent| parent.to_string()))
            .field("name", self.name.as_str())
            .field("read_only", self.read_only)
            .field("why", self.why.as_str())
    }
}

impl Imaged for HostRow {
    fn image(&self) -> Image {
        let image = Image::new()
            .field("tenant", self.tenant.to_string())
            .field("name", self.name.as_str())
            .field("agent", self.agent.map(|agent| agent.to_string()))
            .field("addresses", list(&self.addresses))
            .field("os", self.os.as_str())
            .field("created_ms", ms(self.created));
        let image = self
            .labels
            .iter()
            .fold(image, |image, (name, value)| image.field(&format!("label.{name}"), value));
        self.fields
            .iter()
            .fold(image, |image, (name, value)| image.field(&format!("field.{name}"), value.as_str()))
    }
}

impl Imaged for CheckRow {
    fn image(&self) -> Image {
        let check = &self.check;
        let image = Image::new()
            .field("host", check.host.to_string())
            .field("key", check.key.as_str())
            .field("title", check.title.as_str())
            .field("kind", check.kind.as_str())
            .field("runner", check.runner.map(|runner| runner.to_string()))
            .field("interval_ms", number(check.retry.interval.as_millis()))
            .field("retry_interval_ms", number(check.retry.retry_interval.as_millis()))
            .field("max_attempts", check.retry.max_attempts)
            .field("volatile", check.retry.volatile)
            .field("enabled", check.enabled)
            .field("created_ms", ms(self.created));
        json(image, "spec", &self.spec_json)
    }
}

impl Imaged for ChannelRow {
    fn image(&self) -> Image {
        let image = Image::new()
            .field("tenant", self.tenant.to_string())
            .field("name", self.name.as_str())
            .field("kind", self.kind.as_str())
            .field("enabled", self.enabled)
            .stored_secret("secret", &self.secret_sealed);
        json(image, "config", &self.config_json)
    }
}

impl Imaged for TokenRow {
    fn image(&self) -> Image {
        Image::new()
            .field("tenant", self.tenant.to_string())
            .field("host_pattern", self.host_pattern.as_str())
            .field("grants", list(&self.grants))
            .field("created_ms", ms(self.created))
            .field("created_by", self.created_by.as_str())
            .field("expires_ms", ms(self.expires))
            .field("used_ms", self.used.map(ms))
            .field("used_by", self.used_by.map(|agent| agent.to_string()))
            .field("withdrawn_ms", self.withdrawn.map(ms))
            .stored_secret("secret", &self.secret_sha256)
    }
}

impl Imaged for AgentRow {
    fn image(&self) -> Image {
        let plugins: Vec<String> =
            self.plugins.iter().map(|(name, sha256, _)| format!("{name}={sha256}")).collect();
        Image::new()
            .field("host", self.host.to_string())
            .field("hostname", self.hostname.as_str())
            .field("standing", self.standing.as_str())
            .field("grants", list(&self.grants))
            .field("version", self.version.as_str())
            .field("enrolled_ms", ms(self.enrolled))
            .field("cert_serial", self.cert_serial.as_str())
            .field("cert_not_after_ms", ms(self.cert_not_after))
            .field("remote_off", self.remote_off)
            .field("read_only", self.read_only)
            .field("plugins", list(&plugins))
            .stored_secret("machine", &self.machine_digest)
    }
}

impl Imaged for AckRow {
    fn image(&self) -> Image {
        Image::new()
            .field("acknowledged_by", self.by.as_str())
            .field("at_ms", ms(self.at))
            .field("note", self.note.as_str())
            .field("sticky", self.sticky)
            .field("expires_ms", self.expires.map(ms))
    }
}

impl Imaged for DowntimeRow {
    fn image(&self) -> Image {
        Image::new()
            .field("host", self.host.to_string())
            .field("check", self.check.map(|check| check.to_string()))
            .field("start_ms", ms(self.start))
            .field("end_ms", ms(self.end))
            .field("note", self.note.as_str())
            .field("created_by", self.created_by.as_str())
            .field("cancelled_ms", self.cancelled.map(ms))
            .field("cancelled_by", self.cancelled_by.as_str())
    }
}

impl Imaged for UserRow {
    fn image(&self) -> Image {
        Image::new()
            .field("tenant", self.tenant.to_string())
            .field("name", self.name.as_str())
            .field("display_name", self.display_name.as_str())
            .field("role", self.role.as_str())
            .field("created_ms", ms(self.created))
            .field("disabled_ms", self.disabled.map(ms))
            .field("failures", self.failures)
            .stored_secret("password", self.password_phc.as_bytes())
            .stored_secret("totp", &self.totp_sealed)
    }
}

impl Imaged for SessionRow {
    fn image(&self) -> Image {
        Image::new()
            .field("user", self.user.to_string())
            .field("created_ms", ms(self.created))
            .field("address", self.address.as_str())
            .field("method", self.method.as_str())
            .field("ended_ms", self.ended.map(ms))
            .field("elevated_ms", self.elevated.map(ms))
            .stored_secret("token", &self.token_sha256)
    }
}

impl Imaged for InvitationRow {
    fn image(&self) -> Image {
        Image::new()
            .field("tenant", self.tenant.to_string())
            .field("person", self.person.map(|person| person.to_string()))
            .field("name", self.name.as_str())
            .field("display_name", self.display_name.as_str())
            .field("role", self.role.as_str())
            .field("created_ms", ms(self.created))
            .field("created_by", self.created_by.as_str())
            .field("expires_ms", ms(self.expires))
            .field("used_ms", self.used.map(ms))
            .field("withdrawn_ms", self.withdrawn.map(ms))
            .stored_secret("secret", &self.secret_sha256)
    }
}

impl Imaged for ViewRow {
    fn image(&self) -> Image {
        Image::new()
            .field("owner", self.owner.to_string())
            .field("list", self.list.as_str())
            .field("name", self.name.as_str())
            .field("filter", self.filter.as_str())
            .field("scope", self.scope.as_str())
            .field("sort", self.sort.as_str())
            .field("shared", self.shared)
            .field("created_ms", ms(self.created))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_taken_apart_and_its_secrets_stay_back() {
        let spec = r#"{"kind":"http","url":"https://shop.example/a","headers":[["Authorization","Bearer hunter2"],
            ["Accept","text/html"]],"expect_status":[200,204],"thresholds":[{"metric":"time","warn":"1"}],
            "proxy":"http://me:hunter2@proxy:3128/","args":{"password":"hunter2"},"none":null}"#;
        let image = json(Image::new(), "spec", spec);
        let text = String::from_utf8(image.canonical()).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        let read = without_secrets(serde_json::from_str(spec).unwrap());
        assert!(!read.to_string().contains("hunter2"), "{read}");
        assert_eq!(read["headers"][0], serde_json::json!(["Authorization", {"withheld": true}]));
        assert_eq!(read["headers"][1], serde_json::json!(["Accept", "text/html"]));
        assert_eq!(
            (&read["url"], &read["thresholds"][0]["warn"]),
            (&"https://shop.example/a".into(), &"1".into())
        );
        for part in [
            r#""spec.headers.Accept":"text/html""#,
            r#""spec.headers.Authorization":{"withheld":true}"#,
            r#""spec.expect_status.1":204"#,
            r#""spec.thresholds.0.warn":"1""#,
            r#""spec.url":"https://shop.example/a""#,
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn what_is_no_document_or_too_deep_is_still_seen() {
        assert_eq!(json(Image::new(), "spec", "{").canonical(), br#"{"spec":"{"}"#);
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        assert!(json(Image::new(), "x", &deep).canonical().len() < 200);
    }

    #[test]
    fn a_changed_secret_changes_the_image_and_nothing_shows_it() {
        let channel = |sealed: &[u8]| ChannelRow {
            id: crate::ids::new_id(Timestamp::from_ms(1)),
            tenant: wk_domain::TenantId::ROOT,
            name: "ops".to_owned(),
            kind: "webhook".to_owned(),
            config_json: r#"{"url":"https://hook.example"}"#.to_owned(),
            secret_sealed: sealed.to_vec(),
            enabled: true,
            revision: 1,
        };
        let (one, two) = (channel(b"sealed-one").image(), channel(b"sealed-two").image());
        assert_ne!(one.hash(), two.hash());
        assert!(!String::from_utf8(one.canonical()).unwrap().contains("sealed-one"));
    }
}
