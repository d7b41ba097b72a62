//! Options of the commands on a journal.

use super::ReportForm;
use clap::{Args, Subcommand, ValueEnum};
use journal::Head;
use std::net::SocketAddr;
use std::path::PathBuf;
use units::Timestamp;

#[derive(Debug, Args)]
#[command(after_help = "\
Example, with desk/run.toml:
  journal = \"journal\"
  policy = \"policy.toml\"
  book = [\"book.csv\"]
  market = [\"deribit_202602.parquet\"]
  from = \"2026-02-04\"
  to = \"2026-02-07\"

  plimsoll run desk/run.toml          goes on after the last durable snapshot when it is started again
  plimsoll run desk/run.toml --alerts desk/alerts.toml     alerts leave by webhook and command: plimsoll alert test --help
  plimsoll run desk/run.toml --listen 127.0.0.1:8321 --speed 3600     an hour of the recording a second, with the dashboard beside it
  plimsoll replay desk/journal
  plimsoll verify desk/journal

All keys: docs/formats.md, \"Journal commands\".")]
pub(crate) struct RunArgs {
    /// The file that says what is run
    pub(crate) config: PathBuf,
    /// File of routes by which alerts leave; wins over the key alerts of the configuration
    #[arg(long, value_name = "FILE")]
    pub(crate) alerts: Option<PathBuf>,
    /// Recorded seconds a second, or max; for somebody who watches: what comes of it is the same at any speed
    #[arg(long, value_name = "X|max", default_value = "max", requires = "listen")]
    pub(crate) speed: Speed,
    /// How to print
    #[arg(long, value_enum, default_value_t = ReportForm::Table)]
    pub(crate) format: ReportForm,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll replay desk/journal                         events, outputs and state, each with its hash
  plimsoll replay desk/journal --outputs --until 500   what was said up to event 500
  plimsoll replay desk/journal --against copy/journal  the first difference, if there is one; exit code 1 then")]
pub(crate) struct ReplayArgs {
    /// Folder of the journal
    pub(crate) folder: PathBuf,
    /// Stop after this event
    #[arg(long, value_name = "N")]
    pub(crate) until: Option<u64>,
    /// Another journal to compare every output with
    #[arg(long, value_name = "DIR")]
    pub(crate) against: Option<PathBuf>,
    /// In tables, print every output
    #[arg(long)]
    pub(crate) outputs: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = ReportForm::Table)]
    pub(crate) format: ReportForm,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll verify desk/journal                              recompute the chain; keep the head it prints
  plimsoll verify desk/journal --head 1204:9c4e...          is everything up to a head kept earlier still what it was?
  plimsoll verify desk/journal --prove 17 --head 1204:9c4e... > record17.proof   proof that record 17 is under that head
  plimsoll verify --check record17.proof --head 1204:9c4e... for whoever kept the head and has no journal

Exit code 1: damaged, or another journal than the one that the head is of.")]
pub(crate) struct VerifyArgs {
    /// Folder of the journal
    pub(crate) folder: Option<PathBuf>,
    /// A head kept earlier, SEQ:HASH; may be given several times
    #[arg(long, value_name = "SEQ:HASH")]
    pub(crate) head: Vec<Head>,
    /// Print the proof that this record is in the journal
    #[arg(long, value_name = "N")]
    pub(crate) prove: Option<u64>,
    /// Check a proof against the head, without a journal
    #[arg(long, value_name = "FILE")]
    pub(crate) check: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = ReportForm::Table)]
    pub(crate) format: ReportForm,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll top desk/journal           follow a run that writes this journal; q leaves
  plimsoll top desk/journal --once    print one moment and end (also when the output is no terminal)

