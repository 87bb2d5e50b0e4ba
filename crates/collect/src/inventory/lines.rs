//! Reads large text files line by line in a fixed buffer. Lines beyond the bound are cut, not kept.

use std::os::fd::OwnedFd;
use std::path::Path;

use crate::source;

const BUFFER_BYTES: usize = 32 << 10;
/// Longest line handed out. Longer ones are cut; dpkg's longest useful line is a few hundred bytes.
pub(crate) const LINE_BYTES_MAX: usize = 8 << 10;
/// Most bytes of one file that are read.
const FILE_BYTES_MAX: usize = 256 << 20;

/// The lines of one file.
pub(crate) struct Lines {
    fd: OwnedFd,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    read: usize,
    done: bool,
    failed: bool,
    line: Vec<u8>,
}

impl Lines {
    /// Opens a file; anything but a regular file is refused.
    pub(crate) fn open(path: &Path) -> Option<Self> {
        let fd = source::open(path).ok()?;
        let stat = rustix::fs::fstat(&fd).ok()?;
        rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file().then(|| Self {
            fd,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            read: 0,
            done: false,
            failed: false,
            line: Vec::new(),
        })
    }

    /// The next line without its line feed, `None` at the end.
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        self.line.clear();
        loop {
            let ready = &self.buffer[self.start..self.end];
            if let Some(feed) = ready.iter().position(|b| *b == b'\n') {
                let (from, to) = (self.start, self.start + feed);
                self.start = to + 1;
                if self.line.is_empty() {
                    return Some(&self.buffer[from..to.min(from + LINE_BYTES_MAX)]);
                }
                self.keep(from, to);
                return Some(&self.line);
            }
            let (from, to) = (self.start, self.end);
            self.keep(from, to);
            if self.done || !self.fill() {
                self.start = self.end;
                return (!self.line.is_empty()).then_some(self.line.as_slice());
            }
        }
    }

    /// True when the file was read to its end.
    pub(crate) fn complete(&self) -> bool {
        self.done && !self.failed
    }

    fn keep(&mut self, from: usize, to: usize) {
        let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
        self.line.extend_from_slice(&self.buffer[from..to.min(from + room)]);
    }

    fn fill(&mut self) -> bool {
        (self.start, self.end) = (0, 0);
        loop {
            match rustix::io::read(&self.fd, &mut self.buffer) {
                Ok(0) => break self.done = true,
                Ok(n) => {
                    self.end = n;
                    self.read = self.read.saturating_add(n);
                    if self.read > FILE_BYTES_MAX {
                        (self.done, self.failed, self.end) = (true, true, 0);
                        break;
                    }
                    return true;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => break (self.done, self.failed) = (true, true),
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(content: &[u8]) -> Vec<Vec<u8>> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), content).unwrap();
        let mut lines = Lines::open(&dir.path().join("f")).unwrap();
        let mut got = Vec::new();
        while let Some(line) = lines.next() {
            got.push(line.to_vec());
        }
        assert!(lines.complete());
        got
    }

    #[test]
    fn a_line_of_ten_megabytes_is_cut_and_the_next_one_is_whole() {
        let mut content = vec![b'x'; 10 << 20];
        content.extend(b"\nnext\n\nlast");
        let got = all(&content);
        assert_eq!(got[0].len(), LINE_BYTES_MAX);
        assert_eq!(&got[1..], [b"next".to_vec(), b"".to_vec(), b"last".to_vec()]);
    }

    #[test]
    fn a_device_or_a_folder_is_refused() {
        assert!(Lines::open(Path::new("/dev/zero")).is_none());
        assert!(Lines::open(Path::new("/proc")).is_none());
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_text(lines in proptest::collection::vec("[a-z]{0,40}", 0..30)) {
            let content = lines.iter().map(|l| format!("{l}\n")).collect::<String>();
            let want: Vec<Vec<u8>> = lines.iter().map(|l| l.as_bytes().to_vec()).collect();
            prop_assert_eq!(all(content.as_bytes()), want);
        }
    }
}
