//! Profit by cause: an exact identity on random histories, and each term on a path whose greeks are known.

use crate::views::{POLICY, engine, step};
use crate::world::{World, place, start};
use engine::{CashEvent, CashKind, Engine, Event, FillEvent, Flow, Item, ValueChange};
use journal::Machine;
use proptest::prelude::*;
use risk::explain::Cause;
use risk::{Measure, Priced};
use std::collections::BTreeMap;
use units::{Asset, Fixed, Money, Symbol, Venue};

const CALL: &str = "BTC-25DEC26-100000-C";

fn policy(seconds: u32) -> Event {
    Event::Policy { text: format!("{POLICY}\n[explain]\nevery_seconds = {seconds}\n") }
}

fn btc() -> Asset {
    Asset::new("BTC").unwrap()
}

/// Value of everything held by underlying of positions and asset of balances, from the live views.
fn values(engine: &Engine) -> BTreeMap<Asset, Fixed> {
    let mut values = BTreeMap::new();
    for (item, valued) in engine.views().items() {
        let asset = match &item {
            Item::Balance(_, asset) => asset.clone(),
            Item::Position(at, symbol) => {
                engine.ledger().position(at, symbol).unwrap().listing().contract.underlying.clone()
            }
        };
        let rows = valued.rows.unwrap_or_default();
        let usd: Fixed = rows.iter().map(|row| row.exposure.in_usd(Measure::Value)).sum();
        *values.entry(asset).or_default() += usd;
    }
    values
}

/// What is told adds up to the last digit, and the values at its ends are those of the views.
#[track_caller]
fn assert_exact(engine: &Engine, opened: &BTreeMap<Asset, Fixed>) {
    let (explained, now) = (engine.explained(), values(engine));
    let zero = Fixed::ZERO;
    for (asset, change) in explained.by_underlying() {
        assert_eq!(change.value_usd, now.get(asset).copied().unwrap_or(zero), "{asset} now");
        assert_eq!(change.start_usd, opened.get(asset).copied().unwrap_or(zero), "{asset} at the start");
        assert_eq!(change.value_usd - change.start_usd, change.told_usd(), "{asset}: {change:?}");
    }
    assert!(now.keys().all(|asset| explained.by_underlying().contains_key(asset)));
    let (total, sum) = (explained.total(), |values: &BTreeMap<Asset, Fixed>| values.values().copied().sum());
    assert_eq!((total.start_usd, total.value_usd), (sum(opened), sum(&now)));
    assert_eq!(total.value_usd - total.start_usd, total.told_usd());
}

/// A history under a policy that explains; says how much was told.
fn history(seed: u64, seconds: u32, events: u64) -> ValueChange {
    let (mut engine, mut world) = (engine(), World::new(seed));
    step(&mut engine, &world, 0, &policy(seconds));
    let (mut opened, mut since, mut ended) = (BTreeMap::new(), None, None);
    for seq in 1..=events {
        let event = world.next();
        step(&mut engine, &world, seq, &event);
        let until = engine.explained().until();
        if until == ended {
            continue;
        }
        ended = until;
        // The start moves on while feeds come in one by one.
        if engine.explained().since() != since {
            (opened, since) = (values(&engine), engine.explained().since());
        }
        assert_exact(&engine, &opened);
        let again = engine.restore(&engine.snapshot()).unwrap();
        assert_eq!(again.explained(), engine.explained());
    }
    engine.explained().total()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// value now - value at the start = causes + residual + flows + unexplained, per underlying and in total, as integers.
    #[test]
    fn what_is_told_is_the_change_of_value_to_the_last_digit(seed in any::<u64>(), seconds in 1..20_u32) {
        history(seed, seconds, 250);
    }
}

