//! Measures the store on host-like data and prints one JSON line per figure.
//!
//! `cargo run --profile dist -p wk-tsdb --features bench --example bench -- [--hours 24] [--dir FOLDER]`
//! With `--recorded FILE` instead: bytes per sample of what a real machine's collectors gave (`record`, an example of
//! wk-collect), repeated until it fills the hours; counters go on from where they were.
//! Ten thousand series, one sample each ten seconds. Ingest is durable: every batch is synced before the next of its
//! thread. Figures hold for the folder's disk.
#![allow(clippy::print_stdout)] // printing is what this program is for

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use wk_domain::Timestamp;
use wk_engine::ports::metrics::{Metrics, RangeQuery, Sample, Selector, SeriesKey, SeriesMeta, SeriesRef};
use wk_tsdb::bench_data::{Fleet, PER_HOST, STEP_MS};
use wk_tsdb::{Options, Store};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const HOSTS: usize = 25;
const THREADS: usize = 8;
const START: i64 = 1_795_132_800_000;
const HOUR: i64 = 3_600_000;

fn process_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn status_kib(field: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    text.lines()
        .find_map(|line| {
            line.strip_prefix(field)?.trim_start_matches(':').trim().strip_suffix(" kB")?.trim().parse().ok()
        })
        .unwrap_or(f64::NAN)
}

fn bytes_in(dir: &Path) -> Fallible<(u64, usize)> {
    let (mut bytes, mut files) = (0, 0);
    for entry in std::fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
        files += 1;
    }
    Ok((bytes, files))
}

fn row(name: &str, value: f64, unit: &str, budget: Option<(f64, bool)>) -> Fallible<()> {
    let (budget, ok) = match budget {
        Some((limit, at_most)) => {
            let ok = if at_most { value <= limit } else { value >= limit };
            (limit.to_string(), ok.to_string())
        }
        None => ("null".to_owned(), "null".to_owned()),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, r#"{{"name":"{name}","value":{value:.4},"unit":"{unit}","budget":{budget},"ok":{ok}}}"#)?;
    out.flush()?;
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

struct Data {
    times: Vec<i64>,
    values: Vec<f64>,
    steps: usize,
}

fn generate(fleet: &mut Fleet, steps: usize) -> Data {
    let mut data = Data {
        times: Vec::with_capacity(steps * HOSTS),
        values: Vec::with_capacity(steps * HOSTS * PER_HOST),
        steps,
    };
    for _ in 0..steps {
        fleet.step(&mut data.times, &mut data.values);
    }
    data
}

/// Each thread sends its hosts' scrapes in order of time, as a hub does for the agents connected to it.
fn ingest(store: &Store, refs: &[SeriesRef], data: &Data) -> Fallible<()> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|t| {
                scope.spawn(move || -> Result<(), String> {
                    let mut batch = Vec::with_capacity(4 * PER_HOST);
                    for step in 0..data.steps {
                        batch.clear();
                        for host in (0..HOSTS).filter(|h| h % THREADS == t) {
                            let at_ms = START + data.times[step * HOSTS + host];
                            let from = step * HOSTS * PER_HOST + host * PER_HOST;
                            let values = &data.values[from..from + PER_HOST];
                            let refs = &refs[host * PER_HOST..(host + 1) * PER_HOST];
                            batch.extend(refs.iter().zip(values).map(|(&series, &value)| Sample {
                                series,
                                at_ms,
                                value,
                            }));
                        }
                        store.append(&batch).map_err(|e| e.to_string())?;
                    }
                    Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker.join().map_err(|_| "a thread died")??;
        }
        Ok(())
    })
}

fn rate_query(host: usize, name: &str, from: i64, to: i64) -> RangeQuery {
    RangeQuery {
        selector: Selector { host: Fleet::host_id(host), name: name.to_owned(), labels: Vec::new() },
        from: Timestamp::from_ms(from),
        to: Timestamp::from_ms(to),
        step_ms: 60_000,
        rate: true,
        series_max: PER_HOST,
    }
}

/// Sums the rates of the counters of as many hosts as make a thousand series. Gives the sum's largest step, so that nothing is optimised away.
fn sum_of_rates(store: &Store, from: i64, to: i64) -> Fallible<(usize, f64)> {
    let mut sums = std::collections::BTreeMap::<i64, f64>::new();
    let mut n = 0;
    'all: for host in 0..HOSTS {
        for prefix in ["net.", "interface.", "disk.", "vm.", "kernel."] {
            let mut query = rate_query(host, prefix, from, to);
            query.series_max = 1000 - n;
            for data in store.range(&query)? {
                n += 1;
                for point in &data.points {
                    *sums.entry(point.at_ms).or_default() += point.avg;
                }
            }
            if n >= 1000 {
                break 'all;
            }
        }
    }
    Ok((n, sums.values().copied().fold(0.0, f64::max)))
}

