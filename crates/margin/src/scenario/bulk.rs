//! Many portfolios on one cube: what a venue's risk team asks of a million accounts.
//!
//! Shapes: portfolios x contracts (sparse) on contracts x scenarios. Each portfolio is margined by [`Cube::risk`], the function
//! that margins one account, so the figures are the same bits for any number of threads.

use super::cube::Cube;
use super::model::ScenarioModel;
use super::risk::{Entry, RiskError, Scratch, UnitRisk};
use rayon::prelude::*;

/// Portfolios as sparse rows of quantities.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Portfolios {
    ends: Vec<usize>,
    entries: Vec<Entry>,
}

/// Portfolios per task: enough to make scheduling negligible.
const BLOCK: usize = 1024;

impl Portfolios {
    /// Adds a portfolio: contract of the cube and quantity in canonical units, in any order; entries of one contract are
    /// kept apart and add up in the order given.
    pub fn push(&mut self, quantities: impl IntoIterator<Item = (u32, f64)>) {
        let start = self.entries.len();
        self.entries.extend(quantities.into_iter().map(|(row, weight)| Entry { row, weight }));
        if let Some(own) = self.entries.get_mut(start..) {
            // Stable, so that the order of equal contracts is the caller's.
            own.sort_by_key(|entry| entry.row);
        }
        self.ends.push(self.entries.len());
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without portfolios.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Entries of one portfolio, in the order of contracts.
    #[must_use]
    pub fn entries(&self, portfolio: usize) -> &[Entry] {
        let start = portfolio.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(portfolio).and_then(|end| self.entries.get(start..*end)).unwrap_or(&[])
    }

    /// Margins all of them, on all threads of the current pool.
    ///
    /// # Errors
    /// When an entry names a contract that is not in the cube, or a sum is not finite.
    pub fn risk(&self, model: &ScenarioModel, cube: &Cube) -> Result<Vec<UnitRisk>, RiskError> {
        let mut all = vec![UnitRisk::default(); self.len()];
        all.par_chunks_mut(BLOCK).enumerate().try_for_each(|(block, out)| {
            let mut scratch = Scratch::default();
            for (offset, slot) in out.iter_mut().enumerate() {
                *slot = cube.risk(model, self.entries(block * BLOCK + offset), &mut scratch)?;
            }
            Ok::<(), RiskError>(())
        })?;
        Ok(all)
    }
}
