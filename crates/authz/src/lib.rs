//! wk-authz
