//! The bounds of text in this crate; the cleaning itself is the domain's.

/// Longest text of one field, in bytes.
pub(crate) const FIELD_BYTES_MAX: usize = 512;

/// `raw` as one clean line of at most `max` bytes.
pub(crate) fn clean(raw: &[u8], max: usize) -> String {
    // What is stripped must not make the work unbounded.
    let text = wk_domain::text::clean_line(&raw[..raw.len().min(max.saturating_mul(4))], max);
    if text.contains('\t') { text.replace('\t', " ") } else { text }
}

/// [`clean`] with the bound of a field.
pub(crate) fn field(raw: &[u8]) -> String {
    clean(raw, FIELD_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_deceive_a_reader_is_gone() {
        let text = clean(b"a\x1b[31mb\nc\0 \xe2\x80\xaegpj.exe \xff", 99);
        assert!(text.starts_with("ab c") && text.contains("gpj.exe \u{FFFD}"), "{text}");
        assert!(!text.contains(['\x1b', '\0', '\n', '\u{202E}']), "{text}");
    }

    proptest! {
        #[test]
        fn always_bounded_and_plain(raw in proptest::collection::vec(any::<u8>(), 0..300), max in 0usize..64) {
            let text = clean(&raw, max);
            prop_assert!(text.len() <= max);
            prop_assert!(!text.chars().any(char::is_control));
        }
    }
}
