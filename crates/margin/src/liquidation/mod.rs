//! Liquidation price and distance: how far an index may move before the venue closes the account.
//!
//! The path is one factor x > 0 on the index of a lead asset; other coins follow with named betas, factor 1 + beta (x - 1),
//! floored at [`LOWEST_FACTOR`]; currencies stay. The venue liquidates where counted equity less maintenance requirement is
//! below zero. Both sides of today are searched outward for the first such point, by evaluating the rulebook itself on the
//! moved state, so tiers, inverse legs, haircuts and scenario switches are the rulebook's own (`search.rs` has the method).
//!
//! ```text
//! AccountState x Rulebook x Path -> down: price | none in range | unknown,  up: the same
//! ```
//!
//! "None" is an answer and says how far the search went. Vols and times stay as they are; funding, fees of the liquidation
//! and orders in the book are not modelled. Prices are index prices in USD; a leg's own mark there is its mark times x.

mod search;
#[cfg(test)]
mod tests;

use crate::report::{Outcome, Unmargined};
use crate::rulebook::Rulebook;
use crate::state::{AccountState, Move};
use search::{Found, Search};
use std::collections::BTreeMap;
use units::{Account, Asset, Symbol, Venue, Vol, YearFraction};

/// The search downward ends here: a fall by 99.99 %. Companions of a joint path do not fall below it either.
pub const LOWEST_FACTOR: f64 = 1e-4;
/// The search upward ends here: a hundred times today's index.
pub const HIGHEST_FACTOR: f64 = 100.0;

/// How prices move together.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The asset whose price is asked for.
    pub lead: Asset,
    /// Return of another asset per return of the lead. Currencies move only if named here.
    pub betas: BTreeMap<Asset, f64>,
    /// The same for coins that are not named; 0 leaves them.
    pub beta_of_other_coins: f64,
}

/// What is asked about one account.
#[derive(Debug, Clone, PartialEq)]
pub struct LiquidationQuery {
    /// The path.
    pub path: Path,
    /// How near the two sides of a crossing must come.
    pub tick: Tick,
    /// Annual vol of the lead for the distance in sigmas; without one, the account's own at-the-money vol, if it has any.
    pub vol: Option<Vol>,
}

/// Smallest step of a price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tick {
    /// As a fraction of today's index.
    Relative(f64),
    /// In USD of the lead's index.
    Usd(f64),
}

/// The answer for one account and one path.
#[derive(Debug, Clone, PartialEq)]
pub struct LiquidationReport {
    /// Owner.
    pub account: Account,
    /// Where.
    pub venue: Venue,
    /// Model id.
    pub rulebook: String,
    /// The asset whose price is asked for.
    pub lead: Asset,
    /// Its index today; none on a joint path when the account holds nothing of the lead itself.
    pub index_usd: Option<f64>,
    /// Counted equity less maintenance requirement today.
    pub surplus_usd: f64,
    /// Where it liquidates.
    pub liquidation: Liquidation,
    /// What the surplus leaves out, at any price: the answer holds for the rest of the account only.
    pub unmargined: Vec<Unmargined>,
}

/// Where an account liquidates along a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Liquidation {
    /// Nothing in the account depends on the path, or the model gives no number.
    Undefined {
        /// Which of the two.
        reason: String,
    },
    /// The venue liquidates at today's prices.
    Already,
    /// The two sides.
    Searched {
        /// Falling prices.
        down: Side,
        /// Rising prices.
        up: Side,
    },
}

/// The answer in one direction.
#[derive(Debug, Clone, PartialEq)]
pub enum Side {
    /// The nearest crossing.
    Price(Crossing),
    /// No crossing.
    None {
        /// Looked for from today to here.
        to_factor: f64,
    },
    /// No crossing as far as the model reaches, and it does not reach to the end of the range.
    Unknown {
        /// Looked for from today to here.
        to_factor: f64,
        /// What happens beyond.
        reason: String,
    },
}

/// The surplus on the two sides of a crossing, which lie within one tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crossing {
    /// Index of the lead at which the venue liquidates; none when the account has no index of the lead.
    pub price_usd: Option<f64>,
    /// The same as a factor on today's index.
    pub factor: f64,
    /// Distance: 100 (factor - 1), negative downward.
    pub percent: f64,
    /// Size of the distance in standard deviations of a day: |factor - 1| / (vol / sqrt(365)).
    pub daily_sigmas: Option<f64>,
    /// Surplus at the price: below zero.
    pub surplus_usd: f64,
    /// The last factor before the price at which the account stands.
    pub safe_factor: f64,
    /// Surplus there: zero or more.
    pub safe_surplus_usd: f64,
}

