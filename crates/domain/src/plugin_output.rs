//! What a plugin wrote on standard output, read by the plugin guideline.
//!
//! The line is split as Icinga 2 does, at the first `|` that an `=` follows. Lines after performance data are performance
//! data as in Nagios, but only those that read as such. Standard error and exit codes are not looked at here.

use crate::perfdata::{self, ParseNote, PerfMetric, Reader};
use crate::text::clean_bounded;

/// Bytes of standard output that are read; NRPE 3 and later carry as much.
pub const OUTPUT_MAX: usize = 64 * 1024;
/// Bytes kept of the first line's text.
pub const TEXT_MAX: usize = 4 * 1024;

/// A plugin's output, cleaned and bounded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PluginOutput {
    /// First line without performance data; at most [`TEXT_MAX`] bytes.
    pub text: String,
    /// Further lines without performance data; at most [`OUTPUT_MAX`] bytes.
    pub long_text: String,
    pub metrics: Vec<PerfMetric>,
    /// What the author of the check should mend.
    pub notes: Vec<ParseNote>,
    /// Something was longer than what is kept.
    pub truncated: bool,
}

impl PluginOutput {
    /// Reads standard output. Total: any bytes give a result, and the work is bounded by [`OUTPUT_MAX`].
    pub fn parse(stdout: &[u8]) -> Self {
        let head = &stdout[..cut_at_character(stdout, OUTPUT_MAX)];
        let cleaned = clean_bounded(head, OUTPUT_MAX);
        let mut truncated = cleaned.truncated || head.len() < stdout.len();
        let whole = cleaned.text.trim_end();

        let mut reader = Reader::default();
        if whole.is_empty() {
            reader.note(ParseNote::Empty);
        }
        let mut lines = whole.split('\n');
        let (first, data) = split(lines.next().unwrap_or_default());
        if let Some(data) = data {
            reader.read(data);
        }
        let first = first.trim();
        let text = &first[..floor_char_boundary(first, TEXT_MAX)];
        truncated |= text.len() < first.len();

        let mut long = Vec::new();
        let mut after_data = false;
        for (line_number, line) in (2..).zip(lines) {
            if after_data && perfdata::is_perfdata(line) {
                reader.read(line);
                continue;
            }
            let (line_text, data) = split(line);
            match data {
                Some(data) => {
                    reader.read(data);
                    after_data = true;
                }
                None if after_data && !line.trim().is_empty() => {
                    reader.note(ParseNote::LaterLineIsText { line: line_number });
                }
                None => {}
            }
            if data.is_none() || !line_text.trim().is_empty() {
                long.push(line_text.trim_end());
            }
        }
        let long_text = long.join("\n");
        if truncated {
            reader.note(ParseNote::Truncated);
        }
        let (metrics, notes) = (reader.metrics, reader.notes);
        Self {
            text: text.trim_end().to_owned(),
            long_text: long_text.trim_end().to_owned(),
            metrics,
            notes,
            truncated,
        }
    }
}

/// Text, and performance data when there is a `|` that an `=` follows.
fn split(line: &str) -> (&str, Option<&str>) {
    match line.split_once('|') {
        Some((text, data)) if data.contains('=') => (text, Some(data)),
        _ => (line, None),
    }
}

/// The largest length up to `max` that does not cut a character of otherwise good UTF-8 in two.
fn cut_at_character(raw: &[u8], max: usize) -> usize {
    if raw.len() <= max {
        return raw.len();
    }
    let is_continuation = |at: usize| raw[at] & 0xc0 == 0x80;
    // Four continuation bytes in a row belong to no character: then it does not matter where to cut.
    (max.saturating_sub(3)..=max).rev().find(|at| !is_continuation(*at)).unwrap_or(max)
}

