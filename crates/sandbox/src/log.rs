//! The execution log: what this agent ran, kept on the machine itself, one JSON object per line.
//!
//! Append-only, readable by the agent's user alone, rotated by size. It holds arguments, digests, grades and outcomes,
//! and neither output nor errors: what a plugin prints may be private, what the agent did must not be.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::program::hex;
use crate::runner::Execution;

/// Files kept beside the current one.
const OLD_FILES: u32 = 4;

/// Why a record could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write the execution log {path}")]
pub struct LogError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// An open execution log.
#[derive(Debug)]
pub struct ExecutionLog {
    path: PathBuf,
    bytes_max: u64,
    open: Mutex<(File, u64)>,
}

impl ExecutionLog {
    /// 4 MiB a file: with five files, about 60 000 runs.
    pub const DEFAULT_BYTES_MAX: u64 = 4 << 20;

    /// Opens or makes the log. A symbolic link in its place is refused.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: impl Into<PathBuf>, bytes_max: u64) -> Result<Self, LogError> {
        let path = path.into();
        let opened = open(&path).map_err(|source| LogError { path: path.clone(), source })?;
        Ok(Self { path, bytes_max, open: Mutex::new(opened) })
    }

    /// Appends one record.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&self, execution: &Execution) -> Result<(), LogError> {
        let line = line(execution);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&mut open, line.as_bytes()).map_err(|source| LogError { path: self.path.clone(), source })
    }

    fn write(&self, current: &mut (File, u64), line: &[u8]) -> io::Result<()> {
        if current.1 > 0 && current.1 + line.len() as u64 > self.bytes_max {
            let old = |n: u32| PathBuf::from(format!("{}.{n}", self.path.display()));
            for n in (1..OLD_FILES).rev() {
                // Missing ones are young logs.
                let _missing = std::fs::rename(old(n), old(n + 1));
            }
            std::fs::rename(&self.path, old(1))?;
            *current = open(&self.path)?;
        }
        // One call for the whole line: a crash leaves whole lines.
        current.0.write_all(line)?;
        current.1 += line.len() as u64;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

fn line(execution: &Execution) -> String {
    let mut out = String::with_capacity(256);
    let grade = execution.grade.map(|grade| grade.to_string()).unwrap_or_default();
    out.push_str("{\"id\":");
    string(&mut out, &execution.id.to_string());
    for (key, value) in
        [("plugin", execution.plugin.as_str()), ("sha256", &hex(&execution.sha256)), ("grade", &grade)]
    {
        let _infallible = write!(out, ",\"{key}\":");
        string(&mut out, value);
    }
    out.push_str(",\"argv\":[");
    for (i, arg) in execution.argv.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { "," });
        string(&mut out, arg);
    }
    out.push_str("],\"outcome\":");
    string(&mut out, &execution.outcome.to_string());
    if !execution.detail.is_empty() {
        out.push_str(",\"detail\":");
        string(&mut out, &execution.detail);
    }
    let _infallible = writeln!(
        out,
        ",\"started_ms\":{},\"finished_ms\":{},\"cpu_us\":{}}}",
        execution.started.as_ms(),
        execution.finished.as_ms(),
        execution.cpu.as_micros()
    );
    out
}

/// A JSON string; everything that could end a line or move a terminal's cursor is escaped.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                let _infallible = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_forge_a_line() {
        let mut out = String::new();
        string(&mut out, "a\"}\n{\u{1b}[2J\u{202e}\\");
        assert_eq!(out, r#""a\"}\u000a{\u001b[2J\u202e\\""#);
    }

    #[test]
    fn a_link_in_its_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("executions.log");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert!(ExecutionLog::open(&link, 1000).is_err());
    }
}
