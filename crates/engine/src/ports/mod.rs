//! The ports: what the engine needs from the world, as traits that adapters fill.

pub mod access;
pub mod api_tokens;
pub mod approvals;
pub mod clock;
pub mod issuer;
pub mod metrics;
pub mod outside;
pub mod passkeys;
pub mod passwords;
pub mod reviews;
pub mod rows;
pub mod store;
pub mod tenants;

pub use access::AccessStore;
pub use api_tokens::ApiTokenStore;
pub use approvals::ApprovalStore;
pub use clock::{Clock, SystemClock};
pub use issuer::Issuer;
pub use metrics::{Metrics, MetricsError};
pub use outside::OutsideStore;
pub use passkeys::PasskeyStore;
pub use passwords::PasswordStore;
pub use reviews::ReviewStore;
pub use store::{Store, StoreError};
pub use tenants::{TenantScope, TenantStore};
