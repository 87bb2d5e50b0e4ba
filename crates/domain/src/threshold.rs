//! Threshold ranges of the plugin guideline.

/// A range of values that alerts outside of itself, or inside when it began with `@`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Lower end; minus infinity for `~`.
    pub start: f64,
    /// Upper end; plus infinity when left out.
    pub end: f64,
    /// `@`: alert when the value is inside, ends included.
    pub inside: bool,
}
