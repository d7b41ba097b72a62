//! What a symbol does not tell: settlement hours, contract sizes, the pairs behind numbered names.
//!
//! The table is a TOML file (`specs.toml` is embedded; [`Specs::parse`] reads the user's own). Each entry carries the
//! `source` of its numbers and the day on which they were `checked`. Unknown keys are refused, and a bad file reports all
//! its mistakes at once. Entries are numbered from 1 within their table.
//!
//! ```
//! use instrument::Specs;
//! let error = Specs::parse("[[venue]]\nname = 'okx'\nsettlement_hour_utc = 25\nchecked = '2026-02-30'").unwrap_err();
//! assert_eq!(error.issues.total(), 3); // the hour, the day, the missing source
//! ```

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use units::{Asset, Decimal, Issue, Issues, Quantity, Symbol, Timestamp, Venue};

const EMBEDDED: &str = include_str!("../specs.toml");

/// Which size a contract has at a venue that counts contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// Future or perpetual paid in USDT; the size is in coins.
    UsdtFuture,
    /// Future or perpetual paid in USDC; the size is in coins.
    UsdcFuture,
    /// Future or perpetual paid in the coin; the size is in USD.
    InverseFuture,
    /// Option; the size is in coins.
    Option,
}

impl Product {
    /// The word in the table.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UsdtFuture => "usdt-future",
            Self::UsdcFuture => "usdc-future",
            Self::InverseFuture => "inverse-future",
            Self::Option => "option",
        }
    }
}

/// A checked specification table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Specs {
    settlement_hours_utc: BTreeMap<Venue, i8>,
    contract_sizes: BTreeMap<(Venue, Product, Asset), Decimal>,
    spot_pairs: BTreeMap<(Venue, Symbol), Pair>,
}

/// Base and quote of a spot pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) base: Asset,
    pub(crate) quote: Asset,
}

/// All mistakes of a specification file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{issues}")]
pub struct SpecsError {
    /// Each with its table, entry and key.
    pub issues: Issues,
}

impl Specs {
    /// The table that ships with the program.
    #[must_use]
    pub fn embedded() -> Self {
        #[allow(clippy::expect_used)] // a constant of the build, which the tests parse
        Self::parse(EMBEDDED).expect("the embedded specifications are well formed")
    }

    /// Reads a table.
    ///
    /// # Errors
    /// [`SpecsError`] lists every entry that breaks a rule.
    pub fn parse(text: &str) -> Result<Self, SpecsError> {
        let mut reader = Reader::default();
        match text.parse::<toml::Table>() {
            Ok(tables) => reader.tables(&tables),
            Err(error) => reader.issue("", 0, "", &error.to_string()),
        }
        if reader.issues.is_empty() { Ok(reader.specs) } else { Err(SpecsError { issues: reader.issues }) }
    }

    /// Hour of the day at which a venue's dated contracts settle.
    #[must_use]
    pub fn settlement_hour_utc(&self, venue: &Venue) -> Option<i8> {
        self.settlement_hours_utc.get(venue).copied()
    }

    /// Canonical units in one contract.
    #[must_use]
    pub fn contract_size(&self, venue: &Venue, product: Product, underlying: &Asset) -> Option<Decimal> {
        self.contract_sizes.get(&(venue.clone(), product, underlying.clone())).copied()
    }

