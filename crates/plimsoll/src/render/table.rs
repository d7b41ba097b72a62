//! The report for a terminal: units in every header, three significant digits (or all of them), blue for long and gain,
//! orange for short and loss, always with a sign, and colour only on a terminal.

use crate::document::Document;
use crate::render::grid::{
    Style, coins, figure, grid, heading, inputs, left, line, optional, prices, right, show, signed,
};
use crate::render::number;
use comfy_table::Cell;
use market::surface::SkewStickiness;
use risk::{Agreement, Group, Ladder, Measure, Reconciliation};

/// The whole report as text.
pub(crate) fn text(document: &Document, style: Style) -> String {
    let mut out = String::new();
    head(&mut out, document);
    prices(&mut out, &document.report.market);
    exposure(&mut out, document, style);
    smile(&mut out, document, style);
    for ladder in &document.report.ladders {
        ladder_table(&mut out, (ladder, document.report.market.stickiness_of(&ladder.underlying)), style);
    }
    curves(&mut out, document, style);
    stress(&mut out, document, style);
    hedges(&mut out, document, style);
    reconciliation(&mut out, &document.report.reconciliation, style);
    unpriced(&mut out, document);
    notes(&mut out, document);
    out
}

fn head(out: &mut String, document: &Document) {
    let report = &document.report;
    let priced = report.rows.len();
    let of = priced + report.unpriced.len();
    if document.is_partial() {
        line(
            out,
            &format!(
                "PARTIAL: {} of {of} positions and balances not valued, {} bad input rows left out; every total below lacks them",
                report.unpriced.len(),
                document.issues.rows()
            ),
        );
    }
    line(out, &format!("Plimsoll load line  ·  as of {}", report.market.asof));
    line(
        out,
        &format!(
            "{priced} of {of} positions and balances valued  ·  {} option quotes, {} futures and perpetuals  ·  black76",
            report.quotes.0, report.quotes.1
        ),
    );
    inputs(out, &document.inputs);
}

fn measure_header(unit_of: impl Fn(Measure) -> String) -> impl Iterator<Item = String> {
    Measure::ALL.into_iter().map(move |m| format!("{}\n{}", m.header().0, unit_of(m)))
}

fn exposure(out: &mut String, document: &Document, style: Style) {
    let report = &document.report;
    let words: Vec<&str> = report.group_by.iter().map(|by| by.word()).collect();
    let by = words.join(", ");
    heading(
        out,
        &format!("Exposure by {by}, USD"),
        "rows add up to the total to the last digit (--exact, --format csv)",
    );
    let keys = || report.group_by.iter().map(|by| by.word().to_owned());
    let header: Vec<String> = keys().chain(measure_header(|m| m.header().1.to_owned())).collect();
    let mut table = grid(style, &header);
    for group in &report.groups {
        table.add_row(key_cells(group).chain(group.exposure.usd.into_iter().map(|v| figure(v, style))));
    }
    let blanks = report.group_by.len().saturating_sub(1);
    let total = std::iter::once(left("total")).chain((0..blanks).map(|_| left("")));
    table.add_row(total.chain(report.total.exposure.usd.into_iter().map(|v| figure(v, style))));
    show(out, &table);

    heading(
        out,
        &format!("Exposure by {by}, coin"),
        "coins of different underlyings do not add: such groups are left out",
    );
    let header: Vec<String> = keys()
        .chain(["coin".to_owned()])
        .chain(measure_header(|m| m.header().1.replace("USD", "coin")))
        .collect();
    let mut table = grid(style, &header);
    for group in &report.groups {
        let Some(coin) = group.coin.as_ref().filter(|c| !c.is_currency()) else { continue };
        let figures = group.exposure.coin.into_iter().map(|v| coins(v, style));
        table.add_row(key_cells(group).chain([left(coin)]).chain(figures));
    }
    show(out, &table);
}

fn key_cells(group: &Group) -> impl Iterator<Item = Cell> + '_ {
    group.key.iter().map(|key| left(key.text()))
}

