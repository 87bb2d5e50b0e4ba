//! The metrics store beside VictoriaMetrics and Prometheus: same data, same machine, same run.
//!
//! `cargo run --profile dist -p wk-tsdb --features bench --example peers -- [--hours 3] [--install]`
//! Peers come from Debian (`apt-get install -y victoria-metrics prometheus`; `--install` does that when root). They run
//! on loopback, on free ports, in a temporary folder, and are ended with it. One JSON line per figure.
//!
//! What is not equal, always to the peers' advantage unless said: they get requests of thirty samples per series, made
//! up beforehand, and answer before anything is synced, where our store syncs every batch of one scrape; Prometheus'
//! size is that of a snapshot in block form without its log. To ours: peers are asked over HTTP, ours in process.
#![allow(clippy::print_stdout)] // printing is what this program is for

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wk_domain::Timestamp;
use wk_engine::ports::metrics::{Metrics, RangeQuery, Sample, Selector, SeriesMeta};
use wk_tsdb::bench_data::{Fleet, PER_HOST, STEP_MS};
use wk_tsdb::{Options, Store};

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const HOSTS: usize = 25;
const SERIES: usize = HOSTS * PER_HOST;
const THREADS: usize = 4;
/// Samples of one series in one request to a peer.
const ROUND: usize = 30;
const HOUR: i64 = 3_600_000;
/// The whole comparison takes no longer.
const BOUND: Duration = Duration::from_secs(170);

struct Data {
    start: i64,
    metas: Vec<SeriesMeta>,
    times: Vec<i64>,
    values: Vec<f64>,
    steps: usize,
    /// Which series the large query sums.
    picked: Vec<bool>,
}

impl Data {
    fn at(&self, step: usize, series: usize) -> (i64, f64) {
        (self.start + self.times[step * HOSTS + series / PER_HOST], self.values[step * SERIES + series])
    }

    fn samples(&self) -> f64 {
        self.values.len() as f64
    }

    fn labels(&self, series: usize) -> BTreeMap<String, String> {
        let meta = &self.metas[series];
        let mut labels = BTreeMap::from([
            ("__name__".to_owned(), meta.key.name.replace('.', "_")),
            ("host".to_owned(), format!("host-{}", series / PER_HOST)),
        ]);
        labels.extend(meta.key.labels.iter().map(|(k, v)| (k.clone(), v.clone())));
        if self.picked[series] {
            labels.insert("pick".to_owned(), "1".to_owned());
            // A rate loses its name; without this, Prometheus finds the same labels twice and refuses.
            labels.insert("metric".to_owned(), meta.key.name.clone());
        }
        labels
    }
}

const PREFIXES: [&str; 5] = ["net.", "interface.", "disk.", "vm.", "kernel."];

fn generate(hours: i64) -> Fallible<Data> {
    let now = i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis())?;
    // Yesterday from midnight: inside everybody's retention.
    let start = now - now.rem_euclid(24 * HOUR) - 24 * HOUR;
    let steps = usize::try_from(hours * HOUR / STEP_MS)?.next_multiple_of(ROUND);
    let mut fleet = Fleet::new(HOSTS, 1);
    let metas = fleet.metas();
    let mut left = 1000;
    let picked = metas
        .iter()
        .map(|meta| {
            let pick = left > 0 && meta.counter && PREFIXES.iter().any(|p| meta.key.name.starts_with(p));
            left -= usize::from(pick);
            pick
        })
        .collect();
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        fleet.step(&mut times, &mut values);
    }
    Ok(Data { start, metas, times, values, steps, picked })
}

fn row(name: &str, value: f64, unit: &str) -> Fallible<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, r#"{{"name":"{name}","value":{value:.4},"unit":"{unit}","budget":null,"ok":null}}"#)?;
    Ok(out.flush()?)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn bytes_in(dir: &Path) -> Fallible<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        // A peer may merge its files away meanwhile.
        let Ok(meta) = entry.metadata() else { continue };
        bytes += if meta.is_dir() { bytes_in(&entry.path()).unwrap_or(0) } else { meta.len() };
    }
    Ok(bytes)
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
struct Figures {
    rate: f64,
    cpu: f64,
    bytes: f64,
    many_ms: f64,
    one_ms: f64,
}

