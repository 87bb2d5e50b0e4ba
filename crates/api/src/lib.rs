//! wk-api
