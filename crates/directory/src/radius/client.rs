//! One question to a RADIUS server and its one answer: over TLS, or over UDP with what that needs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout, timeout_at};
use wk_domain::text::clean_line;
use wk_egress::Egress;
use wk_seal::{SecretBytes, SecretString};

use super::config::{GroupAttribute, Plan, SecondFactor, Transport};
use super::hide::PASSWORD_MAX;
use super::packet::{self, Builder, HEAD, PACKET_MAX, Reply, Request};
use crate::name::LoginName;
use crate::server::Server;
use crate::tls::{self, Tls};
use crate::trace::Trace;
use crate::{Denied, Person};

/// The secret of RADIUS inside TLS, which everybody knows (RFC 6614, 2.3).
const IN_TLS: &[u8] = b"radsec";
/// Longest text of a server that is shown.
const MESSAGE_MAX: usize = 300;
/// Groups, and bytes of one.
const GROUPS_MAX: usize = 500;
const GROUP_MAX: usize = 253;
/// Packets that are looked at while waiting for one answer: whoever floods us makes the wait end, not the memory.
const PACKETS_MAX: usize = 1_000;

/// What a server said.
#[derive(Debug)]
pub(crate) enum Said {
    In(Person),
    /// It asks for more.
    Ask {
        prompt: String,
        echo: bool,
        state: Vec<u8>,
        server: usize,
    },
}

/// A question that continues an earlier one goes to the server that asked.
#[derive(Debug, Clone)]
pub(crate) struct Continued {
    pub(crate) server: usize,
    pub(crate) state: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Client {
    plan: Plan,
    egress: Egress,
    secret: SecretBytes,
    tls: Option<Tls>,
}

impl Client {
    /// `secret`: shared secret, or the private key in PEM for RadSec.
    pub(crate) fn new(plan: Plan, egress: Egress, secret: &SecretBytes) -> Result<Self, String> {
        let (secret, tls) = match plan.transport {
            Transport::Udp => {
                if let Some(weak) = super::config::weak_secret(secret.expose()) {
                    return Err(weak.to_owned());
                }
                (secret.clone(), None)
            }
            Transport::Radsec => {
                let key = SecretString::from_utf8(secret).ok_or("the private key is not PEM")?;
                let certificate = plan.certificate_pem.as_deref().unwrap_or_default();
                let tls = Tls::new(plan.ca_pem.as_deref(), Some((certificate, &key)))?;
                (SecretBytes::new(IN_TLS.to_vec()), Some(tls))
            }
        };
        Ok(Self { plan, egress, secret, tls })
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    fn request(
        &self,
        name: &str,
        password: &SecretString,
        state: Option<&[u8]>,
        address: Option<IpAddr>,
    ) -> Result<Request, Denied> {
        let mut random = [0u8; 17];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|_| Denied::Unavailable("there is no randomness".to_owned()))?;
        let mut authenticator = [0; 16];
        authenticator.copy_from_slice(&random[1..]);
        let builder = Builder::new(random[0], authenticator)
            .with(packet::USER_NAME, name.as_bytes())
            .and_then(|b| b.with_password(&self.secret, password.expose().as_bytes()))
            .and_then(|b| b.with(packet::NAS_IDENTIFIER, self.plan.nas_identifier.as_bytes()))
            .and_then(|b| match address {
                Some(address) => b.with(packet::CALLING_STATION, address.to_string().as_bytes()),
                None => Some(b),
            })
            .and_then(|b| match state {
                Some(state) => b.with(packet::STATE, state),
                None => Some(b),
            });
        builder
            .and_then(|builder| builder.finish(&self.secret))
            .ok_or_else(|| Denied::Wrong("name or answer is longer than RADIUS carries".to_owned()))
    }

