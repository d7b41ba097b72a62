//! Which fills are booked: the ids of a number of days before the newest fill of a venue and account.

use super::{Fill, LedgerError};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use units::{Account, FillId, Timestamp, Venue};

const NANOS_PER_DAY: i64 = 86_400_000_000_000;

/// Ids of fills. Bounded: what is older than the window is forgotten, and a fill from before the window is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) days: u32,
    /// Copies of a ledger share those that have seen nothing since.
    pub(super) seen: BTreeMap<(Venue, Account), Arc<Seen>>,
}

/// Ids of one venue and account, found by id and by age. Both have the same ids and are not empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Seen {
    ids: BTreeSet<FillId>,
    by_time: BTreeSet<(Timestamp, FillId)>,
    /// Of the last by time: it is asked for at every fill.
    newest: Option<Timestamp>,
}

impl Memory {
    pub(super) const fn new(days: u32) -> Self {
        Self { days, seen: BTreeMap::new() }
    }

    /// A fill that is new, with the place where it is to be remembered once it is booked: found once for both.
    pub(super) fn checked(&mut self, fill: &Fill) -> Result<Unbooked<'_>, LedgerError> {
        let days = self.days;
        let of = self.seen.entry(key(fill));
        if let Entry::Occupied(seen) = &of {
            seen.get().check(fill, days)?;
        }
        Ok(Unbooked { days, of })
    }

    /// The fill never happened: its id may come again.
    pub(super) fn forget(&mut self, fill: &Fill) {
        if let Some(seen) = self.seen.get_mut(&key(fill)).map(Arc::make_mut) {
            seen.ids.remove(&fill.id);
            seen.by_time.remove(&(fill.time, fill.id.clone()));
            seen.newest = seen.by_time.last().map(|(time, _)| *time);
            if seen.ids.is_empty() {
                self.seen.remove(&key(fill));
            }
        }
    }
}

/// Where a new fill is to be remembered.
pub(super) struct Unbooked<'a> {
    days: u32,
    of: Entry<'a, (Venue, Account), Arc<Seen>>,
}

impl Unbooked<'_> {
    /// The fill is booked.
    pub(super) fn remember(self, fill: &Fill) {
        let seen = Arc::make_mut(self.of.or_default());
        let is_newest = seen.newest < Some(fill.time);
        seen.insert(fill.time, fill.id.clone());
        // The window moves with the newest fill, and nothing from before it was let in.
        if is_newest {
            seen.prune(self.days);
        }
    }
}

impl Seen {
    fn check(&self, fill: &Fill, days: u32) -> Result<(), LedgerError> {
        let named = || (fill.id.clone(), fill.place.clone());
        match self.oldest(days) {
            Some(oldest) if fill.time < oldest => {
                let (id, place) = named();
                Err(LedgerError::TooOld { id, place, time: fill.time, oldest })
            }
            _ if self.ids.contains(&fill.id) => {
                let (id, place) = named();
                Err(LedgerError::Duplicate { id, place })
            }
            _ => Ok(()),
        }
    }

    /// False when the id is there already.
    pub(super) fn insert(&mut self, time: Timestamp, id: FillId) -> bool {
        let is_new = self.ids.insert(id.clone()) && self.by_time.insert((time, id));
        if is_new {
            self.newest = self.newest.max(Some(time));
        }
        is_new
    }

    /// By time, then id.
    pub(super) const fn by_time(&self) -> &BTreeSet<(Timestamp, FillId)> {
        &self.by_time
    }

    /// The oldest time whose ids are kept.
    pub(super) fn oldest(&self, days: u32) -> Option<Timestamp> {
        let newest = self.newest?;
        let window = i64::from(days).saturating_mul(NANOS_PER_DAY);
        Some(Timestamp::from_unix_nanos(newest.unix_nanos().saturating_sub(window)))
    }

    fn prune(&mut self, days: u32) {
        let Some(oldest) = self.oldest(days) else { return };
        while let Some((time, _)) = self.by_time.first()
            && *time < oldest
        {
            if let Some((_, id)) = self.by_time.pop_first() {
                self.ids.remove(&id);
            }
        }
    }
}

fn key(fill: &Fill) -> (Venue, Account) {
    (fill.place.venue.clone(), fill.place.account.clone())
}
