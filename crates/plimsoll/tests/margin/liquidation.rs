//! `plimsoll liquidation`, fragmentation and faults: the answers agree with the margin that the program itself reports.

use crate::WHOLE;
use crate::support::{Ran, SAMPLE_TIME, Scratch, book_of, chain_csv, chain_rows, quanta};
use serde_json::Value;

fn liquidation(scratch: &Scratch, args: &str) -> Ran {
    let all: Vec<&str> = std::iter::once("liquidation").chain(args.split_whitespace()).collect();
    scratch.run(&all)
}

fn row<'a>(json: &'a Value, account: &str, venue: &str, driver: &str) -> &'a Value {
    let rows = json["liquidations"].as_array().unwrap().iter();
    let mut found =
        rows.filter(|row| row["account"] == account && row["venue"] == venue && row["driver"] == driver);
    found.next().unwrap_or_else(|| panic!("no {account}@{venue} {driver}"))
}

#[test]
fn a_long_perpetual_liquidates_below_and_a_short_one_above() {
    let scratch = Scratch::sample();
    let args = format!("{WHOLE} --format json");
    let json = liquidation(&scratch, &args).json();
    let (long, short) = (row(&json, "basis", "bybit", "BTC"), row(&json, "defi", "hyperliquid", "ETH"));
    let price = |row: &Value, side: &str| row[side]["price_usd"].as_f64();
    let index = |row: &Value| row["index_usd"].as_f64().unwrap();
    assert!(price(long, "down").unwrap() < index(long) && price(long, "up").is_none());
    assert!(price(short, "up").unwrap() > index(short) && price(short, "down").is_none());
    // The two sides of a crossing: short of nothing, then short.
    assert!(long["down"]["surplus_usd"].as_f64().unwrap() < 0.0);
    assert!(long["down"]["safe_surplus_usd"].as_f64().unwrap() >= 0.0);
}

/// The market moved to the price that was named, margined anew: below zero a hair beyond it, above a hair before.
#[test]
fn at_the_price_named_the_margin_itself_says_liquidatable() {
    let scratch = Scratch::sample();
    scratch.write("book.csv", book_of(&["d,bybit,,BTCUSDT,5.729,91508.4,,", "d,bybit,,,,,USDT,124680.00"]));
    scratch.write("chain.csv", chain_csv(&chain_rows(SAMPLE_TIME)));
    let market = "book.csv --market chain.csv --rate USDT=1 --rate USDC=1";
    let json = liquidation(&scratch, &format!("{market} --format json")).json();
    let factor = row(&json, "d", "bybit", "BTC")["down"]["factor"].as_f64().unwrap();
    assert!(factor > 0.5 && factor < 1.0, "{factor}");
    for (part, expected) in [(1.0005, "ok"), (0.9995, "liquidatable")] {
        let mut rows = chain_rows(SAMPLE_TIME);
        let columns = ["bid_price", "ask_price", "mark_price", "underlying_price", "index_price", "strike"];
        rows.retain(|row| row[1] == "BTC-PERPETUAL" || row[1] == "BTC_USDC-PERPETUAL");
        for row in &mut rows {
            for column in columns {
                let cell = &mut row[crate::support::chain_column(column)];
                if let Ok(price) = cell.parse::<f64>() {
                    *cell = (price * factor * part).to_string();
                }
            }
        }
        scratch.write("moved.csv", chain_csv(&rows));
        let moved =
            scratch.margin("book.csv --market moved.csv --rate USDT=1 --rate USDC=1 --format json").json();
        let account = &moved["accounts"][0];
        // 0.05 % of the price is 230 USD of the position; between initial and maintenance there are thousands.
        let word = account["status"].as_str().unwrap().replace("below_initial", "ok");
        assert_eq!(word, expected, "{part} of {factor}");
    }
}

