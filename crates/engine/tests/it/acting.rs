//! Rules that act: what they send, what holds them back, what becomes of their orders.

mod by_hand;
mod margin;
mod sizing;

use crate::world::{World, place, start};
use engine::{
    Arming, BlockNumber, Closed, Command, Engine, Event, FillEvent, Link, Order, OrderEvent, OrderNews,
    Output, Phase, Proposal, ReportedEvent, ReportedPosition, State,
};
use instrument::Specs;
use journal::{Machine, Seq, Stamp};
use std::sync::Arc;
use units::{Decimal, Quantity, Symbol, Timestamp, Venue};

const POLICY: &str = r#"
    source = "test"
    valid_from = "2026-11-01"
    stale_after_seconds = 60
    [[limit]]
    name = "delta"
    measure = "delta_cash_usd"
    group_by = ["underlying"]
    warn = "150000"
    hard = "400000"
    on_hard = "reduce_only"
    [orders]
    largest_usd = "250000"
    hourly_turnover_usd = "600000"
    price_collar_bp = 50.0
    answer_within_seconds = 5
    valid_seconds = 20
    proposal_seconds = 60
    flatten = "armed"
    [[trading]]
    venue = "deribit"
    kind = "perpetual"
    tick = "0.5"
    lot = "10"
    fee_bp = 5.0
    [[trading]]
    venue = "deribit"
    kind = "option"
    tick = "0.0001"
    lot = "0.1"
    fee_bp = 3.0
    [[hedge]]
    name = "btc"
    underlying = "BTC"
    sizing = { policy = "band", half_width_usd = 100000.0, end = "edge" }
    account = "a"
    venue = "deribit"
    chain = "offchain"
    symbol = "BTC-PERPETUAL"
    execution = "armed"
    cool_down_seconds = 10
"#;

/// An engine with a market and a person in front of it.
struct Desk {
    engine: Engine,
    world: World,
    seq: u64,
    now: Timestamp,
}

impl Desk {
    /// A market, no holdings, the connection up and the place reported as empty.
    fn new(policy: &str) -> Self {
        let mut desk = Self {
            engine: Engine::new(Arc::new(Specs::embedded()), start()),
            world: World::new(1),
            seq: 0,
            now: start(),
        };
        let refused = desk.tell(Event::Policy { text: policy.into() });
        assert!(!lines(&refused).contains("refused"), "{}", lines(&refused));
        desk.quotes();
        desk.up();
        desk
    }

    fn armed() -> Self {
        let mut desk = Self::new(POLICY);
        desk.say(Command::Arming(Arming::Armed));
        desk
    }

    #[allow(clippy::needless_pass_by_value)] // shorter at its many calls
    fn tell(&mut self, event: Event) -> Vec<Output> {
        self.seq += 1;
        self.engine.step(Stamp { seq: Seq::new(self.seq), time: self.now }, &event)
    }

    fn say(&mut self, command: Command) -> Vec<Output> {
        self.tell(Event::Operator { who: "ann".into(), command })
    }

    fn quotes(&mut self) -> Vec<Output> {
        self.world.now = self.now;
        let event = self.world.all_quotes();
        self.tell(event)
    }

    fn up(&mut self) -> Vec<Output> {
        let venue = Venue::new("deribit").unwrap();
        let mut outputs = self.tell(Event::Link { venue, link: Link::Up });
        outputs.extend(self.report());
        outputs
    }

    /// The venue reports what the ledger has.
    fn report(&mut self) -> Vec<Output> {
        let here = place("a", "deribit");
        let ledger = self.engine.ledger();
        let positions = ledger.positions().filter(|(at, _)| **at == here).map(|(_, held)| ReportedPosition {
            symbol: held.listing().symbol.clone(),
            quantity: held.quantity(),
            average_price: None,
        });
        let balances = ledger.balances().filter(|(at, ..)| **at == here);
        let balances = balances.map(|(_, asset, amount)| (asset.clone(), amount));
        let (positions, balances) = (positions.collect(), balances.collect());
        self.tell(Event::Reported(ReportedEvent { place: here, positions, balances, time: self.now }))
    }

    /// Time passes, with fresh quotes.
    fn wait(&mut self, seconds: i64) -> Vec<Output> {
        self.now = self.now.plus_millis(seconds * 1_000);
        let mut outputs = self.tell(Event::Clock);
        outputs.extend(self.quotes());
        outputs
    }

