//! Rounds counted while they are played: time in each state, transitions, how sources did.

use crate::render::flat::{Body, columns, count, text};
use lake::{Cell, ColumnKind};
use market::oracle::guard::{Finding, Guards, Health, SourceFault, SourceScore, Verdict};
use market::oracle::{Exponent, PriceUnits};
use std::collections::{BTreeMap, BTreeSet};
use std::mem::{Discriminant, discriminant};
use units::{Fixed, Timestamp};

/// Which rounds become rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// Every one, prices as numbers.
    All,
    /// For reading: those that differ from the round before in more than figures, prices to their last digit.
    Changes,
}

/// What makes a round differ.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    health: Health,
    faults: BTreeMap<String, Vec<Discriminant<SourceFault>>>,
    findings: Vec<Discriminant<Finding>>,
}

#[derive(Debug, Default)]
struct SourceTally {
    rounds: u64,
    used: u64,
    score_sum: u64,
    least_score: Option<u32>,
    rejections: BTreeMap<&'static str, u64>,
    first_rejection: Option<(Timestamp, String)>,
}

/// Everything that is shown.
pub(super) struct Tally {
    exponent: Exponent,
    listed: Listed,
    rows_by_source: BTreeMap<String, u64>,
    last: Option<(Timestamp, Health, Option<PriceUnits>)>,
    shape: Option<Shape>,
    nanos: BTreeMap<Health, i128>,
    played: usize,
    sources: BTreeMap<String, SourceTally>,
    rounds: Vec<Vec<Cell>>,
    transitions: Vec<Vec<Cell>>,
}

impl Tally {
    pub(super) fn new(exponent: Exponent, listed: Listed, rows_by_source: BTreeMap<String, u64>) -> Self {
        Self {
            exponent,
            listed,
            rows_by_source,
            last: None,
            shape: None,
            nanos: BTreeMap::new(),
            played: 0,
            sources: BTreeMap::new(),
            rounds: Vec::new(),
            transitions: Vec::new(),
        }
    }

    /// Takes a round; they come in order of time.
    pub(super) fn round(&mut self, now: Timestamp, verdict: &Verdict, guards: &Guards) {
        // A price that knows nothing yet is stale.
        let (before, then) = self.last.map_or((Health::Stale, now), |(then, health, _)| (health, then));
        if self.last.is_some() {
            let passed = i128::from(now.unix_nanos()) - i128::from(then.unix_nanos());
            *self.nanos.entry(before).or_default() += passed;
        }
        if before != verdict.health {
            let reason = reason(before, verdict, guards);
            self.transitions.push(vec![
                text(now),
                text(word(before)),
                text(word(verdict.health)),
                self.price(verdict.price),
                text(reason),
            ]);
        }
        for source in &verdict.sources {
            self.sources.entry(source.id.clone()).or_default().take(source, now);
        }
        let shape = shape(verdict);
        if self.listed == Listed::All || self.shape.as_ref() != Some(&shape) {
            let row = self.row(now, verdict);
            self.rounds.push(row);
        }
        (self.shape, self.last) = (Some(shape), Some((now, verdict.health, verdict.price)));
        self.played += 1;
    }

    fn row(&self, now: Timestamp, verdict: &Verdict) -> Vec<Cell> {
        let used: Vec<&str> = verdict.used().map(|source| source.id.as_str()).collect();
        let rejected: Vec<String> = verdict
            .rejected()
            .map(|source| format!("{}: {}", source.id, joined(&source.faults, ", ")))
            .collect();
        #[allow(clippy::cast_precision_loss)] // ages of a recording are far below 2^53 ms
        let age = verdict.age_millis.map_or(Cell::Null, |millis| Cell::Float(millis as f64 / 1000.0));
        let width = verdict.price.and_then(|_| i64::try_from(verdict.confidence.0).ok()).map(PriceUnits);
        vec![
            text(now),
            text(word(verdict.health)),
            self.price(verdict.price),
            self.price(width),
            self.price(verdict.candidate),
            age,
            text(used.join(", ")),
            text(rejected.join("; ")),
            text(joined(&verdict.findings, "; ")),
        ]
    }

    /// Exact: a unit is no finer than the quantum of a published figure.
    fn fixed(&self, units: PriceUnits) -> Fixed {
        let digits = u32::try_from(self.exponent.0.saturating_add(12)).unwrap_or(0);
        Fixed::from_raw(i128::from(units.0) * 10_i128.pow(digits))
    }

    fn price(&self, units: Option<PriceUnits>) -> Cell {
        match (units, self.listed) {
            (None, _) => Cell::Null,
            (Some(units), Listed::All) => Cell::Fixed(self.fixed(units)),
            (Some(units), Listed::Changes) => text(self.decimal(units)),
        }
    }

    /// All digits of a price.
    fn decimal(&self, units: PriceUnits) -> String {
        self.fixed(units).to_decimal_text(self.exponent.0.unsigned_abs())
    }

    const fn price_kind(&self) -> ColumnKind {
        match self.listed {
            Listed::All => ColumnKind::Fixed,
            Listed::Changes => ColumnKind::Text,
        }
    }

    /// Time in a state over all time; none where no time passes.
    pub(super) fn time_pct(&self, health: Health) -> Option<f64> {
        let all: i128 = self.nanos.values().sum();
        let of = self.nanos.get(&health).copied().unwrap_or(0);
        #[allow(clippy::cast_precision_loss)] // a share
        (all > 0).then(|| 100.0 * of as f64 / all as f64)
    }

