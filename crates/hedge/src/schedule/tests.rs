use super::*;
use proptest::prelude::*;

/// The example of Almgren and Chriss's paper: shares and days.
const PAPER: Costs = Costs { fixed: 0.0625, permanent: 2.5e-7, temporary: 2.5e-6, daily_sd: 0.95 };
const PAPER_ORDER: Order = Order { held: 1e6, days: 5.0, steps: 5 };
const PAPER_AVERSION: f64 = 1e-6;

#[test]
fn the_papers_example_sells_most_on_the_first_day() {
    let schedule = almgren_chriss(PAPER_ORDER, PAPER, PAPER_AVERSION).unwrap();
    let rate = decay_rate(PAPER_ORDER, PAPER, PAPER_AVERSION).unwrap();
    // The paper rounds it to 0.61 a day.
    assert!((rate - 0.61).abs() < 0.005, "{rate}");
    assert!((schedule.trades.iter().sum::<f64>() - 1e6).abs() < 1e-6);
    assert_eq!(schedule.holdings.last(), Some(&0.0));
    assert!(schedule.trades.windows(2).all(|pair| pair[0] > pair[1]));
}

/// Coordinate descent over what is held between the first and last step, each coordinate by its own parabola: a twin that knows only the
/// cost of given trades.
fn searched(order: Order, costs: Costs, risk_aversion: f64) -> Schedule {
    let steps = order.steps as usize;
    let mut holdings: Vec<f64> =
        (0..=order.steps).map(|n| order.held * f64::from(order.steps - n) / f64::from(order.steps)).collect();
    let priced = |holdings: &[f64]| {
        let trades = holdings.windows(2).map(|pair| pair[0] - pair[1]).collect();
        Schedule::of_trades(trades, costs, order.step_days())
    };
    for _ in 0..4_000 {
        for place in 1..steps {
            // Smaller than any trade, or the sign of one would turn and half the spread bend the parabola.
            let step = order.held.abs() * 1e-4;
            let at = |shift: f64| {
                let mut moved = holdings.clone();
                moved[place] += shift;
                priced(&moved).objective_usd(risk_aversion)
            };
            let (low, mid, high) = (at(-step), at(0.0), at(step));
            holdings[place] -= 0.5 * step * (high - low) / (high - 2.0 * mid + low);
        }
    }
    priced(&holdings)
}

#[test]
fn no_other_schedule_is_cheaper_than_almgren_and_chriss() {
    for (aversion, held) in [(0.0, 1e6), (1e-7, -4e5), (1e-6, 1e6), (1e-5, 2e6)] {
        let order = Order { held, ..PAPER_ORDER };
        let ours = almgren_chriss(order, PAPER, aversion).unwrap();
        let twin = searched(order, PAPER, aversion);
        for (own, other) in ours.holdings.iter().zip(&twin.holdings) {
            // The parabola's own differences: 1e-16 of an objective of 1e6 over steps of 1e-4 of the size.
            assert!((own - other).abs() < 1e-6 * held.abs(), "{aversion}: {ours:?} {twin:?}");
        }
        let (own, other) = (ours.objective_usd(aversion), twin.objective_usd(aversion));
        assert!(own <= other * (1.0 + 1e-12) + 1e-9, "{aversion}: {own} {other}");
    }
}

#[test]
fn the_square_of_the_holdings_is_the_risk_and_an_even_schedule_costs_least() {
    let even = almgren_chriss(PAPER_ORDER, PAPER, 0.0).unwrap();
    for (place, held) in even.holdings.iter().enumerate() {
        assert!((held - 1e6 * (1.0 - place as f64 / 5.0)).abs() < 1e-6);
    }
    let hasty = almgren_chriss(PAPER_ORDER, PAPER, 1e-4).unwrap();
    assert!(hasty.cost_usd > even.cost_usd && hasty.sd_usd < even.sd_usd);
    // Everything at once: no risk, all of the impact in one step.
    let once = almgren_chriss(Order { steps: 1, days: 1.0, ..PAPER_ORDER }, PAPER, 1e-4).unwrap();
    assert!(once.sd_usd.abs() < 1e-12);
    let impact = (2.5e-6 - 0.5 * 2.5e-7) * 1e12;
    assert!((once.cost_usd - (0.5 * 2.5e-7 * 1e12 + 0.0625 * 1e6 + impact)).abs() < 1e-6);
}

