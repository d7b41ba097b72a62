//! What a proposal says of its account's margin, and what that holds back.

use super::{Desk, POLICY, held_back, lines, proposal};
use crate::world::place;
use engine::{
    CashEvent, CashKind, Closed, Command, Event, FillEvent, MarginLevels, Output, Proposal, Ticket,
};
use journal::Machine;
use margin::{Outcome, Rulebooks, account_states};
use units::{Asset, Decimal, FillId, Fixed, Money, Symbol};

fn with_margin(policy: &str) -> String {
    let asks = policy.replace("execution = \"armed\"", "execution = \"propose\"");
    format!("{asks}\n[margin]\nevery_seconds = 10\nrulebooks = {{ \"a@deribit\" = \"deribit-sm\" }}\n")
}

/// A desk whose account has so much BTC.
fn desk(policy: &str, btc: &str) -> Desk {
    let mut desk = Desk::new(policy);
    let text = Rulebooks::embedded_text("deribit-sm").unwrap().into();
    desk.tell(Event::Rulebook { file: "deribit-sm.toml".into(), text });
    pay(&mut desk, btc);
    desk
}

fn pay(desk: &mut Desk, btc: &str) -> Vec<Output> {
    let money = Money::parse(btc, Asset::new("BTC").unwrap()).unwrap();
    let place = place("a", "deribit");
    desk.tell(Event::Cash(CashEvent { place, money, kind: CashKind::Deposit, time: desk.now }))
}

/// Delta that another account has and this one's hedge trades.
fn elsewhere(desk: &mut Desk, usd: i64) -> Vec<Output> {
    let fill = desk.fill("BTC-PERPETUAL", usd);
    desk.tell(Event::Fill(FillEvent { place: place("b", "deribit"), ..fill }))
}

/// The levels of account a on a ledger, from nothing.
fn levels(desk: &Desk, ledger: &book::Ledger) -> MarginLevels {
    let states = account_states(&ledger.book(), desk.engine.market());
    let state = states.iter().find(|state| state.account.as_str() == "a").unwrap();
    let books = Rulebooks::embedded().unwrap();
    let outcome: Outcome = books.get("deribit-sm").unwrap().outcome(state);
    let up = |usd: f64| Fixed::quantise_up(usd).unwrap();
    MarginLevels {
        equity_usd: Fixed::quantise(outcome.equity_usd).unwrap(),
        initial_margin_usd: up(outcome.requirement.initial),
        initial_surplus_usd: Fixed::quantise_down(outcome.counted.initial - outcome.requirement.initial)
            .unwrap(),
        maintenance_margin_usd: up(outcome.requirement.maintenance),
        maintenance_use: outcome.utilisation().map(up),
    }
}

/// The ledger with the order of a proposal filled at its limit price, and its fee paid in coin.
fn filled(desk: &Desk, proposal: &Proposal) -> book::Ledger {
    let btc = Asset::new("BTC").unwrap();
    let usd = desk.engine.market().usd_rate(&btc).unwrap();
    let fee = Decimal::try_from(proposal.fee_usd.to_f64() / usd).unwrap();
    let mut ledger = desk.engine.ledger().clone();
    let entries = ledger.fill(&book::Fill {
        id: FillId::new("other").unwrap(),
        place: proposal.place.clone(),
        listing: proposal.listing.clone(),
        quantity: proposal.quantity,
        price: proposal.limit_price,
        fee: Some(Money { amount: fee, asset: btc }),
        time: desk.now,
    });
    assert!(entries.unwrap().len() > 1, "position and fee");
    ledger
}

