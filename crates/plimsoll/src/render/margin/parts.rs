//! What the tables of all commands on margin have in common.

use crate::margin_commands::{
    AccountFigures, Basis, MarginFigures, MissingKind, Published, RulebookLine, Status, missing as count,
};
use crate::render::grid::{
    Style, figure, grid_after, heading, inputs, left, line, prices, right, show_fitted,
};
use crate::render::number;
use comfy_table::{Cell, Color};
use units::Fixed;

/// What is missing, what this is, and from what it was made.
pub(crate) fn head<'a>(
    out: &mut String,
    title: &str,
    basis: &Basis,
    accounts: impl Iterator<Item = &'a AccountFigures>,
) {
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

/// Names the accounts where no currency helps another: there a column is no difference of two others. `what` says what it is.
pub(crate) fn separate_wallets<'a>(
    out: &mut String,
    accounts: impl Iterator<Item = &'a AccountFigures>,
    what: &str,
) {
    const NAMED: usize = 3;
    let several =
        |account: &&AccountFigures| account.margin.as_ref().is_some_and(|margin| margin.wallets.len() > 1);
    let names: Vec<String> =
        accounts.filter(several).map(|account| format!("{}@{}", account.account, account.venue)).collect();
    if names.is_empty() {
        return;
    }
    let first = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let others =
        if names.len() > NAMED { format!(" and {} more", names.len() - NAMED) } else { String::new() };
    line(out, &format!("  separate wallets ({first}{others}): {what}"));
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
        Status::Ok if account.is_partial() => cell.fg(Color::DarkYellow),
        Status::Ok | Status::NoDerivatives => cell,
        Status::BelowInitial | Status::NoRulebook | Status::NoFigures | Status::NoSoundRows => {
            cell.fg(Color::DarkYellow)
        }
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
    let sides = rulebooks.iter().any(|line| line.side.is_some_and(|side| side != "both"));
    let mut header = vec!["rulebook"];
    header.extend(sides.then_some("side"));
    header.extend(["title", "valid from", "parameter hash", "unverified"]);
    let header: Vec<String> = header.into_iter().map(str::to_owned).collect();
    let mut table = grid_after(header.len() - 1, style, &header);
    for RulebookLine { header, parameter_hash, side, .. } in rulebooks {
        let mut row = vec![left(&header.id)];
        row.extend(sides.then(|| left(side.unwrap_or_default())));
        row.extend([left(&header.title), left(&header.valid_from), left(parameter_hash)]);
        row.push(right(header.unverified.len()));
        table.add_row(row);
    }
    show_fitted(out, table, style, &[]);
}

/// Balances that are worth something and count for nothing: a reader would take them for collateral.
pub(crate) fn counts_for_nothing<'a>(
    out: &mut String,
    accounts: impl Iterator<Item = &'a AccountFigures>,
    style: Style,
) {
    for account in accounts {
        if let Some(margin) = &account.margin {
            for balance in margin.counts_for_nothing() {
                line(
                    out,
                    &format!(
                        "  {} @ {}: {} worth {} USD counts for nothing by {}",
                        account.account,
                        account.venue,
                        balance.asset,
                        style.usd(balance.value_usd),
                        margin.rulebook
                    ),
                );
            }
        }
    }
}

/// What is in no figure, with its reason.
pub(crate) fn missing<'a>(
    out: &mut String,
    basis: &Basis,
    accounts: impl Iterator<Item = &'a AccountFigures> + Clone,
) {
    if count(accounts.clone()) == 0 && basis.issues.is_empty() {
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
