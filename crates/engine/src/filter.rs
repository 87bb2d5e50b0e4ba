//! The filter language of lists: `state:critical,warning host:web-* -handled "out of memory"`.
//!
//! Words are separated by spaces and must all hold. `key:value[,value]` asks one thing of the check; a flag is a bare
//! known word; anything else is searched in host, title and output. `-` in front turns a word round. Parsing is total
//! and bounded; a word that makes no sense is an error that names it and the words that would.

use wk_domain::Labels;
use wk_domain::name::key_matches;

/// Longest filter text, in bytes.
pub const TEXT_MAX: usize = 1000;
/// Words at most.
pub const TERMS_MAX: usize = 32;

/// Keys that take a value, for completion.
pub const KEYS: [&str; 7] = ["state", "host", "check", "kind", "type", "field.", "agent"];
/// Flags.
pub const FLAGS: [&str; 5] = ["handled", "acknowledged", "downtime", "flapping", "nodata"];
/// Values of `state`.
pub const STATES: [&str; 5] = ["ok", "warning", "critical", "unknown", "pending"];
/// Values of `kind`.
pub const KINDS: [&str; 4] = ["builtin", "probe", "plugin", "alive"];

/// A parsed filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    negated: bool,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    State(Vec<String>),
    Host(Vec<String>),
    Check(Vec<String>),
    Kind(Vec<String>),
    Type(Vec<String>),
    Field(String, Vec<String>),
    Label(String, Vec<String>),
    Flag(&'static str),
    Text(String),
}

/// Why a text is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("the filter is longer than {TEXT_MAX} bytes")]
    TooLong,
    #[error("the filter has more than {TERMS_MAX} words")]
    TooMany,
    #[error("a quotation mark is not closed in the filter")]
    Quote,
    #[error("`{key}` is not something one can filter by; use {}", known_keys())]
    Key { key: String },
    #[error("`{value}` is no value of `{key}`; use {allowed}")]
    Value { key: &'static str, value: String, allowed: String },
    #[error("`{key}:` needs a value")]
    Empty { key: String },
}

fn known_keys() -> String {
    format!(
        "{}field.NAME, label.NAME or {}",
        KEYS[..5].iter().map(|k| format!("{k}, ")).collect::<String>(),
        FLAGS.join(", ")
    )
}

/// What a filter looks at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub state: &'a str,
    pub host: &'a str,
    pub key: &'a str,
    pub title: &'a str,
    pub kind: &'a str,
    pub state_type: &'a str,
    pub output: &'a str,
    pub fields: &'a [(String, String)],
    pub labels: Option<&'a Labels>,
    pub acknowledged: bool,
    pub in_downtime: bool,
    pub flapping: bool,
    pub no_data: bool,
}

impl Filter {
    /// Parses a filter; an empty text matches everything.
    ///
    /// # Errors
    /// [`FilterError`] names the word and how to mend it.
    pub fn parse(raw: &str) -> Result<Self, FilterError> {
        if raw.len() > TEXT_MAX {
            return Err(FilterError::TooLong);
        }
        let mut terms = Vec::new();
        for word in words(raw)? {
            if terms.len() == TERMS_MAX {
                return Err(FilterError::TooMany);
            }
            terms.push(term(&word)?);
        }
        Ok(Self { terms })
    }

    /// Whether all words hold.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.terms.iter().all(|term| term.what.holds(subject) != term.negated)
    }

    /// Whether there is nothing to match.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

impl What {
    fn holds(&self, s: &Subject<'_>) -> bool {
        let one_of =
            |values: &[String], text: &str| values.iter().any(|v| key_matches(v, &text.to_lowercase()));
        match self {
            Self::State(values) => one_of(values, s.state),
            Self::Host(values) => one_of(values, s.host),
            Self::Check(values) => one_of(values, s.key) || one_of(values, s.title),
            Self::Kind(values) => one_of(values, s.kind),
            Self::Type(values) => one_of(values, s.state_type),
            Self::Field(name, values) => {
                s.fields.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && one_of(values, v))
            }
            Self::Label(name, values) => {
                s.labels.and_then(|labels| labels.get(name)).is_some_and(|value| one_of(values, value))
            }
            Self::Flag("handled") => s.acknowledged || s.in_downtime,
            Self::Flag("acknowledged") => s.acknowledged,
            Self::Flag("downtime") => s.in_downtime,
            Self::Flag("flapping") => s.flapping,
            Self::Flag(_) => s.no_data,
            Self::Text(text) => {
                [s.host, s.title, s.key, s.output].iter().any(|t| t.to_lowercase().contains(text.as_str()))
            }
        }
    }
}

