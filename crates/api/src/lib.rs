//! The public API: HTTP in, use cases out. Handlers parse, authorise, act and render; rules live in the engine.
//!
//! The console's files are served from here too, as one client of this API with no rights of its own.

mod access;
mod account;
mod act;
mod admin;
mod agents;
mod approvals;
mod auth;
mod bearer;
mod body;
mod clients;
mod conditions;
mod console;
mod device;
mod door;
pub mod dto;
mod error;
mod flood;
mod four_eyes;
mod gate;
mod live;
mod monitor;
mod notice;
mod order;
mod others;
mod passkeys;
mod policy;
mod providers;
mod removal;
mod reviews;
mod routes;
mod scopes;
mod server;
mod sign;
mod state;
mod tenants;
mod time;
mod tokens;
mod users;
mod view;
mod views;

pub use auth::Origin;
pub use axum::Router;
pub use clients::{CLIENTS_SETTING, ClientDoor, ClientFacts, ClientFiles, ClientMode, client_files};
pub use door::{Doors, listen_address, serve_local, serve_tls, serve_tls_with};
pub use error::ApiError;
pub use gate::{Budget, Limits};
pub use policy::BLOCKLIST_FILE;
pub use routes::{BASE, RouteInfo};
pub use server::build;
pub use sign::Desk;
pub use state::{App, CheckChannel, Fingerprint, PortsOf, Seal};
