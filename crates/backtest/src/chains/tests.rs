use super::*;
use hedge::policy::{Clock, FixedBand, Policy, Width};
use market::{Layout, RawQuote, RawSnapshot};
use proptest::prelude::*;
use units::{Asset, Fixed, Issues, Timestamp};

/// An option row: symbol, bid, ask, mark, vol.
type Row = (&'static str, f64, f64, f64, f64);

const CALL: &str = "BTC-13FEB26-100000-C";
const PUT: &str = "BTC-13FEB26-100000-P";

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn chain(time: &str, index: f64, rows: &[Row]) -> RawSnapshot {
    let quote = |(row, (symbol, bid, ask, mark, vol)): (usize, &Row)| RawQuote {
        row: row as u64 + 1,
        timestamp: Some(at(time)),
        instrument_name: (*symbol).to_owned(),
        bid_price: Some(*bid).filter(|price| *price > 0.0),
        ask_price: Some(*ask).filter(|price| *price > 0.0),
        mark_price: Some(*mark),
        mark_vol: Some(*vol),
        underlying_price: Some(index),
        index_price: Some(index),
        ..RawQuote::default()
    };
    snapshot(time, Layout::Chain, rows.iter().enumerate().map(quote).collect())
}

pub(super) fn perpetual(time: &str, price: f64) -> RawSnapshot {
    let row = RawQuote {
        row: 1,
        timestamp: Some(at(time)),
        instrument_name: "BTC-PERPETUAL".into(),
        mark_price: Some(price),
        ..RawQuote::default()
    };
    snapshot(time, Layout::PerpetualPrices, vec![row])
}

fn snapshot(time: &str, layout: Layout, rows: Vec<RawQuote>) -> RawSnapshot {
    let (file, asof) = ("test".to_owned(), at(time));
    RawSnapshot { file, layout, asof, snapshots_in_file: 1, rows, issues: Issues::default() }
}

fn bitcoin() -> Asset {
    Asset::new("BTC").unwrap()
}

fn history(chains: Vec<RawSnapshot>, perpetuals: Vec<RawSnapshot>, without: NoPerpetual) -> History {
    let mut builder = HistoryBuilder::new(&[bitcoin()], without);
    perpetuals.into_iter().for_each(|prices| builder.perpetuals(prices).unwrap());
    chains.into_iter().for_each(|chain| builder.chain(chain).unwrap());
    let (mut histories, issues) = builder.finish();
    assert_eq!(issues.total(), 0, "{issues}");
    histories.remove(0)
}

pub(super) fn every_moment() -> NamedPolicy {
    named("every moment", Policy::Clock(Clock { interval_years: 1e-9 }))
}

fn named(name: &str, policy: Policy) -> NamedPolicy {
    NamedPolicy { name: name.into(), policy: Some(policy), watch: None }
}

fn plan() -> Plan {
    Plan {
        structures: vec![Structure::Straddle],
        tenors_days: vec![2.0],
        entry: Entry::EveryDays(1),
        holding: Holding {
            tenor_tolerance: 0.5,
            exit_days: 0.0,
            settlement_within_hours: 12.0,
            stale_after_hours: 30.0,
        },
        notional_usd: 100_000.0,
        costs: Costs {
            option_fee: 0.0003,
            option_fee_cap: 0.125,
            delivery_fee: 0.000_15,
            delivery_fee_cap: 0.125,
            perpetual_fee: 0.0005,
            perpetual_half_spread: 0.0001,
            impact: None,
        },
        funding: vec![Funding { recorded: Vec::new(), rate_8h: 0.0001 }],
        latency: Latency::SameSnapshot,
        lots: vec![Lots {
            option_lot_coin: "0.1".parse().unwrap(),
            lot_usd: "10".parse().unwrap(),
            smallest_usd: 0.0,
        }],
        policies: vec![every_moment()],
        deltas: vec![DeltaDefinition::Black],
    }
}

const T0: &str = "2026-02-11T08:00:00Z";
const T1: &str = "2026-02-12T08:00:00Z";
const T2: &str = "2026-02-13T08:00:00Z";

/// Two options, three instants: the bitcoin at 100,000, 110,000 and 120,000.
fn three() -> Vec<RawSnapshot> {
    let put = 0.1 - (1.0 - 100_000.0 / 110_000.0);
    vec![
        chain(T0, 100_000.0, &[(CALL, 0.019, 0.021, 0.02, 0.5), (PUT, 0.019, 0.021, 0.02, 0.5)]),
        chain(T1, 110_000.0, &[(CALL, 0.099, 0.101, 0.1, 0.6), (PUT, 0.009, 0.01, put, 0.6)]),
        chain(T2, 120_000.0, &[("BTC-27FEB26-100000-C", 0.2, 0.21, 0.205, 0.5)]),
    ]
}

fn recorded() -> Vec<RawSnapshot> {
    vec![perpetual(T0, 100_000.0), perpetual(T1, 110_000.0), perpetual(T2, 120_000.0)]
}

fn track(history: &History, plan: &Plan) -> Result<Track, Refused> {
    let chosen = choose(history, 0, (plan.structures[0], plan.tenors_days[0]), &plan.holding)?;
    Track::new(history, chosen, (plan.notional_usd, &plan.lots[0]), (&plan.costs, &plan.funding[0]))
}

fn outcome(history: &History, plan: &Plan) -> Outcome {
    let under = Under { policy: &plan.policies[0], delta: plan.deltas[0], lots: &plan.lots[0] };
    run(plan, &track(history, plan).unwrap(), under, Recording::Trades).unwrap()
}

fn close(fixed: Fixed, expected: f64) -> bool {
    // Some figures of 1e-12 each are rounded and summed.
    (fixed.to_f64() - expected).abs() < 5e-11
}

#[test]
fn two_options_three_instants_by_hand() {
    let history = history(three(), recorded(), NoPerpetual::Refuse);
    let outcome = outcome(&history, &plan());
    let n = |x: f64| pricing::kernel::norm_cdf(x);
    // Straddle at the money, two days: N(d1) - N(-d1), d1 = σ √T / 2.
    let delta0 = 2.0 * n(0.25 * (2.0 / 365.0f64).sqrt()) - 1.0;
    let deviation = 0.6 * (1.0 / 365.0f64).sqrt();
    let d1 = pricing::kernel::ln(1.1) / deviation + 0.5 * deviation;
    let delta1 = n(d1) - n(-d1);
    let lots = |usd: f64| (usd / 10.0).trunc() * 10.0;
    let first = lots(delta0 * 100_000.0);
    let second = first + lots(delta1 * 110_000.0 - first);
    let traded: Vec<String> = outcome.log.iter().map(|trade| trade.quantity_usd.to_string()).collect();
    assert_eq!(traded, [first, second - first, -second].map(|usd| usd.to_string()));
    let coin = outcome.coin;
    assert!(close(coin.option, 0.04 - 1.0 / 6.0), "marks of 0.04 against a payment of (120 - 100)/120");
    assert!(close(coin.option_spread, 2.0 * (0.019 - 0.02)));
    assert!(close(coin.option_fees, -2.0 * 0.0003 - 0.000_15), "nothing for the put, which pays nothing");
    let gained = |usd: f64, from: f64, to: f64| usd * (1.0 / from - 1.0 / to);
    assert!(close(coin.hedge, gained(first, 1e5, 1.1e5) + gained(second, 1.1e5, 1.2e5)));
    let paid = |usd: f64, price: f64| -usd * 0.0003 / price;
    assert!(close(coin.funding, paid(first, 1.1e5) + paid(second, 1.2e5)), "three times eight hours a day");
    let sizes = first / 1e5 + (second - first) / 1.1e5 + second / 1.2e5;
    assert!(close(coin.hedge_fees, -0.0005 * sizes) && close(coin.hedge_spread, -0.0001 * sizes));
    assert!(close(outcome.traded_usd, 2.0 * second) && outcome.trades == 3);
    assert_eq!(coin.total(), outcome.closing_cash);
    // In USD every step counts at the index of its end.
    let usd = -0.002 * 1e5;
    assert!((outcome.usd.option_spread.to_f64() - usd).abs() < 1e-6);
    assert!(close(outcome.greeks.total() - coin.option, 0.0));
}

/// A call so deep that it is a forward is, in coins, minus an inverse perpetual of its strike: the net delta hedges it to nothing.
#[test]
fn a_perfect_hedge_gains_nothing() {
    const DEEP: &str = "BTC-13FEB26-50000-C";
    const WORTHLESS: &str = "BTC-13FEB26-50000-P";
    let rows = |index: f64| -> Vec<Row> {
        let mark = 1.0 - 50_000.0 / index;
        vec![(DEEP, mark, mark, mark, 0.1), (WORTHLESS, 0.0001, 0.0002, 0.0, 0.1)]
    };
    let chains = vec![
        chain(T0, 100_000.0, &rows(100_000.0)),
        chain(T1, 200_000.0, &rows(200_000.0)),
        chain(T2, 400_000.0, &rows(400_000.0)[..0]),
    ];
    let mut chains = chains;
    chains[2] = chain(T2, 400_000.0, &[("BTC-27FEB26-100000-C", 0.7, 0.8, 0.75, 0.5)]);
    let perpetuals = vec![perpetual(T0, 100_000.0), perpetual(T1, 200_000.0), perpetual(T2, 400_000.0)];
    let history = history(chains, perpetuals, NoPerpetual::Refuse);
    let free = Costs {
        option_fee: 0.0,
        option_fee_cap: 0.0,
        delivery_fee: 0.0,
        delivery_fee_cap: 0.0,
        perpetual_fee: 0.0,
        perpetual_half_spread: 0.0,
        impact: None,
    };
    let plan =
        Plan { costs: free, funding: vec![Funding::default()], deltas: vec![DeltaDefinition::Net], ..plan() };
    let outcome = outcome(&history, &plan);
    // What is left is the premium of the worthless put, to the quanta of four amounts.
    let left = outcome.coin.total() - Fixed::quantise(0.0001).unwrap();
    assert!(left.raw().abs() <= 4, "{left}");
    assert_eq!(outcome.log.len(), 2, "bought once, sold at the end: {:?}", outcome.log);
    assert!(outcome.coin.hedge.to_f64() > 0.3, "the hedge did something");
}

#[test]
fn positions_that_cannot_be_are_refused_by_name() {
    let full = history(three(), recorded(), NoPerpetual::Refuse);
    let with = |change: fn(&mut Plan)| {
        let mut plan = plan();
        change(&mut plan);
        plan
    };
    assert_eq!(track(&full, &with(|plan| plan.tenors_days = vec![30.0])), Err(Refused::NoExpiryInRange));
    assert_eq!(
        track(&full, &with(|plan| plan.notional_usd = 1.0)),
        Err(Refused::OutOfRange),
        "less than a lot"
    );
    let wide = with(|plan| plan.structures = vec![Structure::StrangleByMoneyness(0.1)]);
    assert_eq!(track(&full, &wide), Err(Refused::NoStrike), "no strike above the forward");
    let short = history(three()[..2].to_vec(), recorded(), NoPerpetual::Refuse);
    assert_eq!(track(&short, &plan()), Err(Refused::StillOpen));
    let mut late = three();
    late[2] = chain("2026-02-13T21:00:00Z", 120_000.0, &[("BTC-27FEB26-100000-C", 0.2, 0.21, 0.205, 0.5)]);
    let late = history(late, recorded(), NoPerpetual::Index);
    assert_eq!(track(&late, &plan()), Err(Refused::NoSettlementIndex), "13 hours after, 12 are allowed");
    let missing = history(three(), recorded()[1..].to_vec(), NoPerpetual::Refuse);
    assert_eq!(track(&missing, &plan()), Err(Refused::NoPerpetual));
    let mut no_bid = three();
    no_bid[0] = chain(T0, 1e5, &[(CALL, 0.0, 0.021, 0.02, 0.5), (PUT, 0.019, 0.021, 0.02, 0.5)]);
    assert_eq!(track(&history(no_bid, recorded(), NoPerpetual::Refuse), &plan()), Err(Refused::NoBid));
}

#[test]
fn what_is_not_used_is_counted_and_what_is_missing_holds_the_hedge_back() {
    let mut crossed = three();
    let put = 0.1 - (1.0 - 100_000.0 / 110_000.0);
    crossed[1] = chain(T1, 110_000.0, &[(CALL, 0.102, 0.101, 0.1, 0.6), (PUT, 0.009, 0.01, put, 0.6)]);
    let history_of = history(crossed, recorded(), NoPerpetual::Refuse);
    assert_eq!(history_of.unused.get("quotes whose bid is above the ask"), Some(&1));
    let held = outcome(&history_of, &plan());
    assert_eq!(held.held_back.leg_not_quoted, 1);
    assert_eq!(held.log.len(), 2, "nothing was traded on a quote that is not believed");
    assert_eq!(held.coin.total(), held.closing_cash);
    // Without a price of the perpetual at the second moment there is no trade, and the gain waits for the third.
    let gap = vec![perpetual(T0, 100_000.0), perpetual(T2, 120_000.0)];
    let history_of = history(three(), gap, NoPerpetual::Refuse);
    assert_eq!(history_of.unused.get("snapshots without a recorded price of the perpetual"), Some(&1));
    let held = outcome(&history_of, &plan());
    assert_eq!((held.held_back.no_perpetual, held.log.len()), (1, 2));
    let usd: f64 = held.log[0].quantity_usd.to_string().parse().unwrap();
    assert!(close(held.coin.hedge, usd * (1.0 / 100_000.0 - 1.0 / 120_000.0)));
    let derived = history(three(), Vec::new(), NoPerpetual::Index);
    assert_eq!(derived.perpetuals_from(PerpetualSource::Index), 3);
    assert_eq!(outcome(&derived, &plan()).held_back, HeldBack::default());
}

#[test]
fn an_order_waits_for_the_next_snapshot_and_is_dropped_when_that_is_too_late() {
    let history = history(three(), recorded(), NoPerpetual::Refuse);
    let mut late = plan();
    late.latency = Latency::NextSnapshot;
    let outcome_of = outcome(&history, &late);
    let filled: Vec<(Timestamp, f64)> =
        outcome_of.log.iter().map(|trade| (trade.time, trade.price)).collect();
    // Decided at T0, filled at T1; decided at T1, filled at T2, and closed there.
    assert_eq!(filled, [(at(T1), 110_000.0), (at(T2), 120_000.0), (at(T2), 120_000.0)]);
    late.holding.stale_after_hours = 20.0;
    let dropped = outcome(&history, &late);
    assert_eq!((dropped.held_back.stale_order, dropped.trades), (2, 0));
    assert_eq!(dropped.coin.total(), dropped.closing_cash);
}

#[test]
fn a_position_is_bought_back_at_the_ask_before_its_expiry() {
    let history = history(three(), recorded(), NoPerpetual::Refuse);
    let mut plan = plan();
    plan.holding.exit_days = 1.0;
    let track = track(&history, &plan).unwrap();
    assert_eq!(track.chosen.end, End::BoughtBack(1));
    assert!(close(track.cash.end, -(0.101 + 0.01)));
    let put = 0.1 - (1.0 - 100_000.0 / 110_000.0);
    assert!(close(track.spread.end, 0.1 + put - 0.101 - 0.01));
    assert!(close(track.fees.end, -(0.0003 + 0.0003)));
}

#[test]
fn fees_are_capped_by_the_price() {
    let costs = plan().costs;
    assert!((costs.option_fee_of(0.001) - 0.125 * 0.001).abs() < 1e-18);
    assert!((costs.option_fee_of(0.1) - 0.0003).abs() < 1e-18);
    assert!(costs.delivery_fee_of(0.0).abs() < 1e-18);
    let impact = Impact { coefficient: 1.0, daily_vol: 0.03, daily_volume_usd: 1e9 };
    assert!((impact.fraction(1e7) - 2.0 / 3.0 * 0.03 * 0.1).abs() < 1e-15, "two thirds of 0.03 sqrt(0.01)");
}

#[test]
fn funding_is_what_was_recorded_and_the_parameter_beyond() {
    let recorded = vec![(at("2026-02-11T08:00:00Z"), 0.001), (at("2026-02-11T16:00:00Z"), -0.002)];
    let funding = Funding { recorded, rate_8h: 0.0001 };
    let over = |from: &str, to: &str| funding.over(at(from), at(to));
    let is = |found: f64, expected: f64| (found - expected).abs() < 1e-15;
    assert!(is(over("2026-02-11T08:00:00Z", "2026-02-11T16:00:00Z"), -0.002), "the start was paid before");
    assert!(is(over("2026-02-11T09:00:00Z", "2026-02-11T15:00:00Z"), 0.0));
    assert!(is(over("2026-02-11T04:00:00Z", "2026-02-11T12:00:00Z"), 0.5 * 0.0001 + 0.001));
    assert!(is(over("2026-02-11T12:00:00Z", "2026-02-12T00:00:00Z"), -0.002 + 0.0001));
}

#[test]
fn a_history_in_disorder_is_none() {
    let mut builder = HistoryBuilder::new(&[bitcoin()], NoPerpetual::Index);
    let mut snapshots = three();
    builder.chain(snapshots.remove(1)).unwrap();
    let error = builder.chain(snapshots.remove(0)).unwrap_err();
    assert!(error.to_string().contains("in order of time"), "{error}");
    builder.chain(three().remove(1)).unwrap();
    builder.perpetuals(perpetual(T0, 1.0)).unwrap();
    assert!(builder.perpetuals(perpetual(T0, 2.0)).unwrap_err().to_string().contains("second price"));
    let (histories, _) = builder.finish();
    assert_eq!(histories[0].moments.len(), 1, "the repeated one is counted, not used");
    assert_eq!(histories[0].unused.get("snapshots at the instant of another"), Some(&1));
}

#[test]
fn a_row_that_breaks_a_rule_is_an_issue() {
    let mut builder = HistoryBuilder::new(&[bitcoin()], NoPerpetual::Index);
    let bad = [(CALL, -1.0, 0.021, f64::NAN, 0.5), (PUT, 0.019, 0.021, 0.02, 0.5)];
    builder.chain(chain(T0, 100_000.0, &bad)).unwrap();
    assert!(builder.issues().to_string().contains("mark_price"), "{}", builder.issues());
}

#[test]
fn the_smile_adds_what_its_slope_says() {
    // Vols of 0.5, 0.6 and 0.8 at strikes around the money: the slope at the middle one is that of its neighbours.
    let rows: [Row; 4] = [
        ("BTC-13FEB26-90000-P", 0.001, 0.002, 0.0015, 0.5),
        (CALL, 0.019, 0.021, 0.02, 0.6),
        (PUT, 0.019, 0.021, 0.02, 0.6),
        ("BTC-13FEB26-110000-C", 0.001, 0.002, 0.0015, 0.8),
    ];
    let history = history(vec![chain(T0, 100_000.0, &rows)], Vec::new(), NoPerpetual::Index);
    let slope = 0.3 / (pricing::kernel::ln(1.1) - pricing::kernel::ln(0.9));
    for quote in &history.moments[0].quotes {
        let one = history.instrument(quote.instrument).unwrap();
        if one.strike.to_bits() == 100_000f64.to_bits() {
            assert!((quote.slope - slope).abs() < 1e-12, "{}: {}", one.symbol, quote.slope);
        }
    }
}

/// A path of so many moments six hours apart, priced by Black-76 at 60 vol, rounded to ticks.
fn generated(moves: &[f64]) -> History {
    let strikes = [80_000.0, 90_000.0, 100_000.0, 110_000.0, 120_000.0];
    let start = at("2026-02-01T08:00:00Z");
    let mut index: f64 = 100_000.0;
    let mut builder = HistoryBuilder::new(&[bitcoin()], NoPerpetual::Index);
    for (step, moved) in moves.iter().enumerate() {
        index *= 1.0 + moved;
        let time = start.plus_millis(6 * 3_600_000 * i64::try_from(step).unwrap());
        let mut rows = Vec::new();
        for day in [6u8, 13, 20, 27] {
            let expiry = Timestamp::from_utc_date(2026, 2, i8::try_from(day).unwrap(), 8).unwrap();
            for (strike, kind, letter) in strikes
                .iter()
                .flat_map(|k| [(k, pricing::OptionKind::Call, 'C'), (k, pricing::OptionKind::Put, 'P')])
            {
                let years = time.years_until(expiry).unwrap();
                if years.is_expired() {
                    continue;
                }
                let option = pricing::Black76 {
                    forward: units::Forward::new(index).unwrap(),
                    strike: units::Strike::new(*strike).unwrap(),
                    vol: units::Vol::new(0.6).unwrap(),
                    expiry: years,
                    discount: units::Discount::ONE,
                    kind,
                };
                let mark = option.price() / index;
                rows.push(RawQuote {
                    row: rows.len() as u64 + 1,
                    timestamp: Some(time),
                    instrument_name: format!("BTC-{day}FEB26-{strike}-{letter}"),
                    bid_price: Some((mark - 0.0005).max(0.0)),
                    ask_price: Some(mark + 0.0005),
                    mark_price: Some(mark),
                    mark_vol: Some(0.6),
                    underlying_price: Some(index),
                    index_price: Some(index),
                    ..RawQuote::default()
                });
            }
        }
        let (file, layout, issues) = ("generated".to_owned(), Layout::Chain, Issues::default());
        let chain = RawSnapshot { file, layout, asof: time, snapshots_in_file: 1, rows, issues };
        builder.chain(chain).unwrap();
    }
    builder.finish().0.remove(0)
}

fn all_policies() -> Vec<NamedPolicy> {
    let from = |text: &str| toml::from_str::<hedge::policy::PolicySpec>(text).unwrap().checked().unwrap();
    vec![
        NamedPolicy { name: "none".into(), policy: None, watch: None },
        every_moment(),
        named("day", Policy::Clock(Clock { interval_years: 22.0 / 8760.0 })),
        named("band", Policy::Band(FixedBand { half_width: Width::Coins(0.05), end: 1.0 })),
        named("leland", from("policy = \"leland\"\nevery_hours = 6.0")),
        named("ww", from("policy = \"whalley_wilmott\"\nrisk_tolerance_usd = 3000.0")),
        named("zakamouline", from("policy = \"zakamouline\"\nrisk_tolerance_usd = 3000.0")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_parts_are_the_cash_to_the_last_digit(
        moves in prop::collection::vec(-0.06..0.06f64, 30..60),
        late in prop::bool::ANY,
        exit in prop_oneof![Just(0.0), Just(2.0)],
    ) {
        let history = generated(&moves);
        let mut plan = plan();
        plan.policies = all_policies();
        plan.deltas = DeltaDefinition::ALL.to_vec();
        plan.tenors_days = vec![5.0, 12.0];
        plan.structures =
            vec![Structure::Straddle, Structure::StrangleByDelta(0.25), Structure::StrangleByMoneyness(0.1)];
        plan.latency = if late { Latency::NextSnapshot } else { Latency::SameSnapshot };
        plan.holding.exit_days = exit;
        plan.costs.impact = Some(Impact { coefficient: 1.0, daily_vol: 0.03, daily_volume_usd: 1e9 });
        let mut ran = 0;
        let mut visit = |run: Ran<'_>| {
            ran += 1;
            let Outcome { coin, greeks, closing_cash, trades, log, .. } = run.outcome;
            assert_eq!(coin.total(), *closing_cash);
            assert_eq!(coin.option, greeks.total());
            assert_eq!(*trades as usize, log.len());
            let left: units::Decimal = log.iter().map(|trade| trade.quantity_usd).sum();
            assert!(left.is_zero(), "the hedge is closed at the end");
        };
        let reckoning =
            Reckoning { accounting: Accounting::Coin, seed: 7, resamples: 10, recording: Recording::Trades };
        let sweep = sweep(&plan, &[history], reckoning, &mut visit, &mut |_, _| {});
        prop_assert_eq!(ran, sweep.cells.iter().map(|cell| cell.samples.len()).sum::<usize>());
    }
}

#[test]
fn a_sweep_has_the_same_bits_on_any_number_of_threads() {
    let moves: Vec<f64> = (0..80).map(|i| f64::from(i * 7919 % 41 - 20) * 0.002).collect();
    let histories = [generated(&moves)];
    let mut plan = plan();
    plan.policies = all_policies();
    plan.deltas = DeltaDefinition::ALL.to_vec();
    plan.tenors_days = vec![5.0, 12.0];
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let reckoning =
            Reckoning { accounting: Accounting::Usd, seed: 7, resamples: 50, recording: Recording::Totals };
        pool.install(|| format!("{:?}", sweep(&plan, &histories, reckoning, &mut |_| {}, &mut |_, _| {})))
    };
    let one = on(1);
    assert!(one.contains("summary"));
    assert_eq!(one, on(2));
    assert_eq!(one, on(5));
}

#[test]
fn rolled_positions_follow_each_other() {
    let histories = [generated(&[0.0; 80])];
    let plan = Plan { entry: Entry::Roll, tenors_days: vec![6.0], ..plan() };
    let reckoning =
        Reckoning { accounting: Accounting::Coin, seed: 7, resamples: 10, recording: Recording::Totals };
    let mut spans = Vec::new();
    let mut visit = |ran: Ran<'_>| {
        let steps = &ran.track.steps;
        spans.push((steps[0].time, steps[steps.len() - 1].time));
    };
    let sweep = sweep(&plan, &histories, reckoning, &mut visit, &mut |_, _| {});
    assert!(spans.len() >= 2 && spans.windows(2).all(|pair| pair[1].0 >= pair[0].1), "{spans:?}");
    // Nothing moves: what a seller earns is time, less costs.
    assert!(sweep.cells[0].explained.greeks.theta.to_f64() > 0.0);
}
