//! Blocks: transactions wait for one, and the last few may be replaced.
//!
//! A new block takes the transactions whose time has come, in order of arrival, and only then is what stands in the book matched. A
//! reorganisation of depth d takes the last d blocks back and makes d + 1 others at once: fills in the old ones never happened. An order
//! that the old ones took waits for a new block again, and may be dropped this time. A cancel or an end that was told stays: miners
//! include it first.

use super::Venue;
use crate::config::ChainConfig;
use crate::draw::Draw;
use crate::grid::whole;
use crate::orders::Stage;
use engine::{BlockNumber, Event, OrderNews, ProposalId};
use units::{OrderId, Timestamp};

/// The height at the start, for numbers that look like a chain's.
const FIRST_BLOCK: u64 = 1_000;
/// Deepest reorganisation.
const DEEPEST: u64 = 3;

/// What waits for a block.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    Order(OrderId),
    Transfer(ProposalId),
    Cancel(OrderId),
    Deleverage(f64),
}

#[derive(Debug, Clone, PartialEq)]
struct Transaction {
    action: Action,
    /// The first block that may have it.
    block: u64,
    is_dropped: bool,
}

/// The chain of a venue.
#[derive(Debug)]
pub(super) struct Blocks {
    config: ChainConfig,
    head: u64,
    waiting: Vec<Transaction>,
    /// Depth of a scripted reorganisation at the next block.
    replace: Option<u64>,
}

impl Blocks {
    pub(super) const fn new(config: ChainConfig) -> Self {
        Self { config, head: FIRST_BLOCK, waiting: Vec::new(), replace: None }
    }

    pub(super) const fn head(&self) -> u64 {
        self.head
    }

    /// False before the first block of the simulation: the opening is in no block.
    pub(super) const fn is_started(&self) -> bool {
        self.head > FIRST_BLOCK
    }

    /// A transaction of ours, which may never be included.
    pub(super) fn submit(&mut self, action: Action, draw: &mut Draw) {
        let is_dropped = draw.chance(self.config.dropped);
        self.wait(action, is_dropped, draw);
    }

    pub(super) fn cancel(&mut self, id: OrderId, draw: &mut Draw) {
        self.wait(Action::Cancel(id), false, draw);
    }

    /// The transaction of an order is replaced by its cancel.
    pub(super) fn forget(&mut self, id: &OrderId) {
        self.waiting.retain(|transaction| !matches!(&transaction.action, Action::Order(of) if of == id));
    }

    pub(super) fn deleverage(&mut self, share: f64) {
        let (action, block) = (Action::Deleverage(share), self.head + 1);
        self.waiting.push(Transaction { action, block, is_dropped: false });
    }

    pub(super) fn replace_next(&mut self, depth: f64) {
        self.replace = Some(u64::try_from(whole(depth)).unwrap_or(1));
    }

    fn wait(&mut self, action: Action, is_dropped: bool, draw: &mut Draw) {
        let delay = u64::try_from(whole(draw.exponential(self.config.delay_blocks))).unwrap_or(0);
        self.waiting.push(Transaction { action, block: self.head + 1 + delay, is_dropped });
    }

    /// Depth of a reorganisation now, if there is one.
    fn reorganised(&mut self, draw: &mut Draw) -> Option<u64> {
        let (has_come, depth) = (draw.chance(self.config.reorg_per_block), 1 + draw.below(DEEPEST));
        let depth = self.replace.take().or_else(|| has_come.then_some(depth))?;
        // The opening is in no block, and stays.
        (self.head > FIRST_BLOCK + depth).then_some(depth)
    }
}

impl Venue {
    /// A block is found.
    pub(crate) fn block(&mut self, now: Timestamp) {
        let Some(blocks) = &mut self.blocks else { return };
        match blocks.reorganised(&mut self.draw) {
            None => self.produce(now),
            Some(depth) => {
                let from = self.head() + 1 - depth;
                self.take_back(now, from);
                (0..=depth).for_each(|_| self.produce(now));
                self.report(now);
            }
        }
    }