#[test]
fn a_proposal_has_the_margin_of_the_account_now_and_with_its_order_filled() {
    let mut desk = desk(&with_margin(POLICY), "1");
    let said = elsewhere(&mut desk, 300_000);
    let proposal = proposal(&said);
    let [effect] = &proposal.margins[..] else { panic!("{:?}", proposal.margins) };
    assert_eq!((effect.account.as_str(), effect.venue.as_str()), ("a", "deribit"));
    let change = effect.figures.as_ref().unwrap();
    assert_eq!(change.rulebook, "deribit-sm");
    assert_eq!(change.before, levels(&desk, desk.engine.ledger()));
    assert_eq!(change.after, levels(&desk, &filled(&desk, &proposal)));
    assert_eq!(change.before.maintenance_margin_usd, Fixed::ZERO, "nothing is held yet");
    // 250,000 USD of perpetuals, the largest order, ask 1 % and a little for maintenance; fee and the way to the collar are paid of the equity.
    let asked = change.after.maintenance_margin_usd.to_f64();
    assert!((2_500.0..2_600.0).contains(&asked), "{asked}");
    let cost = (change.before.equity_usd - change.after.equity_usd).to_f64();
    assert!(
        (1_350.0..1_400.0).contains(&cost),
        "0.5 % collar less 5 bp of basis and 5 bp fee of 250,000 USD: {cost}"
    );
    let text = lines(&said);
    assert!(text.contains("; margin a@deribit: maintenance 0.0% to 2.8% of what counts; fee"), "{text}");
}

/// What was seen is what is approved: the margin is in the hash of the inputs.
#[test]
fn the_hash_of_the_inputs_covers_the_margin() {
    let [rich, poor] = ["1", "0.9"].map(|btc| {
        let mut desk = desk(&with_margin(POLICY), btc);
        let said = elsewhere(&mut desk, 300_000);
        proposal(&said)
    });
    // The deposit is delta as well, so the sizes are made the same by hand.
    assert_ne!(rich.inputs, poor.inputs);
    let digest = |text: &str| text.split("; inputs").next().unwrap().to_owned();
    assert!(digest(&rich.to_string()).contains("margin a@deribit"));
    assert_eq!(
        rich.inputs,
        journal::Digest::of_state(digest(&rich.to_string()).split_once(" by ").unwrap().1.as_bytes())
    );
}

#[test]
fn an_order_that_its_account_cannot_carry_is_held_back_until_there_is_money() {
    let mut desk = desk(&with_margin(POLICY), "0.03");
    let said = elsewhere(&mut desk, 300_000);
    let why = held_back(&said);
    assert!(why.starts_with("it would leave a@deribit below its initial margin: "), "{why}");
    assert!(desk.engine.proposals().is_empty());
    // It rests for a second, whatever happens meanwhile.
    assert!(!lines(&pay(&mut desk, "1")).contains("proposed"));
    let said = desk.wait(1);
    assert!(lines(&said).contains("free again: btc"), "{}", lines(&said));
    proposal(&said);
}

/// A trade that lowers the maintenance margin goes although its fee eats the initial one.
#[test]
fn what_lowers_the_maintenance_margin_is_never_held_back_by_margin() {
    let dear = with_margin(POLICY).replacen("fee_bp = 5.0", "fee_bp = 300.0", 1);
    let mut desk = desk(&dear, "0.08");
    let said = desk.trade("BTC-PERPETUAL", 300_000);
    let proposal = proposal(&said);
    let change = proposal.margins[0].figures.as_ref().unwrap();
    assert!(change.before.initial_surplus_usd > Fixed::ZERO, "{change:?}");
    assert!(change.after.initial_surplus_usd < Fixed::ZERO, "{change:?}");
    assert!(change.after.maintenance_margin_usd < change.before.maintenance_margin_usd);
}

#[test]
fn a_margin_that_cannot_be_told_says_why_and_holds_nothing_back() {
    let without = with_margin(POLICY).replace("rulebooks = { \"a@deribit\" = \"deribit-sm\" }", "");
    let mut first = desk(&without, "1");
    let said = elsewhere(&mut first, 300_000);
    let why = proposal(&said).margins[0].figures.clone().unwrap_err();
    assert!(why.starts_with("no rulebook"), "{why}");
    assert!(lines(&said).contains("; margin a@deribit: not known: no rulebook"), "{}", lines(&said));

    // A coin that nobody quotes is not covered by any rulebook: a figure without it would be a guess.
    let mut second = desk(&with_margin(POLICY), "1");
    let money = Money::parse("5", Asset::new("DOGE").unwrap()).unwrap();
    let place = place("a", "deribit");
    let time = second.now;
    second.tell(Event::Cash(CashEvent { place, money, kind: CashKind::Deposit, time }));
    let said = elsewhere(&mut second, 300_000);
    let why = proposal(&said).margins[0].figures.clone().unwrap_err();
    assert!(why.contains("deribit-sm lacks 1 things: DOGE"), "{why}");

    let mut third = desk(&POLICY.replace("\"armed\"", "\"propose\""), "1");
    let said = elsewhere(&mut third, 300_000);
    assert!(proposal(&said).margins.is_empty(), "no [margin]");
}

