//! wk-domain
