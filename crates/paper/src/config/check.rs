//! The rules of a world's file.

use super::{
    ChainConfig, Faults, Incident, IncidentKind, Kind, Product, Regime, Reverting, TransferConfig,
    UnderlyingConfig, VenueConfig, WorldConfig,
};
use crate::market::Cholesky;
use std::collections::BTreeSet;
use std::fmt::Display;
use units::{Asset, Decimal, Issue, Issues};

/// Times of a script and of a world are below this: a year.
const MOST_SECONDS: u32 = 31_536_000;

pub(super) fn issues(config: &WorldConfig, file: &str) -> Issues {
    let mut checker = Checker { file, issues: Issues::default(), at: String::new() };
    checker.world(config);
    checker.issues
}

/// Finds every mistake instead of the first.
struct Checker<'a> {
    file: &'a str,
    issues: Issues,
    /// What is being checked.
    at: String,
}

impl Checker<'_> {
    fn require(&mut self, holds: bool, field: &str, value: impl Display, rule: &str) {
        if !holds {
            let field = if self.at.is_empty() { field.to_owned() } else { format!("{}: {field}", self.at) };
            let (file, value, rule) = (self.file.into(), value.to_string(), rule.into());
            self.issues.push(Issue { file, row: 0, field, value, rule });
        }
    }

    fn within(&mut self, field: &str, value: f64, (low, high): (f64, f64)) {
        self.require((low..=high).contains(&value), field, value, &format!("a number from {low} to {high}"));
    }

    fn share(&mut self, field: &str, value: f64) {
        self.within(field, value, (0.0, 1.0));
    }

    fn count(&mut self, field: &str, value: u32, most: u32) {
        self.require((1..=most).contains(&value), field, value, &format!("a whole number from 1 to {most}"));
    }

    /// Few enough digits that any number of steps is a decimal.
    fn step(&mut self, field: &str, value: Decimal) {
        let short = value.normalize();
        let holds = short > Decimal::ZERO && short.mantissa() < 1_000_000_000 && short.scale() <= 12;
        self.require(holds, field, value, "a decimal above zero with at most nine digits and twelve places");
    }

    fn positive(&mut self, field: &str, value: Decimal) {
        self.require(value > Decimal::ZERO, field, value, "a decimal above zero");
    }

    fn source(&mut self, source: &str) {
        self.require(!source.trim().is_empty(), "source", "", "say where the numbers come from");
    }

    fn unique<T: Ord + Display>(&mut self, field: &str, names: impl Iterator<Item = T>) {
        let mut seen = BTreeSet::new();
        for name in names {
            let text = name.to_string();
            self.require(seen.insert(name), field, text, "each has a name of its own");
        }
    }

    fn world(&mut self, config: &WorldConfig) {
        self.source(&config.source);
        self.count("step_millis", config.step_millis, 60_000);
        self.require(!config.accounts.is_empty(), "accounts", "", "at least one account of ours");
        self.unique("accounts", config.accounts.iter());
        self.within("jumps_per_year", config.jumps_per_year, (0.0, 100_000.0));
        self.share("vol_correlation", config.vol_correlation);
        self.require(!config.underlying.is_empty(), "underlying", "", "at least one underlying");
        self.require(!config.venue.is_empty(), "venue", "", "at least one venue");
        self.unique("underlying", config.underlying.iter().map(|u| &u.asset));
        self.unique("rate", config.rate.iter().map(|r| &r.asset));
        self.unique("venue", config.venues());
        self.unique("chain", config.venue.iter().filter_map(|v| Some(&v.chain.as_ref()?.name)));
        config.underlying.iter().for_each(|underlying| self.underlying(underlying));
        self.correlations(config);
        config
            .rate
            .iter()
            .for_each(|rate| self.within(&format!("rate {}", rate.asset), rate.usd, (0.1, 10.0)));
        config.venue.iter().for_each(|venue| self.venue(config, venue));
        self.at.clear();
        self.regimes(&config.regime);
        config.incident.iter().for_each(|incident| self.incident(config, incident));
        self.at.clear();
    }

    fn underlying(&mut self, of: &UnderlyingConfig) {
        self.at = format!("underlying {}", of.asset);
        self.source(&of.source);
        // The index has two places.
        self.within("spot", of.spot, (1.0, 1e9));
        self.within("beta", of.beta, (-5.0, 5.0));
        self.within("vol", of.vol, (0.01, 3.0));
        self.within("vol_reversion_per_year", of.vol_reversion_per_year, (0.1, 10_000.0));
        self.within("vol_of_vol", of.vol_of_vol, (0.0, 20.0));
        self.within("spot_vol_correlation", of.spot_vol_correlation, (-1.0, 1.0));
        self.within("jump_mean", of.jump_mean, (-0.5, 0.5));
        self.within("jump_deviation", of.jump_deviation, (0.0, 0.5));
        self.within("curvature", of.curvature, (0.0, 0.2));
        self.reverting("implied_premium", of.implied_premium, 1.0);
        self.reverting("skew", of.skew, 0.5);
        self.reverting("basis_per_year", of.basis_per_year, 1.0);
        self.reverting("perpetual_premium", of.perpetual_premium, 0.02);
        self.at.clear();
    }

    fn reverting(&mut self, field: &str, of: Reverting, most: f64) {
        self.within(&format!("{field}.mean"), of.mean, (-most, most));
        self.within(&format!("{field}.deviation"), of.deviation, (0.0, most));
        self.within(&format!("{field}.half_life_days"), of.half_life_days, (1e-4, 10_000.0));
    }

    fn correlations(&mut self, config: &WorldConfig) {
        for correlation in &config.correlation {
            let [a, b] = &correlation.pair;
            let field = format!("correlation {a} {b}");
            let known = |asset: &Asset| config.underlying.iter().any(|u| u.asset == *asset);
            self.require(
                known(a) && known(b) && a != b,
                &field,
                "",
                "two different underlyings of this file",
            );
            self.within(&field, correlation.value, (-1.0, 1.0));
        }
        let pair = |c: &super::Correlation| c.pair.iter().min().cloned().zip(c.pair.iter().max().cloned());
        let pairs = config.correlation.iter().filter_map(pair).map(|(a, b)| format!("{a} {b}"));
        self.unique("correlation", pairs);
        let rule = "the correlations belong together: their matrix is positive definite";
        self.require(Cholesky::new(config).is_some(), "correlation", "", rule);
    }

    fn regimes(&mut self, regimes: &[Regime]) {
        let mut end = 0;
        for regime in regimes {
            let field = format!("regime {}", regime.name);
            self.count(&format!("{field}: duration_seconds"), regime.duration_seconds, MOST_SECONDS);
            let rule = "regimes follow one another: each begins when the one before is over, within a year";
            let holds = (end..=MOST_SECONDS).contains(&regime.start_seconds);
            self.require(holds, &format!("{field}: start_seconds"), regime.start_seconds, rule);
            self.within(&format!("{field}: return"), regime.whole_return, (-0.95, 10.0));
            self.within(&format!("{field}: vol"), regime.vol, (0.01, 20.0));
            self.within(&format!("{field}: jumps"), regime.jumps, (0.0, 10_000.0));
            self.within(&format!("{field}: depth"), regime.depth, (0.001, 1000.0));
            self.within(&format!("{field}: spread"), regime.spread, (0.1, 1000.0));
            end = regime.start_seconds.saturating_add(regime.duration_seconds);
        }
    }

    fn venue(&mut self, config: &WorldConfig, venue: &VenueConfig) {
        self.at = format!("venue {}", venue.name);
        self.source(&venue.source);
        let steps = venue.quote_every_millis.checked_rem(config.step_millis);
        let multiple = venue.quote_every_millis > 0 && steps == Some(0);
        let rule = "quotes come every so many whole steps of the world";
        self.require(multiple, "quote_every_millis", venue.quote_every_millis, rule);
        self.count("report_every_seconds", venue.report_every_seconds, MOST_SECONDS);
        self.count("funding_every_seconds", venue.funding_every_seconds, MOST_SECONDS);
        for (field, millis) in [
            ("latency.to_millis", venue.latency.to_millis),
            ("latency.from_millis", venue.latency.from_millis),
            ("latency.random_millis", venue.latency.random_millis),
        ] {
            self.require(millis <= 60_000, field, millis, "at most a minute");
        }
        let hundred = Decimal::ONE_HUNDRED;
        for (field, fee) in [
            ("maker_fee_bp", venue.maker_fee_bp),
            ("taker_fee_bp", venue.taker_fee_bp),
            ("option_fee_bp", venue.option_fee_bp),
        ] {
            self.require((-hundred..=hundred).contains(&fee), field, fee, "a fee from -100 to 100 bp");
        }
        self.within("recovery_seconds", venue.recovery_seconds, (0.001, 1e6));
        self.within("touch_trades_per_minute", venue.touch_trades_per_minute, (0.0, 6000.0));
        self.require(!venue.product.is_empty(), "product", "", "a venue lists something");
        self.unique("deposit", venue.deposit.iter().map(|deposit| &deposit.asset));
        venue.deposit.iter().for_each(|d| self.positive(&format!("deposit {}", d.asset), d.amount));
        if let Some(chain) = &venue.chain {
            self.chain(chain);
        }
        self.transfer(&venue.transfer);
        self.faults(&venue.faults);
        venue.product.iter().for_each(|product| self.product(config, product));
    }

    fn chain(&mut self, chain: &ChainConfig) {
        self.require(!chain.name.is_off_chain(), "chain.name", &chain.name, "a chain has blocks");
        self.count("chain.block_millis", chain.block_millis, 3_600_000);
        self.within("chain.delay_blocks", chain.delay_blocks, (0.0, 1000.0));
        self.share("chain.dropped", chain.dropped);
        self.within("chain.reorg_per_block", chain.reorg_per_block, (0.0, 0.2));
        let rule = "gas is zero or more";
        self.require(chain.gas >= Decimal::ZERO, "chain.gas", chain.gas, rule);
    }

    fn transfer(&mut self, transfer: &TransferConfig) {
        let TransferConfig { process_millis, transit_seconds, confirmations, fee, margin_rate } = transfer;
        let holds = *process_millis <= 3_600_000;
        self.require(holds, "transfer.process_millis", process_millis, "at most an hour");
        let holds = *transit_seconds <= 86_400;
        self.require(holds, "transfer.transit_seconds", transit_seconds, "at most a day");
        let rule = "from 3 to 1000: a reorganisation takes up to three blocks back";
        self.require((3..=1_000).contains(confirmations), "transfer.confirmations", confirmations, rule);
        self.unique("transfer.fee", fee.iter().map(|fee| &fee.asset));
        fee.iter().for_each(|fee| self.positive(&format!("transfer.fee {}", fee.asset), fee.amount));
        self.share("transfer.margin_rate", *margin_rate);
    }

    fn faults(&mut self, faults: &Faults) {
        for (field, chance) in [
            ("lost", faults.lost),
            ("duplicated", faults.duplicated),
            ("reordered", faults.reordered),
            ("rejected", faults.rejected),
            ("hidden", faults.hidden),
            ("crossed", faults.crossed),
            ("one_sided", faults.one_sided),
        ] {
            self.share(&format!("faults.{field}"), chance);
        }
        for (field, number) in [
            ("outages_per_day", faults.outages_per_day),
            ("frozen_per_day", faults.frozen_per_day),
            ("silent_per_day", faults.silent_per_day),
            ("oracle_per_day", faults.oracle_per_day),
        ] {
            self.within(&format!("faults.{field}"), number, (0.0, 86_400.0));
        }
        self.within("faults.outage_seconds", faults.outage_seconds, (0.0, 1e6));
        self.within("faults.quote_fault_seconds", faults.quote_fault_seconds, (0.0, 1e6));
        self.within("faults.oracle_error", faults.oracle_error, (0.0, 0.9));
    }

    fn product(&mut self, config: &WorldConfig, product: &Product) {
        let outer = self.at.clone();
        self.at = format!("{outer}, {:?} {}", product.kind, product.underlying).to_lowercase();
        let is_known = config.underlying.iter().any(|u| u.asset == product.underlying);
        self.require(is_known, "underlying", &product.underlying, "an underlying of this file");
        for (field, asset) in [("price_in", &product.price_in), ("paid_in", &product.paid_in)] {
            let known = asset.as_str() == "USD"
                || *asset == product.underlying
                || config.rate.iter().any(|r| r.asset == *asset);
            self.require(known, field, asset, "USD, the underlying or a currency with a rate in this file");
        }
        let rule = "strikes and prices are in a currency, not in the underlying";
        self.require(product.price_in != product.underlying, "price_in", &product.price_in, rule);
        let is_dated = product.kind != Kind::Perpetual;
        let rule = "dated products have expiries, perpetuals have none";
        self.require(product.expiry_days.is_empty() != is_dated, "expiry_days", "", rule);
        for days in &product.expiry_days {
            self.require(*days <= 3650, "expiry_days", *days, "a whole number from 0 to 3650");
        }
        let is_option = product.kind == Kind::Option;
        let rule = "options have strikes, other products have none";
        self.require(product.strikes.is_empty() != is_option, "strikes", "", rule);
        product.strikes.iter().for_each(|strike| self.within("strikes", *strike, (0.01, 100.0)));
        if is_option {
            self.step("strike_step", product.strike_step);
        }
        self.step("tick", product.tick);
        self.step("lot", product.lot);
        self.count("minimum_lots", product.minimum_lots, 1_000_000_000);
        self.count("touch_lots", product.touch_lots, 1_000_000_000);
        self.within("half_spread_bp", product.half_spread_bp, (0.0, 1000.0));
        self.within("half_spread_of_price", product.half_spread_of_price, (0.0, 0.9));
        self.within("level_bp", product.level_bp, (1e-4, 1000.0));
        self.at = outer;
    }

    fn incident(&mut self, config: &WorldConfig, incident: &Incident) {
        self.at = format!("incident at {} s", incident.start_seconds);
        let venue = config.venue.iter().find(|venue| venue.name == incident.venue);
        self.require(venue.is_some(), "venue", &incident.venue, "a venue of this file");
        self.require(
            (1..=MOST_SECONDS).contains(&incident.start_seconds),
            "start_seconds",
            incident.start_seconds,
            "after the start, within a year",
        );
        match incident.kind {
            IncidentKind::Adl => self.within("size", incident.size, (1e-6, 1.0)),
            IncidentKind::Oracle => self.within("size", incident.size, (-0.9, 10.0)),
            IncidentKind::Reorg => {
                self.within("size", incident.size, (1.0, 3.0));
                let has_chain = venue.is_none_or(|venue| venue.chain.is_some());
                self.require(has_chain, "kind", "reorg", "blocks are replaced at a venue with a chain");
            }
            _ => {}
        }
        let lasts = !matches!(incident.kind, IncidentKind::Adl | IncidentKind::Reorg);
        if lasts {
            self.count("duration_seconds", incident.duration_seconds, MOST_SECONDS);
        }
    }
}
