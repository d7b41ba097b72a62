//! The report as flat tables, for CSV and Parquet: full figures, units in every column name.

use crate::cli::TableName;
use crate::document::Document;
use crate::output::TableNames;
use crate::render::flat::{Body, columns, count, optional, text};
use lake::{Cell, Column, ColumnKind, Table};
use risk::{Exposure, GroupBy, Measure, kind_word};

impl TableNames for TableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Exposure => "exposure",
            Self::Positions => "positions",
            Self::Unpriced => "unpriced",
            Self::Ladder => "ladder",
            Self::Curve => "curve",
            Self::Stress => "stress",
            Self::Reconciliation => "reconciliation",
            Self::Breaks => "breaks",
            Self::Hedge => "hedge",
            Self::Forwards => "forwards",
            Self::Smile => "smile",
        }
    }
}

/// One table of the report.
pub(crate) fn table(document: &Document, name: TableName) -> Table {
    let (columns, rows) = match name {
        TableName::Exposure => exposure(document),
        TableName::Positions => positions(document),
        TableName::Unpriced => unpriced(document),
        TableName::Ladder => ladder(document),
        TableName::Curve => curve(document),
        TableName::Stress => stress(document),
        TableName::Reconciliation => reconciliation(document),
        TableName::Breaks => breaks(document),
        TableName::Hedge => hedge(document),
        TableName::Forwards => forwards(document),
        TableName::Smile => smile(document),
    };
    Table { name: name.stem(), columns, rows }
}

fn measure_columns() -> impl Iterator<Item = Column> {
    let usd = Measure::ALL.into_iter().map(Measure::usd_key);
    let coin = Measure::ALL.into_iter().map(Measure::coin_key);
    usd.chain(coin).map(|name| Column { name: name.into(), kind: ColumnKind::Fixed })
}

fn measures(exposure: &Exposure, coins_add: bool) -> impl Iterator<Item = Cell> {
    let usd = exposure.usd.into_iter().map(Cell::Fixed);
    let coin =
        exposure.coin.into_iter().map(move |coin| if coins_add { Cell::Fixed(coin) } else { Cell::Null });
    usd.chain(coin)
}

fn smile(document: &Document) -> Body {
    let columns = columns(&[
        ("underlying", ColumnKind::Text),
        ("skew_stickiness", ColumnKind::Float),
        ("smile", ColumnKind::Text),
        ("delta_cash_usd", ColumnKind::Fixed),
        ("gamma_cash_1pct_usd", ColumnKind::Fixed),
        ("options", ColumnKind::Integer),
        ("options_without_smile", ColumnKind::Integer),
    ]);
    let lines = document.report.smile.iter().flat_map(|row| {
        row.columns.iter().map(move |column| {
            vec![
                text(&row.underlying),
                Cell::Float(column.stickiness.get()),
                text(column.stickiness),
                Cell::Fixed(column.delta_cash_usd),
                Cell::Fixed(column.gamma_cash_1pct_usd),
                count(row.options),
                count(row.without_smile),
            ]
        })
    });
    (columns, lines.collect())
}

fn exposure(document: &Document) -> Body {
    let report = &document.report;
    let mut columns = columns(&[("level", ColumnKind::Text)]);
    columns.extend(
        report.group_by.iter().map(|by| Column { name: GroupBy::word(*by).into(), kind: ColumnKind::Text }),
    );
    columns.extend(self::columns(&[("rows", ColumnKind::Integer), ("coin", ColumnKind::Text)]));
    columns.extend(measure_columns());
    // A sum that lacks rows must not be taken for the whole by who reads only this line.
    let word = if document.is_partial() { "partial total" } else { "total" };
    let total = std::iter::once((word, &report.total));
    let all = report.groups.iter().map(|group| ("group", group)).chain(total);
    let rows = all.map(|(level, group)| {
        let mut row = vec![text(level)];
        let keys = group.key.iter().map(|key| text(key.text()));
        row.extend(keys.chain(std::iter::repeat(Cell::Null)).take(report.group_by.len()));
        row.push(count(group.rows));
        row.push(group.coin.as_ref().map_or(Cell::Null, text));
        row.extend(measures(&group.exposure, group.coin.is_some()));
        row
    });
    (columns, rows.collect())
}

