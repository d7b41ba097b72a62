//! What surrounds the figures: the banner of a partial report, provenance above, definitions below.

use super::markup::Markup;
use crate::document::{Document, InputFile};
use risk::{Measure, Report, RowKind};
use units::Timestamp;

/// Reasons that the banner spells out; all of them stand further down.
const NAMED: usize = 3;
/// Digits of a file's hash that tell files apart by eye.
const HASH_DIGITS: usize = 12;

/// The first line of a partial report: what is missing from every total.
pub(super) fn banner(page: &mut Markup, document: &Document) {
    if !document.is_partial() {
        return;
    }
    let (unpriced, bad) = (document.report.unpriced.len(), document.issues.rows());
    page.raw("<div class=\"banner\" role=\"alert\"><strong>■ PARTIAL</strong>: every total on this page is without ");
    page.raw("<b>unpriced positions and balances: ").text(unpriced).raw(", bad input rows: ").text(bad);
    page.raw("</b> (<a href=\"#data\">all of them with their reasons</a>)<ul>");
    for row in document.report.unpriced.iter().take(NAMED) {
        page.raw("<li>")
            .text(format_args!("{} of {} @ {}: {}", row.symbol, row.account, row.venue, row.reason))
            .raw("</li>");
    }
    for issue in document.issues.kept().iter().take(NAMED) {
        page.raw("<li>").text(issue).raw("</li>");
    }
    page.raw("</ul></div>\n");
}

/// Title, valuation time, coverage and input files.
pub(super) fn header(page: &mut Markup, document: &Document) {
    let report = &document.report;
    title(page, "load line", report.market.asof);
    page.raw("<span class=\"facts\"><b>").text(priced(report)).raw("</b> of <b>");
    page.text(priced(report) + report.unpriced.len())
        .raw("</b> positions and balances priced</span><span class=\"facts\">");
    page.text(format_args!(
        "quotes: {} options, {} futures and perpetuals",
        report.quotes.0, report.quotes.1
    ))
    .raw("</span></div>");
    inputs(page, &document.inputs);
    page.raw(
        "<nav aria-label=\"Sections\"><a href=\"#answer\">where it stands</a><a href=\"#matrix\">matrix</a>",
    );
    page.raw("<a href=\"#exposure\">exposure</a>");
    if !report.smile.is_empty() {
        page.raw("<a href=\"#smile\">delta by smile</a>");
    }
    for (place, ladder) in report.ladders.iter().enumerate() {
        page.raw("<a href=\"#underlying-")
            .text(place + 1)
            .raw("\">")
            .text(&ladder.underlying)
            .raw(" under shock</a>");
    }
    page.raw("<a href=\"#stress\">stress</a><a href=\"#reconciliation\">reconciliation</a><a href=\"#data\">missing or doubtful</a>");
    page.raw("<a href=\"#forwards\">forwards</a><a href=\"#definitions\">definitions</a></nav></header>\n");
}

/// Opens the header: name of the program, what the page is, and when it holds.
pub(super) fn title(page: &mut Markup, what: &'static str, asof: impl Into<Option<Timestamp>>) {
    page.raw("<header><div class=\"top\"><h1>");
    // The load line itself: a disc crossed by the line that must stay above water.
    page.raw("<svg class=\"mark\" aria-hidden=\"true\" viewBox=\"0 0 22 22\"><circle cx=\"11\" cy=\"11\" r=\"7\" fill=\"none\" ");
    page.raw("stroke=\"currentColor\" stroke-width=\"2\"/><line x1=\"0\" x2=\"22\" y1=\"11\" y2=\"11\" stroke=\"currentColor\" ");
    page.raw("stroke-width=\"2\"/></svg>Plimsoll <small>").raw(what).raw("</small></h1>");
    if let Some(asof) = asof.into() {
        page.raw("<span class=\"facts\">as of <b>").text(asof).raw("</b> UTC</span>");
    }
}

