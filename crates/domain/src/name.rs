//! Names, parsed once: hosts, patterns over them, metrics, check keys, labels.

use std::fmt;
use std::str::FromStr;

use crate::text::is_clean_line;

/// A host name: RFC 1123 section 2.1 syntax, at most 253 bytes, kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

/// Why a text is no host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    #[error("a host name has at most {} characters, this one {bytes}", HostName::MAX)]
    TooLong { bytes: usize },
    #[error(
        "{label:?} cannot be a part of a host name: letters, digits and inner hyphens, 1 to 63 characters"
    )]
    BadLabel { label: String },
}

impl HostName {
    /// Bytes in the longest name, RFC 1035 section 2.3.4 as text.
    pub const MAX: usize = 253;

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(raw: &str) -> Result<Self, HostNameError> {
        if raw.len() > Self::MAX {
            return Err(HostNameError::TooLong { bytes: raw.len() });
        }
        match raw.split('.').find(|label| !is_host_label(label)) {
            Some(bad) => Err(HostNameError::BadLabel { label: bad.to_owned() }),
            None => Ok(Self(raw.to_ascii_lowercase())),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for HostName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

fn is_host_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}

/// A pattern over host names: `*` is any run of characters, dots included, `?` any one. `web-*` matches `web-1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPattern {
    text: String,
    /// One per character that is not `*`: the byte, or [`ANY`].
    atoms: Vec<u8>,
    /// Bit `i`: a `*` stands after the first `i` atoms.
    stars: u128,
}

/// Why a text is no host pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    #[error("a host pattern cannot be empty; `*` matches every host")]
    Empty,
    #[error("a host pattern has at most {} characters", HostPattern::MAX)]
    TooLong,
    #[error("{found:?} cannot stand in a host pattern: letters, digits, `-`, `.`, `*` and `?`")]
    BadCharacter { found: char },
}

const ANY: u8 = b'?';

impl HostPattern {
    /// Characters in the longest pattern: one bit each beside the start state.
    pub const MAX: usize = 127;