/// One line an underlying and dynamics: what a hedger should know before believing one delta.
fn smile(out: &mut String, document: &Document, style: Style) {
    let rows = &document.report.smile;
    if rows.is_empty() {
        return;
    }
    heading(
        out,
        "Delta by how the smile moves with spot, USD",
        "coins and futures included  ·  range: what not knowing the dynamics is worth",
    );
    let header = ["underlying", "smile", "Δ cash\nUSD", "Γ 1%\nUSD/1%", "Δ range\nUSD"];
    let mut table = grid(style, &header.map(str::to_owned));
    for row in rows {
        for (place, column) in row.columns.iter().enumerate() {
            let (name, range) = if place == 0 {
                (row.underlying.as_str(), figure(row.delta_range_usd(), style))
            } else {
                ("", right(""))
            };
            table.add_row(vec![
                left(name),
                left(column.stickiness.to_string()),
                figure(column.delta_cash_usd, style),
                figure(column.gamma_cash_1pct_usd, style),
                range,
            ]);
        }
    }
    show(out, &table);
    for row in rows.iter().filter(|row| row.without_smile > 0) {
        line(
            out,
            &format!(
                "  {}: {} of {} option positions have no vol surface: sticky strike in every line",
                row.underlying, row.without_smile, row.options
            ),
        );
    }
}

fn ladder_table(out: &mut String, (ladder, smile): (&Ladder, SkewStickiness), style: Style) {
    heading(
        out,
        &format!("{} spot × vol P&L, USD", ladder.underlying),
        &format!(
            "full revaluation, {smile}, coin held included  ·  worst {} at spot {}, vol {}",
            number::compact(ladder.worst.pnl_usd),
            number::signed_percent(ladder.worst.spot_return),
            number::signed_points(ladder.worst.vol_points),
        ),
    );
    let header: Vec<String> = std::iter::once("vol".to_owned())
        .chain(ladder.spot_returns.iter().map(|r| {
            format!("{}\n{}", number::signed_percent(*r), number::compact_price(ladder.spot_usd * (1.0 + r)))
        }))
        .collect();
    let mut table = grid(style, &header);
    for (points, row) in ladder.vol_points.iter().zip(&ladder.pnl_usd) {
        let cells = row.iter().zip(&ladder.spot_returns).map(|(pnl, spot_return)| {
            let is_worst = (*spot_return, *points) == (ladder.worst.spot_return, ladder.worst.vol_points);
            if is_worst && !ladder.worst.pnl_usd.is_zero() {
                signed(format!("[{}]", number::compact(*pnl)), *pnl)
            } else {
                figure(*pnl, style)
            }
        });
        table.add_row(std::iter::once(left(number::signed_points(*points))).chain(cells));
    }
    show(out, &table);
}

fn curves(out: &mut String, document: &Document, style: Style) {
    for curve in &document.report.curves {
        heading(
            out,
            &format!("{} P&L along spot, USD", curve.underlying),
            "against today's value; every 10th point (--format csv has all)",
        );
        let step = (curve.spot_returns.len() / 10).max(1);
        let places: Vec<usize> = (0..curve.spot_returns.len()).step_by(step).collect();
        let shown = places.iter().filter_map(|i| curve.spot_returns.get(*i));
        let header: Vec<String> = std::iter::once("horizon".to_owned())
            .chain(shown.map(|r| {
                format!(
                    "{}\n{}",
                    number::signed_percent(*r),
                    number::compact_price(curve.spot_usd * (1.0 + r))
                )
            }))
            .collect();
        let mut table = grid(style, &header);
        for horizon in &curve.horizons {
            let name = horizon.days.map_or_else(|| "at expiry".to_owned(), |d| format!("T+{d} d"));
            let cells = places.iter().filter_map(|i| horizon.pnl_usd.get(*i)).map(|pnl| figure(*pnl, style));
            table.add_row(std::iter::once(left(name)).chain(cells));
        }
        show(out, &table);
    }
}

fn stress(out: &mut String, document: &Document, style: Style) {
    let rows = &document.report.stress;
    if rows.is_empty() {
        return;
    }
    heading(out, "Stress, P&L in USD", "spot and vol also each on its own; * has a caveat below");
    let header =
        ["scenario", "spot only", "vol only", "venue loss", "all together", "Δ cash left", "largest line"];
    let mut table = grid(style, &header.map(str::to_owned));
    for row in rows {
        let mark = if row.caveat.is_empty() { "" } else { " *" };
        table.add_row(vec![
            left(format!("{}{mark}", row.name)),
            optional(row.spot_only_usd, style),
            optional(row.vol_only_usd, style),
            optional(row.venue_loss_usd, style),
            figure(row.total_usd, style),
            optional(row.delta_after_usd, style),
            right(row.largest.as_deref().unwrap_or("")),
        ]);
    }
    show(out, &table);
    for row in rows.iter().filter(|row| !row.caveat.is_empty()) {
        line(out, &format!("  * {}: {}", row.name, row.caveat));
    }
}

