//! Reads the host's figures, one file per kind of figure.

pub(crate) mod clock;
pub(crate) mod cpu;
pub(crate) mod devices;
pub(crate) mod diag;
pub(crate) mod disk;
pub(crate) mod filesystem;
pub(crate) mod memory;
pub(crate) mod net;
pub(crate) mod processes;
pub(crate) mod sensors;
pub(crate) mod socket;
pub(crate) mod systemd;
