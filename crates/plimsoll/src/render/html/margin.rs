//! `plimsoll margin` as one page: where every account stands, then what each requirement is made of.

use super::markup::{Markup, Paint};
use super::{data, extras, frame, stress, whole};
use crate::margin_commands::{
    AccountFigures, Basis, MarginDocument, MarginFigures, MissingKind, Published, RulebookLine, Status,
    UnitFigures, missing as count,
};
use crate::render::number::{NONE, compact, plain_percent, price};
use units::Fixed;

/// Renders the result as one HTML file without outside references.
#[must_use]
pub(crate) fn margin(document: &MarginDocument) -> String {
    let title = if document.is_partial() { "PARTIAL: Plimsoll margin " } else { "Plimsoll margin " };
    whole(title, document.basis.market.asof, |page| {
        banner(page, &document.basis, document.accounts.iter());
        header(page, "margin", &document.basis);
        navigation(page, document);
        page.raw("<main>\n");
        page.section("summary", "Where every account stands", |page| summary(page, document));
        for (place, account) in document.accounts_shown().into_iter().enumerate() {
            in_full(page, account, place + 1);
        }
        if let Some(fragmentation) = &document.fragmentation {
            page.section("fragmentation", "Fragmentation", |page| extras::fragmentation(page, fragmentation));
        }
        if let Some(cheapest) = &document.cheapest {
            page.section("cheapest", "Cheapest venue for a new position", |page| {
                extras::cheapest(page, cheapest);
            });
        }
        if let Some(faults) = &document.faults {
            page.section("faults", "Faults", |page| extras::faults(page, faults));
        }
        end(page, &document.basis, document.accounts.iter());
    })
}

/// The first line of a partial page: what is missing from every total.
pub(super) fn banner<'a>(
    page: &mut Markup,
    basis: &Basis,
    accounts: impl Iterator<Item = &'a AccountFigures>,
) {
    let missing = count(accounts);
    if missing == 0 && basis.issues.is_empty() {
        return;
    }
    page.raw("<div class=\"banner\" role=\"alert\"><strong>■ PARTIAL</strong>: every total on this page is without ");
    page.raw("<b>accounts, positions and balances that are not margined: ").text(missing);
    page.raw(", bad input rows: ").text(basis.issues.rows());
    page.raw("</b> (<a href=\"#data\">all of them with their reasons</a>)</div>\n");
}

/// Title, time, prices and input files; the caller adds the navigation that closes it.
pub(super) fn header(page: &mut Markup, what: &'static str, basis: &Basis) {
    frame::title(page, what, basis.market.asof);
    for (asset, underlying) in &basis.market.underlyings {
        page.raw("<span class=\"facts\">").text(asset).raw(" <b>");
        page.text(price(underlying.spot.get())).raw("</b> USD</span>");
    }
    for (asset, rate) in &basis.market.rates {
        page.raw("<span class=\"facts\">").text(asset).raw(" <b>");
        page.text(price(rate.get())).raw("</b> USD</span>");
    }
    page.raw("</div>");
    frame::inputs(page, &basis.inputs);
}

fn navigation(page: &mut Markup, document: &MarginDocument) {
    page.raw("<nav aria-label=\"Sections\"><a href=\"#summary\">all accounts</a>");
    // Of many accounts the table below is the index.
    let listed = if document.is_by_nearness() { &[] } else { document.accounts.as_slice() };
    for (place, account) in listed.iter().enumerate() {
        page.raw("<a href=\"#account-").text(place + 1).raw("\">").text(&account.account).raw(" @ ");
        page.text(&account.venue).raw("</a>");
    }
    if document.fragmentation.is_some() {
        page.raw("<a href=\"#fragmentation\">fragmentation</a>");
    }
    if document.cheapest.is_some() {
        page.raw("<a href=\"#cheapest\">cheapest venue</a>");
    }
    if document.faults.is_some() {
        page.raw("<a href=\"#faults\">faults</a>");
    }
    page.raw(
        "<a href=\"#rulebooks\">rulebooks</a><a href=\"#data\">missing or doubtful</a></nav></header>\n",
    );
}

