//! Raw SVI: total variance of one expiry as a hyperbola in log-moneyness.
//!
//! With `k = ln(K/F)`, `y = k - m` and `R = √(y² + σ²)`:
//!
//! ```text
//! w(k)  = a + b (ρ y + R)                              total variance, vol² T
//! g(k)  = (1 - k w'/2w)² - w'²/4 (1/w + 1/4) + w''/2   density up to a positive factor: no butterfly arbitrage iff g >= 0
//! wings : slopes b(1-ρ) and b(1+ρ), at most 2 (Lee)
//! ```
//!
//! Source: Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces", arXiv:1204.0646; the bound of 2 on the slopes of total
//! variance is R. Lee's. The slice is kept by its least variance and its two slopes ([`Wings`]), in which the bounds are a box;
//! raw and jump-wing parameters are views. Sums, products, divisions and square roots in a written order: the same bits everywhere.
//!
//! ```
//! use market::surface::{RawSvi, Svi};
//! use units::YearFraction;
//! let vogt = Svi::from_raw(RawSvi { a: -0.041, b: 0.1331, rho: 0.306, m: 0.3586, sigma: 0.4153 })?;
//! assert!(vogt.check(-1.5, 1.5).least_density < 0.0, "Vogt's slice has butterfly arbitrage");
//! let sound = vogt.repaired(YearFraction::new(1.0)?).ok_or("no sound slice nearby")?;
//! assert!(sound.check(-1.5, 1.5).least_density >= 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use units::YearFraction;

/// Lee: total variance grows by at most this per unit of log-moneyness.
pub const STEEPEST_WING: f64 = 2.0;

/// Points of a grid over one range.
const GRID_POINTS: u32 = 401;

/// The parameters as published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawSvi {
    /// Level.
    pub a: f64,
    /// Angle between the wings, zero or more.
    pub b: f64,
    /// Rotation, strictly between -1 and 1.
    pub rho: f64,
    /// Shift of the vertex along log-moneyness.
    pub m: f64,
    /// Smoothness of the vertex, above zero.
    pub sigma: f64,
}

/// The same slice by what bounds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wings {
    /// Least total variance, zero or more.
    pub least: f64,
    /// Slope of the left wing, b(1-ρ), from 0 to 2.
    pub put: f64,
    /// Slope of the right wing, b(1+ρ), from 0 to 2.
    pub call: f64,
    /// Shift of the vertex.
    pub shift: f64,
    /// Smoothness of the vertex, above zero.
    pub smooth: f64,
}

/// Jump-wing parameters of a slice at its time to expiry: what traders read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JumpWings {
    /// Variance a year at the money.
    pub variance: f64,
    /// Skew at the money.
    pub skew: f64,
    /// Slope of the left wing over the deviation at the money.
    pub put: f64,
    /// Slope of the right wing over the same.
    pub call: f64,
    /// Least variance a year.
    pub least_variance: f64,
}

/// Why parameters are no slice.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SviError {
    /// Not a hyperbola.
    #[error("{name} = {value}: {rule}")]
    Range {
        /// Which parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        rule: &'static str,
    },
}

/// One slice. Least variance zero or more, slopes between 0 and 2: the hyperbola's wings obey Lee by construction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Svi {
    wings: Wings,
    /// (call - put)/2 = b ρ.
    tilt: f64,
    /// (call + put)/2 = b.
    angle: f64,
    /// Total variance at the vertex less the hyperbola: a.
    level: f64,
}

/// Total variance and its first two derivatives in log-moneyness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curvature {
    /// w.
    pub variance: f64,
    /// w'.
    pub slope: f64,
    /// w''.
    pub curvature: f64,
}

/// What a check on a grid found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceCheck {
    /// Least g.
    pub least_density: f64,
    /// Where.
    pub at: f64,
}

impl Svi {
    /// Checks the box.
    ///
    /// # Errors
    /// Which parameter breaks which rule.
    pub fn new(wings: Wings) -> Result<Self, SviError> {
        let range = |name, value: f64, ok: bool, rule| {
            if value.is_finite() && ok { Ok(()) } else { Err(SviError::Range { name, value, rule }) }
        };
        let Wings { least, put, call, shift, smooth } = wings;
        range("least total variance", least, least >= 0.0, "a variance is zero or more")?;
        let slope = "the slope of a wing lies between 0 and 2 (Lee)";
        range("b(1-rho)", put, (0.0..=STEEPEST_WING).contains(&put), slope)?;
        range("b(1+rho)", call, (0.0..=STEEPEST_WING).contains(&call), slope)?;
        range("m", shift, true, "a finite number")?;
        range("sigma", smooth, smooth > 0.0, "above zero")?;
        Ok(Self::boxed(wings))
    }

