//! Triggers on a book whose figures are known by hand: when they fire, what they do, what holds them back.

use crate::views::{engine, step};
use crate::world::{World, place};
use engine::{
    Arming, CashEvent, CashKind, Command, Engine, Event, Link, Output, Policy, ReportedEvent, State,
    TriggerChange, Turn,
};
use instrument::Specs;
use journal::Machine;
use risk::GroupKey;
use units::{Asset, Money, Symbol, Venue};

const HEAD: &str = "source = 'test'\nvalid_from = '2026-11-01'\nstale_after_seconds = 30\n";

/// One trigger on the delta of each account, which a trade of a perpetual moves by its notional.
const DELTA: &str = r#"
[[trigger]]
name = "long"
each = ["account"]
when = "delta_cash_usd > 100000.0"
hold_seconds = 5
cool_down_seconds = 20
actions = ["alert", "reduce_only"]
"#;

struct Desk {
    engine: Engine,
    world: World,
    seq: u64,
}

impl Desk {
    fn new(triggers: &str) -> Self {
        let mut desk = Self { engine: engine(), world: World::new(3), seq: 0 };
        desk.quotes();
        let outputs = desk.tell(&Event::Policy { text: format!("{HEAD}{triggers}") });
        assert!(!lines(&outputs).contains("refused"), "{outputs:?}");
        desk
    }

    fn tell(&mut self, event: &Event) -> Vec<Output> {
        self.seq += 1;
        step(&mut self.engine, &self.world, self.seq, event)
    }

    fn say(&mut self, command: Command) -> Vec<Output> {
        self.tell(&Event::Operator { who: "ann".into(), command })
    }

    fn quotes(&mut self) -> Vec<Output> {
        let event = self.world.all_quotes();
        self.tell(&event)
    }

    /// So many USD of the inverse perpetual, bought or sold.
    fn trade(&mut self, account: &str, usd: i64) -> Vec<Output> {
        let mut fill = self.world.fill_of("deribit", "BTC-PERPETUAL", usd);
        (fill.place, fill.fee) = (place(account, "deribit"), None);
        self.tell(&Event::Fill(fill))
    }

    /// Time passes and quotes come, one as one.
    fn wait(&mut self, seconds: i64) -> Vec<Output> {
        self.world.now = self.world.now.plus_millis(seconds * 1_000);
        let Event::Quotes { feed, rows } = self.world.all_quotes() else { unreachable!() };
        self.tell(&Event::Snapshot { feed, rows })
    }

    /// Time passes without quotes.
    fn silence(&mut self, seconds: i64) -> Vec<Output> {
        self.world.now = self.world.now.plus_millis(seconds * 1_000);
        self.tell(&Event::Clock)
    }

    fn link(&mut self, venue: &str, link: Link) -> Vec<Output> {
        self.tell(&Event::Link { venue: Venue::new(venue).unwrap(), link })
    }

    /// What nobody quotes.
    fn hold_steth(&mut self, account: &str, amount: &str) -> Vec<Output> {
        let money = Money::parse(amount, Asset::new("STETH").unwrap()).unwrap();
        let (kind, time) = (CashKind::Deposit, self.world.now);
        self.tell(&Event::Cash(CashEvent { place: place(account, "deribit"), money, kind, time }))
    }
}

fn lines(outputs: &[Output]) -> String {
    outputs.iter().map(|output| format!("{output}\n")).collect()
}

fn turns(outputs: &[Output]) -> Vec<(String, Turn)> {
    let turn = |output: &Output| match output {
        Output::Trigger(TriggerChange { trigger, group, turn, .. }) => {
            let group: Vec<String> = group.iter().map(GroupKey::text).collect();
            Some((format!("{trigger} {}", group.join(" ")).trim_end().to_owned(), turn.clone()))
        }
        _ => None,
    };
    outputs.iter().filter_map(turn).collect()
}

fn fired(of: &str) -> (String, Turn) {
    (of.to_owned(), Turn::Fired)
}

fn over(of: &str) -> (String, Turn) {
    (of.to_owned(), Turn::Released)
}