/// Which way the lead moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Falling prices.
    Down,
    /// Rising prices.
    Up,
}

impl Path {
    /// The lead alone moves.
    #[must_use]
    pub const fn alone(lead: Asset) -> Self {
        Self { lead, betas: BTreeMap::new(), beta_of_other_coins: 0.0 }
    }

    /// The move at one factor of the lead.
    #[must_use]
    pub fn at(&self, factor: f64) -> Move {
        let follow = |beta: f64| {
            let moved = 1.0 + beta * (factor - 1.0);
            if moved < LOWEST_FACTOR { LOWEST_FACTOR } else { moved }
        };
        let mut of: BTreeMap<Asset, f64> =
            self.betas.iter().map(|(asset, beta)| (asset.clone(), follow(*beta))).collect();
        of.insert(self.lead.clone(), factor);
        Move { coins: follow(self.beta_of_other_coins), of }
    }

    fn beta(&self, asset: &Asset) -> f64 {
        if *asset == self.lead {
            return 1.0;
        }
        let other = if asset.is_currency() { 0.0 } else { self.beta_of_other_coins };
        self.betas.get(asset).copied().unwrap_or(other)
    }

    /// USD price of the lead in a state: the index of a leg on it, or the price of a balance of it.
    #[must_use]
    pub fn index_usd(&self, state: &AccountState) -> Option<f64> {
        let leg = state.legs.iter().find(|leg| leg.contract.underlying == self.lead).map(|leg| leg.index_usd);
        let held = || state.balances.iter().find(|b| b.asset == self.lead).map(|b| b.price_usd);
        leg.or_else(held)
    }
}

impl LiquidationQuery {
    /// The lead alone, to a billionth of today's index, sigmas by the account's own vol.
    #[must_use]
    pub const fn of(lead: Asset) -> Self {
        Self { path: Path::alone(lead), tick: Tick::Relative(1e-9), vol: None }
    }
}

impl LiquidationReport {
    /// The answer in one direction; none when neither was searched.
    #[must_use]
    pub const fn side(&self, direction: Direction) -> Option<&Side> {
        match (&self.liquidation, direction) {
            (Liquidation::Searched { down, .. }, Direction::Down) => Some(down),
            (Liquidation::Searched { up, .. }, Direction::Up) => Some(up),
            (Liquidation::Undefined { .. } | Liquidation::Already, _) => None,
        }
    }
}

/// Liquidation price and distance on both sides along a path.
#[must_use]
pub fn liquidation(rulebook: &Rulebook, state: &AccountState, query: &LiquidationQuery) -> LiquidationReport {
    let margin = |state: &AccountState| rulebook.outcome(state);
    let today = margin(state);
    LiquidationReport {
        account: state.account.clone(),
        venue: state.venue.clone(),
        rulebook: rulebook.header.id.clone(),
        lead: query.path.lead.clone(),
        index_usd: query.path.index_usd(state),
        surplus_usd: today.surplus().maintenance,
        liquidation: along(margin, state, query, &today),
        unmargined: today.unmargined,
    }
}

/// What must be added to the counted equity today so that the account stands all the way to `factor` on the lead, USD: the
/// deepest shortfall at the points of the scan; zero when there is none. As cash it is exact where the venue counts the
/// currency in full and asks nothing for it.
///
/// # Errors
/// When the model does not reach to the factor, or the factor lies outside the range of the search: the reason.
pub fn collateral_to_add_usd(
    rulebook: &Rulebook,
    state: &AccountState,
    path: &Path,
    factor: f64,
) -> Result<f64, String> {
    let margin = |state: &AccountState| rulebook.outcome(state);
    shortfall_usd(margin, state, path, factor)
}

fn along(
    margin: impl Fn(&AccountState) -> Outcome,
    state: &AccountState,
    query: &LiquidationQuery,
    today: &Outcome,
) -> Liquidation {
    let path = &query.path;
    if state.moved(&path.at(0.5)) == *state {
        let reason = format!("nothing in the account depends on the price of {}", path.lead);
        return Liquidation::Undefined { reason };
    }
    let surplus = today.surplus().maintenance;
    if !surplus.is_finite() {
        return Liquidation::Undefined { reason: "the model gives no number at today's prices".into() };
    }
    if surplus < 0.0 {
        return Liquidation::Already;
    }
    let covered = names(today);
    let reading = |factor: f64| reading(&margin(&state.moved(&path.at(factor))), &covered);
    let index_usd = path.index_usd(state);
    let own = || own_at_the_money_vol(state, &path.lead).map(|(vol, _)| vol);
    let daily_vol = query.vol.or_else(own).map(daily);
    let side = |direction: Direction| {
        let nodes = search::nodes(direction, &search::bands(state, path, direction));
        let width = tick_width(query.tick, index_usd);
        let search = Search { reading: &reading, direction, width };
        match search.first_crossing(&nodes) {
            Ok(Some(found)) => Side::Price(crossing(&found, index_usd, daily_vol)),
            Ok(None) => Side::None { to_factor: direction.end() },
            Err(lost) => Side::Unknown { to_factor: lost.safe_factor, reason: lost.reason },
        }
    };
    Liquidation::Searched { down: side(Direction::Down), up: side(Direction::Up) }
}

