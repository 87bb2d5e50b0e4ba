//! The reader against what another implementation signs, encrypts and canonicalises (Debian's `xmlsec1` and `lxml`), and
//! against what attackers make of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accepted;
mod attacks;
mod canonical;
mod forge;
mod kind;
mod pysaml2;
