//! Signs, units and floors of the published measures, each against a Black-76 that the test builds itself.

use crate::fixture::{SPOT_BTC, asof, book, held, market, snapshot, vol_of};
use market::{Market, OptionQuote, Snapshot};
use pricing::Black76;
use risk::{
    Agreement, Break, Exposure, Figure, Measure, Reconciliation, Shock, Valuation, VolPlace, VolShift, group,
};
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Discount, Fixed, Forward, OptionKind, Spot, Strike, Symbol, Venue, Vol, YearFraction};

/// Forwards of the fixture are spot times this, by expiry.
const DECEMBER_CARRY: f64 = 1.006;
const FORWARD: f64 = SPOT_BTC * DECEMBER_CARRY;
/// A published figure is within half a quantum of its product; a difference of two figures within one and a half.
const QUANTA: f64 = 2.0 * Fixed::QUANTUM;
/// The forward of record comes back from parity to 1e-12; a greek passes a move of it on at most (F/(K s))^2 < 1e3 times.
const FROM_PARITY: f64 = 1e-9;

fn december() -> YearFraction {
    asof().years_until("2026-12-25T08:00:00Z".parse().unwrap()).unwrap()
}

/// The December option of the fixture with this strike.
fn black(strike: f64, kind: OptionKind) -> Black76 {
    Black76 {
        forward: Forward::new(FORWARD).unwrap(),
        strike: Strike::new(strike).unwrap(),
        vol: Vol::new(vol_of(strike, FORWARD)).unwrap(),
        expiry: december(),
        discount: Discount::new(1.0).unwrap(),
        kind,
    }
}

fn one_in(market: &Market, venue: &'static str, instrument: &str, quantity: &str) -> Exposure {
    let valuation = Valuation::new(&book(&[held("a", venue, instrument, quantity)]), market);
    assert!(valuation.unpriced.is_empty(), "{:?}", valuation.unpriced);
    valuation.rows[0].exposure
}

fn one(instrument: &str) -> Exposure {
    one_in(&market(), "deribit", instrument, "1")
}

fn usd(row: &Exposure, measure: Measure) -> f64 {
    row.in_usd(measure).to_f64()
}

#[track_caller]
fn close(got: f64, expected: f64, relative: f64) {
    let allowed = expected.abs() * relative + QUANTA;
    assert!((got - expected).abs() <= allowed, "{got} against {expected}, allowed {allowed}");
}

/// An inverse option away from the money on either side, so that no greek vanishes.
const INVERSE: [(&str, f64, OptionKind); 2] = [
    ("BTC-25DEC26-100000-C", 100_000.0, OptionKind::Call),
    ("BTC-25DEC26-80000-P", 80_000.0, OptionKind::Put),
];
/// USD per unit of undiscounted value of an inverse option: S/F.
const INVERSE_SCALE: f64 = 1.0 / DECEMBER_CARRY;

/// A step of time in years; h against T = 0.095 leaves (h/T)^2 ~ 1e-6 of error in a central difference.
const STEP: f64 = 1e-4;
const STEP_ERROR: f64 = 1e-5;

/// Change of `figure` per calendar day as the expiry comes nearer, forward and spot held.
fn per_calendar_day(option: &Black76, figure: impl Fn(&Black76) -> f64) -> f64 {
    let at = |years: f64| figure(&Black76 { expiry: YearFraction::new(years).unwrap(), ..*option });
    let now = option.expiry.get();
    (at(now - STEP) - at(now + STEP)) / (2.0 * STEP) / 365.0
}

#[test]
fn charm_is_the_change_of_cash_delta_over_a_calendar_day() {
    for (name, strike, kind) in INVERSE {
        let option = black(strike, kind);
        let cash_delta = |o: &Black76| INVERSE_SCALE * o.greeks().delta * FORWARD;
        let row = one(name);
        close(usd(&row, Measure::Charm), per_calendar_day(&option, cash_delta), STEP_ERROR);
        // An option out of the money loses delta: towards zero from either side.
        assert!(usd(&row, Measure::Charm) * usd(&row, Measure::Delta) < 0.0, "{name}");
        close(row.in_coin(Measure::Charm).to_f64(), usd(&row, Measure::Charm) / SPOT_BTC, FROM_PARITY);
    }
}

