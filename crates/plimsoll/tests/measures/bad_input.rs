//! What is refused, and with which words.

use crate::support::{Scratch, sample_book};
use crate::{days, histories, run};

const SAMPLE: &str = "var book.csv --market market.json";

#[test]
fn help_of_every_command_has_an_example() {
    let scratch = Scratch::empty();
    for command in ["var", "stress", "explain", "covariance"] {
        let help = run(&scratch, &format!("{command} --help")).succeeds();
        let examples = help.split("Example").nth(1).unwrap_or_default();
        assert!(examples.contains(&format!("plimsoll {command}")), "{command}: {help}");
    }
}

#[test]
fn a_wrong_command_line_is_exit_2() {
    let scratch = Scratch::sample();
    histories(&scratch, 50);
    for (args, words) in [
        ("--confidence 0", "from 0.5 to 0.999999"),
        ("--confidence 1", "from 0.5 to 0.999999"),
        ("--confidence NaN", "from 0.5 to 0.999999"),
        ("--horizon 0", "1..=366"),
        ("--draws 5", "100..=10000000"),
        ("--vol-tenor-power 2", "from 0 to 1"),
        ("--history btc.csv", "ASSET=FILE"),
        ("--history BTC=", "ASSET=FILE"),
        ("--history BTC=btc.csv --history BTC=eth.csv", "two files give BTC spot"),
        ("--history BTC=btc.csv --history ETH=btc.csv", "named twice"),
        ("--vol-proxy ETH", "ASSET=held"),
        ("--proxy SOL=ETH --proxy SOL=BTC", "given twice"),
        ("--history BTC=btc.csv --proxy BTC=btc", "--proxy BTC=BTC: a coin cannot stand in for itself"),
        (
            "--history BTC=btc.csv --vol-proxy BTC=BTC",
            "--vol-proxy BTC=BTC: a coin cannot stand in for itself",
        ),
        ("--proxy SOL=NOBODY", "--proxy SOL=NOBODY: nobody gives NOBODY spot; there are: "),
        (
            "--history BTC=btc.csv --vol-proxy ETH=BTC",
            "--vol-proxy ETH=BTC: nobody gives BTC vol; there are: BTC spot",
        ),
        ("--method historical", "--method historical needs --history"),
        ("--backtest 100", "--backtest needs --history"),
        ("--method magic", "possible values: historical"),
        ("--table tail", "--format csv or parquet"),
    ] {
        let ran = run(&scratch, &format!("{SAMPLE} {args}"));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args}: {}", ran.err);
        assert!(ran.err.contains(words), "{args}: lacks '{words}': {}", ran.err);
    }
    run(&scratch, "stress").refuses(2, &["--reverse"]);
    run(&scratch, "stress --reverse -5").refuses(2, &["--reverse"]);
    run(&scratch, "stress --reverse 0").refuses(2, &["above zero"]);
    run(&scratch, "stress --account nobody").refuses(2, &["no such account; it has: basis, dao-treasury"]);
    run(&scratch, "covariance").refuses(2, &["--history"]);
}

#[test]
fn a_short_history_is_refused_with_what_is_needed() {
    let scratch = Scratch::sample();
    let given = histories(&scratch, 60);
    let ran = run(&scratch, &format!("{SAMPLE} {given} --method historical"));
    ran.refuses(3, &["59 scenarios", "at least 100 are needed"]);
    run(&scratch, &format!("{SAMPLE} {given} --method historical --confidence 0.95")).succeeds();
    let ran = run(&scratch, &format!("{SAMPLE} {given} --confidence 0.9 --backtest 59"));
    ran.refuses(3, &["59 separate windows"]);
    let given = histories(&scratch, 8);
    run(&scratch, &format!("{SAMPLE} {given} --method parametric")).refuses(3, &["7 windows cannot tell"]);
}

#[test]
fn bad_rows_of_a_history_are_listed_and_left_out_only_when_allowed() {
    let scratch = Scratch::sample();
    let given = histories(&scratch, 200);
    let stamp = 1_700_006_400 + 199 * 86_400;
    scratch.write("btc.csv", format!("{}{stamp},1\n{},NaN\n", scratch.text("btc.csv"), stamp + 86_400));
    let ran = run(&scratch, &format!("{SAMPLE} {given}"));
    ran.refuses(
        3,
        &["bad rows: 2", "btc.csv row 201, ts", "has a row already", "btc.csv row 202, close = 'NaN'"],
    );
    let ran = run(&scratch, &format!("{SAMPLE} {given} --allow-partial"));
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(ran.out.starts_with("PARTIAL") && ran.err.contains("bad input rows left out: 2"), "{}", ran.err);
    run(&scratch, &format!("covariance {given}")).refuses(3, &["bad rows: 2"]);
}

#[test]
fn coins_without_a_history_are_named_and_never_guessed() {
    let scratch = Scratch::sample();
    histories(&scratch, 200);
    let ran = run(&scratch, &format!("{SAMPLE} --history BTC=btc.csv --history BTC=dvol.csv"));
    ran.refuses(3, &["no history of ETH spot", "--proxy ETH=COIN"]);
    let ran =
        run(&scratch, &format!("{SAMPLE} --history BTC=btc.csv --history BTC=dvol.csv --allow-partial"));
    assert_eq!(ran.code, 4);
    assert!(
        ran.out.contains("In no figure") && ran.err.contains("positions and balances in no figure"),
        "{}",
        ran.out
    );
    run(
        &scratch,
        &format!(
            "{SAMPLE} --history BTC=btc.csv --history BTC=dvol.csv --proxy ETH=BTC --vol-proxy ETH=held"
        ),
    )
    .succeeds();
    scratch.write("book.csv", format!("{}x,wallet,ethereum,,,,STETH,1\n", sample_book()));
    run(&scratch, "var book.csv --market market.json --rate STETH=3100")
        .refuses(3, &["no history of STETH spot", "book.csv row 35"]);
}

