//! What the tables of all commands on margin have in common.

use crate::margin_commands::{
    AccountFigures, Basis, MarginFigures, MissingKind, Published, RulebookLine, Status, missing as count,
};
use crate::render::grid::{Style, figure, grid_after, heading, inputs, left, line, prices, right, show};
use crate::render::number;
use comfy_table::{Cell, Color};
use units::Fixed;

/// What is missing, what this is, and from what it was made.
pub(crate) fn head(out: &mut String, title: &str, basis: &Basis, accounts: &[AccountFigures]) {
    let (missing, bad) = (count(accounts), basis.issues.rows());
    if missing > 0 || bad > 0 {
        line(
            out,
            &format!(
                "PARTIAL: accounts, positions and balances not margined: {missing}, bad input rows left out: {bad}; every total \
                 below lacks them"
            ),
        );
    }
    line(out, &format!("{title}  ·  as of {}", basis.market.asof));
    inputs(out, &basis.inputs);
    prices(out, &basis.market);
}

/// Counted, asked and left at each level.
pub(crate) fn levels([counted, asked, rest]: [Published; 3], style: Style) -> [Cell; 6] {
    [
        figure(counted.initial, style),
        plain(asked.initial, style),
        figure(rest.initial, style),
        figure(counted.maintenance, style),
        plain(asked.maintenance, style),
        figure(rest.maintenance, style),
    ]
}

/// A requirement is neither gain nor loss.
pub(crate) fn plain(usd: Fixed, style: Style) -> Cell {
    right(style.usd(usd))
}

/// Utilisation in percent.
pub(crate) fn used(margin: &MarginFigures) -> String {
    margin.utilisation.map_or_else(|| number::NOT_AVAILABLE.into(), |used| format!("{:.1}", used * 100.0))
}

/// Status of an account, coloured by how bad it is.
pub(crate) fn status(account: &AccountFigures) -> Cell {
    let cell = left(account.status_words());
    match account.status {
        Status::Ok | Status::NoDerivatives => cell,
        Status::BelowInitial | Status::NoRulebook | Status::NoFigures => cell.fg(Color::DarkYellow),
        Status::Liquidatable => cell.fg(Color::Red),
    }
}

/// Rulebooks by the header of their files.
pub(crate) fn rulebooks(out: &mut String, rulebooks: &[RulebookLine], style: Style) {
    if rulebooks.is_empty() {
        return;
    }
    heading(
        out,
        "Rulebooks used",
        "plimsoll rulebook show ID prints one with its sources and open questions",
    );
    let header = ["rulebook", "title", "valid from", "parameter hash", "unverified"];
    let mut table = grid_after(4, style, &header.map(str::to_owned));
    for RulebookLine { header, parameter_hash, .. } in rulebooks {
        table.add_row(vec![
            left(&header.id),
            left(&header.title),
            left(&header.valid_from),
            left(parameter_hash),
            right(header.unverified.len()),
        ]);
    }
    show(out, &table);
}

/// What is in no figure, with its reason.
pub(crate) fn missing(out: &mut String, basis: &Basis, accounts: &[AccountFigures]) {
    if count(accounts) == 0 && basis.issues.is_empty() {
        return;
    }
    heading(out, "Not margined", "in no requirement above");
    for account in accounts {
        for missing in &account.missing {
            let what = match missing.kind {
                MissingKind::Account => "the account".to_owned(),
                MissingKind::Holding => missing.name.clone(),
            };
            line(out, &format!("  {} @ {}, {what}: {}", account.account, account.venue, missing.reason));
        }
    }
    for issue in basis.issues.to_string().lines() {
        line(out, &format!("  {issue}"));
    }
}

/// What a reader should know.
pub(crate) fn notes(out: &mut String, basis: &Basis) {
    if basis.notes.is_empty() {
        return;
    }
    heading(out, "Notes", "");
    for note in &basis.notes {
        line(out, &format!("  {note}"));
    }
}
