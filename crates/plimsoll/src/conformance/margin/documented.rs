//! Suite `documented-margin`: worked examples on exchanges' own pages, through the shipped rulebooks.
//!
//! Reads `exchange/documented_examples.json`, an object of examples by name. An example that this suite knows is a group; every
//! other is counted with the suite that compares it, or as unknown. A printed mark is turned into the vol at which the account's
//! option is worth it, so that an example runs through the whole engine, from an account state to a requirement.
//!
//! | example | rulebook or function |
//! |---|---|
//! | `deribit_linear_perp_standard_margin` | `deribit-sm` |
//! | `deribit_linear_option_settlement` | value of an account's option at expiry |
//! | `deribit_delta_decay`, `deribit_net_transaction_delta` | `pricing::settlement` |
//! | `bit_com_options_margin_deribit_style` | `bit-com-options` |
//! | `bybit_cross_option_margin` | `bybit-options` |

use super::super::result::{Comparison, Group, GroupResult};
use super::super::vectors::{self, CaseError, FileError, kind, number, text};
use super::super::{Progress, Report, Sources};
use ::pricing::implied_vol::{ImpliedVol, OptionQuote, Reference};
use ::pricing::settlement::{PublishedDelta, SettlementWindow};
use instrument::{Contract, Settlement, Terms};
use margin::{AccountState, Leg, Levels, Mark, Rulebook, Rulebooks};
use serde_json::Value;
use units::{
    Account, Asset, Decimal, Discount, Forward, OptionKind, Price, Strike, Symbol, Timestamp, Venue, Vol,
    YearFraction,
};

pub(in super::super) const ID: &str = "documented-margin";
pub(in super::super) const SUMMARY: &str =
    "worked margin examples from exchanges' documentation, against the shipped rulebooks";

const FILE: &str = "documented_examples.json";
/// The examples are short sums without rounding, so their digits are all there are.
const EXACT: f64 = 1e-9;
const EXACT_REASON: &str = "the examples are exact sums: 1e-9 of the printed number (1e-9 if below one) covers rounding of f64 and of the implied vol";
const MINUTES_A_YEAR: f64 = 365.0 * 24.0 * 60.0;
/// In the place of size zero, at which a requirement has no rate.
const TINY_SIZE_COIN: f64 = 1e-9;

/// Compares one example.
type Compare = fn(&Value, &mut Group) -> Result<(), ExampleError>;

static COMPARED: [(&str, Compare); 6] = [
    ("deribit_linear_perp_standard_margin", perpetuals),
    ("deribit_linear_option_settlement", option_settlement),
    ("deribit_delta_decay", delta_decay),
    ("deribit_net_transaction_delta", net_transaction_delta),
    ("bit_com_options_margin_deribit_style", bit_com_option),
    ("bybit_cross_option_margin", bybit_option),
];

/// Examples of this file that belong elsewhere.
static ELSEWHERE: [(&str, &str); 7] = [
    ("binance_coin_m_liq_tier", "compared by suite tiered-margin"),
    ("binance_usdm_liq_example", "compared by suite tiered-margin"),
    ("hyperliquid_recorded", "compared by suite tiered-margin"),
    ("okx_mr4_mr7_example", "belongs to suite okx-pm"),
    ("okx_mr9_example", "belongs to suite okx-pm"),
    ("span_covered_write", "belongs to the scenario engine's suites"),
    ("dederi_pm", "belongs to the scenario engine's suites"),
];

