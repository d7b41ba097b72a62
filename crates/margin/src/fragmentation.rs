//! Fragmentation: what a book spread over venues asks today, what it would ask on one of them, and the cheapest venue for a
//! new position.
//!
//! ```text
//! today       = sum of the requirements of all accounts, each under its own rulebook
//! alternative = requirement of all legs and balances in one account, under one rulebook
//! gap         = today - alternative;  cost per year = gap x funding rate
//! ```
//!
//! In one account legs of one contract net, with their entries; contracts that settle otherwise stay legs of their own, and
//! whether they offset is the rulebook's business. A rulebook that leaves out a leg asks too little, so a gap is only given
//! where both sides cover the same legs and balances. Costs of moving a position, and whether a venue lists the contract at
//! all, are left out: the figure is what netting is worth, not a plan.

use crate::report::{AccountMargin, Levels, Unmargined};
use crate::rulebook::Rulebook;
use crate::state::{AccountState, Leg};
use std::collections::BTreeSet;
use units::{Rate, Symbol, Venue};

/// An account where it is.
#[derive(Debug, Clone, Copy)]
pub struct Sited<'a> {
    /// What it holds.
    pub state: &'a AccountState,
    /// What margins it.
    pub rulebook: &'a Rulebook,
}

/// What today is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Alternatives<'a> {
    /// Each as if everything sat there.
    pub candidates: &'a [&'a Rulebook],
    /// The rulebook of a common clearing house, if there is one.
    pub unified: Option<&'a Rulebook>,
    /// Annual rate at which margin is funded.
    pub funding_rate: Rate,
}

/// The book over all its venues.
#[derive(Debug, Clone, PartialEq)]
pub struct Fragmentation {
    /// Sum of the requirements.
    pub today: Levels,
    /// Each account as it is.
    pub accounts: Vec<AccountMargin>,
    /// As if everything sat in one account, in the order of the candidates.
    pub alternatives: Vec<Alternative>,
    /// The same under the unified rulebook.
    pub unified: Option<Alternative>,
}

/// Everything in one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternative {
    /// Its margin.
    pub margin: AccountMargin,
    /// What today asks more; none where today and this do not cover the same legs and balances.
    pub gap: Option<Gap>,
}

/// A difference of requirements and what it costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// Today less alternative: positive is what fragmentation ties up.
    pub usd: Levels,
    /// At the funding rate.
    pub cost_usd_per_year: Levels,
}

/// A place for a new position.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The account that would hold it.
    pub state: &'a AccountState,
    /// What margins that account.
    pub rulebook: &'a Rulebook,
    /// The position as that venue lists it; its entry is not used.
    pub leg: &'a Leg,
}

/// What a new position would take at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Marginal {
    /// Which of the candidates given.
    pub candidate: usize,
    /// The position, as the account or its venue calls it.
    pub symbol: Symbol,
    /// The account without the position.
    pub without: AccountMargin,
    /// The account with it, opened at its mark: the premium of an option is paid.
    pub with: AccountMargin,
    /// None where the rulebook does not cover the position.
    pub taken: Option<Taken>,
}

/// What a position takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taken {
    /// Requirement with the position less that without.
    pub requirement: Levels,
    /// Surplus without the position less that with it: the requirement and what of a premium the venue no longer counts.
    pub surplus: Levels,
}

