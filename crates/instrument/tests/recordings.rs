//! Grammars against what venues really sent: every name in the recordings resolves or stands below with a reason, and
//! strike, expiry, kind and contract size agree with the venue's own fields.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, where a failed reading is a failed test

use instrument::{Leg, Listing, OptionKind, Settlement, Specs, SymbolError, Terms, resolve, spell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use units::{Decimal, Price, Quantity, Symbol, Timestamp, Venue};

/// Names that do not resolve, and why. Each must occur in the recordings and must be refused.
const REFUSED: [(&str, &str, &str); 16] = [
    ("deribit", "BTC-COMBO-1", "invented by the fixture's authors; its legs are nowhere"),
    ("okx", "BTC-USD_UM_XPERP-310404", "no recording shows its contract size or settlement"),
    (
        "okx",
        "BTC-USDT_BTC-USDT-SWAP",
        "a spread book counts coins or USD, not contracts; its trades come as legs",
    ),
    ("okx", "ETH-USD-SWAP_ETH-USD-231229", "a spread book"),
    ("okx", "ETH-USD-SWAP_ETH-USD-240329", "a spread book"),
    ("okx", "BTC-USD-SWAP_BTC-USD-231229", "a spread book"),
    ("binance", "DOGE-231006-0.06-C", "the unit of DOGE options is not recorded"),
    ("binance", "XRP-231006-0.44-C", "the unit of XRP options is not recorded"),
    ("binance", "XRP-251219-2.05-P", "the unit of XRP options is not recorded"),
    ("hyperliquid", "@142", "the recording does not tell the pair"),
    ("hyperliquid", "@156", "the recording does not tell the pair"),
    ("hyperliquid", "@162", "the recording does not tell the pair"),
    ("hyperliquid", "+10", "an outcome token, not a spot or perpetual"),
    ("hyperliquid", "USDC", "the cash balance"),
    ("hyperliquid", "km:US500", "another deployer's market, not paid in USDC"),
    ("hyperliquid", "hyna:BTC", "another deployer's market, not paid in USDC"),
];

/// Names that resolve but are not how the contract is spelled, and why.
const NOT_SPELLED: [(&str, &str, &str); 2] = [
    ("binance", "BTTUSDT", "BTT was later traded in bundles, so the contract does not tell its name"),
    ("derive", "USDC", "collateral by its asset is spelled as a pair"),
];

/// The shared data, or none with a note; on CI their absence is a failure.
#[allow(clippy::disallowed_methods)] // a test finds its data through the environment; the library reads none
fn shared(suite: &str) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var("PLIMSOLL_SHARED").map_or(default, PathBuf::from);
    if root.join("data").is_dir() {
        return Some(root.join("data"));
    }
    assert!(std::env::var("CI").is_err(), "CI must provide the shared data for {suite}");
    // Straight to standard error: the test harness swallows what a passing test prints.
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("did not run: {suite} (no shared data at {})\n", root.display()),
    );
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

/// Values of a key in JSON text, wherever it stands; escaped quotes of logged bodies are undone first.
fn values<'a>(json: &'a str, key: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in json.match_indices(&format!("\"{key}\"")) {
        let rest = json[at + key.len() + 2..].trim_start();
        let Some(value) = rest.strip_prefix(':').map(str::trim_start) else { continue };
        if let Some(quoted) = value.strip_prefix('"') {
            found.push(quoted.split('"').next().unwrap());
        } else {
            found.push(value.split([',', '}', ']', '\n']).next().unwrap().trim());
        }
    }
    found
}

fn one(listing: Result<Vec<Leg>, SymbolError>) -> Listing {
    let mut legs = listing.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(legs.len(), 1);
    legs.remove(0).listing
}

fn ask(venue: &str, symbol: &str, specs: &Specs) -> Result<Vec<Leg>, SymbolError> {
    resolve(&Venue::new(venue).unwrap(), &Symbol::new(symbol).unwrap(), specs).map(|resolved| resolved.legs)
}

