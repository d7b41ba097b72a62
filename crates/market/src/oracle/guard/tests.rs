//! Guards: files, faults, hysteresis, and what must hold on any sequence.

use super::*;
use crate::oracle::{Exponent, PriceUnits, Weight};
use proptest::collection::vec;
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_unix_nanos(1_790_000_000_000_000_000);
const BASE: i64 = 10_000_000;

fn class(name: &str) -> Guards {
    GuardFile::embedded().unwrap().classes.remove(name).unwrap()
}

fn at(millis: i64) -> Timestamp {
    START.plus_millis(millis)
}

fn says(id: &str, price: i64, time: Timestamp) -> SourcePrice {
    SourcePrice {
        id: id.into(),
        price: PriceUnits(price),
        confidence: None,
        weight: Weight(1),
        source_time: time,
    }
}

/// A state that is fed one round after another.
struct Run {
    guards: Guards,
    state: OracleState,
}

impl Run {
    fn new(guards: Guards) -> Self {
        Self { guards, state: OracleState::new(Exponent(-2)) }
    }

    /// A state that is valid at `BASE` after four seconds of agreement.
    fn valid(guards: Guards) -> Self {
        let mut run = Self::new(guards);
        for second in -4..0 {
            run.round(&[BASE, BASE, BASE], second * 1000);
        }
        assert_eq!(run.state.health(), Health::Valid);
        run
    }

    fn step(&mut self, sources: &[SourcePrice], now: Timestamp) -> Verdict {
        let round = Round { sources, sequencer: None };
        let (state, verdict) = self.state.step(&self.guards, &round, now);
        self.state = state;
        verdict
    }

    /// Fresh sources with these prices.
    fn round(&mut self, prices: &[i64], millis: i64) -> Verdict {
        let sources: Vec<SourcePrice> = prices
            .iter()
            .enumerate()
            .map(|(id, price)| says(&format!("s{id}"), *price, at(millis)))
            .collect();
        self.step(&sources, at(millis))
    }
}

