//! The server as its clients meet it: a real engine in front of paper venues, a real socket, and clients that mean harm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

mod acting;
mod client;
mod desk;
mod reading;
mod security;
mod socket;
mod tls;
