//! Accounts: sums, margin, liquidation prices and withdrawable amounts.
//!
//! An account goes through the engine as a user's would: an account state with the recorded sizes, marks and gains, and a rulebook
//! made of the recorded tables, the largest leverage of each position and the leverage that its owner set. A liquidation price is
//! the closed form at the wallet that the venue prints, so a trimmed recording has one too.

use super::super::super::result::{Comparison, Group, GroupResult};
use super::super::super::vectors::{CaseError, number};
use super::recorded::{Account, AnswerError, Margin, Meta, Position, list};
use super::{AMOUNT, Files, amount, starting};
use crate::conformance::margin::tiered::shipped;
use ::margin::tiered::{Held, LinearPosition, TieredMargin, Tiers};
use ::margin::{AccountState, Holding, Leg, Mark, Outcome, Rulebook};
use instrument::{Contract, Settlement, Terms};
use serde_json::Value;
use std::fmt::Write;
use units::{Asset, Decimal, Forward, Symbol, Timestamp, Venue};

const TRIMMED: &str = "recordings whose positions do not add up to the published notional";
/// Observed in recordings: what is held back for open orders is their margin and one percent of it.
const ORDER_BUFFER: f64 = 1.01;

/// One group for each quantity.
struct Groups {
    value: Group,
    maintenance: Group,
    trimmed_maintenance: Group,
    used: Group,
    price: Group,
    after: Group,
    withdrawable: Group,
    with_orders: Group,
}

pub(super) fn groups(files: &Files, meta: &Meta, faults: &mut Group) -> Vec<GroupResult> {
    let mut groups = Groups {
        value: Group::checked("account value", "USD", AMOUNT),
        maintenance: Group::checked("cross maintenance margin", "USD", AMOUNT),
        trimmed_maintenance: Group::informative(
            "cross maintenance margin of trimmed recordings",
            "relative",
            "holds only if positions left out have the largest leverage of those that are there, and one tier",
        ),
        used: Group::checked("margin used", "USD", AMOUNT),
        price: Group::checked(
            "liquidation price",
            "relative",
            "target of the project, 1e-9; no finer than two units of the last digit of the wallet over the size",
        ),
        after: Group::checked("unified account: left after maintenance", "USD", AMOUNT),
        withdrawable: Group::checked("withdrawable", "USD", AMOUNT),
        with_orders: Group::informative(
            "withdrawable with open orders",
            "USD",
            "orders are not recorded: their margin is taken from what the spot account holds back",
        ),
    };
    let mut accounts = 0;
    for (name, file) in starting(files, "clearinghouse_").chain(starting(files, "acct_perp_")) {
        accounts += 1;
        let spot = name.strip_prefix("acct_perp_").and_then(|rest| files.get(&format!("acct_spot_{rest}")));
        let compared = Account::read(file)
            .map_err(AnswerError::from)
            .and_then(|account| groups.account(&Case { name, account, meta, unified: unified(spot)? }));
        if let Err(error) = compared {
            faults.fault(name, error.to_string());
        }
    }
    groups.price.note(format!("{accounts} accounts"));
    let Groups { value, maintenance, trimmed_maintenance, used, price, after, withdrawable, with_orders } =
        groups;
    let all = [value, maintenance, trimmed_maintenance, used, price, after, withdrawable, with_orders];
    all.into_iter()
        .map(|group| if group.is_empty() { group.not_run("no account has it") } else { group.finish() })
        .collect()
}

/// What the spot state of a unified account adds.
#[derive(Debug, Clone, Copy)]
struct Unified {
    total: f64,
    hold: f64,
    after_maintenance: f64,
}

/// The money of perpetuals.
const MONEY: &str = "USDC";

fn unified(spot: Option<&Value>) -> Result<Option<Unified>, AnswerError> {
    let Some(spot) = spot else { return Ok(None) };
    let named = |row: &&Value| row.get("coin").and_then(Value::as_str) == Some(MONEY);
    let Some(row) = list(spot, "balances").iter().find(named) else { return Ok(None) };
    let token = row.get("token").and_then(Value::as_u64);
    let after = list(spot, "tokenToAvailableAfterMaintenance").iter();
    let Some(after) = after.into_iter().find(|pair| pair.get(0).and_then(Value::as_u64) == token) else {
        return Ok(None);
    };
    let after_maintenance = after.get(1).and_then(Value::as_str).and_then(|text| text.parse().ok());
    let after_maintenance =
        after_maintenance.ok_or_else(|| CaseError::Number("tokenToAvailableAfterMaintenance".into()))?;
    Ok(Some(Unified { total: number(row, "total")?, hold: number(row, "hold")?, after_maintenance }))
}

/// One account.
struct Case<'a> {
    name: &'a str,
    account: Account,
    meta: &'a Meta,
    unified: Option<Unified>,
}

impl Case<'_> {
    fn is_complete(&self, positions: &[&Position], notional: f64) -> bool {
        let sum: f64 = positions.iter().map(|position| position.value).sum();
        agree(sum, notional)
    }
}

