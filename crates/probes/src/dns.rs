//! DNS: one question over UDP, again over TCP when the answer was cut.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::Instant;
use wk_domain::ResultReason;
use wk_domain::perfdata::PerfMetric;
use wk_domain::text::clean_line;
use wk_wire::v1::DnsProbe;

use crate::Context;
use crate::net::{failed, resolve};
use crate::outcome::{Fault, Found};

/// Datagrams that do not answer our question and are passed over: late ones of others, or somebody's guesses.
const STRAYS_MAX: usize = 16;
const TYPES: [&str; 10] = ["A", "AAAA", "MX", "TXT", "NS", "CNAME", "SOA", "PTR", "SRV", "CAA"];

/// What a message says about our question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Not a response to it.
    Stray,
    /// Too long for a datagram.
    Truncated,
    /// Refused, with the code's words.
    Failed(String),
    /// The records of the type asked for, in presentation form.
    Records(Vec<String>),
}

/// Reads a message as the response to a question. Total: any bytes give an answer.
pub(crate) fn answers_of(bytes: &[u8], id: u16, query: &Query) -> Answer {
    let Ok(message) = Message::from_vec(bytes) else { return Answer::Stray };
    let ours = message.metadata.id == id
        && message.metadata.message_type == MessageType::Response
        && message.metadata.op_code == OpCode::Query
        && matches!(message.queries.as_slice(), [asked] if asked.query_type() == query.query_type()
            && asked.query_class() == query.query_class() && asked.name() == query.name());
    if !ours {
        return Answer::Stray;
    }
    if message.metadata.truncation {
        return Answer::Truncated;
    }
    match message.metadata.response_code {
        ResponseCode::NoError => Answer::Records(
            message
                .answers
                .iter()
                .filter(|record| record.record_type() == query.query_type())
                .map(|record| clean_line(record.data.to_string(), 512))
                .collect(),
        ),
        ResponseCode::NXDomain => Answer::Failed("the name does not exist".into()),
        other => Answer::Failed(clean_line(other.to_string(), 100)),
    }
}

pub(crate) async fn run(context: &Context<'_>, probe: &DnsProbe) -> Result<Found, Fault> {
    let kind = probe.record_type.to_ascii_uppercase();
    if !TYPES.contains(&kind.as_str()) {
        return Err(Fault::arguments(format!(
            "record type {:?} is none of {}",
            clean_line(&kind, 20),
            TYPES.join(", ")
        )));
    }
    let record_type =
        RecordType::from_str(&kind).map_err(|_| Fault::arguments(format!("record type {kind}")))?;
    let mut name = match (record_type, probe.name.parse::<IpAddr>()) {
        (RecordType::PTR, Ok(address)) => Name::from(address),
        _ => Name::from_ascii(&probe.name).map_err(|_| {
            Fault::arguments(format!("{:?} is not a domain name", clean_line(&probe.name, 253)))
        })?,
    };
    name.set_fqdn(true);
    let server = server(context, &probe.server).await?;
    let query = Query::query(name.clone(), record_type);
    let mut id = [0; 2];
    aws_lc_rs::rand::fill(&mut id)
        .map_err(|_| Fault::unknown("no random bytes", ResultReason::NoData("random".into())))?;
    let id = u16::from_be_bytes(id);
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(query.clone());
    let packet =
        message.to_vec().map_err(|e| Fault::arguments(format!("the question cannot be asked: {e}")))?;

    let started = Instant::now();
    context.stage(format!("asking {server} for {name} {kind}"));
    let mut answer = over_udp(server, &packet, id, &query).await?;
    let mut by = "";
    if answer == Answer::Truncated {
        context.stage(format!("asking {server} over TCP for {name} {kind}"));
        answer = over_tcp(server, &packet, id, &query).await?;
        by = " over TCP";
    }
    let took = started.elapsed().as_secs_f64();
    let metrics = vec![PerfMetric::new("time", took, "s")];
    match answer {
        Answer::Records(found) if found.is_empty() => {
            Err(Fault::critical(format!("{name} has no {kind} record, says {server}")).with(metrics))
        }
        Answer::Records(mut found) => {
            let have: Vec<String> = found.iter().map(|text| normal(text)).collect();
            let missing: Vec<String> = probe
                .expect
                .iter()
                .filter(|wanted| !have.contains(&normal(wanted)))
                .map(|wanted| clean_line(wanted, 100))
                .collect();
            found.sort();
            let all = clean_line(found.join(", "), 1000);
            match missing.is_empty() {
                true => Ok(Found {
                    text: format!("{name} {kind} is {all}, from {server}{by} in {:.1} ms", took * 1000.0),
                    metrics,
                }),
                false => {
                    Err(Fault::critical(format!("{name} {kind} lacks {}: it is {all}", missing.join(", ")))
                        .with(metrics))
                }
            }
        }
        Answer::Failed(words) => {
            Err(Fault::critical(format!("{server} on {name} {kind}: {words}")).with(metrics))
        }
        Answer::Stray | Answer::Truncated => {
            Err(Fault::critical(format!("{server} gave no answer to {name} {kind} that reads")).with(metrics))
        }
    }
}

