//! Every relative link of the documentation leads somewhere: to a file that is there and, behind `#`, to a heading.
//!
//! Reads Markdown as far as links go: inline links and reference definitions outside code. Links into the network are
//! left alone: a build must not depend on them.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::sh;

/// Checks the README and its siblings, the guide, and the decision records.
///
/// # Errors
/// Every link that leads nowhere, with file and line.
pub fn check() -> Result<()> {
    sh::say("==> links of the documentation");
    let broken = broken(&sh::root())?;
    if broken.is_empty() { Ok(()) } else { bail!("links that lead nowhere:\n  {}", broken.join("\n  ")) }
}

fn broken(root: &Path) -> Result<Vec<String>> {
    let mut files = markdown(root, false)?;
    for below in ["docs", "console"] {
        files.extend(markdown(&root.join(below), false)?);
    }
    for below in ["docs/src", "docs/adr", "bench", "fuzz"] {
        files.extend(markdown(&root.join(below), true)?);
    }
    files.sort();
    files.dedup();
    let mut found = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        for (line, link) in links(&text) {
            if let Some(why) = wrong(file, &link) {
                let shown = file.strip_prefix(root).unwrap_or(file).display();
                found.push(format!("{shown}:{line}: {link}: {why}"));
            }
        }
    }
    Ok(found)
}

fn markdown(dir: &Path, deep: bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !dir.is_dir() {
        return Ok(files);
    }
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() && deep {
            files.extend(markdown(&path, true)?);
        } else if path.extension().is_some_and(|e| e == "md") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Why a link leads nowhere, or nothing when it does not.
fn wrong(file: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = if path.is_empty() { file.to_owned() } else { file.parent()?.join(path) };
    if !target.exists() {
        return Some("there is no such file".to_owned());
    }
    let anchor = anchor.filter(|_| target.extension().is_some_and(|e| e == "md"))?;
    let text = std::fs::read_to_string(&target).ok()?;
    let known = prose(&text).any(|(_, line)| {
        line.starts_with('#') && slug(line.trim_start_matches('#')) == anchor
            || line.contains(&format!("id=\"{anchor}\""))
    });
    (!known).then(|| "there is no such heading".to_owned())
}

/// Lines outside fenced code, with their numbers from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(i, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return None;
        }
        (!fenced).then_some((i + 1, line))
    })
}

/// The links of a text, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        // Every second piece between backticks is code; an odd one at the end is not.
        let pieces: Vec<&str> = line.split('`').collect();
        let plain: String = pieces.iter().step_by(2).copied().collect::<Vec<_>>().join("`");
        for (at, _) in plain.match_indices("](") {
            let rest = &plain[at + 2..];
            let end = rest.find([')', ' ']).unwrap_or(rest.len());
            found.push((number, rest[..end].trim_matches(['<', '>']).to_owned()));
        }
        if let Some((_, to)) = plain.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            found.push((number, to.split(' ').next().unwrap_or_default().to_owned()));
        }
        for (at, _) in plain.match_indices("src=\"") {
            let rest = &plain[at + 5..];
            found.push((number, rest[..rest.find('"').unwrap_or(rest.len())].to_owned()));
        }
    }
    found
}

/// The anchor of a heading, as mdBook and code hosts make it.
fn slug(heading: &str) -> String {
    heading
        .trim()
        .chars()
        .filter_map(|c| match c {
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
            c if c.is_whitespace() => Some('-'),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

    use super::*;

    #[test]
    fn links_are_found_outside_code() {
        let text = "[a](x.md) `[no](y.md)` ![b](<i.png>)\n```\n[no](z.md)\n```\n[c]: w.md#h\n";
        let found = links(text);
        assert_eq!(found, [(1, "x.md".to_owned()), (1, "i.png".to_owned()), (5, "w.md#h".to_owned())]);
    }

    #[test]
    fn a_link_leads_to_a_file_and_a_heading_of_it() {
        let dir = std::env::temp_dir().join(format!("wk-links-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("docs/src")).unwrap();
        std::fs::write(dir.join("docs/src/b.md"), "# Ports, and who listens\n").unwrap();
        let good = "[1](docs/src/b.md) [2](docs/src/b.md#ports-and-who-listens) [3](https://x.example/) [4](#top)\n# Top\n";
        std::fs::write(dir.join("a.md"), good).unwrap();
        assert_eq!(broken(&dir).unwrap(), Vec::<String>::new());
        std::fs::write(dir.join("a.md"), "\n[1](docs/src/c.md)\n[2](docs/src/b.md#files)\n").unwrap();
        let found = broken(&dir).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("a.md:2: docs/src/c.md: ") && found[1].starts_with("a.md:3: "),
            "{found:?}"
        );
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn every_link_of_this_checkout_leads_somewhere() {
        assert_eq!(broken(&sh::root()).unwrap(), Vec::<String>::new());
    }
}
