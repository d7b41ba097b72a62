//! Lending reserves and accounts of portfolio margin.
//!
//! Reserves print totals and rates: those are compared. An account of portfolio margin prints figures that depend on prices and on
//! its perpetual account; a recording without them cannot be recomputed, so those figures are measured with the reserve prices of
//! the same file where there is a rule, and counted with the reason where there is none.

use super::super::super::result::{Comparison, Group, GroupResult};
use super::super::super::vectors::{CaseError, number};
use super::Files;
use super::recorded::list;
use crate::conformance::margin::tiered::shipped;
use ::margin::tiered::{LendingRule, PortfolioRule};
use serde_json::Value;
use std::collections::BTreeMap;
use units::Asset;

/// Rates and utilisation are printed to ten decimals.
const TEN_DECIMALS: f64 = 1e-10;

pub(super) fn groups(files: &Files) -> Vec<GroupResult> {
    let book = shipped("hyperliquid-portfolio");
    let model = book.as_ref().and_then(|book| book.tiered());
    let Some((lending, rule)) = model.and_then(|model| Some((model.lending()?, model.portfolio()?))) else {
        let group = Group::checked("lending", "", "the rulebook decides");
        return vec![group.not_run("rulebook 'hyperliquid-portfolio' has no lending or portfolio rule")];
    };
    let mut groups = Groups::new();
    for (name, file) in files.iter().filter(|(name, _)| name.starts_with("lend/")) {
        groups.reserves(name, file, lending);
        groups.health(name, file);
    }
    for (name, file) in files {
        groups.portfolio(name, file, rule);
    }
    let Groups { reserves, healthy, ratios, prices } = groups;
    [reserves, healthy, ratios, prices]
        .into_iter()
        .map(|group| if group.is_empty() { group.not_run("no file has it") } else { group.finish() })
        .collect()
}

struct Groups {
    reserves: Group,
    healthy: Group,
    ratios: Group,
    prices: Group,
}

impl Groups {
    fn new() -> Self {
        Self {
            reserves: Group::checked(
                "lending: utilisation, borrow and supply rate",
                "per year",
                "one unit of the last digit printed, 1e-10",
            ),
            healthy: Group::checked(
                "lending: health factor without a debt",
                "none is 0, some is 1",
                "there is none, or there is one",
            ),
            ratios: Group::informative(
                "portfolio margin: loan to value, parts of caps",
                "fraction",
                "values and caps are parameters of the venue, which it changes",
            ),
            prices: Group::informative(
                "portfolio margin: figures at the reserve prices of the file",
                "relative",
                "prices of the moment are not recorded, and the reserves are of another moment",
            ),
        }
    }

    /// Every object with totals and rates, however deep.
    fn reserves(&mut self, name: &str, value: &Value, rule: &LendingRule) {
        if value.get("borrowYearlyRate").is_some() {
            if let Err(error) = self.reserve(name, value, rule) {
                self.reserves.fault(name, error.to_string());
            }
            return;
        }
        match value {
            Value::Array(items) => {
                items
                    .iter()
                    .zip(1..)
                    .for_each(|(item, n)| self.reserves(&format!("{name}[{n}]"), item, rule));
            }
            Value::Object(map) => {
                map.iter().for_each(|(key, item)| self.reserves(&format!("{name} {key}"), item, rule));
            }
            _ => {}
        }
    }

    fn reserve(&mut self, name: &str, reserve: &Value, rule: &LendingRule) -> Result<(), CaseError> {
        let (borrowed, supplied) = (number(reserve, "totalBorrowed")?, number(reserve, "totalSupplied")?);
        let used = if supplied > 0.0 { borrowed / supplied } else { 0.0 };
        let rates = [
            ("utilization", used),
            ("borrowYearlyRate", rule.borrow_rate(used)),
            ("supplyYearlyRate", rule.supply_rate(used)),
        ];
        for (key, ours) in rates {
            let theirs = number(reserve, key)?;
            self.reserves.compare(Comparison { ours, theirs, tolerance: TEN_DECIMALS, scale: 1.0 }, || {
                format!("{name} {key}")
            });
        }
        Ok(())
    }

    /// Who owes nothing has no health factor.
    fn health(&mut self, name: &str, file: &Value) {
        let user = file.get("borrowLendUserState").unwrap_or(file);
        let Some(theirs) = user.get("healthFactor") else { return };
        let owed: Result<f64, CaseError> =
            list(user, "tokenToState").iter().map(|pair| number(&pair[1]["borrow"], "value")).sum();
        match owed {
            Ok(owed) => {
                let flag = |is: bool| f64::from(u8::from(is));
                let (ours, theirs) = (flag(owed > 0.0), flag(!theirs.is_null()));
                self.healthy
                    .compare(Comparison { ours, theirs, tolerance: 0.0, scale: 1.0 }, || name.to_owned());
            }
            Err(error) => self.healthy.fault(name, error.to_string()),
        }
    }

