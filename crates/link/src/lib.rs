//! wk-link
