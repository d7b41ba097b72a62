//! The layouts of market files: which columns each has, in which unit, and where each goes.
//!
//! A layout is a table of columns; the first one tells the time. Required columns keep layouts apart: a file that fits
//! two layouts is refused, because the unit of its vols would be a guess.

use crate::LakeError;
use crate::record::{Refusal, Row};
use market::{Layout, RawQuote};
use units::{Issues, Timestamp};

/// How a cell is read and where it goes.
#[derive(Debug, Clone, Copy)]
enum Read {
    Number(fn(&mut RawQuote, f64)),
    Instant(fn(&mut RawQuote, Timestamp)),
    Text(fn(&mut RawQuote, String)),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
}

#[derive(Debug, Clone, Copy)]
struct Column {
    name: &'static str,
    need: Need,
    read: Read,
}

const fn required(name: &'static str, read: Read) -> Column {
    Column { name, need: Need::Required, read }
}

const fn optional(name: &'static str, read: Read) -> Column {
    Column { name, need: Need::Optional, read }
}

/// How rows form snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// Rows of equal time are one snapshot.
    ByTime,
    /// The file is one snapshot, as of its latest row.
    WholeFile,
}

/// One layout.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) layout: Layout,
    pub(crate) grouping: Grouping,
    word: &'static str,
    columns: &'static [Column],
}

const TIME: Read = Read::Instant(|quote, time| quote.timestamp = Some(time));
const VENUE: Read = Read::Text(|quote, text| quote.venue = Some(text));
const INSTRUMENT: Read = Read::Text(|quote, text| quote.instrument_name = text);
const EXPIRY: Read = Read::Instant(|quote, time| quote.expiry = Some(time));
const STRIKE: Read = Read::Number(|quote, number| quote.strike = Some(number));
const OPTION_TYPE: Read = Read::Text(|quote, text| quote.option_type = Some(text));
const BID: Read = Read::Number(|quote, number| quote.bid_price = Some(number));
const ASK: Read = Read::Number(|quote, number| quote.ask_price = Some(number));
const MARK: Read = Read::Number(|quote, number| quote.mark_price = Some(number));
const VOL: Read = Read::Number(|quote, fraction| quote.mark_vol = Some(fraction));
const VOL_PERCENT: Read = Read::Number(|quote, percent| quote.mark_vol = Some(percent / 100.0));
const DELTA: Read = Read::Number(|quote, number| quote.delta = Some(number));
const GAMMA: Read = Read::Number(|quote, number| quote.gamma = Some(number));
const VEGA: Read = Read::Number(|quote, number| quote.vega_per_point = Some(number));
const THETA: Read = Read::Number(|quote, number| quote.theta_per_day = Some(number));
const RHO: Read = Read::Number(|quote, number| quote.rho_per_1pct = Some(number));
const OPEN_INTEREST: Read = Read::Number(|quote, number| quote.open_interest = Some(number));
const VOLUME: Read = Read::Number(|quote, number| quote.volume = Some(number));
const UNDERLYING_PRICE: Read = Read::Number(|quote, number| quote.underlying_price = Some(number));
const UNDERLYING_NAME: Read = Read::Text(|quote, text| quote.underlying_name = Some(text));
const INDEX: Read = Read::Number(|quote, number| quote.index_price = Some(number));
const FUNDING: Read = Read::Number(|quote, number| quote.funding_rate_8h = Some(number));
/// Full tickers write 0.0 where nobody bids or asks.
const BID_OR_ZERO: Read =
    Read::Number(|quote, number| quote.bid_price = Some(number).filter(|price| *price != 0.0));
const ASK_OR_ZERO: Read =
    Read::Number(|quote, number| quote.ask_price = Some(number).filter(|price| *price != 0.0));
/// The book summary calls the index the estimated delivery price; a ticker's `index_price` beside it wins.
const INDEX_IF_NONE: Read =
    Read::Number(|quote, number| quote.index_price = quote.index_price.or(Some(number)));

