//! The audit log: entries, and the proofs that none was changed.

pub mod draft;

pub use draft::{ActorRef, Change, Draft, ObjectRef, Outcome, Source, Value};
