//! Which factor drives which contract, and what a joint move does to the market.
//!
//! A coin's price is driven by its own spot factor, an option's vol by the vol factor of its underlying; a proxy stands in only
//! where the user names one. What has no driver is named ([`Undriven`]) and its positions are in no P&L; nothing is taken to
//! stand still but currencies, whose USD rates are held, and vols that the user holds. A vol factor is a 30-day vol: a move of x
//! points is x (30 d / max(T, 1 d))^power at tenor T ([`crate::VolShift`]).
//!
//! A vol factor is also a vol at the money, whose strike moves with spot: its recorded move holds what riding along the skew did. So
//! the smile is sticky moneyness under a joint move, and the factor's points come on top; sticky strike would count the skew twice.
//! Where the vol is held, the smile moves as the market says.

use crate::history::Factor;
use crate::priced::{Form, Priced};
use crate::shock::{Shock, VolShift};
use market::surface::SkewStickiness;
use std::collections::{BTreeMap, BTreeSet};
use units::Asset;

/// What stands in for a vol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolProxy {
    /// The vol of another underlying, point for point.
    Of(Asset),
    /// Nothing: it does not move.
    Held,
}

/// Factors that stand in for others, by choice of the user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxies {
    /// Coin to the coin whose log returns it gets.
    pub spot: BTreeMap<Asset, Asset>,
    /// Underlying to what moves its vols.
    pub vol: BTreeMap<Asset, VolProxy>,
}

/// The word for a vol that does not move.
pub const HELD: &str = "held";

impl Proxies {
    /// From pairs of names.
    ///
    /// # Errors
    /// The first pair that is none, with the rule.
    pub fn parse(
        spot: &BTreeMap<String, String>,
        vol: &BTreeMap<String, String>,
    ) -> Result<Self, (String, String)> {
        let asset = |text: &str| Asset::new(text).map_err(|e| (text.to_owned(), e.to_string()));
        let mut proxies = Self::default();
        for (of, by) in spot {
            proxies.spot.insert(asset(of)?, asset(by)?);
        }
        for (of, by) in vol {
            let by = if by.eq_ignore_ascii_case(HELD) { VolProxy::Held } else { VolProxy::Of(asset(by)?) };
            proxies.vol.insert(asset(of)?, by);
        }
        Ok(proxies)
    }

    /// These, with others in addition; on the same name the others win.
    #[must_use]
    pub fn with(mut self, others: &Self) -> Self {
        self.spot.extend(others.spot.clone());
        self.vol.extend(others.vol.clone());
        self
    }

    pub(crate) fn to_toml(&self) -> String {
        let mut out = String::new();
        let quoted = |asset: &Asset| toml::Value::String(asset.as_str().into()).to_string();
        if !self.spot.is_empty() {
            out.push_str("\n[spot_proxy]\n");
            for (of, by) in &self.spot {
                out.push_str(&format!("{} = {}\n", quoted(of), quoted(by)));
            }
        }
        if !self.vol.is_empty() {
            out.push_str("\n[vol_proxy]\n");
            for (of, by) in &self.vol {
                let by = match by {
                    VolProxy::Of(asset) => quoted(asset),
                    VolProxy::Held => format!("\"{HELD}\""),
                };
                out.push_str(&format!("{} = {by}\n", quoted(of)));
            }
        }
        out
    }
}

/// An underlying that no factor drives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undriven {
    /// Its spot.
    Spot(Asset),
    /// The vol of its options.
    Vol(Asset),
}

/// What drives one underlying, by places among the factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Driver {
    spot: Option<usize>,
    vol: Option<usize>,
}

/// From joint moves to shocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Drivers {
    /// Factors in use, in the order of moves.
    pub factors: Vec<Factor>,
    /// Exponent of (30 d / T) for vols.
    pub vol_tenor_power: f64,
    by_underlying: BTreeMap<Asset, Driver>,
    undriven: BTreeSet<Undriven>,
}

/// True when the price of a coin moves it; a currency held and USD are not.
fn needs_spot(priced: &Priced) -> bool {
    !matches!(priced.form, Form::Asset) || (priced.rate_asset.is_none() && priced.underlying != Asset::usd())
}

