//! This machine's real figures and inventory, compared with what independent programs say about it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::process::Command;

use wk_collect::{Collector, Config, Inventory, InventoryConfig, Sampler};
use wk_wire::v1::{InventoryDelta, InventoryItem};

/// Runs a reference program. One that is missing fails the test with the line that installs it.
fn run(package: &str, argv: &[&str]) -> String {
    let output = Command::new(argv[0])
        .args(&argv[1..])
        .env("LC_ALL", "C")
        .output()
        .unwrap_or_else(|e| panic!("cannot run {}: {e}; install it: apt-get install {package}", argv[0]));
    assert!(output.status.success(), "{argv:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Two cycles of everything; the values of the second by `name{label=value,...}`.
fn sample() -> BTreeMap<String, f64> {
    let mut collector = Collector::new(&Config { per_core: true, extended: true, ..Config::default() });
    let mut out = Sampler::new();
    collector.sample(&mut out);
    out.take_block(0);
    // So that some clock tick passes between the two.
    let until = std::time::Instant::now() + std::time::Duration::from_millis(60);
    while std::time::Instant::now() < until {
        std::hint::spin_loop();
    }
    collector.sample(&mut out);
    let block = out.take_block(0);
    let names = out.definitions();
    block.refs.iter().zip(block.values).map(|(r, v)| (name(&names[*r as usize]), v)).collect()
}

fn name(def: &wk_wire::v1::SeriesDef) -> String {
    let labels: Vec<String> = def.labels.iter().map(|l| format!("{}={}", l.name, l.value)).collect();
    if labels.is_empty() { def.name.clone() } else { format!("{}{{{}}}", def.name, labels.join(",")) }
}

fn close(a: f64, b: f64, share: f64) -> bool {
    (a - b).abs() <= share * a.abs().max(b.abs()).max(1.0)
}

fn inventory() -> BTreeMap<String, BTreeMap<String, InventoryItem>> {
    collect(Inventory::new(InventoryConfig::default()).scan(0))
}

fn collect(deltas: Vec<InventoryDelta>) -> BTreeMap<String, BTreeMap<String, InventoryItem>> {
    let mut all: BTreeMap<String, BTreeMap<String, InventoryItem>> = BTreeMap::new();
    for delta in deltas {
        let section = all.entry(delta.section).or_default();
        section.extend(delta.items.into_iter().map(|i| (i.key.clone(), i)));
    }
    all
}

fn field<'a>(item: &'a InventoryItem, name: &str) -> &'a str {
    item.fields.iter().find(|f| f.name == name).map_or("", |f| f.value.as_str())
}

#[test]
fn memory_is_what_free_shows() {
    let free = run("procps", &["free", "-b", "-w"]);
    let values = sample();
    let row: Vec<f64> = free
        .lines()
        .find(|l| l.starts_with("Mem:"))
        .unwrap()
        .split_whitespace()
        .skip(1)
        .map(|w| w.parse().unwrap())
        .collect();
    // total used free shared buffers cache available
    assert_eq!(values["memory.total"], row[0]);
    assert!(close(values["memory.free"], row[2], 0.1), "{} {}", values["memory.free"], row[2]);
    assert!(close(values["memory.available"], row[6], 0.1), "{} {}", values["memory.available"], row[6]);
    let swap: Vec<f64> = free
        .lines()
        .find(|l| l.starts_with("Swap:"))
        .unwrap()
        .split_whitespace()
        .skip(1)
        .map(|w| w.parse().unwrap())
        .collect();
    assert_eq!((values["swap.total"], values["swap.used"]), (swap[0], swap[1]));
}

#[test]
fn the_root_file_system_is_what_stat_shows() {
    let stat = run("coreutils", &["stat", "-f", "-c", "%S %b %f %a %c %d", "/"]);
    let n: Vec<f64> = stat.split_whitespace().map(|w| w.parse().unwrap()).collect();
    let df = run("coreutils", &["df", "-B1", "--output=used,source,fstype", "/"]);
    let df: Vec<&str> = df.lines().nth(1).unwrap().split_whitespace().collect();
    let values = sample();
    let of = |name: &str| {
        let found = values.iter().find(|(k, _)| {
            k.starts_with(&format!("{name}{{")) && (k.contains("mount=/,") || k.contains("mount=/}"))
        });
        *found.unwrap_or_else(|| panic!("no {name} of /")).1
    };
    assert_eq!(of("fs.size"), n[0] * n[1]);
    // The machine works on while this runs.
    assert!(close(of("fs.free"), n[0] * n[2], 0.02));
    assert!(close(of("fs.available"), n[0] * n[3], 0.02));
    assert!(close(of("fs.used"), df[0].parse().unwrap(), 0.02));
    assert_eq!(of("fs.inodes.total"), n[4]);
    assert!(close(of("fs.inodes.free"), n[5], 0.02));
    assert!(values.keys().any(|k| k.starts_with("fs.size") && k.contains(&format!("type={}", df[2]))));
}

