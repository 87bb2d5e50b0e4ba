//! Delivery against a real SQLite store, a real HTTPS receiver and a real mail server (aiosmtpd).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests.

mod engine;
mod mail;
mod support;
mod webhook;
