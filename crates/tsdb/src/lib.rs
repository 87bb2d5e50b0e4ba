//! wk-tsdb
