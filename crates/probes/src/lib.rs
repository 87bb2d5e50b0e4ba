//! wk-probes
