//! Logs: one line for one thing, to standard error, as text for people or JSON for programs.
//!
//! Text from outside never reaches the log raw. Whoever logs cleans it, and what is written here is cleaned once more:
//! one event is one line whatever it holds, without control characters, without characters that turn the reading
//! direction, and bounded. So no line can be forged and no terminal moved. There are no colours for the same reason.
//! Secrets have no text form, so they cannot be logged.

use std::io::{self, Write};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
#[error(
    "log level `{level}` is not error, warn, info, debug or trace, nor a list such as `info,wk_hub=debug`"
)]
pub struct LevelError {
    level: String,
}

/// Longest line, in bytes: a panic with its backtrace, and no more.
const LINE_MAX: usize = 16 << 10;

/// Sets up logging for the process. A second call changes nothing.
///
/// # Errors
/// [`LevelError`] when the level cannot be read.
pub fn init(level: &str, format: Format) -> Result<(), LevelError> {
    let filter = filter(level)?;
    let layer = tracing_subscriber::fmt::layer()
        .with_timer(SystemTime)
        .with_ansi(false)
        .with_writer(OneLine { into: io::stderr });
    let registry = tracing_subscriber::registry().with(filter);
    let done = match format {
        Format::Text => registry.with(layer).try_init(),
        Format::Json => registry.with(layer.json().flatten_event(true).with_current_span(false)).try_init(),
    };
    // Already set up, by a test or a second program in the process: that one stays.
    let _ = done;
    Ok(())
}

/// `info`, or `info,wk_hub=debug`.
fn filter(level: &str) -> Result<Targets, LevelError> {
    let wrong = || LevelError { level: level.to_owned() };
    let mut targets = Targets::new();
    for part in level.split(',').map(str::trim) {
        targets = match part.split_once('=') {
            None if part.is_empty() => return Err(wrong()),
            None => targets.with_default(part.parse::<LevelFilter>().map_err(|_| wrong())?),
            Some((target, level)) if !target.is_empty() => {
                targets.with_target(target, level.parse::<LevelFilter>().map_err(|_| wrong())?)
            }
            Some(_) => return Err(wrong()),
        };
    }
    Ok(targets)
}

/// Makes one line of each event. The formatter writes an event at once, with a line feed at its end.
#[derive(Debug, Clone, Copy)]
struct OneLine<M> {
    into: M,
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for OneLine<M> {
    type Writer = Line<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { into: self.into.make_writer() }
    }
}

/// The writer of one event.
#[derive(Debug)]
struct Line<W> {
    into: W,
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.into.write_all(one_line(event).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

/// The event as one line, with a line feed at its end. What is escaped is escaped as JSON does it, so that a line that
/// was JSON still is.
#[doc(hidden)]
pub fn one_line(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let mut line = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if line.len() >= LINE_MAX {
            line.push_str(" [cut]");
            break;
        }
        if is_unsafe(c) {
            let mut units = [0u16; 2];
            for unit in c.encode_utf16(&mut units) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

/// Control characters of both sets, line and paragraph separators, and what turns or hides text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_level_that_is_none_is_named() {
        for wrong in ["wk_hub=shout", "shout", "=info", ""] {
            let error = filter(wrong).unwrap_err().to_string();
            assert!(error.contains(&format!("`{wrong}`")), "{error}");
        }
        let some = filter("info, wk_hub=debug").unwrap();
        assert!(some.would_enable("wk_hub::link", &tracing::Level::DEBUG));
        assert!(!some.would_enable("wk_api", &tracing::Level::DEBUG));
        assert!(some.would_enable("wk_api", &tracing::Level::INFO));
        assert!(!filter("error").unwrap().would_enable("h2", &tracing::Level::WARN));
    }

    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written when `text` is logged in every way there is.
    fn logged(text: &str, json: bool) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let builder = tracing_subscriber::fmt()
            .with_timer(SystemTime)
            .with_ansi(false)
            .with_writer(OneLine { into: move || writer.clone() });
        let log = || {
            tracing::error!("{text}");
            tracing::warn!(field = %text, other = ?text, "message");
            tracing::info!(field = text, "{text}");
        };
        if json {
            let subscriber = builder.json().flatten_event(true).with_current_span(false).finish();
            tracing::subscriber::with_default(subscriber, log);
        } else {
            tracing::subscriber::with_default(builder.finish(), log);
        }
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_event_is_a_line_whatever_it_holds() {
        for text in [
            "plain",
            "two\nlines\r\nand more",
            "2026-11-21T00:00:00Z ERROR forged: line\n2026-11-21T00:00:00Z ERROR forged: line",
            "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{0}\u{8}\u{7f}",
            "\u{202e}txt.exe\u{2028}\u{2029}\u{200b}\u{feff}\u{e0041}",
            "\"quoted\" \\u000a {\"json\":true}",
        ] {
            for json in [false, true] {
                let written = logged(text, json);
                assert_eq!(written.matches('\n').count(), 3, "{text:?}: {written:?}");
                assert!(written.ends_with('\n'));
                for line in written.lines() {
                    assert!(!line.contains(is_unsafe), "{text:?}: {line:?}");
                    if json {
                        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_line_has_an_end() {
        let written = logged(&"x".repeat(1 << 20), false);
        assert!(written.len() < 4 * (LINE_MAX + 200), "{}", written.len());
        assert_eq!(written.matches('\n').count(), 3);
        assert_eq!(one_line(b"\xff\xfe\n"), "\u{fffd}\u{fffd}\n");
        assert_eq!(one_line("\u{e0041}".as_bytes()), "\\udb40\\udc41\n");
    }
}
