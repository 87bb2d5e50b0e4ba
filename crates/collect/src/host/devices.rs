//! Remembers what is known about each device between cycles, found again without hashing.

/// Most devices of one kind that are followed. More are left out.
pub(crate) const DEVICES_MAX: usize = 512;

/// Devices by name. The kernel lists them in the same order each time, so the one wanted is nearly always the next.
#[derive(Debug)]
pub(crate) struct Devices<T> {
    list: Vec<(Box<[u8]>, T)>,
    next: usize,
}

impl<T> Default for Devices<T> {
    fn default() -> Self {
        Self { list: Vec::new(), next: 0 }
    }
}

impl<T> Devices<T> {
    /// Starts a cycle.
    pub(crate) fn rewind(&mut self) {
        self.next = 0;
    }

    /// What is known about `name`; `make` is asked once per device. `None` when there are too many.
    pub(crate) fn entry(&mut self, name: &[u8], make: impl FnOnce() -> T) -> Option<&mut T> {
        let at = if self.list.get(self.next).is_some_and(|(n, _)| **n == *name) {
            self.next
        } else if let Some(at) = self.list.iter().position(|(n, _)| **n == *name) {
            at
        } else if self.list.len() < DEVICES_MAX {
            self.list.push((name.into(), make()));
            self.list.len() - 1
        } else {
            return None;
        };
        self.next = at + 1;
        self.list.get_mut(at).map(|(_, known)| known)
    }
}