    /// Asks the servers in order until one answers. An answer is final, a refusal, too.
    pub(crate) async fn ask(
        &self,
        name: &LoginName,
        password: &SecretString,
        continued: Option<&Continued>,
        address: Option<IpAddr>,
        trace: &mut Trace,
    ) -> Result<Said, Denied> {
        if !answer_fits(password) {
            return Err(Denied::Wrong("no such password can be anybody's".to_owned()));
        }
        let servers: Vec<(usize, &Server)> = match continued {
            Some(continued) => self.plan.servers.iter().enumerate().skip(continued.server).take(1).collect(),
            None => self.plan.servers.iter().enumerate().collect(),
        };
        let mut failed = Denied::Unavailable("no server".to_owned());
        for (at, server) in servers {
            // A new id and authenticator for each server; the same packet for each try at one.
            let state = continued.map(|continued| continued.state.as_slice());
            let request = self.request(name.as_str(), password, state, address)?;
            match self.exchange(server, &request, trace).await {
                Ok(reply) => return self.understand(name, at, &reply, continued.is_some(), trace),
                Err(denied) => failed = denied,
            }
        }
        Err(failed)
    }

    async fn exchange(&self, server: &Server, request: &Request, trace: &mut Trace) -> Result<Reply, Denied> {
        let title = format!("Ask {server}");
        let whole = Duration::from_millis(self.plan.timeout_ms);
        let done = match &self.tls {
            Some(tls) => match timeout(whole, self.exchange_in_tls(server, tls, request)).await {
                Ok(done) => done.map_err(Denied::Unavailable),
                Err(_) => Err(Denied::Unavailable(format!("no answer within {} ms", self.plan.timeout_ms))),
            },
            None => self.exchange_by_udp(server, request, whole).await,
        };
        match &done {
            Ok((reply, how)) => trace.ok(&title, format!("{how}, {}", word(reply.code))),
            Err(denied) => trace.failed(&title, denied.to_string()),
        }
        done.map(|(reply, _)| reply)
    }

