//! When margins are computed.
//!
//! ```toml
//! [margin]
//! every_seconds = 10
//! liquidation_of = ["BTC", "ETH"]                 # indices whose distance to liquidation is searched
//! rulebooks = { "desk@deribit" = "deribit-xpm" }  # of accounts that do not go by their venue's usual one
//! ```

use super::Checker;
use crate::margins::MarginRules;
use std::collections::BTreeMap;
use units::{Account, Asset, Venue};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MarginToml {
    every_seconds: u32,
    #[serde(default)]
    liquidation_of: Vec<String>,
    #[serde(default)]
    rulebooks: BTreeMap<String, String>,
}

impl Checker<'_> {
    pub(super) fn margin(&mut self, raw: &MarginToml) -> MarginRules {
        if raw.every_seconds == 0 || raw.every_seconds > 86_400 {
            self.issue("margin.every_seconds", &raw.every_seconds.to_string(), "one second to one day");
        }
        let indices = raw.liquidation_of.iter();
        let liquidation_of = indices.filter_map(|name| self.named("margin.liquidation_of", name, Asset::new));
        let liquidation_of: Vec<Asset> = liquidation_of.collect();
        let mut rulebooks = BTreeMap::new();
        for (place, id) in &raw.rulebooks {
            let parts = place
                .rsplit_once('@')
                .and_then(|(account, venue)| Some((Account::new(account).ok()?, Venue::new(venue).ok()?)));
            match parts {
                Some(place) => drop(rulebooks.insert(place, id.clone())),
                None => self.issue("margin.rulebooks", place, "ACCOUNT@VENUE, such as \"desk@deribit\""),
            }
        }
        MarginRules { every_seconds: raw.every_seconds, liquidation_of, rulebooks }
    }
}