/// Rulebooks, what is missing, definitions.
pub(super) fn end<'a>(
    page: &mut Markup,
    basis: &Basis,
    accounts: impl Iterator<Item = &'a AccountFigures> + Clone,
) {
    page.section("rulebooks", "Rulebooks", |page| rulebooks(page, &basis.rulebooks));
    page.section("data", "What is missing or doubtful", |page| left_out(page, basis, accounts));
    page.raw("</main>\n");
    footer(page);
}

fn summary(page: &mut Markup, document: &MarginDocument) {
    let caption = if document.is_by_nearness() {
        "USD, the nearest to liquidation first; hover a figure for every digit"
    } else {
        "USD; hover a figure for every digit"
    };
    page.table("margin", caption, |page| {
        page.raw("<thead><tr>").text_column("account").text_column("venue").text_column("rulebook");
        page.text_column("status").column("equity", "USD").column("counted, initial", "USD");
        page.column("initial", "USD").column("available", "USD").column("counted, maintenance", "USD");
        page.column("maintenance", "USD").column("to liquidation", "USD").column("used", "%");
        page.text_column("worst scenario").column("its P&L", "USD").raw("</tr></thead><tbody>");
        for (place, account) in document.accounts_shown().into_iter().enumerate() {
            summary_row(page, account, place + 1);
        }
        let totals = document.totals();
        page.raw("<tr class=\"total\">").row_head(document.total_word()).raw("<td colspan=\"3\"></td>");
        page.usd(totals.equity_usd, "USD", Paint::Sign);
        levels(page, [totals.counted_usd, totals.requirement_usd, totals.surplus_usd]);
        page.raw("<td colspan=\"3\"></td></tr></tbody>");
    });
    counts_for_nothing(page, document.accounts.iter());
    page.note(
        "Surpluses of different accounts do not stand in for each other: a venue sees only its own account.",
    );
}

fn summary_row(page: &mut Markup, account: &AccountFigures, number: usize) {
    page.raw("<tr><th scope=\"row\"><a href=\"#account-").text(number).raw("\">").text(&account.account);
    page.raw("</a></th>").cell(&account.venue);
    page.cell(account.margin.as_ref().map_or("", |margin| margin.rulebook.as_str()));
    status(page, account);
    match account.equity_usd {
        Some(usd) => page.usd(usd, "USD", Paint::Sign),
        None => page.not_available("a figure is out of range"),
    };
    let Some(margin) = &account.margin else {
        page.raw("<td colspan=\"9\" class=\"muted\">").raw(why_without(account.status)).raw("</td></tr>");
        return;
    };
    levels(page, [margin.counted_usd, margin.requirement_usd, margin.surplus_usd]);
    used(page, account, margin);
    match margin.worst() {
        Some((unit, scenario)) => {
            page.cell(format_args!("{}: {}", unit.name, scenario.name)).usd(
                scenario.pnl_usd,
                "USD",
                Paint::Sign,
            );
        }
        None => {
            page.raw("<td class=\"none\">none</td><td class=\"num none\">·</td>");
        }
    }
    page.raw("</tr>");
}

/// Utilisation in percent.
pub(super) fn used(page: &mut Markup, account: &AccountFigures, margin: &MarginFigures) {
    match margin.utilisation {
        Some(used) => page.digits(format_args!("{:.1}", used * 100.0)),
        None if account.is_partial() => page.not_available("something of the account is not margined"),
        None => page.not_available("no equity counts for maintenance"),
    };
}

/// Balances that are worth something and count for nothing.
pub(super) fn counts_for_nothing<'a>(page: &mut Markup, accounts: impl Iterator<Item = &'a AccountFigures>) {
    for account in accounts {
        if let Some(margin) = &account.margin {
            for balance in margin.counts_for_nothing() {
                page.raw("<p class=\"note\">")
                    .text(&account.account)
                    .raw(" @ ")
                    .text(&account.venue)
                    .raw(": ");
                page.text(&balance.asset).raw(" worth ").text(compact(balance.value_usd));
                page.raw(" USD counts for nothing by ").text(&margin.rulebook).raw("</p>");
            }
        }
    }
}

