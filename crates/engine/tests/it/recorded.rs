//! Outputs and states of random histories, against a digest that was recorded before the views were kept as dense arrays: whoever makes
//! the engine faster must not change a byte of what it says.
//!
//! A change of the rules, of the world's draws or of an output's text changes the digests: then look at the lines of both programs
//! (`PLIMSOLL_LINES=1 cargo test -p engine recorded -- --nocapture`) and record the new ones with the reason in the commit.

use crate::views::{POLICY, assert_recomputed, engine, step};
use crate::world::{World, place};
use engine::{Command, Engine, Event, ReportedEvent, ReportedPosition, State};
use journal::{Digest, Machine};
use units::{Asset, Spot, Symbol};

/// Another policy: other groupings and measures, a limit of the first one's name, and one that only a few groups have.
pub(crate) const OTHER: &str = r#"
source = "test"
valid_from = "2026-11-01"
stale_after_seconds = 90
[[limit]]
name = "delta"
measure = "delta_cash_usd"
group_by = ["underlying"]
warn = "150000"
hard = "300000"
[[limit]]
name = "gamma"
measure = "gamma_cash_1pct_usd"
group_by = ["kind", "chain"]
warn = "500"
hard = "9000"
release = 0.5
[[limit]]
name = "theta"
measure = "theta_usd_per_day"
group_by = ["venue", "underlying"]
only = { underlying = ["BTC"] }
warn = "50"
hard = "400"
hold_seconds = 1
"#;

fn rate(asset: &str, usd: Option<f64>) -> Event {
    Event::Rate { asset: Asset::new(asset).unwrap(), usd: usd.map(|usd| Spot::new(usd).unwrap()) }
}

/// What a person does now and then; none at most places of a history.
fn by_person(engine: &Engine, world: &World, seq: u64) -> Option<Event> {
    let operator = |command| Event::Operator { who: "test".into(), command };
    Some(match seq % 97 {
        11 => rate("DOGE", Some(0.2)),
        23 => rate("USDT", Some(0.999)),
        31 => Event::Policy { text: OTHER.into() },
        37 => world.all_quotes(),
        47 => rate("DOGE", None),
        53 => operator(Command::State(Some(State::Paused))),
        59 => operator(Command::State(None)),
        61 => rate("USDT", None),
        67 => Event::Reported(report(engine, world)),
        71 => operator(Command::Adopt { place: place("a", "deribit") }),
        79 => Event::Policy { text: POLICY.into() },
        83 => Event::Policy { text: "nothing".into() },
        _ => return None,
    })
}

/// What is held but for one position, which the venue says is twice what it is.
fn report(engine: &Engine, world: &World) -> ReportedEvent {
    let place = place("a", "deribit");
    let held = engine.ledger().positions().filter(|(at, _)| **at == place);
    let positions = held.map(|(_, held)| ReportedPosition {
        symbol: held.listing().symbol.clone(),
        quantity: held.quantity(),
        average_price: held.average_price(),
    });
    let doubled = Symbol::new("BTC-25DEC26-100000-C").unwrap();
    let positions = positions.map(|position| match position.symbol == doubled {
        true => ReportedPosition { quantity: "7".parse().unwrap(), ..position },
        false => position,
    });
    let balances = engine.ledger().balances().filter(|(at, ..)| **at == place);
    let balances = balances.map(|(_, asset, amount)| (asset.clone(), amount)).collect();
    ReportedEvent { positions: positions.collect(), balances, time: world.now, place: place.clone() }
}

/// Lines of a history: outputs after every event, the state now and then, a restart from a snapshot twice.
fn lines(seed: u64) -> String {
    let (mut engine, mut world) = (engine(), World::new(seed));
    let mut said = String::new();
    for seq in 1..500 {
        let event = by_person(&engine, &world, seq).unwrap_or_else(|| world.next());
        for output in step(&mut engine, &world, seq, &event) {
            said.push_str(&format!("{seq} {output}\n"));
        }
        assert_recomputed(&engine);
        if seq % 50 == 0 {
            said.push_str(&format!("{seq} state {}\n", engine.state_hash()));
        }
        if seq % 170 == 0 {
            engine = engine.restore(&engine.snapshot()).unwrap();
        }
    }
    said
}

#[test]
fn recorded_histories_give_the_outputs_and_states_that_they_gave() {
    #[allow(clippy::disallowed_methods)] // a test may be told to say more
    let tell = std::env::var_os("PLIMSOLL_LINES").is_some();
    let mut digests = Vec::new();
    for seed in 100..108 {
        let said = lines(seed);
        if tell {
            println!("{said}");
        }
        let count = |text: &str| said.lines().filter(|line| line.contains(text)).count();
        let kinds = [
            "level:",
            "no value:",
            "valued again:",
            "stale:",
            "state:",
            "settlement:",
            "difference:",
            "refused:",
        ];
        let seen = kinds.map(count);
        digests.push(format!(
            "{seed} {} {:?} {}",
            said.lines().count(),
            seen,
            Digest::of_state(said.as_bytes())
        ));
    }
    assert_eq!(digests.join("\n"), include_str!("recorded.txt").trim_end());
}
