//! Which hosts, by their labels: `env=prod, team in (db, web), !legacy`. All terms must hold.
//!
//! A closed grammar, parsed once into types, bounded, without patterns: what a selector means can be read off it.
//! `key=value`, `key!=value`, `key in (a, b)`, `key notin (a, b)`, `key` (there is one) and `!key` (there is none).
//! `!=` and `notin` hold where the host has no such label.

use std::fmt;

use wk_domain::Labels;

/// Terms of one selector at most: people must be able to read it.
pub const MAX_TERMS: usize = 16;
/// Values of one term at most.
pub const MAX_VALUES: usize = 32;
/// What one label must be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Term {
    /// The label is one of these.
    In { key: String, values: Vec<String> },
    /// The label is none of these, or is not there.
    NotIn { key: String, values: Vec<String> },
    /// There is such a label.
    There { key: String },
    /// There is no such label.
    Absent { key: String },
}

/// Terms that must all hold. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    terms: Vec<Term>,
}

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{at}` is no part of a selector: {want}")]
pub struct SelectorError {
    /// What was read there, cut short.
    pub at: String,
    pub want: &'static str,
}

fn error(at: &str, want: &'static str) -> SelectorError {
    SelectorError { at: at.chars().filter(|c| !c.is_control()).take(40).collect(), want }
}

fn key(raw: &str) -> Result<String, SelectorError> {
    match Labels::parse([(raw, "x")]) {
        Ok(_) => Ok(raw.to_owned()),
        Err(_) => Err(error(raw, "a label's name is of a-z, 0-9, `.`, `_` and `-`, a letter first")),
    }
}

fn value(raw: &str) -> Result<String, SelectorError> {
    match Labels::parse([("x", raw)]) {
        Ok(_) => Ok(raw.to_owned()),
        Err(_) => Err(error(raw, "a label's value is of letters, digits, `.`, `_`, `-` and `/`")),
    }
}

fn term(raw: &str) -> Result<Term, SelectorError> {
    let list = |rest: &str| -> Result<Vec<String>, SelectorError> {
        let inner = rest.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let inner = inner.ok_or_else(|| error(rest, "write the values in parentheses: (a, b)"))?;
        let mut values = inner.split(',').map(|one| value(one.trim())).collect::<Result<Vec<_>, _>>()?;
        if values.len() > MAX_VALUES {
            return Err(error(rest, "too many values"));
        }
        values.sort();
        values.dedup();
        Ok(values)
    };
    if let Some(rest) = raw.strip_prefix('!') {
        return Ok(Term::Absent { key: key(rest.trim())? });
    }
    if let Some((name, rest)) = raw.split_once("!=") {
        return Ok(Term::NotIn { key: key(name.trim())?, values: vec![value(rest.trim())?] });
    }
    if let Some((name, rest)) = raw.split_once('=') {
        return Ok(Term::In { key: key(name.trim())?, values: vec![value(rest.trim())?] });
    }
    if let Some((name, rest)) = raw.split_once(" notin ") {
        return Ok(Term::NotIn { key: key(name.trim())?, values: list(rest)? });
    }
    if let Some((name, rest)) = raw.split_once(" in ") {
        return Ok(Term::In { key: key(name.trim())?, values: list(rest)? });
    }
    Ok(Term::There { key: key(raw)? })
}

impl Selector {
    /// Reads one.
    ///
    /// # Errors
    /// [`SelectorError`], with what was read and what is wanted there.
    pub fn parse(raw: &str) -> Result<Self, SelectorError> {
        // 16 terms of 32 values of 63 characters would be more than anybody reads.
        if raw.len() > 2_000 {
            return Err(error(raw, "a selector is at most 2000 bytes long"));
        }
        let (mut terms, mut depth, mut start) = (Vec::new(), 0_u32, 0);
        let ends = raw.char_indices().map(|(at, c)| (at, Some(c))).chain([(raw.len(), None)]);
        for (at, c) in ends {
            match c {
                Some('(') => depth += 1,
                Some(')') => depth = depth.saturating_sub(1),
                Some(',') | None if depth == 0 || c.is_none() => {
                    terms.push(term(raw[start..at].trim())?);
                    start = at + 1;
                }
                _ => {}
            }
        }
        if terms.len() > MAX_TERMS {
            return Err(error(raw, "a selector has at most 16 terms"));
        }
        Ok(Self { terms })
    }

    /// Its terms.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether all terms hold for these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.terms.iter().all(|term| match term {
            Term::In { key, values } => {
                labels.get(key).is_some_and(|have| values.iter().any(|value| value == have))
            }
            Term::NotIn { key, values } => {
                labels.get(key).is_none_or(|have| values.iter().all(|value| value != have))
            }
            Term::There { key } => labels.get(key).is_some(),
            Term::Absent { key } => labels.get(key).is_none(),
        })
    }

    /// Whether whatever matches `self` matches `wider` too, as far as can be seen from the terms.
    pub fn is_within(&self, wider: &Self) -> bool {
        wider.terms.iter().all(|wide| {
            self.terms.iter().any(|own| match (own, wide) {
                (Term::In { key: a, values }, Term::In { key: b, values: allowed }) => {
                    a == b && values.iter().all(|value| allowed.contains(value))
                }
                (Term::In { key: a, values }, Term::NotIn { key: b, values: refused }) => {
                    a == b && !values.iter().any(|value| refused.contains(value))
                }
                (Term::NotIn { key: a, values }, Term::NotIn { key: b, values: refused }) => {
                    a == b && refused.iter().all(|value| values.contains(value))
                }
                (Term::In { key: a, .. }, Term::There { key: b })
                | (Term::Absent { key: a }, Term::NotIn { key: b, .. }) => a == b,
                (own, wide) => own == wide,
            })
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match term {
                Term::In { key, values } if values.len() == 1 => write!(f, "{key}={}", values.join(""))?,
                Term::NotIn { key, values } if values.len() == 1 => write!(f, "{key}!={}", values.join(""))?,
                Term::In { key, values } => write!(f, "{key} in ({})", values.join(", "))?,
                Term::NotIn { key, values } => write!(f, "{key} notin ({})", values.join(", "))?,
                Term::There { key } => f.write_str(key)?,
                Term::Absent { key } => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}
