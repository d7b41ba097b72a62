//! The commands on margin: whose rules, which accounts, which tables.

use super::{InputArgs, OutputArgs, ReportForm};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use units::{Account, Asset, Rate, Symbol, Venue};

/// A screenful.
const TOP: usize = 20;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll margin                                     the embedded sample book and market
  plimsoll margin book.csv --market chain.parquet --rate USDC=1
  plimsoll margin book.csv --market btc.json --account desk-1
  plimsoll margin book.csv --market btc.json --rulebook deribit=my-deribit --rules my-deribit.toml
  plimsoll margin book.csv --market btc.json --fragmentation --funding-rate 8
  plimsoll margin book.csv --market btc.json --cheapest-venue deribit:BTC-25DEC26-100000-C=10
  plimsoll margin book.csv --market btc.json --faults
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
    /// Also compare with one account that holds everything, by each rulebook in use and by the unified one
    #[arg(long)]
    pub(crate) fragmentation: bool,
    /// Rate at which margin is funded, percent a year; with --fragmentation
    #[arg(long, value_name = "PERCENT", requires = "fragmentation", default_value = "10", value_parser = parse_percent_rate)]
    pub(crate) funding_rate: Rate,
    /// Also rank the accounts, and the venues without one, by what this new position would take of each, in units of the venue named; several compete
    #[arg(long, value_name = "VENUE:INSTRUMENT=QUANTITY", allow_hyphen_values = true)]
    pub(crate) cheapest_venue: Vec<NewPosition>,
    /// How many places for a new position a table shows; other formats have all
    #[arg(long, value_name = "N", requires = "cheapest_venue", default_value_t = TOP)]
    pub(crate) top: usize,
    /// Also strike every account with named faults: a wrong or stale oracle, a depeg, a lost hedge leg, a venue haircut; those of FILE, or the embedded faults.toml
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub(crate) faults: Option<Option<PathBuf>>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<MarginTableName>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll liquidation                                each coin alone, the sample book and market
  plimsoll liquidation book.csv --market btc.json --account desk-1
  plimsoll liquidation book.csv --market btc.json --driver BTC --beta ETH=1.2 --beta-others 1.5
  plimsoll liquidation book.csv --market btc.json --driver BTC --beta-others 1 --survive -30")]
pub(crate) struct LiquidationArgs {
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    /// Only this account, on all its venues; may be given several times
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Account::new(text))]
    pub(crate) account: Vec<Account>,
    /// The coin that moves; default: each coin that an account depends on, alone
    #[arg(long, value_name = "ASSET", value_parser = |text: &str| Asset::new(text))]
    pub(crate) driver: Option<Asset>,
    /// Return of another coin, or of a currency, per return of the driver; may be given several times
    #[arg(long, value_name = "ASSET=BETA", value_parser = parse_beta)]
    pub(crate) beta: Vec<(Asset, f64)>,
    /// The same for coins that are not named; default: they stay
    #[arg(long, value_name = "BETA", value_parser = parse_finite, allow_hyphen_values = true)]
    pub(crate) beta_others: Option<f64>,
    /// Also say what must be added in cash to stand a move of the driver by so much, such as -30
    #[arg(long, value_name = "PERCENT", value_parser = parse_move, allow_hyphen_values = true)]
    pub(crate) survive: Option<f64>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<LiquidationTableName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LiquidationTableName {
    /// One row per account and driver
    Liquidation,
    /// Positions, balances and accounts without a margin, and bad rows
    Unmargined,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plimsoll whatif --add trade.csv                     rows as in a book: trades at average_price or at the mark; deposits
  plimsoll whatif book.csv --market btc.json --transfer 'dao-treasury@wallet>desk-1@deribit:USDC=250000'
  plimsoll whatif book.csv --market btc.json --rulebook-after deribit=deribit-xpm --detail
  plimsoll whatif book.csv --market btc.json --rules-after my-deribit.toml    who does a parameter change liquidate?
  plimsoll whatif book.csv --market btc.json --close desk-1@deribit:BTC-PERPETUAL")]
pub(crate) struct WhatifArgs {
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    /// Book file of trades and deposits: a position is traded at its average_price, or at the mark without one; a negative amount leaves
    #[arg(long, value_name = "FILE")]
    pub(crate) add: Vec<PathBuf>,
    /// Close a position at its mark; may be given several times
    #[arg(long, value_name = "ACCOUNT@VENUE:INSTRUMENT")]
    pub(crate) close: Vec<Close>,
    /// Move collateral; may be given several times
    #[arg(long, value_name = "ACCOUNT@VENUE>ACCOUNT@VENUE:ASSET=AMOUNT")]
    pub(crate) transfer: Vec<Transfer>,
    /// After the change, margin a venue, or one account there, by this rulebook; may be given several times
    #[arg(long, value_name = "[ACCOUNT@]VENUE=ID")]
    pub(crate) rulebook_after: Vec<Override>,
    /// After the change, use these rulebook files; one with the id of a rulebook in use replaces it
    #[arg(long, value_name = "PATH")]
    pub(crate) rules_after: Vec<PathBuf>,
    /// In tables, show every figure that differs
    #[arg(long)]
    pub(crate) detail: bool,
    /// How many of the most affected accounts a table or page shows; other formats have all
    #[arg(long, value_name = "N", default_value_t = TOP)]
    pub(crate) top: usize,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// For csv and parquet: print only this table
    #[arg(long, value_enum)]
    pub(crate) table: Option<WhatifTableName>,
}

impl WhatifArgs {
    /// True when nothing is to be changed.
    pub(crate) fn is_empty(&self) -> bool {
        let changes = self.add.is_empty() && self.close.is_empty() && self.transfer.is_empty();
        changes && self.rulebook_after.is_empty() && self.rules_after.is_empty()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhatifTableName {
    /// One row per account and venue, both sides, and the total before, after and changed
    Accounts,
    /// Accounts that the change makes liquidatable, the largest shortfall first
    NewlyLiquidatable,
    /// Accounts that change, the most affected first
    MostAffected,
    /// Every figure that differs
    Figures,
    /// Positions, balances and accounts without a margin, and bad rows
    Unmargined,
}

/// An account on a venue, `ACCOUNT@VENUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) account: Account,
    pub(crate) venue: Venue,
}

impl std::str::FromStr for Holder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (account, venue) =
            text.rsplit_once('@').ok_or_else(|| format!("'{text}': write ACCOUNT@VENUE"))?;
        Ok(Self {
            account: Account::new(account).map_err(|e| e.to_string())?,
            venue: Venue::new(venue).map_err(|e| e.to_string())?,
        })
    }
}