#[test]
fn processors_load_and_processes_are_what_the_system_says() {
    let values = sample();
    let count: f64 = run("coreutils", &["nproc", "--all"]).trim().parse().unwrap();
    assert_eq!(values["cpu.count"], count);
    let sum: f64 = values.iter().filter(|(k, _)| k.starts_with("cpu.usage{")).map(|(_, v)| v).sum();
    // Each of the eight is rounded to a hundredth.
    assert!((sum - 100.0).abs() < 0.041, "{sum}");
    assert_eq!(values.keys().filter(|k| k.starts_with("cpu.core.usage{")).count() as f64, count);
    let ps = run("procps", &["ps", "-e", "-o", "nlwp="]);
    let processes = ps.lines().count() as f64;
    let threads: f64 = ps.lines().map(|l| l.trim().parse::<f64>().unwrap()).sum();
    // ps counts itself, and other tests come and go.
    assert!(close(values["processes.total"], processes, 0.35), "{} {processes}", values["processes.total"]);
    assert!(close(values["processes.threads"], threads, 0.35), "{} {threads}", values["processes.threads"]);
    let states: f64 = values.iter().filter(|(k, _)| k.starts_with("processes.state{")).map(|(_, v)| v).sum();
    assert_eq!(states, values["processes.total"]);
    let uptime: f64 =
        std::fs::read_to_string("/proc/uptime").unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(close(values["uptime"], uptime, 0.05) || uptime - values["uptime"] < 30.0);
    assert!(values["agent.cpu.seconds"] > 0.0 && values["agent.memory.resident"] > 1e6);
}

#[test]
fn one_series_is_defined_once_and_every_value_has_one() {
    let mut collector = Collector::new(&Config::default());
    let mut out = Sampler::new();
    let mut defined = BTreeSet::new();
    for _ in 0..3 {
        collector.sample(&mut out);
        if let Some(new) = out.new_definitions() {
            for def in new.series {
                assert!(defined.insert(name(def)), "defined twice: {}", name(def));
            }
        }
        let block = out.take_block(0);
        assert_eq!(block.refs.len(), block.values.len());
        assert!(block.refs.iter().all(|r| (*r as usize) < defined.len()));
        let unique: BTreeSet<_> = block.refs.iter().collect();
        assert_eq!(unique.len(), block.refs.len(), "a series has two values in one cycle");
    }
}

