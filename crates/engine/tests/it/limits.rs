//! Limits on a book whose figures are known by hand: one perpetual, so that delta is its notional.

use crate::views::{engine, step};
use crate::world::{World, place};
use engine::{Command, Engine, Event, Level, Output, State};
use journal::Machine;
use units::Symbol;

const POLICY: &str = r#"
source = "test"
valid_from = "2026-11-01"
stale_after_seconds = 30
[[limit]]
name = "delta"
measure = "delta_cash_usd"
group_by = ["underlying"]
warn = "100000"
hard = "200000"
release = 0.8
hold_seconds = 10
on_hard = "paused"
"#;

struct Desk {
    engine: Engine,
    world: World,
    seq: u64,
}

impl Desk {
    fn new() -> Self {
        let mut desk = Self { engine: engine(), world: World::new(3), seq: 0 };
        desk.say(&Event::Policy { text: POLICY.into() });
        let quotes = desk.world.all_quotes();
        desk.say(&quotes);
        desk
    }

    fn say(&mut self, event: &Event) -> Vec<Output> {
        self.seq += 1;
        step(&mut self.engine, &self.world, self.seq, event)
    }

    /// Buys so many USD of the inverse perpetual, which is quoted anew.
    fn buy(&mut self, usd: i64) -> Vec<Output> {
        self.requote();
        let mut fill = self.world.fill_of("deribit", "BTC-PERPETUAL", usd);
        fill.place = place("a", "deribit");
        fill.fee = None;
        let outputs = self.say(&Event::Fill(fill));
        outputs.into_iter().filter(|output| !matches!(output, Output::Posted(_))).collect()
    }

    fn wait(&mut self, seconds: i64) -> Vec<Output> {
        self.world.now = self.world.now.plus_millis(seconds * 1000);
        self.say(&Event::Clock)
    }

    fn requote(&mut self) -> Vec<Output> {
        let rows = vec![self.world.quote("deribit", "BTC-PERPETUAL")];
        self.say(&Event::Quotes { feed: "f".into(), rows })
    }
}

fn states(outputs: &[Output]) -> Vec<(State, State)> {
    let changed = |output: &Output| match output {
        Output::StateChanged { from, to, .. } => Some((*from, *to)),
        _ => None,
    };
    outputs.iter().filter_map(changed).collect()
}

#[test]
fn a_level_counts_after_its_hold_and_sets_the_state_and_falls_back_below_its_release() {
    let mut desk = Desk::new();
    assert!(desk.buy(150_000).is_empty(), "above the level to warn at, but not for ten seconds");
    desk.wait(9);
    assert_eq!(desk.engine.state(), State::Normal);
    let outputs = desk.wait(1);
    assert_eq!(states(&outputs), [(State::Normal, State::Warn)]);
    let level = outputs.iter().find_map(|o| if let Output::Level(l) = o { Some(l) } else { None }).unwrap();
    assert_eq!((level.from, level.to), (Level::Inside, Level::Warn));
    // A perpetual at its mark: cash delta is notional times index over mark.
    assert!((level.value.to_f64() - 150_000.0 / 1.0005).abs() < 1e-3, "{level:?}");
    desk.buy(90_000);
    assert_eq!(states(&desk.wait(10)), [(State::Warn, State::Paused)]);
    // 190,000: under the hard level, over 80 % of it.
    desk.buy(-50_000);
    assert!(states(&desk.wait(10)).is_empty(), "hysteresis");
    desk.buy(-60_000);
    assert_eq!(states(&desk.wait(10)), [(State::Paused, State::Warn)]);
    desk.buy(-130_000);
    assert_eq!(states(&desk.wait(10)), [(State::Warn, State::Normal)], "nothing is held: the group is gone");
}

