//! The orders that may still be filled.

use super::Order;
use crate::event::{OrderEvent, OrderNews};
use crate::output::Output;
use book::Place;
use instrument::Listing;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use units::{Decimal, OrderId, Quantity, Timestamp, Venue};

/// How long ids of orders that are gone are known, so that late news of them is no surprise.
const REMEMBERED_MILLIS: i64 = 86_400_000;
/// How long after its time an order may still be on its way to a venue that reads the time by another clock.
const GRACE_MILLIS: i64 = 2_000;

/// How far an order has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nobody has answered yet.
    Sent,
    /// The venue was asked whether it knows it.
    Asked,
    /// The venue has it.
    Standing,
    /// The venue was asked to end it.
    Cancelling,
}

/// An order that may still be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOrder {
    /// As it was sent.
    pub order: Order,
    /// Of what.
    pub listing: Arc<Listing>,
    /// The rule that sent it.
    pub rule: String,
    /// How much of it is filled, with its sign.
    pub filled: Quantity,
    /// How far it has got.
    pub phase: Phase,
    /// Since when, or when the venue was last asked.
    pub since: Timestamp,
    /// True when it is to end: its venue is told so as soon as it can be.
    pub is_to_end: bool,
    /// What its venue says was filled in all, when nothing more can be: fills of it are still to come.
    pub owed: Option<Quantity>,
}

impl OpenOrder {
    /// What may still be filled, with its sign.
    #[must_use]
    pub fn remaining(&self) -> Quantity {
        let whole = self.owed.unwrap_or(self.order.quantity);
        Quantity::new((whole.get() - self.filled.get()).normalize())
    }
}

/// How an order went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Went {
    /// It was filled in full or in part.
    Filled,
    /// It ended without a fill.
    Unfilled,
    /// The venue did not take it.
    Rejected,
}

/// An order that is gone, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) id: OrderId,
    pub(crate) rule: String,
    pub(crate) went: Went,
}

/// All open orders, and the ids of those that were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Blotter {
    pub(crate) open: BTreeMap<OrderId, OpenOrder>,
    pub(crate) gone: BTreeMap<OrderId, Timestamp>,
}

impl Blotter {
    /// A new order is on its way.
    pub(crate) fn send(&mut self, order: Order, listing: Arc<Listing>, rule: &str, now: Timestamp) {
        let id = order.id.clone();
        let (filled, phase) = (Quantity::ZERO, Phase::Sent);
        self.open.insert(
            id,
            OpenOrder {
                order,
                listing,
                rule: rule.to_owned(),
                filled,
                phase,
                since: now,
                is_to_end: false,
                owed: None,
            },
        );
    }

    /// Takes a venue's news; `Err` names the rule that they break.
    pub(crate) fn hear(&mut self, event: &OrderEvent, now: Timestamp) -> Result<Option<Gone>, String> {
        let OrderEvent { id, news, .. } = event;
        let Some(open) = self.open.get_mut(id) else {
            return if self.gone.contains_key(id) {
                Ok(None)
            } else {
                Err(format!(
                    "{id} is no order of this engine: another program trades in the account under ids like its own"
                ))
            };
        };
        let went = match news {
            OrderNews::Accepted => {
                if matches!(open.phase, Phase::Sent | Phase::Asked) {
                    (open.phase, open.since) = (Phase::Standing, now);
                }
                return Ok(None);
            }
            // It may be on its way still: only when no venue would take it any more is it gone.
            OrderNews::NotKnown if now < open.order.valid_until.plus_millis(GRACE_MILLIS) => {
                (open.phase, open.since) = (Phase::Asked, now);
                return Ok(None);
            }
            OrderNews::Rejected(_) => Went::Rejected,
            // Messages of fills may come later, or never: until then it is not gone.
            OrderNews::Ended { filled: Some(filled) } if filled.abs() > open.filled.get().abs() => {
                open.owed = Some(Quantity::new(*filled));
                (open.phase, open.since) = (Phase::Asked, now);
                return Ok(None);
            }
            OrderNews::Ended { .. } | OrderNews::NotKnown if open.filled.is_zero() => Went::Unfilled,
            OrderNews::Ended { .. } | OrderNews::NotKnown => Went::Filled,
        };
        Ok(self.end(id, went, now))
    }