#[test]
fn it_fires_for_its_group_after_its_hold_once_and_again_only_after_it_was_over() {
    let mut desk = Desk::new(DELTA);
    assert!(turns(&desk.trade("a", 150_000)).is_empty(), "true, but not for five seconds");
    desk.trade("b", 50_000);
    assert!(turns(&desk.wait(4)).is_empty());
    let outputs = desk.wait(1);
    assert_eq!(turns(&outputs), [fired("long a")], "and not b, which is below");
    let said = lines(&outputs);
    // A perpetual at its mark: cash delta is notional times index over mark.
    let expected = format!("trigger long, a: fired: delta_cash_usd {:.2}\n", 150_000.0 / 1.0005);
    assert!(said.contains(&expected) && said.contains(&format!("alert: {expected}")), "{said}");
    assert!(said.contains("state: normal to reduce_only because of long: a\n"), "{said}");
    assert!(turns(&desk.wait(60)).is_empty(), "it has said so");
    // False for less than the cool-down: still on, and no second time.
    desk.trade("a", -100_000);
    assert!(turns(&desk.wait(19)).is_empty());
    desk.trade("a", 100_000);
    assert!(turns(&desk.wait(30)).is_empty());
    assert_eq!(desk.engine.state(), State::ReduceOnly);
    desk.trade("a", -100_000);
    assert!(turns(&desk.wait(19)).is_empty(), "a break starts the cool-down over");
    let outputs = desk.wait(1);
    assert_eq!(turns(&outputs), [over("long a")]);
    assert!(lines(&outputs).contains("state: reduce_only to normal\n"), "{}", lines(&outputs));
    desk.trade("a", 100_000);
    assert_eq!(turns(&desk.wait(5)), [fired("long a")]);
    assert!(turns(&desk.trade("b", 100_000)).is_empty());
    assert_eq!(turns(&desk.wait(5)), [fired("long b")], "each group by itself");
    // A group that is gone has figures of zero.
    desk.trade("b", -150_000);
    assert_eq!(turns(&desk.wait(20)), [over("long b")]);
}

#[test]
fn a_break_starts_the_hold_over_and_none_fires_at_once() {
    let mut desk = Desk::new(DELTA);
    desk.trade("a", 150_000);
    desk.wait(4);
    desk.trade("a", -100_000);
    desk.trade("a", 100_000);
    assert!(turns(&desk.wait(4)).is_empty());
    assert_eq!(turns(&desk.wait(1)), [fired("long a")]);
    let mut desk = Desk::new(&DELTA.replace("hold_seconds = 5", "").replace("cool_down_seconds = 20", ""));
    assert_eq!(turns(&desk.trade("a", 150_000)), [fired("long a")]);
    assert_eq!(turns(&desk.trade("a", -150_000)), [over("long a")]);
}

#[test]
fn the_strictest_of_limits_triggers_and_persons_is_the_state() {
    let limit = "[[limit]]\nname = 'delta'\nmeasure = 'delta_cash_usd'\nwarn = '100000'\nhard = '900000'\n";
    let pause = "[[trigger]]\nname = 'very long'\nwhen = 'delta_cash_usd > 500000'\nactions = ['pause']\n";
    let mut desk = Desk::new(&format!("{limit}{DELTA}{pause}"));
    desk.trade("a", 150_000);
    assert_eq!(desk.engine.state(), State::Warn, "the limit");
    desk.wait(5);
    assert_eq!(desk.engine.state(), State::ReduceOnly, "a trigger");
    let outputs = desk.trade("b", 400_000);
    assert!(lines(&outputs).contains("state: reduce_only to paused because of very long: the book\n"));
    desk.say(Command::State(Some(State::Flatten)));
    assert_eq!(desk.engine.state(), State::Flatten, "a person");
    desk.say(Command::State(None));
    desk.trade("b", -400_000);
    assert_eq!(desk.engine.state(), State::ReduceOnly);
}