#[test]
fn theta_is_the_change_of_usd_value_over_a_calendar_day_at_a_fixed_forward() {
    for (name, strike, kind) in INVERSE {
        let value = |o: &Black76| INVERSE_SCALE * o.price();
        let row = one(name);
        close(usd(&row, Measure::Theta), per_calendar_day(&black(strike, kind), value), STEP_ERROR);
        assert!(usd(&row, Measure::Theta) < 0.0, "{name}: a held option decays");
    }
}

#[test]
fn rho_of_an_option_is_strike_times_time_times_exercise_probability_per_basis_point() {
    for (name, strike, kind) in INVERSE {
        let option = black(strike, kind);
        let sign = if kind == OptionKind::Call { 1.0 } else { -1.0 };
        let expected =
            sign * strike * option.expiry.get() * option.greeks().itm_probability * INVERSE_SCALE * 1e-4;
        close(usd(&one(name), Measure::Rho), expected, FROM_PARITY);
    }
}

#[test]
fn rho_of_a_dated_future_is_its_delta_times_time_per_basis_point_and_of_a_perpetual_nothing() {
    let market = market();
    // 100,000 USD of an inverse future are N S/F USD of delta; 250 contracts of 0.01 coin are 2.5 F.
    for (venue, name, quantity, slope_usd) in [
        ("deribit", "BTC-25DEC26", "100000", 100_000.0 * INVERSE_SCALE),
        ("okx", "BTC-USDT-261225", "250", 2.5 * FORWARD),
    ] {
        let row = one_in(&market, venue, name, quantity);
        close(usd(&row, Measure::Delta), slope_usd, FROM_PARITY);
        close(usd(&row, Measure::Rho), slope_usd * december().get() * 1e-4, FROM_PARITY);
    }
    for (venue, name) in [("deribit", "BTC-PERPETUAL"), ("okx", "BTC-USDT-SWAP")] {
        let row = one_in(&market, venue, name, "100");
        assert!(row.in_usd(Measure::Rho).is_zero() && !row.in_usd(Measure::Delta).is_zero(), "{name}");
    }
}

#[test]
fn the_settlement_delta_gives_up_the_value_of_a_coin_settled_option_and_nothing_of_a_linear_one() {
    for (name, strike, kind) in INVERSE {
        let row = one(name);
        let greeks = black(strike, kind).greeks();
        // Per unit relative move of spot, coin value V/F: c Δ F/S - c V/S, where c F/S is 1.
        let expected = greeks.delta - greeks.value / FORWARD;
        close(
            row.in_coin(Measure::DeltaSettlement).to_f64(),
            expected * INVERSE_SCALE * DECEMBER_CARRY,
            FROM_PARITY,
        );
        let parts = row.in_usd(Measure::Delta) - row.in_usd(Measure::Value);
        // Three figures of some 1e5 USD, each rounded to a double before its quantum: 3 x 2^-53 x 1e5.
        assert!((row.in_usd(Measure::DeltaSettlement) - parts).to_f64().abs() < 1e-10, "{name}");
    }
    for name in ["BTC-25DEC26-100000-C-USDT", "BTC-25DEC26-80000-P-USDT"] {
        let row = one_in(&market(), "bybit", name, "1");
        assert!(!row.in_usd(Measure::Value).is_zero());
        assert_eq!(row.in_usd(Measure::DeltaSettlement), row.in_usd(Measure::Delta), "{name}");
        assert_eq!(row.in_coin(Measure::DeltaSettlement), row.in_coin(Measure::Delta), "{name}");
    }
}

#[test]
fn the_30_day_weight_of_vega_stops_growing_at_one_day() {
    // 20 hours left, then 68 hours: the root of 30 days over the tenor, which counts as a day at least.
    for (day, floored_days) in [("21NOV26", 1.0), ("23NOV26", 68.0 / 24.0)] {
        let row = one(&format!("BTC-{day}-92000-C"));
        assert!(usd(&row, Measure::Vega) > 1.0, "{day}");
        let expected = usd(&row, Measure::Vega) * (30.0f64 / floored_days).sqrt();
        // Vega itself is rounded to a quantum, which the weight of at most 5.5 carries along.
        assert!((usd(&row, Measure::Vega30d) - expected).abs() < 5.0 * QUANTA, "{day}");
    }
}

