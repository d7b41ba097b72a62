//! The state of a guarded price, and the one step that changes it.

use super::score::{Scored, millis, millis_between, score};
use super::{Finding, Guards, Health, Round, Sequencer, SourceScore, Verdict};
use crate::oracle::index::Capped;
use crate::oracle::number::{WHOLE_BP, distance_bp};
use crate::oracle::pyth::{ConfidenceUnits, quartiles};
use crate::oracle::{
    BasisPoints, Exponent, OracleError, PriceAt, PriceUnits, ScaledPrice, Weight, Window, time_weighted_mean,
};
use units::Timestamp;

/// The mean of the window is taken over about so many samples.
const SAMPLES: i64 = 60;
/// Beyond a day the allowed move is that of a day; it only keeps the product inside 128 bits.
const LONGEST_MOVE_NANOS: i128 = 86_400_000_000_000;

/// What a guarded price remembers. It is bounded: about sixty samples and a few numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OracleState {
    exponent: Exponent,
    health: Health,
    recovery: Option<Recovery>,
    accepted: Option<Accepted>,
    jump: Option<Jump>,
    /// Published prices over the window of the mean, in order of time.
    samples: Vec<PriceAt>,
    last_now: Option<Timestamp>,
    newest_source_time: Option<Timestamp>,
}

/// Better rounds in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Recovery {
    rounds: u32,
    worst: Health,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Accepted {
    price: PriceUnits,
    confidence: ConfidenceUnits,
    /// Of the oldest source behind it.
    source_time: Timestamp,
    at: Timestamp,
}

/// A move that waits for confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Jump {
    price: PriceUnits,
    since: Timestamp,
    confirmations: u32,
}

/// What the used sources say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Candidate {
    price: PriceUnits,
    confidence: ConfidenceUnits,
    /// Of the oldest source.
    source_time: Timestamp,
    spread_bp: u64,
}

/// Whether a round brings data that were not there before. Repeating the same data confirms nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Newer,
    Same,
}

impl OracleState {
    /// Knows nothing yet, which is stale.
    #[must_use]
    pub const fn new(exponent: Exponent) -> Self {
        Self {
            exponent,
            health: Health::Stale,
            recovery: None,
            accepted: None,
            jump: None,
            samples: Vec::new(),
            last_now: None,
            newest_source_time: None,
        }
    }

    /// The state after hysteresis.
    #[must_use]
    pub const fn health(&self) -> Health {
        self.health
    }

    /// One round: the next state and what it says. Time that goes back changes nothing but the state's health.
    #[must_use]
    pub fn step(&self, guards: &Guards, round: &Round<'_>, now: Timestamp) -> (Self, Verdict) {
        let mut next = self.clone();
        let scored = score(round, guards, now);
        let mut findings = Vec::new();
        if let Some(last) = self.last_now.filter(|last| now < *last) {
            findings.push(Finding::ClockBack { back_millis: millis_between(now, last) });
            let verdict =
                next.conclude(Sighting { scored, findings, candidate: None }, News::Same, guards, last);
            return (next, verdict);
        }
        next.last_now = Some(now);
        let used: Vec<&Scored<'_>> = scored.iter().filter(|s| s.score.faults.is_empty()).collect();
        let newest = used.iter().map(|s| s.said.source_time).max();
        let news = if newest > self.newest_source_time { News::Newer } else { News::Same };
        next.newest_source_time = self.newest_source_time.max(newest);
        sequencer(round.sequencer, guards, now, &mut findings);
        let candidate = candidate(&used, guards, &mut findings);
        match candidate.filter(|_| !findings.iter().any(holds)) {
            Some(candidate) => next.consider(candidate, news, guards, now, &mut findings),
            None => next.jump = None,
        }
        let candidate = candidate.map(|c| c.price);
        let verdict = next.conclude(Sighting { scored, findings, candidate }, news, guards, now);
        (next, verdict)
    }

    /// Publishes a candidate, as far as its move is allowed.
    fn consider(
        &mut self,
        candidate: Candidate,
        news: News,
        guards: &Guards,
        now: Timestamp,
        findings: &mut Vec<Finding>,
    ) {
        wide(&candidate, guards, findings);
        let Some(accepted) = self.accepted else {
            self.accept(candidate, now);
            return;
        };
        let found_bp = distance_bp(candidate.price.0.into(), accepted.price.0.into());
        if found_bp > guards.breaker_move_bp.into() {
            self.jump = Some(self.jumped(candidate.price, news, guards, now));
            match self.jump.filter(|jump| jump.is_confirmed(guards, now)) {
                Some(_) => self.accept(candidate, now),
                None => findings.push(Finding::Jump {
                    found_bp,
                    limit_bp: guards.breaker_move_bp,
                    confirmations: self.jump.map_or(0, |jump| jump.confirmations),
                    need: guards.breaker_confirmations,
                }),
            }
            return;
        }
        let price = reached(candidate.price, accepted, guards, now);
        if price != candidate.price {
            let limit_bp_per_second = guards.max_move_bp_per_second;
            findings.push(Finding::Fast { found_bp, limit_bp_per_second });
        }
        let short_of = ConfidenceUnits(candidate.price.0.abs_diff(price.0));
        let confidence = candidate.confidence.max(short_of);
        self.accept(Candidate { price, confidence, ..candidate }, now);
    }

