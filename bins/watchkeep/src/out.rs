//! What people and programs read: text, tables and JSON on standard output, complaints on standard error.

use std::io::Write;

/// Prints text as it is.
pub(crate) fn text(text: &str) {
    let mut out = std::io::stdout().lock();
    // A closed pipe is the reader's choice.
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Prints a line.
pub(crate) fn line(line: &str) {
    text(&format!("{line}\n"));
}

/// Prints a complaint.
pub(crate) fn error(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Prints rows under headings, as wide as their content; cells are cleaned, so that nothing monitored can move the
/// cursor or colour the screen.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) {
    let clean = |cell: &String| wk_domain::text::clean_line(cell, 200);
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(clean).collect()).collect();
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    let mut push = |cells: Vec<&str>| {
        let mut line = String::new();
        for (i, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            if i > 0 {
                line.push_str("  ");
            }
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    };
    push(headings.to_vec());
    for row in &rows {
        push(row.iter().map(String::as_str).collect());
    }
    text(&out);
}
