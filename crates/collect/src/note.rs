//! Counts what could not be read, so that a missing value has a reason that can be looked up.

/// Why a source gave less than it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Problem {
    /// The file is not there or may not be read.
    Unreadable,
    /// The content is not of the expected form.
    Malformed,
    /// More was there than the bound allows; the rest was left out.
    Cut,
}

impl Problem {
    /// The word used in notes to the server.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Malformed => "malformed",
            Self::Cut => "cut",
        }
    }
}

/// How often one source had one problem since the notes were last taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// The file or section, such as `proc/stat` or `packages`.
    pub source: &'static str,
    pub problem: Problem,
    pub count: u64,
}

/// The notes of one reader. Sources are static names, so this cannot grow without bound.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<Note>);

impl Notes {
    pub(crate) fn add(&mut self, source: &'static str, problem: Problem) {
        match self.0.iter_mut().find(|n| n.source == source && n.problem == problem) {
            Some(note) => note.count = note.count.saturating_add(1),
            None => self.0.push(Note { source, problem, count: 1 }),
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.0)
    }
}
