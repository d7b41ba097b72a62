//! Liquidation prices of random books under every embedded rulebook, against brute force.
//!
//! ```sh
//! cargo test -p margin --release --test liquidation -- --nocapture                       # 300 books a rulebook
//! cargo test -p margin --release --test liquidation -- --ignored --nocapture             # 10,000 books a rulebook
//! ```

mod kit;

use kit::{FLAVOURS, Flavour, Tally, book, check};
use margin::{AccountState, LiquidationQuery, Path, Rulebook, Rulebooks, liquidation};
use units::Venue;

/// How the books of one rulebook ended.
#[derive(Debug, Default)]
struct Run {
    books: u64,
    unmargined: u64,
    first_unmargined: String,
    tally: Tally,
    faults: Vec<String>,
}

fn venue_of(rulebook: &Rulebook) -> Venue {
    rulebook.header.venues.first().cloned().unwrap_or_else(|| Venue::new("elsewhere").unwrap())
}

/// Kinds of books of which the rulebook covers at least one of eight.
fn flavours_of(rulebook: &Rulebook) -> Vec<Flavour> {
    let venue = venue_of(rulebook);
    let covers =
        |flavour: &Flavour| (0..8).any(|seed| !rulebook.outcome(&book(&venue, *flavour, seed)).is_partial());
    FLAVOURS.into_iter().filter(covers).collect()
}

/// The lead alone, or with the others at beta 1.3 in every third book.
fn query(state: &AccountState, seed: u64) -> LiquidationQuery {
    let mut query = LiquidationQuery::of(state.underlyings()[0].clone());
    if seed.is_multiple_of(3) {
        query.path = Path { beta_of_other_coins: 1.3, ..query.path };
    }
    query
}

fn run(rulebook: &Rulebook, books: u64) -> Run {
    let venue = venue_of(rulebook);
    let mut run = Run { books, ..Run::default() };
    let mut flavours = flavours_of(rulebook);
    if flavours.is_empty() {
        flavours = FLAVOURS.to_vec();
    }
    for seed in 0..books {
        let flavour = flavours[usize::try_from(seed).unwrap() % flavours.len()];
        let state = book(&venue, flavour, seed);
        let today = rulebook.outcome(&state);
        if let Some(left_out) = today.unmargined.first() {
            run.unmargined += 1;
            run.first_unmargined = format!("{flavour:?}: {}: {}", left_out.symbol, left_out.reason);
            continue;
        }
        let query = query(&state, seed);
        let report = liquidation(rulebook, &state, &query);
        let surplus = |x: f64| rulebook.outcome(&state.moved(&query.path.at(x))).surplus().maintenance;
        if let Err(fault) = check(&report, &query, surplus, &mut run.tally) {
            run.faults.push(format!("{}: {fault}", state.account));
        }
    }
    run
}

fn every_rulebook(books: u64) {
    let rulebooks = Rulebooks::embedded().unwrap();
    let mut failed = Vec::new();
    for rulebook in rulebooks.iter() {
        let id = &rulebook.header.id;
        let run = run(rulebook, books);
        println!("{id}: {} books, {} unmargined, {:?}", run.books, run.unmargined, run.tally);
        if let Some(fault) = run.faults.first() {
            failed.push(format!("{id}: {} faults, the first: {fault}", run.faults.len()));
        }
        if 2 * run.unmargined > books {
            failed.push(format!("{id} covers too few books, the last: {}", run.first_unmargined));
        }
        // Leverage of the books goes up to 30: a rulebook under which next to none can fall does not read the state.
        if run.tally.prices < u32::try_from(books / 20).unwrap() {
            failed.push(format!("{id}: next to no prices among {books} books"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn no_crossing_lies_nearer_than_the_liquidation_price() {
    every_rulebook(300);
}

#[test]
#[ignore = "ten thousand books a rulebook: minutes to hours"]
fn full_no_crossing_lies_nearer_than_the_liquidation_price() {
    every_rulebook(10_000);
}
