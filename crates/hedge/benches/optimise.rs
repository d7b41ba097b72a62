//! Least CVaR over a cube of 2,000 instruments and 1,000 scenarios; several greeks; impact; whole lots.
//!
//! `cargo bench -p hedge --bench optimise` prints seconds, gap and peak memory of each problem on one thread, then the ratio to the baseline
//! of the same run: the full linear problem of Rockafellar and Uryasev, every scenario a row, solved by another library (microlp) on a cube
//! of a size that it can do. No figure is asserted. `PLIMSOLL_INSTRUMENTS` and `PLIMSOLL_SCENARIOS` set another size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

use hedge::optimise::{
    Aim, Band, Effort, Hedge, Instrument, Lots, Move, Problem, Row, Sides, Tail, Venue, VenueMargin, optimise,
};
use std::time::Instant;

const ALPHA: f64 = 0.95;
const UNDERLYINGS: usize = 10;
const EXPIRIES: usize = 8;
const VENUES: usize = 5;

fn main() {
    let size = (number("PLIMSOLL_INSTRUMENTS", 2_000), number("PLIMSOLL_SCENARIOS", 1_000));
    println!("{} instruments, {} scenarios, {UNDERLYINGS} underlyings, one thread", size.0, size.1);
    let book = Book::new(size);
    let greeks = book.problem(Aim::Cost);
    show("greeks by bucket", &greeks);
    let mut whole = greeks.clone();
    whole.lots = Lots::Whole;
    whole.effort.nodes = 500;
    show("greeks by bucket, whole lots, 500 nodes", &whole);
    let mut curved = greeks;
    for instrument in &mut curved.instruments {
        instrument.impact = instrument.cost.bought * 0.05;
    }
    show("greeks by bucket, impact", &curved);
    let tail = Aim::Tail { tail: book.tail.clone(), cost_weight: 1.0 };
    show("least CVaR and cost", &book.only_tail(tail.clone()));
    show("least CVaR and cost, greeks, margins", &book.problem(tail));
    let free = Aim::Tail { tail: book.tail.clone(), cost_weight: 0.0 };
    show("least CVaR whatever it costs", &book.only_tail(free));
    let before = hedge::optimise::tail_risk(&book.tail.losses, ALPHA).unwrap().cvar;
    let within = Aim::CostWithin { tail: book.tail.clone(), budget: 0.3 * before };
    show("least cost, CVaR at most 30 % of today's", &book.only_tail(within));
    for size in [(200, 500), (500, 1_000), (2_000, 1_000)] {
        baseline(size);
    }
    println!("peak memory of the process: {}", peak_memory());
}

fn show(what: &str, problem: &Problem) -> (f64, Hedge) {
    let started = Instant::now();
    let hedge = optimise(problem).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "  {what:<44} {seconds:>8.3} s  objective {:>14.4}  gap {:>9.2e}  {:>4} trades  {:?}  pivots {}, rounds {}, nodes {}, scenario rows {}; peak {}",
        hedge.objective,
        hedge.gap() / hedge.objective.abs(),
        hedge.traded().count(),
        hedge.end,
        hedge.work.pivots,
        hedge.work.rounds,
        hedge.work.nodes,
        hedge.work.scenario_rows,
        peak_memory(),
    );
    (seconds, hedge)
}

/// The same cube by the full linear problem.
fn baseline(size: (usize, usize)) {
    let book = Book::new(size);
    println!("baseline, {} instruments x {} scenarios:", size.0, size.1);
    let problem = book.only_tail(Aim::Tail { tail: book.tail.clone(), cost_weight: 1.0 });
    let (ours, hedge) = show("ours", &problem);
    let started = Instant::now();
    let theirs = full(&problem, &book.tail);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "  full problem by microlp                      {seconds:>8.3} s  objective {theirs:>14.4}  difference {:.1e}; ours is {:.1} times as fast",
        (hedge.objective - theirs) / theirs.abs(),
        seconds / ours
    );
}

fn full(problem: &Problem, tail: &Tail) -> f64 {
    let mut lp = microlp::Problem::new(microlp::OptimizationDirection::Minimize);
    let mut sides = Vec::new();
    for i in &problem.instruments {
        let most = i.liquidity;
        sides
            .push((lp.add_var(i.cost.bought, (0.0, most.bought)), lp.add_var(i.cost.sold, (0.0, most.sold))));
    }
    let z = lp.add_var(1.0, (f64::NEG_INFINITY, f64::INFINITY));
    let mass = (1.0 - tail.alpha) * tail.losses.len() as f64;
    for (s, loss) in tail.losses.iter().enumerate() {
        let u = lp.add_var(1.0 / mass, (0.0, f64::INFINITY));
        let mut row = vec![(z, 1.0), (u, 1.0)];
        for ((bought, sold), gains) in sides.iter().zip(&tail.gains) {
            row.extend([(*bought, gains[s]), (*sold, -gains[s])]);
        }
        lp.add_constraint(row, microlp::ComparisonOp::Ge, *loss);
    }
    lp.solve().unwrap().solution().unwrap().objective()
}

/// A book of options and futures on some underlyings, revalued under moves of spot and vol by delta, gamma and vega; each instrument has
/// noise of its own, so that no two are the same.
struct Book {
    rows: Vec<Row>,
    instruments: Vec<Instrument>,
    venues: Vec<Venue>,
    tail: Tail,
}

