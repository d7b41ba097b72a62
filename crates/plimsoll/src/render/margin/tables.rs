//! Margin as flat tables, for CSV and Parquet: full figures, units in every column name.

use crate::cli::MarginTableName;
use crate::margin_commands::{
    AccountFigures, Basis, FaultFigures, FaultSide, LegFigures, MarginDocument, MarginFigures, NotCandidate,
    PlaceFigures, Published, UnitFigures,
};
use crate::output::TableNames;
use crate::render::flat::{Body, columns, count, optional, text};
use lake::{Cell, Column, ColumnKind, Table};

impl TableNames for MarginTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Units => "units",
            Self::Scenarios => "scenarios",
            Self::Charges => "charges",
            Self::Legs => "legs",
            Self::Collateral => "collateral",
            Self::Fragmentation => "fragmentation",
            Self::CheapestVenues => "cheapest-venues",
            Self::Faults => "faults",
            Self::Unmargined => "unmargined",
        }
    }
}

/// One table of the result.
pub(crate) fn table(document: &MarginDocument, name: MarginTableName) -> Table {
    let (columns, rows) = match name {
        MarginTableName::Accounts => accounts(document),
        MarginTableName::Units => units(document),
        MarginTableName::Scenarios => scenarios(document),
        MarginTableName::Charges => charges(document),
        MarginTableName::Legs => legs(document),
        MarginTableName::Collateral => collateral(document),
        MarginTableName::Fragmentation => fragmentation(document),
        MarginTableName::CheapestVenues => cheapest(document),
        MarginTableName::Faults => faults(document),
        MarginTableName::Unmargined => unmargined(&document.basis, document.accounts.iter()),
    };
    Table { name: name.stem(), columns, rows }
}

/// `account`, `venue`, and these.
pub(crate) fn account_columns(rest: &[(&str, ColumnKind)]) -> Vec<Column> {
    let mut all = columns(&[("account", ColumnKind::Text), ("venue", ColumnKind::Text)]);
    all.extend(columns(rest));
    all
}

/// Initial and maintenance.
pub(crate) fn published(usd: Published) -> [Cell; 2] {
    [Cell::Fixed(usd.initial), Cell::Fixed(usd.maintenance)]
}

fn accounts(document: &MarginDocument) -> Body {
    let columns = account_columns(&[
        ("level", ColumnKind::Text),
        ("status", ColumnKind::Text),
        ("rulebook", ColumnKind::Text),
        ("parameter_hash", ColumnKind::Text),
        ("equity_usd", ColumnKind::Fixed),
        ("counted_initial_usd", ColumnKind::Fixed),
        ("counted_maintenance_usd", ColumnKind::Fixed),
        ("initial_margin_usd", ColumnKind::Fixed),
        ("maintenance_margin_usd", ColumnKind::Fixed),
        ("available_usd", ColumnKind::Fixed),
        ("to_liquidation_usd", ColumnKind::Fixed),
        ("utilisation", ColumnKind::Float),
        ("worst_unit", ColumnKind::Text),
        ("worst_scenario", ColumnKind::Text),
        ("worst_pnl_usd", ColumnKind::Fixed),
        ("not_margined", ColumnKind::Integer),
        ("bad_rows", ColumnKind::Integer),
        ("extrapolated", ColumnKind::Integer),
    ]);
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for account in &document.accounts {
        let mut row = vec![text(&account.account), text(&account.venue), text("account")];
        row.push(text(account.status_key()));
        match &account.margin {
            Some(margin) => {
                row.extend([text(&margin.rulebook), text(&margin.parameter_hash)]);
                row.push(optional(account.equity_usd));
                row.extend(levels([margin.counted_usd, margin.requirement_usd, margin.surplus_usd]));
                row.push(margin.utilisation.map_or(Cell::Null, Cell::Float));
                row.extend(worst(margin));
            }
            None => {
                row.extend([Cell::Null, Cell::Null, optional(account.equity_usd)]);
                row.extend([const { Cell::Null }; 10]);
            }
        }
        row.extend([account.missing.len(), account.bad_rows, account.extrapolated.len()].map(count));
        rows.push(row);
    }
    let totals = document.totals();
    let mut row = vec![Cell::Null, Cell::Null, text(document.total_word())];
    row.extend([Cell::Null, Cell::Null, Cell::Null, Cell::Fixed(totals.equity_usd)]);
    row.extend(levels([totals.counted_usd, totals.requirement_usd, totals.surplus_usd]));
    row.extend([const { Cell::Null }; 4]);
    let all = document.accounts.iter();
    let beyond = all.map(|account| account.extrapolated.len()).sum();
    let bad_rows = usize::try_from(document.basis.issues.rows()).unwrap_or(usize::MAX);
    row.extend([document.missing(), bad_rows, beyond].map(count));
    rows.push(row);
    (columns, rows)
}