const fn why_without(status: Status) -> &'static str {
    match status {
        Status::NoRulebook => "no rulebook is known for this venue: requirements unknown",
        Status::NoDerivatives => "balances only, no requirement",
        Status::NoSoundRows => "every row of it in the book files was refused",
        _ => "a figure is out of range",
    }
}

/// Status of an account, coloured by how bad it is.
pub(super) fn status(page: &mut Markup, account: &AccountFigures) {
    page.raw("<td class=\"status ");
    page.raw(match account.status {
        Status::Ok if account.is_partial() => "warn",
        Status::Ok => "good",
        Status::NoDerivatives => "muted",
        Status::BelowInitial | Status::NoRulebook | Status::NoFigures | Status::NoSoundRows => "warn",
        Status::Liquidatable => "bad",
    });
    page.raw("\">").text(account.status_words()).raw("</td>");
}

/// Counted, asked and left at each level.
pub(super) fn levels(page: &mut Markup, [counted, asked, left]: [Published; 3]) {
    for (counted, asked, left) in [
        (counted.initial, asked.initial, left.initial),
        (counted.maintenance, asked.maintenance, left.maintenance),
    ] {
        page.usd(counted, "USD", Paint::Sign);
        page.asked(asked);
        page.usd(left, "USD", Paint::Sign);
    }
}

fn in_full(page: &mut Markup, account: &AccountFigures, number: usize) {
    page.raw("<section id=\"account-").text(number).raw("\"><h2>").text(&account.account).raw(" @ ");
    page.text(&account.venue).raw(" <span class=\"muted\">").text(account.status_words()).raw("</span></h2>");
    match &account.margin {
        None => {
            page.note(why_without(account.status));
        }
        Some(margin) => {
            page.raw("<p class=\"note\">").text(&margin.rulebook).raw(", parameters <code>");
            page.text(&margin.parameter_hash).raw("</code></p>");
            units(page, &margin.units);
            bars(page, &margin.units);
            scenarios(page, &margin.units);
            charges(page, &margin.units);
            legs(page, &margin.units);
            collateral(page, margin);
            for note in &margin.notes {
                page.note(note);
            }
        }
    }
    for missing in &account.missing {
        page.raw("<p class=\"reason\"><span class=\"status warn\">■ not margined:</span> ");
        page.text(&missing.name).raw(": ").text(&missing.reason).raw("</p>");
    }
    page.raw("</section>\n");
}

fn units(page: &mut Markup, units: &[UnitFigures]) {
    if units.is_empty() {
        page.note("No legs are margined.");
        return;
    }
    page.table("units narrow", "Units: legs that are margined together", |page| {
        page.raw("<thead><tr>").text_column("unit").column("initial", "USD").column("maintenance", "USD");
        page.text_column("worst scenario").column("its P&L", "USD").raw("</tr></thead><tbody>");
        for unit in units {
            page.raw("<tr>").row_head(&unit.name);
            page.asked(unit.requirement_usd.initial).asked(unit.requirement_usd.maintenance);
            match unit.worst_scenario() {
                Some(worst) => page.cell(&worst.name).usd(worst.pnl_usd, "USD", Paint::Sign),
                None => page.raw("<td class=\"none\">none</td><td class=\"num none\">·</td>"),
            };
            page.raw("</tr>");
        }
        page.raw("</tbody>");
    });
}

/// The scenarios that lose or gain most, as bars: what a requirement hangs on is seen at once.
const SHOWN: usize = 8;

