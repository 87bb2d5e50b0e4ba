//! Performance data: the values a check measured, in the plugin guideline's notation.
//!
//! The parser is total: what it cannot read it leaves out and says so in a note, and the rest of the line still counts.

use std::collections::BTreeSet;
use std::fmt;

use crate::text::clean_line;
use crate::threshold::{Plain, Range, number_prefix, parse_number};

/// One measured value with its thresholds. Raw text is kept, since peers differ in what they make of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PerfMetric {
    pub label: String,
    /// `None`: undetermined, a gap rather than zero.
    pub value: Option<f64>,
    /// As written: `s`, `ms`, `%`, `B`, `KB`, `c`, ...
    pub unit: String,
    pub warn: Option<Range>,
    pub crit: Option<Range>,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

/// Metrics of one result: a plugin that measures more should be several checks.
pub const METRICS_MAX: usize = 1_000;
/// Bytes of a label.
pub const LABEL_MAX: usize = 200;
/// Bytes of a unit.
pub const UNIT_MAX: usize = 16;
/// Notes kept for one result; the author mends the first ones first.
pub const NOTES_MAX: usize = 32;
/// Bytes of the plugin's own text quoted in a note.
const QUOTE_MAX: usize = 60;

/// Something in a plugin's output that was not as the guideline says, for the author of the check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseNote {
    /// The label came twice; the first value counts.
    Duplicate { label: String },
    /// The value has a decimal comma; the metric is left out.
    DecimalComma { label: String },
    /// Not a metric; left out.
    NotAMetric { text: String },
    /// The value is not a finite number or `U`; the metric is left out.
    BadValue { label: String, text: String },
    /// The unit is too long or holds characters no unit has; the metric is left out.
    BadUnit { label: String, text: String },
    /// `field` (`warn`, `crit`, `min`, `max`) is not in the guideline's notation; the metric counts without it.
    BadField { label: String, field: &'static str, text: String },
    /// More than four fields after the value; the rest is left out.
    ExtraFields { label: String },
    /// More than [`METRICS_MAX`] metrics; the rest is left out.
    TooManyMetrics,
    /// A line after the performance data does not read as such, and was kept as text.
    LaterLineIsText { line: usize },
    /// The program wrote nothing.
    Empty,
    /// The output was longer than what is kept.
    Truncated,
}

impl fmt::Display for ParseNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { label } => write!(f, "metric '{label}' came twice; the first value counts"),
            Self::DecimalComma { label } => {
                write!(f, "metric '{label}' was left out: write its numbers with a point, not a comma")
            }
            Self::NotAMetric { text } => write!(f, "left out '{text}': expected label=value"),
            Self::BadValue { label, text } => {
                write!(f, "metric '{label}' was left out: '{text}' is not a number or U")
            }
            Self::BadUnit { label, text } => {
                write!(f, "metric '{label}' was left out: '{text}' is not a unit")
            }
            Self::BadField { label, field, text } => {
                write!(
                    f,
                    "metric '{label}': {field} '{text}' was left out: it is not in the guideline's notation"
                )
            }
            Self::ExtraFields { label } => write!(f, "metric '{label}': left out what follows its maximum"),
            Self::TooManyMetrics => write!(f, "only the first {METRICS_MAX} metrics are kept"),
            Self::LaterLineIsText { line } => {
                write!(f, "line {line} follows performance data but is none; kept as text")
            }
            Self::Empty => f.write_str("the program wrote nothing on standard output"),
            Self::Truncated => f.write_str("the output was longer than what is kept"),
        }
    }
}

impl PerfMetric {
    /// A value without thresholds.
    pub fn new(label: impl Into<String>, value: f64, unit: &str) -> Self {
        Self {
            label: label.into(),
            value: value.is_finite().then_some(value),
            unit: unit.to_owned(),
            warn: None,
            crit: None,
            min: None,
            max: None,
        }
    }

    /// The same with thresholds.
    #[must_use]
    pub fn with_thresholds(mut self, warn: Option<Range>, crit: Option<Range>) -> Self {
        (self.warn, self.crit) = (warn, crit);
        self
    }

    /// An ever-growing count, of which the rate is what one looks at.
    pub fn is_counter(&self) -> bool {
        self.unit == "c"
    }
}

impl fmt::Display for PerfMetric {
    /// The guideline's notation, which [`parse`] reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.label.contains(|c: char| c == '\'' || c.is_whitespace()) {
            write!(f, "'{}'=", self.label.replace('\'', "''"))?;
        } else {
            write!(f, "{}=", self.label)?;
        }
        match self.value {
            Some(value) => write!(f, "{}{}", Plain(value), self.unit)?,
            None => f.write_str("U")?,
        }
        let text = |field: Option<&dyn fmt::Display>| field.map(ToString::to_string).unwrap_or_default();
        let (min, max) = (self.min.map(Plain), self.max.map(Plain));
        let fields = [
            text(self.warn.as_ref().map(|r| r as &dyn fmt::Display)),
            text(self.crit.as_ref().map(|r| r as &dyn fmt::Display)),
            text(min.as_ref().map(|n| n as &dyn fmt::Display)),
            text(max.as_ref().map(|n| n as &dyn fmt::Display)),
        ];
        let used = fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
        fields[..used].iter().try_for_each(|field| write!(f, ";{field}"))
    }
}

