//! The whole loop: an armed engine hedges in the default world, with every fault at work.

use crate::trader::{after, assert_conserved, start, world};
use engine::{Arming, Command, Engine, Event, OrderNews, Output};
use instrument::Specs;
use journal::{Seq, Stamp};
use paper::{World, WorldConfig, as_snapshot};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use units::{Decimal, Timestamp};

/// Underlying, band in USD, venue, chain, symbol.
const HEDGES: [(&str, u32, &str, &str, &str); 3] = [
    ("BTC", 3000, "deribit", "offchain", "BTC-PERPETUAL"),
    ("ETH", 3000, "derive", "derive", "ETH-PERP"),
    ("SOL", 15, "hyperliquid", "hyperliquid", "SOL"),
];

/// Bands so narrow that the engine has much to do; ticks and lots as the venues of the world have them.
fn policy(world: &World) -> String {
    let mut text = String::from(
        "source = \"test\"\nvalid_from = \"2026-11-01\"\nstale_after_seconds = 30\n[orders]\nlargest_usd = \"300000\"\n\
         hourly_turnover_usd = \"50000000\"\nprice_collar_bp = 60.0\nanswer_within_seconds = 5\nvalid_seconds = 20\n\
         proposal_seconds = 60\n",
    );
    for (underlying, band, name, chain, symbol) in HEDGES {
        let mut traded = world.traded(&crate::trader::venue(name));
        let traded = traded.find(|traded| traded.listing.symbol.as_str() == symbol).unwrap();
        let (tick, lot) = (traded.tick, traded.lot);
        write!(
            text,
            "[[trading]]\nvenue = \"{name}\"\nkind = \"perpetual\"\nunderlying = \"{underlying}\"\ntick = \"{tick}\"\n\
             lot = \"{lot}\"\nfee_bp = 5.0\n\
             [[hedge]]\nname = \"{underlying}\"\nunderlying = \"{underlying}\"\nsizing = {{ policy = \"band\", half_width_usd = {band}, end = \"middle\" }}\n\
             account = \"desk\"\nvenue = \"{name}\"\nchain = \"{chain}\"\nsymbol = \"{symbol}\"\nexecution = \"armed\"\n\
             cool_down_seconds = 2\n"
        )
        .unwrap();
    }
    text
}

struct Desk {
    engine: Engine,
    seq: u64,
    sent: Vec<engine::Order>,
    alerts: Vec<String>,
}

impl Desk {
    fn tell(&mut self, world: &mut World, at: Timestamp, event: &Event) {
        self.seq += 1;
        for output in self.engine.apply(Stamp { seq: Seq::new(self.seq), time: at }, event) {
            world.take(at, &output);
            match output {
                Output::Order(order) => self.sent.push(order),
                Output::Alert { text } => self.alerts.push(text),
                Output::Refused { rule } => {
                    assert!(rule.contains("is booked already") || rule.contains("nobody holds"), "{rule}");
                }
                _ => {}
            }
        }
    }

    fn say(&mut self, world: &mut World, command: Command) {
        let at = world.now();
        self.tell(world, at, &Event::Operator { who: "test".into(), command });
    }

    /// Follows the world until a time; a person adopts what venues report.
    fn follow(&mut self, world: &mut World, until: Timestamp) {
        while let Some((at, event)) = world.next(until) {
            if let Event::Order(order) = &event
                && let OrderNews::Rejected(reason) = &order.news
            {
                assert!(!reason.contains("multiple") && !reason.contains("no such"), "{reason}");
            }
            self.tell(world, at, &as_snapshot(event));
            for place in self.engine.unreconciled().cloned().collect::<Vec<_>>() {
                self.say(world, Command::Adopt { place });
            }
        }
    }
}

#[test]
fn an_armed_engine_lives_through_the_default_world() {
    for seed in 0..2 {
        let mut config = WorldConfig::embedded();
        config
            .venue
            .iter_mut()
            .for_each(|venue| (venue.report_every_seconds, venue.opening_positions) = (20, 6));
        let mut world = world(&config, seed);
        let engine = Engine::new(Arc::new(Specs::embedded()), start());
        let mut desk = Desk { engine, seq: 0, sent: Vec::new(), alerts: Vec::new() };
        let policy = Event::Policy { text: policy(&world) };
        desk.tell(&mut world, start(), &policy);
        for event in world.opening().to_vec() {
            desk.tell(&mut world, start(), &event);
        }
        desk.say(&mut world, Command::Arming(Arming::Armed));
        desk.follow(&mut world, after(240));
        // Its process dies in the middle, and a person arms it again.
        world.disconnected();
        assert!(world.advance(after(250)).is_empty());
        desk.tell(&mut world, after(250), &Event::Started);
        world.connected();
        desk.follow(&mut world, after(260));
        desk.say(&mut world, Command::Arming(Arming::Armed));
        desk.follow(&mut world, after(540));
        desk.say(&mut world, Command::Arming(Arming::Disarmed));
        desk.follow(&mut world, after(660));
        let mut filled: BTreeMap<&str, usize> = BTreeMap::new();
        for order in &desk.sent {
            let venue = &order.place.venue;
            let Some(truth) = world.order(venue, &order.id) else { continue };
            assert!(
                truth.filled.get().abs() <= order.quantity.get().abs() && !truth.is_open,
                "{order}: {truth:?}"
            );
            *filled.entry(venue.as_str()).or_default() += usize::from(truth.filled.get() != Decimal::ZERO);
        }
        assert!(filled.values().all(|count| *count > 0) && filled.len() == 3, "{filled:?}");
        assert!(desk.engine.orders().is_empty(), "{:?}", desk.engine.orders());
        assert_conserved(&world);
        for truth in world.truth() {
            for (place, held) in truth.ledger.positions() {
                let own = desk.engine.ledger().position(place, &held.listing().symbol);
                assert_eq!(
                    own.map(book::OpenPosition::quantity),
                    Some(held.quantity()),
                    "seed {seed}: {place}"
                );
            }
        }
        // Orders that were never the engine's, or filled beyond their quantity, would be alerts.
        assert!(desk.alerts.iter().all(|text| text.contains("was rejected")), "{:?}", desk.alerts);
    }
}