fn hedges(out: &mut String, document: &Document, style: Style) {
    if document.report.hedges.is_empty() {
        return;
    }
    heading(
        out,
        "First hedge",
        "perpetual quantity that zeroes delta, before costs, bands and lots; USD-neutral counts own coins, coin-neutral keeps them",
    );
    let header = [
        "underlying",
        "aim",
        "Δ contracts\ncoin",
        "Δ coins held\ncoin",
        "Δ to zero\ncoin",
        "trade",
        "venue, instrument",
        "notional\nUSD",
    ];
    let mut table = grid(style, &header.map(str::to_owned));
    for hedge in &document.report.hedges {
        let quantity = number::grouped(hedge.quantity, if hedge.quantity_unit == "USD" { 0 } else { 4 });
        table.add_row(vec![
            left(&hedge.underlying),
            right(hedge.aim.word()),
            coins(hedge.contracts_delta_coin, style),
            coins(hedge.holdings_delta_coin, style),
            coins(hedge.delta_before_coin, style),
            right(format!("{} {quantity} {}", hedge.side.word(), hedge.quantity_unit)),
            right(format!("{} {}", hedge.venue, hedge.symbol)),
            right(number::compact(hedge.notional_usd)),
        ]);
    }
    show(out, &table);
}

fn reconciliation(out: &mut String, reconciliation: &Reconciliation, style: Style) {
    heading(
        out,
        "Own figures against the venue's published ones",
        "absolute differences over all quotes of the snapshot",
    );
    if reconciliation.agreement.is_empty() {
        line(out, "  nothing to compare: the market files carry no marks with vols");
        return;
    }
    let header = ["underlying", "figure", "compared", "breaks", "median", "p99", "max", "limit"];
    let mut table = grid(style, &header.map(str::to_owned));
    for a in &reconciliation.agreement {
        table.add_row(agreement_cells(a));
    }
    show(out, &table);
    for b in &reconciliation.breaks {
        let (name, unit) = b.figure.words();
        line(
            out,
            &format!(
                "  break: {} {}{} {name} own {} venue {} {unit} ({:.1} x the limit)",
                b.venue,
                b.symbol,
                if b.held { ", held," } else { "" },
                number::figure(b.own, 5),
                number::figure(b.published, 5),
                b.severity
            ),
        );
    }
}

fn agreement_cells(a: &Agreement) -> Vec<Cell> {
    let (name, unit) = a.figure.words();
    let (absolute, relative) = a.figure.limits();
    let limit =
        if relative > 0.0 { format!("{absolute} + {} %", relative * 100.0) } else { absolute.to_string() };
    vec![
        left(&a.underlying),
        right(format!("{name} {unit}").trim_end()),
        right(a.compared),
        right(a.breaks),
        right(number::figure(a.median, 2)),
        right(number::figure(a.p99, 2)),
        right(number::figure(a.max, 2)),
        right(limit),
    ]
}

fn unpriced(out: &mut String, document: &Document) {
    if !document.is_partial() {
        return;
    }
    heading(out, "Not valued", "in no total above");
    for u in &document.report.unpriced {
        line(
            out,
            &format!(
                "  {} {} {} x {}: {}",
                u.account,
                u.venue,
                number::screen(&u.quantity.to_string()),
                u.symbol,
                u.reason
            ),
        );
    }
    for issue in document.issues.to_string().lines() {
        line(out, &format!("  {issue}"));
    }
}

fn notes(out: &mut String, document: &Document) {
    let mut notes = document.notes.clone();
    notes.extend(
        document.not_used.iter().map(|(reason, count)| format!("{count} market rows not used: {reason}")),
    );
    let without = document.report.futures_without_entry;
    if without > 0 {
        notes.push(format!(
            "{without} futures have no average_price: their gain so far is unknown and not in the value"
        ));
    }
    if notes.is_empty() {
        return;
    }
    heading(out, "Notes", "");
    for note in notes {
        line(out, &format!("  {note}"));
    }
}
