//! Vol surfaces as flat tables.

use super::model_word;
use crate::cli::SurfaceTableName;
use crate::output::TableNames;
use crate::render::flat::{columns, count, text};
use crate::surface_command::SurfaceDocument;
use lake::{Cell, Column, ColumnKind, Table};
use market::surface::{DELTA_COLUMNS, ExpiryFit, FamilyFit, GridPoint, QuoteFate};

impl TableNames for SurfaceTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::Quotes => "quotes",
            Self::Grid => "grid",
            Self::Corrections => "corrections",
        }
    }
}

/// Rows of an expiry, without its head.
type Rows = fn(&ExpiryFit) -> Vec<Vec<Cell>>;

/// One table of the result.
pub(crate) fn table(document: &SurfaceDocument, name: SurfaceTableName) -> Table {
    let (own, rows): (Vec<Column>, Rows) = match name {
        SurfaceTableName::Fits => (columns(&FITS), |expiry| vec![fit(expiry)]),
        SurfaceTableName::Quotes => (columns(&QUOTES), |expiry| expiry.quotes.iter().map(quote).collect()),
        SurfaceTableName::Grid => (columns(&GRID), grid),
        SurfaceTableName::Corrections => (columns(&CORRECTIONS), corrections),
    };
    let mut all = columns(&HEAD);
    all.extend(own);
    let mut found = Vec::new();
    for family in &document.families {
        for expiry in &family.expiries {
            for cells in rows(expiry) {
                found.push([head(family, expiry), cells].concat());
            }
        }
    }
    Table { name: name.stem(), columns: all, rows: found }
}

const HEAD: [(&str, ColumnKind); 4] = [
    ("underlying", ColumnKind::Text),
    ("quote_currency", ColumnKind::Text),
    ("expiry", ColumnKind::Text),
    ("days", ColumnKind::Float),
];

fn head(family: &FamilyFit, expiry: &ExpiryFit) -> Vec<Cell> {
    vec![
        text(&family.underlying),
        text(&family.currency),
        text(expiry.report.expiry),
        Cell::Float(expiry.days()),
    ]
}

const FITS: [(&str, ColumnKind); 28] = [
    ("forward", ColumnKind::Float),
    ("forward_source", ColumnKind::Text),
    ("forward_disagreement_bp", ColumnKind::Float),
    ("quotes_fitted", ColumnKind::Integer),
    ("quotes_dropped", ColumnKind::Integer),
    ("dropped", ColumnKind::Text),
    ("rmse_points", ColumnKind::Float),
    ("half_spread_points", ColumnKind::Float),
    ("inside_fraction", ColumnKind::Float),
    ("atm_vol", ColumnKind::Float),
    ("forward_atm_vol", ColumnKind::Float),
    ("risk_reversal_25d_points", ColumnKind::Float),
    ("butterfly_25d_points", ColumnKind::Float),
    ("least_g", ColumnKind::Float),
    ("svi_a", ColumnKind::Float),
    ("svi_b", ColumnKind::Float),
    ("svi_rho", ColumnKind::Float),
    ("svi_m", ColumnKind::Float),
    ("svi_sigma", ColumnKind::Float),
    ("jw_variance", ColumnKind::Float),
    ("jw_skew", ColumnKind::Float),
    ("jw_put", ColumnKind::Float),
    ("jw_call", ColumnKind::Float),
    ("jw_least_variance", ColumnKind::Float),
    ("model", ColumnKind::Text),
    ("status", ColumnKind::Text),
    ("reason", ColumnKind::Text),
    ("carried_from_utc", ColumnKind::Text),
];

