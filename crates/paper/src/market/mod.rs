//! The market that is generated: spots, vols, smiles, premiums and bases, one step at a time.
//!
//! With dt the step in years, L the Cholesky factor of the correlations, ε, η, ζ, u independent standard normals, m the factor of the
//! regime on vol and c the correlation of vols:
//!
//! ```text
//! z = L ε                                                    moves of the spots
//! w = ρ z + √(1 - ρ²) (√c ζ + √(1 - c) η)                    moves of the vols
//! σ = m exp(v)                                               instantaneous vol
//! v ← v̄ + (v - v̄) e^(-κ dt) + ξ √((1 - e^(-2κ dt))/(2κ)) w    log vol, exact in time
//! x ← x + (μ - σ²/2 - λ E[e^J - 1]) dt + σ √dt z + J         log spot; J with chance λ dt, the same u for all underlyings
//! ```
//!
//! μ is beta x ln(1 + return)/duration in a regime and zero in calm times: without a regime the spot is a martingale. Premium, basis, skew
//! and the log of implied over instantaneous vol are Ornstein-Uhlenbeck processes of their own, and so exact in time too.
//!
//! At-the-money vol of a time T: √(θ² + (σ² - θ²)(1 - e^(-κT))/(κT)) exp(p), which is the mean variance to T were the variance to revert
//! from σ² to θ², with θ the mean vol and p the premium of implied vol. Smile: that times 1 + s z + k z², z = ln(K/F)/(σ_T √T) clamped to
//! three, at least [`LEAST_SMILE`] of it. Forward: S e^(bT). Perpetual: S (1 + q), funding by [`State::funding_rate_8h`].
//!
//! **Left out:** absence of arbitrage between strikes and expiries, jumps of vol, yields, moves of stablecoins.
//!
//! ```
//! use paper::{Generator, Seed, WorldConfig};
//! let mut market = Generator::new(&WorldConfig::embedded(), Seed::new(7))?;
//! let before = market.states()[0].spot;
//! market.step();
//! let bitcoin = &market.states()[0];
//! assert!(bitcoin.spot != before && bitcoin.vol_at(bitcoin.forward(0.1), 0.1) == bitcoin.atm_vol(0.1));
//! # Ok::<(), paper::WorldError>(())
//! ```

mod cholesky;

pub(crate) use cholesky::Cholesky;

use crate::WorldError;
use crate::config::{Regime, Reverting, UnderlyingConfig, WorldConfig};
use crate::draw::{Draw, Seed};
use pricing::kernel;
use units::Asset;

/// Milliseconds in a year of 365 days.
const YEAR_MILLIS: f64 = 31_536_000_000.0;
/// Deviations beyond which the smile is flat.
const FLAT_BEYOND: f64 = 3.0;
/// The least a smile may fall to, of the vol at the money.
const LEAST_SMILE: f64 = 0.2;
/// Times to expiry are at least a minute here, so that a deviation is not zero.
const LEAST_YEARS: f64 = 1.0 / 525_600.0;
/// Vols of the market stay below what [`units::Vol`] holds, by far.
const MOST_VOL: f64 = 5.0;
/// Spots stay between a cent, the last place of an index, and this.
const MOST_SPOT: f64 = 1e12;
const LEAST_SPOT: f64 = 0.01;

/// What the regime does to the market, and what books look like in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mood {
    drift_per_year: f64,
    vol: f64,
    jumps: f64,
    pub(crate) depth: f64,
    pub(crate) spread: f64,
}

impl Mood {
    const CALM: Self = Self { drift_per_year: 0.0, vol: 1.0, jumps: 1.0, depth: 1.0, spread: 1.0 };
}

/// An underlying at one moment: all that venues know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Which one.
    pub asset: Asset,
    /// Index, USD.
    pub spot: f64,
    /// Instantaneous annual vol as a fraction, regime included.
    pub vol: f64,
    mean_vol: f64,
    reversion_per_year: f64,
    implied_premium: f64,
    skew: f64,
    curvature: f64,
    basis_per_year: f64,
    premium: f64,
}

impl State {
    /// Forward to a time in years, USD.
    #[must_use]
    pub fn forward(&self, years: f64) -> f64 {
        self.spot * kernel::exp(self.basis_per_year * years)
    }

    /// Vol at the forward for a time in years.
    #[must_use]
    pub fn atm_vol(&self, years: f64) -> f64 {
        let x = self.reversion_per_year * years.max(LEAST_YEARS);
        let weight = (1.0 - kernel::exp(-x)) / x;
        let (now, mean) = (self.vol * self.vol, self.mean_vol * self.mean_vol);
        let vol = (mean + (now - mean) * weight).sqrt() * kernel::exp(self.implied_premium);
        vol.min(MOST_VOL)
    }

