//! What comes in from us: orders, cancels, questions.

use super::Venue;
use super::chain::Action;
use crate::config::Answer;
use crate::orders::{Record, Stage};
use book::Place;
use engine::{Event, Order, OrderNews, ProposalId, Transfer};
use units::{OrderId, Timestamp};

/// A message of ours on its way to a venue.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Order(Order),
    Cancel(OrderId),
    Query(OrderId),
    Transfer(Transfer),
    QueryTransfer(ProposalId, Place),
}

impl Venue {
    /// A request has arrived.
    pub(crate) fn receive(&mut self, now: Timestamp, request: Request) {
        match request {
            Request::Order(order) => self.order(now, order),
            Request::Query(id) => self.answer(now, &id),
            Request::Transfer(transfer) => self.transfer(now, transfer),
            Request::QueryTransfer(id, place) => self.answer_transfer(now, id, &place),
            Request::Cancel(id) => match &mut self.blocks {
                Some(blocks) => blocks.cancel(id, &mut self.draw),
                None => self.cancel(now, &id),
            },
        }
    }

    /// An id that was seen before is not taken again: the answer is what became of the first.
    fn order(&mut self, now: Timestamp, order: Order) {
        let id = order.id.clone();
        if self.orders.get(&id).is_some() {
            self.answer(now, &id);
            return;
        }
        let is_unlucky = self.draw.chance(self.config.faults.rejected);
        let checked = self.checked(now, &order).and_then(|found| {
            if is_unlucky { Err("the matching engine is busy: try again".into()) } else { Ok(found) }
        });
        let (stage, (instrument, lots, limit_ticks)) = match checked {
            Ok(found) => (Stage::Pending, found),
            Err(reason) => (Stage::Refused(reason), (0, 0, 0)),
        };
        let refusal = match &stage {
            Stage::Refused(reason) => Some(reason.clone()),
            _ => None,
        };
        self.orders.insert(Record {
            order,
            stage,
            instrument,
            lots,
            limit_ticks,
            filled_lots: 0,
            fills: Vec::new(),
            block: None,
            was_accepted: false,
        });
        match (refusal, &mut self.blocks) {
            (Some(reason), _) => self.say(&id, OrderNews::Rejected(reason), now),
            (None, Some(blocks)) => blocks.submit(Action::Order(id), &mut self.draw),
            (None, None) => self.accept(now, &id),
        }
    }

    /// Instrument, signed lots and limit of an order that keeps the rules.
    fn checked(&self, now: Timestamp, order: &Order) -> Result<(usize, i64, i64), String> {
        if now > order.valid_until {
            return Err(format!("it arrived at {now}, after its time"));
        }
        if !self.places.contains(&order.place) {
            return Err(format!("{}: no such account here", order.place));
        }
        let found = self.by_symbol.get(&order.symbol).filter(|i| self.listed[**i].is_live);
        let instrument = *found.ok_or_else(|| format!("{} is not listed", order.symbol))?;
        let listed = &self.listed[instrument];
        let lots = listed.lot.steps(order.quantity.get());
        let lots = lots.filter(|lots| lots.abs() >= listed.minimum_lots).ok_or_else(|| {
            let (lot, least) = (listed.lot.decimal(1), listed.lot.decimal(listed.minimum_lots));
            format!("quantity {}: a multiple of {lot}, at least {least}", order.quantity)
        })?;
        let ticks = listed.tick.steps(order.limit_price.get()).filter(|ticks| *ticks > 0);
        let ticks = ticks.ok_or_else(|| {
            format!("price {}: a multiple of {} above zero", order.limit_price, listed.tick.decimal(1))
        })?;
        Ok((instrument, lots, ticks))
    }

    /// Ends what stands and what waits for a block; anything else is answered as a question.
    pub(super) fn cancel(&mut self, now: Timestamp, id: &OrderId) {
        match self.orders.get(id).map(|record| &record.stage) {
            Some(Stage::Standing) => self.end(now, id),
            Some(Stage::Pending) => {
                if let Some(blocks) = &mut self.blocks {
                    blocks.forget(id);
                }
                self.refuse(now, id, "it was cancelled before a block took it");
            }
            _ => self.answer(now, id),
        }
    }

    /// What has become of an order. A transaction that is in no block is not known yet.
    fn answer(&mut self, now: Timestamp, id: &OrderId) {
        let Some(record) = self.orders.get(id) else {
            self.say(id, OrderNews::NotKnown, now);
            return;
        };
        let news = match &record.stage {
            Stage::Pending => OrderNews::NotKnown,
            Stage::Standing => OrderNews::Accepted,
            Stage::Filled | Stage::Ended => OrderNews::Ended { filled: Some(self.filled_quantity(record)) },
            Stage::Refused(reason) => OrderNews::Rejected(reason.clone()),
        };
        if self.config.answer == Answer::FillsAndStatus {
            let fills: Vec<Event> = record.fills.iter().cloned().map(Event::Fill).collect();
            self.outbox.extend(fills);
        }
        self.say(id, news, now);
    }
}
