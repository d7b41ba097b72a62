//! What a venue lists: contracts of its products, under the names that its grammar gives them.

use crate::WorldError;
use crate::config::{Kind, Product, VenueConfig, WorldConfig};
use crate::depth::{Depth, Side, Taken};
use crate::grid::Grid;
use instrument::{Contract, Listing, Settlement, Specs, Terms, resolve, spell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use units::{Decimal, OptionKind, Price, Timestamp, border};

const DAY_MILLIS: i64 = 86_400_000;
/// Where the specifications do not name a venue's hour; only venues without dated contracts lack one.
const SETTLEMENT_HOUR_UTC: i8 = 8;

/// An instrument of a venue, and its quote of the moment.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) listing: Arc<Listing>,
    /// Its underlying's place in the market.
    pub(crate) underlying: usize,
    pub(crate) expiry: Option<Timestamp>,
    /// Strike and kind of an option.
    pub(crate) option: Option<(f64, OptionKind)>,
    pub(crate) is_inverse: bool,
    /// USD per unit of the currency of price.
    pub(crate) currency_usd: f64,
    pub(crate) tick: Grid,
    pub(crate) lot: Grid,
    pub(crate) minimum_lots: i64,
    pub(crate) half_spread: f64,
    pub(crate) half_spread_of_price: f64,
    pub(crate) level: f64,
    pub(crate) touch_lots: f64,
    /// False from its expiry on.
    pub(crate) is_live: bool,
    pub(crate) quote: Quoted,
    pub(crate) taken: [Taken; 2],
}

/// Prices of the moment, in the unit that the venue quotes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Quoted {
    pub(crate) mark: f64,
    pub(crate) mark_vol: f64,
    /// USD.
    pub(crate) forward: f64,
    pub(crate) depth: Depth,
}

impl Listed {
    pub(crate) fn is_perpetual(&self) -> bool {
        self.listing.contract.terms == Terms::Perpetual
    }

    /// Options that settle in coin are priced in coin.
    pub(crate) const fn is_coin_priced(&self) -> bool {
        self.is_inverse && self.option.is_some()
    }

    /// The mark as a price that can be traded at.
    pub(crate) fn mark_ticks(&self) -> i64 {
        self.tick.nearest(self.quote.mark).max(1)
    }

    /// What is left on one side after what was taken from it, best first.
    pub(crate) fn levels(&self, side: Side, now: Timestamp, recovery_seconds: f64) -> Vec<(i64, i64)> {
        self.quote.depth.levels(side, self.taken[side.index()].left(now, recovery_seconds)).collect()
    }

    /// The best of them.
    pub(crate) fn levels_best(&self, side: Side, now: Timestamp, recovery_seconds: f64) -> Option<i64> {
        let taken = self.taken[side.index()].left(now, recovery_seconds);
        self.quote.depth.levels(side, taken).next().map(|(ticks, _)| ticks)
    }
}

/// All instruments of a venue: by underlying and expiry, so that what they share is computed once.
pub(crate) fn all(
    world: &WorldConfig,
    venue: &VenueConfig,
    start: Timestamp,
    specs: &Specs,
) -> Result<Vec<Listed>, WorldError> {
    let mut listed = BTreeMap::new();
    for product in &venue.product {
        for terms in terms(
            world,
            product,
            start,
            specs.settlement_hour_utc(&venue.name).unwrap_or(SETTLEMENT_HOUR_UTC),
        )? {
            let one = one(world, venue, (product, terms), specs)?;
            let symbol = one.listing.symbol.clone();
            let key = (one.underlying, one.expiry, symbol.clone());
            if listed.insert(key, one).is_some() {
                return Err(WorldError::ListedTwice { venue: venue.name.clone(), symbol });
            }
        }
    }
    Ok(listed.into_values().collect())
}

/// The contract terms of a product: one for a perpetual, one an expiry for futures, calls and puts of every strike for options.
fn terms(
    world: &WorldConfig,
    product: &Product,
    start: Timestamp,
    hour: i8,
) -> Result<Vec<Terms>, WorldError> {
    if product.kind == Kind::Perpetual {
        return Ok(vec![Terms::Perpetual]);
    }
    let mut all = Vec::new();
    for days in &product.expiry_days {
        let day = start.plus_millis(i64::from(*days) * DAY_MILLIS);
        let (year, month, day) = day.utc_date();
        let expiry = Timestamp::from_utc_date(year, month, day, hour)?;
        if expiry <= start {
            continue;
        }
        if product.kind == Kind::Future {
            all.push(Terms::Future { expiry });
            continue;
        }
        for strike in strikes(world, product)? {
            for kind in [OptionKind::Call, OptionKind::Put] {
                all.push(Terms::Option { expiry, strike, kind });
            }
        }
    }
    Ok(all)
}

/// Multiples of the step near the shares of the spot that the product names, each once.
fn strikes(world: &WorldConfig, product: &Product) -> Result<BTreeSet<Price>, WorldError> {
    let grid = Grid::new(product.strike_step)?;
    let spot = world.underlying.iter().find(|u| u.asset == product.underlying).map_or(1.0, |u| u.spot);
    let steps = product.strikes.iter().map(|strike| grid.nearest(strike * spot).max(1));
    Ok(steps.map(|steps| Price::new(grid.decimal(steps))).collect())
}

fn one(
    world: &WorldConfig,
    venue: &VenueConfig,
    (product, terms): (&Product, Terms),
    specs: &Specs,
) -> Result<Listed, WorldError> {
    let contract = Contract {
        underlying: product.underlying.clone(),
        terms,
        settlement: if product.paid_in == product.underlying {
            Settlement::Inverse
        } else if product.paid_in == product.price_in {
            Settlement::Linear { currency: product.paid_in.clone() }
        } else {
            Settlement::Quanto { currency: product.paid_in.clone(), multiplier: Decimal::ONE }
        },
    };
    let not_listed = || WorldError::NotListed { venue: venue.name.clone(), contract: contract.to_string() };
    let symbol = spell(&venue.name, &contract).ok_or_else(not_listed)?;
    let leg = resolve(&venue.name, &symbol, specs)?.legs.into_iter().next().ok_or_else(not_listed)?;
    if leg.listing.contract != contract || leg.listing.price_units != Decimal::ONE {
        return Err(not_listed());
    }
    let position = world.underlying.iter().position(|u| u.asset == product.underlying);
    let rate = world.rate.iter().find(|rate| rate.asset == product.price_in);
    let option = match &contract.terms {
        Terms::Option { strike, kind, .. } => Some((border::to_model(strike.get())?, *kind)),
        _ => None,
    };
    Ok(Listed {
        underlying: position.ok_or_else(not_listed)?,
        expiry: contract.expiry(),
        option,
        is_inverse: contract.settlement == Settlement::Inverse,
        currency_usd: rate.map_or(1.0, |rate| rate.usd),
        tick: Grid::new(product.tick)?,
        lot: Grid::new(product.lot)?,
        minimum_lots: i64::from(product.minimum_lots),
        half_spread: product.half_spread_bp * 1e-4,
        half_spread_of_price: product.half_spread_of_price,
        level: product.level_bp * 1e-4,
        touch_lots: f64::from(product.touch_lots),
        is_live: true,
        quote: Quoted::default(),
        taken: [Taken::default(); 2],
        listing: Arc::new(leg.listing),
    })
}
