//! wk-audit
