//! Listening: on loopback without more ado, anywhere else with TLS and tokens or not at all.

use crate::auth::Tokens;
use crate::frame::Turn;
use crate::http::{Guard, router};
use crate::hub::{Hub, Publisher};
use crate::metrics::Metrics;
use crate::past::Past;
use crate::topics::Topics;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use engine::Engine;
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
use units::Timestamp;

/// A client has so long to send the head of a request: a slow one keeps no connection for itself.
const HEAD: Duration = Duration::from_secs(10);
/// Views and replays that are computed at a time on request.
const WORKERS: usize = 3;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A generated market and paper venues.
    Paper,
    /// A recorded market.
    Recorded,
    /// A journal that nobody writes.
    Finished,
}

impl Mode {
    /// The word for people and programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Recorded => "recorded",
            Self::Finished => "finished",
        }
    }
}

/// What a server is told about the run behind it.
#[derive(Debug, Clone)]
pub struct About {
    /// A name for the page's head.
    pub name: String,
    /// What is shown.
    pub mode: Mode,
    /// How fast simulated time goes, in words.
    pub speed: Option<String>,
}

/// Certificate and key, PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// Chain of certificates.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// Where a server listens, and whom it lets in.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// Further names that it is reached by, with their ports.
    pub hosts: Vec<String>,
    /// Needed off loopback.
    pub tls: Option<TlsFiles>,
    /// Who may come in.
    pub tokens: Tokens,
}

/// Why a server does not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Others could read along.
    #[error(
        "{address} is not on this machine: give a certificate and a key (--tls-certificate, --tls-key), or listen on 127.0.0.1"
    )]
    NeedsTls {
        /// Where.
        address: SocketAddr,
    },
    /// Anybody could come in.
    #[error(
        "{address} is not on this machine: give tokens (--tokens FILE; `plimsoll token NAME --role viewer` makes one)"
    )]
    NeedsTokens {
        /// Where.
        address: SocketAddr,
    },
    /// The system refused.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What it said.
        error: std::io::Error,
    },
    /// Certificate or key.
    #[error("{file}: {error}")]
    Tls {
        /// Which file.
        file: String,
        /// What is wrong.
        error: std::io::Error,
    },
    /// No threads.
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
    pub(crate) past: Past,
    pub(crate) guard: Guard,
    pub(crate) metrics: Metrics,
    pub(crate) topics: Topics,
    pub(crate) about: About,
    /// Another one after each start.
    pub(crate) session: String,
    pub(crate) sockets: AtomicUsize,
    pub(crate) work: Arc<Semaphore>,
    ended: AtomicBool,
}

impl Shared {
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

/// A server that runs until it is stopped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// `http` or `https`.
    pub scheme: &'static str,
    shared: Arc<Shared>,
    handle: Handle<SocketAddr>,
    runtime: Option<tokio::runtime::Runtime>,
}