#[test]
fn a_rate_beyond_every_exponential_still_gives_a_schedule() {
    let schedule = almgren_chriss(PAPER_ORDER, PAPER, 1e12).unwrap();
    assert!(schedule.trades.iter().all(|trade| trade.is_finite()));
    assert!((schedule.trades[0] / 1e6 - 1.0).abs() < 1e-6 && schedule.cost_usd.is_finite());
    // And one so small that its square vanishes is the straight line.
    let slow = almgren_chriss(PAPER_ORDER, PAPER, 1e-320).unwrap();
    assert!((slow.trades[0] - 2e5).abs() < 1e-6);
}

#[test]
fn a_cap_holds_and_says_what_it_costs() {
    let free = almgren_chriss(PAPER_ORDER, PAPER, PAPER_AVERSION).unwrap();
    let most = 2.5e5;
    let held = capped(PAPER_ORDER, PAPER, (PAPER_AVERSION, most)).unwrap();
    assert!(held.trades.iter().all(|trade| *trade <= most * (1.0 + 1e-12)), "{held:?}");
    assert!((held.trades.iter().sum::<f64>() - 1e6).abs() < 1e-6);
    assert!(held.objective_usd(PAPER_AVERSION) > free.objective_usd(PAPER_AVERSION));
    // The later steps keep their order of size until they are full.
    assert!(held.trades.windows(2).all(|pair| pair[0] >= pair[1]));
    // A cap that binds nowhere changes nothing.
    assert_eq!(capped(PAPER_ORDER, PAPER, (PAPER_AVERSION, 1e6)).unwrap(), free);
    let error = capped(PAPER_ORDER, PAPER, (PAPER_AVERSION, 1e5)).unwrap_err();
    assert_eq!(error, ScheduleError::Cap { held: 1e6, needed_days: 10.0, days: 5.0 });
    let exact = capped(PAPER_ORDER, PAPER, (PAPER_AVERSION, 2e5)).unwrap();
    assert!(exact.trades.iter().all(|trade| (trade - 2e5).abs() < 1e-6));
}

#[test]
fn numbers_that_are_none_are_refused() {
    let order = PAPER_ORDER;
    for (order, costs, aversion) in [
        (Order { days: 0.0, ..order }, PAPER, 1.0),
        (Order { steps: 0, ..order }, PAPER, 1.0),
        (Order { held: f64::NAN, ..order }, PAPER, 1.0),
        (order, Costs { temporary: 1e-9, ..PAPER }, 1.0),
        (order, Costs { temporary: f64::NAN, ..PAPER }, 1.0),
        (order, Costs { daily_sd: -1.0, ..PAPER }, 1.0),
        (order, Costs { fixed: f64::INFINITY, ..PAPER }, 1.0),
        (order, PAPER, -1.0),
        (order, PAPER, f64::NAN),
    ] {
        assert!(matches!(almgren_chriss(order, costs, aversion), Err(ScheduleError::Number { .. })));
    }
    for most in [0.0, -1.0, f64::NAN] {
        assert!(matches!(capped(order, PAPER, (1.0, most)), Err(ScheduleError::Number { .. })));
    }
}

const COIN: Costs = Costs { fixed: 5.0, permanent: 0.0, temporary: 1.5, daily_sd: 2_500.0 };
const PLAN: Plan = Plan { days: 0.5, steps: 12, risk_aversion: 1e-6 };

fn leg(underlying: usize, held: f64) -> Leg {
    Leg { underlying, held, delta: 1.0, costs: COIN, most_per_day: f64::INFINITY }
}

