//! Sums of many samples: the minute and hour tiers.
//!
//! A roll stands at its last sample's time, so all series of a scrape share their times here too, and its step begins at
//! the whole minute or hour before. Gauges keep least, greatest, sum, last and count. Counters keep last, count, and how
//! much they grew over which span, restarts handled: rates from rolls equal rates from samples. Least, greatest and mean
//! of a counter's bare value mean nothing and are not kept; its last value stands for them.

use crate::codec::{self, Malformed};
use crate::frame::{Cursor, put_varint};
use crate::query::RATE_GAP_MS;

const GAUGE_WHOLE: u8 = 0;
const GAUGE_FLOAT: u8 = 1;
const COUNTER_WHOLE: u8 = 2;
const COUNTER_FLOAT: u8 = 3;

/// The samples of one step, summed up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Roll {
    /// Time of the last sample.
    pub(crate) at: i64,
    pub(crate) count: u32,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) sum: f64,
    pub(crate) last: f64,
    /// Counters: growth since the sample before the step's first, and the milliseconds it took.
    pub(crate) grown: f64,
    pub(crate) span: i64,
}

impl Roll {
    /// One raw sample.
    const fn of(at: i64, value: f64) -> Self {
        Self { at, count: 1, min: value, max: value, sum: value, last: value, grown: 0.0, span: 0 }
    }
}

/// Growth between two samples of a counter: one that falls began again from zero.
pub(crate) fn growth(before: f64, value: f64) -> f64 {
    if value >= before { value - before } else { value }
}

/// Sums samples up per `step`. `before` is the sample ahead of the first, for the counter's growth.
pub(crate) fn roll_up(
    samples: &[(i64, f64)],
    before: Option<(i64, f64)>,
    step: i64,
    counter: bool,
) -> Vec<Roll> {
    let mut rolls: Vec<Roll> = Vec::new();
    let mut open = i64::MIN;
    let mut previous = before;
    // Decimals are summed as whole numbers: a sum of floats would carry digits that nobody measured.
    let mut wholes = Vec::new();
    let values: Vec<f64> = samples.iter().map(|&(_, value)| value).collect();
    let scale = codec::as_wholes(&values, &mut wholes);
    let mut whole_sum = 0i128;
    for (i, &(at, value)) in samples.iter().enumerate() {
        let begin = at.saturating_sub(at.rem_euclid(step));
        let fresh = begin != open || rolls.is_empty();
        if fresh {
            open = begin;
            rolls.push(Roll { sum: 0.0, count: 0, ..Roll::of(at, value) });
            whole_sum = 0;
        }
        let Some(roll) = rolls.last_mut() else { continue };
        roll.at = at;
        roll.count = roll.count.saturating_add(1);
        roll.last = value;
        if counter {
            roll.min = value;
            roll.max = value;
            roll.sum = value * f64::from(roll.count);
            if let Some((before_at, before)) = previous
                && at - before_at <= RATE_GAP_MS
            {
                roll.grown += growth(before, value);
                roll.span += at - before_at;
            }
        } else {
            roll.min = roll.min.min(value);
            roll.max = roll.max.max(value);
            match scale {
                Some(scale) => {
                    whole_sum += i128::from(wholes[i]);
                    roll.sum = whole_sum as f64 / codec::POWERS[scale];
                }
                None => roll.sum += value,
            }
        }
        previous = Some((at, value));
    }
    rolls
}

