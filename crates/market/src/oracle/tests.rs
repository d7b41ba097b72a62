//! Aggregators: published examples, faults, and properties against brute force.

use super::pyth::{
    Averages, ConfidenceUnits, PublisherQuote, PythPrice, PythRule, Slot, SlotsPassed, Status, aggregate,
};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use units::Timestamp;

const NOW: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);

fn prices(units: &[i64]) -> Vec<PriceUnits> {
    units.iter().copied().map(PriceUnits).collect()
}

fn source(id: usize, bid: i64, ask: i64) -> IndexSource {
    IndexSource {
        id: format!("s{id}"),
        bid: PriceUnits(bid),
        ask: PriceUnits(ask),
        weight: Weight(1),
        source_time: NOW,
        is_enabled: true,
    }
}

fn index_of(mids: &[i64]) -> IndexPrice {
    let sources: Vec<IndexSource> = mids.iter().enumerate().map(|(id, mid)| source(id, *mid, *mid)).collect();
    capped_index(&sources, IndexRule::DERIBIT, NOW).unwrap()
}

#[test]
fn the_median_averages_the_two_middles_downwards_and_the_upper_one_does_not() {
    for (units, mean, upper) in [
        (vec![5], 5, 5),
        (vec![9, 1, 4], 4, 4),
        (vec![4, 1], 2, 4),
        (vec![-1, -4], -3, -1),
        (vec![1, 2, 4, 9], 3, 4),
    ] {
        assert_eq!(median(&prices(&units)).unwrap(), PriceUnits(mean), "{units:?}");
        assert_eq!(upper_median(&prices(&units), Faulty(0)).unwrap(), PriceUnits(upper), "{units:?}");
    }
    assert!(median(&[]).is_err());
    let extremes = prices(&[i64::MAX, i64::MAX - 1]);
    assert_eq!(
        median(&extremes).unwrap(),
        PriceUnits(i64::MAX - 1),
        "the mean of the ends does not overflow"
    );
}

#[test]
fn a_report_needs_more_than_twice_the_faulty() {
    assert!(upper_median(&prices(&[1, 2, 3]), Faulty(1)).is_ok());
    let refused = upper_median(&prices(&[1, 2]), Faulty(1));
    assert_eq!(refused, Err(OracleError::TooFew { have: 2, need: 3 }));
}

fn staked(votes: &[(i64, u64)]) -> Vec<StakedPrice> {
    votes
        .iter()
        .map(|(price, stake)| StakedPrice { price: PriceUnits(*price), stake: Stake(*stake) })
        .collect()
}

/// The README's second example says 250; its own rule, and the code, say validator 2's 200.
#[test]
fn stake_decides_by_the_codes_rule_and_not_by_the_readmes() {
    let votes = staked(&[(100, 10), (200, 20), (300, 30)]);
    let stake_median = |votes: &[_], all| stake_weighted_median(votes, Stake(all), PowerThreshold::SLINKY);
    assert_eq!(stake_median(&votes, 60), Ok(PriceUnits(200)));
    // total / 2 is cut: three equal stakes of one give 3 / 2 = 1, which the lowest price reaches.
    assert_eq!(stake_median(&staked(&[(1, 1), (2, 1), (3, 1)]), 3), Ok(PriceUnits(1)));
    assert_eq!(stake_median(&staked(&[(1, 2), (2, 2), (3, 2)]), 6), Ok(PriceUnits(2)));
    // 667 of 1000 suffice, 666 do not.
    assert_eq!(stake_median(&staked(&[(7, 667)]), 1000), Ok(PriceUnits(7)));
    assert!(matches!(
        stake_median(&staked(&[(7, 666)]), 1000),
        Err(OracleError::TooLittlePower { reported: 666, .. })
    ));
    assert!(matches!(stake_median(&staked(&[(7, 11)]), 10), Err(OracleError::TooMuchPower { .. })));
    assert!(stake_median(&[], 0).is_err());
}

#[test]
fn the_index_of_deribits_example_is_its_median() {
    let mut sources = [source(0, 99_999, 100_001), source(1, 100_999, 101_001), source(2, 119_999, 120_001)];
    for (source, weight) in sources.iter_mut().zip([25, 50, 25]) {
        source.weight = Weight(weight);
    }
    let index = capped_index(&sources, IndexRule::DERIBIT, NOW).unwrap();
    assert_eq!(index.price, PriceUnits(101_000));
    let capped: Vec<i64> = index.used.iter().map(|s| s.capped.0).collect();
    assert_eq!(capped, [100_495, 101_000, 101_505], "the median of 101 less and plus half a percent");
}

