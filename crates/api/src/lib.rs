//! The public API: HTTP in, use cases out. Handlers parse, authorise, act and render; rules live in the engine.
//!
//! The console's files are served from here too, as one client of this API with no rights of its own.

mod act;
mod admin;
mod agents;
mod auth;
mod body;
mod console;
pub mod dto;
mod error;
mod live;
mod monitor;
mod routes;
mod server;
mod sign;
mod state;
mod time;
mod users;
mod view;

pub use auth::Origin;
pub use axum::Router;
pub use error::ApiError;
pub use routes::{BASE, RouteInfo};
pub use server::{build, listen_address, serve_local, serve_tls};
pub use sign::Desk;
pub use state::{App, CheckChannel, Fingerprint, PortsOf, Seal};
