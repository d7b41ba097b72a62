//! Every position and balance with its figures, where they come from, and where the venue says something else.

use super::exposure::{OF_ACCOUNT, OF_EXPIRY, OF_KIND, OF_UNDERLYING, OF_VENUE, passes};
use super::headline::{coins, usd};
use super::overview::seconds_between;
use super::{Param, Params, Unvalued, View, ViewError, shape, unvalued, value};
use crate::frame::Frame;
use book::{Book, Position};
use instrument::{OptionKind, Terms, expiry_text};
use market::Snapshot;
use risk::{Reconciliation, Row, RowKind, Valuation, kind_word};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use units::{Fixed, Symbol, Timestamp, Venue};

pub(super) const VIEW: View = View {
    name: "positions",
    says: "Every position and balance: the rows of `plimsoll report`, and the venue's own greeks where they differ",
    params: &[
        OF_UNDERLYING,
        OF_VENUE,
        OF_ACCOUNT,
        OF_EXPIRY,
        OF_KIND,
        Param {
            name: "find",
            says: "Only rows that have all these words in their names",
            example: "deribit BTC",
        },
        Param { name: "limit", says: "At most so many rows; `rows_total` counts them all", example: "500" },
    ],
    every_millis: 250,
    compute,
    schema: shape::<Positions>,
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Positions {
    rows: Vec<PositionLine>,
    /// Those that are asked for, whether they are among `rows` or beyond the limit.
    rows_total: usize,
    unvalued: Vec<Unvalued>,
    breaks: Vec<BreakLine>,
    quotes_compared: usize,
    quotes_without_figures: usize,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PositionLine {
    account: String,
    venue: String,
    chain: String,
    instrument: String,
    contract: String,
    /// `option`, `future`, `perpetual`, `spot`, `balance` or `gain`.
    kind: &'static str,
    underlying: String,
    #[schema(value_type = Option<String>)]
    expiry: Option<Timestamp>,
    expiry_text: String,
    strike: Option<f64>,
    /// `call` or `put`.
    option: Option<&'static str>,
    quantity: String,
    average_price: Option<String>,
    mark_price: Option<f64>,
    /// What the mark is in.
    mark_currency: Option<String>,
    quote_age_seconds: Option<f64>,
    is_stale: bool,
    #[schema(value_type = BTreeMap<String, String>)]
    usd: BTreeMap<&'static str, Fixed>,
    #[schema(value_type = BTreeMap<String, String>)]
    coins: BTreeMap<&'static str, Fixed>,
    #[schema(value_type = Object)]
    sources: risk::Provenance,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct BreakLine {
    venue: String,
    instrument: String,
    #[schema(value_type = String)]
    figure: risk::Figure,
    own: f64,
    venue_says: f64,
    difference: f64,
    tolerance: f64,
    held: bool,
}

/// Which rows are asked for.
struct Wanted<'a> {
    params: &'a Params,
    words: Vec<String>,
    limit: usize,
}

impl<'a> Wanted<'a> {
    fn of(params: &'a Params) -> Result<Self, ViewError> {
        let words = params.text("find").unwrap_or_default().to_uppercase();
        let words = words.split_whitespace().map(str::to_owned).collect();
        Ok(Self { params, words, limit: params.parsed("limit")?.unwrap_or(usize::MAX) })
    }

    fn is_all(&self) -> bool {
        self.params.0.iter().all(|(name, text)| name == "limit" || text.is_empty())
    }

    fn is_of(&self, row: &Row) -> bool {
        passes(&row.into(), self.params) && (self.words.is_empty() || self.is_named(row))
    }

    fn is_named(&self, row: &Row) -> bool {
        let (kind, expiry) = (kind_word(row.kind), expiry_words(row.expiry, row.kind));
        let names =
            format!("{} {} {} {kind} {} {expiry}", row.symbol, row.venue, row.account, row.underlying);
        let names = names.to_uppercase();
        self.words.iter().all(|word| names.contains(word))
    }

    /// The rows, and how many there would be without the limit. Only what is shown is valued, as far as that can be told before.
    fn rows(&self, frame: &Frame) -> (Vec<Row>, usize) {
        let positions = &frame.book().positions;
        if self.is_all() && self.limit < positions.len() {
            let positions = positions.iter().take(self.limit).cloned().collect();
            let mut rows = Valuation::new(&Book { positions, ..Book::default() }, frame.market()).rows;
            // Where the first have no value, others are shown in their place.
            if rows.len() >= self.limit {
                rows.truncate(self.limit);
                return (rows, frame.sheet().lines().count());
            }
        }
        let mut rows: Vec<Row> =
            frame.valuation().rows.iter().filter(|row| self.is_of(row)).cloned().collect();
        let total = rows.len();
        rows.truncate(self.limit);
        (rows, total)
    }
}

fn compute(frame: &Frame, params: &Params) -> Result<Value, ViewError> {
    let (rows, rows_total) = Wanted::of(params)?.rows(frame);
    let book = frame.book();
    let held: BTreeSet<(Venue, Symbol)> =
        book.positions.iter().map(|p| (p.venue.clone(), p.listing.symbol.clone())).collect();
    // The venue speaks of the market as it is.
    let engine = frame.engine();
    let reconciled = Reconciliation::new(engine.quotes(), engine.market(), &held);
    let breaks = reconciled.breaks.iter().filter(|found| found.held).map(|found| {
        let difference = found.own - found.published;
        BreakLine {
            venue: found.venue.to_string(),
            instrument: found.symbol.to_string(),
            figure: found.figure,
            own: found.own,
            venue_says: found.published,
            difference,
            tolerance: difference.abs() / found.severity,
            held: found.held,
        }
    });
    value(&Positions {
        breaks: breaks.collect(),
        rows: lines(frame, &rows),
        rows_total,
        unvalued: unvalued(frame),
        quotes_compared: reconciled.agreement.iter().map(|figure| figure.compared).max().unwrap_or(0),
        quotes_without_figures: reconciled.without_figures,
    })
}

fn lines(frame: &Frame, rows: &[Row]) -> Vec<PositionLine> {
    let positions = &frame.book().positions;
    let of = |row: &Row| {
        let name = (&row.account, &row.venue, &row.chain, &row.symbol);
        // In the order of the book: by these names.
        let place =
            positions.binary_search_by(|p| (&p.account, &p.venue, &p.chain, &p.listing.symbol).cmp(&name));
        // The gain of a position has a row of its own, and no price.
        place.ok().and_then(|place| positions.get(place)).filter(|_| row.kind != RowKind::Gain)
    };
    rows.iter().map(|row| line(frame, row, of(row))).collect()
}

fn expiry_words(expiry: Option<Timestamp>, kind: RowKind) -> String {
    match (expiry, kind) {
        (Some(expiry), _) => expiry_text(expiry),
        (None, RowKind::Perpetual) => "perpetual".into(),
        (None, _) => "-".into(),
    }
}

fn line(frame: &Frame, row: &Row, held: Option<&Position>) -> PositionLine {
    let terms = held.map(|position| &position.listing.contract.terms);
    let (strike, option) = match terms {
        Some(Terms::Option { strike, kind, .. }) => {
            let word = if *kind == OptionKind::Call { "call" } else { "put" };
            (units::border::to_model(strike.get()).ok(), Some(word))
        }
        _ => (None, None),
    };
    let quote = quote(frame.engine().quotes(), (&row.venue, &row.symbol));
    let mark = quote.as_ref().filter(|_| held.is_some());
    PositionLine {
        account: row.account.to_string(),
        venue: row.venue.to_string(),
        chain: row.chain.to_string(),
        instrument: row.symbol.to_string(),
        contract: row.contract.clone(),
        kind: kind_word(row.kind),
        underlying: row.underlying.to_string(),
        expiry: row.expiry,
        expiry_text: expiry_words(row.expiry, row.kind),
        strike,
        option,
        quantity: row.quantity.to_string(),
        average_price: held.and_then(|position| Some(position.average_price?.to_string())),
        mark_price: mark.map(|quote| quote.price),
        mark_currency: mark.map(|quote| quote.currency.clone()),
        quote_age_seconds: quote.map(|quote| seconds_between(quote.time, frame.engine().now())),
        is_stale: frame.engine().stale().contains(&row.underlying),
        usd: usd(&row.exposure),
        coins: coins(&row.exposure),
        sources: row.provenance,
    }
}

struct Mark {
    price: f64,
    currency: String,
    time: Timestamp,
}

fn quote(quotes: &Snapshot, (venue, symbol): (&Venue, &Symbol)) -> Option<Mark> {
    let key = (venue.clone(), symbol.clone());
    if let Some(option) = quotes.options.get(&key) {
        let contract = &option.listing.contract;
        let is_inverse = contract.settlement == instrument::Settlement::Inverse;
        let currency =
            if is_inverse { contract.underlying.clone() } else { market::quote_currency(contract) };
        return Some(Mark {
            price: option.mark_price,
            currency: currency.to_string(),
            time: option.source_time,
        });
    }
    let future = quotes.futures.get(&key)?;
    let currency = market::quote_currency(&future.listing.contract).to_string();
    Some(Mark { price: future.mark_price.get(), currency, time: future.source_time })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DEMO, SAMPLE, data, sample};
    use super::*;

    fn rows(view: &Value) -> Vec<Value> {
        view["rows"].as_array().unwrap().clone()
    }

    #[test]
    fn filters_leave_the_rows_that_they_name_and_no_figure_differs() {
        for frame in [&*DEMO, &*SAMPLE] {
            let all = rows(&data(frame, "positions", &[]).unwrap());
            let mut compared = 0;
            for key in ["underlying", "venue", "account", "kind"] {
                for word in all.iter().map(|row| row[key].as_str().unwrap()).collect::<BTreeSet<_>>() {
                    let view = data(frame, "positions", &[(key, word)]).unwrap();
                    let own: Vec<Value> = all.iter().filter(|row| row[key] == word).cloned().collect();
                    assert_eq!(rows(&view), own, "{key} {word}");
                    assert_eq!(view["rows_total"], own.len());
                    compared += own.len();
                }
            }
            assert!(compared >= 4 * all.len(), "{compared}");
        }
    }

    #[test]
    fn words_are_looked_for_in_the_names_of_a_row_whatever_their_case() {
        let all = rows(&data(&SAMPLE, "positions", &[]).unwrap());
        let symbol = all.iter().find(|row| row["kind"] == "option").unwrap()["instrument"].as_str().unwrap();
        let view = data(&SAMPLE, "positions", &[("find", &format!("OPTION {}", symbol.to_lowercase()))]);
        let found = rows(&view.unwrap());
        assert!(!found.is_empty() && found.iter().all(|row| row["instrument"] == symbol), "{found:?}");
        let none = data(&SAMPLE, "positions", &[("find", "option spot")]).unwrap();
        assert_eq!((rows(&none).len(), &none["rows_total"]), (0, &Value::from(0)));
    }

    #[test]
    fn beyond_the_limit_rows_are_counted_and_not_sent() {
        for frame in [&*DEMO, &*SAMPLE] {
            let all = rows(&data(frame, "positions", &[]).unwrap());
            for limit in [0, 1, 3, all.len() - 1, all.len(), all.len() + 9] {
                let view = data(frame, "positions", &[("limit", &limit.to_string())]).unwrap();
                assert_eq!(rows(&view), all.iter().take(limit).cloned().collect::<Vec<_>>(), "{limit}");
                assert_eq!(view["rows_total"], all.len());
            }
        }
        assert!(data(&SAMPLE, "positions", &[("limit", "many")]).is_err());
    }

    /// The first of the book have no value: others are shown in their place, as many as are asked for.
    #[test]
    fn what_has_no_value_takes_no_place_of_what_has_one() {
        let mut desk = sample();
        let place = book::Place {
            account: units::Account::new("aaa").unwrap(),
            venue: Venue::new("deribit").unwrap(),
            chain: units::Chain::off_chain(),
        };
        let unquoted = |symbol: &str| engine::ReportedPosition {
            symbol: Symbol::new(symbol).unwrap(),
            quantity: "3".parse().unwrap(),
            average_price: None,
        };
        let positions = ["XRP_USDC-PERPETUAL", "ADA_USDC-PERPETUAL"].map(unquoted).to_vec();
        let time = desk.engine.now();
        desk.hold(engine::ReportedEvent { place, positions, balances: Vec::new(), time });
        let frame = desk.frame();
        let all = data(&frame, "positions", &[]).unwrap();
        assert_eq!(all["unvalued"].as_array().unwrap().len(), 2);
        for limit in [1, 2, 3, 5] {
            let view = data(&frame, "positions", &[("limit", &limit.to_string())]).unwrap();
            assert_eq!(rows(&view), rows(&all).into_iter().take(limit).collect::<Vec<_>>(), "{limit}");
            assert_eq!(view["rows_total"], all["rows_total"]);
        }
    }
}