    fn portfolio(&mut self, name: &str, file: &Value, rule: &PortfolioRule) {
        let spot = file.get("spotClearinghouseState").unwrap_or(file);
        if spot.get("portfolioMarginRatio").is_none() {
            return;
        }
        self.prices.not_compared(
            "portfolioMarginRatio, and the amount of the borrowed token left after maintenance: they need the perpetual account and \
             the orders, which are not recorded",
            2,
        );
        if let Err(error) = self.parts(name, spot, rule) {
            self.ratios.fault(name, error.to_string());
        }
        if file.get("borrowLendUserState").is_some()
            && let Err(error) = self.values(name, file, rule)
        {
            self.prices.fault(name, error.to_string());
        }
    }

    /// Loan to value as the rulebook has it; what is borrowed and supplied as parts of the caps.
    fn parts(&mut self, name: &str, spot: &Value, rule: &PortfolioRule) -> Result<(), CaseError> {
        let (borrowed, supplied) =
            (by_token(spot, "tokenToPortfolioBorrowRatio"), by_token(spot, "tokenToPortfolioSupplyRatio"));
        for row in list(spot, "balances") {
            let Some(coin) = coin(row) else { continue };
            let mut fraction = |what: &str, ours: f64, theirs: f64| {
                let comparison = Comparison { ours, theirs, tolerance: 0.0, scale: 1.0 };
                self.ratios.compare(comparison, || format!("{name} {coin} {what}"));
            };
            fraction("ltv", rule.loan_to_value(&coin).unwrap_or(0.0), number(row, "ltv")?);
            let token = row.get("token").and_then(Value::as_u64).unwrap_or(u64::MAX);
            if let Some(theirs) = borrowed.get(&token) {
                fraction("borrow ratio", number(row, "borrowed")? / rule.borrow_cap_usd(), *theirs);
            }
            if let (Some(theirs), Some(cap)) = (supplied.get(&token), rule.supply_cap(&coin)) {
                fraction("supply ratio", number(row, "supplied")? / cap, *theirs);
            }
        }
        Ok(())
    }

    /// Health factor, and what the coins secure at maintenance, at the reserve prices.
    fn values(&mut self, name: &str, file: &Value, rule: &PortfolioRule) -> Result<(), CaseError> {
        let reserves: BTreeMap<u64, &Value> = pairs(file, "allBorrowLendReserveStates").collect();
        let user = &file["borrowLendUserState"];
        let (mut lent, mut owed, mut secured) = (0.0, 0.0, 0.0);
        for row in list(&file["spotClearinghouseState"], "balances") {
            let token = row.get("token").and_then(Value::as_u64).unwrap_or(u64::MAX);
            let (Some(coin), Some(reserve)) = (coin(row), reserves.get(&token)) else { continue };
            let price = number(reserve, "oraclePx")?;
            let optional = |key: &str| if row.get(key).is_some() { number(row, key) } else { Ok(0.0) };
            owed += optional("borrowed")? * price;
            if let Some(ltv) = rule.loan_to_value(&coin) {
                let value = optional("supplied")? * price;
                lent += value * ltv;
                secured += value * (1.0 + ltv) / 2.0;
            }
        }
        let relative = |ours: f64, theirs: f64| Comparison { ours, theirs, tolerance: 0.0, scale: theirs };
        if owed > 0.0 {
            let theirs = number(user, "healthFactor")?;
            self.prices.compare(relative(lent / owed, theirs), || format!("{name} health factor"));
            let price = theirs * owed / lent;
            self.prices.note(format!("{name}: the health factor is loan to value x value / debt at {price:.7} of the reserve prices"));
        }
        let free = by_token(&file["spotClearinghouseState"], "tokenToAvailableAfterMaintenance");
        for row in list(&file["spotClearinghouseState"], "balances") {
            let token = row.get("token").and_then(Value::as_u64).unwrap_or(u64::MAX);
            let Some(theirs) = free.get(&token).filter(|theirs| **theirs > 0.0) else { continue };
            let total = number(row, "total")?;
            if total == 0.0 {
                // Nothing of it is there: what can be had is what the coins secure.
                self.prices.compare(relative(secured, *theirs), || format!("{name} secured, token {token}"));
            } else if coin(row).is_some_and(|coin| rule.loan_to_value(&coin).is_some()) {
                self.prices.compare(relative(total, *theirs), || format!("{name} coins left, token {token}"));
            }
        }
        Ok(())
    }
}

fn coin(row: &Value) -> Option<Asset> {
    Asset::new(row.get("coin")?.as_str()?).ok()
}

/// `[[token, value], ...]`.
fn pairs<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (u64, &'a Value)> {
    list(value, key).iter().filter_map(|pair| Some((pair.get(0)?.as_u64()?, pair.get(1)?)))
}

/// The same with numbers as text; what is not a number is left out.
fn by_token(value: &Value, key: &str) -> BTreeMap<u64, f64> {
    pairs(value, key).filter_map(|(token, text)| Some((token, text.as_str()?.parse().ok()?))).collect()
}
