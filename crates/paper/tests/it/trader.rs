//! Worlds to test in, and a trader who sends random orders, cancels and questions.

use book::{Counter, Place};
use engine::{Event, Order, Output};
use paper::{Seed, Traded, World, WorldConfig};
use std::collections::BTreeMap;
use units::{Asset, Decimal, OrderId, Price, Quantity, Symbol, Timestamp, Venue, exact_sum};

pub(crate) fn start() -> Timestamp {
    Timestamp::from_utc_date(2026, 11, 25, 12).unwrap()
}

pub(crate) fn after(seconds: i64) -> Timestamp {
    start().plus_millis(seconds * 1000)
}

pub(crate) fn venue(name: &str) -> Venue {
    Venue::new(name).unwrap()
}

pub(crate) fn calm() -> WorldConfig {
    WorldConfig::embedded().without_faults()
}

/// One instrument of a venue, and little else: small worlds for rules of orders.
pub(crate) fn only(config: WorldConfig, name: &str) -> WorldConfig {
    let mut config = config;
    config.venue.retain(|venue| venue.name.as_str() == name);
    config.incident.retain(|incident| incident.venue.as_str() == name);
    config
}

pub(crate) fn world(config: &WorldConfig, seed: u64) -> World {
    World::new(config, Seed::new(seed), start()).unwrap()
}

pub(crate) fn place_at(world: &World, name: &str) -> Place {
    world.truth().find(|truth| truth.venue.as_str() == name).unwrap().places[0].clone()
}

/// An order of a number of lots at a limit some parts in ten thousand from the mark: above it where positive.
pub(crate) fn order(
    world: &World,
    (id, name, symbol): (&str, &str, &str),
    lots: i64,
    limit_bp: i64,
) -> Order {
    let symbol = Symbol::new(symbol).unwrap();
    let traded = world.traded(&venue(name)).find(|traded| traded.listing.symbol == symbol).unwrap();
    let mark = world.prices(&venue(name), &symbol).unwrap().mark;
    Order {
        id: OrderId::new(id).unwrap(),
        place: place_at(world, name),
        symbol,
        quantity: Quantity::new(traded.lot.get() * Decimal::from(lots)),
        limit_price: limit(&traded, mark, limit_bp),
        valid_until: world.now().plus_millis(30_000),
    }
}

fn limit(traded: &Traded, mark: Price, limit_bp: i64) -> Price {
    let price = mark.get() * (Decimal::ONE + Decimal::new(limit_bp, 4));
    let steps = (price / traded.tick.get()).round().max(Decimal::ONE);
    Price::new((steps * traded.tick.get()).normalize())
}

/// Draws by SplitMix64, so that a seed means the same everywhere.
pub(crate) struct Trader {
    state: u64,
    sent: Vec<Order>,
}

impl Trader {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed, sent: Vec::new() }
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    pub(crate) fn sent(&self) -> &[Order] {
        &self.sent
    }

    /// Something that an engine might say now: mostly a new order, else an old one again, a cancel, a question.
    pub(crate) fn says(&mut self, world: &World) -> Output {
        let known = self.sent.len() as u64;
        if known > 0 && self.below(3) == 0 {
            let at = usize::try_from(self.below(known)).unwrap();
            let old = self.sent[at].clone();
            return match self.below(3) {
                0 => Output::Order(old),
                1 => Output::Cancel { id: old.id, place: old.place },
                _ => Output::Query { id: old.id, place: old.place },
            };
        }
        let venues: Vec<Venue> = world.truth().map(|truth| truth.venue.clone()).collect();
        let name = &venues[usize::try_from(self.below(venues.len() as u64)).unwrap()];
        let all: Vec<Traded> = world.traded(name).collect();
        let traded = &all[usize::try_from(self.below(all.len() as u64)).unwrap()];
        let mark = world.prices(name, &traded.listing.symbol).unwrap().mark;
        let sign = if self.below(2) == 0 { 1 } else { -1 };
        let lots = sign * (1 + i64::try_from(self.below(200)).unwrap());
        // From 0.3 % on the passive side to 1 % through the market.
        let limit_bp = sign * (i64::try_from(self.below(130)).unwrap() - 30);
        let order = Order {
            id: OrderId::new(&format!("t{}", known + 1)).unwrap(),
            place: place_at(world, name.as_str()),
            symbol: traded.listing.symbol.clone(),
            quantity: Quantity::new(traded.minimum.get() * Decimal::from(lots)),
            limit_price: limit(traded, mark, limit_bp),
            valid_until: world.now().plus_millis(i64::try_from(self.below(20_000)).unwrap()),
        };
        self.sent.push(order.clone());
        Output::Order(order)
    }

    /// Plays until a time, saying something after one in so many sets of quotes; gives what arrived. (An answer to every event would be
    /// answered in turn, without end.)
    pub(crate) fn plays(
        &mut self,
        world: &mut World,
        until: Timestamp,
        one_in: u64,
    ) -> Vec<(Timestamp, Event)> {
        let mut events = Vec::new();
        while let Some((at, event)) = world.next(until) {
            if matches!(event, Event::Quotes { .. }) && self.below(one_in) == 0 {
                let said = self.says(world);
                world.take(at, &said);
            }
            events.push((at, event));
        }
        events
    }
}

/// Balances and counter accounts sum to zero in each asset, at each venue, to the last digit.
pub(crate) fn assert_conserved(world: &World) {
    for truth in world.truth() {
        let mut sums: BTreeMap<Asset, Decimal> = BTreeMap::new();
        let mut add = |asset: &Asset, amount: Decimal| {
            let sum = sums.entry(asset.clone()).or_default();
            *sum = exact_sum(*sum, amount).expect("28 digits");
        };
        for (_, asset, amount) in truth.ledger.balances() {
            add(asset, amount);
        }
        for ((_, asset), amount) in truth.counters {
            add(asset, amount.expect("28 digits"));
        }
        for (asset, sum) in &sums {
            assert!(sum.is_zero(), "{}: {asset} sums to {sum}", truth.venue);
        }
        // Deposits came from outside and are what was deposited.
        assert!(truth.counters.keys().any(|(counter, _)| *counter == Counter::External));
    }
    assert_eq!(world.troubles().collect::<Vec<_>>(), Vec::<&str>::new());
}
