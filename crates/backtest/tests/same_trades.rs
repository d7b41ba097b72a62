//! The live engine on a recorded venue and the tight loop of `backtest::chains` make the same trades of the hedge on the same path: time,
//! whole lots, price; for every policy, on a generated path and, where `../shared` is there, on a recorded one.
//!
//! The engine is told each snapshot as it was recorded, sells the two options by fills, and hedges by one armed `[[hedge]]` rule. What the
//! tight loop calls `book` is the engine's `delta_cash_usd` (coins of the position count), `net` its `delta_settlement_usd`. Funding is
//! zero here: to the engine it is an event between snapshots, to the loop a part of a step.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use backtest::chains::{
    Costs, DeltaDefinition, Entry, Funding, History, HistoryBuilder, Holding, Latency, Lots, NamedPolicy,
    NoPerpetual, Plan, Recording, Structure, Track, Under, choose, run,
};
use book::Place;
use engine::{Arming, Command, Engine, Event, Output};
use hedge::policy::PolicySpec;
use instrument::Specs;
use journal::{Seq, Stamp};
use market::{Layout, RawQuote, RawSnapshot};
use paper::recorded::{RecordedCosts, RecordedVenue};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use units::{Account, Asset, Chain, Decimal, Issues, Money, Quantity, Symbol, Timestamp, Venue};

/// Each kind of policy that a file can say.
const SIZINGS: [&str; 9] = [
    "{ policy = \"clock\", every_hours = 5.0 }",
    "{ policy = \"clock\", every_hours = 23.0 }",
    "{ policy = \"band\", half_width_usd = 4000.0, end = \"edge\" }",
    "{ policy = \"band\", half_width_coins = 0.08, end = \"middle\" }",
    "{ policy = \"leland\", every_hours = 11.0 }",
    "{ policy = \"whalley_wilmott\", risk_tolerance_usd = 3000.0 }",
    "{ policy = \"whalley_wilmott\", target_daily_sd_usd = 600.0 }",
    "{ policy = \"zakamouline\", risk_tolerance_usd = 3000.0 }",
    "{ policy = \"two_bands\", risk_tolerance_usd = 3000.0 }",
];

const FEE_BP: f64 = 5.0;

/// A trade of the hedge: when, USD, price.
type Traded = (Timestamp, Decimal, f64);

fn place() -> Place {
    Place {
        account: Account::new("desk").unwrap(),
        venue: Venue::new("deribit").unwrap(),
        chain: Chain::new("offchain").unwrap(),
    }
}

/// A policy file of one armed hedge.
fn policy(sizing: &str, delta: &str) -> String {
    format!(
        "source = \"test\"\nvalid_from = \"2025-01-01\"\nstale_after_seconds = 600\n[orders]\nlargest_usd = \"1000000000\"\n\
         hourly_turnover_usd = \"1000000000\"\nprice_collar_bp = 50.0\nanswer_within_seconds = 5\nvalid_seconds = 20\n\
         proposal_seconds = 60\n[[trading]]\nvenue = \"deribit\"\nkind = \"perpetual\"\nunderlying = \"BTC\"\ntick = \"0.5\"\n\
         lot = \"10\"\nfee_bp = {FEE_BP:?}\n[[hedge]]\nname = \"hedge\"\nunderlying = \"BTC\"\ndelta = \"{delta}\"\n\
         sizing = {sizing}\naccount = \"desk\"\nvenue = \"deribit\"\nchain = \"offchain\"\nsymbol = \"BTC-PERPETUAL\"\n\
         execution = \"armed\"\ncool_down_seconds = 0\n"
    )
}

