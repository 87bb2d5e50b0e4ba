//! Temperatures: `/sys/class/hwmon`, or thermal zones where there is no such chip.

use std::path::{Path, PathBuf};

use crate::metrics::Metric;
use crate::note::Notes;
use crate::parse::{signed, trim};
use crate::sampler::{Sampler, SeriesRef};
use crate::source::{Source, read_small};

/// Most sensors read; each may cost a transfer on a slow bus.
const SENSORS_MAX: usize = 64;
/// Cycles between two looks for new sensors: an hour at 10 s.
const CYCLES_PER_SEARCH: u32 = 360;

#[derive(Debug)]
pub(crate) struct Sensors {
    root: PathBuf,
    cycle: u32,
    sensors: Vec<(Source, SeriesRef)>,
}

impl Sensors {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), cycle: 0, sensors: Vec::new() }
    }

    pub(crate) fn sample(&mut self, buffer: &mut Vec<u8>, out: &mut Sampler, notes: &mut Notes) {
        if self.cycle.is_multiple_of(CYCLES_PER_SEARCH) {
            self.sensors = find(&self.root)
                .into_iter()
                .map(|(label, path)| {
                    let series = out.series(Metric::SensorTemperature, &[label.as_bytes()]);
                    (Source::at(&self.root, "sys/class/hwmon", path), series)
                })
                .collect();
        }
        self.cycle = self.cycle.wrapping_add(1);
        for (source, series) in &mut self.sensors {
            let Some(text) = source.read(buffer, notes) else { continue };
            // Thousandths of a degree. Chips without a probe report absurd values.
            if let Some(milli) = signed(trim(text)).filter(|m| (-100_000..=250_000).contains(m)) {
                out.push(*series, milli as f64 / 1000.0);
            }
        }
    }
}

/// Label and file of each temperature, in a stable order.
fn find(root: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let word =
        |path: PathBuf| read_small(&path, 128).map(|t| crate::text::field(&t)).filter(|t| !t.is_empty());
    for chip in entries(&root.join("sys/class/hwmon")) {
        let name = word(chip.join("name")).unwrap_or_else(|| "unknown".to_owned());
        for input in entries(&chip) {
            let Some(file) = input.file_name().and_then(|f| f.to_str()) else { continue };
            if let Some(stem) = file.strip_suffix("_input").filter(|s| s.starts_with("temp")) {
                let label = word(chip.join(format!("{stem}_label"))).unwrap_or_else(|| stem.to_owned());
                found.push((format!("{name}/{label}"), input));
            }
        }
    }
    if found.is_empty() {
        for zone in entries(&root.join("sys/class/thermal")) {
            let is_zone =
                zone.file_name().and_then(|f| f.to_str()).is_some_and(|f| f.starts_with("thermal_zone"));
            if is_zone {
                let kind = word(zone.join("type")).unwrap_or_else(|| "zone".to_owned());
                found.push((kind, zone.join("temp")));
            }
        }
    }
    found.truncate(SENSORS_MAX);
    // Two equal chips have equal labels: number the later ones.
    for at in 1..found.len() {
        let same =
            found[..at].iter().filter(|(l, _)| l.split('#').next() == Some(found[at].0.as_str())).count();
        if same > 0 {
            found[at].0 = format!("{}#{}", found[at].0, same + 1);
        }
    }
    found
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let Ok(list) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = list.take(512).filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    paths
}
