//! What the commands say, and what they refuse.

use crate::support::Scratch;
use crate::{CONFIG, desk, go};

fn segment(scratch: &Scratch) -> String {
    let folder = scratch.path("journal");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".seg"))
        .collect();
    names.sort();
    format!("journal/{}", names[0])
}

#[test]
fn a_run_is_verified_replayed_and_not_run_twice() {
    let scratch = desk(5);
    let run = go(&scratch, "run run.toml --format json").json();
    assert_eq!(run["snapshots_taken"], 5);
    assert_eq!(run["refused"], 1, "the second fill of one id: {}", run["lines"]);
    assert!(run["levels_crossed"].as_u64().unwrap() > 0);
    let verified = go(&scratch, "verify journal --format json").json();
    assert_eq!((&verified["sound"], &verified["head"]), (&true.into(), &run["head"]));
    assert_eq!(verified["records"], run["events"]);
    let replayed = go(&scratch, "replay journal --format json").json();
    assert_eq!((&replayed["events"], &replayed["head"]), (&run["events"], &run["head"]));
    assert_eq!(replayed["state"], run["state"]);
    let outputs: Vec<&str> =
        replayed["lines"].as_array().unwrap().iter().map(|l| l["output"].as_str().unwrap()).collect();
    for expected in [
        "adjustment: vol-desk@deribit/offchain",
        "trade: vol-desk@deribit/offchain BTC-PERPETUAL -50000",
        "fee: vol-desk@deribit/offchain BTC-PERPETUAL -0.0002 BTC",
        "funding: vol-desk@deribit/offchain BTC-PERPETUAL -0.0001 BTC",
        "booked already",
        "level: delta, BTC: inside to warn",
    ] {
        assert!(outputs.iter().any(|line| line.contains(expected)), "{expected} not in {outputs:#?}");
    }
    let again = go(&scratch, "run run.toml --format json").json();
    assert_eq!((&again["snapshots_taken"], &again["events"]), (&0.into(), &0.into()));
    assert_eq!(again["head"], run["head"]);
}

#[test]
fn figures_of_a_run_are_those_of_a_report_on_the_same_files() {
    let scratch = desk(1);
    scratch.write("fills.csv", "time,account,venue,kind\n");
    let run = go(&scratch, "run run.toml --format json").json();
    // Chain files have no spot pairs, so rates are given to both.
    let report =
        go(&scratch, "report book.csv --market chain.csv --rate USDC=1 --rate USDT=1 --format json").json();
    for group in report["exposure"].as_array().unwrap() {
        let name = group["key"][0].as_str().unwrap();
        for measure in ["value_usd", "delta_cash_usd", "gamma_cash_1pct_usd", "vega_usd_per_point"] {
            let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<f64>().unwrap();
            let (live, reported) = (number(&run["exposure"][name][measure]), number(&group["usd"][measure]));
            // A ledger keeps entry values to 18 places, so a gain of a future may differ in its last digits.
            assert!((live - reported).abs() < 1e-6, "{name} {measure}: {live} {reported}");
        }
    }
}

#[test]
fn what_has_no_value_is_listed_and_the_exit_code_says_partial() {
    let scratch = desk(1);
    let book = format!("{}vol-desk,wallet,ethereum,,,,STETH,3\n", crate::sample_book());
    scratch.write("book.csv", book);
    let ran = go(&scratch, "run run.toml --format json");
    assert_eq!(ran.code, 4, "{}", ran.err);
    let json = ran.json();
    assert_eq!(json["partial"], true);
    let unpriced = json["unpriced"].as_array().unwrap();
    assert!(
        unpriced.len() == 1 && unpriced[0].as_str().unwrap().contains("STETH: no conversion rate"),
        "{unpriced:?}"
    );
    let text = go(&scratch, "run run.toml").out;
    assert!(text.contains("PARTIAL    the sums below lack 1"), "{text}");
}

