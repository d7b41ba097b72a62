//! Weights and margin ratios of Drift v2, which grow with size.
//!
//! | unit | meaning |
//! |---|---|
//! | [`Weight`] | 1e-4; weights of assets and liabilities, margin ratios |
//! | [`Imf`] | 1e-6; how fast they grow with the square root of size |
//! | [`Size`] | 1e-9 coins |
//! | [`Quote`] | 1e-6 USD |
//! | [`Price`] | 1e-6 USD a coin |
//!
//! With s = isqrt(10 size + 1), in 1e-5: asset weight = min(w, 1.1 / (1 + s imf)); liability weight and margin ratio =
//! max(w, w - w/5 + s imf). Quotients are truncated as the program does. An overflow of 128 bits is an error, as there.

use crate::protocol::exact::Fraction;
use num_bigint::BigInt;

/// Quote: 1e-6 USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Quote(pub i128);

/// Price: 1e-6 USD a coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Price(pub i128);

/// Signed perpetual size: 1e-9 coins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Base(pub i128);

/// Signed amount of a token: 10^-decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct TokenAmount(pub i128);

/// Unsigned size for the growth of weights: 1e-9 coins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Size(pub u128);

/// Weight or margin ratio: 1e-4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Weight(pub u32);

/// Growth factor: 1e-6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Imf(pub u32);

/// Decimals of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Decimals(pub u32);

/// Which requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarginLevel {
    /// To open or withdraw.
    Initial,
    /// To fill an order: half way, truncated.
    Fill,
    /// Below this the program liquidates.
    Maintenance,
}

/// Why there is no figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DriftError {
    /// A number beyond 128 bits, or a weight beyond 32.
    #[error("{0} overflows")]
    Overflow(&'static str),
    /// A divisor of zero.
    #[error("{0} is zero and divides")]
    Zero(&'static str),
}

/// Weights of a deposit or borrow that is not the quote currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpotWeights {
    /// Of deposits, initial.
    pub initial_asset: Weight,
    /// Of deposits, maintenance.
    pub maintenance_asset: Weight,
    /// Of borrows, initial.
    pub initial_liability: Weight,
    /// Of borrows, maintenance.
    pub maintenance_liability: Weight,
    /// Growth with size.
    pub imf: Imf,
}

/// Margin parameters of a perpetual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerpMarket {
    /// Ratio of the notional, initial.
    pub initial: Weight,
    /// Ratio of the notional, maintenance.
    pub maintenance: Weight,
    /// Growth with size.
    pub imf: Imf,
    /// Weight of a gain not yet settled, initial and fill.
    pub initial_gain: Weight,
    /// The same, maintenance.
    pub maintenance_gain: Weight,
    /// How the initial one shrinks with the gain.
    pub gain_imf: Imf,
}

/// All deposits of a market against the value from which their weight falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DepositScale {
    /// Value of all deposits.
    pub deposits: Quote,
    /// Where the weight starts to fall; zero: it does not.
    pub start: Quote,
}

impl Weight {
    /// One.
    pub const ONE: Self = Self(10_000);

    /// Times a value, truncated towards zero.
    ///
    /// # Errors
    /// When the product overflows.
    pub fn of(self, value: Quote) -> Result<Quote, DriftError> {
        signed(&per(&Fraction::whole(value.0).by(self.0), Self::ONE.0)?.truncate(), "a weighted value")
            .map(Quote)
    }

    /// Smaller with size: min(w, 1.1 / (1 + s imf)).
    ///
    /// # Errors
    /// When the size overflows.
    pub fn discounted(self, imf: Imf, size: Size) -> Result<Self, DriftError> {
        if imf.0 == 0 {
            return Ok(self);
        }
        let grown = per(&Fraction::whole(size.root()?).by(imf.0), 100_000_u32)?.truncate();
        let least = per(&Fraction::whole(11_000_u32).by(1_000_000_u32), grown + 1_000_000_u32)?.truncate();
        Ok(self.min(weight(&least)?))
    }

    /// Larger with size: max(w, w - w/5 + s imf).
    ///
    /// # Errors
    /// When the weight overflows.
    pub fn charged(self, imf: Imf, size: Size) -> Result<Self, DriftError> {
        if imf.0 == 0 {
            return Ok(self);
        }
        let grown = per(&Fraction::whole(size.root()?).by(imf.0), 10_000_000_u32)?.truncate();
        Ok(self.max(weight(&(grown + (self.0 - self.0 / 5)))?))
    }