fn market(correlation: f64) -> Correlated {
    Correlated { daily_sd: vec![2_500.0, 2_500.0], correlation: vec![1.0, correlation, correlation, 1.0] }
}

#[test]
fn what_offsets_goes_in_step_and_carries_no_risk() {
    let done = flatten(&[leg(0, 30.0), leg(0, -30.0)], &market(0.0), PLAN).unwrap();
    assert!(done.sd_usd.abs() < 1e-9, "{done:?}");
    assert!(done.legs.iter().all(|one| (one.offset_share - 1.0).abs() < 1e-15 && one.parts.len() == 1));
    assert!(done.legs[0].parts[0].trades.iter().all(|trade| (trade - 30.0 / 12.0).abs() < 1e-12));
    // An unhedged book of the same size costs more, and has risk.
    let bare = flatten(&[leg(0, 30.0), leg(1, 30.0)], &market(0.0), PLAN).unwrap();
    assert!(bare.cost_usd > done.cost_usd && bare.sd_usd > 0.0);
}

#[test]
fn options_offset_by_their_delta() {
    let calls = Leg { delta: 0.5, ..leg(0, -60.0) };
    let done = flatten(&[calls, leg(0, 30.0)], &market(0.0), PLAN).unwrap();
    assert!(done.sd_usd.abs() < 1e-9 && done.net[0].iter().all(|net| net.abs() < 1e-12), "{done:?}");
    // Without a delta there is nothing to offset, and nothing to hurry for.
    let far = Leg { delta: 0.0, costs: Costs { daily_sd: 0.0, ..COIN }, ..leg(0, 24.0) };
    let done = flatten(&[far], &market(0.0), PLAN).unwrap();
    assert!(done.legs[0].parts[0].trades.iter().all(|trade| (trade - 2.0).abs() < 1e-12), "{done:?}");
}

#[test]
fn one_leg_alone_is_almgren_and_chriss() {
    let done = flatten(&[leg(0, 30.0)], &market(0.0), PLAN).unwrap();
    let order = Order { held: 30.0, days: 0.5, steps: 12 };
    let alone = almgren_chriss(order, COIN, 1e-6).unwrap();
    assert_eq!(done.legs[0].parts, std::slice::from_ref(&alone));
    assert!((done.sd_usd / alone.sd_usd - 1.0).abs() < 1e-12);
    assert!((done.cost_usd / alone.cost_usd - 1.0).abs() < 1e-12);
    for (kept, left) in done.legs[0].holdings.iter().zip(&alone.holdings) {
        assert!((kept - left).abs() < 1e-12 * 30.0);
    }
}

#[test]
fn correlation_adds_the_risks_of_two_underlyings() {
    let of = |correlation| flatten(&[leg(0, 30.0), leg(1, 30.0)], &market(correlation), PLAN).unwrap().sd_usd;
    let (apart, together, against) = (of(0.0), of(1.0), of(-1.0));
    assert!((together / apart - 2f64.sqrt()).abs() < 1e-12);
    assert!(against.abs() < 1e-6 * together);
}

#[test]
fn a_slow_leg_keeps_its_hedge_and_what_is_net_does_not_wait() {
    let hasty = Plan { risk_aversion: 1e-5, ..PLAN };
    let slow = Leg { most_per_day: 20.0, ..leg(0, 30.0) };
    let fast = Leg { most_per_day: 130.0, ..leg(0, -50.0) };
    let done = flatten(&[slow, fast], &market(0.0), hasty).unwrap();
    // 30 of the 50 sold stand against the slow leg for its day and a half, 20 go in the half day of the plan.
    assert!((done.days - 30.0 / 20.0).abs() < 1e-12);
    assert_eq!((done.legs[0].parts.len(), done.legs[1].parts.len()), (1, 2));
    assert!((done.legs[1].offset_share - 30.0 / 50.0).abs() < 1e-12);
    let net = &done.net[0];
    assert!((net[0] + 20.0).abs() < 1e-12 && net.last().unwrap().abs() < 1e-12);
    for (time, net) in done.times.iter().zip(net) {
        assert!(*net <= 1e-12 && (*time <= 0.5 || net.abs() < 1e-12), "{time} {net}");
    }
    // Both keep to their caps, whatever their parts.
    for (unwound, most) in done.legs.iter().zip([20.0, 130.0]) {
        let steps = unwound.times.windows(2).zip(unwound.holdings.windows(2));
        for (time, held) in steps {
            let rate = (held[0] - held[1]).abs() / (time[1] - time[0]);
            assert!(rate <= most * (1.0 + 1e-9), "{rate} {most}");
        }
    }
    assert!(done.missed_by_caps_usd > 0.0, "{done:?}");
    let free = flatten(&[leg(0, 30.0), leg(0, -50.0)], &market(0.0), hasty).unwrap();
    assert!(free.missed_by_caps_usd.abs() < 1e-9 && (free.sd_usd / done.sd_usd - 1.0).abs() < 0.2);
}

