//! The guide's page on built-in checks says what the program does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

use wk_domain::builtin::{DEFAULTS, Measure, RULES};
use wk_domain::threshold::Range;

const PAGE: &str = include_str!("../../../docs/src/builtin-checks.md");

/// `5 000`, as the guide writes numbers.
fn number(value: f64) -> String {
    let text = value.to_string();
    let digits = text.split('.').next().unwrap().len();
    if digits <= 3 { text } else { format!("{} {}", &text[..digits - 3], &text[digits - 3..]) }
}

fn in_words(range: Range, unit: &str) -> String {
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    match (range.start, range.end) {
        (f64::NEG_INFINITY, f64::INFINITY) => "never".to_owned(),
        (f64::NEG_INFINITY, end) => format!("above {}{unit}", number(end)),
        (start, f64::INFINITY) => format!("below {}{unit}", number(start)),
        (start, end) => format!("outside {} to {}{unit}", number(start), number(end)),
    }
}

fn row(measure: &Measure) -> String {
    // The unit stands last, after a comma; a count has none.
    let units = ["%", "s", "days", "pages/s"];
    let (what, unit) =
        measure.what.rsplit_once(", ").filter(|(_, unit)| units.contains(unit)).unwrap_or((measure.what, ""));
    format!(
        "| `{}` | {what} | {} | {} |",
        measure.key,
        in_words(measure.warn, unit),
        in_words(measure.crit, unit)
    )
}

#[test]
fn the_guide_names_every_threshold_as_it_is() {
    let table = PAGE.split("## Why these").next().unwrap();
    let found: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = DEFAULTS.iter().map(|measure| row(measure)).collect();
    for row in &expected {
        assert!(found.contains(&row.as_str()), "docs/src/builtin-checks.md lacks this row:\n{row}");
    }
    // What is no threshold: a filesystem that turned read-only, and the agent, whose wait is the engine's.
    let others: Vec<&str> =
        found.into_iter().filter(|row| !expected.iter().any(|expected| expected == row)).collect();
    assert_eq!(others.len(), 2, "these rows are no defaults: {others:?}");
    assert!(others[0].starts_with("| `readonly:*` |") && others[1].starts_with("| `agent` |"), "{others:?}");
}

#[test]
fn the_guide_speaks_of_every_rule() {
    for rule in RULES {
        let key = rule.key;
        assert!(PAGE.contains(&format!("| `{key}")), "docs/src/builtin-checks.md has no row for {key}");
    }
}