#[test]
fn packages_are_those_dpkg_knows_with_their_sources() {
    let format =
        "${db:Status-Status}\t${Package}:${Architecture}\t${Version}\t${source:Package}\t${source:Version}\n";
    let truth: BTreeSet<String> = run("dpkg", &["dpkg-query", "-W", "-f", format])
        .lines()
        .filter_map(|l| l.strip_prefix("installed\t").map(str::to_owned))
        .collect();
    let ours: BTreeSet<String> = inventory()["packages"]
        .values()
        .filter(|p| field(p, "manager") == "dpkg" && field(p, "state").is_empty())
        .map(|p| {
            format!(
                "{}\t{}\t{}\t{}",
                p.key,
                field(p, "version"),
                field(p, "source"),
                field(p, "source_version")
            )
        })
        .collect();
    assert!(truth.len() > 50);
    assert_eq!(ours.symmetric_difference(&truth).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn users_and_groups_are_those_getent_knows() {
    let all = inventory();
    let users: BTreeSet<String> = all["users"]
        .values()
        .map(|u| {
            format!(
                "{}:{}:{}:{}:{}",
                u.key,
                field(u, "uid"),
                field(u, "gid"),
                field(u, "home"),
                field(u, "shell")
            )
        })
        .collect();
    let truth: BTreeSet<String> = run("libc-bin", &["getent", "-s", "files", "passwd"])
        .lines()
        .map(|l| l.split(':').collect::<Vec<_>>())
        .map(|p| format!("{}:{}:{}:{}:{}", p[0], p[2], p[3], p[5], p[6]))
        .collect();
    assert_eq!(users, truth);
    let groups: BTreeSet<String> = all["groups"]
        .values()
        .map(|g| format!("{}:{}:{}", g.key, field(g, "gid"), field(g, "members")))
        .collect();
    let truth: BTreeSet<String> = run("libc-bin", &["getent", "-s", "files", "group"])
        .lines()
        .map(|l| l.split(':').collect::<Vec<_>>())
        .map(|p| format!("{}:{}:{}", p[0], p[2], p[3]))
        .collect();
    assert_eq!(groups, truth);
}

#[test]
fn listeners_are_those_ss_shows_and_name_their_process() {
    let v4 = TcpListener::bind("127.0.0.1:0").unwrap();
    let v6 = TcpListener::bind("[::1]:0").ok();
    let mut inventory = Inventory::new(InventoryConfig::default());
    let sections = collect(inventory.scan(0));
    let own = &sections["listeners"][&format!("tcp {}", v4.local_addr().unwrap())];
    assert_eq!(field(own, "pid"), std::process::id().to_string());
    assert_eq!(field(own, "port"), v4.local_addr().unwrap().port().to_string());
    assert!(!field(own, "process").is_empty() && !field(own, "user").is_empty());
    if let Some(v6) = &v6 {
        assert!(sections["listeners"].contains_key(&format!("tcp6 {}", v6.local_addr().unwrap())));
    }
    // Other tests open and close sockets meanwhile: both lists have to agree once.
    let agreed = (0..20).any(|_| {
        let ours: BTreeSet<String> = collect(Inventory::new(InventoryConfig::default()).scan(0))["listeners"]
            .values()
            .filter(|l| field(l, "protocol") == "tcp")
            .map(|l| format!("{}:{}", field(l, "address"), field(l, "port")))
            .collect();
        let truth: BTreeSet<String> = run("iproute2", &["ss", "-Hltn"])
            .lines()
            .map(|l| l.split_whitespace().nth(3).unwrap().replace(['[', ']'], "").replace('*', "::"))
            .collect();
        ours == truth
    });
    assert!(agreed, "the list of listeners never agreed with ss");
    let key = format!("tcp {}", v4.local_addr().unwrap());
    drop(v4);
    let gone = inventory.scan(1);
    let delta = gone.iter().find(|d| d.section == "listeners").unwrap();
    assert!(!delta.full && delta.removed.contains(&key));
}

#[test]
fn interfaces_have_the_addresses_ip_shows() {
    let all = inventory();
    let ours: BTreeSet<String> = all["interfaces"]
        .iter()
        .flat_map(|(name, i)| field(i, "addresses").split_whitespace().map(move |a| format!("{name} {a}")))
        .collect();
    let truth: BTreeSet<String> = run("iproute2", &["ip", "-o", "addr"])
        .lines()
        .map(|l| l.split_whitespace().collect::<Vec<_>>())
        .filter(|w| !w[1].starts_with("veth"))
        .map(|w| format!("{} {}", w[1], w[3]))
        .collect();
    assert_eq!(ours, truth);
    let mtu = std::fs::read_to_string("/sys/class/net/lo/mtu").unwrap();
    assert_eq!(field(&all["interfaces"]["lo"], "mtu"), mtu.trim());
}

#[test]
fn the_system_is_described_as_uname_and_os_release_do() {
    let all = inventory();
    let os = &all["os"]["os"];
    assert_eq!(field(os, "kernel"), run("coreutils", &["uname", "-r"]).trim());
    assert_eq!(field(os, "arch"), run("coreutils", &["uname", "-m"]).trim());
    assert_eq!(field(os, "hostname"), run("coreutils", &["uname", "-n"]).trim());
    assert!(std::fs::read_to_string("/etc/os-release").unwrap().contains(field(os, "name")));
    assert!(!field(&all["hardware"]["cpu"], "model").is_empty() || cfg!(not(target_arch = "x86_64")));
    assert!(all["mounts"].contains_key("/"));
}

#[test]
fn a_second_scan_tells_next_to_nothing() {
    let mut inventory = Inventory::new(InventoryConfig::default());
    let first = inventory.scan(0);
    // Only the superuser may read this one; what cannot be read is not told.
    let no_sudo =
        std::path::Path::new("/etc/sudoers").exists() && std::fs::File::open("/etc/sudoers").is_err();
    for section in wk_collect::inventory::SECTIONS.iter().filter(|s| **s != "sudo" || !no_sudo) {
        let pieces: Vec<_> = first.iter().filter(|d| d.section == *section).collect();
        assert!(!pieces.is_empty(), "{section} was not told");
        assert!(pieces[0].full && pieces[1..].iter().all(|d| !d.full));
    }
    let again = inventory.scan(1);
    assert!(again.iter().all(|d| !d.full));
    // What other tests do may change these; nothing may change the rest.
    let moving = ["listeners", "processes", "mounts"];
    assert!(again.iter().all(|d| moving.contains(&d.section.as_str())), "{again:?}");
    inventory.forget();
    assert!(inventory.scan(2).iter().any(|d| d.full && d.section == "packages"));
}

#[test]
fn fingerprints_are_those_of_ssh_keygen() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home/ann");
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    std::fs::create_dir_all(dir.path().join("etc")).unwrap();
    std::fs::write(dir.path().join("etc/passwd"), "ann:x:1000:1000::/home/ann:/bin/sh\n").unwrap();
    let mut lines = String::from("# a comment\n\nnot a key\n");
    let mut truth = BTreeSet::new();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let key = dir.path().join(kind);
        let key = key.to_str().unwrap();
        run("openssh-client", &["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "ann@laptop", "-f", key]);
        let shown = run("openssh-client", &["ssh-keygen", "-l", "-f", key]);
        truth.insert(shown.split(' ').nth(1).unwrap().to_owned());
        lines += &format!(
            "restrict,from=\"10.0.0.0/8, ::1\" {}",
            std::fs::read_to_string(format!("{key}.pub")).unwrap()
        );
    }
    std::fs::write(home.join(".ssh/authorized_keys"), lines).unwrap();
    let mut inventory = Inventory::new(InventoryConfig { root: dir.path().to_owned(), fields: Vec::new() });
    let all = collect(inventory.scan(0));
    let ours: BTreeSet<String> =
        all["ssh_keys"].values().map(|k| field(k, "fingerprint").to_owned()).collect();
    assert_eq!(ours, truth);
    let any = all["ssh_keys"].values().next().unwrap();
    assert_eq!((field(any, "user"), field(any, "comment")), ("ann", "ann@laptop"));
    assert_eq!(field(any, "file"), "/home/ann/.ssh/authorized_keys");
    assert!(inventory.take_notes().iter().any(|n| n.source == "ssh_keys" && n.count == 1));
}

#[test]
fn rpm_packages_are_those_rpm_itself_lists() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let db = root.join("var/lib/rpm");
    std::fs::create_dir_all(&db).unwrap();
    let top = format!("_topdir {}", root.join("build").display());
    let dbpath = db.to_str().unwrap();
    // A description of this size makes the header go on in many overflow pages.
    let long = "word "
        .repeat(30_000)
        .lines()
        .next()
        .unwrap()
        .as_bytes()
        .chunks(70)
        .map(|c| String::from_utf8_lossy(c).into_owned() + "\n")
        .collect::<String>();
    for i in 0..60 {
        let name = format!("tool-{i}");
        let (epoch, body) = if i % 7 == 0 { ("Epoch: 2\n", long.as_str()) } else { ("", "short\n") };
        let spec = format!(
            "Name: {name}\nVersion: 1.{i}\n{epoch}Release: 3.el9\nSummary: s\nLicense: MIT\nBuildArch: noarch\n\
             %description\n{body}\n%files\n"
        );
        let path = root.join(format!("{name}.spec"));
        std::fs::write(&path, spec).unwrap();
        run("rpm", &["rpmbuild", "--quiet", "--define", &top, "-bb", path.to_str().unwrap()]);
    }
    let mut argv = vec![
        "rpm".to_owned(),
        "--dbpath".into(),
        dbpath.into(),
        "--justdb".into(),
        "--nodeps".into(),
        "--ignorearch".into(),
        "-i".into(),
    ];
    argv.extend(
        std::fs::read_dir(root.join("build/RPMS/noarch"))
            .unwrap()
            .map(|e| e.unwrap().path().display().to_string()),
    );
    run("rpm", &argv.iter().map(String::as_str).collect::<Vec<_>>());
    let truth = rpm_list(dbpath, "sqlite");
    let mut inventory = Inventory::new(InventoryConfig { root: root.to_owned(), fields: Vec::new() });
    assert_eq!(truth.len(), 60);
    assert_eq!(rpm_packages(&mut inventory), truth);
    assert!(inventory.take_notes().iter().all(|n| n.source != "rpmdb.sqlite"));
    let path = db.join("rpmdb.sqlite");
    damage_tells_no_lies(&path, 4096, &mut inventory);

    // The same headers as a machine of before 2020 keeps them. rpm still reads that form, and is asked what it sees.
    let headers = Command::new("rpmdb").args(["--dbpath", dbpath, "--exportdb"]).output().unwrap().stdout;
    std::fs::remove_file(&path).unwrap();
    let mut dump = String::from("VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n");
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut rest = headers.as_slice();
    for number in 0u32..=60 {
        // Number zero is rpm's counter.
        let mut value = 60u32.to_le_bytes().as_slice().to_vec();
        if number > 0 {
            let n = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().unwrap()) as usize;
            let end = 16 + 16 * n(8) + n(12);
            value = rest[8..end].to_vec();
            rest = &rest[end..];
        }
        dump += &format!(" {}\n {}\n", hex(&number.to_le_bytes()), hex(&value));
    }
    assert!(rest.is_empty());
    dump += "DATA=END\n";
    let text = root.join("dump");
    std::fs::write(&text, dump).unwrap();
    let path = db.join("Packages");
    let made = ["db5.3_load", "-t", "hash", "-f", text.to_str().unwrap(), path.to_str().unwrap()];
    run("db5.3-util", &made);
    assert_eq!(rpm_list(dbpath, "bdb_ro"), truth);
    let mut inventory = Inventory::new(InventoryConfig { root: root.to_owned(), fields: Vec::new() });
    assert_eq!(rpm_packages(&mut inventory), truth);
    assert_eq!(inventory.take_notes().iter().filter(|n| n.source.contains("Packages")).count(), 0);
    damage_tells_no_lies(&path, 4096, &mut inventory);
}

