//! The whole, in front of venues with every fault, over a disk that loses power: random markets, fills, outages, replaced blocks, crashes
//! and restarts. After each seed:
//!
//! * nothing acknowledged is lost, and a recovered state is that of the undisturbed run at the same event;
//! * no order is sent twice, and none is filled beyond its size;
//! * no transfer is sent twice; none that a rule sent took more than its source could spare, by its own rulebook from nothing, with all
//!   that may still leave it;
//! * no order that a rule or a person sent could break a limit, by a valuation from nothing of ledger, orders on their way and the new one;
//! * money is conserved to the last digit, at every venue, between them, and in the engine's own books;
//! * once everything is connected and reported, the ledger is what the venues hold.
//!
//! `PLIMSOLL_SEEDS=10000 cargo test --release -p paper --test simulation` runs so many; a few by default.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail as tests do

use book::{Counter, Fill, Ledger, Place};
use engine::{
    Arming, Command, Engine, Event, Order, Output, Policy, ProposalId, Ticket, Transfer, TransferPhase,
};
use instrument::Specs;
use journal::sim::SimDisk;
use journal::{
    Batching, Config, Digest, Event as _, JournalId, Machine, Reader, Rederive, Released, Retention, Runner,
    Seq,
};
use margin::{Rulebooks, account_states};
use paper::{Seed, World, WorldConfig};
use rayon::prelude::*;
use risk::{GroupKey, Valuation, group};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use units::{
    Account, Asset, Chain, Decimal, Fixed, Money, OrderId, Price, Quantity, Symbol, Timestamp, Venue,
    exact_sum,
};

const ID: JournalId = JournalId::new(*b"a simulated desk");
const CONFIG: Config = Config {
    segment_bytes: 1 << 20,
    batching: Batching { max_records: 256, max_bytes: 512 << 10 },
    retention: Retention::Everything,
    snapshot_every: 150,
};
/// Trading, and then time for everything to arrive and be reported: most often soon, at the latest much later.
const TRADED_SECONDS: i64 = 60;
const QUIET_SECONDS: i64 = 75;
const LAST_SECONDS: i64 = 600;
const STEP_MILLIS: i64 = 250;

/// How a refused trade by hand begins.
const BY_HAND_AT: &str = "desk@deribit";
const RULEBOOKS: [&str; 2] = ["deribit-xsm", "hyperliquid"];
const POLICY: &str = include_str!("simulation.toml");