/// Runs of the large query; more of them make a profile readable.
fn repeat() -> usize {
    std::env::var("BENCH_REPEAT").ok().and_then(|n| n.parse().ok()).unwrap_or(21)
}

struct Queries {
    many_ms: f64,
    many_cpu_ms: f64,
    one_ms: f64,
}

impl Queries {
    fn print(&self, whence: &str) -> Fallible<()> {
        row(
            &format!("sum of rates, 1000 series, one hour, {whence}"),
            self.many_ms,
            "ms",
            Some((10.0, true)),
        )?;
        // What the query takes when nobody else wants the processor.
        row(&format!("CPU of that, {whence}"), self.many_cpu_ms, "ms", None)?;
        row(&format!("rate of one series, one hour, {whence}"), self.one_ms, "ms", Some((0.7, true)))
    }
}

fn time_queries(store: &Store, from: i64, to: i64) -> Fallible<Queries> {
    let (mut many, mut one) = (Vec::new(), Vec::new());
    let cpu = process_cpu();
    for _ in 0..repeat() {
        let begin = Instant::now();
        let (n, most) = sum_of_rates(store, from, to)?;
        many.push(begin.elapsed().as_secs_f64() * 1e3);
        if n != 1000 || most <= 0.0 {
            return Err(format!("the query found {n} series, sum {most}").into());
        }
    }
    let many_cpu_ms = (process_cpu() - cpu).as_secs_f64() * 1e3 / many.len() as f64;
    for i in 0..201 {
        let query = rate_query(i % HOSTS, "kernel.interrupts", from, to);
        let begin = Instant::now();
        let found = store.range(&query)?;
        one.push(begin.elapsed().as_secs_f64() * 1e3);
        if found.first().is_none_or(|data| data.points.len() < 60) {
            return Err("the single series has no points".into());
        }
    }
    Ok(Queries { many_ms: median(many), many_cpu_ms, one_ms: median(one) })
}

/// A child of its own, so that the data at hand is not counted: fills a head of two hours.
fn head_memory(dir: &Path) -> Fallible<()> {
    let store = Store::open(dir, Options::default())?;
    store.maintain(Timestamp::from_ms(START + 2 * HOUR))?;
    let mut fleet = Fleet::new(HOSTS, 1);
    let refs = store.resolve(&fleet.metas())?;
    let before = status_kib("VmRSS");
    for _ in 0..36 {
        let data = generate(&mut fleet, 20);
        // Times of later rounds continue, so this is one run of 720 steps.
        ingest(&store, &refs, &data)?;
    }
    println!("{} {}", before, status_kib("VmRSS"));
    Ok(())
}

fn main() -> Fallible<()> {
    let mut args = std::env::args().skip(1);
    let (mut hours, mut dir, mut recorded) = (24i64, None::<PathBuf>, None::<PathBuf>);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--hours" => hours = args.next().ok_or("--hours needs a number")?.parse()?,
            "--dir" => dir = args.next().map(PathBuf::from),
            "--recorded" => recorded = args.next().map(PathBuf::from),
            "--head-memory" => {
                return head_memory(Path::new(&args.next().ok_or("--head-memory needs a folder")?));
            }
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let root = dir.unwrap_or_else(std::env::temp_dir).join(format!("wk-tsdb-bench-{}", std::process::id()));
    let result = match recorded {
        Some(file) => measure_recorded(&root, &file, hours),
        None => measure(&root, hours),
    };
    let _ = std::fs::remove_dir_all(&root);
    result
}