/// The histories of the property have something of every term in them.
#[test]
fn histories_have_every_term() {
    let mut all = Vec::new();
    for seed in 1..8 {
        all.push(history(seed, 3, 400));
    }
    for cause in Cause::ALL {
        assert!(all.iter().any(|change| !change.cause(cause).is_zero()), "{}", cause.key());
    }
    for flow in [Flow::Trades, Flow::Fees, Flow::Funding, Flow::Deposits, Flow::Settlements] {
        assert!(all.iter().any(|change| !change.flow(flow).is_zero()), "{}", flow.key());
    }
    assert!(all.iter().any(|change| change.unexplained > 0 && !change.unexplained_usd.is_zero()));
    // Between clocks of seconds greeks tell nearly all; jumps of 15 % and hours are in it as well.
    let size = |change: &ValueChange| change.causes_usd.iter().map(|usd| usd.abs().to_f64()).sum::<f64>();
    let (told, left) = all.iter().fold((0.0, 0.0), |(told, left), change| {
        (told + size(change), left + change.residual_usd.abs().to_f64())
    });
    assert!(left < 0.05 * told, "residual {left} of {told}");
}

/// What the first feeds find a price for, one after the other, is no profit: the start is when no more come.
#[test]
fn the_start_waits_for_feeds_that_come_one_by_one() {
    let mut path = Path { engine: engine(), world: World::new(5), seq: 0 };
    path.tell(&policy(1));
    path.cash("2", "BTC", CashKind::Deposit);
    path.cash("1000", "USDC", CashKind::Deposit);
    path.tell(&Event::Rate { asset: Asset::new("USDC").unwrap(), usd: Some(units::Spot::new(1.0).unwrap()) });
    path.world.now = path.world.now.plus_millis(1_000);
    path.tell(&Event::Clock);
    assert_eq!(path.engine.explained().unexplained().len(), 1, "BTC has no price yet");
    let first = path.engine.explained().since();
    path.pass(1, 90_000.0, 0.5);
    assert!(path.engine.explained().since() > first);
    path.pass(1, 91_000.0, 0.5);
    let total = path.engine.explained().total();
    assert_eq!((total.unexplained, total.unexplained_usd), (0, Fixed::ZERO));
    let moved = 2.0 * 1_000.0;
    assert!((total.cause(Cause::Delta).to_f64() - moved).abs() < 1e-6, "{total:?}");
}

/// A market, a policy, and what the test does with them.
struct Path {
    engine: Engine,
    world: World,
    seq: u64,
}

impl Path {
    fn new() -> Self {
        let mut path = Self { engine: engine(), world: World::new(5), seq: 0 };
        path.tell(&policy(1));
        let quotes = path.world.all_quotes();
        path.tell(&quotes);
        path
    }

    fn tell(&mut self, event: &Event) {
        self.seq += 1;
        for output in step(&mut self.engine, &self.world, self.seq, event) {
            assert!(!output.to_string().starts_with("refused"), "{output}");
        }
    }

    /// Time passes, and everything is quoted at other prices: as a snapshot, so that both come together.
    fn pass(&mut self, seconds: i64, usd: f64, vol: f64) {
        self.world.now = self.world.now.plus_millis(seconds * 1_000);
        self.world.set_btc(usd);
        self.world.set_vol(vol);
        let Event::Quotes { feed, rows } = self.world.all_quotes() else { panic!("quotes") };
        self.tell(&Event::Snapshot { feed, rows });
    }

    fn cash(&mut self, amount: &str, asset: &str, kind: CashKind) {
        let money = Money::parse(amount, Asset::new(asset).unwrap()).unwrap();
        let cash = CashEvent { place: place("a", "deribit"), money, kind, time: self.world.now };
        self.tell(&Event::Cash(cash));
    }

    fn fill(&mut self, symbol: &str, quantity: i64, price: Option<&str>, fee: Option<&str>) {
        let fill = self.world.fill_of("deribit", symbol, quantity);
        let price = price.map_or(fill.price, |price| price.parse().unwrap());
        let fee = fee.map(|fee| Money::parse(fee, btc()).unwrap());
        self.tell(&Event::Fill(FillEvent { place: place("a", "deribit"), price, fee, ..fill }));
    }

    fn change(&self) -> ValueChange {
        self.engine.explained().by_underlying()[&btc()]
    }

