//! Joint normal moves of the risk factors: standard deviations, correlations, their Cholesky factor, and draws from them.
//!
//! Moves are log returns of spots and points of 30-day vols ([`Factor`]). From a history: second moments about zero (a drift that
//! was is no forecast), sums in order of time. Over other horizons sds grow by the square root of time. A matrix that is not
//! positive definite is refused with the pair of factors that makes it so; it is not repaired in silence.
//!
//! ```toml
//! source = "command that computed it"
//! valid_from = "2021-03-25"        # first and last day of the data
//! valid_to = "2024-06-16"
//! horizon_days = 1
//! correlations = [[1.0, -0.3], [-0.3, 1.0]]
//! [[factor]]
//! asset = "BTC"
//! kind = "spot"
//! sd = 0.034                       # log return; points for kind = "vol"
//! [[factor]]
//! asset = "BTC"
//! kind = "vol"
//! sd = 4.2
//! [spot_proxy]                     # coins without a factor of their own, by choice of the file
//! SOL = "ETH"
//! [vol_proxy]                      # an asset, or "held": its vols do not move
//! ETH = "BTC"
//! ```
//!
//! Draws: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) from the seed given, 53 bits to the middle of (0, 1), inverse normal, and the
//! lower triangle in the order of factors. The same seed gives the same bits everywhere.

use crate::drivers::Proxies;
use crate::history::{Factor, Moves};
use pricing::kernel;
use std::fmt::Write as _;
use units::{Asset, Issue, Issues};

/// Standard deviations and correlations of moves over a horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    /// In the order of rows and columns.
    pub factors: Vec<Factor>,
    /// Length of the moves.
    pub horizon_days: u32,
    sd: Vec<f64>,
    correlation: Vec<f64>,
}

/// Why moves cannot be drawn from it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CovarianceError {
    /// Fewer moves than factors say nothing about their joint moves.
    #[error("{windows} windows cannot tell {factors} factors apart: at least {needed} are needed")]
    TooFew {
        /// How many there are.
        windows: usize,
        /// How many factors.
        factors: usize,
        /// How many there should be.
        needed: usize,
    },
    /// A factor without movement.
    #[error("{factor} does not move: its standard deviation is {sd}")]
    Still {
        /// Which.
        factor: Factor,
        /// Its figure.
        sd: f64,
    },
    /// A matrix that no joint move can have.
    #[error(
        "the correlations are not positive definite: {second} follows from the factors before it, most of all from {first} \
         (correlation {correlation:.6}); leave one of the two out, or map it with a proxy"
    )]
    NotPositiveDefinite {
        /// The factor before.
        first: Factor,
        /// The factor that adds nothing of its own.
        second: Factor,
        /// Between the two.
        correlation: f64,
    },
}

/// Below this a factor's own part of its variance is rounding.
const LEAST_PIVOT: f64 = 1e-10;

impl Covariance {
    /// From joint moves.
    ///
    /// # Errors
    /// [`CovarianceError::TooFew`] with fewer than ten windows and two a factor, and when a factor never moves.
    pub fn from_moves(moves: &Moves) -> Result<Self, CovarianceError> {
        let (windows, width) = (moves.windows.len(), moves.factors.len());
        let needed = 10.max(2 * width);
        if windows < needed {
            return Err(CovarianceError::TooFew { windows, factors: width, needed });
        }
        #[allow(clippy::cast_precision_loss)] // a count of days
        let count = windows as f64;
        let mut second = vec![0.0; width * width];
        for row in moves.rows() {
            for (i, a) in row.iter().enumerate() {
                for (j, b) in row.iter().enumerate() {
                    if let Some(cell) = second.get_mut(i * width + j) {
                        *cell = a.mul_add(*b, *cell);
                    }
                }
            }
        }
        let at = |i: usize, j: usize| second.get(i * width + j).copied().unwrap_or(0.0) / count;
        let sd: Vec<f64> = (0..width).map(|i| at(i, i).sqrt()).collect();
        let mut correlation = Vec::with_capacity(width * width);
        for (i, a) in sd.iter().enumerate() {
            for (j, b) in sd.iter().enumerate() {
                correlation.push(if i == j { 1.0 } else { at(i, j) / (a * b) });
            }
        }
        let covariance =
            Self { factors: moves.factors.clone(), horizon_days: moves.horizon_days, sd, correlation };
        covariance.moving()
    }

    /// From its parts; rows of correlations in the order of factors.
    ///
    /// # Errors
    /// When a standard deviation is not above zero.
    pub fn new(
        factors: Vec<(Factor, f64)>,
        correlations: &[Vec<f64>],
        horizon_days: u32,
    ) -> Result<Self, CovarianceError> {
        let (factors, sd) = factors.into_iter().unzip();
        Self { factors, horizon_days, sd, correlation: correlations.concat() }.moving()
    }

    fn moving(self) -> Result<Self, CovarianceError> {
        match self.factors.iter().zip(&self.sd).find(|(_, sd)| !(**sd > 0.0 && sd.is_finite())) {
            Some((factor, sd)) => Err(CovarianceError::Still { factor: factor.clone(), sd: *sd }),
            None => Ok(self),
        }
    }