#[test]
fn a_joint_path_moves_companions_and_says_so() {
    let scratch = Scratch::sample();
    let alone = liquidation(&scratch, &format!("{WHOLE} --driver BTC --format json")).json();
    let joint = liquidation(&scratch, &format!("{WHOLE} --driver BTC --beta ETH=1.2 --format json")).json();
    assert_eq!(joint["path"], "BTC moves, ETH by 1.2 of it; other coins and all vols as they are");
    let eth_only =
        |json: &Value| row(json, "defi", "hyperliquid", "BTC")["state"].as_str().unwrap().to_owned();
    assert_eq!((eth_only(&alone).as_str(), eth_only(&joint).as_str()), ("undefined", "searched"));
    // Alone ETH liquidates at +55.8 %; at 1.2 times BTC's return that is BTC at 55.8 / 1.2 %.
    let eth = liquidation(&scratch, &format!("{WHOLE} --account defi --format json")).json();
    let factor = |json: &Value, driver: &str| {
        row(json, "defi", "hyperliquid", driver)["up"]["factor"].as_f64().unwrap()
    };
    let (own, led) = (factor(&eth, "ETH") - 1.0, factor(&joint, "BTC") - 1.0);
    // A tick of the search is a billionth of the index.
    assert!((own - 1.2 * led).abs() < 1e-8, "{own} {led}");
}

#[test]
fn cash_that_is_added_as_told_makes_the_account_stand_the_move() {
    let scratch = Scratch::sample();
    let to_add = |scratch: &Scratch| {
        let args = format!("{WHOLE} --account basis --driver BTC --survive -30 --format json");
        let json = liquidation(scratch, &args).json();
        row(&json, "basis", "bybit", "BTC")["to_add_usd"].as_str().unwrap().parse::<f64>().unwrap()
    };
    let usd = to_add(&scratch);
    assert!(usd > 1000.0);
    // USDT is worth 0.9999 USD in the sample; two more USD cover the points between those of the scan.
    let balance = format!("basis,bybit,,,,,USDT,{:.2}", 124_680.0 + usd / 0.9999 + 2.0);
    scratch.write("book.csv", scratch.text("book.csv").replace("basis,bybit,,,,,USDT,124680.00", &balance));
    assert_eq!(to_add(&scratch).to_bits(), 0.0f64.to_bits());
}

/// Half of the accounts hold no option near the money: the market's vol of the driver stands in and says so.
#[test]
fn daily_sigmas_have_a_vol_and_its_source() {
    let scratch = Scratch::sample();
    let json = liquidation(&scratch, &format!("{WHOLE} --format json")).json();
    let vol = |account: &str, venue: &str, driver: &str| row(&json, account, venue, driver)["vol"].clone();
    let own = vol("vol-desk", "okx", "BTC");
    assert_eq!((&own["source"], &own["days"]), (&"account_option".into(), &Value::Null));
    assert!(own["instrument"].as_str().unwrap().starts_with("BTC-USD-"));
    for (account, venue, driver) in
        [("basis", "bybit", "BTC"), ("defi", "derive", "ETH"), ("vol-desk", "deribit", "ETH")]
    {
        let market = vol(account, venue, driver);
        assert_eq!((&market["source"], &market["days"]), (&"market".into(), &30.into()), "{account}");
        let row = row(&json, account, venue, driver);
        let side = if row["down"]["factor"].is_null() { &row["up"] } else { &row["down"] };
        let (factor, daily) = (side["factor"].as_f64().unwrap(), market["daily"].as_f64().unwrap());
        let sigmas = side["daily_sigmas"].as_f64().unwrap();
        // One division of the same two numbers.
        assert!((sigmas - (factor - 1.0).abs() / daily).abs() < 1e-9, "{sigmas}");
    }
    let eth = |account, venue| vol(account, venue, "ETH")["annual"].as_f64().unwrap().to_bits();
    assert_eq!(eth("defi", "derive"), eth("defi", "hyperliquid"), "one market, one vol");
    let table = liquidation(&scratch, WHOLE).succeeds();
    assert!(table.contains("own ") && !table.contains("n/a"), "{table}");
}

