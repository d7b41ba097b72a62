//! `plimsoll hedge --greeks`: delta, gamma and vega of the whole book within bands at the least cost, by [`hedge::optimise`].
//!
//! Rows are the bands, by coin or by time to expiry, of every coin that has a [[hedge]] rule; the account of the rule trades. Instruments
//! are all perpetuals, futures and options of these coins that the market quotes on both sides and [[trading]] knows. A unit costs fee, half
//! the spread and the carry that is paid; carry that is received is told and not counted, because a hedge is no trade for carry. Impact is the parabola through the square-root law at the largest trade that
//! the participation allows. Margin is linear here, of one lot each way, and exact in the table of what it comes to.

use super::bands::{Bands, By, GreekBand};
use super::costs::Costs;
use super::plan::{Order, carry_sides, margined, place, room, room_after, whole};
use super::quotes::{Board, measure};
use super::tables::bucket;
use super::{Bench, Refusal};
use ::hedge::impact::Liquidity;
use ::hedge::optimise::{
    Aim, Conflict, Effort, End, Hedge as Solution, Instrument, Lots, Move, OptimiseError, Problem, Row,
    Sides, Venue, VenueMargin, WhyNotMore, optimise,
};
use engine::Hedge;
use instrument::Listing;
use market::OptionQuote;
use risk::{Measure, Priced};
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Decimal, Timestamp, border};

/// A plan over several greeks.
pub(super) struct Greeks {
    pub(super) legs: Vec<Leg>,
    pub(super) solution: Solution,
    /// Coin, bucket and measure of each row, and what its band is around.
    pub(super) rows: Vec<(Asset, &'static str, Measure, f64)>,
    pub(super) refused: Vec<Refusal>,
    pub(super) offered: usize,
}

/// A trade of the plan.
pub(super) struct Leg {
    pub(super) offer: Offer,
    pub(super) quantity: Decimal,
    pub(super) trading_usd: f64,
    pub(super) carry_usd: f64,
    pub(super) impact_usd: f64,
    pub(super) why: String,
}

/// What can be traded.
pub(super) struct Offer {
    pub(super) place: book::Place,
    pub(super) listing: Listing,
    pub(super) priced: Priced,
    pub(super) unit: String,
    lot: Decimal,
    /// USD of notional of one unit of the listing.
    pub(super) notional_usd: f64,
    /// Fee and half the spread of one unit, USD.
    trading_usd: f64,
    /// Of one unit over the horizon, USD, on either side; negative is received.
    carry_usd: Sides,
    liquidity: Liquidity,
    coins: f64,
}

impl Offer {
    /// Impact of so many units by the law of the costs, USD: for an option that of its delta.
    fn impact_usd(&self, costs: &Costs, units: f64) -> f64 {
        let delta = measure(&self.priced, Measure::Delta)
            * border::to_model(self.listing.contract_size).unwrap_or(f64::NAN);
        costs.impact.average(&self.liquidity, units * self.coins) * delta.abs() * units
    }
}

impl Leg {
    pub(super) const fn order(&self) -> Order<'_> {
        Order {
            place: &self.offer.place,
            listing: &self.offer.listing,
            priced: &self.offer.priced,
            quantity: self.quantity,
        }
    }
}

/// Plans.
///
/// # Errors
/// Why there is no plan: what cannot be hedged, or which limits exclude one another.
pub(super) fn plan(bench: &Bench, board: Board<'_>, bands: &Bands) -> Result<Greeks, String> {
    let mut refused = Vec::new();
    let mut offers: Vec<Offer> = Vec::new();
    let mut hedged: BTreeMap<&Asset, &Hedge> = BTreeMap::new();
    for rule in &bench.policy.hedges {
        hedged.entry(&rule.underlying).or_insert(rule);
    }
    for rule in hedged.values() {
        offered(board, rule, (&mut offers, &mut refused));
    }
    if offers.is_empty() {
        let why: Vec<String> =
            refused.iter().take(5).map(|one: &Refusal| format!("{}: {}", one.name, one.why)).collect();
        let more = refused.len().saturating_sub(why.len());
        return Err(format!("nothing can be traded: {}; and {more} more", why.join("; ")));
    }
    let asof = bench.desk.loaded.market.asof;
    let rows = rows((bench, asof), (&hedged, &offers), bands);
    let (instruments, venues) = instruments((bench, board), &offers, (&rows, asof, bands));
    let problem = Problem {
        rows: rows.iter().map(|row| row.row.clone()).collect(),
        instruments,
        venues,
        aim: Aim::Cost,
        lots: Lots::Whole,
        effort: Effort::default(),
    };
    let solution = optimise(&problem).map_err(|error| said(&error))?;
    let count = offers.len();
    let mut legs = Vec::new();
    for (offer, trade) in offers.into_iter().zip(&solution.trades) {
        #[allow(clippy::cast_possible_truncation)] // whole, and bounded by liquidity
        let quantity = Decimal::from(trade.lots as i64).checked_mul(offer.lot);
        let quantity = quantity.ok_or("a quantity of over 28 digits")?.normalize();
        if quantity.is_zero() {
            continue;
        }
        let size = trade.quantity.abs();
        let side = if trade.lots > 0.0 { offer.carry_usd.bought } else { offer.carry_usd.sold };
        legs.push(Leg {
            trading_usd: size * offer.trading_usd,
            carry_usd: size * side,
            impact_usd: offer.impact_usd(board.costs, size),
            why: why(&trade.why),
            offer,
            quantity,
        });
    }
    // The plan's margins are linear, the venues' are not: what is proposed is margined as it is.
    let orders: Vec<Order<'_>> = legs.iter().map(Leg::order).collect();
    margined((board, &bench.desk), &orders)?;
    let rows = rows.into_iter().map(|row| (row.asset, row.bucket, row.measure, row.target)).collect();
    Ok(Greeks { legs, solution, rows, refused, offered: count })
}