/// Whether two printed amounts are the same to their digits.
fn agree(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= amount(ours, theirs).tolerance
}

impl Groups {
    fn account(&mut self, case: &Case<'_>) -> Result<(), AnswerError> {
        self.sums(case);
        let cross = case.account.cross_positions();
        if case.is_complete(&cross, case.account.cross.notional) {
            self.engine(case, &cross)?;
        } else {
            self.maintenance.not_compared(TRIMMED, 1);
            self.trimmed(case, &cross);
        }
        for position in &case.account.positions {
            self.position(case, position)?;
        }
        self.withdrawal(case)
    }

    /// Account value = raw ledger + signed values.
    fn sums(&mut self, case: &Case<'_>) {
        let account = &case.account;
        let all: Vec<&Position> = account.positions.iter().collect();
        for (word, positions, summary) in
            [("all", all, account.all), ("cross", account.cross_positions(), account.cross)]
        {
            if !case.is_complete(&positions, summary.notional) {
                self.value.not_compared(TRIMMED, 1);
                continue;
            }
            let ours = summary.raw_usd + positions.iter().map(|p| p.signed_value()).sum::<f64>();
            self.value.compare(amount(ours, summary.account_value), || format!("{} {word}", case.name));
            let used: f64 = positions.iter().map(|position| position.margin_used).sum();
            self.used.compare(amount(used, summary.margin_used), || format!("{} sum {word}", case.name));
        }
    }

    /// A whole account through the engine.
    fn engine(&mut self, case: &Case<'_>, cross: &[&Position]) -> Result<(), AnswerError> {
        let account = &case.account;
        let gains: f64 = cross.iter().map(|position| position.unrealised).sum();
        let entries: f64 = cross.iter().map(|position| position.signed_value() - position.unrealised).sum();
        // The raw ledger holds what the positions cost; a unified balance holds their gains.
        let balance = case.unified.map_or(account.cross.raw_usd + entries, |spot| spot.total - gains);
        let outcome = outcome(case, cross, Wallet { mode: "cross", balance })?;
        self.maintenance.compare(amount(outcome.requirement.maintenance, account.cross_maintenance), || {
            case.name.to_owned()
        });
        match case.unified {
            None => {
                let comparison = amount(outcome.equity_usd, account.cross.account_value);
                self.value.compare(comparison, || format!("{} engine", case.name));
            }
            Some(spot) => {
                let comparison = amount(outcome.surplus().maintenance, spot.after_maintenance);
                self.after.compare(comparison, || case.name.to_owned());
            }
        }
        Ok(())
    }

    fn trimmed(&mut self, case: &Case<'_>, cross: &[&Position]) {
        let Some(first) = cross.first() else { return };
        if cross.iter().any(|position| (position.maximum_leverage - first.maximum_leverage).abs() > 0.5) {
            return;
        }
        let ours = case.account.cross.notional / (2.0 * first.maximum_leverage);
        let theirs = case.account.cross_maintenance;
        let comparison = Comparison { ours, theirs, tolerance: 0.0, scale: theirs };
        self.trimmed_maintenance.compare(comparison, || case.name.to_owned());
    }

    /// Margin and liquidation price of one position.
    fn position(&mut self, case: &Case<'_>, position: &Position) -> Result<(), AnswerError> {
        let tiers = case.meta.tiers_of(position)?;
        let name = || format!("{} {}", case.name, position.coin);
        let (used, available) = match position.margin {
            Margin::Isolated { raw_usd } => {
                let outcome = outcome(case, &[position], Wallet { mode: "isolated", balance: raw_usd })?;
                (outcome.equity_usd, outcome.equity_usd)
            }
            Margin::Cross => {
                let outcome = outcome(case, &[position], Wallet { mode: "cross", balance: 0.0 })?;
                let left = case
                    .unified
                    .map_or(case.account.cross.account_value - case.account.cross_maintenance, |spot| {
                        spot.after_maintenance
                    });
                (outcome.requirement.initial, left + outcome.requirement.maintenance)
            }
        };
        self.used.compare(amount(used, position.margin_used), name);
        self.price(position, available, &tiers, name);
        Ok(())
    }

    fn price(&mut self, position: &Position, available: f64, tiers: &Tiers, name: impl Fn() -> String) {
        let linear = LinearPosition { quantity: position.size, price: position.price(), available };
        match (linear.liquidation_price(tiers), position.liquidation_price) {
            (None, None) => {
                let none = Comparison { ours: 0.0, theirs: 0.0, tolerance: 1e-9, scale: 1.0 };
                self.price.compare(none, || format!("{}: none", name()));
            }
            (Some(ours), Some(theirs)) => {
                let wallet_digits = 2e-6 / (position.size.abs() * theirs);
                let tolerance = wallet_digits.max(1e-9);
                self.price.compare(Comparison { ours, theirs, tolerance, scale: theirs }, name);
            }
            (ours, theirs) => {
                self.price.fault(name(), format!("ours {ours:?}, theirs {theirs:?}"));
            }
        }
    }