/// A word, and whether it was quoted where its text begins (then it is text whatever it says).
struct Word {
    negated: bool,
    text: String,
    quoted: bool,
}

fn words(raw: &str) -> Result<Vec<Word>, FilterError> {
    let mut out = Vec::new();
    let mut chars = raw.chars().peekable();
    while let Some(&first) = chars.peek() {
        if first.is_whitespace() {
            chars.next();
            continue;
        }
        let mut word = Word { negated: false, text: String::new(), quoted: false };
        if first == '-' {
            word.negated = true;
            chars.next();
        }
        word.quoted = chars.peek() == Some(&'"');
        let mut inside = false;
        for c in chars.by_ref() {
            match c {
                '"' => inside = !inside,
                c if c.is_whitespace() && !inside => break,
                c => word.text.push(c),
            }
        }
        if inside {
            return Err(FilterError::Quote);
        }
        if !word.text.is_empty() {
            out.push(word);
        }
    }
    Ok(out)
}

fn term(word: &Word) -> Result<Term, FilterError> {
    let text = word.text.to_lowercase();
    let negated = word.negated;
    let done = |what| Ok(Term { negated, what });
    if word.quoted {
        return done(What::Text(text));
    }
    if let Some(flag) = FLAGS.into_iter().find(|flag| *flag == text) {
        return done(What::Flag(flag));
    }
    let Some((key, value)) = text.split_once(':') else { return done(What::Text(text)) };
    let values: Vec<String> = value.split(',').filter(|v| !v.is_empty()).map(str::to_owned).collect();
    if values.is_empty() {
        return Err(FilterError::Empty { key: key.to_owned() });
    }
    let only = |key: &'static str, allowed: &[&str], values: Vec<String>| match values
        .iter()
        .find(|v| !allowed.contains(&v.as_str()))
    {
        Some(bad) => Err(FilterError::Value { key, value: bad.clone(), allowed: allowed.join(", ") }),
        None => Ok(values),
    };
    match key {
        "state" => done(What::State(only("state", &STATES, values)?)),
        "kind" => done(What::Kind(only("kind", &KINDS, values)?)),
        "type" => done(What::Type(only("type", &["soft", "hard"], values)?)),
        "host" => done(What::Host(values)),
        "check" => done(What::Check(values)),
        _ => match (key.strip_prefix("field."), key.strip_prefix("label.")) {
            (Some(name), _) if !name.is_empty() => done(What::Field(name.to_owned(), values)),
            (_, Some(name)) if !name.is_empty() => done(What::Label(name.to_owned(), values)),
            _ => Err(FilterError::Key { key: key.to_owned() }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn web() -> Subject<'static> {
        Subject {
            state: "critical",
            host: "web-1",
            key: "disk:/var",
            title: "Disk /var",
            kind: "builtin",
            state_type: "hard",
            output: "Disk /var 97 % used",
            fields: &[],
            labels: None,
            acknowledged: false,
            in_downtime: true,
            flapping: false,
            no_data: false,
        }
    }

    fn matches(filter: &str) -> bool {
        Filter::parse(filter).unwrap().matches(&web())
    }

    #[test]
    fn words_must_all_hold() {
        assert!(matches(""));
        assert!(matches("state:critical host:web-*"));
        assert!(matches("state:warning,critical check:disk*"));
        assert!(!matches("state:critical host:db-*"));
        assert!(matches("handled -acknowledged"));
        assert!(!matches("-handled"));
        assert!(matches("\"97 %\""));
        assert!(!matches("-\"97 %\""));
        assert!(matches("VAR"));
    }

    #[test]
    fn nonsense_is_named() {
        assert_eq!(
            Filter::parse("state:broken").unwrap_err().to_string(),
            "`broken` is no value of `state`; use ok, warning, critical, unknown, pending"
        );
        assert!(Filter::parse("colour:red").unwrap_err().to_string().contains("`colour` is not something"));
        assert_eq!(Filter::parse("host:"), Err(FilterError::Empty { key: "host".to_owned() }));
        assert_eq!(Filter::parse("\"open"), Err(FilterError::Quote));
        assert_eq!(Filter::parse(&"a ".repeat(40)), Err(FilterError::TooMany));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(raw in ".{0,200}") {
            if let Ok(filter) = Filter::parse(&raw) {
                let _ = filter.matches(&web());
            }
        }
    }
}
