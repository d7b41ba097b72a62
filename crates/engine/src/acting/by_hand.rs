//! What a person wants to trade: a ticket, which goes through the gate of the rules, becomes a proposal with the same figures, and is sent
//! once it is approved. Nothing of it is done for a person that is not done for a rule, and nothing less is asked.
//!
//! ```text
//! ticket ─► lots, ticks ─► gate ─► Proposal "hand of NAME" ─ approve, by its hash ─► gate ─► Order
//!              │ no          │ no
//!              ▼             ▼
//!           Refused       Refused: a person's size is not made smaller, the reason says what it breaks
//! ```
//!
//! Without a limit of its own it takes the worst price that the collar allows. `smallest_usd` is for rules: a person may close what is small.
//!
//! **Left out:** orders that rest longer than `valid_seconds`, and moves of collateral by hand.

use super::desk::Desk;
use super::gate::Refusal;
use super::wish::{Wish, limit, trading};
use super::{Acting, Names, proposal_of};
use crate::event::{Link, Ticket};
use crate::output::Output;
use instrument::Listing;
use std::collections::BTreeSet;
use std::sync::Arc;
use units::{Decimal, OrderId, Price, Timestamp, border};

/// How the rules begin that stand for a person; no rule's name may.
pub(crate) const BY_HAND: &str = "hand of ";
/// Proposals by hand that wait at a time: each is looked at after every event.
const MOST: usize = 64;

impl Acting {
    /// A person wants a trade.
    pub(crate) fn propose(
        &mut self,
        desk: Desk<'_>,
        (who, ticket): (&str, &Ticket),
        listing: Arc<Listing>,
        names: &mut Names,
    ) -> Vec<Output> {
        let rule = format!("{BY_HAND}{who}");
        let waiting = self.proposals.values().filter(|proposal| is_by_hand(&proposal.rule)).count();
        let made = wish(desk, ticket, listing).map_err(Refusal::Rule).and_then(|wish| {
            if waiting >= MOST {
                return Err(Refusal::Rule(format!(
                    "{MOST} proposals by hand wait already: answer them first"
                )));
            }
            let effects = self.judged(desk, &wish)?;
            proposal_of(desk, &rule, wish, effects, names)
        });
        match made {
            Ok(proposal) => {
                self.proposals.insert(proposal.id, proposal.clone());
                vec![Output::Proposed(Box::new(proposal))]
            }
            Err(refusal) => {
                let Ticket { place, symbol, quantity, .. } = ticket;
                vec![Output::Refused { rule: format!("{place} {symbol} {quantity}: {refusal}") }]
            }
        }
    }

    /// A person wants an order to end; one that was asked to end already is left to it.
    pub(crate) fn cancel_one(&mut self, now: Timestamp, id: &OrderId) -> Vec<Output> {
        let Some(open) = self.blotter.open.get(id) else {
            let rule = format!("{id} is no open order: it was filled, has ended, or never was");
            return vec![Output::Refused { rule }];
        };
        let venue = open.order.place.venue.clone();
        let mut outputs = self.cancel(now, &BTreeSet::from([id.clone()]));
        if self.links.get(&venue) != Some(&Link::Up) {
            let text = format!("{id} is to end: {venue} is told when the connection stands again");
            outputs.push(Output::Alert { text });
        }
        outputs
    }
}

/// Whether a rule stands for a person.
pub(crate) fn is_by_hand(rule: &str) -> bool {
    rule.starts_with(BY_HAND)
}

/// What a ticket asks for, in whole lots and ticks.
fn wish(desk: Desk<'_>, ticket: &Ticket, listing: Arc<Listing>) -> Result<Wish, String> {
    let Ticket { place, quantity, limit_price, .. } = ticket;
    let bounds =
        desk.policy.orders.as_ref().ok_or("the policy has no [orders]: it bounds what may be sent")?;
    let trading = trading(desk, &listing)?;
    if quantity.is_zero() {
        return Err("the quantity is zero: bought is positive, sold negative".into());
    }
    if !is_whole(quantity.get(), trading.lot) {
        return Err(format!("the quantity is no whole number of lots of {}", trading.lot));
    }
    let (limit_price, worst_slippage) = match *limit_price {
        None => (limit(desk, &listing, *quantity, bounds)?, bounds.price_collar),
        Some(price) if price.get() <= Decimal::ZERO => {
            return Err(format!("the limit {price} is not above zero"));
        }
        Some(price) if !is_whole(price.get(), trading.tick) => {
            return Err(format!("the limit {price} is no whole number of ticks of {}", trading.tick));
        }
        Some(price) => (price, slippage(desk, &listing, (quantity.get() < Decimal::ZERO, price))?),
    };
    let why = "a person wants it".to_owned();
    Ok(Wish { place: place.clone(), listing, quantity: *quantity, limit_price, worst_slippage, why })
}

fn is_whole(value: Decimal, step: Decimal) -> bool {
    value.checked_rem(step).is_some_and(|rest| rest.is_zero())
}

/// What a limit costs against the mark at worst, as a fraction of it; nothing where it is better.
fn slippage(desk: Desk<'_>, listing: &Listing, (is_sale, price): (bool, Price)) -> Result<f64, String> {
    let mark = desk.mark(listing)?;
    let limit = border::to_model(price.get()).map_err(|error| error.to_string())?;
    let worse = if is_sale { mark - limit } else { limit - mark };
    Ok((worse / mark).max(0.0))
}
