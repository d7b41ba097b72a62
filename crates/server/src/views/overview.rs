//! The first screen: am I above the line, what is nearest to it, what should I do now.

use super::headline::{Five, Headline, LimitLine, headline, limits};
use super::margins::AccountMargins;
use super::{Params, Unvalued, View, ViewError, shape, unvalued, value};
use crate::frame::Frame;
use engine::{Arming, Engine, Link, State};
use risk::GroupKey;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use units::{Asset, Fixed, Timestamp};

pub(super) const VIEW: View = View {
    name: "overview",
    says: "Whether the book is above the line, what is nearest to it, what is to be done now",
    params: &[],
    every_millis: 250,
    compute,
    schema: shape::<Overview>,
};

/// From this share of a hard bound on the book is near the line.
const NEAR: f64 = 0.8;
const NEAREST: usize = 12;
/// A liquidation distance of so many percent or less counts like a bound that is reached; twice as much is half used.
const LIQUIDATION_PERCENT: f64 = 10.0;

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Overview {
    state: &'static str,
    /// Limits and persons that ask for the state.
    because: Vec<String>,
    is_armed: bool,
    line: Verdict,
    nearest: Vec<Nearest>,
    todo: Vec<Todo>,
    headline: Headline,
    underlyings: Vec<UnderlyingLine>,
    #[schema(value_type = String)]
    turnover_usd: Fixed,
    #[schema(value_type = Option<String>)]
    turnover_bound_usd: Option<Fixed>,
    links: Vec<LinkLine>,
    unreconciled: Vec<String>,
    unvalued: Vec<Unvalued>,
    held_back: Vec<WaitingRule>,
    orders_open: usize,
    proposals_open: usize,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Verdict {
    /// `above`, `near`, `below`, or `unknown` where a figure that decides it is missing.
    verdict: &'static str,
    sentence: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Nearest {
    /// `limit`, `margin`, `liquidation` or `turnover`.
    kind: &'static str,
    what: String,
    /// 1 is at the bound.
    share: f64,
    figure: String,
    figure_unit: &'static str,
    bound: Option<String>,
    level: Option<&'static str>,
    is_stale: bool,
    /// Where to look.
    view: &'static str,
    params: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Todo {
    /// `now`, `soon` or `watch`.
    urgency: &'static str,
    text: String,
    view: &'static str,
    id: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct UnderlyingLine {
    underlying: String,
    spot_usd: Option<f64>,
    /// Age of the newest quote that prints the index.
    spot_age_seconds: Option<f64>,
    is_stale: bool,
    #[serde(flatten)]
    measures: Five,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LinkLine {
    venue: String,
    is_up: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct WaitingRule {
    rule: String,
    why: String,
}

fn compute(frame: &Frame, _: &Params) -> Result<Value, ViewError> {
    let engine = frame.engine();
    // Others wait for the sums and nobody for the margins, which take longer.
    frame.sheet();
    let (limits, accounts) = (limits(frame), frame.margins());
    let nearest = nearest(frame, &limits, accounts);
    let turnover = engine.policy().orders.as_ref().map(|orders| orders.hourly_turnover);
    let held = engine.held_back();
    value(&Overview {
        state: engine.state().word(),
        because: because(engine, &limits),
        is_armed: engine.arming() == Arming::Armed,
        line: line(engine, &nearest, accounts),
        todo: todo(frame, &limits),
        headline: headline(frame),
        underlyings: underlyings(frame),
        turnover_usd: engine.turnover(engine.now()),
        turnover_bound_usd: turnover,
        links: engine
            .links()
            .iter()
            .map(|(venue, link)| LinkLine { venue: venue.to_string(), is_up: *link == Link::Up })
            .collect(),
        unreconciled: engine.unreconciled().map(ToString::to_string).collect(),
        unvalued: unvalued(frame),
        held_back: held.map(|(rule, why)| WaitingRule { rule: rule.into(), why: why.into() }).collect(),
        orders_open: engine.orders().len(),
        proposals_open: engine.proposals().len() + engine.transfer_proposals().len(),
        nearest,
    })
}

/// What asks for the state, as far as limits do; triggers and persons are in the alerts.
fn because(engine: &Engine, limits: &[LimitLine]) -> Vec<String> {
    if engine.state() == State::Normal {
        return Vec::new();
    }
    let crossed = limits.iter().filter(|line| line.level != "inside");
    let mut all: Vec<String> =
        crossed.map(|line| format!("limit {}: {}", line.named(), line.level)).collect();
    if all.is_empty() {
        all.push("a trigger or a person: see alerts".into());
    }
    all
}

fn nearest(frame: &Frame, limits: &[LimitLine], accounts: &[AccountMargins]) -> Vec<Nearest> {
    let engine = frame.engine();
    let mut all: Vec<Nearest> = limits.iter().map(of_limit).collect();
    all.extend(accounts.iter().filter_map(of_margin));
    for ((account, venue), view) in engine.margins().of() {
        let Ok(view) = view else { continue };
        let is_stale = view.underlyings.iter().any(|asset| engine.stale().contains(asset));
        for (asset, distance) in &view.liquidation {
            let Some(percent) = distance.nearest_percent() else { continue };
            all.push(Nearest {
                kind: "liquidation",
                what: format!("{account}@{venue} by {asset}"),
                share: LIQUIDATION_PERCENT / percent.to_f64().max(LIQUIDATION_PERCENT / 100.0),
                figure: percent.to_decimal_text(1),
                figure_unit: "% of the index away",
                bound: None,
                level: None,
                is_stale,
                view: "liquidation",
                params: BTreeMap::new(),
            });
        }
    }
    if let Some(orders) = &engine.policy().orders {
        let turnover = engine.turnover(engine.now());
        all.push(Nearest {
            kind: "turnover",
            what: "orders of the last hour".into(),
            share: turnover.to_f64() / orders.hourly_turnover.to_f64(),
            figure: turnover.to_string(),
            figure_unit: "USD",
            bound: Some(orders.hourly_turnover.to_string()),
            level: None,
            is_stale: false,
            view: "proposals",
            params: BTreeMap::new(),
        });
    }
    all.sort_by(|a, b| b.share.total_cmp(&a.share));
    all.truncate(NEAREST);
    all
}

fn of_limit(line: &LimitLine) -> Nearest {
    let by =
        |column: &str| line.group_by.iter().position(|by| *by == column).and_then(|at| line.group.get(at));
    let named = ["underlying", "venue", "account"];
    Nearest {
        kind: "limit",
        what: line.named(),
        share: line.share,
        figure: line.figure.to_string(),
        figure_unit: "USD",
        bound: Some(line.hard.to_string()),
        level: Some(line.level),
        is_stale: line.is_stale,
        view: "exposure",
        params: named.into_iter().filter_map(|name| Some((name, by(name)?.clone()))).collect(),
    }
}

fn of_margin(account: &AccountMargins) -> Option<Nearest> {
    let used = account.maintenance_use.filter(|_| account.why_not.is_none())?;
    Some(Nearest {
        kind: "margin",
        what: format!("{}@{}", account.account, account.venue),
        share: used.to_f64(),
        figure: account.maintenance_margin_usd.to_string(),
        figure_unit: "USD",
        bound: None,
        level: None,
        is_stale: account.is_stale,
        view: "margin",
        params: BTreeMap::new(),
    })
}

fn line(engine: &Engine, nearest: &[Nearest], accounts: &[AccountMargins]) -> Verdict {
    let named = nearest.first().map_or_else(
        || "Nothing bounds this book: its policy has no limits, and no account has a margin.".to_owned(),
        |first| {
            let share = first.share * 100.0;
            match first.kind {
                "liquidation" => format!("Nearest: liquidation of {}, {} % away.", first.what, first.figure),
                "margin" => format!("Nearest: maintenance of {}, {share:.0} % of what counts.", first.what),
                "limit" => format!("Nearest: limit {}, {share:.0} % of its hard level.", first.what),
                _ => format!("Nearest: {}, {share:.0} % of the bound.", first.what),
            }
        },
    );
    let unknown = accounts.iter().filter(|account| account.is_in_doubt()).count();
    let top = nearest.first().map_or(0.0, |first| first.share);
    if nearest.is_empty() {
        return Verdict { verdict: "unknown", sentence: named };
    }
    if top >= 1.0 || matches!(engine.state(), State::Paused | State::Flatten) {
        return Verdict { verdict: "below", sentence: format!("Below the line. {named}") };
    }
    if unknown > 0 {
        let sentence = format!("Unknown: {unknown} accounts have no margin figure. {named}");
        return Verdict { verdict: "unknown", sentence };
    }
    if top >= NEAR || engine.state() != State::Normal {
        return Verdict { verdict: "near", sentence: format!("Near the line. {named}") };
    }
    Verdict { verdict: "above", sentence: format!("Above the line. {named}") }
}

fn todo(frame: &Frame, limits: &[LimitLine]) -> Vec<Todo> {
    let engine = frame.engine();
    let mut all = Vec::new();
    let mut add = |urgency, text, view, id| all.push(Todo { urgency, text, view, id });
    for (id, proposal) in engine.proposals() {
        let symbol = &proposal.listing.symbol;
        let size = proposal.quantity.get();
        let side = if size.is_sign_negative() { "sell" } else { "buy" };
        let (size, venue) = (size.abs(), &proposal.place.venue);
        let text = format!("Answer {id}: {side} {size} {symbol} at {venue}, {}", proposal.why);
        add("now", text, "proposals", Some(id.to_string()));
    }
    for (id, proposal) in engine.transfer_proposals() {
        let money = format!("{} {}", proposal.money.amount, proposal.money.asset);
        let text =
            format!("Answer {id}: move {money} from {} to {}, {}", proposal.from, proposal.to, proposal.why);
        add("now", text, "proposals", Some(id.to_string()));
    }
    for (id, open) in engine.transfers().iter().filter(|(_, open)| open.is_late) {
        let money = format!("{} {}", open.transfer.money.amount, open.transfer.money.asset);
        add(
            "now",
            format!("{id}: {money} to {} is late", open.transfer.to),
            "proposals",
            Some(id.to_string()),
        );
    }
    for place in engine.unreconciled() {
        add(
            "now",
            format!("Reconcile {place}: its venue reports something else than the ledger"),
            "feeds",
            None,
        );
    }
    for line in limits.iter().filter(|line| line.level == "hard") {
        add("now", format!("Bring {} back: it is beyond its hard level", line.named()), "exposure", None);
    }
    for (venue, _) in engine.links().iter().filter(|(_, link)| **link == Link::Down) {
        add("now", format!("No connection to {venue}: what happens there is not known"), "feeds", None);
    }
    for asset in engine.stale() {
        add("soon", format!("{asset} has no fresh quote: figures on it are in doubt"), "feeds", None);
    }
    for (rule, why) in engine.held_back() {
        add("soon", format!("Rule '{rule}' would act and may not: {why}"), "proposals", None);
    }
    for line in limits.iter().filter(|line| line.level == "warn") {
        add("watch", format!("{} is beyond its level to warn at", line.named()), "exposure", None);
    }
    if engine.arming() == Arming::Disarmed && engine.policy().orders.is_some() {
        add("watch", "Rules are not armed: every order waits for a person".into(), "proposals", None);
    }
    if all.is_empty() {
        all.push(Todo { urgency: "watch", text: "Nothing to do".into(), view: "overview", id: None });
    }
    all
}

fn underlyings(frame: &Frame) -> Vec<UnderlyingLine> {
    let stale = frame.engine().stale();
    let groups = frame.by_underlying().iter();
    groups
        .map(|group| {
            let name = group.key.first().map(GroupKey::text).unwrap_or_default();
            let asset = Asset::new(&name).ok();
            let spot = asset.as_ref().and_then(|asset| frame.market().underlyings.get(asset));
            UnderlyingLine {
                spot_usd: spot.map(|underlying| underlying.spot.get()),
                spot_age_seconds: asset.as_ref().and_then(|asset| index_age(frame, asset)),
                is_stale: asset.is_some_and(|asset| stale.contains(&asset)),
                underlying: name,
                measures: Five::of(&group.exposure),
            }
        })
        .collect()
}

/// Age of the newest quote that prints an index of it.
fn index_age(frame: &Frame, asset: &Asset) -> Option<f64> {
    let quotes = frame.engine().quotes();
    let options = quotes.options.values().filter(|q| q.listing.contract.underlying == *asset);
    let futures = quotes.futures.values().filter(|q| q.listing.contract.underlying == *asset);
    let options = options.filter(|q| q.index_price.is_some()).map(|q| q.source_time);
    let newest = options.chain(futures.filter(|q| q.index_price.is_some()).map(|q| q.source_time)).max()?;
    Some(seconds_between(newest, frame.engine().now()))
}

/// Seconds from one time to another, not below zero.
pub(super) fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    #[allow(clippy::cast_precision_loss)] // an age of years in nanoseconds, to milliseconds
    let seconds = (to.unix_nanos() - from.unix_nanos()) as f64 * 1e-9;
    seconds.max(0.0)
}
