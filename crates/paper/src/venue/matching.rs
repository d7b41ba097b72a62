//! Orders against the book: taking at once, standing, being filled later, ending.

use super::{Role, Trade, Venue};
use crate::depth::Side;
use crate::orders::{Record, Stage};
use engine::OrderNews;
use units::{Decimal, OrderId, Timestamp};

impl Venue {
    /// An order is in the book from now on, and takes what its limit allows.
    pub(super) fn accept(&mut self, now: Timestamp, id: &OrderId) {
        let block = self.blocks.is_some().then(|| self.head());
        self.orders.change(id, |record| {
            record.stage = Stage::Standing;
            record.was_accepted = true;
            record.block = block;
        });
        self.say(id, OrderNews::Accepted, now);
        let Some(record) = self.orders.get(id) else { return };
        let (side, limit, mut remaining) =
            (Side::taken_by(record.lots), record.limit_ticks, record.remaining_lots());
        let listed = &self.listed[record.instrument];
        for (ticks, lots) in listed.levels(side, now, self.config.recovery_seconds) {
            if remaining == 0 || !side.reaches(ticks, limit) {
                break;
            }
            let part = lots.min(remaining);
            remaining -= part;
            self.fill(now, id, (part, ticks), Role::Taker);
        }
    }

    /// What stands is filled where the market has come to it: at its own price, as far as the book behind it goes; now and then by others
    /// who trade at the touch.
    pub(super) fn match_standing(&mut self, now: Timestamp, seconds: f64) {
        let touched = self.config.touch_trades_per_minute * seconds / 60.0;
        for id in self.orders.standing() {
            let Some(record) = self.orders.get(&id) else { continue };
            let (side, limit, remaining) =
                (Side::taken_by(record.lots), record.limit_ticks, record.remaining_lots());
            let listed = &self.listed[record.instrument];
            let levels = listed.levels(side, now, self.config.recovery_seconds);
            let crossed: i64 =
                levels.iter().filter(|(ticks, _)| side.reaches(*ticks, limit)).map(|(_, lots)| lots).sum();
            let depth = listed.quote.depth;
            let is_touch = match side {
                Side::Ask => limit >= depth.bid,
                Side::Bid => depth.ask > 0 && limit <= depth.ask,
            };
            let most = u64::try_from(depth.touch).unwrap_or(0);
            let (has_come, size) = (self.draw.chance(touched), self.draw.below(most));
            let lots = if crossed > 0 {
                crossed.min(remaining)
            } else if is_touch && has_come {
                (1 + i64::try_from(size).unwrap_or(0)).min(remaining)
            } else {
                0
            };
            if lots > 0 {
                self.fill(now, &id, (lots, limit), Role::Maker);
            }
        }
    }

    /// Fills a part of an order.
    fn fill(&mut self, now: Timestamp, id: &OrderId, (part, ticks): (i64, i64), role: Role) {
        let Some(record) = self.orders.get(id) else { return };
        let (instrument, lots) = (record.instrument, part * record.lots.signum());
        let side = Side::taken_by(record.lots);
        let place = record.order.place.clone();
        let Some(fill) =
            self.trade(now, &Trade { place, order: Some(id.clone()), instrument, lots, ticks, role })
        else {
            self.end(now, id);
            return;
        };
        self.listed[instrument].taken[side.index()].add(part, now, self.config.recovery_seconds);
        self.orders.change(id, |record| {
            record.filled_lots += part;
            record.fills.push(fill);
            if record.remaining_lots() == 0 {
                record.stage = Stage::Filled;
            }
        });
    }

    /// What is left of an order is gone.
    pub(super) fn end(&mut self, now: Timestamp, id: &OrderId) {
        self.orders.change(id, |record| record.stage = Stage::Ended);
        let filled = self.orders.get(id).map(|record| self.filled_quantity(record));
        self.say(id, OrderNews::Ended { filled }, now);
    }

    /// What is filled of an order, signed.
    pub(super) fn filled_quantity(&self, record: &Record) -> Decimal {
        let lots = record.filled_lots * record.lots.signum();
        self.listed.get(record.instrument).map_or(Decimal::ZERO, |listed| listed.lot.decimal(lots))
    }

    /// The time of an order is over.
    pub(crate) fn expire(&mut self, now: Timestamp, id: &OrderId) {
        if self.orders.get(id).is_some_and(|record| record.stage == Stage::Standing) {
            self.end(now, id);
        }
    }
}