    /// Standard deviations in the order of factors.
    #[must_use]
    pub fn sd(&self) -> &[f64] {
        &self.sd
    }

    /// Correlation of two factors by their places.
    #[must_use]
    pub fn correlation(&self, (i, j): (usize, usize)) -> f64 {
        self.correlation.get(i * self.factors.len() + j).copied().unwrap_or(f64::NAN)
    }

    /// The same over another horizon, by the square root of time.
    #[must_use]
    pub fn over(&self, days: u32) -> Self {
        let stretch = (f64::from(days) / f64::from(self.horizon_days)).sqrt();
        let sd = self.sd.iter().map(|sd| sd * stretch).collect();
        Self { horizon_days: days, sd, ..self.clone() }
    }

    /// Only these factors, in the order given; those it does not have are left out.
    #[must_use]
    pub fn only(&self, factors: &[Factor]) -> Self {
        let places: Vec<usize> =
            factors.iter().filter_map(|f| self.factors.iter().position(|own| own == f)).collect();
        let pick = |place: &usize| self.sd.get(*place).copied().unwrap_or(f64::NAN);
        Self {
            factors: places.iter().filter_map(|place| self.factors.get(*place).cloned()).collect(),
            horizon_days: self.horizon_days,
            sd: places.iter().map(pick).collect(),
            correlation: places
                .iter()
                .flat_map(|i| places.iter().map(|j| self.correlation((*i, *j))))
                .collect(),
        }
    }

    /// `Sigma x`.
    #[must_use]
    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        let scaled: Vec<f64> = x.iter().zip(&self.sd).map(|(x, sd)| x * sd).collect();
        self.sd
            .iter()
            .enumerate()
            .map(|(i, sd)| {
                sd * scaled
                    .iter()
                    .enumerate()
                    .fold(0.0, |sum, (j, x)| x.mul_add(self.correlation((i, j)), sum))
            })
            .collect()
    }

    /// The lower triangle L with `Sigma = L L'`, row by row in the order of factors.
    ///
    /// # Errors
    /// [`CovarianceError::NotPositiveDefinite`] with the offending pair.
    pub fn cholesky(&self) -> Result<Lower, CovarianceError> {
        let width = self.factors.len();
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(width);
        for i in 0..width {
            let mut row: Vec<f64> = Vec::with_capacity(i + 1);
            for (j, other) in rows.iter().enumerate() {
                let known = dot(&row, other);
                let pivot = other.last().copied().unwrap_or(f64::NAN);
                row.push((self.correlation((i, j)) - known) / pivot);
            }
            let own = self.correlation((i, i)) - dot(&row, &row);
            if own.is_nan() || own < LEAST_PIVOT {
                return Err(self.offending(i));
            }
            row.push(own.sqrt());
            rows.push(row);
        }
        for (row, sd) in rows.iter_mut().zip(&self.sd) {
            row.iter_mut().for_each(|cell| *cell *= sd);
        }
        Ok(Lower { rows })
    }

    fn offending(&self, second: usize) -> CovarianceError {
        let nearest = (0..second).fold(None, |best: Option<(usize, f64)>, j| {
            let size = self.correlation((second, j)).abs();
            if best.is_none_or(|(_, most)| size > most) { Some((j, size)) } else { best }
        });
        let first = nearest.map_or(second, |(j, _)| j);
        let name =
            |place: usize| self.factors.get(place).cloned().unwrap_or_else(|| Factor::Spot(Asset::usd()));
        CovarianceError::NotPositiveDefinite {
            first: name(first),
            second: name(second),
            correlation: self.correlation((second, first)),
        }
    }
}

/// Sum of products over the shorter of two rows, in order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| a.mul_add(*b, sum))
}

/// A lower triangle.
#[derive(Debug, Clone, PartialEq)]
pub struct Lower {
    rows: Vec<Vec<f64>>,
}

impl Lower {
    /// `L z`: joint moves from independent standard normals.
    #[must_use]
    pub fn times(&self, z: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| dot(row, z)).collect()
    }

    /// `L⁻¹ x`: the independent standard normals behind a move; their length is the Mahalanobis distance.
    #[must_use]
    pub fn solve(&self, x: &[f64]) -> Vec<f64> {
        let mut z: Vec<f64> = Vec::with_capacity(x.len());
        for (row, x) in self.rows.iter().zip(x) {
            let pivot = row.last().copied().unwrap_or(f64::NAN);
            z.push((x - dot(&z, row)) / pivot);
        }
        z
    }

    /// `draws` joint moves from a seed, one after the other.
    #[must_use]
    pub fn draws(&self, seed: u64, draws: usize) -> Vec<Vec<f64>> {
        let mut generator = SplitMix64::new(seed);
        let mut draw = || {
            let z: Vec<f64> = self.rows.iter().map(|_| generator.normal()).collect();
            self.times(&z)
        };
        (0..draws).map(|_| draw()).collect()
    }
}

