//! Made-up machines: what must come out of known files, and what broken or hostile ones must not do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use wk_collect::{
    AgentFigures, Collector, Config, Inventory, InventoryConfig, KernelClock, Problem, Sampler,
};
use wk_wire::v1::{InventoryDelta, InventoryItem};

const TEN_SECONDS: Option<Duration> = Some(Duration::from_secs(10));

struct Machine(tempfile::TempDir);

impl Machine {
    fn new(files: &[(&str, &str)]) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            machine.write(path, text.as_bytes());
        }
        machine
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn collector(&self) -> Collector {
        Collector::new(&Config { root: self.root().to_owned(), per_core: true, extended: true })
    }

    fn inventory(&self) -> Inventory {
        Inventory::new(InventoryConfig { root: self.root().to_owned(), fields: Vec::new() })
    }
}

fn values(out: &mut Sampler) -> BTreeMap<String, f64> {
    let block = out.take_block(0);
    let names = out.definitions();
    let name = |r: &u32| {
        let def = &names[*r as usize];
        let labels: Vec<&str> = def.labels.iter().map(|l| l.value.as_str()).collect();
        if labels.is_empty() { def.name.clone() } else { format!("{} {}", def.name, labels.join(" ")) }
    };
    block.refs.iter().map(name).zip(block.values.iter().copied()).collect()
}

fn by_section(deltas: Vec<InventoryDelta>) -> BTreeMap<String, BTreeMap<String, InventoryItem>> {
    let mut all: BTreeMap<String, BTreeMap<String, InventoryItem>> = BTreeMap::new();
    for delta in deltas {
        all.entry(delta.section).or_default().extend(delta.items.into_iter().map(|i| (i.key.clone(), i)));
    }
    all
}

fn field<'a>(item: &'a InventoryItem, name: &str) -> &'a str {
    item.fields.iter().find(|f| f.name == name).map_or("", |f| f.value.as_str())
}

#[test]
fn rates_come_from_two_readings_and_counters_from_one() {
    let machine = Machine::new(&[
        (
            "proc/stat",
            "cpu 100 0 100 800 0 0 0 0 50 0\ncpu0 100 0 100 800 0 0 0 0 0 0\nintr 77 1 2\nctxt 1000\nprocesses 12\n",
        ),
        ("proc/loadavg", "0.50 1.25 2.00 1/100 4242\n"),
        (
            "proc/diskstats",
            " 8 0 sda 10 0 20 30 40 0 50 60 0 1000 90\n 8 1 sda1 1 0 1 1 1 0 1 1 0 1 1\n 7 0 loop0 5 0 5 5 5 0 5 5 0 5 5\n",
        ),
        (
            "proc/pressure/io",
            "some avg10=1.50 avg60=0.25 avg300=0.00 total=2500000\nfull avg10=0.10 avg60=0.00 avg300=0.00 total=7\n",
        ),
        (
            "proc/meminfo",
            "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nBuffers: 10 kB\nCached: 20 kB\nSwapTotal: 64 kB\nSwapFree: 60 kB\nHugePages_Total: 3\n",
        ),
    ]);
    std::fs::create_dir_all(machine.root().join("sys/block/sda")).unwrap();
    let (mut collector, mut out) = (machine.collector(), Sampler::new());
    collector.sample_after(None, &mut out);
    let first = values(&mut out);
    assert_eq!(
        (first["load.5"], first["context.switches"], first["interrupts"], first["forks"]),
        (1.25, 1000.0, 77.0, 12.0)
    );
    assert_eq!(
        (first["disk.read.bytes sda"], first["disk.write.time sda"], first["disk.io.time sda"]),
        (10_240.0, 0.06, 1.0)
    );
    assert_eq!((first["pressure.io.some.avg10"], first["pressure.io.some.total"]), (1.5, 2.5));
    assert_eq!(
        (first["memory.used"], first["swap.used"], first["memory.hugepages.total"]),
        (600.0 * 1024.0, 4096.0, 3.0)
    );
    assert!(!first.keys().any(|k| k.starts_with("cpu.usage") || k.starts_with("disk.utilisation")));
    assert!(!first.keys().any(|k| k.contains("loop0") || k.contains("sda1")), "only whole disks");

    machine.write("proc/stat", b"cpu 150 0 110 940 0 0 0 0 50 0\ncpu0 150 0 110 940 0 0 0 0\nctxt 1100\n");
    machine.write("proc/diskstats", b" 8 0 sda 20 0 40 80 40 0 50 60 2 3500 90\n");
    collector.sample_after(TEN_SECONDS, &mut out);
    let second = values(&mut out);
    assert_eq!(
        (second["cpu.usage user"], second["cpu.usage system"], second["cpu.usage idle"]),
        (25.0, 5.0, 70.0)
    );
    assert_eq!(second["cpu.core.usage 0"], 30.0);
    // 2.5 s of 10 s busy; ten reads in 50 ms; no write, so no latency of writes.
    assert_eq!(
        (second["disk.utilisation sda"], second["disk.latency.read sda"], second["disk.inflight sda"]),
        (25.0, 0.005, 2.0)
    );
    assert!(!second.contains_key("disk.latency.write sda"));
    assert!(!second.contains_key("interrupts"), "what is gone is a gap, not zero");
}

