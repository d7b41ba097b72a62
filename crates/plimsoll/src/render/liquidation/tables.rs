//! Liquidation prices as flat tables.

use crate::cli::LiquidationTableName;
use crate::margin_commands::{
    DriverVol, DriverVolSource, LiquidationDocument, LiquidationRow, Place, SideFigures,
};
use crate::output::TableNames;
use crate::render::flat::{Body, optional, text};
use crate::render::margin::tables::{account_columns, unmargined};
use lake::{Cell, ColumnKind, Table};
use market::VolSource;

impl TableNames for LiquidationTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Liquidation => "liquidation",
            Self::Unmargined => "unmargined",
        }
    }
}

/// One table of the result.
pub(crate) fn table(document: &LiquidationDocument, name: LiquidationTableName) -> Table {
    let (columns, rows) = match name {
        LiquidationTableName::Liquidation => liquidation(document),
        LiquidationTableName::Unmargined => unmargined(&document.basis, document.accounts.iter()),
    };
    Table { name: name.stem(), columns, rows }
}

fn liquidation(document: &LiquidationDocument) -> Body {
    let columns = account_columns(&[
        ("rulebook", ColumnKind::Text),
        ("driver", ColumnKind::Text),
        ("index_usd", ColumnKind::Float),
        ("annual_vol", ColumnKind::Float),
        ("vol_source", ColumnKind::Text),
        ("to_liquidation_usd", ColumnKind::Fixed),
        ("partial", ColumnKind::Integer),
        ("state", ColumnKind::Text),
        ("down_price_usd", ColumnKind::Float),
        ("down_percent", ColumnKind::Float),
        ("down_daily_sigmas", ColumnKind::Float),
        ("up_price_usd", ColumnKind::Float),
        ("up_percent", ColumnKind::Float),
        ("up_daily_sigmas", ColumnKind::Float),
        ("to_add_usd", ColumnKind::Fixed),
        ("reason", ColumnKind::Text),
    ]);
    (columns, document.rows.iter().map(row).collect())
}

fn row(row: &LiquidationRow) -> Vec<Cell> {
    let mut cells = vec![text(&row.account), text(&row.venue)];
    cells.push(row.rulebook.as_ref().map_or(Cell::Null, text));
    cells.push(row.driver.as_ref().map_or(Cell::Null, text));
    cells.extend([number(row.index_usd), number(row.vol.as_ref().map(|vol| vol.annual.get()))]);
    cells.push(row.vol.as_ref().map_or(Cell::Null, |vol| text(source(vol))));
    cells.extend([optional(row.surplus_usd), Cell::Integer(row.is_partial.into()), text(state(&row.place))]);
    let mut reasons = Vec::new();
    match &row.place {
        Place::Now => cells.extend([const { Cell::Null }; 6]),
        Place::Undefined(reason) => {
            cells.extend([const { Cell::Null }; 6]);
            reasons.push(reason.clone());
        }
        Place::Sides { down, up } => {
            for side in [down, up] {
                cells.extend(crossing(row, side));
                reasons.extend(side.reason.clone());
            }
        }
    }
    let to_add = row.to_add_usd.as_ref();
    cells.push(optional(to_add.and_then(|to_add| to_add.as_ref().ok().copied())));
    reasons.extend(to_add.and_then(|to_add| to_add.as_ref().err().cloned()));
    cells.push(if reasons.is_empty() { Cell::Null } else { text(reasons.join("; ")) });
    cells
}

/// Word of a file for whose vol it is.
pub(crate) const fn source(vol: &DriverVol) -> &'static str {
    match &vol.source {
        DriverVolSource::Account(_) => "account_option",
        DriverVolSource::Market(VolSource::Extrapolated) => "market_nearest_expiry",
        DriverVolSource::Market(_) => "market",
    }
}

/// Word of a file for where an account liquidates.
pub(crate) const fn state(place: &Place) -> &'static str {
    match place {
        Place::Now => "now",
        Place::Undefined(_) => "undefined",
        Place::Sides { .. } => "searched",
    }
}

fn crossing(row: &LiquidationRow, side: &SideFigures) -> [Cell; 3] {
    let found = side.crossing;
    [
        number(found.and_then(|crossing| row.price_usd(&crossing))),
        number(found.map(|crossing| crossing.percent)),
        number(found.and_then(|crossing| crossing.daily_sigmas)),
    ]
}

fn number(value: Option<f64>) -> Cell {
    value.map_or(Cell::Null, Cell::Float)
}
