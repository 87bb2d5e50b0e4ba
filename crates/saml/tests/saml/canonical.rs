//! Canonical bytes compared with libxml2's, over documents that nobody wrote by hand.

use std::fmt::Write as _;
use std::process::Command;

use tempfile::TempDir;
use wk_saml::{Document, canonical_document};

use crate::forge::run;

const DOCUMENTS: u64 = 1_500;

/// A small generator: the same documents in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len() as u64) as usize]
    }
}

const PREFIXES: &[&str] = &["", "a", "b", "c", "xs"];
const URIS: &[&str] = &["urn:a", "urn:b", "http://c.example/", "urn:a:z"];
const TEXTS: &[&str] = &[
    "x", " ", "\n", "\t", "\r\n", "&amp;", "&lt;", "&gt;", "&#13;", "&#x9;", "&#10;", "é", "𝄞", "\"", "'",
    ">",
];

fn element(dice: &mut Dice, out: &mut String, depth: u64, scope: &[(&'static str, &'static str)]) {
    let mut scope = scope.to_vec();
    let mut declared: Vec<&str> = Vec::new();
    let mut tag = String::new();
    for _ in 0..dice.roll(3) {
        let prefix = dice.pick(PREFIXES);
        if declared.contains(&prefix) {
            continue;
        }
        declared.push(prefix);
        let uri = if prefix.is_empty() && dice.roll(3) == 0 { "" } else { dice.pick(URIS) };
        scope.retain(|(known, _)| *known != prefix);
        if prefix.is_empty() {
            let _ = write!(tag, " xmlns=\"{uri}\"");
        } else {
            let _ = write!(tag, " xmlns:{prefix}='{uri}'");
        }
        if !uri.is_empty() {
            scope.push((prefix, uri));
        }
    }
    let known = |dice: &mut Dice, scope: &[(&'static str, &'static str)]| {
        let prefixes: Vec<&str> =
            scope.iter().map(|(prefix, _)| *prefix).filter(|p| !p.is_empty()).chain([""]).collect();
        dice.pick(&prefixes)
    };
    let mut seen: Vec<(String, String)> = Vec::new();
    for _ in 0..dice.roll(4) {
        let prefix = if dice.roll(8) == 0 { "xml" } else { known(dice, &scope) };
        let local = if prefix == "xml" { "lang" } else { dice.pick(&["z", "m", "ID", "B"]) };
        let uri = scope
            .iter()
            .find(|(known, _)| *known == prefix && !prefix.is_empty())
            .map_or(prefix, |(_, uri)| *uri);
        if seen.iter().any(|(u, l)| u == uri && l == local) {
            continue;
        }
        seen.push((uri.to_owned(), local.to_owned()));
        let value: String = (0..dice.roll(4)).map(|_| dice.pick(TEXTS)).collect();
        let value = value.replace('"', "&quot;");
        let colon = if prefix.is_empty() { "" } else { ":" };
        let _ = write!(tag, " {prefix}{colon}{local} = \"{value}\"");
    }
    let prefix = known(dice, &scope);
    let colon = if prefix.is_empty() { "" } else { ":" };
    let local = dice.pick(&["e", "Assertion", "x-1"]);
    let _ = write!(out, "<{prefix}{colon}{local}{tag}");
    if dice.roll(5) == 0 {
        out.push_str(" />");
        return;
    }
    out.push('>');
    for _ in 0..dice.roll(5) {
        match dice.roll(6) {
            0 => out.push_str("<!-- c - é -->"),
            1 => out.push_str("<![CDATA[<&x>]]>"),
            2 | 3 if depth < 6 => element(dice, out, depth + 1, &scope),
            _ => out.push_str(dice.pick(TEXTS)),
        }
    }
    let _ = write!(out, "</{prefix}{colon}{local} >");
}

const OTHER: &str = r#"
import sys, os
from lxml import etree
folder, count = sys.argv[1], int(sys.argv[2])
for n in range(count):
    raw = open(f"{folder}/{n}.xml", "rb").read()
    root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))
    for name, comments, prefixes in (("plain", False, None), ("comments", True, None), ("prefixes", False, ["xs", "a"])):
        out = etree.tostring(root, method="c14n", exclusive=True, with_comments=comments, inclusive_ns_prefixes=prefixes)
        open(f"{folder}/{n}.{name}", "wb").write(out)
"#;

#[test]
fn canonical_bytes_are_those_of_libxml2() {
    let dir = TempDir::new().unwrap();
    let mut dice = Dice(0x5eed_1234_abcd_0001);
    let mut documents = Vec::new();
    for n in 0..DOCUMENTS {
        let mut xml = String::new();
        if dice.roll(2) == 0 {
            xml.push_str("<?xml version=\"1.0\" encoding='utf-8'?>\n");
        }
        element(&mut dice, &mut xml, 0, &[]);
        std::fs::write(dir.path().join(format!("{n}.xml")), &xml).unwrap();
        documents.push(xml);
    }
    run(Command::new("/usr/bin/python3").args(["-c", OTHER]).arg(dir.path()).arg(DOCUMENTS.to_string()));
    for (n, xml) in documents.iter().enumerate() {
        let document = Document::parse(xml.as_bytes()).unwrap_or_else(|error| panic!("{error}: {xml}"));
        for (name, comments, prefixes) in
            [("plain", false, &[][..]), ("comments", true, &[][..]), ("prefixes", false, &["xs", "a"][..])]
        {
            let other = std::fs::read(dir.path().join(format!("{n}.{name}"))).unwrap();
            let own = canonical_document(&document, comments, prefixes);
            assert_eq!(String::from_utf8_lossy(&own), String::from_utf8_lossy(&other), "{name} of {xml}");
            // What is canonical stays as it is.
            if !comments {
                let again = Document::parse(&own).unwrap();
                assert_eq!(canonical_document(&again, comments, prefixes), own, "{name} again of {xml}");
            }
        }
    }
}