#[test]
fn computed_values_carry_no_digits_that_nobody_measured() {
    let machine = Machine::new(&[
        ("proc/stat", "cpu 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0\n"),
        ("proc/diskstats", "8 0 sda 0 0 0 0 0 0 0 0 0 0 0\n"),
    ]);
    let (mut collector, mut out) = (machine.collector(), Sampler::new());
    collector.sample_after(None, &mut out);
    values(&mut out);
    machine.write("proc/stat", b"cpu 1 0 0 2 0 0 0 0\ncpu0 1 0 0 2 0 0 0 0\n");
    machine.write("proc/diskstats", b"8 0 sda 7 0 9 10 0 0 0 0 0 1 10\n");
    collector.sample_after(Some(Duration::from_millis(9_997)), &mut out);
    let now = values(&mut out);
    assert_eq!((now["cpu.usage user"], now["cpu.usage idle"]), (33.33, 66.67));
    assert_eq!((now["cpu.core.usage 0"], now["disk.utilisation sda"]), (33.33, 0.01));
    assert_eq!(now["disk.latency.read sda"], 0.001429);
}

#[test]
fn counters_that_jump_back_give_no_absurd_rate() {
    let machine = Machine::new(&[
        ("proc/stat", "cpu 1000 0 0 1000 500 0 0 0\n"),
        ("proc/diskstats", "8 0 sda 100 0 100 100 100 0 100 100 0 100 100\n"),
    ]);
    let (mut collector, mut out) = (machine.collector(), Sampler::new());
    collector.sample_after(None, &mut out);
    values(&mut out);
    machine.write("proc/stat", b"cpu 1010 0 0 1010 400 0 0 0\n");
    machine.write("proc/diskstats", b"8 0 sda 1 0 1 1 1 0 1 1 0 1 1\n");
    collector.sample_after(TEN_SECONDS, &mut out);
    let now = values(&mut out);
    assert_eq!((now["cpu.usage user"], now["cpu.usage iowait"]), (50.0, 0.0));
    assert!(!now.contains_key("disk.utilisation sda"));
    assert_eq!(now["disk.read.ops sda"], 1.0);
}

#[test]
fn sensors_are_named_by_chip_and_label() {
    let machine = Machine::new(&[
        ("sys/class/hwmon/hwmon0/name", "coretemp\n"),
        ("sys/class/hwmon/hwmon0/temp1_input", "45500\n"),
        ("sys/class/hwmon/hwmon0/temp1_label", "Package id 0\n"),
        ("sys/class/hwmon/hwmon1/name", "coretemp\n"),
        ("sys/class/hwmon/hwmon1/temp1_input", "-5000\n"),
        ("sys/class/hwmon/hwmon1/temp1_label", "Package id 0\n"),
        ("sys/class/hwmon/hwmon1/temp2_input", "99999999\n"),
    ]);
    let mut out = Sampler::new();
    machine.collector().sample_after(None, &mut out);
    let now = values(&mut out);
    assert_eq!(now["sensor.temperature coretemp/Package id 0"], 45.5);
    assert_eq!(now["sensor.temperature coretemp/Package id 0#2"], -5.0);
    assert!(!now.contains_key("sensor.temperature coretemp/temp2"));
}

#[test]
fn timesyncd_tells_whether_the_clock_is_in_step() {
    let machine = Machine::new(&[("run/systemd/timesync/clock", "")]);
    let (mut collector, mut out) = (machine.collector(), Sampler::new());
    collector.sample_after(None, &mut out);
    assert_eq!(values(&mut out)["clock.synchronised"], 0.0);
    machine.write("run/systemd/timesync/synchronized", b"");
    collector.sample_after(TEN_SECONDS, &mut out);
    assert_eq!(values(&mut out)["clock.synchronised"], 1.0);
}

