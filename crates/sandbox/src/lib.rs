//! wk-sandbox
