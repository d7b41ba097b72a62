//! What rules want to trade: a hedge its band's excess, the state flatten everything that is held.
//!
//! ```text
//! off      = delta at the policy's vols + that of all orders on their way - target                                   USD
//! quantity = trade that `hedge::policy::decide` wants of it / (USD delta of one unit), rounded to lots towards zero
//! limit    = mark x (1 + collar) for a purchase, x (1 - collar) for a sale, rounded to ticks towards the mark; at an approval the better of
//!            this and the one that was seen
//! ```

use super::desk::{Desk, canonical, unit};
use super::effect::pending;
use super::sizing::sized;
use crate::orders::OpenOrder;
use crate::policy::{Hedge, OrderLimits};
use crate::views::Item;
use ::hedge::lots::{whole, whole_lots};
use ::hedge::policy::{Exposure, decide};
use book::Place;
use instrument::{Listing, Terms};
use risk::{GroupBy, GroupKey, Measure};
use std::sync::Arc;
use units::{Decimal, Fixed, Price, Quantity, Timestamp, border};

/// A trade that a rule wants.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wish {
    pub(crate) place: Place,
    pub(crate) listing: Arc<Listing>,
    pub(crate) quantity: Quantity,
    pub(crate) limit_price: Price,
    /// What the limit costs against the mark at worst, as a fraction of it.
    pub(crate) worst_slippage: f64,
    pub(crate) why: String,
}

/// What a rule wants: a trade, nothing, or what keeps it from knowing.
pub(crate) type Wanted = Result<Option<Wish>, String>;

/// What a hedge that last traded then wants, of at most so much notional.
pub(crate) fn hedge<'a>(
    desk: Desk<'_>,
    (rule, acted): (&Hedge, Option<Timestamp>),
    (bounds, most): (&OrderLimits, Fixed),
    on_its_way: impl Iterator<Item = &'a OpenOrder>,
) -> Wanted {
    let asset = &rule.underlying;
    if desk.stale.contains(asset) {
        return Err(format!("the quotes of {asset} are stale"));
    }
    let key = [GroupKey::Text(asset.to_string())];
    let (delta, unvalued) = desk.figure(&[GroupBy::Underlying], &key, rule.delta);
    let off = delta + pending_delta(desk, (asset, rule.delta), on_its_way)? - rule.target;
    // Nothing to hedge needs no market.
    if off.is_zero() {
        return Ok(None);
    }
    let of_policy = sized(desk, rule, acted)?;
    let in_coins = |usd: f64| usd / of_policy.spot_usd;
    let exposure = Exposure { delta: in_coins(off.to_f64() + of_policy.shift_usd), held: 0.0 };
    let Some(trade) = decide(of_policy.band, exposure) else { return Ok(None) };
    if unvalued > 0 {
        return Err(format!(
            "the delta of {asset} lacks {unvalued} positions and balances that have no value"
        ));
    }
    let priced = desk.priced(&rule.listing.contract).map_err(|missing| missing.to_string())?;
    let one = border::to_model(canonical(&rule.listing, Decimal::ONE)?).map_err(|error| error.to_string())?;
    let per_unit = unit(&priced, rule.delta) * one;
    let wanted = lots(desk, &rule.listing, trade * of_policy.spot_usd / per_unit)?;
    if wanted.is_zero() || desk.notional(&rule.listing, wanted.get())? < bounds.smallest {
        return Ok(None);
    }
    let wanted = border::to_model(wanted.get()).map_err(|error| error.to_string())?;
    let most = most.to_f64() / per_unit.abs();
    let quantity = lots(desk, &rule.listing, wanted.clamp(-most, most))?;
    if quantity.is_zero() || desk.notional(&rule.listing, quantity.get())? < bounds.smallest {
        return Err("what the largest order and the turnover of this hour leave is less than the smallest order or one lot".into());
    }
    let limit_price = limit(desk, &rule.listing, quantity, bounds)?;
    let why = format!(
        "delta of {asset} {} USD, {} {} around {}",
        delta.to_decimal_text(0),
        if rule.sizing.interval_years().is_some() { "clock, band" } else { "band" },
        Fixed::quantise(of_policy.outer_usd().unwrap_or(0.0)).unwrap_or(Fixed::ZERO).to_decimal_text(0),
        rule.target.to_decimal_text(0)
    );
    let worst_slippage = bounds.price_collar;
    Ok(Some(Wish {
        place: rule.place.clone(),
        listing: rule.listing.clone(),
        quantity,
        limit_price,
        worst_slippage,
        why,
    }))
}

