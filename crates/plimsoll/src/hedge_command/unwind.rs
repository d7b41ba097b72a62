//! The way out of every position: what offsets another goes in step with it, the net by Almgren and Chriss.

use super::quotes::{Board, lots, measure};
use ::hedge::impact::{Liquidity, Worked};
use ::hedge::schedule::Costs as Trading;
use ::hedge::schedule::{Correlated, Leg, Plan, Unwind, Unwound, flatten};
use book::{Book, Position};
use instrument::{Contract, Listing, Terms};
use market::OptionQuote;
use risk::{Measure, Priced};
use std::collections::BTreeSet;
use units::{Asset, Decimal, Symbol, Timestamp, Venue, border};

/// The least delta that impact is counted on: an option far out of the money still moves when it is traded.
const LEAST_DELTA: f64 = 0.05;

const ASSUMED: &str = "assumed";

/// One position with what trading it costs.
pub(super) struct Out<'a> {
    pub(super) position: &'a Position,
    /// Units: coins of delta of a future, canonical quantity of an option.
    pub(super) units: f64,
    /// Coins of delta in a unit.
    pub(super) delta: f64,
    pub(super) spot_usd: f64,
    pub(super) lot: Decimal,
    /// Of a unit, USD.
    pub(super) fee_usd: f64,
    pub(super) half_spread_usd: f64,
    pub(super) liquidity: Liquidity,
    /// True when no market file tells how much of it trades.
    pub(super) volume_is_assumed: bool,
    /// `quote`, the venue whose quote of the same contract stands in, or `assumed`.
    pub(super) priced_by: String,
}

/// A whole plan.
pub(super) struct WayOut<'a> {
    pub(super) legs: Vec<Out<'a>>,
    pub(super) unwind: Unwind,
    /// Days asked for.
    days: f64,
    pub(super) underlyings: Vec<Asset>,
    pub(super) refused: Vec<(&'a Position, String)>,
    /// Those without quoted options.
    pub(super) without_vol: Vec<Asset>,
}

impl WayOut<'_> {
    /// Fees, spreads and impact of every position, USD.
    pub(super) fn cost_usd(&self) -> f64 {
        let each = self.legs.iter().zip(&self.unwind.legs);
        each.map(|(out, unwound)| {
            (out.fee_usd + out.half_spread_usd).mul_add(out.units.abs(), self.impact_usd(out, unwound))
        })
        .sum()
    }

    /// Impact of one position, USD. The schedule works with a line that costs what the law does for the position over the hours asked
    /// for; the law has no time in it, so who takes longer, because of a cap or as the hedge of another, gains nothing by it.
    pub(super) fn impact_usd(&self, out: &Out<'_>, unwound: &Unwound) -> f64 {
        let of_line = unwound.cost_usd - (out.fee_usd + out.half_spread_usd) * out.units.abs();
        let taken = unwound.times.last().copied().unwrap_or(0.0);
        of_line * (taken / self.days).max(1.0)
    }
}

/// Half a spread and how much trades, with where it comes from.
struct Market {
    /// USD a unit.
    half_spread_usd: f64,
    /// Units a day.
    daily_volume: Option<f64>,
    by: String,
}