    fn priced(&self, symbol: &str) -> Priced {
        let held = self.engine.ledger().position(&place("a", "deribit"), &Symbol::new(symbol).unwrap());
        Priced::new(&held.unwrap().listing().contract, self.engine.market()).unwrap()
    }
}

/// Twenty calls through an hour in which spot rises by 1 % and vol by two points: every term from the greeks at the start.
#[test]
fn each_cause_is_its_greek_times_what_happened() {
    let mut path = Path::new();
    path.fill(CALL, 20, None, None);
    path.pass(1, 92_000.0, 0.5);
    let before = path.change();
    assert_eq!(before.told_usd(), Fixed::ZERO, "the start");
    let (start, cash) = (path.priced(CALL), path.engine.ledger().balance(&place("a", "deribit"), &btc()));
    let greek = |measure: Measure| start.unit_usd()[measure.index()] * 20.0;
    path.pass(3_600, 92_920.0, 0.52);
    let change = path.change();
    let (r, s, days) = (92_920.0 / 92_000.0 - 1.0, 2.0, 1.0 / 24.0);
    let cash: f64 = cash.to_string().parse().unwrap();
    // The premium paid is a debt of coins: delta of its own.
    let expected = [
        (Cause::Time, greek(Measure::Theta) * days),
        (Cause::Delta, greek(Measure::Delta) * r + cash * 92_000.0 * r),
        (Cause::Gamma, 50.0 * greek(Measure::Gamma) * r * r),
        (Cause::Vega, greek(Measure::Vega) * s),
        (Cause::Vanna, 100.0 * greek(Measure::Vanna) * r * s),
        (Cause::Volga, 0.5 * greek(Measure::Volga) * s * s),
        (Cause::Carry, 0.0),
        (Cause::Rate, 0.0),
    ];
    for (cause, usd) in expected {
        // One part in 1e9 of the largest: the inputs s and r go through quotes and back.
        assert!(
            (change.cause(cause).to_f64() - usd).abs() < 1e-5,
            "{}: {} {usd}",
            cause.key(),
            change.cause(cause)
        );
    }
    assert!(change.cause(Cause::Vega) > change.cause(Cause::Gamma), "{change:?}");
    let moved = (change.value_usd - change.start_usd).to_f64();
    assert!(change.residual_usd.abs().to_f64() < 0.01 * moved.abs(), "{} of {moved}", change.residual_usd);
    assert!(change.flows_usd.iter().all(|usd| usd.is_zero()) && change.unexplained == 0);
    assert_eq!(path.engine.explained().intervals(), 1);
    assert_eq!(path.engine.explained().since(), Some(start_plus(1)));
    assert_eq!(path.engine.explained().until(), Some(start_plus(3_601)));
}

fn start_plus(seconds: i64) -> units::Timestamp {
    start().plus_millis(seconds * 1_000)
}

/// Bought ten coins' worth of options below the mark: trades say by how much, and nothing else moves.
#[test]
fn a_trade_contributes_what_it_was_better_than_the_mark() {
    let mut path = Path::new();
    path.cash("3", "BTC", CashKind::Deposit);
    path.pass(1, 92_000.0, 0.5);
    path.fill(CALL, 10, Some("0.01"), None);
    path.pass(1, 92_000.0, 0.5);
    let change = path.change();
    let mark = path.priced(CALL).unit_usd()[Measure::Value.index()];
    let expected = 10.0 * (mark - 0.01 * 92_000.0);
    assert!((change.flow(Flow::Trades).to_f64() - expected).abs() < 1e-6, "{change:?} {expected}");
    assert_eq!(change.causes_usd, [Fixed::ZERO; 8], "nothing of it was held at the start");
    assert_eq!(change.flow(Flow::Deposits), Fixed::ZERO, "from before the start");
    // A perpetual at its mark: nothing in trades, its gain from then on is delta.
    path.fill("BTC-PERPETUAL", 10_000, None, None);
    path.pass(1, 92_000.0, 0.5);
    let bought = path.change();
    let trade = (bought.flow(Flow::Trades) - change.flow(Flow::Trades)).to_f64();
    // The price of the fill has four digits after the point.
    assert!(trade.abs() < 1e-4, "{trade}");
    path.pass(1, 92_920.0, 0.5);
    let (delta, held) = (path.change().cause(Cause::Delta) - bought.cause(Cause::Delta), 10_000.0 * 0.01);
    assert!(delta.to_f64() > held, "{delta}: at least that of the perpetual");
}

