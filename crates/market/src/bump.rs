//! A market that is not: every index moved, every vol shifted, some days gone by. What a person asks for who turns a knob.
//!
//! ```text
//! S' = S (1 + r)        F' = F (1 + r) (S/F)^(h/T)        vol' = max(vol + points, one point or the vol, if that is lower)        t' = t + h
//! ```
//!
//! Sticky strike; forwards and marks of futures go with their index, and over `h` days they earn their carry, as along the horizons of
//! ladders and curves: the value of a book on a bumped market less its value now is the cell of the ladder at the same shifts. USD rates of
//! currencies stay. What has expired by `t'` has no price there, and says so. Left out: surfaces (a bumped market prices by its marks).

use crate::state::{Family, Market, Underlying};
use instrument::Contract;
use units::{Forward, Spot, UnitError, Vol, YearFraction};

/// No vol is pushed below one vol point.
const LEAST_VOL: f64 = 0.01;
const DAY_MILLIS: f64 = 86_400_000.0;

/// How far a market is moved.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bump {
    spot_return: f64,
    vol_points: f64,
    days: f64,
}

/// What a bump may not be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BumpError {
    /// Spot would be nothing, or many times itself.
    #[error("a spot bump of {percent} % is outside -95 to 500 %")]
    Spot {
        /// What was asked.
        percent: f64,
    },
    /// No market has moved so far.
    #[error("a vol bump of {points} points is outside -200 to 500")]
    Vol {
        /// What was asked.
        points: f64,
    },
    /// Time goes forward.
    #[error("a bump of {days} days is outside 0 to 3650")]
    Days {
        /// What was asked.
        days: f64,
    },
    /// A number left the model's range on the way.
    #[error("the bumped market is outside the model's range: {0}")]
    Range(#[from] UnitError),
}

impl Bump {
    /// Of percent of spot, points of vol and days ahead, in the words of the person who asks.
    ///
    /// # Errors
    /// What is outside its range, NaN included.
    pub fn new(BumpAsked { spot_percent, vol_points, days }: BumpAsked) -> Result<Self, BumpError> {
        if !(-95.0..=500.0).contains(&spot_percent) {
            return Err(BumpError::Spot { percent: spot_percent });
        }
        if !(-200.0..=500.0).contains(&vol_points) {
            return Err(BumpError::Vol { points: vol_points });
        }
        if !(0.0..=3_650.0).contains(&days) {
            return Err(BumpError::Days { days });
        }
        Ok(Self { spot_return: spot_percent / 100.0, vol_points, days })
    }

    /// As a person writes it.
    #[must_use]
    pub fn asked(&self) -> BumpAsked {
        BumpAsked { spot_percent: self.spot_return * 100.0, vol_points: self.vol_points, days: self.days }
    }

    /// True when nothing moves.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn forward(&self, forward: Forward, over_spot: f64, expiry: YearFraction) -> Result<Forward, UnitError> {
        let gone = self.days / YearFraction::DAYS;
        let carried = if self.days == 0.0 || expiry.is_expired() {
            1.0
        } else {
            pricing::kernel::pow(1.0 / over_spot, (gone / expiry.get()).min(1.0))
        };
        Forward::new(forward.get() * (1.0 + self.spot_return) * carried)
    }

    fn vol(&self, vol: Vol) -> Result<Vol, UnitError> {
        let floor = vol.get().min(LEAST_VOL);
        Vol::new((vol.get() + self.vol_points / 100.0).max(floor))
    }
}

/// A bump as a person writes it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BumpAsked {
    /// Percent of every index.
    pub spot_percent: f64,
    /// Points on every vol.
    pub vol_points: f64,
    /// Calendar days ahead.
    pub days: f64,
}

impl Market {
    /// This market, moved.
    ///
    /// # Errors
    /// [`BumpError::Range`] when a number leaves the model's range.
    pub fn bumped(&self, bump: &Bump) -> Result<Self, BumpError> {
        let mut market = self.clone();
        for underlying in market.underlyings.values_mut() {
            move_underlying(underlying, self, bump)?;
        }
        for (contract, mark) in &mut market.future_marks {
            *mark = self.moved_mark(contract, *mark, bump)?;
        }
        for (vol, _) in market.option_vols.values_mut() {
            *vol = bump.vol(*vol)?;
        }
        #[allow(clippy::cast_possible_truncation)] // ten years in milliseconds at most
        let ahead = (bump.days * DAY_MILLIS) as i64;
        market.asof = self.asof.plus_millis(ahead);
        Ok(market)
    }

    fn moved_mark(&self, contract: &Contract, mark: Forward, bump: &Bump) -> Result<Forward, UnitError> {
        let expiry = contract.expiry().and_then(|at| self.asof.years_until(at).ok());
        let spot = self.spot(&contract.underlying).ok().map(Spot::get);
        let rate = self.usd_rate(&crate::quote_currency(contract)).unwrap_or(1.0);
        match (expiry, spot) {
            (Some(expiry), Some(spot)) => bump.forward(mark, mark.get() * rate / spot, expiry),
            // A perpetual has no carry to earn.
            _ => bump.forward(mark, 1.0, YearFraction::ZERO),
        }
    }
}

fn move_underlying(underlying: &mut Underlying, market: &Market, bump: &Bump) -> Result<(), BumpError> {
    let spot = underlying.spot.get();
    for (currency, family) in &mut underlying.families {
        let there = spot / market.usd_rate(currency).unwrap_or(1.0);
        move_family(family, market, (there, bump))?;
    }
    underlying.spot = Spot::new(spot * (1.0 + bump.spot_return))?;
    Ok(())
}

fn move_family(family: &mut Family, market: &Market, (spot, bump): (f64, &Bump)) -> Result<(), BumpError> {
    let asof = market.asof;
    let log_moves = family.curve.move_each(|expiry, forward| {
        let years = asof.years_until(expiry).unwrap_or(YearFraction::ZERO);
        bump.forward(forward, forward.get() / spot, years)
    })?;
    family.vols.shift(&log_moves, bump.days / YearFraction::DAYS, |vol| bump.vol(vol))?;
    family.surface = None;
    Ok(())
}
