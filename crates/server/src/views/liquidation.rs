//! How far each index may move before the venue closes an account. The figures of `plimsoll liquidation`.
//!
//! Each coin moves alone, the other coins and all vols stay as they are. The distance is also given in standard deviations of a day, by the
//! vol of the account's option nearest to the money, else by the market's at the money of 30 days.

use super::margins::{is_stale, rulebook_of};
use super::surface::finite;
use super::{Params, View, ViewError, shape, value};
use crate::frame::Frame;
use margin::{
    AccountState, Crossing, Liquidation, LiquidationQuery, LiquidationReport, Path, Side, liquidation,
    own_at_the_money_vol,
};
use serde::Serialize;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use units::{Account, Asset, Fixed, Venue, Vol, YearFraction};

pub(super) const VIEW: View = View {
    name: "liquidation",
    says: "How far each index may move, alone, before the venue closes an account",
    params: &[],
    every_millis: 5_000,
    compute,
    schema: shape::<Distances>,
};

/// Tenor of the market's vol: what desks quote as the one-month vol.
pub(super) const MARKET_VOL_DAYS: u16 = 30;
const PATH: &str = "each coin alone, the others and all vols as they are";

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Distances {
    /// One for each account and coin that it depends on, the nearest first.
    accounts: Vec<Distance>,
    path: &'static str,
}

/// One account on the path of one coin.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct Distance {
    #[schema(value_type = String)]
    pub(super) account: Account,
    #[schema(value_type = String)]
    pub(super) venue: Venue,
    /// Why a side is not known, or why nothing was searched.
    pub(super) why_not: Option<String>,
    /// The coin that moves; null for an account that depends on none.
    #[schema(value_type = Option<String>)]
    pub(super) driver: Option<Asset>,
    pub(super) index_usd: Option<f64>,
    /// Null when no fall closes the account; no move at all when the venue may close it now.
    pub(super) down: Option<Reached>,
    pub(super) up: Option<Reached>,
    daily_vol: Option<f64>,
    /// Counted less asked, at maintenance; below zero the venue may close it now.
    #[schema(value_type = Option<String>)]
    to_liquidation_usd: Option<Fixed>,
    is_stale: bool,
}

/// Where the venue closes the account.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct Reached {
    pub(super) price_usd: Option<f64>,
    /// Of the index, below zero downward.
    pub(super) percent: f64,
    /// Size of the move in standard deviations of a day.
    daily_sigmas: Option<f64>,
}

fn compute(frame: &Frame, _params: &Params) -> Result<Value, ViewError> {
    let accounts = frame.accounts().iter();
    let mut lines: Vec<Distance> = accounts.flat_map(|state| of_account(frame, state)).collect();
    lines.sort_by(nearest_first);
    value(&Distances { accounts: lines, path: PATH })
}

/// One line a coin that the account depends on; one that says so when there is none.
fn of_account(frame: &Frame, state: &AccountState) -> Vec<Distance> {
    let lines: Vec<Distance> = drivers(state).into_iter().map(|driver| line(frame, state, driver)).collect();
    if lines.is_empty() {
        let why = "nothing that is margined in the account depends on the price of a coin";
        return vec![Distance { why_not: Some(why.into()), ..empty(frame, state) }];
    }
    lines
}

/// Underlyings of its legs and coins among its balances.
fn drivers(state: &AccountState) -> BTreeSet<Asset> {
    let held =
        state.balances.iter().filter(|balance| balance.amount != 0.0).map(|balance| balance.asset.clone());
    state.underlyings().into_iter().chain(held.filter(|asset| !asset.is_currency())).collect()
}

/// Every account that depends on one coin, by account and venue.
pub(super) fn of_driver(frame: &Frame, driver: &Asset) -> Vec<Distance> {
    let own = frame.accounts().iter().filter(|state| drivers(state).contains(driver));
    own.map(|state| line(frame, state, driver.clone())).collect()
}

fn empty(frame: &Frame, state: &AccountState) -> Distance {
    Distance {
        account: state.account.clone(),
        venue: state.venue.clone(),
        why_not: None,
        driver: None,
        index_usd: None,
        down: None,
        up: None,
        daily_vol: None,
        to_liquidation_usd: None,
        is_stale: is_stale(frame, state),
    }
}

fn line(frame: &Frame, state: &AccountState, driver: Asset) -> Distance {
    let market = frame.market();
    let index_usd = market.spot(&driver).ok().map(units::Spot::get);
    let line = Distance { driver: Some(driver.clone()), index_usd, ..empty(frame, state) };
    let rulebook = match rulebook_of(frame, state) {
        Ok(rulebook) => rulebook,
        Err(why) => return Distance { why_not: Some(why), ..line },
    };
    let own = own_at_the_money_vol(state, &driver).map(|(vol, _)| vol);
    let vol = own.or_else(|| market.at_the_money_vol(&driver, MARKET_VOL_DAYS).ok().map(|(vol, _)| vol));
    let query = LiquidationQuery { path: Path::alone(driver.clone()), vol, ..LiquidationQuery::of(driver) };
    found(liquidation(rulebook, state, &query), (vol, line))
}

fn found(report: LiquidationReport, (vol, line): (Option<Vol>, Distance)) -> Distance {
    let index_usd = report.index_usd.or(line.index_usd);
    let line = Distance {
        index_usd,
        daily_vol: vol.map(|annual| annual.get() / YearFraction::DAYS.sqrt()),
        to_liquidation_usd: Fixed::quantise_down(report.surplus_usd).ok(),
        ..line
    };
    match report.liquidation {
        Liquidation::Undefined { reason } => Distance { why_not: Some(reason), ..line },
        Liquidation::Already => {
            let now = Some(Reached { price_usd: index_usd, percent: 0.0, daily_sigmas: vol.map(|_| 0.0) });
            Distance { down: now, up: now, ..line }
        }
        Liquidation::Searched { down, up } => Distance {
            why_not: unknown("down", &down).or_else(|| unknown("up", &up)),
            down: reached(&down, index_usd),
            up: reached(&up, index_usd),
            ..line
        },
    }
}

