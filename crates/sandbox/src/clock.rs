//! What the kernel says of its clock. Nothing to do with plugins: it stands here because it takes a system call that no
//! kept crate wraps for reading (rustix and nix have none, clock-steering keeps its own private), and this crate is the
//! one place for `unsafe`.

#![allow(unsafe_code)]

use std::io;

/// The figures of adjtimex(2) as the kernel gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timex {
    /// Bits such as `STA_PLL` and `STA_NANO`.
    pub status: i32,
    /// What the kernel still has to correct: nanoseconds with `STA_NANO`, else microseconds.
    pub offset: i64,
    /// Greatest possible error, microseconds; grows until somebody corrects the clock, up to 16 seconds.
    pub error_max_us: i64,
    /// Estimated error, microseconds.
    pub error_estimated_us: i64,
}

/// Asks the kernel about its clock and changes nothing. Needs no right.
///
/// # Errors
/// When the kernel or a seccomp filter refuses the call.
pub fn timex() -> io::Result<Timex> {
    // SAFETY: integers only, of which zero is a value; `modes` of zero means to read.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is the C library's own and outlives the call, which writes into it and keeps nothing.
    if unsafe { libc::adjtimex(&raw mut timex) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // The fields have the width of a register: 32 bits on some machines.
    #[allow(clippy::unnecessary_cast, reason = "the types differ between architectures")]
    Ok(Timex {
        status: timex.status,
        offset: timex.offset as i64,
        error_max_us: timex.maxerror as i64,
        error_estimated_us: timex.esterror as i64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_answers_anybody() {
        let told = timex().unwrap();
        assert!((0..=16_000_000).contains(&told.error_max_us), "{told:?}");
        // Without a synchronised clock the kernel counts up to its limit and marks it (STA_UNSYNC).
        assert!(told.error_max_us < 16_000_000 || told.status & libc::STA_UNSYNC != 0, "{told:?}");
    }
}
