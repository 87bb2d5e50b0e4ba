//! A notification as an e-mail that is readable at three in the morning: what, where, since when, and what was before.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::{Address, Message};
use wk_domain::text::{clean_line, span};

use crate::channel::EmailConfig;
use crate::payload::{Payload, moment};

/// Longest subject, in bytes: what a list of mails shows.
const SUBJECT_MAX: usize = 200;

/// Text on the wire and who gets it.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) from: Address,
    pub(crate) to: Vec<Address>,
    pub(crate) bytes: Vec<u8>,
}

fn subject(payload: &Payload) -> String {
    let (host, title) = (&payload.host, &payload.title);
    let subject = match payload.kind.as_str() {
        "recovery" => format!("[RECOVERED] {host}: {title}"),
        "test" => "[TEST] Watchkeep can reach you".to_owned(),
        "notice" => format!("[NOTICE] {host}: {title}"),
        _ => format!("[{}] {host}: {title}", payload.status.to_uppercase()),
    };
    clean_line(subject, SUBJECT_MAX)
}

fn body(payload: &Payload, channel: &str, console_url: Option<&str>) -> String {
    let mut out = String::new();
    let mut line = |name: &str, text: &str| {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{name:<10}{text}");
    };
    line("Host:", &payload.host);
    line("Check:", &payload.title);
    match payload.kind.as_str() {
        "recovery" => line("State:", &format!("{}, was {}", payload.status, payload.was)),
        "test" => line("State:", "a test; nothing is wrong"),
        "notice" => line("State:", "about this server itself"),
        _ => line("State:", &format!("{}, before that {}", payload.status.to_uppercase(), payload.was)),
    }
    if let Some(since) = payload.since {
        let lasted = payload.at.since(since);
        let lasted =
            if lasted < Duration::from_secs(1) { String::new() } else { format!(" ({})", span(lasted)) };
        line("Since:", &format!("{}{lasted}", moment(since)));
    }
    line("Told at:", &moment(payload.at));
    if payload.number > 1 {
        line("Number:", &format!("{} for this problem", payload.number));
    }
    if payload.flapping {
        line("Note:", "the state changes often (flapping)");
    }
    if let Some(link) = payload.link(console_url) {
        line("Console:", &link);
    }
    let output = if payload.output.is_empty() { "(no output)" } else { &payload.output };
    let _ = write!(
        out,
        "\n{output}\n\n---\nSent by Watchkeep through the channel \"{channel}\".\n{}\n\
         A mail with the same id is the same message: it is sent again when its\nreceipt was not certain.\n",
        payload.id
    );
    out
}