/// Today against each alternative.
#[must_use]
pub fn fragmentation(book: &[Sited<'_>], alternatives: &Alternatives<'_>) -> Fragmentation {
    let accounts: Vec<AccountMargin> = book.iter().map(|sited| sited.rulebook.margin(sited.state)).collect();
    let states: Vec<&AccountState> = book.iter().map(|sited| sited.state).collect();
    let as_one = |rulebook: &Rulebook| {
        let venue = rulebook.header.venues.first();
        in_one_account(&states, venue).map(|state| rulebook.margin(&state))
    };
    let gap = |margin: AccountMargin| compared(margin, &states, &accounts, alternatives.funding_rate);
    let candidates = alternatives.candidates.iter().filter_map(|rulebook| as_one(rulebook).map(gap));
    Fragmentation {
        today: total(&accounts),
        alternatives: candidates.collect(),
        unified: alternatives.unified.and_then(as_one).map(gap),
        accounts,
    }
}

/// All legs and balances in one account: that of the first state, on the venue given or its own. None without states.
///
/// Legs of one contract net; their prices and the symbol are those of the first state that holds one.
#[must_use]
pub fn in_one_account(states: &[&AccountState], venue: Option<&Venue>) -> Option<AccountState> {
    let (first, rest) = states.split_first()?;
    let mut one = AccountState::clone(first);
    if let Some(venue) = venue {
        one.venue = venue.clone();
    }
    for state in rest {
        for leg in &state.legs {
            one.add_leg(leg);
        }
        for holding in &state.balances {
            one.add_balance(holding);
        }
        one.unmargined.extend(state.unmargined.iter().cloned());
    }
    Some(one)
}

fn total(accounts: &[AccountMargin]) -> Levels {
    accounts.iter().fold(Levels::default(), |sum, account| sum.plus(account.outcome.requirement))
}

fn compared(
    margin: AccountMargin,
    states: &[&AccountState],
    accounts: &[AccountMargin],
    funding_rate: Rate,
) -> Alternative {
    let gap = covers_the_same(&margin.outcome.unmargined, states, accounts).then(|| {
        let usd = total(accounts).minus(margin.outcome.requirement);
        Gap { usd, cost_usd_per_year: usd.times(funding_rate.get()) }
    });
    Alternative { margin, gap }
}

/// True when the alternative leaves out what today leaves out, wherever it is held, and nothing else.
fn covers_the_same(left_out: &[Unmargined], states: &[&AccountState], accounts: &[AccountMargin]) -> bool {
    let alternative: BTreeSet<&Symbol> = left_out.iter().map(|part| &part.symbol).collect();
    states.iter().zip(accounts).all(|(state, account)| {
        let today: BTreeSet<&Symbol> = account.outcome.unmargined.iter().map(|part| &part.symbol).collect();
        let legs = state.legs.iter().map(|leg| leg.symbol.clone());
        let held = legs.chain(state.balances.iter().map(|holding| Symbol::from(&holding.asset)));
        let same = |symbol: Symbol| today.contains(&symbol) == alternative.contains(&symbol);
        held.into_iter().all(same) && today.is_subset(&alternative)
    })
}

/// Places for a new position, the one that takes the least initial surplus first; those that do not cover it last. Places that
/// take the same stay in the order given.
#[must_use]
pub fn cheapest_venues(candidates: &[Candidate<'_>]) -> Vec<Marginal> {
    let margined = candidates.iter().enumerate().map(|(place, candidate)| {
        let Candidate { state, rulebook, leg } = candidate;
        let held = state.legs.iter().find(|held| held.contract == leg.contract);
        let symbol = held.map_or(&leg.symbol, |held| &held.symbol);
        let mut with = AccountState::clone(state);
        with.fill(&leg.at_mark());
        marginal((place, symbol), rulebook.margin(state), rulebook.margin(&with))
    });
    ranked(margined.collect())
}

fn marginal((candidate, symbol): (usize, &Symbol), without: AccountMargin, with: AccountMargin) -> Marginal {
    let names = |margin: &AccountMargin| -> BTreeSet<Symbol> {
        margin.outcome.unmargined.iter().map(|part| part.symbol.clone()).collect()
    };
    let (before, after) = (names(&without), names(&with));
    // A position that closes one which the rulebook leaves out is as little covered as one that opens it.
    let covered = before == after && !before.contains(symbol);
    let (before, after) = (&without.outcome, &with.outcome);
    let taken = covered.then(|| Taken {
        requirement: after.requirement.minus(before.requirement),
        surplus: before.surplus().minus(after.surplus()),
    });
    Marginal { candidate, symbol: symbol.clone(), taken, without, with }
}

impl Marginal {
    /// Why the rulebook does not cover the position; none where it does.
    #[must_use]
    pub fn why_not(&self) -> Option<String> {
        if self.taken.is_some() {
            return None;
        }
        let (before, after) = (&self.without.outcome.unmargined, &self.with.outcome.unmargined);
        let left_out = after.iter().chain(before).find(|part| part.symbol == self.symbol);
        let other = || after.iter().find(|part| !before.contains(part));
        Some(left_out.or_else(other).map_or_else(
            || format!("with the position {} covers another part of the account", self.with.rulebook),
            |part| format!("{}: {}", part.symbol, part.reason),
        ))
    }
}

fn ranked(mut places: Vec<Marginal>) -> Vec<Marginal> {
    let cost = |place: &Marginal| place.taken.map_or(f64::INFINITY, |taken| taken.surplus.initial);
    places.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Outcome;
    use crate::testing::{asset, inverse_perpetual, linear_perpetual, state};

    /// A rate on the net notional of each leg; a settlement asset may be left out.
    fn margin(id: &str, state: &AccountState, rate: f64, without: Option<&str>) -> AccountMargin {
        let mut outcome = Outcome { counted: Levels::both(50_000.0), ..Outcome::default() };
        for leg in &state.legs {
            let settlement = leg.contract.settlement_asset();
            if without.is_some_and(|name| *settlement == asset(name)) {
                outcome
                    .unmargined
                    .push(Unmargined { symbol: leg.symbol.clone(), reason: "not listed".into() });
                continue;
            }
            let usd = Levels { initial: 2.0, maintenance: 1.0 }.times(rate * leg.notional_usd());
            outcome.requirement = outcome.requirement.plus(usd);
        }
        AccountMargin {
            account: state.account.clone(),
            venue: state.venue.clone(),
            rulebook: id.into(),
            parameter_hash: String::new(),
            outcome,
        }
    }

    fn three() -> Vec<AccountState> {
        let inverse = |size: f64, entry| inverse_perpetual("BTC", size, entry, 100_000.0);
        vec![
            state("a", vec![inverse(100_000.0, 90_000.0)], &[("BTC", 1.0, 100_000.0)]),
            state("b", vec![inverse(-60_000.0, 95_000.0)], &[("BTC", 0.5, 100_000.0)]),
            state(
                "c",
                vec![linear_perpetual("BTC", "USDT", -0.4, 100_000.0, 100_000.0)],
                &[("USDT", 7.0, 1.0)],
            ),
        ]
    }

    #[test]
    fn one_account_nets_equal_contracts_and_keeps_other_settlements_apart() {
        let states = three();
        let all: Vec<&AccountState> = states.iter().collect();
        let one = in_one_account(&all, Some(&Venue::new("z").unwrap())).unwrap();
        assert_eq!(one.venue.as_str(), "z");
        let sizes: Vec<f64> = one.legs.iter().map(|leg| leg.quantity).collect();
        // Contracts order linear before inverse.
        assert_eq!(sizes, [-0.4, 40_000.0]);
        let net = one.legs.iter().find(|leg| leg.is_inverse()).unwrap();
        assert_eq!(net.entry_value, Some(100_000.0 / 90_000.0 - 60_000.0 / 95_000.0));
        let held: Vec<f64> = one.balances.iter().map(|holding| holding.amount).collect();
        assert_eq!(held, [1.5, 7.0]);
        assert_eq!(in_one_account(&[], None), None);
    }

    fn compare(today_without: Option<&str>, alternative_without: Option<&str>) -> (Levels, Alternative) {
        let states = three();
        let all: Vec<&AccountState> = states.iter().collect();
        let accounts: Vec<AccountMargin> =
            states.iter().map(|state| margin("own", state, 0.02, today_without)).collect();
        let one = in_one_account(&all, None).unwrap();
        let rate = Rate::new(0.1).unwrap();
        let alternative = compared(margin("one", &one, 0.01, alternative_without), &all, &accounts, rate);
        (total(&accounts), alternative)
    }

    #[test]
    fn the_gap_is_today_less_one_account_at_the_funding_rate() {
        let (today, alternative) = compare(None, None);
        // 2 % of 100,000, 60,000 and 40,000; 1 % of 40,000 net and 40,000.
        assert!((today.maintenance - 0.02 * 200_000.0).abs() < 1e-9);
        let gap = alternative.gap.unwrap();
        assert!((gap.usd.maintenance - (4_000.0 - 800.0)).abs() < 1e-9);
        assert!((gap.usd.initial - 2.0 * 3_200.0).abs() < 1e-9);
        assert!((gap.cost_usd_per_year.initial - 640.0).abs() < 1e-9);
    }

    #[test]
    fn a_partial_figure_is_never_presented_as_cheaper() {
        let (_, alternative) = compare(None, Some("USDT"));
        assert!(alternative.margin.outcome.is_partial() && alternative.gap.is_none());
        let (_, alternative) = compare(Some("USDT"), None);
        assert!(alternative.gap.is_none(), "today is partial and the alternative is not");
        let (_, alternative) = compare(Some("USDT"), Some("USDT"));
        let gap = alternative.gap.unwrap();
        // The same leg is left out of both: 2 % of 160,000 against 1 % of 40,000.
        assert!((gap.usd.maintenance - (3_200.0 - 400.0)).abs() < 1e-9);
    }

    #[test]
    fn the_cheapest_venue_comes_first_and_the_one_that_lacks_the_contract_last() {
        let leg = linear_perpetual("BTC", "USDT", 0.4, 90_000.0, 100_000.0);
        let place = |id: &str, rate: f64, without: Option<&str>| {
            let state = &three()[2];
            let mut with = state.clone();
            with.fill(&leg.at_mark());
            marginal((0, &leg.symbol), margin(id, state, rate, without), margin(id, &with, rate, without))
        };
        let places =
            vec![place("none", 0.0, Some("USDT")), place("dear", -0.01, None), place("cheap", 0.01, None)];
        let names: Vec<String> = ranked(places.clone()).iter().map(|p| p.with.rulebook.clone()).collect();
        assert_eq!(names, ["cheap", "dear", "none"]);
        // The position closes the short of 40,000: cheap releases 2 x 1 %.
        let taken = places[2].taken.unwrap();
        assert!((taken.requirement.initial + 800.0).abs() < 1e-9, "{taken:?}");
        assert_eq!(taken.surplus, taken.requirement);
        assert_eq!(places[0].why_not().as_deref(), Some("BTC-PERP: not listed"));
        assert!(places[0].taken.is_none() && places[1].why_not().is_none());
    }
}