static SPECS: [Spec; 4] = [
    Spec {
        layout: Layout::Chain,
        grouping: Grouping::ByTime,
        word: "chain",
        columns: &[
            required("timestamp", TIME),
            required("instrument_name", INSTRUMENT),
            required("bid_price", BID),
            required("ask_price", ASK),
            required("mark_price", MARK),
            required("mark_iv", VOL),
            required("underlying_price", UNDERLYING_PRICE),
            required("index_price", INDEX),
            optional("venue", VENUE),
            optional("expiry", EXPIRY),
            optional("strike", STRIKE),
            optional("option_type", OPTION_TYPE),
            optional("delta", DELTA),
            optional("gamma", GAMMA),
            optional("vega", VEGA),
            optional("theta", THETA),
            optional("rho", RHO),
            optional("open_interest", OPEN_INTEREST),
            optional("volume", VOLUME),
            optional("underlying_name", UNDERLYING_NAME),
            optional("funding_8h", FUNDING),
        ],
    },
    Spec {
        layout: Layout::RecorderChain,
        grouping: Grouping::ByTime,
        word: "recorder chain",
        columns: &[
            required("timestamp", TIME),
            required("instrument_name", INSTRUMENT),
            required("bid_price", BID),
            required("ask_price", ASK),
            required("mark_price", MARK),
            required("implied_volatility", VOL),
            required("underlying", UNDERLYING_PRICE),
            required("index_price", INDEX),
            optional("expiry_datetime", EXPIRY),
            optional("strike", STRIKE),
            optional("option_type", OPTION_TYPE),
            optional("delta", DELTA),
            optional("vega", VEGA),
            optional("open_interest", OPEN_INTEREST),
            optional("volume", VOLUME),
            optional("underlying_name", UNDERLYING_NAME),
        ],
    },
    Spec {
        layout: Layout::Tickers,
        grouping: Grouping::WholeFile,
        word: "tickers",
        columns: &[
            required("timestamp", TIME),
            required("instrument_name", INSTRUMENT),
            required("best_bid_price", BID_OR_ZERO),
            required("best_ask_price", ASK_OR_ZERO),
            required("mark_price", MARK),
            required("mark_iv", VOL_PERCENT),
            required("underlying_price", UNDERLYING_PRICE),
            required("index_price", INDEX),
            optional("greeks.delta", DELTA),
            optional("greeks.gamma", GAMMA),
            optional("greeks.vega", VEGA),
            optional("greeks.theta", THETA),
            optional("greeks.rho", RHO),
            optional("open_interest", OPEN_INTEREST),
            optional("stats.volume", VOLUME),
            optional("underlying_index", UNDERLYING_NAME),
            optional("funding_8h", FUNDING),
        ],
    },
    Spec {
        layout: Layout::PerpetualPrices,
        grouping: Grouping::ByTime,
        word: "perpetual prices",
        columns: &[
            required("timestamp", TIME),
            required("instrument_name", INSTRUMENT),
            required("perpetual_price", MARK),
        ],
    },
];

/// The only layout of JSON files.
static BOOK_SUMMARY: Spec = Spec {
    layout: Layout::BookSummary,
    grouping: Grouping::WholeFile,
    word: "book summary",
    columns: &[
        required("creation_timestamp", TIME),
        required("instrument_name", INSTRUMENT),
        optional("bid_price", BID),
        optional("ask_price", ASK),
        optional("mark_price", MARK),
        optional("mark_iv", VOL_PERCENT),
        optional("greeks.delta", DELTA),
        optional("greeks.gamma", GAMMA),
        optional("greeks.vega", VEGA),
        optional("greeks.theta", THETA),
        optional("greeks.rho", RHO),
        optional("open_interest", OPEN_INTEREST),
        optional("volume", VOLUME),
        optional("underlying_price", UNDERLYING_PRICE),
        optional("underlying_index", UNDERLYING_NAME),
        optional("index_price", INDEX),
        optional("estimated_delivery_price", INDEX_IF_NONE),
        optional("funding_8h", FUNDING),
    ],
};

