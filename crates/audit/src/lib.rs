//! The audit log's form: entries, the Merkle tree over them, signed checkpoints, and the offline check of all three.
//!
//! Whoever holds an export and a public key can verify it with this crate alone; nothing here reads files, clocks or
//! networks. Formats are those of C2SP (tlog-checkpoint, signed-note, tlog-cosignature) and RFC 6962, so that other
//! people's tools read them too. Entries are JSON in the canonical form of RFC 8785.
//!
//! Where entries come from and how they are stored is the engine's and the store's matter.

mod canonical;
pub mod checkpoint;
pub mod draft;
pub mod entry;
pub mod export;
pub mod hash;
pub mod merkle;
pub mod verify;

pub use checkpoint::{Checkpoint, NoteError, SigningKey, VerifyingKey};
pub use draft::{
    Actor, ActorKind, Agreement, Commitment, DiffCut, Draft, FieldChange, Image, Object, Outcome, Source,
    TENANT, Value, speaks_of_secret,
};
pub use entry::{ENTRY_MAX, Entry, EntryError};
pub use hash::Hash;
pub use merkle::Frontier;
pub use verify::{Fault, Finding, Report, verify_entries};
