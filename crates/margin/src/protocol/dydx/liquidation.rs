//! Prices at which dYdX v4 closes a liquidated position, and what the insurance fund gets or pays.
//!
//! With D = change of the position, N and M = signed notional and maintenance requirement, TNC and TMMR those of the account:
//!
//! ```text
//! bankruptcy price (quote received for D) = -N(D) - floor(TNC |M(after) - M(before)| / TMMR)
//! fillable price (quote per base quantum) = (N - ABR spread M) / size,  ABR = clamp(adjustment (1 - TNC / TMMR), 0, 1)
//! insurance fund delta = min(ceil(max fee |fill quote|), fill quote - bankruptcy price)
//! ```
//!
//! The fillable price is an exact fraction; the chain rounds it to its tick, which is left out.

use super::risk::{
    BaseQuantums, DydxError, Perpetual, PerpetualId, Perpetuals, Ppm, QuoteQuantums, Risk, Subaccount,
};
use crate::protocol::exact::Fraction;
use num_bigint::{BigInt, Sign};

/// What is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Where.
    pub perpetual: PerpetualId,
    /// Signed change of the position.
    pub delta: BaseQuantums,
}

/// How far below (long) or above (short) the oracle price a liquidation may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FillablePriceConfig {
    /// How fast the price falls to its last value as the account loses its margin.
    pub bankruptcy_adjustment: Ppm,
    /// Largest spread as a part of the position's maintenance requirement.
    pub spread_to_maintenance: Ppm,
}

/// Which way a liquidation order trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Closes a short.
    Buy,
    /// Closes a long.
    Sell,
}

/// A fill of a liquidation order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    /// Where.
    pub perpetual: PerpetualId,
    /// Way.
    pub side: Side,
    /// Size, not negative.
    pub amount: BaseQuantums,
    /// Price in subticks.
    pub subticks: u64,
    /// Power of ten of amount x subticks in quote quantums.
    pub quantum_conversion_exponent: i32,
    /// Largest part of the quote that the insurance fund may get.
    pub max_fee: Ppm,
}

/// The position that a closing is checked against.
struct Open<'a> {
    perpetual: &'a Perpetual,
    size: &'a BaseQuantums,
    total: Risk,
}

impl Subaccount {
    fn open<'a>(&'a self, closing: &Closing, perpetuals: &'a Perpetuals) -> Result<Open<'a>, DydxError> {
        let id = closing.perpetual;
        let perpetual = perpetuals.get(&id).ok_or(DydxError::UnknownPerpetual(id))?;
        let delta = closing.delta.clone();
        let Some(position) = self.positions.get(&id) else {
            return Err(DydxError::NotClosing { perpetual: id, delta, position: BaseQuantums::default() });
        };
        let size = &position.quantums;
        let opposite =
            matches!((size.0.sign(), delta.0.sign()), (Sign::Plus, Sign::Minus) | (Sign::Minus, Sign::Plus));
        if !opposite || delta.0.magnitude() > size.0.magnitude() {
            return Err(DydxError::NotClosing { perpetual: id, delta, position: size.clone() });
        }
        Ok(Open { perpetual, size, total: self.risk(perpetuals)? })
    }

    /// Quote that closing must bring for the account to lose exactly the position's share of its collateral; negative is paid.
    ///
    /// # Errors
    /// When the closing does not fit the position, or the account has no maintenance requirement.
    pub fn bankruptcy_price(
        &self,
        closing: &Closing,
        perpetuals: &Perpetuals,
    ) -> Result<QuoteQuantums, DydxError> {
        let open = self.open(closing, perpetuals)?;
        let id = closing.perpetual;
        let before = open.perpetual.risk(open.size, id)?;
        let after_size = BaseQuantums(&open.size.0 + &closing.delta.0);
        let after = open.perpetual.risk(&after_size, id)?;
        let delta_notional = &after.net_collateral.0 - &before.net_collateral.0;
        let freed = BigInt::from((&after.maintenance.0 - &before.maintenance.0).magnitude().clone());
        let share = Fraction::whole(&open.total.net_collateral.0 * freed)
            .over(&Fraction::whole(open.total.maintenance.0))
            .ok_or(DydxError::NoMaintenance)?;
        Ok(QuoteQuantums(-delta_notional - share.floor()))
    }

    /// Quote quantums per base quantum at which a liquidation order of this position fills at worst.
    ///
    /// # Errors
    /// When the closing does not fit the position, or the account has no maintenance requirement.
    pub fn fillable_price(
        &self,
        closing: &Closing,
        perpetuals: &Perpetuals,
        config: FillablePriceConfig,
    ) -> Result<Fraction, DydxError> {
        let open = self.open(closing, perpetuals)?;
        let position = open.perpetual.risk(open.size, closing.perpetual)?;
        let left = Fraction::whole(open.total.net_collateral.0)
            .over(&Fraction::whole(open.total.maintenance.0))
            .ok_or(DydxError::NoMaintenance)?;
        let (none, all) = (Fraction::whole(0), Fraction::whole(1));
        let lost = all.minus(&left).times(&config.bankruptcy_adjustment.fraction()).clamp(none, all);
        let spread = Fraction::whole(position.maintenance.0)
            .times(&config.spread_to_maintenance.fraction())
            .times(&lost);
        let worth = Fraction::whole(position.net_collateral.0).minus(&spread);
        worth.over(&Fraction::whole(open.size.0.clone())).ok_or(DydxError::NoMaintenance)
    }

    /// What a fill brings the insurance fund; negative is what the fund pays.
    ///
    /// # Errors
    /// When the fill is empty or does not fit the position.
    pub fn insurance_fund_delta(
        &self,
        fill: &Fill,
        perpetuals: &Perpetuals,
    ) -> Result<QuoteQuantums, DydxError> {
        let id = fill.perpetual;
        if fill.amount.0.sign() == Sign::NoSign {
            return Err(DydxError::EmptyFill(id));
        }
        let exponent = fill.quantum_conversion_exponent;
        let scale = Fraction::power_of_ten(exponent)
            .ok_or(DydxError::Scale { perpetual: id, exponent: i64::from(exponent) })?;
        let paid = Fraction::whole(&fill.amount.0 * fill.subticks).times(&scale).floor();
        let (quote, delta) = match fill.side {
            Side::Buy => (-paid.clone(), fill.amount.clone()),
            Side::Sell => (paid.clone(), BaseQuantums(-&fill.amount.0)),
        };
        let closing = Closing { perpetual: id, delta };
        let left = quote - self.bankruptcy_price(&closing, perpetuals)?.0;
        let most = Fraction::whole(paid).times(&fill.max_fee.fraction()).ceil();
        Ok(QuoteQuantums(left.min(most)))
    }
}
