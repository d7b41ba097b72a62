//! eSSVI: three parameters an expiry, free of arbitrage by construction.
//!
//! ```text
//! w(k) = θ/2 (1 + ρ φ k + √((φ k + ρ)² + 1 - ρ²)),  ψ = θ φ
//! butterfly: ψ (1 + |ρ|) < 4 and ψ² (1 + |ρ|) <= 4 θ                           (Gatheral and Jacquier, arXiv:1204.0646)
//! calendar, i before j, with Θ = θ_j/θ_i and Φ = φ_j/φ_i:                      (Hendriks and Martini 2019)
//!   Θ >= 1,  ψ_j >= ψ_i max((1+ρ_i)/(1+ρ_j), (1-ρ_i)/(1-ρ_j)),
//!   and Φ <= 1 or (Θ Φ ρ_j - ρ_i)² <= (Θ - 1)(Θ Φ² - 1)
//! ```
//!
//! The fit anchors θ at the quotes nearest to the forward, θ = θ* - ρ ψ k* (Corbetta, Cohort, Laachir and Martini 2019), and searches
//! ρ and ψ on a grid that closes in on the best point: deterministic, no starting values. Used as a stand-in and for comparison; the
//! surface of record has five parameters (ADR 0009).

use super::fit::{VolQuote, largest};
use super::slice::Slice;
use super::svi::{Svi, Wings};
use super::{CLEARANCE, calendar_gap, wings_ordered};

/// Points of a side of the search grid, and how often it closes in.
const GRID: i32 = 12;
const ROUNDS: u32 = 4;
/// Correlations go up to this.
const LARGEST_RHO: f64 = 0.98;
/// Inside the butterfly bounds by this factor, so that rounding does not matter.
const INSIDE: f64 = 0.999_999;

/// One slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Essvi {
    /// Total variance at the money.
    theta: f64,
    /// Skew, strictly between -1 and 1.
    rho: f64,
    /// Sum of the wings' slopes.
    psi: f64,
}

/// Why parameters are no slice without arbitrage.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EssviError {
    /// Outside the domain.
    #[error("theta = {theta}, rho = {rho}, psi = {psi}: theta and psi are above zero and |rho| below 1")]
    Domain {
        /// θ.
        theta: f64,
        /// ρ.
        rho: f64,
        /// ψ.
        psi: f64,
    },
    /// A wing too steep or a vertex too sharp.
    #[error(
        "butterfly arbitrage: psi (1 + |rho|) = {wing} must be below 4 and psi^2 (1 + |rho|)/theta = {vertex} at most 4"
    )]
    Butterfly {
        /// ψ (1 + |ρ|).
        wing: f64,
        /// ψ² (1 + |ρ|)/θ.
        vertex: f64,
    },
}

impl Essvi {
    /// Checks the butterfly conditions.
    ///
    /// # Errors
    /// Which condition fails.
    pub fn new(theta: f64, rho: f64, psi: f64) -> Result<Self, EssviError> {
        let finite = theta.is_finite() && psi.is_finite();
        if !(finite && theta > 0.0 && psi > 0.0 && rho.abs() < 1.0) {
            return Err(EssviError::Domain { theta, rho, psi });
        }
        let steep = 1.0 + rho.abs();
        let (wing, vertex) = (psi * steep, psi * psi * steep / theta);
        if wing < 4.0 && vertex <= 4.0 {
            Ok(Self { theta, rho, psi })
        } else {
            Err(EssviError::Butterfly { wing, vertex })
        }
    }

    /// θ, ρ, ψ.
    #[must_use]
    pub const fn parameters(&self) -> [f64; 3] {
        [self.theta, self.rho, self.psi]
    }

    /// Total variance at a log-moneyness.
    #[must_use]
    pub fn variance(&self, log_moneyness: f64) -> f64 {
        let scaled = self.psi / self.theta * log_moneyness;
        let shifted = scaled + self.rho;
        let root = (shifted * shifted + 1.0 - self.rho * self.rho).sqrt();
        0.5 * self.theta * (1.0 + self.rho * scaled + root)
    }

    /// True when the slice of a longer expiry lies above this one everywhere.
    #[must_use]
    pub fn precedes(&self, later: &Self) -> bool {
        let theta = later.theta / self.theta;
        let phi = (later.psi / later.theta) / (self.psi / self.theta);
        let [calls, puts] = [(1.0 + self.rho) / (1.0 + later.rho), (1.0 - self.rho) / (1.0 - later.rho)];
        let cross = theta * phi * later.rho - self.rho;
        theta >= 1.0
            && later.psi >= self.psi * largest(calls, puts)
            && (phi <= 1.0 || cross * cross <= (theta - 1.0) * (theta * phi * phi - 1.0))
    }

