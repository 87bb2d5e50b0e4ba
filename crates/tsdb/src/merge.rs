//! Writing blocks: sealing the head, merging files, and summing days up into minutes and hours.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::block::{self, Block, Level, Writer};
use crate::codec;
use crate::notes::Notes;
use crate::query::{self, Merge};
use crate::roll::{self, Roll};

/// Series merged at a time: bounds memory to a few megabytes a day of points.
const TOGETHER: usize = 64;
const DAY_MS: i64 = 86_400_000;

/// What writing needs from the store.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) notes: &'a Arc<Notes>,
    pub(crate) take_seq: &'a dyn Fn() -> u64,
}

/// Files of one level under way. What is not finished is removed.
pub(crate) struct Output<'a> {
    place: Place<'a>,
    level: Level,
    merged: bool,
    writer: Option<Writer>,
    done: Vec<Block>,
    columns: Vec<u8>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(place: Place<'a>, level: Level, merged: bool) -> Self {
        Self { place, level, merged, writer: None, done: Vec::new(), columns: Vec::new() }
    }

    fn writer(&mut self) -> io::Result<&mut Writer> {
        if self.writer.as_ref().is_some_and(Writer::is_full)
            && let Some(full) = self.writer.take()
        {
            self.done.push(full.finish(self.merged, &[], self.place.notes)?);
        }
        match &mut self.writer {
            Some(writer) => Ok(writer),
            none => Ok(none.insert(Writer::new(self.place.dir, self.level, (self.place.take_seq)())?)),
        }
    }

    /// Raw points of the next series, in order of time.
    pub(crate) fn raw(&mut self, series: u32, times: &[i64], values: &[f64]) -> io::Result<()> {
        for range in block::chunk_ranges(times.len()) {
            self.columns.clear();
            codec::encode_values(&values[range.clone()], &mut self.columns);
            let columns = std::mem::take(&mut self.columns);
            let writer = self.writer()?;
            let number = writer.times(&times[range.clone()])?;
            writer.chunk(series, number, range.len() as u64, &columns)?;
            self.columns = columns;
        }
        Ok(())
    }

    /// Rolls of the next series, in order of time.
    pub(crate) fn rolls(&mut self, series: u32, rolls: &[Roll], counter: bool) -> io::Result<()> {
        let step = self.level.step_ms();
        for range in block::chunk_ranges(rolls.len()) {
            let part = &rolls[range];
            self.columns.clear();
            roll::encode(part, step, counter, &mut self.columns);
            let columns = std::mem::take(&mut self.columns);
            let times: Vec<i64> = part.iter().map(|roll| roll.at).collect();
            let writer = self.writer()?;
            let number = writer.times(&times)?;
            writer.chunk(series, number, part.len() as u64, &columns)?;
            self.columns = columns;
        }
        Ok(())
    }

    /// Whether nothing was put in.
    pub(crate) const fn is_empty(&self) -> bool {
        self.writer.is_none() && self.done.is_empty()
    }

    /// Completes the files. The last one takes over `replaces`.
    pub(crate) fn finish(mut self, replaces: &[u64]) -> io::Result<Vec<Block>> {
        if let Some(last) = self.writer.take() {
            self.done.push(last.finish(self.merged, replaces, self.place.notes)?);
        }
        Ok(std::mem::take(&mut self.done))
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        // Only after a failure: whole files hold nothing but copies, half ones nothing at all.
        if let Some(writer) = self.writer.take() {
            writer.abandon();
        }
        for block in self.done.drain(..) {
            let _ = block.remove();
        }
    }
}

/// What a merge made and what it made superfluous.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    pub(crate) made: Vec<Block>,
    pub(crate) gone: Vec<(Level, u64)>,
}