    pub(super) fn last_round(&self) -> Timestamp {
        self.last.map_or(Timestamp::from_unix_nanos(0), |(now, ..)| now)
    }

    pub(super) fn last_state(&self) -> Cell {
        self.last.map_or(Cell::Null, |(_, health, _)| text(word(health)))
    }

    pub(super) fn last_price(&self) -> Cell {
        let price = self.last.and_then(|(.., price)| price);
        price.map_or(Cell::Null, |price| text(self.decimal(price)))
    }

    pub(super) fn rounds_played(&self) -> Cell {
        count(self.played)
    }

    pub(super) const fn rounds_listed(&self) -> usize {
        self.rounds.len()
    }

    pub(super) fn rounds(&self) -> Body {
        let price = self.price_kind();
        let columns = columns(&[
            ("time_utc", ColumnKind::Text),
            ("state", ColumnKind::Text),
            ("price", price),
            ("confidence", price),
            ("candidate", price),
            ("age_seconds", ColumnKind::Float),
            ("used", ColumnKind::Text),
            ("rejected", ColumnKind::Text),
            ("findings", ColumnKind::Text),
        ]);
        (columns, self.rounds.clone())
    }

    pub(super) fn transitions(&self) -> Body {
        let columns = columns(&[
            ("time_utc", ColumnKind::Text),
            ("from", ColumnKind::Text),
            ("to", ColumnKind::Text),
            ("price", self.price_kind()),
            ("reason", ColumnKind::Text),
        ]);
        (columns, self.transitions.clone())
    }

    pub(super) fn sources(&self) -> Body {
        let columns = columns(&[
            ("source", ColumnKind::Text),
            ("rows", ColumnKind::Integer),
            ("rounds_used", ColumnKind::Integer),
            ("rounds_rejected", ColumnKind::Integer),
            ("used_pct", ColumnKind::Float),
            ("mean_score", ColumnKind::Float),
            ("least_score", ColumnKind::Integer),
            ("rejections", ColumnKind::Text),
            ("first_rejected_utc", ColumnKind::Text),
            ("first_rejection", ColumnKind::Text),
        ]);
        let whole = |count: u64| i64::try_from(count).map_or(Cell::Null, Cell::Integer);
        let mut all: Vec<(&String, &SourceTally)> = self.sources.iter().collect();
        // Best first: the highest mean score, then by name.
        all.sort_by(|(a_name, a), (b_name, b)| {
            b.mean_score().total_cmp(&a.mean_score()).then_with(|| a_name.cmp(b_name))
        });
        let rows = all.into_iter().map(|(name, source)| {
            let rejections: Vec<String> =
                source.rejections.iter().map(|(rule, times)| format!("{rule} {times}")).collect();
            let first = source.first_rejection.as_ref();
            #[allow(clippy::cast_precision_loss)] // a share of at most a million rounds
            let used_pct = 100.0 * source.used as f64 / source.rounds.max(1) as f64;
            vec![
                text(name),
                whole(self.rows_by_source.get(name).copied().unwrap_or(0)),
                whole(source.used),
                whole(source.rounds - source.used),
                Cell::Float(used_pct),
                Cell::Float(source.mean_score()),
                source.least_score.map_or(Cell::Null, |score| Cell::Integer(score.into())),
                text(rejections.join(", ")),
                first.map_or(Cell::Null, |(at, _)| text(at)),
                first.map_or(Cell::Null, |(_, why)| text(why)),
            ]
        });
        (columns, rows.collect())
    }
}

impl SourceTally {
    fn take(&mut self, source: &SourceScore, now: Timestamp) {
        self.rounds += 1;
        self.score_sum += u64::from(source.score);
        self.least_score = Some(self.least_score.map_or(source.score, |least| least.min(source.score)));
        if source.faults.is_empty() {
            self.used += 1;
            return;
        }
        let rules: BTreeSet<&'static str> = source.faults.iter().map(SourceFault::word).collect();
        for rule in rules {
            *self.rejections.entry(rule).or_default() += 1;
        }
        self.first_rejection.get_or_insert_with(|| (now, joined(&source.faults, ", ")));
    }

    fn mean_score(&self) -> f64 {
        #[allow(clippy::cast_precision_loss)] // at most a million rounds of 10,000
        let mean = self.score_sum as f64 / self.rounds.max(1) as f64;
        mean
    }
}

const fn word(health: Health) -> &'static str {
    match health {
        Health::Valid => "valid",
        Health::Suspect => "suspect",
        Health::Stale => "stale",
        Health::Halted => "halted",
    }
}

fn joined<T: std::fmt::Display>(all: &[T], between: &str) -> String {
    let words: Vec<String> = all.iter().map(ToString::to_string).collect();
    words.join(between)
}

/// Why a state changed: a worse one by what was found, a better one because enough rounds confirm it.
fn reason(before: Health, verdict: &Verdict, guards: &Guards) -> String {
    let level = verdict.findings.iter().filter(|finding| finding.health() == verdict.health);
    let found: Vec<String> = level.map(ToString::to_string).collect();
    if verdict.health > before {
        return found.join("; ");
    }
    let confirmed = format!("confirmed by {} rounds with newer data", guards.recovery_confirmations);
    if found.is_empty() { confirmed } else { format!("{confirmed}; still: {}", found.join("; ")) }
}

fn shape(verdict: &Verdict) -> Shape {
    let faults = |source: &SourceScore| source.faults.iter().map(discriminant).collect();
    Shape {
        health: verdict.health,
        faults: verdict.sources.iter().map(|source| (source.id.clone(), faults(source))).collect(),
        findings: verdict.findings.iter().map(discriminant).collect(),
    }
}
