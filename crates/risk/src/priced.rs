//! One contract with everything it needs to be valued, looked up once; after that valuing is total.
//!
//! Every contract's USD value per canonical unit under a shock is one of three forms, with `s` the spot factor of its
//! underlying and `r` the factor on its settlement currency's USD rate:
//! * option: `c r V(F s, vol')` with `c = S/F` and `r = 1` for inverse ones (their coin moves with `s`, which is in `V/F s x S s`);
//! * future, perpetual: `slope r (s - 1)`, the gain since the current mark; gains before it are a holding of the
//!   settlement asset (see [`crate::lines`]), so the inverse curve in USD is exact: `N (S/F) (s - 1)`;
//! * coin or currency: its USD price times `s r`.

use crate::measure::{Exposure, Measure};
use instrument::{Contract, Settlement, Terms};
use market::{ForwardSource, Market, Missing, VolSource};
use pricing::Black76;
use units::{Asset, Discount, Fixed, OptionKind, Strike, UnitError, YearFraction, border};

/// What a row of the cube is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// An option; the Black-76 inputs are undiscounted.
    Option(Black76),
    /// A future or perpetual.
    Future {
        /// USD gain per canonical unit for a spot factor of 2.
        slope_usd: f64,
        /// Time to expiry, zero for perpetuals.
        expiry: YearFraction,
    },
    /// A coin or currency held outright.
    Asset,
}

/// Where the inputs of a valuation come from, for display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Provenance {
    /// Source of the forward or mark.
    pub forward: Option<ForwardSource>,
    /// Source of the vol.
    pub vol: Option<VolSource>,
}

/// A contract ready to be valued.
#[derive(Debug, Clone, PartialEq)]
pub struct Priced {
    /// Whose price drives it.
    pub underlying: Asset,
    /// The currency whose USD rate scales it; `None` when that is the underlying itself or USD.
    pub rate_asset: Option<Asset>,
    /// USD per unit of the form's value: c above.
    pub usd_per_value: f64,
    /// Index of the underlying, USD.
    pub spot_usd: f64,
    /// The form.
    pub form: Form,
    /// Where the inputs come from.
    pub provenance: Provenance,
    settles_in_underlying: bool,
}

impl Priced {
    /// Looks up all that one contract needs.
    ///
    /// # Errors
    /// The first thing that the market lacks.
    pub fn new(contract: &Contract, market: &Market) -> Result<Self, Missing> {
        match &contract.terms {
            Terms::Spot => Self::asset(&contract.underlying, market),
            Terms::Perpetual | Terms::Future { .. } => Self::future(contract, market),
            Terms::Option { strike, kind, .. } => {
                let strike = border::to_model(strike.get()).and_then(Strike::new);
                Self::option(contract, strike.map_err(range)?, *kind, market)
            }
        }
    }

    /// A coin or currency held outright.
    ///
    /// # Errors
    /// When there is no USD rate for it.
    pub fn asset(asset: &Asset, market: &Market) -> Result<Self, Missing> {
        let usd = market.usd_rate(asset)?;
        Ok(Self {
            underlying: asset.clone(),
            rate_asset: (asset.is_currency() && asset.as_str() != "USD").then(|| asset.clone()),
            usd_per_value: usd,
            spot_usd: usd,
            form: Form::Asset,
            provenance: Provenance { forward: None, vol: None },
            settles_in_underlying: true,
        })
    }

    fn future(contract: &Contract, market: &Market) -> Result<Self, Missing> {
        let state = market.future_state(contract)?;
        let spot_usd = market.spot(&contract.underlying)?.get();
        let usd_per_value = usd_per_value(contract, state.mark.get(), spot_usd, market)?;
        let slope_usd = match contract.settlement {
            Settlement::Inverse => usd_per_value,
            Settlement::Linear { .. } | Settlement::Quanto { .. } => usd_per_value * state.mark.get(),
        };
        Ok(Self {
            underlying: contract.underlying.clone(),
            rate_asset: rate_asset(contract),
            usd_per_value,
            spot_usd,
            form: Form::Future { slope_usd, expiry: state.expiry },
            provenance: Provenance { forward: Some(state.source), vol: None },
            settles_in_underlying: contract.settlement == Settlement::Inverse,
        })
    }

    fn option(
        contract: &Contract,
        strike: Strike,
        kind: OptionKind,
        market: &Market,
    ) -> Result<Self, Missing> {
        let state = market.option_state(contract)?;
        let spot_usd = market.spot(&contract.underlying)?.get();
        let usd_per_value = usd_per_value(contract, state.forward.get(), spot_usd, market)?;
        let discount = Discount::new(1.0).map_err(range)?;
        let black =
            Black76 { forward: state.forward, strike, vol: state.vol, expiry: state.expiry, discount, kind };
        Ok(Self {
            underlying: contract.underlying.clone(),
            rate_asset: rate_asset(contract),
            usd_per_value,
            spot_usd,
            form: Form::Option(black),
            provenance: Provenance { forward: Some(state.forward_source), vol: Some(state.vol_source) },
            settles_in_underlying: contract.settlement == Settlement::Inverse,
        })
    }