#[test]
fn a_figure_on_stale_quotes_moves_no_level_until_it_is_quoted_again() {
    let mut desk = Desk::new();
    desk.buy(150_000);
    let outputs = desk.wait(31);
    assert!(outputs.iter().any(|o| matches!(o, Output::Stale { stale: true, .. })), "{outputs:?}");
    assert_eq!(desk.engine.state(), State::Normal, "the hold has passed, on quotes that may not be true");
    let outputs = desk.requote();
    assert!(
        outputs
            .iter()
            .any(|o| matches!(o, Output::Stale { stale: false, underlying } if underlying.as_str() == "BTC"))
    );
    assert_eq!(states(&outputs), [(State::Normal, State::Warn)]);
}

#[test]
fn the_strictest_of_limits_and_a_person_is_the_state() {
    let mut desk = Desk::new();
    let say = |state| Event::Operator { who: "risk officer".into(), command: Command::State(state) };
    assert_eq!(states(&desk.say(&say(Some(State::Flatten)))), [(State::Normal, State::Flatten)]);
    desk.buy(250_000);
    assert!(states(&desk.wait(10)).is_empty(), "paused is asked for, flatten is stricter");
    assert_eq!(states(&desk.say(&say(None))), [(State::Flatten, State::Paused)]);
}

#[test]
fn a_policy_with_mistakes_leaves_the_old_one_in_force() {
    let mut desk = Desk::new();
    let outputs = desk.say(&Event::Policy { text: POLICY.replace("hard = \"200000\"", "hard = \"2\"") });
    assert!(
        matches!(&outputs[..], [Output::Refused { rule }] if rule.contains("at most the hard level")),
        "{outputs:?}"
    );
    assert_eq!(desk.engine.policy().limits.len(), 1);
}

#[test]
fn a_fill_is_booked_once_and_of_what_is_listed() {
    let mut desk = Desk::new();
    let fill = desk.world.fill_of("deribit", "BTC-PERPETUAL", 1000);
    desk.say(&Event::Fill(fill.clone()));
    let refused = |outputs: &[Output]| match outputs {
        [Output::Refused { rule }] => rule.clone(),
        other => panic!("{other:?}"),
    };
    let again = desk.say(&Event::Fill(fill.clone()));
    assert!(refused(&again).contains("booked already"), "{again:?}");
    let ahead = engine::FillEvent {
        id: units::FillId::new("ahead").unwrap(),
        time: desk.world.now.plus_millis(301_000),
        ..fill.clone()
    };
    let ahead = desk.say(&Event::Fill(ahead));
    assert!(refused(&ahead).contains("five minutes after"), "{ahead:?}");
    let strange = engine::FillEvent { symbol: Symbol::new("BTC-30FEB27").unwrap(), ..fill };
    let strange = desk.say(&Event::Fill(strange));
    assert!(refused(&strange).contains("calendar"), "{strange:?}");
}

#[test]
fn what_loses_its_value_is_said_and_keeps_the_level_of_its_group() {
    let mut desk = Desk::new();
    let mut fill = desk.world.fill_of("deribit", "BTC-21NOV26-90000-P", -40);
    (fill.place, fill.fee) = (place("a", "deribit"), None);
    desk.say(&Event::Fill(fill));
    desk.buy(400_000);
    assert_eq!(states(&desk.wait(10)), [(State::Normal, State::Paused)]);
    // Past the expiry of the option: nobody knows what it settled at.
    desk.world.now = "2026-11-21T08:00:01Z".parse().unwrap();
    let outputs = desk
        .say(&Event::Snapshot { feed: "f".into(), rows: vec![desk.world.quote("deribit", "BTC-PERPETUAL")] });
    assert!(
        outputs
            .iter()
            .any(|o| o.to_string().starts_with("no value: a@deribit/offchain BTC-21NOV26-90000-P: expired")),
        "{outputs:?}"
    );
    let mut outputs = desk.buy(-390_000);
    outputs.extend(desk.wait(10));
    assert!(states(&outputs).is_empty(), "a book that is not known whole is not freed: {outputs:?}");
    let settle = Event::Settle {
        venue: units::Venue::new("deribit").unwrap(),
        symbol: Symbol::new("BTC-21NOV26-90000-P").unwrap(),
        price: "91000".parse().unwrap(),
        time: desk.world.now,
    };
    let mut outputs = desk.say(&settle);
    outputs.extend(desk.wait(10));
    assert_eq!(states(&outputs).last().map(|(_, to)| *to), Some(State::Normal), "{outputs:?}");
}