    fn accept(&mut self, candidate: Candidate, now: Timestamp) {
        let Candidate { price, confidence, source_time, .. } = candidate;
        self.accepted = Some(Accepted { price, confidence, source_time, at: now });
        self.jump = None;
    }

    /// The move that waits, one round on: near the same price it counts, elsewhere it begins anew.
    fn jumped(&self, price: PriceUnits, news: News, guards: &Guards, now: Timestamp) -> Jump {
        let near =
            |jump: &Jump| distance_bp(price.0.into(), jump.price.0.into()) <= guards.breaker_move_bp.into();
        match self.jump.filter(near) {
            Some(jump) if news == News::Newer => {
                Jump { confirmations: jump.confirmations.saturating_add(1), ..jump }
            }
            Some(jump) => jump,
            None => Jump { price, since: now, confirmations: 0 },
        }
    }

    /// Judges the price that is now published, moves the state and says all of it.
    fn conclude(&mut self, sighting: Sighting<'_>, news: News, guards: &Guards, now: Timestamp) -> Verdict {
        let Sighting { scored, mut findings, candidate } = sighting;
        let age_millis = self.accepted.map(|accepted| millis_between(accepted.source_time, now));
        match self.accepted {
            None => findings.push(Finding::NoPrice),
            Some(accepted) => {
                old(age_millis.unwrap_or_default(), guards, &mut findings);
                self.peg(accepted.price, guards, &mut findings);
                self.far(accepted.price, guards, now, &mut findings);
            }
        }
        let found = findings.iter().map(Finding::health).max().unwrap_or(Health::Valid);
        self.moved(found, news, guards);
        Verdict {
            price: self.accepted.map(|accepted| accepted.price),
            confidence: self.accepted.map(|accepted| accepted.confidence).unwrap_or_default(),
            age_millis,
            health: self.health,
            candidate,
            sources: scored.into_iter().map(|scored| scored.score).collect::<Vec<SourceScore>>(),
            findings,
        }
    }

    /// Worse at once, better after enough newer rounds.
    fn moved(&mut self, found: Health, news: News, guards: &Guards) {
        if found >= self.health {
            (self.health, self.recovery) = (found, None);
            return;
        }
        if news == News::Same {
            return;
        }
        let so_far = self.recovery.unwrap_or(Recovery { rounds: 0, worst: found });
        let recovery = Recovery { rounds: so_far.rounds + 1, worst: so_far.worst.max(found) };
        if recovery.rounds >= guards.recovery_confirmations {
            (self.health, self.recovery) = (recovery.worst, None);
        } else {
            self.recovery = Some(recovery);
        }
    }

    fn peg(&self, price: PriceUnits, guards: &Guards, findings: &mut Vec<Finding>) {
        let Some(peg) = guards.peg else { return };
        let one = ScaledPrice { price: PriceUnits(1), exponent: Exponent(0) }.at(self.exponent);
        let Ok(one) = one.and_then(|one| if one.0 > 0 { Ok(one) } else { Err(out_of_range()) }) else {
            findings.push(Finding::OutOfRange);
            return;
        };
        let found_bp = distance_bp(price.min(one).0.into(), one.0.into());
        if found_bp > peg.halt_bp.into() {
            findings.push(Finding::PegLost { found_bp, limit_bp: peg.halt_bp });
        } else if found_bp > peg.suspect_bp.into() {
            findings.push(Finding::OffPeg { found_bp, limit_bp: peg.suspect_bp });
        }
    }

    /// Distance from the mean of the window; then the price joins the window.
    fn far(&mut self, price: PriceUnits, guards: &Guards, now: Timestamp, findings: &mut Vec<Finding>) {
        let window = millis(guards.twap_window_seconds);
        let from = now.plus_millis(-window);
        // The last sample at or before the start still holds there.
        let expired = self.samples.iter().skip(1).take_while(|sample| sample.time <= from).count();
        self.samples.drain(..expired);
        let start = self.samples.first().map(|first| first.time.max(from));
        let mean = start.map(|from| time_weighted_mean(&self.samples, Window { from, to: now }));
        if let Some(Ok(mean)) = mean {
            let found_bp = distance_bp(price.0.into(), mean.0.into());
            if found_bp > guards.twap_halt_bp.into() {
                findings.push(Finding::VeryFarFromTwap { found_bp, limit_bp: guards.twap_halt_bp });
            } else if found_bp > guards.twap_suspect_bp.into() {
                findings.push(Finding::FarFromTwap { found_bp, limit_bp: guards.twap_suspect_bp });
            }
        }
        let due = |last: &PriceAt| millis_between(last.time, now) >= window / SAMPLES;
        if self.samples.last().is_none_or(due) {
            self.samples.push(PriceAt { time: now, price });
        }
    }
}