fn floor_char_boundary(text: &str, max: usize) -> usize {
    if text.len() <= max {
        return text.len();
    }
    (0..=max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `text / long text / metrics / notes`
    fn shown(stdout: &str) -> String {
        let output = PluginOutput::parse(stdout.as_bytes());
        let metrics: Vec<String> = output.metrics.iter().map(ToString::to_string).collect();
        let mut shown =
            format!("{} / {} / {}", output.text, output.long_text.replace('\n', "\\n"), metrics.join(" "));
        for note in &output.notes {
            shown.push_str(&format!(" / {note}"));
        }
        shown
    }

    /// The vectors of the specification, one by one.
    #[test]
    fn the_guidelines_vectors_hold() {
        for (stdout, expected) in [
            ("OK - fine", "OK - fine /  / "),
            ("OK|a=1", "OK /  / a=1"),
            ("OK | 'a b'=1;2;3;0;10 c=5%", "OK /  / 'a b'=1;2;3;0;10 c=5%"),
            ("OK | 'it''s'=1", "OK /  / 'it''s'=1"),
            ("DISK OK\n/ 15%\n/var 40% | /=15%\n/var=40%", "DISK OK / / 15%\\n/var 40% / /=15% /var=40%"),
            ("OK | a=U;10;20", "OK /  / a=U;10;20"),
            ("OK | a=1;;;;", "OK /  / a=1"),
            ("OK | a=1 a=2", "OK /  / a=1 / metric 'a' came twice; the first value counts"),
            ("OK | a=1e3;", "OK /  / a=1000"),
            ("OK | a=1,5", "OK /  /  / metric 'a' was left out: write its numbers with a point, not a comma"),
            ("x | y z", "x | y z /  / "),
        ] {
            assert_eq!(shown(stdout), expected, "{stdout:?}");
        }
        let gap = PluginOutput::parse(b"OK | a=U;10;20").metrics;
        assert_eq!((gap[0].label.as_str(), gap[0].value), ("a", None));
        assert_eq!(PluginOutput::parse(b"OK | 'it''s'=1").metrics[0].label, "it's");
    }

    #[test]
    fn later_lines_count_only_when_they_read_as_data() {
        assert_eq!(
            shown("OK\nlong | a=1\nb=2 c=3\nplain words\nd=4"),
            "OK / long\\nplain words / a=1 b=2 c=3 d=4 / line 4 follows performance data but is none; kept as text"
        );
        // Performance data on the first line does not turn the next ones into data.
        assert_eq!(shown("OK | a=1\nb=2"), "OK / b=2 / a=1");
        // The first bar with an equals sign after it splits, wherever the line stands.
        assert_eq!(shown("OK\nx | a=1\ny | b=2"), "OK / x\\ny / a=1 b=2");
        assert_eq!(
            shown("OK a|b | c=1"),
            "OK a /  / c=1 / left out 'b': expected label=value / left out '|': expected label=value"
        );
    }

    #[test]
    fn empty_output_is_empty_with_a_note() {
        let note = "the program wrote nothing on standard output";
        assert_eq!(shown(""), format!(" /  /  / {note}"));
        assert_eq!(shown(" \r\n\u{0}\n"), format!(" /  /  / {note}"));
        assert_eq!(shown("|a=1"), " /  / a=1");
    }

    #[test]
    fn hostile_output_is_tamed() {
        assert_eq!(shown("\u{1b}[2JOK\r\n<script>\u{202e}x</script>\0"), "OK / <script>x</script> / ");
        let output = PluginOutput::parse(b"caf\xe9 | 'k\xe9y'=1");
        assert_eq!((output.text.as_str(), output.metrics[0].label.as_str()), ("caf\u{fffd}", "k\u{fffd}y"));
    }

    #[test]
    fn sizes_are_bounded_and_flagged() {
        let endless = vec![b'a'; 10 << 20];
        let output = PluginOutput::parse(&endless);
        assert_eq!((output.text.len(), output.truncated), (TEXT_MAX, true));
        assert_eq!(output.notes, [ParseNote::Truncated]);

        let accents = "é".repeat(OUTPUT_MAX);
        let output = PluginOutput::parse(format!("x\n{accents}").as_bytes());
        assert!(
            output.truncated
                && output.long_text.len() <= OUTPUT_MAX
                && !output.long_text.contains('\u{fffd}')
        );

        let output = PluginOutput::parse(&[b"OK\n".as_slice(), &vec![0xff; OUTPUT_MAX]].concat());
        assert!(output.truncated && output.long_text.len() <= OUTPUT_MAX);

        // A long first line keeps its metrics: the bound is for its text.
        let output = PluginOutput::parse(format!("{} | a=1", "w ".repeat(4000)).as_bytes());
        assert_eq!((output.text.len(), output.metrics.len(), output.truncated), (TEXT_MAX - 1, 1, true));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_within_bounds(raw in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let output = PluginOutput::parse(&raw);
            prop_assert!(output.text.len() <= TEXT_MAX && output.long_text.len() <= OUTPUT_MAX);
            let steering = output.text.contains(['\n', '\u{1b}', '\u{0}', '\u{202e}']);
            prop_assert!(!steering);
        }

        /// Reading the text parts again changes nothing and finds no metric in them.
        #[test]
        fn text_is_stable(raw in "[a-z|= \n';0-9\u{1b}é]{0,300}") {
            let once = PluginOutput::parse(raw.as_bytes());
            let again = PluginOutput::parse(once.text.as_bytes());
            prop_assert_eq!(&again.text, &once.text);
            prop_assert!(again.metrics.is_empty());
        }
    }
}
