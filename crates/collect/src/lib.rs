//! wk-collect
