//! One option from one snapshot to the next: gains of option, hedge and vega leg, or the reason why there are none.

use super::frame::{CoinFrame, Kept, Quote, SmileKnown};
use super::plan::{Dynamics, HedgeWith, Plan, Strategy, VegaLeg};
use super::prices::NoPrice;
use hedge::delta::{Accounting, Observed, QuadraticMove, VolDynamics};
use units::{Symbol, Timestamp};

/// Why an option that is judged has no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skipped {
    /// It expires before the next snapshot or at it.
    CrossesExpiry,
    /// The next snapshot does not have the coin at all, or the instrument.
    NotQuotedNext,
    /// The next quote lacks a bid or an ask, and the valuation needs both.
    OneSidedNext,
    /// No price of the perpetual at or before one of the two instants.
    PerpetualMissing,
    /// The latest price of the perpetual is older than the plan allows.
    PerpetualStale,
    /// No index beside the option at one of the two instants.
    IndexMissing,
    /// No forward beside the option at the second instant.
    ForwardMissing,
}

impl Skipped {
    /// In order.
    pub const ALL: [Self; 7] = [
        Self::CrossesExpiry,
        Self::NotQuotedNext,
        Self::OneSidedNext,
        Self::PerpetualMissing,
        Self::PerpetualStale,
        Self::IndexMissing,
        Self::ForwardMissing,
    ];

    /// For files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CrossesExpiry => "crosses_expiry",
            Self::NotQuotedNext => "not_quoted_next",
            Self::OneSidedNext => "one_sided_next",
            Self::PerpetualMissing => "perpetual_missing",
            Self::PerpetualStale => "perpetual_stale",
            Self::IndexMissing => "index_missing",
            Self::ForwardMissing => "forward_missing",
        }
    }
}

impl From<NoPrice> for Skipped {
    fn from(none: NoPrice) -> Self {
        match none {
            NoPrice::Missing => Self::PerpetualMissing,
            NoPrice::Stale => Self::PerpetualStale,
        }
    }
}

/// Two snapshots of one coin.
pub(super) struct Pair<'a> {
    pub(super) plan: &'a Plan,
    pub(super) start: &'a CoinFrame,
    pub(super) end: Option<&'a CoinFrame>,
    pub(super) end_at: Timestamp,
    /// Prices of the perpetual at both instants.
    pub(super) perpetual: Result<Prices, NoPrice>,
}

/// Prices of one contract at both instants, USD.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Prices {
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Prices {
    /// Gain of a coin's worth of an inverse contract, in coin: 1 - P0/P1.
    pub(super) fn coin_gain(self) -> f64 {
        1.0 - self.start / self.end
    }

    /// The same in the unit of an accounting: coin, or the USD that it is worth at the end, P1 - P0.
    fn hedge_gain(self, accounting: Accounting) -> f64 {
        match accounting {
            Accounting::Coin => self.coin_gain(),
            Accounting::Usd => self.end - self.start,
        }
    }

    /// Gain of the owner of an option with these values in coin.
    fn option_gain(self, [before, after]: [f64; 2], accounting: Accounting) -> f64 {
        match accounting {
            Accounting::Coin => after - before,
            Accounting::Usd => after * self.end - before * self.start,
        }
    }
}

/// One option at both ends.
pub(super) struct Held<'a> {
    pub(super) symbol: &'a Symbol,
    pub(super) kept: &'a Kept,
    pub(super) from: &'a Quote,
    to: &'a Quote,
    values: [f64; 2],
}

/// What a strategy made of one option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hedged {
    pub(super) gain: f64,
    pub(super) leg: LegFound,
    pub(super) smile: SmileKnown,
}

/// Whether a vega leg was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LegFound {
    NotAsked,
    Yes,
    No,
}

