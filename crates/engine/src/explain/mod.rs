//! Profit by cause since a start, live: what `risk::explain` tells of the book over each interval between two clocks, added up exactly.
//!
//! ```text
//! B0, M0  book and market at the start of an interval        B1, M1  at its end        x(thing, M) its published value, USD, 0 without one
//!
//! causes       Taylor terms of what B0 holds, from M0 to M1, where both price it                   risk::explain, net by contract
//! unexplained  x(B0, M1) - x(B0, M0) of what one of the two cannot price, or whose gain is not known
//! flows        of positions: x(B1, M1) - x(B0, M1); of cash: the sum of its entries at M1          trades, fees, funding, settlements,
//!                                                                                                  deposits, adjustments
//! residual     x(B0, M1) - x(B0, M0) of the explained things less the causes, and what rounding leaves of the flows of cash
//!
//! value now - value at the start = causes + residual + flows + unexplained       exact, per underlying and in total
//! ```
//!
//! A position counts for the underlying of its contract with all its value, a gain in another coin too; a balance for its asset. So a fee
//! that is paid in BTC is one of BTC, whatever was traded. Premium and realised gain are of trades, as the position is: a trade at the mark
//! contributes nothing in total. A position that an interval changed in several ways counts as settled before adjusted before deposited
//! before traded. What goes from place to place adds nothing.
//!
//! What expires loses its price before it settles: minus its last value is unexplained then, and its payout a settlement.
//!
//! Kept for the next interval: quotes and book of the last clock, what came and went since, and the sums.

mod interval;
mod kept;

pub(crate) use kept::ExplainKept;

use crate::quotes::Quotes;
use crate::views::Item;
use book::{Change, Entry, EntryKind, Ledger, Place};
use interval::Interval;
use market::{Market, RawQuote};
use risk::explain::Cause;
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{Asset, Decimal, Fixed, Spot, Symbol, Timestamp, exact_sum};

/// When the change of the book is explained, by the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExplainRules {
    /// How long an interval is at least; it ends at a clock.
    pub every_seconds: u32,
}

/// What comes and goes, other than by the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Flow {
    /// Positions that fills changed, with premiums, exchanged coins and realised gains.
    Trades,
    /// Fees and rebates.
    Fees,
    /// Funding.
    Funding,
    /// Deposits less withdrawals; transfers, which sum to zero.
    Deposits,
    /// What reconciliation found.
    Adjustments,
    /// Payouts, and positions that they closed.
    Settlements,
}

impl Flow {
    /// In the order of the sums; a position that an interval changed in several ways counts as the last of them.
    pub const ALL: [Self; 6] =
        [Self::Trades, Self::Fees, Self::Funding, Self::Deposits, Self::Adjustments, Self::Settlements];

    /// Column name of the figure.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Trades => "trades_usd",
            Self::Fees => "fees_usd",
            Self::Funding => "funding_usd",
            Self::Deposits => "deposits_usd",
            Self::Adjustments => "adjustments_usd",
            Self::Settlements => "settlements_usd",
        }
    }

    const fn of(kind: EntryKind) -> Self {
        match kind {
            EntryKind::Trade | EntryKind::Premium | EntryKind::Exchange | EntryKind::Realised => Self::Trades,
            EntryKind::Fee => Self::Fees,
            EntryKind::Funding => Self::Funding,
            EntryKind::Deposit | EntryKind::Withdrawal | EntryKind::Transfer | EntryKind::Opening => {
                Self::Deposits
            }
            EntryKind::Settlement => Self::Settlements,
            _ => Self::Adjustments,
        }
    }
}

/// Why the value of something is another than at the start, USD, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ValueChange {
    /// Value at the start.
    pub start_usd: Fixed,
    /// Value at the end of the last interval: the start and everything below.
    pub value_usd: Fixed,
    /// By cause, in the order of [`Cause::ALL`].
    pub causes_usd: [Fixed; Cause::ALL.len()],
    /// What the greeks at the start of each interval do not see, and rounding.
    pub residual_usd: Fixed,
    /// By flow, in the order of [`Flow::ALL`].
    pub flows_usd: [Fixed; Flow::ALL.len()],
    /// Values that came and went with a price.
    pub unexplained_usd: Fixed,
    /// How many things were not explained, counted once an interval.
    pub unexplained: u64,
}

impl ValueChange {
    /// What a cause contributed.
    #[must_use]
    pub fn cause(&self, cause: Cause) -> Fixed {
        self.causes_usd.get(cause as usize).copied().unwrap_or_default()
    }

    /// What a flow contributed.
    #[must_use]
    pub fn flow(&self, flow: Flow) -> Fixed {
        self.flows_usd.get(flow as usize).copied().unwrap_or_default()
    }

    /// Sum of everything told: the value less that at the start.
    #[must_use]
    pub fn told_usd(&self) -> Fixed {
        let causes: Fixed = self.causes_usd.iter().copied().sum();
        let flows: Fixed = self.flows_usd.iter().copied().sum();
        causes + self.residual_usd + flows + self.unexplained_usd
    }

