//! What a parameter change does to many accounts: who becomes liquidatable, the change of the total requirement, the most
//! affected accounts.
//!
//! One light record a side and account, streamed: a million accounts need no more memory than those that are listed. Sums
//! are in the order of the stream; to repeat bits over threads, split into chunks of a fixed size and merge in their order.

use crate::report::{Levels, Outcome};
use crate::whatif::Sides;
use std::cmp::Ordering;

/// Where an account stands under one rulebook. USD.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Standing {
    /// By the venue's own definition, before haircuts.
    pub equity_usd: f64,
    /// What is left at each level; at maintenance below zero the venue liquidates. With separate wallets it is no difference of
    /// the sums below.
    pub surplus: Levels,
    /// What is asked.
    pub requirement: Levels,
    /// The equity counted against it.
    pub counted: Levels,
    /// Maintenance requirement as a fraction of the equity counted for it, of the nearest wallet where they are separate; none
    /// without such equity.
    pub utilisation: Option<f64>,
}

/// By what accounts are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ranking {
    /// Size of the change of the maintenance requirement, USD.
    Requirement,
    /// Size of the change of requirement / counted equity at maintenance; infinite without such equity.
    Utilisation,
}

/// One account on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Affected<K> {
    /// Which.
    pub key: K,
    /// Where it stands.
    pub standing: Sides<Standing>,
}

/// The summary.
#[derive(Debug, Clone, PartialEq)]
pub struct Impact<K> {
    /// Accounts with numbers on both sides.
    pub accounts: u64,
    /// Those whose requirement changes.
    pub changed: u64,
    /// Accounts that stand before and do not after, in the order of the stream.
    pub newly_liquidatable: Vec<K>,
    /// The other way round.
    pub no_longer_liquidatable: Vec<K>,
    /// How many do not stand.
    pub liquidatable: Sides<u64>,
    /// Sum of the requirements.
    pub requirement: Sides<Levels>,
    /// The most affected first; accounts without a change are not among them.
    pub most_affected: Vec<Affected<K>>,
    /// Accounts for which a side is no number; in none of the figures above.
    pub undefined: Vec<K>,
    ranking: Ranking,
    top: usize,
}

impl From<&Outcome> for Standing {
    fn from(outcome: &Outcome) -> Self {
        Self {
            equity_usd: outcome.equity_usd,
            surplus: outcome.surplus(),
            requirement: outcome.requirement,
            counted: outcome.counted,
            utilisation: outcome.utilisation(),
        }
    }
}

impl Standing {
    /// True when the venue liquidates.
    #[must_use]
    pub fn is_liquidatable(&self) -> bool {
        self.surplus.maintenance < 0.0
    }

    fn is_number(&self) -> bool {
        let Self { equity_usd, surplus, requirement, counted, .. } = self;
        [
            equity_usd,
            &surplus.initial,
            &surplus.maintenance,
            &requirement.initial,
            &requirement.maintenance,
            &counted.initial,
            &counted.maintenance,
        ]
        .into_iter()
        .all(|figure| figure.is_finite())
    }

    fn strain(&self) -> f64 {
        match self.utilisation {
            Some(share) => share,
            None if self.requirement.maintenance > 0.0 => f64::INFINITY,
            None => 0.0,
        }
    }
}

impl Ranking {
    fn weight(self, standing: &Sides<Standing>) -> f64 {
        let Sides { before, after } = standing;
        match self {
            Self::Requirement => (after.requirement.maintenance - before.requirement.maintenance).abs(),
            Self::Utilisation => {
                let (before, after) = (before.strain(), after.strain());
                if before.is_infinite() && after.is_infinite() { 0.0 } else { (after - before).abs() }
            }
        }
    }
}

impl<K: Ord> Impact<K> {
    /// Of no accounts yet; keeps the `top` most affected.
    #[must_use]
    pub fn new(ranking: Ranking, top: usize) -> Self {
        Self {
            accounts: 0,
            changed: 0,
            newly_liquidatable: Vec::new(),
            no_longer_liquidatable: Vec::new(),
            liquidatable: Sides::default(),
            requirement: Sides::default(),
            most_affected: Vec::new(),
            undefined: Vec::new(),
            ranking,
            top,
        }
    }

    /// Of a stream.
    pub fn of(records: impl IntoIterator<Item = Affected<K>>, ranking: Ranking, top: usize) -> Self
    where
        K: Clone,
    {
        let mut impact = Self::new(ranking, top);
        for record in records {
            impact.add(record);
        }
        impact
    }

