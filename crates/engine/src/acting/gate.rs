//! Whether an order may go now. One function, asked when a rule wants to trade and again when a person says yes.

use super::collateral::under_way;
use super::effect::{Effect, Trade, effects, pending, rows, underlyings};
use super::{Acting, desk::Desk};
use crate::event::Link;
use crate::limits::State;
use crate::orders::{OpenOrder, Order};
use book::Place;
use risk::GroupKey;
use units::{Decimal, Fixed};

/// Why nothing may be traded at a place, whatever it is.
pub(crate) fn blocked(acting: &Acting, desk: Desk<'_>, place: &Place) -> Option<String> {
    // A policy may have come since that does not have it.
    if let Some(why) = desk.policy.stranger(&place.account) {
        return Some(why);
    }
    if acting.links.get(&place.venue) != Some(&Link::Up) {
        return Some(format!("no connection to {} stands", place.venue));
    }
    if desk.differing.contains_key(place) {
        return Some(format!("{place}: its venue reports something else than the ledger"));
    }
    if !acting.proven.contains(place) {
        return Some(format!("{place}: its venue has not reported since the connection came up"));
    }
    None
}

/// Why a trade may not go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// A rule that its size does not mend.
    Rule(String),
    /// Limits that it may break.
    Limits(Vec<Effect>),
    /// What it would leave its account with.
    Margin(String),
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self::Rule(why)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rule(why) | Self::Margin(why) => f.write_str(why),
            Self::Limits(effects) => {
                let all: Vec<String> = effects.iter().map(Effect::to_string).collect();
                write!(f, "it may break a limit: {}", all.join("; "))
            }
        }
    }
}

/// What a trade would do, or why it may not go.
///
/// # Errors
/// The first rule that it breaks.
pub(crate) fn judge(acting: &Acting, desk: Desk<'_>, trade: Trade<'_>) -> Result<Vec<Effect>, Refusal> {
    if let Some(why) = blocked(acting, desk, trade.place) {
        return Err(Refusal::Rule(why));
    }
    let rows_of_trade = rows(desk, trade)?;
    let mut on_its_way = pending(desk, acting.blotter.open.values())?;
    on_its_way.extend(under_way(acting, desk)?);
    let stale = underlyings(&rows_of_trade).into_iter().find(|asset| desk.stale.contains(asset));
    if let Some(asset) = stale {
        return Err(Refusal::Rule(format!("the quotes of {asset} are stale")));
    }
    let effects = effects(desk, &rows_of_trade, &on_its_way);
    // Nothing rests on a figure that may not be true: how far a limit is cannot be told by it.
    if let Some(why) = effects.iter().find_map(|effect| doubt(desk, effect)) {
        return Err(Refusal::Rule(why));
    }
    allowed_by_state(desk, &effects, direction(desk, trade, acting.blotter.open.values()))?;
    within_orders(acting, desk, trade)?;
    let breaks = |effect: &&Effect| effect.worst.abs() > bound(desk, effect) && !effect.is_nearer_to_zero();
    let broken: Vec<Effect> = effects.iter().filter(breaks).cloned().collect();
    if broken.is_empty() { Ok(effects) } else { Err(Refusal::Limits(broken)) }
}

/// Why a limited figure may not be true.
fn doubt(desk: Desk<'_>, effect: &Effect) -> Option<String> {
    let limit = desk.policy.limits.iter().find(|limit| limit.name == effect.limit)?;
    let why = desk.doubt(&limit.group_by, limit.measure, &effect.group)?;
    let keys: Vec<String> = effect.group.iter().map(GroupKey::text).collect();
    Some(format!("the figure of limit {} {} is not known: {why}", limit.name, keys.join(" ")))
}

/// What a trade may carry a figure to. Closing everything must not make a book worse on the way: there it is the level to warn at.
pub(crate) fn bound(desk: Desk<'_>, effect: &Effect) -> Fixed {
    if desk.state == State::Flatten { effect.warn } else { effect.hard }
}