fn column(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn floats(out: &mut Vec<u8>, values: impl Iterator<Item = f64>) {
    let values: Vec<f64> = values.collect();
    let mut bytes = Vec::new();
    codec::encode_values(&values, &mut bytes);
    column(out, &bytes);
}

fn wholes(out: &mut Vec<u8>, values: impl Iterator<Item = i64>) -> Option<()> {
    let mut values: Vec<i64> = values.collect();
    if values.iter().any(|v| v.unsigned_abs() > 1 << 53) {
        return None;
    }
    let mut bytes = Vec::new();
    codec::encode_wholes(0, &mut values, &mut bytes)?;
    column(out, &bytes);
    Some(())
}

fn gauge_wholes(rolls: &[Roll], out: &mut Vec<u8>) -> Option<()> {
    let values: Vec<f64> = rolls.iter().flat_map(|r| [r.min, r.max, r.last, r.sum]).collect();
    let mut whole_values = Vec::new();
    let scale = codec::as_wholes(&values, &mut whole_values)?;
    let mut sums = Vec::with_capacity(rolls.len());
    for (roll, of) in rolls.iter().zip(whole_values.as_chunks::<4>().0) {
        sums.push(of[3].checked_sub(of[0].checked_mul(i64::from(roll.count))?)?);
    }
    out.push(GAUGE_WHOLE);
    out.push(scale as u8);
    let of = || whole_values.as_chunks::<4>().0.iter();
    wholes(out, rolls.iter().map(|r| i64::from(r.count)))?;
    wholes(out, of().map(|v| v[0]))?;
    wholes(out, of().map(|v| v[1] - v[0]))?;
    wholes(out, of().map(|v| v[2] - v[0]))?;
    wholes(out, sums.into_iter())
}

fn counter_wholes(rolls: &[Roll], step: i64, out: &mut Vec<u8>) -> Option<()> {
    let values: Vec<f64> = rolls.iter().flat_map(|r| [r.last, r.grown]).collect();
    let mut whole_values = Vec::new();
    let scale = codec::as_wholes(&values, &mut whole_values)?;
    out.push(COUNTER_WHOLE);
    out.push(scale as u8);
    let of = whole_values.as_chunks::<2>().0;
    wholes(out, rolls.iter().map(|r| i64::from(r.count)))?;
    wholes(out, of.iter().map(|v| v[0]))?;
    // What growth and span would be without restarts and gaps is known; only the difference is kept.
    let before = |i: usize| if i == 0 { of[0][0] } else { of[i - 1][0] };
    wholes(out, of.iter().enumerate().map(|(i, v)| v[1] - (v[0] - before(i))))?;
    wholes(out, spans_left(rolls, step))
}

fn spans_left(rolls: &[Roll], step: i64) -> impl Iterator<Item = i64> {
    rolls.iter().enumerate().map(move |(i, roll)| {
        let before = if i == 0 { roll.at - step } else { rolls[i - 1].at };
        roll.span - (roll.at - before)
    })
}

/// Packs rolls; their times are kept elsewhere.
pub(crate) fn encode(rolls: &[Roll], step: i64, counter: bool, out: &mut Vec<u8>) {
    let begin = out.len();
    if counter {
        if counter_wholes(rolls, step, out).is_some() {
            return;
        }
        out.truncate(begin);
        out.push(COUNTER_FLOAT);
        floats(out, rolls.iter().map(|r| f64::from(r.count)));
        floats(out, rolls.iter().map(|r| r.last));
        floats(out, rolls.iter().map(|r| r.grown));
        floats(out, rolls.iter().map(|r| r.span as f64));
        return;
    }
    if gauge_wholes(rolls, out).is_some() {
        return;
    }
    out.truncate(begin);
    out.push(GAUGE_FLOAT);
    floats(out, rolls.iter().map(|r| f64::from(r.count)));
    floats(out, rolls.iter().map(|r| r.min));
    floats(out, rolls.iter().map(|r| r.max));
    floats(out, rolls.iter().map(|r| r.last));
    floats(out, rolls.iter().map(|r| r.sum));
}

/// Unpacks the rolls `range` of a chunk whose rolls end at `times`.
pub(crate) fn decode(
    bytes: &[u8],
    times: &[i64],
    range: std::ops::Range<usize>,
    step: i64,
    out: &mut Vec<Roll>,
) -> Result<(), Malformed> {
    let n = times.len();
    if range.start >= range.end || range.end > n {
        return Err(Malformed);
    }
    let mut cursor = Cursor(bytes);
    let tag = cursor.byte().ok_or(Malformed)?;
    let scale = match tag {
        GAUGE_WHOLE | COUNTER_WHOLE => usize::from(cursor.byte().ok_or(Malformed)?),
        _ => 0,
    };
    let power = *codec::POWERS.get(scale).ok_or(Malformed)?;
    // Differences to the roll before need that one too.
    let low = range.start.saturating_sub(1);
    let mut next = || -> Result<Vec<f64>, Malformed> {
        let length = cursor.size(bytes.len()).ok_or(Malformed)?;
        let body = cursor.bytes(length).ok_or(Malformed)?;
        let mut values = Vec::new();
        let from = codec::decode_values(body, n, low..range.end, &mut values)?;
        values.drain(..low - from);
        values.truncate(range.end - low);
        Ok(values)
    };
    let count = next()?;
    let at = |i: usize| times[low + i];
    let skip = range.start - low;
    match tag {
        GAUGE_WHOLE => {
            let (min, over, last, sum) = (next()?, next()?, next()?, next()?);
            for i in skip..count.len() {
                let base = min[i] as i64;
                let of = |value: i64| value as f64 / power;
                let n = count[i] as i64;
                let sum = base.checked_mul(n).and_then(|b| b.checked_add(sum[i] as i64)).ok_or(Malformed)?;
                out.push(Roll {
                    at: at(i),
                    count: count[i] as u32,
                    min: of(base),
                    max: of(base.wrapping_add(over[i] as i64)),
                    sum: of(sum),
                    last: of(base.wrapping_add(last[i] as i64)),
                    grown: 0.0,
                    span: 0,
                });
            }
        }
        GAUGE_FLOAT => {
            let (min, max, last, sum) = (next()?, next()?, next()?, next()?);
            for i in skip..count.len() {
                out.push(Roll {
                    at: at(i),
                    count: count[i] as u32,
                    min: min[i],
                    max: max[i],
                    sum: sum[i],
                    last: last[i],
                    grown: 0.0,
                    span: 0,
                });
            }
        }
        COUNTER_WHOLE | COUNTER_FLOAT => {
            let (last, grown, span) = (next()?, next()?, next()?);
            for i in skip..count.len() {
                let (value, grown, span) = if tag == COUNTER_WHOLE {
                    let first = low + i == 0;
                    let before = if first { last[i] as i64 } else { last[i - 1] as i64 };
                    let before_at = if first { at(i) - step } else { at(i - 1) };
                    (
                        last[i] / power,
                        (grown[i] as i64).wrapping_add((last[i] as i64).wrapping_sub(before)) as f64 / power,
                        (span[i] as i64).wrapping_add(at(i).wrapping_sub(before_at)),
                    )
                } else {
                    (last[i], grown[i], span[i] as i64)
                };
                out.push(Roll {
                    at: at(i),
                    count: count[i] as u32,
                    min: value,
                    max: value,
                    sum: value * count[i],
                    last: value,
                    grown,
                    span,
                });
            }
        }
        _ => return Err(Malformed),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_sum_up_without_stray_digits() {
        let rolls = roll_up(&[(0, 0.1), (10, 0.2), (20, 0.3), (70, 0.7)], None, 60, false);
        assert_eq!(rolls.len(), 2);
        assert_eq!((rolls[0].sum.to_bits(), rolls[0].count, rolls[0].at), (0.6f64.to_bits(), 3, 20));
    }

    #[test]
    fn a_counters_growth_crosses_steps_and_restarts() {
        let rolls = roll_up(&[(10, 5.0), (50, 9.0), (70, 2.0)], Some((-10, 1.0)), 60, true);
        assert_eq!((rolls[0].grown, rolls[0].span), (8.0, 60));
        assert_eq!((rolls[1].grown, rolls[1].span), (2.0, 20));
    }

    proptest! {
        #[test]
        fn rolls_come_back(
            steps in prop::collection::vec((1i64..100_000, prop_oneof![
                (0i64..100_000).prop_map(|v| v as f64),
                (0i64..100_000).prop_map(|v| v as f64 / 100.0),
                -1e12f64..1e12,
            ]), 1..600),
            counter: bool,
            hour: bool,
            a in any::<prop::sample::Index>(),
        ) {
            let mut at = 1_000_000_000i64;
            let samples: Vec<(i64, f64)> = steps.iter().map(|&(by, v)| { at += by; (at, v) }).collect();
            let step = if hour { 3_600_000 } else { 60_000 };
            let rolls = roll_up(&samples, None, step, counter);
            let mut bytes = Vec::new();
            encode(&rolls, step, counter, &mut bytes);
            let times: Vec<i64> = rolls.iter().map(|r| r.at).collect();
            let from = a.index(rolls.len());
            let mut back = Vec::new();
            prop_assert_eq!(decode(&bytes, &times, from..rolls.len(), step, &mut back), Ok(()));
            prop_assert_eq!(&back[..], &rolls[from..]);
        }

        #[test]
        fn garbage_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), n in 1usize..500) {
            let times: Vec<i64> = (0..n as i64).collect();
            let _ = decode(&bytes, &times, 0..n, 60_000, &mut Vec::new());
        }
    }
}
