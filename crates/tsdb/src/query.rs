//! From stored points to the points of an answer: merging, steps, rates.

use wk_engine::ports::metrics::Point;

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

fn floor_to(at: i64, step: i64) -> i64 {
    at.saturating_sub(at.rem_euclid(step))
}

struct Step {
    at: i64,
    min: f64,
    max: f64,
    sum: f64,
    weight: f64,
    last: f64,
    count: u32,
}

impl Step {
    fn point(&self) -> Point {
        Point {
            at_ms: self.at,
            min: self.min,
            max: self.max,
            avg: if self.count == 1 { self.last } else { self.sum / self.weight },
            last: self.last,
            count: self.count,
        }
    }
}

fn fold(points: &mut Vec<Point>, open: &mut Option<Step>, at: i64, value: f64, sum: f64, weight: f64) {
    match open {
        Some(step) if step.at == at => {
            step.min = step.min.min(value);
            step.max = step.max.max(value);
            step.sum += sum;
            step.weight += weight;
            step.last = value;
            step.count = step.count.saturating_add(1);
        }
        _ => {
            if let Some(done) = open.take() {
                points.push(done.point());
            }
            *open = Some(Step { at, min: value, max: value, sum, weight, last: value, count: 1 });
        }
    }
}

/// Sums samples up per step; steps begin at whole multiples of `step_ms`.
pub(crate) fn steps(samples: &[(i64, f64)], from: i64, step_ms: i64) -> Vec<Point> {
    let step_ms = step_ms.max(1);
    let mut points = Vec::new();
    let mut open = None;
    for &(at, value) in samples.iter().filter(|&&(at, _)| at >= from) {
        fold(&mut points, &mut open, floor_to(at, step_ms), value, value, 1.0);
    }
    points.extend(open.map(|step| step.point()));
    points
}

/// Per-second rates of a counter, each between two neighbouring samples and in the step of the later one. A counter
/// that falls has begun again from zero. `samples` may begin with one sample ahead of `from`.
pub(crate) fn rates(samples: &[(i64, f64)], from: i64, step_ms: i64) -> Vec<Point> {
    let step_ms = step_ms.max(1);
    let mut points = Vec::new();
    let mut open = None;
    for pair in samples.windows(2) {
        let ((before_at, before), (at, value)) = (pair[0], pair[1]);
        let span = at - before_at;
        if at < from || span > RATE_GAP_MS {
            continue;
        }
        let grown = if value >= before { value - before } else { value };
        let seconds = span as f64 / 1000.0;
        fold(&mut points, &mut open, floor_to(at, step_ms), grown / seconds, grown, seconds);
    }
    points.extend(open.map(|step| step.point()));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_restarts_counts_from_zero() {
        let points = rates(&[(0, 100.0), (10_000, 200.0), (20_000, 50.0)], 0, 10_000);
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
        let points = steps(&[(0, 1.0), (10, 3.0), (60, 5.0)], 0, 60);
        assert_eq!(points.len(), 2);
        assert_eq!(
            (points[0].min, points[0].max, points[0].avg, points[0].last, points[0].count),
            (1.0, 3.0, 2.0, 3.0, 2)
        );
        assert_eq!(points[1].at_ms, 60);
    }
}