fn seeds() -> u64 {
    #[allow(clippy::disallowed_methods)] // a test may be told to do more
    std::env::var("PLIMSOLL_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(40)
}

/// SplitMix64.
struct Draw(u64);

impl Draw {
    const fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn start() -> Timestamp {
    Timestamp::from_utc_date(2026, 11, 25, 12).unwrap()
}

fn genesis() -> Engine {
    Engine::new(Arc::new(Specs::embedded()), start())
}

fn place(account: &str, venue: &str) -> Place {
    Place {
        account: Account::new(account).unwrap(),
        venue: Venue::new(venue).unwrap(),
        chain: Chain::off_chain(),
    }
}

/// One exchange and one chain, few instruments, a crash in the first minute, everything that may go wrong often.
fn config() -> WorldConfig {
    let mut config = WorldConfig::embedded();
    config.venue.retain(|venue| ["deribit", "hyperliquid"].contains(&venue.name.as_str()));
    config.incident.retain(|incident| ["deribit", "hyperliquid"].contains(&incident.venue.as_str()));
    config.accounts.push(Account::new("vault").unwrap());
    for incident in &mut config.incident {
        incident.start_seconds = incident.start_seconds / 20 + 5;
        incident.duration_seconds = incident.duration_seconds.min(4);
    }
    for regime in &mut config.regime {
        regime.start_seconds /= 15;
        regime.duration_seconds /= 15;
    }
    for venue in &mut config.venue {
        venue.report_every_seconds = 10;
        venue.funding_every_seconds = 17;
        venue.opening_positions = 4;
        for product in &mut venue.product {
            product.expiry_days.truncate(2);
            product.strikes.retain(|strike| (strike - 1.0).abs() < 0.15);
        }
        let faults = &mut venue.faults;
        (faults.lost, faults.duplicated, faults.reordered, faults.rejected) = (0.02, 0.05, 0.05, 0.1);
        (faults.outages_per_day, faults.outage_seconds, faults.hidden) = (2_000.0, 4.0, 0.2);
        (faults.frozen_per_day, faults.silent_per_day, faults.oracle_per_day) = (1_000.0, 1_000.0, 500.0);
        faults.quote_fault_seconds = 4.0;
        // Little of what moves, so that rules compete for it; soon there, so that much moves in a minute.
        for deposit in &mut venue.deposit {
            deposit.amount = match deposit.asset.as_str() {
                "USDC" if venue.chain.is_some() => Decimal::from(8_000),
                "USDC" => Decimal::from(15_000),
                // Two accounts have together what one would have.
                _ => deposit.amount / Decimal::TWO,
            };
        }
        venue.transfer.transit_seconds = 3;
        if let Some(chain) = &mut venue.chain {
            (chain.reorg_per_block, chain.dropped) = (0.03, 0.05);
        }
    }
    config
}

/// What is counted over all seeds: a simulation in which nothing happens shows nothing.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    crashes: u64,
    events: u64,
    orders: u64,
    fills: u64,
    cancels: u64,
    queries: u64,
    undone: u64,
    adopted: u64,
    transfers: u64,
    arrived: u64,
    returned: u64,
    by_hand: u64,
    refused_by_hand: u64,
    outages: u64,
    flattened: u64,
    /// Orders whose worst figure was another than their own: what is on its way mattered.
    reserved: u64,
}

impl Seen {
    const fn plus(self, other: Self) -> Self {
        Self {
            crashes: self.crashes + other.crashes,
            events: self.events + other.events,
            orders: self.orders + other.orders,
            fills: self.fills + other.fills,
            cancels: self.cancels + other.cancels,
            queries: self.queries + other.queries,
            undone: self.undone + other.undone,
            adopted: self.adopted + other.adopted,
            transfers: self.transfers + other.transfers,
            arrived: self.arrived + other.arrived,
            returned: self.returned + other.returned,
            by_hand: self.by_hand + other.by_hand,
            refused_by_hand: self.refused_by_hand + other.refused_by_hand,
            outages: self.outages + other.outages,
            flattened: self.flattened + other.flattened,
            reserved: self.reserved + other.reserved,
        }
    }
}

struct Simulation {
    disk: SimDisk,
    runner: Runner<Engine, SimDisk>,
    world: World,
    draw: Draw,
    now: Timestamp,
    /// Acknowledged up to here.
    durable: Seq,
    /// State hashes by event, wherever one was looked at.
    hashes: BTreeMap<Seq, Digest>,
    /// Orders that went out.
    sent: BTreeMap<OrderId, Order>,
    /// Transfers that went out.
    moved: BTreeMap<ProposalId, Transfer>,
    differing: BTreeMap<Place, u32>,
    seen: Seen,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let disk = SimDisk::new(seed);
        let world = World::new(&config(), Seed::new(seed), start()).unwrap();
        let (runner, _) =
            Runner::open(disk.clone(), ID, CONFIG, &genesis(), start(), Rederive::Nothing).unwrap();
        let mut simulation = Self {
            disk,
            runner,
            world,
            draw: Draw(seed),
            now: start(),
            durable: Seq::ZERO,
            hashes: BTreeMap::new(),
            sent: BTreeMap::new(),
            moved: BTreeMap::new(),
            differing: BTreeMap::new(),
            seen: Seen::default(),
        };
        for id in RULEBOOKS {
            let text = Rulebooks::embedded_text(id).unwrap().into();
            simulation.submit(start(), &Event::Rulebook { file: format!("{id}.toml"), text });
        }
        simulation.submit(start(), &Event::Policy { text: POLICY.into() });
        for event in simulation.world.opening().to_vec() {
            simulation.submit(start(), &event);
        }
        simulation.arm();
        simulation.commit();
        simulation
    }

    fn submit(&mut self, time: Timestamp, event: &Event) {
        self.runner.submit(time, event).unwrap();
        self.seen.events += 1;
        self.seen.fills += u64::from(matches!(event, Event::Fill(fill) if fill.order.is_some()));
    }

    fn say(&mut self, command: Command) {
        let now = self.now;
        self.submit(now, &Event::Operator { who: "ann".into(), command });
    }

    fn arm(&mut self) {
        self.say(Command::Arming(Arming::Armed));
    }

    /// Makes durable what is pending, and acts on it.
    fn commit(&mut self) {
        let durable = self.runner.commit().unwrap();
        self.durable = durable.committed.head.seq;
        for Released { output, .. } in durable.outputs {
            match &output {
                Output::Order(order) => {
                    assert!(
                        self.sent.insert(order.id.clone(), order.clone()).is_none(),
                        "sent twice: {order}"
                    );
                    self.seen.orders += 1;
                }
                Output::Proposed(proposal) => {
                    self.seen.by_hand += u64::from(proposal.rule.starts_with("hand of "));
                    self.seen.reserved +=
                        u64::from(proposal.effects.iter().any(|effect| effect.worst != effect.after));
                }
                Output::Transfer(transfer) => {
                    let before = self.moved.insert(transfer.id, transfer.clone());
                    assert!(before.is_none(), "sent twice: {transfer}");
                    self.seen.transfers += 1;
                }
                Output::Refused { rule } if rule.starts_with(BY_HAND_AT) => self.seen.refused_by_hand += 1,
                Output::TransferGone { failed: None, .. } => self.seen.arrived += 1,
                Output::Alert { text } if text.contains("has not left") => self.seen.returned += 1,
                Output::Cancel { .. } => self.seen.cancels += 1,
                Output::Query { .. } => self.seen.queries += 1,
                Output::Undone { .. } => self.seen.undone += 1,
                Output::LinkChanged { link: engine::Link::Down, .. } => self.seen.outages += 1,
                _ => {}
            }
            self.world.take(self.now, &output);
        }
        if self.runner.is_snapshot_due() {
            self.runner.write_snapshot().unwrap();
        }
    }

    /// A quarter of a second: what arrives, the clock, a person who takes over what reports repeat.
    fn step(&mut self) {
        let until = self.now.plus_millis(STEP_MILLIS);
        while let Some((time, event)) = self.world.next(until) {
            self.now = time;
            if let Event::Reported(reported) = &event {
                *self.differing.entry(reported.place.clone()).or_default() += 1;
            }
            self.submit(time, &event);
        }
        self.now = until;
        if until.unix_nanos() % 1_000_000_000 == 0 {
            self.submit(until, &Event::Clock);
        }
        self.answer_moves();
        self.trade_by_hand();
        let open: BTreeSet<Place> = self.runner.machine().unreconciled().cloned().collect();
        self.differing.retain(|place, _| open.contains(place));
        let due: Vec<Place> = self
            .differing
            .iter()
            .filter(|(_, reports)| **reports >= 2)
            .map(|(place, _)| place.clone())
            .collect();
        for place in due {
            self.differing.remove(&place);
            self.seen.adopted += 1;
            self.say(Command::Adopt { place });
        }
        self.commit();
    }

    /// A person says yes or no to moves of collateral, some time after they were proposed.
    fn answer_moves(&mut self) {
        let ids: Vec<ProposalId> = self.runner.machine().transfer_proposals().keys().copied().collect();
        for id in ids {
            match self.draw.below(20) {
                0..4 => self.say(Command::Approve(id)),
                4 => self.say(Command::Decline(id)),
                _ => {}
            }
        }
    }

    /// A person wants trades of any size at any time, says yes to some of them, and ends orders, also those of rules.
    fn trade_by_hand(&mut self) {
        if self.draw.below(30) == 0 {
            let quantity = Decimal::from(10 * (i64::try_from(self.draw.below(8_001)).unwrap() - 4_000));
            let ticket = Ticket {
                place: place("desk", "deribit"),
                symbol: Symbol::new("BTC-PERPETUAL").unwrap(),
                quantity: Quantity::new(quantity),
                limit_price: None,
            };
            self.say(Command::Propose(ticket));
        }
        let ids: Vec<ProposalId> = self.runner.machine().proposals().keys().copied().collect();
        for id in ids {
            match self.draw.below(12) {
                0..3 => self.say(Command::Approve(id)),
                3 => self.say(Command::Decline(id)),
                _ => {}
            }
        }
        let orders: Vec<OrderId> = self.runner.machine().orders().keys().cloned().collect();
        for id in orders {
            if self.draw.below(60) == 0 {
                self.say(Command::Cancel(id));
            }
        }
    }

    /// A commit is cut off, or the process dies between two; it comes back some seconds later.
    fn crash(&mut self) {
        self.seen.crashes += 1;
        self.disk.cut_power();
        // What is on its way to the disk may or may not be there afterwards.
        if self.draw.below(2) == 0 {
            let now = self.now;
            let _ = self.runner.submit(now, &Event::Clock).and_then(|_| self.runner.commit());
        }
        self.world.disconnected();
        let down = i64::try_from(self.draw.below(6_000)).unwrap();
        self.now = self.now.plus_millis(down / STEP_MILLIS * STEP_MILLIS);
        assert!(self.world.advance(self.now).is_empty(), "nobody hears it");
        self.disk = self.disk.restarted();
        let opened = Runner::open(self.disk.clone(), ID, CONFIG, &genesis(), start(), Rederive::Nothing);
        let (runner, recovered) = opened.unwrap();
        let head = recovered.opened.head.seq;
        assert!(head >= self.durable, "acknowledged {}, found {head}", self.durable);
        self.hashes.insert(head, runner.machine().state_hash());
        (self.runner, self.durable) = (runner, head);
        self.differing.clear();
        let now = self.now;
        self.submit(now, &Event::Started);
        self.world.connected();
        self.arm();
        self.commit();
    }

    fn run(&mut self) {
        let flatten_at = self.draw.below(4);
        while self.now < start().plus_millis(TRADED_SECONDS * 1_000) {
            if self.draw.below(60) == 0 {
                self.crash();
            }
            let is_late = self.now >= start().plus_millis(TRADED_SECONDS * 2_000 / 3);
            // In every fourth history a person closes the book in the last third.
            if flatten_at == 0 && is_late && self.seen.flattened == 0 {
                self.seen.flattened += 1;
                self.say(Command::State(Some(engine::State::Flatten)));
            }
            self.step();
        }
        self.say(Command::State(Some(engine::State::Paused)));
        // Funding goes on, and its messages are lost like others: the end is a moment at which nothing is open.
        while self.now < start().plus_millis(LAST_SECONDS * 1_000) {
            self.step();
            let is_over = self.now >= start().plus_millis(QUIET_SECONDS * 1_000);
            if is_over && is_same(&self.world, self.runner.machine()) {
                break;
            }
        }
        self.hashes.insert(self.durable, self.runner.machine().state_hash());
    }
}

