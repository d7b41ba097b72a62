//! One canonical unit of a contract: the kernels run once, each measure is read as it is wanted.
//!
//! A book that is valued again and again needs few measures of most positions, and an index that moves needs no kernel at all: the greeks
//! of an option stay while its forward, vol and time to expiry do. [`crate::Priced::unit_usd`] and
//! [`crate::Priced::exposure`] read all measures of the same [`Unit`], so that there is one definition of each.
//!
//! ```text
//! USD figure of a position = quantise(quantity x unit.usd(measure)), per measure, as in crate::position_rows
//! every |unit.usd(m)|, |unit.coin(m)| <= unit.reach() (1 + 1e-12), so quantities below 1e19 / reach can be published
//! ```

use crate::measure::{Exposure, Measure};
use crate::priced::{Form, Priced};
use pricing::{Black76, Greeks};
use units::{Fixed, UnitError, YearFraction, border};

/// Measures of one canonical unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    usd_per_value: f64,
    spot_usd: f64,
    own_coin: OwnCoin,
    shape: Shape,
}

/// Whether the value of an option is a holding of its underlying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnCoin {
    Yes,
    No,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Asset {
        delta_usd: f64,
    },
    Future {
        slope_usd: f64,
        expiry: YearFraction,
    },
    Option {
        black: Black76,
        greeks: Greeks,
        /// Sum of the sizes of all measures for a value of one USD per unit.
        reach: f64,
    },
}

impl Unit {
    /// Runs the kernels.
    #[must_use]
    pub fn new(priced: &Priced) -> Self {
        let shape = match &priced.form {
            Form::Asset if priced.rate_asset.is_none() && priced.underlying.as_str() != "USD" => {
                Shape::Asset { delta_usd: priced.spot_usd }
            }
            Form::Asset => Shape::Asset { delta_usd: 0.0 },
            Form::Future { slope_usd, expiry } => Shape::Future { slope_usd: *slope_usd, expiry: *expiry },
            Form::Option(black) => Shape::Option { black: *black, greeks: black.greeks(), reach: 0.0 },
        };
        let own_coin = if priced.settles_in_underlying { OwnCoin::Yes } else { OwnCoin::No };
        let mut unit =
            Self { usd_per_value: priced.usd_per_value, spot_usd: priced.spot_usd, own_coin, shape };
        unit.measure_reach();
        unit
    }

    /// Follows a price; the kernels run only when the inputs of the model have changed. The same value as [`Self::new`].
    pub fn follow(&mut self, priced: &Priced) {
        match (&self.shape, &priced.form) {
            (Shape::Option { black, .. }, Form::Option(now)) if black == now => {
                self.usd_per_value = priced.usd_per_value;
                self.spot_usd = priced.spot_usd;
            }
            _ => *self = Self::new(priced),
        }
    }

    /// In USD, before quantising.
    #[must_use]
    #[inline]
    pub fn usd(&self, measure: Measure) -> f64 {
        match &self.shape {
            Shape::Asset { delta_usd } => match measure {
                Measure::Value => self.usd_per_value,
                Measure::Delta => *delta_usd,
                _ => 0.0,
            },
            Shape::Future { slope_usd, expiry } => match measure {
                Measure::Delta | Measure::DeltaSettlement => *slope_usd,
                Measure::Rho => slope_usd * expiry.get() * 1e-4,
                _ => 0.0,
            },
            Shape::Option { black, greeks, .. } => {
                option_usd(self.usd_per_value, (black, greeks), self.own_coin, measure)
            }
        }
    }

    /// In coin of the underlying, before quantising.
    #[must_use]
    pub fn coin(&self, measure: Measure) -> f64 {
        self.usd(measure) / self.spot_usd
    }

    /// Index of the underlying.
    pub(crate) const fn spot_usd(&self) -> f64 {
        self.spot_usd
    }

    /// Bound on the size of every figure, in USD and in coin; not a number when one of them is none.
    #[must_use]
    pub fn reach(&self) -> f64 {
        let usd = match &self.shape {
            Shape::Option { reach, .. } => self.usd_per_value.abs() * reach,
            Shape::Asset { .. } | Shape::Future { .. } => self.size(),
        };
        // Sizes are not below zero: a comparison keeps what is not a number, which `max` would lose.
        if self.spot_usd >= 1.0 { usd } else { usd / self.spot_usd }
    }

    fn size(&self) -> f64 {
        Measure::ALL.into_iter().map(|measure| self.usd(measure).abs()).sum()
    }

    fn measure_reach(&mut self) {
        let one = Self { usd_per_value: 1.0, ..*self };
        if let Shape::Option { reach, .. } = &mut self.shape {
            // Settlement delta is a difference: the sum of all sizes bounds it for either sign.
            *reach = one.size();
        }
    }

    /// One figure of a quantity, quantised.
    ///
    /// # Errors
    /// When it cannot be published.
    #[inline]
    pub fn figure(&self, quantity: f64, measure: Measure) -> Result<Fixed, UnitError> {
        border::publish(quantity, self.usd(measure))
    }

    /// All measures of a quantity, quantised: one row of the exposure.
    ///
    /// # Errors
    /// When a figure cannot be published.
    pub fn exposure(&self, quantity: f64) -> Result<Exposure, UnitError> {
        let mut row = Exposure::default();
        for ((usd, coin), measure) in row.usd.iter_mut().zip(&mut row.coin).zip(Measure::ALL) {
            *usd = self.figure(quantity, measure)?;
            *coin = border::publish(quantity, self.coin(measure))?;
        }
        Ok(row)
    }
}

/// The table of [`crate::Measure`]; `c` is the USD value of one unit of the model's value.
#[inline]
fn option_usd(c: f64, (black, greeks): (&Black76, &Greeks), own_coin: OwnCoin, measure: Measure) -> f64 {
    let f = black.forward.get();
    let delta = || c * greeks.delta * f;
    let vega = || c * greeks.vega * 1e-2;
    match measure {
        Measure::Value => c * greeks.value,
        Measure::Delta => delta(),
        Measure::DeltaSettlement => match own_coin {
            OwnCoin::Yes => delta() - c * greeks.value,
            OwnCoin::No => delta() - 0.0,
        },
        Measure::Gamma => c * greeks.gamma * f * f * 1e-2,
        Measure::Vega => vega(),
        Measure::Vega30d => vega() * (30.0 / black.expiry.days().max(1.0)).sqrt(),
        Measure::Theta => c * greeks.theta_per_year / YearFraction::DAYS,
        Measure::Rho => c * greeks.rho_spot * 1e-4,
        Measure::Vanna => c * greeks.vanna * f * 1e-4,
        Measure::Volga => c * greeks.volga * 1e-4,
        Measure::Charm => c * greeks.charm_per_year * f / YearFraction::DAYS,
    }
}