#[test]
fn packages_of_suse_are_read() {
    // Made by rpm's own writer (`rpmpkg.c` of 4.18) from five packages; one was removed and put in again.
    let sound = include_bytes!("data/suse-Packages.db");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usr/lib/sysimage/rpm/Packages.db");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, sound).unwrap();
    let mut inventory = Inventory::new(InventoryConfig { root: dir.path().to_owned(), fields: Vec::new() });
    let packages = rpm_packages(&mut inventory);
    let names: Vec<&str> = packages.iter().map(|p| p.rsplit_once(' ').unwrap().0).collect();
    assert_eq!(
        names,
        [
            "tool-1-1.1-3.el9.noarch tool-1-1.1-3.el9.src.rpm",
            "tool-2-1.2-3.el9.noarch tool-2-1.2-3.el9.src.rpm",
            "tool-3-2:1.3-3.el9.noarch tool-3-1.3-3.el9.src.rpm",
            "tool-4-1.4-3.el9.noarch tool-4-1.4-3.el9.src.rpm",
            "tool-5-1.5-3.el9.noarch tool-5-1.5-3.el9.src.rpm",
        ]
    );
    assert_eq!(inventory.take_notes().iter().filter(|n| n.source.contains("Packages")).count(), 0);
    damage_tells_no_lies(&path, 4096, &mut inventory);
}