fn plan(sizing: &str, delta: DeltaDefinition, tenor_days: f64) -> Plan {
    #[derive(serde::Deserialize)]
    struct Rule {
        rule: PolicySpec,
    }
    let rule: Rule = toml::from_str(&format!("rule = {sizing}")).unwrap();
    Plan {
        structures: vec![Structure::Straddle],
        tenors_days: vec![tenor_days],
        entry: Entry::EveryDays(1),
        holding: Holding {
            tenor_tolerance: 0.5,
            exit_days: 0.0,
            settlement_within_hours: 12.0,
            stale_after_hours: 48.0,
        },
        notional_usd: 100_000.0,
        costs: Costs {
            option_fee: 0.0003,
            option_fee_cap: 0.125,
            delivery_fee: 0.0,
            delivery_fee_cap: 0.0,
            perpetual_fee: FEE_BP * 1e-4,
            perpetual_half_spread: 0.0,
            impact: None,
        },
        funding: vec![Funding::default()],
        latency: Latency::SameSnapshot,
        lots: vec![Lots {
            option_lot_coin: "0.1".parse().unwrap(),
            lot_usd: "10".parse().unwrap(),
            smallest_usd: 0.0,
        }],
        policies: vec![NamedPolicy {
            name: sizing.into(),
            policy: Some(rule.rule.checked().unwrap()),
            watch: None,
        }],
        deltas: vec![delta],
    }
}

fn history(snapshots: &[RawSnapshot]) -> History {
    let mut builder = HistoryBuilder::new(&[Asset::new("BTC").unwrap()], NoPerpetual::Refuse);
    snapshots.iter().cloned().for_each(|snapshot| builder.chain(snapshot).unwrap());
    builder.finish().0.remove(0)
}

/// What the tight loop trades before the position ends, and its position.
fn by_loop(history: &History, plan: &Plan, entry: usize) -> (Vec<Traded>, Track) {
    let chosen = choose(history, entry, (plan.structures[0], plan.tenors_days[0]), &plan.holding).unwrap();
    let terms = (plan.notional_usd, &plan.lots[0]);
    let track = Track::new(history, chosen, terms, (&plan.costs, &plan.funding[0])).unwrap();
    let under = Under { policy: &plan.policies[0], delta: plan.deltas[0], lots: &plan.lots[0] };
    let mut outcome = run(plan, &track, under, Recording::Trades).unwrap();
    // The last one closes the hedge, which is no decision of the policy.
    let end = track.steps.last().unwrap().time;
    outcome.log.retain(|trade| trade.time < end);
    let traded = outcome.log.iter().map(|trade| (trade.time, trade.quantity_usd, trade.price)).collect();
    (traded, track)
}

/// An engine and the venue that it trades at.
struct Live {
    engine: Engine,
    venue: RecordedVenue,
    seq: u64,
    traded: Vec<Traded>,
    has_quotes: bool,
}

impl Live {
    fn new(now: Timestamp) -> Self {
        let costs = RecordedCosts { fee: Decimal::new(5, 4), half_spread: Decimal::ZERO };
        let engine = Engine::new(Arc::new(Specs::embedded()), now);
        Self {
            engine,
            venue: RecordedVenue::new(place(), costs),
            seq: 0,
            traded: Vec::new(),
            has_quotes: false,
        }
    }

    /// Tells the engine an event, and everything that follows from its orders at the same time.
    fn tell(&mut self, now: Timestamp, event: Event) {
        let mut waiting = std::collections::VecDeque::from([event]);
        while let Some(event) = waiting.pop_front() {
            if let Event::Fill(fill) = &event
                && fill.order.is_some()
            {
                let price = fill.price.to_string().parse().unwrap();
                self.traded.push((now, fill.quantity.get(), price));
            }
            self.seq += 1;
            for output in self.engine.apply(Stamp { seq: Seq::new(self.seq), time: now }, &event) {
                match &output {
                    Output::Refused { rule } => panic!("{rule}"),
                    Output::Alert { text } => panic!("{text}"),
                    // Before the first snapshot nothing is quoted.
                    Output::HeldBack { why: Some(why), .. } if self.has_quotes => {
                        panic!("{now}: held back: {why}")
                    }
                    _ => waiting.extend(self.venue.take(now, &output).unwrap()),
                }
            }
        }
    }

