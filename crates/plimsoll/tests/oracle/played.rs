//! What is published: spikes, silence, hysteresis, the same figures in any order and form.

use crate::support::Scratch;
use crate::{at, prices, round, transitions};
use std::io::Write;

const THREE: [&str; 3] = ["a", "b", "c"];

#[test]
fn a_source_that_jumps_tenfold_for_a_second_does_not_move_the_published_price() {
    let scratch = Scratch::empty();
    let jumps = |second, source: &str| {
        Some(if second == 10 && source == "c" { "1000000" } else { "100000" }.to_owned())
    };
    scratch.write("p.csv", prices(20, &THREE, jumps));
    let played = scratch.played("p.csv --class major --exponent -2");
    for second in 0..20 {
        assert_eq!(round(&played, second)["price"], "100000", "second {second}");
    }
    let spike = round(&played, 10);
    assert_eq!((&spike["state"], &spike["used"]), (&"valid".into(), &"a, b".into()));
    assert_eq!(spike["rejected"], "c: 90000 bp from the median, at most 200 allowed");
    // Stale as long as nothing is known, valid at the second sound round, and so it stays.
    let to: Vec<String> = transitions(&played).into_iter().map(|(to, ..)| to).collect();
    assert_eq!(to, ["valid"]);
    let worst = played["sources"].as_array().unwrap().last().unwrap();
    assert_eq!((&worst["source"], &worst["rounds_rejected"]), (&"c".into(), &1.into()));
    assert_eq!((&worst["rejections"], &worst["first_rejected_utc"]), (&"deviates 1".into(), &at(10).into()));
}

#[test]
fn all_sources_that_jump_for_a_second_open_the_breaker_and_the_old_price_is_held() {
    let scratch = Scratch::empty();
    let jumps = |second, _: &str| Some(if second == 10 { "1000" } else { "100" }.to_owned());
    scratch.write("p.csv", prices(20, &THREE, jumps));
    let played = scratch.played("p.csv --class major");
    for second in 0..20 {
        assert_eq!(round(&played, second)["price"], "100", "second {second}");
    }
    let jump = round(&played, 10);
    assert_eq!((&jump["state"], &jump["candidate"]), (&"halted".into(), &"1000".into()));
    let halted = transitions(&played).into_iter().find(|(to, ..)| to == "halted").unwrap();
    assert_eq!((halted.1, halted.2), (at(10), "jumped 90000 bp, more than 500: 0 of 2 confirmations".into()));
    let back = transitions(&played).pop().unwrap();
    assert_eq!(back, ("valid".into(), at(12), "confirmed by 2 rounds with newer data".into()));
    // One second of nineteen: a state holds from its round to the next, and two rounds confirm.
    assert_eq!(played["halted_time_pct"], 100.0 * 2.0 / 19.0);
}

#[test]
fn a_silent_source_is_rejected_when_it_is_stale_and_the_others_go_on() {
    let scratch = Scratch::empty();
    let silent = |second, source: &str| (source != "c" || second < 5).then(|| "100".to_owned());
    scratch.write("p.csv", prices(90, &THREE, silent));
    let played = scratch.played("p.csv --class major");
    // Its last word is of second 4; 60 s old is allowed, 61 s is not.
    assert_eq!(round(&played, 64)["used"], "a, b, c");
    assert_eq!(round(&played, 65)["rejected"], "c: 61000 ms old, at most 60000 allowed");
    assert_eq!(round(&played, 89)["state"], "valid");
    assert_eq!(round(&played, 89)["age_seconds"], 0.0);
}

#[test]
fn when_all_sources_are_silent_the_price_is_held_first_stale_and_then_halted() {
    let scratch = Scratch::empty();
    let silent = |second, _: &str| (!(10..700).contains(&second)).then(|| "100".to_owned());
    scratch.write("p.csv", prices(705, &THREE, silent));
    let played = scratch.played("p.csv --class major");
    let moved: Vec<(String, String)> = transitions(&played).into_iter().map(|(to, at, _)| (to, at)).collect();
    // The last word is of second 9: stale beyond 60 s, halted beyond 600 s, back after two newer rounds.
    let expected = [("valid", 1), ("stale", 70), ("halted", 610), ("valid", 701)];
    let expected = expected.map(|(to, second)| (to.to_owned(), at(second)));
    assert_eq!(moved, expected);
    assert_eq!(round(&played, 650)["price"], "100");
    assert_eq!(round(&played, 650)["age_seconds"], 641.0);
    assert!(round(&played, 650)["findings"].as_str().unwrap().contains("halted above 600000"));
    assert_eq!(played["halted_time_pct"], 100.0 * 91.0 / 704.0);
}

#[test]
fn order_of_files_and_of_sources_and_packing_change_no_figure() {
    let scratch = Scratch::empty();
    let says = |second: u64, source: &str| {
        Some(format!("10{}.{}", second % 3, if source == "a" { second % 7 } else { 5 }))
    };
    scratch.write("all.csv", prices(40, &THREE, says));
    let text = prices(40, &["a"], says);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(text.as_bytes()).unwrap();
    scratch.write("a.csv.gz", packer.finish().unwrap());
    scratch.write("cb.csv", prices(40, &["c", "b"], says));
    let csv = |files: &str| scratch.oracle(&format!("{files} --class alt --format csv")).succeeds();
    let all = csv("all.csv");
    assert_eq!(all.lines().count(), 1 + 40);
    assert_eq!(all, csv("cb.csv a.csv.gz"));
    assert_eq!(all, csv("a.csv.gz cb.csv"));
}

#[test]
fn rounds_are_a_grid_or_the_times_of_the_rows_and_what_no_round_saw_is_counted() {
    let scratch = Scratch::empty();
    scratch.write("p.csv", prices(11, &THREE, |_, _| Some("100".into())));
    let rounds = |args: &str| {
        let ran = scratch.oracle(&format!("p.csv --class major {args} --format csv --table rounds"));
        ran.succeeds().lines().count() - 1
    };
    assert_eq!((rounds(""), rounds("--every 5"), rounds("--every 4"), rounds("--each-row")), (11, 3, 4, 11));
    let notes = scratch.played("p.csv --class major --every 5")["notes"].to_string();
    // Seconds 0, 5 and 10 are seen: eight of eleven are not, for each of three sources.
    assert!(notes.contains("a newer one of their source came first: 24"), "{notes}");
}

#[test]
fn confidence_and_weight_are_read_and_a_price_of_zero_is_for_the_guards_to_reject() {
    let scratch = Scratch::empty();
    let rows = "time,source,price,confidence,weight\n\
        2026-11-25T12:00:00Z,a,100,0.1,1\n2026-11-25T12:00:00Z,b,100.3,,3\n2026-11-25T12:00:00Z,c,0,,\n\
        2026-11-25T12:00:00Z,d,100,0,1\n2026-11-25T12:00:00Z,e,100,,0\n2026-11-25T12:00:00Z,f,100,50,1\n";
    scratch.write("p.csv", rows);
    let played = scratch.played("p.csv --class major");
    let only = round(&played, 0);
    // (100 x 1 + 100.3 x 3) / 4.
    assert_eq!(only["price"], "100.225");
    assert_eq!(
        only["rejected"],
        "c: price 0: must be above zero; d: a confidence of zero claims certainty; e: its weight is zero; \
         f: confidence of 5000 bp, at most 200 allowed"
    );
    assert_eq!(played["valid_time_pct"], serde_json::Value::Null, "no time passes in one round");
}
