//! SAML 2.0, as the one who relies on it: from bytes, a configuration and the time to a person, or to one reason why not.
//!
//! [`kind`] makes of it a kind of provider for the server, [`config`] is what an administrator enters. The rest is
//! pure: no sockets, no clock, no storage, and nothing known of accounts, sessions or rights. The caller keeps what was asked
//! ([`Request::id`]), sees to it that each assertion counts once ([`Verified::once`]), and binds the answer to the browser.
//!
//! | step | here |
//! |---|---|
//! | ask the provider | [`authn_request`] (HTTP-Redirect, signed where wanted) |
//! | read what it answers | [`decode_post`], [`read_response`] |
//! | it ends a session | [`read_logout`], [`logout_response`] |
//! | exchange keys and addresses | [`sp_metadata`], [`read_idp_metadata`], [`OwnKey`], [`IdpCertificate`] |
//!
//! Not here: artifact binding, SOAP, attribute queries, holder-of-key, signing as a provider, SAML 1.1.
#![forbid(unsafe_code)]

mod c14n;
pub mod config;
mod dsig;
mod enc;
mod key;
pub mod kind;
mod metadata;
mod request;
mod response;
mod time;
mod xml;

pub use c14n::canonical_document;
pub use config::Config;
pub use dsig::SignatureError;
pub use enc::DecryptError;
pub use key::{IdpCertificate, KeyError, OwnKey};
pub use kind::Saml;
pub use metadata::{CERTIFICATES_MAX, IdpMetadata, MetadataError, read_idp_metadata, sp_metadata};
pub use request::{Ask, Farewell, Request, authn_request, logout_response};
pub use response::{
    Attribute, EMAIL, Expect, IdentityProvider, LoggedOut, Reading, Refusal, SIGNS_AFTER, ServiceProvider,
    Step, TRANSIENT, Verified, decode_post, read_logout, read_response,
};
pub use xml::{DEPTH_MAX, Document, SIZE_MAX, XmlError};
