//! `cargo bench -p book`: nanoseconds per fill on ledgers of growing size, and the ratio to a recompute of the same position from
//! all its fills in the same decimals, in the same run.
//!
//! The median and the least of many short runs; the least is what a machine without other work gives. Timings are for people.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

use book::{Fill, Ledger, Place};
use instrument::{Listing, Specs, resolve};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use units::{Account, Chain, Decimal, FillId, Price, Quantity, Symbol, Timestamp, Venue};

const CONTRACTS: usize = 100;
const ROUNDS: usize = 41;
const FILLS: usize = 2_000;
/// Fills of a position before it is measured; a desk that makes markets has as many in an hour.
const HISTORY: usize = 100;

/// Half inverse perpetuals' arithmetic (dated futures), half options.
fn listings() -> Vec<Arc<Listing>> {
    let specs = Specs::embedded();
    let deribit = Venue::new("deribit").unwrap();
    let days = (0..CONTRACTS / 2).map(|day| format!("BTC-{}{}26", 1 + day % 28, ["JAN", "FEB"][day / 28]));
    let strikes = (0..CONTRACTS / 2).map(|step| format!("BTC-27MAR26-{}-C", 50_000 + 1_000 * step));
    let symbols = days.chain(strikes);
    let listed = symbols.map(|symbol| resolve(&deribit, &Symbol::new(&symbol).unwrap(), &specs).unwrap());
    listed.map(|mut resolved| Arc::new(resolved.legs.remove(0).listing)).collect()
}

/// A linear congruential generator (Knuth's MMIX constants), so that every run trades the same.
struct Generator(u64);

impl Generator {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

struct Trader {
    generator: Generator,
    listings: Vec<Arc<Listing>>,
    places: Vec<Place>,
    fills: usize,
}

impl Trader {
    fn new(places: usize) -> Self {
        let place = |index: usize| Place {
            account: Account::new(&format!("account-{index}")).unwrap(),
            venue: Venue::new("deribit").unwrap(),
            chain: Chain::new("offchain").unwrap(),
        };
        let places = (0..places).map(place).collect();
        Self { generator: Generator(1), listings: listings(), places, fills: 0 }
    }

    /// A fill of one position: adds, reduces, closes and flips, at a price that moves. Time goes a second at a time.
    fn fill(&mut self, place: usize, contract: usize) -> Fill {
        self.fills += 1;
        let step = i64::try_from(self.generator.below(4000)).unwrap();
        let size = i64::try_from(self.generator.below(19)).unwrap() - 9;
        let size = if size == 0 { 1 } else { size };
        let is_future = contract < CONTRACTS / 2;
        let (quantity, price) = if is_future {
            (Decimal::from(10 * size), Decimal::new(600_000 + 5 * step, 1))
        } else {
            (Decimal::new(size, 1), Decimal::new(500 + 5 * step, 4))
        };
        Fill {
            id: FillId::new(&format!("{}", 1_000_000_000 + self.fills)).unwrap(),
            place: self.places[place].clone(),
            listing: self.listings[contract].clone(),
            quantity: Quantity::new(quantity),
            price: Price::new(price),
            fee: None,
            time: Timestamp::from_unix_nanos(1_000_000_000 * i64::try_from(self.fills).unwrap()),
        }
    }

    fn any_fill(&mut self) -> Fill {
        let (place, contract) = (self.generator.below(self.places.len()), self.generator.below(CONTRACTS));
        self.fill(place, contract)
    }
}

/// Median and least of nanoseconds per item.
fn figures(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[0])
}

/// What a ledger that keeps fills only does after each: entry value and gain from the first fill on.
fn recomputed(fills: &[Fill]) -> (Decimal, Decimal, Decimal) {
    let (mut held, mut entry, mut realised) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
    for fill in fills {
        let (quantity, price) = (fill.quantity.get(), fill.price.get());
        let value = quantity / price;
        let sum = held + quantity;
        if held.is_zero() || held.is_sign_negative() == quantity.is_sign_negative() {
            entry += value;
        } else if sum.is_zero() || sum.is_sign_negative() == held.is_sign_negative() {
            let part = -(entry * quantity / held).round_dp(18);
            realised += part + value;
            entry -= part;
        } else {
            let closed = (value * -held / quantity).round_dp(18);
            realised += entry + closed;
            entry = value - closed;
        }
        held = sum;
    }
    (held, entry, realised)
}

fn main() {
    println!("{:>9} positions: median and least ns per fill, {FILLS} fills a run", "");
    let mut ours = (0.0, 0.0);
    for places in [1, 10, 100, 1_000] {
        let mut trader = Trader::new(places);
        let mut ledger = Ledger::new(Ledger::FILL_MEMORY_DAYS);
        for place in 0..places {
            for contract in 0..CONTRACTS {
                ledger.fill(&trader.fill(place, contract)).unwrap();
            }
        }
        let times = (0..ROUNDS).map(|_| {
            let fills: Vec<Fill> = (0..FILLS).map(|_| trader.any_fill()).collect();
            let start = Instant::now();
            for fill in &fills {
                black_box(ledger.fill(black_box(fill)).unwrap());
            }
            start.elapsed().as_secs_f64() * 1e9 / FILLS as f64
        });
        let found = figures(times.collect());
        if places == 100 {
            ours = found;
        }
        println!("{:>9}            {:>8.0} {:>8.0}", ledger.positions().count(), found.0, found.1);
    }
    let mut trader = Trader::new(1);
    let fills: Vec<Fill> = (0..HISTORY).map(|_| trader.fill(0, 0)).collect();
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        for _ in 0..20 {
            black_box(recomputed(black_box(&fills)));
        }
        start.elapsed().as_secs_f64() * 1e9 / 20.0
    });
    let naive = figures(times.collect());
    println!("recompute of one position from its {HISTORY} fills: {:.0} {:.0} ns", naive.0, naive.1);
    println!("ratio to a fill of the ledger of 10,000: {:.1} {:.1}", naive.0 / ours.0, naive.1 / ours.1);
}