fn every_series(blocks: &[Arc<Block>]) -> io::Result<Vec<u32>> {
    let mut all = Vec::new();
    for block in blocks {
        all.extend(block.all_series()?);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// The raw points of some series in `[from, to)`, of these blocks, oldest first.
fn points_of(blocks: &[Arc<Block>], series: &[u32], from: i64, to: i64) -> io::Result<Vec<Vec<(i64, f64)>>> {
    let mut merges: Vec<Merge> = series.iter().map(|_| Merge::default()).collect();
    for block in blocks.iter().filter(|block| block.overlaps(from, to)) {
        block.read_raw(series, from, to, None, &mut |number, times, values| {
            if let Ok(i) = series.binary_search(&number) {
                merges[i].add(times, values);
            }
        })?;
    }
    Ok(merges.into_iter().map(Merge::finish).collect())
}

/// Rewrites unmerged raw blocks: whole days before `cutoff` into a file each, with their minutes and hours; what is
/// younger into one file that stays unmerged.
///
/// `raw`: all raw blocks, oldest first. `rolled`: all blocks of rolls. `is_counter` says how a series is summed up.
pub(crate) fn merge_days(
    place: Place<'_>,
    raw: &[Arc<Block>],
    rolled: &[Arc<Block>],
    cutoff: i64,
    is_counter: &dyn Fn(u32) -> bool,
) -> io::Result<Merged> {
    let loose: Vec<Arc<Block>> = raw.iter().filter(|block| !block.merged).cloned().collect();
    let (Some(first), Some(last)) = (loose.iter().map(|b| b.first).min(), loose.iter().map(|b| b.last).max())
    else {
        return Ok(Merged::default());
    };
    let mut merged = Merged::default();
    let mut inputs: Vec<u64> = loose.iter().map(|b| b.seq).collect();
    let mut made_raw: Vec<Output<'_>> = Vec::new();
    let mut day = query::floor_to(first, DAY_MS);
    while day < cutoff.min(last.saturating_add(query::RATE_GAP_MS).saturating_add(1)) {
        let end = day + DAY_MS;
        // The hour before counts too: a late sample there changes the growth across midnight.
        let touched = loose.iter().any(|b| b.overlaps(day - query::RATE_GAP_MS, end));
        if touched {
            // The day's earlier merge takes part too, so that a day stays one file.
            let sources: Vec<Arc<Block>> = raw.iter().filter(|b| b.overlaps(day, end)).cloned().collect();
            let (raw_out, minute, hour) = merge_day(place, raw, &sources, day, is_counter)?;
            if let Some(raw_out) = raw_out {
                inputs.extend(sources.iter().filter(|b| b.merged).map(|b| b.seq));
                for (level, output) in [(Level::Minute, minute), (Level::Hour, hour)] {
                    let old: Vec<u64> = rolled
                        .iter()
                        .filter(|b| b.level == level && b.first >= day && b.last < end)
                        .map(|b| b.seq)
                        .collect();
                    merged.made.extend(output.finish(&old)?);
                    merged.gone.extend(old.into_iter().map(|seq| (level, seq)));
                }
                made_raw.push(raw_out);
            }
        }
        day = end;
    }
    let mut rest = Output::new(place, Level::Raw, false);
    if last >= cutoff {
        for series in every_series(&loose)?.chunks(TOGETHER) {
            let all = points_of(&loose, series, cutoff, i64::MAX)?;
            for (&number, points) in series.iter().zip(&all) {
                let (times, values): (Vec<i64>, Vec<f64>) = points.iter().copied().unzip();
                rest.raw(number, &times, &values)?;
            }
        }
    }
    if !rest.is_empty() {
        made_raw.push(rest);
    }
    inputs.sort_unstable();
    inputs.dedup();
    let n = made_raw.len();
    for (i, output) in made_raw.into_iter().enumerate() {
        // Only the last names what it takes over: a crash before leaves the old files in charge.
        let replaces: &[u64] = if i + 1 == n { &inputs } else { &[] };
        merged.made.extend(output.finish(replaces)?);
    }
    merged.gone.extend(inputs.into_iter().map(|seq| (Level::Raw, seq)));
    Ok(merged)
}

type Day<'a> = (Option<Output<'a>>, Output<'a>, Output<'a>);

fn merge_day<'a>(
    place: Place<'a>,
    raw: &[Arc<Block>],
    sources: &[Arc<Block>],
    day: i64,
    is_counter: &dyn Fn(u32) -> bool,
) -> io::Result<Day<'a>> {
    let end = day + DAY_MS;
    let reach = day - query::RATE_GAP_MS;
    let mut whole = Output::new(place, Level::Raw, true);
    let mut minutes = Output::new(place, Level::Minute, false);
    let mut hours = Output::new(place, Level::Hour, false);
    for series in every_series(sources)?.chunks(TOGETHER) {
        // Counters grow across midnight: the hour before belongs to the look.
        let all = points_of(raw, series, reach, end)?;
        for (&number, points) in series.iter().zip(&all) {
            let begin = points.partition_point(|&(at, _)| at < day);
            let (ahead, points) = points.split_at(begin);
            if points.is_empty() {
                continue;
            }
            let (times, values): (Vec<i64>, Vec<f64>) = points.iter().copied().unzip();
            whole.raw(number, &times, &values)?;
            let counter = is_counter(number);
            let before = ahead.last().copied();
            for output in [&mut minutes, &mut hours] {
                let rolls = roll::roll_up(points, before, output.level.step_ms(), counter);
                output.rolls(number, &rolls, counter)?;
            }
        }
    }
    Ok(((!whole.is_empty()).then_some(whole), minutes, hours))
}

/// Joins blocks of hours into one, so that years of them stay few files.
pub(crate) fn merge_hours(
    place: Place<'_>,
    blocks: &[Arc<Block>],
    is_counter: &dyn Fn(u32) -> bool,
) -> io::Result<Merged> {
    let mut out = Output::new(place, Level::Hour, true);
    for series in every_series(blocks)?.chunks(TOGETHER) {
        let mut all: Vec<Vec<Roll>> = series.iter().map(|_| Vec::new()).collect();
        for block in blocks {
            block.read_rolls(series, i64::MIN / 2, i64::MAX / 2, &mut |number, rolls| {
                if let Ok(i) = series.binary_search(&number) {
                    all[i].extend_from_slice(rolls);
                }
            })?;
        }
        for (&number, rolls) in series.iter().zip(all) {
            let rolls = query::latest_rolls(rolls, Level::Hour.step_ms());
            out.rolls(number, &rolls, is_counter(number))?;
        }
    }
    let old: Vec<u64> = blocks.iter().map(|b| b.seq).collect();
    Ok(Merged { made: out.finish(&old)?, gone: old.into_iter().map(|seq| (Level::Hour, seq)).collect() })
}