/// Hedges both coins; the triggers are on orders of one and of all.
const ORDERS: &str = r#"
[orders]
largest_usd = "250000"
hourly_turnover_usd = "600000"
price_collar_bp = 50.0
answer_within_seconds = 5
valid_seconds = 100
proposal_seconds = 60
[[trading]]
venue = "deribit"
kind = "perpetual"
tick = "0.05"
lot = "10"
fee_bp = 5.0
[[hedge]]
name = "btc"
underlying = "BTC"
sizing = { policy = "band", half_width_usd = 1000.0, end = "edge" }
account = "a"
venue = "deribit"
chain = "offchain"
symbol = "BTC-PERPETUAL"
execution = "armed"
cool_down_seconds = 10
[[hedge]]
name = "eth"
underlying = "ETH"
sizing = { policy = "band", half_width_usd = 1000.0, end = "edge" }
target_usd = "50000"
account = "a"
venue = "deribit"
chain = "offchain"
symbol = "ETH-PERPETUAL"
execution = "armed"
cool_down_seconds = 10
[[trigger]]
name = "btc orders"
each = ["underlying", "kind"]
when = "underlying == 'BTC' && open_orders > 0 && turnover_usd > 1000.0"
hold_seconds = 3
actions = ["cancel_orders"]
[[trigger]]
name = "all orders"
when = "open_orders > 1"
hold_seconds = 6
actions = ["cancel_orders"]
"#;

#[test]
fn cancelling_ends_the_orders_of_the_group_and_for_the_book_all() {
    let mut desk = Desk::new(ORDERS);
    desk.trade("a", 100_000);
    desk.say(Command::Arming(Arming::Armed));
    desk.link("deribit", Link::Up);
    let symbol = Symbol::new("BTC-PERPETUAL").unwrap();
    let quantity = "100000".parse().unwrap();
    let positions = vec![engine::ReportedPosition { symbol, quantity, average_price: None }];
    let (place, time) = (place("a", "deribit"), desk.world.now);
    desk.tell(&Event::Reported(ReportedEvent { place, positions, balances: Vec::new(), time }));
    let id = |desk: &Desk, coin: &str| {
        let of = |open: &engine::OpenOrder| open.order.symbol.as_str().starts_with(coin);
        let open = desk.engine.orders().values().find(|open| of(open)).unwrap();
        (open.order.id.to_string(), open.phase)
    };
    let (btc, eth) = (id(&desk, "BTC").0, id(&desk, "ETH").0);
    // Orders go out after triggers are tested, so the event after it is the first that sees them.
    assert!(turns(&desk.wait(1)).is_empty());
    let outputs = desk.wait(3);
    assert_eq!(turns(&outputs), [fired("btc orders BTC perpetual")]);
    let said = lines(&outputs);
    assert!(
        said.contains(&format!("cancel: {btc} at")) && !said.contains(&format!("cancel: {eth} at")),
        "{said}"
    );
    assert_eq!(id(&desk, "BTC").1, engine::Phase::Cancelling);
    let outputs = desk.wait(3);
    assert_eq!(turns(&outputs), [fired("all orders")]);
    let said = lines(&outputs);
    assert!(
        said.contains(&format!("cancel: {eth} at")) && !said.contains(&format!("cancel: {btc} at")),
        "{said}"
    );
}

#[test]
fn on_stale_figures_it_alerts_and_acts_once_they_are_quoted_again() {
    let aware = DELTA
        .replace("\"long\"", "\"aware\"")
        .replace("delta_cash_usd >", "!('BTC' in stale) || delta_cash_usd >");
    let aware = aware.replace("!('BTC' in stale) ||", "'BTC' in stale &&");
    let mut desk = Desk::new(&format!("{DELTA}{aware}"));
    desk.trade("a", 150_000);
    // Five seconds have passed, but the quotes are 31 seconds old.
    let outputs = desk.silence(31);
    let doubt = Turn::InDoubt { why: "stale: BTC".into() };
    assert_eq!(turns(&outputs), [("long a".to_owned(), doubt)]);
    let said = lines(&outputs);
    assert!(said.contains("alert: trigger long, a: true, but nothing is done"), "{said}");
    assert_eq!(desk.engine.state(), State::Normal);
    assert!(turns(&desk.silence(4)).is_empty());
    assert_eq!(turns(&desk.silence(1)), [fired("aware a")], "it reads stale: it has thought of it");
    assert_eq!(desk.engine.state(), State::ReduceOnly);
    // Nothing is freed by figures in doubt.
    desk.trade("a", -100_000);
    assert!(turns(&desk.silence(30)).len() == 1, "only the one that reads stale is over");
    desk.trade("a", 100_000);
    let outputs = desk.wait(1);
    assert_eq!(turns(&outputs), [fired("long a")], "true, and sound again: {outputs:?}");
    assert_eq!(desk.engine.state(), State::ReduceOnly);
}