    fn trade(&mut self, symbol: &str, quantity: i64) -> Vec<Output> {
        let fill = self.fill(symbol, quantity);
        self.tell(Event::Fill(fill))
    }

    fn fill(&mut self, symbol: &str, quantity: i64) -> FillEvent {
        self.world.now = self.now;
        let fill = self.world.fill_of("deribit", symbol, quantity);
        FillEvent { place: place("a", "deribit"), fee: None, ..fill }
    }

    /// An order is filled in part or in full.
    fn fill_order(&mut self, order: &Order, quantity: Quantity) -> Vec<Output> {
        let fill = self.fill(order.symbol.as_str(), 1);
        self.tell(Event::Fill(FillEvent { quantity, order: Some(order.id.clone()), ..fill }))
    }

    fn news(&mut self, order: &Order, news: OrderNews) -> Vec<Output> {
        self.tell(Event::Order(OrderEvent { id: order.id.clone(), news, time: self.now }))
    }

    fn btc_delta(&self) -> f64 {
        let sums = self.engine.views().sums().of(&[risk::GroupBy::Underlying]);
        let key = vec![risk::GroupKey::Text("BTC".into())];
        sums.get(&key).map_or(0.0, |sum| sum.exposure.in_usd(risk::Measure::Delta).to_f64())
    }
}

fn order(outputs: &[Output]) -> Order {
    let orders: Vec<&Order> = outputs
        .iter()
        .filter_map(|output| if let Output::Order(order) = output { Some(order) } else { None })
        .collect();
    assert_eq!(orders.len(), 1, "one order in {}", lines(outputs));
    orders[0].clone()
}

fn proposal(outputs: &[Output]) -> Proposal {
    let find = |output: &Output| {
        if let Output::Proposed(proposal) = output { Some((**proposal).clone()) } else { None }
    };
    outputs.iter().find_map(find).unwrap_or_else(|| panic!("no proposal in {}", lines(outputs)))
}

fn held_back(outputs: &[Output]) -> String {
    let find = |output: &Output| if let Output::HeldBack { why, .. } = output { why.clone() } else { None };
    outputs.iter().find_map(find).unwrap_or_else(|| panic!("nothing held back in {}", lines(outputs)))
}

fn lines(outputs: &[Output]) -> String {
    outputs.iter().map(|output| format!("{output}\n")).collect()
}