    async fn exchange_in_tls(
        &self,
        server: &Server,
        tls: &Tls,
        request: &Request,
    ) -> Result<(Reply, String), String> {
        let name = server.server_name()?;
        let stream = server.connect(&self.egress).await?;
        let mut stream = tls.connect(stream, name).await?;
        let how = format!("RadSec, {}", tls::seen(&stream));
        let broke = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                "the server closed the connection: does it know our certificate's authority?".to_owned()
            }
            _ => format!("the connection broke: {error}"),
        };
        stream.write_all(&request.bytes).await.map_err(broke)?;
        stream.flush().await.map_err(broke)?;
        let mut bytes = vec![0; HEAD];
        stream.read_exact(&mut bytes).await.map_err(broke)?;
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        if !(HEAD..=PACKET_MAX).contains(&length) {
            return Err("the answer has a length that no packet has".to_owned());
        }
        bytes.resize(length, 0);
        stream.read_exact(&mut bytes[HEAD..]).await.map_err(broke)?;
        let reply = request.judge(&self.secret, &bytes, true);
        let reply = reply.map_err(|error| format!("the answer cannot be used: {error}"))?;
        let _ = timeout(Duration::from_millis(500), stream.shutdown()).await;
        Ok((reply, how))
    }

    async fn exchange_by_udp(
        &self,
        server: &Server,
        request: &Request,
        whole: Duration,
    ) -> Result<(Reply, String), Denied> {
        let unavailable = |error: std::io::Error| Denied::Unavailable(format!("{server}: {error}"));
        let addresses = server.addresses(&self.egress).await.map_err(Denied::Unavailable)?;
        let found = addresses.iter().find(|address| self.plan.is_protected(address.ip()));
        let Some(address) = found.copied() else {
            let at = addresses.first().map(|address| address.ip().to_string()).unwrap_or_default();
            return Err(Denied::Misconfigured(format!(
                "{server} is at {at}: plain RADIUS goes only to loopback and to protected_networks. Use RadSec, or name the \
                 network if nobody else can listen on the way"
            )));
        };
        // The kernel chooses the port, at random; connected, the socket takes answers from there alone.
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).await.map_err(unavailable)?;
        socket.connect(address).await.map_err(unavailable)?;
        let end = Instant::now() + whole;
        let again = (whole / 4).clamp(Duration::from_millis(250), Duration::from_secs(5));
        let mut bytes = vec![0; PACKET_MAX + 1];
        let (mut sent, mut dropped, mut why) = (0, 0, None);
        while Instant::now() < end && dropped < PACKETS_MAX {
            socket.send(&request.bytes).await.map_err(unavailable)?;
            sent += 1;
            let next = end.min(Instant::now() + again);
            while let Ok(received) = timeout_at(next, socket.recv(&mut bytes)).await {
                let length = received.map_err(unavailable)?;
                match request.judge(&self.secret, &bytes[..length], false) {
                    Ok(reply) => {
                        let mut how = format!("UDP, {address}, packet sent {sent} time(s)");
                        if dropped > 0 {
                            how.push_str(&format!(", {dropped} false answers dropped"));
                        }
                        return Ok((reply, how));
                    }
                    Err(error) => {
                        // Anybody may have sent it: the true answer may still come.
                        dropped += 1;
                        why = Some(error);
                        if dropped >= PACKETS_MAX {
                            break;
                        }
                    }
                }
            }
        }
        Err(Denied::Unavailable(match why {
            Some(why) => format!("{dropped} answer(s) came that do not count; of the last: {why}"),
            None => format!(
                "no answer within {} ms, packet sent {sent} times: wrong port, or the server does not know this machine \
                 or its shared secret",
                whole.as_millis()
            ),
        }))
    }

    fn understand(
        &self,
        name: &LoginName,
        server: usize,
        reply: &Reply,
        continued: bool,
        trace: &mut Trace,
    ) -> Result<Said, Denied> {
        let message = message_of(reply);
        match reply.code {
            packet::ACCEPT => {
                let groups = self.plan.groups.as_ref().map(|rule| groups_of(reply, rule)).unwrap_or_default();
                let shown = if groups.is_empty() { "none".to_owned() } else { groups.join(" | ") };
                trace.ok("Read groups", shown);
                let second_factor = match self.plan.second_factor {
                    SecondFactor::Never => false,
                    SecondFactor::Challenge => continued,
                    SecondFactor::Always => true,
                };
                Ok(Said::In(Person {
                    // RADIUS knows nothing but names.
                    subject: name.as_str().to_owned(),
                    name: name.as_str().to_owned(),
                    display_name: String::new(),
                    mail: String::new(),
                    groups,
                    second_factor,
                }))
            }
            packet::CHALLENGE => {
                if reply.all(packet::EAP_MESSAGE).next().is_some() {
                    return Err(Denied::Misconfigured(
                        "the server asks for EAP; allow PAP for this client".to_owned(),
                    ));
                }
                let mut states = reply.all(packet::STATE);
                let (Some(state), None) = (states.next(), states.next()) else {
                    return Err(Denied::Unsound("a challenge needs one State".to_owned()));
                };
                let echo = reply.all(packet::PROMPT).next() == Some(&[0, 0, 0, 1]);
                let prompt =
                    if message.is_empty() { "One more answer is asked for".to_owned() } else { message };
                Ok(Said::Ask { prompt, echo, state: state.to_vec(), server })
            }
            _ if message.is_empty() => Err(Denied::Wrong("the server refuses it".to_owned())),
            _ => Err(Denied::Wrong(format!("the server refuses it: {message}"))),
        }
    }

    /// Each server is asked about somebody who does not exist: that shows that it answers, and that it says no.
    pub(crate) async fn walk(&self, trace: &mut Trace) {
        let mut random = [0u8; 16];
        if aws_lc_rs::rand::fill(&mut random).is_err() {
            return;
        }
        let nobody: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let nothing = SecretString::new(nobody.chars().rev().collect());
        for server in &self.plan.servers {
            let Ok(request) = self.request(&nobody[..16], &nothing, None, None) else { continue };
            let Ok(reply) = self.exchange(server, &request, trace).await else { continue };
            let title = "Try a name that nobody has";
            match reply.code {
                packet::ACCEPT => trace.failed(
                    title,
                    "the server let it in! It takes any password; do not use it for signing in",
                ),
                packet::CHALLENGE => {
                    trace.ok(title, format!("the server asks further: {}", message_of(&reply)))
                }
                _ => trace.ok(title, format!("refused, as it must be. {}", message_of(&reply))),
            }
        }
    }
}

const fn word(code: u8) -> &'static str {
    match code {
        packet::ACCEPT => "it accepts",
        packet::CHALLENGE => "it asks further",
        _ => "it refuses",
    }
}