    /// The same hyperbola as an SVI slice: slopes ψ(1∓ρ)/2, least θ(1-ρ²)/2 + ..., vertex -ρθ/ψ, width θ√(1-ρ²)/ψ.
    #[must_use]
    pub fn svi(&self) -> Svi {
        let Self { theta, rho, psi } = *self;
        let square = 1.0 - rho * rho;
        // w at the vertex: θ/2 (1 - ρ² + √(1-ρ²) √(1-ρ²)) = θ (1 - ρ²).
        Svi::boxed(Wings {
            least: theta * square,
            put: 0.5 * psi * (1.0 - rho),
            call: 0.5 * psi * (1.0 + rho),
            shift: -rho * theta / psi,
            smooth: square.sqrt() * theta / psi,
        })
    }

    /// The best slice below the next longer one.
    pub(super) fn fit(quotes: &[VolQuote], years: f64, next: Option<&Slice>) -> Option<Self> {
        search(quotes, years, |slice| {
            next.is_none_or(|late| {
                let own = Slice::from(slice.svi());
                wings_ordered(&own, late) && calendar_gap(&own, late, CLEARANCE).value >= 0.0
            })
        })
    }

    /// The best slice that the slice of the shorter expiry precedes: a surface of such slices, fitted from the shortest on, is
    /// free of arbitrage by construction. None without quotes, or without such a slice.
    #[must_use]
    pub fn fit_after(quotes: &[VolQuote], years: f64, earlier: Option<&Self>) -> Option<Self> {
        search(quotes, years, |slice| earlier.is_none_or(|early| early.precedes(slice)))
    }
}

/// Total variance near the forward and where: the three nearest quotes, each by the square of its weight.
fn anchor(quotes: &[VolQuote], years: f64) -> Option<(f64, f64)> {
    let mut near: Vec<&VolQuote> = quotes.iter().collect();
    near.sort_by(|a, b| a.log_moneyness.abs().total_cmp(&b.log_moneyness.abs()));
    near.truncate(3);
    let (mut weights, mut variance, mut place) = (0.0, 0.0, 0.0);
    for quote in near {
        let weight = 1.0 / (quote.half_spread * quote.half_spread);
        weights += weight;
        variance += weight * quote.vol * quote.vol * years;
        place += weight * quote.log_moneyness;
    }
    (weights > 0.0 && weights.is_finite()).then(|| (place / weights, variance / weights))
}

fn search(quotes: &[VolQuote], years: f64, allowed: impl Fn(&Essvi) -> bool) -> Option<Essvi> {
    let (place, level) = anchor(quotes, years)?;
    let at = |rho: f64, share: f64| {
        // ψ as a share of the largest that the butterfly conditions allow at the anchor's own θ.
        let steep = 1.0 + rho.abs();
        let (wing, vertex) = (4.0 / steep, 2.0 * (level / steep).sqrt());
        let psi = INSIDE * share * if wing < vertex { wing } else { vertex };
        Essvi::new(level - rho * psi * place, rho, psi).ok().filter(&allowed)
    };
    let mut best: Option<(f64, [f64; 2], Essvi)> = None;
    let (mut centre, mut half) = ([0.0, 0.5], [LARGEST_RHO, 0.5]);
    for _ in 0..ROUNDS {
        for i in -GRID..=GRID {
            for j in -GRID..=GRID {
                let step =
                    |n: i32, which: usize| centre[which] + half[which] * f64::from(n) / f64::from(GRID);
                let point = [step(i, 0), step(j, 1)];
                if point[0].abs() > LARGEST_RHO || !(0.0..=1.0).contains(&point[1]) {
                    continue;
                }
                let Some(slice) = at(point[0], point[1]) else { continue };
                let cost = cost(quotes, years, &slice);
                if best.is_none_or(|(least, ..)| cost < least) {
                    best = Some((cost, point, slice));
                }
            }
        }
        centre = best.map(|(_, point, _)| point)?;
        half = half.map(|h| h * 2.0 / f64::from(GRID));
    }
    best.map(|(_, _, slice)| slice)
}

/// Robust like that of the five parameters.
fn cost(quotes: &[VolQuote], years: f64, slice: &Essvi) -> f64 {
    let mut cost = 0.0;
    for quote in quotes {
        let vol = (slice.variance(quote.log_moneyness) / years).sqrt();
        let error = (vol - quote.vol) / quote.half_spread;
        cost += (error * error + 1.0).sqrt() - 1.0;
    }
    cost
}