fn positions(document: &Document) -> Body {
    let mut columns = columns(&[
        ("account", ColumnKind::Text),
        ("venue", ColumnKind::Text),
        ("chain", ColumnKind::Text),
        ("instrument", ColumnKind::Text),
        ("contract", ColumnKind::Text),
        ("kind", ColumnKind::Text),
        ("underlying", ColumnKind::Text),
        ("expiry_utc", ColumnKind::Text),
        ("quantity", ColumnKind::Text),
    ]);
    columns.extend(measure_columns());
    let rows = document.report.rows.iter().map(|row| {
        let mut cells = vec![
            text(&row.account),
            text(&row.venue),
            text(&row.chain),
            text(&row.symbol),
            text(&row.contract),
            text(kind_word(row.kind)),
            text(&row.underlying),
            row.expiry.map_or(Cell::Null, text),
            text(row.quantity),
        ];
        cells.extend(measures(&row.exposure, true));
        cells
    });
    (columns, rows.collect())
}

fn unpriced(document: &Document) -> Body {
    let columns = columns(&[
        ("file", ColumnKind::Text),
        ("row", ColumnKind::Integer),
        ("account", ColumnKind::Text),
        ("venue", ColumnKind::Text),
        ("chain", ColumnKind::Text),
        ("instrument", ColumnKind::Text),
        ("quantity", ColumnKind::Text),
        ("field", ColumnKind::Text),
        ("value", ColumnKind::Text),
        ("reason", ColumnKind::Text),
    ]);
    let number = |row: u64| i64::try_from(row).map_or(Cell::Null, Cell::Integer);
    let positions = document.report.unpriced.iter().map(|u| {
        let place = [text(&u.file), number(u.row)];
        let held = [text(&u.account), text(&u.venue), text(&u.chain), text(&u.symbol), text(u.quantity)];
        place.into_iter().chain(held).chain([Cell::Null, Cell::Null, text(&u.reason)]).collect()
    });
    let rows = document.issues.kept().iter().map(|i| {
        let fault = [text(&i.field), text(&i.value), text(&i.rule)];
        [text(&i.file), number(i.row)].into_iter().chain([const { Cell::Null }; 5]).chain(fault).collect()
    });
    (columns, positions.chain(rows).collect())
}

fn ladder(document: &Document) -> Body {
    let columns = columns(&[
        ("underlying", ColumnKind::Text),
        ("spot_return", ColumnKind::Float),
        ("vol_shift_points", ColumnKind::Float),
        ("pnl_usd", ColumnKind::Fixed),
    ]);
    let mut rows = Vec::new();
    for ladder in &document.report.ladders {
        for (points, line) in ladder.vol_points.iter().zip(&ladder.pnl_usd) {
            for (spot_return, pnl) in ladder.spot_returns.iter().zip(line) {
                rows.push(vec![
                    text(&ladder.underlying),
                    Cell::Float(*spot_return),
                    Cell::Float(*points),
                    Cell::Fixed(*pnl),
                ]);
            }
        }
    }
    (columns, rows)
}

fn curve(document: &Document) -> Body {
    let columns = columns(&[
        ("underlying", ColumnKind::Text),
        ("horizon_days", ColumnKind::Float),
        ("spot_return", ColumnKind::Float),
        ("spot_usd", ColumnKind::Float),
        ("pnl_usd", ColumnKind::Fixed),
    ]);
    let mut rows = Vec::new();
    for curve in &document.report.curves {
        for horizon in &curve.horizons {
            for (spot_return, pnl) in curve.spot_returns.iter().zip(&horizon.pnl_usd) {
                rows.push(vec![
                    text(&curve.underlying),
                    horizon.days.map_or(Cell::Null, Cell::Float),
                    Cell::Float(*spot_return),
                    Cell::Float(curve.spot_usd * (1.0 + spot_return)),
                    Cell::Fixed(*pnl),
                ]);
            }
        }
    }
    (columns, rows)
}

fn stress(document: &Document) -> Body {
    let columns = columns(&[
        ("scenario", ColumnKind::Text),
        ("spot_only_usd", ColumnKind::Fixed),
        ("vol_only_usd", ColumnKind::Fixed),
        ("venue_loss_usd", ColumnKind::Fixed),
        ("total_usd", ColumnKind::Fixed),
        ("delta_after_usd", ColumnKind::Fixed),
        ("largest_line", ColumnKind::Text),
        ("source", ColumnKind::Text),
        ("caveat", ColumnKind::Text),
    ]);
    let rows = document.report.stress.iter().map(|row| {
        vec![
            text(&row.name),
            optional(row.spot_only_usd),
            optional(row.vol_only_usd),
            optional(row.venue_loss_usd),
            Cell::Fixed(row.total_usd),
            optional(row.delta_after_usd),
            row.largest.as_ref().map_or(Cell::Null, text),
            text(&row.source),
            text(&row.caveat),
        ]
    });
    (columns, rows.collect())
}

