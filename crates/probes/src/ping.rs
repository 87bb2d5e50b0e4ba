//! ICMP echo without privileges: a datagram socket per probe, as `net.ipv4.ping_group_range` allows.
//!
//! The kernel sets identifier and checksum and passes only replies to this socket's own requests; number and token are
//! checked here.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, socket_with};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep, timeout};
use wk_domain::ResultReason;
use wk_domain::perfdata::PerfMetric;
use wk_wire::v1::PingProbe;

use crate::Context;
use crate::net::{failed, resolve, shown};
use crate::outcome::{Fault, Found};

const COUNT_DEFAULT: u32 = 3;
const COUNT_MAX: u32 = 20;
/// Between two requests; a fifth of what `ping` calls the least for ordinary users.
const INTERVAL: Duration = Duration::from_millis(50);
/// Header and token, padded to the size that `ping` sends.
const PACKET_BYTES: usize = 64;
const TOKEN_BYTES: usize = 16;

/// Number and token of an echo reply. Total: any bytes give an answer.
pub(crate) fn echo_reply(v6: bool, packet: &[u8]) -> Option<(u16, &[u8])> {
    let kind = if v6 { 129 } else { 0 };
    match packet {
        [found, 0, _, _, _, _, high, low, rest @ ..] if *found == kind => {
            Some((u16::from_be_bytes([*high, *low]), rest.get(..TOKEN_BYTES)?))
        }
        _ => None,
    }
}

fn open(target: SocketAddr) -> Result<UdpSocket, Fault> {
    let (family, protocol) = match target {
        SocketAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP),
        SocketAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6),
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let fd = socket_with(family, SocketType::DGRAM, flags, Some(protocol)).map_err(|error| match error {
        rustix::io::Errno::ACCESS | rustix::io::Errno::PERM => refused(),
        other => failed(&other.into(), &target.ip().to_string()),
    })?;
    UdpSocket::from_std(std::net::UdpSocket::from(fd)).map_err(|e| failed(&e, &target.ip().to_string()))
}

fn refused() -> Fault {
    let setting = std::fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap_or_default();
    let setting = setting.split_whitespace().collect::<Vec<_>>().join(" ");
    Fault::unknown(
        format!(
            "ICMP without privileges is closed to this agent (net.ipv4.ping_group_range is {setting}); open it with: \
             sysctl -w net.ipv4.ping_group_range=\"0 2147483647\""
        ),
        ResultReason::Refused("icmp".into()),
    )
}

pub(crate) async fn run(context: &Context<'_>, probe: &PingProbe) -> Result<Found, Fault> {
    let count = if probe.count == 0 { COUNT_DEFAULT } else { probe.count.min(COUNT_MAX) };
    let target = resolve(context, &probe.address, 0).await?[0];
    let ip = target.ip();
    context.stage(format!("pinging {ip}"));
    let socket = open(target)?;
    socket.connect(target).await.map_err(|e| failed(&e, &ip.to_string()))?;
    let mut token = [0; TOKEN_BYTES];
    aws_lc_rs::rand::fill(&mut token)
        .map_err(|_| Fault::unknown("no random bytes", ResultReason::NoData("random".into())))?;
    // Each request gets its share, and what is left over covers the last one's way back.
    let patience = (context.timeout / (count + 1)).saturating_sub(INTERVAL).max(Duration::from_millis(10));
    let mut rtts = Vec::new();
    let mut trouble = None;
    for number in 0..u16::try_from(count).unwrap_or(1) {
        if number > 0 {
            sleep(INTERVAL).await;
        }
        let sent = Instant::now();
        let mut packet = [0; PACKET_BYTES];
        packet[0] = if ip.is_ipv6() { 128 } else { 8 };
        packet[6..8].copy_from_slice(&number.to_be_bytes());
        packet[8..8 + TOKEN_BYTES].copy_from_slice(&token);
        let answered = async {
            socket.send(&packet).await?;
            let mut buffer = [0; 512];
            loop {
                let n = socket.recv(&mut buffer).await?;
                // Late replies to earlier numbers count as lost.
                if echo_reply(ip.is_ipv6(), &buffer[..n]) == Some((number, &token[..])) {
                    return Ok::<_, std::io::Error>(sent.elapsed());
                }
            }
        };
        match timeout(patience, answered).await {
            Ok(Ok(rtt)) => rtts.push(rtt.as_secs_f64()),
            Ok(Err(error)) => trouble = Some(error),
            Err(_) => {}
        }
    }
    let lost = f64::from(count) - rtts.len() as f64;
    let loss = PerfMetric::new("loss", lost / f64::from(count) * 100.0, "%");
    if rtts.is_empty() {
        return Err(match trouble {
            Some(error) => failed(&error, &ip.to_string()),
            None => Fault::critical(format!("no answer from {ip} to {count} requests")),
        }
        .with(vec![loss]));
    }
    let rtt = rtts.iter().sum::<f64>() / rtts.len() as f64;
    let host = shown(&probe.address, 0);
    let host = host.strip_suffix(":0").unwrap_or(&host);
    Ok(Found {
        text: format!("{host}: {} of {count} answered, {:.2} ms on average", rtts.len(), rtt * 1000.0),
        metrics: vec![PerfMetric::new("rtt", rtt, "s"), loss],
    })
}