impl Spec {
    /// All columns, the time first.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|column| column.name).collect()
    }

    fn missing(&self, header: &[String]) -> Vec<String> {
        let required = self.columns.iter().filter(|column| column.need == Need::Required);
        let absent = required.filter(|column| !header.iter().any(|name| name == column.name));
        absent.map(|column| column.name.to_owned()).collect()
    }

    fn describe(&self) -> String {
        let required = self.columns.iter().filter(|column| column.need == Need::Required);
        let names: Vec<&str> = required.map(|column| column.name).collect();
        format!("{} ({})", self.word, names.join(", "))
    }

    /// Reads all cells but the time, which is known; each that is not of its column's type is an issue.
    pub(crate) fn quote(
        &self,
        file: &str,
        row: &Row<'_>,
        time: Timestamp,
        issues: &mut Issues,
    ) -> Option<RawQuote> {
        let before = issues.total();
        let mut quote = RawQuote { row: row.number, timestamp: Some(time), ..RawQuote::default() };
        for (index, column) in self.columns.iter().enumerate().skip(1) {
            let value = row.value(index);
            let read = match column.read {
                Read::Number(put) => {
                    value.number().map(|cell| cell.into_iter().for_each(|cell| put(&mut quote, cell)))
                }
                Read::Instant(put) => {
                    value.instant().map(|cell| cell.into_iter().for_each(|cell| put(&mut quote, cell)))
                }
                Read::Text(put) => value
                    .text()
                    .map(|cell| cell.into_iter().for_each(|cell| put(&mut quote, cell.into_owned()))),
            };
            if let Err(refusal) = read {
                issues.push(refusal.at(file, row.number, column.name));
            }
        }
        if quote.instrument_name.is_empty() && issues.total() == before {
            issues.push(Refusal::new("", "a row names its instrument").at(
                file,
                row.number,
                "instrument_name",
            ));
        }
        (issues.total() == before).then_some(quote)
    }
}

/// Finds the layout of a header; JSON has none and one layout.
pub(crate) fn detect(file: &str, header: Option<&[String]>) -> Result<&'static Spec, LakeError> {
    let Some(header) = header else { return Ok(&BOOK_SUMMARY) };
    let fitting: Vec<&Spec> = SPECS.iter().filter(|spec| spec.missing(header).is_empty()).collect();
    match fitting.as_slice() {
        [spec] => Ok(spec),
        [one, two, ..] => {
            let rule = format!(
                "the columns fit both layouts '{}' and '{}', whose units differ; remove the columns of one",
                one.word, two.word
            );
            Err(LakeError::format(file, 0, rule))
        }
        [] => Err(unknown(file, header)),
    }
}

/// The closest layout is the one of which most columns are there.
fn unknown(file: &str, header: &[String]) -> LakeError {
    let absent = |spec: &Spec| spec.missing(header).len();
    let present = |spec: &Spec| {
        spec.columns.iter().filter(|column| column.need == Need::Required).count() - absent(spec)
    };
    let closest = SPECS.iter().min_by_key(|spec| (std::cmp::Reverse(present(spec)), absent(spec)));
    let (word, missing) = closest.map_or(("", Vec::new()), |spec| (spec.word, spec.missing(header)));
    let layouts: Vec<String> = SPECS.iter().map(Spec::describe).collect();
    let separator = match header {
        [only] if only.contains([';', '\t']) => " (columns are separated by commas, not by ';' or tabs)",
        _ => "",
    };
    let rule = format!(
        "closest layout: '{word}'{separator}; layouts and their required columns: {}; JSON: the exchange's book summary",
        layouts.join("; ")
    );
    LakeError::Columns { file: file.to_owned(), missing, rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn each_layout_is_found_by_its_own_columns() {
        for spec in &SPECS {
            let names = header(&spec.names());
            assert_eq!(detect("f", Some(&names)).unwrap().layout, spec.layout);
        }
    }

    #[test]
    fn a_header_of_two_layouts_is_refused_because_units_differ() {
        let mut names = header(&SPECS[0].names());
        names.extend(header(&["best_bid_price", "best_ask_price"]));
        assert!(detect("f", Some(&names)).unwrap_err().to_string().contains("fit both layouts"));
    }

    #[test]
    fn the_error_names_every_missing_column_of_the_closest_layout_and_all_layouts() {
        let names =
            header(&["timestamp", "instrument_name", "bid_price", "mark_price", "mark_iv", "index_price"]);
        let text = detect("chain.csv", Some(&names)).unwrap_err().to_string();
        assert!(
            text.starts_with(
                "chain.csv: missing column 'ask_price', 'underlying_price'; closest layout: 'chain'"
            ),
            "{text}"
        );
        for spec in &SPECS {
            assert!(text.contains(spec.word), "{text}");
        }
    }
}