#[test]
fn a_singular_covariance_is_refused_with_the_pair() {
    let scratch = Scratch::sample();
    histories(&scratch, 200);
    scratch.write("eth.csv", scratch.text("btc.csv"));
    let given = "--history BTC=btc.csv --history ETH=eth.csv --history BTC=dvol.csv --vol-proxy ETH=BTC";
    let ran = run(&scratch, &format!("{SAMPLE} {given}"));
    ran.refuses(3, &["not positive definite", "ETH spot", "BTC spot", "correlation 1.000000"]);
    scratch.write("flat.csv", days("iv", 200, |_| 0.5));
    let ran = run(
        &scratch,
        &format!("{SAMPLE} --history BTC=btc.csv --history BTC=flat.csv --proxy ETH=BTC --vol-proxy ETH=BTC"),
    );
    ran.refuses(3, &["BTC vol does not move"]);
    scratch.write("c.toml", "source = \"\"\nvalid_from = \"\"\nvalid_to = \"\"\nhorizon_days = 0\ncorrelations = [[1.0]]\nfactor = []\n");
    run(&scratch, &format!("{SAMPLE} --covariance c.toml"))
        .refuses(3, &["where the numbers come from", "1 to 366 whole days", "a square of 0 rows"]);
    run(&scratch, &format!("{SAMPLE} --covariance absent.toml")).refuses(3, &["absent.toml: cannot read"]);
}

#[test]
fn a_book_that_does_not_move_is_told_so() {
    let scratch = Scratch::sample();
    scratch.write(
        "book.csv",
        "account,venue,chain,instrument,quantity,average_price,asset,amount\na,wallet,,,,,USDC,5\n",
    );
    run(&scratch, SAMPLE).refuses(3, &["nothing in the book moves"]);
}

#[test]
fn a_covariance_file_is_called_so_and_the_command_that_writes_one_refuses_the_same_proxies() {
    let scratch = Scratch::sample();
    histories(&scratch, 50);
    scratch.write("mine.toml", "source = 1\n");
    let ran = run(&scratch, &format!("{SAMPLE} --covariance mine.toml"));
    ran.refuses(3, &["the covariance file has", "mine.toml: TOML parse error"]);
    assert!(!ran.err.contains("scenario file"), "{}", ran.err);
    let covariance = |args: &str| run(&scratch, &format!("covariance --history BTC=btc.csv {args}"));
    covariance("--proxy SOL=SOL").refuses(2, &["--proxy SOL=SOL: a coin cannot stand in for itself"]);
    covariance("--proxy SOL=ETH").refuses(2, &["--proxy SOL=ETH: nobody gives ETH spot"]);
    assert!(covariance("--proxy SOL=BTC").succeeds().contains("SOL"));
}

#[test]
fn a_proxy_that_changes_nothing_is_named_in_the_notes() {
    let scratch = Scratch::sample();
    let given = histories(&scratch, 60);
    scratch.write("ethvol.csv", days("iv", 60, |d| 0.6 + 0.01 * ((d * 31) % 17) as f64));
    for (proxy, words) in [
        ("--proxy SOL=ETH", "--proxy SOL=ETH is not used: nothing that is valued in the book moves with SOL"),
        ("--proxy ETH=BTC", "--proxy ETH=BTC is not used: ETH spot is there itself and goes first"),
        ("--history ETH=ethvol.csv", "--vol-proxy ETH is not used: ETH vol is there itself and goes first"),
        ("--vol-proxy SOL=held", "--vol-proxy SOL is not used: nothing that is valued"),
    ] {
        let text = run(&scratch, &format!("{SAMPLE} --method parametric {given} {proxy}")).succeeds();
        assert!(text.contains(words), "{proxy}: {text}");
    }
    let text = run(&scratch, &format!("{SAMPLE} --method parametric {given}")).succeeds();
    assert!(!text.contains("is not used"), "--vol-proxy ETH=BTC is: {text}");
}

#[test]
fn what_is_in_no_figure_is_on_screen_with_its_reason_however_narrow_it_is() {
    let scratch = Scratch::sample();
    let book = scratch.text("book.csv") + "late,deribit,,SOL_USDC-PERPETUAL,1,,,\n";
    scratch.write("book.csv", book);
    let all = format!("{SAMPLE} --method parametric --allow-partial");
    let args: Vec<&str> = all.split_whitespace().collect();
    for width in ["200", "60"] {
        let output = scratch.command(&args).env("COLUMNS", width).output().unwrap();
        assert_eq!(output.status.code(), Some(4));
        let text = String::from_utf8(output.stdout).unwrap();
        let listed = text.split("In no figure").nth(1).unwrap_or_else(|| panic!("no list: {text}"));
        let words = listed.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in ["SOL_USDC-PERPETUAL", "no index price", "add a market file"] {
            let is_there =
                if width == "60" { word.split(' ').all(|w| words.contains(w)) } else { words.contains(word) };
            assert!(is_there, "{width}: lacks {word}: {text}");
        }
    }
}