#[test]
fn funding_fees_and_deposits_are_told_apart() {
    let mut path = Path::new();
    path.cash("1", "BTC", CashKind::Deposit);
    path.fill("BTC-PERPETUAL", 10_000, None, None);
    path.pass(1, 92_000.0, 0.5);
    let perpetual = Symbol::new("BTC-PERPETUAL").unwrap();
    path.cash("-0.002", "BTC", CashKind::Funding { symbol: perpetual });
    path.cash("0.5", "BTC", CashKind::Deposit);
    path.cash("-0.25", "BTC", CashKind::Deposit);
    path.cash("0.1", "BTC", CashKind::Transfer { to: place("a", "wallet") });
    path.fill("BTC-PERPETUAL", 1_000, None, Some("0.0001"));
    path.pass(1, 93_000.0, 0.5);
    let change = path.change();
    let usd = |coins: f64| Fixed::quantise(coins * 93_000.0).unwrap();
    assert_eq!(change.flow(Flow::Funding), usd(-0.002), "at the end of the interval");
    assert_eq!(change.flow(Flow::Fees), usd(-0.0001));
    assert_eq!(change.flow(Flow::Deposits), usd(0.25), "transfers stay in the book");
    assert_eq!(change.flow(Flow::Settlements), Fixed::ZERO);
    assert_eq!(change.value_usd - change.start_usd, change.told_usd());
    assert_eq!(change.unexplained, 0);
}

/// A put expires: its last value is unexplained, said with a count and a reason, and its payout a settlement.
#[test]
fn what_loses_its_price_is_unexplained_and_counted() {
    let mut path = Path::new();
    let put = "BTC-21NOV26-90000-P";
    path.cash("1", "BTC", CashKind::Deposit);
    path.fill(put, 4, None, None);
    path.pass(1, 85_000.0, 0.5);
    let worth = path.priced(put).exposure(4.0).unwrap().in_usd(Measure::Value);
    assert!(worth.to_f64() > 15_000.0, "{worth}");
    // Twenty hours on it is past eight o'clock: no price any more.
    path.pass(20 * 3_600, 85_000.0, 0.5);
    let change = path.change();
    assert_eq!((change.unexplained, change.unexplained_usd), (1, -worth));
    let (item, why) = path.engine.explained().unexplained().iter().next().unwrap();
    assert_eq!(*item, Item::Position(place("a", "deribit"), Symbol::new(put).unwrap()));
    assert!(why.contains("expired") || why.contains("expir"), "{why}");
    path.tell(&Event::Settle {
        venue: Venue::new("deribit").unwrap(),
        symbol: Symbol::new(put).unwrap(),
        price: "85000".parse().unwrap(),
        time: path.world.now,
    });
    path.pass(1, 85_000.0, 0.5);
    let change = path.change();
    // 4 x (90000 - 85000) / 85000 coins at 85,000 USD.
    assert!((change.flow(Flow::Settlements).to_f64() - 20_000.0).abs() < 1e-6, "{change:?}");
    assert_eq!(change.unexplained, 2, "it was there once more at the start of the last interval");
    path.pass(1, 85_000.0, 0.5);
    assert_eq!(path.change().unexplained, 2);
    assert!(path.engine.explained().unexplained().is_empty());
}