impl<'a> Pair<'a> {
    /// The option at both ends.
    pub(super) fn hold(
        &self,
        symbol: &'a Symbol,
        from: &'a Quote,
        kept: &'a Kept,
    ) -> Result<Held<'a>, Skipped> {
        if from.expiry <= self.end_at {
            return Err(Skipped::CrossesExpiry);
        }
        let to = self.end.and_then(|end| end.quotes.get(symbol)).ok_or(Skipped::NotQuotedNext)?;
        let after = to.value(self.plan.valuation).ok_or(Skipped::OneSidedNext)?;
        Ok(Held { symbol, kept, from, to, values: [kept.valued.coin_value(), after] })
    }

    /// Prices of what a strategy hedges with.
    pub(super) fn prices(&self, held: &Held<'_>, with: HedgeWith) -> Result<Prices, Skipped> {
        let both = |start: Option<f64>, end: Option<f64>| Some(Prices { start: start?, end: end? });
        match with {
            HedgeWith::Perpetual => self.perpetual.map_err(Skipped::from),
            HedgeWith::Index => both(held.from.index, held.to.index).ok_or(Skipped::IndexMissing),
            HedgeWith::Forward => both(held.from.forward, held.to.forward).ok_or(Skipped::ForwardMissing),
        }
    }

    /// Gain of the option sold and left alone, at the prices of the baseline's hedge.
    pub(super) fn unhedged(&self, held: &Held<'_>, prices: Prices) -> f64 {
        -prices.option_gain(held.values, self.plan.accounting)
    }

    /// Gain of the option sold and hedged.
    pub(super) fn hedged(
        &self,
        held: &Held<'_>,
        (strategy, prices): (&Strategy, Prices),
        learnt: Option<QuadraticMove>,
    ) -> Hedged {
        let accounting = self.plan.accounting;
        let (dynamics, smile) = match strategy.delta.dynamics {
            Dynamics::AlongSmile(ratio) => (VolDynamics::AlongSmile(ratio), held.kept.smile),
            Dynamics::MinimumVariance(..) => {
                (learnt.map_or(VolDynamics::STICKY_STRIKE, VolDynamics::MinimumVariance), SmileKnown::Yes)
            }
        };
        let delta_of = |kept: &Kept| kept.valued.delta(strategy.delta.accounting, dynamics);
        let mut delta = delta_of(held.kept);
        let mut gain = self.unhedged(held, prices);
        let legs = match strategy.vega {
            VegaLeg::Without => None,
            VegaLeg::AtTheMoney => Some(self.legs(held)),
        };
        let leg = match &legs {
            None => LegFound::NotAsked,
            Some(None) => LegFound::No,
            Some(Some(legs)) => {
                for leg in legs {
                    // Half of the vega each.
                    let quantity = 0.5 * held.kept.valued.coin_vega() / leg.kept.valued.coin_vega();
                    gain += quantity * prices.option_gain(leg.values, accounting);
                    delta -= quantity * delta_of(leg.kept);
                }
                LegFound::Yes
            }
        };
        Hedged { gain: gain + delta * prices.hedge_gain(accounting), leg, smile }
    }

    /// Call and put nearest to the money that are not of the option's own name.
    fn legs(&self, held: &Held<'_>) -> Option<[Held<'a>; 2]> {
        let near = self.start.near_money.get(&held.from.expiry)?;
        let leg = |symbols: &'a [Symbol]| {
            let symbol = symbols.iter().find(|symbol| *symbol != held.symbol)?;
            let from = self.start.quotes.get(symbol)?;
            let kept = from.kept.as_ref().filter(|kept| kept.valued.coin_vega() > 0.0)?;
            let to = self.end?.quotes.get(symbol)?;
            let after = to.leg_value(self.plan.valuation);
            Some(Held { symbol, kept, from, to, values: [kept.valued.coin_value(), after] })
        };
        Some([leg(&near.calls)?, leg(&near.puts)?])
    }

    /// What the option teaches about the vol: from marks, which carry less noise than mids. Residual in coin, whatever the accounting.
    pub(super) fn lesson(&self, held: &Held<'_>, prices: Prices) -> Observed {
        let black = held.kept.valued.delta(Accounting::Usd, VolDynamics::STICKY_STRIKE);
        let gain = prices.coin_gain();
        let residual = held.to.mark - held.from.mark - (black - held.from.mark) * gain;
        held.kept.valued.observed(gain, residual)
    }
}
