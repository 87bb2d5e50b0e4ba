//! People who sign in: passwords, second factors, recovery codes, sessions, and how often one may try.
//!
//! Everything but the hashing queue is pure: time, randomness that matters and stored state come in as arguments, and
//! what to store goes out. No HTTP, no SQL, no rights: the API reads cookies, the store keeps rows, `authz` decides.
//!
//! | step | here | the caller keeps |
//! |---|---|---|
//! | first account | [`ClaimToken`] | SHA-256, expiry, used or not |
//! | choose a password | [`PasswordPolicy`] | |
//! | hash and verify | [`PasswordHasher`] | PHC string |
//! | may this try run? | [`LoginThrottle`] | failures in a row, durable |
//! | second factor | [`Totp`], [`RecoveryCode`] | seed (sealed), last step, hashes |
//! | stay signed in | [`SessionToken`], [`SessionTimes`] | SHA-256, created, last used |

mod base32;
mod hash;
mod hasher;
mod password;
mod recovery;
mod session;
mod throttle;
mod token;
mod totp;

pub use hash::{CostError, HashCost, HashError, Peppers, StoredHash, hash_password, verify_password};
pub use hasher::{HasherLimits, PasswordHasher, QueueError, Verified};
pub use password::{Password, PasswordError, PasswordPolicy, PasswordVerdict, Weakness};
pub use recovery::{RECOVERY_CODES, RecoveryCode, RecoveryError};
pub use session::{SessionEnd, SessionLimits, SessionTimes};
pub use throttle::{
    Attempt, Denied, DeniedReason, FAILURES_HARD_CAP, FactorThrottle, LoginThrottle, ThrottleLimits,
    is_closed,
};
pub use token::{ClaimToken, DeviceCookie, DeviceError, SessionToken, TokenError};
pub use totp::{Totp, TotpError};
