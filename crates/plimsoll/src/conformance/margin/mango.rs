//! Suite `mango`: the program's own tests of initial health.
//!
//! The file describes the tokens, the perpetual and the markets of its cases in words (`fixtures`); they are written out here.

use super::integers::{Case, Folder, VectorFile, list, present};
use crate::conformance::result::{Comparison, Group, GroupResult};
use crate::conformance::vectors::{CaseError, number};
use crate::conformance::{Report, Sources};
use margin::mango::{
    Fixed48, HealthAccount, HealthLevel, PerpPosition, Prices, Reserved, TokenIndex, TokenPosition,
    WeightScale, Weights,
};
use serde_json::Value;

pub(in crate::conformance) const ID: &str = "mango";
pub(in crate::conformance) const SUMMARY: &str =
    "Mango v4's own tests: initial health of balances, orders and perpetuals";

static FILES: [VectorFile; 1] = [VectorFile {
    name: "health_cases.json",
    unit: "quote native units",
    tolerance_reason: "1e-8, the source's own; the expected values are f64 and weights such as 0.8 have 48 binary digits",
    compare: health,
}];

const TOLERANCE: f64 = 1e-8;

/// A token of the fixtures.
struct Token {
    key: &'static str,
    price: f64,
    asset: [f64; 2],
    liability: [f64; 2],
}

/// Weights are initial and maintenance.
const TOKENS: [Token; 3] = [
    Token { key: "token1", price: 1.0, asset: [0.8, 0.9], liability: [1.2, 1.1] },
    Token { key: "token2", price: 5.0, asset: [0.5, 0.7], liability: [1.5, 1.3] },
    Token { key: "token3", price: 10.0, asset: [0.5, 0.7], liability: [1.5, 1.3] },
];

/// A spot market of the fixtures: base and quote token, where its orders stand.
struct Market {
    base: u16,
    orders: &'static str,
    lowest_ask: &'static str,
    inverse_of_highest_bid: &'static str,
}

const MARKETS: [Market; 2] = [
    Market {
        base: 1,
        orders: "oo_1_2",
        lowest_ask: "lowest_ask_1_2",
        inverse_of_highest_bid: "highest_bid_inv_1_2",
    },
    Market {
        base: 2,
        orders: "oo_1_3",
        lowest_ask: "lowest_ask_1_3",
        inverse_of_highest_bid: "highest_bid_inv_1_3",
    },
];

/// The perpetual of the fixtures, which settles in token1. Only initial weights are given.
const PERP_PRICE: f64 = 5.0;
const PERP_BASE_LOT: f64 = 10.0;
const PERP_WEIGHTS: [f64; 3] = [0.8, 1.2, 0.95];

pub(in crate::conformance) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    Folder { suite: ID, files: &FILES }.run(sources, progress)
}

fn health(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let theirs = number(case.row, "expected_init_health")?;
    match account(case.row)?.health(HealthLevel::Initial) {
        Ok(ours) => {
            let comparison = Comparison { ours: ours.model(), theirs, tolerance: TOLERANCE, scale: 1.0 };
            group.compare(comparison, || case.name.to_owned());
        }
        Err(error) => group.fault(case.name, error.to_string()),
    }
    Ok(())
}

fn account(row: &Value) -> Result<HealthAccount, CaseError> {
    let mut account = HealthAccount::default();
    for (index, token) in (0_u16..).zip(&TOKENS) {
        let settings = list(row, "bank_settings").get(usize::from(index));
        let scale = |amounts: [&str; 2], start: &str| {
            settings.and_then(|bank| present(bank, start).map(|_| bank)).map(|bank| {
                let amount = number_or_zero(bank, amounts[0])? + number_or_zero(bank, amounts[1])?;
                Ok::<_, CaseError>(WeightScale {
                    amount: fixed(amount)?,
                    start_quote: fixed(number(bank, start)?)?,
                })
            })
        };
        let deposits = scale(["deposits", "potential_serum_tokens"], "deposit_weight_scale_start_quote");
        let borrows = scale(["borrows", ""], "borrow_weight_scale_start_quote");
        let position = TokenPosition {
            balance: fixed(number_or_zero(row, token.key)?)?,
            prices: Prices::oracle(fixed(token.price)?),
            asset: weights(token.asset)?,
            liability: weights(token.liability)?,
            deposit_scale: deposits.transpose()?,
            borrow_scale: borrows.transpose()?,
        };
        account.tokens.insert(TokenIndex(index), position);
    }
    for market in &MARKETS {
        let [quote, base] = list(row, market.orders) else { continue };
        let (quote, base) = (item(quote)?, item(base)?);
        account.reserved.push(Reserved {
            base_token: TokenIndex(market.base),
            quote_token: TokenIndex(0),
            base: fixed(base)?,
            quote: fixed(quote)?,
            lowest_ask: limit(row, market.lowest_ask)?,
            inverse_of_highest_bid: limit(row, market.inverse_of_highest_bid)?,
        });
    }
    account.perps.extend(perp(row)?);
    Ok(account)
}

/// Base lots, quote, and the base lots of bids and asks.
fn perp(row: &Value) -> Result<Option<PerpPosition>, CaseError> {
    let [lots, quote, bids, asks] = list(row, "perp1") else { return Ok(None) };
    let base = |lots: &Value| item(lots).and_then(|lots| fixed(lots * PERP_BASE_LOT));
    let [asset, liability, overall] = PERP_WEIGHTS;
    Ok(Some(PerpPosition {
        settle_token: TokenIndex(0),
        base: base(lots)?,
        quote: fixed(item(quote)?)?,
        bids: base(bids)?,
        asks: base(asks)?,
        prices: Prices::oracle(fixed(PERP_PRICE)?),
        asset: weights([asset; 2])?,
        liability: weights([liability; 2])?,
        overall_asset: weights([overall; 2])?,
    }))
}

fn weights([initial, maintenance]: [f64; 2]) -> Result<Weights, CaseError> {
    Ok(Weights { initial: fixed(initial)?, maintenance: fixed(maintenance)? })
}

fn limit(row: &Value, key: &str) -> Result<Option<Fixed48>, CaseError> {
    present(row, key).map(|_| fixed(number(row, key)?)).transpose()
}

fn number_or_zero(row: &Value, key: &str) -> Result<f64, CaseError> {
    if present(row, key).is_some() { number(row, key) } else { Ok(0.0) }
}

fn item(value: &Value) -> Result<f64, CaseError> {
    value.as_f64().ok_or_else(|| CaseError::Number(value.to_string()))
}

fn fixed(value: f64) -> Result<Fixed48, CaseError> {
    Fixed48::nearest(value).ok_or_else(|| CaseError::Number(value.to_string()))
}
