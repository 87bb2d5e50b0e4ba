//! SSH: reads the identification line of RFC 4253 section 4.2.

use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use wk_domain::perfdata::PerfMetric;
use wk_domain::text::clean_line;
use wk_wire::v1::SshProbe;

use crate::Context;
use crate::net::{connect, failed, port};
use crate::outcome::{Fault, Found};

/// Bytes read before the identification must have come; servers may send lines before it.
const BANNER_MAX: usize = 4 << 10;

/// What the bytes so far hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Banner<'a> {
    /// A whole identification of protocol 2.
    Good(&'a [u8]),
    /// An identification of another protocol.
    Old(&'a [u8]),
    /// Not there yet.
    More,
}

/// Looks for the identification line. Total: any bytes give an answer.
pub(crate) fn banner_of(seen: &[u8]) -> Banner<'_> {
    let mut rest = seen;
    while let Some(end) = rest.iter().position(|b| *b == b'\n') {
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        if line.starts_with(b"SSH-2.0-") || line.starts_with(b"SSH-1.99-") {
            return Banner::Good(line);
        }
        if line.starts_with(b"SSH-") {
            return Banner::Old(line);
        }
        rest = &rest[end + 1..];
    }
    Banner::More
}

pub(crate) async fn run(context: &Context<'_>, probe: &SshProbe) -> Result<Found, Fault> {
    let port = port(probe.port, 22)?;
    let expected = context.patterns.get_some(&probe.expect)?;
    let started = Instant::now();
    let (mut stream, address) = connect(context, &probe.address, port).await?;
    context.stage(format!("waiting for the SSH identification of {address}"));
    let mut seen = Vec::new();
    let mut chunk = [0; 512];
    loop {
        let metrics = || vec![PerfMetric::new("time", started.elapsed().as_secs_f64(), "s")];
        match banner_of(&seen) {
            Banner::Good(line) => {
                let words = clean_line(line, 255);
                if expected.is_some_and(|pattern| !pattern.is_match(line)) {
                    let text = format!("{address} is {words}, which does not match {}", probe.expect);
                    return Err(Fault::critical(text).with(metrics()));
                }
                return Ok(Found { text: words, metrics: metrics() });
            }
            Banner::Old(line) => {
                let words = clean_line(line, 255);
                return Err(
                    Fault::critical(format!("{address} speaks an old protocol: {words}")).with(metrics())
                );
            }
            Banner::More if seen.len() >= BANNER_MAX => {
                return Err(Fault::critical(format!(
                    "{address} sent {BANNER_MAX} bytes without an SSH identification"
                )));
            }
            Banner::More => {}
        }
        let room = (BANNER_MAX - seen.len()).min(chunk.len());
        match stream.read(&mut chunk[..room]).await.map_err(|e| failed(&e, &address.to_string()))? {
            0 => {
                return Err(Fault::critical(format!(
                    "{address} closed the connection without an SSH identification"
                )));
            }
            n => seen.extend_from_slice(&chunk[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifications_are_found_behind_greetings() {
        assert_eq!(banner_of(b"SSH-2.0-OpenSSH_9.2p1\r\n"), Banner::Good(b"SSH-2.0-OpenSSH_9.2p1"));
        assert_eq!(banner_of(b"hello\r\nSSH-1.99-x\n"), Banner::Good(b"SSH-1.99-x"));
        assert_eq!(banner_of(b"SSH-1.5-x\n"), Banner::Old(b"SSH-1.5-x"));
        assert_eq!(banner_of(b"SSH-2.0-no end"), Banner::More);
    }
}