/// The venue word for a file, and the keys that hold names in it.
fn reading(path: &Path) -> (&'static str, &'static [&'static str]) {
    let name = path.to_string_lossy();
    let is = |part: &str| name.contains(part);
    if is("/deribit/") {
        ("deribit", &["instrument_name", "combo_id"])
    } else if is("/okx/") {
        ("okx", &["instId", "sprdId"])
    } else if is("/bybit/") && (is("spot") || is("tardis/bybit-spot")) {
        ("bybit-spot", &["symbol", "s"])
    } else if is("/bybit/") {
        ("bybit", &["symbol", "s", "name"])
    } else if is("/binance/") && (is("/spot/") || is("tardis/binance.jsonl")) {
        ("binance-spot", &["symbol", "s"])
    } else if is("/binance/") {
        ("binance", &["symbol", "s"])
    } else if is("/hyperliquid/") && is("perp_metas") {
        ("hyperliquid", &["name"])
    } else if is("/hyperliquid/") {
        ("hyperliquid", &["coin"])
    } else if is("/derive/") {
        ("derive", &["instrument_name", "asset_name"])
    } else {
        ("dydx", &["ticker", "market", "id"])
    }
}

fn recorded_names(data: &Path) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut names: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for path in files(&data.join("recordings")) {
        let (venue, keys) = reading(&path);
        let text = text(&path);
        for key in keys {
            // dYdX calls many things by an `id`; markets are those that end in a currency.
            let market = |name: &&str| *key != "id" || name.ends_with("-USD");
            names
                .entry(venue)
                .or_default()
                .extend(values(&text, key).into_iter().filter(market).map(str::to_owned));
        }
    }
    names
}

