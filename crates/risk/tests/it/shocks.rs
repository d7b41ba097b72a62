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
    let forward_over_spot = 1.006;
    let at_expiry = curve.horizons.last().unwrap();
    for (spot_return, pnl) in curve.spot_returns.iter().zip(&at_expiry.pnl_usd) {
        let forward = 92_000.0 * forward_over_spot * (1.0 + spot_return);
        // Coin settled: intrinsic on the forward, paid in coin worth S per F.
        let expected = 2.0 * (forward - 90_000.0).max(0.0) / forward_over_spot - value_now;
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
    assert!((depeg.total_usd.to_f64() + 0.05 * (400_000.0 + gain)).abs() < 1e-6, "{}", depeg.total_usd);
    assert!(crash.spot_only_usd.is_some() && crash.vol_only_usd.is_some());
    assert_ne!(crash.spot_only_usd.unwrap() + crash.vol_only_usd.unwrap(), crash.total_usd);
    let parts: Fixed = crash.by_underlying_usd.values().copied().sum();
    assert_eq!(parts, crash.total_usd);
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
