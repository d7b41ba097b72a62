//! What a world is made of, as data: a TOML file with a source for every group of numbers, all its mistakes reported at once.
//!
//! `world.toml` beside this crate is the embedded one and shows every key. Names end in their units: `_bp` is 0.01 %, `_per_year` counts
//! years of 365 days. Amounts, ticks and lots are decimals, written as text; numbers of the model are floats.
//!
//! ```
//! let world = paper::WorldConfig::embedded();
//! assert!(world.issues("world.toml").is_empty());
//! let error = paper::WorldConfig::parse("mine.toml", "source = ''\nstep_millis = 0\naccounts = []").unwrap_err();
//! // No source, no step, no account, no underlying, no venue.
//! assert_eq!(error.total(), 5);
//! ```

mod check;

use serde::Deserialize;
use units::{Account, Asset, Chain, Decimal, Issue, Issues, Venue};

const EMBEDDED: &str = include_str!("../../world.toml");

/// A whole world.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldConfig {
    /// Where the numbers come from that no part below speaks for.
    pub source: String,
    /// Time from one move of the market to the next.
    pub step_millis: u32,
    /// Our accounts: each has a place at every venue.
    pub accounts: Vec<Account>,
    /// Jumps of the whole market, in calm times.
    #[serde(default)]
    pub jumps_per_year: f64,
    /// Correlation of what moves the vols of any two underlyings and not their spots.
    #[serde(default)]
    pub vol_correlation: f64,
    /// What has a price.
    #[serde(default)]
    pub underlying: Vec<UnderlyingConfig>,
    /// Correlations of spot moves; pairs that are not named have none.
    #[serde(default)]
    pub correlation: Vec<Correlation>,
    /// The script of the market; calm where it says nothing.
    #[serde(default)]
    pub regime: Vec<Regime>,
    /// USD rates of currencies: constant.
    #[serde(default)]
    pub rate: Vec<CurrencyRate>,
    /// Who lists what.
    #[serde(default)]
    pub venue: Vec<VenueConfig>,
    /// Faults at fixed times.
    #[serde(default)]
    pub incident: Vec<Incident>,
}

/// An underlying: spot, vol, smile, perpetual premium, basis.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnderlyingConfig {
    /// Its name.
    pub asset: Asset,
    /// Where its numbers come from.
    pub source: String,
    /// USD at the start.
    pub spot: f64,
    /// Share of a regime's return that it takes.
    pub beta: f64,
    /// Annual vol to which it reverts, as a fraction.
    pub vol: f64,
    /// Speed at which the log of the vol reverts.
    pub vol_reversion_per_year: f64,
    /// Annual deviation of the log of the vol.
    pub vol_of_vol: f64,
    /// Correlation of spot and vol.
    pub spot_vol_correlation: f64,
    /// Mean log return of a jump.
    pub jump_mean: f64,
    /// Deviation of the log return of a jump.
    pub jump_deviation: f64,
    /// Log of implied over instantaneous vol, and how it varies.
    pub implied_premium: Reverting,
    /// Relative slope of the smile: vol at one deviation above the forward over that at it, less one.
    pub skew: Reverting,
    /// Relative curvature of the smile, per deviation squared.
    pub curvature: f64,
    /// Annual growth of the forward, and how it varies.
    pub basis_per_year: Reverting,
    /// Perpetual over index, less one, and how it varies.
    pub perpetual_premium: Reverting,
}

/// A quantity that varies around a mean: an Ornstein-Uhlenbeck process that begins there.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reverting {
    /// The mean.
    pub mean: f64,
    /// Its deviation in the long run.
    pub deviation: f64,
    /// Time in which a distance to the mean halves.
    pub half_life_days: f64,
}

/// Correlation of two spots.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlation {
    /// Which two.
    pub pair: [Asset; 2],
    /// From -1 to 1.
    pub value: f64,
}

/// A part of the script.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regime {
    /// Its name: `crash`, `recovery`.
    pub name: String,
    /// When it begins, from the start of the world.
    pub start_seconds: u32,
    /// How long it lasts.
    pub duration_seconds: u32,
    /// Expected return of an underlying of beta one over its whole time.
    #[serde(rename = "return")]
    pub whole_return: f64,
    /// Factor on vol.
    pub vol: f64,
    /// Factor on the number of jumps.
    pub jumps: f64,
    /// Factor on what the books hold.
    pub depth: f64,
    /// Factor on spreads.
    pub spread: f64,
}

