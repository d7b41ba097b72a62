//! Rules that move collateral.
//!
//! ```toml
//! [[collateral]]
//! name = "top up deribit"
//! account = "desk"                # the place that is topped up
//! venue = "deribit"
//! chain = "offchain"
//! asset = "USDC"
//! from = [{ account = "vault", venue = "okx", chain = "offchain" }]    # in order of preference
//! when_use_above = 0.5            # maintenance use of the receiving account that asks for a move
//! to_use = 0.35                   # and what the move is to bring it to
//! keep_use_below = 0.3            # no source is drained beyond this use of its own
//! smallest = "100"                # of the asset: less is not worth a move
//! largest = "50000"               # of one move
//! hourly = "100000"               # of all moves of an hour
//! decimals = 2                    # amounts are whole multiples of 0.01; 2 without it
//! fee = "1"                       # of each move, paid on top at the source; 0 without it
//! arrives_within_seconds = 600    # nothing leaves later; what has not arrived by then is asked for and a person is told
//! execution = "ask"               # or armed: it acts by itself once a person has armed the engine
//! cool_down_seconds = 60
//! ```

use super::{Checker, Execution};
use crate::transfers::is_in_transit;
use book::Place;
use std::collections::BTreeSet;
use units::{Account, Asset, Chain, Decimal, Fixed, Venue};

const MOST_DECIMALS: u32 = 8;