/// Plans the way out of every derivative position.
///
/// # Errors
/// When figures are out of range.
pub(super) fn plan<'a>(board: Board<'_>, book: &'a Book) -> Result<WayOut<'a>, String> {
    let (mut legs, mut refused) = (Vec::new(), Vec::new());
    let positions = book.positions.iter().filter(|p| p.listing.contract.terms != Terms::Spot);
    for position in positions.filter(|p| !p.quantity.is_zero()) {
        match out(board, position) {
            Ok(out) => legs.push(out),
            Err(why) => refused.push((position, why)),
        }
    }
    let underlyings: BTreeSet<&Asset> =
        legs.iter().map(|leg| &leg.position.listing.contract.underlying).collect();
    let underlyings: Vec<Asset> = underlyings.into_iter().cloned().collect();
    let days = board.costs.unwind_hours / 24.0;
    let plan = Plan {
        days,
        steps: board.costs.unwind_steps,
        // Almgren and Chriss price the variance itself, a utility half of it.
        risk_aversion: 0.5 / board.costs.tolerance_usd,
    };
    let spots = underlyings.iter().map(|asset| board.market.spot(asset).map(units::Spot::get));
    let spots: Result<Vec<f64>, _> = spots.collect();
    let spots = spots.map_err(|missing| missing.to_string())?;
    let daily_sd =
        underlyings.iter().zip(&spots).map(|(asset, spot)| board.daily_vol(asset) * spot).collect();
    let market = Correlated { daily_sd, correlation: matrix(underlyings.len(), board.costs.correlation) };
    let parts: Vec<Leg> = legs.iter().map(|out| leg((board, out), (&underlyings, plan))).collect();
    let unwind = flatten(&parts, &market, plan).map_err(|error| error.to_string())?;
    let without_vol = underlyings.iter().filter(|asset| board.quoted_vol(asset).is_none()).cloned().collect();
    Ok(WayOut { legs, unwind, days, underlyings, refused, without_vol })
}

fn matrix(count: usize, off: f64) -> Vec<f64> {
    let places = 0..count * count;
    places.map(|place| if place / count == place % count { 1.0 } else { off }).collect()
}

fn leg((board, out): (Board<'_>, &Out<'_>), (underlyings, plan): (&[Asset], Plan)) -> Leg {
    let asset = &out.position.listing.contract.underlying;
    let order = Worked { quantity: out.units, days: plan.days, price: out.spot_usd };
    Leg {
        underlying: underlyings.iter().position(|one| one == asset).unwrap_or(usize::MAX),
        held: out.units,
        delta: out.delta,
        costs: Trading {
            fixed: out.fee_usd + out.half_spread_usd,
            permanent: 0.0,
            temporary: board.costs.impact.temporary(&out.liquidity, order),
            daily_sd: out.delta.abs() * out.spot_usd * board.daily_vol(asset),
        },
        most_per_day: out.liquidity.cap(board.costs.participation, 1.0),
    }
}

/// One position, or why it cannot be traded.
fn out<'a>(board: Board<'_>, position: &'a Position) -> Result<Out<'a>, String> {
    let listing = &position.listing;
    let trading = board.trading(listing)?;
    let priced = Priced::new(&listing.contract, board.market).map_err(|missing| missing.to_string())?;
    let spot = priced.spot_usd;
    let quantity = border::to_model(position.canonical_quantity).map_err(|error| error.to_string())?;
    let coins = measure(&priced, Measure::Delta) / spot;
    let is_option = matches!(listing.contract.terms, Terms::Option { .. });
    // A future is counted in coins of delta, whatever its contract is worth.
    let (units, delta) = if is_option { (quantity, coins) } else { (quantity * coins, 1.0) };
    let found = if is_option { option(board, listing, quantity)? } else { future(board, listing, spot)? };
    let kind = listing.contract.kind_word();
    let Some(daily_volume) = found.daily_volume.or_else(|| board.assumed_volume(kind, spot)) else {
        return Err(format!(
            "its volume is not known, and the costs have no [[unquoted]] of kind \"{kind}\""
        ));
    };
    let moves = if is_option { delta.abs().clamp(LEAST_DELTA, 1.0) } else { 1.0 };
    let daily_vol = board.daily_vol(&listing.contract.underlying) * moves;
    let liquidity = Liquidity { daily_vol, daily_volume };
    Ok(Out {
        position,
        units,
        delta,
        spot_usd: spot,
        lot: trading.lot,
        fee_usd: trading.fee * spot,
        half_spread_usd: found.half_spread_usd,
        liquidity,
        volume_is_assumed: found.by == ASSUMED || found.daily_volume.is_none(),
        priced_by: found.by,
    })
}

