//! Ladder, curve and stress against their definitions.

use crate::fixture::{book, desk, held, market, snapshot};
use risk::{CurveAxes, Inputs, LadderAxes, Measure, Report, Scenario, ScenarioFile, Shock};
use std::collections::BTreeSet;
use units::{Asset, Fixed, Venue};

fn axes() -> (LadderAxes, CurveAxes) {
    (
        LadderAxes { spot_returns: vec![-0.2, 0.0, 0.2], vol_points: vec![-10.0, 0.0, 25.0] },
        CurveAxes { from_return: -0.5, to_return: 0.5, points: 101, horizon_days: vec![0.0, 7.0] },
    )
}

fn report(rows: &[crate::fixture::Held], scenarios: &[Scenario]) -> Report {
    let (ladder, curve) = axes();
    let (book, snapshot, market) = (book(rows), snapshot(), market());
    let group_by = [risk::GroupBy::Underlying];
    let inputs = Inputs {
        book: &book,
        snapshot: &snapshot,
        market: &market,
        group_by: &group_by,
        ladder: &ladder,
        curve: &curve,
        scenarios,
    };
    Report::new(inputs).unwrap()
}

fn scenario(shock: Shock) -> Scenario {
    Scenario { name: "s".into(), source: "test".into(), caveat: String::new(), shock }
}

#[test]
fn ladder_centre_and_curve_today_at_no_move_are_exactly_zero() {
    let report = report(&desk(), &[]);
    assert_eq!(report.ladders.len(), 2);
    for ladder in &report.ladders {
        assert!(ladder.pnl_usd[1][1].is_zero(), "{}", ladder.underlying);
        let lowest = ladder.pnl_usd.iter().flatten().min().copied().unwrap();
        assert_eq!(ladder.worst.pnl_usd, lowest.min(Fixed::ZERO));
    }
    for curve in &report.curves {
        let centre = curve.spot_returns.iter().position(|r| *r == 0.0).unwrap();
        assert!(curve.horizons[0].pnl_usd[centre].is_zero());
        assert_eq!(curve.horizons.last().unwrap().days, None);
    }
}

#[test]
fn at_expiry_an_option_is_worth_its_intrinsic_value() {
    let report = report(&[held("a", "deribit", "BTC-25DEC26-90000-C", "2")], &[]);
    let curve = &report.curves[0];
    let value_now = report.total.exposure.in_usd(Measure::Value).to_f64();
    let at_expiry = curve.horizons.last().unwrap();
    for (spot_return, pnl) in curve.spot_returns.iter().zip(&at_expiry.pnl_usd) {
        // Settled at the spot of the column, in coin worth that spot.
        let expected = 2.0 * (92_000.0 * (1.0 + spot_return) - 90_000.0).max(0.0) - value_now;
        assert!((pnl.to_f64() - expected).abs() < 1e-5, "{spot_return}: {pnl} {expected}");
    }
}

#[test]
fn spot_and_vol_parts_are_shown_alone_and_a_pure_depeg_has_neither() {
    let usdt = Asset::new("USDT").unwrap();
    let depeg = Shock { rate_factor: [(usdt.clone(), 0.95)].into(), ..Shock::default() };
    let crash = Shock {
        spot_return: -0.2,
        vol: risk::VolShift { points: 30.0, ..Default::default() },
        ..Shock::default()
    };
    let report = report(&desk(), &[scenario(depeg), scenario(crash)]);
    let [depeg, crash] = report.stress.as_slice() else { panic!("two rows") };
    assert_eq!((depeg.spot_only_usd, depeg.vol_only_usd), (None, None));
    // 400,000 USDT held, and the gain of the short linear perpetual, which no quote marks but the index: 0.35 BTC x (93,500.5 - S).
    let gain = 0.35 * (93_500.5 - 92_000.0);
    // The short is quoted in USDT: 0.35 coins cost 1/0.95 times as many of them, worth 0.95 each; the entry is worth less.
    let short = -0.35 * 92_000.0 * (1.0 - 0.95);
    let expected = short - 0.05 * (400_000.0 + gain);
    assert!((depeg.total_usd.to_f64() - expected).abs() < 1e-6, "{} {expected}", depeg.total_usd);
    assert!(crash.spot_only_usd.is_some() && crash.vol_only_usd.is_some());
    assert_ne!(crash.spot_only_usd.unwrap() + crash.vol_only_usd.unwrap(), crash.total_usd);
    let parts: Fixed = crash.by_underlying_usd.values().copied().sum();
    assert_eq!(parts, crash.total_usd);
}