    /// Adds what an interval told; the values are not of it.
    fn add(&mut self, more: &Self) {
        for (sum, cause) in self.causes_usd.iter_mut().zip(more.causes_usd) {
            *sum += cause;
        }
        for (sum, flow) in self.flows_usd.iter_mut().zip(more.flows_usd) {
            *sum += flow;
        }
        self.residual_usd += more.residual_usd;
        self.unexplained_usd += more.unexplained_usd;
        self.unexplained = self.unexplained.saturating_add(more.unexplained);
    }
}

/// Profit by cause since the first clock under `[explain]` that found a price for something held, or nothing held; put off by an interval as long
/// as more of what is held has a price at its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explain {
    by_underlying: BTreeMap<Asset, ValueChange>,
    since: Option<Timestamp>,
    intervals: u64,
    unexplained: BTreeMap<Item, String>,
    base: Option<Arc<Base>>,
    flows: Flows,
}

/// The start of the interval that is under way.
#[derive(Debug, Clone, PartialEq)]
struct Base {
    at: Timestamp,
    rows: Vec<RawQuote>,
    rates: BTreeMap<Asset, Spot>,
    market: Market,
    ledger: Ledger,
}

/// What came and went since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Flows {
    cash: BTreeMap<(Flow, Asset), Decimal>,
    positions: BTreeMap<(Place, Symbol), Flow>,
}

impl Explain {
    /// By underlying of positions, and asset of balances.
    #[must_use]
    pub const fn by_underlying(&self) -> &BTreeMap<Asset, ValueChange> {
        &self.by_underlying
    }

    /// Of everything: the sum of all underlyings.
    #[must_use]
    pub fn total(&self) -> ValueChange {
        let mut total = ValueChange::default();
        for change in self.by_underlying.values() {
            total.add(change);
            total.start_usd += change.start_usd;
            total.value_usd += change.value_usd;
        }
        total
    }

    /// The start; none before it.
    #[must_use]
    pub const fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The end of the last interval.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.base.as_ref().map(|base| base.at)
    }

    /// Intervals since the start.
    #[must_use]
    pub const fn intervals(&self) -> u64 {
        self.intervals
    }

    /// What the last interval could not explain, and why.
    #[must_use]
    pub const fn unexplained(&self) -> &BTreeMap<Item, String> {
        &self.unexplained
    }

    /// Remembers what came or went; a sum that does not fit 28 digits is named, and is in the residual.
    pub(crate) fn add(&mut self, entry: &Entry) -> Result<(), String> {
        if self.base.is_none() {
            return Ok(());
        }
        let flow = Flow::of(entry.kind);
        match (&entry.change, &entry.listing) {
            (Change::Balance(money), _) => {
                let sum = self.flows.cash.entry((flow, money.asset.clone())).or_default();
                let total = exact_sum(*sum, money.amount).ok_or_else(|| {
                    format!(
                        "{}: the sum of {} {} needs over 28 digits: its profit is not told by cause",
                        entry.place, money.amount, money.asset
                    )
                })?;
                *sum = total.normalize();
            }
            (Change::Position { .. }, Some(listing)) => {
                let key = (entry.place.clone(), listing.symbol.clone());
                let known = self.flows.positions.entry(key).or_insert(flow);
                *known = flow.max(*known);
            }
            (Change::Position { .. }, None) | (Change::Noted(_), _) => {}
        }
        Ok(())
    }

    fn open(&mut self, Interval { changes, unexplained }: Interval, now: Timestamp) {
        (self.by_underlying, self.unexplained, self.since) = (changes, unexplained, Some(now));
    }

    /// True at the end of the first interval when fewer things lack a price than at the start: feeds come one by one, and what the first of
    /// them finds is no profit. Each time there are fewer, so it ends.
    fn begins_anew(&self, ledger: &Ledger, market: &Market) -> bool {
        let lacked = self.unexplained.len();
        let lacks = || interval::opened(ledger, market).map_or(lacked, |opened| opened.unexplained.len());
        self.intervals == 0 && lacked > 0 && lacks() < lacked
    }

    /// Explains the interval that ends now, if it does.
    pub(crate) fn follow(&mut self, rules: ExplainRules, ledger: &Ledger, quotes: &Quotes, now: Timestamp) {
        let market = quotes.market();
        match &self.base {
            Some(base) if now < base.at.plus_millis(i64::from(rules.every_seconds) * 1_000) => return,
            Some(_) if self.begins_anew(ledger, market) => {
                let Some(opened) = interval::opened(ledger, market) else { return };
                self.open(opened, now);
            }
            Some(base) => {
                let Interval { changes, unexplained } =
                    interval::explained(base, (ledger, market), &self.flows);
                for change in self.by_underlying.values_mut() {
                    change.value_usd = Fixed::ZERO;
                }
                for (asset, change) in changes {
                    let sum = self.by_underlying.entry(asset).or_default();
                    sum.add(&change);
                    sum.value_usd = change.value_usd;
                }
                (self.unexplained, self.intervals) = (unexplained, self.intervals + 1);
            }
            None => {
                let Some(opened) = interval::opened(ledger, market) else { return };
                self.open(opened, now);
            }
        }
        self.flows = Flows::default();
        let (rows, rates) = (quotes.rows().cloned().collect(), quotes.rates().clone());
        let ledger = ledger.holdings();
        self.base = Some(Arc::new(Base { at: now, rows, rates, market: market.clone(), ledger }));
    }
}
