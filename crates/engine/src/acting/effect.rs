//! What a trade would change: its rows, and the limited figures before and after, with what is on its way counted.
//!
//! ```text
//! figure after         = figure + trade, at the marks of now
//! worst figure after   = figure + trade + all orders on their way that move it the same way
//! ```
//!
//! An order on its way may be filled or not, so a figure lies in an interval; a trade is judged at the end that it moves. The premium of an
//! option and its payment at the mark are both in it. Fees are not: they are money, not exposure, and below any limit's interest.

use super::desk::{Desk, canonical};
use crate::limits::Level;
use crate::orders::OpenOrder;
use crate::policy::Limit;
use book::{Balance, Origin, Place, Position};
use instrument::{Listing, Settlement, Terms};
use risk::{GroupKey, Row, balance_place, position_place};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use units::{Decimal, Fixed, Money, Price, Quantity, border};

/// A limited figure before and after a trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Name of the limit.
    pub limit: String,
    /// Which group of the book.
    pub group: Vec<GroupKey>,
    /// The figure now, USD.
    pub before: Fixed,
    /// With the trade.
    pub after: Fixed,
    /// With the trade and every order on its way that moves it the same way.
    pub worst: Fixed,
    /// The level to warn at.
    pub warn: Fixed,
    /// The hard level.
    pub hard: Fixed,
    /// Where the limit stands on the group: a level lasts until its release.
    pub level: Level,
}

impl Effect {
    /// True when the trade at its worst leaves the figure between zero and what it is now.
    pub(crate) fn is_nearer_to_zero(&self) -> bool {
        let (before, worst) = (self.before, self.worst);
        let same_side = worst.is_zero() || (worst > Fixed::ZERO) == (before > Fixed::ZERO);
        same_side && worst.abs() <= before.abs()
    }

    /// True when the trade at its worst leaves the figure below its level to warn at.
    pub(crate) fn stays_inside(&self) -> bool {
        self.worst.abs() < self.warn
    }

    /// True when the figure is at a level and the trade brings it nearer to zero.
    pub(crate) fn mends(&self) -> bool {
        (self.level > Level::Inside || self.before.abs() >= self.warn) && self.is_nearer_to_zero()
    }

    /// The share of the trade that keeps the figure within a bound, for one that may carry it beyond.
    pub(crate) fn share_within(&self, bound: Fixed) -> f64 {
        let moved = self.after - self.before;
        // The figure with everything on its way, and without the trade.
        let base = self.worst - moved;
        let room = if moved > Fixed::ZERO { bound - base } else { bound + base };
        (room.to_f64() / moved.abs().to_f64()).clamp(0.0, 1.0)
    }
}

/// A trade in one instrument.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trade<'a> {
    pub(crate) place: &'a Place,
    pub(crate) listing: &'a Arc<Listing>,
    pub(crate) quantity: Quantity,
    pub(crate) price: Price,
}

/// Rows of a trade: what is bought, and what is paid for it.
///
/// # Errors
/// What has no value in words.
pub(crate) fn rows(desk: Desk<'_>, trade: Trade<'_>) -> Result<Vec<Row>, String> {
    let Trade { place, listing, quantity, .. } = trade;
    let contract = &listing.contract;
    if contract.terms == Terms::Spot {
        return Err(format!("{}: rules do not trade spot", listing.symbol));
    }
    let size = canonical(listing, quantity.get())?;
    let priced = desk.priced(contract).map_err(|missing| missing.to_string())?;
    let mut row = position_place(&position(place, listing, quantity, size));
    row.exposure = priced.exposure(border::to_model(size).map_err(text)?).map_err(text)?;
    if !matches!(contract.terms, Terms::Option { .. }) {
        return Ok(vec![row]);
    }
    // At the mark: a fill may be anywhere on the better side of its limit.
    let mark =
        Decimal::try_from(desk.mark(listing)?).map_err(|error| format!("{}: {error}", listing.symbol))?;
    let per_unit = listing
        .canonical_price(Price::new(mark))
        .ok_or_else(|| format!("{}: mark {mark}", listing.symbol))?;
    let multiplier = match &contract.settlement {
        Settlement::Quanto { multiplier, .. } => *multiplier,
        Settlement::Linear { .. } | Settlement::Inverse => Decimal::ONE,
    };
    let paid = size.checked_mul(per_unit.get()).and_then(|paid| paid.checked_mul(multiplier));
    let paid = paid.ok_or_else(|| format!("{}: the premium needs over 28 digits", listing.symbol))?;
    let asset = contract.settlement_asset();
    let money = Money { amount: -paid, asset: asset.clone() };
    Ok(vec![row, cash_row(desk, place, money)?])
}