    pub(crate) fn spot_pair(&self, venue: &Venue, symbol: &Symbol) -> Option<&Pair> {
        self.spot_pairs.get(&(venue.clone(), symbol.clone()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VenueEntry {
    name: Venue,
    settlement_hour_utc: i8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SizeEntry {
    venue: Venue,
    product: Product,
    size: String,
    underlyings: Vec<Asset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PairEntry {
    venue: Venue,
    symbol: Symbol,
    base: Asset,
    quote: Asset,
}

/// Gathers entries and mistakes side by side, so that one bad entry does not hide the next.
#[derive(Default)]
struct Reader {
    specs: Specs,
    issues: Issues,
}

impl Reader {
    fn issue(&mut self, table: &str, row: u64, field: &str, rule: &str) {
        let mut file = String::from("specs");
        if !table.is_empty() {
            let _ = write!(file, " [[{table}]]"); // writing to a string cannot fail
        }
        self.issues.push(Issue {
            file,
            row,
            field: field.to_owned(),
            value: String::new(),
            rule: rule.trim().to_owned(),
        });
    }

    fn tables(&mut self, tables: &toml::Table) {
        for (name, value) in tables {
            let Some(entries) = value.as_array() else {
                self.issue("", 0, name, "expected a list of tables such as [[venue]]");
                continue;
            };
            for (row, entry) in (1..).zip(entries) {
                match name.as_str() {
                    "venue" => self.venue(row, entry),
                    "contract_size" => self.contract_size(row, entry),
                    "spot_pair" => self.spot_pair(row, entry),
                    _ => {
                        self.issue(
                            name,
                            row,
                            "",
                            "not a table of this file: venue, contract_size, spot_pair",
                        );
                    }
                }
            }
        }
    }

    /// Checks the provenance keys, which all entries share, and reads the rest.
    fn entry<'de, T: Deserialize<'de>>(&mut self, table: &str, row: u64, entry: &toml::Value) -> Option<T> {
        let Some(mut fields) = entry.as_table().cloned() else {
            self.issue(table, row, "", "expected a table of keys");
            return None;
        };
        let mut text = |key: &str| fields.remove(key).and_then(|value| value.as_str().map(str::to_owned));
        let (source, checked) = (text("source"), text("checked"));
        if source.is_none_or(|source| source.trim().is_empty()) {
            self.issue(table, row, "source", "where the numbers come from, in words");
        }
        let day = checked.filter(|day| day.len() == 10).and_then(|day| day.parse::<Timestamp>().ok());
        if day.is_none() {
            self.issue(table, row, "checked", "the day of the check, such as \"2026-11-22\"");
        }
        match toml::Value::Table(fields).try_into() {
            Ok(read) => Some(read),
            Err(error) => {
                self.issue(table, row, "", error.message());
                None
            }
        }
    }

    fn venue(&mut self, row: u64, entry: &toml::Value) {
        let Some(VenueEntry { name, settlement_hour_utc }) = self.entry("venue", row, entry) else { return };
        if !(0..=23).contains(&settlement_hour_utc) {
            self.issue("venue", row, "settlement_hour_utc", "an hour of the day, 0 to 23");
        } else if self.specs.settlement_hours_utc.insert(name, settlement_hour_utc).is_some() {
            self.issue("venue", row, "name", "one entry per venue");
        }
    }

    fn contract_size(&mut self, row: u64, entry: &toml::Value) {
        const TABLE: &str = "contract_size";
        let Some(SizeEntry { venue, product, size, underlyings }) = self.entry(TABLE, row, entry) else {
            return;
        };
        let size = match size.parse::<Quantity>() {
            Ok(size) if size.get() > Decimal::ZERO => size.get(),
            _ => return self.issue(TABLE, row, "size", "a decimal above zero in quotes, such as \"0.01\""),
        };
        if underlyings.is_empty() {
            self.issue(TABLE, row, "underlyings", "at least one, such as [\"BTC\"]");
        }
        for underlying in underlyings {
            let rule = format!("one size per venue, product and underlying: {underlying} has two");
            if self.specs.contract_sizes.insert((venue.clone(), product, underlying), size).is_some() {
                self.issue(TABLE, row, "underlyings", &rule);
            }
        }
    }

    fn spot_pair(&mut self, row: u64, entry: &toml::Value) {
        let Some(PairEntry { venue, symbol, base, quote }) = self.entry("spot_pair", row, entry) else {
            return;
        };
        if self.specs.spot_pairs.insert((venue, symbol), Pair { base, quote }).is_some() {
            self.issue("spot_pair", row, "symbol", "one pair per venue and symbol");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_is_well_formed_and_holds_the_recorded_sizes() {
        let specs = Specs::parse(EMBEDDED).unwrap_or_else(|error| panic!("{error}"));
        let cases = [
            ("okx", Product::InverseFuture, "BTC", Some("100")),
            ("okx", Product::InverseFuture, "ETH", Some("10")),
            ("okx", Product::UsdtFuture, "BTC", Some("0.01")),
            ("okx", Product::UsdtFuture, "ETH", Some("0.1")),
            ("okx", Product::Option, "BTC", Some("0.01")),
            ("binance", Product::InverseFuture, "BTC", Some("100")),
            ("binance", Product::InverseFuture, "XRP", Some("10")),
            ("binance", Product::Option, "DOGE", None),
        ];
        for (venue, product, underlying, expected) in cases {
            let (venue, underlying) = (Venue::new(venue).unwrap(), Asset::new(underlying).unwrap());
            let size = specs.contract_size(&venue, product, &underlying).map(|size| size.to_string());
            assert_eq!(size.as_deref(), expected, "{venue} {product:?} {underlying}");
        }
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let good = "source = 's'\nchecked = '2026-01-01'\n";
        let text = format!(
            "[[venue]]\nname = 'a'\nsettlement_hour_utc = 24\n{good}\
             [[venue]]\nname = 'b'\nsettlement_hour_utc = 8\nsource = ' '\nchecked = '2026-01-32'\n\
             [[venue]]\nname = 'b'\nsettlement_hour_utc = 8\n{good}\
             [[contract_size]]\nvenue = 'a'\nproduct = 'option'\nsize = '-1'\nunderlyings = ['X']\n{good}\
             [[contract_size]]\nvenue = 'a'\nproduct = 'optoin'\nsize = '1'\nunderlyings = ['X']\n{good}\
             [[contract_size]]\nvenue = 'a'\nproduct = 'option'\nsize = '1'\nunderlyings = ['X', 'X']\n{good}\
             [[contract_size]]\nvenue = 'a'\nproduct = 'option'\nsize = '1'\nunderlyings = []\nnote = 'n'\n{good}\
             [[spot_pairs]]\n{good}"
        );
        let issues = Specs::parse(&text).unwrap_err().issues;
        let rules = [
            "row 1, settlement_hour_utc: an hour",
            "row 2, source: where",
            "row 2, checked: the day",
            "row 3, name: one entry",
            "row 1, size: a decimal",
            "optoin",
            "X has two",
            "unknown field `note`",
            "not a table of this file",
        ];
        for rule in rules {
            assert!(issues.to_string().contains(rule), "missing '{rule}' in\n{issues}");
        }
        assert_eq!(issues.total(), rules.len() as u64, "{issues}");
    }

    #[test]
    fn what_is_not_toml_is_an_error() {
        for bad in ["[[venue", "venue = 1", "venue = [1]"] {
            assert!(Specs::parse(bad).is_err(), "{bad}");
        }
    }
}
