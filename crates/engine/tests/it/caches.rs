//! Where what is kept could lie: contracts that come, go and come again, expire, lose their quotes' vols, rest on others' forwards, on rates
//! of persons, on futures of the same expiry, are too large to publish. After every event all views are those of a valuation from nothing.

use crate::recorded::OTHER;
use crate::views::{POLICY, assert_recomputed, engine, step};
use crate::world::{Draw, World, place};
use engine::{CashEvent, CashKind, Engine, Event, FillEvent, Output};
use instrument::{Contract, Settlement, Specs, Terms, resolve};
use journal::Machine;
use market::RawQuote;
use std::collections::BTreeSet;
use units::{Asset, FillId, Money, Spot, Symbol, Venue};

/// Options of one and two days, weeks and months, in coin and in USDC; futures of the same days and others; what is paid in a third
/// currency or another coin. Not all are quoted: ETH in BTC has no forward of its own, and the last one of each kind is never quoted.
const LISTED: [(&str, &str); 22] = [
    ("deribit", "BTC-PERPETUAL"),
    ("deribit", "BTC-21NOV26-90000-C"),
    ("deribit", "BTC-21NOV26-90000-P"),
    ("deribit", "BTC-21NOV26-94000-C"),
    ("deribit", "BTC-25DEC26-90000-C"),
    ("deribit", "BTC-25DEC26-90000-P"),
    ("deribit", "BTC-25DEC26-94000-C"),
    ("deribit", "BTC-25DEC26-94000-P"),
    ("deribit", "BTC-25DEC26-96000-C"),
    ("deribit", "BTC-25DEC26-96000-P"),
    ("deribit", "BTC-25DEC26"),
    ("deribit", "BTC-26MAR27"),
    ("deribit", "BTC_USDC-25DEC26-90000-C"),
    ("deribit", "BTC_USDC-PERPETUAL"),
    ("deribit", "ETH-PERPETUAL"),
    ("deribit", "ETH-25DEC26-3000-C"),
    ("okx", "BTC-USDT-SWAP"),
    ("okx", "BTC-USD-261225-90000-C"),
    ("hyperliquid", "BTC"),
    ("deribit", "BTC-22NOV26-92000-C"),
    ("deribit", "ETH_USDC-25DEC26-3000-P"),
    ("deribit", "ETH_BTC-PERPETUAL"),
];
const QUOTED: usize = 19;

fn contract(venue: &str, symbol: &str) -> Option<Contract> {
    let resolved = resolve(&Venue::new(venue).unwrap(), &Symbol::new(symbol).unwrap(), &Specs::embedded());
    resolved.ok().map(|resolved| resolved.legs[0].listing.contract.clone())
}

/// What its venues list in truth.
fn listed() -> Vec<(&'static str, &'static str)> {
    LISTED.into_iter().filter(|(venue, symbol)| contract(venue, symbol).is_some()).collect()
}

struct Trader {
    draw: Draw,
    world: World,
    listed: Vec<(&'static str, &'static str)>,
    fills: u64,
}

impl Trader {
    fn new(seed: u64) -> Self {
        Self { draw: Draw::new(seed), world: World::new(seed), listed: listed(), fills: 0 }
    }

    fn part(&mut self) -> f64 {
        f64::from(u32::try_from(self.draw.below(1_001)).unwrap()) / 1_000.0
    }

    /// A row that says as much as chance will have it.
    fn quote(&mut self, (venue, symbol): (&str, &str)) -> RawQuote {
        let spot = if symbol.starts_with("ETH") { 3_100.0 } else { 92_000.0 } * (1.0 + 0.01 * self.part());
        let contract = contract(venue, symbol).unwrap();
        let is_option = matches!(contract.terms, Terms::Option { .. });
        let mark = match (is_option, &contract.settlement) {
            (true, Settlement::Inverse) => 0.03 + 0.01 * self.part(),
            (true, _) => 2_000.0 + 500.0 * self.part(),
            (false, _) => spot * 1.001,
        };
        let vol = 0.5 + 0.1 * self.part();
        self.world.now = self.world.now.plus_millis(1);
        RawQuote {
            timestamp: Some(self.world.now),
            venue: Some(venue.into()),
            instrument_name: symbol.into(),
            mark_price: Some(if self.draw.below(15) == 0 { 0.0 } else { mark }),
            mark_vol: (is_option && self.draw.below(4) > 0).then_some(vol),
            underlying_price: (is_option && self.draw.below(3) > 0).then_some(spot * 1.003),
            index_price: (self.draw.below(3) > 0).then_some(spot),
            ..RawQuote::default()
        }
    }