/// The clock of the wall: when a view was computed. Nothing of record depends on it.
pub(crate) fn now() -> Timestamp {
    #[allow(clippy::disallowed_methods)] // the edge says when it answered
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// Names that a request may be sent to.
fn hosts(address: SocketAddr, more: &[String]) -> BTreeSet<String> {
    let port = address.port();
    let mut hosts: BTreeSet<String> = more.iter().map(|host| host.to_ascii_lowercase()).collect();
    hosts.insert(address.to_string());
    if address.ip().is_loopback() {
        hosts.extend([format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")]);
    }
    hosts
}

impl Server {
    /// Starts to serve what a publisher publishes. `journal` is where states of the past come from, replayed from `genesis`.
    ///
    /// # Errors
    /// When the address is off loopback without TLS or tokens, is taken, or the certificate cannot be read.
    pub fn start(
        listen: Listen,
        about: About,
        publisher: &Publisher,
        (journal, genesis): (Option<PathBuf>, Engine),
    ) -> Result<Self, ListenError> {
        let is_off = !listen.address.ip().is_loopback();
        if is_off && listen.tls.is_none() {
            return Err(ListenError::NeedsTls { address: listen.address });
        }
        if is_off && listen.tokens.is_empty() {
            return Err(ListenError::NeedsTokens { address: listen.address });
        }
        let bind = |error| ListenError::Bind { address: listen.address, error };
        let listener = TcpListener::bind(listen.address).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("server")
            .enable_all()
            .build()
            .map_err(ListenError::Runtime)?;
        let tls = listen.tls.as_ref().map(|files| tls(&runtime, files)).transpose()?;
        let session = crate::auth::Secret::random().map(|random| random.hash()).unwrap_or_default();
        let shared = Arc::new(Shared {
            hub: publisher.hub.clone(),
            past: Past::new(journal.as_deref(), genesis, publisher.hub.states.clone()),
            guard: Guard::new(hosts(address, &listen.hosts), listen.tokens, is_off),
            metrics: Metrics::new(),
            topics: Topics::default(),
            about,
            session: session.chars().take(16).collect(),
            sockets: AtomicUsize::new(0),
            work: Arc::new(Semaphore::new(WORKERS)),
            ended: AtomicBool::new(false),
        });
        let handle = Handle::new();
        let scheme = if tls.is_some() { "https" } else { "http" };
        runtime.spawn(sample(shared.clone()));
        runtime.spawn(serve(listener, tls, shared.clone(), handle.clone()));
        Ok(Self { address, scheme, shared, handle, runtime: Some(runtime) })
    }

    /// The address of the page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Says that the run behind it is over: its last state is fresh for ever.
    pub fn ended(&self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.graceful_shutdown(Some(Duration::from_millis(300)));
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

fn tls(runtime: &tokio::runtime::Runtime, files: &TlsFiles) -> Result<RustlsConfig, ListenError> {
    // A second provider is refused, and one is enough.
    drop(rustls::crypto::ring::default_provider().install_default());
    let loaded = runtime.block_on(RustlsConfig::from_pem_file(&files.certificate, &files.key));
    let config = loaded.map_err(|error| ListenError::Tls {
        file: format!("{}, {}", files.certificate.display(), files.key.display()),
        error,
    })?;
    // HTTP/1.1 alone: a browser would take HTTP/2, which has no Host header to guard and another way to open sockets.
    let mut inner = rustls::ServerConfig::clone(&config.get_inner());
    inner.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.reload_from_config(Arc::new(inner));
    Ok(config)
}

async fn serve(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    shared: Arc<Shared>,
    handle: Handle<SocketAddr>,
) {
    let service = router(shared).into_make_service_with_connect_info::<SocketAddr>();
    let served = match tls {
        None => match axum_server::from_tcp(listener) {
            Ok(mut server) => {
                limits(server.http_builder());
                server.handle(handle).serve(service).await
            }
            Err(error) => Err(error),
        },
        Some(tls) => match axum_server::from_tcp_rustls(listener, tls) {
            Ok(mut server) => {
                limits(server.http_builder());
                server.handle(handle).serve(service).await
            }
            Err(error) => Err(error),
        },
    };
    if let Err(error) = served {
        tracing::error!(%error, "the server ended");
    }
}

fn limits<E>(builder: &mut hyper_util::server::conn::auto::Builder<E>) {
    builder
        .http1()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(64 * 1024);
}

/// Takes the samples of history off the newest frames.
async fn sample(shared: Arc<Shared>) {
    let mut frames = shared.hub.newest.clone();
    frames.mark_changed();
    while frames.changed().await.is_ok() {
        let Some(frame) = frames.borrow_and_update().clone() else { continue };
        shared.hub.states.keep(frame.record.get(), || frame.shared_engine());
        // It margins every account: not while others are in a hurry.
        if frame.turn == Turn::Quick || !shared.hub.history().is_due(frame.asof()) {
            continue;
        }
        let hub = shared.hub.clone();
        let taken = tokio::task::spawn_blocking(move || {
            // The figures are computed before the history is held.
            frame.margins();
            hub.history().take(&frame);
        });
        if taken.await.is_err() {
            tracing::error!("a sample of history failed");
        }
    }
}
