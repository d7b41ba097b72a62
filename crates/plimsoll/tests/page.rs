//! What the page shows is what the commands print: the sample book on the sample market, through `run` into a journal and `serve` on it, against
//! `report`, `margin`, `liquidation` and `surface` on the same files, figure by figure, to the last digit.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)] // helpers of tests fail as tests do

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_plimsoll");

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// A server on a journal that `run` made of the sample.
struct Page {
    folder: PathBuf,
    child: Child,
    /// Kept open: a program that cannot say what it has to say ends.
    _says: BufReader<ChildStderr>,
    address: String,
}

impl Page {
    fn open() -> Self {
        let folder = std::env::temp_dir().join(format!("plimsoll-page-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (book, market) = (examples().join("book.csv"), examples().join("market.json"));
        let config = format!("journal = \"journal\"\nbook = [{book:?}]\nmarket = [{market:?}]\n");
        std::fs::write(folder.join("run.toml"), config).unwrap();
        let run = Command::new(PROGRAM).arg("run").arg(folder.join("run.toml")).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .arg(folder.join("journal"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut says = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            assert_ne!(says.read_line(&mut line).unwrap(), 0, "it ended without an address");
        }
        let (_, address) = line.split_once("http://").unwrap();
        let address = address.trim().trim_end_matches('/').to_owned();
        Self { folder, child, _says: says, address }
    }

    fn answer(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let text = format!("GET /v1/{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    /// The data of a view of the whole book.
    fn data(&self, path: &str) -> Value {
        let envelope = self.answer(path);
        assert_eq!(envelope["partial"], false, "{path}");
        envelope["data"].clone()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// What a command prints as JSON about the sample book and market.
fn printed(arguments: &[&str]) -> Value {
    let book = examples().join("book.csv");
    printed_of_market(&[arguments, &[book.to_str().unwrap()]].concat())
}

/// What a command prints as JSON about the sample market.
fn printed_of_market(arguments: &[&str]) -> Value {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .arg("--market")
        .arg(examples().join("market.json"))
        .args(["--format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or_else(|| panic!("no list: {value}"), Vec::as_slice)
}

/// The one entry of a list that has these words.
fn one<'a>(all: &'a Value, words: &[(&str, &Value)]) -> &'a Value {
    let fits = |entry: &&Value| words.iter().all(|(key, value)| entry[*key] == **value);
    list(all).iter().find(fits).unwrap_or_else(|| panic!("none with {words:?}"))
}

/// How many figures two objects of figures share; each must be the same text.
#[track_caller]
fn same(page: &Value, command: &Value) -> usize {
    let figures = command.as_object().unwrap();
    for (key, figure) in figures {
        assert_eq!(page[key], *figure, "{key}");
    }
    figures.len()
}

#[test]
fn what_the_page_shows_is_what_the_commands_print() {
    let page = Page::open();
    let report = printed(&["report"]);
    let mut compared = 0;

    let exposure = page.data("exposure?group_by=underlying");
    compared += same(&exposure["total"]["usd"], &report["total"]["usd"]);
    for group in list(&report["exposure"]) {
        let shown = one(&exposure["groups"], &[("key", &group["key"])]);
        compared += same(&shown["usd"], &group["usd"]);
        if group["coins"].is_object() {
            compared += same(&shown["coins"], &group["coins"]);
        }
    }
    let positions = page.data("positions");
    assert_eq!(list(&positions["rows"]).len(), list(&report["positions"]).len());
    for row in list(&report["positions"]) {
        let words = ["account", "venue", "chain", "instrument", "kind"].map(|key| (key, &row[key]));
        let shown = one(&positions["rows"], &words);
        compared += same(&shown["usd"], &row["usd"]) + same(&shown["coins"], &row["coins"]);
    }
    for ladder in list(&report["ladders"]) {
        let shown = page.data(&format!("ladder?underlying={}", ladder["underlying"].as_str().unwrap()));
        assert_eq!(shown["cells"], ladder["pnl_usd"]);
        assert_eq!(shown["worst"]["figure"], ladder["worst"]["pnl_usd"]);
        compared += list(&ladder["pnl_usd"]).iter().map(|row| list(row).len()).sum::<usize>();
    }
    for curve in list(&report["curves"]) {
        let shown = page.data(&format!("curve?underlying={}", curve["underlying"].as_str().unwrap()));
        for (shown, horizon) in list(&shown["horizons"]).iter().zip(list(&curve["horizons"])) {
            assert_eq!(shown["pnl_usd"], horizon["pnl_usd"]);
            compared += list(&horizon["pnl_usd"]).len();
        }
    }
    let stress = page.data("stress");
    for row in list(&report["stress"]) {
        let shown = one(&stress["scenarios"], &[("name", &row["name"])]);
        assert_eq!(shown["pnl_usd"], row["total_usd"], "{}", row["name"]);
        compared += 1 + same(&shown["by_underlying"], &row["by_underlying_usd"]);
        compared += same(&shown["by_venue"], &row["by_venue_usd"]);
        assert_eq!(shown["worst_lines"], row["worst_lines"], "{}", row["name"]);
        compared += list(&row["worst_lines"]).len();
    }
    compared += margins(&page) + liquidations(&page) + surfaces(&page);
    let history = page.answer("history");
    let first = history["times"][0].as_str().unwrap();
    assert!(first.starts_with("2026-11-20"), "history begins at {first}, before the engine had a clock");
    println!("{compared} figures of the page are those of report, margin, liquidation and surface");
    assert!(compared > 1_500, "{compared}");
}

fn margins(page: &Page) -> usize {
    let (shown, printed) = (page.data("margin"), printed(&["margin"]));
    let mut compared = 0;
    for account in list(&printed["accounts"]) {
        let line = one(&shown["accounts"], &[("account", &account["account"]), ("venue", &account["venue"])]);
        let margin = &account["margin"];
        assert_eq!(line["equity_usd"], account["equity_usd"]);
        compared += 1;
        if margin.is_null() {
            continue;
        }
        assert_eq!(line["rulebook"], margin["rulebook"]);
        assert_eq!(line["initial_margin_usd"], margin["requirement_usd"]["initial"]);
        assert_eq!(line["maintenance_margin_usd"], margin["requirement_usd"]["maintenance"]);
        compared += 2;
    }
    compared
}

fn surfaces(page: &Page) -> usize {
    let printed = printed_of_market(&["surface"]);
    let mut compared = 0;
    for family in list(&printed["surfaces"]) {
        let underlying = family["underlying"].as_str().unwrap();
        let shown = page.data(&format!("surface?underlying={underlying}"));
        let of = one(&shown["families"], &[("currency", &family["quote_currency"])]);
        for key in ["free", "least_g", "least_calendar_gap"] {
            assert_eq!(of["arbitrage"][key], family["arbitrage"][key], "{underlying} {key}");
            compared += 1;
        }
        assert_eq!(list(&of["expiries"]).len(), list(&family["expiries"]).len());
        for slice in list(&family["expiries"]) {
            let line = one(&of["expiries"], &[("expiry", &slice["expiry"])]);
            for key in [
                "days",
                "forward",
                "forward_source",
                "quotes_fitted",
                "quotes_dropped",
                "rmse_points",
                "inside_fraction",
                "atm_vol",
                "risk_reversal_25d_points",
                "butterfly_25d_points",
            ] {
                assert_eq!(line[key], slice[key], "{underlying} {} {key}", slice["expiry"]);
                compared += 1;
            }
            for (vol, point) in list(&line["vols"]).iter().zip(list(&slice["grid"])) {
                assert_eq!(*vol, point["vol"], "{underlying} {} {}", slice["expiry"], point["delta"]);
                compared += 1;
            }
            compared += smile(page, family, slice);
        }
    }
    compared
}

/// The quotes of one expiry, with their vols and what became of each.
fn smile(page: &Page, family: &Value, slice: &Value) -> usize {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (underlying, currency) = (text(&family["underlying"]), text(&family["quote_currency"]));
    let expiry = text(&slice["expiry"]);
    let shown = page.data(&format!("smile?underlying={underlying}&currency={currency}&expiry={expiry}"));
    assert_eq!(list(&shown["quotes"]).len(), list(&slice["quotes"]).len());
    let mut compared = 0;
    for quote in list(&slice["quotes"]) {
        let words = ["instrument", "venue"].map(|key| (key, &quote[key]));
        let line = one(&shown["quotes"], &words);
        for key in ["strike", "log_moneyness", "bid_vol", "ask_vol", "mid_vol", "model_vol"] {
            assert_eq!(line[key], quote[key], "{underlying} {expiry} {words:?} {key}");
            compared += 1;
        }
    }
    compared
}

fn liquidations(page: &Page) -> usize {
    let (shown, printed) = (page.data("liquidation"), printed(&["liquidation"]));
    let mut compared = 0;
    for row in list(&printed["liquidations"]) {
        let words = ["account", "venue", "driver"].map(|key| (key, &row[key]));
        let line = one(&shown["accounts"], &words);
        for side in ["down", "up"] {
            if line[side].is_object() {
                assert_eq!(line[side]["price_usd"], row[side]["price_usd"], "{side} of {words:?}");
                compared += 1;
            } else {
                assert!(row[side]["price_usd"].is_null(), "{side} of {words:?}");
            }
        }
    }
    compared
}