/// Replays the journal and holds every promise against it.
fn check(simulation: &Simulation) {
    let mut twin = genesis();
    let mut reader = Reader::open(&simulation.disk, Seq::ZERO).unwrap();
    let (mut sent, mut moved) = (BTreeSet::new(), BTreeSet::new());
    while let Some(record) = reader.next().unwrap() {
        let (stamp, event) = (record.stamp, Event::decode(record.tag, record.payload).unwrap());
        let outputs = twin.step(stamp, &event);
        for output in outputs {
            if let Output::Order(order) = output {
                assert!(sent.insert(order.id.clone()), "made twice: {order}");
                assert_within_limits(&twin, &order);
            } else if let Output::Transfer(transfer) = output {
                assert!(moved.insert(transfer.id), "made twice: {transfer}");
                assert_spared(&twin, &transfer);
            }
        }
        if matches!(event, Event::Transfer(_) | Event::Reorg { .. }) {
            assert_in_transit(&twin);
        }
        if let Some(hash) = simulation.hashes.get(&stamp.seq) {
            assert_eq!(*hash, twin.state_hash(), "state after event {}", stamp.seq);
        }
    }
    assert!(simulation.sent.keys().all(|id| sent.contains(id)), "what was sent is in the journal");
    assert!(simulation.moved.keys().all(|id| moved.contains(id)), "what was sent is in the journal");
    for (id, order) in &simulation.sent {
        if let Some(truth) = simulation.world.order(&order.place.venue, id) {
            assert!(truth.filled.get().abs() <= order.quantity.get().abs(), "{order}: {truth:?}");
        }
    }
    assert_conserved(&simulation.world);
    assert_in_transit(&twin);
    assert_accounted(&twin);
    assert!(
        is_same(&simulation.world, &twin),
        "{:?} {:?}",
        differences(&simulation.world, &twin),
        twin.orders()
    );
}