/// In words: bands, margins and budgets that exclude one another by name, of instruments' limits the nearest to enough.
fn said(error: &OptimiseError) -> String {
    const NAMED: usize = 3;
    let OptimiseError::Infeasible(conflicts) = error else {
        return format!("no plan over several greeks: {error}");
    };
    let share = |conflict: &Conflict| match conflict {
        Conflict::Liquidity { most, needs: Some(needs), .. } => most / needs,
        _ => 0.0,
    };
    let (mut limits, others): (Vec<&Conflict>, Vec<&Conflict>) =
        conflicts.iter().partition(|conflict| matches!(conflict, Conflict::Liquidity { .. }));
    limits.sort_by(|a, b| share(b).total_cmp(&share(a)));
    let mut named: Vec<String> =
        others.iter().chain(limits.iter().take(NAMED)).map(ToString::to_string).collect();
    if limits.len() > NAMED {
        named.push(format!("and what may be traded of {} more", limits.len() - NAMED));
    }
    format!(
        "no plan over several greeks: these limits exclude one another: {}. Widen the band or give it a price (--bands), allow more hours or a larger participation (--costs)",
        named.join("; ")
    )
}

struct GreekRow {
    asset: Asset,
    bucket: &'static str,
    by: By,
    measure: Measure,
    /// What the band is around.
    target: f64,
    row: Row,
}

