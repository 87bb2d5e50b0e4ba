//! What encoding, appending and checking entries costs: `cargo run --profile dist -p wk-audit --example cost`.

use std::io::Write as _;
use std::time::Instant;

use wk_audit::{Actor, ActorKind, Checkpoint, Draft, Entry, Frontier, Value, verify_entries};

const ENTRIES: u32 = 200_000;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    let started = Instant::now();
    let mut frontier = Frontier::new();
    let mut previous = None;
    let mut log = Vec::with_capacity(ENTRIES as usize);
    for seq in 0..ENTRIES {
        let ts = 1_795_262_400_000_000_000 + i64::from(seq) * 1_000_000;
        let actor =
            Actor::new(ActorKind::User, "user_01h455vb4pex5vsknk084sn02q").authenticated("password+totp", 2);
        let draft = Draft::new(ts, actor, "check.acknowledge")
            .object("check", "check_01h455vb4pex5vsknk084sn02q")
            .source(Some(std::net::Ipv4Addr::LOCALHOST.into()), Some("Firefox"))
            .request("req_01h455vb4pex5vsknk084sn02q")
            .change("ack.note", Value::Null, "disk ordered");
        let bytes = Entry::new(u64::from(seq), "srv-1", i64::from(seq), previous.replace(ts), draft).encode();
        frontier.append(Entry::leaf_hash(&bytes));
        log.push(bytes);
    }
    let appended = started.elapsed();
    let bytes: usize = log.iter().map(Vec::len).sum();

    let checkpoint = Checkpoint::new("cost", frontier.size(), frontier.root());
    let started = Instant::now();
    let report = verify_entries(&log, &[checkpoint]);
    let verified = started.elapsed();

    let per_second = |span: std::time::Duration| f64::from(ENTRIES) / span.as_secs_f64();
    writeln!(out, "entries of {} bytes", bytes / log.len())?;
    writeln!(out, "encoded and appended: {:.0} /s", per_second(appended))?;
    writeln!(out, "checked: {:.0} /s, exit code {}", per_second(verified), report.exit_code())
}
