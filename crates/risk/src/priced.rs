//! One contract with everything it needs to be valued, looked up once; after that valuing is total.
//!
//! Every contract's USD value per canonical unit under a shock is one of three forms. `s` is the spot factor of its underlying,
//! `r` the factor on the USD rate of the currency it pays in, `q` the same factor if its price is quoted in that currency too
//! (a USDT contract: the coin's USD price moves by `s`, its USDT price by `s/q`) and 1 if it is quoted in USD (inverse, and
//! contracts that pay USDC at the USD price). After `h` days the carry of that time has been earned: the forward is
//! `F_h = F (S/F)^(h/T)`, with `F_T = S`, so that every contract settles at the shocked spot.
//! * option: `c_h r V(F_h s/q, vol', T - h)`; `c_h = S/F_h` for inverse ones (their coin moves with `s`, which is in
//!   `V/(F_h s) x S s`), the currency's USD rate otherwise;
//! * future, perpetual: the gain since the current mark, `rate r (F_h s/q - F)` or inverse `N S s (1/F - 1/(F_h s))`; gains
//!   before it are a holding of the settlement asset (see [`crate::lines`]);
//! * coin or currency: its USD price times `s` or `r`.

use crate::measure::{Exposure, Measure};
use crate::smile::PlacedSmile;
use crate::unit::Unit;
use instrument::{Contract, Settlement, Terms};
use market::{ForwardSource, Market, Missing, VolSource};
use pricing::Black76;
use units::{Asset, Discount, Fixed, OptionKind, Spot, Strike, UnitError, YearFraction, border};

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

