//! Check specifications as JSON: how the API takes them and the store keeps them. Strict: an unknown key is refused.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wk_domain::spec::{CheckSpec, HttpSpec, MetricThreshold};
use wk_domain::threshold::Range;

/// Longest text of any argument, in bytes.
const TEXT_MAX: usize = 4096;
/// More than any probe has metrics.
const THRESHOLDS_MAX: usize = 64;
/// Shortest and longest deadline of a run, in milliseconds.
const TIMEOUT_MS: (u64, u64) = (100, 60_000);

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum SpecJson {
    Ping {
        address: String,
        #[serde(default = "three")]
        count: u32,
        #[serde(default)]
        timeout_ms: Option<u64>,
        #[serde(default)]
        thresholds: Vec<ThresholdJson>,
    },
    Tcp {
        address: String,
        port: u16,
        #[serde(default)]
        send: String,
        #[serde(default)]
        expect: String,
        #[serde(default)]
        timeout_ms: Option<u64>,
        #[serde(default)]
        thresholds: Vec<ThresholdJson>,
    },
    Http {
        url: String,
        #[serde(default)]
        method: String,
        #[serde(default)]
        headers: Vec<(String, String)>,
        #[serde(default)]
        expect_status: Vec<u16>,
        #[serde(default)]
        expect_headers: Vec<(String, String)>,
        #[serde(default)]
        expect_body: String,
        #[serde(default)]
        refuse_body: String,
        #[serde(default)]
        extra_roots_pem: String,
        #[serde(default)]
        timeout_ms: Option<u64>,
        #[serde(default)]
        thresholds: Vec<ThresholdJson>,
    },
    Tls {
        address: String,
        #[serde(default = "https")]
        port: u16,
        #[serde(default)]
        server_name: String,
        #[serde(default)]
        extra_roots_pem: String,
        #[serde(default)]
        timeout_ms: Option<u64>,
        #[serde(default)]
        thresholds: Vec<ThresholdJson>,
    },
    Dns {
        #[serde(default)]
        server: String,
        name: String,
        #[serde(default = "a")]
        record_type: String,
        #[serde(default)]
        expect: Vec<String>,
        #[serde(default)]
        timeout_ms: Option<u64>,
        #[serde(default)]
        thresholds: Vec<ThresholdJson>,
    },
    Ssh {
        address: String,
        #[serde(default = "ssh")]
        port: u16,
        #[serde(default)]
        expect: String,
        #[serde(default)]
        timeout_ms: Option<u64>,
        #[serde(default)]
        thresholds: Vec<ThresholdJson>,
    },
    Plugin {
        name: String,
        #[serde(default)]
        params: Vec<(String, String)>,
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdJson {
    metric: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    warn: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    crit: String,
}

fn three() -> u32 {
    3
}
fn https() -> u16 {
    443
}
fn ssh() -> u16 {
    22
}
fn a() -> String {
    "A".to_owned()
}

/// A specification with what goes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct FullSpec {
    pub spec: CheckSpec,
    pub timeout: Duration,
    pub thresholds: Vec<MetricThreshold>,
}

/// Why a JSON value is not a specification: a sentence for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(String);

/// Reads a specification.
///
/// # Errors
/// [`SpecError`] says what is wrong and what would be right.
pub fn parse(json: &serde_json::Value) -> Result<FullSpec, SpecError> {
    let read: SpecJson =
        serde_json::from_value(json.clone()).map_err(|e| SpecError(format!("the check's spec: {e}")))?;
    let (spec, timeout_ms, thresholds) = match read {
        SpecJson::Ping { address, count, timeout_ms, thresholds } => {
            if !(1..=20).contains(&count) {
                return Err(SpecError(format!("count is {count}; use 1 to 20")));
            }
            (CheckSpec::Ping { address: address_of(address)?, count }, timeout_ms, thresholds)
        }
        SpecJson::Tcp { address, port, send, expect, timeout_ms, thresholds } => (
            CheckSpec::Tcp {
                address: address_of(address)?,
                port: port_of(port)?,
                send: text("send", send)?.into_bytes(),
                expect: text("expect", expect)?.into_bytes(),
            },
            timeout_ms,
            thresholds,
        ),
        SpecJson::Http {
            url,
            method,
            headers,
            expect_status,
            expect_headers,
            expect_body,
            refuse_body,
            extra_roots_pem,
            timeout_ms,
            thresholds,
        } => {
            if !(url.starts_with("https://") || url.starts_with("http://")) {
                return Err(SpecError(format!("url `{url}` must start with https:// or http://")));
            }
            let method = if method.is_empty() { "GET".to_owned() } else { method.to_uppercase() };
            if !["GET", "HEAD", "POST"].contains(&method.as_str()) {
                return Err(SpecError(format!("method `{method}` is not GET, HEAD or POST")));
            }
            if headers.len() > 32 || expect_headers.len() > 32 {
                return Err(SpecError("more than 32 headers".to_owned()));
            }
            let http = HttpSpec {
                url: text("url", url)?,
                method,
                headers,
                expect_status,
                expect_headers,
                expect_body: text("expect_body", expect_body)?,
                refuse_body: text("refuse_body", refuse_body)?,
                extra_roots_pem: pem(extra_roots_pem)?,
            };
            (CheckSpec::Http(Box::new(http)), timeout_ms, thresholds)
        }
        SpecJson::Tls { address, port, server_name, extra_roots_pem, timeout_ms, thresholds } => (
            CheckSpec::Tls {
                address: address_of(address)?,
                port: port_of(port)?,
                server_name: text("server_name", server_name)?,
                extra_roots_pem: pem(extra_roots_pem)?,
            },
            timeout_ms,
            thresholds,
        ),
        SpecJson::Dns { server, name, record_type, expect, timeout_ms, thresholds } => {
            let record_type = record_type.to_uppercase();
            if !["A", "AAAA", "MX", "TXT", "NS", "CNAME", "SOA", "PTR", "SRV", "CAA"]
                .contains(&record_type.as_str())
            {
                return Err(SpecError(format!(
                    "record_type `{record_type}` is not one that can be asked for"
                )));
            }
            (
                CheckSpec::Dns {
                    server: text("server", server)?,
                    name: address_of(name)?,
                    record_type,
                    expect,
                },
                timeout_ms,
                thresholds,
            )
        }
        SpecJson::Ssh { address, port, expect, timeout_ms, thresholds } => (
            CheckSpec::Ssh {
                address: address_of(address)?,
                port: port_of(port)?,
                expect: text("expect", expect)?,
            },
            timeout_ms,
            thresholds,
        ),
        SpecJson::Plugin { name, params, timeout_ms } => {
            let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
                return Err(SpecError(format!(
                    "plugin name `{name}` is not a name of an agent's policy file (letters, digits, `_-.`): a path or \
                     command cannot be given here"
                )));
            }
            if params.len() > 32 {
                return Err(SpecError("more than 32 parameters".to_owned()));
            }
            (CheckSpec::Plugin { name, params }, timeout_ms, Vec::new())
        }
    };
    if thresholds.len() > THRESHOLDS_MAX {
        return Err(SpecError(format!(
            "{} thresholds are more than the {THRESHOLDS_MAX} that a check may have",
            thresholds.len()
        )));
    }
    let timeout_ms = timeout_ms.unwrap_or(10_000);
    if !(TIMEOUT_MS.0..=TIMEOUT_MS.1).contains(&timeout_ms) {
        return Err(SpecError(format!(
            "timeout_ms is {timeout_ms}; use {} to {}",
            TIMEOUT_MS.0, TIMEOUT_MS.1
        )));
    }
    let thresholds = thresholds
        .into_iter()
        .map(|t| {
            let metric = text("metric", t.metric)?;
            Ok(MetricThreshold {
                warn: range(&metric, "warn", &t.warn)?,
                crit: range(&metric, "crit", &t.crit)?,
                metric,
            })
        })
        .collect::<Result<Vec<_>, SpecError>>()?;
    Ok(FullSpec { spec, timeout: Duration::from_millis(timeout_ms), thresholds })
}