/// With everything that may still leave it gone, the source keeps its balance, its initial requirement and its use.
fn assert_spared(engine: &Engine, transfer: &Transfer) {
    let rule = &engine.transfers()[&transfer.id].rule;
    let keep = engine.policy().collaterals.iter().find(|known| known.name == *rule).unwrap().keep_use_below;
    let from = &transfer.from;
    let is_leaving = |open: &&engine::OpenTransfer| {
        open.transfer.from == *from
            && open.phase.is_at_source()
            && open.transfer.money.asset == transfer.money.asset
    };
    let leaving: Decimal = engine
        .transfers()
        .values()
        .filter(is_leaving)
        .map(|open| open.transfer.money.amount + open.fee)
        .sum();
    let mut ledger = engine.ledger().clone();
    assert!(ledger.balance(from, &transfer.money.asset) >= leaving, "{transfer}: {leaving} may leave");
    ledger.withdraw(from, &Money { amount: leaving, asset: transfer.money.asset.clone() }).unwrap();
    let states = account_states(&ledger.book(), engine.market());
    let is_here =
        |state: &&margin::AccountState| (&state.account, &state.venue) == (&from.account, &from.venue);
    let Some(state) = states.iter().find(is_here) else { return };
    let id = if from.venue.as_str() == "deribit" { "deribit-xsm" } else { "hyperliquid" };
    let outcome = engine.margins().rulebooks().get(id).unwrap().outcome(state);
    let used = outcome.utilisation().unwrap_or(0.0);
    assert!(used <= keep.to_f64() && outcome.surplus().initial >= 0.0, "{transfer}: use {used} of {keep}");
}

