//! The embedded metrics store: fills the [`Metrics`](wk_engine::ports::Metrics) port with files of its own.
//!
//! Samples go to a write-ahead log (synced before the call returns) and to memory; what has gathered is sealed into
//! block files, which are merged day by day and summed up into minutes and hours. Every byte on disk is under a checksum:
//! damage is found, left out and reported. What it leaves out: PromQL, remote write, several servers on one folder.

mod block;
mod codec;
mod files;
mod frame;
#[doc(hidden)]
pub mod fuzz;
mod head;
mod merge;
mod notes;
mod query;
mod roll;
mod series;
mod store;
mod wal;

pub use store::{Options, Store};

#[cfg(feature = "bench")]
pub mod bench_data;
