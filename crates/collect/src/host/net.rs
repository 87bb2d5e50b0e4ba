//! Interfaces: `/proc/net/dev` and `operstate`.

use std::path::{Path, PathBuf};

use super::devices::Devices;
use crate::metrics::Metric;
use crate::note::{Notes, Problem};
use crate::parse::{fields, lines, number, trim};
use crate::sampler::{Sampler, SeriesRef};
use crate::source::Source;

/// Host ends of containers' links. They come and go with every container and would define series without end.
const SKIPPED_PREFIXES: [&[u8]; 3] = [b"veth", b"cali", b"lxc"];
/// The bridge of LXC itself, which stays.
const KEPT_PREFIX: &[u8] = b"lxcbr";

/// True for an interface that is not worth following.
pub(crate) fn is_skipped(name: &[u8]) -> bool {
    SKIPPED_PREFIXES.iter().any(|p| name.starts_with(p)) && !name.starts_with(KEPT_PREFIX)
}

const SERIES: [(Metric, usize); 8] = [
    (Metric::NetRxBytes, 0),
    (Metric::NetRxPackets, 1),
    (Metric::NetRxErrors, 2),
    (Metric::NetRxDrops, 3),
    (Metric::NetTxBytes, 8),
    (Metric::NetTxPackets, 9),
    (Metric::NetTxErrors, 10),
    (Metric::NetTxDrops, 11),
];

const SERIES_EXTENDED: [(Metric, usize); 6] = [
    (Metric::NetRxFifo, 4),
    (Metric::NetRxFrame, 5),
    (Metric::NetRxMulticast, 7),
    (Metric::NetTxFifo, 12),
    (Metric::NetTxCollisions, 13),
    (Metric::NetTxCarrier, 14),
];

#[derive(Debug)]
pub(crate) struct Interfaces {
    extended: bool,
    root: PathBuf,
    source: Source,
    devices: Devices<Option<Interface>>,
    small: Vec<u8>,
}

#[derive(Debug)]
struct Interface {
    series: [SeriesRef; 8],
    more: Option<[SeriesRef; 6]>,
    up: SeriesRef,
    operstate: Option<Source>,
}

impl Interfaces {
    pub(crate) fn new(root: &Path, extended: bool) -> Self {
        Self {
            extended,
            root: root.to_owned(),
            source: Source::new(root, "proc/net/dev"),
            devices: Devices::default(),
            small: Vec::new(),
        }
    }

    pub(crate) fn sample(&mut self, buffer: &mut Vec<u8>, out: &mut Sampler, notes: &mut Notes) {
        let Some(text) = self.source.read(buffer, notes) else { return };
        self.devices.rewind();
        // Two lines of headings.
        for line in lines(text).skip(2).filter(|l| !l.is_empty()) {
            let Some((name, figures)) = dev_line(line) else {
                notes.add("proc/net/dev", Problem::Malformed);
                continue;
            };
            let (root, extended) = (&self.root, self.extended);
            let Some(known) = self.devices.entry(name, || interface(root, name, extended, out)) else {
                notes.add("proc/net/dev", Problem::Cut);
                continue;
            };
            let Some(interface) = known else { continue };
            for (series, (_, column)) in interface.series.iter().zip(SERIES) {
                out.push(*series, figures[column] as f64);
            }
            for (series, (_, column)) in interface.more.iter().flatten().zip(SERIES_EXTENDED) {
                out.push(*series, figures[column] as f64);
            }
            if let Some(source) = &mut interface.operstate
                && let Some(state) = source.read(&mut self.small, notes)
            {
                // The loopback device is always `unknown`.
                let up = matches!(trim(state), b"up" | b"unknown");
                out.push(interface.up, f64::from(u8::from(up)));
            }
        }
    }
}

fn interface(root: &Path, name: &[u8], extended: bool, out: &mut Sampler) -> Option<Interface> {
    if is_skipped(name) {
        return None;
    }
    let file = std::str::from_utf8(name).ok().filter(|n| !n.contains('/') && *n != "..");
    Some(Interface {
        series: SERIES.map(|(metric, _)| out.series(metric, &[name])),
        more: extended.then(|| SERIES_EXTENDED.map(|(metric, _)| out.series(metric, &[name]))),
        up: out.series(Metric::NetUp, &[name]),
        operstate: file.map(|n| {
            Source::at(root, "sys/class/net/operstate", root.join("sys/class/net").join(n).join("operstate"))
        }),
    })
}

/// Name and the sixteen figures of a line. The colon may touch the first figure.
fn dev_line(line: &[u8]) -> Option<(&[u8], [u64; 16])> {
    let colon = line.iter().rposition(|b| *b == b':')?;
    let name = trim(&line[..colon]);
    let mut figures = [0; 16];
    let mut words = fields(&line[colon + 1..]);
    for slot in &mut figures {
        *slot = number(words.next()?)?;
    }
    (!name.is_empty()).then_some((name, figures))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_read_with_and_without_space_after_the_colon() {
        let (name, figures) = dev_line(b"  eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16").unwrap();
        assert_eq!((name, figures[0], figures[15]), (&b"eth0"[..], 1, 16));
        // An alias keeps its own colon.
        assert_eq!(dev_line(b"eth0:1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16").unwrap().0, b"eth0:1");
        assert!(dev_line(b"eth0: 1 2 3").is_none());
    }

    proptest! {
        #[test]
        fn no_line_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = dev_line(&bytes);
        }
    }
}
