//! What a venue remembers of orders: each id is taken once, and asked for it says what became of it.

use engine::{FillEvent, Order};
use std::collections::{BTreeMap, BTreeSet};
use units::OrderId;

/// How far an order has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A transaction that is in no block.
    Pending,
    /// In the book.
    Standing,
    /// Nothing is left of it.
    Filled,
    /// What was not filled is gone.
    Ended,
    /// Never taken.
    Refused(String),
}

/// An order that came in.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) order: Order,
    pub(crate) stage: Stage,
    /// Place of its instrument among those of the venue.
    pub(crate) instrument: usize,
    /// Signed.
    pub(crate) lots: i64,
    pub(crate) limit_ticks: i64,
    /// Without sign.
    pub(crate) filled_lots: i64,
    pub(crate) fills: Vec<FillEvent>,
    /// The block that took it, on a chain.
    pub(crate) block: Option<u64>,
    /// Whether it was ever said to stand.
    pub(crate) was_accepted: bool,
}

impl Record {
    pub(crate) fn remaining_lots(&self) -> i64 {
        self.lots.abs() - self.filled_lots
    }
}

/// Orders by our id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Orders {
    by_id: BTreeMap<OrderId, Record>,
    standing: BTreeSet<OrderId>,
}

impl Orders {
    pub(crate) fn get(&self, id: &OrderId) -> Option<&Record> {
        self.by_id.get(id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&OrderId, &Record)> {
        self.by_id.iter()
    }

    pub(crate) fn insert(&mut self, record: Record) {
        self.by_id.insert(record.order.id.clone(), record);
    }

    /// Ids of what is in the book.
    pub(crate) fn standing(&self) -> Vec<OrderId> {
        self.standing.iter().cloned().collect()
    }

    /// Changes an order and keeps the list of what stands in step.
    pub(crate) fn change(&mut self, id: &OrderId, change: impl FnOnce(&mut Record)) {
        let Some(record) = self.by_id.get_mut(id) else { return };
        change(record);
        if record.stage == Stage::Standing {
            self.standing.insert(id.clone());
        } else {
            self.standing.remove(id);
        }
    }
}
