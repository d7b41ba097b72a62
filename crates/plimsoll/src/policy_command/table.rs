//! A policy in words, and its mistakes with the place of each.

use super::{Checked, HedgeJson, LimitJson, MistakeJson, OrdersJson, TriggerJson};
use crate::output::screen_width;
use crate::render::grid::{Digits, Ink, Style, grid_after, heading, left, line, right, show_fitted};
use units::Fixed;

/// What a sound file does.
pub(super) fn sound(file: &Checked) -> String {
    let mut out = String::new();
    let style = Style { digits: Digits::Exact, ink: Ink::Plain, width: screen_width() };
    line(&mut out, &format!("{}: sound, valid from {}", file.file, file.valid_from));
    line(&mut out, &format!("  source: {}", file.source));
    let age = file.stale_after_seconds.map_or_else(
        || "quotes of any age count".to_owned(),
        |seconds| format!("nothing acts on quotes older than {}", time(seconds)),
    );
    line(&mut out, &format!("  {age}"));
    if !file.accounts.is_empty() {
        line(&mut out, &format!("  events of other accounts than {} are refused", file.accounts.join(", ")));
    }
    for warning in &file.warnings {
        line(&mut out, &format!("  WARNING: {warning}"));
    }
    limits(&mut out, style, &file.limits);
    if let Some(orders) = &file.orders {
        bounds(&mut out, orders);
    }
    hedges(&mut out, style, &file.hedges);
    triggers(&mut out, style, &file.triggers);
    super::collateral::said(&mut out, &file.collaterals);
    if let Some(margin) = &file.margin {
        heading(&mut out, "Margin", "");
        let of = if margin.liquidation_of.is_empty() {
            "no index".into()
        } else {
            margin.liquidation_of.join(", ")
        };
        line(
            &mut out,
            &format!(
                "  of every account each {}; distance to liquidation by {of}",
                time(margin.every_seconds)
            ),
        );
        for (place, id) in &margin.rulebooks {
            line(&mut out, &format!("  {place} by rulebook {id}"));
        }
    }
    if let Some(explain) = &file.explain {
        heading(&mut out, "Profit by cause", "");
        line(&mut out, &format!("  explained at the first clock after {}", time(explain.every_seconds)));
    }
    out
}

fn limits(out: &mut String, style: Style, limits: &[LimitJson]) {
    if limits.is_empty() {
        return;
    }
    heading(out, "Limits", "the size of a figure, and the state of the book at each level");
    let header = ["limit", "figure", "of", "at warn", "at hard", "warn", "hard", "back below", "after"];
    let mut table = grid_after(5, style, &header.map(str::to_owned));
    for limit in limits {
        let only = limit.only.values().map(|names| format!(" ({})", names.join(", ")));
        table.add_row(vec![
            left(&limit.name),
            left(limit.measure),
            left(format!("{}{}", each(&limit.group_by), only.collect::<String>())),
            left(limit.on_warn),
            left(limit.on_hard),
            right(amount(limit.warn)),
            right(amount(limit.hard)),
            right(format!("{} %", limit.release * 100.0)),
            right(time(limit.hold_seconds)),
        ]);
    }
    show_fitted(out, table, style, &[]);
}

fn bounds(out: &mut String, orders: &OrdersJson) {
    heading(out, "Orders", "");
    let (largest, hourly) = (amount(orders.largest_usd), amount(orders.hourly_turnover_usd));
    let collar = orders.price_collar * 1e4;
    if !orders.smallest_usd.is_zero() {
        line(out, &format!("  nothing is traded for less than {} USD", amount(orders.smallest_usd)));
    }
    line(
        out,
        &format!("  at most {largest} USD each and {hourly} USD an hour, within {collar} bp of the mark"),
    );
    line(
        out,
        &format!(
            "  a venue is asked after {}, an order ends after {}, a proposal waits {} for a person",
            time(orders.answer_within_seconds),
            time(orders.valid_seconds),
            time(orders.proposal_seconds)
        ),
    );
    let flatten = match orders.flatten {
        Some("armed") => "in the state flatten everything is closed, without asking once armed",
        Some(_) => "in the state flatten closing everything is proposed",
        None => "in the state flatten nothing is closed by the engine",
    };
    line(out, &format!("  {flatten}"));
}

