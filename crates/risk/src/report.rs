//! The whole report as data: everything that any rendering shows is in here, so that table, JSON, CSV, Parquet and HTML
//! cannot disagree.

use crate::exposure::{Group, GroupBy, GroupKey, Row, Unpriced, Valuation, group};
use crate::hedge_line::{HedgeLine, hedge_lines};
use crate::ladder::{Curve, Ladder};
use crate::reconcile::Reconciliation;
use crate::scenario::{CurveAxes, LadderAxes, Scenario};
use crate::shocked::{ShockError, lines};
use crate::smile::{SmileRow, smile_greeks};
use crate::stress::{StressRow, stress};
use book::Book;
use instrument::expiry_text;
use market::surface::SkewStickiness;
use market::{Market, Snapshot};
use std::collections::BTreeSet;
use units::Asset;

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Positions and balances.
    pub book: &'a Book,
    /// Checked quotes.
    pub snapshot: &'a Snapshot,
    /// The market built from them.
    pub market: &'a Market,
    /// Columns to group the exposure by.
    pub group_by: &'a [GroupBy],
    /// Ladder axes.
    pub ladder: &'a LadderAxes,
    /// Curve axes.
    pub curve: &'a CurveAxes,
    /// Stress scenarios.
    pub scenarios: &'a [Scenario],
}

/// Everything a report says.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The market it rests on.
    pub market: Market,
    /// Quotes in the snapshot: options, futures.
    pub quotes: (usize, usize),
    /// Rows of exposure, one per position and balance.
    pub rows: Vec<Row>,
    /// Positions and balances that are in no total.
    pub unpriced: Vec<Unpriced>,
    /// Futures whose gain is unknown for lack of an entry price.
    pub futures_without_entry: usize,
    /// Grouping columns.
    pub group_by: Vec<GroupBy>,
    /// Exposure by group.
    pub groups: Vec<Group>,
    /// Exposure by underlying and expiry, for the matrix.
    pub matrix: Vec<Group>,
    /// The one total.
    pub total: Group,
    /// Delta and gamma of underlyings with options, by how the smile moves.
    pub smile: Vec<SmileRow>,
    /// One ladder per underlying that has contracts or coins.
    pub ladders: Vec<Ladder>,
    /// One curve per underlying.
    pub curves: Vec<Curve>,
    /// One row per scenario.
    pub stress: Vec<StressRow>,
    /// Own figures against the venue's.
    pub reconciliation: Reconciliation,
    /// Plain hedges.
    pub hedges: Vec<HedgeLine>,
    /// Underlyings with delta for which neither book nor market names a perpetual.
    pub without_hedge: Vec<Asset>,
}

impl Report {
    /// Values, groups, shocks and reconciles: the main job.
    ///
    /// # Errors
    /// When a shock cannot be applied or a figure cannot be published. Unpriced positions are not errors: they are listed.
    pub fn new(inputs: Inputs<'_>) -> Result<Self, ShockError> {
        let Inputs { book, snapshot, market, .. } = inputs;
        let valuation = Valuation::new(book, market);
        let all = lines(book, &valuation.board, market, &[])?;
        let mut ladders = Vec::new();
        let mut curves = Vec::new();
        for underlying in shocked_underlyings(&valuation, market) {
            ladders.push(Ladder::new(&all, underlying, inputs.ladder)?);
            curves.push(Curve::new(&all, underlying, inputs.curve)?);
        }
        let stress = stress(book, &valuation, market, inputs.scenarios)?;
        let held = book.positions.iter().map(|p| (p.venue.clone(), p.listing.symbol.clone())).collect();
        let (hedges, without_hedge) = hedge_lines(&valuation.rows, book, snapshot, market)?;
        let total = group(&valuation.rows, &[]).into_iter().next();
        Ok(Self {
            market: market.clone(),
            quotes: (snapshot.options.len(), snapshot.futures.len()),
            group_by: inputs.group_by.to_vec(),
            groups: group(&valuation.rows, inputs.group_by),
            matrix: group(&valuation.rows, &[GroupBy::Underlying, GroupBy::Expiry]),
            total: total.unwrap_or_else(Group::nothing),
            smile: smile_greeks(book, &valuation, &SHOWN_DYNAMICS)?,
            ladders,
            curves,
            stress,
            reconciliation: Reconciliation::new(snapshot, market, &held),
            hedges,
            without_hedge,
            rows: valuation.rows,
            unpriced: valuation.unpriced,
            futures_without_entry: valuation.futures_without_entry,
        })
    }

    /// True when something is missing from every total.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.unpriced.is_empty()
    }
}

/// Columns of the smile table; the market's own dynamics come after these.
const SHOWN_DYNAMICS: [SkewStickiness; 2] = [SkewStickiness::STICKY_STRIKE, SkewStickiness::STICKY_MONEYNESS];

/// Coins with a price that the book touches: those whose spot can be shocked.
fn shocked_underlyings<'a>(valuation: &'a Valuation, market: &Market) -> BTreeSet<&'a Asset> {
    valuation
        .rows
        .iter()
        .map(|row| &row.underlying)
        .filter(|u| !u.is_currency() && market.spot(u).is_ok())
        .collect()
}

impl GroupKey {
    /// Text for tables and files; a group without expiry says so.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Expiry(Some(expiry)) => expiry_text(*expiry),
            Self::Expiry(None) => "none".into(),
        }
    }
}
