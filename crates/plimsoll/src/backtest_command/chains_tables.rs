//! Tables of kind `chains`. P&L and costs are percent of the notional.

use super::chains::ChainsTableName;
use crate::measure_commands::Section;
use crate::render::flat::{Body, columns, count, text};
use crate::render::html::{Mark, PlotPoint};
use backtest::chains::{
    Accounting, Cell as Ran, ChainsSpec, Compared, DeltaDefinition, Difference, Entry, History, Interval,
    Kind, Latency, NoPerpetual, PerpetualSource, PolicyKind, Pooled, Sweep, Verdicts,
};
use lake::{Cell, ColumnKind};
use units::Timestamp;

const PERCENT: f64 = 100.0;

pub(super) fn facts(spec: &ChainsSpec) -> Vec<(&'static str, Cell)> {
    let plan = &spec.plan;
    let instant = |time: Option<Timestamp>| time.map_or(Cell::Null, text);
    let entry = match plan.entry {
        Entry::EveryDays(days) => format!("every {days} days"),
        Entry::Roll => "when the one before ends".into(),
    };
    vec![
        ("kind", text("chains")),
        ("source", text(&spec.source)),
        ("checked", text(&spec.checked)),
        ("from", instant(spec.files.from)),
        ("until", instant(spec.files.until)),
        ("accounting", text(if spec.reckoning.accounting == Accounting::Coin { "coin" } else { "usd" })),
        ("entry", text(entry)),
        ("tenor_tolerance", Cell::Float(plan.holding.tenor_tolerance)),
        ("exit_days", Cell::Float(plan.holding.exit_days)),
        ("settlement_within_hours", Cell::Float(plan.holding.settlement_within_hours)),
        ("stale_after_hours", Cell::Float(plan.holding.stale_after_hours)),
        ("notional_usd", Cell::Float(plan.notional_usd)),
        ("option_fee", Cell::Float(plan.costs.option_fee)),
        ("delivery_fee", Cell::Float(plan.costs.delivery_fee)),
        ("perpetual_fee_bp", Cell::Float(round_bp(plan.costs.perpetual_fee))),
        ("perpetual_half_spread_bp", Cell::Float(round_bp(plan.costs.perpetual_half_spread))),
        (
            "latency",
            text(if plan.latency == Latency::SameSnapshot { "same snapshot" } else { "next snapshot" }),
        ),
        ("resamples", Cell::Integer(i64::from(spec.reckoning.resamples))),
        ("seed", i64::try_from(spec.reckoning.seed).map_or(Cell::Null, Cell::Integer)),
    ]
}

/// Basis points of a fraction that was given in basis points.
fn round_bp(fraction: f64) -> f64 {
    (fraction * 1e10).round() / 1e6
}

pub(super) fn notes(spec: &ChainsSpec) -> Vec<String> {
    let mut notes = vec![
        "CVaR and costs are positive for a loss, mean and worst for a gain; mean P&L by part is of the coins sold, so that larger positions weigh more than in the plain means".to_owned(),
        "P&L, spread, tail and costs are percent of the notional, net of all costs; options are sold at the bid, all of it".to_owned(),
        "delivered at the first index recorded at the expiry or after it, and the hedge is closed there; the venue settles on an average of the half hour before".to_owned(),
        "intervals of 95 % and errors: blocks of positions that are open at once, drawn again on a circle; better or worse: the interval of the difference lies on one side of zero".to_owned(),
        "best clock: the one with the least loss in the tail of the same kind and delta, chosen with hindsight; dearer clock: the cheapest that costs at least as much".to_owned(),
    ];
    if spec.files.no_perpetual == NoPerpetual::Index {
        notes.push("where no price of the perpetual was recorded, the index stands for it".to_owned());
    }
    if spec.plan.funding.iter().any(|funding| funding.recorded.is_empty() || funding.rate_8h.to_bits() == 0) {
        notes.push("funding outside the record is that of the spec, funding_rate_8h".to_owned());
    }
    notes
}

pub(super) fn nothing_opened(spec: &ChainsSpec, histories: &[History], sweep: &Sweep) -> String {
    let mut lines = vec!["no position could be opened:".to_owned()];
    for (kind, entries) in &sweep.kinds {
        let reasons: Vec<String> =
            entries.refused.iter().map(|(why, times)| format!("{} {times}", why.word())).collect();
        let [underlying, structure, tenor] = kind_words(spec, histories, *kind);
        lines.push(format!("  {underlying} {structure} of {tenor} days: {}", reasons.join(", ")));
    }
    lines.join("\n")
}