    /// Lower once all deposits are worth more than the start of the scale: w start / deposits.
    ///
    /// # Errors
    /// When the weight overflows.
    pub fn scaled(self, scale: DepositScale) -> Result<Self, DriftError> {
        if scale.start.0 == 0 || scale.deposits <= scale.start {
            return Ok(self);
        }
        weight(&per(&Fraction::whole(self.0).by(scale.start.0), scale.deposits.0)?.truncate())
    }

    const fn between(self, maintenance: Self, level: MarginLevel) -> Self {
        match level {
            MarginLevel::Initial => self,
            // Without the sum, which could overflow: both halves and what both truncated.
            MarginLevel::Fill => Self(self.0 / 2 + maintenance.0 / 2 + (self.0 % 2 + maintenance.0 % 2) / 2),
            MarginLevel::Maintenance => maintenance,
        }
    }
}

impl Size {
    /// isqrt(10 size + 1): ten times the size in 1e-9 is the square of 1e-5.
    fn root(self) -> Result<u128, DriftError> {
        let scaled = self.0.checked_mul(10).and_then(|size| size.checked_add(1));
        scaled.map(u128::isqrt).ok_or(DriftError::Overflow("size"))
    }
}

impl TokenAmount {
    /// In 1e-9 coins, unsigned.
    ///
    /// # Errors
    /// When it overflows.
    pub fn size(self, decimals: Decimals) -> Result<Size, DriftError> {
        let amount = per(&Fraction::whole(self.0.unsigned_abs()).by(1_000_000_000_u32), power(decimals)?)?;
        u128::try_from(amount.truncate()).map(Size).map_err(|_| DriftError::Overflow("size"))
    }

    /// At a price, truncated towards zero.
    ///
    /// # Errors
    /// When it overflows.
    pub fn value(self, decimals: Decimals, price: Price) -> Result<Quote, DriftError> {
        let value = per(&Fraction::whole(self.0).by(price.0), power(decimals)?)?;
        signed(&value.truncate(), "a token's value").map(Quote)
    }
}

impl SpotWeights {
    /// Of a deposit.
    ///
    /// # Errors
    /// When the size overflows.
    pub fn asset(&self, size: Size, level: MarginLevel) -> Result<Weight, DriftError> {
        self.initial_asset.between(self.maintenance_asset, level).discounted(self.imf, size)
    }

    /// Of a borrow.
    ///
    /// # Errors
    /// When the weight overflows.
    pub fn liability(&self, size: Size, level: MarginLevel) -> Result<Weight, DriftError> {
        self.initial_liability.between(self.maintenance_liability, level).charged(self.imf, size)
    }
}

impl PerpMarket {
    /// Ratio of the notional at a size.
    ///
    /// # Errors
    /// When the ratio overflows.
    pub fn ratio(&self, size: Size, level: MarginLevel) -> Result<Weight, DriftError> {
        self.initial.between(self.maintenance, level).charged(self.imf, size)
    }

    /// Weight of a gain that is not settled: its size is the gain in 1e-9 USD.
    ///
    /// # Errors
    /// When the gain overflows.
    pub fn gain_weight(&self, gain: Quote, level: MarginLevel) -> Result<Weight, DriftError> {
        if level == MarginLevel::Maintenance {
            return Ok(self.maintenance_gain);
        }
        let size = gain.0.unsigned_abs().checked_mul(1000).ok_or(DriftError::Overflow("a gain"))?;
        self.initial_gain.discounted(self.gain_imf, Size(size))
    }
}

pub(super) fn per(fraction: &Fraction, divisor: impl Into<BigInt>) -> Result<Fraction, DriftError> {
    fraction.per(divisor).ok_or(DriftError::Zero("a price, weight or total"))
}

pub(super) fn power(decimals: Decimals) -> Result<u128, DriftError> {
    10_u128.checked_pow(decimals.0).ok_or(DriftError::Overflow("a token's decimals"))
}

pub(super) fn signed(number: &BigInt, what: &'static str) -> Result<i128, DriftError> {
    i128::try_from(number).map_err(|_| DriftError::Overflow(what))
}

fn weight(number: &BigInt) -> Result<Weight, DriftError> {
    u32::try_from(number).map(Weight).map_err(|_| DriftError::Overflow("a weight"))
}