/// Why an example cannot be compared.
#[derive(Debug, thiserror::Error)]
enum ExampleError {
    #[error(transparent)]
    Case(#[from] CaseError),
    #[error(transparent)]
    Unit(#[from] units::UnitError),
    #[error(transparent)]
    ImpliedVol(#[from] ::pricing::implied_vol::ImpliedVolError),
    #[error("the example has no '{0}'")]
    Part(&'static str),
    #[error("instrument '{0}' is not like ETH-USDT-17NOV23-1850-P")]
    Instrument(String),
    #[error("the shipped rulebooks cannot be read: {0}")]
    Rulebooks(String),
    #[error("no rulebook '{0}' ships")]
    NoRulebook(&'static str),
    #[error("the rulebook does not margin the example: {0}")]
    Unmargined(String),
}

/// Runs the file; absent it is a group that did not run, unreadable it is a failure.
pub(in super::super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let path = sources.vectors.join("exchange").join(FILE);
    let bytes_total = std::fs::metadata(&path).map_or(0, |data| data.len());
    let groups = match vectors::read(&path) {
        Ok(file) => groups(&file),
        Err(error) => {
            let mut group = Group::checked(FILE, "", "the file decides");
            vec![match error {
                FileError::Absent(_) => group.not_run(error.to_string()),
                FileError::Io(_) | FileError::Json(_) => {
                    group.fault(FILE, error.to_string());
                    group.finish()
                }
            }]
        }
    };
    progress(Progress { suite: ID, item: FILE, bytes_done: bytes_total, bytes_total });
    groups
}

fn groups(file: &Value) -> Vec<GroupResult> {
    let Some(examples) = file.as_object() else {
        let mut group = Group::checked(FILE, "", "the file decides");
        group.fault(FILE, "the file is not an object of examples by name");
        return vec![group.finish()];
    };
    let mut all = Vec::new();
    for (name, compare) in &COMPARED {
        let mut group = Group::checked(*name, "of the printed number", EXACT_REASON);
        let Some(example) = examples.get(*name) else {
            all.push(group.not_run("the file has no such example"));
            continue;
        };
        if let Err(error) = compare(example, &mut group) {
            group.fault(*name, error.to_string());
        } else if group.is_empty() {
            group.fault(*name, "the example prints none of the numbers that are compared");
        }
        all.push(group.finish());
    }
    let mut others = Group::informative("other examples of the file", "", "nothing is compared here");
    for name in examples.keys().filter(|name| COMPARED.iter().all(|(known, _)| known != name)) {
        let known = ELSEWHERE.iter().find(|(other, _)| other == name).map(|(_, reason)| *reason);
        let reason = known.unwrap_or("no suite knows this example");
        others.not_compared(&format!("{name}: {reason}"), 1);
    }
    all.push(others.finish());
    all
}

/// Compares with a printed number; one that is not printed is not compared.
fn printed(row: &Value, key: &str, ours: f64, name: &str, group: &mut Group) -> Result<(), ExampleError> {
    if row.get(key).is_none() {
        return Ok(());
    }
    let theirs = number(row, key)?;
    let scale = theirs.abs().max(1.0);
    group.compare(Comparison { ours, theirs, tolerance: EXACT, scale }, || format!("{name} {key}"));
    Ok(())
}

fn rulebook(id: &'static str) -> Result<Rulebook, ExampleError> {
    let books = Rulebooks::embedded().map_err(|issues| ExampleError::Rulebooks(issues.to_string()))?;
    books.get(id).cloned().ok_or(ExampleError::NoRulebook(id))
}

/// The requirement of an account with one leg.
fn requirement(rulebook: &Rulebook, leg: Leg) -> Result<Levels, ExampleError> {
    let state = AccountState {
        account: Account::new("documented")?,
        venue: Venue::new("documented")?,
        asof: Timestamp::from_unix_millis(0)?,
        legs: vec![leg],
        balances: Vec::new(),
        unmargined: Vec::new(),
    };
    let outcome = rulebook.outcome(&state);
    match outcome.unmargined.first() {
        Some(missing) => Err(ExampleError::Unmargined(missing.reason.clone())),
        None => Ok(outcome.requirement),
    }
}

fn list<'a>(row: &'a Value, key: &'static str) -> Result<&'a [Value], ExampleError> {
    row.get(key).and_then(Value::as_array).map(Vec::as_slice).ok_or(ExampleError::Part(key))
}

fn part<'a>(row: &'a Value, key: &'static str) -> Result<&'a Value, ExampleError> {
    row.get(key).ok_or(ExampleError::Part(key))
}

/// A linear contract whose currency is at one USD, forward and mark at the index.
struct LinearLeg {
    underlying: Asset,
    currency: Asset,
    terms: Terms,
    size_coin: f64,
    entry_price: Option<f64>,
    index: f64,
    mark: Mark,
}

impl LinearLeg {
    fn leg(self) -> Result<Leg, ExampleError> {
        Ok(Leg {
            symbol: Symbol::new("documented")?,
            contract: Contract {
                underlying: self.underlying,
                terms: self.terms,
                settlement: Settlement::Linear { currency: self.currency },
            },
            quantity: self.size_coin,
            entry_value: self.entry_price.map(|price| self.size_coin * price),
            index_usd: self.index,
            settlement_usd: 1.0,
            quote_usd: 1.0,
            mark: self.mark,
        })
    }
}

fn perpetuals(example: &Value, group: &mut Group) -> Result<(), ExampleError> {
    let rulebook = rulebook("deribit-sm")?;
    for (index, row) in list(example, "cases")?.iter().enumerate() {
        let name = format!("cases[{index}]");
        if let Err(error) = perpetual(&rulebook, row, &name, group) {
            group.fault(name, error.to_string());
        }
    }
    group.note(format!("rates at size zero are those at {TINY_SIZE_COIN} coin"));
    Ok(())
}

fn perpetual(rulebook: &Rulebook, row: &Value, name: &str, group: &mut Group) -> Result<(), ExampleError> {
    let (symbol, price, size_coin) = (text(row, "sym")?, number(row, "price")?, number(row, "size")?);
    let (underlying, currency) =
        symbol.split_once('_').ok_or_else(|| ExampleError::Instrument(symbol.to_owned()))?;
    let asked = |size_coin: f64| -> Result<Levels, ExampleError> {
        let leg = LinearLeg {
            underlying: Asset::new(underlying)?,
            currency: Asset::new(currency)?,
            terms: Terms::Perpetual,
            size_coin,
            entry_price: None,
            index: price,
            mark: Mark::Perpetual { price: Forward::new(price)? },
        };
        requirement(rulebook, leg.leg()?)
    };
    let usd = asked(size_coin)?;
    let coin = usd.times(1.0 / price);
    let rated = if size_coin == 0.0 { TINY_SIZE_COIN } else { size_coin };
    let rate = asked(rated)?.times(1.0 / (rated * price));
    let name = format!("{name}: {symbol} {size_coin}");
    for (key, ours) in [
        ("im", usd.initial),
        ("mm", usd.maintenance),
        ("im_coin", coin.initial),
        ("mm_coin", coin.maintenance),
        ("im_rate", rate.initial),
        ("mm_rate", rate.maintenance),
    ] {
        printed(row, key, ours, &name, group)?;
    }
    Ok(())
}

/// An option on an account, of unit size unless told otherwise.
struct DocumentedOption {
    underlying: Asset,
    currency: Asset,
    kind: OptionKind,
    strike: f64,
    index: f64,
    mark: f64,
    entry_price: Option<f64>,
    size_coin: f64,
}

impl DocumentedOption {
    /// The vol is the one at which the option is worth its mark in thirty days: requirements see the mark alone.
    fn leg(self) -> Result<Leg, ExampleError> {
        let (forward, strike) = (Forward::new(self.index)?, Strike::new(self.strike)?);
        let expiry = YearFraction::new(30.0 / 365.0)?;
        let discount = Discount::new(1.0)?;
        let quote = OptionQuote { price: self.mark, forward, strike, expiry, discount, kind: self.kind };
        let vol = Reference.implied_vol(&quote)?;
        option_leg(self, Mark::Option { forward, vol, strike, kind: quote.kind, expiry })
    }
}

fn option_leg(option: DocumentedOption, mark: Mark) -> Result<Leg, ExampleError> {
    let strike = Decimal::try_from(option.strike).map_err(|_| ExampleError::Part("strike"))?;
    LinearLeg {
        terms: Terms::Option {
            expiry: Timestamp::from_unix_millis(30 * 86_400_000)?,
            strike: Price::new(strike),
            kind: option.kind,
        },
        underlying: option.underlying,
        currency: option.currency,
        size_coin: option.size_coin,
        entry_price: option.entry_price,
        index: option.index,
        mark,
    }
    .leg()
}

fn option_settlement(example: &Value, group: &mut Group) -> Result<(), ExampleError> {
    let row = part(example, "case")?;
    let (strike, delivery) = (number(row, "strike")?, number(row, "delivery")?);
    // Positions are in coins: contracts times the multiplier.
    let size_coin = number(row, "long")? * number(row, "multiplier")?;
    let kind = kind(row, "type")?;
    let option = DocumentedOption {
        underlying: Asset::new("SOL")?,
        currency: Asset::new("USDC")?,
        kind,
        strike,
        index: delivery,
        mark: 0.0,
        entry_price: Some(number(row, "premium")?),
        size_coin,
    };
    let mark = Mark::Option {
        forward: Forward::new(delivery)?,
        vol: Vol::new(1.0)?,
        strike: Strike::new(strike)?,
        kind,
        expiry: YearFraction::ZERO,
    };
    let leg = option_leg(option, mark)?;
    let cost = leg.entry_value.ok_or(ExampleError::Part("premium"))?;
    let settlement = leg.option_value_usd();
    for (key, ours) in [("cost", cost), ("settlement", settlement), ("profit", settlement - cost)] {
        printed(row, key, ours, "case", group)?;
    }
    Ok(())
}

fn delta_decay(example: &Value, group: &mut Group) -> Result<(), ExampleError> {
    let row = part(example, "case")?;
    let minutes_left = 30.0 - number(row, "minutes")?;
    let share = SettlementWindow::DERIBIT.remaining_share(YearFraction::new(minutes_left / MINUTES_A_YEAR)?);
    let delta = number(row, "bs_delta")?;
    let published = PublishedDelta { delta, mark_coin: number(row, "mark")? };
    printed(row, "net_delta", published.net(share), "case", group)?;
    printed(row, "decayed_delta", PublishedDelta { delta, mark_coin: 0.0 }.net(share), "case", group)
}

fn net_transaction_delta(example: &Value, group: &mut Group) -> Result<(), ExampleError> {
    for (index, row) in list(example, "cases")?.iter().enumerate() {
        // The whole delivery price is open: delta less mark.
        let published = PublishedDelta { delta: number(row, "bs_delta")?, mark_coin: number(row, "mark")? };
        printed(row, "ntd", published.net(1.0), &format!("cases[{index}]"), group)?;
    }
    Ok(())
}

fn bit_com_option(example: &Value, group: &mut Group) -> Result<(), ExampleError> {
    let row = part(example, "case")?;
    let instrument = text(row, "instrument")?;
    let parts: Vec<&str> = instrument.split('-').collect();
    let [underlying, currency, _, strike, letter] = parts.as_slice() else {
        return Err(ExampleError::Instrument(instrument.to_owned()));
    };
    let kind = match *letter {
        "C" => OptionKind::Call,
        "P" => OptionKind::Put,
        _ => return Err(ExampleError::Instrument(instrument.to_owned())),
    };
    if strike.parse() != Ok(number(row, "strike")?) {
        return Err(ExampleError::Instrument(format!("{instrument} against the strike of its row")));
    }
    let size_coin = number(row, "size")?;
    let (underlying, currency) = (Asset::new(underlying)?, Asset::new(currency)?);
    let (strike, index, mark) = (number(row, "strike")?, number(row, "underlying")?, number(row, "mark")?);
    let option =
        DocumentedOption { underlying, currency, kind, strike, index, mark, entry_price: None, size_coin };
    let asked = requirement(&rulebook("bit-com-options")?, option.leg()?)?;
    let each = asked.times(1.0 / size_coin.abs());
    for (key, ours) in [
        ("im", asked.initial),
        ("mm", asked.maintenance),
        ("im_per", each.initial),
        ("mm_per", each.maintenance),
    ] {
        printed(row, key, ours, instrument, group)?;
    }
    Ok(())
}

fn bybit_option(example: &Value, group: &mut Group) -> Result<(), ExampleError> {
    let row = part(example, "case")?;
    let option = DocumentedOption {
        underlying: Asset::new("BTC")?,
        currency: Asset::new("USDC")?,
        kind: kind(row, "type")?,
        strike: number(row, "strike")?,
        index: number(row, "index")?,
        mark: number(row, "mark")?,
        entry_price: Some(number(row, "entry")?),
        size_coin: number(row, "size")?,
    };
    let asked = requirement(&rulebook("bybit-options")?, option.leg()?)?;
    printed(row, "im", asked.initial, "case", group)?;
    printed(row, "mm", asked.maintenance, "case", group)
}
