//! The state of a run for everybody who looks: HTTP, WebSocket, metrics, and the dashboard.
//!
//! ```text
//! engine's thread ── Publisher ──► Frame (immutable) ──► views ──► REST /v1, WebSocket /v1/live ──► web/
//!        ▲                                                                  │
//!        └───────── Asked: approve, decline, state, arming, kill ◄──────────┘  role, hash of what was seen, journalled with the name
//! ```
//!
//! The server computes, the browser draws: a view is a pure function of a frame, one function for REST and for the socket, and its figures
//! are those of `plimsoll report`, `margin`, `liquidation` and `surface` on the same state. States of the past come from the journal,
//! replayed. What-if changes a copy.
//!
//! **Safe by default.** It listens on loopback; anywhere else it needs TLS and tokens, or it does not start. Acting needs a token everywhere.
//! Names of hosts, origins, sizes, rates and times are bounded in the module `http::guard`.
//!
//! **Errors** are JSON with a code, a sentence and what to do. **Left out:** sessions of several runs in one server, and users beyond a file of
//! tokens.
//!
//! ```
//! use engine::Engine;
//! use server::{About, Frame, Listen, Mode, Publisher, Server, Tokens};
//! use units::Timestamp;
//! let now = Timestamp::from_utc_date(2026, 11, 26, 9)?;
//! let engine = Engine::new(std::sync::Arc::new(instrument::Specs::embedded()), now);
//! let mut publisher = Publisher::new();
//! let listen = Listen { address: ([127, 0, 0, 1], 0).into(), hosts: vec![], tls: None, tokens: Tokens::default() };
//! let about = About { name: "an example".into(), mode: Mode::Finished, speed: None };
//! let server = Server::start(listen, about, &publisher, (None, engine.clone()))?;
//! publisher.show(Frame::new(engine, journal::Seq::new(1), None));
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod auth;
mod frame;
mod history;
mod http;
mod hub;
mod metrics;
mod past;
mod patch;
mod said;
mod server;
mod socket;
mod told;
mod topics;
mod views;

pub use auth::{Role, Secret, Tokens};
pub use frame::Frame;
pub use hub::{Asked, Done, FRAMES_A_SECOND, Publisher, Refusal};
pub use past::PastError;
pub use said::{KINDS, Said};
pub use server::{About, Listen, ListenError, Mode, Server, TlsFiles};