#[test]
fn a_leg_of_an_unknown_underlying_is_refused() {
    assert!(flatten(&[leg(2, 1.0)], &market(0.0), PLAN).is_err());
    let short = Correlated { correlation: vec![1.0], ..market(0.0) };
    assert!(flatten(&[leg(0, 1.0)], &short, PLAN).is_err());
}

proptest! {
    #[test]
    fn a_random_schedule_is_never_cheaper(
        shares in prop::collection::vec(0.0f64..1.0, 5), aversion in 0.0f64..1e-5
    ) {
        let total: f64 = shares.iter().sum();
        prop_assume!(total > 0.1);
        let trades = shares.iter().map(|share| 1e6 * share / total).collect();
        let other = Schedule::of_trades(trades, PAPER, 1.0).objective_usd(aversion);
        let ours = almgren_chriss(PAPER_ORDER, PAPER, aversion).unwrap().objective_usd(aversion);
        prop_assert!(ours <= other * (1.0 + 1e-12));
    }

    #[test]
    fn caps_hold_and_everything_is_sold(most in 2.01e5f64..9e5, aversion in 0.0f64..1e-5) {
        let held = capped(PAPER_ORDER, PAPER, (aversion, most)).unwrap();
        prop_assert!(held.trades.iter().all(|trade| *trade <= most * (1.0 + 1e-12) && *trade >= 0.0));
        prop_assert!((held.trades.iter().sum::<f64>() - 1e6).abs() < 1e-5);
    }

    /// Whatever is held: everything goes, the net never grows, no leg trades beyond its cap, costs are what rates cost.
    #[test]
    fn on_the_way_out_no_net_delta_grows(
        book in prop::collection::vec((0usize..2, -50.0f64..50.0, 5.0f64..200.0), 1..7)
    ) {
        let legs: Vec<Leg> =
            book.iter().map(|(place, held, most)| Leg { most_per_day: *most, ..leg(*place, *held) }).collect();
        let done = flatten(&legs, &market(0.5), PLAN).unwrap();
        for path in &done.net {
            prop_assert!(path.windows(2).all(|pair| pair[1].abs() <= pair[0].abs() + 1e-9), "{path:?}");
            prop_assert!(path.last().unwrap().abs() < 1e-9);
        }
        for (leg, unwound) in legs.iter().zip(&done.legs) {
            prop_assert!((unwound.holdings[0] - leg.held).abs() < 1e-9);
            prop_assert!(unwound.holdings.last().unwrap().abs() < 1e-9);
            let mut cost = leg.costs.fixed * leg.held.abs();
            for (time, held) in unwound.times.windows(2).zip(unwound.holdings.windows(2)) {
                let rate = (held[0] - held[1]) / (time[1] - time[0]);
                prop_assert!(rate.abs() <= leg.most_per_day * (1.0 + 1e-6), "{rate} {leg:?}");
                cost += leg.costs.temporary * rate * rate * (time[1] - time[0]);
            }
            prop_assert!((unwound.cost_usd - cost).abs() <= 1e-9 * cost + 1e-6, "{} {cost}", unwound.cost_usd);
        }
    }
}
