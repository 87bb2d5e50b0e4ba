//! wk-pki
