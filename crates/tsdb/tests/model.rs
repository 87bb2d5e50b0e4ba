//! Whatever the order of samples, seals, merges and restarts: the store answers like a plain map would.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)] // a test says what it expected by failing

mod common;

use std::collections::BTreeMap;

use common::{Fixture, T0, counter, key, select};
use proptest::prelude::*;
use wk_domain::Timestamp;
use wk_engine::ports::metrics::{Metrics, Point, RangeQuery, Sample};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const NAMES: [&str; 3] = ["gauge", "counter", "decimal"];

#[derive(Debug, Clone)]
enum Act {
    /// A run of one series: start (seconds after T0), step (seconds), values.
    Append {
        series: usize,
        start: i64,
        step: i64,
        values: Vec<u16>,
    },
    Seal,
    Reopen,
    /// Hours after T0.
    Maintain(i64),
}

fn any_act() -> impl Strategy<Value = Act> {
    let run = |start: std::ops::Range<i64>| {
        (
            0usize..3,
            start,
            prop_oneof![Just(10i64), Just(60), 1i64..2_000],
            prop::collection::vec(0u16..1000, 1..120),
        )
            .prop_map(|(series, start, step, values)| Act::Append { series, start, step, values })
    };
    prop_oneof![
        4 => run(0..3 * 86_400),
        2 => run(86_000..87_000),
        2 => Just(Act::Seal),
        1 => Just(Act::Reopen),
        2 => (0i64..120).prop_map(Act::Maintain),
    ]
}

fn value_of(series: usize, raw: u16) -> f64 {
    match series {
        0 => f64::from(raw) - 500.0,
        1 => f64::from(raw),
        _ => f64::from(raw) / 100.0,
    }
}

fn query(series: usize, from: i64, to: i64, step_ms: i64, rate: bool) -> RangeQuery {
    RangeQuery { rate, ..select(1, NAMES[series], from, to, step_ms) }
}

/// Per step: least, greatest, sum, last and count of the values.
fn naive_steps(
    model: &BTreeMap<i64, f64>,
    from: i64,
    to: i64,
    step: i64,
) -> BTreeMap<i64, (f64, f64, f64, f64, u32)> {
    let mut steps = BTreeMap::new();
    for (&at, &value) in model.range(from..to) {
        let entry = steps.entry(at.div_euclid(step) * step).or_insert((value, value, 0.0, value, 0));
        *entry = (entry.0.min(value), entry.1.max(value), entry.2 + value, value, entry.4 + 1);
    }
    steps
}

/// Per step: growth and seconds of the pairs that end in it; a counter that falls restarted from zero.
fn naive_rates(model: &BTreeMap<i64, f64>, from: i64, to: i64, step: i64) -> BTreeMap<i64, (f64, f64)> {
    let mut steps = BTreeMap::new();
    let all: Vec<(i64, f64)> = model.iter().map(|(&at, &v)| (at, v)).collect();
    for pair in all.windows(2) {
        let span = pair[1].0 - pair[0].0;
        if pair[1].0 < from || pair[1].0 >= to || span > HOUR {
            continue;
        }
        let grown = if pair[1].1 >= pair[0].1 { pair[1].1 - pair[0].1 } else { pair[1].1 };
        let entry = steps.entry(pair[1].0.div_euclid(step) * step).or_insert((0.0, 0.0));
        *entry = (entry.0 + grown, entry.1 + span as f64 / 1000.0);
    }
    steps
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

fn check(fixture: &Fixture, models: &[BTreeMap<i64, f64>; 3]) -> Result<(), TestCaseError> {
    let ask = |query: &RangeQuery| -> Vec<Point> {
        fixture.store().range(query).expect("range").pop().map(|data| data.points).unwrap_or_default()
    };
    for (series, model) in models.iter().enumerate() {
        let points: Vec<(i64, f64)> =
            ask(&query(series, T0 - DAY, T0 + 9 * DAY, 1, false)).iter().map(|p| (p.at_ms, p.last)).collect();
        let expected: Vec<(i64, f64)> = model.iter().map(|(&at, &v)| (at, v)).collect();
        prop_assert_eq!(points, expected, "{}", NAMES[series]);
        for (from, to, step) in [
            (T0, T0 + 4 * DAY, HOUR),
            (T0, T0 + 4 * DAY, 60_000),
            (T0 + 23 * HOUR, T0 + 25 * HOUR, 300_000),
            (T0 + DAY, T0 + 3 * DAY, 6 * HOUR),
        ] {
            if NAMES[series] == "counter" {
                let points = ask(&query(series, from, to, step, true));
                let expected = naive_rates(model, from, to, step);
                prop_assert_eq!(points.len(), expected.len(), "rates {} {}", from - T0, step);
                for point in points {
                    let (grown, seconds) = expected[&point.at_ms];
                    prop_assert!(near(point.avg, grown / seconds), "{:?} not {}", point, grown / seconds);
                }
            } else {
                let points = ask(&query(series, from, to, step, false));
                let expected = naive_steps(model, from, to, step);
                prop_assert_eq!(points.len(), expected.len(), "steps {} {}", from - T0, step);
                for point in points {
                    let (min, max, sum, last, count) = expected[&point.at_ms];
                    prop_assert_eq!((point.min, point.max, point.last, point.count), (min, max, last, count));
                    prop_assert!(near(point.avg, sum / f64::from(count)), "{:?}", point);
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_like_a_map(acts in prop::collection::vec(any_act(), 1..25)) {
        let mut fixture = Fixture::new();
        let mut now = T0 + 7 * DAY;
        let mut models: [BTreeMap<i64, f64>; 3] = Default::default();
        fixture.store().maintain(Timestamp::from_ms(now)).expect("maintain");
        let refs = fixture.store().resolve(&[key(1, NAMES[0]), counter(1, NAMES[1]), key(1, NAMES[2])]).expect("resolve");
        for act in acts {
            match act {
                Act::Append { series, start, step, values } => {
                    let batch: Vec<Sample> = values
                        .iter()
                        .enumerate()
                        .map(|(i, &raw)| Sample {
                            series: refs[series],
                            at_ms: T0 + (start + i as i64 * step) * 1000,
                            value: value_of(series, raw),
                        })
                        .collect();
                    fixture.store().append(&batch).expect("append");
                    models[series].extend(batch.iter().map(|s| (s.at_ms, s.value)));
                }
                Act::Seal => fixture.store().seal().expect("seal"),
                Act::Reopen => {
                    fixture.reopen();
                    fixture.store().maintain(Timestamp::from_ms(now)).expect("maintain");
                }
                Act::Maintain(hours) => {
                    now = now.max(T0 + 7 * DAY + hours * HOUR);
                    fixture.store().maintain(Timestamp::from_ms(now)).expect("maintain");
                }
            }
        }
        check(&fixture, &models)?;
        fixture.reopen();
        check(&fixture, &models)?;
        fixture.store().maintain(Timestamp::from_ms(now + DAY)).expect("maintain");
        check(&fixture, &models)?;
        prop_assert_eq!(fixture.store().health().corrupt_blocks, 0, "{:?}", fixture.store().health().reports);
    }
}
