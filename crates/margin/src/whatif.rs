//! What-if: the same accounts before and after changes, every number of both.
//!
//! ```text
//! states x changes x rulebooks (before, after) -> one comparison per account and venue
//! ```
//!
//! A change of rulebook is the pair of functions that choose one for an account; positions, orders and transfers are
//! [`Change`]s, applied in order to copies of the states. Nothing changed gives the same bits on both sides.
//!
//! An order is margined as if it were filled at once: what a venue asks for orders that rest in its book is not modelled.

use crate::report::{AccountMargin, Levels, Outcome};
use crate::rulebook::Rulebook;
use crate::state::{AccountState, Holding, Leg};
use instrument::Contract;
use std::fmt;
use units::{Account, Asset, Venue};

/// One account on one venue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Owner.
    pub account: Account,
    /// Where.
    pub venue: Venue,
}

/// One change of the accounts. A place that is not there yet is opened by the change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A position appears, with its entry value, and no cash moves. The negative of a held leg removes it without a trace.
    Add {
        /// Where.
        place: Place,
        /// What; netted into a leg of the same contract.
        leg: Leg,
    },
    /// An order is filled at the leg's entry value; the premium of an option moves in its settlement asset.
    Fill {
        /// Where.
        place: Place,
        /// What; netted into a leg of the same contract.
        leg: Leg,
    },
    /// A position is closed at its mark; gain or option value goes to the balance of its settlement asset.
    Close {
        /// Where.
        place: Place,
        /// What.
        contract: Contract,
    },
    /// A balance, or a part of it, moves.
    Transfer {
        /// From here.
        from: Place,
        /// To here.
        to: Place,
        /// Of what.
        asset: Asset,
        /// How much, more than zero and at most the balance.
        amount: f64,
    },
    /// Money comes from outside; a negative amount leaves, at most the balance.
    Deposit {
        /// Where.
        place: Place,
        /// What.
        holding: Holding,
    },
}

/// A change that cannot be made. Numbered from 1 in the order given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Nothing of this kind is there.
    #[error("change {number}: {place} holds no {what}")]
    Absent {
        /// Which change.
        number: usize,
        /// Where it looked.
        place: Place,
        /// For what.
        what: String,
    },
    /// More is taken than there is.
    #[error("change {number}: {place} holds {held} {asset}, less than {amount}")]
    NotEnough {
        /// Which change.
        number: usize,
        /// From where.
        place: Place,
        /// Of what.
        asset: Asset,
        /// What is there.
        held: f64,
        /// What is asked.
        amount: f64,
    },
    /// A size or an amount is no usable number.
    #[error("change {number}: {what} must be {rule}")]
    Number {
        /// Which change.
        number: usize,
        /// Of what.
        what: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// A transfer that moves nothing.
    #[error("change {number}: {place} is both ends of the transfer")]
    SamePlace {
        /// Which change.
        number: usize,
        /// Where.
        place: Place,
    },
    /// There is no account to take the time of the market from.
    #[error("change {number}: there are no accounts to change")]
    NoAccounts {
        /// Which change.
        number: usize,
    },
}

/// A pair of the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sides<B, A = B> {
    /// Before the change.
    pub before: B,
    /// After it.
    pub after: A,
}

/// One account on one venue.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Which.
    pub place: Place,
    /// An account that a change opened is empty here.
    pub before: AccountMargin,
    /// With the changes, under the rulebook after them.
    pub after: AccountMargin,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WhatIf {
    /// In the order of places.
    pub comparisons: Vec<Comparison>,
    /// Places for which no rulebook was named, before or after: not compared.
    pub without_rulebook: Vec<Place>,
}

/// One number of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// `surplus.maintenance_usd`, `unit BTC, charge delta_shock.initial_usd`.
    pub name: String,
    /// None when there is no such number before.
    pub before: Option<f64>,
    /// None when there is no such number after.
    pub after: Option<f64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.account, self.venue)
    }
}

impl Place {
    /// Where a state is.
    #[must_use]
    pub fn of(state: &AccountState) -> Self {
        Self { account: state.account.clone(), venue: state.venue.clone() }
    }
}