fn reached(side: &Side, index_usd: Option<f64>) -> Option<Reached> {
    let Side::Price(Crossing { price_usd, factor, percent, daily_sigmas, .. }) = side else { return None };
    Some(Reached {
        price_usd: price_usd.or_else(|| Some(index_usd? * factor)).and_then(finite),
        percent: finite(*percent)?,
        daily_sigmas: daily_sigmas.and_then(finite),
    })
}

fn unknown(name: &str, side: &Side) -> Option<String> {
    let Side::Unknown { to_factor, reason } = side else { return None };
    Some(format!("{name}: not known beyond {:+.2} %: {reason}", 100.0 * (to_factor - 1.0)))
}

impl Distance {
    /// Size of the nearest move that closes the account, percent.
    fn nearest_percent(&self) -> Option<f64> {
        let sides = [self.down, self.up].into_iter().flatten();
        sides.map(|side| side.percent.abs()).min_by(f64::total_cmp)
    }
}

fn nearest_first(a: &Distance, b: &Distance) -> Ordering {
    let distance = |line: &Distance| line.nearest_percent().unwrap_or(f64::INFINITY);
    let name = |line: &Distance| (line.account.clone(), line.venue.clone(), line.driver.clone());
    distance(a).total_cmp(&distance(b)).then_with(|| name(a).cmp(&name(b)))
}

#[cfg(test)]
mod tests {
    use super::super::margins::{AccountMargins, accounts};
    use super::super::testing::{DEMO, SAMPLE, data, figure, keys};
    use super::*;
    use market::{Bump, BumpAsked};

    const KEYS: &str = "account daily_vol down driver index_usd is_stale to_liquidation_usd up venue why_not";

    #[test]
    fn lines_are_sorted_and_have_the_keys_of_the_contract() {
        for frame in [&*DEMO, &*SAMPLE] {
            let view = data(frame, "liquidation", &[]).unwrap();
            let lines = view["accounts"].as_array().unwrap();
            assert!(lines.len() > 2);
            let nearest = |line: &Value| {
                let side = |name: &str| line[name]["percent"].as_f64().map_or(f64::INFINITY, f64::abs);
                side("down").min(side("up"))
            };
            assert!(lines.is_sorted_by(|a, b| nearest(a) <= nearest(b)));
            for line in lines {
                assert_eq!(keys(line), KEYS.split_whitespace().collect());
                let (down, up) = (line["down"]["percent"].as_f64(), line["up"]["percent"].as_f64());
                assert!(down.is_none_or(|down| down <= 0.0) && up.is_none_or(|up| up >= 0.0), "{line}");
                if let Some(sigmas) = line["down"]["daily_sigmas"].as_f64() {
                    let own = down.unwrap().abs() / 100.0 / line["daily_vol"].as_f64().unwrap();
                    assert!((sigmas - own).abs() <= 1e-9 * (1.0 + own), "{line}");
                }
            }
        }
    }

    /// Moved to the price that is told, and a little beyond, the account can be closed; a little before, it cannot.
    #[test]
    fn at_the_price_that_is_told_the_requirement_meets_what_counts() {
        let view = data(&SAMPLE, "liquidation", &[]).unwrap();
        let lines = view["accounts"].as_array().unwrap();
        let found = |line: &&Value| line["down"]["percent"].as_f64().is_some_and(|percent| percent < 0.0);
        let line = lines.iter().find(found).unwrap();
        let percent = line["down"]["percent"].as_f64().unwrap();
        let driver = Asset::new(line["driver"].as_str().unwrap()).unwrap();
        let state = SAMPLE
            .accounts()
            .iter()
            .find(|state| line["account"] == state.account.as_str() && line["venue"] == state.venue.as_str());
        let (state, surplus) = (state.unwrap(), |state: &AccountState| {
            rulebook_of(&SAMPLE, state).unwrap().margin(state).outcome.surplus().maintenance
        });
        let at =
            |percent: f64| surplus(&state.moved(&margin::Move::of(driver.clone(), 1.0 + percent / 100.0)));
        assert!(at(percent * 0.999) >= 0.0 && at(percent * 1.001) < 0.0);
        assert!((surplus(state) - figure(&line["to_liquidation_usd"])).abs() < 1e-6);
    }

    #[test]
    fn after_a_fall_through_the_price_the_account_is_at_it_now() {
        let view = data(&SAMPLE, "liquidation", &[]).unwrap();
        assert!(view["accounts"].as_array().unwrap().iter().all(|line| line["down"]["percent"] != 0.0));
        let bump = Bump::new(BumpAsked { spot_percent: -80.0, vol_points: 0.0, days: 0.0 }).unwrap();
        let frame = SAMPLE.bumped(bump).unwrap();
        let short: Vec<AccountMargins> = accounts(&frame)
            .into_iter()
            .filter(|account| {
                account.why_not.is_none() && account.equity_usd < account.maintenance_margin_usd
            })
            .collect();
        assert!(!short.is_empty());
        let view = data(&frame, "liquidation", &[]).unwrap();
        let lines = view["accounts"].as_array().unwrap();
        for account in short {
            let now = |line: &&Value| {
                let is_it =
                    line["account"] == account.account.as_str() && line["venue"] == account.venue.as_str();
                is_it && line["down"]["percent"] == 0.0
            };
            let line = lines.iter().find(now).unwrap();
            assert!(figure(&line["to_liquidation_usd"]) < 0.0);
        }
    }
}
