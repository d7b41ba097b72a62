//! What a venue holds for us: the exact ledger of crate `book`, its counter accounts, and what a replaced block takes back.

use book::{Change, Counter, Entry, Fill, Ledger, LedgerError, Place};
use instrument::Listing;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use units::{Asset, Decimal, Money, Price, exact_sum};

/// What everybody else has gained, by account and asset; none where a sum needs over 28 digits.
pub type Counters = BTreeMap<(Counter, Asset), Option<Decimal>>;

/// Blocks after which nothing is replaced any more.
const FINAL_BLOCKS: u64 = 8;

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Fill(Fill),
    Funding(Place, Arc<Listing>, Money),
    Settle(Arc<Listing>, Price),
    Deposit(Place, Money),
    Withdrawal(Place, Money),
    Fee(Place, Money),
}

impl Op {
    /// Whether it is in a block, and gone with it. Money that comes in and what the venue does by itself happens again.
    const fn is_of_block(&self) -> bool {
        matches!(self, Self::Fill(_) | Self::Withdrawal(..) | Self::Fee(..))
    }
}

/// A ledger and the other side of its entries.
#[derive(Debug, Clone)]
struct Sides {
    ledger: Ledger,
    counters: Counters,
}

impl Sides {
    fn apply(&mut self, op: &Op) -> Result<Vec<Entry>, LedgerError> {
        let entries = match op {
            Op::Fill(fill) => self.ledger.fill(fill)?,
            Op::Funding(place, listing, money) => self.ledger.funding(place, listing, money)?,
            Op::Settle(listing, price) => self.ledger.settle(listing, *price)?,
            Op::Deposit(place, money) => self.ledger.deposit(place, money)?,
            Op::Withdrawal(place, money) => self.ledger.withdraw(place, money)?,
            Op::Fee(place, money) => self.ledger.fee(place, money)?,
        };
        for entry in &entries {
            if let Change::Balance(money) = &entry.change {
                let key = (entry.kind.counter(), money.asset.clone());
                let counter = self.counters.entry(key).or_insert(Some(Decimal::ZERO));
                *counter = counter.and_then(|sum| exact_sum(sum, -money.amount)).map(|sum| sum.normalize());
            }
        }
        Ok(entries)
    }
}

/// The accounts of a venue.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    now: Sides,
    /// On a chain: what is final, and what has happened since by block.
    recent: Option<(Sides, VecDeque<(u64, Op)>)>,
}

/// Whether blocks may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finality {
    AtOnce,
    ByBlocks,
}

impl Accounts {
    pub(crate) fn new(finality: Finality) -> Self {
        let empty = || Sides { ledger: Ledger::new(Ledger::FILL_MEMORY_DAYS), counters: Counters::new() };
        let recent = (finality == Finality::ByBlocks).then(|| (empty(), VecDeque::new()));
        Self { now: empty(), recent }
    }

    pub(crate) const fn ledger(&self) -> &Ledger {
        &self.now.ledger
    }

    pub(crate) const fn counters(&self) -> &Counters {
        &self.now.counters
    }

    /// Books what happened in or after a block.
    pub(crate) fn post(&mut self, op: Op, block: u64) -> Result<(), LedgerError> {
        self.now.apply(&op)?;
        if let Some((_, ops)) = &mut self.recent {
            ops.push_back((block, op));
        }
        Ok(())
    }

    /// Fills and departures of this block and later ones never happened: everything is booked again without them. What is booked again and breaks a rule
    /// now, such as the settlement of what nobody holds, is left out.
    pub(crate) fn undo(&mut self, from: u64) {
        let Some((base, ops)) = &mut self.recent else { return };
        ops.retain(|(block, op)| !(op.is_of_block() && *block >= from));
        let mut again = base.clone();
        ops.retain(|(_, op)| again.apply(op).is_ok());
        self.now = again;
    }

    /// What lies far enough below the head is final.
    pub(crate) fn settle_down(&mut self, head: u64) {
        let Some((base, ops)) = &mut self.recent else { return };
        while ops.front().is_some_and(|(block, _)| block + FINAL_BLOCKS < head) {
            if let Some((_, op)) = ops.pop_front() {
                // It was booked in this order before, so it breaks no rule now.
                drop(base.apply(&op));
            }
        }
    }
}
