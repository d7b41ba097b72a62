//! One message, tried once: a POST, or a program that is started.

use super::clock;
use super::message::{Parcel, signature};
use super::routes::{By, Channel, Hidden};
use super::schedule::{Verdict, verdict};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::http::header::RETRY_AFTER;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// A program is looked after so often.
const LOOK: Duration = Duration::from_millis(20);
/// A program that fails is tried so often.
const COMMAND_TRIES: u32 = 3;

/// What came of a try. Reasons name a host or a program and nothing that is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver has it.
    Arrived,
    /// Not now.
    Again {
        why: String,
        /// The pause that the receiver asked for.
        asked_seconds: Option<u64>,
        /// Tries after which it is given up; never without it.
        most_tries: Option<u32>,
    },
    /// Not at all.
    Final { why: String },
}

/// The end of a channel.
#[derive(Debug)]
pub(super) enum Sender {
    Webhook { agent: Agent, url: Hidden, secret: Option<Hidden> },
    Command { program: PathBuf, arguments: Vec<String>, hidden_variables: BTreeSet<String> },
}

impl Sender {
    /// Makes ready; for https it reads this machine's root certificates.
    pub(super) fn of(channel: &Channel, hidden_variables: &BTreeSet<String>) -> Result<Self, String> {
        Ok(match &channel.by {
            By::Webhook { url, secret, .. } => {
                let is_tls = url.reveal().to_ascii_lowercase().starts_with("https:");
                let agent = agent(if is_tls { Some(roots()?) } else { None });
                Self::Webhook { agent, url: url.clone(), secret: secret.clone() }
            }
            By::Command { program, arguments } => Self::Command {
                program: program.clone(),
                arguments: arguments.clone(),
                hidden_variables: hidden_variables.clone(),
            },
        })
    }

    /// Tries once, for so long at most; `is_over` is asked while a program runs.
    pub(super) fn send(&self, parcel: &Parcel, limit: Duration, is_over: &dyn Fn() -> bool) -> Outcome {
        match self {
            Self::Webhook { agent, url, secret } => post(agent, url, secret.as_ref(), (parcel, limit)),
            Self::Command { program, arguments, hidden_variables } => {
                let mut command = Command::new(program);
                command.args(arguments.iter().map(|argument| parcel.fill(argument)));
                for name in hidden_variables {
                    command.env_remove(name);
                }
                execute(command, parcel, limit, is_over)
            }
        }
    }
}

/// No redirects, no proxy of the environment, no connection kept: it goes where the file says, and nowhere else.
fn agent(roots: Option<RootCerts>) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .max_idle_connections(0)
        .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")));
    if let Some(roots) = roots {
        // The provider that the server uses: there is one in the program.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider);
        config = config.tls_config(tls.build());
    }
    config.build().new_agent()
}

/// The certificates that this machine trusts.
fn roots() -> Result<RootCerts, String> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(format!(
            "this machine has no root certificates, so that https trusts nobody: install them (ca-certificates), or name a file by SSL_CERT_FILE {}",
            why.join("; ")
        ));
    }
    let certificates: Vec<Certificate<'static>> =
        found.certs.iter().map(|one| Certificate::from_der(one.as_ref()).to_owned()).collect();
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

fn post(
    agent: &Agent,
    url: &Hidden,
    secret: Option<&Hidden>,
    (parcel, limit): (&Parcel, Duration),
) -> Outcome {
    let mut request = agent
        .post(url.reveal())
        .config()
        .timeout_global(Some(limit))
        .build()
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", &parcel.key);
    if let Some(secret) = secret {
        request =
            request.header("Plimsoll-Signature", signature(secret, clock::unix_seconds(), &parcel.body));
    }
    let again = |why: String, asked_seconds| Outcome::Again { why, asked_seconds, most_tries: None };
    match request.send(&parcel.body) {
        Ok(response) => {
            let status = response.status();
            let why = format!("the answer is {status}");
            match verdict(status.as_u16()) {
                Verdict::Arrived => Outcome::Arrived,
                Verdict::Again => {
                    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                    again(why, asked.and_then(|seconds| seconds.trim().parse().ok()))
                }
                Verdict::Final => Outcome::Final { why },
            }
        }
        Err(error) => again(reason(&error, limit), None),
    }
}

/// In words of our own: some of the library's quote the address.
fn reason(error: &ureq::Error, limit: Duration) -> String {
    match error {
        // A handshake that fails comes as an error of reading.
        ureq::Error::Io(error) => {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(error) => format!("TLS: {error}"),
                None => format!("no connection: {}", error.kind()),
            }
        }
        ureq::Error::Timeout(_) => format!("no answer within {} s", limit.as_secs_f64()),
        ureq::Error::HostNotFound => "no such host".into(),
        ureq::Error::ConnectionFailed => "no connection".into(),
        ureq::Error::Rustls(error) => format!("TLS: {error}"),
        ureq::Error::Tls(why) => format!("TLS: {why}"),
        ureq::Error::Protocol(_) => "the answer is no HTTP".into(),
        _ => "the request could not be made".into(),
    }
}

/// Starts a program with the message on its standard input, and waits for its end.
fn execute(mut command: Command, parcel: &Parcel, limit: Duration, is_over: &dyn Fn() -> bool) -> Outcome {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Its own group: Ctrl-C at our terminal is not meant for it, and what it has started ends with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let again = |why: String| Outcome::Again { why, asked_seconds: None, most_tries: Some(COMMAND_TRIES) };
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Outcome::Final { why: format!("cannot be started: {error}") },
    };
    if let Some(mut input) = child.stdin.take() {
        let body = parcel.body.clone();
        // Not here: a program that does not read could hold us up. That it does not read is its own affair.
        std::thread::spawn(move || drop(input.write_all(body.as_bytes())));
    }
    let begun = clock::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Outcome::Arrived,
            Ok(Some(status)) => return again(ended(status)),
            Ok(None) if begun.elapsed() >= limit => {
                kill(&mut child);
                return again(format!("was killed: not over within {} s", limit.as_secs_f64()));
            }
            Ok(None) if is_over() => {
                kill(&mut child);
                return again("was killed: the run is over".into());
            }
            Ok(None) => std::thread::sleep(LOOK),
            Err(error) => return again(format!("cannot be waited for: {error}")),
        }
    }
}

fn ended(status: ExitStatus) -> String {
    status.code().map_or_else(|| "was killed by a signal".into(), |code| format!("exit code {code}"))
}

/// Ends a program and what it has started.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // It may be over already.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
    drop(child.kill());
    drop(child.wait());
}