#[test]
fn payments_after_the_last_snapshot_wait_for_the_run_that_reaches_them() {
    let scratch = desk(3);
    let late = "time,account,venue,chain,kind,id,instrument,quantity,price,fee,asset,amount\n\
                2026-11-20T12:01:30Z,vol-desk,deribit,,deposit,,,,,,BTC,1\n\
                2026-11-20T12:05:30Z,vol-desk,deribit,,deposit,,,,,,BTC,2\n";
    scratch.write("fills.csv", late);
    let deposits = || {
        let lines = go(&scratch, "replay journal --outputs").out;
        lines.lines().filter(|line| line.contains("deposit:")).count()
    };
    for _ in 0..3 {
        let run = go(&scratch, "run run.toml --format json").json();
        assert_eq!(run["fills_after_the_last_snapshot"], 1);
        assert_eq!(deposits(), 1, "once, however often it runs");
    }
    let longer = desk(8);
    std::fs::copy(longer.path("chain.csv"), scratch.path("chain.csv")).unwrap();
    let run = go(&scratch, "run run.toml --format json").json();
    assert_eq!((&run["fills_after_the_last_snapshot"], &run["snapshots_taken"]), (&0.into(), &5.into()));
    assert_eq!(deposits(), 2);
}

#[test]
fn another_policy_says_other_things_and_the_first_difference_is_shown() {
    let (one, other) = (desk(4), desk(4));
    let policy = crate::POLICY.replace("hard = \"1000000\"", "hard = \"200000\"");
    other.write("policy.toml", policy);
    for scratch in [&one, &other] {
        assert_eq!(go(scratch, "run run.toml").code, 4, "one fill comes twice");
    }
    let same = go(&one, "replay journal --against journal");
    assert_eq!(same.code, 0);
    assert!(same.out.contains("says the same"), "{}", same.out);
    let theirs = other.path("journal").display().to_string();
    let differs = go(&one, &format!("replay journal --against {theirs}"));
    assert_eq!(differs.code, 1, "{}", differs.err);
    assert!(differs.out.contains("DIFFERENT: this journal says"), "{}", differs.out);
}

#[test]
fn one_flipped_bit_is_found_and_nothing_is_replayed() {
    let scratch = desk(3);
    let head = go(&scratch, "run run.toml --format json").json()["head"].as_str().unwrap().to_owned();
    let name = segment(&scratch);
    let mut bytes = std::fs::read(scratch.path(&name)).unwrap();
    // Somewhere in the second commit, behind the header and the opening book.
    bytes[60_000] ^= 4;
    std::fs::write(scratch.path(&name), &bytes).unwrap();
    let verified = go(&scratch, &format!("verify journal --head {head}"));
    assert_eq!(verified.code, 1, "{}", verified.out);
    assert!(verified.out.contains("damaged") && verified.out.contains("NOT SOUND"), "{}", verified.out);
    go(&scratch, "replay journal").refuses(3, &["byte"]);
    go(&scratch, "run run.toml").refuses(3, &["byte"]);
}

#[test]
fn a_record_is_proved_to_whoever_kept_the_head() {
    let scratch = desk(2);
    let head = go(&scratch, "run run.toml --format json").json()["head"].as_str().unwrap().to_owned();
    let proof = go(&scratch, &format!("verify journal --prove 7 --head {head}")).succeeds();
    scratch.write("p.proof", &proof);
    let checked = go(&scratch, &format!("verify --check p.proof --head {head}")).succeeds();
    assert!(checked.contains("proved: record 7"), "{checked}");
    // A digit of the payload: "record 7 TIME KIND VERSION PAYLOAD".
    let record = proof.find("\nrecord ").unwrap();
    let digits = record + proof[record..].match_indices(' ').nth(4).unwrap().0 + 3;
    let mut forged = proof.into_bytes();
    forged[digits] = if forged[digits] == b'0' { b'1' } else { b'0' };
    scratch.write("forged.proof", String::from_utf8(forged).unwrap());
    go(&scratch, &format!("verify --check forged.proof --head {head}")).refuses(3, &["proof"]);
}

