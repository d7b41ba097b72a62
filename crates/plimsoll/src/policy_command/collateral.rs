//! Rules that move collateral: as JSON, and in words.

use super::table::{amount, time};
use super::word;
use crate::render::grid::{heading, line};
use engine::Collateral;
use serde::Serialize;
use units::Fixed;

#[derive(Serialize)]
pub(super) struct CollateralJson {
    name: String,
    account: String,
    venue: String,
    chain: String,
    asset: String,
    from: Vec<PlaceJson>,
    when_use_above: Fixed,
    to_use: Fixed,
    keep_use_below: Fixed,
    smallest: String,
    largest: String,
    hourly: String,
    decimals: u32,
    fee: String,
    arrives_within_seconds: u32,
    execution: &'static str,
    cool_down_seconds: u32,
}

#[derive(Serialize)]
struct PlaceJson {
    account: String,
    venue: String,
    chain: String,
}

impl PlaceJson {
    fn text(&self) -> String {
        format!("{}@{}/{}", self.account, self.venue, self.chain)
    }
}

impl CollateralJson {
    pub(super) fn of(rule: Collateral) -> Self {
        let from = rule.from.iter().map(|place| PlaceJson {
            account: place.account.to_string(),
            venue: place.venue.to_string(),
            chain: place.chain.to_string(),
        });
        Self {
            name: rule.name,
            account: rule.to.account.to_string(),
            venue: rule.to.venue.to_string(),
            chain: rule.to.chain.to_string(),
            asset: rule.asset.to_string(),
            from: from.collect(),
            when_use_above: rule.when_use_above,
            to_use: rule.to_use,
            keep_use_below: rule.keep_use_below,
            smallest: rule.smallest.to_string(),
            largest: rule.largest.to_string(),
            hourly: rule.hourly.to_string(),
            decimals: rule.decimals,
            fee: rule.fee.to_string(),
            arrives_within_seconds: rule.arrives_within_seconds,
            execution: word(rule.execution),
            cool_down_seconds: rule.cool_down_seconds,
        }
    }
}

/// What each rule does, in sentences: a table would be wider than any screen.
pub(super) fn said(out: &mut String, rules: &[CollateralJson]) {
    if rules.is_empty() {
        return;
    }
    heading(out, "Collateral", "moved when the maintenance use of an account is above what is said");
    for rule in rules {
        let CollateralJson { name, account, venue, chain, asset, .. } = rule;
        let from: Vec<String> = rule.from.iter().map(PlaceJson::text).collect();
        line(
            out,
            &format!(
                "  {name}: when {account} on {venue} uses over {}, the least {asset} that brings it to {} goes to {account}@{venue}/{chain}",
                percent(rule.when_use_above),
                percent(rule.to_use)
            ),
        );
        line(
            out,
            &format!(
                "    from {}; none is drained beyond a use of {} of its own, its initial requirement or its balance",
                from.join(", else from "),
                percent(rule.keep_use_below)
            ),
        );
        let fee = if rule.fee == "0" { String::new() } else { format!(", a fee of {} on top", rule.fee) };
        line(
            out,
            &format!(
                "    {} to {} {asset} at a time, {} an hour, to {} decimals{fee}",
                rule.smallest, rule.largest, rule.hourly, rule.decimals
            ),
        );
        let decides =
            if rule.execution == "armed" { "the rule decides, once armed" } else { "a person decides" };
        line(
            out,
            &format!(
                "    {decides}; late after {}, and then asked for; rests {} after each",
                time(rule.arrives_within_seconds),
                time(rule.cool_down_seconds)
            ),
        );
    }
}

fn percent(share: Fixed) -> String {
    let hundred = Fixed::from_raw(share.raw() * 100);
    format!("{} %", amount(hundred))
}