#[test]
fn the_kernels_word_on_the_clock_counts_for_one_cycle_and_before_timesyncds_mark() {
    let machine = Machine::new(&[("run/systemd/timesync/synchronized", "")]);
    let (mut collector, mut out) = (machine.collector(), Sampler::new());
    collector.set_kernel_clock(KernelClock::new(0x40, 0, 16_000_000, 16_000_000));
    collector.sample_after(None, &mut out);
    let now = values(&mut out);
    assert_eq!((now["clock.synchronised"], now["clock.error.max"]), (0.0, 16.0));
    collector.set_kernel_clock(KernelClock::new(0x2001, -3_000_000, 2_000, 1_000));
    collector.sample_after(TEN_SECONDS, &mut out);
    let now = values(&mut out);
    assert_eq!((now["clock.synchronised"], now["clock.offset"]), (1.0, 0.003));
    assert_eq!((now["clock.error.max"], now["clock.error.estimated"]), (0.002, 0.001));
    // The kernel was not asked this time: what it said before is no answer any more.
    collector.sample_after(TEN_SECONDS, &mut out);
    let now = values(&mut out);
    assert!(!now.contains_key("clock.offset") && !now.contains_key("clock.error.max"));
    assert_eq!(now["clock.synchronised"], 1.0);
}

#[test]
fn the_agents_own_figures_are_added_once_known() {
    let machine = Machine::new(&[("proc/self/statm", "1000 250 100 1 0 1 0\n")]);
    let (mut collector, mut out) = (machine.collector(), Sampler::new());
    collector.set_agent_figures(AgentFigures {
        lateness: Duration::from_millis(250),
        spool_bytes: 10,
        spool_batches: 2,
        spool_age: Duration::from_secs(3),
        spool_dropped: 1,
    });
    collector.sample_after(None, &mut out);
    let now = values(&mut out);
    assert_eq!(
        (now["agent.collect.lateness"], now["agent.spool.age"], now["agent.spool.dropped"]),
        (0.25, 3.0, 1.0)
    );
    assert_eq!(now["agent.memory.resident"] as usize % 1024, 0);
}

#[test]
fn an_empty_machine_gives_notes_and_no_values_but_the_agents_own() {
    let machine = Machine::new(&[]);
    let (mut collector, mut out) = (machine.collector(), Sampler::new());
    collector.sample_after(None, &mut out);
    assert_eq!(values(&mut out).into_keys().collect::<Vec<_>>(), ["agent.cpu.seconds"]);
    let notes = collector.take_notes();
    assert!(notes.iter().any(|n| n.source == "proc/meminfo" && n.problem == Problem::Unreadable));
    assert!(collector.take_notes().is_empty());
    let mut inventory = machine.inventory();
    let all = inventory.scan(0);
    // What cannot be read is not told as empty.
    assert!(!all.iter().any(|d| d.section == "users" || d.section == "groups"));
    assert!(inventory.take_notes().iter().any(|n| n.source == "users"));
}