pub(super) fn sections(
    spec: &ChainsSpec,
    histories: &[History],
    sweep: &Sweep,
    pooled: &[Pooled],
) -> Vec<Section<ChainsTableName>> {
    vec![
        Section::new(
            ChainsTableName::Policies,
            (
                "Policies",
                "plain means over kinds of positions; kinds in which a policy is better or worse than a clock",
            ),
            policies(spec, pooled),
        ),
        Section::new(
            ChainsTableName::Results,
            ("Results", "each kind under each policy and delta; differences are policy less clock"),
            results(spec, histories, sweep),
        ),
        Section::new(
            ChainsTableName::Explain,
            (
                "Explain",
                "mean P&L by part, and of the options at their marks by greeks; percent of the coins sold",
            ),
            explain(spec, histories, sweep),
        ),
        Section::new(ChainsTableName::Entries, ("Entries", ""), entries(spec, histories, sweep)),
        Section::new(ChainsTableName::History, ("History", ""), history(histories)),
    ]
}

fn percent(fraction: f64) -> Cell {
    if fraction.is_finite() { Cell::Float(PERCENT * fraction) } else { Cell::Null }
}

fn kind_words(spec: &ChainsSpec, histories: &[History], kind: Kind) -> [String; 3] {
    let plan = &spec.plan;
    [
        histories.get(kind.history).map(|history| history.asset.to_string()).unwrap_or_default(),
        plan.structures.get(kind.structure).map(ToString::to_string).unwrap_or_default(),
        plan.tenors_days.get(kind.tenor).map(ToString::to_string).unwrap_or_default(),
    ]
}

fn kind_cells(spec: &ChainsSpec, histories: &[History], kind: Kind) -> Vec<Cell> {
    let [underlying, structure, _] = kind_words(spec, histories, kind);
    let tenor = spec.plan.tenors_days.get(kind.tenor).copied().map_or(Cell::Null, Cell::Float);
    vec![text(underlying), text(structure), tenor]
}

fn policy_name(spec: &ChainsSpec, policy: usize) -> &str {
    spec.plan.policies.get(policy).map_or("", |policy| policy.name.as_str())
}

fn policies(spec: &ChainsSpec, pooled: &[Pooled]) -> Body {
    use ColumnKind::{Float, Integer, Text};
    let list = [
        ("delta", Text),
        ("policy", Text),
        ("kinds", Integer),
        ("positions", Integer),
        ("mean_pct", Float),
        ("sd_pct", Float),
        ("cvar95_pct", Float),
        ("worst_pct", Float),
        ("hedge_cost_pct", Float),
        ("turnover", Float),
        ("trades", Float),
        ("mean_better_than_best_clock", Integer),
        ("mean_worse_than_best_clock", Integer),
        ("sd_better_than_best_clock", Integer),
        ("sd_worse_than_best_clock", Integer),
        ("cvar95_better_than_best_clock", Integer),
        ("cvar95_worse_than_best_clock", Integer),
        ("mean_better_than_dearer_clock", Integer),
        ("mean_worse_than_dearer_clock", Integer),
        ("sd_better_than_dearer_clock", Integer),
        ("sd_worse_than_dearer_clock", Integer),
        ("cvar95_better_than_dearer_clock", Integer),
        ("cvar95_worse_than_dearer_clock", Integer),
        ("mean_better_than_net", Integer),
        ("mean_worse_than_net", Integer),
        ("sd_better_than_net", Integer),
        ("sd_worse_than_net", Integer),
        ("cvar95_better_than_net", Integer),
        ("cvar95_worse_than_net", Integer),
    ];
    let row = |one: &Pooled| {
        let policy = spec.plan.policies.get(one.policy);
        let kind = policy.map_or(PolicyKind::None, backtest::chains::NamedPolicy::kind);
        let both = |verdicts: Verdicts| [count(verdicts.better), count(verdicts.worse)];
        let none = || [Cell::Null, Cell::Null];
        let is_band = matches!(kind, PolicyKind::Band | PolicyKind::Leland);
        let mut cells = vec![
            text(one.delta.word()),
            text(policy_name(spec, one.policy)),
            count(one.kinds),
            count(one.positions),
            percent(one.mean),
            percent(one.sd),
            percent(one.cvar95),
            percent(one.worst),
            percent(one.hedge_cost),
            Cell::Float(one.turnover),
            Cell::Float(one.trades),
        ];
        cells.extend(both(one.mean_against_best));
        cells.extend(both(one.sd_against_best));
        cells.extend(both(one.cvar95_against_best));
        cells.extend(if is_band { both(one.mean_against_dearer) } else { none() });
        cells.extend(if is_band { both(one.sd_against_dearer) } else { none() });
        cells.extend(if is_band { both(one.cvar95_against_dearer) } else { none() });
        for verdicts in [one.mean_against_net, one.sd_against_net, one.cvar95_against_net] {
            cells.extend(if one.delta == DeltaDefinition::Net { none() } else { both(verdicts) });
        }
        cells
    };
    (columns(&list), pooled.iter().map(row).collect())
}