    /// Vol of a strike for a time in years.
    #[must_use]
    pub fn vol_at(&self, strike: f64, years: f64) -> f64 {
        self.smile(strike, self.forward(years), self.atm_vol(years), years)
    }

    /// The same where forward and vol at it are known.
    pub(crate) fn smile(&self, strike: f64, forward: f64, atm_vol: f64, years: f64) -> f64 {
        let deviation = atm_vol * years.max(LEAST_YEARS).sqrt();
        let z = (kernel::ln(strike / forward) / deviation).clamp(-FLAT_BEYOND, FLAT_BEYOND);
        (atm_vol * (1.0 + self.skew * z + self.curvature * z * z).max(LEAST_SMILE)).min(MOST_VOL)
    }

    /// Mark of a perpetual, USD.
    #[must_use]
    pub fn perpetual(&self) -> f64 {
        self.spot * (1.0 + self.premium)
    }

    /// Funding of eight hours as a fraction: premium plus the interest of 0.01 % less the premium, that difference within 0.05 %; at most
    /// 0.75 %. Longs pay where it is above zero. (The rule of Binance and Bybit.)
    #[must_use]
    pub fn funding_rate_8h(&self) -> f64 {
        (self.premium + (0.0001 - self.premium).clamp(-0.0005, 0.0005)).clamp(-0.0075, 0.0075)
    }
}

/// An Ornstein-Uhlenbeck process over one step, exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    mean: f64,
    keep: f64,
    noise: f64,
}

impl Step {
    fn new(of: Reverting, years: f64) -> Self {
        let speed_per_year = std::f64::consts::LN_2 * 365.0 / of.half_life_days;
        let keep = kernel::exp(-speed_per_year * years);
        Self { mean: of.mean, keep, noise: of.deviation * (1.0 - keep * keep).sqrt() }
    }

    fn of_log_vol(of: &UnderlyingConfig, years: f64) -> Self {
        let keep = kernel::exp(-of.vol_reversion_per_year * years);
        let noise = of.vol_of_vol * ((1.0 - keep * keep) / (2.0 * of.vol_reversion_per_year)).sqrt();
        Self { mean: kernel::ln(of.vol), keep, noise }
    }

    fn next(self, value: f64, normal: f64) -> f64 {
        self.mean + (value - self.mean) * self.keep + self.noise * normal
    }
}

/// One underlying on its way.
#[derive(Debug, Clone, PartialEq)]
struct Path {
    log_spot: f64,
    log_vol: f64,
    beta: f64,
    rho: f64,
    /// √(1 - ρ²).
    rest: f64,
    jump_mean: f64,
    jump_deviation: f64,
    /// E[e^J - 1].
    jump_return: f64,
    vol: Step,
    implied_premium: Step,
    skew: Step,
    basis: Step,
    premium: Step,
}

impl Path {
    fn new(of: &UnderlyingConfig, years: f64) -> Self {
        let variance = of.jump_deviation * of.jump_deviation;
        Self {
            log_spot: kernel::ln(of.spot),
            log_vol: kernel::ln(of.vol),
            beta: of.beta,
            rho: of.spot_vol_correlation,
            rest: (1.0 - of.spot_vol_correlation * of.spot_vol_correlation).sqrt(),
            jump_mean: of.jump_mean,
            jump_deviation: of.jump_deviation,
            jump_return: kernel::exp(of.jump_mean + 0.5 * variance) - 1.0,
            vol: Step::of_log_vol(of, years),
            implied_premium: Step::new(of.implied_premium, years),
            skew: Step::new(of.skew, years),
            basis: Step::new(of.basis_per_year, years),
            premium: Step::new(of.perpetual_premium, years),
        }
    }
}

/// The market. Its path depends on its parameters and the seed alone: nothing that anyone does at a venue moves it.
#[derive(Debug, Clone, PartialEq)]
pub struct Generator {
    draw: Draw,
    step_millis: u64,
    elapsed_millis: u64,
    regimes: Vec<Regime>,
    jumps_per_year: f64,
    /// √c and √(1 - c) for the correlation c of vols.
    vol_parts: (f64, f64),
    cholesky: Cholesky,
    paths: Vec<Path>,
    states: Vec<State>,
    mood: Mood,
    jumps: u64,
}