    /// Adds one account.
    pub fn add(&mut self, record: Affected<K>)
    where
        K: Clone,
    {
        let Sides { before, after } = &record.standing;
        if !(before.is_number() && after.is_number()) {
            self.undefined.push(record.key);
            return;
        }
        self.accounts += 1;
        self.changed += u64::from(before.requirement != after.requirement);
        self.requirement.before = self.requirement.before.plus(before.requirement);
        self.requirement.after = self.requirement.after.plus(after.requirement);
        let (fell, falls) = (before.is_liquidatable(), after.is_liquidatable());
        self.liquidatable.before += u64::from(fell);
        self.liquidatable.after += u64::from(falls);
        match (fell, falls) {
            (false, true) => self.newly_liquidatable.push(record.key.clone()),
            (true, false) => self.no_longer_liquidatable.push(record.key.clone()),
            (true, true) | (false, false) => {}
        }
        self.rank(record);
    }

    /// Adds the accounts of a later part of the stream, made with the same ranking.
    pub fn merge(&mut self, later: Self) {
        self.accounts += later.accounts;
        self.changed += later.changed;
        self.newly_liquidatable.extend(later.newly_liquidatable);
        self.no_longer_liquidatable.extend(later.no_longer_liquidatable);
        self.liquidatable.before += later.liquidatable.before;
        self.liquidatable.after += later.liquidatable.after;
        self.requirement.before = self.requirement.before.plus(later.requirement.before);
        self.requirement.after = self.requirement.after.plus(later.requirement.after);
        self.undefined.extend(later.undefined);
        for record in later.most_affected {
            self.rank(record);
        }
    }

    fn rank(&mut self, record: Affected<K>) {
        let ranking = self.ranking;
        let weight = ranking.weight(&record.standing);
        if weight == 0.0 {
            return;
        }
        let first = |other: &Affected<K>| {
            let order = ranking.weight(&other.standing).total_cmp(&weight).reverse();
            order.then_with(|| other.key.cmp(&record.key)) == Ordering::Less
        };
        let place = self.most_affected.partition_point(first);
        if place < self.top {
            self.most_affected.insert(place, record);
            self.most_affected.truncate(self.top);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(counted: f64, asked: f64) -> Standing {
        Standing {
            equity_usd: counted,
            surplus: Levels { initial: counted - 2.0 * asked, maintenance: counted - asked },
            requirement: Levels { initial: 2.0 * asked, maintenance: asked },
            counted: Levels::both(counted),
            utilisation: (counted > 0.0).then(|| asked / counted),
        }
    }

    fn record(key: u32, counted: f64, (before, after): (f64, f64)) -> Affected<u32> {
        let standing = Sides { before: standing(counted, before), after: standing(counted, after) };
        Affected { key, standing }
    }

    fn records() -> Vec<Affected<u32>> {
        vec![
            record(1, 100.0, (90.0, 110.0)),
            record(2, 100.0, (50.0, 50.0)),
            record(3, 100.0, (105.0, 60.0)),
            record(4, 10.0, (1.0, 6.0)),
            record(5, -5.0, (3.0, 4.0)),
            record(6, f64::NAN, (1.0, 1.0)),
            record(7, 100.0, (20.0, 40.0)),
        ]
    }

    #[test]
    fn who_falls_who_stands_and_how_much_more_is_asked() {
        let impact = Impact::of(records(), Ranking::Requirement, 3);
        assert_eq!((impact.accounts, impact.changed, impact.undefined.as_slice()), (6, 5, [6u32].as_slice()));
        assert_eq!(impact.newly_liquidatable, [1]);
        assert_eq!(impact.no_longer_liquidatable, [3]);
        assert_eq!(impact.liquidatable, Sides { before: 2, after: 2 });
        // 90 + 50 + 105 + 1 + 3 + 20 and 110 + 50 + 60 + 6 + 4 + 40: whole numbers, exact.
        assert_eq!(impact.requirement.before, Levels { initial: 538.0, maintenance: 269.0 });
        assert_eq!(impact.requirement.after, Levels { initial: 540.0, maintenance: 270.0 });
        let keys: Vec<u32> = impact.most_affected.iter().map(|affected| affected.key).collect();
        assert_eq!(keys, [3, 1, 7], "45, then 20 twice by key");
        // 0.5 of account 4 is the largest change of utilisation; account 5 has none on either side.
        let impact = Impact::of(records(), Ranking::Utilisation, 9);
        let keys: Vec<u32> = impact.most_affected.iter().map(|affected| affected.key).collect();
        assert_eq!(keys, [4, 3, 1, 7]);
    }

    #[test]
    fn chunks_merge_to_the_whole() {
        let whole = Impact::of(records(), Ranking::Requirement, 2);
        for split in 0..=records().len() {
            let mut first = Impact::of(records().into_iter().take(split), Ranking::Requirement, 2);
            first.merge(Impact::of(records().into_iter().skip(split), Ranking::Requirement, 2));
            assert_eq!(first, whole, "{split}");
        }
    }
}