fn hedges(out: &mut String, style: Style, hedges: &[HedgeJson]) {
    if hedges.is_empty() {
        return;
    }
    heading(out, "Hedges", "delta of the whole book, USD: when it is traded and how far");
    let header = ["hedge", "delta of", "trades", "at", "who decides", "sizing", "around", "rests"];
    let mut table = grid_after(5, style, &header.map(str::to_owned));
    for hedge in hedges {
        table.add_row(vec![
            left(&hedge.name),
            left(if hedge.delta == "delta_cash_usd" {
                hedge.underlying.clone()
            } else {
                format!("{}, settlement", hedge.underlying)
            }),
            left(&hedge.symbol),
            left(format!("{}@{}/{}", hedge.account, hedge.venue, hedge.chain)),
            left(if hedge.execution == "armed" { "the rule, once armed" } else { "a person" }),
            right(hedge.sizing.to_string()),
            right(amount(hedge.target_usd)),
            right(time(hedge.cool_down_seconds)),
        ]);
    }
    show_fitted(out, table, style, &[]);
}

fn triggers(out: &mut String, style: Style, triggers: &[TriggerJson]) {
    if triggers.is_empty() {
        return;
    }
    heading(out, "Triggers", "fire once true for so long, are over once false for so long");
    let header = ["trigger", "of", "does", "fires after", "over after", "when"];
    let mut table = grid_after(6, style, &header.map(str::to_owned));
    for trigger in triggers {
        table.add_row(vec![
            left(&trigger.name),
            left(each(&trigger.each)),
            left(trigger.actions.join(", ")),
            left(time(trigger.hold_seconds)),
            left(time(trigger.cool_down_seconds)),
            left(trigger.when.split_whitespace().collect::<Vec<&str>>().join(" ")),
        ]);
    }
    show_fitted(out, table, style, &[]);
}

/// Every mistake of a file; those in expressions with a caret under the place.
pub(super) fn mistakes(file: &Checked) -> String {
    let count = file.mistakes.len();
    let mut out = format!("{} has {count} {}:\n", file.file, if count == 1 { "mistake" } else { "mistakes" });
    for mistake in &file.mistakes {
        let MistakeJson { field, value, rule, .. } = mistake;
        match (&mistake.expression, mistake.line, mistake.column) {
            (Some(expression), Some(at), Some(column)) => {
                line(&mut out, &format!("  {field}, line {at}, column {column}: {rule}"));
                let text = expression.lines().nth(at.saturating_sub(1)).unwrap_or_default();
                // A tab is one column here, and must be one on the screen.
                let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                line(&mut out, &format!("    | {}", text.trim_end()));
                line(&mut out, &format!("    | {}^", " ".repeat(column.saturating_sub(1))));
            }
            _ if field.is_empty() => line(&mut out, &format!("  {}", rule.replace('\n', "\n  "))),
            _ if value.is_empty() => line(&mut out, &format!("  {field}: {rule}")),
            _ => line(&mut out, &format!("  {field} = '{}': {rule}", value.escape_debug())),
        }
    }
    out.trim_end().to_owned()
}

fn each(columns: &[&str]) -> String {
    if columns.is_empty() { "the book".into() } else { format!("each {}", columns.join(", ")) }
}

/// Every digit but trailing zeros.
pub(super) fn amount(value: Fixed) -> String {
    value.to_string().trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn time(seconds: u32) -> String {
    match seconds {
        0 => "at once".into(),
        1..120 => format!("{seconds} s"),
        _ if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}
