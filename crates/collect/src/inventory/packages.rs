//! Installed packages: dpkg (`status`, `status.d`), apk (`installed`), rpm (see [`super::rpm`]).

use std::path::Path;

use super::lines::Lines;
use super::section::Writer;
use super::{Stamp, dir_entries, rpm};
use crate::note::Notes;
use crate::parse::{fields, trim};

const DPKG: &str = "var/lib/dpkg/status";
const DPKG_DIR: &str = "var/lib/dpkg/status.d";
const APK: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

pub(crate) fn stamp(root: &Path) -> u64 {
    let mut stamp = Stamp::default();
    for file in [DPKG].into_iter().chain(APK).chain(rpm::DATABASES) {
        stamp.add(&root.join(file));
    }
    for database in rpm::DATABASES {
        stamp.add(&root.join(format!("{database}-wal")));
    }
    stamp.add_dir(&root.join(DPKG_DIR));
    stamp.0
}

pub(crate) fn scan(root: &Path, mut out: Writer<'_>, notes: &mut Notes) {
    let mut complete = true;
    complete &= stanzas(&root.join(DPKG), true, &mut out, notes);
    // Images without dpkg itself keep one file per package.
    for path in dir_entries(&root.join(DPKG_DIR)) {
        if path.extension().is_none_or(|e| e != "md5sums") {
            complete &= stanzas(&path, false, &mut out, notes);
        }
    }
    // On a merged /usr both names are the same file.
    if let Some(path) = APK.iter().map(|f| root.join(f)).find(|p| p.exists()) {
        complete &= apk(&path, &mut out, notes);
    }
    for database in rpm::DATABASES {
        let path = root.join(database);
        if path.exists() {
            complete &= rpm::scan(&path, &mut |p, notes| out.item(&p.key(), &p.fields(), notes), notes);
            break;
        }
    }
    out.finish(complete, notes);
}

#[derive(Default)]
struct Stanza {
    name: Vec<u8>,
    version: Vec<u8>,
    arch: Vec<u8>,
    source: Vec<u8>,
    status: Vec<u8>,
}

/// Reads a dpkg status file. A file that is not there is no package and no failure.
fn stanzas(path: &Path, need_status: bool, out: &mut Writer<'_>, notes: &mut Notes) -> bool {
    if !path.exists() {
        return true;
    }
    let Some(mut lines) = Lines::open(path) else { return false };
    let mut now = Stanza::default();
    while let Some(line) = lines.next() {
        if trim(line).is_empty() {
            dpkg_item(&std::mem::take(&mut now), need_status, out, notes);
            continue;
        }
        if line[0] == b' ' || line[0] == b'\t' {
            continue;
        }
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        let slot = match &line[..colon] {
            b"Package" => &mut now.name,
            b"Version" => &mut now.version,
            b"Architecture" => &mut now.arch,
            b"Source" => &mut now.source,
            b"Status" => &mut now.status,
            _ => continue,
        };
        *slot = trim(&line[colon + 1..]).to_vec();
    }
    dpkg_item(&now, need_status, out, notes);
    lines.complete()
}

fn dpkg_item(stanza: &Stanza, need_status: bool, out: &mut Writer<'_>, notes: &mut Notes) {
    if stanza.name.is_empty() || stanza.version.is_empty() {
        return;
    }
    let mut status = fields(&stanza.status);
    let want = status.next().unwrap_or_default();
    // What was removed but has configuration files left is not installed. Half-installed is: its files are there.
    let state = status.nth(1).unwrap_or_default();
    if need_status && matches!(state, b"" | b"not-installed" | b"config-files") {
        return;
    }
    // `Source: openssl (3.0.11-1)`; without it name and version of the source are those of the package.
    let (mut source, mut source_version) = (stanza.name.as_slice(), stanza.version.as_slice());
    if !stanza.source.is_empty() {
        let text = stanza.source.as_slice();
        match text.iter().position(|b| *b == b'(') {
            Some(open) => {
                source = trim(&text[..open]);
                source_version = trim(text[open + 1..].strip_suffix(b")").unwrap_or(&text[open + 1..]));
            }
            None => source = text,
        }
    }
    let key = [&stanza.name[..], b":", &stanza.arch].concat();
    let hold: &[u8] = if want == b"hold" { b"true" } else { b"" };
    let state: &[u8] = if state == b"installed" || state.is_empty() { b"" } else { state };
    out.item(
        &key,
        &[
            ("manager", b"dpkg"),
            ("name", &stanza.name),
            ("version", &stanza.version),
            ("arch", &stanza.arch),
            ("source", source),
            ("source_version", source_version),
            ("hold", hold),
            ("state", state),
        ],
        notes,
    );
}

fn apk(path: &Path, out: &mut Writer<'_>, notes: &mut Notes) -> bool {
    let Some(mut lines) = Lines::open(path) else { return false };
    let mut now = Stanza::default();
    let tell = |now: &Stanza, out: &mut Writer<'_>, notes: &mut Notes| {
        if now.name.is_empty() || now.version.is_empty() {
            return;
        }
        let source: &[u8] = if now.source.is_empty() { &now.name } else { &now.source };
        out.item(
            &[&now.name[..], b":", &now.arch].concat(),
            &[
                ("manager", b"apk"),
                ("name", &now.name),
                ("version", &now.version),
                ("arch", &now.arch),
                ("source", source),
                ("source_version", &now.version),
            ],
            notes,
        );
    };
    while let Some(line) = lines.next() {
        if line.is_empty() {
            tell(&std::mem::take(&mut now), out, notes);
            continue;
        }
        let slot = match line {
            [b'P', b':', ..] => &mut now.name,
            [b'V', b':', ..] => &mut now.version,
            [b'A', b':', ..] => &mut now.arch,
            [b'o', b':', ..] => &mut now.source,
            _ => continue,
        };
        *slot = trim(&line[2..]).to_vec();
    }
    tell(&now, out, notes);
    lines.complete()
}