impl Figures {
    fn print(&self, who: &str) -> Fallible<()> {
        row(&format!("{who}: ingest"), self.rate, "samples/s")?;
        row(&format!("{who}: CPU"), self.cpu, "s per million")?;
        row(&format!("{who}: disk"), self.bytes, "B per sample")?;
        row(&format!("{who}: sum of rates, 1000 series, one hour"), self.many_ms, "ms")?;
        row(&format!("{who}: rate of one series, one hour"), self.one_ms, "ms")
    }

    /// Above one: ours is ahead.
    fn ratios(&self, ours: &Self, who: &str) -> Fallible<()> {
        row(&format!("ours ahead of {who}: ingest"), ours.rate / self.rate, "times")?;
        row(&format!("ours ahead of {who}: CPU"), self.cpu / ours.cpu, "times")?;
        row(&format!("ours ahead of {who}: disk"), self.bytes / ours.bytes, "times")?;
        row(&format!("ours ahead of {who}: sum of rates"), self.many_ms / ours.many_ms, "times")?;
        row(&format!("ours ahead of {who}: one series"), self.one_ms / ours.one_ms, "times")
    }
}

// ---- ours

fn own_cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn ours(data: &Data, root: &Path) -> Fallible<Figures> {
    let dir = root.join("ours");
    let end = data.start + data.steps as i64 * STEP_MS;
    let (cpu, begin) = (own_cpu(), Instant::now());
    let store = Store::open(&dir, Options::default())?;
    store.maintain(Timestamp::from_ms(end))?;
    let refs = store.resolve(&data.metas)?;
    std::thread::scope(|scope| -> Fallible<()> {
        let (store, refs) = (&store, &refs);
        let workers: Vec<_> = (0..2 * THREADS)
            .map(|t| {
                scope.spawn(move || -> Fallible<()> {
                    let mut batch = Vec::new();
                    for step in 0..data.steps {
                        batch.clear();
                        for host in (t..HOSTS).step_by(2 * THREADS) {
                            let range = host * PER_HOST..(host + 1) * PER_HOST;
                            batch.extend(refs[range.clone()].iter().zip(range).map(|(&number, series)| {
                                let (at_ms, value) = data.at(step, series);
                                Sample { series: number, at_ms, value }
                            }));
                        }
                        store.append(&batch)?;
                    }
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a thread died")?)
    })?;
    let rate = data.samples() / begin.elapsed().as_secs_f64();
    store.seal()?;
    let cpu = (own_cpu() - cpu) / data.samples() * 1e6;
    let bytes = bytes_in(&dir)? as f64 / data.samples();
    let (from, to) = query_range(data);
    let query = |host: usize, name: &str, max: usize| RangeQuery {
        selector: Selector { host: Fleet::host_id(host), name: name.to_owned(), labels: Vec::new() },
        from: Timestamp::from_ms(from),
        to: Timestamp::from_ms(to),
        step_ms: 60_000,
        rate: true,
        series_max: max,
    };
    let (mut many, mut one) = (Vec::new(), Vec::new());
    for _ in 0..21 {
        let begin = Instant::now();
        let mut sums = BTreeMap::<i64, f64>::new();
        let mut left = 1000;
        for (host, prefix) in (0..HOSTS).flat_map(|host| PREFIXES.iter().map(move |prefix| (host, prefix))) {
            for found in store.range(&query(host, prefix, left))?.iter().filter(|found| found.series.counter)
            {
                left -= 1;
                found.points.iter().for_each(|p| *sums.entry(p.at_ms).or_default() += p.avg);
            }
            if left == 0 {
                break;
            }
        }
        many.push(begin.elapsed().as_secs_f64() * 1e3);
        if left > 0 || sums.len() < 60 {
            return Err("our large query found too little".into());
        }
    }
    for i in 0..101 {
        let begin = Instant::now();
        let found = store.range(&query(i % HOSTS, "kernel.interrupts", 1))?;
        one.push(begin.elapsed().as_secs_f64() * 1e3);
        if found.first().is_none_or(|found| found.points.len() < 60) {
            return Err("our small query found too little".into());
        }
    }
    Ok(Figures { rate, cpu, bytes, many_ms: median(many), one_ms: median(one) })
}

/// An hour well inside the data.
fn query_range(data: &Data) -> (i64, i64) {
    let from = data.start + (data.steps as i64 * STEP_MS - HOUR) / 2;
    let from = from - from.rem_euclid(60_000);
    (from, from + HOUR)
}

// ---- peers

/// Ended and waited for when dropped, whatever happens.
struct Peer {
    child: Child,
    port: u16,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    fn start(program: &str, args: impl Fn(u16) -> Vec<String>, log: &Path, ready: &str) -> Fallible<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let out = std::fs::File::create(log)?;
        let child = Command::new(program)
            .args(args(port))
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        let peer = Self { child, port };
        let begin = Instant::now();
        loop {
            if Http::to(port).and_then(|mut http| http.get(ready)).is_ok() {
                return Ok(peer);
            }
            if begin.elapsed() > Duration::from_secs(20) {
                return Err(format!("{program} does not answer: {}", std::fs::read_to_string(log)?).into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Seconds of processor time so far.
    fn cpu(&self) -> Fallible<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(f64::NAN);
        Ok((ticks(11) + ticks(12)) / rustix::param::clock_ticks_per_second() as f64)
    }
}

/// Just enough HTTP/1.1 over one connection kept open.
struct Http {
    stream: BufReader<TcpStream>,
}

impl Http {
    fn to(port: u16) -> Fallible<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    fn get(&mut self, path: &str) -> Fallible<String> {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"), &[])
    }

    fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Fallible<String> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        self.send(&head, body)
    }

    fn send(&mut self, head: &str, body: &[u8]) -> Fallible<String> {
        self.stream.get_mut().write_all(head.as_bytes())?;
        self.stream.get_mut().write_all(body)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.trim().to_owned();
        let (mut length, mut chunked) = (0usize, false);
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(n) = header.strip_prefix("content-length:") {
                length = n.trim().parse()?;
            }
            chunked |= header == "transfer-encoding: chunked";
        }
        let mut answer = Vec::new();
        loop {
            if chunked {
                line.clear();
                self.stream.read_line(&mut line)?;
                length = usize::from_str_radix(line.trim(), 16)?;
            }
            let begin = answer.len();
            answer.resize(begin + length, 0);
            self.stream.read_exact(&mut answer[begin..])?;
            if chunked {
                line.clear();
                self.stream.read_line(&mut line)?;
            }
            if !chunked || length == 0 {
                break;
            }
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        if status.contains(" 20") { Ok(answer) } else { Err(format!("{status}: {answer}").into()) }
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn field(out: &mut Vec<u8>, number: u8, body: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, body.len() as u64);
    out.extend_from_slice(body);
}

/// A remote-write request for some series and one round of steps, in snappy's form without compression.
fn remote_write(data: &Data, series: std::ops::Range<usize>, round: usize) -> Vec<u8> {
    let mut request = Vec::new();
    for one in series {
        let mut body = Vec::new();
        for (name, value) in data.labels(one) {
            let mut label = Vec::new();
            field(&mut label, 1, name.as_bytes());
            field(&mut label, 2, value.as_bytes());
            field(&mut body, 1, &label);
        }
        for step in round * ROUND..(round + 1) * ROUND {
            let (at, value) = data.at(step, one);
            let mut sample = vec![0x09];
            sample.extend_from_slice(&value.to_le_bytes());
            sample.push(0x10);
            varint(&mut sample, at as u64);
            field(&mut body, 2, &sample);
        }
        field(&mut request, 1, &body);
    }
    let mut out = Vec::with_capacity(request.len() + 16);
    varint(&mut out, request.len() as u64);
    out.push(63 << 2);
    out.extend_from_slice(&(request.len() as u32 - 1).to_le_bytes());
    out.extend_from_slice(&request);
    out
}

/// VictoriaMetrics' own import form.
fn import_lines(data: &Data, series: std::ops::Range<usize>, round: usize) -> Vec<u8> {
    let mut out = String::new();
    for one in series {
        out.push_str(r#"{"metric":{"#);
        for (i, (name, value)) in data.labels(one).iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let _ = write!(out, r#"{comma}"{name}":"{value}""#);
        }
        let steps = || round * ROUND..(round + 1) * ROUND;
        out.push_str(r#"},"values":["#);
        for step in steps() {
            let _ = write!(out, "{},", data.at(step, one).1);
        }
        out.pop();
        out.push_str(r#"],"timestamps":["#);
        for step in steps() {
            let _ = write!(out, "{},", data.at(step, one).0);
        }
        out.pop();
        out.push_str("]}\n");
    }
    out.into_bytes()
}

/// Sends everything, each thread its hosts in order of time. Gives the seconds it took.
fn feed(
    data: &Data,
    peer: &Peer,
    path: &str,
    headers: &str,
    encode: fn(&Data, std::ops::Range<usize>, usize) -> Vec<u8>,
    deadline: Instant,
) -> Fallible<f64> {
    let mut took = 0.0;
    // Some rounds at a time are made up beforehand, so that neither time nor memory for that counts.
    let rounds: Vec<usize> = (0..data.steps / ROUND).collect();
    for some in rounds.chunks(12) {
        let mut requests: Vec<Vec<Vec<u8>>> = vec![Vec::new(); THREADS];
        for &round in some {
            for host in 0..HOSTS {
                requests[host % THREADS].push(encode(data, host * PER_HOST..(host + 1) * PER_HOST, round));
            }
        }
        if Instant::now() > deadline {
            return Err("out of time".into());
        }
        let begin = Instant::now();
        std::thread::scope(|scope| -> Fallible<()> {
            let workers: Vec<_> = requests
                .iter()
                .map(|requests| {
                    scope.spawn(move || -> Fallible<()> {
                        let mut http = Http::to(peer.port)?;
                        requests.iter().try_for_each(|body| http.post(path, headers, body).map(drop))
                    })
                })
                .collect();
            workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a thread died")?)
        })?;
        took += begin.elapsed().as_secs_f64();
    }
    Ok(took)
}

/// Waits until a peer has come to rest: what it does with the data belongs to its bill.
fn settle(peer: &Peer, deadline: Instant) -> Fallible<()> {
    let mut before = peer.cpu()?;
    while Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1000));
        let now = peer.cpu()?;
        if now - before < 0.05 {
            break;
        }
        before = now;
    }
    Ok(())
}

fn ask(data: &Data, peer: &Peer, extra: &str) -> Fallible<(f64, f64)> {
    let (from, to) = query_range(data);
    let mut http = Http::to(peer.port)?;
    let mut run = |query: &str, n: usize| -> Fallible<f64> {
        let mut times = Vec::new();
        let path = format!(
            "/api/v1/query_range?query={query}&start={}&end={}&step=60{extra}",
            from / 1000,
            to / 1000
        );
        for _ in 0..n {
            let begin = Instant::now();
            let answer = http.get(&path)?;
            times.push(begin.elapsed().as_secs_f64() * 1e3);
            if answer.matches("],[").count() < 55 {
                return Err(format!("{query}: too little in the answer: {answer:.300}").into());
            }
        }
        Ok(median(times))
    };
    // sum(rate({pick="1"}[1m])) and rate(kernel_interrupts{host="host-7"}[1m])
    let many = run("sum(rate(%7Bpick%3D%221%22%7D%5B1m%5D))", 21)?;
    let one = run("rate(kernel_interrupts%7Bhost%3D%22host-7%22%7D%5B1m%5D)", 101)?;
    Ok((many, one))
}

fn victoria(data: &Data, root: &Path, deadline: Instant) -> Fallible<Figures> {
    let dir = root.join("victoria");
    let args = |port: u16| {
        vec![
            format!("-storageDataPath={}", dir.display()),
            format!("-httpListenAddr=127.0.0.1:{port}"),
            "-retentionPeriod=12".to_owned(),
        ]
    };
    let peer = Peer::start("victoria-metrics", args, &root.join("victoria.log"), "/health")?;
    let took = feed(data, &peer, "/api/v1/import", "", import_lines, deadline)?;
    let mut http = Http::to(peer.port)?;
    http.get("/internal/force_flush")?;
    settle(&peer, deadline)?;
    let cpu = peer.cpu()? / data.samples() * 1e6;
    http.get("/internal/force_merge")?;
    settle(&peer, deadline)?;
    let bytes = bytes_in(&dir)? as f64 / data.samples();
    let (many_ms, one_ms) = ask(data, &peer, "&nocache=1")?;
    Ok(Figures { rate: data.samples() / took, cpu, bytes, many_ms, one_ms })
}

fn prometheus(data: &Data, root: &Path, deadline: Instant) -> Fallible<Figures> {
    let dir = root.join("prometheus");
    let config = root.join("prometheus.yml");
    std::fs::write(&config, "global: {}\n")?;
    let args = |port: u16| {
        vec![
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", dir.display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-remote-write-receiver".to_owned(),
            "--web.enable-admin-api".to_owned(),
            "--storage.tsdb.retention.time=30d".to_owned(),
        ]
    };
    let peer = Peer::start("prometheus", args, &root.join("prometheus.log"), "/-/ready")?;
    let headers = "content-encoding: snappy\r\ncontent-type: application/x-protobuf\r\nx-prometheus-remote-write-version: 0.1.0\r\n";
    let took = feed(data, &peer, "/api/v1/write", headers, remote_write, deadline)?;
    settle(&peer, deadline)?;
    let cpu = peer.cpu()? / data.samples() * 1e6;
    let (many_ms, one_ms) = ask(data, &peer, "")?;
    Http::to(peer.port)?.post("/api/v1/admin/tsdb/snapshot", "", &[])?;
    let bytes = bytes_in(&dir.join("snapshots"))? as f64 / data.samples();
    Ok(Figures { rate: data.samples() / took, cpu, bytes, many_ms, one_ms })
}

fn present(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).exists()))
}

fn main() -> Fallible<()> {
    let mut args = std::env::args().skip(1);
    let (mut hours, mut dir, mut install) = (3i64, std::env::temp_dir(), false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--hours" => hours = args.next().ok_or("--hours needs a number")?.parse()?,
            "--dir" => dir = PathBuf::from(args.next().ok_or("--dir needs a folder")?),
            "--install" => install = true,
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    if !(2..=12).contains(&hours) {
        return Err("--hours takes 2 to 12".into());
    }
    let missing: Vec<&str> =
        ["victoria-metrics", "prometheus"].into_iter().filter(|program| !present(program)).collect();
    if install && !missing.is_empty() {
        let status = Command::new("apt-get")
            .args(["install", "-y", "--no-install-recommends"])
            .args(&missing)
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            return Err("apt-get install failed".into());
        }
    }
    let root = dir.join(format!("wk-tsdb-peers-{}", std::process::id()));
    std::fs::create_dir_all(&root)?;
    let result = compare(hours, &root);
    let _ = std::fs::remove_dir_all(&root);
    result
}

fn compare(hours: i64, root: &Path) -> Fallible<()> {
    let begin = Instant::now();
    let deadline = begin + BOUND;
    let data = generate(hours)?;
    row("samples", data.samples(), "samples")?;
    let own = ours(&data, root)?;
    own.print("ours")?;
    type Run = fn(&Data, &Path, Instant) -> Fallible<Figures>;
    let peers: [(&str, &str, Run); 2] =
        [("VictoriaMetrics", "victoria-metrics", victoria), ("Prometheus", "prometheus", prometheus)];
    for (i, (who, program, run)) in peers.into_iter().enumerate() {
        if !present(program) {
            writeln!(std::io::stderr(), "{who} is not installed: apt-get install -y {program}")?;
            continue;
        }
        // Time left is shared by those to come.
        let left = deadline.saturating_duration_since(Instant::now()) / (2 - i as u32);
        match run(&data, root, Instant::now() + left) {
            Ok(figures) => {
                figures.print(who)?;
                figures.ratios(&own, who)?;
            }
            Err(error) => writeln!(std::io::stderr(), "{who} could not be measured: {error}")?,
        }
    }
    row("the comparison took", begin.elapsed().as_secs_f64(), "s")
}
