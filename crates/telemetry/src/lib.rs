//! wk-telemetry