    /// Of wings that are known to lie in the box.
    pub(super) fn boxed(wings: Wings) -> Self {
        let Wings { least, put, call, smooth, .. } = wings;
        Self {
            wings,
            tilt: 0.5 * (call - put),
            angle: 0.5 * (call + put),
            level: least - smooth * (put * call).sqrt(),
        }
    }

    /// Of raw parameters.
    ///
    /// # Errors
    /// When they are no slice: b < 0, |ρ| >= 1, σ <= 0, a variance below zero, a wing steeper than Lee allows.
    pub fn from_raw(raw: RawSvi) -> Result<Self, SviError> {
        let RawSvi { a, b, rho, m, sigma } = raw;
        let range = |name, value: f64, ok: bool, rule| {
            if value.is_finite() && ok { Ok(()) } else { Err(SviError::Range { name, value, rule }) }
        };
        range("a", a, true, "a finite number")?;
        range("b", b, b >= 0.0, "zero or more")?;
        range("rho", rho, rho.abs() < 1.0, "strictly between -1 and 1")?;
        let least = a + b * sigma * (1.0 - rho * rho).sqrt();
        Self::new(Wings { least, put: b * (1.0 - rho), call: b * (1.0 + rho), shift: m, smooth: sigma })
    }

    /// Of jump-wing parameters at a time to expiry. None when they describe no hyperbola.
    #[must_use]
    pub fn from_jump_wings(jump: JumpWings, expiry: YearFraction) -> Option<Self> {
        let years = expiry.get();
        let at_the_money = jump.variance * years;
        let root = at_the_money.sqrt();
        let (put, call) = (jump.put * root, jump.call * root);
        let b = 0.5 * (put + call);
        let rho = (call - put) / (call + put);
        // Slope at the money: b (ρ - m/√(m² + σ²)) = 2 ψ √w.
        let beta = rho - 2.0 * jump.skew * root / b;
        if !(beta.abs() <= 1.0 && b > 0.0 && years > 0.0) {
            return None;
        }
        let cosine = (1.0 - rho * rho).sqrt();
        let drop = (jump.variance - jump.least_variance) * years;
        let (shift, smooth) = if beta == 0.0 {
            // The vertex is at the money: w(0) - least = b σ (1 - √(1-ρ²)).
            (0.0, drop / (b * (1.0 - cosine)))
        } else {
            let alpha = beta.signum() * (1.0 / (beta * beta) - 1.0).sqrt();
            let whole = (1.0 + alpha * alpha).sqrt() * alpha.signum();
            let shift = drop / (b * (-rho + whole - alpha * cosine));
            (shift, alpha * shift)
        };
        Self::new(Wings { least: jump.least_variance * years, put, call, shift, smooth }).ok()
    }

    /// As kept.
    #[must_use]
    pub const fn wings(&self) -> Wings {
        self.wings
    }

    /// As published.
    #[must_use]
    pub fn raw(&self) -> RawSvi {
        let Wings { shift, smooth, .. } = self.wings;
        let rho = if self.angle > 0.0 { self.tilt / self.angle } else { 0.0 };
        RawSvi { a: self.level, b: self.angle, rho, m: shift, sigma: smooth }
    }

    /// As traders read it.
    #[must_use]
    pub fn jump_wings(&self, expiry: YearFraction) -> JumpWings {
        let years = expiry.get();
        let at = self.curvature(0.0);
        let root = at.variance.sqrt();
        JumpWings {
            variance: at.variance / years,
            skew: 0.5 * at.slope / root,
            put: self.wings.put / root,
            call: self.wings.call / root,
            least_variance: self.wings.least / years,
        }
    }

    /// Total variance at a log-moneyness.
    #[must_use]
    pub fn variance(&self, log_moneyness: f64) -> f64 {
        let y = log_moneyness - self.wings.shift;
        let root = (y * y + self.wings.smooth * self.wings.smooth).sqrt();
        self.level + self.tilt * y + self.angle * root
    }

    /// Total variance with its derivatives.
    #[must_use]
    pub fn curvature(&self, log_moneyness: f64) -> Curvature {
        let y = log_moneyness - self.wings.shift;
        let square = self.wings.smooth * self.wings.smooth;
        let root = (y * y + square).sqrt();
        Curvature {
            variance: self.level + self.tilt * y + self.angle * root,
            slope: self.tilt + self.angle * (y / root),
            curvature: self.angle * (square / (root * root * root)),
        }
    }

    /// Durrleman's g.
    #[must_use]
    pub fn density(&self, log_moneyness: f64) -> f64 {
        self.curvature(log_moneyness).density(log_moneyness)
    }