    fn quotes(&mut self) -> Vec<RawQuote> {
        let count = 1 + self.draw.below(3);
        let quoted = self.listed.len().min(QUOTED);
        let some = |draw: &mut Draw| usize::try_from(draw.below(quoted as u64)).unwrap();
        (0..count)
            .map(|_| {
                let place = some(&mut self.draw);
                self.quote(self.listed[place])
            })
            .collect()
    }

    fn fill(&mut self, (venue, symbol): (&str, &str), quantity: &str) -> Event {
        self.fills += 1;
        let account = ["a", "b", "c"][usize::try_from(self.draw.below(3)).unwrap()];
        let price = if symbol.ends_with("-C") || symbol.ends_with("-P") { "0.05" } else { "91000" };
        Event::Fill(FillEvent {
            order: None,
            block: None,
            id: FillId::new(&format!("c{}", self.fills)).unwrap(),
            place: place(account, venue),
            symbol: Symbol::new(symbol).unwrap(),
            quantity: quantity.parse().unwrap(),
            price: price.parse().unwrap(),
            fee: None,
            time: self.world.now,
        })
    }

    /// Sizes are few, so that positions are closed and opened again all the time.
    fn some_fill(&mut self) -> Event {
        let at = usize::try_from(self.draw.below(self.listed.len() as u64)).unwrap();
        let size = match self.draw.below(40) {
            0 => "20000000000000000",
            1 => "-20000000000000000",
            n if n % 2 == 0 => "10",
            _ => "-10",
        };
        self.fill(self.listed[at], size)
    }

    fn cash(&mut self) -> Event {
        let asset = ["BTC", "USDC", "DOGE", "USD", "USDT"][usize::try_from(self.draw.below(5)).unwrap()];
        let amount = if self.draw.below(2) == 0 { "3" } else { "-3" };
        let money = Money::parse(amount, Asset::new(asset).unwrap()).unwrap();
        let place = place("a", "deribit");
        Event::Cash(CashEvent { place, money, kind: CashKind::Deposit, time: self.world.now })
    }

    fn settle(&mut self) -> Event {
        let at = usize::try_from(self.draw.below(self.listed.len() as u64)).unwrap();
        let (venue, symbol) = self.listed[at];
        let (venue, symbol) = (Venue::new(venue).unwrap(), Symbol::new(symbol).unwrap());
        Event::Settle { venue, symbol, price: "92000".parse().unwrap(), time: self.world.now }
    }

    fn rate(&mut self) -> Event {
        let asset = ["DOGE", "USDT", "USDC", "ETH"][usize::try_from(self.draw.below(4)).unwrap()];
        let usd = (self.draw.below(3) > 0).then(|| Spot::new(0.9 + 0.2 * self.part()).unwrap());
        Event::Rate { asset: Asset::new(asset).unwrap(), usd }
    }

    fn clock(&mut self) -> Event {
        let hours = if self.draw.below(12) == 0 { 7 } else { 0 };
        self.world.now = self.world.now.plus_millis(1_000 + hours * 3_600_000);
        Event::Clock
    }

    fn next(&mut self) -> Event {
        match self.draw.below(30) {
            0..9 => Event::Quotes { feed: "some".into(), rows: self.quotes() },
            9 => {
                self.world.now = self.world.now.plus_millis(1_500);
                Event::Snapshot { feed: "whole".into(), rows: self.quotes() }
            }
            10..22 => self.some_fill(),
            22 | 23 => self.cash(),
            24 => self.settle(),
            25 => self.rate(),
            26 => Event::Policy { text: if self.draw.below(2) == 0 { POLICY } else { OTHER }.into() },
            _ => self.clock(),
        }
    }
}

#[test]
fn nothing_that_is_kept_lies_after_any_event() {
    let listed = listed();
    assert!(listed.len() >= 19, "{listed:?}");
    let mut said = BTreeSet::new();
    for seed in 0..8 {
        let (mut engine, mut trader): (Engine, _) = (engine(), Trader::new(500 + seed));
        for seq in 1..300 {
            let event = trader.next();
            for output in step(&mut engine, &trader.world, seq, &event) {
                let text = output.to_string();
                said.insert(text.split(':').next().unwrap().to_owned());
                if let Output::Value { lost: Some(reason), .. } = &output {
                    said.insert(reason.split_whitespace().next().unwrap().to_owned());
                }
            }
            assert_recomputed(&engine);
            if seq % 100 == 0 {
                let twin = engine.restore(&engine.snapshot()).unwrap();
                assert_recomputed(&twin);
                assert_eq!(twin.state_hash(), engine.state_hash());
                engine = twin;
            }
        }
    }
    // Reasons for having no value: expired, no index, no rate, no vol, too large to publish.
    for kind in ["level", "settlement", "valued again", "no value", "expired", "no", "measure"] {
        assert!(said.contains(kind), "{kind} not in {said:?}");
    }
}
