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

/// Folds rolls into the points of an answer, in order of time.
#[derive(Debug)]
pub(crate) struct Steps {
    step_ms: i64,
    rate: bool,
    points: Vec<Point>,
    /// Where the last point's step ends.
    end: i64,
    sum: f64,
    weight: f64,
    /// Whether the last point stands for more than one sample.
    several: bool,
}

impl Steps {
    /// Steps begin at whole multiples of `step_ms`. With `rate`, per-second growth is summed up instead of values, each
    /// in the step of its later sample.
    pub(crate) fn new(step_ms: i64, rate: bool) -> Self {
        Self {
            step_ms: step_ms.max(1),
            rate,
            points: Vec::new(),
            end: i64::MIN,
            sum: 0.0,
            weight: 0.0,
            several: false,
        }
    }

    /// `step` is what the roll stands for: its step's beginning places it.
    pub(crate) fn add(&mut self, roll: &Roll, step: i64) {
        let (min, max, last, sum, weight) = if self.rate {
            if roll.span <= 0 {
                return;
            }
            let seconds = roll.span as f64 / 1000.0;
            let rate = roll.grown / seconds;
            (rate, rate, rate, roll.grown, seconds)
        } else {
            (roll.min, roll.max, roll.last, roll.sum, f64::from(roll.count))
        };
        let placed = floor_to(roll.at, step);
        // Divisions are slow and most points fall into the step that is open.
        if let Some(point) = self.points.last_mut().filter(|point| placed >= point.at_ms && placed < self.end)
        {
            self.sum += sum;
            self.weight += weight;
            point.min = point.min.min(min);
            point.max = point.max.max(max);
            point.last = last;
            point.count = point.count.saturating_add(roll.count);
            self.several = true;
            return;
        }
        self.close();
        let at = if self.step_ms == 1 { placed } else { floor_to(placed, self.step_ms) };
        self.end = at.saturating_add(self.step_ms);
        (self.sum, self.weight) = (sum, weight);
        self.several = roll.count != 1;
        self.points.push(Point { at_ms: at, min, max, avg: last, last, count: roll.count });
    }

    /// Adds raw samples, in order of time. They may begin with one sample ahead of `from`, where a counter's growth
    /// starts; that one is not counted itself.
    pub(crate) fn add_samples(&mut self, samples: &[(i64, f64)], from: i64) {
        if self.rate {
            for pair in samples.windows(2) {
                let ((before_at, before), (at, value)) = (pair[0], pair[1]);
                let span = at - before_at;
                if at < from || span > RATE_GAP_MS {
                    continue;
                }
                let grown = roll::growth(before, value);
                let seconds = span as f64 / 1000.0;
                self.put(at, grown / seconds, grown, seconds);
            }
        } else {
            let begin = samples.partition_point(|&(at, _)| at < from);
            for &(at, value) in &samples[begin..] {
                self.put(at, value, value, 1.0);
            }
        }
    }

    fn put(&mut self, at: i64, value: f64, sum: f64, weight: f64) {
        if let Some(point) = self.points.last_mut()
            && at < self.end
            && at >= point.at_ms
        {
            self.sum += sum;
            self.weight += weight;
            if value < point.min {
                point.min = value;
            }
            if value > point.max {
                point.max = value;
            }
            point.last = value;
            point.count = point.count.saturating_add(1);
            self.several = true;
            return;
        }
        self.close();
        let begin = if self.step_ms == 1 { at } else { floor_to(at, self.step_ms) };
        self.end = begin.saturating_add(self.step_ms);
        (self.sum, self.weight) = (sum, weight);
        self.several = false;
        self.points.push(Point { at_ms: begin, min: value, max: value, avg: value, last: value, count: 1 });
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
