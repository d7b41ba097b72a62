//! Net collateral and margin requirements of a dYdX v4 subaccount, in the chain's own integers.
//!
//! | unit | meaning |
//! |---|---|
//! | quote quantum | 1e-6 USDC; one USDC counts as one USD |
//! | base quantum | 10^`atomic_resolution` coins |
//! | price | integer x 10^`exponent` USD a coin |
//! | ppm | 1e-6 |
//!
//! With N = signed notional, floored: NC = USDC + settled funding + Σ N, initial = Σ ceil(|N| IMF), maintenance =
//! Σ ceil(ceil(|N| base IMF) maintenance fraction). IMF rises with open interest, the maintenance requirement does not.
//! Integers have no largest value here, as on the chain, so nothing overflows but a ratio in ppm.
//!
//! Source: dydxprotocol/v4-chain at 84d4664b, read for its rules; none of its code is used.

use crate::protocol::exact::Fraction;
use num_bigint::{BigInt, Sign};
use std::collections::BTreeMap;

/// Quote quantums: 1e-6 USDC.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct QuoteQuantums(pub BigInt);

/// Base quantums: 10^`atomic_resolution` coins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct BaseQuantums(pub BigInt);

/// Funding index: quote quantums per million base quantums.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FundingIndex(pub BigInt);

/// Parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ppm(pub u32);

/// A perpetual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerpetualId(pub u32);

/// An asset of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AssetId(pub u32);

/// Why there is no figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DydxError {
    /// A position or update in a perpetual that does not exist.
    #[error("perpetual {} does not exist", .0.0)]
    UnknownPerpetual(PerpetualId),
    /// Only USDC is collateral.
    #[error("asset {} is not collateral: the chain margins USDC only", .0.0)]
    NotCollateral(AssetId),
    /// What is closed must be a part of an open position, with the opposite sign.
    #[error("perpetual {}: {} base quantums do not close a position of {}", perpetual.0, delta.0, position.0)]
    NotClosing {
        /// Where.
        perpetual: PerpetualId,
        /// Change of the position.
        delta: BaseQuantums,
        /// Open position; zero when there is none.
        position: BaseQuantums,
    },
    /// A fill of nothing.
    #[error("perpetual {}: a fill of no base quantums has no insurance fund delta", .0.0)]
    EmptyFill(PerpetualId),
    /// A share of a maintenance requirement of zero.
    #[error("the account has no maintenance requirement, so it has no bankruptcy or fillable price")]
    NoMaintenance,
    /// A power of ten beyond 10^64 or 10^-64.
    #[error("perpetual {}: a scale of 10^{exponent} is out of range", perpetual.0)]
    Scale {
        /// Where.
        perpetual: PerpetualId,
        /// The power.
        exponent: i64,
    },
    /// A ratio that does not fit parts per million of 32 bits.
    #[error("{0} overflows 32 bits of parts per million")]
    PpmOverflow(&'static str),
}

/// Margin parameters that perpetuals share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiquidityTier {
    /// Initial margin fraction (IMF) without open interest.
    pub initial_margin: Ppm,
    /// Maintenance requirement as a part of the initial one.
    pub maintenance_fraction: Ppm,
    /// Open notional from which the IMF rises.
    pub open_interest_lower_cap: QuoteQuantums,
    /// Open notional at which it reaches one; zero switches the rise off.
    pub open_interest_upper_cap: QuoteQuantums,
}

/// A perpetual with its oracle price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Perpetual {
    /// Power of ten of a base quantum in coins.
    pub atomic_resolution: i32,
    /// Oracle price, an integer of 10^`exponent` USD.
    pub price: BigInt,
    /// Power of ten of the price.
    pub exponent: i32,
    /// Funding index now.
    pub funding_index: FundingIndex,
    /// Open interest.
    pub open_interest: BaseQuantums,
    /// Margin parameters.
    pub tier: LiquidityTier,
}

/// Perpetuals by id.
pub type Perpetuals = BTreeMap<PerpetualId, Perpetual>;

/// An open position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Signed size.
    pub quantums: BaseQuantums,
    /// Funding index when it was settled last.
    pub funding_index: FundingIndex,
}

