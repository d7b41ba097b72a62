//! The bits of the kernels, as one literal: any build for any instruction set must print it.
//!
//! By hand, for the whole program compiled for another processor:
//! `RUSTFLAGS="-C target-cpu=x86-64-v3" cargo test -p pricing --test bits --target-dir /tmp/v3`, and the same with `native`.
#![allow(clippy::float_cmp, clippy::panic, clippy::unwrap_used, missing_docs)]

mod common;

use common::{Generator, Options};
use pricing::batch::{Greeks5Columns, greeks5_slice, price_slice};
use pricing::implied_vol::{Deterministic, ImpliedVol, OptionQuote};
use pricing::kernel;
use pricing::revalue::{ContractRow, SpotFactors, revalue_rows};

const COUNT: usize = 20_000;
/// Changes only together with a note under "Numbers changed" in the changelog.
const GOLDEN: u64 = 0xb1ee_0ca9_33f1_63fa;

/// FNV-1a over the bit patterns.
struct Hash(u64);

impl Hash {
    fn add(&mut self, values: &[f64]) {
        for byte in values.iter().flat_map(|value| value.to_bits().to_le_bytes()) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
}

fn add_batch(hash: &mut Hash, options: &Options) {
    let mut columns: [Vec<f64>; 6] = std::array::from_fn(|_| vec![0.0; options.len()]);
    let [price, value, delta, gamma, vega, theta_per_year] = &mut columns;
    price_slice(&options.columns(), price).unwrap();
    let mut out = Greeks5Columns { value, delta, gamma, vega, theta_per_year };
    greeks5_slice(&options.columns(), &mut out).unwrap();
    columns.iter().for_each(|column| hash.add(column));
}

fn add_scalars(hash: &mut Hash, options: &Options) {
    for i in 0..options.len() {
        let option = common::option(options, i);
        let greeks = option.greeks();
        hash.add(&[
            greeks.vanna,
            greeks.volga,
            greeks.charm_per_year,
            greeks.speed,
            greeks.zomma,
            greeks.dual_gamma,
        ]);
        let coin = option.inverse();
        hash.add(&[coin.settlement_delta, coin.coin_gamma, coin.coin_theta_per_year]);
        let quote = OptionQuote::of(&option, greeks.value);
        hash.add(&[Deterministic.implied_vol(&quote).unwrap().get()]);
    }
}

fn add_revaluation(hash: &mut Hash, options: &Options) {
    let mut generator = Generator::new(99);
    let rows: Vec<ContractRow> = (0..40).map(|i| ContractRow::from(&common::option(options, i))).collect();
    let factors = SpotFactors::new((0..500).map(|_| generator.uniform(0.5, 1.6)).collect()).unwrap();
    let vols: Vec<f64> = (0..COUNT).map(|_| generator.uniform(0.0, 2.0)).collect();
    let mut values = vec![0.0; COUNT];
    revalue_rows(&rows, &factors, &vols, &mut values).unwrap();
    hash.add(&values);
}

fn add_functions(hash: &mut Hash) {
    let mut generator = Generator::new(123);
    for _ in 0..COUNT {
        let x = generator.uniform(-40.0, 40.0);
        let base = generator.uniform(1e-3, 1e3);
        hash.add(&[
            kernel::exp(x),
            kernel::ln(base),
            kernel::pow(base, 0.1 * x),
            kernel::norm_cdf(x),
            kernel::norm_pdf(x),
        ]);
    }
}

#[test]
fn results_have_these_bits() {
    let options = Options::random(COUNT, 2_026);
    let mut hash = Hash(0xCBF2_9CE4_8422_2325);
    add_batch(&mut hash, &options);
    add_scalars(&mut hash, &options);
    add_revaluation(&mut hash, &options);
    add_functions(&mut hash);
    println!("hash of {COUNT} options: {:016x}", hash.0);
    assert_eq!(hash.0, GOLDEN, "found {:#018x}", hash.0);
}
