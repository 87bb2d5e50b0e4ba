//! What the agent sees of its own machine: figures each cycle ([`Collector`]) and an inventory that tells changes
//! ([`Inventory`]).
//!
//! Everything is read from `/proc`, `/sys`, `/etc` and two local sockets, directly and by small parsers of our own,
//! because the whole agent has to live in 8 MiB and 60 ms of processor time a minute. Nothing is executed, nothing is
//! written, and no address outside the machine is contacted. What cannot be read yields no value and a counted [`Note`].
//!
//! Left out on purpose: judging (the server does), keeping (the spool does), waiting (the agent's loop does).

mod collector;
mod host;
pub mod inventory;
pub mod metrics;
mod note;
mod parse;
mod sampler;
mod source;
mod text;

pub use collector::{AgentFigures, Collector, Config};
pub use host::clock::KernelClock;
pub use inventory::{Inventory, InventoryConfig};
pub use note::{Note, Problem};
pub use sampler::{NewDefinitions, SERIES_MAX, Sampler, SeriesRef};
