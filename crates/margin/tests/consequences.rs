//! What-if, fragmentation and faults under every embedded rulebook: what must hold whatever the rules are.

#![allow(clippy::unwrap_used)] // of constants and small numbers

mod kit;

use kit::{book, flavours};
use margin::{
    AccountState, Alternatives, Candidate, Fault, Impact, Place, Ranking, Rulebook, Rulebooks, Sides, Sited,
    Standing, cheapest_venues, fragmentation, whatif,
};
use units::{Rate, Venue};

/// Two books of each kind for each rulebook.
fn for_each(check: impl Fn(&Rulebook, &AccountState)) {
    let rulebooks = Rulebooks::embedded().unwrap();
    assert!(rulebooks.iter().count() > 0);
    for rulebook in rulebooks.iter() {
        let venue =
            rulebook.header.venues.first().cloned().unwrap_or_else(|| Venue::new("elsewhere").unwrap());
        for flavour in flavours() {
            for seed in 0..2 {
                check(rulebook, &book(&venue, flavour, seed));
            }
        }
    }
}

#[test]
fn what_if_of_nothing_changes_no_bit() {
    for_each(|rulebook, state| {
        let own = |_: &AccountState| Some(rulebook);
        let sides = Sides { before: own, after: own };
        let answer = whatif(std::slice::from_ref(state), &[], &sides).unwrap();
        let figures = answer.comparisons[0].figures();
        assert!(figures.len() >= 7, "{figures:?}");
        for figure in figures {
            let bits = |side: Option<f64>| side.map(f64::to_bits);
            assert_eq!(bits(figure.before), bits(figure.after), "{}: {}", rulebook.header.id, figure.name);
        }
        let standing = Standing::from(&rulebook.outcome(state));
        let both = Sides { before: standing, after: standing };
        let record = margin::Affected { key: Place::of(state), standing: both };
        let impact = Impact::of([record], Ranking::Requirement, 1);
        assert!(impact.most_affected.is_empty() && impact.newly_liquidatable.is_empty());
        assert_eq!((impact.accounts, impact.changed), (1, 0), "{}", rulebook.header.id);
    });
}

#[test]
fn a_book_that_is_not_spread_has_no_gap() {
    for_each(|rulebook, state| {
        let alternatives =
            Alternatives { candidates: &[rulebook], unified: None, funding_rate: Rate::new(0.1).unwrap() };
        let whole = fragmentation(&[Sited { state, rulebook }], &alternatives);
        let gap = whole.alternatives[0].gap.unwrap();
        assert_eq!(
            (gap.usd.initial.to_bits(), gap.usd.maintenance.to_bits()),
            (0, 0),
            "{}",
            rulebook.header.id
        );
    });
}

#[test]
fn an_oracle_that_is_off_by_nothing_does_nothing() {
    let text = "[[fault]]\nname = \"n\"\nsource = \"s\"\nkind = \"oracle_offset\"\npercent = 0\n";
    let fault = Fault::parse("f.toml", text).unwrap().remove(0);
    for_each(|rulebook, state| {
        let effect = fault.effect(rulebook, state);
        assert_eq!(
            (effect.venue_view, effect.truth),
            (effect.before, effect.before),
            "{}",
            rulebook.header.id
        );
    });
}

#[test]
fn every_shipped_fault_gives_numbers() {
    let faults = Fault::parse("faults.toml", include_str!("../../../scenarios/faults.toml")).unwrap();
    for_each(|rulebook, state| {
        for fault in &faults {
            let effect = fault.effect(rulebook, state);
            assert!(effect.hidden_usd.is_finite(), "{} {}", rulebook.header.id, fault.name);
        }
    });
}

#[test]
fn the_ranking_of_venues_is_by_surplus_taken() {
    let rulebooks = Rulebooks::embedded().unwrap();
    let venue = Venue::new("elsewhere").unwrap();
    for (flavour, seed) in flavours().into_iter().zip(0..) {
        let state = book(&venue, flavour, seed);
        let leg = &state.legs[0];
        let empty = AccountState { legs: Vec::new(), ..state.clone() };
        let candidates: Vec<Candidate<'_>> =
            rulebooks.iter().map(|rulebook| Candidate { state: &empty, rulebook, leg }).collect();
        let places = cheapest_venues(&candidates);
        assert_eq!(places.len(), candidates.len());
        let costs: Vec<f64> = places
            .iter()
            .map(|place| place.taken.map_or(f64::INFINITY, |taken| taken.surplus.initial))
            .collect();
        assert!(costs.is_sorted(), "{costs:?}");
        for place in places.iter().filter(|place| place.taken.is_none()) {
            assert!(place.with.outcome.is_partial(), "{flavour:?}");
        }
    }
}

/// Coins without a position are no risk that a venue asks for: netting them is worth nothing.
#[test]
fn a_book_of_balances_only_has_no_unified_gap() {
    let rulebooks = Rulebooks::embedded().unwrap();
    let (unified, deribit) = (rulebooks.get("unified").unwrap(), rulebooks.get("deribit-pm").unwrap());
    let venue = Venue::new("deribit").unwrap();
    let mut state = book(&venue, flavours()[0], 0);
    state.legs.clear();
    state.balances =
        vec![margin::Holding { asset: units::Asset::new("BTC").unwrap(), amount: 5.0, price_usd: 90_000.0 }];
    let alternatives =
        Alternatives { candidates: &[], unified: Some(unified), funding_rate: Rate::new(0.1).unwrap() };
    let whole = fragmentation(&[Sited { state: &state, rulebook: deribit }], &alternatives);
    let gap = whole.unified.unwrap().gap.unwrap();
    assert_eq!((gap.usd.initial, gap.usd.maintenance), (0.0, 0.0));
}

/// A large wallet at a third and a small one that nothing is asked of: the account uses a third, not the sum over the smaller.
#[test]
fn each_engine_reports_wallets_that_stand_alone() {
    let rulebooks = Rulebooks::embedded().unwrap();
    let venue = Venue::new("elsewhere").unwrap();
    for id in ["deribit-pm", "deribit-sm", "binance-coinm"] {
        let rulebook = rulebooks.get(id).unwrap();
        let mut several = 0;
        for (flavour, seed) in flavours().into_iter().flat_map(|flavour| [(flavour, 0), (flavour, 1)]) {
            let outcome = rulebook.outcome(&book(&venue, flavour, seed));
            if outcome.wallets.is_empty() {
                continue;
            }
            several += usize::from(outcome.wallets.len() > 1);
            let sum = |of: fn(&margin::Wallet) -> f64| outcome.wallets.iter().map(of).sum::<f64>();
            // Sums of figures up to a hundred million USD in another order.
            let same = |ours: f64, theirs: f64| (ours - theirs).abs() <= 1e-6;
            assert!(same(outcome.counted.maintenance, sum(|w| w.counted.maintenance)), "{id} {flavour:?}");
            assert!(same(outcome.requirement.initial, sum(|w| w.requirement.initial)), "{id} {flavour:?}");
            let short = outcome.wallets.iter().any(|w| w.surplus().maintenance < 0.0);
            assert_eq!(outcome.surplus().maintenance < 0.0, short, "{id} {flavour:?}");
        }
        assert!(several > 0, "{id}: some book has several wallets");
    }
}
