//! From stored points to the points of an answer: merging, steps, rates.

use wk_engine::ports::metrics::Point;

use crate::roll::{self, Roll};

/// Two samples of a counter further apart than this give no rate: what happened between them is not known.
pub(crate) const RATE_GAP_MS: i64 = 3_600_000;

/// Points of one series from several sources, oldest source first.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    points: Vec<(i64, f64)>,
    /// Whether the points stand in strictly rising order so far.
    mixed: bool,
}

impl Merge {
    pub(crate) fn add(&mut self, times: &[i64], values: &[f64]) {
        let Some(&first) = times.first() else { return };
        if self.points.last().is_some_and(|&(last, _)| first <= last) {
            self.mixed = true;
        }
        self.points.reserve_exact(times.len());
        self.points.extend(times.iter().copied().zip(values.iter().copied()));
    }

    /// In time order; of several values for one instant the one added last.
    pub(crate) fn finish(mut self) -> Vec<(i64, f64)> {
        if self.mixed {
            // Stable, so later sources stay behind earlier ones.
            self.points.sort_by_key(|&(at, _)| at);
            self.points.reverse();
            self.points.dedup_by_key(|&mut (at, _)| at);
            self.points.reverse();
        }
        self.points
    }
}

pub(crate) const fn floor_to(at: i64, step: i64) -> i64 {
    at.saturating_sub(at.rem_euclid(step))
}

/// Of several rolls for one step the one added last, in order of time.
pub(crate) fn latest_rolls(mut rolls: Vec<Roll>, step: i64) -> Vec<Roll> {
    let rising = rolls.windows(2).all(|pair| floor_to(pair[0].at, step) < floor_to(pair[1].at, step));
    if !rising {
        rolls.sort_by_key(|roll| floor_to(roll.at, step));
        rolls.reverse();
        rolls.dedup_by_key(|roll| floor_to(roll.at, step));
        rolls.reverse();
    }
    rolls
}

/// What goes into one point: some neighbouring samples or rolls of one step.
struct Piece {
    at: i64,
    min: f64,
    max: f64,
    last: f64,
    /// The mean is `sum / weight`: of values, or of growth a thousandfold over milliseconds.
    sum: f64,
    weight: f64,
    count: u32,
}

/// Folds rolls into the points of an answer, in order of time.
#[derive(Debug)]
pub(crate) struct Steps {
    step_ms: i64,
    rate: bool,
    points: Vec<Point>,
    sum: f64,
    weight: f64,
    /// Whether the last point stands for more than one sample.
    several: bool,
}

impl Steps {
    /// Steps begin at whole multiples of `step_ms`. With `rate`, per-second growth is summed up instead of values, each
    /// in the step of its later sample.
    pub(crate) fn new(step_ms: i64, rate: bool) -> Self {
        Self { step_ms: step_ms.max(1), rate, points: Vec::new(), sum: 0.0, weight: 0.0, several: false }
    }

    /// Adds rolls of `step` milliseconds, in order of time; each lies where its step begins.
    pub(crate) fn add_rolls(&mut self, rolls: &[Roll], step: i64) {
        for roll in rolls {
            let at = floor_to(roll.at, step);
            let count = roll.count;
            if !self.rate {
                let (sum, weight) = (roll.sum, f64::from(count));
                self.put(Piece { at, min: roll.min, max: roll.max, last: roll.last, sum, weight, count });
            } else if roll.span > 0 {
                let (grown, span) = (roll.grown * 1000.0, roll.span as f64);
                let rate = grown / span;
                self.put(Piece { at, min: rate, max: rate, last: rate, sum: grown, weight: span, count });
            }
        }
    }