fn shortfall_usd(
    margin: impl Fn(&AccountState) -> Outcome,
    state: &AccountState,
    path: &Path,
    factor: f64,
) -> Result<f64, String> {
    if !(LOWEST_FACTOR..=HIGHEST_FACTOR).contains(&factor) {
        return Err(format!("a factor from {LOWEST_FACTOR} to {HIGHEST_FACTOR}, not {factor}"));
    }
    let covered = names(&margin(state));
    let direction = if factor < 1.0 { Direction::Down } else { Direction::Up };
    let nodes = search::nodes(direction, &search::bands(state, path, direction));
    let before = |other: &f64| match direction {
        Direction::Down => *other > factor,
        Direction::Up => *other < factor,
    };
    let between = nodes.into_iter().map(|node| direction.factor(node)).filter(before);
    let mut deepest = 0.0;
    for at in std::iter::once(1.0).chain(between).chain([factor]) {
        let surplus = reading(&margin(&state.moved(&path.at(at))), &covered)?;
        if -surplus > deepest {
            deepest = -surplus;
        }
    }
    Ok(deepest)
}

/// The surplus, if it is of the same part of the account as today's.
fn reading(outcome: &Outcome, covered: &[Symbol]) -> Result<f64, String> {
    let surplus = outcome.surplus().maintenance;
    if !surplus.is_finite() {
        return Err("the model gives no number".into());
    }
    let changed = outcome.unmargined.len() != covered.len()
        || outcome.unmargined.iter().zip(covered).any(|(now, then)| now.symbol != *then);
    if changed {
        let other = outcome.unmargined.iter().find(|now| !covered.contains(&now.symbol));
        return Err(other.map_or_else(
            || "the model covers more of the account than today".into(),
            |now| format!("{} is not covered: {}", now.symbol, now.reason),
        ));
    }
    Ok(surplus)
}

fn names(outcome: &Outcome) -> Vec<Symbol> {
    outcome.unmargined.iter().map(|left_out| left_out.symbol.clone()).collect()
}

fn crossing(found: &Found, index_usd: Option<f64>, daily_vol: Option<f64>) -> Crossing {
    let factor = found.liquidated.factor;
    let distance = factor - 1.0;
    Crossing {
        price_usd: index_usd.map(|index| index * factor),
        factor,
        percent: 100.0 * distance,
        daily_sigmas: daily_vol.filter(|vol| *vol > 0.0).map(|vol| distance.abs() / vol),
        surplus_usd: found.liquidated.surplus_usd,
        safe_factor: found.safe.factor,
        safe_surplus_usd: found.safe.surplus_usd,
    }
}

/// Width of the bracket as a factor. A tick in USD of an unknown index is taken as the finest.
fn tick_width(tick: Tick, index_usd: Option<f64>) -> f64 {
    let width = match (tick, index_usd) {
        (Tick::Relative(fraction), _) => fraction,
        (Tick::Usd(usd), Some(index)) => usd / index,
        (Tick::Usd(_), None) => 0.0,
    };
    // Below this the factor has no digits left, and NaN asks for nothing.
    if width > FINEST { width } else { FINEST }
}

/// Near the spacing of f64 around one.
const FINEST: f64 = 1e-14;

fn daily(vol: Vol) -> f64 {
    vol.get() / YearFraction::DAYS.sqrt()
}

/// Vol of the account's option nearest to its forward with its symbol, if one lies within a tenth of it; the shorter expiry of
/// two equally near.
#[must_use]
pub fn own_at_the_money_vol<'a>(state: &'a AccountState, lead: &Asset) -> Option<(Vol, &'a Symbol)> {
    let near = state.legs.iter().filter(|leg| leg.contract.underlying == *lead).filter_map(|leg| {
        let option = leg.black76()?;
        let distance = (option.strike.get() / option.forward.get() - 1.0).abs();
        (distance <= 0.1).then_some((distance, option.expiry.get(), option.vol, &leg.symbol))
    });
    near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))).map(|(_, _, vol, symbol)| (vol, symbol))
}
