//! The same TCP check by Debian's `check_tcp`, started anew for each check on two processors: how monitoring with plugins
//! works, Icinga's included, without the rest of such a system around it.
//!
//! `cargo run --profile dist -p wk-probes --example tcp_peers [checks]`

#![allow(clippy::print_stdout)]

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

const PLUGIN: &str = "/usr/lib/nagios/plugins/check_tcp";
/// Checks that run at once: enough to keep two processors busy while some wait.
const AT_ONCE: usize = 8;

fn main() -> Result<(), Failure> {
    let total: usize = std::env::args().nth(1).map_or(Ok(2_000), |n| n.parse())?;
    if !std::path::Path::new(PLUGIN).exists() {
        println!("check_tcp is not measured; install it with: apt-get install -y monitoring-plugins-basic");
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    std::thread::spawn(move || for _connection in listener.incoming() {});
    let (next, good) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < total {
                    let mut check = Command::new(PLUGIN);
                    check.args(["-H", "127.0.0.1", "-p", &port]).stdin(Stdio::null()).stdout(Stdio::piped());
                    let fine = check.output().is_ok_and(|output| output.status.success());
                    good.fetch_add(usize::from(fine), Ordering::Relaxed);
                }
            });
        }
    });
    let rate = total as f64 / started.elapsed().as_secs_f64();
    let good = good.load(Ordering::Relaxed);
    if good != total {
        return Err(format!("{good} of {total} checks went well").into());
    }
    println!(
        r#"{{"name": "peer: check_tcp started for each check", "value": {rate:.0}, "unit": "1/s", "budget": null, "ok": true}}"#
    );
    Ok(())
}
