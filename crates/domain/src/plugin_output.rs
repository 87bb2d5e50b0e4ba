//! plugin_output
