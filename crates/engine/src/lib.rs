//! Use cases and transactions, and the ports that adapters fill.

pub mod desk;
pub mod ports;