/// Every band of every coin, with what the book has there.
fn rows(
    (bench, asof): (&Bench, Timestamp),
    (hedged, offers): (&BTreeMap<&Asset, &Hedge>, &[Offer]),
    bands: &Bands,
) -> Vec<GreekRow> {
    let mut found = Vec::new();
    for (asset, rule) in hedged {
        for GreekBand { measure, by, band } in &bands.bands {
            let mut sums: BTreeMap<(usize, &'static str), units::Fixed> = BTreeMap::new();
            // Where nothing is held, trades may bring something.
            let of_offers = offers.iter().filter(|offer| offer.listing.contract.underlying == **asset);
            for offer in of_offers.filter(|offer| measure_of(offer, *measure) != 0.0) {
                let expiry = offer.listing.contract.expiry();
                let key = if *by == By::Underlying { (0, "all") } else { bucket(asof, expiry) };
                sums.insert(key, units::Fixed::ZERO);
            }
            let offered: BTreeSet<(usize, &'static str)> = sums.keys().copied().collect();
            for row in bench.valuation.rows.iter().filter(|row| row.underlying == **asset) {
                let key = if *by == By::Underlying { (0, "all") } else { bucket(asof, row.expiry) };
                *sums.entry(key).or_default() += row.exposure.in_usd(*measure);
            }
            let sums = sums.into_iter().filter(|(key, sum)| offered.contains(key) || !sum.is_zero());
            found.extend(sums.map(|((_, bucket), sum)| GreekRow {
                asset: (*asset).clone(),
                bucket,
                by: *by,
                measure: *measure,
                target: target(rule, (*measure, *by)),
                row: Row {
                    name: format!("{asset} {} {bucket}", measure.usd_key()),
                    exposure: sum.to_f64() - target(rule, (*measure, *by)),
                    band: *band,
                },
            }));
        }
    }
    found
}

/// What a band is around: the rule's target, of its own delta.
fn target(rule: &Hedge, (measure, by): (Measure, By)) -> f64 {
    if measure == rule.delta && by == By::Underlying { rule.target.to_f64() } else { 0.0 }
}

/// A measure of one unit of the listing, USD.
fn measure_of(offer: &Offer, of: Measure) -> f64 {
    measure(&offer.priced, of) * border::to_model(offer.listing.contract_size).unwrap_or(f64::NAN)
}

/// Everything on one coin that can be traded, and what cannot.
fn offered(board: Board<'_>, rule: &Hedge, (offers, refused): (&mut Vec<Offer>, &mut Vec<Refusal>)) {
    let refuse = |listing: &Listing, why: String| Refusal {
        what: "instrument",
        name: format!("{} {}", listing.venue, listing.symbol),
        why,
    };
    for (listing, found) in board.linear(rule) {
        match found {
            Err(why) => refused.push(refuse(&listing, why)),
            Ok(with) => {
                let notional_usd = with.unit_delta_usd.abs();
                let trading = (with.fee + with.half_spread) * notional_usd;
                let (long, short) = carry_sides(board.costs, &with);
                let carry_usd = Sides { bought: long * notional_usd, sold: short * notional_usd };
                offers.push(Offer {
                    place: place(rule, &with.listing),
                    unit: with.unit(),
                    lot: with.lot,
                    coins: notional_usd / with.priced.spot_usd,
                    liquidity: with.liquidity,
                    listing: with.listing,
                    priced: with.priced,
                    notional_usd,
                    trading_usd: trading,
                    carry_usd,
                });
            }
        }
    }
    let options = board.snapshot.options.values();
    for quote in options.filter(|quote| quote.listing.contract.underlying == rule.underlying) {
        match option(board, rule, quote) {
            Ok(offer) => offers.push(offer),
            Err(why) => refused.push(refuse(&quote.listing, why)),
        }
    }
}

fn option(board: Board<'_>, rule: &Hedge, quote: &OptionQuote) -> Result<Offer, String> {
    let listing = quote.listing.clone();
    let trading = board.trading(&listing)?;
    if let Some(stale) = board.stale(quote.source_time) {
        return Err(stale);
    }
    let (Some(bid), Some(ask)) = (quote.bid_price, quote.ask_price) else {
        return Err("no liquidity: not quoted on both sides".into());
    };
    if !(bid > 0.0 && bid <= ask) {
        return Err(format!("bid {bid}, ask {ask}: no two sides"));
    }
    let priced = Priced::new(&listing.contract, board.market).map_err(|missing| missing.to_string())?;
    let size = border::to_model(listing.contract_size).map_err(|error| error.to_string())?;
    let notional_usd = priced.spot_usd * size;
    // Premiums in coin are worth the index; in a currency, its rate is in the price of one unit of value.
    let per_price = match listing.contract.settlement {
        instrument::Settlement::Inverse => priced.spot_usd,
        _ => priced.usd_per_value,
    };
    let half_spread_usd = 0.5 * (ask - bid) * per_price * size;
    let volume = match quote.volume {
        Some(volume) if volume > 0.0 => volume,
        Some(_) => return Err("no liquidity: nothing traded in 24 hours".into()),
        None => board
            .assumed_volume("option", priced.spot_usd)
            .ok_or("its volume is not known: the costs have no [[unquoted]] of kind \"option\"")?,
    };
    Ok(Offer {
        place: place(rule, &listing),
        unit: if listing.contract_size == Decimal::ONE {
            listing.contract.underlying.to_string()
        } else {
            "contracts".into()
        },
        lot: trading.lot,
        notional_usd,
        trading_usd: trading.fee.mul_add(notional_usd, half_spread_usd),
        carry_usd: Sides::both(0.0),
        liquidity: Liquidity {
            daily_vol: board.daily_vol(&listing.contract.underlying),
            daily_volume: volume,
        },
        coins: size,
        listing,
        priced,
    })
}

/// Offers as the optimiser takes them, and the accounts whose margin they use.
fn instruments(
    (bench, board): (&Bench, Board<'_>),
    offers: &[Offer],
    (rows, asof, bands): (&[GreekRow], Timestamp, &Bands),
) -> (Vec<Instrument>, Vec<Venue>) {
    let smallest = bench.policy.orders.as_ref().map_or(0.0, |orders| orders.smallest.to_f64());
    let least = bands.least_trade_usd.max(smallest);
    let mut venues: BTreeMap<String, Venue> = BTreeMap::new();
    let mut instruments = Vec::new();
    for offer in offers {
        let expiry = offer.listing.contract.expiry();
        let moves =
            rows.iter().filter(|row| row.asset == offer.listing.contract.underlying).filter_map(|row| {
                let here = row.by == By::Underlying || bucket(asof, expiry).1 == row.bucket;
                let per_unit = measure_of(offer, row.measure);
                (here && per_unit != 0.0).then(|| Move { row: row.row.name.clone(), per_unit })
            });
        let moves = moves.collect();
        let (costs, lot) = (board.costs, border::to_model(offer.lot).unwrap_or(f64::NAN));
        let cap = offer.liquidity.cap(costs.participation, bands.within_hours / 24.0) / offer.coins;
        let cap = (cap / lot).floor() * lot;
        let impact = if cap > 0.0 { 2.0 * offer.impact_usd(costs, cap) / (cap * cap) } else { 0.0 };
        instruments.push(Instrument {
            name: format!("{} {}", offer.listing.venue, offer.listing.symbol),
            lot,
            cost: Sides {
                bought: offer.trading_usd.max(0.0) + offer.carry_usd.bought.max(0.0),
                sold: offer.trading_usd.max(0.0) + offer.carry_usd.sold.max(0.0),
            },
            impact,
            liquidity: Sides::both(cap.max(0.0)),
            minimum: least / offer.notional_usd,
            moves,
            margin: margin((bench, board), offer, (lot, &mut venues)),
        });
    }
    (instruments, venues.into_values().collect())
}

/// What a unit takes of what its account has to spare, bought and sold: of one lot each way, by the venue's rules. An account whose wallets
/// stand alone has nothing to spare for what would leave one of them short. None where no rulebook says.
fn margin(
    (bench, board): (&Bench, Board<'_>),
    offer: &Offer,
    (lot, venues): (f64, &mut BTreeMap<String, Venue>),
) -> Option<VenueMargin> {
    let now = room((&bench.desk, &bench.desk.states), &offer.place)?;
    let taken = |quantity: Decimal| {
        let order = Order { place: &offer.place, listing: &offer.listing, priced: &offer.priced, quantity };
        Some((now - room_after((&bench.desk, board), &order)?) / lot)
    };
    let (bought, sold) = (taken(offer.lot)?, taken(-offer.lot)?);
    let name = format!("{}@{}", offer.place.account, offer.place.venue);
    // Portfolio margin is convex but for rounding: buying and selling the same releases nothing.
    let short = (-(bought + sold)).max(0.0) * 0.5;
    venues.entry(name.clone()).or_insert_with(|| Venue {
        name: name.clone(),
        used: 0.0,
        limit: now.max(0.0),
    });
    Some(VenueMargin { venue: name, per_unit: Sides { bought: bought + short, sold: sold + short } })
}

fn why(why: &WhyNotMore) -> String {
    match why {
        WhyNotMore::NoLiquidity => "nothing of it can be traded".into(),
        WhyNotMore::AtLimit { .. } => "participation: no more of what trades may be ours".into(),
        WhyNotMore::NotWorth { .. } => "not worth its cost".into(),
        WhyNotMore::Balanced { limits } if limits.is_empty() => "one more costs what it brings".into(),
        WhyNotMore::Balanced { limits } => format!("one more costs what it brings, at {}", limits.join(", ")),
        WhyNotMore::Rounded { .. } => "whole lots".into(),
    }
}

/// What a reader should know of a plan.
pub(super) fn notes(plan: &Greeks, bands: &Bands, rules: &[Hedge]) -> Vec<String> {
    let Greeks { solution, offered, .. } = plan;
    let mut notes = vec![
        format!("bands: {}", bands.source),
        format!(
            "{offered} instruments offered; objective {} USD, no plan is below {} USD{}",
            whole(solution.objective),
            whole(solution.bound),
            match solution.end {
                End::Optimal => "",
                End::NodeLimit => "; the search for whole lots ended at its limit of nodes",
                End::WorkLimit => "; the search ended at its limit of work",
            }
        ),
    ];
    let again = |(place, rule): (usize, &Hedge)| {
        let first = rules.iter().take(place).find(|first| first.underlying == rule.underlying)?;
        Some(format!(
            "'{}' trades nothing here: the account of '{}' does for {}",
            rule.name, first.name, rule.underlying
        ))
    };
    notes.extend(rules.iter().enumerate().filter_map(again));
    let unmovable: Vec<&str> = solution
        .rows
        .iter()
        .filter(|row| row.unmovable && row.room < 0.0)
        .map(|row| row.row.as_str())
        .collect();
    if !unmovable.is_empty() {
        notes.push(format!("no instrument that can be traded moves {}", unmovable.join(", ")));
    }
    notes
}
