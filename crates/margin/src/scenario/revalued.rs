//! Rows of contracts that many accounts hold: a row is revalued by the first account that has the contract, and copied by the others.
//!
//! A row is found by all that it follows from beside the model, bit by bit: index, time, forward, discount and terms. So it is the row that
//! the account would have computed, whoever computed it, in whatever order and on however many threads.

use super::cube::{AssetState, ContractState, CubeError, ExpiryState, Follows, Payoff, UnitFigures};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use units::{Asset, OptionKind};

/// Figures of an expiry and its contract, and the underlying, whose range the model knows by name.
type Key = ([u64; 12], Asset);

/// Cells, and what else a row says.
type Kept = (Box<[f64]>, UnitFigures);

/// Rows under one model.
#[derive(Debug, Default)]
pub(crate) struct Revalued(RwLock<BTreeMap<Key, Kept>>);

impl Revalued {
    /// Fills cells with the row of a contract, by `revalue` when nobody has had it before. What fails is not kept.
    pub(super) fn fill(
        &self,
        of: (&AssetState, &ExpiryState, &ContractState),
        cells: &mut [f64],
        revalue: impl FnOnce(&mut [f64]) -> Result<UnitFigures, CubeError>,
    ) -> Result<UnitFigures, CubeError> {
        let key = key(of);
        // A thread that panicked has inserted whole rows or none.
        if let Some((row, figures)) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key)
            && row.len() == cells.len()
        {
            cells.copy_from_slice(row);
            return Ok(*figures);
        }
        let figures = revalue(cells)?;
        let row: Box<[f64]> = (&*cells).into();
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, (row, figures));
        Ok(figures)
    }
}

fn key((asset, state, contract): (&AssetState, &ExpiryState, &ContractState)) -> Key {
    let paid = |payoff: Payoff| match payoff {
        Payoff::Currency { coins, usd } => (0, coins, usd),
        Payoff::Coin => (1, 0.0, 0.0),
    };
    let (kind, (pays, coins, usd), [first, second]) = match *contract {
        ContractState::Option { strike, kind, vol, payoff, .. } => {
            let kind = if kind == OptionKind::Call { 0 } else { 1 };
            (kind, paid(payoff), [strike.get(), vol])
        }
        ContractState::Future { mark, payoff, .. } => (2, paid(payoff), [mark, 0.0]),
        ContractState::Holding { coins, price, confidence, follows, .. } => {
            let kind = if follows == Follows::Index { 3 } else { 4 };
            (kind, (0, coins, 0.0), [price, confidence])
        }
    };
    let bits = [
        first,
        state.years.get(),
        second,
        state.forward_variable,
        state.forward_fixed,
        state.discount.get(),
        asset.index,
        coins,
        usd,
        state.rate,
    ];
    let mut key = [0; 12];
    for (place, figure) in key.iter_mut().zip(bits) {
        *place = figure.to_bits();
    }
    let [.., before, last] = &mut key;
    (*before, *last) = (kind, pays);
    (key, asset.asset.clone())
}
