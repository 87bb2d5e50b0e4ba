//! Operating system, hardware, virtualisation and mounts.

use std::path::Path;

use super::dir_entries;
use super::section::Writer;
use crate::host::filesystem::mountinfo_line;
use crate::note::{Notes, Problem};
use crate::parse::{fields, lines, number, trim};
use crate::source::read_small;

/// Most disks and mounts told.
const DISKS_MAX: usize = 512;
const MOUNTS_MAX: usize = 2_048;

/// File systems through which the kernel shows itself; they say nothing about a machine.
const PSEUDO: &[&[u8]] = &[
    b"autofs",
    b"binfmt_misc",
    b"bpf",
    b"cgroup",
    b"cgroup2",
    b"configfs",
    b"debugfs",
    b"devpts",
    b"devtmpfs",
    b"efivarfs",
    b"fusectl",
    b"hugetlbfs",
    b"mqueue",
    b"nsfs",
    b"proc",
    b"pstore",
    b"ramfs",
    b"rpc_pipefs",
    b"securityfs",
    b"selinuxfs",
    b"sysfs",
    b"tracefs",
];

/// A small file's content without white space at its ends; empty when it cannot be read.
fn word(root: &Path, path: &str) -> Vec<u8> {
    read_small(&root.join(path), 4096).map(|t| trim(&t).to_vec()).unwrap_or_default()
}

pub(crate) fn os(root: &Path, mut out: Writer<'_>, notes: &mut Notes) {
    let release = ["etc/os-release", "usr/lib/os-release"]
        .iter()
        .find_map(|path| read_small(&root.join(path), 64 << 10))
        .unwrap_or_default();
    let of = |key: &str| os_release_value(&release, key);
    let arch = rustix::system::uname();
    out.item(
        b"os",
        &[
            ("id", &of("ID")),
            ("like", &of("ID_LIKE")),
            ("name", &of("PRETTY_NAME")),
            ("version", &of("VERSION_ID")),
            ("codename", &of("VERSION_CODENAME")),
            ("kernel", &word(root, "proc/sys/kernel/osrelease")),
            ("kernel_build", &word(root, "proc/sys/kernel/version")),
            ("arch", arch.machine().to_bytes()),
            ("hostname", &word(root, "proc/sys/kernel/hostname")),
            ("boot_id", &word(root, "proc/sys/kernel/random/boot_id")),
            ("virtualisation", virtualisation(root).as_bytes()),
            ("container", container(root).as_bytes()),
        ],
        notes,
    );
    out.finish(true, notes);
}

/// The value of a key of os-release(5), without its quotes.
fn os_release_value(text: &[u8], key: &str) -> Vec<u8> {
    for line in lines(text) {
        let Some(value) = line.strip_prefix(key.as_bytes()).and_then(|r| r.strip_prefix(b"=")) else {
            continue;
        };
        let value = trim(value);
        let quoted = [b'"', b'\''].iter().find_map(|q| value.strip_prefix(&[*q])?.strip_suffix(&[*q]));
        let mut out = Vec::with_capacity(value.len());
        let mut escaped = false;
        for b in quoted.unwrap_or(value) {
            if *b == b'\\' && !escaped {
                escaped = true;
            } else {
                escaped = false;
                out.push(*b);
            }
        }
        return out;
    }
    Vec::new()
}