/// Whether an order that is on its way may stay there in the state reduce_only.
pub(crate) fn may_stand(acting: &Acting, desk: Desk<'_>, open: &OpenOrder) -> bool {
    let Order { id, place, limit_price, .. } = &open.order;
    let trade = Trade { place, listing: &open.listing, quantity: open.remaining(), price: *limit_price };
    let others = || acting.blotter.open.values().filter(|other| other.order.id != *id);
    let (Ok(rows), Ok(on_its_way)) = (rows(desk, trade), pending(desk, others())) else { return false };
    let effects = effects(desk, &rows, &on_its_way);
    allowed_by_state(desk, &effects, direction(desk, trade, others())).is_ok()
}

/// True when a trade brings a figure that is at a level nearer to zero, and harms none: every other one comes nearer, too, or stays below
/// its level to warn at.
fn mends(effects: &[Effect]) -> bool {
    let is_harmless = |effect: &Effect| effect.is_nearer_to_zero() || effect.stays_inside();
    effects.iter().any(Effect::mends) && effects.iter().all(is_harmless)
}

/// What the state allows a trade of one direction.
fn allowed_by_state(desk: Desk<'_>, effects: &[Effect], direction: Direction) -> Result<(), String> {
    match desk.state {
        State::Normal | State::Warn => Ok(()),
        State::Paused => Err("the book is paused".into()),
        State::ReduceOnly if mends(effects) => Ok(()),
        State::ReduceOnly | State::Flatten if direction == Direction::Closes => Ok(()),
        State::ReduceOnly => {
            Err("the book is reduce_only: it neither closes a position nor brings a figure that is at a level nearer to zero without harm to another".into())
        }
        State::Flatten if mends(effects) => Ok(()),
        State::Flatten => Err("the book is flatten: it neither closes a position nor mends a figure".into()),
    }
}

/// Where a trade takes its position, with every order on its way at the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// Nearer to zero and not beyond.
    Closes,
    /// Elsewhere.
    Opens,
}

fn direction<'a>(
    desk: Desk<'_>,
    trade: Trade<'_>,
    on_its_way: impl Iterator<Item = &'a OpenOrder>,
) -> Direction {
    let held = desk.ledger.position(trade.place, &trade.listing.symbol);
    let held = held.map_or(Decimal::ZERO, |held| held.quantity().get());
    let open = on_its_way
        .filter(|open| open.order.place == *trade.place && open.order.symbol == trade.listing.symbol);
    let is_sale = trade.quantity.get() < Decimal::ZERO;
    let same_way: Decimal = open
        .map(|open| open.remaining().get())
        .filter(|remaining| (*remaining < Decimal::ZERO) == is_sale)
        .sum();
    let traded = trade.quantity.get() + same_way;
    let closes = !held.is_zero() && is_sale == (held > Decimal::ZERO) && traded.abs() <= held.abs();
    if closes { Direction::Closes } else { Direction::Opens }
}

/// Size of one order, and turnover of an hour.
fn within_orders(acting: &Acting, desk: Desk<'_>, trade: Trade<'_>) -> Result<(), String> {
    let Some(bounds) = &desk.policy.orders else { return Err("the policy has no [orders]".into()) };
    let notional = desk.notional(trade.listing, trade.quantity.get())?;
    if notional > bounds.largest {
        return Err(format!("its notional of {} USD is over the largest order", notional.to_decimal_text(0)));
    }
    let used: Fixed = acting.turnover(desk.now);
    if used + notional > bounds.hourly_turnover {
        let left = (bounds.hourly_turnover - used).to_decimal_text(0);
        return Err(format!(
            "its notional of {} USD is over the {left} USD left of this hour",
            notional.to_decimal_text(0)
        ));
    }
    let mark = desk.mark(trade.listing)?;
    let limit = units::border::to_model(trade.price.get()).map_err(|error| error.to_string())?;
    let sign = if trade.quantity.get() < Decimal::ZERO { -1.0 } else { 1.0 };
    // A tick of slack is not given: limits are rounded towards the mark.
    if sign * (limit - mark) > mark * bounds.price_collar {
        return Err(format!("its limit {} is outside the collar around the mark {mark}", trade.price));
    }
    Ok(())
}