/// A future that was adopted without an entry price gains, and nobody knows how much in all.
#[test]
fn a_future_without_an_entry_is_unexplained_and_not_a_cause() {
    let mut path = Path::new();
    let here = place("a", "deribit");
    path.cash("1", "BTC", CashKind::Deposit);
    let position = engine::ReportedPosition {
        symbol: Symbol::new("BTC-PERPETUAL").unwrap(),
        quantity: "5000".parse().unwrap(),
        average_price: None,
    };
    let balances = vec![(btc(), "1".parse().unwrap())];
    path.tell(&Event::Reported(engine::ReportedEvent {
        place: here.clone(),
        positions: vec![position],
        balances,
        time: path.world.now,
    }));
    path.pass(1, 92_000.0, 0.5);
    path.tell(&Event::Operator { who: "ann".into(), command: engine::Command::Adopt { place: here } });
    path.pass(1, 92_000.0, 0.5);
    path.pass(1, 93_000.0, 0.5);
    let change = path.change();
    let coin = Fixed::quantise(92_000.0 * (93_000.0 / 92_000.0 - 1.0)).unwrap();
    assert!((change.cause(Cause::Delta) - coin).abs().to_f64() < 1e-6, "of the coin alone: {change:?}");
    assert_eq!(change.unexplained, 2);
    assert!(
        path.engine.explained().unexplained().values().all(|why| why.contains("entry price is not known"))
    );
}

/// Half of a history, then the rest on the engine and on one restored from its snapshot: the same to the last bit.
#[test]
fn a_replay_from_a_snapshot_is_the_replay_from_nothing() {
    for seed in 30..36 {
        let (mut engine, mut world) = (engine(), World::new(seed));
        step(&mut engine, &world, 0, &policy(4));
        let mut restored = None;
        for seq in 1..300 {
            let event = world.next();
            let said = step(&mut engine, &world, seq, &event);
            if let Some(restored) = &mut restored {
                assert_eq!(step(restored, &world, seq, &event), said);
            }
            if seq == 140 {
                restored = Some(engine.restore(&engine.snapshot()).unwrap());
            }
        }
        let restored = restored.unwrap();
        assert!(engine.explained().intervals() > 5);
        assert_eq!(restored.explained(), engine.explained());
        assert_eq!(restored.state_hash(), engine.state_hash());
    }
}

#[test]
fn nothing_is_kept_without_the_table_and_a_start_waits_for_a_price() {
    let mut path = Path { engine: engine(), world: World::new(5), seq: 0 };
    path.tell(&policy(60));
    path.cash("1", "BTC", CashKind::Deposit);
    path.tell(&Event::Clock);
    assert_eq!(path.engine.explained().since(), None, "nobody quotes BTC yet");
    path.pass(1, 92_000.0, 0.5);
    assert_eq!(path.engine.explained().since(), Some(start_plus(1)));
    path.pass(59, 93_000.0, 0.5);
    assert_eq!(path.engine.explained().intervals(), 0, "not due yet");
    path.pass(1, 93_000.0, 0.5);
    let delta = path.change().cause(Cause::Delta).to_f64();
    // One coin gained 1,000 USD.
    assert!((delta - 1_000.0).abs() < 1e-6, "{delta}");
    // Another interval of the same rule goes on; none ends it.
    path.tell(&policy(10));
    assert_eq!(path.engine.explained().intervals(), 1);
    path.tell(&Event::Policy { text: POLICY.into() });
    assert_eq!(path.engine.explained(), &engine::Explain::default());
    path.pass(100, 93_000.0, 0.5);
    assert_eq!(path.engine.explained().until(), None);
}

#[test]
fn mistakes_of_the_table_are_reported() {
    let parse = |table: &str| {
        let text = format!("source = 's'\nvalid_from = '2026-11-01'\n[explain]\n{table}\n");
        engine::Policy::parse("p.toml", &text, &instrument::Specs::embedded())
    };
    assert_eq!(parse("every_seconds = 5").unwrap().explain, Some(engine::ExplainRules { every_seconds: 5 }));
    for (table, rule) in [
        ("every_seconds = 0", "one second to one day"),
        ("every_seconds = 86401", "one second to one day"),
        ("every_seconds = 5\nby = 'cause'", "unknown field `by`"),
        ("", "missing field `every_seconds`"),
    ] {
        let said = parse(table).unwrap_err().to_string();
        assert!(said.contains(rule), "{said}");
    }
}
