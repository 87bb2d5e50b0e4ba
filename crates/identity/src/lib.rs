//! wk-identity
