//! Each figure of the report on sequences where it is known, and properties of the fold.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);

fn at(millis: i64) -> Timestamp {
    START.plus_millis(millis)
}

fn value(stream: &'static str, row: u64, millis: i64, value: f64) -> Observation<'static> {
    Observation { value: Some(value), ..Observation::at(stream, row, at(millis)) }
}

fn report(observations: &[Observation<'_>]) -> FeedReport {
    let mut monitor = FeedMonitor::new(Moves::Log);
    observations.iter().for_each(|observation| monitor.observe(observation));
    monitor.report()
}

/// A price that goes up and down by a percent every second.
fn sound(seconds: i64) -> Vec<Observation<'static>> {
    (0..seconds)
        .map(|s| value("a", s.unsigned_abs() + 1, s * 1000, if s % 2 == 0 { 100.0 } else { 101.0 }))
        .collect()
}

#[test]
fn a_sound_feed_has_nothing_to_report() {
    let report = report(&sound(100));
    assert_eq!((report.rows, report.streams), (100, 1));
    assert_eq!((report.first, report.last), (Some(at(0)), Some(at(99_000))));
    assert_eq!(report.cadence_millis, Some(1000));
    assert_eq!((report.gaps.count, report.gaps.longest.unwrap().millis), (0, 1000));
    assert_eq!(report.outliers, Outliers { not_judged: 20, ..Outliers::default() });
    assert_eq!(report.frozen, Frozen::default());
    for seen in
        [&report.duplicates, &report.conflicts, &report.out_of_order, &report.crossed, &report.one_sided]
    {
        assert_eq!(seen.count, 0);
    }
    assert_eq!((report.missing.count, report.not_a_price.count, report.latency), (0, 0, None));
}

#[test]
fn each_fault_is_counted_once_and_shown_where_it_first_stands() {
    let row = |row, millis| value("a", row, millis, 100.0);
    let quoted = |n, bid, ask| Observation { bid, ask, ..row(n, 1000 * n.cast_signed()) };
    let faulty = [
        row(1, 1000),
        row(2, 1000),
        Observation { value: Some(101.0), ..row(3, 1000) },
        row(4, 500),
        quoted(5, Some(2.0), Some(1.0)),
        quoted(6, Some(1.0), None),
        quoted(7, None, Some(1.0)),
        quoted(8, Some(1.0), Some(1.0)),
        Observation { value: None, ..row(9, 9000) },
        Observation { value: Some(0.0), ..row(10, 10_000) },
        Observation { value: Some(f64::NAN), ..row(11, 11_000) },
        Observation { value: Some(-1.0), ..row(12, 12_000) },
    ];
    let report = report(&faulty);
    let seen = |seen: &Seen| (seen.count, seen.first.as_ref().map_or(0, |place| place.row));
    assert_eq!(seen(&report.duplicates), (1, 2));
    assert_eq!(seen(&report.conflicts), (1, 3));
    assert_eq!(seen(&report.out_of_order), (1, 4));
    assert_eq!(seen(&report.crossed), (1, 5));
    assert_eq!(seen(&report.one_sided), (2, 6));
    assert_eq!(seen(&report.missing), (1, 9));
    assert_eq!(seen(&report.not_a_price), (3, 10));
    assert_eq!((report.rows, report.first), (12, Some(at(500))));
    // Rates may be zero or below.
    let mut rates = FeedMonitor::new(Moves::Plain);
    faulty.iter().for_each(|observation| rates.observe(observation));
    assert_eq!(rates.report().not_a_price.count, 1, "only the one that is not a number");
}

#[test]
fn a_spike_is_an_outlier_that_goes_back_and_a_crash_is_one_that_does_not() {
    let mut spiked = sound(60);
    spiked[50].value = Some(1000.0);
    let outliers = report(&spiked).outliers;
    // There and back are both outliers; the first is taken back.
    assert_eq!((outliers.count, outliers.spikes), (2, 1));
    let worst = outliers.worst.unwrap();
    assert_eq!(
        (worst.place.row, worst.from.to_bits(), worst.to.to_bits()),
        (51, 101_f64.to_bits(), 1000_f64.to_bits())
    );
    assert!(worst.is_spike);
    // The usual move is ln 1.01 a second.
    let expected = pricing::kernel::ln(1000.0 / 101.0) / (pricing::kernel::ln(1.01) * 1.4826);
    assert!((worst.deviations / expected - 1.0).abs() < 1e-12, "{} {expected}", worst.deviations);
    let mut crashed = sound(60);
    crashed.iter_mut().skip(50).for_each(|o| o.value = o.value.map(|v| v / 3.0));
    let outliers = report(&crashed).outliers;
    assert_eq!((outliers.count, outliers.spikes), (1, 0));
    assert!(!outliers.worst.unwrap().is_spike);
}

#[test]
fn a_crash_in_two_steps_is_two_outliers_and_no_spike() {
    let mut crashed = sound(60);
    crashed.iter_mut().skip(50).for_each(|o| o.value = o.value.map(|v| v / 3.0));
    crashed.iter_mut().skip(51).for_each(|o| o.value = o.value.map(|v| v / 3.0));
    let outliers = report(&crashed).outliers;
    assert_eq!((outliers.count, outliers.spikes), (2, 0));
}

#[test]
fn a_stream_that_mostly_stands_still_has_no_scale_and_is_not_judged() {
    // Two of three moves are zero: the median move is zero, and any other would be infinitely many deviations.
    let step = |n: i64| value("a", n.unsigned_abs() + 1, n * 1000, 100.0 + (n / 3) as f64);
    let outliers = report(&(0..90).map(step).collect::<Vec<_>>()).outliers;
    assert_eq!((outliers.count, outliers.not_judged), (0, 89));
}

#[test]
fn a_move_over_a_longer_time_may_be_larger_by_its_root() {
    // Usual: 1 % a second. After 400 s a move of 20 % is usual, after one second it is not: 18 of 10.
    let with_last = |millis: i64| {
        let mut observations = sound(60);
        observations.push(value("a", 61, 59_000 + millis, 101.0 * 1.2));
        report(&observations).outliers.count
    };
    assert_eq!((with_last(1000), with_last(400_000)), (1, 0));
}

#[test]
fn a_stream_is_frozen_only_while_others_move() {
    let feed = |others_move: bool| {
        let mut observations = Vec::new();
        for tick in 0..10_i64 {
            let moving = if others_move { 100.0 + tick as f64 } else { 100.0 };
            let row = tick.unsigned_abs() * 3;
            observations.push(value("still", row + 1, tick * 1000, 7.0));
            observations.push(value("b", row + 2, tick * 1000, moving));
            observations.push(value("c", row + 3, tick * 1000, moving * 2.0));
        }
        report(&observations).frozen
    };
    let frozen = feed(true);
    assert_eq!((frozen.runs, frozen.observations), (1, 10));
    let longest = frozen.longest.unwrap();
    assert_eq!((longest.place.stream.as_str(), longest.place.row, longest.millis), ("still", 28, 9000));
    // The same run, ended by a change: it ends with the last equal observation.
    let mut monitor = FeedMonitor::new(Moves::Log);
    for tick in 0..10_i64 {
        let still = if tick < 7 { 7.0 } else { 8.0 + tick as f64 };
        monitor.observe(&value("still", tick.unsigned_abs(), tick * 1000, still));
        monitor.observe(&value("b", 99, tick * 1000, tick as f64 + 1.0));
    }
    let ended = monitor.report().frozen;
    let longest = ended.longest.unwrap();
    assert_eq!((ended.runs, longest.observations, longest.place.row), (1, 7, 6));
    assert_eq!((longest.place.time, longest.millis), (at(6000), 6000));
    let calm = feed(false);
    assert_eq!((calm.runs, calm.longest), (0, None));
    assert_eq!(calm.longest_unchanged.unwrap().observations, 10);
    // Alone, nobody can say.
    let alone: Vec<_> = (0..10_i64).map(|s| value("a", s.unsigned_abs() + 1, s * 1000, 1.0)).collect();
    assert_eq!(report(&alone).frozen.runs, 0);
    // A companion that moves is life.
    let live: Vec<_> =
        (0..10).map(|s| Observation { companion: Some(s as f64), ..value("a", 1, s * 1000, 1.0) }).collect();
    assert_eq!(report(&live).frozen.longest_unchanged, None);
}

#[test]
fn latency_has_quantiles_and_a_receive_time_before_the_source_is_a_wrong_clock() {
    let observations: Vec<_> = (0..100)
        .map(|n| Observation { receive_time: Some(at(n * 1000 + n - 2)), ..value("a", 1, n * 1000, 1.0) })
        .collect();
    let latency = report(&observations).latency.unwrap();
    assert_eq!((latency.count, latency.negative), (100, 2));
    assert_eq!((latency.min_micros, latency.max_micros), (Some(-2000), Some(97_000)));
    // Of 98 from 0 to 97 ms: the 49th is 48 ms, the 98th is 97 ms; each is alone in its bucket.
    assert_eq!((latency.median_micros, latency.p99_micros), (Some(48_000), Some(97_000)));
}

#[test]
fn memory_is_bounded_by_the_number_of_streams() {
    let mut monitor = FeedMonitor::new(Moves::Log);
    for n in 0..MOST_STREAMS + 5 {
        monitor.observe(&Observation::at(&n.to_string(), 1, at(0)));
    }
    let report = monitor.report();
    assert_eq!((report.streams, report.not_followed), (MOST_STREAMS as u64, 5));
}

#[test]
fn the_ends_of_time_and_of_numbers_do_not_panic() {
    let ends = [i64::MIN, 0, i64::MAX].map(Timestamp::from_unix_nanos);
    let mut monitor = FeedMonitor::new(Moves::Log);
    for time in ends.into_iter().chain(ends.into_iter().rev()) {
        for figure in [f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN, -0.0] {
            let receive_time = Some(ends[0]);
            monitor.observe(&Observation {
                value: Some(figure),
                receive_time,
                ..Observation::at("a", u64::MAX, time)
            });
        }
    }
    assert_eq!(monitor.report().rows, 6 * 5);
}

proptest! {
    /// Every row is exactly one of: first of its stream, later, repeated, in conflict, out of order.
    #[test]
    fn rows_add_up_and_a_report_in_between_changes_nothing(
        rows in vec((0_usize..4, 0_i64..30, prop_oneof![Just(1.0), Just(2.0), 0.1_f64..9.0]), 0..120),
        pause in 0_usize..120,
    ) {
        const NAMES: [&str; 4] = ["a", "b", "c", "d"];
        let mut monitor = FeedMonitor::new(Moves::Log);
        let mut twin = monitor.clone();
        let mut later = 0;
        let mut newest = std::collections::BTreeMap::new();
        for (n, (stream, second, figure)) in rows.iter().enumerate() {
            let observation = value(NAMES[*stream], n as u64 + 1, second * 1000, *figure);
            monitor.observe(&observation);
            if n == pause {
                let _ = twin.report();
            }
            twin.observe(&observation);
            let last = newest.entry(stream).or_insert(-1);
            later += u64::from(*last >= 0 && second > last);
            *last = (*last).max(*second);
        }
        let report = monitor.report();
        prop_assert_eq!(&report, &twin.report());
        let repeated = report.duplicates.count + report.conflicts.count + report.out_of_order.count;
        prop_assert_eq!(report.rows, report.streams + later + repeated);
    }
}