/// Counted, asked and left.
fn levels(usd: [Published; 3]) -> impl Iterator<Item = Cell> {
    usd.into_iter().flat_map(published)
}

fn worst(margin: &MarginFigures) -> [Cell; 3] {
    match margin.worst() {
        Some((unit, scenario)) => [text(&unit.name), text(&scenario.name), Cell::Fixed(scenario.pnl_usd)],
        None => [Cell::Null, Cell::Null, Cell::Null],
    }
}

/// Rows of every unit of every account, each after its account and venue.
fn by_unit(document: &MarginDocument, rows_of: impl Fn(&UnitFigures) -> Vec<Vec<Cell>>) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for account in &document.accounts {
        for unit in account.margin.iter().flat_map(|margin| &margin.units) {
            rows.extend(rows_of(unit).into_iter().map(|cells| {
                let mut row = vec![text(&account.account), text(&account.venue), text(&unit.name)];
                row.extend(cells);
                row
            }));
        }
    }
    rows
}

fn units(document: &MarginDocument) -> Body {
    let columns = account_columns(&[
        ("unit", ColumnKind::Text),
        ("initial_margin_usd", ColumnKind::Fixed),
        ("maintenance_margin_usd", ColumnKind::Fixed),
        ("worst_scenario", ColumnKind::Text),
        ("worst_pnl_usd", ColumnKind::Fixed),
    ]);
    let rows = by_unit(document, |unit| {
        let mut row: Vec<Cell> = published(unit.requirement_usd).into();
        row.extend(match unit.worst_scenario() {
            Some(scenario) => [text(&scenario.name), Cell::Fixed(scenario.pnl_usd)],
            None => [Cell::Null, Cell::Null],
        });
        vec![row]
    });
    (columns, rows)
}

fn scenarios(document: &MarginDocument) -> Body {
    let columns = account_columns(&[
        ("unit", ColumnKind::Text),
        ("scenario", ColumnKind::Text),
        ("pnl_usd", ColumnKind::Fixed),
        ("decides", ColumnKind::Integer),
    ]);
    let rows = by_unit(document, |unit| {
        let numbered = unit.scenarios.iter().enumerate();
        numbered
            .map(|(place, scenario)| {
                let decides = i64::from(unit.worst == Some(place));
                vec![text(&scenario.name), Cell::Fixed(scenario.pnl_usd), Cell::Integer(decides)]
            })
            .collect()
    });
    (columns, rows)
}

fn charges(document: &MarginDocument) -> Body {
    let columns = account_columns(&[
        ("unit", ColumnKind::Text),
        ("charge", ColumnKind::Text),
        ("initial_usd", ColumnKind::Fixed),
        ("maintenance_usd", ColumnKind::Fixed),
    ]);
    let rows = by_unit(document, |unit| {
        let row = |name: &str, usd| std::iter::once(text(name)).chain(published(usd)).collect();
        unit.charges.iter().map(|charge| row(&charge.name, charge.usd)).collect()
    });
    (columns, rows)
}

fn legs(document: &MarginDocument) -> Body {
    let columns = account_columns(&[
        ("unit", ColumnKind::Text),
        ("instrument", ColumnKind::Text),
        ("initial_margin_usd", ColumnKind::Fixed),
        ("maintenance_margin_usd", ColumnKind::Fixed),
    ]);
    let rows = by_unit(document, |unit| {
        let row = |leg: &LegFigures| {
            std::iter::once(text(&leg.instrument)).chain(published(leg.requirement_usd)).collect()
        };
        unit.legs.iter().map(row).collect()
    });
    (columns, rows)
}

