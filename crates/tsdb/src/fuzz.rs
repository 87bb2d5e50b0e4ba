//! Doors for the fuzz targets: each parser of bytes from disk, with the checksums out of the way.
//!
//! In service a parser sees only bytes whose checksum held; here it must survive all others too.

use crate::frame::{self, FileKind, Kind};
use crate::{block, codec, roll, series, wal};

const SALT: frame::Salt = 7;

/// `data` as a whole file, and again as the body of a good frame.
fn as_file(kind: FileKind, frame_kind: Kind, data: &[u8]) -> [Vec<u8>; 2] {
    let mut raw = frame::file_head(kind, SALT).to_vec();
    let mut framed = raw.clone();
    raw.extend_from_slice(data);
    // A body too large for a frame leaves a file without one.
    let _ = frame::push_frame(&mut framed, 0, SALT, frame_kind, data);
    [raw, framed]
}

/// A log segment: samples decode or not, never more of them than bytes, and what decodes encodes to the same samples.
pub fn log(data: &[u8]) {
    for file in as_file(FileKind::Wal, Kind::Samples, data) {
        for found in frame::Scan::new(&file, SALT) {
            let frame::Found::Frame { body, .. } = found else { continue };
            let (mut samples, mut again) = (Vec::new(), Vec::new());
            if wal::decode_samples(&file[body.clone()], &mut samples).is_some() {
                assert!(samples.len() <= body.len());
                assert!(wal::decode_samples(&wal::encode_samples(&samples), &mut again).is_some());
                let bits = |s: &wk_engine::ports::metrics::Sample| (s.series, s.at_ms, s.value.to_bits());
                assert!(samples.iter().map(bits).eq(again.iter().map(bits)));
            }
        }
    }
}

/// A block file's footer, index, times, values and rolls.
pub fn block(data: &[u8]) {
    let _ = block::parse_footer(data);
    let _ = block::parse_index(data);
    let _ = codec::decode_times(data);
    let Some((&n, rest)) = data.split_first() else { return };
    let n = usize::from(n) * 4 + 1;
    let mut values = Vec::new();
    if codec::decode_values(rest, n, 0..n, &mut values).is_ok() {
        assert_eq!(values.len(), n);
    }
    let times: Vec<i64> = (0..n as i64).map(|i| i * 60_000).collect();
    let _ = roll::decode(rest, &times, n / 2..n, 60_000, &mut Vec::new());
    for kind in [Kind::Times, Kind::Chunk] {
        for file in as_file(FileKind::Block, kind, data) {
            block::walk(&file, SALT, &mut |_| {});
        }
    }
}

/// A record of the series file: what is understood is written as the very same bytes.
pub fn index(data: &[u8]) {
    if let Some((number, meta)) = series::decode(data) {
        assert_eq!(series::decode(&series::encode(number, &meta)), Some((number, meta)));
    }
    for file in as_file(FileKind::Series, Kind::Series, data) {
        assert!(frame::Scan::new(&file, SALT).count() <= file.len());
    }
}