impl Generator {
    /// The market at its start.
    ///
    /// # Errors
    /// When the configuration breaks a rule.
    pub fn new(config: &WorldConfig, seed: Seed) -> Result<Self, WorldError> {
        let issues = config.issues("world");
        let cholesky = Cholesky::new(config).filter(|_| issues.is_empty());
        let Some(cholesky) = cholesky else { return Err(WorldError::Config(issues)) };
        let years = f64::from(config.step_millis) / YEAR_MILLIS;
        let c = config.vol_correlation;
        let mut market = Self {
            draw: Draw::new(seed, "market"),
            step_millis: u64::from(config.step_millis),
            elapsed_millis: 0,
            regimes: config.regime.clone(),
            jumps_per_year: config.jumps_per_year,
            vol_parts: (c.sqrt(), (1.0 - c).sqrt()),
            cholesky,
            paths: config.underlying.iter().map(|of| Path::new(of, years)).collect(),
            states: config.underlying.iter().map(first).collect(),
            mood: Mood::CALM,
            jumps: 0,
        };
        market.mood = market.mood_now();
        market.states.iter_mut().for_each(|state| state.vol = (state.vol * market.mood.vol).min(MOST_VOL));
        Ok(market)
    }

    /// Every underlying, in the order of the file.
    #[must_use]
    pub fn states(&self) -> &[State] {
        &self.states
    }

    /// Jumps so far.
    #[must_use]
    pub const fn jumps(&self) -> u64 {
        self.jumps
    }

    /// The name of the regime at work; none in calm times.
    #[must_use]
    pub fn regime(&self) -> Option<&str> {
        self.regime_now().map(|regime| regime.name.as_str())
    }

    pub(crate) const fn mood(&self) -> Mood {
        self.mood
    }

    fn regime_now(&self) -> Option<&Regime> {
        let seconds = self.elapsed_millis / 1000;
        self.regimes.iter().find(|regime| {
            let start = u64::from(regime.start_seconds);
            (start..start + u64::from(regime.duration_seconds)).contains(&seconds)
        })
    }

    fn mood_now(&self) -> Mood {
        let Some(regime) = self.regime_now() else { return Mood::CALM };
        let duration_years = f64::from(regime.duration_seconds) * 1000.0 / YEAR_MILLIS;
        Mood {
            drift_per_year: kernel::ln(1.0 + regime.whole_return) / duration_years,
            vol: regime.vol,
            jumps: regime.jumps,
            depth: regime.depth,
            spread: regime.spread,
        }
    }

    /// Moves the market by one step.
    #[allow(clippy::cast_precision_loss)] // milliseconds of a step
    pub fn step(&mut self) {
        self.mood = self.mood_now();
        self.elapsed_millis += self.step_millis;
        let years = self.step_millis as f64 / YEAR_MILLIS;
        let independent: Vec<f64> = self.paths.iter().map(|_| self.draw.normal()).collect();
        let common = self.draw.normal();
        let jumps_per_year = self.jumps_per_year * self.mood.jumps;
        let has_jumped = self.draw.chance(jumps_per_year * years);
        // Drawn whether it is used or not: the paths of two scripts differ by what the scripts say alone.
        let jump = self.draw.normal();
        self.jumps += u64::from(has_jumped);
        for (i, path) in self.paths.iter_mut().enumerate() {
            let z = self.cholesky.row(i, &independent);
            let own = self.vol_parts.0 * common + self.vol_parts.1 * self.draw.normal();
            let vol = (kernel::exp(path.log_vol) * self.mood.vol).min(MOST_VOL);
            let drift =
                path.beta * self.mood.drift_per_year - 0.5 * vol * vol - jumps_per_year * path.jump_return;
            path.log_spot += drift * years + vol * years.sqrt() * z;
            if has_jumped {
                path.log_spot += path.jump_mean + path.jump_deviation * jump;
            }
            path.log_vol = path.vol.next(path.log_vol, path.rho * z + path.rest * own);
            let state = &mut self.states[i];
            path.log_spot = path.log_spot.clamp(kernel::ln(LEAST_SPOT), kernel::ln(MOST_SPOT));
            state.spot = kernel::exp(path.log_spot);
            state.vol = (kernel::exp(path.log_vol) * self.mood.vol).min(MOST_VOL);
            state.implied_premium = path.implied_premium.next(state.implied_premium, self.draw.normal());
            state.skew = path.skew.next(state.skew, self.draw.normal());
            state.basis_per_year = path.basis.next(state.basis_per_year, self.draw.normal());
            state.premium = path.premium.next(state.premium, self.draw.normal());
        }
    }
}

fn first(of: &UnderlyingConfig) -> State {
    State {
        asset: of.asset.clone(),
        spot: of.spot,
        vol: of.vol,
        mean_vol: of.vol,
        reversion_per_year: of.vol_reversion_per_year,
        implied_premium: of.implied_premium.mean,
        skew: of.skew.mean,
        curvature: of.curvature,
        basis_per_year: of.basis_per_year.mean,
        premium: of.perpetual_premium.mean,
    }
}