/// A generator whose next state does not depend on what was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// 64 bits.
    pub const fn next_bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A standard normal.
    pub fn normal(&mut self) -> f64 {
        #[allow(clippy::cast_precision_loss)] // 53 bits are exact
        let uniform = ((self.next_bits() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0;
        kernel::norm_inv(uniform)
    }
}

/// A covariance with where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct CovarianceFile {
    /// Where its numbers come from.
    pub source: String,
    /// First day of the data.
    pub valid_from: String,
    /// Last day of the data.
    pub valid_to: String,
    /// The numbers.
    pub covariance: Covariance,
    /// Factors that stand in for others.
    pub proxies: Proxies,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FileToml {
    source: String,
    valid_from: String,
    valid_to: String,
    horizon_days: u32,
    correlations: Vec<Vec<f64>>,
    factor: Vec<FactorToml>,
    #[serde(default)]
    spot_proxy: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    vol_proxy: std::collections::BTreeMap<String, String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FactorToml {
    asset: String,
    kind: Kind,
    sd: f64,
}

#[derive(serde::Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Spot,
    Vol,
}

impl CovarianceFile {
    /// Parses and checks a file.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Issues> {
        let mut issues = Issues::default();
        let mut issue = |field: &str, value: String, rule: String| {
            issues.push(Issue { file: file.into(), row: 0, field: field.into(), value, rule });
        };
        let parsed: FileToml = match toml::from_str(text) {
            Ok(parsed) => parsed,
            Err(error) => {
                issue("", String::new(), error.to_string().trim().to_owned());
                return Err(issues);
            }
        };
        if parsed.source.trim().is_empty() {
            issue("source", String::new(), "say where the numbers come from".into());
        }
        if !(1..=366).contains(&parsed.horizon_days) {
            issue("horizon_days", parsed.horizon_days.to_string(), "1 to 366 whole days".into());
        }
        let mut factors = Vec::new();
        for factor in &parsed.factor {
            match Asset::new(&factor.asset) {
                Ok(asset) => {
                    let named = match factor.kind {
                        Kind::Spot => Factor::Spot(asset),
                        Kind::Vol => Factor::Vol(asset),
                    };
                    if factors.iter().any(|(other, _)| *other == named) {
                        issue("factor", named.to_string(), "each factor once".into());
                    }
                    factors.push((named, factor.sd));
                }
                Err(error) => issue("factor.asset", factor.asset.clone(), error.to_string()),
            }
        }
        matrix_issues(&parsed.correlations, parsed.factor.len(), &mut issue);
        let proxies = Proxies::parse(&parsed.spot_proxy, &parsed.vol_proxy)
            .map_err(|(text, rule)| issue("proxy", text, rule))
            .unwrap_or_default();
        let made = Covariance::new(factors, &parsed.correlations, parsed.horizon_days);
        let checked = made.and_then(|made| made.cholesky().map(|_| made));
        if let Err(error) = &checked {
            issue("factor", String::new(), error.to_string());
        }
        match checked {
            Ok(covariance) if issues.is_empty() => Ok(Self {
                source: parsed.source,
                valid_from: parsed.valid_from,
                valid_to: parsed.valid_to,
                covariance,
                proxies,
            }),
            _ => Err(issues),
        }
    }

    /// The file as text that [`CovarianceFile::parse`] reads back to the same numbers.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.into()).to_string();
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = writeln!(out, "source = {}", quoted(&self.source));
        let _ =
            writeln!(out, "valid_from = {}\nvalid_to = {}", quoted(&self.valid_from), quoted(&self.valid_to));
        let _ = writeln!(out, "horizon_days = {}", self.covariance.horizon_days);
        out.push_str("correlations = [\n");
        let width = self.covariance.factors.len();
        for i in 0..width {
            let row: Vec<String> =
                (0..width).map(|j| format!("{:?}", self.covariance.correlation((i, j)))).collect();
            let _ = writeln!(out, "  [{}],", row.join(", "));
        }
        out.push_str("]\n");
        for (factor, sd) in self.covariance.factors.iter().zip(self.covariance.sd()) {
            let (asset, kind) = (quoted(factor.asset().as_str()), factor.kind());
            let _ = writeln!(out, "\n[[factor]]\nasset = {asset}\nkind = \"{kind}\"\nsd = {sd:?}");
        }
        out.push_str(&self.proxies.to_toml());
        out
    }
}

fn matrix_issues(rows: &[Vec<f64>], width: usize, issue: &mut impl FnMut(&str, String, String)) {
    if rows.len() != width || rows.iter().any(|row| row.len() != width) {
        issue("correlations", String::new(), format!("a square of {width} rows and columns, one a factor"));
        return;
    }
    for (i, row) in rows.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            let mirrored = rows.get(j).and_then(|other| other.get(i)).copied().unwrap_or(f64::NAN);
            let is_sound = value.is_finite() && value.abs() <= 1.0 && (mirrored - value).abs() <= 1e-12;
            if !is_sound || (i == j && (value - 1.0).abs() > 1e-12) {
                let rule = "correlations lie within -1 and 1, are symmetric, and 1 on the diagonal";
                issue(&format!("correlations[{i}][{j}]"), value.to_string(), rule.into());
            }
        }
    }
}

#[cfg(test)]
mod tests;
