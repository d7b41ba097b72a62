//! What the renderings of these commands are made from: facts and flat tables with their provenance. One form for all of them, so that
//! table, JSON, CSV, Parquet and HTML cannot disagree.

use crate::document::InputFile;
use crate::output::{Shown, TableNames};
use crate::render::flat::Body;
use crate::render::grid::Style;
use crate::render::sheet;
use lake::{Cell, Table};
use market::Market;
use units::{Issues, Timestamp};

/// A result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sheet<N> {
    /// Word of the JSON schema.
    pub(crate) schema: &'static str,
    /// What this is, in a few words.
    pub(crate) title: &'static str,
    pub(crate) market: Market,
    pub(crate) inputs: Vec<InputFile>,
    /// How many positions and balances are in no figure.
    pub(crate) missing: usize,
    /// What else it lacks: a few words and a count each.
    pub(crate) lacking: Vec<(&'static str, usize)>,
    /// Bad rows, left out because the user allowed a partial result.
    pub(crate) issues: Issues,
    /// What a reader should know.
    pub(crate) notes: Vec<String>,
    /// Parameters and single figures: name with its unit last, value.
    pub(crate) facts: Vec<(&'static str, Cell)>,
    /// One for every name, in the order in which they are read.
    pub(crate) sections: Vec<Section<N>>,
}

/// A table with its heading.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Section<N> {
    pub(crate) name: N,
    pub(crate) heading: String,
    pub(crate) aside: String,
    pub(crate) body: Body,
}

impl<N: TableNames> Section<N> {
    pub(crate) fn new(name: N, (heading, aside): (&str, &str), body: Body) -> Self {
        Self { name, heading: heading.into(), aside: aside.into(), body }
    }
}

impl<N> Sheet<N> {
    /// True when something that was given is in no figure.
    pub(crate) fn is_partial(&self) -> bool {
        self.missing > 0 || !self.lacking.is_empty() || !self.issues.is_empty()
    }

    /// When the market is of; none where there is no market.
    pub(crate) fn asof(&self) -> Option<Timestamp> {
        let asof = self.market.asof;
        (asof.unix_nanos() != 0).then_some(asof)
    }

    /// What it lacks, in words.
    pub(crate) fn lacks(&self) -> String {
        let mut words = vec![
            format!("positions and balances in no figure: {}", self.missing),
            format!("bad input rows left out: {}", self.issues.rows()),
        ];
        words.extend(self.lacking.iter().map(|(what, count)| format!("{what}: {count}")));
        words.join(", ")
    }

    /// Says so on standard error.
    pub(crate) fn exit_code(&self) -> std::process::ExitCode {
        if !self.is_partial() {
            return std::process::ExitCode::SUCCESS;
        }
        eprintln!("plimsoll: PARTIAL: {}", self.lacks());
        std::process::ExitCode::from(4)
    }
}

impl<N: TableNames + PartialEq> Shown for Sheet<N> {
    type TableName = N;

    fn text(&self, style: Style) -> String {
        sheet::text(self, style)
    }

    fn json(&self) -> Result<String, serde_json::Error> {
        sheet::json(self)
    }

    fn html(&self) -> String {
        crate::render::html::sheet(self)
    }

    fn table(&self, name: N) -> Table {
        let found = self.sections.iter().find(|section| section.name == name);
        let (columns, rows) = found.map_or_else(Default::default, |section| section.body.clone());
        Table { name: name.stem(), columns, rows }
    }
}