#[test]
fn the_tenor_weight_of_a_vol_shift_stops_growing_at_one_day() {
    let shift = VolShift { points: 2.0, relative: 0.1, tenor_power: 0.5, ..VolShift::default() };
    let shifted = |days: f64| {
        let expiry = YearFraction::new(days / 365.0).unwrap();
        let place = VolPlace { vol: 0.5, expiry, log_moneyness: 0.0 };
        Shock::spot_and_points(0.0, shift).vol(&Asset::new("BTC").unwrap(), place)
    };
    let weight = 30.0f64.sqrt();
    for tenor in [0.1, 1.0] {
        // Rounding of three products near 1.
        let expected = 0.5 * 0.1f64.mul_add(weight, 1.0) + 0.02 * weight;
        assert!((shifted(tenor) - expected).abs() < 1e-15 * 4.0, "{tenor} d");
    }
    assert!(shifted(2.0) < shifted(1.0));
}

#[test]
fn measures_of_a_linear_option_are_scaled_by_the_usd_rate_of_its_currency() {
    // A USDT at 0.8 USD: forward and strike in USDT are those of the 90,000 USD option over 0.8, and so is its vol.
    let rate = 0.8;
    let rates = BTreeMap::from([(Asset::new("USDT").unwrap(), Spot::new(rate).unwrap())]);
    let row = one_in(&Market::build(&snapshot(), &rates), "bybit", "BTC-25DEC26-112500-C-USDT", "1");
    let option = Black76 {
        forward: Forward::new(FORWARD / rate).unwrap(),
        strike: Strike::new(90_000.0 / rate).unwrap(),
        ..black(90_000.0, OptionKind::Call)
    };
    let (forward, greeks) = (FORWARD / rate, option.greeks());
    for (measure, expected_usd) in [
        (Measure::Value, rate * greeks.value),
        (Measure::Delta, rate * greeks.delta * forward),
        (Measure::Gamma, rate * greeks.gamma * forward * forward * 1e-2),
        (Measure::Vega, rate * greeks.vega * 1e-2),
        (Measure::Theta, rate * greeks.theta_per_year / 365.0),
        (Measure::Vanna, rate * greeks.vanna * forward * 1e-4),
        (Measure::Volga, rate * greeks.volga * 1e-4),
        (Measure::Charm, rate * greeks.charm_per_year * forward / 365.0),
    ] {
        close(usd(&row, measure), expected_usd, FROM_PARITY);
        close(row.in_coin(measure).to_f64(), expected_usd / SPOT_BTC, FROM_PARITY);
    }
    // In coin: F/S of the Black delta, whatever the rate.
    close(row.in_coin(Measure::Delta).to_f64(), greeks.delta * DECEMBER_CARRY, FROM_PARITY);
}

#[test]
fn a_row_is_quantised_once_and_a_total_is_the_exact_sum_of_its_rows() {
    let rows = ["a", "b", "c"].map(|account| held(account, "deribit", "BTC-25DEC26-100000-C", "0.1"));
    let valuation = Valuation::new(&book(&rows), &market());
    let unit = valuation.board.contracts.values().next().unwrap().as_ref().unwrap().unit_usd();
    let total = group(&valuation.rows, &[]).remove(0).exposure;
    let mut differs_from_late_rounding = false;
    for measure in Measure::ALL {
        let per_unit = unit[measure.index()];
        let row = Fixed::quantise(0.1 * per_unit).unwrap();
        assert!(valuation.rows.iter().all(|r| r.exposure.in_usd(measure) == row), "{}", measure.usd_key());
        assert_eq!(total.in_usd(measure).raw(), 3 * row.raw(), "{}", measure.usd_key());
        differs_from_late_rounding |= total.in_usd(measure) != Fixed::quantise(0.3 * per_unit).unwrap();
    }
    assert!(differs_from_late_rounding, "the case must tell early rounding from late");
}

fn reconcile(snapshot: &Snapshot) -> Reconciliation {
    // The market is that of the sound quotes: only what is published moves.
    Reconciliation::new(snapshot, &market(), &BTreeSet::new())
}

fn edit(snapshot: &mut Snapshot, symbol: &str, change: impl FnOnce(&mut OptionQuote)) {
    let symbol = Symbol::new(symbol).unwrap();
    change(snapshot.options.values_mut().find(|q| q.listing.symbol == symbol).unwrap());
}

fn breaks_after(change: impl FnOnce(&mut OptionQuote)) -> Vec<Break> {
    let mut quotes = snapshot();
    edit(&mut quotes, "BTC-25DEC26-90000-C", change);
    reconcile(&quotes).breaks
}

