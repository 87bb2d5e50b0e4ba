//! The Watchkeep agent.
fn main() {}
