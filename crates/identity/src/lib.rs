//! People who sign in: passwords, second factors, recovery codes, sessions, and how often one may try.
//!
//! Everything but the hashing queue is pure: time, randomness that matters and stored state come in as arguments, and
//! what to store goes out. No HTTP, no SQL, no rights: the API reads cookies, the store keeps rows, `authz` decides.
//!
//! | step | here | the caller keeps |
//! |---|---|---|
//! | first account | [`ClaimToken`] | SHA-256, expiry, used or not |
//! | rules for passwords | [`PolicySettings`], [`PasswordRules`] | profile and knobs |
//! | choose a password | [`PasswordPolicy`], [`Blocklist`] | former hashes, when it was set |
//! | hash and verify | [`PasswordHasher`] | PHC string |
//! | may this try run? | [`LoginThrottle`], [`Pulse`], [`Puzzles`] | failures in a row, durable |
//! | second factor | [`passkey`], [`Totp`], [`RecoveryCode`] | public keys, seed (sealed), last step, hashes |
//! | come from elsewhere | [`outside::ProviderKind`] | provider, who is whom there |
//! | stay signed in | [`SessionToken`], [`SessionTimes`] | SHA-256, created, last used |

mod api_token;
mod base32;
mod blocklist;
mod hash;
mod hasher;
pub mod outside;
pub mod pace;
pub mod passkey;
mod password;
mod policy;
mod puzzle;
mod recovery;
mod session;
mod throttle;
mod token;
mod totp;

pub use api_token::{ApiToken, ApiTokenForm};
pub use blocklist::{
    Blocklist, BlocklistError, BlocklistFormat, Imported, check as check_blocklist, guess_format,
    import_blocklist,
};
pub use hash::{CostError, HashCost, HashError, Peppers, StoredHash, hash_password, verify_password};
pub use hasher::{HasherLimits, Lane, PasswordHasher, QueueError, Verified};
pub use password::{Beside, Password, PasswordError, PasswordPolicy, PasswordVerdict, RuleState, Weakness};
pub use policy::{Bounds, Knob, KnobSettings, Lockout, PasswordRules, PolicySettings, Profile, Refusal};
pub use puzzle::{PUZZLE_BITS, PuzzleError, Puzzles, give_puzzle, solve_puzzle};
pub use recovery::{RECOVERY_CODES, RecoveryCode, RecoveryError};
pub use session::{SessionEnd, SessionLimits, SessionTimes};
pub use throttle::{
    Attempt, Denied, DeniedReason, FAILURES_HARD_CAP, FactorThrottle, LinkBudget, LoginThrottle, Pulse,
    ThrottleLimits, is_closed,
};
pub use token::{ClaimToken, DeviceCookie, DeviceError, SessionToken, TokenError};
pub use totp::{Totp, TotpError};