/// What the engine's ledger keeps as money under way is what its transfers say.
fn assert_in_transit(engine: &Engine) {
    let balances = engine.ledger().balances().filter(|(place, ..)| place.venue.as_str() == "in-transit");
    let kept: Decimal = balances.map(|(.., amount)| amount).sum();
    let open = engine.transfers().values().filter(|open| open.phase == TransferPhase::UnderWay);
    assert_eq!(kept, open.map(|open| open.transfer.money.amount).sum::<Decimal>());
}

/// Values ledger and orders from nothing: with the new order and all those on their way that move a figure the same way, no limit is
/// broken that was not, and none more than it was.
fn assert_within_limits(engine: &Engine, order: &Order) {
    let policy = engine.policy();
    let base = figures(policy, engine, &[]);
    let with = |orders: &[&Order]| figures(policy, engine, orders);
    let new = with(&[order]);
    let others: Vec<Figures> = engine
        .orders()
        .values()
        .filter(|open| open.order.id != order.id)
        .map(|open| Order { quantity: open.remaining(), ..open.order.clone() })
        .map(|rest| with(&[&rest]))
        .collect();
    for (key, after) in &new {
        let before = base.get(key).copied().unwrap_or(Fixed::ZERO);
        let moved = *after - before;
        if moved.is_zero() {
            continue;
        }
        let mut worst = *after;
        for other in &others {
            let by = other.get(key).copied().unwrap_or(Fixed::ZERO) - before;
            if (by > Fixed::ZERO) == (moved > Fixed::ZERO) {
                worst += by;
            }
        }
        let hard = policy.limits.iter().find(|limit| limit.name == key.0).unwrap().hard;
        // A gain of a perpetual that is bought at the mark is none; rounding of a row is below a millionth.
        let slack = Fixed::quantise(0.001).unwrap();
        let is_nearer =
            worst.abs() <= before.abs() + slack && (worst > Fixed::ZERO) == (before > Fixed::ZERO);
        assert!(
            worst.abs() <= hard + slack || is_nearer || worst.abs() <= slack,
            "{order}: {key:?} {before} to {after}, at worst {worst} of {hard}"
        );
    }
}