#[test]
fn every_recorded_name_resolves_or_is_refused_for_a_reason() {
    let Some(data) = shared("recorded names") else { return };
    let specs = Specs::embedded();
    let mut refused: BTreeSet<(&str, &str)> =
        REFUSED.iter().map(|(venue, name, _)| (*venue, *name)).collect();
    let mut wrong = Vec::new();
    let recorded = recorded_names(&data);
    for (venue, names) in &recorded {
        let mut resolved = 0;
        for name in names {
            let expected_refusal = refused.remove(&(*venue, name.as_str()));
            match ask(venue, name, &specs) {
                Ok(_) if expected_refusal => wrong.push(format!("{venue} {name} resolves")),
                Err(error) if !expected_refusal => wrong.push(error.to_string()),
                Err(_) => {}
                Ok(legs) => {
                    resolved += 1;
                    wrong.extend(misspelt(venue, name, &legs));
                }
            }
        }
        println!("{venue}: {resolved} of {} recorded names resolve", names.len());
    }
    wrong.extend(refused.iter().map(|(venue, name)| format!("{venue} {name} is not in the recordings")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A plain listing spells its own name again; bundles and collateral names do not tell their contract.
fn misspelt(venue: &str, name: &str, legs: &[Leg]) -> Option<String> {
    let [Leg { listing, .. }] = legs else { return None };
    let excused = NOT_SPELLED.iter().any(|(at, known, _)| (*at, *known) == (venue, name));
    if excused || listing.price_units != Decimal::ONE {
        return None;
    }
    let spelled = spell(&listing.venue, &listing.contract);
    (spelled.as_ref() != Some(&listing.symbol)).then(|| format!("{venue} {name} is spelled {spelled:?}"))
}

/// Strike, expiry and kind of a listing against a venue's own fields.
fn check_option(listing: &Listing, strike: &str, expiry: Timestamp, kind: OptionKind) {
    let expected = Terms::Option { expiry, strike: strike.parse::<Price>().unwrap(), kind };
    assert_eq!(listing.contract.terms, expected, "{}", listing.symbol);
}

fn millis(text: &str) -> Timestamp {
    Timestamp::from_unix_millis(text.parse().unwrap()).unwrap()
}

#[test]
fn deribit_instruments_agree_with_their_names() {
    let Some(data) = shared("Deribit instruments") else { return };
    let specs = Specs::embedded();
    let recording = text(&data.join("recordings/deribit/cryptofeed/DERIBIT.0"));
    let mut options = 0;
    for object in recording.split('{').filter(|object| object.contains("\"strike\"")) {
        let field =
            |key: &str| values(object, key).first().copied().unwrap_or_else(|| panic!("{key} in {object}"));
        let listing = one(ask("deribit", field("instrument_name"), &specs));
        let kind = if field("option_type") == "call" { OptionKind::Call } else { OptionKind::Put };
        check_option(&listing, field("strike"), millis(field("expiration_timestamp")), kind);
        assert_eq!(listing.contract.settlement_asset().as_str(), field("quote_currency"));
        options += 1;
    }
    println!("{options} Deribit options");
    assert!(options > 900);
}

#[test]
fn recorded_combination_trades_agree_with_the_resolved_legs() {
    let Some(data) = shared("Deribit combination trades") else { return };
    let specs = Specs::embedded();
    let mut compared = 0;
    for name in ["http_get_last_trades_future_combo.json", "ws_trades_option_combo.json"] {
        let recording = text(&data.join("recordings/deribit/nautilus").join(name));
        let mut combination: Option<(Vec<Leg>, &str, Decimal)> = None;
        for object in recording.split('{').filter(|object| object.contains("\"direction\"")) {
            let field = |key: &str| values(object, key).first().copied().unwrap_or_default();
            let amount = field("amount").parse::<Quantity>().unwrap().get();
            if field("combo_id").is_empty() {
                let legs = ask("deribit", field("instrument_name"), &specs).unwrap();
                combination = Some((legs, field("direction"), amount));
                continue;
            }
            let (legs, direction, whole) = combination.as_ref().unwrap();
            let leg =
                legs.iter().find(|leg| leg.listing.symbol.as_str() == field("instrument_name")).unwrap();
            let sign = if field("direction") == *direction { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
            assert_eq!(leg.ratio * whole, sign * amount, "{}", leg.listing.symbol);
            compared += 1;
        }
    }
    println!("{compared} legs of recorded combination trades");
    assert!(compared >= 8);
}

#[test]
fn okx_instruments_agree_with_their_names_and_sizes() {
    let Some(data) = shared("OKX instruments") else { return };
    let specs = Specs::embedded();
    let mut seen = BTreeSet::new();
    let recent = "recordings/okx/nautilus/http_get_instruments_option.json";
    for path in ["recordings/okx/cryptofeed/OKX.0", recent] {
        let recording = text(&data.join(path));
        for object in recording.split('{').filter(|object| object.contains("\"ctValCcy\"")) {
            let field = |key: &str| values(object, key).first().copied().unwrap_or_default();
            let name = field("instId");
            if field("ctVal").is_empty() || !seen.insert((path, name.to_owned())) {
                continue;
            }
            let listing = one(ask("okx", name, &specs));
            if let Some(expiry) = listing.contract.expiry() {
                assert_eq!(expiry, millis(field("expTime")), "{name}");
            }
            if !field("stk").is_empty() {
                let kind = if field("optType") == "C" { OptionKind::Call } else { OptionKind::Put };
                check_option(&listing, field("stk"), millis(field("expTime")), kind);
            }
            assert_eq!(listing.contract.settlement_asset().as_str(), field("settleCcy"), "{name}");
            let part = |key: &str| field(key).parse::<Quantity>().unwrap().get();
            // OKX has since cut its options to a tenth (BTC: 0.1 coin in 2022, 0.01 in the recording of 2024).
            let since =
                if path != recent && !field("stk").is_empty() { Decimal::new(1, 1) } else { Decimal::ONE };
            assert_eq!(listing.contract_size, part("ctVal") * part("ctMult") * since, "{name}");
        }
    }
    println!("{} OKX derivatives", seen.len());
    assert!(seen.len() > 700);
}

#[test]
fn binance_coin_futures_agree_with_their_names_and_sizes() {
    let Some(data) = shared("Binance COIN-M instruments") else { return };
    let specs = Specs::embedded();
    let recording = text(&data.join("recordings/binance/cryptofeed/BINANCE_DELIVERY.0"));
    let mut seen = 0;
    for object in recording.split('{').filter(|object| object.contains("\"contractSize\"")) {
        let field = |key: &str| values(object, key).first().copied().unwrap_or_default();
        let listing = one(ask("binance", field("symbol"), &specs));
        assert_eq!(listing.contract.settlement, Settlement::Inverse);
        assert_eq!(listing.contract.underlying.as_str(), field("baseAsset"));
        assert_eq!(listing.contract_size.to_string(), field("contractSize"), "{}", listing.symbol);
        match listing.contract.expiry() {
            Some(expiry) => assert_eq!(expiry, millis(field("deliveryDate")), "{}", listing.symbol),
            None => assert_eq!(field("contractType"), "PERPETUAL"),
        }
        seen += 1;
    }
    println!("{seen} COIN-M futures");
    assert!(seen >= 36);
}

#[test]
fn every_name_in_the_recorded_chains_resolves_to_its_own_columns() {
    let Some(data) = shared("recorded chains") else { return };
    let specs = Specs::embedded();
    let (mut names, mut compared) = (0, 0);
    for path in
        files(&data.join("chains")).iter().filter(|path| path.extension().is_some_and(|end| end == "csv"))
    {
        let table = text(path);
        let mut rows = table.lines();
        let header: Vec<&str> = rows.next().unwrap().split(',').collect();
        for row in rows {
            // Names stand before the first quoted cell of the tickers, so a plain split finds them.
            let cells: Vec<&str> = row.split(',').collect();
            let cell =
                |key: &str| header.iter().position(|name| *name == key).and_then(|at| cells.get(at).copied());
            let listing = one(ask("deribit", cell("instrument_name").unwrap(), &specs));
            names += 1;
            if let (Some(strike), Some(expiry), Some(kind)) =
                (cell("strike"), cell("expiry_datetime"), cell("option_type"))
            {
                let kind = if kind == "call" { OptionKind::Call } else { OptionKind::Put };
                check_option(&listing, strike, expiry.parse().unwrap(), kind);
                compared += 1;
            }
        }
    }
    println!("{names} rows of recorded chains, {compared} with strike and expiry columns");
    assert!(names > 3000 && compared > 1000);
}