#[test]
fn a_group_that_goes_while_another_comes_is_over_at_once() {
    let rule = "[[trigger]]\nname = 'rich'\neach = ['account']\nwhen = 'value_usd > 100000.0'\nactions = ['alert']\n";
    let mut desk = Desk::new(rule);
    let cash = |desk: &Desk, kind| {
        let money = Money::parse("2", Asset::new("BTC").unwrap()).unwrap();
        Event::Cash(CashEvent { place: place("a", "deribit"), money, kind, time: desk.world.now })
    };
    let deposit = cash(&desk, CashKind::Deposit);
    assert_eq!(turns(&desk.tell(&deposit)), [fired("rich a")]);
    let transfer = cash(&desk, CashKind::Transfer { to: place("b", "deribit") });
    let mut twin = desk.engine.restore(&desk.engine.snapshot()).unwrap();
    let outputs = desk.tell(&transfer);
    assert_eq!(turns(&outputs), [over("rich a"), fired("rich b")]);
    assert_eq!(
        step(&mut twin, &desk.world, desk.seq, &transfer),
        outputs,
        "restored before it, it says the same"
    );
}

#[test]
fn figures_in_doubt_free_nothing_even_without_a_cool_down() {
    let mut desk = Desk::new(&DELTA.replace("hold_seconds = 5", "").replace("cool_down_seconds = 20", ""));
    assert_eq!(turns(&desk.trade("a", 150_000)), [fired("long a")]);
    desk.silence(31);
    assert!(turns(&desk.trade("a", -100_000)).is_empty(), "false, by quotes that may not be true");
    assert_eq!(desk.engine.state(), State::ReduceOnly);
    assert_eq!(turns(&desk.quotes()), [over("long a")]);
}

#[test]
fn a_group_that_lacks_a_value_is_in_doubt_unless_the_trigger_reads_so() {
    let aware = DELTA
        .replace("\"long\"", "\"aware\"")
        .replace("delta_cash_usd >", "unvalued > 0 && delta_cash_usd >");
    // Without a bound of age, so that what nobody quotes is not stale besides.
    let unbounded = format!("{HEAD}{DELTA}{aware}").replace("stale_after_seconds = 30\n", "");
    let mut desk = Desk::new("");
    desk.tell(&Event::Policy { text: unbounded });
    desk.hold_steth("a", "3");
    desk.trade("a", 150_000);
    desk.trade("b", 150_000);
    let doubt = Turn::InDoubt { why: "things without a value: 1".into() };
    assert_eq!(turns(&desk.wait(5)), [("long a".to_owned(), doubt), fired("long b"), fired("aware a")]);
    desk.hold_steth("a", "-3");
    assert_eq!(turns(&desk.wait(20)), [over("aware a")]);
    let seen = desk.engine.state();
    assert_eq!(seen, State::ReduceOnly, "long a is on since the value is known, long b since before");
}

