//! wk-engine
