//! The dashboard beside a run: where it listens, who may come in, what is said about it.

use crate::cli::ServeArgs;
use crate::failure::Failure;
use engine::Engine;
use journal::{RealDisk, Runner};
use server::{About, Listen, Publisher, Role, Secret, Server, TlsFiles, Tokens};
use std::net::SocketAddr;
use std::path::Path;

/// Tried in turn when the usual port is taken and no address was asked for.
const PORTS: std::ops::Range<u16> = 8_321..8_341;

/// A server and the engine's end of it.
pub(super) struct Serving {
    pub(super) publisher: Publisher,
    server: Server,
    /// The token that was made for this start; none when a file of tokens is given.
    secret: Option<Secret>,
}

impl Serving {
    /// Starts to serve.
    pub(super) fn start(
        args: &ServeArgs,
        about: &About,
        (journal, genesis): (&Path, Engine),
        made: Option<(&str, Role)>,
    ) -> Result<Self, Failure> {
        logs();
        let publisher = Publisher::new();
        let (tokens, secret) = tokens(args, made)?;
        let tls = match (&args.tls_certificate, &args.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(TlsFiles { certificate: certificate.clone(), key: key.clone() })
            }
            _ => None,
        };
        let start = |address: SocketAddr| {
            let listen =
                Listen { address, hosts: args.host.clone(), tls: tls.clone(), tokens: tokens.clone() };
            let past = (Some(journal.to_path_buf()), genesis.clone());
            Server::start(listen, about.clone(), &publisher, past)
        };
        let server = match args.listen {
            Some(address) => start(address),
            None => {
                let usual = |port| SocketAddr::from(([127, 0, 0, 1], port));
                let mut tries = PORTS.map(|port| start(usual(port)));
                let first = tries.next().unwrap_or_else(|| start(usual(0)));
                first.or_else(|error| tries.find_map(Result::ok).ok_or(error))
            }
        };
        let server = server.map_err(|error| Failure::Input(error.to_string()))?;
        Ok(Self { publisher, server, secret })
    }

    /// The address for a person, with the token of this start behind the `#`, which browsers send nowhere.
    pub(super) fn url(&self) -> String {
        let url = self.server.url();
        match &self.secret {
            Some(secret) => format!("{url}/#token={}", secret.reveal()),
            None => format!("{url}/"),
        }
    }

    /// The run is over: what is shown stays, and nobody can act any more.
    pub(super) fn ended(&mut self, runner: &Runner<Engine, RealDisk>) {
        self.publisher.publish_last(runner.machine(), runner.journal().head());
        self.publisher.refuse_commands();
        self.server.ended();
    }
}

/// Those of the file, or one for this start.
fn tokens(args: &ServeArgs, made: Option<(&str, Role)>) -> Result<(Tokens, Option<Secret>), Failure> {
    if let Some(path) = &args.tokens {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::Input(format!("{}: cannot read: {error}", path.display())))?;
        let tokens = Tokens::parse(&path.display().to_string(), &text)
            .map_err(|issues| Failure::Input(issues.to_string()))?;
        return Ok((tokens, None));
    }
    let Some((name, role)) = made else { return Ok((Tokens::default(), None)) };
    let secret = Secret::random().map_err(|error| Failure::Input(format!("no random numbers: {error}")))?;
    Ok((Tokens::default().with(name, role, &secret), Some(secret)))
}

/// Structured logs on standard error: what `PLIMSOLL_LOG` asks for (such as `info`), warnings without it; as JSON if
/// `PLIMSOLL_LOG_FORMAT` is `json`.
pub(super) fn logs() {
    use tracing_subscriber::EnvFilter;
    #[allow(clippy::disallowed_methods)] // the binary is where the environment is read
    let says = |name: &str| std::env::var(name).ok();
    let filter = says("PLIMSOLL_LOG").and_then(|text| EnvFilter::try_new(text).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second server in one process finds the first one's logs in place.
    drop(if says("PLIMSOLL_LOG_FORMAT").as_deref() == Some("json") {
        lines.json().try_init()
    } else {
        lines.try_init()
    });
}