/// What `record` wrote: series, and cycles of series number and value.
type Record = (Vec<SeriesMeta>, Vec<Vec<(usize, f64)>>);

fn read_record(file: &Path) -> Fallible<Record> {
    let (mut metas, mut cycles) = (Vec::new(), Vec::new());
    for line in std::fs::read_to_string(file)?.lines() {
        if let Some(def) = line.strip_prefix("D ") {
            let parts: Vec<&str> = def.split('\t').collect();
            let [kind, name, labels, unit] = parts[..] else {
                return Err("a definition of other parts".into());
            };
            let pairs = labels.split('\u{1f}').filter_map(|pair| pair.split_once('='));
            metas.push(SeriesMeta {
                key: SeriesKey {
                    host: Fleet::host_id(0),
                    name: name.to_owned(),
                    labels: pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
                },
                unit: unit.to_owned(),
                counter: kind == "counter",
            });
        } else if let Some(cycle) = line.strip_prefix("S ") {
            let mut values = Vec::new();
            for pair in cycle.split(' ').skip(1) {
                let (series, value) = pair.split_once(':').ok_or("a value without its series")?;
                values.push((series.parse()?, value.parse()?));
            }
            cycles.push(values);
        }
    }
    // The first cycle lacks all that needs two readings.
    if !cycles.is_empty() {
        cycles.remove(0);
    }
    Ok((metas, cycles))
}

fn measure_recorded(root: &Path, file: &Path, hours: i64) -> Fallible<()> {
    std::fs::create_dir_all(root)?;
    let (metas, cycles) = read_record(file)?;
    row("recorded series", metas.len() as f64, "series", None)?;
    row("recorded cycles", cycles.len() as f64, "cycles", None)?;
    // How much each counter grew over the record.
    let mut seen = vec![(None::<f64>, 0.0); metas.len()];
    for (series, value) in cycles.iter().flatten() {
        let seen = seen.get_mut(*series).ok_or("a value of no series")?;
        seen.0.get_or_insert(*value);
        seen.1 = *value;
    }
    let grown: Vec<f64> = seen.iter().map(|(first, last)| last - first.unwrap_or(*last)).collect();
    for (what, steps) in [("one pass", cycles.len()), ("repeated", usize::try_from(hours * HOUR / STEP_MS)?)]
    {
        let dir = root.join(what.replace(' ', "-"));
        let end = START + steps as i64 * STEP_MS;
        let store = Store::open(&dir, Options::default())?;
        store.maintain(Timestamp::from_ms(end))?;
        let refs = store.resolve(&metas)?;
        let mut samples = 0.0;
        for (step, cycle) in cycles.iter().cycle().take(steps).enumerate() {
            let turns = (step / cycles.len()) as f64;
            let at_ms = START + step as i64 * STEP_MS + [0, 0, 0, 0, 1, 1, 2][step * 7919 % 7];
            let batch: Vec<Sample> = cycle
                .iter()
                .map(|&(series, value)| {
                    // Six digits are what the collectors send at most.
                    let more = if metas[series].counter { turns * grown[series] } else { 0.0 };
                    Sample { series: refs[series], at_ms, value: ((value + more) * 1e6).round() / 1e6 }
                })
                .map(|sample| {
                    if sample.value.abs() > 1e9 {
                        Sample { value: sample.value.round(), ..sample }
                    } else {
                        sample
                    }
                })
                .collect();
            samples += batch.len() as f64;
            store.append(&batch)?;
            // Two hours, as in service.
            if step % 720 == 719 {
                store.seal()?;
            }
        }
        store.seal()?;
        let names = ["series.log", "series.copy"]
            .map(|name| std::fs::metadata(dir.join(name)).map_or(0, |m| m.len()));
        let names = names.iter().sum::<u64>() as f64;
        let (bytes, _) = bytes_in(&dir)?;
        row(&format!("recorded, {what}: bytes per sample, sealed"), bytes as f64 / samples, "B", None)?;
        row(&format!("recorded, {what}: of that, names of series"), names / samples, "B", None)?;
        for minute in 0..4 {
            store.maintain(Timestamp::from_ms(end + 26 * HOUR + minute * 60_000))?;
        }
        let (bytes, _) = bytes_in(&dir)?;
        let budget = (what == "repeated").then_some((0.9, true));
        row(
            &format!("recorded, {what}: bytes per sample, merged, minute and hour tiers included"),
            bytes as f64 / samples,
            "B",
            budget,
        )?;
    }
    Ok(())
}

