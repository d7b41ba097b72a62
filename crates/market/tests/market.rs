//! The market from rows: what is refused, what is derived, and where every number comes from.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)] // test code: expected values may use the platform's ln

use instrument::{Contract, OptionKind, Settlement, Terms};
use market::{
    Follower, ForwardSource, Layout, Market, Missing, RawQuote, RawSnapshot, Rows, Snapshot, VolSource,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use units::{Asset, Discount, Forward, Issues, Price, Spot, Strike, Timestamp, Vol};

const SPOT: f64 = 92_000.0;

fn asof() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn admit(rows: Vec<RawQuote>) -> (Snapshot, Issues) {
    let rows = rows.into_iter().zip(1..).map(|(row, number)| RawQuote { row: number, ..row }).collect();
    let file = RawSnapshot {
        file: "m.csv".into(),
        layout: Layout::Chain,
        asof: asof(),
        snapshots_in_file: 1,
        rows,
        issues: Issues::default(),
    };
    Snapshot::admit(&[file], &instrument::Specs::embedded()).unwrap()
}

fn market(rows: Vec<RawQuote>) -> Market {
    let (snapshot, issues) = admit(rows);
    assert!(issues.is_empty(), "{issues}");
    Market::build(&snapshot, &BTreeMap::new())
}

/// A quote that is consistent with a forward and a vol.
fn quote(name: &str, forward: f64, vol: f64) -> RawQuote {
    let specs = instrument::Specs::embedded();
    let venue = units::Venue::new("deribit").unwrap();
    let resolved = instrument::resolve(&venue, &units::Symbol::new(name).unwrap(), &specs).unwrap();
    let Terms::Option { expiry, strike, kind } = resolved.legs[0].listing.contract.terms.clone() else {
        panic!("an option")
    };
    let black = pricing::Black76 {
        forward: Forward::new(forward).unwrap(),
        strike: Strike::new(strike.to_string().parse().unwrap()).unwrap(),
        vol: Vol::new(vol).unwrap(),
        expiry: asof().years_until(expiry).unwrap(),
        discount: Discount::new(1.0).unwrap(),
        kind,
    };
    RawQuote {
        instrument_name: name.into(),
        mark_price: Some(black.price() / forward),
        mark_vol: Some(vol),
        index_price: Some(SPOT),
        ..RawQuote::default()
    }
}

fn pair(day: &str, strike: u32, forward: f64, vol: f64) -> [RawQuote; 2] {
    ["C", "P"].map(|letter| quote(&format!("BTC-{day}-{strike}-{letter}"), forward, vol))
}

fn chain(day: &str, forward: f64, vol: f64) -> Vec<RawQuote> {
    [85_000, 90_000, 95_000, 100_000].into_iter().flat_map(|strike| pair(day, strike, forward, vol)).collect()
}

fn option(expiry: &str, strike: &str, settlement: Settlement) -> Contract {
    Contract {
        underlying: Asset::new("BTC").unwrap(),
        terms: Terms::Option {
            expiry: expiry.parse().unwrap(),
            strike: strike.parse::<Price>().unwrap(),
            kind: OptionKind::Call,
        },
        settlement,
    }
}

const DECEMBER: &str = "2026-12-25T08:00:00Z";
const MARCH: &str = "2027-03-26T08:00:00Z";

#[test]
fn the_forward_comes_from_parity_and_a_stale_printed_one_becomes_a_note() {
    let mut rows = chain("25DEC26", 92_500.0, 0.5);
    for row in &mut rows {
        // 100 bp away from what the marks imply.
        row.underlying_price = Some(92_500.0 * 1.01);
        row.underlying_name = Some("BTC-25DEC26".into());
    }
    let market = market(rows);
    let state = market.option_state(&option(DECEMBER, "90000", Settlement::Inverse)).unwrap();
    assert_eq!((state.forward_source, state.vol_source), (ForwardSource::Parity, VolSource::Quoted));
    // Marks here carry full precision: parity gives the forward back to rounding.
    assert!((state.forward.get() / 92_500.0 - 1.0).abs() < 1e-12);
    assert!(market.notes.iter().any(|n| n.contains("differ by 100 bp")), "{:?}", market.notes);
}

/// One pair, its put marked at nothing, implies a forward some percent off: the future is believed instead.
#[test]
fn a_single_broken_pair_does_not_outvote_the_future() {
    let mut rows: Vec<RawQuote> = pair("25DEC26", 90_000, 92_500.0, 0.5).into();
    rows.push(RawQuote {
        instrument_name: "BTC-25DEC26".into(),
        mark_price: Some(92_500.0),
        index_price: Some(SPOT),
        ..RawQuote::default()
    });
    let source_with_put_mark = |mark: Option<f64>| {
        let mut rows = rows.clone();
        rows[1].mark_price = mark.or(rows[1].mark_price);
        let state = market(rows).option_state(&option(DECEMBER, "90000", Settlement::Inverse)).unwrap();
        assert!((state.forward.get() / 92_500.0 - 1.0).abs() < 1e-9, "{}", state.forward);
        state.forward_source
    };
    assert_eq!(source_with_put_mark(None), ForwardSource::Parity, "a sound pair agrees with the future");
    assert_eq!(source_with_put_mark(Some(0.0)), ForwardSource::FutureMark, "a mark of zero is no mark");
    assert_eq!(
        source_with_put_mark(Some(0.001)),
        ForwardSource::FutureMark,
        "a mark far off is not borne out"
    );
}

/// Three pairs would be believed as they are; two of these have a put at zero and are no pairs at all.
#[test]
fn marks_of_zero_near_the_money_do_not_make_up_the_number() {
    let mut rows: Vec<RawQuote> = Vec::new();
    for strike in [88_000, 90_000, 95_000] {
        rows.extend(pair("25DEC26", strike, 92_500.0, 0.5));
    }
    for row in rows.iter_mut().filter(|r| r.instrument_name.ends_with("-P")).take(2) {
        row.mark_price = Some(0.0);
    }
    for row in &mut rows {
        row.underlying_price = Some(92_500.0);
    }
    let state = market(rows).option_state(&option(DECEMBER, "90000", Settlement::Inverse)).unwrap();
    assert!((state.forward.get() / 92_500.0 - 1.0).abs() < 1e-9, "{}", state.forward);
}

/// Rows of an older file must not outvote a newer index by their number.
#[test]
fn the_index_is_that_of_the_newest_rows() {
    let mut rows = chain("25DEC26", 92_500.0, 0.5);
    for row in &mut rows {
        row.timestamp = Some("2026-11-20T10:00:00Z".parse().unwrap());
    }
    rows.push(RawQuote {
        instrument_name: "BTC-PERPETUAL".into(),
        mark_price: Some(80_000.0),
        index_price: Some(80_010.0),
        timestamp: Some(asof()),
        ..RawQuote::default()
    });
    let market = market(rows);
    assert_eq!(market.spot(&Asset::new("BTC").unwrap()).unwrap().get().to_bits(), 80_010.0f64.to_bits());
}

#[test]
fn between_expiries_carry_and_total_variance_are_linear_in_time() {
    let mut rows = chain("25DEC26", SPOT * 1.01, 0.5);
    rows.extend(chain("26MAR27", SPOT * 1.04, 0.6));
    let market = market(rows);
    let at = "2027-01-29T08:00:00Z";
    let state = market.option_state(&option(at, "93000", Settlement::Inverse)).unwrap();
    let years = |t: &str| asof().years_until(t.parse().unwrap()).unwrap().get();
    let share = (years(at) - years(DECEMBER)) / (years(MARCH) - years(DECEMBER));
    let carry = 1.01f64.ln() + (1.04f64.ln() - 1.01f64.ln()) * share;
    assert_eq!(state.forward_source, ForwardSource::Interpolated);
    assert!((state.forward.get() / (SPOT * carry.exp()) - 1.0).abs() < 1e-12);
    // Flat smiles: the variance of each slice does not depend on the strike.
    let (w0, w1) = (0.25 * years(DECEMBER), 0.36 * years(MARCH));
    let expected = ((w0 + (w1 - w0) * share) / years(at)).sqrt();
    assert_eq!(state.vol_source, VolSource::Interpolated);
    assert!((state.vol.get() - expected).abs() < 1e-12, "{} {expected}", state.vol.get());
}

#[test]
fn between_strikes_total_variance_is_linear_in_log_moneyness_and_flat_beyond() {
    let mut rows: Vec<RawQuote> = pair("25DEC26", 90_000, SPOT, 0.6).into();
    rows.extend(pair("25DEC26", 110_000, SPOT, 0.4));
    let market = market(rows);
    let vol = |strike: &str| market.option_state(&option(DECEMBER, strike, Settlement::Inverse)).unwrap();
    let k = |strike: f64| (strike / SPOT).ln();
    let share = (k(100_000.0) - k(90_000.0)) / (k(110_000.0) - k(90_000.0));
    let expected = (0.36 + (0.16 - 0.36) * share).sqrt();
    assert!((vol("100000").vol.get() - expected).abs() < 1e-9);
    assert_eq!(vol("100000").vol_source, VolSource::Interpolated);
    assert!((vol("150000").vol.get() - 0.4).abs() < 1e-12);
    assert_eq!(vol("150000").vol_source, VolSource::Extrapolated);
}

#[test]
fn a_linear_contract_without_own_quotes_uses_the_usd_family_at_its_rate() {
    let (snapshot, _) = admit(chain("25DEC26", 92_500.0, 0.5));
    let usdt = Asset::new("USDT").unwrap();
    let linear = option(DECEMBER, "90000", Settlement::Linear { currency: usdt.clone() });
    let bare = Market::build(&snapshot, &BTreeMap::new());
    assert_eq!(bare.option_state(&linear), Err(Missing::Rate { asset: usdt.clone() }));
    let rated = Market::build(&snapshot, &BTreeMap::from([(usdt, Spot::new(0.8).unwrap())]));
    let state = rated.option_state(&linear).unwrap();
    assert!((state.forward.get() - 92_500.0 / 0.8).abs() < 1e-6);
}

#[test]
fn spot_pairs_imply_stablecoin_rates_and_the_user_wins() {
    let spot = |name: &str, price: f64| RawQuote {
        instrument_name: name.into(),
        mark_price: Some(price),
        ..RawQuote::default()
    };
    let mut rows = chain("25DEC26", 92_500.0, 0.5);
    // BTC at 92,000 USD and 94,000 USDC: a USDC is 92/94 USD; a USDT 1/1.1 of that.
    rows.extend([spot("BTC_USDC", 94_000.0), spot("USDC_USDT", 1.1)]);
    let (snapshot, issues) = admit(rows);
    assert!(issues.is_empty(), "{issues}");
    let rate = |market: &Market, asset: &str| market.usd_rate(&Asset::new(asset).unwrap()).unwrap();
    let implied = Market::build(&snapshot, &BTreeMap::new());
    assert!((rate(&implied, "USDC") - 92.0 / 94.0).abs() < 1e-12);
    assert!((rate(&implied, "USDT") - 92.0 / 94.0 / 1.1).abs() < 1e-12);
    let given = BTreeMap::from([(Asset::new("USDC").unwrap(), Spot::new(1.0).unwrap())]);
    assert_eq!(rate(&Market::build(&snapshot, &given), "USDC").to_bits(), 1.0f64.to_bits());
}

#[test]
fn a_rate_that_the_user_gives_moves_no_other_that_pairs_without_it_imply() {
    let spot = |name: &str, price: f64| RawQuote {
        instrument_name: name.into(),
        mark_price: Some(price),
        ..RawQuote::default()
    };
    let rates = |pairs: &[(&str, f64)], usdc: Option<f64>| {
        let mut rows = chain("25DEC26", 92_500.0, 0.5);
        rows.extend(pairs.iter().map(|(name, price)| spot(name, *price)));
        let given = usdc.map(|usd| (Asset::new("USDC").unwrap(), Spot::new(usd).unwrap()));
        Market::build(&admit(rows).0, &given.into_iter().collect()).rates
    };
    let usdt = |pairs: &[(&str, f64)], usdc| {
        rates(pairs, usdc).get(&Asset::new("USDT").unwrap()).map(|rate| rate.get())
    };
    // BTC tells the rate of USDT without USDC: a depeg of USDC is not one of USDT.
    let both = [("BTC_USDT", 92_000.0), ("USDC_USDT", 1.0)];
    assert_eq!(usdt(&both, None), Some(1.0));
    assert_eq!(usdt(&both, Some(0.88)), Some(1.0));
    // USDT is quoted against USDC alone: then the given rate is all there is to go by.
    assert_eq!(usdt(&[("USDC_USDT", 1.1)], Some(0.88)), Some(0.88 / 1.1));
    assert_eq!(usdt(&[("USDC_USDT", 1.1)], None), None);
}

#[test]
fn a_quote_without_a_vol_gets_the_one_its_mark_implies() {
    let mut rows = chain("25DEC26", 92_500.0, 0.5);
    rows[2].mark_vol = None;
    let market = market(rows);
    let state = market.option_state(&option(DECEMBER, "90000", Settlement::Inverse)).unwrap();
    assert_eq!(state.vol_source, VolSource::Implied);
    // The mark here has full precision; the solver's own limit is 1e-10 of vol, which is also the quantum.
    assert!((state.vol.get() - 0.5).abs() <= 1.1e-10, "{}", state.vol.get());
}

#[test]
fn every_fault_of_every_row_is_named_and_sound_rows_stay() {
    let good = || quote("BTC-25DEC26-90000-C", 92_500.0, 0.5);
    let rows = vec![
        good(),
        RawQuote {
            mark_price: Some(f64::NAN),
            mark_vol: Some(-0.1),
            ..quote("BTC-25DEC26-95000-C", SPOT, 0.5)
        },
        RawQuote { underlying_price: Some(0.0), ..quote("BTC-25DEC26-95000-P", SPOT, 0.5) },
        RawQuote {
            strike: Some(1.0),
            option_type: Some("put".into()),
            ..quote("BTC-26MAR27-95000-C", SPOT, 0.5)
        },
        RawQuote { instrument_name: "BTC-31FEB26-1-C".into(), mark_price: Some(0.1), ..RawQuote::default() },
        RawQuote { delta: Some(f64::INFINITY), ..quote("BTC-26MAR27-95000-P", SPOT, 0.5) },
    ];
    let (snapshot, issues) = admit(rows);
    assert_eq!(snapshot.options.len(), 1);
    let all = issues.to_string();
    for expected in [
        "m.csv row 2, mark_price = 'NaN'",
        "m.csv row 2, mark_iv = '-0.1'",
        "m.csv row 3, underlying_price = '0'",
        "m.csv row 4, strike = '1'",
        "m.csv row 4, option_type = 'put'",
        "m.csv row 5, instrument_name = 'BTC-31FEB26-1-C'",
        "m.csv row 6, delta = 'inf'",
    ] {
        assert!(all.contains(expected), "{expected} not in\n{all}");
    }
    assert_eq!(issues.total(), 7);
}

proptest! {
    /// Put-call parity of our own marks gives back any forward, for any smile level.
    #[test]
    fn parity_recovers_the_forward(carry in 0.9..1.1f64, vol in 0.05..2.0f64) {
        let market = market(chain("26MAR27", SPOT * carry, vol));
        let state = market.option_state(&option(MARCH, "90000", Settlement::Inverse)).unwrap();
        // Coin marks near 1 carry 1e-16; K / (1 - (c - p)) passes it on relative to F.
        prop_assert!((state.forward.get() / (SPOT * carry) - 1.0).abs() < 1e-12);
    }
}

/// Quotes that come and go: which rows, at which minute.
fn arrivals() -> impl Strategy<Value = Vec<(usize, i64)>> {
    proptest::collection::vec((0..24usize, 0..90i64), 1..40)
}

/// Two coins with options of two expiries, their perpetuals and a spot pair that tells a rate.
fn universe() -> Vec<RawQuote> {
    let mut rows: Vec<RawQuote> = ["25DEC26", "26MAR27"]
        .iter()
        .flat_map(|day| [88_000, 92_000, 96_000].into_iter().flat_map(move |k| pair(day, k, 92_700.0, 0.5)))
        .collect();
    let eth: Vec<RawQuote> = rows
        .iter()
        .map(|row| RawQuote {
            instrument_name: row.instrument_name.replacen("BTC", "ETH", 1),
            index_price: Some(3_000.0),
            ..row.clone()
        })
        .take(6)
        .collect();
    rows.extend(eth);
    let priced = |name: &str, mark| RawQuote {
        instrument_name: name.into(),
        mark_price: Some(mark),
        ..RawQuote::default()
    };
    rows.extend([
        RawQuote { index_price: Some(92_010.0), ..priced("BTC-PERPETUAL", 92_020.0) },
        RawQuote { index_price: Some(3_001.0), ..priced("ETH-PERPETUAL", 3_001.5) },
        priced("BTC-25DEC26", 92_650.0),
        priced("BTC_USDC", 92_030.0),
        priced("BTC-26MAR27", 93_000.0),
        priced("ETH_USDC", 3_000.5),
    ]);
    rows
}

proptest! {
    /// A market that follows quotes one underlying at a time is the market built of the quotes it holds.
    #[test]
    fn following_quotes_gives_the_market_of_the_quotes_at_hand(arrivals in arrivals()) {
        let universe = universe();
        let specs = instrument::Specs::embedded();
        let mut held = Snapshot::empty(asof());
        let mut follower = Follower::new(asof(), BTreeMap::new());
        for (place, minute) in arrivals {
            let Some(row) = universe.get(place) else { continue };
            // Each arrival moves its price a little, so that old and new quotes differ.
            #[allow(clippy::cast_precision_loss)]
            let moved = row.mark_price.map(|mark| mark * (1.0 + 1e-4 * minute as f64));
            let time = Some(asof().plus_millis(60_000 * minute));
            // Now and then a quote comes without a vol, which its mark then implies.
            let mark_vol = row.mark_vol.filter(|_| minute % 3 != 0);
            let row = RawQuote { mark_price: moved, mark_vol, timestamp: time, ..row.clone() };
            let rows = Rows { file: "m.csv", layout: Layout::Chain, asof: asof(), rows: &[row] };
            let touched = held.take(&rows, &specs).0.moved;
            follower.follow(&held, &touched);
            prop_assert_eq!(follower.market(), &Market::build(&held, &BTreeMap::new()));
        }
        let later = "2026-12-26T00:00:00Z".parse().unwrap();
        let expired = held.advance(later);
        follower.follow(&held, &expired);
        prop_assert_eq!(follower.market(), &Market::build(&held, &BTreeMap::new()));
    }
}
