//! The sections of an SRM rulebook.
//!
//! ```toml
//! cash = "USDC"
//! [depeg]              # threshold, factor
//! [oracle]             # perpetual_threshold, option_threshold, base_threshold, factor
//! [option.ETH]         # initial_most, initial_least, maintenance_call, maintenance_put, maintenance_put_mark,
//!                      # put_initial_of_maintenance
//! [option.ETH.unpaired_calls]    # initial, maintenance
//! [perpetual.ETH]      # initial, maintenance
//! [base.ETH]           # factor, initial_scale
//! ```

use super::{BaseRules, Depeg, OptionRules, OracleRules, Srm};
use crate::rulebook::section::{Bound, Section};
use crate::scenario::model::Rates;
use std::collections::BTreeMap;
use units::Asset;

impl Srm {
    /// Reads and checks all sections; mistakes are recorded with the section.
    pub(crate) fn read(root: &Section<'_>) -> Option<Self> {
        let name = root.text("cash");
        let cash = Asset::new(&name);
        if let Err(error) = &cash {
            root.mistake("cash", &error.to_string());
        }
        let depeg = root.child("depeg").map(|section| Depeg {
            threshold: section.number("threshold", Bound::Fraction),
            factor: section.number("factor", Bound::NotNegative),
        });
        let oracle = root.child("oracle").map(|section| OracleRules {
            perpetual_threshold: section.number("perpetual_threshold", Bound::Fraction),
            option_threshold: section.number("option_threshold", Bound::Fraction),
            base_threshold: section.number("base_threshold", Bound::Fraction),
            factor: section.number("factor", Bound::NotNegative),
        });
        let model = Self {
            option: by_asset(root, "option", option),
            perpetual: by_asset(root, "perpetual", rates),
            base: by_asset(root, "base", base),
            cash: cash.ok()?,
            depeg: depeg?,
            oracle: oracle?,
        };
        if model.base.contains_key(&model.cash) {
            root.mistake("base", "must not name the cash, which counts in full");
        }
        if model.option.is_empty() && model.perpetual.is_empty() {
            root.mistake("perpetual", "a rulebook needs at least one [option.ASSET] or [perpetual.ASSET]");
        }
        Some(model)
    }
}

fn by_asset<T>(root: &Section<'_>, key: &str, read: fn(&Section<'_>) -> T) -> BTreeMap<Asset, T> {
    let mut all = BTreeMap::new();
    for (name, section) in root.named_children(key) {
        let rules = read(&section);
        match Asset::new(&name) {
            Ok(asset) => {
                all.insert(asset, rules);
            }
            Err(error) => root.mistake(key, &error.to_string()),
        }
    }
    all
}

fn option(section: &Section<'_>) -> OptionRules {
    let fraction = |key| section.number(key, Bound::Fraction);
    let unpaired = section.child("unpaired_calls").map(|section| multiples(&section));
    let rules = OptionRules {
        initial_most: fraction("initial_most"),
        initial_least: fraction("initial_least"),
        maintenance_call: fraction("maintenance_call"),
        maintenance_put: fraction("maintenance_put"),
        maintenance_put_mark: fraction("maintenance_put_mark"),
        put_initial_of_maintenance: section.number("put_initial_of_maintenance", Bound::Positive),
        unpaired_calls: unpaired.unwrap_or(Rates { initial: 1.0, maintenance: 1.0 }),
    };
    if rules.initial_most < rules.initial_least {
        section.mistake("initial_most", "must not be below initial_least");
    }
    for (key, maintenance) in
        [("maintenance_call", rules.maintenance_call), ("maintenance_put", rules.maintenance_put)]
    {
        if maintenance > rules.initial_least {
            section.mistake(key, "must not be above initial_least: initial covers maintenance");
        }
    }
    if rules.put_initial_of_maintenance < 1.0 {
        section.mistake("put_initial_of_maintenance", "must be at least 1: initial covers maintenance");
    }
    rules
}

fn rates(section: &Section<'_>) -> Rates {
    ordered(section, Bound::Fraction)
}

/// One forward or more.
fn multiples(section: &Section<'_>) -> Rates {
    ordered(section, Bound::Within(1.0, 10.0))
}

fn ordered(section: &Section<'_>, bound: Bound) -> Rates {
    let rates = Rates {
        initial: section.number("initial", bound),
        maintenance: section.number("maintenance", bound),
    };
    if rates.initial < rates.maintenance {
        section.mistake("initial", "must not be below maintenance");
    }
    rates
}

fn base(section: &Section<'_>) -> BaseRules {
    BaseRules {
        factor: section.number("factor", Bound::Fraction),
        initial_scale: section.number("initial_scale", Bound::Fraction),
    }
}
