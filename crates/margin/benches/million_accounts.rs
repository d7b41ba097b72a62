//! A million accounts of 8 positions over 1,500 contracts under PMRM_2 (33 scenarios and the forward contingency).
//!
//! `cargo bench -p margin` prints seconds and the ratio to the baseline of the same run: each account margined on its own, its
//! contracts revalued for it alone, as a venue's contract or a script per account does (timed on 2,000 accounts and
//! scaled). Then the same after one index tick, the impact of a parameter change, and the cost against accounts and contracts.
//! One thread unless said otherwise. No figure is asserted. `PLIMSOLL_ACCOUNTS` sets another number of accounts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

use margin::Rulebooks;
use margin::scenario::{
    AssetState, ContractState, Cube, Entry, ExpiryState, Payoff, Portfolios, ScenarioModel, Scratch,
    UnitMarket, UnitRisk,
};
use std::hint::black_box;
use std::time::Instant;
use units::{Asset, Discount, OptionKind, Strike, YearFraction};

const POSITIONS: usize = 8;
const CONTRACTS: usize = 1_500;
const BASELINE_ACCOUNTS: usize = 2_000;

fn main() {
    let accounts: usize =
        std::env::var("PLIMSOLL_ACCOUNTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let rulebooks = Rulebooks::embedded().unwrap();
    let model = rulebooks.get("derive-pmrm2").and_then(|r| r.scenario_model()).unwrap();
    let mut changed = model.clone();
    changed.factor.maintenance = 0.9;
    if let Some(law) = &mut changed.vol_shock.relative {
        law.range_up = 0.6;
    }
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one.install(|| single_thread(accounts, model, &changed));
    scaling(model, &one);
    println!("peak memory of the process: {}", peak_memory());
}

fn single_thread(accounts: usize, model: &ScenarioModel, changed: &ScenarioModel) {
    let market = market(CONTRACTS, 95_000.0);
    let portfolios = portfolios(accounts, market.contracts.len());
    println!(
        "{accounts} accounts x {POSITIONS} positions, {} contracts, {} scenarios and the forward contingency",
        market.contracts.len(),
        model.scenarios.len()
    );
    let (baseline, check) = baseline(model, &market, &portfolios, accounts);
    line("each account on its own (scaled)", baseline, baseline);
    let (seconds, risks) = timed(|| margin(model, &market, &portfolios));
    line("fresh snapshot: cube and all accounts", seconds, baseline);
    let differing =
        risks.iter().zip(&check).filter(|(ours, alone)| ours.requirement != alone.requirement).count();
    println!("    requirements that differ from the baseline's in any bit: {differing} of {}", check.len());
    let moved = self::market(CONTRACTS, 95_000.0 * 1.0005);
    let (tick, _) = timed(|| margin(model, &moved, &portfolios));
    line("one index tick of 5 bp: all again", tick, baseline);
    let (cube, _) = timed(|| Cube::build(model, &market).unwrap());
    println!("    of which the cube: {:.1} ms", cube * 1e3);
    let (impact, counts) = timed(|| impact(model, changed, &market, &portfolios));
    line("parameter change: both sides and who becomes liquidatable", impact, baseline);
    println!("    newly liquidatable: {}, requirement change {:+.3e} USD", counts.0, counts.1);
}

fn margin(model: &ScenarioModel, market: &UnitMarket, portfolios: &Portfolios) -> Vec<UnitRisk> {
    let cube = Cube::build(model, market).unwrap();
    portfolios.risk(model, &cube).unwrap()
}

/// Each account holds cash of 1.3 times its first requirement.
fn impact(
    before: &ScenarioModel,
    after: &ScenarioModel,
    market: &UnitMarket,
    portfolios: &Portfolios,
) -> (usize, f64) {
    let (before, after) = (margin(before, market, portfolios), margin(after, market, portfolios));
    let mut newly = 0;
    let mut change = 0.0;
    for (old, new) in before.iter().zip(&after) {
        let counted = 1.3 * old.requirement.maintenance;
        newly += usize::from(counted >= old.requirement.maintenance && counted < new.requirement.maintenance);
        change += new.requirement.maintenance - old.requirement.maintenance;
    }
    (newly, change)
}

/// A cube for each account alone.
fn baseline(
    model: &ScenarioModel,
    market: &UnitMarket,
    portfolios: &Portfolios,
    accounts: usize,
) -> (f64, Vec<UnitRisk>) {
    let count = BASELINE_ACCOUNTS.min(accounts);
    let started = Instant::now();
    let mut risks = Vec::with_capacity(count);
    let mut scratch = Scratch::default();
    for account in 0..count {
        let own = portfolios.entries(account);
        let contracts = own.iter().map(|e| market.contracts[e.row as usize]).collect();
        let market = UnitMarket { contracts, ..market.clone() };
        let entries: Vec<Entry> =
            (0..).zip(own).map(|(row, entry)| Entry { row, weight: entry.weight }).collect();
        let cube = Cube::build(model, &market).unwrap();
        risks.push(cube.risk(model, &entries, &mut scratch).unwrap());
    }
    #[allow(clippy::cast_precision_loss)]
    let scale = accounts as f64 / count as f64;
    (started.elapsed().as_secs_f64() * scale, risks)
}

/// Cost against accounts and contracts, one thread.
fn scaling(model: &ScenarioModel, pool: &rayon::ThreadPool) {
    println!("cost against accounts and contracts, seconds on one thread:");
    for contracts in [150, 1_500, 6_000] {
        for accounts in [10_000, 100_000, 300_000] {
            let market = market(contracts, 95_000.0);
            let portfolios = portfolios(accounts, market.contracts.len());
            let cube_seconds = pool.install(|| timed(|| Cube::build(model, &market).unwrap()).0);
            let all = pool.install(|| timed(|| margin(model, &market, &portfolios)).0);
            #[allow(clippy::cast_precision_loss)]
            let each = (all - cube_seconds) / accounts as f64 * 1e9;
            println!(
                "    {contracts:>6} contracts {accounts:>7} accounts: {all:>7.4} s, cube {:>7.2} ms, {each:>5.0} ns an account",
                cube_seconds * 1e3
            );
        }
    }
}

/// The faster of three runs, so that a busy machine does not decide.
fn timed<T>(run: impl Fn() -> T) -> (f64, T) {
    let mut best = f64::INFINITY;
    let mut last = None;
    for _ in 0..3 {
        let started = Instant::now();
        let result = black_box(run());
        best = best.min(started.elapsed().as_secs_f64());
        last = Some(result);
    }
    (best, last.unwrap())
}

fn line(what: &str, seconds: f64, baseline: f64) {
    println!("  {what:<62} {seconds:>9.3} s  {:>8.1}x", baseline / seconds);
}

/// Ten expiries of calls and puts around the forward, and a perpetual.
fn market(contracts: usize, index: f64) -> UnitMarket {
    let days = [1.0, 2.0, 7.0, 14.0, 30.0, 60.0, 90.0, 180.0, 270.0, 360.0];
    let state = |date: usize, years: f64, forward: f64| ExpiryState {
        asset: 0,
        date,
        years: YearFraction::new(years).unwrap(),
        forward_fixed: 0.0,
        forward_variable: forward,
        rate: 0.0,
        discount: Discount::new(1.0).unwrap(),
        confidence: 1.0,
        quote: Asset::usd(),
        quote_usd: 1.0,
    };
    let payoff = Payoff::Currency { coins: 1.0, usd: 1.0 };
    let mut market = UnitMarket {
        assets: vec![AssetState {
            asset: Asset::new("BTC").unwrap(),
            index,
            index_confidence: 1.0,
            perpetual_confidence: 1.0,
        }],
        expiries: vec![state(0, 0.0, index)],
        contracts: vec![ContractState::Future { expiry: 0, mark: index, payoff }],
        stable_usd: 1.0,
    };
    let strikes = contracts / (2 * days.len());
    for (date, days) in days.iter().enumerate() {
        let years = days / 365.0;
        market.expiries.push(state(date + 1, years, index * (1.0 + 0.05 * years)));
        for strike in 0..strikes {
            #[allow(clippy::cast_precision_loss)]
            let moneyness = 0.4 + 1.6 * strike as f64 / strikes as f64;
            let vol = 0.5 + 0.3 * (moneyness - 1.0).abs();
            for kind in [OptionKind::Call, OptionKind::Put] {
                market.contracts.push(ContractState::Option {
                    expiry: date + 1,
                    strike: Strike::new(95_000.0 * moneyness).unwrap(),
                    kind,
                    vol,
                    payoff,
                });
            }
        }
    }
    market
}

/// Splitmix64.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn portfolios(accounts: usize, contracts: usize) -> Portfolios {
    let mut all = Portfolios::default();
    for account in 0..accounts {
        let mut draw = Draw(account as u64);
        all.push((0..POSITIONS).map(|_| {
            let row = u32::try_from(draw.next() % contracts as u64).unwrap();
            let tenths = i32::try_from(draw.next() % 401).unwrap() - 200;
            (row, f64::from(tenths) * 0.1)
        }));
    }
    all
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or_else(|| "unknown here".into(), |line| line.trim_start_matches("VmHWM:").trim().to_owned())
}