/// How two spellings of a record compare: case, the root's dot and quotes do not matter.
fn normal(text: &str) -> String {
    text.trim().trim_matches('"').trim_end_matches('.').to_ascii_lowercase()
}

async fn server(context: &Context<'_>, raw: &str) -> Result<SocketAddr, Fault> {
    if raw.is_empty() {
        let text = tokio::fs::read_to_string("/etc/resolv.conf").await.unwrap_or_default();
        let first =
            text.lines().find_map(|line| line.strip_prefix("nameserver")?.trim().parse::<IpAddr>().ok());
        return first.map(|ip| SocketAddr::new(ip, 53)).ok_or_else(|| {
            Fault::unknown(
                "/etc/resolv.conf names no server; name one in the check",
                ResultReason::NoData("resolver".into()),
            )
        });
    }
    if let Ok(address) = raw.parse::<SocketAddr>() {
        return Ok(address);
    }
    if let Ok(ip) = raw.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, 53));
    }
    let (host, port) = match raw.rsplit_once(':') {
        Some((host, port)) => (
            host,
            port.parse()
                .map_err(|_| Fault::arguments(format!("{:?} is not a server", clean_line(raw, 253))))?,
        ),
        None => (raw, 53),
    };
    let addresses = resolve(context, host, port).await?;
    addresses.first().copied().ok_or_else(|| Fault::arguments("no server"))
}

async fn over_udp(server: SocketAddr, packet: &[u8], id: u16, query: &Query) -> Result<Answer, Fault> {
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let peer = server.to_string();
    let socket = UdpSocket::bind(any).await.map_err(|e| failed(&e, &peer))?;
    // Connected: the kernel lets only this server's datagrams through, to a port it chose at random.
    socket.connect(server).await.map_err(|e| failed(&e, &peer))?;
    socket.send(packet).await.map_err(|e| failed(&e, &peer))?;
    let mut buffer = vec![0; 4096];
    for _ in 0..STRAYS_MAX {
        let n = socket.recv(&mut buffer).await.map_err(|e| failed(&e, &peer))?;
        match answers_of(&buffer[..n], id, query) {
            Answer::Stray => {}
            answer => return Ok(answer),
        }
    }
    Err(Fault::critical(format!("{server} sent {STRAYS_MAX} datagrams that do not answer the question")))
}

async fn over_tcp(server: SocketAddr, packet: &[u8], id: u16, query: &Query) -> Result<Answer, Fault> {
    let peer = server.to_string();
    let io = |e: std::io::Error| failed(&e, &peer);
    let mut stream = TcpStream::connect(server).await.map_err(io)?;
    let length = u16::try_from(packet.len()).map_err(|_| Fault::arguments("the question is too long"))?;
    stream.write_all(&[&length.to_be_bytes(), packet].concat()).await.map_err(io)?;
    let length = stream.read_u16().await.map_err(io)?;
    let mut buffer = vec![0; usize::from(length)];
    stream.read_exact(&mut buffer).await.map_err(io)?;
    Ok(answers_of(&buffer, id, query))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn question() -> Query {
        Query::query(Name::from_ascii("web.example.").unwrap(), RecordType::A)
    }

    #[test]
    fn pointers_in_circles_are_no_answer() {
        // Header, then a name that points at itself.
        let mut packet = vec![0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
        packet.extend([0xc0, 12, 0, 1, 0, 1]);
        assert_eq!(answers_of(&packet, 7, &question()), Answer::Stray);
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _answer = answers_of(&bytes, 7, &question());
        }
    }
}