    /// A fill of an order; says when it is gone, and in words when it should not have been.
    pub(crate) fn fill(
        &mut self,
        id: &OrderId,
        quantity: Quantity,
        now: Timestamp,
    ) -> (Option<Gone>, Option<String>) {
        let Some(open) = self.open.get_mut(id) else {
            let odd = (!self.gone.contains_key(id))
                .then(|| format!("a fill of {id}, which is no order of this engine"));
            return (None, odd);
        };
        let filled = (open.filled.get() + quantity.get()).normalize();
        open.filled = Quantity::new(filled);
        let (ordered, is_sale) = (open.order.quantity.get(), open.order.quantity.get() < Decimal::ZERO);
        let odd = if is_sale != (quantity.get() < Decimal::ZERO) {
            Some(format!("{id}: a fill of {quantity}, against its side"))
        } else if filled.abs() > ordered.abs() {
            Some(format!("{id}: filled {filled} of {ordered}"))
        } else {
            None
        };
        let is_done = filled.abs() >= open.owed.map_or(ordered, Quantity::get).abs();
        (if is_done { self.end(id, Went::Filled, now) } else { None }, odd)
    }

    /// A fill is undone: what it filled may be filled again.
    pub(crate) fn unfill(&mut self, before: &OpenOrder, quantity: Quantity, now: Timestamp) {
        let id = &before.order.id;
        self.gone.remove(id);
        match self.open.get_mut(id) {
            Some(open) => open.filled = Quantity::new((open.filled.get() - quantity.get()).normalize()),
            None => drop(self.open.insert(id.clone(), before.clone())),
        }
        if let Some(open) = self.open.get_mut(id) {
            (open.phase, open.since) = (Phase::Asked, now);
        }
    }

    /// What must be said to venues by now. Nothing is said where no connection stands.
    pub(crate) fn remind(
        &mut self,
        answer_within_seconds: u32,
        is_up: impl Fn(&Venue) -> bool,
        now: Timestamp,
    ) -> Vec<Output> {
        let late = i64::from(answer_within_seconds) * 1_000;
        let mut said = Vec::new();
        for (id, open) in self.open.iter_mut().filter(|(_, open)| is_up(&open.order.place.venue)) {
            let (id, place) = (id.clone(), open.order.place.clone());
            let is_late = now >= open.since.plus_millis(late);
            match open.phase {
                Phase::Sent | Phase::Asked if is_late => {
                    (open.phase, open.since) = (Phase::Asked, now);
                    said.push(Output::Query { id, place });
                }
                Phase::Standing if open.is_to_end || now >= open.order.valid_until => {
                    (open.phase, open.since) = (Phase::Cancelling, now);
                    said.push(Output::Cancel { id, place });
                }
                // A venue that ended it long ago may have said so while nobody listened.
                Phase::Cancelling if is_late => {
                    open.since = now;
                    said.push(Output::Query { id: id.clone(), place: place.clone() });
                    said.push(Output::Cancel { id, place });
                }
                _ => {}
            }
        }
        self.gone.retain(|_, time| now < time.plus_millis(REMEMBERED_MILLIS));
        said
    }

    /// Asks a venue that came back for every order there.
    pub(crate) fn ask(&mut self, venue: &Venue, now: Timestamp) -> Vec<Output> {
        let here = self.open.iter_mut().filter(|(_, open)| open.order.place.venue == *venue);
        here.map(|(id, open)| {
            (open.phase, open.since) = (Phase::Asked, now);
            Output::Query { id: id.clone(), place: open.order.place.clone() }
        })
        .collect()
    }

    /// The report of a place has been agreed with: fills that were owed there are in it.
    pub(crate) fn agreed(&mut self, place: &Place, now: Timestamp) -> Vec<Gone> {
        let owed = self.open.values().filter(|open| open.order.place == *place && open.owed.is_some());
        let ids: Vec<OrderId> = owed.map(|open| open.order.id.clone()).collect();
        ids.iter().filter_map(|id| self.end(id, Went::Filled, now)).collect()
    }

    /// Asks for the end of these orders; where no connection stands, as soon as one does.
    pub(crate) fn cancel(
        &mut self,
        now: Timestamp,
        ids: &BTreeSet<OrderId>,
        is_up: impl Fn(&Venue) -> bool,
    ) -> Vec<Output> {
        let picked = self.open.iter_mut().filter(|(id, open)| ids.contains(*id) && !open.is_to_end);
        let picked = picked.map(|(id, open)| {
            open.is_to_end = true;
            (id, open)
        });
        let picked = picked.filter(|(_, open)| is_up(&open.order.place.venue));
        picked
            .map(|(id, open)| {
                (open.phase, open.since) = (Phase::Cancelling, now);
                Output::Cancel { id: id.clone(), place: open.order.place.clone() }
            })
            .collect()
    }

    fn end(&mut self, id: &OrderId, went: Went, now: Timestamp) -> Option<Gone> {
        let open = self.open.remove(id)?;
        self.gone.insert(id.clone(), now);
        // What was filled in part and then refused did trade.
        let went = if went == Went::Rejected || open.filled.is_zero() { went } else { Went::Filled };
        Some(Gone { id: id.clone(), rule: open.rule, went })
    }
}