/// Compares all accounts before and after changes, each side under the rulebook that its function names.
///
/// # Errors
/// Every change that cannot be made.
pub fn whatif<'a, B, A>(
    states: &[AccountState],
    changes: &[Change],
    rulebooks: &Sides<B, A>,
) -> Result<WhatIf, Vec<ChangeError>>
where
    B: Fn(&AccountState) -> Option<&'a Rulebook>,
    A: Fn(&AccountState) -> Option<&'a Rulebook>,
{
    let before = |state: &AccountState| (rulebooks.before)(state).map(|rulebook| rulebook.margin(state));
    let after = |state: &AccountState| (rulebooks.after)(state).map(|rulebook| rulebook.margin(state));
    compare(states, changes, &Sides { before, after })
}

fn compare<B, A>(
    states: &[AccountState],
    changes: &[Change],
    margins: &Sides<B, A>,
) -> Result<WhatIf, Vec<ChangeError>>
where
    B: Fn(&AccountState) -> Option<AccountMargin>,
    A: Fn(&AccountState) -> Option<AccountMargin>,
{
    let changed = apply(states, changes)?;
    let mut answer = WhatIf::default();
    for after in &changed {
        let place = Place::of(after);
        let empty = empty_at(&place, after);
        let before = states.iter().find(|state| Place::of(state) == place).unwrap_or(&empty);
        match ((margins.before)(before), (margins.after)(after)) {
            (Some(before), Some(after)) => answer.comparisons.push(Comparison { place, before, after }),
            (None, _) | (_, None) => answer.without_rulebook.push(place),
        }
    }
    Ok(answer)
}

/// The states after all changes, those that were there first in their order, then the new ones.
///
/// # Errors
/// Every change that cannot be made; the others are made in order, so that each error is one of its own.
pub fn apply(states: &[AccountState], changes: &[Change]) -> Result<Vec<AccountState>, Vec<ChangeError>> {
    let mut changed = states.to_vec();
    let mut errors = Vec::new();
    for (number, change) in (1..).zip(changes) {
        if let Err(error) = apply_one(&mut changed, change, number) {
            errors.push(error);
        }
    }
    if errors.is_empty() { Ok(changed) } else { Err(errors) }
}

fn apply_one(states: &mut Vec<AccountState>, change: &Change, number: usize) -> Result<(), ChangeError> {
    match change {
        Change::Add { place, leg } => {
            check_leg(leg, number)?;
            open(states, place, number)?.add_leg(leg);
        }
        Change::Fill { place, leg } => {
            check_leg(leg, number)?;
            if leg.entry_value.is_none() {
                return Err(ChangeError::Number { number, what: "the price of an order", rule: "known" });
            }
            open(states, place, number)?.fill(leg);
        }
        Change::Close { place, contract } => {
            let what = || ChangeError::Absent { number, place: place.clone(), what: contract.to_string() };
            let state = states.iter_mut().find(|state| Place::of(state) == *place).ok_or_else(what)?;
            let leg = state.legs.iter().position(|leg| leg.contract == *contract).ok_or_else(what)?;
            state.close_leg(leg);
        }
        Change::Transfer { from, to, asset, amount } => {
            if !(amount.is_finite() && *amount > 0.0) {
                let rule = "a number greater than zero";
                return Err(ChangeError::Number { number, what: "the amount of a transfer", rule });
            }
            if from == to {
                return Err(ChangeError::SamePlace { number, place: from.clone() });
            }
            let price_usd = take(states, from, number, (asset, *amount))?;
            let holding = Holding { asset: asset.clone(), amount: *amount, price_usd };
            open(states, to, number)?.add_balance(&holding);
        }
        Change::Deposit { place, holding } => {
            if !(holding.amount.is_finite() && holding.price_usd.is_finite() && holding.price_usd > 0.0) {
                let rule = "finite, at a price greater than zero";
                return Err(ChangeError::Number { number, what: "the amount of a deposit", rule });
            }
            if holding.amount < 0.0 {
                take(states, place, number, (&holding.asset, -holding.amount))?;
            } else {
                open(states, place, number)?.add_balance(holding);
            }
        }
    }
    Ok(())
}

