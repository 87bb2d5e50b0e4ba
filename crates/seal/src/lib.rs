//! Envelope encryption and the files that keys live in.
//!
//! ```text
//! protector (file mode, passphrase or systemd credential)
//!   └─ seals the key ring: KEK versions, in one file outside the database
//!        └─ wraps data keys (DEKs): small blobs that the caller stores in the database
//!             └─ seal fields: AES-256-GCM-SIV, bound to table, column, row and revision
//! ```
//!
//! This crate knows no database, no clock and no configuration. Key bytes leave it only as private files.

pub mod field;
pub mod file;
pub mod primitives;
pub mod ring;
pub mod secret;

pub use field::{DataKeys, FieldAddress, MacKey, OpenError, WrappedDek};
pub use file::{
    FileError, private_dir, read_private, remove_private, replace_private, shred, shred_leftovers,
    write_private,
};
pub use primitives::{RandomError, fill_random, random_array, sha256};
pub use ring::{KekRing, PassphraseCost, Protector, RingError};
pub use secret::{Secret, SecretBytes, SecretString};