/// Whether the delta is the wanted one exactly: as a rule because nothing is held.
pub(crate) fn is_flat(desk: Desk<'_>, rule: &Hedge) -> bool {
    let key = [GroupKey::Text(rule.underlying.to_string())];
    desk.figure(&[GroupBy::Underlying], &key, rule.delta).0 == rule.target
}

/// The delta that orders on their way would add.
fn pending_delta<'a>(
    desk: Desk<'_>,
    (asset, delta): (&units::Asset, Measure),
    on_its_way: impl Iterator<Item = &'a OpenOrder>,
) -> Result<Fixed, String> {
    let rows = pending(desk, on_its_way)?;
    let of_asset = rows.iter().flatten().filter(|row| row.underlying == *asset);
    Ok(of_asset.map(|row| row.exposure.in_usd(delta)).sum())
}

/// What closing one thing held wants, of at most so much notional. Balances stay.
pub(crate) fn close(desk: Desk<'_>, item: &Item, bounds: &OrderLimits, most: Fixed) -> Wanted {
    let Item::Position(place, symbol) = item else { return Ok(None) };
    let Some(held) = desk.ledger.position(place, symbol) else { return Ok(None) };
    let listing = held.listing();
    if listing.contract.terms == Terms::Spot {
        return Ok(None);
    }
    if desk.stale.contains(&listing.contract.underlying) {
        return Err(format!("{place} {symbol}: the quotes of {} are stale", listing.contract.underlying));
    }
    let all = match of_hedge(desk, place, listing, -held.quantity().get())? {
        Some(quantity) if quantity.is_zero() => return Ok(None),
        Some(quantity) => quantity.get(),
        None => -held.quantity().get(),
    };
    let notional = desk.notional(listing, all)?;
    let quantity = if notional <= most {
        Quantity::new(all)
    } else {
        let size = border::to_model(all).map_err(|error| error.to_string())?;
        lots(desk, listing, size * (most.to_f64() / notional.to_f64()))?
    };
    if quantity.is_zero() {
        return Err(format!("{place} {symbol}: what may be traded is less than one lot"));
    }
    // The last of a position goes whatever its size; pieces of it are no smaller than other orders.
    if quantity.get() != -held.quantity().get() && desk.notional(listing, quantity.get())? < bounds.smallest {
        return Ok(None);
    }
    let limit_price = limit(desk, listing, quantity, bounds)?;
    let why = format!("everything is closed, {} {symbol} held", held.quantity());
    let worst_slippage = bounds.price_collar;
    Ok(Some(Wish {
        place: place.clone(),
        listing: listing.clone(),
        quantity,
        limit_price,
        worst_slippage,
        why,
    }))
}

/// A smaller trade of the same kind; none of less than one lot.
pub(crate) fn shrunk(desk: Desk<'_>, wish: &Wish, share: f64) -> Option<Wish> {
    let size = border::to_model(wish.quantity.get()).ok()?;
    let quantity = lots(desk, &wish.listing, size * share).ok().filter(|quantity| !quantity.is_zero())?;
    let smallest = desk.policy.orders.as_ref().map_or(Fixed::ZERO, |bounds| bounds.smallest);
    desk.notional(&wish.listing, quantity.get()).ok().filter(|notional| *notional >= smallest)?;
    Some(Wish { quantity, ..wish.clone() })
}

/// The limit of what a person approves, on the market of now: never worse than was seen. Where the mark has moved on since, it follows the
/// collar as far as that is better.
pub(crate) fn limit_of_now(
    desk: Desk<'_>,
    listing: &Listing,
    (quantity, limit_price): (Quantity, Price),
) -> Result<Price, String> {
    let bounds = desk.policy.orders.as_ref().ok_or("the policy has no [orders]")?;
    let now = limit(desk, listing, quantity, bounds)?;
    let is_sale = quantity.get() < Decimal::ZERO;
    Ok(if is_sale { limit_price.max(now) } else { limit_price.min(now) })
}