fn bars(page: &mut Markup, units: &[UnitFigures]) {
    for unit in units.iter().filter(|unit| unit.scenarios.iter().any(|s| !s.pnl_usd.is_zero())) {
        let mut order: Vec<usize> = (0..unit.scenarios.len()).collect();
        order.sort_by_key(|place| unit.scenarios.get(*place).map(|s| s.pnl_usd));
        let all = || unit.scenarios.iter().map(|scenario| scenario.pnl_usd);
        let low = all().min().unwrap_or_default().min(Fixed::ZERO).to_f64();
        let high = all().max().unwrap_or_default().max(Fixed::ZERO).to_f64();
        let caption = format!(
            "{}: the {} scenarios of {} that lose most",
            unit.name,
            SHOWN.min(order.len()),
            order.len()
        );
        page.table("worst narrow", &caption, |page| {
            page.raw("<thead><tr>").text_column("scenario").column("P&L", "USD");
            page.raw(
                "<th scope=\"col\"><span class=\"muted\">loss ◂ 0 ▸ gain</span></th></tr></thead><tbody>",
            );
            for place in order.into_iter().take(SHOWN) {
                let Some(scenario) = unit.scenarios.get(place) else { continue };
                page.raw("<tr>").raw("<th scope=\"row\">").text(&scenario.name);
                if unit.worst == Some(place) {
                    page.raw(" <span class=\"muted\">◂ decides</span>");
                }
                page.raw("</th>").usd(scenario.pnl_usd, "USD", Paint::Sign);
                stress::bar(page, scenario.pnl_usd.to_f64(), (low, high));
                page.raw("</tr>");
            }
            page.raw("</tbody>");
        });
    }
}

/// The whole P&L vectors, folded away: a grid may have a hundred scenarios.
fn scenarios(page: &mut Markup, units: &[UnitFigures]) {
    for unit in units.iter().filter(|unit| unit.scenarios.len() > SHOWN) {
        page.raw("<details><summary>").text(&unit.name).raw(": all ").text(unit.scenarios.len());
        page.raw(" scenarios in the order of the rulebook</summary>");
        let largest = unit.scenarios.iter().map(|s| s.pnl_usd.abs()).max().unwrap_or_default();
        page.table("vector narrow", "P&L, USD", |page| {
            page.raw("<thead><tr>").text_column("scenario").column("P&L", "USD").raw("</tr></thead><tbody>");
            for scenario in &unit.scenarios {
                page.raw("<tr>").row_head(&scenario.name);
                page.usd(scenario.pnl_usd, "USD", Paint::Tint { largest }).raw("</tr>");
            }
            page.raw("</tbody>");
        });
        page.raw("</details>");
    }
}

fn charges(page: &mut Markup, units: &[UnitFigures]) {
    if units.iter().all(|unit| unit.charges.is_empty()) {
        return;
    }
    page.table("charges narrow", "Contingencies and other parts of the requirement", |page| {
        page.raw("<thead><tr>").text_column("charge").text_column("unit").column("initial", "USD");
        page.column("maintenance", "USD").raw("</tr></thead><tbody>");
        for unit in units {
            for charge in &unit.charges {
                page.raw("<tr>").row_head(&charge.name).cell(&unit.name);
                page.asked(charge.usd.initial).asked(charge.usd.maintenance).raw("</tr>");
            }
        }
        page.raw("</tbody>");
    });
}

fn legs(page: &mut Markup, units: &[UnitFigures]) {
    if units.iter().all(|unit| unit.legs.is_empty()) {
        return;
    }
    page.table("legs narrow", "Legs with a requirement of their own", |page| {
        page.raw("<thead><tr>").text_column("leg").text_column("unit").column("initial", "USD");
        page.column("maintenance", "USD").raw("</tr></thead><tbody>");
        for unit in units {
            for leg in &unit.legs {
                page.raw("<tr>").row_head(&leg.instrument).cell(&unit.name);
                page.asked(leg.requirement_usd.initial).asked(leg.requirement_usd.maintenance).raw("</tr>");
            }
        }
        page.raw("</tbody>");
    });
}

