//! What a backtest on recorded chains does: which options are sold and when, what trading costs, how it is hedged.

use super::select::hours;
use hedge::policy::{Cost, Policy, Watch};
use std::fmt;
use units::{Decimal, Timestamp};

/// What is sold.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structure {
    /// Call and put of the strike nearest to the forward.
    Straddle,
    /// The call and the put whose Black deltas are nearest to so much, out of the money.
    StrangleByDelta(f64),
    /// The call and the put whose strikes are nearest to so much above and below the forward, as a fraction of it.
    StrangleByMoneyness(f64),
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Straddle => f.write_str("straddle"),
            Self::StrangleByDelta(delta) => write!(f, "strangle {:.0} delta", delta * 100.0),
            Self::StrangleByMoneyness(width) => write!(f, "strangle {:.0} %", width * 100.0),
        }
    }
}

/// When positions are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// At the first snapshot of every so many-th UTC day of the history, whatever is open.
    EveryDays(u32),
    /// As soon as the one before has ended: it is rolled.
    Roll,
}

/// How long positions are and how they end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holding {
    /// An expiry is taken that is no further from the tenor than this part of it.
    pub tenor_tolerance: f64,
    /// Bought back at the first snapshot with so many days or less to the expiry; 0 holds to the expiry.
    pub exit_days: f64,
    /// The delivery price is the first index recorded at the expiry or after it, if that is no later than this.
    pub settlement_within_hours: f64,
    /// A decision that cannot be carried out within this time is dropped; a hedge is not decided on older quotes.
    pub stale_after_hours: f64,
}

/// When an order of the hedge is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Latency {
    /// At the prices that it was decided on.
    SameSnapshot,
    /// At the prices of the next snapshot.
    NextSnapshot,
}

/// What trading costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// Of an option traded, coins per coin of the underlying.
    pub option_fee: f64,
    /// No more than this part of its price.
    pub option_fee_cap: f64,
    /// Of an option delivered, coins per coin of the underlying.
    pub delivery_fee: f64,
    /// No more than this part of what it pays.
    pub delivery_fee_cap: f64,
    /// Taker fee of the perpetual, fraction of the notional.
    pub perpetual_fee: f64,
    /// Half the spread of the perpetual, fraction of the price.
    pub perpetual_half_spread: f64,
    /// Square-root impact; none without it.
    pub impact: Option<Impact>,
}

/// Funding of a perpetual. Longs pay where it is above zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Funding {
    /// As recorded: when it was paid, and the fraction of the notional; in order of time.
    pub recorded: Vec<(Timestamp, f64)>,
    /// Of eight hours, before the first and after the last that was recorded.
    pub rate_8h: f64,
}

impl Funding {
    /// What a long pays over an interval, as a fraction of its notional: rates recorded after its start up to its end, and the rate of
    /// eight hours in proportion to the time outside the record.
    #[must_use]
    pub fn over(&self, from: Timestamp, to: Timestamp) -> f64 {
        let (Some((first, _)), Some((last, _))) = (self.recorded.first(), self.recorded.last()) else {
            return self.rate_8h * hours(from, to) / FUNDING_HOURS;
        };
        let after = |time: Timestamp| self.recorded.partition_point(|(at, _)| *at <= time);
        let paid = self.recorded.get(after(from)..after(to)).unwrap_or_default();
        let paid: f64 = paid.iter().map(|(_, rate)| rate).sum();
        let before = hours(from, to.min(*first)).max(0.0);
        let beyond = hours(from.max(*last), to).max(0.0);
        paid + self.rate_8h * (before + beyond) / FUNDING_HOURS
    }
}

const FUNDING_HOURS: f64 = 8.0;

/// Square-root impact: a trade of Q moves the price by `coefficient x daily vol x sqrt(Q / daily volume)` and pays two thirds of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impact {
    /// About one.
    pub coefficient: f64,
    /// As a fraction.
    pub daily_vol: f64,
    /// USD.
    pub daily_volume_usd: f64,
}

