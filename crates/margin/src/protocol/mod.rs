//! Protocols that compute in integers: exact to the last unit of their own arithmetic.
//!
//! Each has an engine in the protocol's own units, which takes positions and parameters and returns integers or exact
//! fractions, and a model, which reads a rulebook, brings an [`AccountState`] into those units and states the result in USD.
//! Prices are the oracle's, which is the index of the state; a mark or a forward has no say on these venues.

pub mod drift;
pub mod dydx;
pub mod exact;
pub mod mango;

pub(crate) use drift::Drift;
pub(crate) use dydx::Dydx;
pub(crate) use mango::Mango;

use crate::report::{LegMargin, Levels, Outcome, Unit};
use crate::state::{AccountState, Leg, Mark};
use instrument::Settlement;

/// Decimals of the quote currency of all three.
const QUOTE_DECIMALS: u32 = 6;

/// A stablecoin further than this from a dollar is worth a note.
const PEG_TOLERANCE: f64 = 0.005;

/// What a leg must be, for a protocol that lists perpetuals in one currency.
struct Listed<'a> {
    protocol: &'a str,
    currency: &'a str,
}

impl Listed<'_> {
    /// Passes perpetuals that are quoted and paid in the currency; otherwise says why the leg has no margin here.
    fn check(&self, leg: &Leg) -> Result<(), String> {
        let Self { protocol, currency } = self;
        let paid = match &leg.contract.settlement {
            Settlement::Linear { currency: paid } => paid.as_str() == *currency,
            // Quoted in USD by an oracle and paid one for one, as venues' own symbols resolve.
            Settlement::Quanto { currency: paid, multiplier } => {
                paid.as_str() == *currency && *multiplier == units::Decimal::ONE
            }
            Settlement::Inverse => false,
        };
        if paid && matches!(leg.mark, Mark::Perpetual { .. }) {
            return Ok(());
        }
        Err(format!(
            "{protocol} lists perpetuals paid in {currency} and nothing else: give the venue that lists this contract"
        ))
    }

    /// Notes a currency that the protocol counts as one dollar and the market does not.
    fn note_depeg(&self, state: &AccountState, outcome: &mut Outcome) {
        let of_balances = state.balances.iter().filter(|h| h.asset.as_str() == self.currency);
        let mut prices = of_balances.map(|h| h.price_usd).chain(state.legs.iter().map(|l| l.settlement_usd));
        if let Some(price) = prices.find(|price| (price - 1.0).abs() > PEG_TOLERANCE) {
            outcome.notes.push(format!(
                "{} counts one {} as one USD; the market has {price}, which is in the equity and not in the margin",
                self.protocol, self.currency
            ));
        }
    }
}

/// Gain since entry at the index, USD; zero for an unknown entry, whose balance is taken to hold it.
fn gain_at_index_usd(leg: &Leg) -> f64 {
    leg.entry_value.map_or(0.0, |entry| (leg.quantity * leg.index_usd - entry) * leg.settlement_usd)
}

/// Adds a leg's requirement to the unit of its underlying.
fn add_leg(outcome: &mut Outcome, leg: &Leg, requirement: Levels) {
    let unit = unit(outcome, leg.contract.underlying.as_str());
    unit.requirement = unit.requirement.plus(requirement);
    unit.legs.push(LegMargin { symbol: leg.symbol.clone(), requirement });
}

/// The unit of this name, made in its place when it is not there yet.
fn unit<'a>(outcome: &'a mut Outcome, name: &str) -> &'a mut Unit {
    let units = &mut outcome.units;
    let place = units.partition_point(|unit| unit.name.as_str() < name);
    if units.get(place).is_none_or(|unit| unit.name != name) {
        units.insert(place, Unit { name: name.to_owned(), ..Unit::default() });
    }
    &mut units[place]
}

/// True when both are there and the first is greater: a rule between two keys says nothing when one of them is at fault.
fn is_above<T: PartialOrd>(first: Option<T>, second: Option<T>) -> bool {
    first.zip(second).is_some_and(|(first, second)| first > second)
}