/// Every file the readers look at, filled with the same bytes.
#[test]
fn hostile_files_break_nothing_and_stop_nothing() {
    let huge = vec![b'9'; 10 << 20];
    let patterns: Vec<Vec<u8>> = vec![
        b"\xff\xfe\x00\x80".repeat(2_000),
        b"cpu cpu cpu cpu\n99999999999999999999999999 -1 -1\n\n:::::\n".repeat(50),
        "\u{202E}\x1b[31m: \u{200B} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n".repeat(200).into_bytes(),
        b"\n".repeat(5_000),
        huge,
    ];
    let files = [
        "proc/stat",
        "proc/loadavg",
        "proc/softirqs",
        "proc/pressure/cpu",
        "proc/pressure/memory",
        "proc/pressure/io",
        "proc/meminfo",
        "proc/vmstat",
        "proc/self/mountinfo",
        "proc/self/statm",
        "proc/diskstats",
        "proc/net/dev",
        "proc/net/sockstat",
        "proc/net/sockstat6",
        "proc/net/snmp",
        "proc/net/netstat",
        "proc/net/tcp",
        "proc/net/tcp6",
        "proc/net/udp",
        "proc/net/udp6",
        "proc/net/if_inet6",
        "proc/sys/fs/file-nr",
        "proc/uptime",
        "proc/cpuinfo",
        "proc/sys/kernel/random/entropy_avail",
        "proc/1/stat",
        "proc/1/cmdline",
        "proc/1/status",
        "proc/1/cgroup",
        "proc/sys/kernel/hostname",
        "proc/sys/kernel/osrelease",
        "sys/class/hwmon/hwmon0/temp1_input",
        "sys/class/hwmon/hwmon0/name",
        "sys/class/net/eth0/operstate",
        "sys/class/net/eth0/address",
        "sys/class/net/eth0/ifindex",
        "sys/devices/system/cpu/online",
        "sys/block/sda/size",
        "etc/passwd",
        "etc/shadow",
        "etc/group",
        "etc/sudoers",
        "etc/sudoers.d/x",
        "etc/crontab",
        "etc/cron.d/x",
        "var/spool/cron/crontabs/ann",
        "etc/systemd/system/x.timer",
        "etc/os-release",
        "etc/ssh/ssh_host_rsa_key.pub",
        "var/lib/dpkg/status",
        "var/lib/dpkg/status.d/x",
        "lib/apk/db/installed",
        "var/lib/rpm/rpmdb.sqlite",
        "var/lib/rpm/Packages.db",
        "var/lib/rpm/Packages",
    ];
    for pattern in &patterns {
        let machine = Machine::new(&[("run/systemd/timesync/synchronized", "")]);
        for file in files {
            machine.write(file, pattern);
        }
        let (mut collector, mut out) = (machine.collector(), Sampler::new());
        for _ in 0..2 {
            collector.sample_after(TEN_SECONDS, &mut out);
            let now = values(&mut out);
            assert_eq!(now["clock.synchronised"], 1.0, "one bad file must not stop the others");
            assert!(now.values().all(|v| v.is_finite()));
        }
        assert!(!collector.take_notes().is_empty());
        collector.top(0);
        collector.top(1);
        let mut inventory = machine.inventory();
        for round in 0..2 {
            for delta in inventory.scan(round) {
                for item in &delta.items {
                    let texts = item.fields.iter().map(|f| &f.value).chain([&item.key]);
                    for text in texts {
                        assert!(text.len() <= 512 && !text.chars().any(char::is_control), "{text:?}");
                        assert!(!text.contains('\u{202E}'), "{text:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn names_of_devices_cannot_carry_escape_codes_into_labels() {
    let machine = Machine::new(&[(
        "proc/net/dev",
        "h\nh\n e\x1b[31m\u{202E}0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
    )]);
    let mut out = Sampler::new();
    machine.collector().sample_after(None, &mut out);
    let label = out.definitions().iter().find(|d| d.name == "net.rx.bytes").unwrap().labels[0].value.clone();
    assert_eq!(label, "e0");
}

#[test]
fn packages_tell_their_source_and_only_what_changed() {
    let status = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.11-1~deb12u2\n\
        Source: openssl (3.0.11-1)\nDescription: x\n Package: forged\n\n\
        Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n\
        Package: held\nStatus: hold ok installed\nArchitecture: all\nVersion: 1:2-3\n\n\
        Package: noversion\nStatus: install ok installed\n\n";
    let machine = Machine::new(&[
        ("var/lib/dpkg/status", status),
        ("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12\nArchitecture: amd64\n"),
        ("var/lib/dpkg/status.d/base.md5sums", "Package: not-a-package\nVersion: 1\n"),
        (
            "lib/apk/db/installed",
            "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\no:musl-src\nF:lib\n\nP:zlib\nV:1.3-r0\nA:x86_64\n\n",
        ),
    ]);
    let mut inventory = machine.inventory();
    let all = by_section(inventory.scan(0));
    let keys: Vec<&str> = all["packages"].keys().map(String::as_str).collect();
    assert_eq!(keys, ["base-files:amd64", "held:all", "libssl3:amd64", "musl:x86_64", "zlib:x86_64"]);
    let ssl = &all["packages"]["libssl3:amd64"];
    assert_eq!((field(ssl, "source"), field(ssl, "source_version")), ("openssl", "3.0.11-1"));
    assert_eq!(field(&all["packages"]["held:all"], "hold"), "true");
    assert_eq!(field(&all["packages"]["musl:x86_64"], "source"), "musl-src");

    machine.write(
        "var/lib/dpkg/status",
        status
            .replace("3.0.11-1~deb12u2", "3.0.13-1")
            .replace("hold ok installed", "deinstall ok config-files")
            .as_bytes(),
    );
    let delta: Vec<_> = inventory.scan(1).into_iter().filter(|d| d.section == "packages").collect();
    assert_eq!(delta.len(), 1);
    assert!(!delta[0].full);
    assert_eq!(delta[0].items.iter().map(|i| i.key.as_str()).collect::<Vec<_>>(), ["libssl3:amd64"]);
    assert_eq!(delta[0].removed, ["held:all"]);
    assert_eq!(delta[0].observed_ms, 1);
    assert!(inventory.scan(2).iter().all(|d| d.section != "packages"));
}

#[test]
fn a_package_database_that_makes_no_sense_is_noted_and_never_told_as_no_packages() {
    for (path, note) in [
        ("var/lib/rpm/Packages", "rpm's Packages"),
        ("var/lib/rpm/Packages.db", "rpm's Packages.db"),
        ("var/lib/rpm/rpmdb.sqlite", "rpmdb.sqlite"),
    ] {
        let machine = Machine::new(&[(path, "no database")]);
        let mut inventory = machine.inventory();
        assert!(inventory.scan(0).iter().all(|d| d.section != "packages"));
        assert!(inventory.take_notes().iter().any(|n| n.source == note), "{path}");
    }
}

#[test]
fn accounts_tell_the_kind_of_password_and_never_the_hash() {
    let machine = Machine::new(&[
        (
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:Ann,,,:/home/ann:/bin/sh\nold:abJnggxhB/yWI:5:5::/:/bin/sh\nopen::6:6::/:/bin/sh\nbad line\n",
        ),
        ("etc/shadow", "root:!:19000:0:99999:7:::\nann:$y$j9T$SALTSALT$HASHHASH:19700:0:99999:7:::\n"),
        ("etc/group", "root:x:0:\nsudo:x:27:ann,bob\n"),
    ]);
    let mut inventory = machine.inventory();
    let deltas = inventory.scan(0);
    let text = format!("{deltas:?}");
    assert!(!text.contains("HASHHASH") && !text.contains("SALTSALT") && !text.contains("yWI"));
    let all = by_section(deltas);
    let kind = |user: &str| field(&all["users"][user], "password").to_owned();
    assert_eq!(
        [kind("root"), kind("ann"), kind("old"), kind("open")],
        ["locked", "yescrypt", "descrypt", "none"]
    );
    assert_eq!(field(&all["users"]["ann"], "password_changed_day"), "19700");
    assert_eq!(field(&all["groups"]["sudo"], "members"), "ann,bob");
    assert!(
        inventory.take_notes().iter().any(|n| n.source == "etc/passwd" && n.problem == Problem::Malformed)
    );
}

#[test]
fn sudo_rights_follow_includes_and_end() {
    let machine = Machine::new(&[
        (
            "etc/sudoers",
            "Defaults env_reset\n# a comment\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL) \\\n  NOPASSWD: ALL\n#1001 ALL=ALL\n@includedir /etc/sudoers.d\n@include sudoers\n",
        ),
        ("etc/sudoers.d/ops", "User_Alias OPS = ann, bob\nOPS ALL=/usr/bin/systemctl\n"),
        ("etc/sudoers.d/ignored.bak", "evil ALL=ALL\n"),
        ("etc/sudoers.d/ignored~", "evil ALL=ALL\n"),
    ]);
    let mut inventory = machine.inventory();
    let all = by_section(inventory.scan(0));
    let mut seen: Vec<String> = all["sudo"]
        .values()
        .map(|r| {
            format!(
                "{} {} {} {}",
                field(r, "kind"),
                field(r, "subject"),
                field(r, "rights"),
                field(r, "without_password")
            )
        })
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [
            "alias User_Alias OPS = ann, bob ",
            "default Defaults env_reset ",
            "rule #1001 ALL=ALL ",
            "rule %sudo ALL=(ALL)   NOPASSWD: ALL true",
            "rule OPS ALL=/usr/bin/systemctl ",
            "rule root ALL=(ALL:ALL) ALL ",
        ]
    );
    // The file that includes itself was noticed.
    assert!(inventory.take_notes().iter().any(|n| n.source == "sudo" && n.problem == Problem::Cut));
}

#[test]
fn timers_come_from_crontabs_and_units() {
    let machine = Machine::new(&[
        (
            "etc/crontab",
            "SHELL=/bin/sh\n17 * * * * root cd / && run-parts --report /etc/cron.hourly\nbroken\n",
        ),
        ("etc/cron.d/backup", "0 3 * * * backup /usr/bin/borg create --passphrase hunter2 /srv\n"),
        ("etc/cron.d/old.dpkg-dist", "* * * * * root evil\n"),
        ("etc/cron.daily/logrotate", "#!/bin/sh\n"),
        ("var/spool/cron/crontabs/ann", "@reboot /home/ann/start TOKEN=abc\n"),
        ("usr/lib/systemd/system/fstrim.timer", "[Timer]\nOnCalendar=weekly\nPersistent=true\n"),
        ("usr/lib/systemd/system/other.timer", "[Timer]\nOnBootSec=5min\nUnit=thing.service\n"),
    ]);
    std::fs::create_dir_all(machine.root().join("etc/systemd/system/timers.target.wants")).unwrap();
    std::os::unix::fs::symlink(
        "/usr/lib/systemd/system/fstrim.timer",
        machine.root().join("etc/systemd/system/timers.target.wants/fstrim.timer"),
    )
    .unwrap();
    let mut inventory = machine.inventory();
    let deltas = inventory.scan(0);
    assert!(!format!("{deltas:?}").contains("hunter2") && !format!("{deltas:?}").contains("TOKEN=abc"));
    let all = by_section(deltas);
    let mut seen: Vec<String> = all["timers"]
        .values()
        .map(|t| format!("{} | {} | {}", field(t, "schedule"), field(t, "user"), field(t, "command")))
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [
            "0 3 * * * | backup | /usr/bin/borg create --passphrase *** /srv",
            "17 * * * * | root | cd / && run-parts --report /etc/cron.hourly",
            "@daily | root | /etc/cron.daily/logrotate",
            "@reboot | ann | /home/ann/start TOKEN=***",
            "OnBootSec=5min |  | thing.service",
            "OnCalendar=weekly |  | fstrim.service",
        ]
    );
    assert_eq!(field(&all["timers"]["fstrim.timer"], "enabled"), "true");
    assert_eq!(field(&all["timers"]["other.timer"], "enabled"), "false");
    assert!(inventory.take_notes().iter().any(|n| n.source == "timers" && n.count == 1));
}

#[test]
fn processes_are_grouped_and_their_secrets_masked() {
    let stat = |pid: u32, name: &str, ppid: u32, start: u64| {
        format!("{pid} ({name}) S {ppid} 1 1 0 -1 0 0 0 0 0 100 50 0 0 20 0 4 0 {start} 1000 500 0\n")
    };
    let machine = Machine::new(&[
        ("proc/uptime", "1000.00 0\n"),
        ("etc/passwd", "www:x:33:33::/:/bin/false\n"),
        ("proc/2/stat", &stat(2, "kthreadd", 0, 1)),
        ("proc/9/stat", &stat(9, "kworker/0:0", 2, 1)),
        ("proc/100/stat", &stat(100, "app) R 1", 1, 500)),
        ("proc/100/cmdline", "/usr/bin/app\0--password\0hunter2\0"),
        ("proc/100/status", "Name:\tapp\nUid:\t33\t33\t33\t33\n"),
        ("proc/101/stat", &stat(101, "app) R 1", 1, 600)),
        ("proc/101/cmdline", "/usr/bin/app\0--worker\0"),
        ("proc/101/status", "Name:\tapp\nUid:\t33\t33\t33\t33\n"),
        ("proc/200/stat", &stat(200, "young", 1, 99_000)),
    ]);
    let mut inventory = machine.inventory();
    let all = by_section(inventory.scan(1_000_000_000));
    assert_eq!(all["processes"].len(), 1);
    let app = &all["processes"]["app) R 1 www /usr/bin/app"];
    assert_eq!((field(app, "command"), field(app, "user")), ("/usr/bin/app --password ***", "www"));
    // Started 5 s after boot, which was 1 000 s ago.
    assert_eq!(field(app, "started_ms"), (1_000_000_000 - 995_000).to_string());
    // A worker comes and goes: nothing to tell. The last one goes: gone.
    std::fs::remove_dir_all(machine.root().join("proc/101")).unwrap();
    assert!(inventory.scan(1).iter().all(|d| d.section != "processes"));
    std::fs::remove_dir_all(machine.root().join("proc/100")).unwrap();
    let delta = inventory.scan(2).into_iter().find(|d| d.section == "processes").unwrap();
    assert_eq!(delta.removed, ["app) R 1 www /usr/bin/app"]);

    let (mut collector, mut out) = (machine.collector(), Sampler::new());
    collector.sample_after(None, &mut out);
    let now = values(&mut out);
    assert_eq!(
        (now["processes.total"], now["processes.threads"], now["processes.state sleeping"]),
        (3.0, 12.0, 3.0)
    );
}

#[test]
fn custom_fields_are_told_and_follow_the_configuration() {
    let machine = Machine::new(&[]);
    let mut inventory = Inventory::new(InventoryConfig {
        root: machine.root().to_owned(),
        fields: vec![("department".into(), "Accounting\x1b[2J".into()), ("location".into(), "Rack 4".into())],
    });
    let all = by_section(inventory.scan(0));
    assert_eq!(field(&all["fields"]["department"], "value"), "Accounting");
    inventory.set_fields(vec![("location".into(), "Rack 5".into())]);
    let delta = inventory.scan(1).into_iter().find(|d| d.section == "fields").unwrap();
    assert_eq!((delta.items.len(), delta.removed), (1, vec!["department".to_owned()]));
}

#[test]
fn virtual_machines_and_containers_are_recognised() {
    for (files, virtualisation, container) in [
        (
            vec![("sys/class/dmi/id/sys_vendor", "QEMU\n"), ("proc/cpuinfo", "flags\t: fpu hypervisor\n")],
            "kvm",
            "",
        ),
        (vec![("sys/class/dmi/id/product_name", "VMware Virtual Platform\n")], "vmware", ""),
        (
            vec![("proc/cpuinfo", "flags\t: fpu\n"), ("sys/class/dmi/id/sys_vendor", "Dell Inc.\n")],
            "none",
            "",
        ),
        (
            vec![("sys/class/dmi/id/sys_vendor", "Amazon EC2\n"), ("proc/cpuinfo", "flags\t: fpu\n")],
            "none",
            "",
        ),
        (vec![("proc/cpuinfo", "flags\t: hypervisor\n"), (".dockerenv", "")], "vm", "docker"),
        (vec![("proc/1/cgroup", "0::/kubepods.slice/x\n")], "none", "kubernetes"),
    ] {
        let machine = Machine::new(&files);
        let all = by_section(machine.inventory().scan(0));
        let os = &all["os"]["os"];
        assert_eq!(
            (field(os, "virtualisation"), field(os, "container")),
            (virtualisation, container),
            "{files:?}"
        );
    }
}

#[test]
fn interfaces_sockets_and_files_are_read_from_their_own_columns() {
    let machine = Machine::new(&[
        (
            "proc/net/dev",
            "h\nh\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nveth1: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n",
        ),
        ("sys/class/net/eth0/operstate", "up\n"),
        (
            "proc/net/sockstat",
            "sockets: used 321\nTCP: inuse 5 orphan 1 tw 2 alloc 7 mem 3\nUDP: inuse 4 mem 2\n",
        ),
        (
            "proc/net/tcp",
            "h\n 0: 0100007F:0016 00000000:0000 0A 0:0 0:0 0 0 0 1\n 1: 0100007F:0016 0100007F:9999 01 0:0 0:0 0 0 0 2\n",
        ),
        ("proc/net/tcp6", "h\n 0: 0100007F:0016 0100007F:9998 06 0:0 0:0 0 0 0 3\n"),
        ("proc/sys/fs/file-nr", "1504\t0\t9223372036854775807\n"),
        ("proc/sys/kernel/random/entropy_avail", "256\n"),
        ("proc/uptime", "3601.89 7000.00\n"),
        (
            "proc/self/mountinfo",
            "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n31 27 254:1 / /data rw - xfs /dev/vdb ro\n",
        ),
    ]);
    let (mut collector, mut out) = (machine.collector(), Sampler::new());
    collector.sample_after(None, &mut out);
    let now = values(&mut out);
    let of = |names: &[&str]| names.iter().map(|n| now[*n]).collect::<Vec<f64>>();
    assert_eq!(
        of(&["net.rx.bytes eth0", "net.rx.packets eth0", "net.rx.errors eth0", "net.rx.drops eth0"]),
        [1.0, 2.0, 3.0, 4.0]
    );
    assert_eq!(
        of(&[
            "net.tx.bytes eth0",
            "net.tx.packets eth0",
            "net.tx.errors eth0",
            "net.tx.drops eth0",
            "net.up eth0"
        ]),
        [9.0, 10.0, 11.0, 12.0, 1.0]
    );
    assert!(!now.keys().any(|k| k.contains("veth1")));
    assert_eq!(
        of(&["tcp.state listen", "tcp.state established", "tcp.state time_wait", "sockets.used"]),
        [1.0, 1.0, 1.0, 321.0]
    );
    assert_eq!(of(&["fd.open", "entropy.available", "uptime"]), [1504.0, 256.0, 3601.89]);
    assert_eq!(of(&["fs.readonly /", "fs.readonly /data"]), [0.0, 1.0]);
}

#[test]
fn those_who_use_the_most_are_named_with_their_share() {
    let stat = |pid: u32, name: &str, ticks: u64, pages: u64| {
        format!("{pid} ({name}) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 4 0 500 1000 {pages} 0\n")
    };
    let machine = Machine::new(&[
        ("etc/passwd", "root:x:0:0::/:/bin/sh\n"),
        ("proc/10/stat", &stat(10, "idle", 100, 9_000)),
        ("proc/11/stat", &stat(11, "busy", 100, 50)),
    ]);
    let (mut collector, mut out) = (machine.collector(), Sampler::new());
    collector.sample_after(None, &mut out);
    assert!(collector.top(0).is_none(), "one reading tells nothing about use");
    machine.write("proc/11/stat", stat(11, "busy", 100_000, 50).as_bytes());
    collector.sample_after(TEN_SECONDS, &mut out);
    let top = collector.top(7).unwrap();
    assert_eq!((top.section.as_str(), top.full, top.observed_ms), ("top", true, 7));
    let item = |key: &str| top.items.iter().find(|i| i.key == key);
    let first = item("cpu.1").unwrap();
    assert_eq!((field(first, "name"), field(first, "pid")), ("busy", "11"));
    assert!(field(first, "cpu_percent").parse::<f64>().unwrap() > 0.0);
    assert!(item("cpu.2").is_none(), "who used nothing is not named");
    let first = item("memory.1").unwrap();
    assert_eq!((field(first, "name"), item("memory.2").map(|i| field(i, "name"))), ("idle", Some("busy")));
    let page = rustix::param::page_size() as u64;
    assert_eq!(field(first, "rss_bytes"), (9_000 * page).to_string());
}

#[test]
fn hardware_and_mounts_are_described() {
    let machine = Machine::new(&[
        (
            "proc/cpuinfo",
            "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon X\nmicrocode\t: 0x1\ncpu cores\t: 8\nflags\t: fpu\n",
        ),
        ("sys/devices/system/cpu/online", "0-15\n"),
        ("proc/meminfo", "MemTotal: 2048 kB\n"),
        ("sys/class/dmi/id/sys_vendor", "Dell Inc.\n"),
        ("sys/class/dmi/id/product_name", "R740\n"),
        ("sys/block/sda/size", "8\n"),
        ("sys/block/sda/queue/rotational", "1\n"),
        ("sys/block/sda/device/model", "ST1000\n"),
        ("sys/block/loop0/size", "8\n"),
        (
            "proc/self/mountinfo",
            "22 27 0:21 / /proc rw - proc proc rw\n27 1 254:0 / / rw - ext4 /dev/vda rw\n\
             30 27 254:0 /srv /mnt/bind ro - ext4 /dev/vda rw\n32 27 0:40 / /net rw - nfs4 server:/x rw\n",
        ),
    ]);
    let all = by_section(machine.inventory().scan(0));
    let of = |section: &str, key: &str, names: &[&str]| {
        names.iter().map(|n| field(&all[section][key], n).to_owned()).collect::<Vec<_>>().join("|")
    };
    assert_eq!(
        of("hardware", "cpu", &["model", "vendor", "threads", "cores_per_socket"]),
        "Xeon X|GenuineIntel|16|8"
    );
    assert_eq!(of("hardware", "memory", &["bytes"]), "2097152");
    assert_eq!(of("hardware", "system", &["vendor", "product"]), "Dell Inc.|R740");
    assert_eq!(of("hardware", "disk sda", &["bytes", "model", "kind"]), "4096|ST1000|rotating");
    assert!(!all["hardware"].contains_key("disk loop0"));
    let points: Vec<&str> = all["mounts"].keys().map(String::as_str).collect();
    assert_eq!(points, ["/", "/mnt/bind", "/net"]);
    assert_eq!(of("mounts", "/mnt/bind", &["type", "readonly", "subtree"]), "ext4|true|/srv");
    assert_eq!(of("mounts", "/net", &["device", "type", "readonly"]), "server:/x|nfs4|");
}

#[test]
fn an_interface_with_many_addresses_tells_all_of_them_whole() {
    let lines: String =
        (0..60).map(|i| format!("20010db8000000000000000000{i:06x} 02 40 00 80 eth0\n")).collect();
    let machine = Machine::new(&[
        ("proc/net/if_inet6", &lines),
        ("sys/class/net/eth0/ifindex", "2\n"),
        ("sys/class/net/eth0/address", "52:54:00:00:00:01\n"),
    ]);
    let mut inventory = machine.inventory();
    let all = by_section(inventory.scan(0));
    let told: Vec<&str> =
        all["interfaces"].values().flat_map(|i| field(i, "addresses").split_whitespace()).collect();
    assert_eq!(told.len(), 60);
    assert!(told.iter().all(|a| a.starts_with("2001:db8::") && a.ends_with("/64")), "{told:?}");
    assert_eq!(field(&all["interfaces"]["eth0"], "mac"), "52:54:00:00:00:01");
    // With fewer, the further items go.
    machine.write("proc/net/if_inet6", lines.lines().next().unwrap().as_bytes());
    let delta = inventory.scan(1).into_iter().find(|d| d.section == "interfaces").unwrap();
    assert_eq!(delta.items.len(), 1);
    assert!(!delta.removed.is_empty() && delta.removed.iter().all(|key| key.starts_with("eth0 (")));
}