#[test]
fn a_coin_that_is_held_and_quoted_by_nobody_is_stale() {
    let mut desk = Desk::new();
    let mut fill = desk.world.fill_of("deribit", "ETH-PERPETUAL", 10);
    (fill.place, fill.fee) = (place("a", "deribit"), None);
    desk.engine = engine();
    desk.say(&Event::Policy { text: POLICY.into() });
    let outputs = desk.say(&Event::Fill(fill));
    assert!(outputs.iter().any(|o| matches!(o, Output::Stale { stale: true, .. })), "{outputs:?}");
}

#[test]
fn a_thing_without_a_value_does_not_switch_a_limit_off() {
    let mut desk = Desk::new();
    desk.engine = engine();
    desk.say(&Event::Policy {
        text: POLICY.replace("group_by = [\"underlying\"]", "group_by = [\"account\"]"),
    });
    let quotes = desk.world.all_quotes();
    desk.say(&quotes);
    let money = units::Money::parse("3", units::Asset::new("STETH").unwrap()).unwrap();
    let kind = engine::CashKind::Deposit;
    let cash = engine::CashEvent { place: place("a", "deribit"), money, kind, time: desk.world.now };
    // A coin that nobody quotes, in an account under a limit; staleness is not what is tested.
    let outputs = desk.say(&Event::Cash(cash));
    assert!(outputs.iter().any(|o| matches!(o, Output::Value { lost: Some(_), .. })), "{outputs:?}");
    desk.buy(250_000);
    assert_eq!(states(&desk.wait(10)), [(State::Normal, State::Paused)], "what is known is too much");
    desk.buy(-250_000);
    assert!(states(&desk.wait(10)).is_empty(), "and what is not known frees nothing");
}

#[test]
fn a_new_policy_goes_on_from_the_levels_of_the_old_one() {
    let mut desk = Desk::new();
    desk.buy(250_000);
    assert_eq!(states(&desk.wait(10)), [(State::Normal, State::Paused)]);
    let outputs = desk.say(&Event::Policy { text: POLICY.replace("source = \"test\"", "source = \"next\"") });
    assert!(outputs.is_empty(), "the same limit: nothing is freed for the time of its hold: {outputs:?}");
    let renamed = POLICY.replace("name = \"delta\"", "name = \"another\"");
    assert_eq!(states(&desk.say(&Event::Policy { text: renamed })), [(State::Paused, State::Normal)]);
}

#[test]
fn events_of_an_account_that_the_policy_does_not_name_are_refused() {
    let (mut engine, mut world) = (engine(), World::new(5));
    let text = "source = 'x'\nvalid_from = '2026-11-01'\naccounts = ['a']\n";
    step(&mut engine, &world, 0, &Event::Policy { text: text.into() });
    let mut fill = world.fill_of("deribit", "BTC-PERPETUAL", 10);
    fill.place = crate::world::place("a", "deribit");
    assert!(matches!(step(&mut engine, &world, 1, &Event::Fill(fill))[..], [Output::Posted(_), ..]));
    let mut stranger = world.fill_of("deribit", "BTC-PERPETUAL", 10);
    stranger.place = crate::world::place("z", "deribit");
    let before = engine.state_hash();
    let outputs = step(&mut engine, &world, 2, &Event::Fill(stranger));
    assert!(outputs[0].to_string().contains("account 'z' is not of this book"), "{outputs:?}");
    assert_eq!(engine.state_hash(), before);
}