fn check_leg(leg: &Leg, number: usize) -> Result<(), ChangeError> {
    if leg.quantity.is_finite() && leg.entry_value.is_none_or(f64::is_finite) {
        return Ok(());
    }
    Err(ChangeError::Number { number, what: "the size and entry of a leg", rule: "finite" })
}

/// Takes an amount out of a balance and gives its price.
fn take(
    states: &mut [AccountState],
    place: &Place,
    number: usize,
    (asset, amount): (&Asset, f64),
) -> Result<f64, ChangeError> {
    let absent = || ChangeError::Absent { number, place: place.clone(), what: asset.to_string() };
    let state = states.iter_mut().find(|state| Place::of(state) == *place).ok_or_else(absent)?;
    let held = state.balances.iter_mut().find(|held| held.asset == *asset).ok_or_else(absent)?;
    if amount > held.amount {
        let (place, asset) = (place.clone(), asset.clone());
        return Err(ChangeError::NotEnough { number, place, asset, held: held.amount, amount });
    }
    held.amount -= amount;
    Ok(held.price_usd)
}

/// The state at a place, opened if it is not there.
fn open<'a>(
    states: &'a mut Vec<AccountState>,
    place: &Place,
    number: usize,
) -> Result<&'a mut AccountState, ChangeError> {
    if !states.iter().any(|state| Place::of(state) == *place) {
        let first = states.first().ok_or(ChangeError::NoAccounts { number })?;
        states.push(empty_at(place, first));
    }
    states.iter_mut().find(|state| Place::of(state) == *place).ok_or(ChangeError::NoAccounts { number })
}

/// An account that holds nothing, at the time of another.
fn empty_at(place: &Place, like: &AccountState) -> AccountState {
    AccountState {
        account: place.account.clone(),
        venue: place.venue.clone(),
        asof: like.asof,
        legs: Vec::new(),
        balances: Vec::new(),
        unmargined: Vec::new(),
    }
}

impl Comparison {
    /// Every number of both sides: totals, units with their charges, scenarios and legs, collateral. In the order of the side
    /// before; what only the side after has comes last.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        let mut after = numbers(&self.after.outcome);
        let mut figures = Vec::new();
        for (name, before) in numbers(&self.before.outcome) {
            let same = after.iter().position(|(other, _)| *other == name);
            let after = same.map(|place| after.remove(place).1);
            figures.push(Figure { name, before: Some(before), after });
        }
        let new = |(name, after)| Figure { name, before: None, after: Some(after) };
        figures.extend(after.into_iter().map(new));
        figures
    }
}

fn numbers(outcome: &Outcome) -> Vec<(String, f64)> {
    let mut list = vec![("equity_usd".to_owned(), outcome.equity_usd)];
    levels(&mut list, "counted", outcome.counted);
    levels(&mut list, "requirement", outcome.requirement);
    levels(&mut list, "surplus", outcome.surplus());
    list.extend(outcome.utilisation().map(|share| ("utilisation".to_owned(), share)));
    for wallet in &outcome.wallets {
        levels(&mut list, &format!("wallet {}, counted", wallet.name), wallet.counted);
        levels(&mut list, &format!("wallet {}, requirement", wallet.name), wallet.requirement);
    }
    for unit in &outcome.units {
        let name = &unit.name;
        levels(&mut list, &format!("unit {name}"), unit.requirement);
        for charge in &unit.charges {
            levels(&mut list, &format!("unit {name}, charge {}", charge.name), charge.usd);
        }
        for leg in &unit.legs {
            levels(&mut list, &format!("unit {name}, leg {}", leg.symbol), leg.requirement);
        }
        for scenario in &unit.scenarios {
            list.push((format!("unit {name}, scenario {}.pnl_usd", scenario.name), scenario.pnl_usd));
        }
    }
    for held in &outcome.collateral {
        let asset = &held.asset;
        list.push((format!("collateral {asset}.amount"), held.amount));
        list.push((format!("collateral {asset}.value_usd"), held.value_usd));
        levels(&mut list, &format!("collateral {asset}, counted"), held.counted);
    }
    list
}