const RESULTS: [(&str, ColumnKind); 43] = [
    ("underlying", ColumnKind::Text),
    ("structure", ColumnKind::Text),
    ("tenor_days", ColumnKind::Float),
    ("policy", ColumnKind::Text),
    ("delta", ColumnKind::Text),
    ("positions", ColumnKind::Integer),
    ("mean_pct", ColumnKind::Float),
    ("mean_error_pct", ColumnKind::Float),
    ("sd_pct", ColumnKind::Float),
    ("cvar95_pct", ColumnKind::Float),
    ("worst_pct", ColumnKind::Float),
    ("hedge_cost_pct", ColumnKind::Float),
    ("turnover", ColumnKind::Float),
    ("trades", ColumnKind::Float),
    ("best_clock", ColumnKind::Text),
    ("mean_gain_pct", ColumnKind::Float),
    ("mean_gain_low_pct", ColumnKind::Float),
    ("mean_gain_high_pct", ColumnKind::Float),
    ("sd_change_pct", ColumnKind::Float),
    ("sd_change_low_pct", ColumnKind::Float),
    ("sd_change_high_pct", ColumnKind::Float),
    ("cvar95_change_pct", ColumnKind::Float),
    ("cvar95_change_low_pct", ColumnKind::Float),
    ("cvar95_change_high_pct", ColumnKind::Float),
    ("dearer_clock", ColumnKind::Text),
    ("dearer_mean_gain_pct", ColumnKind::Float),
    ("dearer_mean_gain_low_pct", ColumnKind::Float),
    ("dearer_mean_gain_high_pct", ColumnKind::Float),
    ("dearer_sd_change_pct", ColumnKind::Float),
    ("dearer_sd_change_low_pct", ColumnKind::Float),
    ("dearer_sd_change_high_pct", ColumnKind::Float),
    ("dearer_cvar95_change_pct", ColumnKind::Float),
    ("dearer_cvar95_change_low_pct", ColumnKind::Float),
    ("dearer_cvar95_change_high_pct", ColumnKind::Float),
    ("net_mean_gain_pct", ColumnKind::Float),
    ("net_mean_gain_low_pct", ColumnKind::Float),
    ("net_mean_gain_high_pct", ColumnKind::Float),
    ("net_sd_change_pct", ColumnKind::Float),
    ("net_sd_change_low_pct", ColumnKind::Float),
    ("net_sd_change_high_pct", ColumnKind::Float),
    ("net_cvar95_change_pct", ColumnKind::Float),
    ("net_cvar95_change_low_pct", ColumnKind::Float),
    ("net_cvar95_change_high_pct", ColumnKind::Float),
];

fn results(spec: &ChainsSpec, histories: &[History], sweep: &Sweep) -> Body {
    let row = |ran: &Ran| {
        let own = &ran.summary;
        let mut cells = kind_cells(spec, histories, ran.kind);
        cells.extend([
            text(policy_name(spec, ran.policy)),
            text(ran.delta.word()),
            count(own.positions),
            percent(own.mean),
            percent(own.mean_error),
            percent(own.sd),
            percent(own.cvar95),
            percent(own.worst),
            percent(own.hedge_cost),
            Cell::Float(own.turnover),
            Cell::Float(own.trades),
        ]);
        cells.extend(compared(spec, ran.against_best.as_ref()));
        cells.extend(compared(spec, ran.against_dearer.as_ref()));
        cells.extend(ran.against_net.as_ref().map_or_else(|| vec![Cell::Null; 9], intervals));
        cells
    };
    (columns(&RESULTS), sweep.cells.iter().map(row).collect())
}

fn compared(spec: &ChainsSpec, compared: Option<&Compared>) -> Vec<Cell> {
    let Some(Compared { clock, difference }) = compared else { return vec![Cell::Null; 10] };
    let mut cells = vec![text(policy_name(spec, *clock))];
    cells.extend(intervals(difference));
    cells
}

fn intervals(difference: &Difference) -> Vec<Cell> {
    let figures = [difference.mean, difference.sd, difference.cvar95];
    figures.iter().flat_map(|Interval { value, low, high }| [*value, *low, *high].map(percent)).collect()
}

