//! The commands on margin: whose rules, which accounts, which tables.

use super::{InputArgs, OutputArgs, ReportForm};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use units::{Account, Venue};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll margin                                     the embedded sample book and market
  plimsoll margin book.csv --market chain.parquet --rate USDC=1
  plimsoll margin book.csv --market btc.json --account desk-1
  plimsoll margin book.csv --market btc.json --rulebook deribit=my-deribit --rules my-deribit.toml
  plimsoll margin book.csv --market btc.json --format csv --table accounts")]
pub(crate) struct MarginArgs {
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    /// Only this account, on all its venues, in full; may be given several times
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Account::new(text))]
    pub(crate) account: Vec<Account>,
    /// In tables, show every account in full: scenarios, contingencies, legs, collateral
    #[arg(long)]
    pub(crate) detail: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<MarginTableName>,
}

// No doc comment: see InputArgs.
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// Margin the accounts of a venue, or one account there, by this rulebook instead of the venue's usual one; may be given several times
    #[arg(long, value_name = "[ACCOUNT@]VENUE=ID")]
    pub(crate) rulebook: Vec<Override>,
    /// Rulebook files of your own, or folders of them (*.toml); one with the id of an embedded rulebook replaces it
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,
}

/// A rulebook for the accounts of a venue, or for one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Override {
    /// None: every account there.
    pub(crate) account: Option<Account>,
    pub(crate) venue: Venue,
    /// Id of the rulebook.
    pub(crate) id: String,
}

impl std::str::FromStr for Override {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "write VENUE=ID or ACCOUNT@VENUE=ID; `plimsoll rulebook list` has the ids";
        // An account's name may hold these signs, a venue's and an id do not.
        let (place, id) = text.rsplit_once('=').ok_or(FORM)?;
        let (account, venue) = match place.rsplit_once('@') {
            Some((account, venue)) => (Some(Account::new(account).map_err(|e| e.to_string())?), venue),
            None => (None, place),
        };
        let id = id.trim();
        if id.is_empty() {
            return Err(FORM.into());
        }
        Ok(Self { account, venue: Venue::new(venue).map_err(|e| e.to_string())?, id: id.to_owned() })
    }
}

impl std::fmt::Display for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(account) = &self.account {
            write!(f, "{account}@")?;
        }
        write!(f, "{}={}", self.venue, self.id)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MarginTableName {
    /// One row per account and venue, and the total
    Accounts,
    /// One row per unit: legs that are margined together
    Units,
    /// P&L of each unit under each scenario
    Scenarios,
    /// Contingencies and other named parts of the requirements
    Charges,
    /// Legs that carry a requirement of their own
    Legs,
    /// Balances with their haircuts
    Collateral,
    /// Positions, balances and accounts without a margin, and bad rows
    Unmargined,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll rulebook list
  plimsoll rulebook show deribit-pm > my-deribit.toml     a copy to change
  plimsoll rulebook check my-deribit.toml                 all its mistakes at once
  plimsoll margin book.csv --market btc.json --rules my-deribit.toml")]
pub(crate) struct RulebookArgs {
    #[command(subcommand)]
    pub(crate) action: RulebookAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulebookAction {
    /// The embedded rulebooks: id, venues, date, hash, open questions
    #[command(after_help = "Example:\n  plimsoll rulebook list --format json")]
    List {
        /// How to print
        #[arg(long, value_enum, default_value_t = ReportForm::Table)]
        format: ReportForm,
    },
    /// Print the parameter file of an embedded rulebook, to copy and change
    #[command(after_help = "Example:\n  plimsoll rulebook show deribit-pm > my-deribit.toml")]
    Show {
        /// Which one
        id: String,
    },
    /// List every mistake of parameter files; exit code 3 if there are any
    #[command(after_help = "Example:\n  plimsoll rulebook check my-deribit.toml my-own-venue.toml")]
    Check {
        /// Parameter files, or folders of them (*.toml)
        #[arg(required = true, value_name = "PATH")]
        files: Vec<PathBuf>,
    },
}
