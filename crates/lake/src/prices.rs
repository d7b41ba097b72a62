//! Recorded prices of several sources: what an oracle reads.
//!
//! | column | what |
//! |---|---|
//! | **`time`** | when the source said so |
//! | **`source`** | which |
//! | **`price`** | exact decimal |
//! | `confidence` | half-width, in the unit of the price; empty where the source states none |
//! | `weight` | whole number; 1 where it is empty |
//!
//! Decimals become whole units of 10^exponent exactly or not at all. Whether a price may be believed is for the guards to say: zero,
//! a price below zero and a weight of zero are handed over.

use crate::LakeError;
use crate::record::{Body, Refusal, Row};
use crate::rows::{Ask, Rows, Watch};
use crate::source::{self, Progress};
use market::oracle::guard::SourcePrice;
use market::oracle::pyth::ConfidenceUnits;
use market::oracle::{Exponent, PriceUnits, Weight};
use std::ops::ControlFlow;
use std::path::Path;
use units::{Issues, Price};

const NAMES: [&str; 5] = ["time", "source", "price", "confidence", "weight"];
const NEEDED: usize = 3;
const LONGEST_NAME: usize = 64;
const SOURCE: &str = "a row names its source: 1 to 64 characters, none of them a control character";
const TIME: &str = "a row tells when its source said so";
const NO_PRICE: &str = "a row has a price";
const DECIMAL: &str = "an exact decimal of at most 28 digits, such as 97123.45; not NaN or infinite";
const HALF_WIDTH: &str = "a confidence is a half-width: not below zero; leave it empty where none is stated";
const WHOLE: &str = "a weight is a whole number from 0 to 4294967295: only ratios count";

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRow {
    /// Row of data, from 1.
    pub row: u64,
    /// What the source says.
    pub said: SourcePrice,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricesRead {
    /// Rows of data, those with bad cells among them.
    pub rows: u64,
    /// Every bad cell; their rows are not handed over.
    pub issues: Issues,
    /// Columns that mean nothing here.
    pub unknown_columns: Vec<String>,
}

/// Hands over every readable row in file order.
///
/// # Errors
/// [`LakeError`]: the file cannot be read, lacks a column or has no rows.
pub fn read_prices(
    path: &Path,
    exponent: Exponent,
    visit: &mut dyn FnMut(PriceRow),
    progress: &mut dyn FnMut(Progress),
) -> Result<PricesRead, LakeError> {
    let file = source::name(path);
    let rows = Rows::open(path)?;
    if let Some(header) = rows.header() {
        let needed = NAMES.iter().take(NEEDED).map(|name| (*name).to_owned());
        let missing: Vec<String> = needed.filter(|name| !header.contains(name)).collect();
        if !missing.is_empty() {
            let rule = "prices of sources have the columns time, source, price, and may have confidence and weight; \
                        columns are separated by commas";
            return Err(LakeError::Columns { file, missing, rule: rule.into() });
        }
    }
    let ask = Ask { names: &NAMES, lists: &[] };
    let mut issues = Issues::default();
    let mut step = |row: &Row<'_>| {
        match price_row(row, exponent) {
            Ok(read) => visit(read),
            Err(refusals) => {
                for (field, refusal) in refusals {
                    issues.push(refusal.at(&file, row.number, field));
                }
            }
        }
        ControlFlow::Continue(())
    };
    let finished = rows.for_each(&ask, &mut Watch { progress, visit: &mut step })?;
    if finished.rows == 0 {
        return Err(LakeError::NoRows { file });
    }
    Ok(PricesRead { rows: finished.rows, issues, unknown_columns: finished.unknown_columns })
}

type Cell<T> = Result<T, Refusal>;

/// The row, or everything that is wrong with it.
fn price_row(row: &Row<'_>, exponent: Exponent) -> Result<PriceRow, Vec<(&'static str, Refusal)>> {
    if let Body::Broken(refusal) = &row.body {
        return Err(vec![("", refusal.clone())]);
    }
    let [time_name, source_name, price_name, confidence_name, weight_name] = NAMES;
    let time = row.value(0).instant().and_then(|time| time.ok_or_else(|| Refusal::new("", TIME)));
    let id = source_of(row);
    let price = units(row, 2, exponent).and_then(|price| price.ok_or_else(|| Refusal::new("", NO_PRICE)));
    let (confidence, weight) = (confidence(row, exponent), weight(row));
    match (time, id, price, confidence, weight) {
        (Ok(source_time), Ok(id), Ok(price), Ok(confidence), Ok(weight)) => {
            Ok(PriceRow { row: row.number, said: SourcePrice { id, price, confidence, weight, source_time } })
        }
        (time, id, price, confidence, weight) => {
            let faults = [
                time.err().map(|refusal| (time_name, refusal)),
                id.err().map(|refusal| (source_name, refusal)),
                price.err().map(|refusal| (price_name, refusal)),
                confidence.err().map(|refusal| (confidence_name, refusal)),
                weight.err().map(|refusal| (weight_name, refusal)),
            ];
            Err(faults.into_iter().flatten().collect())
        }
    }
}

fn source_of(row: &Row<'_>) -> Cell<String> {
    let text = row.value(1).text()?.unwrap_or_default();
    let is_name =
        !text.is_empty() && text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control);
    if is_name { Ok(text.into_owned()) } else { Err(Refusal::new(text, SOURCE)) }
}

/// A decimal in whole units; none in an empty cell.
fn units(row: &Row<'_>, place: usize, exponent: Exponent) -> Cell<Option<PriceUnits>> {
    let Some(text) = row.value(place).text()? else { return Ok(None) };
    let decimal: Price = text.parse().map_err(|_| Refusal::new(text.clone(), DECIMAL))?;
    exponent.units_of(decimal.get()).map(Some).map_err(|error| {
        let rule = format!("{error}; units are 10^{} (--exponent), in 64 bits", exponent.0);
        Refusal::new(text, &rule)
    })
}

fn confidence(row: &Row<'_>, exponent: Exponent) -> Cell<Option<ConfidenceUnits>> {
    let Some(PriceUnits(width)) = units(row, 3, exponent)? else { return Ok(None) };
    u64::try_from(width)
        .map(|width| Some(ConfidenceUnits(width)))
        .map_err(|_| Refusal::new(row.value(3).text().ok().flatten().unwrap_or_default(), HALF_WIDTH))
}

fn weight(row: &Row<'_>) -> Cell<Weight> {
    let Some(text) = row.value(4).text()? else { return Ok(Weight(1)) };
    text.parse().map(Weight).map_err(|_| Refusal::new(text, WHOLE))
}
