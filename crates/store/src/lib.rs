//! wk-store
