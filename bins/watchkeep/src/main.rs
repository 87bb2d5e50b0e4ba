//! The Watchkeep server and command line.
fn main() {}
