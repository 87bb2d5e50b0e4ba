//! The ports: what the engine needs from the world, as traits that adapters fill.

pub mod clock;
pub mod issuer;
pub mod metrics;
pub mod rows;
pub mod store;

pub use clock::{Clock, SystemClock};
pub use issuer::Issuer;
pub use metrics::{Metrics, MetricsError};
pub use store::{Store, StoreError};
