//! Reads small files again and again at little cost: the path is kept, the descriptor too where the kernel allows it,
//! and one buffer serves all files.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::note::{Notes, Problem};

/// Most bytes of one file that are looked at. `/proc/stat` of a machine with 512 processors stays below.
const FILE_BYTES_MAX: usize = 512 << 10;
/// A buffer that had to grow beyond this is given back, so that one odd file does not cost memory for ever.
const BUFFER_KEEP_BYTES: usize = 64 << 10;

/// One file of `/proc` or `/sys`, read each cycle.
#[derive(Debug)]
pub(crate) struct Source {
    name: &'static str,
    path: PathBuf,
    fd: Option<OwnedFd>,
    keep_open: bool,
}

impl Source {
    /// `name`: the path below `root`, without leading slash. Descriptors are kept on a live system only: files of
    /// a fixture tree may be replaced between two reads.
    pub(crate) fn new(root: &Path, name: &'static str) -> Self {
        Self { name, path: root.join(name), fd: None, keep_open: root == Path::new("/") }
    }

    /// Like [`Source::new`] for a path known at run time only; `name` stands for it in notes.
    pub(crate) fn at(root: &Path, name: &'static str, path: PathBuf) -> Self {
        Self { name, path, fd: None, keep_open: root == Path::new("/") }
    }

    /// The whole file, or `None` with a note.
    pub(crate) fn read<'b>(&mut self, buffer: &'b mut Vec<u8>, notes: &mut Notes) -> Option<&'b [u8]> {
        match self.fill(buffer) {
            Ok(cut) => {
                if cut {
                    notes.add(self.name, Problem::Cut);
                }
                Some(buffer.as_slice())
            }
            Err(_) => {
                self.fd = None;
                notes.add(self.name, Problem::Unreadable);
                None
            }
        }
    }

    fn fill(&mut self, buffer: &mut Vec<u8>) -> rustix::io::Result<bool> {
        let fd = match self.fd.take() {
            Some(fd) => fd,
            None => open(&self.path)?,
        };
        if buffer.capacity() > BUFFER_KEEP_BYTES {
            *buffer = Vec::new();
        }
        let cut = read_all(&fd, buffer, FILE_BYTES_MAX)?;
        if self.keep_open {
            self.fd = Some(fd);
        }
        Ok(cut)
    }
}

/// Opens for reading, without following a terminal and without waiting for a FIFO's writer.
pub(crate) fn open(path: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(
        path,
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY,
        Mode::empty(),
    )
}

/// Replaces `buffer` by the file's content from its start, at most `max` bytes. True when there was more.
pub(crate) fn read_all(fd: &OwnedFd, buffer: &mut Vec<u8>, max: usize) -> rustix::io::Result<bool> {
    buffer.clear();
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            if filled >= max {
                return Ok(true);
            }
            let capacity = buffer.capacity();
            let step = if capacity > filled { capacity - filled } else { (filled / 2).max(8 << 10) };
            buffer.resize((filled + step).min(max), 0);
        }
        match rustix::io::pread(fd, &mut buffer[filled..], filled as u64) {
            Ok(0) => {
                buffer.truncate(filled);
                return Ok(false);
            }
            Ok(n) => filled += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                buffer.truncate(filled);
                return Err(error);
            }
        }
    }
}

/// A small file as a whole, at most `max` bytes, for what is read seldom. Only regular files are read.
pub(crate) fn read_small(path: &Path, max: usize) -> Option<Vec<u8>> {
    let fd = open(path).ok()?;
    let stat = rustix::fs::fstat(&fd).ok()?;
    if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() {
        return None;
    }
    let mut buffer = Vec::new();
    read_all(&fd, &mut buffer, max).ok()?;
    Some(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_again_and_again() {
        let dir = tempfile::tempdir().unwrap();
        let content = vec![b'x'; 20_000];
        std::fs::write(dir.path().join("f"), &content).unwrap();
        let mut source = Source::new(dir.path(), "f");
        let (mut buffer, mut notes) = (Vec::new(), Notes::default());
        for _ in 0..3 {
            assert_eq!(source.read(&mut buffer, &mut notes), Some(&content[..]));
        }
        std::fs::remove_file(dir.path().join("f")).unwrap();
        assert_eq!(source.read(&mut buffer, &mut notes), None);
        assert_eq!(notes.take().len(), 1);
    }

    #[test]
    fn an_endless_file_is_cut_and_noted() {
        let mut source = Source::at(Path::new("/"), "zero", "/dev/zero".into());
        let (mut buffer, mut notes) = (Vec::new(), Notes::default());
        assert_eq!(source.read(&mut buffer, &mut notes).unwrap().len(), FILE_BYTES_MAX);
        assert_eq!(notes.take()[0].problem, Problem::Cut);
        assert_eq!(read_small(Path::new("/dev/zero"), 10), None);
    }
}