It reads the journal and writes nothing: the run does not know of it, and any number may watch.")]
pub(crate) struct TopArgs {
    /// Folder of the journal
    pub(crate) folder: PathBuf,
    /// Print one moment and end
    #[arg(long)]
    pub(crate) once: bool,
    /// How often it looks for more, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(50..=60_000))]
    pub(crate) refresh_ms: u64,
    /// Columns of one moment printed
    #[arg(long, value_name = "N", default_value_t = 130, value_parser = clap::value_parser!(u16).range(60..=400))]
    pub(crate) width: u16,
    /// Lines of one moment printed
    #[arg(long, value_name = "N", default_value_t = 48, value_parser = clap::value_parser!(u16).range(20..=200))]
    pub(crate) height: u16,
    /// How to print one moment
    #[arg(long, value_enum, default_value_t = ReportForm::Table)]
    pub(crate) format: ReportForm,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll demo                                  half an hour in three minutes, as lines and on a page whose address it prints; Ctrl-C ends it
  plimsoll demo --view top                       the same as a screen
  plimsoll demo --speed max --seed 11 --journal d11   as fast as it goes; then: plimsoll replay d11
  plimsoll demo --world world.toml --policy policy.toml --speed 60

Nothing leaves this machine but alerts, where --alerts says so: venues are paper, their market is generated from the seed. The journal is one like any other.")]
pub(crate) struct DemoArgs {
    /// What the world is drawn from
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub(crate) seed: u64,
    /// Simulated seconds a second, or max
    #[arg(long, value_name = "X|max", default_value = "10")]
    pub(crate) speed: Speed,
    /// Simulated seconds after which it ends
    #[arg(long, value_name = "N", default_value_t = 1_800)]
    pub(crate) seconds: u32,
    /// End after this many events
    #[arg(long, value_name = "N")]
    pub(crate) events: Option<u64>,
    /// When the simulated time begins
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<Timestamp>,
    /// Folder of the journal; without it the first free one of demo-journal, demo-journal-2, ...
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
    /// A policy of your own
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A world of your own
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Option<PathBuf>,
    /// File of routes by which alerts leave: plimsoll alert test --help
    #[arg(long, value_name = "FILE")]
    pub(crate) alerts: Option<PathBuf>,
    /// What is seen of it
    #[arg(long, value_enum, default_value_t = DemoView::Lines)]
    pub(crate) view: DemoView,
    /// How to print what it came to; json prints nothing else
    #[arg(long, value_enum, default_value_t = ReportForm::Table)]
    pub(crate) format: ReportForm,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

/// Where a dashboard listens, and whom it lets in.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port of the dashboard; without it 127.0.0.1 and the first free port from 8321. Off this machine it needs TLS and tokens
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Another name, with its port, that the dashboard is reached by; may be given several times
    #[arg(long, value_name = "NAME:PORT")]
    pub(crate) host: Vec<String>,
    /// File of tokens; `plimsoll token` makes them
    #[arg(long, value_name = "FILE")]
    pub(crate) tokens: Option<PathBuf>,
    /// Certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll serve desk/journal                        the dashboard on a journal, finished or being written by a run
  plimsoll serve desk/journal --listen 127.0.0.1:9000
  plimsoll serve desk/journal --listen 10.0.0.5:8443 --host risk.example:8443 \\
      --tokens tokens.toml --tls-certificate chain.pem --tls-key key.pem

It reads the journal and writes nothing. To act, use the page of the process that runs the engine.")]
pub(crate) struct ServeCommandArgs {
    /// Folder of the journal
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  plimsoll token alice --role trader >> tokens.toml    the secret is printed once, on standard error; the file has its hash

viewer looks; trader also approves, declines and kills; risk also sets states and arms.")]
pub(crate) struct TokenArgs {
    /// Whose; it goes into the journal with everything done by it
    pub(crate) name: String,
    /// viewer, trader or risk
    #[arg(long)]
    pub(crate) role: server::Role,
}

/// What is seen of a demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoView {
    /// What the engine says, line by line
    Lines,
    /// The screen of `top`
    Top,
    /// Nothing before the end
    None,
}

/// How fast a demo goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Speed {
    /// Simulated seconds a second.
    Times(f64),
    /// As fast as it goes.
    Max,
}

impl Speed {
    /// Simulated seconds a second; none for as fast as it goes.
    pub(crate) const fn per_second(self) -> Option<f64> {
        match self {
            Self::Times(speed) => Some(speed),
            Self::Max => None,
        }
    }
}

impl std::str::FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let speed = text.parse::<f64>().ok().filter(|speed| (0.01..=100_000.0).contains(speed));
        speed.map(Self::Times).ok_or_else(|| "a number from 0.01 to 100000, or max".into())
    }
}

#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) action: PolicyAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyAction {
    /// What policy files would do, in plain words, or every mistake in them; exit code 3 if there are any
    #[command(after_help = "\
Examples:
  plimsoll policy check policies/desk.toml
  plimsoll policy check policies/desk.toml --format json
  plimsoll policy check mine.toml --at 2026-12-01      is it in force on that day?

Keys and what triggers may read: docs/formats.md, \"Policy files\".")]
    Check {
        /// Policy files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The day on which it is to be in force (RFC 3339 or UTC date); default: today
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
        /// How to print
        #[arg(long, value_enum, default_value_t = ReportForm::Table)]
        format: ReportForm,
    },
}