/// What a scenario says of a depeg is what a valuation at the depegged rate says.
#[test]
fn a_depeg_scenario_equals_the_valuation_at_the_depegged_rate() {
    let usdt = Asset::new("USDT").unwrap();
    let rows = [held("a", "okx", "BTC-USDT-SWAP", "-1000"), held("a", "binance", "USDT", "50000")];
    let value = |rate: f64| {
        let rates = std::collections::BTreeMap::from([(usdt.clone(), units::Spot::new(rate).unwrap())]);
        let market = market::Market::build(&snapshot(), &rates);
        let mut rows = rows.to_vec();
        rows[0].entry = "92000";
        let valuation = risk::Valuation::new(&book(&rows), &market);
        valuation.rows.iter().map(|r| r.exposure.in_usd(Measure::Value)).sum::<Fixed>().to_f64()
    };
    let depeg = Shock { rate_factor: [(usdt.clone(), 0.9)].into(), ..Shock::default() };
    let total = report(&rows, &[scenario(depeg)]).stress[0].total_usd.to_f64();
    // No options here: theirs is read off the smile at a moneyness that the rate moves, while a shock keeps each vol.
    assert!((total - (value(0.9) - value(1.0))).abs() < 1e-6, "{total} {}", value(0.9) - value(1.0));
}

#[test]
fn a_basis_is_earned_on_the_way_to_expiry_and_not_before() {
    // Long one coin, short the same in a dated future at 1.006 of spot: the basis is locked in whatever the spot does.
    let mut rows = vec![held("a", "deribit", "BTC", "1"), held("a", "deribit", "BTC-25DEC26", "-92552")];
    rows[1].entry = "92552";
    let report = report(&rows, &[]);
    let curve = &report.curves[0];
    let at_expiry = curve.horizons.last().unwrap();
    for (spot_return, pnl) in curve.spot_returns.iter().zip(&at_expiry.pnl_usd) {
        // 92,552 USD of notional at an entry of 1.006 S are one coin: P&L = N - S at every spot.
        assert!((pnl.to_f64() - (92_552.0 - 92_000.0)).abs() < 1e-4, "{spot_return}: {pnl}");
    }
    assert!(curve.horizons[0].pnl_usd.iter().all(|pnl| pnl.to_f64().abs() < 1e-6), "today nothing is earned");
}

#[test]
fn a_lost_venue_takes_positive_equity_and_leaves_the_other_legs_unhedged() {
    let rows = [
        held("a", "okx", "USDT", "100000"),
        held("a", "okx", "BTC-USDT-SWAP", "-100"),
        held("b", "deribit", "BTC", "1"),
    ];
    let shock = Shock { venues_lost: vec![Venue::new("okx").unwrap()], ..Shock::default() };
    let report = report(&rows, &[scenario(shock)]);
    let row = &report.stress[0];
    assert_eq!(row.total_usd, -Fixed::quantise(100_000.0).unwrap());
    // The coin at the other venue stays, its hedge is gone.
    assert_eq!(row.delta_after_usd, Some(Fixed::quantise(92_000.0).unwrap()));
}

#[test]
fn a_debt_at_a_lost_venue_is_still_owed() {
    let rows = [held("a", "okx", "USDT", "-100"), held("b", "deribit", "BTC", "1")];
    let shock = Shock { venues_lost: vec![Venue::new("okx").unwrap()], ..Shock::default() };
    assert!(report(&rows, &[scenario(shock)]).stress[0].total_usd.is_zero());
}

