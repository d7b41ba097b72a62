//! Reads the sections of the engine `options`. All mistakes of a file are reported at once.

use super::future::{FutureRule, LeveragePoint};
use super::short_option::{
    Coefficients, FactorTier, InitialFloor, InitialPrice, MarkScales, Reference, ShortOptionRule,
};
use super::wallet::{Haircut, Pooling};
use super::{OptionValue, OptionsMargin};
use crate::report::Levels;
use crate::rulebook::section::{Bound, Section};
use std::collections::BTreeMap;
use units::Asset;

#[derive(Debug, Clone, Copy)]
enum WalletWord {
    Separate,
    Pooled,
}

const WALLETS: [(&str, WalletWord); 2] = [("separate", WalletWord::Separate), ("pooled", WalletWord::Pooled)];
const OPTION_VALUE: [(&str, OptionValue); 2] =
    [("excluded", OptionValue::Excluded), ("counted", OptionValue::Counted)];
const REFERENCE: [(&str, Reference); 2] = [("index", Reference::Index), ("forward", Reference::Forward)];
const INITIAL_PRICE: [(&str, InitialPrice); 2] =
    [("mark", InitialPrice::Mark), ("entry-or-mark", InitialPrice::EntryOrMark)];
const MARK_SCALES: [(&str, MarkScales); 3] =
    [("never", MarkScales::Never), ("puts", MarkScales::Puts), ("always", MarkScales::Always)];
const INITIAL_FLOOR: [(&str, InitialFloor); 2] =
    [("none", InitialFloor::None), ("maintenance", InitialFloor::Maintenance)];

impl OptionsMargin {
    pub(crate) fn read(root: &Section<'_>) -> Option<Self> {
        // Each part is read before the first `?`, so that a mistake in one does not hide those in the next.
        let account = root.child("account").map(|section| account(root, &section));
        let short_option = root.child("short_option").map(|section| short_option(&section));
        let futures = by_asset(root, "future", future);
        let (pooling, option_value) = account?;
        let (short_option, coefficients) = short_option?;
        Some(Self {
            pooling: pooling?,
            option_value: option_value?,
            short_option: short_option?,
            coefficients,
            futures,
        })
    }
}

/// None after a mistake, which has then been recorded.
fn required(section: &Section<'_>, key: &str, bound: Bound) -> Option<f64> {
    if section.has(key) {
        section.optional_number(key, bound)
    } else {
        section.number(key, bound);
        None
    }
}