/// USD per unit of a currency.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrencyRate {
    /// Which currency.
    pub asset: Asset,
    /// USD.
    pub usd: f64,
}

/// A venue.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenueConfig {
    /// The word whose symbol grammar it writes.
    pub name: Venue,
    /// Where its numbers come from.
    pub source: String,
    /// The chain that it is on; without one it is an exchange.
    pub chain: Option<ChainConfig>,
    /// Time from one set of its quotes to the next: a multiple of the world's step.
    pub quote_every_millis: u32,
    /// Time from one report of what we hold to the next.
    pub report_every_seconds: u32,
    /// Time from one funding payment to the next.
    pub funding_every_seconds: u32,
    /// How long messages take.
    pub latency: Latency,
    /// Fee of what stood in the book, of the notional; below zero is a rebate.
    pub maker_fee_bp: Decimal,
    /// Fee of what took from the book.
    pub taker_fee_bp: Decimal,
    /// Fee of options, of the underlying; at most an eighth of the premium.
    pub option_fee_bp: Decimal,
    /// Time in which the book forgets all but 1/e of what was taken from it.
    pub recovery_seconds: f64,
    /// How often others trade with an order at the touch.
    pub touch_trades_per_minute: f64,
    /// What a question about an order is answered with.
    pub answer: Answer,
    /// Positions in different instruments that each account begins with, drawn from the seed.
    #[serde(default)]
    pub opening_positions: u32,
    /// What it lists.
    #[serde(default)]
    pub product: Vec<Product>,
    /// What each account begins with.
    #[serde(default)]
    pub deposit: Vec<Deposit>,
    /// How it moves our money elsewhere.
    #[serde(default)]
    pub transfer: TransferConfig,
    /// What goes wrong at random.
    #[serde(default)]
    pub faults: Faults,
}

/// How a venue moves money of ours to another place.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransferConfig {
    /// From taking a request to taking the money; on a chain the block does it.
    pub process_millis: u32,
    /// From taking the money to its credit elsewhere; on a chain the confirmations do.
    pub transit_seconds: u32,
    /// Blocks on top of the one that took the money before it is credited elsewhere; on an exchange nothing.
    pub confirmations: u32,
    /// Taken on top of the amount, by asset; nothing for those that are not named.
    pub fee: Vec<Deposit>,
    /// Share of the notional of positions that must stay.
    pub margin_rate: f64,
}

impl Default for TransferConfig {
    fn default() -> Self {
        Self {
            process_millis: 1_000,
            transit_seconds: 30,
            confirmations: 4,
            fee: Vec::new(),
            margin_rate: 0.05,
        }
    }
}

/// How long messages take: each way a constant and a random part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// From us to the venue, at least.
    pub to_millis: u32,
    /// From the venue to us, at least.
    pub from_millis: u32,
    /// The most that is added, each way.
    pub random_millis: u32,
}

/// What a question about an order is answered with. Venues differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Whether it stands: fills that were lost show in the next report only.
    Status,
    /// All its fills again, then whether it stands.
    FillsAndStatus,
}

/// A chain with blocks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainConfig {
    /// Its name.
    pub name: Chain,
    /// Mean time from block to block.
    pub block_millis: u32,
    /// Whether that time is constant.
    pub spacing: Spacing,
    /// Mean number of blocks that a transaction waits beyond the next one.
    pub delay_blocks: f64,
    /// Share of transactions that are never included.
    pub dropped: f64,
    /// Chance that a new block replaces the last one to three.
    pub reorg_per_block: f64,
    /// Part of the fee of each fill that pays for the transaction, in the asset of the fee.
    pub gas: Decimal,
}

/// Times between blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// All the same.
    Constant,
    /// Exponential.
    Poisson,
}

/// What kind of right a product is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Perpetual.
    Perpetual,
    /// Dated future.
    Future,
    /// European options: calls and puts of every strike and expiry.
    Option,
}

