//! Native TCP probes per second on one thread, against a listener on loopback.
//!
//! `cargo run --profile dist -p wk-probes --example tcp_rate [probes] [at once]`

#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use wk_domain::Status;
use wk_probes::Prober;
use wk_wire::v1::{TcpProbe, assignment::What};

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let total: u32 = args.next().map_or(Ok(20_000), |n| n.parse())?;
    let at_once: u32 = args.next().map_or(Ok(256), |n| n.parse())?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || for _connection in listener.incoming() {});
    let what = Arc::new(What::Tcp(TcpProbe {
        address: "127.0.0.1".into(),
        port: port.into(),
        ..TcpProbe::default()
    }));
    let prober = Arc::new(Prober::new());
    let started = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (prober, what) = (Arc::clone(&prober), Arc::clone(&what));
        running.spawn(async move {
            let mut good = 0;
            for _ in 0..total / at_once {
                let outcome = prober.run(&what, &[], Duration::from_secs(10)).await;
                good += u32::from(outcome.status == Status::Ok);
            }
            good
        });
    }
    let mut good = 0;
    while let Some(part) = running.join_next().await {
        good += part?;
    }
    let took = started.elapsed().as_secs_f64();
    println!("{good} of {total} probes in {took:.2} s: {:.0} a second", f64::from(good) / took);
    Ok(())
}
