//! Recorded prices played through the guards, as if they came in now.
//!
//! A round at an instant has the latest price of each source at or before it; sources never leave, they grow old. Rounds are the
//! distinct times of the recording, or a grid from its first time to the first instant of the grid at or after its last. Left out:
//! the sequencer, and receive times: a recorded time is when the source said so, so that none is ahead of the clock.

use super::{Guards, OracleState, Round, SourcePrice, Verdict};
use crate::oracle::Exponent;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use units::Timestamp;

/// When the guards look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// At each time that a price has.
    EachTime,
    /// So many seconds apart.
    EverySeconds(NonZeroU32),
}

/// Prices that no round saw, because a newer one of the same source came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsNotSeen(pub u64);

/// Prices in order of time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recording(Vec<SourcePrice>);

impl Recording {
    /// From prices in any order. Of two prices of one source at one time the caller leaves both out: which of them came last is not
    /// known, and here the higher one would count.
    #[must_use]
    pub fn new(mut prices: Vec<SourcePrice>) -> Self {
        prices.sort_by(|a, b| {
            let key = |p: &SourcePrice| (p.source_time, p.price, p.confidence, p.weight);
            a.id.cmp(&b.id).then_with(|| key(a).cmp(&key(b)))
        });
        // Stable: within a time the order of ids stays.
        prices.sort_by_key(|price| price.source_time);
        Self(prices)
    }

    /// How many rounds there are.
    #[must_use]
    pub fn rounds(&self, rounds: Rounds) -> u64 {
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else { return 0 };
        match rounds {
            Rounds::EachTime => {
                let later = self.0.windows(2).filter(|pair| match pair {
                    [a, b] => a.source_time != b.source_time,
                    _ => false,
                });
                1 + later.count() as u64
            }
            Rounds::EverySeconds(seconds) => {
                let nanos = |price: &SourcePrice| i128::from(price.source_time.unix_nanos());
                let step = i128::from(seconds.get()) * 1_000_000_000;
                let steps = (nanos(last) - nanos(first) + step - 1) / step;
                u64::try_from(steps).unwrap_or(u64::MAX).saturating_add(1)
            }
        }
    }

    /// Plays all rounds in order of time.
    pub fn play(
        &self,
        (guards, exponent): (&Guards, Exponent),
        rounds: Rounds,
        visit: &mut dyn FnMut(Timestamp, &Verdict),
    ) -> RowsNotSeen {
        let mut not_seen = 0;
        let mut latest: BTreeMap<&str, (&SourcePrice, bool)> = BTreeMap::new();
        let mut state = OracleState::new(exponent);
        let mut rest = self.0.as_slice();
        let mut now = rest.first().map(|first| first.source_time);
        while let Some(at) = now {
            while let Some((price, others)) = rest.split_first().filter(|(price, _)| price.source_time <= at)
            {
                let before = latest.insert(&price.id, (price, false));
                not_seen += u64::from(before.is_some_and(|(_, was_seen)| !was_seen));
                rest = others;
            }
            let sources: Vec<SourcePrice> = latest.values().map(|(price, _)| (*price).clone()).collect();
            latest.values_mut().for_each(|(_, was_seen)| *was_seen = true);
            let (next, verdict) = state.step(guards, &Round { sources: &sources, sequencer: None }, at);
            state = next;
            visit(at, &verdict);
            now = rest.first().map(|price| match rounds {
                Rounds::EachTime => price.source_time,
                Rounds::EverySeconds(seconds) => at.plus_millis(i64::from(seconds.get()) * 1000),
            });
        }
        RowsNotSeen(not_seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::guard::GuardFile;
    use crate::oracle::{PriceUnits, Weight};

    fn says(id: &str, units: i64, millis: i64) -> SourcePrice {
        SourcePrice {
            id: id.into(),
            price: PriceUnits(units),
            confidence: None,
            weight: Weight(1),
            source_time: Timestamp::from_unix_nanos(0).plus_millis(millis),
        }
    }

    fn seen(prices: Vec<SourcePrice>, rounds: Rounds) -> (Vec<(i64, Vec<i64>)>, u64) {
        let guards = GuardFile::embedded().unwrap().classes.remove("major").unwrap();
        let recording = Recording::new(prices);
        let mut found = Vec::new();
        let not_seen = recording.play((&guards, Exponent(-2)), rounds, &mut |now, verdict| {
            let prices = verdict.sources.iter().map(|source| source.price.0).collect();
            found.push((now.unix_nanos() / 1_000_000, prices));
        });
        assert_eq!(recording.rounds(rounds), found.len() as u64, "the count is what is played");
        (found, not_seen.0)
    }

    #[test]
    fn a_round_has_the_latest_price_of_each_source_and_counts_what_it_missed() {
        let prices = vec![
            says("b", 30, 2500),
            says("a", 10, 0),
            says("a", 11, 400),
            says("b", 20, 0),
            says("a", 12, 900),
        ];
        let every = |seconds| Rounds::EverySeconds(NonZeroU32::new(seconds).unwrap());
        let first = (0, vec![10, 20]);
        assert_eq!(
            seen(prices.clone(), every(1)),
            (vec![first.clone(), (1000, vec![12, 20]), (2000, vec![12, 20]), (3000, vec![12, 30])], 1)
        );
        assert_eq!(seen(prices.clone(), every(60)), (vec![first.clone(), (60_000, vec![12, 30])], 1));
        let each = vec![first, (400, vec![11, 20]), (900, vec![12, 20]), (2500, vec![12, 30])];
        assert_eq!(seen(prices, Rounds::EachTime), (each, 0));
        assert_eq!(seen(Vec::new(), every(1)), (Vec::new(), 0));
    }
}