#[test]
fn a_published_delta_breaks_beyond_a_hundredth_on_either_side() {
    for (off, breaks) in [(0.0099, 0), (-0.0099, 0), (0.0101, 1), (-0.0101, 1)] {
        let found = breaks_after(|quote| quote.published.delta = quote.published.delta.map(|d| d + off));
        assert_eq!(found.len(), breaks, "off by {off}");
        for found in found {
            assert_eq!((found.figure, found.held), (Figure::Delta, false));
            // Own and published delta of the fixture agree to the parity error.
            assert!((found.severity - 0.0101 / 0.01).abs() < 1e-6, "{}", found.severity);
        }
    }
}

#[test]
fn each_figure_breaks_beyond_its_absolute_limit_plus_its_share_of_the_published_figure() {
    let option = black(90_000.0, OptionKind::Call);
    let own = pricing::venue::deribit(&option);
    type Set = fn(&mut OptionQuote, f64);
    let cases: [(Figure, f64, (f64, f64), Set); 6] = [
        (Figure::MarkPrice, option.price() / FORWARD, (0.0002, 0.0), |q, v| q.mark_price = v),
        (Figure::Delta, own.delta, (0.01, 0.0), |q, v| q.published.delta = Some(v)),
        (Figure::Gamma, own.gamma, (1e-5, 0.02), |q, v| q.published.gamma = Some(v)),
        (Figure::Vega, own.vega_per_point, (0.05, 0.02), |q, v| q.published.vega_per_point = Some(v)),
        (Figure::Theta, own.theta_per_day, (1.0, 0.05), |q, v| q.published.theta_per_day = Some(v)),
        (Figure::Rho, own.rho_per_1pct, (0.5, 0.02), |q, v| q.published.rho_per_1pct = Some(v)),
    ];
    for (figure, own, (absolute, relative), set) in cases {
        for (share, breaks) in [(0.99, 0), (1.01, 1)] {
            // |published| - |own| = share (absolute + relative |published|), solved for the published figure.
            let published = (own.abs() + share * absolute) / (1.0 - share * relative) * own.signum();
            let found = breaks_after(|quote| set(quote, published));
            assert_eq!(found.len(), breaks, "{figure:?} at {share} of its limit: {found:?}");
            assert!(
                found.iter().all(|b| b.figure == figure && (b.severity - share).abs() < 1e-6),
                "{found:?}"
            );
        }
    }
}

#[test]
fn median_and_99th_percentile_are_ranks_of_the_sorted_differences() {
    let mut quotes = snapshot();
    let btc = Asset::new("BTC").unwrap();
    let of_btc = |quotes: &Snapshot| -> Vec<_> {
        let all = quotes.options.iter().filter(|(_, q)| q.listing.contract.underlying == btc);
        all.map(|(key, quote)| (key.clone(), quote.clone())).collect()
    };
    // Three times the 42 quotes, so that 98 % and 99 % are different places.
    for (copy, ((_, symbol), quote)) in
        ["one", "two"].iter().flat_map(|c| of_btc(&snapshot()).into_iter().map(move |q| (c, q)))
    {
        quotes.options.insert((Venue::new(copy).unwrap(), symbol), quote);
    }
    // Off by 0, 1, ... 125 x 5e-5, of either sign, in a scrambled order: 5 and 126 are coprime, so that every place comes up once.
    for ((key, mut quote), turn) in of_btc(&quotes).into_iter().zip(0u32..) {
        let place = turn * 5 % 126;
        let sign = if place % 2 == 0 { 1.0 } else { -1.0 };
        quote.published.delta = quote.published.delta.map(|d| d + sign * 5e-5 * f64::from(place));
        quotes.options.insert(key, quote);
    }
    let report = reconcile(&quotes);
    let is_ours = |a: &&Agreement| a.underlying == btc && a.figure == Figure::Delta;
    let delta = report.agreement.iter().find(is_ours).unwrap();
    assert_eq!((delta.compared, delta.breaks), (126, 0));
    // Place (n - 1) x share, rounded down: of 0 to 125, 62 for a half and 123 for 99 %.
    for (got, place) in [(delta.median, 62.0), (delta.p99, 123.0), (delta.max, 125.0)] {
        // Own deltas carry the parity error of 1e-12 of the forward.
        assert!((got - place * 5e-5).abs() < 1e-9, "{got} against {place} x 5e-5");
    }
}
