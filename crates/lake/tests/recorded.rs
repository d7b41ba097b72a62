//! Recorded market files, against counts and sums taken from them with pyarrow 26 and pandas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

mod common;

use common::{recorded, snapshot};
use lake::{Select, for_each_snapshot, snapshots};
use market::{Layout, RawQuote};
use std::ops::ControlFlow;
use units::Timestamp;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn strikes(rows: &[RawQuote]) -> f64 {
    rows.iter().filter_map(|row| row.strike).sum()
}

struct Month {
    name: &'static str,
    rows: u64,
    snapshots: u64,
    first: &'static str,
    last: &'static str,
    last_rows: usize,
    last_bids: usize,
    last_underlyings: usize,
    last_strikes: f64,
    middle: &'static str,
    middle_rows: usize,
    middle_bids: usize,
}

#[rustfmt::skip]
const MONTHS: [Month; 6] = [
    Month { name: "deribit_202512.parquet", rows: 5_180, snapshots: 4, first: "2025-12-30T17:31:15.944181Z", last: "2025-12-31T21:18:43.878798Z", last_rows: 1286, last_bids: 1256, last_underlyings: 1286, last_strikes: 75_146_200.0, middle: "2025-12-31T09:18:28.589807Z", middle_rows: 1286, middle_bids: 1263 },
    Month { name: "deribit_202601.parquet", rows: 163_814, snapshots: 121, first: "2026-01-01T09:18:35.173006Z", last: "2026-01-31T21:21:33.904273Z", last_rows: 1664, last_bids: 1586, last_underlyings: 1664, last_strikes: 89_309_600.0, middle: "2026-01-16T21:21:18.061649Z", middle_rows: 1384, middle_bids: 1303 },
    Month { name: "deribit_202602.parquet", rows: 180_516, snapshots: 110, first: "2026-02-01T04:54:02.172460Z", last: "2026-02-28T21:20:49.723194Z", last_rows: 1868, last_bids: 1804, last_underlyings: 1868, last_strikes: 94_584_650.0, middle: "2026-02-15T04:47:33.029136Z", middle_rows: 1514, middle_bids: 1414 },
    Month { name: "deribit_202603.parquet", rows: 218_844, snapshots: 124, first: "2026-03-01T04:47:01.071158Z", last: "2026-03-31T21:39:06.362258Z", last_rows: 1622, last_bids: 1586, last_underlyings: 1622, last_strikes: 82_359_700.0, middle: "2026-03-16T16:12:06.757468Z", middle_rows: 1736, middle_bids: 1656 },
    Month { name: "deribit_202604.parquet", rows: 200_992, snapshots: 122, first: "2026-04-01T05:15:02.137409Z", last: "2026-04-30T22:04:22.288212Z", last_rows: 1712, last_bids: 1613, last_underlyings: 1424, last_strikes: 91_370_600.0, middle: "2026-04-15T21:59:57.784106Z", middle_rows: 1632, middle_bids: 1549 },
    Month { name: "deribit_202605.parquet", rows: 204_066, snapshots: 123, first: "2026-05-01T06:21:23.932836Z", last: "2026-05-31T22:09:01.056652Z", last_rows: 1668, last_bids: 1538, last_underlyings: 1328, last_strikes: 90_558_900.0, middle: "2026-05-16T10:23:37.220639Z", middle_rows: 1684, middle_bids: 1563 },
];

#[test]
fn monthly_chains_have_the_counts_of_pyarrow() {
    for month in &MONTHS {
        let Some(path) = recorded("monthly chains", month.name) else { return };
        let listing = snapshots(&path, &mut |_| {}).unwrap();
        assert_eq!(listing.snapshots.len() as u64, month.snapshots, "{}", month.name);
        assert_eq!(listing.snapshots.iter().map(|snapshot| snapshot.rows).sum::<u64>(), month.rows);
        assert_eq!(listing.snapshots[0].asof, time(month.first));
        assert!(listing.issues.is_empty());

        let last = snapshot(&path, Select::Last).unwrap();
        assert_eq!((last.layout, last.asof), (Layout::Chain, time(month.last)));
        assert_eq!((last.rows.len(), last.snapshots_in_file), (month.last_rows, month.snapshots));
        assert_eq!(last.rows.iter().filter(|row| row.bid_price.is_some()).count(), month.last_bids);
        assert_eq!(
            last.rows.iter().filter(|row| row.underlying_price.is_some()).count(),
            month.last_underlyings
        );
        // Strikes are whole numbers far below 2^53: their sum is exact.
        assert_eq!(strikes(&last.rows).to_bits(), month.last_strikes.to_bits());
        assert_eq!(last.rows.last().unwrap().row, month.rows);
        assert!(last.issues.is_empty());

        // One second after a snapshot the snapshot still holds; one second before it does not.
        let middle = time(month.middle);
        let found = snapshot(&path, Select::AtOrBefore(middle.plus_millis(1000))).unwrap();
        assert_eq!((found.asof, found.rows.len()), (middle, month.middle_rows), "{}", month.name);
        assert_eq!(found.rows.iter().filter(|row| row.bid_price.is_some()).count(), month.middle_bids);
        assert!(snapshot(&path, Select::AtOrBefore(middle.plus_millis(-1000))).unwrap().asof < middle);
    }
}

