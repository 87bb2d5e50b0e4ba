//! Domain → wire: what an agent is to run, as frames.

use prost::Message;
use wk_domain::CheckId;
use wk_domain::spec::{Assignment, AssignmentSet, CheckSpec, HttpSpec, MetricThreshold};
use wk_wire as wire;
use wk_wire::server_frame::Body;

/// Frames are cut at about this size: half of what one may be.
const PART_BYTES: usize = 512 << 10;

/// A frame around a body.
pub(crate) const fn frame(body: Body) -> wire::ServerFrame {
    wire::ServerFrame { body: Some(body) }
}

/// All checks of an agent, in as many frames as they need. A single check that no frame can hold is left out and named
/// in the second part of the answer.
pub(crate) fn assignments(set: &AssignmentSet) -> (Vec<wire::ServerFrame>, Vec<CheckId>) {
    let mut parts = vec![];
    let mut too_large = vec![];
    let mut part = vec![];
    let mut bytes = 0;
    for check in &set.checks {
        let one = assignment(check);
        let size = one.encoded_len() + 8;
        if size > wire::FRAME_BYTES_MAX - 1024 {
            too_large.push(check.check);
            continue;
        }
        if bytes + size > PART_BYTES && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += size;
        part.push(one);
    }
    parts.push(part);
    let last = parts.len() - 1;
    let frames = parts.into_iter().enumerate().map(|(index, checks)| {
        frame(Body::Assignments(wire::Assignments { revision: set.revision, checks, more: index < last }))
    });
    (frames.collect(), too_large)
}

fn assignment(from: &Assignment) -> wire::Assignment {
    wire::Assignment {
        check_id: from.check.to_string(),
        interval_ms: u32::try_from(from.interval.as_millis()).unwrap_or(u32::MAX),
        timeout_ms: u32::try_from(from.timeout.as_millis()).unwrap_or(u32::MAX),
        thresholds: from.thresholds.iter().map(threshold).collect(),
        what: Some(what(&from.spec)),
    }
}

fn threshold(from: &MetricThreshold) -> wire::Threshold {
    let text =
        |range: Option<wk_domain::threshold::Range>| range.map(|range| range.to_string()).unwrap_or_default();
    wire::Threshold { metric: from.metric.clone(), warn: text(from.warn), crit: text(from.crit) }
}

fn labels(pairs: &[(String, String)]) -> Vec<wire::Label> {
    pairs.iter().map(|(name, value)| wire::Label { name: name.clone(), value: value.clone() }).collect()
}

fn what(spec: &CheckSpec) -> wire::assignment::What {
    use wire::assignment::What;
    match spec.clone() {
        CheckSpec::Ping { address, count } => What::Ping(wire::PingProbe { address, count }),
        CheckSpec::Tcp { address, port, send, expect } => {
            What::Tcp(wire::TcpProbe { address, port: port.into(), send, expect })
        }
        CheckSpec::Http(http) => What::Http(http_probe(*http)),
        CheckSpec::Tls { address, port, server_name, extra_roots_pem } => {
            What::Tls(wire::TlsProbe { address, port: port.into(), server_name, extra_roots_pem })
        }
        CheckSpec::Dns { server, name, record_type, expect } => {
            What::Dns(wire::DnsProbe { server, name, record_type, expect })
        }
        CheckSpec::Ssh { address, port, expect } => {
            What::Ssh(wire::SshProbe { address, port: port.into(), expect })
        }
        CheckSpec::Plugin { name, params } => What::Plugin(wire::PluginRun { name, params: labels(&params) }),
    }
}

fn http_probe(from: HttpSpec) -> wire::HttpProbe {
    wire::HttpProbe {
        headers: labels(&from.headers),
        expect_headers: labels(&from.expect_headers),
        expect_status: from.expect_status.into_iter().map(u32::from).collect(),
        url: from.url,
        method: from.method,
        expect_body: from.expect_body,
        refuse_body: from.refuse_body,
        extra_roots_pem: from.extra_roots_pem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use wk_domain::AgentId;

    #[test]
    fn a_long_list_goes_in_parts_and_ends() {
        let check = |n: u64| Assignment {
            check: CheckId::new(n, [0; 10]),
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            thresholds: vec![MetricThreshold { metric: "time".into(), warn: "~:1".parse().ok(), crit: None }],
            spec: CheckSpec::Tls {
                address: "web".into(),
                port: 443,
                server_name: String::new(),
                extra_roots_pem: "x".repeat(if n == 7 { 2 << 20 } else { 50_000 }),
            },
        };
        let set = AssignmentSet {
            agent: AgentId::new(1, [0; 10]),
            revision: 4,
            checks: (0..30).map(check).collect(),
        };
        let (frames, too_large) = assignments(&set);
        assert_eq!(too_large, [CheckId::new(7, [0; 10])]);
        let more: Vec<_> = frames
            .iter()
            .map(|frame| match &frame.body {
                Some(Body::Assignments(part)) => part.more,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(more, [true, true, false]);
        assert!(frames.iter().all(|frame| frame.encoded_len() <= wire::FRAME_BYTES_MAX));
        let (none, _) = assignments(&AssignmentSet { checks: vec![], ..set });
        assert_eq!(none.len(), 1, "an empty list is said, too");
    }
}
