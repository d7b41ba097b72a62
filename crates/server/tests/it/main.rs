//! The server as its clients meet it: a real engine in front of paper venues, a real socket, and clients that mean harm.

mod acting;
mod client;
mod desk;
mod reading;
mod security;
mod socket;