/// Sections by asset; names that are no assets and two spellings of one are mistakes.
fn by_asset<T>(
    parent: &Section<'_>,
    key: &str,
    read: impl Fn(&Section<'_>) -> Option<T>,
) -> BTreeMap<Asset, T> {
    let mut all = BTreeMap::new();
    for (name, section) in parent.named_children(key) {
        let value = read(&section);
        match Asset::new(&name) {
            Err(error) => parent.mistake(&format!("{key}.{name}"), &error.to_string()),
            Ok(asset) if all.contains_key(&asset) => {
                parent.mistake(
                    &format!("{key}.{name}"),
                    &format!("is there twice: {asset} has a section already"),
                );
            }
            Ok(asset) => {
                value.map(|value| all.insert(asset, value));
            }
        }
    }
    all
}

fn account(root: &Section<'_>, section: &Section<'_>) -> (Option<Pooling>, Option<OptionValue>) {
    let wallets = section.word("wallets", &WALLETS);
    let option_value = section.word("option_value", &OPTION_VALUE);
    let listed = root.has("collateral");
    let haircuts = by_asset(root, "collateral", haircut);
    let pooling = match wallets {
        None => None,
        Some(WalletWord::Separate) => {
            if listed {
                root.mistake(
                    "collateral",
                    "is for pooled wallets: separate ones take only their own currency",
                );
            }
            Some(Pooling::Separate)
        }
        Some(WalletWord::Pooled) => {
            if !listed {
                root.mistake(
                    "collateral",
                    "is missing: pooled wallets need a section [collateral.ASSET] for each asset taken",
                );
            }
            Some(Pooling::Pooled(haircuts))
        }
    };
    (pooling, option_value)
}

fn haircut(section: &Section<'_>) -> Option<Haircut> {
    let initial = required(section, "haircut_initial", Bound::Fraction);
    let maintenance = required(section, "haircut_maintenance", Bound::Fraction);
    let haircut = Levels { initial: initial?, maintenance: maintenance? };
    if haircut.initial < haircut.maintenance {
        section.mistake("haircut_initial", "must not be below haircut_maintenance");
    }
    Some(Haircut(haircut))
}

fn short_option(section: &Section<'_>) -> (Option<ShortOptionRule>, BTreeMap<Asset, Coefficients>) {
    let reference = section.word("reference", &REFERENCE);
    let initial_price = section.word("initial_price", &INITIAL_PRICE);
    let mark_scales_maintenance = section.word("mark_scales_maintenance", &MARK_SCALES);
    let initial_floor = section.word("initial_floor", &INITIAL_FLOOR);
    let liquidation_fee = section.number_or("liquidation_fee", Bound::Fraction, 0.0);
    if !section.has("coefficients") {
        section.mistake(
            "coefficients",
            "is missing: add a section [short_option.coefficients.ASSET] for each underlying",
        );
    }
    let coefficients = by_asset(section, "coefficients", |s| coefficients(s, liquidation_fee));
    let rule = || {
        Some(ShortOptionRule {
            reference: reference?,
            initial_price: initial_price?,
            mark_scales_maintenance: mark_scales_maintenance?,
            initial_floor: initial_floor?,
            liquidation_fee,
        })
    };
    (rule(), coefficients)
}

fn coefficients(section: &Section<'_>, liquidation_fee: f64) -> Option<Coefficients> {
    let initial = required(section, "initial", Bound::Fraction);
    let initial_min = required(section, "initial_min", Bound::Fraction);
    let maintenance = required(section, "maintenance", Bound::Fraction);
    let lowered = section.optional_number("maintenance_min", Bound::Fraction);
    let tiers = factor_tiers(section);
    let (initial, initial_min, maintenance) = (initial?, initial_min?, maintenance?);
    let maintenance_min = lowered.unwrap_or(maintenance);
    if initial < initial_min {
        section.mistake("initial", "must not be below initial_min, to which it falls out of the money");
    }
    if maintenance < maintenance_min {
        section
            .mistake("maintenance", "must not be below maintenance_min, to which it falls out of the money");
    }
    let rule = |key: &str| {
        format!("must not be below {key} and liquidation_fee: initial is never below maintenance")
    };
    if initial < maintenance + liquidation_fee {
        section.mistake("initial", &rule("maintenance"));
    }
    if initial_min < maintenance_min + liquidation_fee {
        section.mistake("initial_min", &rule("maintenance_min (or maintenance)"));
    }
    Some(Coefficients { initial, initial_min, maintenance, maintenance_min, tiers })
}

fn factor_tiers(section: &Section<'_>) -> Vec<FactorTier> {
    let mut tiers: Vec<FactorTier> = Vec::new();
    for child in section.children("tiers") {
        let above_coin = required(&child, "above_coin", Bound::NotNegative);
        let factor = required(&child, "factor", Bound::Positive);
        let (Some(above_coin), Some(factor)) = (above_coin, factor) else { continue };
        match tiers.last() {
            None if above_coin > 0.0 => child.mistake("above_coin", "must be 0 in the first tier"),
            Some(last) if above_coin <= last.above_coin => {
                child.mistake("above_coin", "must be above that of the tier before");
            }
            Some(last) if factor < last.factor => {
                child.mistake("factor", "must not be below that of the tier before");
            }
            None | Some(_) => {}
        }
        tiers.push(FactorTier { above_coin, factor });
    }
    tiers
}

fn future(section: &Section<'_>) -> Option<FutureRule> {
    if section.has("leverage") { leverage(section) } else { linear(section) }
}

fn linear(section: &Section<'_>) -> Option<FutureRule> {
    let number = |key| required(section, key, Bound::Fraction);
    let initial_base = number("initial_base");
    let initial_per_coin = number("initial_per_coin");
    let maintenance_base = number("maintenance_base");
    let maintenance_per_coin = number("maintenance_per_coin");
    let base = Levels { initial: initial_base?, maintenance: maintenance_base? };
    let per_coin = Levels { initial: initial_per_coin?, maintenance: maintenance_per_coin? };
    if base.initial < base.maintenance {
        section.mistake("initial_base", "must not be below maintenance_base");
    }
    if per_coin.initial < per_coin.maintenance {
        section.mistake("initial_per_coin", "must not be below maintenance_per_coin");
    }
    Some(FutureRule::Linear { base, per_coin })
}

fn leverage(section: &Section<'_>) -> Option<FutureRule> {
    let maintenance_of_initial = required(section, "maintenance_of_initial", Bound::Fraction);
    let mut curve: Vec<LeveragePoint> = Vec::new();
    for child in section.children("leverage") {
        let size_coin = required(&child, "size_coin", Bound::NotNegative);
        let leverage = required(&child, "leverage", Bound::Positive);
        let (Some(size_coin), Some(leverage)) = (size_coin, leverage) else { continue };
        match curve.last() {
            None if size_coin > 0.0 => child.mistake("size_coin", "must be 0 at the first point"),
            Some(last) if size_coin <= last.size_coin => {
                child.mistake("size_coin", "must be above that of the point before");
            }
            Some(last) if leverage > last.leverage => {
                child.mistake(
                    "leverage",
                    "must not be above that of the point before: leverage falls with size",
                );
            }
            None | Some(_) => {}
        }
        curve.push(LeveragePoint { size_coin, leverage });
    }
    if curve.is_empty() {
        section.mistake("leverage", "must have at least one point with size_coin and leverage");
    }
    Some(FutureRule::Leverage { curve, maintenance_of_initial: maintenance_of_initial? })
}
