//! Reading a TOML file into a type that refuses unknown keys, with errors that say where and how to mend it.

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
    #[error("{}: {what}", .path.display())]
    Value { path: PathBuf, what: String },
}

/// Reads `path`; a file that is not there is an empty one when `optional`.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, optional: bool) -> Result<T, ConfigError> {
    let read = |source| ConfigError::Read { path: path.to_owned(), source };
    let text = match std::fs::metadata(path) {
        Ok(meta) if meta.len() > FILE_MAX => return Err(ConfigError::TooLarge { path: path.to_owned() }),
        Ok(_) => std::fs::read_to_string(path).map_err(read)?,
        Err(error) if optional && error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(read(error)),
    };
    parse(path, &text)
}

/// Parses a text that came from `path`.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let before = &text[..(0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let what = error.message().trim().to_owned();
        let hint = nearest(&what).map(|key| format!(". Did you mean `{key}`?")).unwrap_or_default();
        ConfigError::Wrong { path: path.to_owned(), line, column, what, hint }
    })
}

/// The known key nearest to the unknown one, out of serde's message: "unknown field `x`, expected one of `a`, `b`".
fn nearest(message: &str) -> Option<String> {
    let mut quoted = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let (distance, best) = quoted.map(|known| (distance(unknown, known), known)).min()?;
    (distance <= 1 + unknown.len() / 3).then(|| best.to_owned())
}

/// Edit distance (Levenshtein) over bytes; keys are short ASCII.
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