    /// Equity less what a transfer must leave: max(initial margin, a part of the notional).
    fn withdrawal(&mut self, case: &Case<'_>) -> Result<(), AnswerError> {
        let book = shipped("hyperliquid");
        let Some(model) = book.as_ref().and_then(Rulebook::tiered) else {
            return Err(AnswerError::Rulebook("rulebook 'hyperliquid' is not shipped".into()));
        };
        let (cross, theirs) = (case.account.cross, case.account.withdrawable);
        let left = |model: &TieredMargin, orders: f64| {
            let held = Held { initial_margin: cross.margin_used + orders, notional: cross.notional };
            (cross.account_value - model.transfer_margin(held).unwrap_or(f64::NAN)).max(0.0)
        };
        match case.unified.filter(|spot| !agree(spot.hold, cross.margin_used)) {
            None => {
                self.withdrawable.compare(amount(left(model, 0.0), theirs), || case.name.to_owned());
            }
            Some(spot) => {
                self.withdrawable.not_compared("accounts with open orders, which are not recorded", 1);
                let orders = (spot.hold - cross.margin_used) / ORDER_BUFFER;
                self.with_orders.compare(amount(left(model, orders), theirs), || {
                    format!("{}: orders of {orders:.6} USD", case.name)
                });
            }
        }
        Ok(())
    }
}

/// How a state is margined, and its balance.
#[derive(Debug, Clone, Copy)]
struct Wallet {
    mode: &'static str,
    balance: f64,
}

/// The engine's figures for some positions of an account.
fn outcome(case: &Case<'_>, positions: &[&Position], wallet: Wallet) -> Result<Outcome, AnswerError> {
    let book = rulebook(case.meta, positions, wallet.mode)?;
    let asof = Timestamp::from_unix_millis(case.account.time_millis)?;
    let holding = Holding { asset: Asset::new(MONEY)?, amount: wallet.balance, price_usd: 1.0 };
    let state = AccountState {
        account: units::Account::new(case.name)?,
        venue: Venue::new("hyperliquid")?,
        asof,
        legs: positions.iter().map(|position| leg(position)).collect::<Result<Vec<_>, _>>()?,
        balances: vec![holding],
        unmargined: Vec::new(),
    };
    let outcome = book.outcome(&state);
    match outcome.unmargined.first() {
        Some(missing) => Err(AnswerError::Rulebook(format!("{}: {}", missing.symbol, missing.reason))),
        None => Ok(outcome),
    }
}

fn leg(position: &Position) -> Result<Leg, AnswerError> {
    let price = position.price();
    Ok(Leg {
        symbol: Symbol::new(&position.coin)?,
        contract: Contract {
            underlying: Asset::new(&position.coin)?,
            terms: Terms::Perpetual,
            settlement: Settlement::Quanto { currency: Asset::new(MONEY)?, multiplier: Decimal::ONE },
        },
        quantity: position.size,
        entry_value: Some(position.signed_value() - position.unrealised),
        index_usd: price,
        settlement_usd: 1.0,
        quote_usd: 1.0,
        mark: Mark::Perpetual { price: Forward::new(price)? },
    })
}

/// A parameter file with the tables of these positions.
fn rulebook(meta: &Meta, positions: &[&Position], mode: &str) -> Result<Rulebook, AnswerError> {
    let mut text = format!(
        "id = \"recorded\"\ntitle = \"Recorded tables\"\nengine = \"tiered\"\nvalid_from = \"2026-01-01\"\nsources = [\"recorded meta\"]\n\
         mode = \"{mode}\"\nmaintenance_of_initial = 0.5\n[collateral]\nothers = \"excluded\"\n[collateral.par]\n{MONEY} = 1.0\n"
    );
    let mut leverages = String::from("[leverage]\n");
    // An account without positions needs a table all the same.
    let mut tables = String::from("[linear.none]\nunderlyings = [\"NONE\"]\nfrom = [0]\nleverage = [1]\n");
    for position in positions {
        let tiers = meta.tiers_of(position)?;
        let column = |of: fn(f64, f64) -> f64| -> Vec<f64> {
            tiers.rows().map(|(tier, _)| of(tier.from, tier.maximum_leverage)).collect()
        };
        let (from, leverage) = (column(|from, _| from), column(|_, leverage| leverage));
        let coin = position.coin.to_uppercase();
        let _ = writeln!(leverages, "\"{coin}\" = {:?}", position.leverage);
        let _ = writeln!(
            tables,
            "[linear.\"{coin}\"]\nunderlyings = [\"{coin}\"]\nfrom = {from:?}\nleverage = {leverage:?}"
        );
    }
    text.push_str(&leverages);
    text.push_str(&tables);
    Rulebook::parse("recorded", &text).map_err(|issues| AnswerError::Rulebook(issues.to_string()))
}