fn collateral(document: &MarginDocument) -> Body {
    let columns = account_columns(&[
        ("asset", ColumnKind::Text),
        ("amount", ColumnKind::Fixed),
        ("value_usd", ColumnKind::Fixed),
        ("counted_initial_usd", ColumnKind::Fixed),
        ("counted_maintenance_usd", ColumnKind::Fixed),
        ("haircut_initial", ColumnKind::Float),
        ("haircut_maintenance", ColumnKind::Float),
    ]);
    let mut rows = Vec::new();
    for account in &document.accounts {
        for balance in account.margin.iter().flat_map(|margin| &margin.collateral) {
            let mut row = vec![text(&account.account), text(&account.venue), text(&balance.asset)];
            row.extend([Cell::Fixed(balance.amount), Cell::Fixed(balance.value_usd)]);
            row.extend(published(balance.counted_usd));
            row.extend(match balance.haircut {
                Some(haircut) => [Cell::Float(haircut.initial), Cell::Float(haircut.maintenance)],
                None => [Cell::Null, Cell::Null],
            });
            rows.push(row);
        }
    }
    (columns, rows)
}

fn fragmentation(document: &MarginDocument) -> Body {
    let columns = columns(&[
        ("rulebook", ColumnKind::Text),
        ("initial_margin_usd", ColumnKind::Fixed),
        ("maintenance_margin_usd", ColumnKind::Fixed),
        ("gap_initial_usd", ColumnKind::Fixed),
        ("gap_maintenance_usd", ColumnKind::Fixed),
        ("cost_initial_usd_per_year", ColumnKind::Fixed),
        ("cost_maintenance_usd_per_year", ColumnKind::Fixed),
    ]);
    let mut rows = Vec::new();
    if let Some(fragmentation) = &document.fragmentation {
        let mut today = vec![text("today")];
        today.extend(published(fragmentation.today_usd));
        today.extend([const { Cell::Null }; 4]);
        rows.push(today);
        for alternative in &fragmentation.alternatives {
            let mut row = vec![text(&alternative.rulebook)];
            row.extend(published(alternative.requirement_usd));
            for usd in [alternative.gap_usd, alternative.cost_usd_per_year] {
                row.extend(usd.map_or([Cell::Null, Cell::Null], published));
            }
            rows.push(row);
        }
    }
    (columns, rows)
}

fn cheapest(document: &MarginDocument) -> Body {
    let columns = account_columns(&[
        ("rank", ColumnKind::Integer),
        ("position", ColumnKind::Text),
        ("instrument", ColumnKind::Text),
        ("rulebook", ColumnKind::Text),
        ("status", ColumnKind::Text),
        ("partial", ColumnKind::Integer),
        ("surplus_taken_initial_usd", ColumnKind::Fixed),
        ("surplus_taken_maintenance_usd", ColumnKind::Fixed),
        ("asked_more_initial_usd", ColumnKind::Fixed),
        ("asked_more_maintenance_usd", ColumnKind::Fixed),
        ("left_available_usd", ColumnKind::Fixed),
        ("left_to_liquidation_usd", ColumnKind::Fixed),
        ("reason", ColumnKind::Text),
    ]);
    let mut rows = Vec::new();
    if let Some(cheapest) = &document.cheapest {
        let position = |place: usize| cheapest.positions.get(place).map_or(Cell::Null, |p| text(&p.position));
        let account = |account: &Option<units::Account>| account.as_ref().map_or(Cell::Null, text);
        for (rank, place) in (1..).zip(&cheapest.places) {
            let PlaceFigures { requirement_usd, surplus_usd, left_usd, .. } = place;
            let mut row =
                vec![account(&place.account), text(&place.venue), count(rank), position(place.position)];
            row.extend([text(&place.instrument), text(&place.rulebook), text(place.status.0)]);
            row.push(count(usize::from(place.is_partial)));
            row.extend([surplus_usd, requirement_usd, left_usd].into_iter().flat_map(|usd| published(*usd)));
            row.push(Cell::Null);
            rows.push(row);
        }
        for NotCandidate { position: of, account: who, venue, reason } in &cheapest.not_candidates {
            let mut row = vec![account(who), text(venue), Cell::Null, position(*of)];
            row.extend([const { Cell::Null }; 10]);
            row.push(text(reason));
            rows.push(row);
        }
    }
    (columns, rows)
}

