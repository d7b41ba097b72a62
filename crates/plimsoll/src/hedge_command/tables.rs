//! The flat tables of `plimsoll hedge`. A column's name ends in its unit.

use super::greeks::Greeks;
use super::plan::{Followed, Order, Trade};
use super::quotes::Board;
use super::unwind::{WayOut, in_lots};
use super::{Bench, Costs, Refusal};
use crate::cli::{Format, HedgeTableName};
use crate::failure::Failure;
use crate::margin_commands::{AccountFigures, MarginFigures, margined};
use crate::measure_commands::Section;
use crate::render::flat::{Body, columns, count, optional, text};
use ::hedge::optimise::Band;
use ::margin::{Change, apply};
use lake::{Cell, ColumnKind};
use risk::{Measure, Valuation};
use std::collections::{BTreeMap, BTreeSet};
use units::{Account, Asset, Fixed, Timestamp, Venue, border};

type One = Section<HedgeTableName>;

fn usd(value: f64) -> Cell {
    Fixed::quantise(value).map_or(Cell::Null, Cell::Fixed)
}

/// A figure and what is added to it, exact like the figure.
fn after(before: Fixed, change: f64) -> Cell {
    Fixed::quantise(change).map_or(Cell::Null, |change| Cell::Fixed(before + change))
}

/// Net cash delta by underlying, USD.
pub(super) fn deltas(valuation: &Valuation) -> BTreeMap<Asset, Fixed> {
    let mut all: BTreeMap<Asset, Fixed> = BTreeMap::new();
    for row in &valuation.rows {
        *all.entry(row.underlying.clone()).or_default() += row.exposure.in_usd(Measure::Delta);
    }
    all
}