type Figures = BTreeMap<(String, Vec<GroupKey>), Fixed>;

/// Every limited figure of a ledger with some orders filled at the mark.
fn figures(policy: &Policy, engine: &Engine, orders: &[&Order]) -> Figures {
    let mut ledger: Ledger = engine.ledger().clone();
    for order in orders {
        let resolved = instrument::resolve(&order.place.venue, &order.symbol, &Specs::embedded()).unwrap();
        let listing = Arc::new(resolved.legs[0].listing.clone());
        let key = (order.place.venue.clone(), order.symbol.clone());
        let quotes = engine.quotes();
        let mark = quotes.futures.get(&key).map(|quote| quote.mark_price.get());
        let mark = mark.unwrap_or_else(|| quotes.options[&key].mark_price);
        let fill = Fill {
            id: units::FillId::new(&format!("if {}", order.id)).unwrap(),
            place: order.place.clone(),
            listing,
            quantity: order.quantity,
            price: mark.to_string().parse::<Price>().unwrap(),
            fee: None,
            time: engine.now(),
        };
        ledger.fill(&fill).unwrap();
    }
    let rows = Valuation::new(&ledger.book(), engine.market()).rows;
    let mut figures = Figures::new();
    for limit in &policy.limits {
        for sum in group(&rows, &limit.group_by) {
            let names = limit.group_by.iter().enumerate().zip(&sum.key);
            let is_meant = |((at, _), key): ((usize, &risk::GroupBy), &GroupKey)| {
                limit.only.get(&at).is_none_or(|only| only.contains(&key.text()))
            };
            if names.clone().all(is_meant) {
                figures.insert((limit.name.clone(), sum.key.clone()), sum.exposure.in_usd(limit.measure));
            }
        }
    }
    figures
}

/// At each venue balances and what everybody else gained sum to zero in each asset; over all venues what came from outside is what they
/// began with, less what is between two of them.
fn assert_conserved(world: &World) {
    let mut outside: BTreeMap<Asset, Decimal> = BTreeMap::new();
    for truth in world.truth() {
        let mut sums: BTreeMap<Asset, Decimal> = BTreeMap::new();
        for (_, asset, amount) in truth.ledger.balances() {
            let sum = sums.entry(asset.clone()).or_default();
            *sum = exact_sum(*sum, amount).unwrap();
        }
        for ((_, asset), gained) in truth.counters {
            let sum = sums.entry(asset.clone()).or_default();
            *sum = exact_sum(*sum, gained.unwrap()).unwrap();
        }
        assert!(sums.values().all(Decimal::is_zero), "{}: {sums:?}", truth.venue);
        for ((_, asset), gained) in truth.counters.iter().filter(|((of, _), _)| *of == Counter::External) {
            *outside.entry(asset.clone()).or_default() += gained.unwrap();
        }
    }
    for event in world.opening() {
        if let Event::Cash(engine::CashEvent { money, kind: engine::CashKind::Deposit, .. }) = event {
            *outside.entry(money.asset.clone()).or_default() += money.amount;
        }
    }
    for transfer in world.under_way() {
        *outside.entry(transfer.money.asset.clone()).or_default() -= transfer.money.amount;
    }
    assert!(outside.values().all(Decimal::is_zero), "{outside:?}");
    assert_eq!(world.troubles().next(), None);
}

