//! What the screen shows, as data: figures of one moment, none computed while drawing.

use engine::{Arming, Engine, Flow, Level, Link, Output};
use journal::Seq;
use risk::explain::Cause;
use risk::{GroupBy, GroupKey, Measure, Row};
use serde::Serialize;
use std::collections::VecDeque;
use units::{Fixed, Timestamp};

/// The state of a book at one moment.
#[derive(Debug, Serialize)]
pub(super) struct Screen {
    schema: &'static str,
    pub(super) journal: String,
    pub(super) seq: u64,
    pub(super) time: Timestamp,
    pub(super) valued_at: Timestamp,
    pub(super) state: &'static str,
    pub(super) is_armed: bool,
    pub(super) turnover_usd: Fixed,
    pub(super) links: Vec<LinkLine>,
    pub(super) stale: Vec<String>,
    pub(super) unreconciled: Vec<String>,
    pub(super) unvalued: Vec<String>,
    pub(super) exposure: Vec<ExposureLine>,
    /// None without `[explain]`, and before its first interval.
    pub(super) profit: Option<ProfitLine>,
    pub(super) limits: Vec<LimitLine>,
    pub(super) margins: Vec<MarginLine>,
    pub(super) margins_at: Option<Timestamp>,
    pub(super) held_back: Vec<HeldLine>,
    pub(super) proposals: Vec<String>,
    pub(super) orders: Vec<OrderLine>,
    pub(super) transfers: Vec<TransferLine>,
    pub(super) news: Vec<NewsLine>,
}

