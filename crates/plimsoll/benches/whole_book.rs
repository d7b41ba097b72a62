//! A whole book: 1,000,000 positions in 100,000 accounts over one chain, 63 scenarios.
//!
//! `cargo bench -p plimsoll` prints, for each way of doing it, seconds and the ratio to the baseline of the same run: every
//! position revalued on its own with scalar libm code. The chain is the last BTC chain of the recorded month where it is
//! at hand (`PLIMSOLL_SHARED`, default `../shared`), else the sample market. No figure is asserted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

use instrument::Specs;
use lake::{Select, read_snapshot};
use market::{Market, Snapshot};
use risk::{AccountRows, Cube, Form, Priced, Shock, ShockSet, VolShift};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

const ACCOUNTS: usize = 100_000;
const POSITIONS_PER_ACCOUNT: usize = 10;

fn main() {
    let (name, market, snapshot) = chain();
    let contracts: Vec<Priced> = snapshot
        .options
        .values()
        .filter(|q| q.listing.contract.underlying.as_str() == "BTC")
        .filter_map(|q| Priced::new(&q.listing.contract, &market).ok())
        .collect();
    let contracts: Vec<&Priced> = contracts.iter().collect();
    let set = grid();
    let rows = accounts(contracts.len());
    let positions = ACCOUNTS * POSITIONS_PER_ACCOUNT;
    println!(
        "{name}: {} contracts, {} scenarios, {positions} positions, {ACCOUNTS} accounts",
        contracts.len(),
        set.shocks.len()
    );

    let (baseline, check) = scalar_baseline(&contracts, &set);
    // The baseline is timed on a hundredth of the accounts and scaled: it is that slow.
    let scaled = baseline * 100.0;
    line("every position on its own, scalar libm (scaled from 1 %)", scaled, scaled);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let cube_seconds =
            median(9, || pool.install(|| black_box(Cube::build(&contracts, &set).unwrap()).rows()));
        let cube = Cube::build(&contracts, &set).unwrap();
        let reduce_seconds = median(9, || pool.install(|| black_box(rows.worst(&cube).unwrap()).len()));
        line(&format!("cube, each contract once, {threads} thread(s)"), cube_seconds, scaled);
        line(&format!("accounts x cube, worst of each, {threads} thread(s)"), reduce_seconds, scaled);
        line(&format!("both, {threads} thread(s)"), cube_seconds + reduce_seconds, scaled);
        #[allow(clippy::cast_precision_loss)]
        let per = reduce_seconds * 1e9 / (positions * set.shocks.len()) as f64;
        println!("    {per:.3} ns a position-scenario in the reduction");
        let worst = rows.worst(&cube).unwrap();
        let difference = worst
            .iter()
            .zip(&check)
            .map(|(w, c)| (w.pnl_usd - c).abs() / (1.0 + c.abs()))
            .fold(0.0, f64::max);
        println!("    largest relative difference to the baseline's worst losses: {difference:.1e}");
    }
}

fn chain() -> (String, Market, Snapshot) {
    let shared = std::env::var("PLIMSOLL_SHARED").unwrap_or_else(|_| "../shared".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let recorded = root.join(shared).join("data/chains/deribit_202602.parquet");
    let sample: PathBuf = root.join("examples/market.json");
    let (name, path) =
        if recorded.exists() { ("recorded chain", recorded) } else { ("sample market", sample) };
    let raw = read_snapshot(&path, Select::Last, &mut |_| {}).unwrap();
    let (snapshot, _) = Snapshot::admit(&[raw], &Specs::embedded()).unwrap();
    (name.into(), Market::build(&snapshot, &BTreeMap::new()), snapshot)
}

/// 9 spot moves x 7 vol moves.
fn grid() -> ShockSet {
    let mut set = ShockSet::default();
    for spot in [-0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4] {
        for points in [-15.0, -10.0, -5.0, 0.0, 10.0, 25.0, 50.0] {
            set.shocks.push(Shock::spot_and_points(spot, VolShift { points, ..VolShift::default() }));
        }
    }
    set
}

struct Draw(u64);

impl Draw {
    /// Splitmix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn quantities(account: usize, contracts: usize) -> Vec<(u32, f64)> {
    let mut draw = Draw(account as u64);
    (0..POSITIONS_PER_ACCOUNT)
        .map(|_| {
            let row = u32::try_from(draw.next() % contracts as u64).unwrap();
            let tenths = i32::try_from(draw.next() % 401).unwrap() - 200;
            (row, f64::from(tenths) * 0.1)
        })
        .collect()
}

fn accounts(contracts: usize) -> AccountRows {
    let mut rows = AccountRows::default();
    for account in 0..ACCOUNTS {
        rows.push_account(&quantities(account, contracts));
    }
    rows
}

/// Every position of one account in a hundred, revalued on its own with `libm`: seconds, and the worst loss of each account.
fn scalar_baseline(contracts: &[&Priced], set: &ShockSet) -> (f64, Vec<f64>) {
    let started = Instant::now();
    let mut worst = Vec::new();
    for account in 0..ACCOUNTS / 100 {
        let mut pnl = vec![0.0; set.shocks.len()];
        for (row, quantity) in quantities(account, contracts.len()) {
            let contract = contracts[row as usize];
            let Form::Option(black) = &contract.form else { continue };
            let base = scalar_price(black, black.forward.get(), black.vol.get());
            for (sum, shock) in pnl.iter_mut().zip(&set.shocks) {
                let forward = black.forward.get() * (1.0 + shock.spot_return);
                let vol = (black.vol.get() + shock.vol.points * 0.01).max(0.01);
                *sum += quantity * contract.usd_per_value * (scalar_price(black, forward, vol) - base);
            }
        }
        worst.push(pnl.into_iter().fold(f64::INFINITY, f64::min));
    }
    (started.elapsed().as_secs_f64(), worst)
}

fn scalar_price(black: &pricing::Black76, forward: f64, vol: f64) -> f64 {
    let (strike, deviation) = (black.strike.get(), vol * black.expiry.get().sqrt());
    let d1 = libm::log(forward / strike) / deviation + 0.5 * deviation;
    let cdf = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    let sign = if black.kind == units::OptionKind::Call { 1.0 } else { -1.0 };
    sign * (forward * cdf(sign * d1) - strike * cdf(sign * (d1 - deviation)))
}

fn median<T>(times: usize, mut work: impl FnMut() -> T) -> f64 {
    let mut seconds: Vec<f64> = (0..times)
        .map(|_| {
            let started = Instant::now();
            black_box(work());
            started.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[times / 2]
}

fn line(what: &str, seconds: f64, baseline: f64) {
    println!("  {what:<60} {seconds:>9.4} s   {:>7.0} x the baseline's speed", baseline / seconds);
}