/// In what a contract's price is quoted: decides whether a depeg of the paying currency moves the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotedIn {
    /// USD: the price stays where it is.
    Usd,
    /// The paying currency: its price of a coin rises as the currency falls.
    PayingCurrency,
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
    /// In what its price is quoted.
    pub quoted_in: QuotedIn,
    /// Spot over forward, both in the currency of the quote; 1 for perpetuals and assets.
    pub spot_over_forward: f64,
    /// USD per unit of the form's value: c above.
    pub usd_per_value: f64,
    /// Index of the underlying, USD.
    pub spot_usd: f64,
    /// The form.
    pub form: Form,
    /// The smile around an option; none for everything else, and where there is no surface.
    pub smile: Option<Box<PlacedSmile>>,
    /// Where the inputs come from.
    pub provenance: Provenance,
    pub(crate) settles_in_underlying: bool,
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
            quoted_in: QuotedIn::Usd,
            spot_over_forward: 1.0,
            usd_per_value: usd,
            spot_usd: usd,
            form: Form::Asset,
            smile: None,
            provenance: Provenance { forward: None, vol: None },
            settles_in_underlying: true,
        })
    }

    fn future(contract: &Contract, market: &Market) -> Result<Self, Missing> {
        let state = market.future_state(contract)?;
        let rates = UsdRates::new((&contract.underlying, &contract.settlement), market)?;
        let spot_usd = rates.spot;
        let usd_per_value = rates.paid.unwrap_or(spot_usd / state.mark.get());
        let forward_usd = state.mark.get() * rates.quoted;
        let slope_usd = match contract.settlement {
            Settlement::Inverse => usd_per_value,
            Settlement::Linear { .. } | Settlement::Quanto { .. } => usd_per_value * state.mark.get(),
        };
        Ok(Self {
            underlying: contract.underlying.clone(),
            rate_asset: rate_asset(contract),
            quoted_in: quoted_in(contract),
            spot_over_forward: if contract.expiry().is_some() { spot_usd / forward_usd } else { 1.0 },
            usd_per_value,
            spot_usd,
            form: Form::Future { slope_usd, expiry: state.expiry },
            smile: None,
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
        let rates = UsdRates::new((&contract.underlying, &contract.settlement), market)?;
        let discount = Discount::new(1.0).map_err(range)?;
        let black =
            Black76 { forward: state.forward, strike, vol: state.vol, expiry: state.expiry, discount, kind };
        let mut priced = Self {
            underlying: contract.underlying.clone(),
            rate_asset: rate_asset(contract),
            quoted_in: quoted_in(contract),
            spot_over_forward: 1.0,
            usd_per_value: 1.0,
            spot_usd: rates.spot,
            form: Form::Option(black),
            smile: placed_smile(contract, &black, market),
            provenance: Provenance { forward: Some(state.forward_source), vol: Some(state.vol_source) },
            settles_in_underlying: contract.settlement == Settlement::Inverse,
        };
        priced.follow_rates(&rates);
        Ok(priced)
    }

    /// Brings an option up to other USD rates: the same value as [`Self::new`] when its forward, vol and time to expiry are as they were.
    pub fn follow_rates(&mut self, rates: &UsdRates) {
        if let Form::Option(black) = &self.form {
            let forward = black.forward.get();
            self.spot_usd = rates.spot;
            self.usd_per_value = rates.paid.unwrap_or(rates.spot / forward);
            self.spot_over_forward = rates.spot / (forward * rates.quoted);
        }
    }

    /// One canonical unit, its kernels run.
    #[must_use]
    pub fn unit(&self) -> Unit {
        Unit::new(self)
    }

    /// Measures of one canonical unit, in USD, before quantising.
    #[must_use]
    pub fn unit_usd(&self) -> [f64; Measure::ALL.len()] {
        let unit = self.unit();
        Measure::ALL.map(|measure| unit.usd(measure))
    }

    /// Measures of a quantity, quantised: one row of the exposure.
    ///
    /// # Errors
    /// When a figure cannot be published.
    pub fn exposure(&self, quantity: f64) -> Result<Exposure, UnitError> {
        self.unit().exposure(quantity)
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

/// What the gain of a future since its entry, a holding of the settlement asset, adds to the future's own row, in USD.
pub(crate) fn gain_usd(gain: Fixed, settlement: &Priced) -> [(Measure, f64); 2] {
    let gain = gain.to_f64();
    let delta_per_unit = match (&settlement.form, &settlement.rate_asset) {
        (Form::Asset, None) if settlement.underlying.as_str() != "USD" => settlement.spot_usd,
        _ => 0.0,
    };
    [(Measure::Value, gain * settlement.usd_per_value), (Measure::Delta, gain * delta_per_unit)]
}

/// Adds it.
///
/// # Errors
/// When a figure cannot be published.
pub(crate) fn add_gain(
    row: &mut Exposure,
    gain: Fixed,
    settlement: &Priced,
    underlying_spot_usd: f64,
) -> Result<(), UnitError> {
    for (measure, usd) in gain_usd(gain, settlement) {
        row.usd[measure.index()] += Fixed::quantise(usd)?;
        row.coin[measure.index()] += Fixed::quantise(usd / underlying_spot_usd)?;
    }
    Ok(())
}

/// Gain of one canonical unit of a future since its entry, in the settlement asset.
///
/// # Errors
/// When the multiplier is out of the model's range.
pub(crate) fn gain_per_unit(contract: &Contract, entry: f64, mark: f64) -> Result<f64, UnitError> {
    Ok(match &contract.settlement {
        Settlement::Inverse => 1.0 / entry - 1.0 / mark,
        Settlement::Linear { .. } => mark - entry,
        Settlement::Quanto { multiplier, .. } => border::to_model(*multiplier)? * (mark - entry),
    })
}

/// What the USD figures of contracts rest on besides forward, vol and time; the same for all of one underlying and settlement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsdRates {
    /// Index of the underlying.
    spot: f64,
    /// Of what prices are quoted in.
    quoted: f64,
    /// Per unit of value in what is paid; none when that is the underlying, at spot over forward.
    paid: Option<f64>,
}

impl UsdRates {
    /// Looks them up.
    ///
    /// # Errors
    /// The first that the market lacks.
    pub fn new((underlying, settlement): (&Asset, &Settlement), market: &Market) -> Result<Self, Missing> {
        let spot = market.spot(underlying)?.get();
        let (paid, quoted) = match settlement {
            Settlement::Inverse => (None, 1.0),
            Settlement::Linear { currency } => {
                let rate = market.usd_rate(currency)?;
                (Some(rate), rate)
            }
            Settlement::Quanto { currency, multiplier } => {
                let rate = market.usd_rate(currency)? * border::to_model(*multiplier).map_err(range)?;
                (Some(rate), 1.0)
            }
        };
        Ok(Self { spot, quoted, paid })
    }

    /// True when the index is a price in the currency of quotes too, as forwards need it: false for absurd rates.
    #[must_use]
    pub fn is_in_range(&self) -> bool {
        Spot::new(self.spot / self.quoted).is_ok()
    }
}

fn placed_smile(contract: &Contract, black: &Black76, market: &Market) -> Option<Box<PlacedSmile>> {
    Some(Box::new(PlacedSmile {
        smile: market.smile(contract)?,
        log_moneyness: pricing::kernel::ln(black.strike.get() / black.forward.get()),
        stickiness: market.stickiness_of(&contract.underlying),
    }))
}

const fn quoted_in(contract: &Contract) -> QuotedIn {
    match contract.settlement {
        Settlement::Linear { .. } => QuotedIn::PayingCurrency,
        Settlement::Inverse | Settlement::Quanto { .. } => QuotedIn::Usd,
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
