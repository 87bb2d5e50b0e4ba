//! wk-notify