/// The row of money that a place gains.
///
/// # Errors
/// What has no value in words.
pub(crate) fn cash_row(desk: Desk<'_>, place: &Place, money: Money) -> Result<Row, String> {
    let amount = border::to_model(money.amount).map_err(text)?;
    let priced = desk.priced_asset(&money.asset).map_err(|missing| missing.to_string())?;
    let mut cash = balance_place(&balance(place, money));
    cash.exposure = priced.exposure(amount).map_err(text)?;
    Ok(cash)
}

/// Rows of what every open order may still do; an order that has no value is named.
///
/// # Errors
/// The first such order.
pub(crate) fn pending<'a>(
    desk: Desk<'_>,
    orders: impl Iterator<Item = &'a OpenOrder>,
) -> Result<Vec<Vec<Row>>, String> {
    orders
        .map(|open| {
            let trade = Trade {
                place: &open.order.place,
                listing: &open.listing,
                quantity: open.remaining(),
                price: open.order.limit_price,
            };
            rows(desk, trade).map_err(|why| format!("{} on its way: {why}", open.order.id))
        })
        .collect()
}

/// Every limited figure that the rows move.
pub(crate) fn effects(desk: Desk<'_>, trade: &[Row], pending: &[Vec<Row>]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for (place, limit) in desk.policy.limits.iter().enumerate() {
        let own = by_group(limit, trade);
        let others: Vec<BTreeMap<Vec<GroupKey>, Fixed>> =
            pending.iter().map(|rows| by_group(limit, rows)).collect();
        for (group, moved) in own {
            let same_way: Fixed = others
                .iter()
                .filter_map(|of| of.get(&group))
                .filter(|other| (**other > Fixed::ZERO) == (moved > Fixed::ZERO))
                .copied()
                .sum();
            let before = desk.limited(limit, &group);
            let key = (place, group.clone());
            let after = before + moved;
            let worst = after + same_way;
            let Limit { name, warn, hard, .. } = limit;
            effects.push(Effect {
                limit: name.clone(),
                group,
                before,
                after,
                worst,
                warn: *warn,
                hard: *hard,
                level: desk.limits.level(&key),
            });
        }
    }
    effects
}

/// What rows add to each group of a limit; groups that they do not move are left out.
fn by_group(limit: &Limit, rows: &[Row]) -> BTreeMap<Vec<GroupKey>, Fixed> {
    let mut sums: BTreeMap<Vec<GroupKey>, Fixed> = BTreeMap::new();
    for row in rows {
        let key: Vec<GroupKey> = limit.group_by.iter().map(|column| column.key(row)).collect();
        if limit.applies(&key) {
            *sums.entry(key).or_default() += row.exposure.in_usd(limit.measure);
        }
    }
    sums.retain(|_, moved| !moved.is_zero());
    sums
}

/// Underlyings of rows: none may be stale.
pub(crate) fn underlyings(rows: &[Row]) -> BTreeSet<units::Asset> {
    rows.iter().map(|row| row.underlying.clone()).collect()
}

/// Where the contract of an order belongs, with no figures.
pub(crate) fn place_of(open: &OpenOrder) -> Row {
    position_place(&position(&open.order.place, &open.listing, Quantity::ZERO, Decimal::ZERO))
}

fn position(place: &Place, listing: &Arc<Listing>, quantity: Quantity, size: Decimal) -> Position {
    Position {
        account: place.account.clone(),
        venue: place.venue.clone(),
        chain: place.chain.clone(),
        listing: listing.clone(),
        quantity,
        canonical_quantity: size,
        average_price: None,
        combo: None,
        origin: Origin { file: "order".into(), row: 0 },
    }
}

fn balance(place: &Place, money: Money) -> Balance {
    Balance {
        account: place.account.clone(),
        venue: place.venue.clone(),
        chain: place.chain.clone(),
        money,
        origin: Origin { file: "order".into(), row: 0 },
    }
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn text(error: units::UnitError) -> String {
    error.to_string()
}
