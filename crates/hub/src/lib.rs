//! wk-hub
