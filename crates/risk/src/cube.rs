//! The cube: P&L of one canonical unit of every contract under every shock, each contract priced once for everybody.
//!
//! Shape: `rows x shocks`, row-major, USD. A row is computed by one thread with lanes over shocks; nothing is summed
//! here, so the number of threads cannot change a bit. The P&L of no shock at no horizon is exactly zero, because base and
//! shocked values come from the same kernel.
//!
//! ```
//! use risk::{Cube, Shock, ShockSet, VolShift};
//! let set = ShockSet { days: 0.0, shocks: vec![Shock::default(), Shock::spot_and_points(-0.1, VolShift::default())] };
//! let cube = Cube::build(&[], &set)?;
//! assert_eq!((cube.rows(), cube.shocks()), (0, 2));
//! # Ok::<(), risk::CubeError>(())
//! ```

use crate::priced::{Form, Priced, QuotedIn};
use crate::shock::{Shock, ShockSet, VolPlace, slid_vol};
use pricing::Black76;
use pricing::revalue::{ContractRow, SpotFactorError, SpotFactors, revalue_row};
use rayon::prelude::*;
use std::collections::BTreeMap;
use units::{Asset, Forward, YearFraction};

/// P&L per canonical unit, contracts x shocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Cube {
    shocks: usize,
    pnl_usd: Vec<f64>,
}

/// A set of shocks that cannot be applied.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CubeError {
    /// A spot return of -100 % or less.
    #[error("{underlying}: {source}")]
    SpotFactor {
        /// Of which underlying.
        underlying: Asset,
        /// Which factor.
        source: SpotFactorError,
    },
    /// A shape that the kernel refused; our own mistake.
    #[error("internal: {0}; please report it")]
    Internal(#[from] pricing::batch::BatchError),
}

impl Cube {
    /// Revalues every contract under every shock, on all threads of the current pool.
    ///
    /// # Errors
    /// When a shock takes a spot to zero or below.
    pub fn build(contracts: &[&Priced], set: &ShockSet) -> Result<Self, CubeError> {
        let shocks = set.shocks.len();
        let mut pnl_usd = vec![0.0; contracts.len() * shocks];
        if shocks > 0 {
            let moves = spot_moves(contracts, set)?;
            pnl_usd.par_chunks_mut(shocks).zip(contracts.par_iter()).try_for_each(|(row, contract)| {
                moves.get(&contract.underlying).map_or(Ok(()), |moves| fill(row, contract, moves, set))
            })?;
        }
        Ok(Self { shocks, pnl_usd })
    }

    /// Contracts.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.pnl_usd.len().checked_div(self.shocks).unwrap_or(0)
    }

    /// Shocks.
    #[must_use]
    pub const fn shocks(&self) -> usize {
        self.shocks
    }

    /// All cells, row-major.
    #[must_use]
    pub fn cells(&self) -> &[f64] {
        &self.pnl_usd
    }

    /// P&L of one unit of a contract under each shock; empty for a row that does not exist.
    #[must_use]
    pub fn row(&self, contract: usize) -> &[f64] {
        self.pnl_usd.get(contract * self.shocks..(contract + 1) * self.shocks).unwrap_or(&[])
    }
}

fn spot_moves(contracts: &[&Priced], set: &ShockSet) -> Result<BTreeMap<Asset, SpotFactors>, CubeError> {
    let mut moves = BTreeMap::new();
    for contract in contracts {
        let underlying = &contract.underlying;
        if !moves.contains_key(underlying) {
            let factors = SpotFactors::new(set.shocks.iter().map(|s| s.spot_factor(underlying)).collect());
            let factors = factors.map_err(|source| refused(contract, source))?;
            moves.insert(underlying.clone(), factors);
        }
    }
    Ok(moves)
}

