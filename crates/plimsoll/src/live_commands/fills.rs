//! Fills and cash of a run, from CSV: `time,account,venue,chain,kind,id,instrument,quantity,price,fee,asset,amount`.
//!
//! | kind | needs |
//! |---|---|
//! | `fill` | id, instrument, quantity (signed), price; a fee is an amount of asset, positive when paid |
//! | `deposit` | asset, amount; below zero is a withdrawal |
//! | `funding` | instrument, asset, amount; positive was received |
//! | `settle` | instrument, price: it settles for every account of the venue |
//!
//! All mistakes of a file are reported at once, and rows must be in the order of time.

use crate::failure::Failure;
use book::Place;
use engine::{CashEvent, CashKind, Event, FillEvent};
use std::path::Path;
use units::{Account, Asset, Chain, FillId, Issue, Issues, Money, Price, Quantity, Symbol, Timestamp, Venue};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    time: String,
    account: String,
    venue: String,
    #[serde(default)]
    chain: String,
    kind: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    instrument: String,
    #[serde(default)]
    quantity: String,
    #[serde(default)]
    price: String,
    #[serde(default)]
    fee: String,
    #[serde(default)]
    asset: String,
    #[serde(default)]
    amount: String,
}

/// Events in the order of time; none without a file.
pub(super) fn read(path: Option<&Path>) -> Result<Vec<(Timestamp, Event)>, Failure> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let name = path.display().to_string();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| Failure::Input(format!("{name}: {error}")))?;
    let headers = reader.headers().map_err(|error| Failure::Input(format!("{name}: {error}")))?.clone();
    if let Some(absent) =
        ["time", "account", "venue", "kind"].iter().find(|needed| !headers.iter().any(|h| h == **needed))
    {
        return Err(Failure::Input(format!(
            "{name}: no column '{absent}': columns are in docs/formats.md, section 16"
        )));
    }
    let (mut events, mut issues) = (Vec::<(Timestamp, Event)>::new(), Issues::default());
    for (number, row) in (1..).zip(reader.deserialize::<Row>()) {
        let mut issue = |field: &str, value: &str, rule: &str| {
            let (field, value, rule) = (field.into(), value.into(), rule.into());
            issues.push(Issue { file: name.clone(), row: number, field, value, rule });
        };
        match row {
            Err(error) => issue("", "", &error.to_string()),
            Ok(row) => match event(&row) {
                Ok((time, event)) if events.last().is_none_or(|(before, _)| *before <= time) => {
                    events.push((time, event));
                }
                Ok(_) => issue("time", &row.time, "rows are in the order of time"),
                Err((field, value, rule)) => issue(field, &value, &rule),
            },
        }
    }
    if issues.is_empty() { Ok(events) } else { Err(Failure::Input(issues.to_string())) }
}

type Fault = (&'static str, String, String);

fn cell<T, E: ToString>(field: &'static str, text: &str, made: Result<T, E>) -> Result<T, Fault> {
    made.map_err(|error| (field, text.to_owned(), error.to_string()))
}

fn event(row: &Row) -> Result<(Timestamp, Event), Fault> {
    let time = cell("time", &row.time, row.time.parse::<Timestamp>())?;
    let chain = if row.chain.is_empty() { Chain::OFF_CHAIN } else { &row.chain };
    let place = Place {
        account: cell("account", &row.account, Account::new(&row.account))?,
        venue: cell("venue", &row.venue, Venue::new(&row.venue))?,
        chain: cell("chain", chain, Chain::new(chain))?,
    };
    let symbol = || cell("instrument", &row.instrument, Symbol::new(&row.instrument));
    let money = |field, text: &str| {
        let asset = cell("asset", &row.asset, Asset::new(&row.asset))?;
        cell(field, text, Money::parse(text, asset))
    };
    let cash = |kind| {
        Ok(Event::Cash(CashEvent { place: place.clone(), money: money("amount", &row.amount)?, kind, time }))
    };
    let event = match row.kind.as_str() {
        "fill" => Event::Fill(FillEvent {
            order: None,
            block: None,
            id: cell("id", &row.id, FillId::new(&row.id))?,
            place: place.clone(),
            symbol: symbol()?,
            quantity: cell("quantity", &row.quantity, row.quantity.parse::<Quantity>())?,
            price: cell("price", &row.price, row.price.parse::<Price>())?,
            fee: if row.fee.is_empty() { None } else { Some(money("fee", &row.fee)?) },
            time,
        }),
        "deposit" => cash(CashKind::Deposit)?,
        "funding" => cash(CashKind::Funding { symbol: symbol()? })?,
        "settle" => Event::Settle {
            venue: place.venue.clone(),
            symbol: symbol()?,
            price: cell("price", &row.price, row.price.parse::<Price>())?,
            time,
        },
        other => return Err(("kind", other.to_owned(), "fill, deposit, funding or settle".to_owned())),
    };
    Ok((time, event))
}