    /// Measures of one canonical unit, in USD, before quantising.
    #[must_use]
    pub fn unit_usd(&self) -> [f64; Measure::ALL.len()] {
        let mut unit = [0.0; Measure::ALL.len()];
        let mut set = |measure: Measure, value: f64| {
            if let Some(slot) = unit.get_mut(measure.index()) {
                *slot = value;
            }
        };
        match &self.form {
            Form::Asset => {
                set(Measure::Value, self.usd_per_value);
                if self.rate_asset.is_none() && self.underlying.as_str() != "USD" {
                    set(Measure::Delta, self.spot_usd);
                }
            }
            Form::Future { slope_usd, expiry } => {
                set(Measure::Delta, *slope_usd);
                set(Measure::DeltaSettlement, *slope_usd);
                set(Measure::Rho, slope_usd * expiry.get() * 1e-4);
            }
            Form::Option(black) => {
                let (c, f, greeks) = (self.usd_per_value, black.forward.get(), black.greeks());
                let vega = c * greeks.vega * 1e-2;
                let delta = c * greeks.delta * f;
                set(Measure::Value, c * greeks.value);
                set(Measure::Delta, delta);
                let own_coin = if self.settles_in_underlying { c * greeks.value } else { 0.0 };
                set(Measure::DeltaSettlement, delta - own_coin);
                set(Measure::Gamma, c * greeks.gamma * f * f * 1e-2);
                set(Measure::Vega, vega);
                set(Measure::Vega30d, vega * (30.0 / black.expiry.days().max(1.0)).sqrt());
                set(Measure::Theta, c * greeks.theta_per_year / YearFraction::DAYS);
                set(Measure::Rho, c * greeks.rho_spot * 1e-4);
                set(Measure::Vanna, c * greeks.vanna * f * 1e-4);
                set(Measure::Volga, c * greeks.volga * 1e-4);
                set(Measure::Charm, c * greeks.charm_per_year * f / YearFraction::DAYS);
            }
        }
        unit
    }

    /// Measures of a quantity, quantised: one row of the exposure.
    ///
    /// # Errors
    /// When a figure cannot be published.
    pub fn exposure(&self, quantity: f64) -> Result<Exposure, UnitError> {
        let mut row = Exposure::default();
        let unit = self.unit_usd();
        for ((usd, coin), per_unit) in row.usd.iter_mut().zip(&mut row.coin).zip(unit) {
            *usd = border::publish(quantity, per_unit)?;
            *coin = border::publish(quantity, per_unit / self.spot_usd)?;
        }
        Ok(row)
    }

    /// USD value of one canonical unit now.
    #[must_use]
    pub fn value_usd(&self) -> f64 {
        match &self.form {
            Form::Option(black) => self.usd_per_value * black.price(),
            Form::Future { .. } => 0.0,
            Form::Asset => self.usd_per_value,
        }
    }
}

/// Adds the gain of a future since its entry, a holding of the settlement asset, to the future's own row.
///
/// # Errors
/// When a figure cannot be published.
pub(crate) fn add_gain(
    row: &mut Exposure,
    gain: Fixed,
    settlement: &Priced,
    underlying_spot_usd: f64,
) -> Result<(), UnitError> {
    let gain = gain.to_f64();
    let value_usd = gain * settlement.usd_per_value;
    let delta_usd = if settlement.rate_asset.is_none() {
        gain * settlement.unit_usd()[Measure::Delta.index()]
    } else {
        0.0
    };
    for (measure, usd) in [(Measure::Value, value_usd), (Measure::Delta, delta_usd)] {
        row.usd[measure.index()] += Fixed::quantise(usd)?;
        row.coin[measure.index()] += Fixed::quantise(usd / underlying_spot_usd)?;
    }
    Ok(())
}

/// Gain of one canonical unit of a future since its entry, in the settlement asset.
#[must_use]
pub(crate) fn gain_per_unit(contract: &Contract, entry: f64, mark: f64) -> f64 {
    match &contract.settlement {
        Settlement::Inverse => 1.0 / entry - 1.0 / mark,
        Settlement::Linear { .. } => mark - entry,
        Settlement::Quanto { multiplier, .. } => {
            border::to_model(*multiplier).unwrap_or(0.0) * (mark - entry)
        }
    }
}

fn usd_per_value(contract: &Contract, forward: f64, spot_usd: f64, market: &Market) -> Result<f64, Missing> {
    match &contract.settlement {
        Settlement::Inverse => Ok(spot_usd / forward),
        Settlement::Linear { currency } => market.usd_rate(currency),
        Settlement::Quanto { currency, multiplier } => {
            Ok(market.usd_rate(currency)? * border::to_model(*multiplier).map_err(range)?)
        }
    }
}

fn rate_asset(contract: &Contract) -> Option<Asset> {
    match &contract.settlement {
        Settlement::Inverse => None,
        Settlement::Linear { currency } | Settlement::Quanto { currency, .. } => {
            (currency.as_str() != "USD").then(|| currency.clone())
        }
    }
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn range(error: UnitError) -> Missing {
    Missing::Range { rule: error.to_string() }
}