#[test]
fn the_shipped_scenarios_are_sound_and_every_venue_of_the_book_is_lost_once() {
    for (name, text) in [
        ("stress.toml", include_str!("../../../../scenarios/stress.toml")),
        ("ladder.toml", include_str!("../../../../scenarios/ladder.toml")),
    ] {
        let file = ScenarioFile::parse(name, text).unwrap_or_else(|issues| panic!("{issues}"));
        let venues: BTreeSet<Venue> =
            ["okx", "deribit"].into_iter().map(|v| Venue::new(v).unwrap()).collect();
        let lost = file.scenarios_on(&venues).iter().filter(|s| !s.shock.venues_lost.is_empty()).count();
        assert_eq!(lost, if file.lose_each_venue.is_some() { 2 } else { 0 });
    }
}

#[test]
fn the_plain_hedge_zeroes_the_delta_it_names() {
    let report = report(&desk(), &[]);
    for hedge in report.hedges.iter().filter(|h| h.quantity_unit == "USD") {
        let signed = if hedge.side == risk::Side::Buy { 1.0 } else { -1.0 } * hedge.quantity.to_f64();
        let mark = if hedge.underlying.as_str() == "BTC" { 92_000.0 } else { 3_150.0 } * 1.0002;
        // One USD of an inverse perpetual is 1/F coins of delta.
        let left = hedge.delta_before_coin.to_f64() + signed / mark;
        assert!(left.abs() < 1e-10, "{} {left}", hedge.underlying);
    }
    assert_eq!(report.hedges.len(), 4);
}

/// Sizes of inverse and linear perpetuals are USD and coins: the larger delta is chosen, not the larger number.
#[test]
fn the_hedge_goes_to_the_perpetual_with_most_delta() {
    let rows = [held("a", "deribit", "BTC-PERPETUAL", "1000"), held("a", "okx", "BTC-USDT-SWAP", "-5000")];
    let report = report(&rows, &[]);
    assert!(report.hedges.iter().all(|h| h.symbol.as_str() == "BTC-USDT-SWAP"), "{:?}", report.hedges);
}

/// An entry price so small that the gain cannot be published: the position is listed, and no shock may count it.
#[test]
fn a_position_that_is_not_valued_is_not_shocked_either() {
    let mut absurd = held("a", "deribit", "BTC-PERPETUAL", "-250000");
    absurd.entry = "0.0000000000000000000000000001";
    let coin = held("b", "deribit", "BTC", "1");
    let (with, without) = (report(&[coin.clone(), absurd], &[]), report(&[coin], &[]));
    assert_eq!((with.unpriced.len(), with.rows.len()), (1, 1));
    assert_eq!((with.ladders, with.curves), (without.ladders, without.curves));
}

/// What a venue loses is what a book of that venue alone loses, and venues add up to the total; of a lost one its loss counts.
#[test]
fn venues_add_up_and_each_is_a_book_of_its_own() {
    let rows = [
        held("a", "okx", "USDT", "100000"),
        held("a", "okx", "BTC-USDT-SWAP", "-100"),
        held("b", "deribit", "BTC", "1"),
        held("b", "deribit", "BTC-25DEC26-90000-C", "-2"),
        held("c", "bybit", "USDT", "500"),
    ];
    let file = ScenarioFile::parse("stress.toml", include_str!("../../../../scenarios/stress.toml")).unwrap();
    let venues = ["okx", "deribit", "bybit"].map(|name| Venue::new(name).unwrap());
    let scenarios = file.scenarios_on(&venues.iter().cloned().collect());
    let whole = report(&rows, &scenarios).stress;
    assert!(whole.len() > 10 && whole.iter().filter(|row| row.venue_loss_usd.is_some()).count() == 3);
    let alone = venues.map(|venue| {
        let own: Vec<_> = rows.iter().filter(|row| row.venue == venue.as_str()).cloned().collect();
        (venue, report(&own, &scenarios).stress)
    });
    // Nothing is held at two venues here, so not even a quantum is lost.
    for (index, row) in whole.iter().enumerate() {
        let by_venue = row.by_venue_usd.as_ref().unwrap();
        assert_eq!(by_venue.values().copied().sum::<Fixed>(), row.total_usd, "{}", row.name);
        assert!(by_venue.values().all(|pnl| !pnl.is_zero()));
        for (venue, own) in &alone {
            let pnl = by_venue.get(venue).copied().unwrap_or_default();
            assert_eq!(pnl, own[index].total_usd, "{} at {venue}", row.name);
        }
    }
}