    /// Sells the options of a position.
    fn sell(&mut self, now: Timestamp, history: &History, track: &Track, costs: &Costs) {
        let entry = &history.moments[track.chosen.entry];
        for leg in track.chosen.legs {
            let bid = entry.quote(leg).unwrap().bid.unwrap();
            let symbol: Symbol = history.instrument(leg).unwrap().symbol.clone();
            let quantity: Decimal = track.quantity_coin.to_string().parse().unwrap();
            let fee: Decimal = (costs.option_fee_of(bid) * track.quantity_coin).to_string().parse().unwrap();
            let fee = Money { amount: fee.round_dp(12).normalize(), asset: Asset::new("BTC").unwrap() };
            let traded = (Quantity::new(-quantity), bid.to_string().parse().unwrap());
            let fill = self.venue.trade(now, &symbol, traded, Some(fee)).unwrap();
            self.tell(now, fill);
        }
    }
}

/// What the armed engine trades on the snapshots of a position, before it ends.
fn by_engine(
    snapshots: &[RawSnapshot],
    history: &History,
    track: &Track,
    costs: &Costs,
    text: String,
) -> Vec<Traded> {
    let entry = track.steps[0].time;
    let mut live = Live::new(entry);
    live.tell(entry, Event::Policy { text });
    live.tell(entry, Event::Operator { who: "test".into(), command: Command::Arming(Arming::Armed) });
    live.sell(entry, history, track, costs);
    for event in live.venue.open(entry) {
        live.tell(entry, event);
    }
    let of_position = snapshots.iter().skip(track.chosen.entry).take(track.steps.len() - 1);
    for snapshot in of_position {
        let now = snapshot.asof;
        let event = live.venue.snapshot(snapshot.clone());
        live.has_quotes = true;
        live.tell(now, event);
    }
    live.traded
}

/// Every policy and both deltas on a path; how many trades were compared.
fn compare(snapshots: &[RawSnapshot], entry: usize, tenor_days: f64) -> usize {
    let history = history(snapshots);
    let mut compared = 0;
    for sizing in SIZINGS {
        for (delta, word) in
            [(DeltaDefinition::Book, "delta_cash_usd"), (DeltaDefinition::Net, "delta_settlement_usd")]
        {
            let plan = plan(sizing, delta, tenor_days);
            let (expected, track) = by_loop(&history, &plan, entry);
            assert_eq!(track.unquoted, 0, "a leg that is not quoted is another case");
            let traded = by_engine(snapshots, &history, &track, &plan.costs, policy(sizing, word));
            assert!(!expected.is_empty(), "{sizing} {word}: nothing was traded");
            assert_eq!(traded, expected, "{sizing} {word}");
            compared += traded.len();
        }
    }
    compared
}

/// A path of six-hour moves, its options priced by Black-76 at 60 vol and more away from the money.
fn generated() -> Vec<RawSnapshot> {
    let start = Timestamp::from_utc_date(2026, 2, 1, 12).unwrap();
    let mut index: f64 = 80_000.0;
    let moves = (0..56).map(|i: i32| f64::from(i * 7919 % 41 - 20) * 0.0015);
    let one = |(step, moved): (usize, f64)| {
        index = ((1.0 + moved) * index * 100.0).round() / 100.0;
        let time = start.plus_millis(6 * 3_600_000 * i64::try_from(step).unwrap());
        let mut rows = vec![RawQuote {
            row: 1,
            timestamp: Some(time),
            instrument_name: "BTC-PERPETUAL".into(),
            mark_price: Some((index * 1.0002 * 2.0).round() / 2.0),
            ..RawQuote::default()
        }];
        for day in [6u8, 13, 20] {
            let expiry = Timestamp::from_utc_date(2026, 2, i8::try_from(day).unwrap(), 8).unwrap();
            let years = time.years_until(expiry).unwrap();
            if !years.is_expired() {
                rows.extend(options((time, years), (day, index), rows.len()));
            }
        }
        let (file, layout, issues) = ("generated".to_owned(), Layout::Chain, Issues::default());
        RawSnapshot { file, layout, asof: time, snapshots_in_file: 1, rows, issues }
    };
    moves.enumerate().map(one).collect()
}