    /// Least g on a grid that covers a range of log-moneyness evenly, and once more the neighbourhood of the vertex, where the
    /// curvature is.
    #[must_use]
    pub fn check(&self, from: f64, to: f64) -> SliceCheck {
        let (low, high) = self.bend();
        let ranges = [(from, to), (low.max(from).min(to), high.max(from).min(to))];
        let least = least(ranges.into_iter(), |k| self.density(k));
        SliceCheck { least_density: least.value, at: least.at }
    }

    /// Around the vertex, where the curvature is.
    pub(super) fn bend(&self) -> (f64, f64) {
        let Wings { shift, smooth, .. } = self.wings;
        (shift - 6.0 * smooth, shift + 6.0 * smooth)
    }

    /// The SSVI slice of the same variance, skew and left wing at the money, free of butterfly arbitrage: c' = p + 2ψ and
    /// ṽ' = 4vpc'/(p + c')² (Gatheral and Jacquier, section 5.1). None where that is no slice.
    #[must_use]
    pub fn ssvi_twin(&self, expiry: YearFraction) -> Option<Self> {
        self.towards_ssvi(expiry, Share { call: 1.0, least: 1.0 })
    }

    fn towards_ssvi(&self, expiry: YearFraction, share: Share) -> Option<Self> {
        let own = self.jump_wings(expiry);
        let call = own.put + 2.0 * own.skew;
        let sum = own.put + call;
        let least = 4.0 * own.variance * own.put * call / (sum * sum);
        let jump = JumpWings {
            call: own.call + share.call * (call - own.call),
            least_variance: own.least_variance + share.least * (least - own.least_variance),
            ..own
        };
        Self::from_jump_wings(jump, expiry)
    }

    /// The first slice without butterfly arbitrage on the way from this one to its SSVI twin: the call wing alone gives way if
    /// that is enough, else the least variance goes with it. Sound means g >= 0 on [-1.5, 1.5] and around the vertex. The slice
    /// itself if it is sound; none if not even the twin is.
    #[must_use]
    pub fn repaired(&self, expiry: YearFraction) -> Option<Self> {
        let sound = |slice: &Self| slice.check(-1.5, 1.5).least_density >= 0.0;
        if sound(self) {
            return Some(*self);
        }
        let by_call = |share| self.towards_ssvi(expiry, Share { call: share, least: 0.0 }).filter(sound);
        let by_both = |share| self.towards_ssvi(expiry, Share { call: share, least: share }).filter(sound);
        nearest(by_call).or_else(|| nearest(by_both))
    }
}

/// The least value of a function on a grid, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Least {
    pub(super) value: f64,
    pub(super) at: f64,
}

/// On even grids over ranges; the first of equals, and a place where there is no number before all others.
pub(super) fn least(ranges: impl Iterator<Item = (f64, f64)>, of: impl Fn(f64) -> f64) -> Least {
    let mut found = Least { value: f64::INFINITY, at: 0.0 };
    for (low, high) in ranges {
        for point in 0..GRID_POINTS {
            let at = low + (high - low) * (f64::from(point) / f64::from(GRID_POINTS - 1));
            let value = of(at);
            if value < found.value || value.is_nan() {
                found = Least { value, at };
            }
        }
    }
    found
}

/// How far towards the SSVI twin.
#[derive(Debug, Clone, Copy)]
struct Share {
    call: f64,
    least: f64,
}

/// The least share at which there is a slice, if there is one at 1; to 2^-50.
fn nearest(slice: impl Fn(f64) -> Option<Svi>) -> Option<Svi> {
    let mut best = slice(1.0)?;
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        match slice(middle) {
            Some(found) => (high, best) = (middle, found),
            None => low = middle,
        }
    }
    Some(best)
}

impl Curvature {
    /// Durrleman's g at the log-moneyness where these were taken.
    #[must_use]
    pub fn density(&self, log_moneyness: f64) -> f64 {
        let Self { variance: w, slope, curvature } = *self;
        let first = 1.0 - 0.5 * log_moneyness * slope / w;
        first * first - 0.25 * slope * slope * (1.0 / w + 0.25) + 0.5 * curvature
    }

    /// Derivatives of g by w, w' and w''.
    pub(super) fn density_by(&self, log_moneyness: f64) -> [f64; 3] {
        let Self { variance: w, slope, .. } = *self;
        let first = 1.0 - 0.5 * log_moneyness * slope / w;
        let by_variance = first * log_moneyness * slope / (w * w) + 0.25 * slope * slope / (w * w);
        let by_slope = -first * log_moneyness / w - 0.5 * slope * (1.0 / w + 0.25);
        [by_variance, by_slope, 0.5]
    }
}
