//! wk-spool