fn reconciliation(document: &Document) -> Body {
    let columns = columns(&[
        ("underlying", ColumnKind::Text),
        ("figure", ColumnKind::Text),
        ("unit", ColumnKind::Text),
        ("compared", ColumnKind::Integer),
        ("breaks", ColumnKind::Integer),
        ("median_difference", ColumnKind::Float),
        ("p99_difference", ColumnKind::Float),
        ("max_difference", ColumnKind::Float),
    ]);
    let rows = document.report.reconciliation.agreement.iter().map(|a| {
        let (figure, unit) = a.figure.words();
        vec![
            text(&a.underlying),
            text(figure),
            text(unit),
            count(a.compared),
            count(a.breaks),
            Cell::Float(a.median),
            Cell::Float(a.p99),
            Cell::Float(a.max),
        ]
    });
    (columns, rows.collect())
}

fn breaks(document: &Document) -> Body {
    let columns = columns(&[
        ("venue", ColumnKind::Text),
        ("instrument", ColumnKind::Text),
        ("held", ColumnKind::Text),
        ("figure", ColumnKind::Text),
        ("own", ColumnKind::Float),
        ("published", ColumnKind::Float),
        ("times_the_limit", ColumnKind::Float),
    ]);
    let rows = document.report.reconciliation.breaks.iter().map(|b| {
        vec![
            text(&b.venue),
            text(&b.symbol),
            text(if b.held { "yes" } else { "no" }),
            text(b.figure.words().0),
            Cell::Float(b.own),
            Cell::Float(b.published),
            Cell::Float(b.severity),
        ]
    });
    (columns, rows.collect())
}

fn hedge(document: &Document) -> Body {
    let columns = columns(&[
        ("underlying", ColumnKind::Text),
        ("aim", ColumnKind::Text),
        ("contracts_delta_coin", ColumnKind::Fixed),
        ("holdings_delta_coin", ColumnKind::Fixed),
        ("delta_before_coin", ColumnKind::Fixed),
        ("side", ColumnKind::Text),
        ("quantity", ColumnKind::Fixed),
        ("quantity_unit", ColumnKind::Text),
        ("notional_usd", ColumnKind::Fixed),
        ("venue", ColumnKind::Text),
        ("instrument", ColumnKind::Text),
    ]);
    let rows = document.report.hedges.iter().map(|h| {
        vec![
            text(&h.underlying),
            text(h.aim.word()),
            Cell::Fixed(h.contracts_delta_coin),
            Cell::Fixed(h.holdings_delta_coin),
            Cell::Fixed(h.delta_before_coin),
            text(h.side.word()),
            Cell::Fixed(h.quantity),
            text(&h.quantity_unit),
            Cell::Fixed(h.notional_usd),
            text(&h.venue),
            text(&h.symbol),
        ]
    });
    (columns, rows.collect())
}

fn forwards(document: &Document) -> Body {
    let columns = columns(&[
        ("underlying", ColumnKind::Text),
        ("quote_currency", ColumnKind::Text),
        ("expiry_utc", ColumnKind::Text),
        ("forward", ColumnKind::Float),
        ("source", ColumnKind::Text),
        ("parity", ColumnKind::Float),
        ("parity_pairs", ColumnKind::Integer),
        ("future_mark", ColumnKind::Float),
        ("printed", ColumnKind::Float),
        ("disagreement_bp", ColumnKind::Float),
    ]);
    let float = |value: Option<f64>| value.map_or(Cell::Null, Cell::Float);
    let mut rows = Vec::new();
    for (asset, underlying) in &document.report.market.underlyings {
        for (currency, family) in &underlying.families {
            for point in family.curve.points() {
                rows.push(vec![
                    text(asset),
                    text(currency),
                    text(point.expiry),
                    Cell::Float(point.forward.get()),
                    text(point.source.word()),
                    float(point.parity),
                    count(point.parity_pairs),
                    float(point.future_mark),
                    float(point.printed),
                    Cell::Float(point.disagreement_bp()),
                ]);
            }
        }
    }
    (columns, rows)
}
