//! Patterns of assignments, compiled once and not at every probe.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use regex::bytes::{Regex, RegexBuilder};
use wk_domain::text::clean_line;

use crate::outcome::Fault;

/// Patterns kept; an agent with more distinct ones compiles some again.
const KEPT_MAX: usize = 256;
/// Bytes of one compiled pattern.
const COMPILED_MAX: usize = 1 << 20;
/// Longest pattern, in bytes.
const PATTERN_MAX: usize = 4 << 10;

/// Compiled patterns.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    kept: Mutex<HashMap<String, Regex>>,
}

impl Patterns {
    /// A pattern from an assignment, bounded in size; matching is linear in the input.
    pub(crate) fn get(&self, pattern: &str) -> Result<Regex, Fault> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = kept.get(pattern) {
            return Ok(regex.clone());
        }
        if pattern.len() > PATTERN_MAX {
            return Err(Fault::arguments(format!("a pattern is longer than {PATTERN_MAX} bytes")));
        }
        let regex = RegexBuilder::new(pattern)
            .size_limit(COMPILED_MAX)
            .dfa_size_limit(COMPILED_MAX)
            .build()
            .map_err(|error| {
                let pattern = clean_line(pattern, 200);
                Fault::arguments(format!("pattern {pattern:?} does not read: {error}"))
            })?;
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    }

    /// As [`Self::get`]; an empty text is no pattern.
    pub(crate) fn get_some(&self, pattern: &str) -> Result<Option<Regex>, Fault> {
        if pattern.is_empty() { Ok(None) } else { self.get(pattern).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_kept_and_bounded() {
        let patterns = Patterns::default();
        assert!(patterns.get("a+").unwrap().is_match(b"caat"));
        for n in 0..KEPT_MAX + 5 {
            patterns.get(&format!("x{n}")).unwrap();
        }
        assert!(patterns.kept.lock().unwrap().len() <= KEPT_MAX);
        assert!(patterns.get("(").is_err());
        assert!(patterns.get(&"x".repeat(PATTERN_MAX + 1)).is_err());
        assert!(patterns.get(r"(\w{200}){200}").is_err(), "small to write, large to compile");
        assert!(patterns.get_some("").unwrap().is_none());
    }
}
