//! One self-contained HTML file: the report for reading, sending and printing.
//!
//! Sections, in the order in which they are asked for: what is missing (if anything), provenance, where the book stands,
//! underlying x expiry, exposure by chosen groups, curve and ladder per underlying, stress, reconciliation, doubtful data,
//! forward curves, definitions. The page has no script and refers to nothing outside itself, and its content policy
//! forbids both. It has no clock: the same document gives the same bytes.
//!
//! Signs and colours: blue positive, orange negative, always with the sign itself; green and amber only for status.
//! Figures are short in the cell and whole in its `title`. Text from files is escaped by construction ([`markup`]).

mod answer;
mod data;
mod extras;
mod feeds;
mod frame;
mod groups;
mod ladder;
mod liquidation;
mod margin;
mod markup;
mod matrix;
mod payoff;
mod plot;
mod reconcile;
mod sheet;
mod smile;
mod stress;
mod surface;
mod whatif;

#[cfg(test)]
mod tests;

use crate::document::Document;
pub(crate) use feeds::feeds;
pub(crate) use liquidation::liquidation;
pub(crate) use margin::margin;
use markup::Markup;
pub(crate) use plot::{Mark, Plot, PlotPoint};
pub(crate) use sheet::{sheet, sheet_with};
pub(crate) use surface::surface;
use units::Timestamp;
pub(crate) use whatif::whatif;

/// Renders the report as one HTML file without outside references.
#[must_use]
pub(crate) fn html(document: &Document) -> String {
    let title = if document.is_partial() { "PARTIAL: Plimsoll " } else { "Plimsoll " };
    whole(title, document.report.market.asof, |page| {
        frame::banner(page, document);
        frame::header(page, document);
        page.raw("<main>\n");
        answer::answer(page, document);
        matrix::matrix(page, document);
        groups::groups(page, document);
        groups::smile(page, document);
        ladder::ladders(page, document);
        stress::stress(page, document);
        reconcile::reconcile(page, document);
        data::left_out(page, document);
        data::forwards(page, document);
        page.raw("</main>\n");
        frame::footer(page);
    })
}

/// A page with its content policy and style, titled with the time at which it holds.
fn whole(title: &'static str, asof: impl Into<Option<Timestamp>>, body: impl FnOnce(&mut Markup)) -> String {
    let mut page = Markup::default();
    page.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>");
    page.raw(title);
    if let Some(asof) = asof.into() {
        page.text(asof);
    }
    page.raw("</title><style>").raw(include_str!("html/style.css")).raw("</style></head>\n<body>\n");
    body(&mut page);
    page.raw("</body></html>\n");
    page.finish()
}
