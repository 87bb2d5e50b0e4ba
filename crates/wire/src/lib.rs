//! wk-wire