/// Keeps the margin use of an account low by moving collateral to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Collateral {
    /// Its name, unique among limits, hedges, triggers and these.
    pub name: String,
    /// What is topped up.
    pub to: Place,
    /// With what.
    pub asset: Asset,
    /// From where, in order of preference.
    pub from: Vec<Place>,
    /// Maintenance use of the receiving account that asks for a move.
    pub when_use_above: Fixed,
    /// What a move is to bring it to.
    pub to_use: Fixed,
    /// Maintenance use beyond which no source is drained.
    pub keep_use_below: Fixed,
    /// The least amount of a move.
    pub smallest: Decimal,
    /// The largest amount of a move.
    pub largest: Decimal,
    /// Of all moves of an hour.
    pub hourly: Decimal,
    /// Digits after the point that amounts have.
    pub decimals: u32,
    /// Paid at the source, on top of what arrives.
    pub fee: Decimal,
    /// After which it is late, and nothing leaves any more.
    pub arrives_within_seconds: u32,
    /// Who decides.
    pub execution: Execution,
    /// How long it rests after a move is over.
    pub cool_down_seconds: u32,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CollateralToml {
    pub(super) name: String,
    account: String,
    venue: String,
    chain: String,
    asset: String,
    from: Vec<PlaceToml>,
    when_use_above: f64,
    to_use: f64,
    keep_use_below: f64,
    smallest: String,
    largest: String,
    hourly: String,
    #[serde(default = "two")]
    decimals: u32,
    #[serde(default)]
    fee: Option<String>,
    arrives_within_seconds: u32,
    execution: Execution,
    cool_down_seconds: u32,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceToml {
    account: String,
    venue: String,
    chain: String,
}

const fn two() -> u32 {
    2
}

/// Amounts of a rule as they were read.
struct Amounts {
    smallest: Decimal,
    largest: Decimal,
    hourly: Decimal,
    fee: Decimal,
}

impl Checker<'_> {
    pub(super) fn collateral(&mut self, raw: &CollateralToml) -> Option<Collateral> {
        let at = |field: &str| format!("collateral '{}': {field}", raw.name);
        if raw.name.trim().is_empty() {
            self.issue("collateral.name", "", "a rule has a name");
        }
        self.reserved("collateral.name", &raw.name);
        let to = self.place(&at(""), (&raw.account, &raw.venue, &raw.chain));
        let asset = self.named(&at("asset"), &raw.asset, Asset::new);
        let from = self.sources(raw, to.as_ref());
        let when = self.share(&at("when_use_above"), raw.when_use_above);
        let target = self.share(&at("to_use"), raw.to_use);
        if let (Some(when), Some(target)) = (when, target)
            && target >= when
        {
            self.issue(&at("to_use"), &raw.to_use.to_string(), "below when_use_above");
        }
        let keep = self.share(&at("keep_use_below"), raw.keep_use_below);
        let amounts = self.amounts(raw);
        for (field, seconds) in [
            ("arrives_within_seconds", raw.arrives_within_seconds.max(1)),
            ("cool_down_seconds", raw.cool_down_seconds),
        ] {
            if seconds > 86_400 {
                self.issue(&at(field), &seconds.to_string(), "at most one day");
            }
        }
        if raw.arrives_within_seconds == 0 {
            self.issue(&at("arrives_within_seconds"), "0", "one second at least");
        }
        let Amounts { smallest, largest, hourly, fee } = amounts?;
        Some(Collateral {
            name: raw.name.clone(),
            to: to?,
            asset: asset?,
            from: from?,
            when_use_above: when?,
            to_use: target?,
            keep_use_below: keep?,
            smallest,
            largest,
            hourly,
            decimals: raw.decimals,
            fee,
            arrives_within_seconds: raw.arrives_within_seconds,
            execution: raw.execution,
            cool_down_seconds: raw.cool_down_seconds,
        })
    }

    fn sources(&mut self, raw: &CollateralToml, to: Option<&Place>) -> Option<Vec<Place>> {
        let field = format!("collateral '{}': from", raw.name);
        if raw.from.is_empty() {
            self.issue(
                &field,
                "",
                "one place at least, such as { account = \"vault\", venue = \"okx\", chain = \"offchain\" }",
            );
        }
        let read: Vec<Option<Place>> = raw
            .from
            .iter()
            .map(|from| self.place(&format!("{field} "), (&from.account, &from.venue, &from.chain)))
            .collect();
        let mut seen = BTreeSet::new();
        for place in read.iter().flatten() {
            if !seen.insert(place) {
                self.issue(&field, &place.to_string(), "each place once");
            }
            if to.is_some_and(|to| (&to.account, &to.venue) == (&place.account, &place.venue)) {
                let rule =
                    "another account or venue: margin is that of an account at a venue, whatever the chain";
                self.issue(&field, &place.to_string(), rule);
            }
        }
        read.into_iter().collect()
    }

    fn place(&mut self, field: &str, (account, venue, chain): (&str, &str, &str)) -> Option<Place> {
        let account = self.named(&format!("{field}account"), account, Account::new);
        let venue = self.named(&format!("{field}venue"), venue, Venue::new);
        let chain = self.named(&format!("{field}chain"), chain, Chain::new);
        let place = Place { account: account?, venue: venue?, chain: chain? };
        if is_in_transit(&place) {
            self.issue(
                &format!("{field}venue"),
                place.venue.as_str(),
                "the engine's own name for money under way",
            );
        }
        Some(place)
    }

    fn share(&mut self, field: &str, value: f64) -> Option<Fixed> {
        let found = Some(value).filter(|v| *v > 0.0 && *v < 1.0).and_then(|v| Fixed::quantise(v).ok());
        if found.is_none() {
            self.issue(field, &value.to_string(), "a share above 0 and below 1");
        }
        found
    }

    fn amounts(&mut self, raw: &CollateralToml) -> Option<Amounts> {
        let at = |field: &str| format!("collateral '{}': {field}", raw.name);
        if raw.decimals > MOST_DECIMALS {
            self.issue(&at("decimals"), &raw.decimals.to_string(), "0 to 8");
            return None;
        }
        let step = Decimal::new(1, raw.decimals);
        let mut of = |field: &str, text: &str, least: Decimal| {
            let found = text.trim().parse::<Decimal>().ok();
            let found = found.filter(|v| *v >= least && (*v % step).is_zero() && *v <= Decimal::from(MOST));
            if found.is_none() {
                let rule = format!(
                    "a multiple of {step}, as text, from {least} to {MOST}: decimals is {}",
                    raw.decimals
                );
                self.issue(&at(field), text, &rule);
            }
            found
        };
        let smallest = of("smallest", &raw.smallest, step);
        let largest = of("largest", &raw.largest, step);
        let hourly = of("hourly", &raw.hourly, step);
        let fee = raw.fee.as_ref().map_or(Some(Decimal::ZERO), |text| {
            let most = Decimal::from(MOST);
            let found = text.trim().parse::<Decimal>().ok();
            let found = found.filter(|fee| (Decimal::ZERO..=most).contains(fee));
            if found.is_none() {
                self.issue(&at("fee"), text, "an amount of the asset, zero or more, as text, such as \"1\"");
            }
            found
        });
        let found = Amounts { smallest: smallest?, largest: largest?, hourly: hourly?, fee: fee? };
        if found.smallest > found.largest {
            self.issue(&at("smallest"), &raw.smallest, "at most largest");
        }
        if found.largest > found.hourly {
            self.issue(&at("largest"), &raw.largest, "at most hourly");
        }
        Some(found)
    }

    /// What several rules break together.
    pub(super) fn collaterals(&mut self, rules: &[Collateral], accounts: &BTreeSet<Account>) {
        for rule in rules {
            for place in rule.from.iter().chain(std::iter::once(&rule.to)) {
                if !accounts.is_empty() && !accounts.contains(&place.account) {
                    let field = format!("collateral '{}': account", rule.name);
                    self.issue(
                        &field,
                        place.account.as_str(),
                        "an account of this book: accounts names those",
                    );
                }
            }
            let sources = rule.from.iter();
            let asked = sources.flat_map(|place| rules.iter().filter(move |other| other.to == *place));
            for other in asked.filter(|other| rule.keep_use_below > other.when_use_above) {
                let why = format!(
                    "at most when_use_above of '{}', which tops up what this rule takes from: one move would ask for another",
                    other.name
                );
                let value = rule.keep_use_below.to_decimal_text(4);
                self.issue(&format!("collateral '{}': keep_use_below", rule.name), &value, &why);
            }
        }
    }
}

/// Steps of an amount are counted in 64 bits with eight digits after the point.
const MOST: i64 = 10_000_000_000;