#[test]
fn what_is_held_at_several_venues_adds_up_to_rounding() {
    let rows = [
        held("a", "okx", "BTC", "1234.567"),
        held("a", "deribit", "BTC", "7654.3219"),
        held("a", "bybit", "BTC", "-333.1"),
        held("a", "okx", "ETH", "12345.67"),
        held("a", "deribit", "ETH", "-7654.3219"),
        held("a", "deribit", "BTC-25DEC26-90000-C", "-2000.3"),
    ];
    let fall = scenario(Shock { spot_return: -0.3, ..Shock::default() });
    let row = &report(&rows, &[fall]).stress[0];
    let sum: Fixed = row.by_venue_usd.as_ref().unwrap().values().copied().sum();
    // Products of some 1e9 USD of notional, each to half a unit of 2^-53, a dozen of them.
    assert!((sum - row.total_usd).abs().to_f64() < 12.0 * 1e9 * f64::EPSILON, "{sum} {}", row.total_usd);
}

/// Two venues that hold the opposite of each other, each more than can be published: the whole book is fine.
#[test]
fn a_venue_out_of_range_takes_no_total_with_it() {
    let sizes = [("okx", "1000000000000000"), ("deribit", "-999999999999999")];
    let accounts = ["a", "b", "c", "d"];
    let rows: Vec<_> = accounts
        .iter()
        .flat_map(|account| sizes.map(|(venue, size)| held(account, venue, "BTC", size)))
        .collect();
    let fall = scenario(Shock { spot_return: -0.3, ..Shock::default() });
    let row = &report(&rows, &[fall]).stress[0];
    assert_eq!(row.by_venue_usd, None);
    let expected: f64 = 4.0 * 92_000.0 * -0.3;
    // One product and one factor, each rounded.
    assert!(
        (row.total_usd.to_f64() - expected).abs() <= 2.0 * f64::EPSILON * expected.abs(),
        "{}",
        row.total_usd
    );
}

#[test]
fn the_lines_that_lose_most_are_named_the_largest_loss_first() {
    let sizes = ["1", "-3", "5", "2", "7", "6", "4"];
    let coins = ["BTC", "ETH"];
    let calls = [84_000, 88_000, 90_000, 92_000, 96_000].map(|strike| format!("BTC-25DEC26-{strike}-C"));
    let names = coins.into_iter().chain(calls.iter().map(String::as_str));
    let rows: Vec<_> = names.zip(sizes).map(|(name, size)| held("a", "deribit", name, size)).collect();
    let fall = scenario(Shock { spot_return: -0.1, ..Shock::default() });
    let row = &report(&rows, &[fall]).stress[0];
    let losses: Vec<Fixed> = row.worst_lines.iter().map(|line| line.pnl_usd).collect();
    assert_eq!(losses.len(), 5, "six lose, the short coin gains: {:?}", row.worst_lines);
    assert!(losses.is_sorted() && losses.iter().all(|loss| *loss < Fixed::ZERO));
    assert_eq!(Some(&row.worst_lines[0].line), row.largest.as_ref());
    let rise = scenario(Shock { spot_return: 0.1, ..Shock::default() });
    let worst = &report(&rows, &[rise]).stress[0].worst_lines;
    assert_eq!(worst.iter().map(|line| line.line.as_str()).collect::<Vec<_>>(), ["ETH"]);
}

#[test]
fn the_largest_line_is_the_lowest_loss_or_else_the_highest_gain() {
    let rows = [held("a", "deribit", "BTC", "1"), held("a", "deribit", "ETH", "1")];
    let move_by = |spot_return| scenario(Shock { spot_return, ..Shock::default() });
    for (spot_return, rows, expected) in [
        (0.1, rows.to_vec(), "BTC"),
        (-0.1, rows.to_vec(), "BTC"),
        (0.1, vec![rows[0].clone(), held("a", "deribit", "ETH", "-1")], "ETH"),
    ] {
        let largest = report(&rows, &[move_by(spot_return)]).stress[0].largest.clone();
        assert_eq!(largest.as_deref(), Some(expected), "{spot_return}");
    }
}
