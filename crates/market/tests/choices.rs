//! Which of several sources the market takes, and what it does where nothing is quoted.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)] // test code: expected values may use the platform's ln

use instrument::{Contract, OptionKind, Settlement, Specs, Terms};
use market::{
    ForwardPoint, ForwardSource, Layout, Market, OptionState, RawQuote, RawSnapshot, Snapshot, VolSource,
};
use std::collections::BTreeMap;
use units::{Asset, Discount, Forward, Issues, Price, Strike, Symbol, Timestamp, Venue, Vol};

const SPOT: f64 = 92_000.0;
const DECEMBER: &str = "2026-12-25T08:00:00Z";
const MARCH: &str = "2027-03-26T08:00:00Z";

fn asof() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn years(expiry: &str) -> f64 {
    asof().years_until(expiry.parse().unwrap()).unwrap().get()
}

/// A mark that a venue prints: which contract, and what it is consistent with.
struct Mark<'a> {
    venue: &'a str,
    symbol: &'a str,
    forward: f64,
    vol: f64,
}

/// The option quote of this mark, without a printed forward.
fn quote(mark: &Mark<'_>) -> RawQuote {
    let (venue, symbol) = (Venue::new(mark.venue).unwrap(), Symbol::new(mark.symbol).unwrap());
    let resolved = instrument::resolve(&venue, &symbol, &Specs::embedded()).unwrap();
    let Terms::Option { expiry, strike, kind } = resolved.legs[0].listing.contract.terms.clone() else {
        panic!("an option")
    };
    let black = pricing::Black76 {
        forward: Forward::new(mark.forward).unwrap(),
        strike: Strike::new(strike.to_string().parse().unwrap()).unwrap(),
        vol: Vol::new(mark.vol).unwrap(),
        expiry: asof().years_until(expiry).unwrap(),
        discount: Discount::new(1.0).unwrap(),
        kind,
    };
    RawQuote {
        venue: Some(mark.venue.into()),
        instrument_name: mark.symbol.into(),
        mark_price: Some(black.price() / mark.forward),
        mark_vol: Some(mark.vol),
        index_price: Some(SPOT),
        ..RawQuote::default()
    }
}

fn pair(day: &str, strike: u32, forward: f64, vol: f64) -> [RawQuote; 2] {
    ["C", "P"].map(|letter| {
        quote(&Mark { venue: "deribit", symbol: &format!("BTC-{day}-{strike}-{letter}"), forward, vol })
    })
}

fn chain(day: &str, forward: f64, vol: f64) -> Vec<RawQuote> {
    [85_000, 90_000, 95_000, 100_000].into_iter().flat_map(|strike| pair(day, strike, forward, vol)).collect()
}

/// One file a venue: its rows, and how long before the valuation time they were taken.
fn file(rows: Vec<RawQuote>, millis_before: i64) -> RawSnapshot {
    let rows = rows.into_iter().zip(1..).map(|(row, number)| RawQuote { row: number, ..row }).collect();
    RawSnapshot {
        file: "m.csv".into(),
        layout: Layout::Chain,
        asof: asof().plus_millis(-millis_before),
        snapshots_in_file: 1,
        rows,
        issues: Issues::default(),
    }
}

fn market(files: &[RawSnapshot]) -> Market {
    let (snapshot, issues) = Snapshot::admit(files, &Specs::embedded()).unwrap();
    assert!(issues.is_empty(), "{issues}");
    Market::build(&snapshot, &BTreeMap::new())
}

fn contract(terms: Terms) -> Contract {
    Contract { underlying: Asset::new("BTC").unwrap(), terms, settlement: Settlement::Inverse }
}

fn call(market: &Market, expiry: &str, strike: &str) -> OptionState {
    let terms = Terms::Option {
        expiry: expiry.parse().unwrap(),
        strike: strike.parse::<Price>().unwrap(),
        kind: OptionKind::Call,
    };
    market.option_state(&contract(terms)).unwrap()
}

/// Parity of full-precision marks, logs and exponentials: a few units of 1e-16, passed on at most 1e3 times.
fn close(got: f64, expected: f64) -> bool {
    (got / expected - 1.0).abs() < 1e-12
}

