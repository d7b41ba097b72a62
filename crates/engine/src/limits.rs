//! Limits at work: a level per limit and group, and the state of the book that follows.
//!
//! ```text
//! target level = hard if |figure| >= hard, warn if >= warn, else inside; a level is left only below release x its threshold
//! level changes when the target has stood for hold_seconds without a break (at once for 0)
//! state = the strictest of: what active levels ask for, what triggers ask for, what a person asks for
//! ```
//!
//! A group that rests on stale quotes keeps its level: no automatic action is taken on what may not be true. In a group that holds something
//! without a value a level may rise but not fall: what is known may be too much already, what is not known must free nothing.

use crate::output::{LevelChange, Output};
use crate::policy::{Limit, Policy};
use crate::triggers::named;
use crate::views::Watch;
use risk::GroupKey;
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Fixed, Timestamp};

/// How far a figure is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Below both levels.
    #[default]
    Inside,
    /// At the level to warn at.
    Warn,
    /// At the hard level.
    Hard,
}

impl Level {
    /// Word for tables and files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Warn => "warn",
            Self::Hard => "hard",
        }
    }
}

/// What the book may do, from free to closing down.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Anything within limits.
    #[default]
    Normal,
    /// Anything within limits, and somebody should look.
    Warn,
    /// Only what closes a position, or brings a figure that is at a level nearer to zero without harm to another.
    ReduceOnly,
    /// Nothing.
    Paused,
    /// Everything is to be closed.
    Flatten,
}

impl State {
    /// Word for tables and files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Warn => "warn",
            Self::ReduceOnly => "reduce_only",
            Self::Paused => "paused",
            Self::Flatten => "flatten",
        }
    }
}

/// Where a limit stands on one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Standing {
    pub(crate) level: Level,
    /// The level that the figure asks for, and since when (nanoseconds of Unix time), while it is another.
    pub(crate) pending: Option<(Level, i64)>,
}

/// Which groups are tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Those that changed.
    Changed,
    /// All: the policy is new, or other quotes are stale than before.
    All,
}

/// All standings, and the state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Limits {
    /// By place of the limit in the policy, then group.
    pub(crate) standings: BTreeMap<(usize, Vec<GroupKey>), Standing>,
    pub(crate) by_person: Option<State>,
    pub(crate) state: State,
}

impl Limit {
    /// True for a group that the limit is of.
    #[must_use]
    pub fn applies(&self, key: &[GroupKey]) -> bool {
        self.only
            .iter()
            .all(|(place, names)| key.get(*place).is_some_and(|part| names.contains(&part.text())))
    }

    /// The level that a figure asks for, coming from one.
    fn target(&self, value: Fixed, from: Level) -> Level {
        let size = value.abs();
        let reached = |threshold: Fixed, level: Level| {
            let release = Fixed::quantise(threshold.to_f64() * self.release).unwrap_or(threshold);
            size >= if from >= level { release } else { threshold }
        };
        if reached(self.hard, Level::Hard) {
            Level::Hard
        } else if reached(self.warn, Level::Warn) {
            Level::Warn
        } else {
            Level::Inside
        }
    }

    const fn state(&self, level: Level) -> State {
        match level {
            Level::Inside => State::Normal,
            Level::Warn => self.on_warn,
            Level::Hard => self.on_hard,
        }
    }
}

impl Standing {
    /// Moves towards a target; says the level before when it has changed.
    fn advance(&mut self, target: Level, hold_seconds: u32, now: Timestamp) -> Option<Level> {
        if target == self.level {
            self.pending = None;
            return None;
        }
        let since = match self.pending {
            Some((pending, since)) if pending == target => since,
            _ => now.unix_nanos(),
        };
        if now.unix_nanos().saturating_sub(since) < i64::from(hold_seconds) * 1_000_000_000 {
            self.pending = Some((target, since));
            return None;
        }
        let before = self.level;
        *self = Self { level: target, pending: None };
        Some(before)
    }
}

impl Limits {
    /// Tests limits on the groups that changed and on those with a level to come or to go, but for groups on stale quotes; on all groups
    /// when it is asked to.
    pub(crate) fn evaluate(
        &mut self,
        policy: &Policy,
        groups: &Watch,
        (stale, scope): (&BTreeSet<Asset>, Scope),
        now: Timestamp,
    ) -> Vec<Output> {
        let mut outputs = Vec::new();
        for (place, limit) in policy.limits.iter().enumerate() {
            let sums = groups.of(&limit.group_by, limit.measure);
            let of_limit = self.standings.keys().filter(|(of, _)| *of == place);
            let mut keys: BTreeSet<Vec<GroupKey>> = of_limit.map(|(_, key)| key.clone()).collect();
            // A figure below the level to warn at, of a group that stands at none, moves nothing.
            keys.extend(sums.reaching(limit.warn, scope));
            for key in keys.into_iter().filter(|key| limit.applies(key)) {
                // A group that is gone has a figure of zero.
                let (value, may_fall) = match sums.get(&key) {
                    // What may not be true moves no level.
                    Some(sum) if sum.underlyings.iter().any(|asset| stale.contains(asset)) => continue,
                    Some(sum) => (sum.sum, sum.unvalued == 0),
                    None => (Fixed::ZERO, true),
                };
                let level = self.standings.get(&(place, key.clone())).map_or(Level::Inside, |s| s.level);
                // A sum that lacks something frees nothing; but it must not switch the limit off.
                if may_fall || limit.target(value, level) > level {
                    self.test(limit, (place, key), value, now, &mut outputs);
                }
            }
        }
        outputs
    }