const EXPLAIN: [(&str, ColumnKind); 20] = [
    ("underlying", ColumnKind::Text),
    ("structure", ColumnKind::Text),
    ("tenor_days", ColumnKind::Float),
    ("policy", ColumnKind::Text),
    ("delta", ColumnKind::Text),
    ("option_pct", ColumnKind::Float),
    ("option_spread_pct", ColumnKind::Float),
    ("option_fees_pct", ColumnKind::Float),
    ("hedge_pct", ColumnKind::Float),
    ("hedge_fees_pct", ColumnKind::Float),
    ("hedge_spread_pct", ColumnKind::Float),
    ("funding_pct", ColumnKind::Float),
    ("of_delta_pct", ColumnKind::Float),
    ("of_gamma_pct", ColumnKind::Float),
    ("of_vega_pct", ColumnKind::Float),
    ("of_theta_pct", ColumnKind::Float),
    ("of_residual_pct", ColumnKind::Float),
    ("leg_not_quoted", ColumnKind::Integer),
    ("no_perpetual", ColumnKind::Integer),
    ("stale_order", ColumnKind::Integer),
];

fn explain(spec: &ChainsSpec, histories: &[History], sweep: &Sweep) -> Body {
    let row = |ran: &Ran| {
        let explained = &ran.explained;
        let (parts, greeks, held) = (&explained.parts, &explained.greeks, &explained.held_back);
        let mean = |coins: units::Fixed| percent(coins.to_f64() / explained.quantity_coin);
        let mut cells = kind_cells(spec, histories, ran.kind);
        cells.extend([text(policy_name(spec, ran.policy)), text(ran.delta.word())]);
        cells.extend(
            [
                parts.option,
                parts.option_spread,
                parts.option_fees,
                parts.hedge,
                parts.hedge_fees,
                parts.hedge_spread,
                parts.funding,
                greeks.delta,
                greeks.gamma,
                greeks.vega,
                greeks.theta,
                greeks.residual,
            ]
            .map(mean),
        );
        let times = [held.leg_not_quoted, held.no_perpetual, held.stale_order];
        cells.extend(times.map(|times| Cell::Integer(i64::from(times))));
        cells
    };
    (columns(&EXPLAIN), sweep.cells.iter().map(row).collect())
}

fn entries(spec: &ChainsSpec, histories: &[History], sweep: &Sweep) -> Body {
    let list = [
        ("underlying", ColumnKind::Text),
        ("structure", ColumnKind::Text),
        ("tenor_days", ColumnKind::Float),
        ("what", ColumnKind::Text),
        ("positions", ColumnKind::Integer),
    ];
    let mut rows = Vec::new();
    for (kind, entries) in &sweep.kinds {
        let mut row = |what: &str, positions: Cell| {
            let mut cells = kind_cells(spec, histories, *kind);
            cells.extend([text(what), positions]);
            rows.push(cells);
        };
        row("opened", count(entries.opened.len()));
        for (why, times) in &entries.refused {
            row(why.word(), whole(*times));
        }
    }
    (columns(&list), rows)
}

fn history(histories: &[History]) -> Body {
    let list = [("underlying", ColumnKind::Text), ("what", ColumnKind::Text), ("count", ColumnKind::Integer)];
    let mut rows = Vec::new();
    for history in histories {
        let mut row = |what: &str, number: Cell| rows.push(vec![text(&history.asset), text(what), number]);
        row("snapshots", count(history.moments.len()));
        row("options", count(history.instruments.len()));
        row("quotes", count(history.moments.iter().map(|moment| moment.quotes.len()).sum()));
        row("recorded prices of the perpetual", count(history.perpetuals_from(PerpetualSource::Recorded)));
        row("prices of the perpetual from the index", count(history.perpetuals_from(PerpetualSource::Index)));
        for (reason, times) in &history.unused {
            row(&format!("not used: {reason}"), whole(*times));
        }
    }
    (columns(&list), rows)
}

fn whole(value: u64) -> Cell {
    i64::try_from(value).map_or(Cell::Null, Cell::Integer)
}

/// A policy in a plot: cost across, a figure up; clocks are joined.
pub(super) fn point(spec: &ChainsSpec, one: &Pooled, of: fn(&Pooled) -> f64) -> Option<PlotPoint> {
    let policy = spec.plan.policies.get(one.policy)?;
    let mark = if policy.kind() == PolicyKind::Clock { Mark::Line } else { Mark::Point };
    Some(PlotPoint { name: policy.name.clone(), at: (PERCENT * one.hedge_cost, PERCENT * of(one)), mark })
}