/// What a round showed, before the state moves.
struct Sighting<'a> {
    scored: Vec<Scored<'a>>,
    findings: Vec<Finding>,
    candidate: Option<PriceUnits>,
}

impl Jump {
    fn is_confirmed(&self, guards: &Guards, now: Timestamp) -> bool {
        self.confirmations >= guards.breaker_confirmations
            && millis_between(self.since, now) >= millis(guards.breaker_seconds)
    }
}

/// Findings before which a candidate is not even considered.
const fn holds(finding: &Finding) -> bool {
    matches!(finding, Finding::DeepDisagreement { .. } | Finding::SequencerDown)
}

fn sequencer(state: Option<Sequencer>, guards: &Guards, now: Timestamp, findings: &mut Vec<Finding>) {
    match state {
        Some(Sequencer::Down) => findings.push(Finding::SequencerDown),
        Some(Sequencer::Up { since }) => {
            let (up_millis, limit_millis) =
                (millis_between(since, now), millis(guards.sequencer_grace_seconds));
            if up_millis < limit_millis {
                findings.push(Finding::SequencerGrace { up_millis, limit_millis });
            }
        }
        None => {}
    }
}

/// The used sources made into one price, with what their number and distance say.
fn candidate(used: &[&Scored<'_>], guards: &Guards, findings: &mut Vec<Finding>) -> Option<Candidate> {
    if used.len() < usize::try_from(guards.min_sources).unwrap_or(usize::MAX) {
        findings.push(Finding::TooFewSources { used: used.len(), need: guards.min_sources });
        return None;
    }
    let Ok(candidate) = aggregate(used, guards) else {
        findings.push(Finding::OutOfRange);
        return None;
    };
    let found_bp = candidate.spread_bp;
    if found_bp > guards.disagreement_halt_bp.into() {
        findings.push(Finding::DeepDisagreement { found_bp, limit_bp: guards.disagreement_halt_bp });
    } else if found_bp > guards.disagreement_suspect_bp.into() {
        findings.push(Finding::Disagreement { found_bp, limit_bp: guards.disagreement_suspect_bp });
    }
    Some(candidate)
}

fn aggregate(used: &[&Scored<'_>], guards: &Guards) -> Result<Candidate, OracleError> {
    let points: Vec<(i128, Weight)> =
        used.iter().map(|s| (i128::from(s.said.price.0) * 2, s.said.weight)).collect();
    let mean = Capped::of(&points, BasisPoints(guards.clamp_bp))?;
    let mut votes = Vec::with_capacity(3 * used.len());
    for scored in used {
        let (price, confidence) = (scored.said.price.0, scored.said.confidence.unwrap_or_default().0);
        let high = price.checked_add_unsigned(confidence).ok_or_else(out_of_range)?;
        let low = price.checked_sub_unsigned(confidence).ok_or_else(out_of_range)?;
        votes.extend([low, price, high]);
    }
    let width = quartiles(votes).ok_or(OracleError::TooFew { have: 0, need: 1 })?;
    let prices = || used.iter().map(|s| i128::from(s.said.price.0));
    let (low, high) = (prices().min().unwrap_or(0), prices().max().unwrap_or(0));
    let median = mean.median_x4.div_euclid(4);
    Ok(Candidate {
        price: mean.price,
        confidence: width.confidence,
        source_time: used.iter().map(|s| s.said.source_time).min().ok_or_else(out_of_range)?,
        spread_bp: distance_bp(median.saturating_add(high - low), median),
    })
}

const fn out_of_range() -> OracleError {
    OracleError::Overflow("a price or its interval")
}

fn wide(candidate: &Candidate, guards: &Guards, findings: &mut Vec<Finding>) {
    let price = i128::from(candidate.price.0);
    let found_bp = distance_bp(price.saturating_add(candidate.confidence.0.into()), price);
    if found_bp > guards.confidence_suspect_bp.into() {
        findings.push(Finding::Wide { found_bp, limit_bp: guards.confidence_suspect_bp });
    }
}

fn old(age_millis: i64, guards: &Guards, findings: &mut Vec<Finding>) {
    let (stale, halt) = (millis(guards.stale_after_seconds), millis(guards.halt_after_seconds));
    if age_millis > halt {
        findings.push(Finding::TooOld { age_millis, limit_millis: halt });
    } else if age_millis > stale {
        findings.push(Finding::Old { age_millis, limit_millis: stale });
    }
}

/// How far towards a price the last one may have come by now; the step is rounded down.
fn reached(price: PriceUnits, last: Accepted, guards: &Guards, now: Timestamp) -> PriceUnits {
    let passed = i128::from(now.unix_nanos()) - i128::from(last.at.unix_nanos());
    let passed = passed.clamp(0, LONGEST_MOVE_NANOS);
    let per_second = i128::from(last.price.0) * i128::from(guards.max_move_bp_per_second);
    let step = per_second * passed / (WHOLE_BP * 1_000_000_000);
    let last = i128::from(last.price.0);
    let reached = i128::from(price.0).clamp(last - step.abs(), last + step.abs());
    // It lies between two prices of 64 bits.
    PriceUnits(i64::try_from(reached).unwrap_or(price.0))
}
