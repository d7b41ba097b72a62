//! What holds for every embedded scenario rulebook on any book of options, futures and perpetuals on BTC and ETH.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod support;

use book::{Book, BookBuilder, RawRow, RowKind};
use instrument::Specs;
use margin::scenario::ScenarioModel;
use margin::scenario::model::{ChargeKind, InScenarios, Place};
use margin::{
    AccountState, Leg, Levels, ManyAccounts, Mark, Move, Outcome, Rulebook, Rulebooks, account_states,
};
use proptest::prelude::*;
use support::{Held, HeldTerms, holding, state};
use units::{Forward, OptionKind, Strike, Vol, YearFraction};

const BTC: f64 = 90_000.0;
const ETH: f64 = 3_000.0;
/// Sums of some hundred terms in another order.
const ROUNDING: f64 = 1e-9;

fn scenario_rulebooks() -> Vec<Rulebook> {
    let all = Rulebooks::embedded().unwrap();
    let books: Vec<Rulebook> = all.iter().filter(|book| book.scenario_model().is_some()).cloned().collect();
    assert!(books.len() >= 8, "{} scenario rulebooks", books.len());
    books
}

fn model(book: &Rulebook) -> &ScenarioModel {
    book.scenario_model().unwrap()
}

fn price(coin: &str) -> f64 {
    if coin == "BTC" { BTC } else { ETH }
}

/// A leg of up to about a million USD a contract: BTC or ETH, linear or inverse, of any kind.
fn held() -> impl Strategy<Value = Held> {
    let coin = prop_oneof![Just("BTC"), Just("ETH")];
    let currency = prop_oneof![Just(None), Just(Some("USDC")), Just(Some("USDT"))];
    let kind = prop_oneof![Just(OptionKind::Call), Just(OptionKind::Put)];
    let days = prop_oneof![Just(1_u32), Just(14), Just(30), Just(90), Just(400)];
    let terms = (0_u8..4, days, -3_i32..=3, kind, 0.2_f64..1.5);
    (coin, currency, -1.0_f64..1.0, terms).prop_map(
        |(coin, currency, size, (which, days, step, kind, vol))| {
            let index = price(coin);
            let usd = size * 1e6;
            // Strikes a tenth of the index apart.
            let strike = (index * (1.0 + 0.1 * f64::from(step))).round();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // a positive whole number below 2^32
            let strike = strike as u32;
            let terms = match which {
                0 => HeldTerms::Perpetual,
                1 => HeldTerms::Future { days },
                _ => HeldTerms::Option { days, strike, kind, vol },
            };
            let is_inverse_future = currency.is_none() && !matches!(terms, HeldTerms::Option { .. });
            let quantity = if is_inverse_future { usd } else { usd / index };
            Held { coin, currency, quantity, index, terms }
        },
    )
}

/// Legs in the order of contracts, each contract once, and a few balances; some are debts.
fn account() -> impl Strategy<Value = AccountState> {
    let balances = (-1e5_f64..3e6, -2e5_f64..2e6, -1.0_f64..20.0, -10.0_f64..100.0);
    (prop::collection::vec(held(), 0..10), balances).prop_map(|(held, (usdc, usdt, btc, eth))| {
        let mut legs: Vec<_> = held.iter().map(Held::leg).collect();
        legs.sort_by(|a, b| a.contract.cmp(&b.contract));
        legs.dedup_by(|a, b| a.contract == b.contract);
        let balances = vec![
            holding("BTC", btc, BTC),
            holding("ETH", eth, ETH),
            holding("USDC", usdc, 1.0),
            holding("USDT", usdt, 1.0),
        ];
        state(legs, balances)
    })
}

fn scaled(state: &AccountState, factor: f64) -> AccountState {
    let mut scaled = state.clone();
    for leg in &mut scaled.legs {
        leg.quantity *= factor;
        leg.entry_value = leg.entry_value.map(|value| value * factor);
    }
    for holding in &mut scaled.balances {
        holding.amount *= factor;
    }
    scaled
}

/// Every number of an outcome that depends on sizes.
fn figures(outcome: &Outcome) -> Vec<f64> {
    let levels = |levels: Levels| [levels.initial, levels.maintenance];
    let mut all = vec![outcome.equity_usd];
    all.extend(levels(outcome.counted));
    all.extend(levels(outcome.requirement));
    for unit in &outcome.units {
        all.extend(levels(unit.requirement));
        all.extend(unit.scenarios.iter().map(|scenario| scenario.pnl_usd));
        all.extend(unit.charges.iter().flat_map(|charge| levels(charge.usd)));
    }
    all
}

