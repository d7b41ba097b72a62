//! Rules that move collateral: how much, from where, what holds them back, and what becomes of what was sent.

mod news;
mod policy;

use crate::world::{World, place, start};
use book::Place;
use engine::{
    Arming, CashEvent, CashKind, Closed, Command, Engine, Event, Link, Output, ProposalId, ReportedEvent,
    ReportedPosition, State, Transfer, TransferEvent, TransferNews, TransferProposal,
};
use instrument::Specs;
use journal::{Machine, Seq, Stamp};
use margin::{Rulebooks, account_states};
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{Asset, Decimal, Fixed, Money, Timestamp, Venue};

const HEAD: &str = r#"
    source = "test"
    valid_from = "2026-11-01"
    stale_after_seconds = 60
    [margin]
    every_seconds = 1
    rulebooks = { "a@deribit" = "deribit-sm", "b@deribit" = "deribit-sm" }
"#;

/// Tops up a at deribit from the vault, then from b at deribit.
const RULE: &str = r#"
    [[collateral]]
    name = "top up"
    account = "a"
    venue = "deribit"
    chain = "offchain"
    asset = "BTC"
    from = [{ account = "v", venue = "wallet", chain = "offchain" }, { account = "b", venue = "deribit", chain = "offchain" }]
    when_use_above = 0.5
    to_use = 0.35
    keep_use_below = 0.3
    smallest = "0.05"
    largest = "5"
    hourly = "8"
    decimals = 4
    fee = "0.001"
    arrives_within_seconds = 60
    execution = "armed"
    cool_down_seconds = 10
"#;