fn measure(root: &Path, hours: i64) -> Fallible<()> {
    std::fs::create_dir_all(root)?;
    let steps = usize::try_from(hours * HOUR / STEP_MS)?;
    let mut fleet = Fleet::new(HOSTS, 1);
    let metas = fleet.metas();
    let data = generate(&mut fleet, steps);
    let samples = data.values.len() as f64;
    let dir = root.join("store");
    let end = START + hours * HOUR;

    let cpu = process_cpu();
    let begin = Instant::now();
    let store = Store::open(&dir, Options::default())?;
    store.maintain(Timestamp::from_ms(end))?;
    let refs = store.resolve(&metas)?;
    ingest(&store, &refs, &data)?;
    let took = begin.elapsed().as_secs_f64();
    row("ingest rate, durable", samples / took, "samples/s", Some((1e6, false)))?;
    let health = store.health();
    row("log bytes per sample before sealing", health.wal_bytes as f64 / samples, "B", None)?;
    drop(store);
    let begin = Instant::now();
    let store = Store::open(&dir, Options::default())?;
    row("reopen with a full log", begin.elapsed().as_secs_f64() * 1e3, "ms", None)?;
    store.maintain(Timestamp::from_ms(end))?;
    store.seal()?;
    let sealed_cpu = process_cpu() - cpu;
    row(
        "ingest CPU, sealing and reopening included",
        sealed_cpu.as_secs_f64() / samples * 1e6,
        "s per million",
        Some((1.0, true)),
    )?;
    let (bytes, files) = bytes_in(&dir)?;
    row("bytes per sample, sealed", bytes as f64 / samples, "B", Some((0.9, true)))?;
    row("files, sealed", files as f64, "files", None)?;
    let from = START + (hours / 2) * HOUR + 17 * 60_000;
    time_queries(&store, from, from + HOUR)?.print("from blocks")?;

    // The day is over: merged by day, minutes and hours made.
    for minute in 0..4 {
        store.maintain(Timestamp::from_ms(end + 26 * HOUR + minute * 60_000))?;
    }
    let total_cpu = process_cpu() - cpu;
    row(
        "CPU with merging and rolling up",
        total_cpu.as_secs_f64() / samples * 1e6,
        "s per million",
        Some((1.0, true)),
    )?;
    let (bytes, files) = bytes_in(&dir)?;
    row(
        "bytes per sample, merged, minute and hour tiers included",
        bytes as f64 / samples,
        "B",
        Some((0.9, true)),
    )?;
    row("files, merged", files as f64, "files", None)?;
    time_queries(&store, from, from + HOUR)?.print("from day blocks")?;
    drop(store);
    let begin = Instant::now();
    let store = Store::open(&dir, Options::default())?;
    row("reopen", begin.elapsed().as_secs_f64() * 1e3, "ms", None)?;
    if store.health().corrupt_blocks > 0 {
        return Err(format!("damage after a clean run: {:?}", store.health().reports).into());
    }
    drop(store);
    drop(data);
    let child = std::process::Command::new(std::env::current_exe()?)
        .arg("--head-memory")
        .arg(root.join("head"))
        .output()?;
    let text = String::from_utf8(child.stdout)?;
    if let Some((before, after)) = text.trim().split_once(' ') {
        let (before, after): (f64, f64) = (before.parse()?, after.parse()?);
        row("resident, head of two hours x 10 000 series", after / 1024.0, "MiB", None)?;
        row("of that, the head", (after - before) / 1024.0, "MiB", None)?;
    }
    Ok(())
}