#[test]
fn an_error_is_said_once_and_frees_nothing() {
    let rule = "[[trigger]]\nname = 'crash'\nwhen = \"index_usd['BTC'] < 80000.0\"\nactions = ['pause']\n";
    let mut desk = Desk::new(rule);
    desk.world.set_btc(79_000.0);
    assert_eq!(turns(&desk.wait(1)), [fired("crash")]);
    desk.world.set_btc(81_000.0);
    let outputs = desk.silence(31);
    assert_eq!(
        lines(&outputs)
            .lines()
            .filter(|line| line.contains("cannot be told, stays as it is: there is no 'BTC'"))
            .count(),
        1,
        "what is stale has no index: {}",
        lines(&outputs)
    );
    assert_eq!(desk.engine.state(), State::Paused);
    assert!(!lines(&desk.silence(30)).contains("cannot be told"), "said once");
    let outputs = desk.wait(1);
    assert_eq!(turns(&outputs), [over("crash")], "known, and false");
    assert!(lines(&desk.silence(31)).contains("cannot be told"), "a new error is said anew");
}

#[test]
fn the_book_is_a_group_when_nothing_is_held() {
    let rules = "[[trigger]]\nname = 'blind'\nwhen = \"size(links_down) > 0\"\nactions = ['flatten']\n\
                 [[trigger]]\nname = 'old'\nwhen = \"quote_age_seconds['ETH'] >= 10.0\"\nactions = ['warn']\n\
                 [[trigger]]\nname = 'following'\nwhen = \"state == 'flatten'\"\nactions = ['alert']\n";
    let mut desk = Desk::new(rules);
    desk.link("okx", Link::Up);
    let outputs = desk.link("okx", Link::Down);
    assert_eq!(turns(&outputs), [fired("blind")]);
    assert!(
        lines(&outputs).contains("trigger blind, the book: fired: links_down [okx]"),
        "{}",
        lines(&outputs)
    );
    assert_eq!(turns(&desk.silence(9)), [fired("following")], "the state is that of before the event");
    assert_eq!(turns(&desk.link("okx", Link::Up)), [over("blind")]);
    assert_eq!(turns(&desk.silence(1)), [fired("old"), over("following")]);
    assert_eq!(turns(&desk.quotes()), [over("old")]);
}

#[test]
fn a_report_that_differs_is_seen() {
    let rule = "[[trigger]]\nname = 'unproven'\nwhen = \"'a@deribit/offchain' in unreconciled\"\nactions = ['pause']\n";
    let mut desk = Desk::new(rule);
    desk.trade("a", 1_000);
    let (place, time) = (place("a", "deribit"), desk.world.now);
    let report = ReportedEvent { place: place.clone(), positions: Vec::new(), balances: Vec::new(), time };
    assert_eq!(turns(&desk.tell(&Event::Reported(report))), [fired("unproven")]);
    assert_eq!(turns(&desk.say(Command::Adopt { place })), [over("unproven")]);
}

#[test]
fn a_new_policy_goes_on_from_where_triggers_of_the_same_name_stood() {
    let mut desk = Desk::new(DELTA);
    desk.trade("a", 150_000);
    desk.wait(5);
    let tightened = format!("{HEAD}{}", DELTA.replace("100000.0", "120000.0"));
    assert!(desk.tell(&Event::Policy { text: tightened }).is_empty(), "on, and still true");
    let renamed = format!("{HEAD}{}", DELTA.replace("\"long\"", "\"another\""));
    let outputs = desk.tell(&Event::Policy { text: renamed });
    assert!(lines(&outputs).contains("state: reduce_only to normal"), "{}", lines(&outputs));
    let broken = format!("{HEAD}{}", DELTA.replace("delta_cash_usd", "delta"));
    let outputs = desk.tell(&Event::Policy { text: broken });
    assert!(
        lines(&outputs).contains("line 1, column 1: there is no variable delta; there are"),
        "{}",
        lines(&outputs)
    );
    assert_eq!(desk.engine.policy().triggers.len(), 1, "the old one stays");
}

