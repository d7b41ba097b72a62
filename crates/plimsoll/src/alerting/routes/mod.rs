//! The file of routes: which alerts leave by which channel.
//!
//! ```toml
//! [[channel]]
//! name = "desk"                        # unique: small letters, digits, - and _
//! severity = "act"                     # this and above: info, warn, act
//! kinds = ["trigger", "level"]         # only these; all without it
//! rules = ["thin margin"]              # only what these limits, hedges, triggers and collateral rules say; all without it
//! webhook = { url_file = "hook.url" }  # or url_env = "DESK_HOOK", or url = "http://127.0.0.1:9000/x"
//! format = "plimsoll"                  # or "slack"
//! secret_file = "hook.secret"          # or secret_env: signs each message
//! timeout_seconds = 10
//! most_per_minute = 30
//!
//! [[channel]]
//! name = "pager"
//! command = ["./page-me", "--title", "{kind}"]   # no shell; the alert as JSON on standard input
//! ```
//!
//! Addresses and secrets are [`Hidden`]: no message shows one, and a mistake in one is told without its text. So the file is walked key by key
//! instead of by `serde`, whose errors quote what they found; and so all mistakes are told at once, unknown keys among them.

mod fields;
mod read;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use units::Issues;

/// How much an alert asks of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Nothing.
    Info,
    /// To look.
    Warn,
    /// To act.
    Act,
}

impl Severity {
    pub(super) const ALL: [Self; 3] = [Self::Info, Self::Warn, Self::Act];

    /// The word for files and messages.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Act => "act",
        }
    }

    /// The severity of this word.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.word() == word)
    }
}

/// Text that nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hidden(String);

impl Hidden {
    pub(super) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one who needs it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

/// What the body of a webhook looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `plimsoll.alert/1`.
    Plimsoll,
    /// `{"text": ...}`.
    Slack,
}

impl Format {
    const ALL: [Self; 2] = [Self::Plimsoll, Self::Slack];

    /// The word for files and messages.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Plimsoll => "plimsoll",
            Self::Slack => "slack",
        }
    }
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum By {
    /// A POST.
    Webhook {
        /// With its token, if it has one.
        url: Hidden,
        /// Scheme, name and port: what may be shown.
        host: String,
        format: Format,
        /// Signs each message.
        secret: Option<Hidden>,
    },
    /// A program, without a shell.
    Command {
        program: PathBuf,
        /// With words in braces.
        arguments: Vec<String>,
    },
}

/// One way out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) severity: Severity,
    /// Empty: all.
    pub(crate) kinds: BTreeSet<String>,
    /// Empty: all.
    pub(crate) rules: BTreeSet<String>,
    pub(super) by: By,
    pub(crate) timeout: Duration,
    pub(crate) most_per_minute: u32,
}

impl Channel {
    /// What may be shown of where it leads: a host, or a program.
    pub(crate) fn to(&self) -> String {
        match &self.by {
            By::Webhook { host, .. } => host.clone(),
            By::Command { program, .. } => program.display().to_string(),
        }
    }

    /// `webhook` or `command`.
    pub(crate) const fn way(&self) -> &'static str {
        match self.by {
            By::Webhook { .. } => "webhook",
            By::Command { .. } => "command",
        }
    }

    /// The format of its messages.
    pub(crate) const fn format(&self) -> Format {
        match self.by {
            By::Webhook { format, .. } => format,
            By::Command { .. } => Format::Plimsoll,
        }
    }

    /// Whether its messages are signed.
    pub(crate) const fn is_signed(&self) -> bool {
        matches!(self.by, By::Webhook { secret: Some(_), .. })
    }
}

/// All of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Routes {
    pub(crate) channels: Vec<Channel>,
    /// Environment variables that hold addresses and secrets: no command is told them.
    pub(super) hidden_variables: BTreeSet<String>,
}

/// What a file of routes refers to.
pub(super) struct Around<'a> {
    /// Where its paths begin.
    pub(super) folder: &'a Path,
    /// The value of an environment variable.
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Routes {
    /// Reads a file with everything that it names.
    ///
    /// # Errors
    /// Every mistake, without the text of an address or a secret.
    pub(crate) fn read(path: &Path) -> Result<Self, Issues> {
        let file = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let mut issues = Issues::default();
                issues.push(fields::issue(&file, (0, ""), "", &format!("cannot read: {error}")));
                return Err(issues);
            }
        };
        #[allow(clippy::disallowed_methods)] // the binary is where the environment is read
        let variable = |name: &str| std::env::var(name).ok();
        let around = Around { folder: path.parent().unwrap_or_else(|| Path::new("")), variable: &variable };
        Self::parse(&file, &text, &around)
    }

    /// Channels that wait for rules which a policy does not have: channel and rule.
    pub(crate) fn unknown_rules(&self, policy: &engine::Policy) -> Vec<(String, String)> {
        let limits = policy.limits.iter().map(|limit| &limit.name);
        let hedges = policy.hedges.iter().map(|hedge| &hedge.name);
        let triggers = policy.triggers.iter().map(|trigger| &trigger.name);
        let moves = policy.collaterals.iter().map(|rule| &rule.name);
        let known: BTreeSet<&String> = limits.chain(hedges).chain(triggers).chain(moves).collect();
        let named = self.channels.iter().flat_map(|c| c.rules.iter().map(|rule| (c.name.clone(), rule)));
        named.filter(|(_, rule)| !known.contains(rule)).map(|(name, rule)| (name, rule.clone())).collect()
    }
}

#[cfg(test)]
pub(super) mod tests;