fn btc(amount: &str) -> Money {
    Money::parse(amount, Asset::new("BTC").unwrap()).unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// An engine with a market; a at deribit is short calls and short of margin, the vault has coins.
struct Desk {
    engine: Engine,
    world: World,
    seq: u64,
    now: Timestamp,
    /// What everybody outside has gained, by asset, from entries: with the balances it is zero.
    outside: BTreeMap<Asset, Decimal>,
}

impl Desk {
    fn new(policy: &str, vault: &str) -> Self {
        let mut desk = Self {
            engine: Engine::new(Arc::new(Specs::embedded()), start()),
            world: World::new(1),
            seq: 0,
            now: start(),
            outside: BTreeMap::new(),
        };
        let refused = desk.tell(Event::Policy { text: policy.into() });
        assert!(refused.is_empty(), "{}", lines(&refused));
        let text = Rulebooks::embedded_text("deribit-sm").unwrap().into();
        desk.tell(Event::Rulebook { file: "deribit-sm.toml".into(), text });
        desk.quotes();
        desk.deposit("a", "deribit", "1");
        desk.deposit("b", "deribit", "4");
        desk.deposit("v", "wallet", vault);
        desk.short("a", 7);
        desk.up();
        desk
    }

    fn armed() -> Self {
        let mut desk = Self::new(&format!("{HEAD}{RULE}"), "10");
        desk.say(Command::Arming(Arming::Armed));
        desk
    }

    #[allow(clippy::needless_pass_by_value)] // shorter at its many calls
    fn tell(&mut self, event: Event) -> Vec<Output> {
        self.seq += 1;
        let outputs = self.engine.step(Stamp { seq: Seq::new(self.seq), time: self.now }, &event);
        for output in &outputs {
            if let Output::Posted(book::Entry { change: book::Change::Balance(money), .. }) = output {
                *self.outside.entry(money.asset.clone()).or_default() -= money.amount;
            }
        }
        outputs
    }

    fn say(&mut self, command: Command) -> Vec<Output> {
        self.tell(Event::Operator { who: "ann".into(), command })
    }

    fn quotes(&mut self) -> Vec<Output> {
        self.world.now = self.now;
        let event = self.world.all_quotes();
        self.tell(event)
    }

    fn deposit(&mut self, account: &str, venue: &str, amount: &str) {
        let money = btc(amount);
        let (kind, place) = (CashKind::Deposit, place(account, venue));
        self.tell(Event::Cash(CashEvent { place, money, kind, time: self.now }));
    }

    fn short(&mut self, account: &str, calls: i64) {
        self.world.now = self.now;
        let fill = self.world.fill_of("deribit", "BTC-25DEC26-100000-C", -calls);
        let fill = engine::FillEvent { place: place(account, "deribit"), fee: None, ..fill };
        self.tell(Event::Fill(fill));
    }

    /// Connections come up and every place reports what the ledger has.
    fn up(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        for venue in ["deribit", "wallet"] {
            outputs.extend(self.tell(Event::Link { venue: Venue::new(venue).unwrap(), link: Link::Up }));
        }
        for place in [place("a", "deribit"), place("b", "deribit"), place("v", "wallet")] {
            let report = self.report(&place, Decimal::ZERO);
            outputs.extend(self.tell(report));
        }
        outputs
    }

    /// What the ledger has at a place, and so much more BTC.
    fn report(&self, here: &Place, more: Decimal) -> Event {
        let ledger = self.engine.ledger();
        let positions = ledger.positions().filter(|(at, _)| *at == here).map(|(_, held)| ReportedPosition {
            symbol: held.listing().symbol.clone(),
            quantity: held.quantity(),
            average_price: None,
        });
        let asset = Asset::new("BTC").unwrap();
        let balances = vec![(asset.clone(), ledger.balance(here, &asset) + more)];
        Event::Reported(ReportedEvent {
            place: here.clone(),
            positions: positions.collect(),
            balances,
            time: self.now,
        })
    }

    /// Time passes, with fresh quotes.
    fn wait(&mut self, seconds: i64) -> Vec<Output> {
        self.now = self.now.plus_millis(seconds * 1_000);
        let mut outputs = self.quotes();
        outputs.extend(self.tell(Event::Clock));
        outputs
    }

    fn hear(&mut self, id: ProposalId, end: &Place, news: TransferNews) -> Vec<Output> {
        let event = TransferEvent { id, place: end.clone(), news, time: self.now };
        self.tell(Event::Transfer(event))
    }

    fn balance(&self, account: &str, venue: &str) -> Decimal {
        self.engine.ledger().balance(&place(account, venue), &Asset::new("BTC").unwrap())
    }

    /// Balances of all places, those of money under way too, and what everybody outside gained, sum to nothing.
    fn assert_conserved(&self) {
        let mut sums = self.outside.clone();
        for (_, asset, amount) in self.engine.ledger().balances() {
            *sums.entry(asset.clone()).or_default() += amount;
        }
        assert!(sums.values().all(Decimal::is_zero), "{sums:?}");
    }

    /// Maintenance use of an account from nothing, with so much more BTC.
    fn use_of(&self, account: &str, more: Decimal) -> f64 {
        let mut ledger = self.engine.ledger().clone();
        let here = place(account, "deribit");
        let money = Money { amount: more.abs(), asset: Asset::new("BTC").unwrap() };
        match more {
            more if more > Decimal::ZERO => drop(ledger.deposit(&here, &money).unwrap()),
            more if more < Decimal::ZERO => drop(ledger.withdraw(&here, &money).unwrap()),
            _ => {}
        }
        let states = account_states(&ledger.book(), self.engine.market());
        let state = states.iter().find(|state| state.account.as_str() == account).unwrap();
        let books = Rulebooks::embedded().unwrap();
        books.get("deribit-sm").unwrap().outcome(state).utilisation().unwrap()
    }
}

fn lines(outputs: &[Output]) -> String {
    outputs.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn proposed(outputs: &[Output]) -> Option<TransferProposal> {
    outputs.iter().find_map(|output| match output {
        Output::TransferProposed(proposal) => Some((**proposal).clone()),
        _ => None,
    })
}

fn sent(outputs: &[Output]) -> Vec<Transfer> {
    let of =
        |output: &Output| if let Output::Transfer(transfer) = output { Some(transfer.clone()) } else { None };
    outputs.iter().filter_map(of).collect()
}

fn held(outputs: &[Output]) -> String {
    let find = |output: &Output| if let Output::HeldBack { why, .. } = output { why.clone() } else { None };
    outputs.iter().find_map(find).unwrap_or_default()
}

fn closed(outputs: &[Output]) -> Vec<Closed> {
    let of = |output: &Output| {
        if let Output::ProposalClosed { why, .. } = output { Some(why.clone()) } else { None }
    };
    outputs.iter().filter_map(of).collect()
}

/// Waits for the first transfer.
fn first(desk: &mut Desk) -> Transfer {
    let outputs = desk.wait(1);
    let [transfer] = &sent(&outputs)[..] else { panic!("{}", lines(&outputs)) };
    transfer.clone()
}

/// The amount is the least multiple of a step with which the account's own rulebook, asked from nothing, gives the target.
#[test]
fn the_least_amount_that_brings_the_use_to_its_target_is_proposed() {
    let mut desk = Desk::new(&format!("{HEAD}{RULE}"), "10");
    let outputs = desk.wait(1);
    let proposal = proposed(&outputs).unwrap_or_else(|| panic!("{}", lines(&outputs)));
    let before = desk.use_of("a", Decimal::ZERO);
    assert!(before > 0.5, "{before}");
    assert_eq!((&proposal.from, &proposal.to), (&place("v", "wallet"), &place("a", "deribit")));
    let step = Decimal::new(1, 4);
    let amount = proposal.money.amount;
    assert!((amount % step).is_zero(), "{amount}");
    assert!(desk.use_of("a", amount) <= 0.35, "{}", desk.use_of("a", amount));
    assert!(desk.use_of("a", amount - step) > 0.35, "a step less is not enough");
    let fixed = |share: f64| Some(Fixed::quantise_up(share).unwrap());
    assert_eq!(proposal.at_destination.before, fixed(before));
    assert_eq!(proposal.at_destination.after, fixed(desk.use_of("a", amount)));
    assert_eq!(proposal.at_source.after, Some(Fixed::ZERO), "nothing is asked of a wallet");
    assert_eq!(proposal.fee, decimal("0.001"));
    // It waits for a person: nobody armed the engine, and the same is not asked for twice.
    assert!(sent(&outputs).is_empty());
    assert!(proposed(&desk.wait(1)).is_none());
    assert_eq!(desk.engine.transfer_proposals().len(), 1);
    assert!(desk.engine.proposals().is_empty(), "proposals of orders are their own");

    let outputs = desk.say(Command::Approve(proposal.id));
    assert_eq!(closed(&outputs), [Closed::Approved { who: "ann".into() }]);
    let [transfer] = &sent(&outputs)[..] else { panic!("{}", lines(&outputs)) };
    assert_eq!((transfer.id, &transfer.money), (proposal.id, &proposal.money));
    assert_eq!(transfer.valid_until, desk.now.plus_millis(60_000));
    let again = desk.say(Command::Approve(proposal.id));
    assert!(sent(&again).is_empty() && lines(&again).contains("no open proposal"), "{}", lines(&again));
}

#[test]
fn a_person_may_say_no_or_nothing() {
    let mut desk = Desk::new(&format!("{HEAD}{RULE}"), "10");
    let proposal = proposed(&desk.wait(1)).unwrap();
    let outputs = desk.say(Command::Decline(proposal.id));
    assert_eq!(closed(&outputs), [Closed::Declined { who: "ann".into() }]);
    assert!(proposed(&desk.wait(5)).is_none(), "it rests for ten seconds");
    let second = proposed(&desk.wait(5)).expect("and asks again");
    assert_ne!(second.id, proposal.id);
    assert_eq!(closed(&desk.wait(60)), [Closed::Expired]);
    assert!(desk.engine.transfer_proposals().is_empty());
}

#[test]
fn an_armed_rule_acts_by_itself_and_once() {
    let mut desk = Desk::armed();
    let transfer = first(&mut desk);
    // What is on its way is counted: nothing more is asked for, however long it takes.
    for _ in 0..50 {
        let outputs = desk.wait(1);
        assert!(sent(&outputs).is_empty() && proposed(&outputs).is_none(), "{}", lines(&outputs));
    }
    assert_eq!(desk.engine.transfers().keys().collect::<Vec<_>>(), [&transfer.id]);
}

/// A proposal whose account is no longer short is withdrawn.
#[test]
fn what_is_not_needed_any_more_is_withdrawn() {
    let mut desk = Desk::new(&format!("{HEAD}{RULE}"), "10");
    assert!(proposed(&desk.wait(1)).is_some());
    desk.deposit("a", "deribit", "5");
    let outputs = desk.wait(1);
    let [Closed::Withdrawn { why }] = &closed(&outputs)[..] else { panic!("{}", lines(&outputs)) };
    assert!(why.contains("asks for nothing any more"), "{why}");
}

#[test]
fn what_holds_a_move_back_is_said() {
    let down = |venue: &str| Event::Link { venue: Venue::new(venue).unwrap(), link: Link::Down };
    let by_person = |state| Event::Operator { who: "ann".into(), command: Command::State(Some(state)) };
    type Cause = Box<dyn Fn(&Desk) -> Event>;
    let cases: [(&str, Cause); 6] = [
        ("no connection to deribit stands", Box::new(move |_| down("deribit"))),
        ("no connection to wallet stands", Box::new(move |_| down("wallet"))),
        (
            "a@deribit/offchain: its venue reports something else",
            Box::new(|desk| desk.report(&place("a", "deribit"), decimal("0.5"))),
        ),
        (
            "v@wallet/offchain: its venue reports something else",
            Box::new(|desk| desk.report(&place("v", "wallet"), decimal("-0.5"))),
        ),
        ("the book is paused", Box::new(move |_| by_person(State::Paused))),
        ("the book is flatten", Box::new(move |_| by_person(State::Flatten))),
    ];
    for (expected, cause) in cases {
        // One source only.
        let mut desk = Desk::new(
            &format!(
                "{HEAD}{}",
                RULE.replace(r#", { account = "b", venue = "deribit", chain = "offchain" }"#, "")
            ),
            "10",
        );
        desk.say(Command::Arming(Arming::Armed));
        let event = cause(&desk);
        desk.tell(event);
        let outputs = desk.wait(1);
        let why = held(&outputs);
        assert!(why.contains(expected), "{expected}: {}", lines(&outputs));
        assert!(sent(&outputs).is_empty() && proposed(&outputs).is_none(), "{expected}");
    }
    // Stale quotes.
    let mut desk = Desk::armed();
    desk.now = desk.now.plus_millis(61_000);
    let outputs = desk.tell(Event::Clock);
    assert!(held(&outputs).contains("stale"), "{}", lines(&outputs));
    // A book that may only reduce may be topped up: that is often why it may only reduce.
    let mut desk = Desk::armed();
    desk.say(Command::State(Some(State::ReduceOnly)));
    assert_eq!(sent(&desk.wait(1)).len(), 1);
}

/// What was true when a rule asked is asked again when a person says yes.
#[test]
fn a_proposal_is_judged_again_when_it_is_approved() {
    let mut desk = Desk::new(&format!("{HEAD}{RULE}"), "10");
    let proposal = proposed(&desk.wait(1)).unwrap();
    desk.tell(Event::Link { venue: Venue::new("wallet").unwrap(), link: Link::Down });
    let outputs = desk.say(Command::Approve(proposal.id));
    let [Closed::Withdrawn { why }] = &closed(&outputs)[..] else { panic!("{}", lines(&outputs)) };
    assert!(why.contains("no connection to wallet"), "{why}");
    assert!(sent(&outputs).is_empty());
}

/// The first source is empty: the second gives what leaves its own use below keep_use_below, and the proposal says that it is less.
#[test]
fn no_source_is_drained_beyond_what_it_keeps() {
    let mut desk = Desk::new(&format!("{HEAD}{RULE}"), "0.01");
    desk.short("b", 11);
    let proposal = proposed(&desk.wait(1)).unwrap();
    assert_eq!(proposal.from, place("b", "deribit"));
    let (amount, fee, step) = (proposal.money.amount, decimal("0.001"), Decimal::new(1, 4));
    assert!(desk.use_of("b", -amount - fee) <= 0.3, "{}", desk.use_of("b", -amount - fee));
    assert!(desk.use_of("b", -amount - fee - step) > 0.3, "a step more would be too much");
    assert!(proposal.why.contains("its source can spare"), "{}", proposal.why);
    assert!(desk.use_of("a", amount) > 0.35, "it helps in part");
    // Where neither has anything, that is said of both.
    let mut desk = Desk::new(&format!("{HEAD}{RULE}"), "0.01");
    desk.short("b", 14);
    let why = held(&desk.wait(1));
    assert!(
        why.contains("wallet") && why.contains("less than the smallest move of 0.05") && why.contains("b"),
        "{why}"
    );
}

/// Rules that would drain one vault together: what one has asked for is not there for the other, before and after it was approved, until
/// it has left and shows in the balance.
#[test]
fn what_is_promised_is_not_free_for_another_move() {
    let only_vault = RULE.replace(r#", { account = "b", venue = "deribit", chain = "offchain" }"#, "");
    let second = only_vault.replace("top up", "second").replace("account = \"a\"", "account = \"b\"");
    let mut desk = Desk::new(&format!("{HEAD}{only_vault}{second}"), "3");
    desk.short("b", 30);
    let outputs = desk.wait(1);
    let asked: Vec<Decimal> =
        desk.engine.transfer_proposals().values().map(|p| p.money.amount + p.fee).collect();
    assert_eq!(asked.len(), 2, "{}", lines(&outputs));
    assert!(asked.iter().sum::<Decimal>() <= decimal("3"), "{asked:?}");
    assert_eq!(asked.iter().sum::<Decimal>(), decimal("3"), "the second gets the rest: {asked:?}");
    let ids: Vec<ProposalId> = desk.engine.transfer_proposals().keys().copied().collect();
    let mut all = Vec::new();
    for id in ids {
        all.extend(sent(&desk.say(Command::Approve(id))));
    }
    assert_eq!(all.len(), 2, "both may go");
    for transfer in &all {
        let fee = Some(btc("0.001"));
        desk.hear(transfer.id, &transfer.from, TransferNews::Left { fee, block: None });
        assert!(desk.balance("v", "wallet") >= Decimal::ZERO);
        desk.assert_conserved();
    }
    assert_eq!(desk.balance("v", "wallet"), Decimal::ZERO);
}

/// What is on its way to an account meets its own need and is nothing that it could spare: it may not come.
#[test]
fn what_has_not_arrived_is_not_spared() {
    let to_b = RULE
        .replace("top up", "first")
        .replace("to_use = 0.35", "to_use = 0.05")
        .replace("largest = \"5\"", "largest = \"100\"")
        .replace("hourly = \"8\"", "hourly = \"100\"")
        .replace("account = \"a\"\n", "account = \"b\"\n")
        .replace(r#", { account = "b", venue = "deribit", chain = "offchain" }"#, "");
    let from_b = RULE.replace(r#"{ account = "v", venue = "wallet", chain = "offchain" }, "#, "");
    let mut desk = Desk::new(&format!("{HEAD}{to_b}{from_b}"), "200");
    desk.short("b", 30);
    let before = desk.use_of("b", Decimal::ZERO);
    assert!(before > 0.5, "b is short itself: {before}");
    let outputs = desk.wait(1);
    let moves = desk.engine.transfer_proposals();
    let targets: Vec<&str> = moves.values().map(|proposal| proposal.to.account.as_str()).collect();
    assert_eq!(targets, ["b"], "{}", lines(&outputs));
    assert!(held(&outputs).contains("b@deribit/offchain can spare 0"), "{}", lines(&outputs));
}

#[test]
fn no_move_is_larger_than_the_largest_nor_all_of_an_hour_than_its_cap() {
    let small =
        RULE.replace("largest = \"5\"", "largest = \"0.3\"").replace("hourly = \"8\"", "hourly = \"0.75\"");
    let mut desk = Desk::new(&format!("{HEAD}{small}"), "10");
    desk.short("a", 5);
    desk.say(Command::Arming(Arming::Armed));
    let mut moved = Vec::new();
    for _ in 0..100 {
        for transfer in sent(&desk.wait(1)) {
            moved.push(transfer.money.amount);
            desk.hear(transfer.id, &transfer.from, TransferNews::Left { fee: None, block: None });
            desk.hear(transfer.id, &transfer.to, TransferNews::Arrived);
        }
    }
    assert_eq!(moved, [decimal("0.3"), decimal("0.3"), decimal("0.15")]);
    let held: Vec<_> = desk.engine.held_back().collect();
    assert!(held.iter().any(|(_, why)| why.contains("this hour")), "{held:?}");
    // An hour after the first.
    let mut later = Vec::new();
    for _ in 0..60 {
        later.extend(sent(&desk.wait(60)));
    }
    assert!(!later.is_empty());
}

/// Coins in a place that counts other coins only would bring nothing.
#[test]
fn what_does_not_help_is_not_moved() {
    let other = RULE.replace("asset = \"BTC\"", "asset = \"ETH\"");
    let mut desk = Desk::new(&format!("{HEAD}{other}"), "10");
    let why = held(&desk.wait(1));
    assert!(why.contains("more ETH does not lower the use of a on deribit"), "{why}");
}