fn options(
    (time, years): (Timestamp, units::YearFraction),
    (day, index): (u8, f64),
    before: usize,
) -> Vec<RawQuote> {
    let forward = index * (1.0 + 0.04 * years.get());
    let mut rows = Vec::new();
    for strike in [60_000.0, 70_000.0, 75_000.0, 80_000.0, 85_000.0, 90_000.0, 100_000.0] {
        for (kind, letter) in [(pricing::OptionKind::Call, 'C'), (pricing::OptionKind::Put, 'P')] {
            let vol = 0.6 + 0.1 * (strike / forward - 1.0).abs();
            let option = pricing::Black76 {
                forward: units::Forward::new(forward).unwrap(),
                strike: units::Strike::new(strike).unwrap(),
                vol: units::Vol::new(vol).unwrap(),
                expiry: years,
                discount: units::Discount::ONE,
                kind,
            };
            let mark = option.price() / forward;
            let tick = |price: f64| (price * 1e4).round() / 1e4;
            rows.push(RawQuote {
                row: (before + rows.len()) as u64 + 1,
                timestamp: Some(time),
                instrument_name: format!("BTC-{day}FEB26-{strike}-{letter}"),
                bid_price: Some(tick(mark - 0.0005)).filter(|bid| *bid > 0.0),
                ask_price: Some(tick(mark + 0.0005)),
                mark_price: Some(mark),
                mark_vol: Some(vol),
                underlying_price: Some(forward),
                index_price: Some(index),
                ..RawQuote::default()
            });
        }
    }
    rows
}

#[test]
fn engine_and_loop_make_the_same_trades_on_a_generated_path() {
    let compared = compare(&generated(), 0, 11.0);
    assert!(compared > 200, "{compared} trades");
}

/// The recordings of `../shared`, or the folder that `PLIMSOLL_SHARED` names.
fn shared() -> Option<PathBuf> {
    #[allow(clippy::disallowed_methods)] // a test may ask where recordings are
    let named = std::env::var("PLIMSOLL_SHARED").ok().map(PathBuf::from);
    let folder = named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let chains = folder.join("data/chains");
    chains.is_dir().then_some(chains)
}

/// The crash of February 2026: bitcoin options at each snapshot with the recorded price of the perpetual among them.
#[test]
fn engine_and_loop_make_the_same_trades_through_the_recorded_crash() {
    let Some(folder) = shared() else {
        assert!(std::env::var_os("CI").is_none(), "the recordings of ../shared are needed");
        println!("not run: no recordings in ../shared or PLIMSOLL_SHARED");
        return;
    };
    let mut perpetuals = std::collections::BTreeMap::new();
    lake::for_each_snapshot(
        &folder.join("perpetual_prices.csv"),
        &mut |snapshot| {
            perpetuals.insert(snapshot.asof, snapshot.rows);
            ControlFlow::Continue(())
        },
        &mut |_| {},
    )
    .unwrap();
    let (from, until): (Timestamp, Timestamp) =
        ("2026-02-01".parse().unwrap(), "2026-02-15".parse().unwrap());
    let mut snapshots = Vec::new();
    let mut visit = |mut snapshot: RawSnapshot| {
        if snapshot.asof >= from && snapshot.asof < until {
            snapshot.rows.retain(|row| row.instrument_name.starts_with("BTC-"));
            let perpetual = perpetuals.get(&snapshot.asof).into_iter().flatten();
            snapshot.rows.extend(perpetual.filter(|row| row.instrument_name == "BTC-PERPETUAL").cloned());
            snapshots.push(snapshot);
        }
        ControlFlow::Continue(())
    };
    lake::for_each_snapshot(&folder.join("deribit_202602.parquet"), &mut visit, &mut |_| {}).unwrap();
    let compared = compare(&snapshots, 1, 11.0);
    println!("{} snapshots, {compared} trades compared", snapshots.len());
    assert!(compared > 100, "{compared} trades");
}