    fn test(
        &mut self,
        limit: &Limit,
        at: (usize, Vec<GroupKey>),
        value: Fixed,
        now: Timestamp,
        outputs: &mut Vec<Output>,
    ) {
        let mut standing = self.standings.get(&at).copied().unwrap_or_default();
        let target = limit.target(value, standing.level);
        if let Some(from) = standing.advance(target, limit.hold_seconds, now) {
            let (limit, group, to) = (limit.name.clone(), at.1.clone(), standing.level);
            outputs.push(Output::Level(LevelChange { limit, group, from, to, value }));
        }
        if standing == Standing::default() {
            self.standings.remove(&at);
        } else {
            self.standings.insert(at, standing);
        }
    }

    /// Where a limit, by its place in the policy, stands on a group.
    pub(crate) fn level(&self, at: &(usize, Vec<GroupKey>)) -> Level {
        self.standings.get(at).map_or(Level::Inside, |standing| standing.level)
    }

    /// Standings under another policy: a limit of the same name and grouping goes on from its level, so that a new file frees nothing by
    /// itself before its holds have passed.
    pub(crate) fn carry(&mut self, before: &Policy, after: &Policy) {
        let standings = std::mem::take(&mut self.standings);
        for ((place, key), standing) in standings {
            let old = before.limits.get(place);
            let same =
                |new: &Limit| old.is_some_and(|old| old.name == new.name && old.group_by == new.group_by);
            if let Some(place) = after.limits.iter().position(same) {
                self.standings.insert((place, key), standing);
            }
        }
    }

    /// The state that levels, triggers and persons ask for.
    pub(crate) fn follow(
        &mut self,
        policy: &Policy,
        triggers: Vec<(State, String)>,
        outputs: &mut Vec<Output>,
    ) {
        let mut because: Vec<(State, String)> = Vec::new();
        for ((place, key), standing) in &self.standings {
            let Some(limit) = policy.limits.get(*place) else { continue };
            let why = format!("{}: {} {}", limit.name, named(key), standing.level.word());
            because.push((limit.state(standing.level), why));
        }
        because.extend(triggers);
        if let Some(state) = self.by_person {
            because.push((state, "a person".into()));
        }
        let to = because.iter().map(|(state, _)| *state).max().unwrap_or_default();
        if to != self.state {
            let from = std::mem::replace(&mut self.state, to);
            let because = because.into_iter().filter(|(state, _)| *state == to && to > State::Normal);
            outputs.push(Output::StateChanged { from, to, because: because.map(|(_, why)| why).collect() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use risk::Measure;

    fn limit() -> Limit {
        Limit {
            name: "delta".into(),
            measure: Measure::Delta,
            group_by: Vec::new(),
            only: BTreeMap::new(),
            warn: usd(100.0),
            hard: usd(200.0),
            release: 0.9,
            hold_seconds: 10,
            on_warn: State::Warn,
            on_hard: State::ReduceOnly,
        }
    }

    fn usd(value: f64) -> Fixed {
        Fixed::quantise(value).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000 + seconds * 1000).unwrap()
    }

    #[test]
    fn a_level_is_reached_at_its_threshold_and_left_below_its_release() {
        let limit = limit();
        for (value, from, expected) in [
            (99.9, Level::Inside, Level::Inside),
            (100.0, Level::Inside, Level::Warn),
            (-100.0, Level::Inside, Level::Warn),
            (95.0, Level::Warn, Level::Warn),
            (89.9, Level::Warn, Level::Inside),
            (200.0, Level::Inside, Level::Hard),
            (185.0, Level::Hard, Level::Hard),
            (179.0, Level::Hard, Level::Warn),
            (185.0, Level::Warn, Level::Warn),
        ] {
            assert_eq!(limit.target(usd(value), from), expected, "{value} from {from:?}");
        }
    }

    #[test]
    fn a_level_counts_once_it_has_stood_and_a_break_starts_over() {
        let mut standing = Standing::default();
        assert_eq!(standing.advance(Level::Warn, 10, at(0)), None);
        assert_eq!(standing.advance(Level::Warn, 10, at(9)), None);
        assert_eq!(standing.advance(Level::Inside, 10, at(9)), None, "a break");
        assert_eq!(standing.advance(Level::Warn, 10, at(12)), None);
        assert_eq!(standing.advance(Level::Warn, 10, at(21)), None);
        assert_eq!(standing.advance(Level::Warn, 10, at(22)), Some(Level::Inside));
        assert_eq!(standing.level, Level::Warn);
        assert_eq!(standing.advance(Level::Hard, 0, at(22)), Some(Level::Warn), "no hold: at once");
    }
}