    fn produce(&mut self, now: Timestamp) {
        let Some(blocks) = &mut self.blocks else { return };
        blocks.head += 1;
        let number = blocks.head;
        let (due, later) = std::mem::take(&mut blocks.waiting).into_iter().partition(|tx| tx.block <= number);
        blocks.waiting = later;
        let seconds = f64::from(blocks.config.block_millis) / 1000.0;
        let (chain, due): (_, Vec<Transaction>) = (self.chain.clone(), due);
        self.outbox.push(Event::Block { chain, number: BlockNumber::new(number) });
        for transaction in due {
            match transaction.action {
                Action::Order(id) if transaction.is_dropped => self.refuse(now, &id, "no block took it"),
                Action::Order(id) => self.include(now, &id),
                Action::Transfer(id) if transaction.is_dropped => {
                    self.drop_transfer(now, id, "no block took it");
                }
                Action::Transfer(id) => self.include_transfer(now, id),
                Action::Cancel(id) => self.cancel(now, &id),
                Action::Deleverage(share) => self.deleverage(now, share),
            }
        }
        self.match_standing(now, seconds);
        self.accounts.settle_down(number);
    }

    fn include(&mut self, now: Timestamp, id: &OrderId) {
        let Some(record) = self.orders.get(id) else { return };
        if now > record.order.valid_until {
            self.refuse(now, id, "its block came after its time");
        } else if self.listed[record.instrument].is_live {
            self.accept(now, id);
        } else {
            self.refuse(now, id, "it is not listed any more");
        }
    }

    /// A transaction comes to nothing. Of an order that once stood it is said that it has ended.
    pub(super) fn refuse(&mut self, now: Timestamp, id: &OrderId, reason: &str) {
        if self.orders.get(id).is_some_and(|record| record.was_accepted) {
            self.end(now, id);
            return;
        }
        self.orders.change(id, |record| record.stage = Stage::Refused(reason.into()));
        self.say(id, OrderNews::Rejected(reason.into()), now);
    }

    /// Blocks from this one on are gone, and with them their fills.
    fn take_back(&mut self, now: Timestamp, from: u64) {
        let Some(blocks) = &mut self.blocks else { return };
        blocks.head = from - 1;
        self.accounts.undo(from);
        let number = BlockNumber::new(from);
        self.outbox.push(Event::Reorg { chain: self.chain.clone(), from: number });
        self.take_back_transfers(from);
        let is_gone = |fill: &engine::FillEvent| fill.block.is_some_and(|block| block >= number);
        let of_old: Vec<(OrderId, bool)> = self
            .orders
            .all()
            .filter(|(_, record)| record.block.is_some_and(|b| b >= from) || record.fills.iter().any(is_gone))
            .map(|(id, record)| (id.clone(), record.block.is_some_and(|block| block >= from)))
            .collect();
        for (id, waits_again) in of_old {
            let Some(record) = self.orders.get(&id) else { continue };
            let lot = self.listed[record.instrument].lot;
            let undone = record.fills.iter().filter(|fill| is_gone(fill));
            let undone: i64 = undone.filter_map(|fill| lot.steps(fill.quantity.get())).map(i64::abs).sum();
            let was_live = matches!(record.stage, Stage::Standing | Stage::Filled);
            let is_over = now > record.order.valid_until;
            self.orders.change(&id, |record| {
                record.fills.retain(|fill| !is_gone(fill));
                record.filled_lots -= undone;
                if was_live && waits_again {
                    record.stage = Stage::Pending;
                    record.block = None;
                } else if was_live && record.remaining_lots() > 0 {
                    record.stage = Stage::Standing;
                }
            });
            if was_live && waits_again {
                if let Some(blocks) = &mut self.blocks {
                    blocks.submit(Action::Order(id), &mut self.draw);
                }
            } else if was_live && is_over && !self.filled(&id) {
                self.end(now, &id);
            }
        }
    }
}