#[test]
fn mistakes_are_refused_before_anything_is_in_the_journal() {
    let scratch = desk(1);
    for (file, text, expected) in [
        ("run.toml", CONFIG.replace("market =", "markets ="), "unknown field"),
        ("run.toml", CONFIG.replace("snapshot_every = 20", "snapshot_every = 0"), "at least 1"),
        ("policy.toml", crate::POLICY.replace("delta_cash_usd", "delta"), "value_usd, delta_cash_usd"),
        ("fills.csv", "when,account,venue,kind\n".into(), "no column 'time'"),
        ("fills.csv", "time,account,venue,kind\nnever,a,deribit,gift\n".into(), "RFC 3339"),
        (
            "fills.csv",
            "time,account,venue,kind\n2026-11-20T12:00:00Z,a,deribit,gift\n".into(),
            "fill, deposit, funding or settle",
        ),
        ("book.csv", "account,venue,instrument,quantity\na,deribit,BTC-31FEB27-1-C,1\n".into(), "calendar"),
    ] {
        let scratch = desk(1);
        scratch.write(file, &text);
        let ran = go(&scratch, "run run.toml");
        assert_eq!(ran.code, 3, "{file}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(expected), "{expected}: {}", ran.err);
        assert!(!scratch.path("journal").exists(), "{expected}: nothing was begun");
    }
    go(&scratch, "replay nowhere").refuses(3, &["nowhere"]);
    go(&scratch, "verify").refuses(2, &["folder of the journal"]);
    go(&scratch, "verify --check x").refuses(2, &["--head"]);
}

#[test]
fn a_folder_without_a_journal_is_refused() {
    let scratch = Scratch::empty();
    std::fs::create_dir(scratch.path("journal")).unwrap();
    go(&scratch, "verify journal").refuses(3, &["journal"]);
    go(&scratch, "replay journal").refuses(3, &["journal"]);
}

#[test]
fn files_that_do_not_follow_each_other_are_refused_by_name() {
    let scratch = desk(3);
    let later = desk(2);
    std::fs::copy(later.path("chain.csv"), scratch.path("again.csv")).unwrap();
    scratch.write("run.toml", CONFIG.replace("[\"chain.csv\"]", "[\"chain.csv\", \"again.csv\"]"));
    go(&scratch, "run run.toml").refuses(3, &["again.csv", "chain.csv ends", "in the order of time"]);
}

#[test]
fn another_policy_and_other_rates_go_into_a_journal_that_goes_on() {
    let scratch = desk(3);
    go(&scratch, "run run.toml");
    scratch.write("policy.toml", crate::POLICY.replace("hard = \"1000000\"", "hard = \"5000000\""));
    scratch.write("run.toml", CONFIG.replace("USDT = 1.0", "USDT = 0.9"));
    let before = go(&scratch, "replay journal --format json").json();
    let run = go(&scratch, "run run.toml --format json").json();
    assert_eq!((&run["snapshots_taken"], &run["events"]), (&0.into(), &2.into()), "a policy and a rate");
    assert_eq!(before["state"], "reduce_only", "a million of delta in ETH");
    assert_eq!(run["state"], "warn", "the new hard level is five");
    let again = go(&scratch, "run run.toml --format json").json();
    assert_eq!(again["events"], 0);
}

#[test]
fn a_row_that_the_reader_cannot_read_is_counted() {
    let scratch = desk(2);
    let chain = std::fs::read_to_string(scratch.path("chain.csv")).unwrap();
    let mut lines: Vec<String> = chain.lines().map(str::to_owned).collect();
    let mut cells: Vec<String> = lines[5].split(',').map(str::to_owned).collect();
    cells[2] = "abc".into();
    lines[5] = cells.join(",");
    scratch.write("chain.csv", lines.join("\n"));
    scratch.write("fills.csv", "time,account,venue,kind\n");
    let ran = go(&scratch, "run run.toml --format json");
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert_eq!(ran.json()["quotes_refused"], 1);
}

#[test]
fn fills_outside_the_window_are_left_out_and_counted() {
    let scratch = desk(4);
    scratch.write(
        "run.toml",
        format!("from = \"2026-11-20T12:01:00Z\"\nto = \"2026-11-20T12:02:00Z\"\n{CONFIG}"),
    );
    let run = go(&scratch, "run run.toml --format json").json();
    assert_eq!((&run["snapshots_taken"], &run["fills_left_out"]), (&2.into(), &3.into()));
}

#[test]
fn a_record_that_is_not_there_is_refused_with_what_is() {
    let scratch = desk(3);
    let events = go(&scratch, "run run.toml --format json").json()["events"].as_u64().unwrap();
    for absent in ["0", "99999"] {
        go(&scratch, &format!("verify journal --prove {absent}")).refuses(3, &[&format!("1 to {events}")]);
    }
}
