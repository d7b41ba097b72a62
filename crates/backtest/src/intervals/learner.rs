//! The minimum-variance delta of one coin and strategy as time goes on: what is known before an interval, and what it teaches.

use super::plan::Gating;
use crate::statistics::{Lags, diebold_mariano};
use hedge::delta::{DeltaError, Evidence, MinimumVarianceFit, MinimumVariancePlan, Observed, QuadraticMove};
use std::collections::VecDeque;

/// Estimate and evidence so far.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Learner {
    fit: MinimumVarianceFit,
    gating: Gating,
    /// End of an interval in days, and mean squared error of the plain delta less that of the adjusted one, out of sample.
    past: VecDeque<(f64, f64)>,
}

impl Learner {
    pub(super) fn new(plan: MinimumVariancePlan, gating: Gating) -> Result<Self, DeltaError> {
        Ok(Self { fit: MinimumVarianceFit::new(plan)?, gating, past: VecDeque::new() })
    }

    /// The move of vol to use over the interval that begins now: none before there is an estimate, or while the gate is shut.
    pub(super) fn in_use(&self) -> Option<QuadraticMove> {
        let quadratic = self.fit.quadratic()?;
        match self.gating {
            Gating::Always => Some(quadratic),
            Gating::OnEvidence { gate, .. } => gate.is_open(self.evidence()).then_some(quadratic),
        }
    }

    fn evidence(&self) -> Option<Evidence> {
        let gains: Vec<f64> = self.past.iter().map(|(_, gain)| *gain).collect();
        let test = diebold_mariano(&gains, Lags::Automatic)?;
        Some(Evidence { mean_gain: test.mean, p_value: test.p_value })
    }

    /// An interval has ended at a time in days, so many days after its start.
    pub(super) fn learn(&mut self, (end_days, days): (f64, f64), lessons: &[Observed]) {
        if let (Some(quadratic), false) = (self.fit.quadratic(), lessons.is_empty()) {
            let gain = |lesson: &Observed| {
                let left = lesson.left(quadratic);
                lesson.residual() * lesson.residual() - left * left
            };
            #[allow(clippy::cast_precision_loss)] // counts
            let mean = lessons.iter().map(gain).sum::<f64>() / lessons.len() as f64;
            self.past.push_back((end_days, mean));
        }
        if let Gating::OnEvidence { window_days, .. } = self.gating {
            while self.past.front().is_some_and(|(at, _)| *at < end_days - window_days) {
                self.past.pop_front();
            }
        } else {
            self.past.clear();
        }
        self.fit.learn(days, lessons.iter().copied());
    }
}