#[test]
fn of_two_venues_the_newer_quote_of_a_contract_gives_its_vol_and_the_first_name_at_one_time() {
    let deribit =
        || vec![quote(&Mark { venue: "deribit", symbol: "BTC-25DEC26-90000-C", forward: SPOT, vol: 0.5 })];
    let okx =
        || vec![quote(&Mark { venue: "okx", symbol: "BTC-USD-261225-90000-C", forward: SPOT, vol: 0.7 })];
    for (deribit_age, okx_age, expected) in [(60_000, 0, 0.7), (0, 60_000, 0.5), (0, 0, 0.5)] {
        for files in [
            [file(deribit(), deribit_age), file(okx(), okx_age)],
            [file(okx(), okx_age), file(deribit(), deribit_age)],
        ] {
            let state = call(&market(&files), DECEMBER, "90000");
            assert_eq!(state.vol.get().to_bits(), f64::to_bits(expected), "ages {deribit_age}, {okx_age} ms");
            assert_eq!(state.vol_source, VolSource::Quoted);
        }
    }
}

#[test]
fn of_two_venues_the_newer_mark_of_a_future_is_the_future() {
    let mark = |venue: &str, symbol: &str, price: f64| {
        vec![RawQuote {
            venue: Some(venue.into()),
            instrument_name: symbol.into(),
            mark_price: Some(price),
            index_price: Some(SPOT),
            ..RawQuote::default()
        }]
    };
    let future = contract(Terms::Perpetual);
    for (deribit_age, okx_age, expected) in [(60_000, 0, 92_020.0), (0, 60_000, 92_010.0)] {
        let market = market(&[
            file(mark("deribit", "BTC-PERPETUAL", 92_010.0), deribit_age),
            file(mark("okx", "BTC-USD-SWAP", 92_020.0), okx_age),
        ]);
        let state = market.future_state(&future).unwrap();
        assert_eq!(state.mark.get().to_bits(), f64::to_bits(expected), "ages {deribit_age}, {okx_age} ms");
    }
}

#[test]
fn outside_the_quoted_expiries_the_nearest_one_keeps_its_carry_per_time() {
    let mut rows = chain("25DEC26", SPOT * 1.01, 0.5);
    rows.extend(chain("26MAR27", SPOT * 1.04, 0.5));
    let market = market(&[file(rows, 0)]);
    for (expiry, near, carry, source) in [
        ("2027-06-25T08:00:00Z", MARCH, 1.04f64, ForwardSource::Extrapolated),
        ("2028-03-31T08:00:00Z", MARCH, 1.04, ForwardSource::Extrapolated),
        // Before the first one carry runs from nothing now.
        ("2026-12-04T08:00:00Z", DECEMBER, 1.01, ForwardSource::Interpolated),
    ] {
        let state = call(&market, expiry, "93000");
        let expected = SPOT * (carry.ln() * years(expiry) / years(near)).exp();
        assert!(close(state.forward.get(), expected), "{expiry}: {} {expected}", state.forward.get());
        assert_eq!(state.forward_source, source, "{expiry}");
    }
}

#[test]
fn outside_the_quoted_expiries_the_vol_is_that_of_the_nearest_one() {
    // Flat smiles, so that the moneyness of the strike plays no part.
    let mut rows = chain("25DEC26", SPOT, 0.5);
    rows.extend(chain("26MAR27", SPOT, 0.6));
    let market = market(&[file(rows, 0)]);
    for (expiry, expected) in [
        ("2026-11-21T08:00:00Z", 0.5),
        ("2026-12-11T08:00:00Z", 0.5),
        ("2027-06-25T08:00:00Z", 0.6),
        ("2028-03-31T08:00:00Z", 0.6),
    ] {
        let state = call(&market, expiry, "93000");
        assert!(close(state.vol.get(), expected), "{expiry}: {}", state.vol.get());
        assert_eq!(state.vol_source, VolSource::Extrapolated, "{expiry}");
    }
}

/// Flat smiles of 0.5 and 0.6: between two expiries total variance is linear in time, beyond them the nearest one's vol stands.
#[test]
fn the_vol_at_the_money_lies_between_expiries_and_is_the_nearest_ones_beyond() {
    let mut rows = chain("25DEC26", SPOT, 0.5);
    rows.extend(chain("26MAR27", SPOT, 0.6));
    let market = market(&[file(rows, 0)]);
    let btc = Asset::new("BTC").unwrap();
    let (near, far) = (years(DECEMBER), years(MARCH));
    let at = 60.0 / 365.0;
    let variance = 0.25 * near + (0.36 * far - 0.25 * near) * (at - near) / (far - near);
    let (vol, source) = market.at_the_money_vol(&btc, 60).unwrap();
    assert!(close(vol.get(), (variance / at).sqrt()), "{vol:?}");
    assert_eq!(source, VolSource::Interpolated);
    for (days, expected) in [(30, 0.5), (365, 0.6)] {
        let (vol, source) = market.at_the_money_vol(&btc, days).unwrap();
        assert!(close(vol.get(), expected) && source == VolSource::Extrapolated, "{days}: {vol:?}");
    }
    assert!(market.at_the_money_vol(&Asset::new("SOL").unwrap(), 30).is_err(), "nothing is quoted");
}