/// Which hypervisor, as far as it can be told without executing anything: `kvm`, `vmware`, ..., `vm` when only the
/// processor says so, `none` on bare metal.
fn virtualisation(root: &Path) -> &'static str {
    const VENDORS: &[(&str, &str)] = &[
        ("Amazon EC2", "amazon"),
        ("Google", "google"),
        ("QEMU", "kvm"),
        ("KVM", "kvm"),
        ("OpenStack", "kvm"),
        ("VMware", "vmware"),
        ("VMW", "vmware"),
        ("innotek GmbH", "virtualbox"),
        ("VirtualBox", "virtualbox"),
        ("Xen", "xen"),
        ("Bochs", "bochs"),
        ("Parallels", "parallels"),
        ("BHYVE", "bhyve"),
        ("Virtual Machine", "hyper-v"),
        ("Hetzner", "kvm"),
        ("DigitalOcean", "kvm"),
    ];
    if word(root, "sys/hypervisor/type") == b"xen" {
        return "xen";
    }
    let hypervisor = cpuinfo(root).is_some_and(|text| {
        lines(&text).find(|l| l.starts_with(b"flags")).is_some_and(|l| fields(l).any(|f| f == b"hypervisor"))
    });
    let dmi: Vec<String> = ["product_name", "sys_vendor", "board_vendor", "bios_vendor"]
        .iter()
        .map(|file| crate::text::field(&word(root, &format!("sys/class/dmi/id/{file}"))))
        .collect();
    let named = VENDORS
        .iter()
        .find(|(vendor, _)| dmi.iter().any(|text| text.contains(vendor)))
        .map(|(_, name)| *name);
    match named {
        // Amazon and Google also rent bare machines, which say so in the processor's flags.
        Some("amazon" | "google") if !hypervisor => "none",
        Some(name) => name,
        None if hypervisor => "vm",
        None => "none",
    }
}

/// The container this runs in, or nothing.
fn container(root: &Path) -> String {
    let told = word(root, "run/systemd/container");
    if !told.is_empty() {
        return crate::text::clean(&told, 32);
    }
    if root.join(".dockerenv").exists() {
        return "docker".into();
    }
    if root.join("run/.containerenv").exists() {
        return "podman".into();
    }
    let cgroup = word(root, "proc/1/cgroup");
    for (mark, name) in [(&b"kubepods"[..], "kubernetes"), (b"/docker", "docker"), (b"/lxc", "lxc")] {
        if cgroup.windows(mark.len()).any(|w| w == mark) {
            return name.into();
        }
    }
    String::new()
}

/// The first 64 KiB: the first processor is in there, and 256 of them would make megabytes.
fn cpuinfo(root: &Path) -> Option<Vec<u8>> {
    read_small(&root.join("proc/cpuinfo"), 64 << 10)
}

pub(crate) fn hardware(root: &Path, mut out: Writer<'_>, notes: &mut Notes) {
    let cpu = cpuinfo(root).unwrap_or_default();
    let of = |key: &[u8]| {
        lines(&cpu)
            .find_map(|l| {
                let colon = l.iter().position(|b| *b == b':')?;
                (trim(&l[..colon]) == key).then(|| trim(&l[colon + 1..]).to_vec())
            })
            .unwrap_or_default()
    };
    // ARM names no model here; the implementer's code is better than nothing.
    let model = [of(b"model name"), of(b"Model"), of(b"cpu model"), of(b"CPU implementer")];
    let model = model.iter().find(|m| !m.is_empty()).cloned().unwrap_or_default();
    let online = cpu_list(&word(root, "sys/devices/system/cpu/online"));
    let cores_per_socket = of(b"cpu cores");
    out.item(
        b"cpu",
        &[
            ("model", &model),
            ("vendor", &of(b"vendor_id")),
            ("threads", online.map(|n| n.to_string()).unwrap_or_default().as_bytes()),
            ("cores_per_socket", &cores_per_socket),
            ("microcode", &of(b"microcode")),
        ],
        notes,
    );
    let memory = read_small(&root.join("proc/meminfo"), 16 << 10).and_then(|text| {
        let line = lines(&text).find_map(|l| l.strip_prefix(b"MemTotal:"))?;
        number(fields(line).next()?)?.checked_mul(1024)
    });
    if let Some(bytes) = memory {
        out.item(b"memory", &[("bytes", bytes.to_string().as_bytes())], notes);
    }
    let dmi = |file: &str| word(root, &format!("sys/class/dmi/id/{file}"));
    let (vendor, product) = (dmi("sys_vendor"), dmi("product_name"));
    if !vendor.is_empty() || !product.is_empty() {
        out.item(
            b"system",
            &[
                ("vendor", &vendor),
                ("product", &product),
                ("serial", &dmi("product_serial")),
                ("bios", &dmi("bios_version")),
                ("bios_date", &dmi("bios_date")),
            ],
            notes,
        );
    }
    for dir in dir_entries(&root.join("sys/block")).into_iter().take(DISKS_MAX) {
        let Some(name) = dir.file_name().and_then(|n| n.to_str()) else { continue };
        if ["loop", "ram", "fd", "sr", "zram"].iter().any(|p| name.starts_with(p)) {
            continue;
        }
        let of = |file: &str| read_small(&dir.join(file), 256).map(|t| trim(&t).to_vec()).unwrap_or_default();
        let bytes = number(&of("size")).and_then(|sectors| sectors.checked_mul(512));
        let kind: &[u8] = match of("queue/rotational").as_slice() {
            b"1" => b"rotating",
            b"0" => b"solid",
            _ => b"",
        };
        out.item(
            format!("disk {name}").as_bytes(),
            &[
                ("bytes", bytes.map(|b| b.to_string()).unwrap_or_default().as_bytes()),
                ("model", &of("device/model")),
                ("vendor", &of("device/vendor")),
                ("kind", kind),
            ],
            notes,
        );
    }
    out.finish(true, notes);
}