fn collateral(page: &mut Markup, margin: &MarginFigures) {
    if margin.collateral.is_empty() {
        return;
    }
    page.table("collateral narrow", "Balances and how they count", |page| {
        page.raw("<thead><tr>").text_column("asset").column("amount", "of the asset").column("value", "USD");
        page.column("counted, initial", "USD").column("counted, maintenance", "USD");
        page.column("haircut, initial", "%").column("haircut, maintenance", "%").raw("</tr></thead><tbody>");
        for balance in &margin.collateral {
            page.raw("<tr>").row_head(&balance.asset);
            page.coin(balance.amount, balance.asset.as_str(), Paint::Sign);
            page.usd(balance.value_usd, "USD", Paint::Sign);
            page.usd(balance.counted_usd.initial, "USD", Paint::Sign);
            page.usd(balance.counted_usd.maintenance, "USD", Paint::Sign);
            match balance.haircut {
                Some(haircut) => {
                    page.digits(plain_percent(haircut.initial)).digits(plain_percent(haircut.maintenance))
                }
                None => page.digits(NONE).digits(NONE),
            };
            page.raw("</tr>");
        }
        page.raw("</tbody>");
    });
    if margin.counts_above_value() {
        page.note("A haircut below zero: the venue counts the balance at par, the market pays less.");
    }
}

fn rulebooks(page: &mut Markup, rulebooks: &[RulebookLine]) {
    for line in rulebooks {
        let header = &line.header;
        page.raw("<h3>").text(&header.id).raw(": ").text(&header.title);
        if let Some(side) = line.side.filter(|side| *side != "both") {
            page.raw(" (").raw(side).raw(")");
        }
        page.raw("</h3><p class=\"note\">engine ");
        page.raw(line.engine).raw(", valid from ").text(&header.valid_from).raw(", parameters <code>");
        page.text(&line.parameter_hash).raw("</code></p><ul class=\"note\">");
        for source in &header.sources {
            page.raw("<li>source: ").text(source).raw("</li>");
        }
        for open in &header.unverified {
            page.raw("<li><b>unverified:</b> ").text(open).raw("</li>");
        }
        page.raw("</ul>");
    }
    if rulebooks.is_empty() {
        page.note("No rulebook was used.");
    }
}

fn left_out<'a>(
    page: &mut Markup,
    basis: &Basis,
    accounts: impl Iterator<Item = &'a AccountFigures> + Clone,
) {
    if count(accounts.clone()) == 0 {
        page.note("Every account, position and balance is margined.");
    } else {
        page.table("unpriced", "Not margined, in no requirement", |page| {
            page.raw("<thead><tr>").text_column("account").text_column("venue").text_column("what");
            page.text_column("reason and remedy").raw("</tr></thead><tbody>");
            for account in accounts {
                for missing in &account.missing {
                    let whole = missing.kind == MissingKind::Account;
                    page.raw("<tr>").row_head(&account.account).cell(&account.venue);
                    page.cell(if whole { "the account" } else { &missing.name });
                    page.raw("<td class=\"reason\">").text(&missing.reason).raw("</td></tr>");
                }
            }
            page.raw("</tbody>");
        });
    }
    data::bad_rows(page, &basis.issues);
    data::remarks(page, &basis.notes);
}

const DEFINITIONS: [&str; 5] = [
    "Equity: balances, gains and option values at full price, by the venue's own definition. Counted: the part of it that the venue sets against a requirement, after haircuts, caps and exclusions.",
    "Initial: needed to open or to withdraw. Maintenance: below it the venue liquidates. Available: counted less initial. To liquidation: counted less maintenance. Used: maintenance requirement as a percentage of what counts for it. Where each currency is a wallet that no other helps, available is the sum of what the wallets have to spare, to liquidation the least of any wallet with a requirement, and used that of the wallet nearest to liquidation; below zero both are what the short wallets lack.",
    "Requirements are rounded up and what counts against them down, each once, to 10⁻¹² USD; every other figure on this page is an exact sum of those.",
    "Signs: positive (blue) is a gain or a surplus, negative (orange, with a minus) a loss or a shortfall; requirements have no colour. · is exactly none, 0 is rounded to none, n/a has its reason on hover.",
    "Numbers: three significant digits, k thousand, m million, bn 10⁹; hover for all digits. All times are UTC.",
];

fn footer(page: &mut Markup) {
    page.raw("<footer id=\"definitions\"><h2>Definitions and conventions</h2>");
    for definition in DEFINITIONS {
        page.note(definition);
    }
    page.raw("<p class=\"note\">Printed by plimsoll ").raw(env!("CARGO_PKG_VERSION"));
    page.raw(" from the files named above; the same files give the same page, byte for byte.</p></footer>\n");
}