/// Not empty, without NUL (padding, on the wire), not longer than the protocol carries.
pub(crate) fn answer_fits(password: &SecretString) -> bool {
    let raw = password.expose();
    (1..=PASSWORD_MAX).contains(&raw.len()) && !raw.contains('\0')
}

fn message_of(reply: &Reply) -> String {
    let whole: Vec<u8> = reply.all(packet::REPLY_MESSAGE).flatten().copied().take(MESSAGE_MAX * 4).collect();
    clean_line(whole, MESSAGE_MAX)
}

fn groups_of(reply: &Reply, rule: &GroupAttribute) -> Vec<String> {
    let mut values: Vec<&[u8]> = Vec::new();
    for value in reply.all(rule.kind) {
        let (Some(vendor), Some(kind)) = (rule.vendor, rule.vendor_type) else {
            values.push(value);
            continue;
        };
        if value.get(..4) == Some(&vendor.to_be_bytes()[..]) {
            let inner = packet::attributes(&value[4..]).unwrap_or_default();
            values.extend(inner.into_iter().filter(|(found, _)| *found == kind).map(|(_, value)| value));
        }
    }
    let mut groups = Vec::new();
    for value in values {
        // Class may be any bytes; only text is a name.
        let Some(text) =
            std::str::from_utf8(value).ok().and_then(|text| text.strip_prefix(rule.prefix.as_str()))
        else {
            continue;
        };
        let parts: Vec<&str> = match rule.separator {
            Some(separator) => text.split(separator).collect(),
            None => vec![text],
        };
        for part in parts {
            let name = clean_line(part, GROUP_MAX);
            if !name.is_empty() && groups.len() < GROUPS_MAX && !groups.contains(&name) {
                groups.push(name);
            }
        }
    }
    groups.sort();
    groups
}

/// For fuzzing.
pub(crate) fn exercise(reply: &Reply) {
    let _ = message_of(reply);
    for (kind, vendor) in [(11, None), (25, None), (26, Some(9))] {
        let vendor_type = vendor.map(|_| 1);
        let rule = GroupAttribute { kind, vendor, vendor_type, prefix: String::new(), separator: Some(',') };
        let _ = groups_of(reply, &rule);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: u8) -> GroupAttribute {
        GroupAttribute { kind, vendor: None, vendor_type: None, prefix: String::new(), separator: None }
    }

    fn reply(attributes: &[(u8, &[u8])]) -> Reply {
        let attributes = attributes.iter().map(|(kind, value)| (*kind, value.to_vec())).collect();
        Reply { code: packet::ACCEPT, attributes }
    }

    #[test]
    fn groups_come_from_the_one_attribute() {
        let said =
            reply(&[(11, b"ops"), (25, b"\xff\xfe"), (25, b"ou=admins"), (18, b"hello"), (11, b"ops")]);
        assert_eq!(groups_of(&said, &rule(11)), ["ops"]);
        assert_eq!(groups_of(&said, &rule(25)), ["ou=admins"]);
        let listed = GroupAttribute { prefix: "groups=".into(), separator: Some(','), ..rule(11) };
        assert_eq!(groups_of(&reply(&[(11, b"groups=a, b,,c"), (11, b"x")]), &listed), ["a", "b", "c"]);
    }

    #[test]
    fn a_vendors_attributes_are_read_inside() {
        let cisco = GroupAttribute {
            kind: 26,
            vendor: Some(9),
            vendor_type: Some(1),
            prefix: "g=".into(),
            separator: None,
        };
        let value = b"\0\0\0\x09\x01\x07g=ops\x02\x05abc";
        assert_eq!(groups_of(&reply(&[(26, value)]), &cisco), ["ops"]);
        for other in [&b"\0\0\0\x08\x01\x07g=ops"[..], b"\0\0\0\x09\x01\xff", b"\0\0", b""] {
            assert!(groups_of(&reply(&[(26, other)]), &cisco).is_empty());
        }
    }

    #[test]
    fn what_the_server_says_is_cleaned() {
        let said = reply(&[(18, b"enter \x1b[31mcode\x1b[0m"), (18, b"\n\0now")]);
        assert_eq!(message_of(&said), "enter code now");
        assert!(message_of(&reply(&[(18, &[b'x'; 253]), (18, &[b'x'; 253])])).len() <= MESSAGE_MAX);
    }
}
