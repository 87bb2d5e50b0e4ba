//! What Watchkeep knows about monitoring, and nothing else: ids, names, states, thresholds, results, decisions.
//!
//! No IO, no clock, no async, no serde: time comes in as an argument, and other crates convert by hand.

pub mod builtin;
pub mod check;
pub mod check_state;
pub mod cidr;
pub mod decision;
pub mod id;
pub mod name;
pub mod perfdata;
pub mod plugin_output;
pub mod spec;
pub mod spread;
pub mod tenant;
pub mod text;
pub mod threshold;
pub mod time;

pub use check::{Check, CheckKind, CheckResult, ResultReason, RetryPolicy, Status};
pub use check_state::{CheckState, StateType, Transition};
pub use cidr::{Cidr, CidrError};
pub use id::*;
pub use name::{CheckKey, HostName, HostPattern, MetricName};
pub use tenant::{Labels, Tenant, TenantPath, TenantTree};
pub use time::Timestamp;
