//! wk-testkit
