//! What is compared: accounting, valuation, held-out options, and the strategies.

use crate::statistics::Bootstrap;
use hedge::delta::{Accounting, Gate, MinimumVariancePlan};
use market::surface::SkewStickiness;

/// A whole run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What gains are counted in.
    pub accounting: Accounting,
    /// What an option is worth at both ends.
    pub valuation: Valuation,
    /// Which options are judged.
    pub held_out: HeldOut,
    /// A price of the perpetual may be so much older than the snapshot, seconds.
    pub price_age_most_seconds: f64,
    /// Level of the low quantile, such as 0.05.
    pub tail: f64,
    /// Confidence intervals.
    pub bootstrap: Bootstrap,
    /// What is compared; at least one.
    pub strategies: Vec<Strategy>,
    /// The place of the strategy that the others are tested against.
    pub baseline: usize,
}

/// What an option is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Valuation {
    /// Half of bid plus ask; both have to be there.
    Mid,
    /// The venue's mark.
    Mark,
}

/// A draw of the kept options of each snapshot, by a hash of name and time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOut {
    /// Share that is judged; the others may be learnt from. Rounded up to whole options, snapshot by snapshot.
    pub share: f64,
    /// Names the draw.
    pub seed: u64,
}

/// One way to hedge.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategy {
    /// Short name for tables.
    pub name: String,
    /// Which delta.
    pub delta: DeltaChoice,
    /// What it is hedged with.
    pub hedge: HedgeWith,
    /// Whether vega is hedged first.
    pub vega: VegaLeg,
}

/// Which delta.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeltaChoice {
    /// Black's delta is that of USD accounts, net delta that of coin accounts; here any of them may meet any accounting of gains.
    pub accounting: Accounting,
    /// How vols follow.
    pub dynamics: Dynamics,
}

/// How vols follow, with what has to be estimated left open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Dynamics {
    /// By a fixed ratio along the smile of the snapshot.
    AlongSmile(SkewStickiness),
    /// Learnt from past intervals.
    MinimumVariance(MinimumVariancePlan, Gating),
}

/// When the learnt move of vol is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gating {
    /// As soon as there is an estimate.
    Always,
    /// When it has won over the days before, out of sample.
    OnEvidence {
        /// The test.
        gate: Gate,
        /// Days before.
        window_days: f64,
    },
}

/// What the delta is hedged with. An inverse contract in every case: P&L in coin = notional (1/P0 - 1/P1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HedgeWith {
    /// The perpetual, at the price recorded for the snapshot.
    Perpetual,
    /// A contract that is worth the index printed beside the option: a perpetual without basis, read at the option's own instant.
    Index,
    /// The future of the option's own expiry, as printed beside it; a synthetic one where no future is listed.
    Forward,
}

/// Whether vega is hedged first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VegaLeg {
    /// Delta only.
    Without,
    /// The call and the put nearest to the money of the same expiry, each for half of the vega, at their own value and without costs. One whose
    /// quote is broken at the end (one-sided, or wider than the filter allows) is worth its mark.
    AtTheMoney,
}