/// Reads performance data, metrics separated by white space. Total: never fails, never panics.
///
/// Expects text that [`crate::text`] has cleaned; labels are taken from it as they are.
pub fn parse(text: &str) -> (Vec<PerfMetric>, Vec<ParseNote>) {
    let mut reader = Reader::default();
    reader.read(text);
    (reader.metrics, reader.notes)
}

/// Collects metrics and notes over several pieces of performance data.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) metrics: Vec<PerfMetric>,
    pub(crate) notes: Vec<ParseNote>,
    seen: BTreeSet<String>,
}

impl Reader {
    pub(crate) fn note(&mut self, note: ParseNote) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(note);
        }
    }

    pub(crate) fn read(&mut self, mut rest: &str) {
        while let Some((parsed, after)) = next_metric(rest) {
            rest = after;
            match parsed {
                Ok((metric, notes)) => {
                    notes.into_iter().for_each(|note| self.note(note));
                    self.keep(metric);
                }
                Err(note) => self.note(note),
            }
        }
    }

    fn keep(&mut self, metric: PerfMetric) {
        if self.seen.contains(&metric.label) {
            self.note(ParseNote::Duplicate { label: quote(&metric.label) });
        } else if self.metrics.len() >= METRICS_MAX {
            if !self.notes.contains(&ParseNote::TooManyMetrics) {
                self.note(ParseNote::TooManyMetrics);
            }
        } else {
            self.seen.insert(metric.label.clone());
            self.metrics.push(metric);
        }
    }
}

/// Whether all of `text` is performance data, at least one metric of it.
pub(crate) fn is_perfdata(text: &str) -> bool {
    let mut rest = text;
    let mut any = false;
    while let Some((parsed, after)) = next_metric(rest) {
        if parsed.is_err() {
            return false;
        }
        any = true;
        rest = after;
    }
    any
}

type Parsed = Result<(PerfMetric, Vec<ParseNote>), ParseNote>;

/// The next metric and what follows it; `None` at the end. What is no metric ends at the next white space.
fn next_metric(text: &str) -> Option<(Parsed, &str)> {
    let text = text.trim_start();
    if text.is_empty() {
        return None;
    }
    let (label, after_label) = match take_label(text) {
        Some(taken) => taken,
        None => {
            let (word, after) = take_word(text);
            return Some((Err(ParseNote::NotAMetric { text: quote(word) }), after));
        }
    };
    let (body, after) = take_word(after_label);
    Some((parse_body(label, body), after))
}

/// A label and what follows its `=`.
fn take_label(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('\'') else {
        let end = text.find(|c: char| c == '=' || c == '\'' || c.is_whitespace())?;
        let after = text[end..].strip_prefix('=')?;
        return (end > 0).then(|| (text[..end].to_owned(), after));
    };
    let mut label = String::new();
    let mut rest = quoted;
    loop {
        let end = rest.find(['\'', '='])?;
        label.push_str(&rest[..end]);
        let after = rest[end..].strip_prefix('\'')?;
        match after.strip_prefix('\'') {
            Some(more) => {
                label.push('\'');
                rest = more;
            }
            None => {
                let after = after.strip_prefix('=')?;
                return (!label.trim().is_empty()).then_some((label, after));
            }
        }
    }
}

fn take_word(text: &str) -> (&str, &str) {
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn parse_body(label: String, body: &str) -> Parsed {
    if label.len() > LABEL_MAX {
        return Err(ParseNote::NotAMetric { text: quote(&label) });
    }
    let mut fields = body.split(';');
    let raw = fields.next().unwrap_or_default();
    let (value, unit) = if raw == "U" {
        (None, "")
    } else {
        let bad = || ParseNote::BadValue { label: quote(&label), text: quote(raw) };
        let (number, unit) = raw.split_at(number_prefix(raw).ok_or_else(bad)?);
        if unit.starts_with(',') {
            return Err(ParseNote::DecimalComma { label: quote(&label) });
        }
        let value = parse_number(number).ok_or_else(bad)?;
        if !is_unit(unit) {
            return Err(ParseNote::BadUnit { label: quote(&label), text: quote(unit) });
        }
        (Some(value), unit)
    };

    let mut notes = Vec::new();
    let mut field = |name: &'static str| {
        let text = fields.next().unwrap_or_default();
        (name, text)
    };
    let fields_read = [field("warn"), field("crit"), field("min"), field("max")];
    let mut bad = |(field, text): (&'static str, &str)| {
        notes.push(ParseNote::BadField { label: quote(&label), field, text: quote(text) });
    };
    let mut range = |read: (&'static str, &str)| match read.1 {
        "" => None,
        text => text.parse::<Range>().map_err(|_| bad(read)).ok(),
    };
    let (warn, crit) = (range(fields_read[0]), range(fields_read[1]));
    let mut number = |read: (&'static str, &str)| match read.1 {
        "" => None,
        text => parse_number(text).or_else(|| {
            bad(read);
            None
        }),
    };
    let (min, max) = (number(fields_read[2]), number(fields_read[3]));
    if fields.any(|field| !field.is_empty()) {
        notes.push(ParseNote::ExtraFields { label: quote(&label) });
    }
    Ok((PerfMetric { label, value, unit: unit.to_owned(), warn, crit, min, max }, notes))
}