impl Book {
    fn new((count, scenarios): (usize, usize)) -> Self {
        let mut random = Random(20_261_126);
        let moves: Vec<Vec<(f64, f64)>> = (0..scenarios)
            .map(|_| {
                let common = random.normal();
                (0..UNDERLYINGS)
                    .map(|_| {
                        let spot = 0.04 * (0.8 * common + 0.6 * random.normal());
                        (spot, -40.0 * spot + 3.0 * random.normal())
                    })
                    .collect()
            })
            .collect();
        let mut exposures = vec![[0.0; 3]; UNDERLYINGS * EXPIRIES];
        let (mut instruments, mut gains) = (Vec::new(), Vec::new());
        let mut losses = vec![0.0; scenarios];
        for number in 0..count {
            let (underlying, expiry) = (number % UNDERLYINGS, number / UNDERLYINGS % EXPIRIES);
            let linear = (number / UNDERLYINGS).is_multiple_of(10);
            let [delta, gamma, vega] = greeks(&mut random, (expiry, linear));
            let held = 40.0 * random.normal();
            let gain = |random: &mut Random, s: usize| {
                let (spot, vol) = moves[s][underlying];
                let dollars = 100.0 * spot;
                let noise = if linear { 0.02 } else { 0.15 } * random.normal();
                delta * dollars + 0.5 * gamma * dollars * dollars + vega * vol + noise
            };
            let own: Vec<f64> = (0..scenarios).map(|s| gain(&mut random, s)).collect();
            for (loss, gain) in losses.iter_mut().zip(&own) {
                *loss -= held * gain;
            }
            for (sum, greek) in exposures[underlying * EXPIRIES + expiry].iter_mut().zip([delta, gamma, vega])
            {
                *sum += held * greek;
            }
            gains.push(own);
            instruments.push(instrument(number, (underlying, expiry), ([delta, gamma, vega], &mut random)));
        }
        let rows = exposures.iter().enumerate().flat_map(|(bucket, sums)| rows(bucket, sums));
        let venues = (0..VENUES).map(|v| Venue { name: format!("V{v}"), used: 50_000.0, limit: 60_000.0 });
        let tail = Tail { alpha: ALPHA, losses, gains };
        Self { rows: merged(rows), instruments, venues: venues.collect(), tail }
    }

    fn problem(&self, aim: Aim) -> Problem {
        Problem {
            rows: self.rows.clone(),
            instruments: self.instruments.clone(),
            venues: self.venues.clone(),
            aim,
            lots: Lots::Fractional,
            effort: Effort::default(),
        }
    }

    /// Without rows and venues.
    fn only_tail(&self, aim: Aim) -> Problem {
        let mut problem = self.problem(aim);
        problem.rows.clear();
        problem.venues.clear();
        for instrument in &mut problem.instruments {
            instrument.moves.clear();
            instrument.margin = None;
        }
        problem
    }
}

fn greeks(random: &mut Random, (expiry, linear): (usize, bool)) -> [f64; 3] {
    if linear {
        return [1.0, 0.0, 0.0];
    }
    let delta = random.uniform() * 2.0 - 1.0;
    let bend = (1.0 - delta.abs()) * 0.4;
    let years = 0.03 * (1 << expiry) as f64 / 2.0;
    [delta, bend / years.sqrt() / 20.0, bend * years.sqrt()]
}

fn instrument(
    number: usize,
    (underlying, expiry): (usize, usize),
    ([delta, gamma, vega], random): ([f64; 3], &mut Random),
) -> Instrument {
    let bucket = |greek: &str| format!("U{underlying} {greek} E{expiry}");
    let linear = gamma == 0.0;
    let moves = [(format!("U{underlying} delta"), delta), (bucket("gamma"), gamma), (bucket("vega"), vega)];
    Instrument {
        name: format!("I{number}"),
        lot: 0.1,
        cost: Sides::both(if linear { 0.05 } else { 0.2 + 0.6 * random.uniform() }),
        impact: 0.0,
        liquidity: Sides::both(if linear { 2_000.0 } else { 50.0 + 200.0 * random.uniform() }),
        minimum: 0.0,
        moves: moves
            .into_iter()
            .filter(|(_, per_unit)| *per_unit != 0.0)
            .map(|(row, per_unit)| Move { row, per_unit })
            .collect(),
        margin: Some(VenueMargin {
            venue: format!("V{}", number % VENUES),
            per_unit: Sides { bought: 1.0 + random.uniform(), sold: 4.0 + 4.0 * random.uniform() },
        }),
    }
}

fn rows(bucket: usize, [delta, gamma, vega]: &[f64; 3]) -> [Row; 3] {
    let (underlying, expiry) = (bucket / EXPIRIES, bucket % EXPIRIES);
    let soft = |width, price| Band::Soft { width, price };
    [
        Row { name: format!("U{underlying} delta"), exposure: *delta, band: Band::Hard { width: 1.0 } },
        Row { name: format!("U{underlying} gamma E{expiry}"), exposure: *gamma, band: soft(0.2, 80.0) },
        Row { name: format!("U{underlying} vega E{expiry}"), exposure: *vega, band: soft(1.0, 12.0) },
    ]
}

/// Delta is one row an underlying, over all expiries.
fn merged(rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        match merged.iter_mut().find(|r| r.name == row.name) {
            Some(same) => same.exposure += row.exposure,
            None => merged.push(row),
        }
    }
    merged
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    line.trim_start_matches("VmHWM:").trim().to_owned()
}

/// SplitMix64, and a sum of twelve for the normal law.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}