/// How many processors a list such as `0-3,8` names.
fn cpu_list(text: &[u8]) -> Option<u64> {
    let mut count = 0u64;
    for part in text.split(|b| *b == b',') {
        let mut ends = part.split(|b| *b == b'-');
        let first = number(ends.next()?)?;
        let last = ends.next().map_or(Some(first), number)?;
        count = count.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(count)
}

pub(crate) fn mounts(root: &Path, mut out: Writer<'_>, notes: &mut Notes) {
    let path = root.join("proc/self/mountinfo");
    let Some(mut text) = super::lines::Lines::open(&path) else {
        return out.finish(false, notes);
    };
    let mut found = std::collections::BTreeMap::new();
    while let Some(line) = text.next() {
        let Some(mount) = mountinfo_line(line) else {
            notes.add("mounts", Problem::Malformed);
            continue;
        };
        if found.len() >= MOUNTS_MAX {
            notes.add("mounts", Problem::Cut);
            break;
        }
        // What is mounted last on a point is what one sees there.
        found.insert(mount.point.clone(), mount);
    }
    for (point, mount) in &found {
        if PSEUDO.contains(&mount.kind.as_slice()) {
            continue;
        }
        let bind: &[u8] = if mount.fs_root == b"/" { b"" } else { &mount.fs_root };
        let readonly: &[u8] = if mount.readonly() { b"true" } else { b"" };
        out.item(
            point,
            &[
                ("device", &mount.device),
                ("type", &mount.kind),
                ("options", &mount.options),
                ("readonly", readonly),
                ("subtree", bind),
            ],
            notes,
        );
    }
    let complete = text.complete();
    out.finish(complete, notes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn os_release_quotes_and_escapes_are_undone() {
        let text = b"NAME=\"A \\\"B\\\"\"\nID=debian\nVERSION_ID='12'\nIDX=no\n";
        assert_eq!(os_release_value(text, "NAME"), b"A \"B\"");
        assert_eq!(os_release_value(text, "ID"), b"debian");
        assert_eq!(os_release_value(text, "VERSION_ID"), b"12");
        assert_eq!(os_release_value(text, "MISSING"), b"");
    }

    #[test]
    fn processor_lists_are_counted() {
        assert_eq!(cpu_list(b"0-3,8,10-11"), Some(7));
        assert_eq!(cpu_list(b"3-0"), None);
        assert_eq!(cpu_list(b""), None);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (os_release_value(&bytes, "ID"), cpu_list(&bytes), mountinfo_line(&bytes));
        }
    }
}