fn has(outputs: &[Output], text: &str) {
    assert!(lines(outputs).contains(text), "no '{text}' in:\n{}", lines(outputs));
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Inverse perpetuals of 10 USD each: bought for 300,000 USD, the delta is that much, and 200,000 of it is over the band.
#[test]
fn a_hedge_brings_the_delta_back_to_the_edge_of_its_band() {
    let mut desk = Desk::armed();
    assert!(!lines(&desk.trade("BTC-PERPETUAL", 90_000)).contains("proposed"), "inside the band");
    let outputs = desk.trade("BTC-PERPETUAL", 210_000);
    let sent = order(&outputs);
    let edge = desk.btc_delta() - 100_000.0;
    // One USD of the perpetual moves the book by spot over mark.
    let expected = -(edge * 1.0005 / 10.0).trunc() * 10.0;
    assert!((desk.btc_delta() / 300_000.0 - 1.0).abs() < 0.01, "the premium of the perpetual aside");
    assert_eq!(sent.quantity.get().to_string(), format!("{expected}"), "in lots of 10, towards zero");
    // 92,000 x 1.0005 less the collar, up to the next half dollar.
    let mark: f64 = 92_000.0 * 1.0005;
    assert_eq!(sent.limit_price.get(), decimal(&format!("{}", (mark * 0.995 * 2.0).ceil() / 2.0)));
    assert_eq!(sent.valid_until, desk.now.plus_millis(20_000));
    assert_eq!(order(&outputs).id.to_string(), proposal(&outputs).id.to_string());
    // While it is on its way nothing else is sent, whatever comes.
    assert!(!lines(&desk.wait(1)).contains("order:"));
    desk.news(&sent, OrderNews::Accepted);
    let half = Quantity::new((sent.quantity.get() / decimal("2")).trunc());
    let rest = Quantity::new(sent.quantity.get() - half.get());
    desk.fill_order(&sent, half);
    assert_eq!(desk.engine.orders()[&sent.id].remaining(), rest);
    has(&desk.fill_order(&sent, rest), "order gone");
    assert!(desk.engine.orders().is_empty());
    assert!((desk.btc_delta() - 100_000.0).abs() < 20.0, "at the edge but for a lot: {}", desk.btc_delta());
}

#[test]
fn nothing_is_sent_before_a_person_has_armed_the_engine_and_a_restart_disarms_it() {
    let mut desk = Desk::new(POLICY);
    let outputs = desk.trade("BTC-PERPETUAL", 300_000);
    let open = proposal(&outputs);
    assert!(desk.engine.orders().is_empty());
    assert_eq!(desk.engine.proposals().len(), 1);
    // What it would do is in it.
    let effect = &open.effects[0];
    assert_eq!((effect.limit.as_str(), effect.before.to_f64() > 290_000.0), ("delta", true));
    assert!((effect.after.to_f64() - 100_000.0).abs() < 20.0, "{effect}");
    assert!(open.fee_usd.to_f64() > 0.0 && open.worst_slippage_usd.to_f64() > open.fee_usd.to_f64());
    let outputs = desk.say(Command::Approve(open.id));
    has(&outputs, "approved by ann");
    let sent = order(&outputs);
    assert_eq!((sent.quantity, sent.limit_price), (open.quantity, open.limit_price));
    has(&desk.say(Command::Approve(open.id)), "no open proposal");
    desk.say(Command::Arming(Arming::Armed));
    has(&desk.tell(Event::Started), "disarmed");
    assert_eq!(desk.engine.arming(), Arming::Disarmed);
}

#[test]
fn a_proposal_nobody_answers_is_dropped_and_one_declined_rests() {
    let mut desk = Desk::new(POLICY);
    let first = proposal(&desk.trade("BTC-PERPETUAL", 300_000));
    desk.wait(59);
    assert_eq!(desk.engine.proposals().len(), 1);
    let outputs = desk.wait(1);
    has(&outputs, "nobody answered in time");
    assert!(!lines(&outputs).contains("proposed"), "it rests for ten seconds");
    let second = proposal(&desk.wait(10));
    assert_ne!(first.id, second.id);
    has(&desk.say(Command::Decline(second.id)), "declined by ann");
    assert!(!lines(&desk.wait(9)).contains("proposed"), "it rests for ten seconds");
    proposal(&desk.wait(1));
}

#[test]
fn nothing_goes_to_a_venue_that_is_lost_or_has_not_reported() {
    let venue = Venue::new("deribit").unwrap();
    let mut desk = Desk::armed();
    desk.tell(Event::Link { venue: venue.clone(), link: Link::Down });
    assert!(held_back(&desk.trade("BTC-PERPETUAL", 300_000)).contains("no connection"));
    assert!(held_back(&desk.tell(Event::Link { venue, link: Link::Up })).contains("has not reported"));
    // A report of something else: the ledger missed a trade.
    let here = place("a", "deribit");
    let report =
        ReportedEvent { place: here.clone(), positions: Vec::new(), balances: Vec::new(), time: desk.now };
    assert!(held_back(&desk.tell(Event::Reported(report))).contains("reports something else"));
    let outputs = desk.report();
    has(&outputs, "free again");
    order(&outputs);
}

#[test]
fn nothing_rests_on_stale_quotes() {
    let mut desk = Desk::armed();
    desk.now = desk.now.plus_millis(120_000);
    assert!(held_back(&desk.tell(Event::Clock)).contains("stale"), "it cannot see, so it says so at once");
    assert!(!lines(&desk.trade("BTC-PERPETUAL", 300_000)).contains("proposed"));
    order(&desk.quotes());
}

#[test]
fn an_order_without_an_answer_is_asked_for_and_not_sent_again() {
    let mut desk = Desk::armed();
    let sent = order(&desk.trade("BTC-PERPETUAL", 300_000));
    assert!(!lines(&desk.wait(4)).contains("query"));
    has(&desk.wait(1), &format!("query: {}", sent.id));
    // The venue does not know it: it may be on its way still, and counts.
    desk.news(&sent, OrderNews::NotKnown);
    assert_eq!(desk.engine.orders()[&sent.id].phase, Phase::Asked);
    let outputs = desk.wait(16);
    has(&outputs, "query");
    assert!(!lines(&outputs).contains("order:"));
    // Its time is over by now: no venue takes it any more.
    desk.wait(2);
    has(&desk.news(&sent, OrderNews::NotKnown), "order gone");
    let again = order(&desk.wait(10));
    assert_ne!(again.id, sent.id);
    // Late news of an order that is gone are no surprise; those of a stranger are.
    assert!(desk.news(&sent, OrderNews::Ended { filled: None }).is_empty());
    let stranger = Order { id: units::OrderId::new("P7.7").unwrap(), ..sent };
    has(&desk.news(&stranger, OrderNews::Ended { filled: None }), "no order of this engine");
}

#[test]
fn an_order_whose_time_is_over_is_ended_and_what_was_filled_counts() {
    let mut desk = Desk::armed();
    let sent = order(&desk.trade("BTC-PERPETUAL", 300_000));
    desk.news(&sent, OrderNews::Accepted);
    desk.fill_order(&sent, Quantity::new(decimal("-50000")));
    has(&desk.wait(20), &format!("cancel: {}", sent.id));
    assert_eq!(desk.engine.orders()[&sent.id].phase, Phase::Cancelling);
    has(&desk.news(&sent, OrderNews::Ended { filled: None }), "order gone");
    let again = order(&desk.wait(10));
    assert!((again.quantity.get() - (sent.quantity.get() + decimal("50000"))).abs() <= decimal("10"));
}

#[test]
fn each_rejection_doubles_the_rest() {
    let mut desk = Desk::new(&POLICY.replace("\"600000\"", "\"6000000\""));
    desk.say(Command::Arming(Arming::Armed));
    let mut sent = order(&desk.trade("BTC-PERPETUAL", 300_000));
    for rest in [20, 40, 80] {
        has(&desk.news(&sent, OrderNews::Rejected("margin".into())), "was rejected: margin");
        assert!(!lines(&desk.wait(rest - 1)).contains("order:"), "{rest} s");
        sent = order(&desk.wait(1));
    }
    // A fill clears the count.
    let quantity = sent.quantity;
    desk.fill_order(&sent, quantity);
    desk.trade("BTC-PERPETUAL", 100_000);
    order(&desk.wait(10));
}

#[test]
fn a_restart_asks_for_every_order_and_sends_none_again() {
    let mut desk = Desk::armed();
    let sent = order(&desk.trade("BTC-PERPETUAL", 300_000));
    has(&desk.tell(Event::Started), "connection lost: deribit");
    let outputs = desk.up();
    has(&outputs, &format!("query: {}", sent.id));
    assert!(!lines(&outputs).contains("order:"));
    desk.say(Command::Arming(Arming::Armed));
    assert!(!lines(&desk.wait(3)).contains("order:"), "the first one may still be filled");
}

#[test]
fn one_order_has_its_bounds_and_an_hour_has_its_own() {
    let mut desk = Desk::armed();
    // 700,000 over the band; the limit's state is reduce_only, and the hedge brings the figure nearer to zero.
    let mut outputs = desk.trade("BTC-PERPETUAL", 800_000);
    assert_eq!(desk.engine.state(), State::ReduceOnly);
    for expected in [250_000.0, 250_000.0, 100_000.0] {
        let sent = order(&outputs);
        let size: f64 = sent.quantity.get().to_string().parse().unwrap();
        assert!((size + expected).abs() < 400.0, "{size}: by notional at the mark, in lots");
        let quantity = sent.quantity;
        desk.fill_order(&sent, quantity);
        outputs = desk.wait(10);
    }
    assert!(held_back(&outputs).contains("turnover of this hour"), "{}", lines(&outputs));
    order(&desk.wait(3_600));
}

/// An option's delta lets the other side of the band be hedged with a purchase.
#[test]
fn a_short_delta_is_bought_back() {
    let mut desk = Desk::armed();
    let sent = order(&desk.trade("BTC-25DEC26-90000-C", -5));
    assert!(sent.quantity.get() > Decimal::ZERO);
    assert!(desk.btc_delta() < -200_000.0);
    let bought = sent.quantity;
    desk.fill_order(&sent, bought);
    assert!((desk.btc_delta() + 100_000.0).abs() < 20.0, "{}", desk.btc_delta());
}

#[test]
fn what_is_on_its_way_is_counted_in_every_limit() {
    // Two rules that want to buy at two venues: together they would break the limit, each alone would not.
    let second = POLICY.replace(
        "[[hedge]]",
        "[[trading]]\nvenue = 'okx'\nkind = 'perpetual'\ntick = '0.1'\nlot = '0.1'\nfee_bp = 5.0\n[[hedge]]",
    ) + "[[hedge]]\nname = 'btc too'\nunderlying = 'BTC'\nsizing = { policy = 'band', half_width_usd = 100000.0, end = 'middle' }\ntarget_usd = '520000'\naccount = 'a'\n\
           venue = 'okx'\nchain = 'offchain'\nsymbol = 'BTC-USDT-SWAP'\nexecution = 'armed'\ncool_down_seconds = 10\n";
    let second = second.replace(
        "account = \"a\"\n    venue = \"deribit\"",
        "target_usd = \"350000\"\n    account = \"a\"\n    venue = \"deribit\"",
    );
    let mut desk = Desk::new(&second);
    let okx = Venue::new("okx").unwrap();
    desk.tell(Event::Rate {
        asset: units::Asset::new("USDT").unwrap(),
        usd: Some(units::Spot::new(1.0).unwrap()),
    });
    desk.tell(Event::Link { venue: okx, link: Link::Up });
    let empty = ReportedEvent {
        place: place("a", "okx"),
        positions: Vec::new(),
        balances: Vec::new(),
        time: desk.now,
    };
    desk.tell(Event::Reported(empty));
    let first = order(&desk.say(Command::Arming(Arming::Armed)).into_iter().chain(desk.wait(61))
            .chain(desk.wait(10)).filter(|output| {
        matches!(output, Output::Order(order) if order.symbol == Symbol::new("BTC-PERPETUAL").unwrap())
    }).collect::<Vec<_>>());
    let second: Vec<&engine::OpenOrder> =
        desk.engine.orders().values().filter(|open| open.order.id != first.id).collect();
    let bought: Decimal = second.iter().map(|open| open.order.quantity.get()).sum();
    // 250,000 USD are on their way; 400,000 is hard, so at most 150,000 more: 1.629 BTC at 92,046, contracts of 0.01 in lots of 0.1.
    assert_eq!(
        (first.quantity.get().trunc() / decimal("1000")).trunc(),
        decimal("250"),
        "to the edge of 250,000 USD, 0.9995 of it a contract"
    );
    assert_eq!(bought, decimal("162.9"), "{second:?}");
}

#[test]
fn reduce_only_ends_orders_that_would_open_and_lets_go_those_that_close() {
    let mut desk =
        Desk::new(&POLICY.replace("half_width_usd = 100000.0", "half_width_usd = 10000.0").replace(
            "account = \"a\"\n    venue = \"deribit\"",
            "target_usd = \"350000\"\n    account = \"a\"\n    venue = \"deribit\"",
        ));
    desk.say(Command::Arming(Arming::Armed));
    desk.wait(61);
    let buy = order(&desk.wait(10));
    assert!(buy.quantity.get() > Decimal::ZERO);
    has(&desk.say(Command::State(Some(State::ReduceOnly))), &format!("cancel: {}", buy.id));
    desk.news(&buy, OrderNews::Ended { filled: None });
    assert!(held_back(&desk.wait(10)).contains("reduce_only"));
    has(&desk.say(Command::State(Some(State::Paused))), "state: reduce_only to paused");
    assert!(desk.engine.held_back().any(|(_, why)| why.contains("paused")));
}

#[test]
fn flatten_closes_everything_within_the_limits() {
    let mut desk = Desk::armed();
    desk.trade("BTC-25DEC26-90000-C", -2);
    desk.trade("BTC-PERPETUAL", 60_000);
    let mut pending = desk.say(Command::State(Some(State::Flatten)));
    for _ in 0..40 {
        let orders: Vec<Order> = pending
            .iter()
            .filter_map(|output| if let Output::Order(order) = output { Some(order.clone()) } else { None })
            .collect();
        for order in orders {
            assert!(desk.engine.proposals().is_empty());
            let quantity = order.quantity;
            desk.fill_order(&order, quantity);
        }
        assert!(desk.btc_delta().abs() < 400_000.0);
        pending = desk.wait(2);
        if desk.engine.ledger().positions().count() == 0 {
            return;
        }
    }
    panic!(
        "still held: {:?}",
        desk.engine.ledger().positions().map(|(_, held)| held.quantity()).collect::<Vec<_>>()
    );
}

/// The exchange closes a leg of the hedge to deleverage somebody: a fill of no order. What is open again is hedged again.
#[test]
fn a_leg_that_adl_takes_away_is_hedged_again() {
    let mut desk = Desk::armed();
    let sent = order(&desk.trade("BTC-25DEC26-90000-C", -5));
    let bought = sent.quantity;
    desk.fill_order(&sent, bought);
    desk.wait(10);
    let half: i64 = bought.get().trunc().to_string().parse::<i64>().unwrap() / 20 * 10;
    let again = order(&desk.trade("BTC-PERPETUAL", -half));
    assert!(
        (again.quantity.get() - Decimal::from(half)).abs() <= decimal("10"),
        "what was taken: {}",
        again.quantity
    );
}

#[test]
fn a_reorganisation_undoes_fills_and_asks_for_their_orders() {
    let chain = place("a", "deribit").chain;
    let mut desk = Desk::armed();
    desk.tell(Event::Block { chain: chain.clone(), number: BlockNumber::new(100) });
    let sent = order(&desk.trade("BTC-PERPETUAL", 300_000));
    let before = desk.engine.ledger().clone();
    desk.tell(Event::Block { chain: chain.clone(), number: BlockNumber::new(101) });
    let fill = desk.fill("BTC-PERPETUAL", 1);
    let block = Some(BlockNumber::new(101));
    let in_block = FillEvent { quantity: sent.quantity, order: Some(sent.id.clone()), block, ..fill };
    has(&desk.tell(Event::Fill(in_block.clone())), "order gone");
    assert_ne!(desk.engine.ledger(), &before);
    // A snapshot in between loses nothing.
    desk.engine = desk.engine.restore(&desk.engine.snapshot()).unwrap();
    let outputs = desk.tell(Event::Reorg { chain: chain.clone(), from: BlockNumber::new(101) });
    has(&outputs, "its block is gone");
    assert_eq!(desk.engine.ledger(), &before, "as if it had never been");
    assert_eq!(desk.engine.orders()[&sent.id].remaining(), sent.quantity, "it may be filled again");
    // The same transaction in another block: the same id is no duplicate.
    desk.tell(Event::Block { chain: chain.clone(), number: BlockNumber::new(101) });
    has(&desk.tell(Event::Fill(in_block)), "order gone");
    // Blocks without a reorganisation go up.
    has(
        &desk.tell(Event::Block { chain, number: BlockNumber::new(101) }),
        "reorganisation must be told first",
    );
}

/// On a chain nothing can be done between two blocks.
#[test]
fn rules_on_a_chain_decide_at_its_blocks() {
    let policy = POLICY.replace("chain = \"offchain\"", "chain = \"somechain\"");
    let mut desk = Desk::new(&policy);
    let here = book::Place { chain: units::Chain::new("somechain").unwrap(), ..place("a", "deribit") };
    let empty =
        ReportedEvent { place: here.clone(), positions: Vec::new(), balances: Vec::new(), time: desk.now };
    desk.tell(Event::Reported(empty));
    desk.say(Command::Arming(Arming::Armed));
    assert!(!lines(&desk.trade("BTC-PERPETUAL", 300_000)).contains("order:"));
    assert!(!lines(&desk.wait(1)).contains("order:"));
    order(&desk.tell(Event::Block { chain: here.chain, number: BlockNumber::new(7) }));
}

#[test]
fn what_waits_and_what_is_on_its_way_lasts_over_a_snapshot() {
    let mut desk = Desk::new(POLICY);
    let open = proposal(&desk.trade("BTC-PERPETUAL", 300_000));
    let restored = desk.engine.restore(&desk.engine.snapshot()).unwrap();
    assert_eq!(restored.proposals(), desk.engine.proposals());
    assert_eq!(restored.state_hash(), desk.engine.state_hash());
    desk.engine = restored;
    let sent = order(&desk.say(Command::Approve(open.id)));
    let restored = desk.engine.restore(&desk.engine.snapshot()).unwrap();
    assert_eq!(restored.orders(), desk.engine.orders());
    assert_eq!(restored.turnover(desk.now), desk.engine.turnover(desk.now));
    assert!(restored.orders().contains_key(&sent.id));
}

#[test]
fn an_approval_is_judged_by_what_is_true_then() {
    let mut desk = Desk::new(POLICY);
    let open = proposal(&desk.trade("BTC-PERPETUAL", 300_000));
    desk.say(Command::State(Some(State::Paused)));
    assert!(desk.engine.proposals().is_empty(), "a paused book proposes nothing");
    desk.say(Command::State(None));
    has(&desk.say(Command::Approve(open.id)), "no open proposal");
    let open = proposal(&desk.wait(61));
    // The state of a book at the approval counts, not that of the proposal.
    desk.tell(Event::Link { venue: Venue::new("deribit").unwrap(), link: Link::Down });
    let closed = desk.say(Command::Approve(open.id));
    assert!(
        matches!(&closed[0], Output::ProposalClosed { why: Closed::Withdrawn { why }, .. } if why.contains("connection")),
        "{closed:?}"
    );
}

/// A person needs time, and the mark moves meanwhile: what was seen is carried out, at no worse a price and in no larger a size.
#[test]
fn an_approval_follows_the_mark_where_that_is_better() {
    for (usd, moved) in [(95_000.0, true), (90_000.0, false)] {
        let mut desk = Desk::new(POLICY);
        let open = proposal(&desk.trade("BTC-PERPETUAL", 300_000));
        assert!(open.quantity.get() < Decimal::ZERO, "a sale");
        desk.world.set_btc(usd);
        desk.wait(1);
        let sent = order(&desk.say(Command::Approve(open.id)));
        assert_eq!(sent.quantity, open.quantity);
        let collar = decimal(&format!("{}", (usd * 1.0005 * 0.995 * 2.0).ceil() / 2.0));
        let expected = if moved { collar } else { open.limit_price.get() };
        assert_eq!(
            sent.limit_price.get(),
            expected,
            "at {usd}: the better of what was seen and the collar of now"
        );
    }
}

#[test]
fn an_approval_leaves_off_what_has_come_to_be_over_the_largest_order() {
    // A contract of coins: what it is worth moves with the coin. Of the 360,000 USD over the band the largest order takes 250,000.
    let policy = POLICY
        .replace("\"BTC-PERPETUAL\"", "\"BTC_USDC-PERPETUAL\"")
        .replace("lot = \"10\"", "lot = \"0.001\"");
    let mut desk = Desk::new(&policy);
    let open = proposal(&desk.trade("BTC_USDC-PERPETUAL", 5));
    desk.world.set_btc(95_000.0);
    desk.wait(1);
    let sent = order(&desk.say(Command::Approve(open.id)));
    let usd = |quantity: Quantity| units::border::to_model(quantity.get()).unwrap().abs() * 95_000.0;
    assert!(usd(open.quantity) > 257_000.0, "{open}");
    assert!(usd(sent.quantity) <= 250_000.0 && usd(sent.quantity) > 250_000.0 - 2.0 * 95.0, "{sent}");
}

#[test]
fn flatten_keeps_what_hedges_the_collateral() {
    let mut desk = Desk::armed();
    let money = units::Money::parse("8", units::Asset::new("BTC").unwrap()).unwrap();
    let (place, kind, time) = (place("a", "deribit"), engine::CashKind::Deposit, desk.now);
    // 736,000 USD of coin, hedged by a short perpetual before anything is armed to act on it.
    desk.trade("BTC-PERPETUAL", -700_000);
    desk.tell(Event::Cash(engine::CashEvent { place, money, kind, time }));
    for order in desk.engine.orders().values().map(|open| open.order.clone()).collect::<Vec<_>>() {
        desk.news(&order, OrderNews::Ended { filled: None });
    }
    let mut pending = desk.say(Command::State(Some(State::Flatten)));
    for _ in 0..30 {
        for output in &pending {
            if let Output::Order(order) = output {
                let quantity = order.quantity;
                desk.fill_order(order, quantity);
            }
        }
        // The level to warn at is 150,000: closing the hedge of the coins stops before it.
        assert!(desk.btc_delta().abs() < 150_010.0, "{}", desk.btc_delta());
        pending = desk.wait(2);
    }
    assert!(desk.engine.ledger().positions().count() == 1, "the rest of the hedge stays");
}

/// Another venue quotes the coin, so it is not stale; the one that is traded at has been silent.
#[test]
fn nothing_is_priced_from_an_old_quote_of_its_own_venue() {
    let mut desk = Desk::armed();
    desk.now = desk.now.plus_millis(61_000);
    desk.tell(Event::Clock);
    desk.world.now = desk.now;
    let row = desk.world.quote("okx", "BTC-USDT-SWAP");
    desk.tell(Event::Quotes { feed: "okx".into(), rows: vec![row] });
    assert!(held_back(&desk.trade("BTC-PERPETUAL", 300_000)).contains("too old"));
    order(&desk.quotes());
}

#[test]
fn a_cancel_that_could_not_be_sent_is_sent_when_the_venue_is_back() {
    let venue = Venue::new("deribit").unwrap();
    let mut desk = Desk::armed();
    let sent = order(&desk.trade("BTC-PERPETUAL", 300_000));
    desk.news(&sent, OrderNews::Accepted);
    desk.tell(Event::Link { venue, link: Link::Down });
    let outputs = desk.say(Command::State(Some(State::Paused)));
    assert!(!lines(&outputs).contains("cancel:"), "nobody would hear it");
    has(&desk.up(), "query");
    has(&desk.news(&sent, OrderNews::Accepted), &format!("cancel: {}", sent.id));
    // Nor does a question in between make it forgotten.
    has(&desk.wait(5), "query");
    has(&desk.news(&sent, OrderNews::Ended { filled: None }), "order gone");
}

#[test]
fn after_a_restart_nothing_is_sent_before_the_venue_is_connected_again() {
    let mut desk = Desk::armed();
    desk.tell(Event::Started);
    desk.say(Command::Arming(Arming::Armed));
    assert!(held_back(&desk.trade("BTC-PERPETUAL", 300_000)).contains("no connection"));
    order(&desk.up());
}

/// The venue says that it is over and more was filled than has arrived: the order counts until the fill comes, or a report is agreed with.
#[test]
fn fills_that_did_not_arrive_are_owed_and_not_traded_again() {
    let mut desk = Desk::armed();
    let sent = order(&desk.trade("BTC-PERPETUAL", 300_000));
    let ended = OrderNews::Ended { filled: Some(decimal("-150000")) };
    assert!(!lines(&desk.news(&sent, ended.clone())).contains("gone"));
    assert_eq!(desk.engine.orders()[&sent.id].remaining(), Quantity::new(decimal("-150000")));
    assert!(!lines(&desk.wait(15)).contains("order:"), "it is on its way");
    has(&desk.fill_order(&sent, Quantity::new(decimal("-150000"))), "order gone");
    // The same, where the message of the fill never comes and its report is adopted.
    let again = order(&desk.wait(10));
    desk.news(&again, OrderNews::Ended { filled: Some(again.quantity.get()) });
    let missed = desk.engine.restore(&desk.engine.snapshot()).unwrap();
    assert_eq!(missed.orders(), desk.engine.orders());
    let reported = ReportedEvent {
        place: place("a", "deribit"),
        positions: vec![ReportedPosition {
            symbol: again.symbol.clone(),
            quantity: Quantity::new(decimal("150000") + again.quantity.get()),
            average_price: None,
        }],
        balances: desk.engine.ledger().balances().map(|(_, asset, amount)| (asset.clone(), amount)).collect(),
        time: desk.now,
    };
    has(&desk.tell(Event::Reported(reported)), "difference");
    assert!(desk.engine.orders().contains_key(&again.id));
    has(&desk.say(Command::Adopt { place: place("a", "deribit") }), "order gone");
}

/// A limit of the whole venue: while something there has no value or stale quotes, nobody knows how far it is.
#[test]
fn nothing_is_sent_on_a_limited_figure_that_is_not_known() {
    let venue = "    [[limit]]\n    name = \"venue\"\n    measure = \"delta_cash_usd\"\n    group_by = [\"venue\"]\n    warn = \"900000\"\n    hard = \"1900000\"\n";
    let mut desk = Desk::new(&POLICY.replace("    [orders]", &format!("{venue}    [orders]")));
    desk.say(Command::Arming(Arming::Armed));
    // Nobody quotes DOGE: the venue's sum lacks it, the delta of BTC does not.
    let money = units::Money::parse("100", units::Asset::new("DOGE").unwrap()).unwrap();
    let cash = |money, time| engine::CashEvent {
        place: place("a", "deribit"),
        money,
        kind: engine::CashKind::Deposit,
        time,
    };
    desk.tell(Event::Cash(cash(money, desk.now)));
    assert!(held_back(&desk.trade("BTC-PERPETUAL", 300_000)).contains("limit venue deribit is not known"));
    let back = units::Money::parse("-100", units::Asset::new("DOGE").unwrap()).unwrap();
    order(&desk.tell(Event::Cash(cash(back, desk.now))));
}

/// Reasons are text of others.
#[test]
fn no_control_character_of_a_venue_reaches_a_line() {
    let mut desk = Desk::armed();
    let sent = order(&desk.trade("BTC-PERPETUAL", 300_000));
    let said = lines(&desk.news(&sent, OrderNews::Rejected("\u{1b}]0;mine\u{7}\n".into())));
    assert!(said.contains("?]0;mine??") && !said.contains('\u{1b}'), "{said:?}");
}
