//! TCP: connects, optionally sends, optionally looks for bytes in what comes back.
//!
//! The connection is closed in the ordinary way. A reset instead (`SO_LINGER` of zero) would spare this machine a minute of
//! TIME_WAIT, but services log resets as errors, and some count them against the address. What TIME_WAIT costs is bounded:
//! it occupies a port only towards the same address and port, of which 28 000 are free each minute, and the kernel keeps
//! at most `net.ipv4.tcp_max_tw_buckets` of them, some 200 bytes each.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use wk_domain::perfdata::PerfMetric;
use wk_domain::text::clean_line;
use wk_wire::v1::TcpProbe;

use crate::Context;
use crate::net::{connect, failed, port, shown};
use crate::outcome::{Fault, Found};

/// Bytes read while looking for what is expected.
const REPLY_MAX: usize = 4 << 10;

pub(crate) async fn run(context: &Context<'_>, probe: &TcpProbe) -> Result<Found, Fault> {
    let port = port(probe.port, 0)?;
    let started = Instant::now();
    let (mut stream, address) = connect(context, &probe.address, port).await?;
    let connected = started.elapsed().as_secs_f64();
    let metrics = || vec![PerfMetric::new("time", connected, "s")];
    let mut text = format!("connected to {} in {:.1} ms", shown(&probe.address, port), connected * 1000.0);
    if probe.send.is_empty() && probe.expect.is_empty() {
        return Ok(Found { text, metrics: metrics() });
    }
    let peer = address.to_string();
    if !probe.send.is_empty() {
        context.stage(format!("sending to {peer}"));
        stream.write_all(&probe.send).await.map_err(|e| failed(&e, &peer).with(metrics()))?;
    }
    if !probe.expect.is_empty() {
        context.stage(format!("waiting for {peer} to say what is expected"));
        let mut seen = Vec::new();
        let mut chunk = [0; 1024];
        while !contains(&seen, &probe.expect) {
            let room = (REPLY_MAX - seen.len()).min(chunk.len());
            let n = stream.read(&mut chunk[..room]).await.map_err(|e| failed(&e, &peer).with(metrics()))?;
            if n == 0 {
                let quoted = clean_line(&seen, 80);
                return Err(Fault::critical(format!("{peer} did not say what is expected, but {quoted:?}"))
                    .with(metrics()));
            }
            seen.extend_from_slice(&chunk[..n]);
        }
        text.push_str(", with the expected reply");
    }
    Ok(Found { text, metrics: metrics() })
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
