//! The heap of a program that must stay small.
//!
//! The agent reads a lot for a moment (a package database, an inventory) and little for a minute. The C library keeps
//! what was freed, in a heap for each thread. These two calls have no safe form elsewhere, so they live here.

#![allow(unsafe_code)]

/// One heap for all threads. To be called before the first thread starts; without effect under another C library.
pub fn one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: integers only; the call takes the allocator's own lock.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Gives freed memory back to the system. Costs a walk of the heap, so it belongs after work that is done rarely.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: an integer only; the call takes the allocator's own locks.
    unsafe {
        libc::malloc_trim(0);
    }
}