impl Drivers {
    /// Finds the factors that these contracts need among those at hand.
    #[must_use]
    pub fn new<'a>(
        contracts: impl IntoIterator<Item = &'a Priced>,
        at_hand: &BTreeSet<Factor>,
        proxies: &Proxies,
        vol_tenor_power: f64,
    ) -> Self {
        let mut wanted: BTreeMap<Asset, (Option<Factor>, Option<Factor>)> = BTreeMap::new();
        let mut undriven = BTreeSet::new();
        for contract in contracts.into_iter().filter(|c| needs_spot(c)) {
            let asset = &contract.underlying;
            let slot = wanted.entry(asset.clone()).or_default();
            let own = Factor::Spot(asset.clone());
            let spot = [Some(own), proxies.spot.get(asset).cloned().map(Factor::Spot)];
            slot.0 = spot.into_iter().flatten().find(|f| at_hand.contains(f));
            if slot.0.is_none() {
                undriven.insert(Undriven::Spot(asset.clone()));
            }
            let proxy = proxies.vol.get(asset);
            if matches!(contract.form, Form::Option(_)) && proxy != Some(&VolProxy::Held) {
                let stand_in = match proxy {
                    Some(VolProxy::Of(other)) => Some(Factor::Vol(other.clone())),
                    _ => None,
                };
                let vol = [Some(Factor::Vol(asset.clone())), stand_in];
                slot.1 = vol.into_iter().flatten().find(|f| at_hand.contains(f));
                if slot.1.is_none() {
                    undriven.insert(Undriven::Vol(asset.clone()));
                }
            }
        }
        let used: BTreeSet<&Factor> =
            wanted.values().flat_map(|(spot, vol)| spot.iter().chain(vol)).collect();
        let factors: Vec<Factor> = used.into_iter().cloned().collect();
        let place = |f: &Option<Factor>| f.as_ref().and_then(|f| factors.iter().position(|own| own == f));
        let by_underlying = wanted
            .iter()
            .map(|(asset, (spot, vol))| (asset.clone(), Driver { spot: place(spot), vol: place(vol) }))
            .collect();
        Self { vol_tenor_power, by_underlying, undriven, factors }
    }

    /// Underlyings that nothing drives.
    #[must_use]
    pub const fn undriven(&self) -> &BTreeSet<Undriven> {
        &self.undriven
    }

    /// What keeps a contract out of every P&L; `None` when its factors are there.
    #[must_use]
    pub fn lacks(&self, contract: &Priced) -> Option<Undriven> {
        if !needs_spot(contract) {
            return None;
        }
        let asset = &contract.underlying;
        let spot = Undriven::Spot(asset.clone());
        let vol = Undriven::Vol(asset.clone());
        let is_option = matches!(contract.form, Form::Option(_));
        [Some(spot), is_option.then_some(vol)].into_iter().flatten().find(|lack| self.undriven.contains(lack))
    }

    /// The market's shock under a joint move in the order of factors.
    #[must_use]
    pub fn shock(&self, moves: &[f64]) -> Shock {
        let mut shock = Shock::default();
        for (asset, driver) in &self.by_underlying {
            if let Some(moved) = driver.spot.and_then(|place| moves.get(place)) {
                shock.spot_return_of.insert(asset.clone(), pricing::kernel::exp(*moved) - 1.0);
            }
            if let Some(points) = driver.vol.and_then(|place| moves.get(place)) {
                shock.vol_of.insert(asset.clone(), self.shift(*points));
                shock.skew_stickiness_of.insert(asset.clone(), SkewStickiness::STICKY_MONEYNESS);
            }
        }
        shock
    }

    /// How the smile of a contract moves under [`Self::shock`]; `None` leaves it to the market.
    pub(crate) fn stickiness(&self, contract: &Priced) -> Option<SkewStickiness> {
        let vol = self.by_underlying.get(&contract.underlying).and_then(|driver| driver.vol);
        vol.map(|_| SkewStickiness::STICKY_MONEYNESS)
    }

    pub(crate) fn shift(&self, points: f64) -> VolShift {
        VolShift { points, tenor_power: self.vol_tenor_power, ..VolShift::default() }
    }

    /// Places of the factors that drive a contract: spot, and vol of an option.
    pub(crate) fn places(&self, contract: &Priced) -> (Option<usize>, Option<usize>) {
        if !needs_spot(contract) {
            return (None, None);
        }
        let Some(driver) = self.by_underlying.get(&contract.underlying) else { return (None, None) };
        (driver.spot, driver.vol.filter(|_| matches!(contract.form, Form::Option(_))))
    }
}