#[test]
fn the_index_names_the_rule_that_takes_a_source_out() {
    let mut sources: Vec<IndexSource> = (0..7).map(|id| source(id, 1000, 1002)).collect();
    sources[1].source_time = NOW.plus_millis(-180_001);
    sources[2].bid = PriceUnits(1003);
    sources[3].bid = PriceUnits(0);
    sources[4].is_enabled = false;
    sources[5].source_time = NOW.plus_millis(1);
    sources[6].source_time = NOW.plus_millis(-180_000);
    sources.push(source(8, 2000, 2000));
    sources.push(source(8, 2001, 2001));
    let index = capped_index(&sources, IndexRule::DERIBIT, NOW).unwrap();
    assert_eq!(index.price, PriceUnits(1001));
    assert_eq!(index.used.len(), 2, "exactly three minutes still counts");
    let rules: Vec<String> = index.rejected.iter().map(|r| format!("{}: {}", r.id, r.rule)).collect();
    assert_eq!(
        rules,
        [
            "s1: 180001000000 ns old, at most 180000000000 allowed",
            "s2: bid 1003 above ask 1002",
            "s3: bid 0 and ask 1002: both must be above zero",
            "s4: disabled",
            "s5: 1000000 ns ahead of the clock",
            "s8: named 2 times",
        ]
    );
}

#[test]
fn the_index_near_the_end_of_the_integers_is_exact_and_without_weight_is_refused() {
    let mids = [i64::MAX, i64::MAX, i64::MAX - 3];
    assert_eq!(index_of(&mids).price, PriceUnits(i64::MAX - 1));
    let mut weightless = source(0, 1, 1);
    weightless.weight = Weight(0);
    assert_eq!(capped_index(&[weightless], IndexRule::DERIBIT, NOW), Err(OracleError::NoWeight));
}

#[test]
fn a_mean_over_time_weighs_each_price_by_how_long_it_held() {
    let at =
        |seconds: i64, price| PriceAt { time: NOW.plus_millis(seconds * 1000), price: PriceUnits(price) };
    let window = |from: i64, to: i64| Window { from: at(from, 0).time, to: at(to, 0).time };
    let held = [at(0, 100), at(10, 200), at(30, 1000)];
    assert_eq!(time_weighted_mean(&held, window(5, 20)), Ok(PriceUnits((5 * 100 + 10 * 200 + 7) / 15)));
    assert_eq!(time_weighted_mean(&held, window(40, 50)), Ok(PriceUnits(1000)), "the last price holds on");
    assert!(time_weighted_mean(&held, window(-1, 20)).is_err());
    assert!(time_weighted_mean(&held, window(20, 20)).is_err());
    assert!(time_weighted_mean(&[at(1, 1), at(0, 1)], window(2, 3)).is_err());
    assert!(time_weighted_mean(&[], window(2, 3)).is_err());
    let extreme = [PriceAt { time: Timestamp::from_unix_nanos(i64::MIN), price: PriceUnits(i64::MIN) }];
    let all = Window { from: extreme[0].time, to: Timestamp::from_unix_nanos(i64::MAX) };
    assert_eq!(time_weighted_mean(&extreme, all), Ok(PriceUnits(i64::MIN)));
}

/// Uniswap rounds a mean tick down, also below zero, and its seconds wrap.
#[test]
fn a_mean_tick_is_rounded_down() {
    let reading = |seconds, tick_seconds| TickReading { seconds, tick_seconds };
    for (gained, mean) in [(20, 2), (29, 2), (-29, -3), (-30, -3), (0, 0)] {
        assert_eq!(mean_tick(reading(0, 5), reading(10, 5 + gained)), Ok(mean));
        assert_eq!(mean_tick(reading(u32::MAX - 4, 0), reading(5, gained)), Ok(mean));
    }
    assert!(mean_tick(reading(7, 0), reading(7, 1)).is_err());
    assert!(mean_tick(reading(0, i64::MIN), reading(1, i64::MAX)).is_err());
}

#[test]
fn a_delayed_price_is_one_hop_late() {
    let at = |seconds: u64| UnixSeconds(1_000_000_800 + seconds);
    let empty = DelayedPrice::new(Hop::HOUR);
    let first = empty.poke(at(100), Some(PriceUnits(1))).unwrap();
    assert_eq!((first.current(), first.next()), (None, Some(PriceUnits(1))));
    // 1,000,000,800 s are 277,778 hours: hops count from the full hour, not from the poke.
    assert!(first.poke(at(3599), Some(PriceUnits(2))).is_err());
    let second = first.poke(at(3600), Some(PriceUnits(2))).unwrap();
    assert_eq!((second.current(), second.next()), (Some(PriceUnits(1)), Some(PriceUnits(2))));
    assert!(second.poke(at(7200), None).is_err(), "a source without a price changes nothing");
    assert!(second.stop().poke(at(7200), Some(PriceUnits(3))).is_err());
    assert!(second.stop().start().poke(at(7200), Some(PriceUnits(3))).is_ok());
    let void = second.void();
    assert_eq!((void.current(), void.next()), (None, None));
    assert!(void.poke(at(90_000), Some(PriceUnits(3))).is_err());
    let long = second.with_hop(Hop::new(std::num::NonZeroU16::new(7200).unwrap()));
    assert!(long.poke(at(7200), Some(PriceUnits(3))).is_err());
}