/// Triggers of every kind of input, with holds that histories cross.
const MANY: &str = r#"
[[limit]]
name = "delta"
measure = "delta_cash_usd"
group_by = ["underlying"]
warn = "200000"
hard = "500000"
[[trigger]]
name = "size"
each = ["account", "underlying"]
when = "abs(delta_cash_usd) > 60000.0 || vega_usd_per_point < -200.0"
hold_seconds = 2
cool_down_seconds = 3
actions = ["alert", "reduce_only"]
[[trigger]]
name = "loss"
when = "value_usd < 0.0"
cool_down_seconds = 2
actions = ["warn"]
[[trigger]]
name = "ages"
when = "quote_age_seconds['BTC'] > 2.0 && size(stale) == 0"
actions = ["alert"]
[[trigger]]
name = "move"
each = ["underlying"]
when = "underlying in index_usd && index_usd[underlying] < 3090.0 || state == 'reduce_only'"
hold_seconds = 1
actions = ["pause"]
[[trigger]]
name = "missing"
each = ["expiry", "kind"]
when = "unvalued > 0 || expiry == 'none' && theta_usd_per_day < -10.0"
actions = ["alert", "cancel_orders"]
"#;

#[test]
fn a_machine_restored_before_any_event_says_the_same() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..6 {
        let mut world = World::new(seed);
        let mut machine = engine();
        let text = format!("{HEAD}{MANY}").replace("stale_after_seconds = 30", "stale_after_seconds = 3600");
        let mut events = vec![Event::Policy { text }, world.all_quotes()];
        for seq in 1..250 {
            let event = if events.is_empty() { world.next() } else { events.remove(0) };
            let mut twin = machine.restore(&machine.snapshot()).unwrap();
            let outputs = step(&mut machine, &world, seq, &event);
            assert_eq!(step(&mut twin, &world, seq, &event), outputs, "seed {seed}, event {seq}: {event:?}");
            assert_eq!(twin.state_hash(), machine.state_hash(), "seed {seed}, event {seq}: {event:?}");
            kinds.extend(turns(&outputs).into_iter().map(|(name, turn)| {
                let turn = match turn {
                    Turn::InDoubt { .. } => "in doubt",
                    Turn::Fired => "fired",
                    Turn::Released => "over",
                };
                format!("{} {turn}", name.split(' ').next().unwrap())
            }));
        }
    }
    for expected in [
        "size fired",
        "size over",
        "size in doubt",
        "loss fired",
        "ages fired",
        "ages over",
        "move fired",
        "missing fired",
    ] {
        assert!(kinds.contains(expected), "{expected} never happened: {kinds:?}");
    }
}

#[test]
fn every_mistake_of_a_trigger_is_reported() {
    let text = format!(
        "{HEAD}[[limit]]\nname = 'x'\nmeasure = 'value_usd'\nwarn = '1'\nhard = '2'\n\
         [[trigger]]\nname = 'x'\neach = ['coin', 'venue', 'venue']\nwhen = 'valu < 1.0 &&\n  account'\n\
         actions = ['shout', 'alert', 'alert']\n[[trigger]]\nname = ' '\nwhen = '1.0'\nactions = []\n"
    )
    .replace("'valu < 1.0 &&\n  account'", "'''valu < 1.0 &&\n  account'''");
    let mistakes = Policy::check("p.toml", &text, &Specs::embedded()).unwrap_err();
    let all = mistakes.issues.to_string();
    for expected in [
        "each limit, hedge, trigger and collateral rule has a name of its own",
        "trigger 'x': each = 'coin': one of underlying",
        "each column once",
        "trigger 'x': actions = 'shout': one of alert, cancel_orders, warn",
        "each action once",
        "line 1, column 1: there is no variable valu",
        "line 2, column 3: account is known in a trigger for each account: add it to each",
        "a trigger has a name",
        "one at least, such as",
        "line 1, column 1: a trigger is true or false: this is a double",
    ] {
        assert!(all.contains(expected), "{expected} not in:\n{all}");
    }
    let places: Vec<(usize, usize)> =
        mistakes.expressions.values().map(|m| (m.mistake.line, m.mistake.column)).collect();
    assert_eq!(places, [(1, 1), (2, 3), (1, 1)]);
    let unknown = format!("{HEAD}[[trigger]]\nname = 'x'\nwhen = 'true'\nactions = ['alert']\nevery = 3\n");
    let unknown = Policy::parse("p.toml", &unknown, &Specs::embedded()).unwrap_err();
    assert!(unknown.to_string().contains("unknown field `every`"), "{unknown}");
}