/// The quote of a listing, or of the same contract elsewhere.
fn quote<'q, Q>(
    quotes: &'q std::collections::BTreeMap<(Venue, Symbol), Q>,
    listing: &Listing,
    contract: impl Fn(&Q) -> &Contract,
) -> Option<(String, &'q Q)> {
    let own = quotes.get(&(listing.venue.clone(), listing.symbol.clone())).map(|q| ("quote".to_owned(), q));
    let same = || quotes.iter().find(|(_, quote)| *contract(quote) == listing.contract);
    own.or_else(|| same().map(|((venue, _), quote)| (venue.to_string(), quote)))
}

fn fresh(board: Board<'_>, of: Timestamp) -> Result<(), String> {
    board.stale(of).map_or(Ok(()), Err)
}

fn assumed(board: Board<'_>, kind: &str, spot_usd: f64) -> Result<Market, String> {
    let Some(assumed) = board.costs.unquoted.get(kind) else {
        return Err(format!(
            "no market file quotes it, and the costs have no [[unquoted]] of kind \"{kind}\""
        ));
    };
    Ok(Market {
        half_spread_usd: assumed.half_spread * spot_usd,
        daily_volume: Some(assumed.daily_volume_usd / spot_usd),
        by: ASSUMED.into(),
    })
}

fn future(board: Board<'_>, listing: &Listing, spot_usd: f64) -> Result<Market, String> {
    let Some((by, quote)) = quote(&board.snapshot.futures, listing, |quote| &quote.listing.contract) else {
        return assumed(board, listing.contract.kind_word(), spot_usd);
    };
    fresh(board, quote.source_time)?;
    let (Some(bid), Some(ask)) = (quote.bid_price, quote.ask_price) else {
        return Err("no liquidity: bid or ask is missing".into());
    };
    if bid > ask {
        return Err(format!("bid {bid} is above ask {ask}"));
    }
    let half_spread_usd = (ask - bid) / (ask + bid) * spot_usd;
    Ok(Market { half_spread_usd, daily_volume: quote.volume.filter(|volume| *volume > 0.0), by })
}

/// What closing an option gives away against its mark: to the ask for one sold, to the bid for one bought.
fn option(board: Board<'_>, listing: &Listing, quantity: f64) -> Result<Market, String> {
    let spot = board.market.spot(&listing.contract.underlying).map_err(|missing| missing.to_string())?.get();
    let found = quote(&board.snapshot.options, listing, |quote: &OptionQuote| &quote.listing.contract);
    let Some((by, quote)) = found else { return assumed(board, "option", spot) };
    fresh(board, quote.source_time)?;
    let (side, price) = if quantity > 0.0 { ("bid", quote.bid_price) } else { ("ask", quote.ask_price) };
    let Some(price) = price.filter(|price| *price > 0.0) else {
        return Err(format!("no liquidity: no {side}"));
    };
    let unit = board.market.usd_rate(quote.listing.contract.settlement_asset());
    let unit = unit.map_err(|missing| missing.to_string())?;
    let given = if quantity > 0.0 { quote.mark_price - price } else { price - quote.mark_price };
    Ok(Market {
        half_spread_usd: given.max(0.0) * unit,
        daily_volume: quote.volume.filter(|volume| *volume > 0.0),
        by,
    })
}

/// Trades of a leg in whole lots, by step; the last takes what is left, whatever its size.
pub(super) fn in_lots(out: &Out<'_>, holdings: &[f64]) -> Result<Vec<Decimal>, String> {
    let held = out.position.quantity.get();
    let size = border::to_model(held).map_err(|error| error.to_string())?;
    let mut left = held;
    let mut trades = Vec::new();
    for (step, kept) in holdings.iter().enumerate().skip(1) {
        let next =
            if step + 1 == holdings.len() { Decimal::ZERO } else { lots(size * kept / out.units, out.lot)? };
        trades.push((next - left).normalize());
        left = next;
    }
    Ok(trades)
}