/// One subaccount.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subaccount {
    /// Signed amounts of assets in their own quantums.
    pub assets: BTreeMap<AssetId, BigInt>,
    /// Open positions.
    pub positions: BTreeMap<PerpetualId, Position>,
}

/// A change of a subaccount that is thought through before it is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Update {
    /// Added to the USDC.
    pub usdc: QuoteQuantums,
    /// Added to positions, one after the other.
    pub perpetuals: Vec<(PerpetualId, BaseQuantums)>,
}

/// What the chain asks and what there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Risk {
    /// USDC, settled funding and signed notionals.
    pub net_collateral: QuoteQuantums,
    /// Needed to open or to withdraw.
    pub initial: QuoteQuantums,
    /// Below this the chain liquidates.
    pub maintenance: QuoteQuantums,
}

impl AssetId {
    /// The one asset that is collateral.
    pub const USDC: Self = Self(0);
}

impl Ppm {
    /// One.
    pub const ONE: Self = Self(1_000_000);

    pub(crate) fn fraction(self) -> Fraction {
        Fraction::whole(self.0).times(&millionth())
    }

    fn of(number: &BigInt, what: &'static str) -> Result<Self, DydxError> {
        u32::try_from(number).map(Self).map_err(|_| DydxError::PpmOverflow(what))
    }
}

impl QuoteQuantums {
    /// Times a ratio, rounded up.
    fn share_up(&self, ratio: Ppm) -> Self {
        Self(Fraction::whole(self.0.clone()).times(&ratio.fraction()).ceil())
    }

    fn absolute(&self) -> Self {
        Self(BigInt::from(self.0.magnitude().clone()))
    }
}

impl LiquidityTier {
    /// IMF at an open notional: base + (1 - base) (open - lower) / (upper - lower), floored to a ppm, from base to one.
    ///
    /// # Errors
    /// When the IMF does not fit.
    pub fn initial_margin_at(&self, open_notional: &QuoteQuantums) -> Result<Ppm, DydxError> {
        let (lower, upper) = (&self.open_interest_lower_cap, &self.open_interest_upper_cap);
        if upper.0.sign() == Sign::NoSign || open_notional <= lower {
            return Ok(self.initial_margin);
        }
        if open_notional >= upper {
            return Ok(self.initial_margin.max(Ppm::ONE));
        }
        let room = BigInt::from(Ppm::ONE.0) - BigInt::from(self.initial_margin.0);
        let width = Fraction::whole(&upper.0 - &lower.0);
        let Some(rise) = Fraction::whole(room * (&open_notional.0 - &lower.0)).over(&width) else {
            return Ok(self.initial_margin);
        };
        Ppm::of(&(BigInt::from(self.initial_margin.0) + rise.floor()), "initial margin with open interest")
    }

    /// Initial requirement of a notional: ceil(|notional| IMF).
    ///
    /// # Errors
    /// When the IMF does not fit.
    pub fn initial(&self, parts: &Notional) -> Result<QuoteQuantums, DydxError> {
        Ok(parts.position.absolute().share_up(self.initial_margin_at(&parts.open_interest)?))
    }

    /// Maintenance requirement: ceil(ceil(|notional| base IMF) maintenance fraction), whatever the open interest.
    #[must_use]
    pub fn maintenance(&self, position: &QuoteQuantums) -> QuoteQuantums {
        position.absolute().share_up(self.initial_margin).share_up(self.maintenance_fraction)
    }

    /// Maintenance margin fraction, floored.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn maintenance_margin(&self) -> Result<Ppm, DydxError> {
        let product = BigInt::from(self.initial_margin.0) * self.maintenance_fraction.0;
        Ppm::of(&Fraction::whole(product).times(&millionth()).floor(), "maintenance margin")
    }

    /// Largest funding rate of eight hours, either way: factor (IMF - MMF), floored.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn funding_clamp(&self, factor: Ppm) -> Result<Ppm, DydxError> {
        let between = BigInt::from(self.initial_margin.0) - BigInt::from(self.maintenance_margin()?.0);
        Ppm::of(&Fraction::whole(between).times(&factor.fraction()).floor(), "funding clamp")
    }
}

/// A position's notional beside the open notional of its market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notional {
    /// Signed notional of the position.
    pub position: QuoteQuantums,
    /// Of all positions of the market.
    pub open_interest: QuoteQuantums,
}

