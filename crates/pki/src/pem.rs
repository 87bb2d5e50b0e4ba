//! PEM blocks (RFC 7468, strict form) for our own files: bounded, and nothing but blocks and blank lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Root, chain, key and some spare: no file of ours has more blocks.
const BLOCKS_MAX: usize = 32;

pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

pub(crate) const CERTIFICATE: &str = "CERTIFICATE";
pub(crate) const TRUSTED_ROOT: &str = "WATCHKEEP TRUSTED ROOT";
pub(crate) const PRIVATE_KEY: &str = "PRIVATE KEY";
pub(crate) const SEALED_KEY: &str = "WATCHKEEP SEALED KEY";

pub(crate) fn write(out: &mut Zeroizing<String>, label: &str, bytes: &[u8]) {
    let text = Zeroizing::new(STANDARD.encode(bytes));
    out.reserve(text.len() + text.len() / 64 + 2 * label.len() + 40);
    out.push_str("-----BEGIN ");
    out.push_str(label);
    out.push_str("-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
}

pub(crate) fn read(text: &[u8]) -> Option<Vec<Block>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut blocks = Vec::new();
    let mut open: Option<(&str, Zeroizing<String>)> = None;
    for line in text.lines() {
        match (&mut open, line) {
            (None, "") => {}
            (None, line) => {
                let label = line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
                open = Some((label, Zeroizing::new(String::with_capacity(text.len()))));
            }
            (Some((label, body)), line) => match line.strip_prefix("-----END ") {
                None => body.push_str(line),
                Some(end) => {
                    if end.strip_suffix("-----")? != *label || blocks.len() >= BLOCKS_MAX {
                        return None;
                    }
                    let bytes = Zeroizing::new(STANDARD.decode(body.as_bytes()).ok()?);
                    blocks.push(Block { label: (*label).to_owned(), bytes });
                    open = None;
                }
            },
        }
    }
    open.is_none().then_some(blocks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blocks_come_back(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..5)) {
            let mut text = Zeroizing::new(String::new());
            for part in &parts {
                write(&mut text, CERTIFICATE, part);
            }
            let blocks = read(text.as_bytes()).unwrap();
            prop_assert_eq!(blocks.iter().map(|b| b.bytes.to_vec()).collect::<Vec<_>>(), parts);
        }

        #[test]
        fn hostile_text_never_panics(text in "\\PC*") {
            let _ = read(text.as_bytes());
        }
    }

    #[test]
    fn refuses_stray_text_and_open_blocks() {
        assert!(read(b"hello\n").is_none());
        assert!(read(b"-----BEGIN A-----\nAAAA\n").is_none());
        assert!(read(b"-----BEGIN A-----\nAAAA\n-----END B-----\n").is_none());
        assert!(read(b"-----BEGIN A-----\n!!\n-----END A-----\n").is_none());
        assert!(read(b"\xff").is_none());
    }
}