/// Letters and a few signs: enough for `%`, `°C`, `µs`, `B/s`, and nothing that could be half a number.
fn is_unit(unit: &str) -> bool {
    unit.len() <= UNIT_MAX
        && unit.chars().all(|c| c.is_alphabetic() || matches!(c, '%' | '°' | '/' | '_' | '²'))
}

fn quote(text: &str) -> String {
    clean_line(text, QUOTE_MAX)
}

/// A value in its base unit, for charts that put several checks on one axis: milliseconds become seconds.
///
/// Prefixes are read as Icinga does: `KB` is 1000 bytes, `KiB` 1024. A unit that is not known keeps the value, with an
/// empty base unit.
pub fn normalise(value: f64, unit: &str) -> (f64, &'static str) {
    // Dividing keeps `5 us` at the double nearest to 0.000005, where multiplying by 1e-6 does not.
    let (multiply, divide, base) = match unit {
        "s" => (1.0, 1.0, "s"),
        "ms" => (1.0, 1e3, "s"),
        "us" | "µs" | "μs" => (1.0, 1e6, "s"),
        "ns" => (1.0, 1e9, "s"),
        "B" => (1.0, 1.0, "B"),
        "KB" | "kB" => (1e3, 1.0, "B"),
        "MB" => (1e6, 1.0, "B"),
        "GB" => (1e9, 1.0, "B"),
        "TB" => (1e12, 1.0, "B"),
        "PB" => (1e15, 1.0, "B"),
        "KiB" => (KIB, 1.0, "B"),
        "MiB" => (KIB * KIB, 1.0, "B"),
        "GiB" => (KIB * KIB * KIB, 1.0, "B"),
        "TiB" => (KIB * KIB * KIB * KIB, 1.0, "B"),
        "PiB" => (KIB * KIB * KIB * KIB * KIB, 1.0, "B"),
        "b" => (1.0, 1.0, "b"),
        "kb" | "Kb" => (1e3, 1.0, "b"),
        "Mb" => (1e6, 1.0, "b"),
        "Gb" => (1e9, 1.0, "b"),
        "%" => (1.0, 1.0, "%"),
        "c" => (1.0, 1.0, "c"),
        "A" => (1.0, 1.0, "A"),
        "V" => (1.0, 1.0, "V"),
        "W" => (1.0, 1.0, "W"),
        "C" | "°C" => (1.0, 1.0, "°C"),
        _ => (1.0, 1.0, ""),
    };
    (value * multiply / divide, base)
}

