use super::market::{AS_OF_MILLIS, STALE};
use super::{DEFAULT_SEED, Example, generate};
use book::{Book, BookBuilder};
use instrument::Specs;
use lake::{Select, read_book, read_snapshot};
use market::{Market, Snapshot};
use proptest::prelude::*;
use risk::{Figure, Reconciliation, Valuation};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use units::{Asset, Decimal, Timestamp};

const REGENERATE: &str =
    "examples/ is not what this code generates; run: cargo run --release -- example --out examples";

/// Everything that the report is made of, read back from the two files.
struct Read {
    book: Book,
    snapshot: Snapshot,
    market: Market,
}

/// Through files, because that is how a user's data come in. The folder is the test's own and goes with it.
fn read_back(example: &Example, folder: &str) -> Read {
    let folder = std::env::temp_dir().join(format!("plimsoll-example-{}-{folder}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("book.csv"), &example.book_csv).unwrap();
    std::fs::write(folder.join("market.json"), &example.market_json).unwrap();
    let read = read_files(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    read
}

fn read_files(folder: &Path) -> Read {
    let specs = Specs::embedded();
    let raw = read_snapshot(&folder.join("market.json"), Select::Last, &mut |_| {}).unwrap();
    let (snapshot, issues) = Snapshot::admit(&[raw], &specs).unwrap();
    assert!(issues.is_empty(), "market.json: {issues}");
    let mut builder = BookBuilder::new("book.csv", &specs);
    let rows = read_book(&folder.join("book.csv"), &mut |row| builder.add(&row), &mut |_| {}).unwrap();
    assert!(rows.issues.is_empty(), "book.csv: {}", rows.issues);
    assert!(rows.unknown_columns.is_empty(), "{:?}", rows.unknown_columns);
    let (book, issues) = builder.finish();
    assert!(issues.is_empty(), "book.csv: {issues}");
    let market = Market::build(&snapshot, &BTreeMap::new());
    Read { book, snapshot, market }
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn held(book: &Book) -> BTreeSet<(units::Venue, units::Symbol)> {
    book.positions.iter().map(|p| (p.venue.clone(), p.listing.symbol.clone())).collect()
}

#[test]
fn committed_files_are_those_of_the_default_seed() {
    let Example { book_csv, market_json } = generate(DEFAULT_SEED);
    for (name, text) in [("book.csv", book_csv), ("market.json", market_json)] {
        let file = std::fs::read_to_string(committed().join(name)).unwrap_or_default();
        // Not assert_eq: nobody wants to read 100 kB.
        assert!(file == text, "{name}: {REGENERATE}");
    }
}

#[test]
fn the_seed_alone_decides() {
    assert_eq!(generate("a"), generate("a"));
    let (one, other) = (generate("a"), generate("b"));
    assert_ne!(one.book_csv, other.book_csv);
    assert_ne!(one.market_json, other.market_json);
}

#[test]
fn files_are_small() {
    let example = generate(DEFAULT_SEED);
    assert!(example.market_json.len() < 150_000, "{} bytes", example.market_json.len());
    assert!(example.book_csv.len() < 4_000, "{} bytes", example.book_csv.len());
}

#[test]
fn every_row_is_priced_and_every_gain_is_known() {
    let Read { book, snapshot, market } = read_back(&generate(DEFAULT_SEED), "priced");
    let valuation = Valuation::new(&book, &market);
    assert_eq!(valuation.unpriced, []);
    assert_eq!(valuation.futures_without_entry, 0);
    // Five expiries of twelve strikes, calls and puts, two coins; four dated futures and two perpetuals each.
    assert_eq!((snapshot.options.len(), snapshot.futures.len()), (5 * 12 * 2 * 2, (4 + 2) * 2));
    assert_eq!(snapshot.asof, Timestamp::from_unix_millis(AS_OF_MILLIS).unwrap());
    assert_eq!(snapshot.asof.to_string(), "2026-11-20T12:00:00Z");
    assert!(snapshot.not_used.is_empty(), "{:?}", snapshot.not_used);
    // The stablecoins' USD rates come from the spot pairs, and nothing else needs a remark.
    assert!(market.notes.iter().all(|note| note.contains("implied by spot pairs")), "{:?}", market.notes);
    assert_eq!(market.notes.len(), 2);
}

#[test]
fn the_book_is_a_desk_of_some_millions_over_venues_and_chains() {
    let Read { book, market, .. } = read_back(&generate(DEFAULT_SEED), "desk");
    let venues: BTreeSet<&str> = book.positions.iter().map(|p| p.venue.as_str()).collect();
    assert_eq!(venues, ["binance", "bybit", "deribit", "derive", "hyperliquid", "okx"].into());
    let chains: BTreeSet<&str> = book.balances.iter().map(|b| b.chain.as_str()).collect();
    assert_eq!(chains, ["arbitrum", "derive", "ethereum", "hyperliquid", "offchain"].into());
    let value = risk::Measure::Value.index();
    let gross: f64 =
        Valuation::new(&book, &market).rows.iter().map(|row| row.exposure.usd[value].to_f64().abs()).sum();
    assert!((3e6..10e6).contains(&gross), "gross value {gross:.0} USD");
}

#[test]
fn one_contract_nets_over_two_venues() {
    let Read { book, .. } = read_back(&generate(DEFAULT_SEED), "nets");
    let both: Vec<_> = book
        .positions
        .iter()
        .filter(|p| ["BTC-25DEC26-100000-C", "BTC-USD-261225-100000-C"].contains(&p.listing.symbol.as_str()))
        .collect();
    let [deribit, okx] = both.as_slice() else { panic!("two positions, found {}", both.len()) };
    assert_eq!(deribit.listing.contract, okx.listing.contract);
    // OKX counts hundredths of a coin, and the legs partly cancel.
    assert_eq!(okx.canonical_quantity, okx.quantity.get() * Decimal::new(1, 2));
    let net = deribit.canonical_quantity + okx.canonical_quantity;
    assert!(net.abs() < deribit.canonical_quantity.abs());
}

#[test]
fn quotes_surround_their_marks() {
    let Read { snapshot, .. } = read_back(&generate(DEFAULT_SEED), "quotes");
    let mut without_bid = 0;
    for quote in snapshot.options.values() {
        let (name, mark) = (&quote.listing.symbol, quote.mark_price);
        assert!(quote.ask_price.unwrap() >= mark, "{name}");
        match quote.bid_price {
            Some(bid) => assert!(bid > 0.0 && bid <= mark, "{name}"),
            None => without_bid += 1,
        }
        assert!(mark > 0.0 && quote.mark_vol.is_some(), "{name}");
    }
    assert!((1..60).contains(&without_bid), "{without_bid} rows without a bid");
}

#[test]
fn only_the_stale_quote_breaks_and_it_is_held() {
    let Read { book, snapshot, market } = read_back(&generate(DEFAULT_SEED), "stale");
    let reconciliation = Reconciliation::new(&snapshot, &market, &held(&book));
    let figures: BTreeSet<Figure> = reconciliation.breaks.iter().map(|b| b.figure).collect();
    // Theta hardly depends on the spot near the top of its curve: it may stay inside its limit.
    for figure in [Figure::MarkPrice, Figure::Delta, Figure::Vega, Figure::Rho] {
        assert!(figures.contains(&figure), "{figures:?}");
    }
    for found in &reconciliation.breaks {
        assert_eq!(found.symbol.as_str(), STALE, "{found:?}");
        assert!(found.held);
    }
    for row in &reconciliation.agreement {
        // Half a unit of the fifth decimal, and of the sixth for marks, plus what the forward loses by going through
        // rounded marks: below 0.2 USD, which moves a delta by less than 2e-6 and a USD figure by less than 1e-3.
        let rounding = match row.figure {
            Figure::MarkPrice => 1e-6,
            Figure::Delta | Figure::Gamma => 1e-5,
            Figure::Vega | Figure::Theta | Figure::Rho => 1e-3,
        };
        assert!(row.median < rounding, "{row:?}");
        assert_eq!(
            row.breaks,
            usize::from(row.underlying.as_str() == "BTC" && figures.contains(&row.figure))
        );
    }
}

#[test]
fn forwards_are_in_contango_and_come_from_parity() {
    let Read { market, .. } = read_back(&generate(DEFAULT_SEED), "forwards");
    for (asset, underlying) in &market.underlyings {
        let mut last = underlying.spot.get();
        for point in underlying.families[&Asset::usd()].curve.points() {
            assert!(point.forward.get() > last, "{asset} {}", point.expiry);
            assert_eq!(point.source, market::ForwardSource::Parity, "{asset} {}", point.expiry);
            // Pairs of marks with 6 decimals near the money: the median is good to K x 1e-6, one hundredth of a basis point.
            assert!(point.disagreement_bp() < 0.02, "{asset} {}: {}", point.expiry, point.disagreement_bp());
            last = point.forward.get();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_text_is_a_seed(seed in ".{0,40}") {
        let Read { book, snapshot, market } = read_back(&generate(&seed), "any");
        prop_assert_eq!(Valuation::new(&book, &market).unpriced, []);
        let breaks = Reconciliation::new(&snapshot, &market, &held(&book)).breaks;
        prop_assert!(!breaks.is_empty() && breaks.iter().all(|b| b.symbol.as_str() == STALE));
    }
}