/// Writes the mail. The same bytes at every attempt, the `Message-ID` included: mail programs show it once.
///
/// # Errors
/// A sentence, when the library refuses.
pub(crate) fn compose(
    config: &EmailConfig,
    channel: &str,
    payload: &Payload,
    console_url: Option<&str>,
) -> Result<Mail, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("the mail cannot be written: {error}");
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(payload.at.as_ms()).unwrap_or(0));
    let raw = |name: &'static str, value: &str| {
        HeaderName::new_from_ascii(name.to_owned())
            .map(|name| HeaderValue::new(name, value.to_owned()))
            .map_err(|error| cannot(&error))
    };
    let mut builder = Message::builder()
        .from(config.from.clone())
        .date(at)
        .subject(subject(payload))
        .message_id(Some(format!("<{}@{}>", payload.id, config.from.email.domain())))
        .header(ContentType::TEXT_PLAIN)
        .raw_header(raw("X-Watchkeep-Notification", &payload.id)?)
        // Keeps out-of-office replies away.
        .raw_header(raw("Auto-Submitted", "auto-generated")?);
    for to in &config.to {
        builder = builder.to(to.clone());
    }
    let channel = clean_line(channel, 100);
    let message = builder.body(body(payload, &channel, console_url)).map_err(|error| cannot(&error))?;
    Ok(Mail {
        from: config.from.email.clone(),
        to: config.to.iter().map(|to| to.email.clone()).collect(),
        bytes: message.formatted(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::channel::ChannelConfig;
    use crate::payload::example;

    fn config() -> EmailConfig {
        let config = json!({"server": "mail.example", "security": "tls", "from": "wk@example.org", "to": ["ops@example.org"]});
        match ChannelConfig::parse("email", &config).unwrap() {
            ChannelConfig::Email(email) => email,
            ChannelConfig::Webhook(_) => unreachable!(),
        }
    }

    fn text(payload: &Payload) -> String {
        String::from_utf8(
            compose(&config(), "Night shift", payload, Some("https://w.example")).unwrap().bytes,
        )
        .unwrap()
    }

    #[test]
    fn a_mail_says_what_where_and_since_when() {
        let mail = text(&example());
        let (headers, body) = mail.split_once("\r\n\r\n").unwrap();
        for header in [
            "Subject: [CRITICAL] web-1: Disk /var",
            "From: wk@example.org",
            "To: ops@example.org",
            "Message-ID: <notif_01h455vb4pex5vsknk084sn02q@example.org>",
            "X-Watchkeep-Notification: notif_01h455vb4pex5vsknk084sn02q",
            "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8",
            "Date: Wed, 18 Nov 2026 11:06:40 +0000",
        ] {
            assert!(headers.lines().any(|line| line == header), "{header} is not in\n{headers}");
        }
        let wanted = "Host:     web-1\r
Check:    Disk /var\r
State:    CRITICAL, before that ok\r
Since:    2026-11-18 11:05:40 UTC (1 min)\r
Told at:  2026-11-18 11:06:40 UTC\r
Console:  https://w.example/hosts/host_01h455vb4pex5vsknk084sn02q\r
\r
/var is 97 % full\r
\r
---\r
Sent by Watchkeep through the channel \"Night shift\".\r
notif_01h455vb4pex5vsknk084sn02q\r
A mail with the same id is the same message: it is sent again when its\r
receipt was not certain.\r
";
        assert_eq!(body, wanted);
        assert_eq!(mail, text(&example()), "the same bytes at every attempt");
    }

    #[test]
    fn a_recovery_and_a_test_say_so() {
        let recovery =
            Payload { kind: "recovery".into(), status: "ok".into(), was: "critical".into(), ..example() };
        let mail = text(&recovery);
        assert!(
            mail.contains("Subject: [RECOVERED] web-1: Disk /var\r\n")
                && mail.contains("State:    ok, was critical")
        );
        assert!(
            text(&Payload { kind: "test".into(), ..example() })
                .contains("Subject: [TEST] Watchkeep can reach you\r\n")
        );
    }

    proptest! {
        /// Whatever a machine says, it adds no header and no recipient, and no line is too long for SMTP.
        #[test]
        fn monitored_text_stays_in_its_place(
            host in "(\\PC|[\r\n\0\t ]|Bcc: x@evil.example|\r\n\\.\r\n){0,40}",
            title in "(\\PC|[\r\n\0])*",
            output in "(\\PC|[\r\n\0]|\r\n\\.\r\n)*",
        ) {
            let row = wk_engine::ports::rows::OutboxRow {
                id: wk_engine::ids::new_id(wk_domain::Timestamp::from_ms(1)),
                channel: wk_engine::ids::new_id(wk_domain::Timestamp::from_ms(1)),
                check: wk_engine::ids::new_id(wk_domain::Timestamp::from_ms(1)),
                host: wk_engine::ids::new_id(wk_domain::Timestamp::from_ms(1)),
                kind: "problem".into(),
                created: wk_domain::Timestamp::from_ms(1),
                payload_json: json!({"host": {"name": host}, "check": {"title": title}, "output": output, "status": "critical"}).to_string(),
                state: "pending".into(),
                attempts: 0,
                next_attempt: wk_domain::Timestamp::from_ms(1),
                last_error: String::new(),
                delivered: None,
            };
            let mail = text(&Payload::read(&row).unwrap());
            let headers = mail.split_once("\r\n\r\n").unwrap().0;
            prop_assert!(headers.is_ascii());
            let known = ["From", "To", "Date", "Subject", "Message-ID", "Content-Type", "X-Watchkeep-Notification",
                "Auto-Submitted", "Content-Transfer-Encoding", "MIME-Version"];
            let mut seen = Vec::new();
            for line in headers.split("\r\n") {
                prop_assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']));
                if !line.starts_with([' ', '\t']) {
                    let name = line.split(':').next().unwrap_or_default();
                    prop_assert!(known.contains(&name), "{} in {}", name, headers);
                    prop_assert!(!seen.contains(&name), "twice: {}", name);
                    seen.push(name);
                }
            }
        }
    }
}