#[test]
fn what_the_command_line_gets_wrong_is_exit_2() {
    let scratch = Scratch::sample();
    for (args, words) in [
        ("--beta ETH=1", "go with --driver"),
        ("--driver BTC --beta BTC=1", "moves by itself"),
        ("--driver BTC --beta ETH=1 --beta ETH=2", "given twice"),
        ("--driver BTC --beta ETH=x", "'x' is not a number"),
        ("--driver DOGE", "no account depends on DOGE: there are BTC, ETH"),
        ("--driver BTC --survive -100", "between -99.99 and 9900 percent"),
    ] {
        let ran = liquidation(&scratch, &format!("{WHOLE} {args}"));
        ran.refuses(2, &[words]);
    }
    scratch.write("unclaimed.toml", crate::deribit_unclaimed(&scratch));
    liquidation(&scratch, &format!("{WHOLE} --rules unclaimed.toml")).refuses(3, &["cannot be margined: 2"]);
    let partial = liquidation(&scratch, &format!("{WHOLE} --rules unclaimed.toml --allow-partial"));
    assert_eq!((partial.code, partial.out.starts_with("PARTIAL")), (4, true));
}

#[test]
fn fragmentation_compares_the_published_total_with_one_account() {
    let scratch = Scratch::sample();
    let json = scratch.margin(&format!("{WHOLE} --fragmentation --funding-rate 8 --format json")).json();
    let fragmentation = &json["fragmentation"];
    assert_eq!(fragmentation["today_usd"], json["total"]["requirement_usd"]);
    let today = quanta(fragmentation["today_usd"]["initial"].as_str().unwrap());
    let alternatives = fragmentation["alternatives"].as_array().unwrap();
    assert!(alternatives.iter().any(|a| a["rulebook"] == "unified"));
    let mut comparable = 0;
    for alternative in alternatives {
        if alternative["gap_usd"].is_null() {
            assert_ne!(alternative["unmargined"].as_array().unwrap().len(), 0);
            continue;
        }
        comparable += 1;
        let asked = quanta(alternative["requirement_usd"]["initial"].as_str().unwrap());
        let gap = alternative["gap_usd"]["initial"].as_str().unwrap();
        assert_eq!(today - asked, quanta(gap));
        let (gap, cost): (f64, f64) = (
            gap.parse().unwrap(),
            alternative["cost_usd_per_year"]["initial"].as_str().unwrap().parse().unwrap(),
        );
        // One rounding of a product near 10,000 USD.
        assert!((cost - 0.08 * gap).abs() < 1e-9, "{cost} {gap}");
    }
    assert!(comparable >= 2);
}

#[test]
fn faults_come_from_the_embedded_file_or_from_ones_own() {
    let scratch = Scratch::sample();
    let json = scratch.margin(&format!("{WHOLE} --faults --format json")).json();
    assert!(json["faults"].as_array().unwrap().len() > 10);
    let own = "[[fault]]\nname = \"half\"\nsource = \"test\"\nkind = \"oracle_stale\"\npercent = -40\nassets = [\"BTC\"]\nvenue = \"bybit\"\n";
    scratch.write("own.toml", own);
    let json = scratch.margin(&format!("{WHOLE} --faults=own.toml --format json")).json();
    let [fault] = json["faults"].as_array().unwrap().as_slice() else { panic!("one account on bybit") };
    // Long 5.7 BTC: the loss is there and the venue does not see it.
    assert_eq!((&fault["outcome"], &fault["venue_view"]), (&"unseen".into(), &fault["before"]));
    assert_eq!(json["inputs"].as_array().unwrap().last().unwrap()["role"], "faults");
    scratch.write("bad.toml", own.replace("percent = -40", "percent = -400\nwrong = 1"));
    scratch
        .margin(&format!("{WHOLE} --faults=bad.toml"))
        .refuses(3, &["bad.toml, fault[1].percent", "bad.toml, fault[1].wrong"]);
}
