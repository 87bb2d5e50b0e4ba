//! A client puzzle: work that a browser does once and that a botnet does for each guess. Asked of unknown browsers only
//! while many sign-ins fail.
//!
//! The server keeps nothing of a puzzle that it gave out: all it must know stands in the puzzle, under its own key. It
//! remembers the ones that were solved until they are over, so that each counts once.
//!
//! ```text
//! puzzle   = base64url(bits, u8 | expires, ms, i64 | nonce, 16 bytes | HMAC over these and the source)
//! solution = any number n for which SHA-256("{puzzle}.{n}") begins with `bits` zero bits
//! ```

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wk_domain::Timestamp;
use wk_seal::{MacKey, RandomError, random_array, sha256};

use crate::throttle::site_of;

/// 262 144 hashes on average: a third of a second in a browser.
pub const PUZZLE_BITS: u8 = 18;
/// How long one may be solved.
const LIFE: Duration = Duration::from_secs(120);
/// Solved puzzles that are remembered. Each is followed by a password hash, and no machine computes so many in the time
/// that a puzzle lives.
const SPENT_MAX: usize = 65_536;
const BODY: usize = 1 + 8 + 16;

/// Why a solution does not count. All are answered alike: with a new puzzle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PuzzleError {
    #[error("it is no puzzle of this server, or was given to another source")]
    Foreign,
    #[error("the puzzle is over")]
    Ended,
    #[error("the solution is wrong")]
    Wrong,
    #[error("the puzzle was used already")]
    Spent,
    #[error("too many puzzles at this moment")]
    Busy,
}

fn body(bits: u8, expires: Timestamp, nonce: &[u8; 16]) -> [u8; BODY] {
    let mut body = [0; BODY];
    body[0] = bits;
    body[1..9].copy_from_slice(&expires.as_ms().to_be_bytes());
    body[9..].copy_from_slice(nonce);
    body
}

fn signed(body: &[u8; BODY], source: IpAddr) -> Vec<u8> {
    let mut all = b"watchkeep puzzle 1\0".to_vec();
    all.extend_from_slice(body);
    all.extend_from_slice(&site_of(source, false));
    all
}

/// A puzzle for one source (/32, /64).
///
/// # Errors
/// [`RandomError`].
pub fn give_puzzle(key: &MacKey, bits: u8, source: IpAddr, now: Timestamp) -> Result<String, RandomError> {
    let body = body(bits, now + LIFE, &random_array()?);
    let mut all = body.to_vec();
    all.extend_from_slice(&key.sign(&signed(&body, source)));
    Ok(URL_SAFE_NO_PAD.encode(all))
}

fn leading_zeros(digest: &[u8; 32]) -> u32 {
    let mut zeros = 0;
    for byte in digest {
        zeros += byte.leading_zeros();
        if *byte != 0 {
            break;
        }
    }
    zeros
}

/// Solves a puzzle as the console does: for tests and for programs without a browser.
pub fn solve_puzzle(puzzle: &str, bits: u8) -> u64 {
    let solves = |n: &u64| leading_zeros(&sha256(format!("{puzzle}.{n}").as_bytes())) >= u32::from(bits);
    (0..).find(solves).unwrap_or_default()
}

/// The puzzles that were solved.
#[derive(Debug, Default)]
pub struct Puzzles {
    spent: HashMap<[u8; 16], Timestamp>,
}

