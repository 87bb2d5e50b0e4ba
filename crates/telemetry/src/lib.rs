//! Logs: one line for one thing, to standard error, as text for people or JSON for programs.
//!
//! Text from outside never reaches the log raw: whoever logs cleans it, and the encoders here escape control
//! characters, so that no line can be forged. Secrets have no text form, so they cannot be logged.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::SystemTime;

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

/// Sets up logging for the process. A second call changes nothing.
///
/// # Errors
/// [`LevelError`] when the level cannot be read.
pub fn init(level: &str, format: Format) -> Result<(), LevelError> {
    let filter = EnvFilter::try_new(level).map_err(|_| LevelError { level: level.to_owned() })?;
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_timer(SystemTime).with_writer(std::io::stderr);
    let done = match format {
        Format::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        Format::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    // Already set up, by a test or a second program in the process: that one stays.
    let _ = done;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_none_is_named() {
        let error = init("wk_hub=shout", Format::Text).unwrap_err().to_string();
        assert!(error.contains("`wk_hub=shout`"), "{error}");
    }
}