impl Perpetual {
    /// Signed notional, floored: size x price x 10^(resolution + exponent + 6).
    ///
    /// # Errors
    /// When the scale is out of range.
    pub fn notional(&self, size: &BaseQuantums, id: PerpetualId) -> Result<QuoteQuantums, DydxError> {
        let exponent = i64::from(self.atomic_resolution) + i64::from(self.exponent) + 6;
        let scale = i32::try_from(exponent).ok().and_then(Fraction::power_of_ten);
        let scale = scale.ok_or(DydxError::Scale { perpetual: id, exponent })?;
        Ok(QuoteQuantums(Fraction::whole(&size.0 * &self.price).times(&scale).floor()))
    }

    /// What a position of this size brings and asks.
    ///
    /// # Errors
    /// When the scale is out of range or the IMF does not fit.
    pub fn risk(&self, size: &BaseQuantums, id: PerpetualId) -> Result<Risk, DydxError> {
        let position = self.notional(size, id)?;
        let open_interest = self.notional(&self.open_interest, id)?;
        let maintenance = self.tier.maintenance(&position);
        let parts = Notional { position, open_interest };
        let initial = self.tier.initial(&parts)?;
        Ok(Risk { net_collateral: parts.position, initial, maintenance })
    }
}

impl Subaccount {
    /// A subaccount with USDC alone.
    #[must_use]
    pub fn with_usdc(usdc: QuoteQuantums) -> Self {
        Self { assets: BTreeMap::from([(AssetId::USDC, usdc.0)]), positions: BTreeMap::new() }
    }

    /// The subaccount after a change. A new position starts at the funding index of now.
    ///
    /// # Errors
    /// When a perpetual does not exist.
    pub fn updated(&self, update: &Update, perpetuals: &Perpetuals) -> Result<Self, DydxError> {
        let mut after = self.clone();
        *after.assets.entry(AssetId::USDC).or_default() += &update.usdc.0;
        for (id, delta) in &update.perpetuals {
            let perpetual = perpetuals.get(id).ok_or(DydxError::UnknownPerpetual(*id))?;
            let position = after.positions.entry(*id).or_insert_with(|| Position {
                quantums: BaseQuantums::default(),
                funding_index: perpetual.funding_index.clone(),
            });
            position.quantums.0 += &delta.0;
        }
        Ok(after)
    }

    /// Net collateral and requirements.
    ///
    /// # Errors
    /// When a perpetual does not exist, an asset is not collateral, or a scale is out of range.
    pub fn risk(&self, perpetuals: &Perpetuals) -> Result<Risk, DydxError> {
        let mut total = Risk::default();
        for (asset, amount) in &self.assets {
            match (*asset == AssetId::USDC, amount.sign()) {
                (true, _) => total.net_collateral.0 += amount,
                (false, Sign::NoSign) => {}
                (false, _) => return Err(DydxError::NotCollateral(*asset)),
            }
        }
        let mut funding = BigInt::default();
        for (id, position) in &self.positions {
            let perpetual = perpetuals.get(id).ok_or(DydxError::UnknownPerpetual(*id))?;
            total = total.plus(&perpetual.risk(&position.quantums, *id)?);
            funding -= (&perpetual.funding_index.0 - &position.funding_index.0) * &position.quantums.0;
        }
        // Rounded once for the whole account, down.
        total.net_collateral.0 += Fraction::whole(funding).times(&millionth()).floor();
        Ok(total)
    }
}

impl Risk {
    /// Sum part by part.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            net_collateral: QuoteQuantums(&self.net_collateral.0 + &other.net_collateral.0),
            initial: QuoteQuantums(&self.initial.0 + &other.initial.0),
            maintenance: QuoteQuantums(&self.maintenance.0 + &other.maintenance.0),
        }
    }

    /// True when something is asked and there is less. An account without positions is never liquidated.
    #[must_use]
    pub fn is_liquidatable(&self) -> bool {
        self.maintenance.0.sign() == Sign::Plus && self.maintenance > self.net_collateral
    }
}

fn millionth() -> Fraction {
    // 10^-6 is in range, so the other arm is never taken.
    Fraction::power_of_ten(-6).unwrap_or_else(|| Fraction::whole(0))
}
