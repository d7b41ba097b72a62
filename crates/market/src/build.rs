//! How a market is made of a snapshot, at once or quote by quote.

use crate::forward::median;
use crate::quoted::{Moves, Quoted};
use crate::snapshot::{Moved, Snapshot};
use crate::state::{Market, VolBasis, quote_currency};
use crate::surface::{Cleaning, FamilyChain, VolSurface, families};
use std::collections::BTreeMap;
use units::{Asset, Spot, Timestamp};

/// A market that follows quotes: each time it is the one that [`Market::build`] makes of the quotes at hand, without surfaces.
#[derive(Debug, Clone)]
pub struct Follower {
    market: Market,
    quoted: BTreeMap<Asset, Quoted>,
}

/// What is not as it was in a market.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// By underlying of the quotes that moved; all of them when time has passed.
    pub underlyings: BTreeMap<Asset, Moves>,
    /// True when a USD rate that is given or implied is another one.
    pub rates: bool,
}

impl Changes {
    /// These and later ones.
    pub fn extend(&mut self, later: Self) {
        self.rates |= later.rates;
        for (asset, moves) in later.underlyings {
            self.underlyings.entry(asset).or_default().extend(moves);
        }
    }
}

impl Follower {
    /// An empty market with the user's conversion rates.
    #[must_use]
    pub fn new(asof: Timestamp, rates: BTreeMap<Asset, Spot>) -> Self {
        let market = Market {
            asof,
            underlyings: BTreeMap::new(),
            rates: rates.clone(),
            notes: Vec::new(),
            vol_basis: VolBasis::Marks,
            stickiness: BTreeMap::new(),
            given_rates: rates,
            notes_of: BTreeMap::new(),
            option_vols: BTreeMap::new(),
            future_marks: BTreeMap::new(),
        };
        Self { market, quoted: BTreeMap::new() }
    }

    /// The market.
    #[must_use]
    pub const fn market(&self) -> &Market {
        &self.market
    }

    /// Brings the market up to a snapshot; says what is another than before.
    pub fn follow(&mut self, snapshot: &Snapshot, moved: &Moved) -> Changes {
        let has_aged = self.market.asof != snapshot.asof;
        self.market.asof = snapshot.asof;
        // By underlying: whether one of its quotes is gone.
        let mut touched: BTreeMap<&Asset, bool> = BTreeMap::new();
        let mut pairs_moved = false;
        for (key, contract) in &moved.quotes {
            let own = match self.quoted.get_mut(&contract.underlying) {
                Some(own) => own,
                None => self.quoted.entry(contract.underlying.clone()).or_default(),
            };
            own.note_moved(contract);
            let is_gone = touched.entry(&contract.underlying).or_default();
            match (snapshot.options.get(key), snapshot.futures.get(key)) {
                (Some(quote), _) => own.put_option(quote),
                (None, Some(quote)) => own.put_future(quote),
                (None, None) if snapshot.spots.contains_key(key) => pairs_moved = true,
                (None, None) => *is_gone = true,
            }
        }
        let mut changes = Changes::default();
        for (asset, own) in &mut self.quoted {
            let is_gone = touched.get(asset).copied();
            if has_aged || is_gone.is_some() {
                let has_aged = has_aged || is_gone == Some(true);
                let moves = own.follow(asset, &mut self.market, (snapshot.index_window, has_aged));
                changes.underlyings.insert(asset.clone(), moves);
            }
        }
        let is_retold = changes.underlyings.values().any(|moves| moves.index || moves.notes);
        if pairs_moved || is_retold {
            changes.rates = self.retell(snapshot);
        }
        changes
    }

    /// Takes other rates of the user.
    pub fn give_rates(&mut self, snapshot: &Snapshot, rates: BTreeMap<Asset, Spot>) -> Changes {
        self.market.given_rates = rates;
        Changes { rates: self.retell(snapshot), ..Changes::default() }
    }

    /// Rates, and all notes; true when a rate is another one.
    fn retell(&mut self, snapshot: &Snapshot) -> bool {
        let market = &mut self.market;
        let given = market.given_rates.clone();
        let before = std::mem::replace(&mut market.rates, given);
        market.notes = market.notes_of.values().flatten().cloned().collect();
        market.imply_rates(snapshot);
        market.rates != before
    }
}

impl Market {
    /// Builds the market from a snapshot and the user's conversion rates.
    #[must_use]
    pub fn build(snapshot: &Snapshot, rates: &BTreeMap<Asset, Spot>) -> Self {
        let mut follower = Follower::new(snapshot.asof, rates.clone());
        follower.follow(snapshot, &Moved::all(snapshot));
        follower.market
    }

    /// The same market with the surface of record of every family that has quotes to fit one to.
    #[must_use]
    pub fn with_surfaces(mut self, snapshot: &Snapshot, basis: VolBasis) -> Self {
        self.vol_basis = basis;
        for ((asset, currency), quotes) in families(snapshot) {
            let asof = self.asof;
            let Some(underlying) = self.underlyings.get_mut(&asset) else { continue };
            let Some(family) = underlying.families.get_mut(&currency) else { continue };
            let chain = FamilyChain::new(asof, &quotes, &family.curve, Some(underlying.spot));
            let cleaning = Cleaning::default();
            let given: Vec<_> = chain.expiries.iter().map(|expiry| expiry.cleaned(&cleaning)).collect();
            family.surface = Some(VolSurface::fit(asof, &given).surface).filter(|s| !s.is_empty());
        }
        self
    }

    /// USD rates that spot pairs imply: the USD price of the base over the price of the pair, the median over pairs; then once
    /// more for currencies that are only quoted against those found first.
    ///
    /// A rate that the user gives must not move another that pairs without it imply: only where there are none does a pair whose base
    /// has a given rate count.
    fn imply_rates(&mut self, snapshot: &Snapshot) {
        self.imply_rates_from(snapshot, |market, base| {
            market.underlyings.contains_key(base) || !market.given_rates.contains_key(base)
        });
        if !self.given_rates.is_empty() {
            self.imply_rates_from(snapshot, |_, _| true);
        }
    }

    fn imply_rates_from(&mut self, snapshot: &Snapshot, counts: impl Fn(&Self, &Asset) -> bool) {
        for _ in 0..2 {
            let mut implied: BTreeMap<Asset, Vec<f64>> = BTreeMap::new();
            for quote in snapshot.spots.values() {
                let contract = &quote.listing.contract;
                let currency = quote_currency(contract);
                if counts(self, &contract.underlying)
                    && self.usd_rate(&currency).is_err()
                    && let Ok(base_usd) = self.usd_rate(&contract.underlying)
                {
                    implied.entry(currency).or_default().push(base_usd / quote.mark_price.get());
                }
            }
            for (currency, mut rates) in implied {
                if let Some(rate) = median(&mut rates).and_then(|r| Spot::new(r).ok()) {
                    self.notes.push(implied_rate_note(&currency, rate));
                    self.rates.insert(currency, rate);
                }
            }
        }
    }
}

/// A dollar token far from a dollar is more often a bad row than a depeg: the note says so.
fn implied_rate_note(currency: &Asset, rate: Spot) -> String {
    let usual = !currency.as_str().contains("USD") || (0.8..=1.2).contains(&rate.get());
    let check =
        if usual { "" } else { "; far from 1: check the spot rows of the market files, or pass --rate" };
    format!("{currency}: {:.6} USD, implied by spot pairs{check}", rate.get())
}