fn fill(row: &mut [f64], contract: &Priced, moves: &SpotFactors, set: &ShockSet) -> Result<(), CubeError> {
    let rate_of = |shock: &Shock| contract.rate_asset.as_ref().map_or(1.0, |asset| shock.rate_factor(asset));
    // What the price in its own currency moves by: a falling currency makes the coin dearer in it.
    let price_factor = |spot: f64, rate: f64| match contract.quoted_in {
        QuotedIn::Usd => spot,
        QuotedIn::PayingCurrency => spot / rate,
    };
    let columns = set.shocks.iter().zip(moves.factors());
    match &contract.form {
        // A currency moves with its rate, a coin with its spot, USD not at all.
        Form::Asset if contract.underlying.as_str() == "USD" => row.fill(0.0),
        Form::Asset => {
            for (cell, (shock, spot)) in row.iter_mut().zip(columns) {
                let moved = if contract.rate_asset.is_some() { rate_of(shock) } else { *spot };
                *cell = contract.usd_per_value * (moved - 1.0);
            }
        }
        Form::Future { slope_usd, expiry } => {
            let carried = carry_earned(contract, *expiry, set.days);
            for (cell, (shock, spot)) in row.iter_mut().zip(columns) {
                let rate = rate_of(shock);
                *cell = if contract.settles_in_underlying {
                    slope_usd * (spot - 1.0 / carried)
                } else {
                    slope_usd * rate * (carried * price_factor(*spot, rate) - 1.0)
                };
            }
        }
        Form::Option(black) => {
            let base = contract.usd_per_value * black.price();
            let carried = carry_earned(contract, black.expiry, set.days);
            let own_moves;
            let moves = if contract.quoted_in == QuotedIn::PayingCurrency && contract.rate_asset.is_some() {
                let factors = columns.map(|(shock, spot)| price_factor(*spot, rate_of(shock))).collect();
                own_moves = SpotFactors::new(factors).map_err(|source| refused(contract, source))?;
                &own_moves
            } else {
                moves
            };
            let vols = vols(contract, black, moves, set);
            option_values(row, &later(black, carried, set.days), moves, &vols)?;
            let coin = if contract.settles_in_underlying {
                contract.usd_per_value / carried
            } else {
                contract.usd_per_value
            };
            for (cell, shock) in row.iter_mut().zip(&set.shocks) {
                *cell = coin * (rate_of(shock) * *cell) - base;
            }
        }
    }
    Ok(())
}

/// `F_h / F`: what the forward has come towards spot after the set's days; 1 today, S/F at expiry and after.
fn carry_earned(contract: &Priced, expiry: YearFraction, days: f64) -> f64 {
    let whole = expiry.get();
    let gone = days / YearFraction::DAYS;
    if days == 0.0 || whole <= 0.0 {
        1.0
    } else if gone >= whole {
        contract.spot_over_forward
    } else {
        pricing::kernel::pow(contract.spot_over_forward, gone / whole)
    }
}

/// The option after the set's days, at unchanged spot.
fn later(black: &Black76, carried: f64, days: f64) -> Black76 {
    let left = black.expiry.get() - days / YearFraction::DAYS;
    let expiry = YearFraction::new(if left > 0.0 { left } else { 0.0 }).unwrap_or(YearFraction::ZERO);
    // Lies between the forward and the spot, so it is a forward, too.
    let forward = Forward::new(black.forward.get() * carried).unwrap_or(black.forward);
    Black76 { forward, expiry, ..*black }
}

/// Shocked vols: the smile slides with the forward, then the shift is added. Tenors are those of today, because the shock is to the
/// surface as it stands.
fn vols(contract: &Priced, black: &Black76, moves: &SpotFactors, set: &ShockSet) -> Vec<f64> {
    let log_moneyness = pricing::kernel::ln(black.strike.get() / black.forward.get());
    let columns = set.shocks.iter().zip(moves.ln_factors());
    columns
        .map(|(shock, log_move)| {
            let slide = contract
                .smile
                .as_ref()
                .map_or(0.0, |smile| smile.slide(*log_move, shock.stickiness(&contract.underlying)));
            let vol = slid_vol(black.vol.get(), slide);
            let log_moneyness = log_moneyness - log_move;
            shock.vol(&contract.underlying, VolPlace { vol, expiry: black.expiry, log_moneyness })
        })
        .collect()
}

/// Undiscounted value under each shock.
fn option_values(
    values: &mut [f64],
    black: &Black76,
    moves: &SpotFactors,
    vols: &[f64],
) -> Result<(), CubeError> {
    revalue_row(&ContractRow::from(black), moves, vols, values)?;
    Ok(())
}

fn refused(contract: &Priced, source: SpotFactorError) -> CubeError {
    CubeError::SpotFactor { underlying: contract.underlying.clone(), source }
}
