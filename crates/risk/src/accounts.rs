//! Many accounts on one cube: each account's P&L is its sparse row of quantities times the cube.
//!
//! Shapes: accounts x contracts (sparse, CSR) times contracts x shocks. Within an account the entries are in the order of
//! contracts, so the bits depend neither on the order of input rows nor on the number of threads. This is what makes a
//! million accounts cost one cube plus one sparse product.
//!
//! ```
//! use risk::{AccountRows, Cube, ShockSet};
//! let mut rows = AccountRows::default();
//! rows.push_account(&[]);
//! assert_eq!(rows.accounts(), 1);
//! # let _ = Cube::build(&[], &ShockSet::default());
//! ```

use crate::cube::Cube;
use pricing::accumulate::{AccumulateError, Entry, Matrix, weighted_sum};
use rayon::prelude::*;

/// Quantities by account and contract.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AccountRows {
    ends: Vec<usize>,
    entries: Vec<Entry>,
}

/// The worst shock of one account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worst {
    /// Which shock; of equal ones the first.
    pub shock: usize,
    /// Its P&L in USD; at most zero only if some shock loses.
    pub pnl_usd: f64,
}

impl AccountRows {
    /// Adds an account: contract index of the cube and net quantity in canonical units, in any order; several entries of one
    /// contract add up in the order given.
    pub fn push_account(&mut self, quantities: &[(u32, f64)]) {
        let start = self.entries.len();
        self.entries.extend(quantities.iter().map(|(row, weight)| Entry { row: *row, weight: *weight }));
        if let Some(own) = self.entries.get_mut(start..) {
            // Stable, so that the order of equal contracts is the caller's.
            own.sort_by_key(|entry| entry.row);
        }
        self.ends.push(self.entries.len());
    }

    /// How many accounts.
    #[must_use]
    pub const fn accounts(&self) -> usize {
        self.ends.len()
    }

    fn of(&self, account: usize) -> &[Entry] {
        let start = account.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(account).and_then(|end| self.entries.get(start..*end)).unwrap_or(&[])
    }

    /// The worst shock of every account, on all threads of the current pool.
    ///
    /// # Errors
    /// When an entry names a contract that the cube does not have, or the cube has no shocks.
    pub fn worst(&self, cube: &Cube) -> Result<Vec<Worst>, AccumulateError> {
        let matrix = Matrix::new(cube.cells(), cube.shocks())?;
        let mut worst = vec![Worst { shock: 0, pnl_usd: 0.0 }; self.accounts()];
        worst.par_chunks_mut(BLOCK).enumerate().try_for_each(|(block, out)| {
            let mut pnl = vec![0.0; cube.shocks()];
            for (offset, slot) in out.iter_mut().enumerate() {
                weighted_sum(&matrix, self.of(block * BLOCK + offset), &mut pnl)?;
                *slot = lowest(&pnl);
            }
            Ok(())
        })?;
        Ok(worst)
    }

    /// P&L of one account under every shock.
    ///
    /// # Errors
    /// As [`AccountRows::worst`].
    pub fn pnl(&self, account: usize, cube: &Cube) -> Result<Vec<f64>, AccumulateError> {
        let mut pnl = vec![0.0; cube.shocks()];
        weighted_sum(&Matrix::new(cube.cells(), cube.shocks())?, self.of(account), &mut pnl)?;
        Ok(pnl)
    }
}

/// Accounts per task: enough to make scheduling negligible.
const BLOCK: usize = 1024;

fn lowest(pnl: &[f64]) -> Worst {
    let mut worst = Worst { shock: 0, pnl_usd: pnl.first().copied().unwrap_or(0.0) };
    for (shock, pnl_usd) in pnl.iter().enumerate() {
        if *pnl_usd < worst.pnl_usd {
            worst = Worst { shock, pnl_usd: *pnl_usd };
        }
    }
    worst
}