/// Every balance of the engine is the sum of what came and went.
fn assert_accounted(engine: &Engine) {
    let mut sums: BTreeMap<(Place, Asset), Decimal> = BTreeMap::new();
    for ((place, _, asset), amount) in engine.profit().cash() {
        let sum = sums.entry((place.clone(), asset.clone())).or_default();
        *sum = exact_sum(*sum, *amount).unwrap().normalize();
    }
    sums.retain(|_, sum| !sum.is_zero());
    let balances = engine.ledger().balances();
    assert_eq!(
        sums,
        balances.map(|(place, asset, amount)| ((place.clone(), asset.clone()), amount)).collect()
    );
}

/// Quantities and balances are those of the venues; how much of a gain is realised may differ where fills overtook each other, and
/// adopting has told the cash.
fn is_same(world: &World, engine: &Engine) -> bool {
    engine.unreconciled().next().is_none()
        && engine.orders().is_empty()
        && engine.transfers().is_empty()
        && world.under_way().next().is_none()
        && differences(world, engine).is_empty()
}

/// Places where the engine's ledger and the venue's are not the same.
fn differences(world: &World, engine: &Engine) -> Vec<String> {
    let mut found = Vec::new();
    for truth in world.truth() {
        for place in truth.places {
            let of = |ledger: &Ledger| {
                let positions = ledger.positions().filter(|(at, _)| *at == place);
                let positions: Vec<_> =
                    positions.map(|(_, held)| (held.listing().symbol.clone(), held.quantity())).collect();
                let balances = ledger.balances().filter(|(at, ..)| *at == place);
                (positions, balances.map(|(_, asset, amount)| (asset.clone(), amount)).collect::<Vec<_>>())
            };
            let (own, venue) = (of(engine.ledger()), of(truth.ledger));
            if own.0 != venue.0 || !is_near(&own.1, &venue.1) {
                found.push(format!("{place}: {own:?}, its venue {venue:?}"));
            }
        }
    }
    found
}

/// Balances are the same but for what is below the digits of venues: gains of fills that overtook each other are rounded otherwise.
fn is_near(own: &[(Asset, Decimal)], venue: &[(Asset, Decimal)]) -> bool {
    let dust = Decimal::new(1, 8);
    let of = |all: &[(Asset, Decimal)]| all.iter().cloned().collect::<BTreeMap<_, _>>();
    let (own, venue) = (of(own), of(venue));
    let assets: BTreeSet<&Asset> = own.keys().chain(venue.keys()).collect();
    let amount = |all: &BTreeMap<Asset, Decimal>, asset| all.get(asset).copied().unwrap_or_default();
    assets.iter().all(|asset| (amount(&own, *asset) - amount(&venue, *asset)).abs() <= dust)
}

#[test]
fn whatever_happens_every_promise_holds() {
    let done = AtomicU64::new(0);
    let histories = (0..seeds()).into_par_iter().map(|seed| {
        let mut simulation = Simulation::new(seed);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            simulation.run();
            check(&simulation);
        }));
        if let Err(panic) = outcome {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
        let count = done.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_multiple_of(500) {
            eprintln!("{count} histories hold");
        }
        simulation.seen
    });
    let all = histories.reduce(Seen::default, Seen::plus);
    eprintln!("{} seeds: {all:?}", seeds());
    let Seen { crashes, orders, fills, cancels, queries, outages, flattened, .. } = all;
    assert!(crashes > seeds() && orders > seeds() && fills > seeds(), "{all:?}");
    assert!(all.by_hand > seeds() && all.refused_by_hand > 0, "{all:?}");
    assert!(all.transfers > seeds() && all.arrived > seeds(), "{all:?}");
    assert!(cancels > 0 && queries > 0 && outages > 0 && flattened > 0 && all.reserved > 0, "{all:?}");
}