fn quote(price: i64, confidence: u64) -> PublisherQuote {
    let (price, confidence) = (PriceUnits(price), ConfidenceUnits(confidence));
    PublisherQuote { price, confidence, status: Status::Trading, slot: Slot(1000) }
}

#[test]
fn a_publisher_counts_by_status_confidence_range_and_slot() {
    let good = quote(100, 1);
    let at = |quotes: &[PublisherQuote], now| aggregate(quotes, PythRule::DEFAULT, Slot(now));
    let one = Ok(PythPrice { price: PriceUnits(100), confidence: ConfidenceUnits(1) });
    assert_eq!(at(&[good], 1025), one, "25 slots old");
    assert_eq!(at(&[good], 1026), Err(OracleError::TooFew { have: 0, need: 1 }));
    for bad in [
        quote(100, 0),
        PublisherQuote { status: Status::NotTrading, ..good },
        quote(i64::MAX, 1),
        quote(i64::MIN, 1),
        quote(-2, u64::MAX),
    ] {
        assert!(at(&[bad], 1001).is_err(), "{bad:?}");
        assert_eq!(at(&[bad, good], 1001), one, "{bad:?}");
    }
    let two = PythRule { min_publishers: 2, ..PythRule::DEFAULT };
    assert!(aggregate(&[good], two, Slot(1001)).is_err());
    assert_eq!(at(&[quote(i64::MAX - 1, 1)], 1001).unwrap().price, PriceUnits(i64::MAX - 1));
}

/// From the program's vectors: digits beyond 2^28 are cut, so a constant price reads lower after a slot.
#[test]
fn a_constant_price_of_ten_digits_averages_lower() {
    let constant = PythPrice { price: PriceUnits(1_234_567_890), confidence: ConfidenceUnits(1) };
    let first = Averages::default().step(constant, Exponent(0), SlotsPassed(5000)).unwrap();
    let second = first.step(constant, Exponent(0), SlotsPassed(1)).unwrap();
    assert_eq!((first.price().0, second.price().0), (1_234_567_890, 1_234_567_880));
    assert_eq!(second.confidence(), Ok(ConfidenceUnits(1)));
    let absurd = PythPrice { price: PriceUnits(1), confidence: ConfidenceUnits(u64::MAX) };
    assert!(first.step(absurd, Exponent(0), SlotsPassed(1)).is_err());
}

#[test]
fn a_price_changes_its_exponent_with_one_rounding_or_an_error() {
    let at =
        |units, from, to| ScaledPrice { price: PriceUnits(units), exponent: Exponent(from) }.at(Exponent(to));
    assert_eq!(at(123, -2, -4), Ok(PriceUnits(12_300)));
    for (units, even) in [(125, 12), (135, 14), (-125, -12), (126, 13)] {
        assert_eq!(at(units, -3, -2), Ok(PriceUnits(even)), "{units}");
    }
    assert!(at(i64::MAX, 0, -1).is_err());
    assert!(at(1, i32::MAX, i32::MIN).is_err());
    assert_eq!(at(i64::MAX, i32::MIN, i32::MAX), Ok(PriceUnits(0)));
    assert_eq!(at(0, i32::MAX, i32::MIN), Ok(PriceUnits(0)));
}

fn any_price() -> impl Strategy<Value = i64> {
    prop_oneof![1_i64..=i64::MAX, 1_i64..2_000_000, (i64::MAX - 10)..=i64::MAX]
}

