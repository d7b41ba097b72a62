//! The minimum-variance delta: how vol moved with the underlying, learnt from past intervals only, and the gate before its use.
//!
//! ```text
//! residual = (vega/F/√T) x move x (a + b δ + c δ²) + noise
//! (Σ w x xᵀ + ridge diag(Σ w x xᵀ)) (a, b, c) = Σ w x residual        w = exp(-age/window)
//! ```
//!
//! The ridge draws all three to zero, which is sticky strike. Hull and White used 36 months of one equity index; here the window is 30 to
//! 60 days, because the correlation of spot and vol changes sign with the regime.

/// Parameters of the estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MinimumVariancePlan {
    /// Days after which an interval counts 1/e.
    pub window_days: f64,
    /// Share of its diagonal that is added to the matrix.
    pub ridge: f64,
    /// Intervals before anything is said.
    pub least_intervals: u32,
}

impl Default for MinimumVariancePlan {
    fn default() -> Self {
        Self { window_days: 30.0, ridge: 1e-3, least_intervals: 40 }
    }
}

/// What is wrong with a plan.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum DeltaError {
    /// A window without length forgets at once.
    #[error("a window of {0} days: write 1 to 3650")]
    Window(f64),
    /// A ridge is a share.
    #[error("a ridge of {0}: write a share of 0 to 100")]
    Ridge(f64),
    /// The three coefficients need data.
    #[error("{0} intervals: an estimate needs at least 3")]
    Intervals(u32),
    /// A level is a probability.
    #[error("a p-value below {0}: write a probability above 0 and below 1, such as 0.05")]
    Level(f64),
}

impl MinimumVariancePlan {
    /// The rule that is broken, if any.
    ///
    /// # Errors
    /// [`DeltaError`].
    pub fn check(&self) -> Result<(), DeltaError> {
        if !(1.0..=3_650.0).contains(&self.window_days) {
            return Err(DeltaError::Window(self.window_days));
        }
        if !(0.0..=100.0).contains(&self.ridge) {
            return Err(DeltaError::Ridge(self.ridge));
        }
        if self.least_intervals < 3 {
            return Err(DeltaError::Intervals(self.least_intervals));
        }
        Ok(())
    }
}

/// √T dσ/d ln F as a quadratic of the call's delta.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct QuadraticMove {
    /// At a delta of zero.
    pub a: f64,
    /// Per unit of delta.
    pub b: f64,
    /// Per unit squared.
    pub c: f64,
}

impl QuadraticMove {
    /// At a call's delta.
    #[must_use]
    pub fn at(&self, call_delta: f64) -> f64 {
        self.a + call_delta * (self.b + call_delta * self.c)
    }
}

/// One option over one interval; made by [`super::ValuedOption::observed`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// vega/F/√T times the move.
    pub(super) scale: f64,
    /// At the start.
    pub(super) call_delta: f64,
    /// Gain beyond the plain delta, coin.
    pub(super) residual: f64,
}

impl Observed {
    /// What the plain delta left, coin.
    #[must_use]
    pub const fn residual(&self) -> f64 {
        self.residual
    }

    /// What is left when the vol is believed to move so.
    #[must_use]
    pub fn left(&self, quadratic: QuadraticMove) -> f64 {
        self.residual - self.scale * quadratic.at(self.call_delta)
    }
}

/// The running estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct MinimumVarianceFit {
    plan: MinimumVariancePlan,
    matrix: [[f64; 3]; 3],
    vector: [f64; 3],
    intervals: u32,
}

impl MinimumVarianceFit {
    /// Without data: says nothing.
    ///
    /// # Errors
    /// When the plan breaks a rule.
    pub fn new(plan: MinimumVariancePlan) -> Result<Self, DeltaError> {
        plan.check()?;
        Ok(Self { plan, matrix: [[0.0; 3]; 3], vector: [0.0; 3], intervals: 0 })
    }

    /// Takes in an interval that has ended: what is known ages by its days, then its options are added in their order.
    pub fn learn(&mut self, days: f64, observations: impl IntoIterator<Item = Observed>) {
        let kept = pricing::kernel::exp(-days.max(0.0) / self.plan.window_days);
        for value in self.matrix.iter_mut().flatten().chain(&mut self.vector) {
            *value *= kept;
        }
        self.intervals = self.intervals.saturating_add(1);
        for Observed { scale, call_delta, residual } in observations {
            let row = [scale, scale * call_delta, scale * call_delta * call_delta];
            for (own, target) in row.iter().zip(self.matrix.iter_mut()) {
                for (other, cell) in row.iter().zip(target) {
                    *cell += own * other;
                }
            }
            for (own, cell) in row.iter().zip(&mut self.vector) {
                *cell += own * residual;
            }
        }
    }

    /// The estimate; none before there are enough intervals or when they say nothing.
    #[must_use]
    pub fn quadratic(&self) -> Option<QuadraticMove> {
        if self.intervals < self.plan.least_intervals {
            return None;
        }
        let mut matrix = self.matrix;
        for (place, row) in matrix.iter_mut().enumerate() {
            if let Some(cell) = row.get_mut(place) {
                *cell *= 1.0 + self.plan.ridge;
            }
        }
        let [a, b, c] = solve(matrix, self.vector)?;
        Some(QuadraticMove { a, b, c })
    }
}

/// Three equations with a symmetric positive matrix, by Cholesky; none where it is not positive.
fn solve(m: [[f64; 3]; 3], v: [f64; 3]) -> Option<[f64; 3]> {
    let root = |square: f64| (square > 0.0 && square.is_finite()).then(|| square.sqrt());
    let l00 = root(m[0][0])?;
    let (l10, l20) = (m[1][0] / l00, m[2][0] / l00);
    let l11 = root(m[1][1] - l10 * l10)?;
    let l21 = (m[2][1] - l20 * l10) / l11;
    let l22 = root(m[2][2] - l20 * l20 - l21 * l21)?;
    let y0 = v[0] / l00;
    let y1 = (v[1] - l10 * y0) / l11;
    let y2 = (v[2] - l20 * y0 - l21 * y1) / l22;
    let x2 = y2 / l22;
    let x1 = (y1 - l21 * x2) / l11;
    let x0 = (y0 - l10 * x1 - l20 * x2) / l00;
    Some([x0, x1, x2])
}

/// What a past window says of the adjusted delta against the plain one, out of sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Mean squared error of the plain delta less that of the adjusted one.
    pub mean_gain: f64,
    /// Of the test that both are as good (Diebold-Mariano).
    pub p_value: f64,
}

/// Lets the adjusted delta be used only on evidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    level: f64,
}

impl Gate {
    /// Opens below a p-value.
    ///
    /// # Errors
    /// When it is no probability.
    pub fn new(level: f64) -> Result<Self, DeltaError> {
        if level > 0.0 && level < 1.0 { Ok(Self { level }) } else { Err(DeltaError::Level(level)) }
    }

    /// Whether the adjusted delta is used: a gain above zero, and a p-value below the level. Without evidence it is not.
    #[must_use]
    pub fn is_open(&self, evidence: Option<Evidence>) -> bool {
        evidence.is_some_and(|found| found.mean_gain > 0.0 && found.p_value < self.level)
    }
}
