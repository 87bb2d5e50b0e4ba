//! What the engine put into the outbox, read back and made fit to show. The webhook's document is made here too.

use serde::Deserialize;
use serde_json::json;
use wk_domain::Timestamp;
use wk_domain::text::{clean_line, clean_text};
use wk_engine::ports::rows::OutboxRow;

/// Longest output that is sent, in bytes: the console has the rest.
const OUTPUT_MAX: usize = 8 * 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    at_ms: Option<i64>,
    host: Named,
    check: Titled,
    status: String,
    was: String,
    since_ms: Option<i64>,
    output: String,
    number: i64,
    flapping: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Titled {
    title: String,
}

/// What to say. All texts are clean: one line each, but for `output`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) id: String,
    /// `problem`, `recovery`, `notice` or `test`.
    pub(crate) kind: String,
    pub(crate) at: Timestamp,
    pub(crate) host_id: String,
    pub(crate) host: String,
    pub(crate) check_id: String,
    pub(crate) title: String,
    pub(crate) status: String,
    pub(crate) was: String,
    pub(crate) since: Option<Timestamp>,
    pub(crate) output: String,
    pub(crate) number: i64,
    pub(crate) flapping: bool,
}

impl Payload {
    /// Reads a row. What is missing in the document, as an older program may have written it, is empty.
    ///
    /// # Errors
    /// A sentence, when the document is not one.
    pub(crate) fn read(row: &OutboxRow) -> Result<Self, String> {
        let raw: Raw = serde_json::from_str(&row.payload_json)
            .map_err(|error| format!("what to say cannot be read from the outbox: {error}"))?;
        let line = |text: &str| clean_line(text, 200);
        Ok(Self {
            id: row.id.to_string(),
            kind: line(&row.kind),
            at: raw.at_ms.map_or(row.created, Timestamp::from_ms),
            host_id: row.host.to_string(),
            host: line(&raw.host.name),
            check_id: row.check.to_string(),
            title: line(&raw.check.title),
            status: line(&raw.status),
            was: line(&raw.was),
            since: raw.since_ms.map(Timestamp::from_ms),
            output: clean_text(&raw.output, OUTPUT_MAX),
            number: raw.number,
            flapping: raw.flapping,
        })
    }

    /// One line: `CRITICAL web-1: Disk /var`.
    pub(crate) fn headline(&self) -> String {
        let word = match self.kind.as_str() {
            "recovery" => "RECOVERED".to_owned(),
            "test" => "TEST".to_owned(),
            "notice" => "NOTICE".to_owned(),
            _ => self.status.to_uppercase(),
        };
        format!("{word} {}: {}", self.host, self.title)
    }

    /// Where the console shows the host, or what a notice is about.
    pub(crate) fn link(&self, console_url: Option<&str>) -> Option<String> {
        let console = console_url?.trim_end_matches('/');
        // A notice is about the server itself.
        Some(if self.kind == "notice" {
            format!("{console}/evidence")
        } else {
            format!("{console}/hosts/{}", self.host_id)
        })
    }

    /// The webhook's document. The same bytes at every attempt.
    pub(crate) fn document(&self, console_url: Option<&str>) -> String {
        json!({
            "version": 1,
            "id": self.id,
            "kind": self.kind,
            "at": instant(self.at),
            "host": {"id": self.host_id, "name": self.host},
            "check": {"id": self.check_id, "title": self.title},
            "status": self.status,
            "was": self.was,
            "since": self.since.map(instant),
            "output": self.output,
            "number": self.number,
            "flapping": self.flapping,
            "link": self.link(console_url),
        })
        .to_string()
    }
}

/// RFC 3339 in UTC.
pub(crate) fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_ms()).map_or_else(|_| at.to_string(), |at| at.to_string())
}

/// For people: `2026-11-21 03:12:07 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_ms())
        .map_or_else(|_| at.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
pub(crate) fn example() -> Payload {
    Payload {
        id: "notif_01h455vb4pex5vsknk084sn02q".into(),
        kind: "problem".into(),
        at: Timestamp::from_ms(1_795_000_000_000),
        host_id: "host_01h455vb4pex5vsknk084sn02q".into(),
        host: "web-1".into(),
        check_id: "check_01h455vb4pex5vsknk084sn02q".into(),
        title: "Disk /var".into(),
        status: "critical".into(),
        was: "ok".into(),
        since: Some(Timestamp::from_ms(1_794_999_940_000)),
        output: "/var is 97 % full".into(),
        number: 1,
        flapping: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_says_what_receivers_are_promised() {
        let document: serde_json::Value =
            serde_json::from_str(&example().document(Some("https://w.example/"))).unwrap();
        assert_eq!(
            document,
            json!({
                "version": 1,
                "id": "notif_01h455vb4pex5vsknk084sn02q",
                "kind": "problem",
                "at": "2026-11-18T11:06:40Z",
                "host": {"id": "host_01h455vb4pex5vsknk084sn02q", "name": "web-1"},
                "check": {"id": "check_01h455vb4pex5vsknk084sn02q", "title": "Disk /var"},
                "status": "critical",
                "was": "ok",
                "since": "2026-11-18T11:05:40Z",
                "output": "/var is 97 % full",
                "number": 1,
                "flapping": false,
                "link": "https://w.example/hosts/host_01h455vb4pex5vsknk084sn02q",
            })
        );
    }
}
