//! Figures with plots: tables everywhere, the plots on the page.

use crate::measure_commands::Sheet;
use crate::output::{Shown, TableNames};
use crate::render::grid::Style;
use crate::render::html::{self, Plot};
use lake::Table;

/// On a screen, longer tables are named and not shown.
const MOST_ROWS_SHOWN: usize = 250;

/// A result with its plots.
pub(super) struct Plotted<N> {
    pub(super) sheet: Sheet<N>,
    pub(super) plots: Vec<Plot>,
}

impl<N: TableNames + PartialEq + Clone> Shown for Plotted<N> {
    type TableName = N;

    fn text(&self, style: Style) -> String {
        let mut shown = self.sheet.clone();
        for section in &mut shown.sections {
            let rows = section.body.1.len();
            if rows > MOST_ROWS_SHOWN {
                section.body.1.clear();
                let stem = section.name.stem();
                shown.notes.push(format!("{stem}: {rows} rows, see --format csv --table {stem}"));
            }
        }
        shown.text(style)
    }

    fn json(&self) -> Result<String, serde_json::Error> {
        self.sheet.json()
    }

    fn html(&self) -> String {
        html::sheet_with(&self.sheet, &self.plots)
    }

    fn table(&self, name: N) -> Table {
        self.sheet.table(name)
    }
}