/// The trade rests on BTC alone, the account's margin on ETH as well.
#[test]
fn a_margin_that_rests_on_stale_quotes_is_not_known() {
    let mut desk = desk(&with_margin(POLICY), "1");
    desk.trade("ETH-PERPETUAL", 100);
    desk.now = desk.now.plus_millis(61_000);
    desk.world.now = desk.now;
    let row = desk.world.quote("deribit", "BTC-PERPETUAL");
    desk.tell(Event::Snapshot { feed: "btc".into(), rows: vec![row] });
    let said = elsewhere(&mut desk, 300_000);
    let why = proposal(&said).margins[0].figures.clone().unwrap_err();
    assert_eq!(why, "the quotes of ETH are stale");
}

/// Between proposal and answer the money may be gone.
#[test]
fn what_is_approved_is_looked_at_again() {
    let mut desk = desk(&with_margin(POLICY), "1");
    let said = elsewhere(&mut desk, 300_000);
    let id = proposal(&said).id;
    pay(&mut desk, "-0.97");
    let said = desk.say(Command::Approve(id));
    let closed = said.iter().find_map(|output| match output {
        Output::ProposalClosed { why: Closed::Withdrawn { why }, .. } => Some(why.clone()),
        _ => None,
    });
    assert!(closed.is_some_and(|why| why.contains("below its initial margin")), "{}", lines(&said));
}

/// A person's limit that is better than the mark buys no margin: the account is looked at as if it were filled at the mark.
#[test]
fn a_limit_better_than_the_mark_is_no_gain() {
    let ask = |quantity: &str, limit_price: Option<&str>| {
        Command::Propose(Ticket {
            place: place("a", "deribit"),
            symbol: Symbol::new("BTC-PERPETUAL").unwrap(),
            quantity: quantity.parse().unwrap(),
            limit_price: limit_price.map(|price| price.parse().unwrap()),
        })
    };
    let mut rich = desk(&with_margin(POLICY), "1");
    for (quantity, better) in
        [("90000", ["92000", "60000", "0.5"]), ("-90000", ["92100", "200000", "99999999"])]
    {
        let after = better.map(|limit| {
            let said = rich.say(ask(quantity, Some(limit)));
            proposal(&said).margins[0].figures.clone().unwrap().after
        });
        assert!(after.iter().all(|levels| *levels == after[0]), "{quantity}: {after:?}");
        let said = rich.say(ask(quantity, None));
        let collar = proposal(&said).margins[0].figures.clone().unwrap().after;
        assert!(collar.equity_usd < after[0].equity_usd, "what the collar costs against the mark");
    }
    // 3,700 USD; 240,000 of a perpetual ask for 2 % of it.
    let mut poor = desk(&with_margin(POLICY), "0.04");
    for limit in [None, Some("92000"), Some("0.5")] {
        let said = poor.say(ask("240000", limit));
        assert!(lines(&said).contains("below its initial margin"), "{limit:?}: {}", lines(&said));
    }
}

#[test]
fn margins_of_proposals_go_through_a_snapshot() {
    let mut desk = desk(&with_margin(POLICY), "1");
    elsewhere(&mut desk, 300_000);
    let restored = desk.engine.restore(&desk.engine.snapshot()).unwrap();
    assert_eq!(restored.proposals(), desk.engine.proposals());
    assert!(restored.proposals().values().all(|proposal| proposal.margins[0].figures.is_ok()));
    assert_eq!(restored.state_hash(), desk.engine.state_hash());
}