fn fit(expiry: &ExpiryFit) -> Vec<Cell> {
    let report = &expiry.report;
    let smile = expiry.smile.as_ref();
    let percent = |vol: Option<f64>| number(vol.map(|vol| 100.0 * vol));
    let reasons: Vec<String> =
        report.dropped.iter().map(|(reason, count)| format!("{} {count}", reason.word())).collect();
    let mut cells = vec![
        number(Some(report.forward.get())),
        text(expiry.source.word()),
        number(expiry.disagreement_bp()),
        count(report.quotes),
        Cell::Integer(expiry.dropped().into()),
        if reasons.is_empty() { Cell::Null } else { text(reasons.join("; ")) },
        number(report.error_points),
        number(report.half_spread_points),
        number(expiry.inside_fraction()),
        number(smile.map(|smile| smile.at_the_money)),
        number(expiry.forward_vol),
        percent(smile.and_then(|smile| smile.risk_reversal_25)),
        percent(smile.and_then(|smile| smile.butterfly_25)),
        number(report.least_density),
    ];
    let raw = report.slice.map(|slice| slice.hyperbola().raw());
    let jump = report.slice.map(|slice| slice.hyperbola().jump_wings(expiry.years));
    cells.extend([
        number(raw.map(|raw| raw.a)),
        number(raw.map(|raw| raw.b)),
        number(raw.map(|raw| raw.rho)),
        number(raw.map(|raw| raw.m)),
        number(raw.map(|raw| raw.sigma)),
        number(jump.map(|jump| jump.variance)),
        number(jump.map(|jump| jump.skew)),
        number(jump.map(|jump| jump.put)),
        number(jump.map(|jump| jump.call)),
        number(jump.map(|jump| jump.least_variance)),
        report.model.map_or(Cell::Null, |model| text(model_word(model))),
        text(expiry.status()),
        report.refused.as_ref().map_or(Cell::Null, text),
        expiry.carried_from.map_or(Cell::Null, text),
    ]);
    cells
}

const QUOTES: [(&str, ColumnKind); 13] = [
    ("venue", ColumnKind::Text),
    ("instrument", ColumnKind::Text),
    ("kind", ColumnKind::Text),
    ("strike", ColumnKind::Float),
    ("log_moneyness", ColumnKind::Float),
    ("bid_price", ColumnKind::Float),
    ("ask_price", ColumnKind::Float),
    ("bid_vol", ColumnKind::Float),
    ("ask_vol", ColumnKind::Float),
    ("mid_vol", ColumnKind::Float),
    ("half_spread_vol", ColumnKind::Float),
    ("model_vol", ColumnKind::Float),
    ("dropped", ColumnKind::Text),
];

fn quote(quote: &QuoteFate) -> Vec<Cell> {
    vec![
        text(&quote.venue),
        text(&quote.symbol),
        text(quote.kind_word()),
        number(Some(quote.strike.get())),
        number(Some(quote.log_moneyness)),
        number(quote.bid),
        number(quote.ask),
        number(quote.bid_vol),
        number(quote.ask_vol),
        number(quote.mid_vol),
        number(quote.half_spread_vol),
        number(quote.model_vol),
        quote.dropped.map_or(Cell::Null, |dropped| text(dropped.word())),
    ]
}

const GRID: [(&str, ColumnKind); 6] = [
    ("delta", ColumnKind::Text),
    ("log_moneyness", ColumnKind::Float),
    ("strike", ColumnKind::Float),
    ("vol", ColumnKind::Float),
    ("extrapolated", ColumnKind::Text),
    ("status", ColumnKind::Text),
];

fn grid(expiry: &ExpiryFit) -> Vec<Vec<Cell>> {
    let Some(smile) = &expiry.smile else { return Vec::new() };
    let row = |((name, _), point): (&(&str, _), &Option<_>)| {
        let point: Option<GridPoint> = *point;
        vec![
            text(name),
            number(point.map(|point| point.log_moneyness)),
            number(point.map(|point| point.strike)),
            number(point.map(|point| point.vol)),
            point.map_or(Cell::Null, |point| text(if point.is_extrapolated { "yes" } else { "no" })),
            text(expiry.status()),
        ]
    };
    DELTA_COLUMNS.iter().zip(&smile.grid).map(row).collect()
}

const CORRECTIONS: [(&str, ColumnKind); 6] = [
    ("from", ColumnKind::Float),
    ("to", ColumnKind::Float),
    ("p", ColumnKind::Float),
    ("q", ColumnKind::Float),
    ("r", ColumnKind::Float),
    ("s", ColumnKind::Float),
];

fn corrections(expiry: &ExpiryFit) -> Vec<Vec<Cell>> {
    let Some(slice) = expiry.report.slice else { return Vec::new() };
    let Some(correction) = slice.correction() else { return Vec::new() };
    let knot = |index: u32| correction.from() + correction.spacing() * f64::from(index);
    let row = |(index, cubic): (u32, &[f64; 4])| {
        let places = [knot(index), knot(index + 1)];
        places.iter().chain(cubic).map(|value| number(Some(*value))).collect()
    };
    (0..).zip(correction.cubics()).map(row).collect()
}

/// A number that is none is no value.
fn number(value: Option<f64>) -> Cell {
    value.filter(|value| value.is_finite()).map_or(Cell::Null, Cell::Float)
}