/// A position to close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) holder: Holder,
    pub(crate) instrument: Symbol,
}

impl std::str::FromStr for Close {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (holder, instrument) = text.rsplit_once(':').ok_or("write ACCOUNT@VENUE:INSTRUMENT")?;
        let instrument = Symbol::new(instrument).map_err(|e| e.to_string())?;
        Ok(Self { holder: holder.parse()?, instrument })
    }
}

/// A position that nobody holds yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewPosition {
    pub(crate) venue: Venue,
    pub(crate) instrument: Symbol,
    /// As a book has it, in the venue's units; checked as a row of a book is.
    pub(crate) quantity: String,
}

impl std::str::FromStr for NewPosition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "write VENUE:INSTRUMENT=QUANTITY, such as deribit:BTC-PERPETUAL=-50000";
        let (venue, rest) = text.split_once(':').ok_or(FORM)?;
        let (instrument, quantity) = rest.rsplit_once('=').ok_or(FORM)?;
        Ok(Self {
            venue: Venue::new(venue).map_err(|e| e.to_string())?,
            instrument: Symbol::new(instrument).map_err(|e| e.to_string())?,
            quantity: quantity.trim().to_owned(),
        })
    }
}

impl std::fmt::Display for NewPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}={}", self.venue, self.instrument, self.quantity)
    }
}

/// Collateral to move.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Transfer {
    pub(crate) from: Holder,
    pub(crate) to: Holder,
    pub(crate) asset: Asset,
    pub(crate) amount: f64,
}

impl std::str::FromStr for Transfer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "write ACCOUNT@VENUE>ACCOUNT@VENUE:ASSET=AMOUNT (in quotes: > is the shell's)";
        let (from, rest) = text.split_once('>').ok_or(FORM)?;
        let (to, what) = rest.rsplit_once(':').ok_or(FORM)?;
        let (asset, amount) = what.split_once('=').ok_or(FORM)?;
        Ok(Self {
            from: from.parse()?,
            to: to.parse()?,
            asset: Asset::new(asset).map_err(|e| e.to_string())?,
            amount: parse_finite(amount)?,
        })
    }
}

fn parse_finite(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim().parse().ok().filter(|n: &f64| n.is_finite());
    number.ok_or_else(|| format!("'{text}' is not a number"))
}

fn parse_beta(text: &str) -> Result<(Asset, f64), String> {
    let (asset, beta) = text.split_once('=').ok_or("write ASSET=BETA, such as ETH=1.2")?;
    Ok((Asset::new(asset).map_err(|e| e.to_string())?, parse_finite(beta)?))
}

fn parse_percent_rate(text: &str) -> Result<Rate, String> {
    Rate::new(parse_finite(text)? / 100.0).map_err(|e| e.to_string())
}

fn parse_move(text: &str) -> Result<f64, String> {
    let percent = parse_finite(text)?;
    let in_range = (-99.99..=9_900.0).contains(&percent);
    if in_range { Ok(percent) } else { Err("a move lies between -99.99 and 9900 percent".into()) }
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
    /// Today against one account that holds everything; empty without --fragmentation
    Fragmentation,
    /// Places for a new position, the cheapest first; empty without --cheapest-venue
    CheapestVenues,
    /// What every named fault does to the accounts that it changes, and the faults that change none; empty without --faults
    Faults,
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
