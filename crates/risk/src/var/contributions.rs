//! VaR and ES of scenario P&L, told by underlying, account and venue.

use super::holdings::{ScenarioPnl, Slice};
use super::{Confidence, Tail, VarError, shares};
use rayon::prelude::*;
use std::collections::BTreeSet;
use units::Fixed;

/// What a part of the book is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Whose price drives it.
    Underlying,
    /// Owner.
    Account,
    /// Where.
    Venue,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Underlying, Self::Account, Self::Venue];

    /// For tables and files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Underlying => "underlying",
            Self::Account => "account",
            Self::Venue => "venue",
        }
    }

    pub(super) fn name(self, slice: &Slice) -> &str {
        match self {
            Self::Underlying => slice.underlying.as_str(),
            Self::Account => slice.account.as_str(),
            Self::Venue => slice.venue.as_str(),
        }
    }

    /// Names that occur, in order.
    pub(super) fn names(self, slices: &[Slice]) -> BTreeSet<&str> {
        slices.iter().map(|slice| self.name(slice)).collect()
    }
}

/// One part of the book in the figures of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is told by.
    pub by: By,
    /// Its name.
    pub name: String,
    /// Its share of VaR; the shares of one kind add up to the last digit.
    pub var_usd: Fixed,
    /// Its share of ES; the same.
    pub es_usd: Fixed,
    /// VaR of the part alone.
    pub alone_var_usd: Fixed,
    /// ES of the part alone.
    pub alone_es_usd: Fixed,
}

/// What rests on a sample of scenarios.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// How many.
    pub scenarios: usize,
    /// Those of the tail, the worst first, that of VaR last.
    pub tail: Vec<usize>,
    /// P&L of each of these.
    pub tail_pnl_usd: Vec<Fixed>,
    /// Standard error of VaR as if scenarios were independent.
    pub var_error_usd: f64,
    /// The same of ES.
    pub es_error_usd: f64,
}

/// VaR and ES of a book.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// At which level.
    pub confidence: Confidence,
    /// Value at risk; a loss is positive.
    pub var_usd: Fixed,
    /// Expected shortfall; a loss is positive.
    pub es_usd: Fixed,
    /// By underlying, account and venue.
    pub parts: Vec<Part>,
    /// None for a closed form.
    pub sample: Option<Sample>,
}

impl Measured {
    /// From the P&L of equally likely scenarios.
    ///
    /// # Errors
    /// Too few scenarios for the level, or sums out of range.
    pub fn of_scenarios(pnl: &ScenarioPnl, confidence: Confidence) -> Result<Self, VarError> {
        let tail = Tail::new(pnl.total(), confidence)?;
        let losses = (0..pnl.slices.len())
            .map(|slice| tail.weighted_loss(pnl.slice(slice)))
            .collect::<Result<Vec<_>, _>>()?;
        let own_es = shares(&losses, tail.total_weight);
        let own_var: Vec<Fixed> = (0..pnl.slices.len()).map(|slice| tail.var(pnl.slice(slice))).collect();
        let alone = |by: By, name: &str| -> Result<(Fixed, Fixed), VarError> {
            let own = pnl.of(|slice| by.name(slice) == name);
            let tail = Tail::new(&own, confidence)?;
            Ok((tail.var(&own), tail.expected_shortfall(&own)?))
        };
        let parts = parts(&pnl.slices, &own_var, &own_es, alone)?;
        let (var_usd, es_usd) = (tail.var(pnl.total()), tail.expected_shortfall(pnl.total())?);
        let sample = Some(Sample::new(pnl.total(), &tail, (var_usd, es_usd), confidence));
        Ok(Self { confidence, var_usd, es_usd, parts, sample })
    }
}

/// Sums of the slices' shares by every kind, with the figures of each part alone.
pub(super) fn parts(
    slices: &[Slice],
    var: &[Fixed],
    es: &[Fixed],
    alone: impl Fn(By, &str) -> Result<(Fixed, Fixed), VarError> + Sync,
) -> Result<Vec<Part>, VarError> {
    let named: Vec<(By, &str)> =
        By::ALL.into_iter().flat_map(|by| by.names(slices).into_iter().map(move |name| (by, name))).collect();
    let part = |(by, name): &(By, &str)| -> Result<Part, VarError> {
        let sum = |of: &[Fixed]| -> Fixed {
            slices.iter().zip(of).filter(|(slice, _)| by.name(slice) == *name).map(|(_, share)| *share).sum()
        };
        let (alone_var_usd, alone_es_usd) = alone(*by, name)?;
        let (var_usd, es_usd) = (sum(var), sum(es));
        Ok(Part { by: *by, name: (*name).to_owned(), var_usd, es_usd, alone_var_usd, alone_es_usd })
    };
    named.par_iter().map(part).collect()
}

impl Sample {
    fn new(pnl: &[Fixed], tail: &Tail, (var, es): (Fixed, Fixed), confidence: Confidence) -> Self {
        let mut ordered: Vec<f64> = pnl.iter().map(|pnl| -pnl.to_f64()).collect();
        ordered.sort_by(|a, b| f64::total_cmp(b, a));
        #[allow(clippy::cast_precision_loss)] // counts of scenarios
        let (n, rank) = (ordered.len() as f64, tail.worst.len() as f64 - 1.0);
        let spread = (n * confidence.tail() * confidence.get()).sqrt();
        let at = |rank: f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // clamped to the places of the list
            ordered.get(rank.clamp(0.0, n - 1.0) as usize).copied().unwrap_or(0.0)
        };
        let var_error_usd = (at((rank - spread).floor()) - at((rank + spread).ceil())) / 2.0;
        let worst = ordered.get(..tail.worst.len() - 1).unwrap_or(&[]);
        let (var, es) = (var.to_f64(), es.to_f64());
        let squares = worst.iter().map(|loss| (loss - es) * (loss - es)).sum::<f64>();
        let variance = squares / rank.max(1.0) + confidence.get() * (es - var) * (es - var);
        let tail_pnl_usd = tail.worst.iter().filter_map(|scenario| pnl.get(*scenario).copied()).collect();
        Self {
            scenarios: pnl.len(),
            tail: tail.worst.clone(),
            tail_pnl_usd,
            var_error_usd,
            es_error_usd: (variance / (n * confidence.tail())).sqrt(),
        }
    }
}