proptest! {
    #[test]
    fn every_aggregate_lies_between_its_sources(
        rows in vec((any_price(), 1_u32..100), 1..12),
        clamp in 0_u32..10_000,
    ) {
        let sources: Vec<IndexSource> = rows.iter().enumerate()
            .map(|(id, (mid, weight))| IndexSource { weight: Weight(*weight), ..source(id, *mid, *mid) }).collect();
        let weighted: Vec<WeightedPrice> = rows.iter()
            .map(|(price, weight)| WeightedPrice { price: PriceUnits(*price), weight: Weight(*weight) }).collect();
        let staked: Vec<StakedPrice> = rows.iter()
            .map(|(price, stake)| StakedPrice { price: PriceUnits(*price), stake: Stake((*stake).into()) }).collect();
        let all = Stake(rows.iter().map(|(_, stake)| u64::from(*stake)).sum());
        let plain: Vec<PriceUnits> = rows.iter().map(|(price, _)| PriceUnits(*price)).collect();
        let rule = IndexRule { clamp: BasisPoints(clamp), ..IndexRule::DERIBIT };
        let (low, high) = (*plain.iter().min().unwrap(), *plain.iter().max().unwrap());
        for price in [
            capped_index(&sources, rule, NOW).unwrap().price,
            median(&plain).unwrap(),
            upper_median(&plain, Faulty(0)).unwrap(),
            weighted_median(&weighted).unwrap(),
            stake_weighted_median(&staked, all, PowerThreshold::SLINKY).unwrap(),
        ] {
            prop_assert!(low <= price && price <= high, "{price:?} outside {low:?} to {high:?}");
        }
    }

    #[test]
    fn one_liar_of_three_or_more_moves_the_index_by_the_clamp_at_most(
        honest in vec(1_000_000_i64..1_020_000, 2..9),
        lie in any_price(),
    ) {
        let (low, high) = (*honest.iter().min().unwrap(), *honest.iter().max().unwrap());
        let mut mids = honest;
        mids.push(lie);
        let index = index_of(&mids);
        // The median of three or more with one liar lies between honest prices, and everything is clamped to it.
        prop_assert!(index.median.0 >= low && index.median.0 <= high);
        prop_assert!(index.price.0 >= low * 995 / 1000 && index.price.0 <= high * 1005 / 1000 + 1, "{index:?}");
    }

    #[test]
    fn the_order_of_sources_changes_no_bit(rows in vec((any_price(), 0_u64..1000), 1..10), turn in 0_usize..10) {
        let quotes: Vec<PublisherQuote> = rows.iter().map(|(price, confidence)| quote(*price, *confidence)).collect();
        let sources: Vec<IndexSource> = rows.iter().enumerate().map(|(id, (mid, _))| source(id % 7, *mid, *mid)).collect();
        let turned = |n: usize| turn % n.max(1);
        let (mut other_quotes, mut other_sources) = (quotes.clone(), sources.clone());
        other_quotes.rotate_left(turned(quotes.len()));
        other_sources.rotate_left(turned(sources.len()));
        other_sources.reverse();
        other_quotes.reverse();
        let at = |quotes: &[PublisherQuote]| aggregate(quotes, PythRule::DEFAULT, Slot(1001));
        prop_assert_eq!(at(&quotes), at(&other_quotes));
        let index = |sources: &[IndexSource]| capped_index(sources, IndexRule::DERIBIT, NOW);
        prop_assert_eq!(index(&sources), index(&other_sources));
    }

    /// Against the definition: the least price of which at least half of all weight lies at or below.
    #[test]
    fn a_weighted_median_is_the_least_price_with_half_the_weight_below(rows in vec((1_i64..20, 0_u32..9), 1..9)) {
        let weighted: Vec<WeightedPrice> = rows.iter()
            .map(|(price, weight)| WeightedPrice { price: PriceUnits(*price), weight: Weight(*weight) }).collect();
        let total: u32 = rows.iter().map(|(_, weight)| weight).sum();
        let below = |limit: i64| rows.iter().filter(|(price, _)| *price <= limit).map(|(_, weight)| weight).sum::<u32>();
        let expected = (1..20).find(|limit| total > 0 && 2 * below(*limit) >= total).map(PriceUnits);
        prop_assert_eq!(weighted_median(&weighted).ok(), expected);
    }

    /// Against a brute-force twin in halves and rationals: every clamped value is compared as a fraction.
    #[test]
    fn the_index_is_the_rounded_rational_mean(mids in vec(1_i64..5_000, 1..8)) {
        let mut sorted = mids.clone();
        sorted.sort_unstable();
        let n = sorted.len();
        // Twice the median, then everything in 1/400 of a unit: m x 0.5 % = m2 / 400.
        let m2 = sorted[n / 2] + sorted[(n - 1) / 2];
        let sum: i64 = mids.iter().map(|mid| (mid * 400).clamp(m2 * 200 - m2, m2 * 200 + m2)).sum();
        let (whole, rest) = (sum.div_euclid(400 * n as i64), sum.rem_euclid(400 * n as i64));
        let half = 200 * n as i64;
        let expected = whole + i64::from(rest > half || (rest == half && whole % 2 == 1));
        prop_assert_eq!(index_of(&mids).price, PriceUnits(expected));
    }
}