#[test]
fn every_snapshot_of_a_month_is_handed_over_once_and_in_order() {
    let month = &MONTHS[1];
    let Some(path) = recorded("snapshots of a month", month.name) else { return };
    let mut seen: Vec<(Timestamp, usize)> = Vec::new();
    let mut visit = |snapshot: market::RawSnapshot| {
        assert_eq!(snapshot.snapshots_in_file, month.snapshots);
        seen.push((snapshot.asof, snapshot.rows.len()));
        ControlFlow::Continue(())
    };
    assert_eq!(for_each_snapshot(&path, &mut visit, &mut |_| {}).unwrap(), month.snapshots);
    let listing = snapshots(&path, &mut |_| {}).unwrap();
    let listed: Vec<(Timestamp, usize)> = listing
        .snapshots
        .iter()
        .map(|snapshot| (snapshot.asof, usize::try_from(snapshot.rows).unwrap()))
        .collect();
    assert_eq!(seen, listed);
    // The receiver can stop.
    assert_eq!(for_each_snapshot(&path, &mut |_| ControlFlow::Break(()), &mut |_| {}).unwrap(), 1);
}

#[test]
fn a_snapshot_reads_the_same_from_the_recorders_csv_and_from_parquet() {
    let Some(csv) = recorded("recorder chain", "deribit_options_snapshot_20260205T155132Z.csv") else {
        return;
    };
    let Some(parquet) = recorded("recorder chain", "deribit_202602.parquet") else { return };
    let csv = snapshot(&csv, Select::Last).unwrap();
    let parquet = snapshot(&parquet, Select::AtOrBefore(csv.asof)).unwrap();
    assert_eq!((csv.layout, csv.rows.len(), csv.snapshots_in_file), (Layout::RecorderChain, 1782, 1));
    assert_eq!(csv.rows.iter().filter(|row| row.bid_price.is_some()).count(), 1252);
    assert_eq!(csv.rows.iter().filter(|row| row.ask_price.is_some()).count(), 1371);
    assert_eq!(parquet.asof, csv.asof);
    let by_name = |mut rows: Vec<RawQuote>| {
        rows.sort_by(|a, b| a.instrument_name.cmp(&b.instrument_name));
        rows.into_iter().map(|row| RawQuote { row: 0, ..row }).collect::<Vec<_>>()
    };
    let (from_csv, from_parquet) = (by_name(csv.rows), by_name(parquet.rows));
    assert_eq!(from_csv.len(), from_parquet.len());
    for (a, b) in from_csv.iter().zip(&from_parquet) {
        assert_eq!(a, b);
    }
}

#[test]
fn full_tickers_are_one_snapshot_with_vols_in_percent() {
    for (name, rows, asof_millis, no_bid, no_ask) in [
        ("bottama_20210211_btc_tickers.csv", 976, 1_613_069_054_256, 480, 350),
        ("bottama_20210211_eth_tickers.csv", 996, 1_613_069_169_035, 972, 950),
    ] {
        let Some(path) = recorded("full tickers", name) else { return };
        let read = snapshot(&path, Select::Last).unwrap();
        assert_eq!((read.layout, read.rows.len(), read.snapshots_in_file), (Layout::Tickers, rows, 1));
        assert_eq!(read.asof, Timestamp::from_unix_millis(asof_millis).unwrap());
        assert_eq!(read.rows.iter().filter(|row| row.bid_price.is_none()).count(), no_bid);
        assert_eq!(read.rows.iter().filter(|row| row.ask_price.is_none()).count(), no_ask);
        assert!(read.issues.is_empty());
        let too_early = Select::AtOrBefore(read.asof.plus_millis(-1));
        assert!(snapshot(&path, too_early).is_err(), "as of the latest row");
    }
    let Some(path) = recorded("full tickers", "bottama_20210211_btc_tickers.csv") else { return };
    let first = snapshot(&path, Select::Last).unwrap().rows.remove(0);
    // The first line of the file, cell by cell.
    let expected = RawQuote {
        row: 1,
        timestamp: Some(Timestamp::from_unix_millis(1_613_068_625_266).unwrap()),
        instrument_name: "BTC-13FEB21-37500-C".into(),
        bid_price: None,
        ask_price: Some(0.221),
        mark_price: Some(0.179_101_12),
        mark_vol: Some(124.25 / 100.0),
        delta: Some(0.99323),
        gamma: Some(1e-5),
        vega_per_point: Some(0.56428),
        theta_per_day: Some(-22.50523),
        rho_per_1pct: Some(1.58677),
        open_interest: Some(2.1),
        volume: Some(2.1),
        underlying_price: Some(45671.64),
        underlying_name: Some("SYN.BTC-13FEB21".into()),
        index_price: Some(47795.22),
        ..RawQuote::default()
    };
    assert_eq!(first, expected);
}

#[test]
fn perpetual_prices_are_snapshots_of_two_rows() {
    let Some(path) = recorded("perpetual prices", "perpetual_prices.csv") else { return };
    let listing = snapshots(&path, &mut |_| {}).unwrap();
    assert_eq!((listing.layout, listing.snapshots.len()), (Layout::PerpetualPrices, 419));
    assert!(listing.snapshots.iter().all(|snapshot| snapshot.rows == 2));
    let last = snapshot(&path, Select::Last).unwrap();
    let prices: Vec<_> = last.rows.iter().map(|row| (row.instrument_name.as_str(), row.mark_price)).collect();
    assert_eq!(
        (last.asof, prices[1]),
        (time("2026-04-15T10:24:47.955964Z"), ("ETH-PERPETUAL", Some(2316.55)))
    );
    let mut count = 0;
    let mut visit = |snapshot: market::RawSnapshot| {
        count += snapshot.rows.len();
        ControlFlow::Continue(())
    };
    for_each_snapshot(&path, &mut visit, &mut |_| {}).unwrap();
    assert_eq!(count, 838);
}