/// Figures of a fault's side, in this order.
const SIDE: [&str; 5] =
    ["equity_usd", "initial_margin_usd", "maintenance_margin_usd", "available_usd", "to_liquidation_usd"];

fn faults(document: &MarginDocument) -> Body {
    let mut columns = account_columns(&[
        ("fault", ColumnKind::Text),
        ("rulebook", ColumnKind::Text),
        ("outcome", ColumnKind::Text),
    ]);
    for side in ["before", "venue_view", "truth"] {
        let named = SIDE.map(|figure| Column { name: format!("{side}_{figure}"), kind: ColumnKind::Fixed });
        columns.extend(named);
    }
    columns.extend(self::columns(&[
        ("hidden_usd", ColumnKind::Fixed),
        ("not_covered", ColumnKind::Integer),
        ("note", ColumnKind::Text),
    ]));
    let side = |side: &FaultSide| {
        let levels = [side.requirement_usd, side.surplus_usd].into_iter().flat_map(published);
        std::iter::once(Cell::Fixed(side.equity_usd)).chain(levels).collect::<Vec<_>>()
    };
    let row = |fault: &FaultFigures| {
        let mut row = vec![text(&fault.account), text(&fault.venue), text(&fault.fault)];
        row.extend([text(&fault.rulebook), text(fault.outcome.key())]);
        row.extend([&fault.before, &fault.venue_view, &fault.truth].into_iter().flat_map(side));
        row.extend([Cell::Fixed(fault.hidden_usd), count(fault.unmargined.len())]);
        row.push(fault.note.as_ref().map_or(Cell::Null, text));
        row
    };
    let all = document.faults.iter();
    let mut rows: Vec<Vec<Cell>> = all.clone().flat_map(|faults| &faults.effects).map(row).collect();
    for quiet in all.flat_map(|faults| &faults.without_effect) {
        let mut row = vec![Cell::Null, Cell::Null, text(&quiet.fault), Cell::Null, text("no_effect")];
        row.extend([const { Cell::Null }; 17]);
        row.push(text(&quiet.reason));
        rows.push(row);
    }
    (columns, rows)
}

/// Everything that is in no figure, and bad rows.
pub(crate) fn unmargined<'a>(basis: &Basis, accounts: impl Iterator<Item = &'a AccountFigures>) -> Body {
    let mut columns = account_columns(&[("kind", ColumnKind::Text), ("name", ColumnKind::Text)]);
    columns.extend(self::columns(&[
        ("file", ColumnKind::Text),
        ("row", ColumnKind::Integer),
        ("reason", ColumnKind::Text),
    ]));
    let mut rows = Vec::new();
    for account in accounts {
        for missing in &account.missing {
            let mut row = vec![text(&account.account), text(&account.venue), text(missing.kind.key())];
            row.extend([text(&missing.name), Cell::Null, Cell::Null, text(&missing.reason)]);
            rows.push(row);
        }
    }
    for issue in basis.issues.kept() {
        let row = i64::try_from(issue.row).map_or(Cell::Null, Cell::Integer);
        let reason = format!("{} = '{}': {}", issue.field, issue.value, issue.rule);
        let whose = basis.refused.get(&(issue.file.clone(), issue.row));
        rows.push(vec![
            whose.map_or(Cell::Null, |(account, _)| text(account)),
            whose.map_or(Cell::Null, |(_, venue)| text(venue)),
            text("bad row"),
            Cell::Null,
            text(&issue.file),
            row,
            text(reason),
        ]);
    }
    (columns, rows)
}
