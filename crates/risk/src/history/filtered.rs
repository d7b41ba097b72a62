//! Moves rescaled to today's volatility.

use super::{Factor, HistoryError, Moves, Overlap, Panel, step};

/// Daily moves that begin the exponential weighting; windows that start before they are over are left out.
pub const WARM_UP: usize = 20;
/// Decay of daily squares.
pub(crate) const DECAY: f64 = 0.94;
/// [`WARM_UP`] as a number.
const WARM_UP_SQUARES: f64 = 20.0;

impl Panel {
    /// Joint moves, each rescaled by the volatility now over the volatility at its window's start.
    ///
    /// # Errors
    /// As [`Panel::moves`], and [`HistoryError::NoMovement`].
    pub fn filtered_moves(&self, horizon_days: u32, overlap: Overlap) -> Result<Moves, HistoryError> {
        let plain = self.moves(horizon_days, overlap)?;
        let sds: Vec<Vec<Option<f64>>> =
            (0..self.factors.len()).map(|factor| self.volatility(factor)).collect();
        let mut kept = Moves { windows: Vec::new(), values: Vec::new(), ..plain.clone() };
        for (window, row) in plain.windows.iter().zip(plain.rows()) {
            let Ok(day) = self.days.binary_search(&(window.from.unix_nanos() / 86_400_000_000_000)) else {
                continue;
            };
            let scaled: Option<Vec<f64>> = sds
                .iter()
                .zip(row)
                .map(|(sd, moved)| Some(moved * (sd.last().copied()?? / sd.get(day).copied()??)))
                .collect();
            if let Some(scaled) = scaled {
                if let Some((factor, _)) =
                    self.factors.iter().zip(&scaled).find(|(_, moved)| !moved.is_finite())
                {
                    return Err(HistoryError::NoMovement { factor: factor.clone() });
                }
                kept.windows.push(*window);
                kept.values.extend(scaled);
            }
        }
        kept.at_least(1, self)
    }

    /// Volatility of daily moves as known on each joint day; none before the warm-up is over. A gap adds no move.
    fn volatility(&self, factor: usize) -> Vec<Option<f64>> {
        let kind = self.factors.get(factor);
        let mut known = vec![None; self.days.len()];
        let (mut seen, mut square) = (0usize, 0.0f64);
        for day in 1..self.days.len() {
            let is_next = self.days.get(day).zip(self.days.get(day - 1)).is_some_and(|(b, a)| b - a == 1);
            if let Some(kind) = kind.filter(|_: &&Factor| is_next) {
                let moved = step(kind, self.level(day - 1, factor), self.level(day, factor));
                seen += 1;
                square = if seen <= WARM_UP {
                    square + moved * moved / WARM_UP_SQUARES
                } else {
                    DECAY.mul_add(square, (1.0 - DECAY) * moved * moved)
                };
            }
            if seen >= WARM_UP
                && let Some(slot) = known.get_mut(day)
            {
                *slot = Some(square.sqrt());
            }
        }
        known
    }
}