fn bits(figures: &[f64]) -> Vec<u64> {
    figures.iter().map(|figure| figure.to_bits()).collect()
}

/// Rulebooks whose parts are fixed sums of USD: bands, tiers, thresholds, dampeners, caps on gains.
fn has_fixed_amounts(model: &ScenarioModel) -> bool {
    let offset = &model.offset;
    let by_size = |kind: &ChargeKind| {
        matches!(
            kind,
            ChargeKind::DeltaShock { .. } | ChargeKind::CloseOut { .. } | ChargeKind::QuoteHedge { .. }
        )
    };
    [&offset.dampener_usd, &offset.most_gain_usd].iter().any(|by| by.default.is_some() || !by.of.is_empty())
        || model.charges.iter().any(|rule| by_size(&rule.kind))
}

fn size(outcome: &Outcome) -> f64 {
    1.0 + figures(outcome).iter().fold(0.0, |most: f64, figure| most.max(figure.abs()))
}

/// The account with one thing changed that its contracts are valued on.
fn otherwise(state: &AccountState) -> Vec<AccountState> {
    let changes: [fn(&mut Leg); 8] = [
        |leg| leg.index_usd *= 1.01,
        |leg| leg.settlement_usd *= 0.99,
        |leg| leg.quote_usd *= 0.98,
        |leg| {
            if let Mark::Option { vol, .. } = &mut leg.mark {
                *vol = Vol::new(vol.get() * 1.1).unwrap();
            }
        },
        |leg| {
            if let Mark::Option { strike, .. } = &mut leg.mark {
                *strike = Strike::new(strike.get() * 1.05).unwrap();
            }
        },
        |leg| {
            if let Mark::Option { kind, .. } = &mut leg.mark {
                *kind = if *kind == OptionKind::Call { OptionKind::Put } else { OptionKind::Call };
            }
        },
        |leg| {
            if let Mark::Option { expiry, .. } | Mark::Future { expiry, .. } = &mut leg.mark {
                *expiry = YearFraction::new(expiry.get() * 0.9).unwrap();
            }
        },
        |leg| match &mut leg.mark {
            Mark::Option { forward: price, .. } | Mark::Future { price, .. } | Mark::Perpetual { price } => {
                *price = Forward::new(price.get() * 1.02).unwrap();
            }
        },
    ];
    let changed = |change: &fn(&mut Leg)| {
        let mut state = state.clone();
        state.legs.iter_mut().for_each(change);
        state
    };
    changes.iter().map(changed).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// What is revalued once for many accounts is what each would have computed: accounts with the same contracts in other sizes, and
    /// with contracts that differ in a price, a vol or a time alone.
    #[test]
    fn many_accounts_have_the_margins_of_each(first in account(), second in account()) {
        let mut states = vec![scaled(&first, -0.5), first.moved(&Move::coins(1.01)), second];
        states.extend(otherwise(&first));
        states.insert(0, first);
        let books = scenario_rulebooks();
        let many = ManyAccounts::under(&books);
        for book in &books {
            for state in states.iter().chain(states.iter().rev()) {
                let (each, own) = (many.margin(book, state), book.margin(state));
                prop_assert_eq!(bits(&figures(&each.outcome)), bits(&figures(&own.outcome)), "{}", book.header.id);
                prop_assert_eq!(format!("{each:?}"), format!("{own:?}"));
            }
        }
    }

    /// No requirement is below zero, and none to open below that to hold. What cannot be margined is listed.
    #[test]
    fn requirements_are_ordered(state in account()) {
        for book in scenario_rulebooks() {
            let outcome = book.outcome(&state);
            let id = &book.header.id;
            prop_assert!(figures(&outcome).iter().all(|figure| figure.is_finite()), "{id}");
            prop_assert!(outcome.requirement.maintenance >= 0.0, "{id}: {:?}", outcome.requirement);
            prop_assert!(outcome.requirement.initial >= outcome.requirement.maintenance, "{id}: {:?}", outcome.requirement);
            for unit in &outcome.units {
                prop_assert!(unit.requirement.maintenance >= 0.0, "{id} {}", unit.name);
                prop_assert!(unit.requirement.initial >= unit.requirement.maintenance, "{id} {}", unit.name);
            }
        }
    }

    /// More of an asset that the rulebook counts never lowers the surplus. If the asset is outside the scenarios it raises no
    /// requirement either. (A coin inside them may: it is a position. Its own fall is charged less than it counts.)
    #[test]
    fn collateral_never_hurts(state in account(), amount in 0.0_f64..1e6) {
        for book in scenario_rulebooks() {
            let before = book.outcome(&state);
            for place in 0..state.balances.len() {
                let mut richer = state.clone();
                let added = &mut richer.balances[place];
                added.amount += amount / added.price_usd;
                let asset = added.asset.clone();
                let after = book.outcome(&richer);
                let slack = ROUNDING * (size(&before) + size(&after));
                let what = format!("{} {asset}: {:?} then {:?}", book.header.id, before.surplus(), after.surplus());
                prop_assert!(after.surplus().initial >= before.surplus().initial - slack, "{what}");
                prop_assert!(after.surplus().maintenance >= before.surplus().maintenance - slack, "{what}");
                let haircut = model(&book).collateral.haircut.get(&asset);
                if haircut.is_none_or(|haircut| haircut.in_scenarios == InScenarios::Nothing) {
                    prop_assert!(after.requirement.initial <= before.requirement.initial + slack, "{what}");
                    prop_assert!(after.requirement.maintenance <= before.requirement.maintenance + slack, "{what}");
                }
            }
        }
    }

    /// Twice the account asks twice as much, to the bit, where no part of the rulebook is a fixed sum of USD. Elsewhere (OKX,
    /// Bybit and Deribit) it asks at least as much as once.
    #[test]
    fn requirements_scale_with_the_account(state in account()) {
        for book in scenario_rulebooks() {
            let (once, twice) = (book.outcome(&state), book.outcome(&scaled(&state, 2.0)));
            let id = &book.header.id;
            if has_fixed_amounts(model(&book)) {
                let slack = ROUNDING * size(&once);
                prop_assert!(twice.requirement.initial >= once.requirement.initial - slack, "{id}");
                prop_assert!(twice.requirement.maintenance >= once.requirement.maintenance - slack, "{id}");
            } else {
                let doubled: Vec<f64> = figures(&once).iter().map(|figure| figure * 2.0).collect();
                prop_assert_eq!(bits(&figures(&twice)), bits(&doubled), "{}", id);
            }
        }
    }

    /// Legs of size zero and cash ask for nothing.
    #[test]
    fn zero_positions_ask_for_nothing(held in prop::collection::vec(held(), 1..6), cash in 0.0_f64..1e6) {
        let legs = held.iter().map(|held| Held { quantity: 0.0, ..*held }.leg()).collect();
        let state = state(legs, vec![holding("USDC", cash, 1.0)]);
        for book in scenario_rulebooks() {
            prop_assert_eq!(book.outcome(&state).requirement, Levels::default(), "{}", book.header.id);
        }
    }

    /// A long option can lose no more than its value: before charges and factor no requirement is above it. Weights of far
    /// scenarios are at most 1. Not so on Derive: skew scenarios count a gain as a loss, and the forward contingency multiplies.
    #[test]
    fn a_long_option_asks_no_more_than_its_value_and_charges(held in held(), strike in 1_u32..20, days in 1_u32..400) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a positive whole number below 2^32
        let strike = (held.index * 0.1) as u32 * strike;
        let terms = HeldTerms::Option { days, strike, kind: OptionKind::Put, vol: 0.7 };
        let legs = vec![Held { quantity: held.quantity.abs(), terms, ..held }.leg()];
        let value = legs[0].option_value_usd();
        for book in scenario_rulebooks() {
            let model = model(&book);
            if model.skew.is_some() || model.forward_contingency.is_some() {
                continue;
            }
            let outcome = book.outcome(&state(legs.clone(), vec![]));
            let Some(unit) = outcome.units.iter().find(|unit| !unit.charges.is_empty() || model.charges.is_empty()) else { continue };
            let sum = |place: Place| {
                let own = model.charges.iter().zip(&unit.charges).filter(|(rule, _)| rule.place == place);
                own.fold(Levels::default(), |sum, (_, charge)| sum.plus(charge.usd))
            };
            let (scaled, added, floor) = (sum(Place::Scaled), sum(Place::Added), sum(Place::Floor));
            let most = |factor: f64, scaled: f64, floor: f64, added: f64| factor * (value + scaled).max(floor) + added;
            let slack = ROUNDING * (1.0 + value);
            let (ours, factor) = (outcome.requirement, model.factor);
            prop_assert!(ours.initial <= most(factor.initial, scaled.initial, floor.initial, added.initial) + slack,
                "{}: {} against {value}", book.header.id, ours.initial);
            prop_assert!(ours.maintenance <= most(factor.maintenance, scaled.maintenance, floor.maintenance, added.maintenance) + slack,
                "{}: {} against {value}", book.header.id, ours.maintenance);
        }
    }
}

