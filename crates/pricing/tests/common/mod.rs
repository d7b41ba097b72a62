//! Shared by tests and benches: a tiny integer generator, random options, and the scalar libm implementation that timings
//! are measured against.
#![allow(dead_code, unreachable_pub)]

use pricing::OptionKind;
use pricing::batch::Columns;
use serde_json::Value;
use std::path::PathBuf;

/// A file of the project's shared reference data, or nothing where it is absent (then says so; fails on CI).
#[allow(clippy::disallowed_methods)] // tests may be told where the shared data are
pub fn shared_text(path: &str) -> Option<String> {
    let folder = std::env::var("PLIMSOLL_SHARED").map_or_else(
        |_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let file = folder.join(path);
    let text = std::fs::read_to_string(&file).ok();
    if text.is_none() {
        // Straight to standard error: the test harness swallows what a passing test prints.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("did not run: {} is absent\n", file.display()),
        );
        assert!(std::env::var("CI").is_err(), "shared data must be present on CI");
    }
    text
}

/// The same as JSON.
pub fn shared_json(path: &str) -> Option<Value> {
    shared_text(path).map(|text| serde_json::from_str(&text).unwrap())
}

/// A number of a JSON object, given as a number or as decimal text.
pub fn number(row: &Value, key: &str) -> f64 {
    let field = &row[key];
    let parsed = field.as_str().map_or_else(|| field.as_f64(), |text| text.parse().ok());
    parsed.unwrap_or_else(|| panic!("{key} is missing in {row}"))
}

/// Call or put, in any spelling that starts with c or p.
pub fn kind(row: &Value, key: &str) -> OptionKind {
    let word = row[key].as_str().unwrap().to_lowercase();
    if word.starts_with('c') { OptionKind::Call } else { OptionKind::Put }
}

/// SplitMix64: a fixed integer sequence, the same on every machine.
#[derive(Debug, Clone)]
pub struct Generator(u64);

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next_bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform on [low, high), from the upper 53 bits.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.next_bits() >> 11) as f64 / 9_007_199_254_740_992.0;
        low + (high - low) * unit
    }
}

/// Options as owned columns.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub forward: Vec<f64>,
    pub strike: Vec<f64>,
    pub vol: Vec<f64>,
    pub expiry_years: Vec<f64>,
    pub discount: Vec<f64>,
    pub kind: Vec<OptionKind>,
}

impl Options {
    /// Forwards near 60,000, one day to one year, vols of 25 to 150 points, strikes within 2.5 deviations, rates of 0 to 6 %.
    pub fn random(count: usize, seed: u64) -> Self {
        let mut generator = Generator::new(seed);
        let mut options = Self::default();
        for _ in 0..count {
            let forward = generator.uniform(40_000.0, 80_000.0);
            let expiry = generator.uniform(1.0 / 365.0, 1.0);
            let vol = generator.uniform(0.25, 1.5);
            let deviations = generator.uniform(-2.5, 2.5);
            let strike = forward * pricing::kernel::exp(deviations * vol * expiry.sqrt());
            options.forward.push(forward);
            options.strike.push(strike);
            options.vol.push(vol);
            options.expiry_years.push(expiry);
            options.discount.push(pricing::kernel::exp(-generator.uniform(0.0, 0.06) * expiry));
            options.kind.push(if generator.next_bits() & 1 == 0 {
                OptionKind::Call
            } else {
                OptionKind::Put
            });
        }
        options
    }

    pub fn len(&self) -> usize {
        self.forward.len()
    }

    pub fn columns(&self) -> Columns<'_> {
        Columns {
            forward: &self.forward,
            strike: &self.strike,
            vol: &self.vol,
            expiry_years: &self.expiry_years,
            discount: &self.discount,
            kind: &self.kind,
        }
    }
}

/// The textbook formula with the crate `libm`, one option at a time: the baseline of every ratio.
pub mod scalar_libm {
    use pricing::OptionKind;

    #[derive(Clone, Copy)]
    pub struct Inputs {
        pub forward: f64,
        pub strike: f64,
        pub vol: f64,
        pub expiry: f64,
        pub discount: f64,
        pub kind: OptionKind,
    }

    fn norm_cdf(x: f64) -> f64 {
        0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
    }

    pub fn price(o: &Inputs) -> f64 {
        let deviation = o.vol * o.expiry.sqrt();
        let d1 = libm::log(o.forward / o.strike) / deviation + 0.5 * deviation;
        let d2 = d1 - deviation;
        let w = if o.kind == OptionKind::Call { 1.0 } else { -1.0 };
        o.discount * w * (o.forward * norm_cdf(w * d1) - o.strike * norm_cdf(w * d2))
    }

    /// Newton's method from the inflection point (Manaster and Koehler 1982), until the vol moves by less than 1e-12.
    pub fn implied_vol(o: &Inputs, price: f64) -> f64 {
        let root_time = o.expiry.sqrt();
        let log_moneyness = libm::log(o.forward / o.strike);
        let mut vol = (2.0 * log_moneyness.abs() / o.expiry).sqrt().max(1e-3);
        for _ in 0..60 {
            let at = Inputs { vol, ..*o };
            let d1 = log_moneyness / (vol * root_time) + 0.5 * vol * root_time;
            let vega =
                o.discount * o.forward * root_time * libm::exp(-0.5 * d1 * d1) * 0.398_942_280_401_432_7;
            let step = (super::scalar_libm::price(&at) - price) / vega;
            vol -= step;
            if step.abs() < 1e-12 {
                break;
            }
        }
        vol
    }

    pub fn greeks5(o: &Inputs) -> [f64; 5] {
        let root_time = o.expiry.sqrt();
        let deviation = o.vol * root_time;
        let d1 = libm::log(o.forward / o.strike) / deviation + 0.5 * deviation;
        let d2 = d1 - deviation;
        let w = if o.kind == OptionKind::Call { 1.0 } else { -1.0 };
        let cdf1 = norm_cdf(w * d1);
        let value = o.discount * w * (o.forward * cdf1 - o.strike * norm_cdf(w * d2));
        let density = o.discount * libm::exp(-0.5 * d1 * d1) * 0.398_942_280_401_432_7;
        let rate = -libm::log(o.discount) / o.expiry;
        let vega = o.forward * density * root_time;
        let theta = rate * value - vega * o.vol / (2.0 * o.expiry);
        [value, w * o.discount * cdf1, density / (o.forward * deviation), vega, theta]
    }
}

/// Row `i` as a checked option.
pub fn option(options: &Options, i: usize) -> pricing::Black76 {
    pricing::Black76 {
        forward: units::Forward::new(options.forward[i]).unwrap(),
        strike: units::Strike::new(options.strike[i]).unwrap(),
        vol: units::Vol::new(options.vol[i]).unwrap(),
        expiry: units::YearFraction::new(options.expiry_years[i]).unwrap(),
        discount: units::Discount::new(options.discount[i]).unwrap(),
        kind: options.kind[i],
    }
}
