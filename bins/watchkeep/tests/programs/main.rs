//! The real programs, seen from outside: started, used by the command line, killed, misled, and started again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what goes wrong in a test fails it, and says where"
)]

mod clients;
mod clock;
mod commands;
mod disk;
mod doors;
mod evidence;
mod kill;
mod life;
mod paths;
mod plugins;
mod postgres;
mod refusals;
mod remote;
mod stepped;
mod trust;

use wk_testkit::Fleet;

/// A fleet of the programs under test.
fn fleet() -> Fleet {
    Fleet::new(env!("CARGO_BIN_EXE_watchkeep"))
}

/// Milliseconds since 1970 as RFC 3339, for a query.
fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The points of one series of a host in a span: instant in milliseconds and value.
fn points(fleet: &Fleet, host: &str, name: &str, from: i64, to: i64) -> Vec<(i64, f64)> {
    let (from, to) = (rfc3339(from), rfc3339(to));
    let answer = fleet.ask(&format!("/hosts/{host}/range?name={name}&from={from}&to={to}&step_ms=1000"));
    let series = answer["series"].as_array().unwrap();
    let points = series.iter().flat_map(|one| one["points"].as_array().unwrap());
    points.map(|p| (p[0].as_f64().unwrap() as i64, p[4].as_f64().unwrap_or(f64::NAN))).collect()
}