/// Quantity in hundredths, so that lots are exact decimals.
fn text(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

const INSTRUMENTS: [&str; 8] = [
    "BTC-25DEC26-100000-C",
    "BTC-25DEC26-80000-P",
    "BTC-26MAR27-90000-P",
    "ETH-27NOV26-3250-C",
    "ETH-25DEC26-2500-P",
    "BTC-PERPETUAL",
    "BTC_USDC-25DEC26-90000-C",
    "ETH_USDC-PERPETUAL",
];

/// Lots of one instrument are rows on chains of their own: a book takes one row for each place.
fn book_of(lots: &[(usize, Vec<i64>)]) -> Book {
    let specs = Specs::embedded();
    let mut builder = BookBuilder::new("book", &specs);
    let mut row = 0;
    for (instrument, parts) in lots {
        for (chain, part) in parts.iter().enumerate() {
            row += 1;
            // Contracts of the inverse perpetual are 10 USD each and come whole.
            let quantity = if *instrument == 5 { text(part * 1000) } else { text(*part) };
            builder.add(&RawRow {
                row,
                account: "main".into(),
                venue: "deribit".into(),
                chain: format!("chain{chain}"),
                kind: RowKind::Position {
                    instrument: INSTRUMENTS[*instrument].into(),
                    quantity,
                    average_price: "1000".into(),
                },
            });
        }
    }
    for (asset, amount) in [("BTC", "3.5"), ("USDC", "250000")] {
        row += 1;
        let kind = RowKind::Balance { asset: asset.into(), amount: amount.into() };
        builder.add(&RawRow {
            row,
            account: "main".into(),
            venue: "deribit".into(),
            chain: String::new(),
            kind,
        });
    }
    let (book, issues) = builder.finish();
    assert!(issues.is_empty(), "{issues}");
    book
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Splitting legs into lots changes no bit: lots are added as decimals before anything else.
    #[test]
    fn lots_of_a_leg_are_the_leg(
        held in prop::collection::btree_map(0_usize..INSTRUMENTS.len(), prop::collection::vec(1_i64..5_000, 1..5), 1..6),
        short in any::<bool>(),
    ) {
        let sign = if short { -1 } else { 1 };
        let split: Vec<(usize, Vec<i64>)> =
            held.iter().map(|(i, parts)| (*i, parts.iter().map(|part| sign * part).collect())).collect();
        let whole: Vec<(usize, Vec<i64>)> =
            split.iter().map(|(i, parts)| (*i, vec![parts.iter().sum()])).collect();
        let market = support::market::market();
        let (whole, split) = (account_states(&book_of(&whole), &market), account_states(&book_of(&split), &market));
        prop_assert_eq!(whole.len(), 1);
        prop_assert!(whole[0].unmargined.is_empty() && whole[0].legs.len() == held.len(), "{:?}", whole[0].unmargined);
        for book in scenario_rulebooks() {
            let (whole, split) = (book.outcome(&whole[0]), book.outcome(&split[0]));
            prop_assert!(whole.requirement.maintenance > 0.0, "{}", book.header.id);
            prop_assert_eq!(bits(&figures(&split)), bits(&figures(&whole)), "{}", book.header.id);
        }
    }
}

/// The rulebooks of both kinds are there, so that neither branch of the scaling property is empty.
#[test]
fn some_rulebooks_have_fixed_amounts_and_some_have_none() {
    let (with, without): (Vec<_>, Vec<_>) =
        scenario_rulebooks().into_iter().partition(|book| has_fixed_amounts(model(book)));
    let ids = |books: &[Rulebook]| books.iter().map(|book| book.header.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&with), ["bybit-pm", "deribit-pm", "deribit-xpm", "okx-pm"]);
    assert_eq!(ids(&without), ["derive-pmrm1", "derive-pmrm2", "span", "unified"]);
}