fn december_point(near: &[u32], far: &[u32]) -> ForwardPoint {
    const FORWARD: f64 = 92_500.0;
    let sound = near.iter().flat_map(|strike| pair("25DEC26", *strike, FORWARD, 0.5));
    // Marks of a forward 3 % too high: the far pairs are broken in the same direction. The printed forward is 1 % off, so that
    // it cannot be what bears the pairs out.
    let broken = far.iter().flat_map(|strike| pair("25DEC26", *strike, FORWARD * 1.03, 0.5));
    let rows = sound.chain(broken).map(|row| RawQuote {
        underlying_price: Some(FORWARD * 1.01),
        underlying_name: Some("BTC-25DEC26".into()),
        ..row
    });
    let market = market(&[file(rows.collect(), 0)]);
    let family = &market.underlyings[&Asset::new("BTC").unwrap()].families[&Asset::usd()];
    *family.curve.points().next().unwrap()
}

#[test]
fn broken_pairs_far_from_the_money_do_not_move_the_forward_while_three_lie_near() {
    // Near is within 10 % of the printed 93,425: 84,083 to 102,767. The far ones outnumber the near ones.
    let far = [60_000, 70_000, 82_000, 103_000, 120_000];
    for near in [[90_000, 92_000, 95_000].as_slice(), &[85_000, 90_000, 95_000, 102_000]] {
        let point = december_point(near, &far);
        assert_eq!((point.source, point.parity_pairs), (ForwardSource::Parity, near.len()));
        assert!(close(point.forward.get(), 92_500.0), "{}", point.forward.get());
    }
}

/// A pair of quotes around the marks of a forward, so many coins either side.
fn quoted_pair(strike: u32, forward: f64, half_spread_coin: f64) -> [RawQuote; 2] {
    pair("25DEC26", strike, forward, 0.5).map(|row| RawQuote {
        bid_price: row.mark_price.map(|mark| mark - half_spread_coin),
        ask_price: row.mark_price.map(|mark| mark + half_spread_coin),
        ..row
    })
}

fn december_synthetic(rows: impl IntoIterator<Item = [RawQuote; 2]>) -> market::Synthetic {
    let market = market(&[file(rows.into_iter().flatten().collect(), 0)]);
    let family = &market.underlyings[&Asset::new("BTC").unwrap()].families[&Asset::usd()];
    family.curve.points().next().unwrap().synthetic.unwrap()
}

#[test]
fn the_synthetic_is_the_best_of_the_strikes_near_the_money() {
    // 92,500 in the middle; c - p = 1 - K/F, and both half spreads add to either side: F' = K/(K/F ∓ 2 h).
    let side = |strike: f64, shift: f64| strike / (strike / 92_500.0 - shift);
    let found = december_synthetic([
        quoted_pair(90_000, 92_500.0, 0.0010),
        quoted_pair(95_000, 92_500.0, 0.0004),
        // Twice as far from the money as a strike may be: its narrow quotes do not count.
        quoted_pair(110_000, 93_500.0, 0.0001),
    ]);
    assert_eq!(found.strikes, 2);
    assert!(close(found.bid, side(95_000.0, -0.0008)), "{found:?}");
    assert!(close(found.ask, side(95_000.0, 0.0008)), "{found:?}");
    assert!(!found.is_crossed());
    assert_eq!(found.outside_bp(92_500.0).to_bits(), 0.0f64.to_bits());
    let below = found.bid * (1.0 - 1e-3);
    assert!((found.outside_bp(below) - (1.0 - found.bid / below) * 1e4).abs() < 1e-9);
    assert!(found.outside_bp(found.ask * 1.001) > 9.9);
}

#[test]
fn a_synthetic_that_two_strikes_contradict_is_crossed() {
    let found = december_synthetic([
        quoted_pair(90_000, 92_500.0, 0.0002),
        quoted_pair(92_000, 92_500.0, 0.0002),
        quoted_pair(95_000, 94_000.0, 0.0002),
    ]);
    assert!(found.is_crossed(), "{found:?}");
}