/// The size of what a rule asked for and a person approves: lots that have come to be over the largest order are left off.
pub(crate) fn size_of_now(desk: Desk<'_>, listing: &Listing, quantity: Quantity) -> Result<Quantity, String> {
    let bounds = desk.policy.orders.as_ref().ok_or("the policy has no [orders]")?;
    let notional = desk.notional(listing, quantity.get())?;
    if notional <= bounds.largest {
        return Ok(quantity);
    }
    let size = border::to_model(quantity.get()).map_err(|error| error.to_string())?;
    let less = lots(desk, listing, size * (bounds.largest.to_f64() / notional.to_f64()))?;
    if less.is_zero() {
        return Err("one lot has come to be over the largest order".into());
    }
    Ok(less)
}

/// How much of what a hedge trades may be closed: no more than leaves the delta in the band, or the hedge would open it again.
fn of_hedge(
    desk: Desk<'_>,
    place: &Place,
    listing: &Listing,
    all: Decimal,
) -> Result<Option<Quantity>, String> {
    let is_its = |rule: &&Hedge| rule.place == *place && rule.listing.symbol == listing.symbol;
    let Some(rule) = desk.policy.hedges.iter().find(is_its) else { return Ok(None) };
    let key = [GroupKey::Text(rule.underlying.to_string())];
    let of_policy = sized(desk, rule, None)?;
    let off = (desk.figure(&[GroupBy::Underlying], &key, rule.delta).0 - rule.target).to_f64()
        + of_policy.shift_usd;
    let priced = desk.priced(&listing.contract).map_err(|missing| missing.to_string())?;
    let one = border::to_model(canonical(listing, Decimal::ONE)?).map_err(|error| error.to_string())?;
    let per_unit = unit(&priced, rule.delta) * one;
    let whole = border::to_model(all).map_err(|error| error.to_string())?;
    let band = of_policy.outer_usd().unwrap_or(0.0);
    // What takes the delta to the far edge of the band, in the direction of closing.
    let room = ((whole * per_unit).signum() * band - off) / per_unit;
    if room * whole <= 0.0 {
        return Ok(Some(Quantity::ZERO));
    }
    if room.abs() >= whole.abs() { Ok(Some(Quantity::new(all))) } else { lots(desk, listing, room).map(Some) }
}

/// Whole lots, towards zero.
fn lots(desk: Desk<'_>, listing: &Listing, quantity: f64) -> Result<Quantity, String> {
    let lot = trading(desk, listing)?.lot;
    whole_lots(quantity, lot).map(Quantity::new).map_err(|error| error.to_string())
}

/// The worst price that the collar allows, in ticks.
pub(crate) fn limit(
    desk: Desk<'_>,
    listing: &Listing,
    quantity: Quantity,
    bounds: &OrderLimits,
) -> Result<Price, String> {
    let mark = desk.mark(listing)?;
    let tick = trading(desk, listing)?.tick;
    let step = border::to_model(tick).map_err(|error| error.to_string())?;
    let is_sale = quantity.get() < Decimal::ZERO;
    let steps = if is_sale {
        (mark * (1.0 - bounds.price_collar) / step).ceil()
    } else {
        (mark * (1.0 + bounds.price_collar) / step).floor()
    };
    let price = whole(steps)
        .map_err(|error| error.to_string())?
        .checked_mul(tick)
        .filter(|price| *price > Decimal::ZERO);
    price.map(|price| Price::new(price.normalize())).ok_or_else(|| {
        format!("{}: no price in ticks of {tick} is within the collar around {mark}", listing.symbol)
    })
}

/// How a listing is traded, or what the policy lacks.
pub(crate) fn trading<'a>(desk: Desk<'a>, listing: &Listing) -> Result<&'a crate::policy::Trading, String> {
    desk.policy.trading_of(listing).ok_or_else(|| {
        format!(
            "{}: tick and lot are not known: add [[trading]] with venue = \"{}\", kind = \"{}\"",
            listing.symbol,
            listing.venue,
            listing.contract.kind_word()
        )
    })
}