fn range(metric: &str, which: &str, raw: &str) -> Result<Option<Range>, SpecError> {
    if raw.is_empty() {
        return Ok(None);
    }
    raw.parse().map(Some).map_err(|e| SpecError(format!("the {which} range of {metric}, `{raw}`: {e}")))
}

fn text(what: &str, value: String) -> Result<String, SpecError> {
    if value.len() > TEXT_MAX {
        return Err(SpecError(format!("{what} is longer than {TEXT_MAX} bytes")));
    }
    Ok(value)
}

fn pem(value: String) -> Result<String, SpecError> {
    if value.len() > 64 << 10 {
        return Err(SpecError("extra_roots_pem is longer than 64 KiB".to_owned()));
    }
    Ok(value)
}

fn port_of(port: u16) -> Result<u16, SpecError> {
    if port == 0 { Err(SpecError("port 0 cannot be connected to".to_owned())) } else { Ok(port) }
}

/// An address as a probe takes it: an IP address or a name, never something an option parser would read.
fn address_of(raw: String) -> Result<String, SpecError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_:%".contains(c);
    if raw.is_empty() || raw.len() > 253 || raw.starts_with('-') || !raw.chars().all(fits) {
        return Err(SpecError(format!("`{raw}` is neither a host name nor an IP address")));
    }
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_the_guide_shows() {
        let full = parse(&json!({"kind": "tcp", "address": "10.0.0.5", "port": 443,
            "thresholds": [{"metric": "time", "warn": "0.5", "crit": "2"}]}))
        .unwrap();
        assert_eq!(full.spec.kind_str(), "tcp");
        assert_eq!(full.thresholds.len(), 1);
        assert_eq!(full.timeout, Duration::from_secs(10));
    }

    #[test]
    fn refuses_what_could_run_or_mislead() {
        let refused = |value| parse(&value).unwrap_err().to_string();
        assert!(
            refused(json!({"kind": "plugin", "name": "/bin/sh"}))
                .contains("a path or command cannot be given")
        );
        let many = vec![json!({"metric": "time", "warn": "1"}); 65];
        let tcp = |thresholds| json!({"kind": "tcp", "address": "a", "port": 1, "thresholds": thresholds});
        assert!(refused(tcp(many)).contains("65 thresholds are more than the 64"));
        assert!(refused(tcp(vec![json!({"metric": "x".repeat(4097), "warn": "1"})])).contains("metric"));
        assert!(refused(json!({"kind": "exec", "argv": ["id"]})).contains("unknown variant `exec`"));
        assert!(
            refused(json!({"kind": "ping", "address": "-oProxyCommand=x"})).contains("neither a host name")
        );
        assert!(
            refused(json!({"kind": "tcp", "address": "a", "port": 1, "prot": 2}))
                .contains("unknown field `prot`")
        );
        assert!(
            refused(json!({"kind": "tcp", "address": "a", "port": 1,
            "thresholds": [{"metric": "time", "warn": "5x"}]}))
            .contains("warn range of time")
        );
        assert!(refused(json!({"kind": "http", "url": "file:///etc/shadow"})).contains("must start with"));
    }
}
