//! What an attack on sign-in costs those who are no part of it: how long the owner takes to get in from the usual browser
//! while ten thousand addresses guess, how many tries a second the hashing takes, and how long others' reads take meanwhile.
//!
//! One JSON line per figure, for `cargo xtask bench`. Client and server share the machine.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement, made of the tests' own parts"
)]

#[path = "../tests/api/botnet.rs"]
mod botnet;
#[path = "../../engine/tests/engine/flaky.rs"]
mod flaky;
#[path = "../../engine/tests/engine/flaky_access.rs"]
mod flaky_access;
#[path = "../../engine/tests/engine/flaky_outside.rs"]
mod flaky_outside;
#[path = "../../engine/tests/engine/flaky_passkeys.rs"]
mod flaky_passkeys;
#[path = "../../engine/tests/engine/flaky_passwords.rs"]
mod flaky_passwords;
#[path = "../../engine/tests/engine/flaky_tenants.rs"]
mod flaky_tenants;
#[path = "../../engine/tests/engine/flaky_tokens.rs"]
mod flaky_tokens;
#[path = "../tests/api/passwords.rs"]
mod passwords;
#[path = "../../engine/tests/engine/rig.rs"]
mod rig;
#[path = "../tests/api/signing.rs"]
mod signing;
#[path = "../tests/api/site.rs"]
mod site;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use wk_identity::HashCost;

use crate::passwords::from_browser;
use crate::signing::{PASSWORD, claimed_with};
use crate::site::Site;

const SOURCES: u32 = 10_000;
const BOTS: usize = 64;
const SIGN_INS: usize = 200;
const READS: Duration = Duration::from_secs(20);

fn figure(name: &str, value: f64, unit: &str, budget: Option<f64>) {
    let ok = budget.is_none_or(|most| value <= most);
    println!("{}", json!({"name": name, "value": value, "unit": unit, "budget": budget, "ok": ok}));
}

fn p99(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() * 99 / 100).min(times.len() - 1)]
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let (site, maria) = claimed_with(Site::unclaimed_at(HashCost::DEFAULT).await).await;
    let site = Arc::new(site);
    let (done, hashed, next) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let bots: Vec<_> = (0..BOTS)
        .map(|_| {
            let (site, done) = (Arc::clone(&site), Arc::clone(&done));
            let (hashed, next) = (Arc::clone(&hashed), Arc::clone(&next));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let body = json!({"name": format!("user{n}"), "password": format!("guess {n}")});
                    let request = site.request(&site.as_nobody(), "post", "/api/v1/session", Some(&body));
                    let answer = botnet::send_from(&site, botnet::address(n % SOURCES), request).await;
                    if answer.is_some_and(|answer| answer.status == 401) {
                        hashed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();

    let (began, before) = (Instant::now(), hashed.load(Ordering::Relaxed));
    let mut reads = Vec::new();
    while began.elapsed() < READS {
        let one = Instant::now();
        assert_eq!(site.get(&maria.who, "/me").await.status, 200);
        reads.push(one.elapsed().as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let tries = f64::from(hashed.load(Ordering::Relaxed) - before) / began.elapsed().as_secs_f64();
    figure("tries of sign-in hashed under attack", tries, "/s", None);
    figure("a read of the API under attack, with its connection, p99", p99(&mut reads), "ms", Some(20.0));

    let mut device = maria.device.clone();
    let mut taken = Vec::new();
    for _ in 0..SIGN_INS {
        site.rig.clock.advance(Duration::from_secs(30));
        let one = Instant::now();
        let body = json!({"name": "maria", "password": PASSWORD});
        let step = from_browser(&site, &device, "/session", body).await;
        let body = json!({"challenge": step.json()["challenge"], "code": maria.code(&site)});
        let answer = from_browser(&site, &device, "/session/factor", body).await;
        assert_eq!(answer.status, 200);
        taken.push(one.elapsed().as_secs_f64() * 1000.0);
        device = answer.cookie("__Host-dev");
    }
    figure(
        "the owner's sign-in under attack from 10 000 addresses, p99",
        p99(&mut taken),
        "ms",
        Some(2000.0),
    );
    done.store(true, Ordering::Relaxed);
    for bot in bots {
        let _ = bot.await;
    }
}
