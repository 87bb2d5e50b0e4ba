//! How columns of values and of times become few bytes, without losing one bit.
//!
//! Host metrics are mostly whole numbers, multiples of a page or sector, or percentages with a digit or two: those are
//! turned into small whole numbers first (decimal scale, common divisor, differences) and only what is left goes to
//! pco, in the narrowest type that holds it. Whatever does not survive that way exactly is stored as floats.
//!
//! Values lie in pages of [`PAGE`] points that decode on their own, so a short query of a long block reads little.

use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};

use crate::frame::{Cursor, put_varint, zigzag};

/// Points in a page: an hour at ten seconds.
pub(crate) const PAGE: usize = 360;
/// Points in a chunk at most; bounds what a reader sets aside.
pub(crate) const CHUNK_MAX: usize = 1 << 16;

const CONSTANT: u8 = 0;
const STEADY: u8 = 1;
const SPARSE: u8 = 2;
const PACKED: u8 = 3;
const FLOATS: u8 = 4;

/// Decimal scales tried: values with up to this many digits after the point become whole numbers.
const SCALE_MAX: usize = 6;
pub(crate) const POWERS: [f64; SCALE_MAX + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
/// Whole numbers of this size and below are exact in a float.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Why a column cannot be read: the bytes are no work of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

type Decoded<T> = Result<T, Malformed>;

fn scaled(value: f64, scale: usize) -> Option<i64> {
    let power = POWERS[scale];
    let whole = (value * power).round_ties_even();
    if whole.abs() > EXACT_MAX {
        return None;
    }
    let whole = whole as i64;
    (unscaled(whole, power).to_bits() == value.to_bits()).then_some(whole)
}

fn unscaled(whole: i64, power: f64) -> f64 {
    // Division, not multiplication by 0.01: the quotient of two exact numbers is the float nearest to the decimal.
    whole as f64 / power
}

/// The column as whole numbers over a power of ten, if that is exact.
pub(crate) fn as_wholes(values: &[f64], out: &mut Vec<i64>) -> Option<usize> {
    let mut scale = 0;
    'scales: loop {
        out.clear();
        for &value in values {
            match scaled(value, scale) {
                Some(whole) => out.push(whole),
                None if scale < SCALE_MAX => {
                    scale += 1;
                    // Skip scales this value refuses, before starting again.
                    while scale < SCALE_MAX && scaled(value, scale).is_none() {
                        scale += 1;
                    }
                    continue 'scales;
                }
                None => return None,
            }
        }
        return Some(scale);
    }
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn config(pages: Vec<usize>, mode: ModeSpec, delta: DeltaSpec) -> ChunkConfig {
    ChunkConfig::default()
        .with_compression_level(LEVEL)
        .with_enable_8_bit(true)
        .with_mode_spec(mode)
        .with_delta_spec(delta)
        .with_paging_spec(PagingSpec::Exact(pages))
}

/// Columns are short: more bins than this costs more bytes in their table than it saves.
const LEVEL: usize = 6;

fn page_sizes(n: usize) -> Vec<usize> {
    let mut sizes = vec![PAGE; n / PAGE];
    if !n.is_multiple_of(PAGE) {
        sizes.push(n % PAGE);
    }
    sizes
}

/// `sizes`, then the table, then each page. `None` when pco refuses, which sends the column another way.
fn pco_into<T: Number>(
    out: &mut Vec<u8>,
    values: &[T],
    pages: Vec<usize>,
    mode: ModeSpec,
    delta: DeltaSpec,
) -> Option<()> {
    let n_pages = pages.len();
    let compressor = FileCompressor::default();
    let mut chunk = compressor.chunk_compressor(values, &config(pages, mode, delta)).ok()?;
    let mut body = Vec::with_capacity(chunk.meta_size_hint() + 64);
    compressor.write_header(&mut body).ok()?;
    chunk.write_meta(&mut body).ok()?;
    let mut lengths = vec![body.len()];
    for page in 0..n_pages {
        let before = body.len();
        chunk.write_page(page, &mut body).ok()?;
        lengths.push(body.len() - before);
    }
    for length in lengths {
        put_varint(out, length as u64);
    }
    out.extend_from_slice(&body);
    Some(())
}

/// Reads pages `wanted` of a column written by [`pco_into`] with pages of these sizes, onto the end of `out`.
fn pco_from<T: Number + Default>(
    bytes: &[u8],
    pages: &[usize],
    wanted: std::ops::Range<usize>,
    out: &mut Vec<T>,
) -> Decoded<()> {
    let mut cursor = Cursor(bytes);
    let mut lengths = Vec::with_capacity(pages.len() + 1);
    for _ in 0..=pages.len() {
        lengths.push(cursor.size(bytes.len()).ok_or(Malformed)?);
    }
    let table = cursor.bytes(lengths[0]).ok_or(Malformed)?;
    let (file, rest) = FileDecompressor::new(table).map_err(|_| Malformed)?;
    let (mut chunk, _) = file.chunk_decompressor::<T, _>(rest).map_err(|_| Malformed)?;
    for (page, (&n, &length)) in pages.iter().zip(&lengths[1..]).enumerate() {
        let body = cursor.bytes(length).ok_or(Malformed)?;
        if page >= wanted.end {
            break;
        }
        if page < wanted.start {
            continue;
        }
        let from = out.len();
        out.resize(from + n, T::default());
        let mut reader = chunk.page_decompressor(body, n).map_err(|_| Malformed)?;
        let progress = reader.read(&mut out[from..]).map_err(|_| Malformed)?;
        if progress.n_processed != n {
            return Err(Malformed);
        }
    }
    Ok(())
}

/// The order of differences that leaves the fewest bits, by the sum of their sizes.
fn best_order(wholes: &[i64]) -> u8 {
    fn bits(value: i64) -> u64 {
        u64::from(64 - zigzag(value).leading_zeros())
    }
    let min = wholes.iter().copied().min().unwrap_or(0);
    let (mut zero, mut one, mut two) = (0u64, 0u64, 0u64);
    let (mut before, mut step_before) = (wholes[0], 0i64);
    let middle = wholes.iter().map(|&w| w.wrapping_sub(min) as u64 as f64).sum::<f64>() / wholes.len() as f64;
    let middle = min.wrapping_add(middle as i64);
    for &whole in &wholes[1..] {
        let step = whole.wrapping_sub(before);
        zero += bits(whole.wrapping_sub(middle));
        one += bits(step);
        two += bits(step.wrapping_sub(step_before));
        (before, step_before) = (whole, step);
    }
    if zero <= one && zero <= two {
        0
    } else if one <= two {
        1
    } else {
        2
    }
}

/// Writes a column. At least one value; all of them finite.
pub(crate) fn encode_values(values: &[f64], out: &mut Vec<u8>) {
    let Some(&first) = values.first() else { return };
    if values.iter().all(|v| v.to_bits() == first.to_bits()) {
        out.push(CONSTANT);
        out.extend_from_slice(&first.to_le_bytes());
        return;
    }
    let mut wholes = Vec::with_capacity(values.len());
    if let Some(scale) = as_wholes(values, &mut wholes) {
        let begin = out.len();
        if encode_wholes(scale as u8, &mut wholes, out).is_some() {
            return;
        }
        out.truncate(begin);
    }
    out.push(FLOATS);
    let begin = out.len();
    let done = pco_into(out, values, page_sizes(values.len()), ModeSpec::Auto, DeltaSpec::Auto);
    if done.is_none() {
        // pco refuses nothing finite; if it ever does, plain bytes are still right.
        out.truncate(begin - 1);
        out.push(PLAIN);
        for value in values {
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

const PLAIN: u8 = 5;

/// `wholes` is used up.
pub(crate) fn encode_wholes(scale: u8, wholes: &mut [i64], out: &mut Vec<u8>) -> Option<()> {
    let first = *wholes.first()?;
    let step = wholes.get(1).map_or(0, |second| second.wrapping_sub(first));
    if wholes.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step) {
        out.push(STEADY);
        out.push(scale);
        put_varint(out, zigzag(first));
        put_varint(out, zigzag(step));
        return Some(());
    }
    let changes = wholes.windows(2).filter(|pair| pair[0] != pair[1]).count();
    // The common divisor of all distances from the first value.
    let mut divisor = 0u64;
    for &whole in wholes.iter() {
        if divisor == 1 {
            break;
        }
        divisor = gcd(whole.wrapping_sub(first).unsigned_abs(), divisor);
    }
    let divisor = i64::try_from(divisor.max(1)).ok()?;
    if divisor > 1 {
        for whole in wholes.iter_mut() {
            *whole = whole.wrapping_sub(first) / divisor;
        }
    } else {
        for whole in wholes.iter_mut() {
            *whole = whole.wrapping_sub(first);
        }
    }
    // A column that seldom changes: where and by how much.
    let mut sparse = Vec::new();
    if changes <= wholes.len() / 8 {
        sparse.push(SPARSE);
        sparse.push(scale);
        put_varint(&mut sparse, zigzag(first));
        put_varint(&mut sparse, divisor as u64);
        put_varint(&mut sparse, changes as u64);
        let mut last = 0;
        for (at, pair) in wholes.windows(2).enumerate() {
            if pair[0] != pair[1] {
                put_varint(&mut sparse, (at - last) as u64);
                put_varint(&mut sparse, zigzag(pair[1].wrapping_sub(pair[0])));
                last = at;
            }
        }
        // pco's table alone takes about this much.
        if sparse.len() <= 32 {
            out.extend_from_slice(&sparse);
            return Some(());
        }
    }
    let begin = out.len();
    let order = best_order(wholes);
    out.push(PACKED);
    out.push(scale << 2 | order);
    put_varint(out, zigzag(first));
    put_varint(out, divisor as u64);
    // Each page begins with what its differences start from, so that it decodes alone; those values leave the column.
    let mut rest = Vec::with_capacity(wholes.len());
    let (mut value_before, mut step_before) = (0i64, 0i64);
    for page in wholes.chunks(PAGE) {
        let heads = usize::from(order).min(page.len());
        if heads >= 1 {
            put_varint(out, zigzag(page[0].wrapping_sub(value_before)));
            value_before = page[0];
        }
        if heads >= 2 {
            let step = page[1].wrapping_sub(page[0]);
            put_varint(out, zigzag(step.wrapping_sub(step_before)));
            step_before = step;
        }
        match order {
            0 => rest.extend_from_slice(page),
            1 => rest.extend(page.windows(2).map(|w| w[1].wrapping_sub(w[0]))),
            _ => rest.extend(
                page.windows(3).map(|w| w[2].wrapping_sub(w[1]).wrapping_sub(w[1].wrapping_sub(w[0]))),
            ),
        }
    }
    let pages: Vec<usize> =
        wholes.chunks(PAGE).map(|page| page.len().saturating_sub(usize::from(order))).collect();
    let pages: Vec<usize> = pages.into_iter().filter(|&n| n > 0).collect();
    if rest.is_empty() {
        out.push(0);
    } else {
        let min = rest.iter().copied().min()?;
        let max = rest.iter().copied().max()?;
        let range = max.wrapping_sub(min) as u64;
        let mode = ModeSpec::Classic;
        macro_rules! narrow {
            ($width:expr, $t:ty) => {{
                out.push($width);
                put_varint(out, zigzag(min));
                let narrow: Vec<$t> = rest.iter().map(|&d| d.wrapping_sub(min) as u64 as $t).collect();
                pco_into(out, &narrow, pages, mode, DeltaSpec::NoOp)?;
            }};
        }
        if range <= u64::from(u8::MAX) {
            narrow!(1, u8);
        } else if range <= u64::from(u16::MAX) {
            narrow!(2, u16);
        } else if range <= u64::from(u32::MAX) {
            narrow!(4, u32);
        } else {
            narrow!(8, u64);
        }
    }
    if !sparse.is_empty() && sparse.len() < out.len() - begin {
        out.truncate(begin);
        out.extend_from_slice(&sparse);
    }
    Some(())
}

/// A column's points `range`, in whole pages around it: gives the index of the first point put onto `out`.
///
/// `n` is the column's length, at most [`CHUNK_MAX`].
pub(crate) fn decode_values(
    bytes: &[u8],
    n: usize,
    range: std::ops::Range<usize>,
    out: &mut Vec<f64>,
) -> Decoded<usize> {
    if n == 0 || n > CHUNK_MAX || range.start >= range.end || range.end > n {
        return Err(Malformed);
    }
    let mut cursor = Cursor(bytes);
    let tag = cursor.byte().ok_or(Malformed)?;
    let pages = range.start / PAGE..range.end.div_ceil(PAGE);
    let from = pages.start * PAGE;
    let to = (pages.end * PAGE).min(n);
    match tag {
        CONSTANT => {
            let value = f64::from_bits(cursor.u64().ok_or(Malformed)?);
            out.extend(std::iter::repeat_n(value, to - from));
        }
        FLOATS => {
            let before = out.len();
            pco_from::<f64>(cursor.0, &page_sizes(n), pages, out)?;
            if out.len() - before != to - from {
                return Err(Malformed);
            }
        }
        PLAIN => {
            let all = cursor.bytes(n.checked_mul(8).ok_or(Malformed)?).ok_or(Malformed)?;
            for value in all.as_chunks::<8>().0.iter().take(to).skip(from) {
                out.push(f64::from_le_bytes(*value));
            }
        }
        STEADY | SPARSE | PACKED => {
            let mut wholes = Vec::with_capacity(to - from);
            let scale = decode_wholes(tag, &mut cursor, n, pages, &mut wholes)?;
            if wholes.len() != to - from {
                return Err(Malformed);
            }
            let power = *POWERS.get(usize::from(scale)).ok_or(Malformed)?;
            if scale == 0 {
                out.extend(wholes.iter().map(|&w| w as f64));
            } else {
                out.extend(wholes.iter().map(|&w| unscaled(w, power)));
            }
        }
        _ => return Err(Malformed),
    }
    Ok(from)
}

fn decode_wholes(
    tag: u8,
    cursor: &mut Cursor<'_>,
    n: usize,
    pages: std::ops::Range<usize>,
    out: &mut Vec<i64>,
) -> Decoded<u8> {
    let form = cursor.byte().ok_or(Malformed)?;
    let first = cursor.signed().ok_or(Malformed)?;
    let (from, to) = (pages.start * PAGE, (pages.end * PAGE).min(n));
    if tag == STEADY {
        let step = cursor.signed().ok_or(Malformed)?;
        out.extend((from..to).map(|i| first.wrapping_add(step.wrapping_mul(i as i64))));
        return Ok(form);
    }
    let divisor = cursor.varint().ok_or(Malformed)? as i64;
    if tag == SPARSE {
        let changes = cursor.size(n).ok_or(Malformed)?;
        let (mut at, mut value, mut last) = (0usize, first, 0usize);
        for _ in 0..changes {
            let gap = cursor.size(n).ok_or(Malformed)?;
            let by = cursor.signed().ok_or(Malformed)?;
            // The change happens between points `last + gap` and the next.
            last += gap;
            let upto = last + 1;
            if upto > n {
                return Err(Malformed);
            }
            let (begin, end) = (at.max(from), upto.min(to));
            if begin < end {
                out.extend(std::iter::repeat_n(value, end - begin));
            }
            at = upto;
            value = value.wrapping_add(by.wrapping_mul(divisor));
        }
        let begin = at.max(from);
        if begin < to {
            out.extend(std::iter::repeat_n(value, to - begin));
        }
        return Ok(form);
    }
    let (scale, order) = (form >> 2, form & 3);
    if order > 2 {
        return Err(Malformed);
    }
    let mut heads = Vec::with_capacity(n.div_ceil(PAGE));
    let mut sizes = Vec::with_capacity(n.div_ceil(PAGE));
    let (mut value, mut step) = (0i64, 0i64);
    for page in 0..n.div_ceil(PAGE) {
        let len = (n - page * PAGE).min(PAGE);
        let used = usize::from(order).min(len);
        if used >= 1 {
            value = value.wrapping_add(cursor.signed().ok_or(Malformed)?);
        }
        if used >= 2 {
            step = step.wrapping_add(cursor.signed().ok_or(Malformed)?);
        }
        heads.push((value, step));
        sizes.push(len - used);
    }
    // Pages that consist of their heads alone have no body. Only the last can be that short.
    let bodies: Vec<usize> = sizes.iter().copied().filter(|&size| size > 0).collect();
    let width = cursor.byte().ok_or(Malformed)?;
    let mut rest: Vec<i64> = Vec::new();
    if width > 0 {
        let min = cursor.signed().ok_or(Malformed)?;
        macro_rules! widen {
            ($t:ty) => {{
                let mut narrow: Vec<$t> = Vec::with_capacity((pages.end - pages.start) * PAGE);
                pco_from::<$t>(cursor.0, &bodies, pages.clone(), &mut narrow)?;
                rest.extend(narrow.into_iter().map(|d| min.wrapping_add(d as i64)));
            }};
        }
        match width {
            1 => widen!(u8),
            2 => widen!(u16),
            4 => widen!(u32),
            8 => widen!(u64),
            _ => return Err(Malformed),
        }
    }
    let mut taken = rest.into_iter();
    let mut put = |value: i64| out.push(first.wrapping_add(value.wrapping_mul(divisor)));
    for page in pages {
        let (&(start, head_step), &body) = heads.get(page).zip(sizes.get(page)).ok_or(Malformed)?;
        let len = (n - page * PAGE).min(PAGE);
        match order {
            0 => {
                for d in taken.by_ref().take(body) {
                    put(d);
                }
            }
            1 => {
                let mut value = start;
                put(value);
                for d in taken.by_ref().take(body) {
                    value = value.wrapping_add(d);
                    put(value);
                }
            }
            _ => {
                let mut value = start;
                put(value);
                if len > 1 {
                    let mut step = head_step;
                    value = value.wrapping_add(step);
                    put(value);
                    for d in taken.by_ref().take(body) {
                        step = step.wrapping_add(d);
                        value = value.wrapping_add(step);
                        put(value);
                    }
                }
            }
        }
    }
    Ok(scale)
}

/// Packs a short column quickly, for memory only: see [`unpack`].
pub(crate) fn pack(values: impl Iterator<Item = f64> + Clone, out: &mut Vec<u8>) {
    let Some(first) = values.clone().next() else { return };
    if values.clone().all(|v| v.to_bits() == first.to_bits()) {
        out.push(CONSTANT);
        out.extend_from_slice(&first.to_le_bytes());
        return;
    }
    let all: Vec<f64> = values.collect();
    let mut wholes = Vec::with_capacity(all.len());
    let Some(scale) = as_wholes(&all, &mut wholes) else {
        out.push(PLAIN);
        out.extend(all.iter().flat_map(|v| v.to_le_bytes()));
        return;
    };
    let mut divisor = 0u64;
    for pair in wholes.windows(2) {
        if divisor == 1 {
            break;
        }
        divisor = gcd(pair[1].wrapping_sub(pair[0]).unsigned_abs(), divisor);
    }
    // Whole numbers here are below 2^53, so their distance fits.
    let divisor = divisor.max(1) as i64;
    out.push(PACKED);
    out.push(scale as u8);
    put_varint(out, zigzag(wholes[0]));
    put_varint(out, divisor as u64);
    for pair in wholes.windows(2) {
        put_varint(out, zigzag((pair[1] - pair[0]) / divisor));
    }
}

/// Undoes [`pack`] for `n` values.
pub(crate) fn unpack(bytes: &[u8], n: usize, out: &mut Vec<f64>) {
    let mut cursor = Cursor(bytes);
    match cursor.byte() {
        Some(CONSTANT) => {
            let value = f64::from_bits(cursor.u64().unwrap_or_default());
            out.extend(std::iter::repeat_n(value, n));
        }
        Some(PACKED) => {
            let power = POWERS[usize::from(cursor.byte().unwrap_or_default()).min(SCALE_MAX)];
            let mut whole = cursor.signed().unwrap_or_default();
            let divisor = cursor.varint().unwrap_or_default() as i64;
            for i in 0..n {
                if i > 0 {
                    whole = whole.wrapping_add(cursor.signed().unwrap_or_default().wrapping_mul(divisor));
                }
                out.push(unscaled(whole, power));
            }
        }
        _ => out.extend(cursor.0.as_chunks::<8>().0.iter().map(|v| f64::from_le_bytes(*v))),
    }
}

/// Writes times: rising milliseconds, at least one, at most [`CHUNK_MAX`]. The count is written too.
pub(crate) fn encode_times(times: &[i64], out: &mut Vec<u8>) {
    put_varint(out, times.len() as u64);
    let Some(&first) = times.first() else { return };
    put_varint(out, zigzag(first));
    // Runs of equal steps: a steady scrape with a gap now and then takes a few bytes.
    let steps: Vec<u64> = times.windows(2).map(|w| w[1].wrapping_sub(w[0]) as u64).collect();
    let mut runs = Vec::new();
    let mut rest = &steps[..];
    let mut n_runs = 0u64;
    while let Some(&step) = rest.first() {
        let n = rest.iter().take_while(|&&s| s == step).count();
        put_varint(&mut runs, step);
        put_varint(&mut runs, n as u64);
        n_runs += 1;
        rest = &rest[n..];
    }
    let mut packed = Vec::new();
    if runs.len() > 64 {
        let signed: Vec<i64> = steps.iter().map(|&s| s as i64).collect();
        let n = signed.len();
        if pco_into(&mut packed, &signed, vec![n], ModeSpec::Auto, DeltaSpec::Auto).is_none() {
            packed.clear();
        }
    }
    if packed.is_empty() || runs.len() <= packed.len() {
        out.push(0);
        put_varint(out, n_runs);
        out.extend_from_slice(&runs);
    } else {
        out.push(1);
        out.extend_from_slice(&packed);
    }
}

/// Reads what [`encode_times`] wrote; times that do not rise are refused.
pub(crate) fn decode_times(bytes: &[u8]) -> Decoded<Vec<i64>> {
    let mut cursor = Cursor(bytes);
    let n = cursor.size(CHUNK_MAX).ok_or(Malformed)?;
    if n == 0 {
        return Err(Malformed);
    }
    let mut at = cursor.signed().ok_or(Malformed)?;
    let mut times = Vec::with_capacity(n);
    times.push(at);
    let mut push = |step: i64| {
        at = at.checked_add(step).filter(|_| step > 0).ok_or(Malformed)?;
        times.push(at);
        Ok(())
    };
    match cursor.byte().ok_or(Malformed)? {
        0 => {
            let mut left = n - 1;
            for _ in 0..cursor.size(left).ok_or(Malformed)? {
                let step = i64::try_from(cursor.varint().ok_or(Malformed)?).map_err(|_| Malformed)?;
                let run = cursor.size(left).ok_or(Malformed)?;
                left -= run;
                for _ in 0..run {
                    push(step)?;
                }
            }
        }
        1 => {
            let mut steps: Vec<i64> = Vec::new();
            pco_from(cursor.0, &[n - 1], 0..1, &mut steps)?;
            for step in steps {
                push(step)?;
            }
        }
        _ => return Err(Malformed),
    }
    if times.len() == n { Ok(times) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(values: &[f64]) -> usize {
        let mut bytes = Vec::new();
        encode_values(values, &mut bytes);
        let mut back = Vec::new();
        assert_eq!(decode_values(&bytes, values.len(), 0..values.len(), &mut back), Ok(0));
        assert_eq!(back.len(), values.len());
        for (a, b) in back.iter().zip(values) {
            assert_eq!(a.to_bits(), b.to_bits());
        }
        bytes.len()
    }

    #[test]
    fn host_like_columns_take_little() {
        assert!(round_trip(&[42.0; 720]) <= 16);
        let uptime: Vec<f64> = (0..720).map(|i| 1e5 + 10.0 * f64::from(i)).collect();
        assert!(round_trip(&uptime) <= 16);
        let percent: Vec<f64> = (0..720).map(|i| f64::from((i * 7919) % 100) / 100.0).collect();
        assert!(round_trip(&percent) < 800);
        let pages: Vec<f64> = (0..720).map(|i| 4096.0 * f64::from(100_000 + (i * 31) % 97)).collect();
        assert!(round_trip(&pages) < 800);
        round_trip(&[-0.0, 0.0, 1.5, f64::MAX, f64::MIN_POSITIVE]);
        round_trip(&[1.0, 1.0, 2.0]);
        round_trip(&[9.1e15, -9.1e15, 3.0]);
    }

    fn any_column() -> impl Strategy<Value = Vec<f64>> {
        let value = prop_oneof![
            any::<f64>().prop_filter("finite", |v| v.is_finite()),
            (-1000i64..1000).prop_map(|v| v as f64),
            (0i64..10_000).prop_map(|v| v as f64 / 100.0),
            any::<i64>().prop_map(|v| v as f64),
        ];
        prop_oneof![
            prop::collection::vec(value, 1..900),
            prop::collection::vec((0i64..1_000_000).prop_map(|v| v as f64), 1..900),
            (any::<i32>(), prop::collection::vec(-5i64..500, 1..900)).prop_map(|(start, steps)| {
                let mut at = i64::from(start);
                steps
                    .iter()
                    .map(|s| {
                        at += s;
                        at as f64
                    })
                    .collect()
            }),
            prop::collection::vec(prop_oneof![9 => Just(7.25), 1 => Just(8.5)], 1..900),
        ]
    }

    proptest! {
        #[test]
        fn every_column_comes_back_bit_for_bit(values in any_column()) {
            round_trip(&values);
        }

        #[test]
        fn a_part_equals_the_whole(values in any_column(), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
            let (a, b) = (a.index(values.len()), b.index(values.len()));
            let (from, to) = (a.min(b), a.max(b) + 1);
            let mut bytes = Vec::new();
            encode_values(&values, &mut bytes);
            let mut part = Vec::new();
            let start = decode_values(&bytes, values.len(), from..to, &mut part).expect("decodes");
            prop_assert!(start <= from && start + part.len() >= to);
            for (i, v) in part.iter().enumerate() {
                prop_assert_eq!(v.to_bits(), values[start + i].to_bits());
            }
        }

        #[test]
        fn a_damaged_column_is_refused_or_wrong_but_never_a_panic(
            values in any_column(), at in any::<prop::sample::Index>(), with in 1u8..,
        ) {
            let mut bytes = Vec::new();
            encode_values(&values, &mut bytes);
            let at = at.index(bytes.len());
            bytes[at] ^= with;
            let mut out = Vec::new();
            let _ = decode_values(&bytes, values.len(), 0..values.len(), &mut out);
            prop_assert!(out.len() <= values.len() + PAGE);
        }

        #[test]
        fn what_is_packed_unpacks(values in any_column()) {
            let mut bytes = Vec::new();
            pack(values.iter().copied(), &mut bytes);
            let mut back = Vec::new();
            unpack(&bytes, values.len(), &mut back);
            let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back), bits(&values));
        }

        #[test]
        fn times_come_back(first in -1_000_000i64..1_000_000_000_000, steps in prop::collection::vec(prop_oneof![9 => Just(10_000i64), 1 => 1i64..20_000], 0..800)) {
            let mut times = vec![first];
            for step in steps { times.push(times[times.len() - 1] + step); }
            let mut bytes = Vec::new();
            encode_times(&times, &mut bytes);
            prop_assert_eq!(decode_times(&bytes), Ok(times));
        }

        #[test]
        fn garbage_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), n in 1usize..1000) {
            let mut out = Vec::new();
            let _ = decode_values(&bytes, n, 0..n, &mut out);
            let _ = decode_times(&bytes);
        }
    }
}