/// All tables of a plan.
pub(super) fn planned(
    bench: &Bench,
    board: Board<'_>,
    (followed, refusals, refused): (&[Followed<'_>], &[Refusal], &BTreeSet<Asset>),
) -> Result<Vec<One>, Failure> {
    let costs = &bench.costs;
    let orders: Vec<Order<'_>> =
        followed.iter().filter_map(|one| Some(one.trade.as_ref()?.order())).collect();
    Ok(vec![
        Section::new(
            HedgeTableName::Trades,
            (
                "Proposed trades",
                "one band for each underlying on the net delta of the whole book; quantities in the unit of the listing",
            ),
            trades(followed),
        ),
        Section::new(HedgeTableName::Reasons, ("Why not more", ""), reasons(followed)),
        Section::new(
            HedgeTableName::Costs,
            (
                "Cost of the trades",
                &format!(
                    "carry is expected funding or basis over {} days; negative is received",
                    costs.horizon_days
                ),
            ),
            trade_costs(followed),
        ),
        Section::new(
            HedgeTableName::Buckets,
            ("Delta, gamma and vega by time to expiry", "before and after the trades"),
            buckets(bench, (&orders, refused)),
        ),
        Section::new(
            HedgeTableName::Margin,
            (
                "Margin where it changes",
                "by the venue's own rules; available is what the initial margin leaves",
            ),
            margin(bench, board, &orders)?,
        ),
        Section::new(
            HedgeTableName::Instruments,
            (
                "Instruments, the cheapest first",
                &format!("cost of the whole excess over {} days; negative is received", costs.horizon_days),
            ),
            instruments(followed),
        ),
        Section::new(HedgeTableName::Refused, ("Not traded", ""), refusal_rows(refusals)),
        empty(HedgeTableName::Legs, leg_columns()),
        empty(HedgeTableName::Greeks, greek_columns()),
        empty(HedgeTableName::Unwind, unwind_columns()),
        empty(HedgeTableName::Path, path_columns()),
        empty(HedgeTableName::Schedule, schedule_columns()),
    ])
}

/// All tables of a plan over several greeks.
pub(super) fn of_greeks(bench: &Bench, board: Board<'_>, plan: &Greeks) -> Result<Vec<One>, Failure> {
    let orders: Vec<Order<'_>> = plan.legs.iter().map(super::greeks::Leg::order).collect();
    Ok(vec![
        Section::new(
            HedgeTableName::Legs,
            (
                "Proposed trades",
                "the least cost that brings every greek within its band; quantities in the unit of the listing",
            ),
            (leg_columns(), legs(plan)),
        ),
        Section::new(
            HedgeTableName::Greeks,
            (
                "Bands",
                "in the unit of each greek, USD; price: what one more unit of width would save; beyond: what the rest costs",
            ),
            (greek_columns(), greeks(plan)),
        ),
        Section::new(
            HedgeTableName::Buckets,
            ("Delta, gamma and vega by time to expiry", "before and after the trades"),
            buckets(bench, (&orders, &BTreeSet::new())),
        ),
        Section::new(
            HedgeTableName::Margin,
            (
                "Margin where it changes",
                "by the venue's own rules; available is what the initial margin leaves",
            ),
            margin(bench, board, &orders)?,
        ),
        Section::new(HedgeTableName::Refused, ("Not traded", ""), refusal_rows(&plan.refused)),
        empty(HedgeTableName::Trades, trade_columns()),
        empty(HedgeTableName::Reasons, reason_columns()),
        empty(HedgeTableName::Costs, cost_columns()),
        empty(HedgeTableName::Instruments, instrument_columns()),
        empty(HedgeTableName::Unwind, unwind_columns()),
        empty(HedgeTableName::Path, path_columns()),
        empty(HedgeTableName::Schedule, schedule_columns()),
    ])
}

fn leg_columns() -> Vec<lake::Column> {
    columns(&[
        ("account", ColumnKind::Text),
        ("venue", ColumnKind::Text),
        ("symbol", ColumnKind::Text),
        ("side", ColumnKind::Text),
        ("quantity", ColumnKind::Text),
        ("unit", ColumnKind::Text),
        ("notional_usd", ColumnKind::Fixed),
        ("trading_usd", ColumnKind::Fixed),
        ("impact_usd", ColumnKind::Fixed),
        ("carry_usd", ColumnKind::Fixed),
        ("why_not_more", ColumnKind::Text),
    ])
}

fn legs(plan: &Greeks) -> Vec<Vec<Cell>> {
    let rows = plan.legs.iter().map(|leg| {
        let size = border::to_model(leg.quantity).unwrap_or(f64::NAN);
        vec![
            text(&leg.offer.place.account),
            text(&leg.offer.listing.venue),
            text(&leg.offer.listing.symbol),
            text(if size > 0.0 { "buy" } else { "sell" }),
            text(leg.quantity),
            text(&leg.offer.unit),
            usd(size.abs() * leg.offer.notional_usd),
            usd(leg.trading_usd),
            usd(leg.impact_usd),
            usd(leg.carry_usd),
            text(&leg.why),
        ]
    });
    rows.collect()
}

fn greek_columns() -> Vec<lake::Column> {
    columns(&[
        ("underlying", ColumnKind::Text),
        ("expiry", ColumnKind::Text),
        ("measure", ColumnKind::Text),
        ("before", ColumnKind::Fixed),
        ("after", ColumnKind::Fixed),
        ("width", ColumnKind::Fixed),
        ("band", ColumnKind::Text),
        ("price_usd", ColumnKind::Float),
        ("beyond_usd", ColumnKind::Fixed),
    ])
}

fn greeks(plan: &Greeks) -> Vec<Vec<Cell>> {
    let rows = plan.rows.iter().zip(&plan.solution.rows).map(|((asset, bucket, measure, target), row)| {
        let (width, kind) = match row.band {
            Band::Hard { width } => (width, "hard"),
            Band::Soft { width, .. } => (width, "soft"),
        };
        vec![
            text(asset),
            text(bucket),
            text(measure.usd_key()),
            usd(row.before + target),
            usd(row.after + target),
            usd(width),
            text(kind),
            Cell::Float(row.price),
            if row.penalty > 0.0 { usd(row.penalty) } else { Cell::Null },
        ]
    });
    rows.collect()
}

fn empty(name: HedgeTableName, columns: Vec<lake::Column>) -> One {
    Section::new(name, ("", ""), (columns, Vec::new()))
}

fn trade_columns() -> Vec<lake::Column> {
    columns(&[
        ("rule", ColumnKind::Text),
        ("venue", ColumnKind::Text),
        ("symbol", ColumnKind::Text),
        ("side", ColumnKind::Text),
        ("quantity", ColumnKind::Text),
        ("unit", ColumnKind::Text),
        ("notional_usd", ColumnKind::Fixed),
        ("delta_before_usd", ColumnKind::Fixed),
        ("band_usd", ColumnKind::Fixed),
        ("delta_after_usd", ColumnKind::Fixed),
        ("cost_usd", ColumnKind::Fixed),
    ])
}

fn now_usd(trade: &Trade) -> f64 {
    trade.fee_usd + trade.half_spread_usd + trade.impact_usd
}

fn trades(followed: &[Followed<'_>]) -> Body {
    let rows = followed.iter().map(|one| {
        let trade = one.trade.as_ref();
        let (with, cost) = (trade.map(|trade| &trade.with.listing), trade.map(now_usd));
        let side = trade.map_or("none", |trade| if trade.delta_usd > 0.0 { "buy" } else { "sell" });
        vec![
            text(&one.rule.name),
            with.map_or(Cell::Null, |listing| text(&listing.venue)),
            with.map_or(Cell::Null, |listing| text(&listing.symbol)),
            text(side),
            trade.map_or(Cell::Null, |trade| text(trade.quantity)),
            trade.map_or(Cell::Null, |trade| text(trade.with.unit())),
            trade.map_or(Cell::Null, |trade| usd(trade.delta_usd.abs())),
            Cell::Fixed(one.answer.delta_usd),
            one.answer.band_usd.map_or(Cell::Null, usd),
            after(one.answer.delta_usd, trade.map_or(0.0, |trade| trade.delta_usd)),
            cost.map_or(Cell::Null, usd),
        ]
    });
    (trade_columns(), rows.collect())
}

fn reason_columns() -> Vec<lake::Column> {
    columns(&[
        ("rule", ColumnKind::Text),
        ("account", ColumnKind::Text),
        ("policy", ColumnKind::Text),
        ("execution", ColumnKind::Text),
        ("why_not_more", ColumnKind::Text),
        ("orders", ColumnKind::Integer),
    ])
}

fn reasons(followed: &[Followed<'_>]) -> Body {
    let names = reason_columns();
    let rows = followed.iter().map(|one| {
        let execution = match one.rule.execution {
            engine::Execution::Propose => "propose",
            engine::Execution::Armed => "armed",
        };
        vec![
            text(&one.rule.name),
            text(&one.rule.place.account),
            text(one.rule.sizing.word()),
            text(execution),
            text(&one.why_not_more),
            Cell::Integer(one.trade.as_ref().map_or(0, |trade| i64::from(trade.orders))),
        ]
    });
    (names, rows.collect())
}

fn cost_columns() -> Vec<lake::Column> {
    columns(&[
        ("rule", ColumnKind::Text),
        ("symbol", ColumnKind::Text),
        ("mark_price", ColumnKind::Float),
        ("fee_usd", ColumnKind::Fixed),
        ("half_spread_usd", ColumnKind::Fixed),
        ("impact_usd", ColumnKind::Fixed),
        ("trading_usd", ColumnKind::Fixed),
        ("trading_bp", ColumnKind::Float),
        ("carry_usd", ColumnKind::Fixed),
        ("total_usd", ColumnKind::Fixed),
    ])
}

fn trade_costs(followed: &[Followed<'_>]) -> Body {
    let names = cost_columns();
    let rows = followed.iter().filter_map(|one| {
        let trade = one.trade.as_ref()?;
        let trading = now_usd(trade);
        Some(vec![
            text(&one.rule.name),
            text(&trade.with.listing.symbol),
            Cell::Float(trade.with.mark),
            usd(trade.fee_usd),
            usd(trade.half_spread_usd),
            usd(trade.impact_usd),
            usd(trading),
            Cell::Float(trading / trade.delta_usd.abs() * 1e4),
            usd(trade.carry_usd),
            usd(trading + trade.carry_usd),
        ])
    });
    (names, rows.collect())
}

/// Times to expiry that are told apart, by their last day.
const BUCKETS: [(f64, &str); 5] = [
    (7.0, "to 7 d"),
    (30.0, "to 30 d"),
    (90.0, "to 90 d"),
    (180.0, "to 180 d"),
    (f64::INFINITY, "over 180 d"),
];

const SHOWN: [Measure; 3] = [Measure::Delta, Measure::Gamma, Measure::Vega];

/// The bucket of an expiry: its place in order, and its words.
pub(super) fn bucket(asof: Timestamp, expiry: Option<Timestamp>) -> (usize, &'static str) {
    let Some(expiry) = expiry else { return (0, "no expiry") };
    let days = asof.years_until(expiry).map_or(0.0, |years| years.get() * 365.0);
    let found = (1..).zip(BUCKETS).find(|(_, (last, _))| days <= *last);
    found.map_or((BUCKETS.len(), "over 180 d"), |(place, (_, words))| (place, words))
}

#[derive(Default)]
struct Bucket {
    words: &'static str,
    before: [Fixed; 3],
    change: [f64; 3],
}

fn buckets(bench: &Bench, (orders, refused): (&[Order<'_>], &BTreeSet<Asset>)) -> Body {
    let asof = bench.desk.loaded.market.asof;
    let mut all: BTreeMap<(Asset, usize), Bucket> = BTreeMap::new();
    let rows = bench.valuation.rows.iter();
    for row in rows.filter(|row| !row.underlying.is_currency() && !refused.contains(&row.underlying)) {
        let (place, words) = bucket(asof, row.expiry);
        let one = all.entry((row.underlying.clone(), place)).or_default();
        one.words = words;
        for (sum, measure) in one.before.iter_mut().zip(SHOWN) {
            *sum += row.exposure.in_usd(measure);
        }
    }
    for order in orders {
        let contract = &order.listing.contract;
        let (place, words) = bucket(asof, contract.expiry());
        let one = all.entry((contract.underlying.clone(), place)).or_default();
        one.words = words;
        for (sum, measure) in one.change.iter_mut().zip(SHOWN) {
            *sum += order.adds(measure).unwrap_or(f64::NAN);
        }
    }
    let assets: BTreeSet<Asset> = all.keys().map(|(asset, _)| asset.clone()).collect();
    for asset in assets {
        let mut sum = Bucket { words: "all", ..Bucket::default() };
        for (_, one) in all.iter().filter(|((of, _), _)| *of == asset) {
            for place in 0..SHOWN.len() {
                sum.before[place] += one.before[place];
                sum.change[place] += one.change[place];
            }
        }
        all.insert((asset, usize::MAX), sum);
    }
    let names = columns(&[
        ("underlying", ColumnKind::Text),
        ("expiry", ColumnKind::Text),
        ("delta_before_usd", ColumnKind::Fixed),
        ("delta_trade_usd", ColumnKind::Fixed),
        ("delta_after_usd", ColumnKind::Fixed),
        ("gamma_before_usd_per_1pct", ColumnKind::Fixed),
        ("gamma_after_usd_per_1pct", ColumnKind::Fixed),
        ("vega_before_usd_per_point", ColumnKind::Fixed),
        ("vega_after_usd_per_point", ColumnKind::Fixed),
    ]);
    let rows = all.into_iter().map(|((asset, _), Bucket { words, before, change })| {
        let [delta, gamma, vega] = before;
        let [of_delta, of_gamma, of_vega] = change;
        vec![
            text(asset),
            text(words),
            Cell::Fixed(delta),
            usd(of_delta),
            after(delta, of_delta),
            Cell::Fixed(gamma),
            after(gamma, of_gamma),
            Cell::Fixed(vega),
            after(vega, of_vega),
        ]
    });
    (names, rows.collect())
}

/// Both sides of every account that a trade touches, by the functions of `plimsoll whatif`.
fn margin(bench: &Bench, board: Board<'_>, orders: &[Order<'_>]) -> Result<Body, Failure> {
    let (mut changes, mut places): (Vec<Change>, BTreeSet<(Account, Venue)>) = <_>::default();
    for order in orders {
        changes.push(order.fill(board).map_err(Failure::Input)?);
        places.insert((order.place.account.clone(), order.place.venue.clone()));
    }
    let desk = &bench.desk;
    let states = apply(&desk.states, &changes).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::Input(lines.join("\n"))
    })?;
    let here = |account: &AccountFigures| places.contains(&(account.account.clone(), account.venue.clone()));
    let before: Vec<AccountFigures> =
        margined(&desk.states, &desk.rules, &desk.knowledge).into_iter().filter(here).collect();
    let after: Vec<AccountFigures> =
        margined(&states, &desk.rules, &desk.knowledge).into_iter().filter(here).collect();
    let names = columns(&[
        ("account", ColumnKind::Text),
        ("venue", ColumnKind::Text),
        ("figure", ColumnKind::Text),
        ("before_usd", ColumnKind::Fixed),
        ("after_usd", ColumnKind::Fixed),
        ("change_usd", ColumnKind::Fixed),
        ("status", ColumnKind::Text),
    ]);
    let mut rows = Vec::new();
    for after in &after {
        let was = before.iter().find(|was| (&was.account, &was.venue) == (&after.account, &after.venue));
        let was = was.and_then(|was| was.margin.as_ref()).map(figures);
        let is = after.margin.as_ref().map(figures);
        for (place, words) in FIGURES.into_iter().enumerate() {
            let of = |side: Option<[Fixed; FIGURES.len()]>| side.and_then(|side| side.get(place).copied());
            let change = of(was).zip(of(is)).map(|(was, is)| is - was);
            rows.push(vec![
                text(&after.account),
                text(&after.venue),
                text(words),
                optional(of(was)),
                optional(of(is)),
                optional(change),
                text(after.status.words()),
            ]);
        }
    }
    Ok((names, rows))
}

const FIGURES: [&str; 4] = ["initial margin", "maintenance margin", "available", "surplus to maintenance"];

const fn figures(margin: &MarginFigures) -> [Fixed; FIGURES.len()] {
    let (asked, left) = (margin.requirement_usd, margin.surplus_usd);
    [asked.initial, asked.maintenance, left.initial, left.maintenance]
}

fn instrument_columns() -> Vec<lake::Column> {
    columns(&[
        ("underlying", ColumnKind::Text),
        ("venue", ColumnKind::Text),
        ("symbol", ColumnKind::Text),
        ("choice", ColumnKind::Text),
        ("rank", ColumnKind::Integer),
        ("rate_pct_per_year", ColumnKind::Float),
        ("carry_usd", ColumnKind::Fixed),
        ("risk_usd", ColumnKind::Fixed),
        ("spread_usd", ColumnKind::Fixed),
        ("fee_usd", ColumnKind::Fixed),
        ("margin_usd", ColumnKind::Fixed),
        ("venue_usd", ColumnKind::Fixed),
        ("total_usd", ColumnKind::Fixed),
    ])
}

fn instruments(followed: &[Followed<'_>]) -> Body {
    let names = instrument_columns();
    let mut rows = Vec::new();
    for one in followed {
        for (rank, ranked) in (1..).zip(&one.ranked) {
            let (listing, cost) = (&ranked.with.listing, &ranked.cost);
            rows.push(vec![
                text(&one.rule.underlying),
                text(&listing.venue),
                text(&listing.symbol),
                text(ranked.choice),
                Cell::Integer(rank),
                Cell::Float(ranked.rate * 100.0),
                usd(cost.carry_usd),
                usd(cost.risk_usd),
                usd(cost.spread_usd),
                usd(cost.fee_usd),
                ranked.margin_share.map_or(Cell::Null, |_| usd(cost.margin_usd)),
                ranked.margin_share.map_or(Cell::Null, |_| usd(cost.venue_usd)),
                usd(cost.total_usd()),
            ]);
        }
    }
    (names, rows)
}

fn refusal_rows(refusals: &[Refusal]) -> Body {
    let names =
        columns(&[("what", ColumnKind::Text), ("name", ColumnKind::Text), ("reason", ColumnKind::Text)]);
    let rows = refusals.iter().map(|one| vec![text(one.what), text(&one.name), text(&one.why)]);
    (names, rows.collect())
}

fn unwind_columns() -> Vec<lake::Column> {
    columns(&[
        ("account", ColumnKind::Text),
        ("venue", ColumnKind::Text),
        ("symbol", ColumnKind::Text),
        ("quotes", ColumnKind::Text),
        ("quantity", ColumnKind::Text),
        ("delta_usd", ColumnKind::Fixed),
        ("offset_pct", ColumnKind::Integer),
        ("hours", ColumnKind::Float),
        ("fee_usd", ColumnKind::Fixed),
        ("spread_usd", ColumnKind::Fixed),
        ("impact_usd", ColumnKind::Fixed),
        ("cost_usd", ColumnKind::Fixed),
    ])
}

fn path_columns() -> Vec<lake::Column> {
    columns(&[
        ("underlying", ColumnKind::Text),
        ("step", ColumnKind::Integer),
        ("until_hours", ColumnKind::Float),
        ("net_delta_coin", ColumnKind::Fixed),
        ("net_delta_usd", ColumnKind::Fixed),
    ])
}

fn schedule_columns() -> Vec<lake::Column> {
    columns(&[
        ("account", ColumnKind::Text),
        ("venue", ColumnKind::Text),
        ("symbol", ColumnKind::Text),
        ("quantity", ColumnKind::Text),
        ("step", ColumnKind::Integer),
        ("until_hours", ColumnKind::Float),
    ])
}

/// All tables of a way out.
pub(super) fn flattened(way: &WayOut<'_>, refusals: &[Refusal], format: Format) -> Result<Vec<One>, Failure> {
    use HedgeTableName as Name;
    let aside = "offset: the share that goes in step with other positions on the underlying";
    let mut sections = vec![
        Section::new(Name::Unwind, ("Way out", aside), unwound(way)),
        Section::new(Name::Path, ("Net delta of what is unwound", ""), path(way, format)),
        Section::new(
            Name::Schedule,
            ("Schedule", "whole lots; the last trade takes the rest of a position"),
            // Hundreds of trades are for programs.
            if is_read(format) { (schedule_columns(), Vec::new()) } else { schedule(way)? },
        ),
        Section::new(Name::Refused, ("Not unwound", ""), refusal_rows(refusals)),
    ];
    let plan = [Name::Trades, Name::Reasons, Name::Costs, Name::Buckets, Name::Margin, Name::Instruments];
    sections.extend(plan.map(|name| empty(name, Vec::new())));
    Ok(sections)
}

fn unwound(way: &WayOut<'_>) -> Body {
    let rows = way.legs.iter().zip(&way.unwind.legs).map(|(out, unwound)| {
        let size = out.units.abs();
        let (fee, spread) = (out.fee_usd * size, out.half_spread_usd * size);
        let impact = way.impact_usd(out, unwound);
        let cost = fee + spread + impact;
        #[allow(clippy::cast_possible_truncation)] // a share
        let offset = (unwound.offset_share * 100.0).round() as i64;
        vec![
            text(&out.position.account),
            text(&out.position.venue),
            text(&out.position.listing.symbol),
            text(&out.priced_by),
            text(out.position.quantity),
            usd(out.units * out.delta * out.spot_usd),
            Cell::Integer(offset),
            Cell::Float(took(unwound)),
            usd(fee),
            usd(spread),
            usd(impact),
            usd(cost),
        ]
    });
    (unwind_columns(), rows.collect())
}

/// On screen or page.
const fn is_read(format: Format) -> bool {
    matches!(format, Format::Table | Format::Html)
}

/// Hours until a position is gone.
fn took(unwound: &::hedge::schedule::Unwound) -> f64 {
    unwound.times.last().map_or(0.0, |days| days * 24.0)
}

fn path(way: &WayOut<'_>, format: Format) -> Body {
    let mut rows = Vec::new();
    for (asset, net) in way.underlyings.iter().zip(&way.unwind.net) {
        let spot = way.legs.iter().find(|leg| leg.position.listing.contract.underlying == *asset);
        let spot = spot.map_or(f64::NAN, |leg| leg.spot_usd);
        let last = net.len().saturating_sub(1);
        for (step, (coins, time)) in net.iter().zip(&way.unwind.times).enumerate() {
            // The path falls like an exponential: doubling steps show it.
            if is_read(format) && !(step == 0 || step == last || step.is_power_of_two()) {
                continue;
            }
            rows.push(vec![
                text(asset),
                count(step),
                Cell::Float(time * 24.0),
                usd(*coins),
                usd(coins * spot),
            ]);
        }
    }
    (path_columns(), rows)
}

fn schedule(way: &WayOut<'_>) -> Result<Body, Failure> {
    let mut rows = Vec::new();
    for (out, unwound) in way.legs.iter().zip(&way.unwind.legs) {
        let trades = in_lots(out, &unwound.holdings).map_err(Failure::Input)?;
        let ends = unwound.times.iter().skip(1);
        for ((step, trade), until) in (1..).zip(trades).zip(ends).filter(|((_, trade), _)| !trade.is_zero()) {
            rows.push(vec![
                text(&out.position.account),
                text(&out.position.venue),
                text(&out.position.listing.symbol),
                text(trade),
                Cell::Integer(step),
                Cell::Float(until * 24.0),
            ]);
        }
    }
    Ok((schedule_columns(), rows))
}

/// Hours until what no other position offsets is gone.
fn net_gone_hours(way: &WayOut<'_>) -> f64 {
    // Sums of pairs miss a whole by their last digits.
    let rest = way.unwind.legs.iter().filter(|unwound| unwound.offset_share < 1.0 - 1e-9);
    let days =
        rest.filter_map(|unwound| unwound.parts.last()).map(::hedge::schedule::Schedule::duration_days);
    days.fold(0.0, f64::max) * 24.0
}

/// Single figures of a way out.
pub(super) fn unwind_facts(way: &WayOut<'_>) -> Vec<(&'static str, Cell)> {
    let unwind = &way.unwind;
    vec![
        ("expected_cost_usd", usd(way.cost_usd())),
        ("standard_deviation_usd", usd(unwind.sd_usd)),
        ("net_delta_gone_after_hours", Cell::Float(net_gone_hours(way))),
        ("everything_gone_after_hours", Cell::Float(unwind.days * 24.0)),
        ("missed_by_caps_usd", usd(unwind.missed_by_caps_usd)),
    ]
}

/// What a reader should know of a way out.
pub(super) fn unwind_notes(way: &WayOut<'_>, costs: &Costs, format: Format) -> Vec<String> {
    let mut notes = Vec::new();
    let asked = costs.unwind_hours * (1.0 + 1e-9);
    let slow = way.unwind.legs.iter().filter(|unwound| took(unwound) > asked).count();
    if slow > 0 {
        notes.push(format!(
            "{slow} of {} positions take longer than {} h: at {} % of what trades, or as the hedge of one that does",
            way.legs.len(),
            costs.unwind_hours,
            crate::render::number::figure(costs.participation.share * 100.0, 3)
        ));
    }
    let thin = way.legs.iter().filter(|out| out.volume_is_assumed).count();
    if thin > 0 {
        notes.push(format!(
            "{thin} of {} positions: the market files tell no volume, or none traded in 24 hours; that of [[unquoted]] stands in",
            way.legs.len()
        ));
    }
    for asset in &way.without_vol {
        let vol = crate::render::number::figure(costs.vol_without_options * 100.0, 3);
        notes.push(format!("{asset}: no options are quoted, so a vol of {vol} % is assumed"));
    }
    if is_read(format) {
        notes.push("every trade in whole lots: --format csv --table schedule".into());
    }
    notes.push("balances and spot stay; their delta is in no figure here".into());
    notes.push(format!(
        "standard deviation: of what the net delta gains or loses meanwhile, correlation {} between coins, vols as they are; vega and gamma are not in it",
        costs.correlation
    ));
    notes.push(format!("costs: {}", costs.source));
    notes
}
