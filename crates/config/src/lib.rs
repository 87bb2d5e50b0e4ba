//! wk-config