fn rules(faults: &[SourceFault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn the_built_in_file_has_four_classes_and_no_mistake() {
    let file = GuardFile::embedded().unwrap_or_else(|issues| panic!("{issues}"));
    let names: Vec<&str> = file.classes.keys().map(String::as_str).collect();
    assert_eq!(names, ["alt", "lst", "major", "stablecoin"]);
    assert_eq!(file.classes.values().filter(|guards| guards.peg.is_some()).count(), 1);
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once_with_their_keys() {
    let text = BUILT_IN
        .replacen("valid_from = \"2026-11-25\"", "valid_from = 2026", 1)
        .replacen("halt_after_seconds = 600", "halt_after_seconds = 60", 1)
        .replacen("min_sources = 2", "min_sources = 0", 1)
        .replacen("clamp_bp = 50", "clamp = 50", 1)
        .replacen("breaker_seconds = 5", "breaker_seconds = 1", 1)
        .replacen("twap_suspect_bp = 1000", "twap_suspect_bp = 0.1", 1)
        .replacen("peg_halt_bp = 500", "", 1)
        + "[class.new]\nsource = ''\n";
    let issues = GuardFile::parse("g.toml", &text).unwrap_err();
    let all = issues.to_string();
    for expected in [
        "g.toml, valid_from = '2026': a UTC date",
        "g.toml, class.major.halt_after_seconds = '60': must lie above stale_after_seconds = 60",
        "g.toml, class.major.min_sources = '0': a whole number from 1 to 100",
        "g.toml, class.major.clamp_bp: is missing: add a whole number from 1 to 9999",
        "g.toml, class.major.clamp: is no key here; there are: ahead_tolerance_seconds",
        "g.toml, class.major.breaker_seconds = '1': a whole number from 2 to 86400",
        "g.toml, class.major.twap_suspect_bp = '0.1': a whole number",
        "g.toml, class.stablecoin.peg_halt_bp: is missing",
        "g.toml, class.new.source = '\"\"': say in a text",
        "g.toml, class.new.min_sources: is missing",
    ] {
        assert!(all.contains(expected), "{expected} not in:\n{all}");
    }
    // One a mistake: eight in the classes that exist, 20 keys of the empty class less its source, which is there but empty.
    assert_eq!(issues.total(), 8 + 20, "{all}");
    for text in ["", "class = 1", "[class]\nmajor = 1", "source = 'a", "\u{0}"] {
        assert!(GuardFile::parse("g.toml", text).is_err(), "{text}");
    }
}

#[test]
fn each_fault_of_a_source_has_its_rule_and_numbers() {
    let mut run = Run::new(class("major"));
    let wide = |id: &str, confidence| SourcePrice {
        confidence: Some(ConfidenceUnits(confidence)),
        ..says(id, BASE, at(0))
    };
    let sources = [
        says("a", BASE, at(0)),
        says("b", BASE + 10, at(-60_000)),
        says("c", BASE - 10, at(2000)),
        says("d", 0, at(0)),
        says("e", -5, at(0)),
        wide("f", 0),
        wide("g", 201_000),
        says("h", BASE, at(-60_001)),
        says("i", BASE, at(2001)),
        SourcePrice { weight: Weight(0), ..says("j", BASE, at(0)) },
        says("k", BASE, at(0)),
        says("k", BASE, at(0)),
        says("l", 10 * BASE, at(0)),
        says("m", i64::MAX, at(0)),
    ];
    let verdict = run.step(&sources, at(0));
    let used: Vec<&str> = verdict.used().map(|s| s.id.as_str()).collect();
    assert_eq!(used, ["a", "b", "c"]);
    let rejected: Vec<String> =
        verdict.rejected().map(|s| format!("{}: {}", s.id, rules(&s.faults).join("; "))).collect();
    // The median of the five that have no other fault is b's.
    let deviates = |id, price| {
        let bp = (i128::from(price) - i128::from(BASE + 10)) * 10_000 / i128::from(BASE + 10);
        format!("{id}: {bp} bp from the median, at most 200 allowed")
    };
    assert_eq!(
        rejected,
        [
            "d: price 0: must be above zero",
            "e: price -5: must be above zero",
            "f: a confidence of zero claims certainty",
            "g: confidence of 201 bp, at most 200 allowed",
            "h: 60001 ms old, at most 60000 allowed",
            "i: 2001 ms in the future, at most 2000 allowed",
            "j: its weight is zero",
            "k: named 2 times in one round",
            "k: named 2 times in one round",
            &deviates("l", 10 * BASE),
            &deviates("m", i64::MAX),
        ]
    );
    let scores: Vec<u32> = verdict.used().map(|s| s.score).collect();
    assert_eq!(scores, [10_000, 0, 10_000], "a source at its age limit has nothing left");
    assert_eq!((verdict.price, verdict.age_millis), (Some(PriceUnits(BASE)), Some(60_000)));
}

#[test]
fn a_spike_of_one_of_three_is_rejected_and_the_price_does_not_move() {
    let mut run = Run::valid(class("major"));
    let verdict = run.round(&[BASE, BASE * 10, BASE], 0);
    assert_eq!((verdict.health, verdict.price), (Health::Valid, Some(PriceUnits(BASE))));
    assert_eq!(verdict.rejected().count(), 1);
}

#[test]
fn two_sources_that_disagree_deeply_halt_and_hold() {
    let mut run = Run::valid(class("major"));
    let verdict = run.round(&[BASE, BASE * 10], 0);
    assert_eq!((verdict.health, verdict.price), (Health::Halted, Some(PriceUnits(BASE))));
    assert!(matches!(verdict.findings[..], [Finding::DeepDisagreement { .. }]), "{:?}", verdict.findings);
    // Mild disagreement costs margin: half of 0.6 % on either side.
    let mut run = Run::valid(class("major"));
    let verdict = run.round(&[BASE, BASE + BASE * 6 / 1000], 1000);
    assert_eq!(verdict.health, Health::Suspect);
    let margin = verdict.margin_prices().unwrap();
    assert_eq!(margin.owned.0, verdict.price.unwrap().0 - i64::try_from(verdict.confidence.0).unwrap());
    assert!(
        margin.owned < margin.owed && verdict.health.allows_action() && !verdict.health.allows_new_risk()
    );
}

#[test]
fn a_jump_is_published_after_confirmations_and_time_and_not_before() {
    let mut run = Run::valid(class("major"));
    let crash = BASE * 8 / 10;
    for (millis, published) in [(0, BASE), (1000, BASE), (2000, BASE), (4999, BASE), (5000, crash)] {
        let verdict = run.round(&[crash; 3], millis);
        assert_eq!(verdict.price, Some(PriceUnits(published)), "{millis}");
        assert_eq!(verdict.health, Health::Halted, "recovery comes later");
        assert_eq!(verdict.candidate, Some(PriceUnits(crash)), "what the sources say is shown all the time");
    }
    // The round that confirmed it was the first of two that are better. 20 % below the mean of five minutes: suspect until the mean has followed.
    let verdict = run.round(&[crash; 3], 6000);
    assert_eq!(verdict.health, Health::Suspect);
    assert!(matches!(verdict.findings[..], [Finding::FarFromTwap { .. }]), "{:?}", verdict.findings);
}

#[test]
fn a_jump_that_is_interrupted_is_confirmed_from_the_beginning() {
    let mut run = Run::valid(class("major"));
    let crash = BASE * 8 / 10;
    for millis in [0, 1000, 2000, 4000] {
        run.round(&[crash; 3], millis);
    }
    // Back once, or nobody to believe once: either ends the wait. A third price begins its own.
    let interruptions: [&[i64]; 4] = [&[BASE; 3], &[crash, BASE], &[crash], &[crash * 8 / 10; 3]];
    for interruption in interruptions {
        let mut run = Run { guards: run.guards.clone(), state: run.state.clone() };
        run.round(interruption, 4500);
        for (millis, published) in [(5000, BASE), (7000, BASE), (9999, BASE), (10_000, crash)] {
            let verdict = run.round(&[crash; 3], millis);
            assert_eq!(verdict.price, Some(PriceUnits(published)), "{interruption:?} at {millis}");
        }
    }
}

#[test]
fn the_mean_follows_within_its_window_and_memory_is_bounded() {
    let mut run = Run::valid(class("major"));
    let crash = BASE * 8 / 10;
    let mut health = Vec::new();
    for second in 0..400 {
        health.push(run.round(&[crash; 3], second * 1000).health);
    }
    let valid_from = health.iter().position(|health| *health == Health::Valid).unwrap();
    // 20 % below the old price is suspect until the mean has come within 10 %, at the latest when the window holds nothing else.
    assert!(valid_from < 300, "{valid_from}");
    assert!(health.iter().skip(valid_from).all(|health| *health == Health::Valid));
    let samples = format!("{:?}", run.state).matches("PriceAt").count();
    // One every sixtieth of the window, the one that holds at its start, and one for rounding.
    assert!((50..=62).contains(&samples), "{samples}");
}

#[test]
fn the_same_data_again_confirm_nothing() {
    let mut run = Run::valid(class("major"));
    let frozen: Vec<SourcePrice> = ["a", "b", "c"].iter().map(|id| says(id, 2 * BASE, at(0))).collect();
    for millis in (0..30_000).step_by(1000) {
        assert_eq!(run.step(&frozen, at(millis)).price, Some(PriceUnits(BASE)), "{millis}");
    }
    // Nor do they heal: a state that was stale stays so until newer data come.
    let mut run = Run::new(class("major"));
    let frozen: Vec<SourcePrice> = ["a", "b", "c"].iter().map(|id| says(id, BASE, at(0))).collect();
    for millis in 0..10 {
        assert_eq!(run.step(&frozen, at(millis * 1000)).health, Health::Stale);
    }
}

#[test]
fn a_fast_move_is_published_as_far_as_allowed_and_the_rest_is_confidence() {
    let mut run = Run::valid(class("major"));
    let target = BASE + BASE * 2 / 100;
    let verdict = run.round(&[target; 3], 0);
    // One second since the last round at 33 bp a second.
    let reached = BASE + BASE * 33 / 10_000;
    assert_eq!(verdict.price, Some(PriceUnits(reached)));
    assert_eq!(verdict.confidence.0, target.abs_diff(reached));
    assert_eq!(verdict.health, Health::Suspect);
    assert_eq!(verdict.margin_prices().unwrap().owed, PriceUnits(target), "owed at where the market is");
}

#[test]
fn when_all_sources_are_stale_the_price_is_held_and_grows_old() {
    let mut run = Run::valid(class("major"));
    let old: Vec<SourcePrice> = ["a", "b", "c"].iter().map(|id| says(id, BASE, at(-1000))).collect();
    let verdict = run.step(&old, at(59_000));
    assert_eq!((verdict.health, verdict.age_millis), (Health::Valid, Some(60_000)));
    let verdict = run.step(&old, at(59_001));
    assert_eq!((verdict.health, verdict.price), (Health::Stale, Some(PriceUnits(BASE))));
    assert_eq!(verdict.used().count(), 0);
    assert_eq!(run.step(&old, at(599_001)).health, Health::Halted);
    assert_eq!(run.step(&[], at(700_000)).health, Health::Halted);
    // Recovery: two rounds of new data.
    assert_eq!(run.round(&[BASE; 3], 701_000).health, Health::Halted);
    assert_eq!(run.round(&[BASE; 3], 702_000).health, Health::Valid);
}

#[test]
fn recovery_leads_to_the_worst_of_its_rounds() {
    let mut run = Run::valid(class("major"));
    run.round(&[BASE], 0);
    assert_eq!(run.state.health(), Health::Stale, "one source of two");
    let apart = BASE + BASE * 6 / 1000;
    assert_eq!(run.round(&[BASE, apart], 1000).health, Health::Stale);
    assert_eq!(run.round(&[BASE; 3], 2000).health, Health::Suspect);
}

#[test]
fn a_clock_that_goes_back_stops_action_and_moves_nothing() {
    let mut run = Run::valid(class("major"));
    let before = run.state.clone();
    let verdict = run.round(&[BASE + 1; 3], -1500);
    assert_eq!((verdict.health, verdict.price), (Health::Stale, Some(PriceUnits(BASE))));
    assert!(
        matches!(verdict.findings[..], [Finding::ClockBack { back_millis: 500 }]),
        "{:?}",
        verdict.findings
    );
    assert_ne!(before.health(), run.state.health());
    run.round(&[BASE; 3], 0);
    assert_eq!(run.round(&[BASE; 3], 1000).health, Health::Valid);
}

#[test]
fn a_sequencer_is_trusted_an_hour_after_its_start() {
    let guards = class("major");
    let mut state = Run::valid(guards.clone()).state;
    let mut health = |sequencer, millis| {
        let sources: Vec<SourcePrice> = ["a", "b", "c"].iter().map(|id| says(id, BASE, at(millis))).collect();
        let (next, verdict) =
            state.step(&guards, &Round { sources: &sources, sequencer: Some(sequencer) }, at(millis));
        state = next;
        verdict.health
    };
    assert_eq!(health(Sequencer::Down, 0), Health::Halted);
    assert_eq!(health(Sequencer::Up { since: at(1000) }, 3_600_999), Health::Halted);
    assert_eq!(health(Sequencer::Up { since: at(1000) }, 3_601_000), Health::Halted);
    assert_eq!(health(Sequencer::Up { since: at(1000) }, 3_602_000), Health::Valid);
}

#[test]
fn a_stablecoin_off_its_peg_costs_margin_and_then_halts() {
    // Exponent -8: one is 100,000,000.
    let mut run = Run { guards: class("stablecoin"), state: OracleState::new(Exponent(-8)) };
    let mut peg = std::collections::BTreeMap::new();
    for (second, price) in (0..4000).zip((94_000_000..=100_000_000_i64).rev().step_by(2_000)) {
        let verdict = run.round(&[price; 3], second * 1000);
        let off = |f: &&Finding| matches!(f, Finding::OffPeg { .. } | Finding::PegLost { .. });
        peg.insert(price, verdict.findings.iter().find(off).copied());
    }
    assert_eq!(peg[&98_992_000], None, "100.8 bp are 100 whole ones");
    assert_eq!(peg[&98_990_000], Some(Finding::OffPeg { found_bp: 101, limit_bp: 100 }));
    assert_eq!(peg[&94_000_000], Some(Finding::PegLost { found_bp: 600, limit_bp: 500 }));
    // A unit of ten cannot show one.
    let mut run = Run { guards: class("stablecoin"), state: OracleState::new(Exponent(1)) };
    assert!(run.round(&[1; 3], 0).findings.contains(&Finding::OutOfRange));
}

#[test]
fn prices_at_the_end_of_the_integers_are_exact_or_refused() {
    let mut run = Run::new(class("major"));
    let verdict = run.round(&[i64::MAX; 3], 0);
    assert_eq!(verdict.price, Some(PriceUnits(i64::MAX)));
    let confident =
        |id: &str| SourcePrice { confidence: Some(ConfidenceUnits(1)), ..says(id, i64::MAX, at(1000)) };
    let verdict = run.step(&[confident("a"), confident("b")], at(1000));
    assert!(verdict.findings.contains(&Finding::OutOfRange), "{:?}", verdict.findings);
    let wide = Verdict { confidence: ConfidenceUnits(1), health: Health::Suspect, ..verdict };
    assert!(wide.margin_prices().is_err(), "price + confidence is an error, not a wrap");
}

/// Any class, any number of sources, any of them jumping up or down tenfold for up to a second at any rate of ticks.
fn spike(
    class_name: &str,
    sources: usize,
    min_sources: u32,
    spikes: &[usize],
    factor: (i64, i64),
    tick_millis: i64,
) {
    let guards = Guards { min_sources, peg: None, ..class(class_name) };
    let mut run = Run::new(guards);
    for second in -8..0 {
        run.round(&vec![BASE; sources], second * 1000);
    }
    assert_eq!(run.state.health(), Health::Valid);
    let spiked: Vec<i64> =
        (0..sources).map(|id| if spikes.contains(&id) { BASE * factor.0 / factor.1 } else { BASE }).collect();
    for millis in (0..=1000).step_by(tick_millis.unsigned_abs() as usize) {
        let price = run.round(&spiked, millis).price.unwrap();
        assert_eq!(price, PriceUnits(BASE), "{class_name}, {sources} sources, {spikes:?}, at {millis} ms");
    }
    for millis in (1001..20_000).step_by(997) {
        assert_eq!(run.round(&vec![BASE; sources], millis).price, Some(PriceUnits(BASE)));
    }
    assert_eq!(run.state.health(), Health::Valid);
}

const BUILT_IN: &str = include_str!("../../../../../oracles/guards.toml");

proptest! {
    /// Whatever stands in the file, it is refused with reasons or every limit holds; nothing panics.
    #[test]
    fn a_damaged_file_is_refused_with_reasons_or_sound(
        edits in vec((any::<prop::sample::Index>(), prop_oneof![Just('='), Just('"'), Just('['), Just('9'), Just('-'), any::<char>()]), 1..4),
        line in any::<prop::sample::Index>(),
        number in any::<i64>(),
    ) {
        let mut damaged: Vec<char> = BUILT_IN.chars().collect();
        for (place, character) in edits {
            let place = place.index(damaged.len());
            damaged[place] = character;
        }
        let mut lines: Vec<String> = BUILT_IN.lines().map(str::to_owned).collect();
        let place = line.index(lines.len());
        if let Some((key, _)) = lines[place].clone().split_once(" = ") {
            lines[place] = format!("{key} = {number}");
        }
        for text in [damaged.into_iter().collect(), lines.join("\n")] {
            match GuardFile::parse("g.toml", &text) {
                Ok(file) => for guards in file.classes.values() {
                    prop_assert!(guards.breaker_seconds >= 2 && guards.min_sources >= 1);
                    prop_assert!(guards.stale_after_seconds < guards.halt_after_seconds);
                    prop_assert!(guards.max_move_bp_per_second < guards.breaker_move_bp);
                },
                Err(issues) => prop_assert!(!issues.is_empty()),
            }
        }
    }

    #[test]
    fn a_tenfold_spike_of_a_second_never_becomes_the_price(
        name in prop_oneof![Just("major"), Just("alt"), Just("stablecoin"), Just("lst")],
        sources in 1_usize..6,
        spikes in vec(0_usize..6, 1..6),
        is_up in any::<bool>(),
        tick_millis in 1_i64..1000,
    ) {
        let min_sources = u32::try_from(sources.min(2)).unwrap();
        spike(name, sources, min_sources, &spikes, if is_up { (10, 1) } else { (1, 10) }, tick_millis);
    }

    #[test]
    fn whatever_comes_the_price_moves_no_faster_than_allowed_and_order_changes_no_bit(
        rounds in vec((vec(prop_oneof![9_000_000_i64..11_000_000, any::<i64>()], 0..6), -500_i64..5000), 1..25),
    ) {
        let guards = class("alt");
        let (mut state, mut twin) = (OracleState::new(Exponent(-2)), OracleState::new(Exponent(-2)));
        let (mut now, mut last) = (0_i64, None::<(PriceUnits, i64)>);
        for (prices, passed) in rounds {
            now += passed;
            let mut sources: Vec<SourcePrice> = prices.iter().enumerate()
                .map(|(id, price)| says(&format!("s{}", id % 4), *price, at(now))).collect();
            let (next, verdict) = state.step(&guards, &Round { sources: &sources, sequencer: None }, at(now));
            sources.reverse();
            let (other, turned) = twin.step(&guards, &Round { sources: &sources, sequencer: None }, at(now));
            prop_assert_eq!(&verdict, &turned);
            (state, twin) = (next, other);
            let used: Vec<PriceUnits> = verdict.used().map(|s| s.price).collect();
            if verdict.health == Health::Valid && !used.is_empty() {
                let price = verdict.price.unwrap();
                prop_assert!(used.iter().min().unwrap() <= &price && &price <= used.iter().max().unwrap());
            }
            if let (Some((before, _)), Some(price)) = (last, verdict.price) {
                let limit = i128::from(before.0) * i128::from(guards.breaker_move_bp + 1) / 10_000;
                let moved = (i128::from(price.0) - i128::from(before.0)).abs();
                prop_assert!(moved <= limit || verdict.health == Health::Halted, "{moved} of {limit}");
            }
            last = verdict.price.map(|price| (price, now));
        }
    }
}