fn levels(list: &mut Vec<(String, f64)>, name: &str, usd: Levels) {
    list.push((format!("{name}.initial_usd"), usd.initial));
    list.push((format!("{name}.maintenance_usd"), usd.maintenance));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Charge;
    use crate::testing::{OptionCase, asset, inverse_perpetual, linear_perpetual, option, state};
    use units::OptionKind;

    /// Requirement: a rate on the notional; equity: everything at full value.
    fn margin(rate: f64) -> impl Fn(&AccountState) -> Option<AccountMargin> {
        move |state| {
            let asked: f64 = state.legs.iter().map(|leg| rate * leg.notional_usd()).sum();
            let equity = state.balances.iter().map(Holding::value_usd).sum::<f64>()
                + state.legs.iter().map(|leg| leg.gain_usd() + leg.option_value_usd()).sum::<f64>();
            let outcome = Outcome {
                equity_usd: equity,
                counted: Levels::both(equity),
                requirement: Levels { initial: 2.0 * asked, maintenance: asked },
                ..Outcome::default()
            };
            Some(AccountMargin {
                account: state.account.clone(),
                venue: state.venue.clone(),
                rulebook: format!("flat {rate}"),
                parameter_hash: String::new(),
                outcome,
            })
        }
    }

    fn at(venue: &str) -> Place {
        Place { account: Account::new("test").unwrap(), venue: Venue::new(venue).unwrap() }
    }

    /// A USDT is worth 0.999 USD.
    fn in_usdt(leg: Leg) -> Leg {
        Leg { settlement_usd: 0.999, quote_usd: 0.999, ..leg }
    }

    fn two() -> Vec<AccountState> {
        let inverse = inverse_perpetual("BTC", -50_000.0, 90_000.0, 100_000.0);
        let linear = in_usdt(linear_perpetual("BTC", "USDT", 2.0, 91_000.0, 100_000.0));
        vec![
            state("a", vec![inverse], &[("BTC", 0.1, 100_000.0), ("USDT", 77.7, 0.999)]),
            state("b", vec![linear], &[("USDT", 10_000.0, 0.999)]),
        ]
    }

    #[test]
    fn what_if_of_nothing_changes_no_bit() {
        let sides = Sides { before: margin(0.017), after: margin(0.017) };
        let answer = compare(&two(), &[], &sides).unwrap();
        assert_eq!(answer.comparisons.len(), 2);
        for comparison in &answer.comparisons {
            for figure in comparison.figures() {
                let bits = |side: Option<f64>| side.map(f64::to_bits);
                assert_eq!(bits(figure.before), bits(figure.after), "{}", figure.name);
            }
            assert_eq!(comparison.before, comparison.after);
        }
        // And a leg added and taken away again, which nets exactly.
        let leg = linear_perpetual("ETH", "USDT", 3.3, 2_900.0, 3_000.0);
        let negative =
            Leg { quantity: -leg.quantity, entry_value: leg.entry_value.map(|v| -v), ..leg.clone() };
        let changes = [leg, negative].map(|leg| Change::Add { place: at("b"), leg });
        assert_eq!(compare(&two(), &changes, &sides).unwrap(), answer);
    }

    #[test]
    fn a_rulebook_swap_alone_changes_the_requirement_alone() {
        let sides = Sides { before: margin(0.01), after: margin(0.03) };
        let answer = compare(&two(), &[], &sides).unwrap();
        for comparison in answer.comparisons {
            let (before, after) = (comparison.before.outcome, comparison.after.outcome);
            assert!((after.requirement.initial - 3.0 * before.requirement.initial).abs() < 1e-9);
            assert_eq!(before.counted, after.counted);
        }
    }

    #[test]
    fn a_transfer_moves_equity_and_opens_accounts() {
        let transfer =
            |to: &str, amount| Change::Transfer { from: at("b"), to: at(to), asset: asset("USDT"), amount };
        let sides = Sides { before: margin(0.01), after: margin(0.01) };
        let answer = compare(&two(), &[transfer("a", 2_500.0), transfer("c", 500.0)], &sides).unwrap();
        let moved = |place: usize| {
            let comparison = &answer.comparisons[place];
            comparison.after.outcome.equity_usd - comparison.before.outcome.equity_usd
        };
        for (place, expected) in [(0, 2_500.0 * 0.999), (1, -3_000.0 * 0.999), (2, 500.0 * 0.999)] {
            assert!((moved(place) - expected).abs() < 1e-9, "{place}");
        }
        assert_eq!(answer.comparisons[2].place, at("c"));
    }

    #[test]
    fn an_order_for_an_option_pays_its_premium_and_a_position_does_not() {
        let case = OptionCase {
            quantity: 1.0,
            strike: 100_000,
            kind: OptionKind::Call,
            days: 30,
            vol: 0.5,
            forward: 100_000.0,
            index: 100_000.0,
        };
        let call = in_usdt(option("BTC", Some("USDT"), case)).at_mark();
        let value = call.option_value_usd();
        let sides = Sides { before: margin(0.0), after: margin(0.0) };
        let gained = |change: Change| {
            let answer = compare(&two(), &[change], &sides).unwrap();
            let comparison = &answer.comparisons[1];
            comparison.after.outcome.equity_usd - comparison.before.outcome.equity_usd
        };
        let filled = gained(Change::Fill { place: at("b"), leg: call.clone() });
        let added = gained(Change::Add { place: at("b"), leg: call.clone() });
        // Equity of 28,000 USD: rounding.
        assert!(filled.abs() < 1e-9 && (added - value).abs() < 1e-9, "{filled} {added} {value}");
        let held = two()[1].legs[0].contract.clone();
        assert!(gained(Change::Close { place: at("b"), contract: held }).abs() < 1e-9);
    }

    #[test]
    fn every_change_that_cannot_be_made_is_named() {
        let held = two()[1].legs[0].clone();
        let changes = [
            Change::Close { place: at("a"), contract: held.contract.clone() },
            Change::Transfer { from: at("b"), to: at("a"), asset: asset("USDT"), amount: 10_000.5 },
            Change::Transfer { from: at("b"), to: at("a"), asset: asset("USDT"), amount: 0.0 },
            Change::Transfer { from: at("b"), to: at("a"), asset: asset("USDC"), amount: 1.0 },
            Change::Transfer { from: at("b"), to: at("b"), asset: asset("USDT"), amount: 1.0 },
            Change::Fill { place: at("b"), leg: Leg { entry_value: None, ..held.clone() } },
            Change::Add { place: at("b"), leg: Leg { quantity: f64::NAN, ..held } },
        ];
        let errors = apply(&two(), &changes).unwrap_err();
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), changes.len(), "{texts:?}");
        for (number, (text, part)) in (1..).zip(texts.iter().zip([
            "test on a holds no BTC-PERP/USDT",
            "holds 10000 USDT, less than 10000.5",
            "greater than zero",
            "holds no USDC",
            "test on b is both ends",
            "must be known",
            "must be finite",
        ])) {
            assert!(text.starts_with(&format!("change {number}: ")) && text.contains(part), "{text}");
        }
        let add = Change::Add { place: at("b"), leg: two()[1].legs[0].clone() };
        assert_eq!(apply(&[], &[add]), Err(vec![ChangeError::NoAccounts { number: 1 }]));
    }

    #[test]
    fn figures_pair_by_name_and_keep_what_only_one_side_has() {
        let sides = Sides { before: margin(0.01), after: margin(0.01) };
        let mut comparison = compare(&two(), &[], &sides).unwrap().comparisons.remove(0);
        let charge = Charge { name: "delta".into(), usd: Levels { initial: 2.0, maintenance: 1.0 } };
        let unit = crate::report::Unit {
            name: "BTC".into(),
            charges: vec![charge],
            ..crate::report::Unit::default()
        };
        comparison.after.outcome.units.push(unit);
        let figures = comparison.figures();
        let find = |name: &str| figures.iter().find(|figure| figure.name == name).unwrap();
        let charge = find("unit BTC, charge delta.initial_usd");
        assert_eq!((charge.before, charge.after), (None, Some(2.0)));
        assert!(find("surplus.maintenance_usd").before.is_some());
    }

    #[test]
    fn places_without_a_rulebook_are_listed() {
        let only_b =
            |state: &AccountState| (state.venue == at("b").venue).then(|| margin(0.01)(state)).flatten();
        let answer = compare(&two(), &[], &Sides { before: only_b, after: margin(0.01) }).unwrap();
        assert_eq!((answer.comparisons.len(), answer.without_rulebook), (1, vec![at("a")]));
    }
}