const KIB: f64 = 1024.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        let (metrics, notes) = parse(text);
        let metrics: Vec<String> = metrics.iter().map(ToString::to_string).collect();
        let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
        format!("{} [{}]", metrics.join(" "), notes.join("; "))
    }

    #[test]
    fn real_plugins_are_read() {
        assert_eq!(
            shown("load1=0.130;15.000;30.000;0; load5=0.15;10.000;25.000;0;"),
            "load1=0.13;15;30;0 load5=0.15;10;25;0 []"
        );
        assert_eq!(
            shown("rta=0.034000ms;100.000000;500.000000;0.000000 pl=0%;20;60;0"),
            "rta=0.034ms;100;500;0 pl=0%;20;60;0 []"
        );
        assert_eq!(
            shown("time=0.004s;;;0.000000;10.000000 size=615B;;;0"),
            "time=0.004s;;;0;10 size=615B;;;0 []"
        );
        assert_eq!(shown("/=2643MB;5948;5958;0;5968"), "/=2643MB;5948;5958;0;5968 []");
        assert_eq!(shown("offset=-0.000123s;@~:1;~:2"), "offset=-0.000123s;@~:1;~:2 []");
    }

    #[test]
    fn what_is_wrong_is_named_and_the_rest_counts() {
        assert_eq!(shown("a=1 junk b=2"), "a=1 b=2 [left out 'junk': expected label=value]");
        assert_eq!(shown("a=1 a=2"), "a=1 [metric 'a' came twice; the first value counts]");
        assert_eq!(
            shown("a=1,5 b=2"),
            "b=2 [metric 'a' was left out: write its numbers with a point, not a comma]"
        );
        assert_eq!(shown("a= b=2"), "b=2 [metric 'a' was left out: '' is not a number or U]");
        assert_eq!(shown("a=1e999"), " [metric 'a' was left out: '1e999' is not a number or U]");
        assert_eq!(
            shown("a=nan b=inf"),
            " [metric 'a' was left out: 'nan' is not a number or U; metric 'b' was left out: 'inf' is not a number or U]"
        );
        assert_eq!(shown("a=1.2.3"), " [metric 'a' was left out: '.3' is not a unit]");
        assert_eq!(
            shown("a=1;x;20:10;y;2"),
            "a=1;;;;2 [metric 'a': warn 'x' was left out: it is not in the guideline's notation; metric 'a': crit '20:10' was left out: it is not in the guideline's notation; metric 'a': min 'y' was left out: it is not in the guideline's notation]"
        );
        assert_eq!(shown("a=1;;;;;9"), "a=1 [metric 'a': left out what follows its maximum]");
        assert_eq!(shown("=1"), " [left out '=1': expected label=value]");
        assert_eq!(shown("''=1"), " [left out '''=1': expected label=value]");
    }

    #[test]
    fn quotes_that_do_not_close_swallow_one_word_only() {
        assert_eq!(shown("'a b=1 c=2"), "b=1 c=2 [left out ''a': expected label=value]");
        assert_eq!(shown("'it''s'=1 'a b'=2"), "'it''s'=1 'a b'=2 []");
    }

    #[test]
    fn counters_and_exponents() {
        let (metrics, _) = parse("in=12c x=1e3 y=1EB z=.5");
        assert!(metrics[0].is_counter());
        assert_eq!(metrics[1].value, Some(1000.0));
        assert_eq!((metrics[2].value, metrics[2].unit.as_str()), (Some(1.0), "EB"));
        assert_eq!(metrics[3].value, Some(0.5));
    }

    #[test]
    fn a_flood_is_bounded() {
        let flood: String = (0..5_000).map(|i| format!("m{i}=1 ")).collect();
        let (metrics, notes) = parse(&flood);
        assert_eq!((metrics.len(), notes), (METRICS_MAX, vec![ParseNote::TooManyMetrics]));
        let junk = "x ".repeat(5_000);
        assert_eq!(parse(&junk).1.len(), NOTES_MAX);
        assert!(parse(&format!("{}=1", "l".repeat(LABEL_MAX + 1))).0.is_empty());
    }

    #[test]
    fn units_have_bases() {
        for (value, unit, expected) in [
            (250.0, "ms", (0.25, "s")),
            (5.0, "us", (5e-6, "s")),
            (2.0, "KB", (2000.0, "B")),
            (2.0, "KiB", (2048.0, "B")),
            (1.0, "TB", (1e12, "B")),
            (7.0, "%", (7.0, "%")),
            (7.0, "c", (7.0, "c")),
            (7.0, "parsecs", (7.0, "")),
        ] {
            assert_eq!(normalise(value, unit), expected);
        }
    }

    fn any_range() -> impl Strategy<Value = Range> {
        (-1e9..1e9, 0.0..1e9, any::<bool>()).prop_map(|(start, size, inside)| Range {
            start,
            end: start + size,
            inside,
        })
    }

    proptest! {
        #[test]
        fn any_text_is_survived_within_bounds(text in "\\PC{0,400}", near in "[a='; U0-9.e:@~,-]{0,200}") {
            for text in [text, near] {
                let (metrics, notes) = parse(&text);
                prop_assert!(metrics.len() <= METRICS_MAX && notes.len() <= NOTES_MAX);
                for m in &metrics {
                    prop_assert!(m.label.len() <= LABEL_MAX && m.unit.len() <= UNIT_MAX && m.value.is_none_or(f64::is_finite));
                }
                // What was read once reads the same from its own notation.
                let printed = metrics.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                prop_assert_eq!(parse(&printed), (metrics, vec![]));
            }
        }

        #[test]
        fn printed_metrics_read_back(label in "[a-z/'][a-z '/]{0,10}[a-z]", value in proptest::option::of(-1e12..1e12f64), warn in proptest::option::of(any_range()), max in proptest::option::of(-1e3..1e3)) {
            let unit = if value.is_some() { "ms" } else { "" };
            let metric = PerfMetric { label, value, unit: unit.into(), warn, crit: None, min: None, max };
            prop_assert_eq!(parse(&metric.to_string()), (vec![metric], vec![]));
        }
    }
}