impl Impact {
    /// Cost of a trade as a fraction of its notional. Source: reference note `mitigation.md`, section 1.9.
    #[must_use]
    pub fn fraction(&self, notional_usd: f64) -> f64 {
        const AVERAGE_OF_PATH: f64 = 2.0 / 3.0;
        AVERAGE_OF_PATH
            * self.coefficient
            * self.daily_vol
            * (notional_usd.abs() / self.daily_volume_usd).sqrt()
    }
}

impl Costs {
    /// What a policy is told of them: the part that is proportional.
    #[must_use]
    pub fn proportional(&self) -> Cost {
        Cost { proportional: self.perpetual_fee + self.perpetual_half_spread, fixed_usd: 0.0 }
    }

    /// Fee of one option traded at a price, coins.
    #[must_use]
    pub fn option_fee_of(&self, price: f64) -> f64 {
        self.option_fee.min(self.option_fee_cap * price)
    }

    /// Fee of one option delivered that pays so much, coins.
    #[must_use]
    pub fn delivery_fee_of(&self, paid: f64) -> f64 {
        self.delivery_fee.min(self.delivery_fee_cap * paid)
    }
}

/// Which delta is hedged. Coins of the inverse perpetual are `USD notional / price`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeltaDefinition {
    /// Black-76 delta of the options, as venues show it.
    Black,
    /// Black delta less the coin value of the options: coins gained per unit of relative move (settlement-adjusted, net transaction).
    Net,
    /// Black delta and all coins of the position, premium and gains: delta of the USD value of everything, as the live engine has it.
    Book,
    /// Net, with every moneyness keeping its vol.
    NetStickyMoneyness,
    /// Net, with the smile moving as a local vol has it near the money.
    NetLocalVol,
    /// Net, with vols moving as they did on average so far; plainly net before there is enough to learn from.
    NetMinimumVariance,
}

impl DeltaDefinition {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Black,
        Self::Net,
        Self::Book,
        Self::NetStickyMoneyness,
        Self::NetLocalVol,
        Self::NetMinimumVariance,
    ];

    /// Word for tables and files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Black => "black",
            Self::Net => "net",
            Self::Book => "book",
            Self::NetStickyMoneyness => "net_sticky_moneyness",
            Self::NetLocalVol => "net_local_vol",
            Self::NetMinimumVariance => "net_minimum_variance",
        }
    }
}

/// A hedging policy by name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedPolicy {
    /// For tables.
    pub name: String,
    /// The policy; nothing is hedged without one.
    pub policy: Option<Policy>,
    /// How often a band is looked at, if it is to know that.
    pub watch: Option<Watch>,
}

impl NamedPolicy {
    /// What kind of policy it is.
    #[must_use]
    pub const fn kind(&self) -> PolicyKind {
        match self.policy {
            None => PolicyKind::None,
            Some(Policy::Clock(_)) => PolicyKind::Clock,
            Some(Policy::Leland(_)) => PolicyKind::Leland,
            Some(_) => PolicyKind::Band,
        }
    }
}

/// What kind of policy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// Nothing is hedged.
    None,
    /// Trades to the delta at fixed intervals: the others are compared with the best of these.
    Clock,
    /// A clock at another vol.
    Leland,
    /// Trades when the delta leaves a band.
    Band,
}

/// How options and hedges of an underlying are sized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lots {
    /// Step of options, coins of the underlying.
    pub option_lot_coin: Decimal,
    /// Step of the perpetual, USD.
    pub lot_usd: Decimal,
    /// Trades of less are not made, USD.
    pub smallest_usd: f64,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What is sold.
    pub structures: Vec<Structure>,
    /// For how long, days.
    pub tenors_days: Vec<f64>,
    /// When.
    pub entry: Entry,
    /// How long and how it ends.
    pub holding: Holding,
    /// What each leg is on, USD at the index of the entry; whole lots of options towards zero.
    pub notional_usd: f64,
    /// What it costs.
    pub costs: Costs,
    /// Funding by underlying in the order of the histories.
    pub funding: Vec<Funding>,
    /// When the hedge is filled.
    pub latency: Latency,
    /// Steps of options and hedges, by underlying in the order of the histories.
    pub lots: Vec<Lots>,
    /// How it is hedged.
    pub policies: Vec<NamedPolicy>,
    /// By which deltas.
    pub deltas: Vec<DeltaDefinition>,
}
