//! The API as programs and browsers meet it: a real TLS port, a real store, people with every role.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// The engine's own rig: the same clock, issuer and agents.
#[allow(dead_code)]
#[path = "../../../engine/tests/engine/flaky.rs"]
mod flaky;
#[path = "../../../engine/tests/engine/flaky_access.rs"]
mod flaky_access;
#[path = "../../../engine/tests/engine/flaky_outside.rs"]
mod flaky_outside;
#[path = "../../../engine/tests/engine/flaky_passkeys.rs"]
mod flaky_passkeys;
#[path = "../../../engine/tests/engine/flaky_passwords.rs"]
mod flaky_passwords;
#[path = "../../../engine/tests/engine/flaky_tenants.rs"]
mod flaky_tenants;
#[path = "../../../engine/tests/engine/flaky_tokens.rs"]
mod flaky_tokens;
#[allow(dead_code)]
#[path = "../../../engine/tests/engine/rig.rs"]
mod rig;

// An authenticator in software.
#[path = "../../../identity/src/passkey/soft.rs"]
mod soft;

mod access;
mod account;
mod botnet;
mod conditions;
mod directories;
mod doors;
mod evidence;
mod frames;
mod hostile;
mod inputs;
mod joining;
mod limits;
mod lists;
mod live;
mod others;
mod outside;
mod paging;
mod passkeys;
mod passwords;
mod programs;
mod reviewing;
mod routes;
mod saml;
mod signing;
mod site;
mod surface;
mod taking;
mod two_people;
mod views;