    /// The pattern as written, in lower case.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole name matches, in one pass over the name whatever the pattern (Shift-And, Baeza-Yates and
    /// Gonnet, CACM 35(10), 1992): a hostile pattern costs no more than a friendly one.
    pub fn matches(&self, host: &HostName) -> bool {
        let mut expects = [0u128; 256];
        let mut any = 0u128;
        for (i, atom) in self.atoms.iter().enumerate() {
            match *atom {
                ANY => any |= 2 << i,
                byte => expects[usize::from(byte)] |= 2 << i,
            }
        }
        let mut state = 1u128;
        for byte in host.0.bytes() {
            state = ((state << 1) & (expects[usize::from(byte)] | any)) | (state & self.stars);
            if state == 0 {
                return false;
            }
        }
        state & (1 << self.atoms.len()) != 0
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(raw: &str) -> Result<Self, HostPatternError> {
        if raw.is_empty() {
            return Err(HostPatternError::Empty);
        }
        if raw.len() > Self::MAX {
            return Err(HostPatternError::TooLong);
        }
        let mut atoms = Vec::with_capacity(raw.len());
        let mut stars = 0u128;
        for found in raw.chars() {
            match found {
                '*' => stars |= 1 << atoms.len(),
                '?' => atoms.push(ANY),
                'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' => {
                    atoms.push(u8::try_from(found.to_ascii_lowercase()).unwrap_or(b'-'));
                }
                _ => return Err(HostPatternError::BadCharacter { found }),
            }
        }
        Ok(Self { text: raw.to_ascii_lowercase(), atoms, stars })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A pattern over check keys, such as `disk:*`: `*` is any run of characters, `?` any one, all else itself.
pub fn key_matches(pattern: &str, key: &str) -> bool {
    // Greedy with one step back to the last star: at most pattern x key steps, both bounded by `CheckKey::MAX`.
    let (pattern, key) = (pattern.as_bytes(), key.as_bytes());
    let (mut p, mut k, mut retry) = (0, 0, None);
    while k < key.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                retry = Some((p, k));
            }
            Some(&b) if b == b'?' || b == key[k] => {
                p += 1;
                k += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    p = after_star;
                    k = from + 1;
                    retry = Some((after_star, k));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// Why a text is not the kind of name asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("{what} cannot be empty")]
    Empty { what: &'static str },
    #[error("{what} has at most {max} bytes, this one {bytes}")]
    TooLong { what: &'static str, max: usize, bytes: usize },
    #[error("{what}: {rule}")]
    Bad { what: &'static str, rule: &'static str },
}

fn bounded<'a>(what: &'static str, raw: &'a str, max: usize) -> Result<&'a str, NameError> {
    match raw.len() {
        0 => Err(NameError::Empty { what }),
        bytes if bytes > max => Err(NameError::TooLong { what, max, bytes }),
        _ => Ok(raw),
    }
}

/// The dotted name of a metric, such as `disk.read.bytes`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricName(String);

impl MetricName {
    /// Bytes in the longest name: long enough for six words, short enough for an index.
    pub const MAX: usize = 100;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `raw` is a metric name, without making one.
    pub fn is_valid(raw: &str) -> bool {
        (1..=Self::MAX).contains(&raw.len())
            && raw.starts_with(|c: char| c.is_ascii_lowercase())
            && raw.split('.').all(|part| {
                !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            })
    }
}

impl FromStr for MetricName {
    type Err = NameError;

    fn from_str(raw: &str) -> Result<Self, NameError> {
        let what = "a metric name";
        bounded(what, raw, Self::MAX)?;
        if !Self::is_valid(raw) {
            let rule = "lower-case letters, digits and `_` in parts joined by dots, a letter first";
            return Err(NameError::Bad { what, rule });
        }
        Ok(Self(raw.to_owned()))
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What names a check on its host: `memory`, `disk:/var`, `http:intranet`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CheckKey(String);

impl CheckKey {
    /// Bytes in the longest key: a kind and a generous mount point.
    pub const MAX: usize = 200;

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CheckKey {
    type Err = NameError;

    fn from_str(raw: &str) -> Result<Self, NameError> {
        let what = "a check key";
        bounded(what, raw, Self::MAX)?;
        if !is_clean_line(raw) || raw.contains('\t') {
            let rule = "printable characters, no white space at the ends";
            return Err(NameError::Bad { what, rule });
        }
        Ok(Self(raw.to_owned()))
    }
}

impl fmt::Display for CheckKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One label of a series or a host: `mount` = `/var`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    name: String,
    value: String,
}

impl Label {
    /// Bytes in the longest name.
    pub const NAME_MAX: usize = 64;
    /// Bytes in the longest value.
    pub const VALUE_MAX: usize = 200;
    /// Labels of one series: more make series that nobody can read, and many of them.
    pub const PER_SERIES_MAX: usize = 12;

    /// A label. The name begins with a lower-case letter and holds lower-case letters, digits and `_`; the value is
    /// one clean line, which may be empty.
    ///
    /// # Errors
    /// [`NameError`] says which bound or rule did not hold.
    pub fn new(name: &str, value: &str) -> Result<Self, NameError> {
        let what = "a label name";
        bounded(what, name, Self::NAME_MAX)?;
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.bytes().all(good) {
            return Err(NameError::Bad { what, rule: "lower-case letters, digits and `_`, a letter first" });
        }
        let what = "a label value";
        if value.len() > Self::VALUE_MAX {
            return Err(NameError::TooLong { what, max: Self::VALUE_MAX, bytes: value.len() });
        }
        if !is_clean_line(value) {
            return Err(NameError::Bad {
                what,
                rule: "one line of printable characters, no white space at the ends",
            });
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host(raw: &str) -> HostName {
        raw.parse().unwrap()
    }

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<HostPattern>().unwrap().matches(&host(name))
    }

    #[test]
    fn host_names_follow_rfc_1123() {
        assert_eq!(host("Web-1.Example.ORG").as_str(), "web-1.example.org");
        assert_eq!(host("3com").as_str(), "3com");
        for bad in ["", ".", "a..b", "-a", "a-", "a_b", "a b", "é", "a.", "a/b", "a\n"] {
            assert!(bad.parse::<HostName>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(63).parse::<HostName>().is_ok());
        assert!("a".repeat(64).parse::<HostName>().is_err());
        assert!("a.".repeat(126).parse::<HostName>().is_err());
        assert!(format!("{}a", "a.".repeat(126)).parse::<HostName>().is_ok());
        assert!(format!("{}aa", "a.".repeat(126)).parse::<HostName>().is_err());
    }

    #[test]
    fn host_patterns_match_whole_names() {
        assert!(matches("web-*", "web-1"));
        assert!(matches("web-*", "web-1.example.org"));
        assert!(matches("WEB-*", "Web-1"));
        assert!(!matches("web-*", "db-web-1"));
        assert!(!matches("web-*", "web"));
        assert!(matches("*", "anything"));
        assert!(matches("**", "anything"));
        assert!(matches("db?", "db1"));
        assert!(!matches("db?", "db12"));
        assert!(!matches("db?", "db"));
        assert!(matches("*.example.org", "a.b.example.org"));
        assert!(!matches("*.example.org", "example.org"));
        assert!(matches("a*b*c", "aXXbYYbc"));
        assert!(!matches("a*b*c", "aXXbYYb"));
        assert!(matches("exact", "exact"));
        assert!(!matches("exact", "exactly"));
    }

    #[test]
    fn host_patterns_refuse_what_no_host_name_holds() {
        assert_eq!("".parse::<HostPattern>(), Err(HostPatternError::Empty));
        assert_eq!("web_*".parse::<HostPattern>(), Err(HostPatternError::BadCharacter { found: '_' }));
        assert_eq!("[a]".parse::<HostPattern>(), Err(HostPatternError::BadCharacter { found: '[' }));
        assert_eq!("a".repeat(128).parse::<HostPattern>(), Err(HostPatternError::TooLong));
        assert!(matches(&"?".repeat(127), &format!("{}.{}", "a".repeat(63), "a".repeat(63))));
    }

    #[test]
    fn key_patterns_match() {
        for (pattern, key, expected) in [
            ("disk:*", "disk:/var", true),
            ("disk:/v?r", "disk:/var", true),
            ("disk:/var", "disk:/var/log", false),
            ("*", "", true),
            ("", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*d", "a-b-b-c", false),
        ] {
            assert_eq!(key_matches(pattern, key), expected, "{pattern} {key}");
        }
    }

    #[test]
    fn metric_names_are_dotted_lower_case() {
        for good in ["load.1", "cpu.usage", "pressure.memory.some.avg60", "a_b"] {
            assert!(good.parse::<MetricName>().is_ok() && MetricName::is_valid(good), "{good}");
        }
        for bad in ["", "1a", "Load", "a..b", ".a", "a.", "a-b", "a b", "é"] {
            assert!(bad.parse::<MetricName>().is_err(), "{bad}");
        }
        assert!("a".repeat(101).parse::<MetricName>().is_err());
    }

    #[test]
    fn keys_and_labels_are_printable_and_bounded() {
        assert!("disk:/srv/été 1".parse::<CheckKey>().is_ok());
        for bad in ["", " a", "a\n", "a\tb", "a\u{1b}b", "a\u{202e}b"] {
            assert!(bad.parse::<CheckKey>().is_err(), "{bad:?}");
        }
        assert!("x".repeat(201).parse::<CheckKey>().is_err());
        assert!(Label::new("mount", "/var").is_ok());
        assert!(Label::new("mount", "").is_ok());
        for (name, value) in [("", "x"), ("Mount", "x"), ("1a", "x"), ("a", "x\n"), ("a", &"x".repeat(201))] {
            assert!(Label::new(name, value).is_err(), "{name:?} {value:?}");
        }
    }

    proptest! {
        /// The bit-parallel matcher agrees with a plain recursive reading of the pattern.
        #[test]
        fn patterns_agree_with_the_plain_reading(pattern in "[ab*?.]{1,9}", name in "[ab]{1,5}(\\.[ab]{1,4}){0,2}") {
            fn plain(p: &[u8], n: &[u8]) -> bool {
                match (p.first(), n.first()) {
                    (None, None) => true,
                    (Some(b'*'), _) => plain(&p[1..], n) || (!n.is_empty() && plain(p, &n[1..])),
                    (Some(b'?'), Some(_)) => plain(&p[1..], &n[1..]),
                    (Some(a), Some(b)) if a == b => plain(&p[1..], &n[1..]),
                    _ => false,
                }
            }
            let expected = plain(pattern.as_bytes(), name.as_bytes());
            prop_assert_eq!(matches(&pattern, &name), expected);
            prop_assert_eq!(key_matches(&pattern, &name), expected);
        }

        #[test]
        fn parsers_never_panic(raw in "\\PC{0,300}") {
            let _ = raw.parse::<HostName>();
            let _ = raw.parse::<MetricName>();
            let _ = raw.parse::<CheckKey>();
            let _ = raw.parse::<HostPattern>().map(|pattern| pattern.matches(&host("a.b")));
        }
    }
}