/// Instruments of one kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Which kind.
    pub kind: Kind,
    /// On what.
    pub underlying: Asset,
    /// The currency of price and strike.
    pub price_in: Asset,
    /// What gains are paid in: the underlying itself makes it inverse.
    pub paid_in: Asset,
    /// Days from that of the start to each expiry, at the venue's hour; what is over at the start is not listed.
    #[serde(default)]
    pub expiry_days: Vec<u32>,
    /// Strikes over the spot at the start.
    #[serde(default)]
    pub strikes: Vec<f64>,
    /// Strikes are rounded to multiples of this.
    #[serde(default)]
    pub strike_step: Decimal,
    /// Prices are multiples of this.
    pub tick: Decimal,
    /// Quantities are multiples of this, in the unit of the listing.
    pub lot: Decimal,
    /// The least order.
    pub minimum_lots: u32,
    /// Half the spread, of the underlying.
    pub half_spread_bp: f64,
    /// And of the instrument's own price: for options.
    #[serde(default)]
    pub half_spread_of_price: f64,
    /// From one level of the book to the next, of the underlying.
    pub level_bp: f64,
    /// Lots at the best level; the next ones hold 3, 5, 7, ... times as many.
    pub touch_lots: u32,
}

/// Money at the start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deposit {
    /// Of what.
    pub asset: Asset,
    /// How much.
    pub amount: Decimal,
}

/// What goes wrong at random: chances per message, order or row, and numbers per day.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Chance that a message about our orders and money never arrives.
    pub lost: f64,
    /// Chance that one arrives twice.
    pub duplicated: f64,
    /// Chance that one is overtaken by those behind it.
    pub reordered: f64,
    /// Chance that an order is rejected for no reason of ours.
    pub rejected: f64,
    /// Outages of the connection.
    pub outages_per_day: f64,
    /// Their mean length.
    pub outage_seconds: f64,
    /// Chance that a message of the time of an outage is never sent again: the report alone shows what it was about.
    pub hidden: f64,
    /// Times at which it goes on sending old quotes.
    pub frozen_per_day: f64,
    /// Times at which it sends no quotes.
    pub silent_per_day: f64,
    /// Times at which its index is wrong.
    pub oracle_per_day: f64,
    /// Largest relative error of a wrong index.
    pub oracle_error: f64,
    /// Mean length of these times.
    pub quote_fault_seconds: f64,
    /// Chance that a row is crossed.
    pub crossed: f64,
    /// Chance that a row lacks a side.
    pub one_sided: f64,
}

/// A fault at a fixed time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// What happens.
    pub kind: IncidentKind,
    /// Where.
    pub venue: Venue,
    /// When, from the start.
    pub start_seconds: u32,
    /// For how long, where that has a meaning.
    #[serde(default)]
    pub duration_seconds: u32,
    /// Error of the index, share of the positions that ADL closes, depth of the reorganisation in blocks.
    #[serde(default)]
    pub size: f64,
}

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// The connection is lost.
    Outage,
    /// Old quotes are sent again and again.
    Frozen,
    /// No quotes are sent.
    Silent,
    /// The index is wrong by `size`.
    Oracle,
    /// All rows are crossed.
    Crossed,
    /// All rows lack a side.
    OneSided,
    /// The venue closes `size` of every perpetual position of ours at the mark.
    Adl,
    /// The last `size` blocks are replaced.
    Reorg,
}

impl WorldConfig {
    /// The default world: three underlyings, two exchanges and two chains, with all faults at small rates.
    #[must_use]
    #[allow(clippy::expect_used)] // the file is part of the program; a test parses it
    pub fn embedded() -> Self {
        Self::parse("world.toml", EMBEDDED).expect("the embedded world follows the rules")
    }

    /// The text of the default world, to start one's own from.
    #[must_use]
    pub const fn embedded_text() -> &'static str {
        EMBEDDED
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Issues> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let mut issues = Issues::default();
            issues.push(Issue {
                file: file.into(),
                row: 0,
                field: String::new(),
                value: String::new(),
                rule: error.to_string().trim().into(),
            });
            issues
        })?;
        let issues = config.issues(file);
        if issues.is_empty() { Ok(config) } else { Err(issues) }
    }

    /// Every rule that it breaks.
    #[must_use]
    pub fn issues(&self, file: &str) -> Issues {
        check::issues(self, file)
    }

    /// The same world in which nothing goes wrong: no random fault, no incident, no block replaced or transaction dropped.
    #[must_use]
    pub fn without_faults(mut self) -> Self {
        self.incident.clear();
        for venue in &mut self.venue {
            venue.faults = Faults::default();
            if let Some(chain) = &mut venue.chain {
                (chain.dropped, chain.reorg_per_block) = (0.0, 0.0);
            }
        }
        self
    }

    /// Names of the venues, in the order of the file.
    pub fn venues(&self) -> impl Iterator<Item = &Venue> {
        self.venue.iter().map(|venue| &venue.name)
    }
}