    /// Adds raw samples, in order of time. They may begin with one sample ahead of `from`, where a counter's growth
    /// starts; that one is not counted itself.
    pub(crate) fn add_samples(&mut self, samples: &[(i64, f64)], from: i64) {
        if self.rate {
            self.gather(samples.windows(2).filter_map(|pair| {
                let ((before_at, before), (at, value)) = (pair[0], pair[1]);
                let span = at - before_at;
                if at < from || span > RATE_GAP_MS {
                    return None;
                }
                let (grown, span) = (roll::growth(before, value) * 1000.0, span as f64);
                Some((at, grown / span, grown, span))
            }));
        } else {
            let begin = samples.partition_point(|&(at, _)| at < from);
            self.gather(samples[begin..].iter().map(|&(at, value)| (at, value, value, 1.0)));
        }
    }

    /// Sums up per step in local variables: this loop sees every sample of a query.
    fn gather(&mut self, mut items: impl Iterator<Item = (i64, f64, f64, f64)>) {
        let mut next = items.next();
        while let Some((at, value, mut sum, mut weight)) = next {
            let end = self.begin_of(at).saturating_add(self.step_ms);
            let (mut min, mut max, mut last, mut count) = (value, value, value, 1u32);
            loop {
                next = items.next();
                match next {
                    Some((at, value, more, heavier)) if at < end => {
                        sum += more;
                        weight += heavier;
                        min = if value < min { value } else { min };
                        max = if value > max { value } else { max };
                        last = value;
                        count = count.saturating_add(1);
                    }
                    _ => break,
                }
            }
            self.put(Piece { at, min, max, last, sum, weight, count });
        }
    }

    const fn begin_of(&self, at: i64) -> i64 {
        // Divisions are slow, and this width is the one that needs none.
        if self.step_ms == 1 { at } else { floor_to(at, self.step_ms) }
    }

    fn put(&mut self, piece: Piece) {
        let begin = self.begin_of(piece.at);
        if let Some(point) = self.points.last_mut()
            && point.at_ms == begin
        {
            self.sum += piece.sum;
            self.weight += piece.weight;
            point.min = point.min.min(piece.min);
            point.max = point.max.max(piece.max);
            point.last = piece.last;
            point.count = point.count.saturating_add(piece.count);
            self.several = true;
            return;
        }
        self.close();
        (self.sum, self.weight) = (piece.sum, piece.weight);
        self.several = piece.count != 1;
        let Piece { min, max, last, count, .. } = piece;
        self.points.push(Point { at_ms: begin, min, max, avg: last, last, count });
    }

    fn close(&mut self) {
        if self.several
            && let Some(point) = self.points.last_mut()
        {
            point.avg = self.sum / self.weight;
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Point> {
        self.close();
        self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(samples: &[(i64, f64)], step_ms: i64, rate: bool) -> Vec<Point> {
        let mut steps = Steps::new(step_ms, rate);
        steps.add_samples(samples, 0);
        steps.finish()
    }

    #[test]
    fn a_counter_that_restarts_counts_from_zero() {
        let points = answer(&[(0, 100.0), (10_000, 200.0), (20_000, 50.0)], 10_000, true);
        let rates: Vec<f64> = points.iter().map(|p| p.avg).collect();
        assert_eq!(rates, [10.0, 5.0]);
    }

    #[test]
    fn the_last_written_value_wins() {
        let mut merge = Merge::default();
        merge.add(&[1, 2, 3], &[1.0, 2.0, 3.0]);
        merge.add(&[2, 4], &[20.0, 4.0]);
        assert_eq!(merge.finish(), [(1, 1.0), (2, 20.0), (3, 3.0), (4, 4.0)]);
    }

    #[test]
    fn steps_sum_up_what_lies_in_them() {
        let points = answer(&[(0, 1.0), (10, 3.0), (60, 5.0)], 60, false);
        assert_eq!(points.len(), 2);
        assert_eq!(
            (points[0].min, points[0].max, points[0].avg, points[0].last, points[0].count),
            (1.0, 3.0, 2.0, 3.0, 2)
        );
        assert_eq!(points[1].at_ms, 60);
    }
}
