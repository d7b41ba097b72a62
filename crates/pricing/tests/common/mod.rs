//! Shared by tests and benches: a tiny integer generator, random options, and the scalar libm implementation that timings
//! are measured against.
#![allow(dead_code, unreachable_pub)]

use pricing::OptionKind;
use pricing::batch::Columns;

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