#[derive(Debug, Serialize)]
pub(super) struct LinkLine {
    pub(super) venue: String,
    pub(super) is_up: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct ExposureLine {
    pub(super) underlying: String,
    pub(super) value_usd: Fixed,
    pub(super) delta_cash_usd: Fixed,
    pub(super) gamma_cash_1pct_usd: Fixed,
    pub(super) vega_usd_per_point: Fixed,
    pub(super) theta_usd_per_day: Fixed,
    pub(super) is_stale: bool,
}

/// What the value of the book has changed by, and why; the parts add up to the change.
#[derive(Debug, Serialize)]
pub(super) struct ProfitLine {
    pub(super) since: Timestamp,
    pub(super) until: Option<Timestamp>,
    pub(super) change_usd: Fixed,
    /// Largest first; what is nothing is left out.
    pub(super) parts: Vec<PartLine>,
}

#[derive(Debug, Serialize)]
pub(super) struct PartLine {
    pub(super) part: &'static str,
    pub(super) usd: Fixed,
}

#[derive(Debug, Serialize)]
pub(super) struct LimitLine {
    pub(super) limit: String,
    pub(super) group: String,
    pub(super) value_usd: Fixed,
    pub(super) hard_usd: Fixed,
    pub(super) share_of_hard: f64,
    pub(super) level: Level,
    pub(super) is_stale: bool,
    pub(super) unvalued: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct MarginLine {
    pub(super) account: String,
    pub(super) venue: String,
    pub(super) rulebook: Option<String>,
    pub(super) equity_usd: Option<Fixed>,
    pub(super) maintenance_margin_usd: Option<Fixed>,
    pub(super) maintenance_use: Option<Fixed>,
    pub(super) liquidation: Vec<DistanceLine>,
    pub(super) why_not: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct DistanceLine {
    pub(super) index: String,
    pub(super) down_percent: Option<Fixed>,
    pub(super) up_percent: Option<Fixed>,
}

#[derive(Debug, Serialize)]
pub(super) struct HeldLine {
    pub(super) rule: String,
    pub(super) why: String,
}

#[derive(Debug, Serialize)]
pub(super) struct OrderLine {
    pub(super) order: String,
    pub(super) filled: String,
    pub(super) phase: engine::Phase,
}

#[derive(Debug, Serialize)]
pub(super) struct TransferLine {
    pub(super) transfer: String,
    pub(super) rule: String,
    pub(super) phase: engine::TransferPhase,
    pub(super) age_seconds: i64,
    pub(super) is_late: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct NewsLine {
    pub(super) time: Timestamp,
    pub(super) text: String,
}

impl Screen {
    pub(super) fn of(
        journal: &str,
        engine: &Engine,
        (seq, time): (Seq, Timestamp),
        lines: &VecDeque<(Timestamp, String)>,
    ) -> Self {
        let items = engine.views().items();
        let unvalued = items
            .iter()
            .filter_map(|(item, valued)| Some(format!("{item}: {}", valued.rows.as_ref().err()?)));
        let moves = engine.transfer_proposals().values();
        let news = lines.iter().map(|(time, text)| NewsLine { time: *time, text: text.clone() });
        Self {
            schema: "plimsoll.top/1",
            journal: journal.to_owned(),
            seq: seq.get(),
            time,
            valued_at: engine.now(),
            state: engine.state().word(),
            is_armed: engine.arming() == Arming::Armed,
            turnover_usd: engine.turnover(time),
            links: engine
                .links()
                .iter()
                .map(|(venue, link)| LinkLine { venue: venue.to_string(), is_up: *link == Link::Up })
                .collect(),
            stale: engine.stale().iter().map(ToString::to_string).collect(),
            unreconciled: engine.unreconciled().map(ToString::to_string).collect(),
            unvalued: unvalued.collect(),
            exposure: exposure(engine),
            profit: profit(engine),
            limits: limits(engine),
            margins: margins(engine),
            margins_at: engine.margins().computed(),
            held_back: engine
                .held_back()
                .map(|(rule, why)| HeldLine { rule: rule.to_owned(), why: why.to_owned() })
                .collect(),
            proposals: engine
                .proposals()
                .values()
                .map(|p| Output::Proposed(Box::new(p.clone())).to_string())
                .chain(moves.map(|p| Output::TransferProposed(Box::new(p.clone())).to_string()))
                .collect(),
            orders: engine
                .orders()
                .values()
                .map(|open| OrderLine {
                    order: open.order.to_string(),
                    filled: open.filled.to_string(),
                    phase: open.phase,
                })
                .collect(),
            transfers: engine.transfers().values().map(|open| transfer(open, time)).collect(),
            news: news.collect(),
        }
    }
}

fn transfer(open: &engine::OpenTransfer, now: Timestamp) -> TransferLine {
    TransferLine {
        transfer: open.transfer.to_string(),
        rule: open.rule.clone(),
        phase: open.phase,
        age_seconds: open.age_seconds(now),
        is_late: open.is_late,
    }
}

fn profit(engine: &Engine) -> Option<ProfitLine> {
    let explained = engine.explained();
    let total = explained.total();
    let causes = Cause::ALL.into_iter().map(|cause| (cause.key(), total.cause(cause)));
    let flows = Flow::ALL.into_iter().map(|flow| (flow.key(), total.flow(flow)));
    let rest = [("residual", total.residual_usd), ("unexplained", total.unexplained_usd)];
    let parts = causes.chain(flows).chain(rest).filter(|(_, usd)| !usd.is_zero());
    let mut parts: Vec<PartLine> =
        parts.map(|(key, usd)| PartLine { part: key.strip_suffix("_usd").unwrap_or(key), usd }).collect();
    parts.sort_by_key(|line| std::cmp::Reverse(line.usd.abs()));
    let change_usd = total.value_usd - total.start_usd;
    Some(ProfitLine { since: explained.since()?, until: explained.until(), change_usd, parts })
}

fn exposure(engine: &Engine) -> Vec<ExposureLine> {
    let items = engine.views().items();
    let rows: Vec<Row> = items.into_values().filter_map(|valued| valued.rows.ok()).flatten().collect();
    let groups = risk::group(&rows, &[GroupBy::Underlying]);
    let stale = engine.stale();
    groups
        .into_iter()
        .map(|group| {
            let underlying = group.key.first().map(GroupKey::text).unwrap_or_default();
            let of = |measure| group.exposure.in_usd(measure);
            ExposureLine {
                is_stale: stale.iter().any(|asset| asset.as_str() == underlying),
                underlying,
                value_usd: of(Measure::Value),
                delta_cash_usd: of(Measure::Delta),
                gamma_cash_1pct_usd: of(Measure::Gamma),
                vega_usd_per_point: of(Measure::Vega),
                theta_usd_per_day: of(Measure::Theta),
            }
        })
        .collect()
}

fn limits(engine: &Engine) -> Vec<LimitLine> {
    let mut lines: Vec<LimitLine> = engine
        .limit_use()
        .into_iter()
        .map(|used| {
            let keys: Vec<String> = used.group.iter().map(GroupKey::text).collect();
            LimitLine {
                limit: used.limit.name.clone(),
                group: if keys.is_empty() { "book".into() } else { keys.join(" ") },
                value_usd: used.value,
                hard_usd: used.limit.hard,
                share_of_hard: used.share,
                level: used.level,
                is_stale: used.is_stale,
                unvalued: used.unvalued,
            }
        })
        .collect();
    // What is nearest to its end is seen first.
    lines.sort_by(|a, b| b.share_of_hard.total_cmp(&a.share_of_hard));
    lines
}

fn margins(engine: &Engine) -> Vec<MarginLine> {
    let lines = engine.margins().of().iter().map(|((account, venue), view)| {
        let view_or = view.as_ref();
        let liquidation = view_or.map(|view| {
            let of = view.liquidation.iter();
            of.map(|(asset, distance)| DistanceLine {
                index: asset.to_string(),
                down_percent: distance.down_percent,
                up_percent: distance.up_percent,
            })
            .collect()
        });
        MarginLine {
            account: account.to_string(),
            venue: venue.to_string(),
            rulebook: view_or.ok().map(|view| view.rulebook.clone()),
            equity_usd: view_or.ok().map(|view| view.equity_usd),
            maintenance_margin_usd: view_or.ok().map(|view| view.maintenance_margin_usd),
            maintenance_use: view_or.ok().and_then(|view| view.maintenance_use),
            liquidation: liquidation.unwrap_or_default(),
            why_not: view_or.err().cloned(),
        }
    });
    lines.collect()
}
