//! Reading a TOML file into a type that refuses unknown keys, with errors that say where and how to mend it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Largest configuration file, in bytes: nobody writes more by hand.
const FILE_MAX: u64 = 1 << 20;

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {source}", .path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is larger than 1 MiB: it is not a configuration file", .path.display())]
    TooLarge { path: PathBuf },
    #[error("{}:{line}:{column}: {what}{hint}", .path.display())]
    Wrong { path: PathBuf, line: usize, column: usize, what: String, hint: String },
    #[error("{}:{line}:{column}: {what}", .path.display())]
    Value { path: PathBuf, line: usize, column: usize, what: String },
}

/// A file that was read, for what is found wrong with its values afterwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// What is wrong with the value of a key outside any table, and where that stands; the first line when it is a
    /// default that does not go with the rest.
    pub(crate) fn wrong(self, key: &str, what: impl Into<String>) -> ConfigError {
        let stands = |line: &str| {
            let name = line.trim_start();
            let after = name.strip_prefix(key).unwrap_or_default().trim_start();
            after.starts_with(['=', '.']).then(|| line.len() - name.len() + 1)
        };
        let table = format!("[{key}]");
        let found = self.text.lines().enumerate().find_map(|(at, line)| {
            let column = stands(line).or_else(|| line.trim().starts_with(&table).then_some(1))?;
            Some((at + 1, column))
        });
        let (line, column) = found.unwrap_or((1, 1));
        ConfigError::Value { path: self.path.to_owned(), line, column, what: what.into() }
    }
}

/// Reads `path`; a file that is not there is an empty one when `optional`. `check` looks at the values.
pub(crate) fn read<T: DeserializeOwned>(
    path: &Path,
    optional: bool,
    check: impl FnOnce(T, Source<'_>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    let read = |source| ConfigError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    match File::open(path) {
        // Bounded by what is read, not by what the file says of itself: a pipe says nothing.
        Ok(file) => {
            file.take(FILE_MAX + 1).read_to_string(&mut text).map_err(read)?;
        }
        Err(error) if optional && error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(read(error)),
    }
    if text.len() as u64 > FILE_MAX {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    check(parse(path, &text)?, Source { path, text: &text })
}

/// Parses a text that came from `path`.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let before = &text[..(0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let what = error.message().trim().to_owned();
        let hint = meant(&what).map(|key| format!(". Did you mean `{key}`?")).unwrap_or_default();
        ConfigError::Wrong { path: path.to_owned(), line, column, what, hint }
    })
}

/// The known key nearest to the unknown one, out of serde's message: "unknown field `x`, expected one of `a`, `b`".
fn meant(message: &str) -> Option<String> {
    let mut quoted = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    nearest(unknown, quoted).map(str::to_owned)
}

/// The known name that was probably meant by an unknown one, when one is near enough to be worth naming.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, best) = known.into_iter().map(|known| (distance(unknown, known), known)).min()?;
    (distance <= 1 + unknown.len() / 3).then_some(best)
}

/// Edit distance (Levenshtein) over bytes; names are short ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let changed = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = changed.min(corner + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe says it has no bytes, and may never end.
    #[test]
    fn what_has_no_end_is_no_configuration_file() {
        let error = read(Path::new("/dev/zero"), false, |table: toml::Table, _| Ok(table)).unwrap_err();
        assert!(matches!(error, ConfigError::TooLarge { .. }), "{error}");
    }
}
