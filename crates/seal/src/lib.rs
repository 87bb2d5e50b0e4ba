//! wk-seal