impl Puzzles {
    /// Takes a solution, once.
    ///
    /// # Errors
    /// [`PuzzleError`].
    pub fn take(
        &mut self,
        key: &MacKey,
        puzzle: &str,
        solution: u64,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<(), PuzzleError> {
        // 57 bytes in base64.
        if puzzle.len() != 76 {
            return Err(PuzzleError::Foreign);
        }
        let bytes = URL_SAFE_NO_PAD.decode(puzzle).map_err(|_| PuzzleError::Foreign)?;
        let (body, tag) = bytes.split_first_chunk::<BODY>().ok_or(PuzzleError::Foreign)?;
        if !key.verify(&signed(body, source), tag) {
            return Err(PuzzleError::Foreign);
        }
        let mut ms = [0; 8];
        ms.copy_from_slice(&body[1..9]);
        let expires = Timestamp::from_ms(i64::from_be_bytes(ms));
        // Over, or from a clock that has since been put back.
        if now >= expires || expires > now + LIFE {
            return Err(PuzzleError::Ended);
        }
        if leading_zeros(&sha256(format!("{puzzle}.{solution}").as_bytes())) < u32::from(body[0]) {
            return Err(PuzzleError::Wrong);
        }
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&body[9..]);
        if self.spent.len() >= SPENT_MAX {
            self.spent.retain(|_, ends| *ends > now);
            if self.spent.len() >= SPENT_MAX {
                return Err(PuzzleError::Busy);
            }
        }
        match self.spent.insert(nonce, expires) {
            None => Ok(()),
            Some(_) => Err(PuzzleError::Spent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_763_700_000_000);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_solved_puzzle_counts_once_from_its_source_and_for_two_minutes() {
        let key = MacKey::random().unwrap();
        let mut puzzles = Puzzles::default();
        let puzzle = give_puzzle(&key, 10, ip("192.0.2.1"), NOW).unwrap();
        let n = solve_puzzle(&puzzle, 10);
        let other = MacKey::random().unwrap();
        assert_eq!(puzzles.take(&other, &puzzle, n, ip("192.0.2.1"), NOW), Err(PuzzleError::Foreign));
        assert_eq!(puzzles.take(&key, &puzzle, n, ip("192.0.2.2"), NOW), Err(PuzzleError::Foreign));
        assert_eq!(puzzles.take(&key, &puzzle, n, ip("192.0.2.1"), NOW + LIFE), Err(PuzzleError::Ended));
        assert_eq!(puzzles.take(&key, &puzzle, n, ip("192.0.2.1"), NOW - LIFE), Err(PuzzleError::Ended));
        assert_eq!(puzzles.take(&key, &puzzle, n, ip("192.0.2.1"), NOW), Ok(()));
        assert_eq!(puzzles.take(&key, &puzzle, n, ip("192.0.2.1"), NOW), Err(PuzzleError::Spent));
        let wrong = (0..).find(|n| leading_zeros(&sha256(format!("{puzzle}.{n}").as_bytes())) < 10).unwrap();
        assert_eq!(puzzles.take(&key, &puzzle, wrong, ip("192.0.2.1"), NOW), Err(PuzzleError::Wrong));
    }

    #[test]
    fn a_puzzle_cannot_be_made_easier_or_longer() {
        let key = MacKey::random().unwrap();
        let mut puzzles = Puzzles::default();
        let puzzle = give_puzzle(&key, 4, ip("2001:db8::1"), NOW).unwrap();
        // The same /64 is the same source.
        let n = solve_puzzle(&puzzle, 4);
        assert_eq!(puzzles.take(&key, &puzzle, n, ip("2001:db8::2"), NOW), Ok(()));
        let mut bytes = URL_SAFE_NO_PAD.decode(&puzzle).unwrap();
        for at in [0, 3, 9, 30] {
            bytes[at] ^= 1;
            let bent = URL_SAFE_NO_PAD.encode(&bytes);
            let n = solve_puzzle(&bent, 6);
            assert_eq!(puzzles.take(&key, &bent, n, ip("2001:db8::1"), NOW), Err(PuzzleError::Foreign));
            bytes[at] ^= 1;
        }
        for bad in ["", "AAAA", &"A".repeat(76), &"!".repeat(76), &"A".repeat(100_000)] {
            assert_eq!(puzzles.take(&key, bad, 0, ip("2001:db8::1"), NOW), Err(PuzzleError::Foreign));
        }
    }

    #[test]
    fn what_was_solved_is_forgotten_when_it_is_over_and_never_before() {
        let key = MacKey::random().unwrap();
        let mut puzzles = Puzzles::default();
        for n in 0..SPENT_MAX {
            let mut nonce = [0; 16];
            nonce[..8].copy_from_slice(&(n as u64).to_be_bytes());
            puzzles.spent.insert(nonce, NOW + LIFE);
        }
        let puzzle = give_puzzle(&key, 1, ip("192.0.2.1"), NOW).unwrap();
        let n = solve_puzzle(&puzzle, 1);
        assert_eq!(puzzles.take(&key, &puzzle, n, ip("192.0.2.1"), NOW), Err(PuzzleError::Busy));
        let later = NOW + LIFE;
        let puzzle = give_puzzle(&key, 1, ip("192.0.2.1"), later).unwrap();
        let n = solve_puzzle(&puzzle, 1);
        assert_eq!(puzzles.take(&key, &puzzle, n, ip("192.0.2.1"), later), Ok(()));
        assert_eq!(puzzles.spent.len(), 1);
    }
}