/// What rpm itself says is installed.
fn rpm_list(dbpath: &str, backend: &str) -> BTreeSet<String> {
    let backend = format!("_db_backend {backend}");
    let format = "%{NAME}-%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH} %{SOURCERPM} %{INSTALLTIME}\n";
    run("rpm", &["rpm", "--dbpath", dbpath, "--define", &backend, "-qa", "--qf", format])
        .lines()
        .map(str::to_owned)
        .collect()
}

fn rpm_packages(inventory: &mut Inventory) -> BTreeSet<String> {
    collect(inventory.scan(0))
        .remove("packages")
        .unwrap_or_default()
        .values()
        .map(|p| {
            let version = field(p, "source_version");
            let version = version.split_once(':').map_or(version, |(_, v)| v);
            format!("{} {}-{}.src.rpm {}", p.key, field(p, "source"), version, field(p, "installed_s"))
        })
        .collect()
}

/// Damage of any kind gives packages or a note, never a hang or a panic, and nothing counts as removed.
fn damage_tells_no_lies(path: &std::path::Path, page_bytes: usize, inventory: &mut Inventory) {
    let sound = std::fs::read(path).unwrap();
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    let mut seen = 0;
    for round in 0..200 {
        let mut damaged = sound.clone();
        for _ in 0..1 + round % 40 {
            let at = random() % damaged.len();
            // The first bytes of a page decide where a reader goes next.
            let at = if random() % 2 == 0 { at / page_bytes * page_bytes + at % 32 } else { at };
            damaged[at] = random() as u8;
        }
        damaged.truncate(if round % 10 == 9 { random() % sound.len() } else { sound.len() });
        std::fs::write(path, &damaged).unwrap();
        let deltas = inventory.scan(1);
        let damage_seen = inventory.take_notes().iter().any(|n| n.source == "packages");
        seen += usize::from(damage_seen);
        assert!(
            !damage_seen || deltas.iter().filter(|d| d.section == "packages").all(|d| d.removed.is_empty())
        );
    }
    assert!(seen > 20, "only {seen} of 200 damaged files were seen to be damaged");
    std::fs::write(path, &sound).unwrap();
}