/// Files with their hashes.
pub(super) fn inputs(page: &mut Markup, inputs: &[InputFile]) {
    page.raw("<ul class=\"inputs\">");
    for input in inputs {
        let hash: String = input.blake3.chars().take(HASH_DIGITS).collect();
        page.raw("<li>").text(input.role).raw(" <b>").text(&input.path).raw("</b>, ");
        if input.rows > 0 {
            page.text(input.rows).raw(" rows, ");
        }
        if let Some(asof) = input.asof {
            page.raw("as of ").text(asof).raw(", ");
        }
        page.raw("blake3 <code title=\"");
        page.text(&input.blake3).raw("\">").text(hash).raw("</code></li>");
    }
    page.raw("</ul>");
}

/// Positions and balances with a value; the gain of a future is a row of its own but not a position.
fn priced(report: &Report) -> usize {
    report.rows.iter().filter(|row| row.kind != RowKind::Gain).count()
}

/// Definitions of every measure, conventions, and what printed the page.
pub(super) fn footer(page: &mut Markup) {
    page.raw("<footer id=\"definitions\"><h2>Definitions and conventions</h2>");
    page.table(
        "defs",
        "Measures; S index, F forward, K strike, V undiscounted Black-76 value, c USD per unit of V",
        |page| {
            page.raw("<thead><tr>")
                .text_column("measure")
                .text_column("unit")
                .text_column("column in files")
                .text_column("definition");
            page.raw("</tr></thead><tbody>");
            for measure in Measure::ALL {
                let (name, unit) = measure.header();
                page.raw("<tr>")
                    .row_head(name)
                    .cell(unit)
                    .raw("<td><code>")
                    .raw(measure.usd_key())
                    .raw("</code></td>");
                page.cell(definition(measure)).raw("</tr>");
            }
            page.raw("</tbody>");
        },
    );
    for convention in CONVENTIONS {
        page.note(convention);
    }
    page.raw("<p class=\"note\">Model: Black-76, undiscounted, own kernel. Printed by plimsoll ")
        .raw(env!("CARGO_PKG_VERSION"));
    page.raw(" from the files named above; the same files give the same page, byte for byte.</p></footer>\n");
}

const CONVENTIONS: [&str; 5] = [
    "Signs: positive (blue) is long or a gain, negative (orange, with a minus) is short or a loss. · is exactly none, 0 is rounded to none, n/a has its reason on hover.",
    "Numbers: three significant digits, k thousand, m million, bn 10⁹; hover for all digits. All times are UTC; options settle at 08:00 UTC.",
    "Time: actual/365 to the nanosecond, round the clock. θ is per calendar day.",
    "Shocks: full revaluation; spot moves carry every forward along, the smile slides with it as the ladder says (sticky strike: every strike keeps its vol), vol shifts are in points on top, no vol below one point.",
    "Coin figures are the USD figure over the index of the underlying; those of several underlyings do not add up.",
];

const fn definition(measure: Measure) -> &'static str {
    match measure {
        Measure::Value => "c·V; a future counts its gain since entry, a coin its USD value",
        Measure::Delta => {
            "c·Δ·F: first-order change of the USD value for +100 % of spot at fixed F/S (for 1 %: a hundredth); own coins count"
        }
        Measure::DeltaSettlement => {
            "Δ cash less the value of coin-settled contracts: by how much the number of coins moves; own coins count zero"
        }
        Measure::Gamma => "c·Γ·F²/100: change of Δ cash, as a number of coins, for +1 % of spot",
        Measure::Vega => "change of value for +1 vol point",
        Measure::Vega30d => "vega × √(30 d / max(T, 1 d)): vol points of different tenors made comparable",
        Measure::Theta => "change of value over one calendar day (a 365th of a year) at fixed F and S",
        Measure::Rho => "change of value for +1 bp of rate, spot held, forward and discount moving together",
        Measure::Vanna => {
            "change of vega for +1 % of spot; equally, a hundredth of the change of Δ cash for +1 vol point"
        }
        Measure::Volga => "change of vega for +1 vol point",
        Measure::Charm => "change of Δ cash over one calendar day",
    }
}
