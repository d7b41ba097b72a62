//! A user writes a scenario rulebook and gets it wrong: every mistake is named with file and key, all in one reading.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use margin::{AccountState, Rulebook, Rulebooks};
use units::{Account, Timestamp, Venue};

const FILE: &str = "mine.toml";

/// A sound rulebook with every section that the mistakes below touch.
const SOUND: &str = r#"
id = "mine"
title = "My own"
engine = "scenario"
venues = []
valid_from = "2026-01-01"
sources = ["me"]
underlyings = ["BTC", "ETH"]
unit_by = "underlying"
combine = "sum"
numeraire = "usd"
[price_range]
BTC = 0.15
ETH = 0.18
[[grid]]
range_moves = [-1.0, 0.0, 1.0]
vols = ["up", "same", "up_points"]
[[grid]]
moves = [-0.5, 1.0]
vols = ["same"]
edge_weight = 1.0
table = "extended"
[vol_shock]
range_up = 0.5
range_down = 0.25
short_term_power = 0.3
long_term_power = 0.13
floor_days = 1.0
least_vol_up = 0.4
[[vol_points]]
up_to_days = 30
up = 0.3
down = 0.3
[[vol_points]]
up_to_days = 60
up = 0.2
down = 0.2
[[charge]]
name = "futures"
kind = "futures"
place = "scaled"
initial = 0.02
maintenance = 0.01
[[charge]]
name = "close"
kind = "close_out"
place = "floor"
rate = 0.005
[[charge.band]]
up_to_usd = 1000
multiplier = 1
[[charge.band]]
multiplier = 2
[[charge]]
name = "stables"
kind = "quote_hedge"
place = "added"
pairs = ["USDT-USD"]
[[charge.table]]
at_least_usd = 0.9
[[charge.table.tier]]
up_to_usd = 1000
rate = 0.01
[[charge.table.tier]]
rate = 0.02
[[charge.table]]
[[charge.table.tier]]
rate = 0.4
[[charge]]
name = "basis"
kind = "expiry_delta"
place = "scaled"
growth = "linear"
per_year = 0.05
least = 0.002
[offset]
gain = 0.5
[offset.most_gain_usd]
BTC = 1000
ETH = 500
[factor]
initial = 1.3
maintenance = 1.0
[borrow]
initial = 0.1
maintenance = 0.02
[collateral]
cash = ["USDC"]
[collateral.haircut.BTC]
initial = 0.05
maintenance = 0.03
in_scenarios = "hedging"
[collateral.haircut.ETH]
initial = 0.05
maintenance = 0.03
in_scenarios = true
"#;

/// What replaces what, and the key that a message names.
struct Mistake {
    what: &'static str,
    old: &'static str,
    new: &'static str,
    key: &'static str,
}

const fn mistake(what: &'static str, old: &'static str, new: &'static str, key: &'static str) -> Mistake {
    Mistake { what, old, new, key }
}

const MISTAKES: &[Mistake] = &[
    mistake("unknown key at the top", "combine = \"sum\"", "combine = \"sum\"\nspread = 1", "spread"),
    mistake(
        "unknown key in a section",
        "floor_days = 1.0",
        "floor_days = 1.0\nceiling = 2",
        "vol_shock.ceiling",
    ),
    mistake("no range moves", "range_moves = [-1.0, 0.0, 1.0]", "range_moves = []", "grid[1].range_moves"),
    mistake(
        "range moves of a wrong type",
        "range_moves = [-1.0, 0.0, 1.0]",
        "range_moves = [\"all\"]",
        "grid[1].range_moves",
    ),
    mistake("no moves", "moves = [-0.5, 1.0]", "moves = []", "grid[2].moves"),
    mistake("missing key", "range_down = 0.25\n", "", "vol_shock.range_down"),
    mistake("charge initial below maintenance", "initial = 0.02", "initial = 0.005", "charge[1].initial"),
    mistake(
        "negative haircut",
        "initial = 0.05\nmaintenance = 0.03\nin_scenarios = \"hedging\"",
        "initial = -0.05\nmaintenance = 0.03",
        "collateral.haircut.BTC.initial",
    ),
    mistake(
        "haircut above 1",
        "maintenance = 0.03\nin_scenarios = true",
        "maintenance = 1.03",
        "collateral.haircut.ETH.maintenance",
    ),
    mistake(
        "haircut initial below maintenance",
        "maintenance = 0.03\nin_scenarios = true",
        "maintenance = 0.06",
        "collateral.haircut.ETH.initial",
    ),
    mistake(
        "unknown word for what moves",
        "\"hedging\"",
        "\"sometimes\"",
        "collateral.haircut.BTC.in_scenarios",
    ),
    mistake("unknown vol word", "\"up_points\"", "\"sideways\"", "grid[1].vols"),
    mistake("no vols", "vols = [\"up\", \"same\", \"up_points\"]", "vols = []", "grid[1].vols"),
    mistake("price range missing for an underlying", "ETH = 0.18\n", "", "price_range"),
    mistake("price range of zero", "ETH = 0.18", "ETH = 0.0", "price_range.ETH"),
    mistake("price range that is no number", "ETH = 0.18", "ETH = nan", "price_range.ETH"),
    mistake("range moves below zero price", "[-1.0, 0.0, 1.0]", "[-7.0, 0.0, 1.0]", "price_range"),
    mistake("move of -100 %", "moves = [-0.5, 1.0]", "moves = [-1.0, 1.0]", "grid[2].moves"),
    mistake(
        "edge weight at a move of zero",
        "moves = [-0.5, 1.0]",
        "moves = [0.0, 1.0]",
        "grid[2].edge_weight",
    ),
    mistake("two weights", "edge_weight = 1.0", "edge_weight = 1.0\nweight = 0.5", "grid[2].edge_weight"),
    mistake("unknown table", "\"extended\"", "\"wide\"", "grid[2].table"),
    mistake(
        "points missing",
        "[[vol_points]]\nup_to_days = 30\nup = 0.3\ndown = 0.3\n[[vol_points]]\nup_to_days = 60\nup = 0.2\ndown = 0.2\n",
        "",
        "vol_points",
    ),
    mistake("points that descend", "up_to_days = 30", "up_to_days = 90", "vol_points"),
    mistake(
        "two relative laws",
        "[[vol_points]]\nup_to_days = 30",
        "[[vol_percent]]\nup_to_days = 9\nup = 0.1\ndown = 0.1\n[[vol_points]]\nup_to_days = 30",
        "vol_percent",
    ),
    mistake("bands that descend", "up_to_usd = 1000\nmultiplier = 1", "multiplier = 1", "charge[2].band"),
    mistake("tables that rise", "at_least_usd = 0.9", "", "charge[3].table"),
    mistake(
        "tables that end above zero",
        "[[charge.table]]\n[[charge.table.tier]]\nrate = 0.4",
        "[[charge.table]]\nat_least_usd = 0.5\n[[charge.table.tier]]\nrate = 0.4",
        "charge[3].table",
    ),
    mistake(
        "tiers that leave sizes uncharged",
        "[[charge.table.tier]]\nrate = 0.02\n",
        "",
        "charge[3].table[1].tier",
    ),
    mistake("pair that is none", "\"USDT-USD\"", "\"USDT\"", "charge[3].pairs"),
    mistake("unknown kind", "kind = \"futures\"", "kind = \"swaps\"", "charge[1].kind"),
    mistake("unknown place", "place = \"floor\"", "place = \"ceiling\"", "charge[2].place"),
    mistake("no moves", "moves = [-0.5, 1.0]", "moves = []", "grid[2].moves"),
    mistake(
        "charge without a number for an underlying",
        "per_year = 0.05",
        "per_year = { BTC = 0.05 }",
        "charge[4].per_year",
    ),
    mistake("range of a coin that is not covered", "ETH = 0.18", "ETH = 0.18\nETHx = 0.2", "price_range"),
    mistake(
        "charge on a coin that is not covered",
        "per_year = 0.05",
        "per_year = { BTC = 0.05, ETH = 0.05, SOL = 0.05 }",
        "charge[4].per_year",
    ),
    mistake(
        "limit of a coin that is not covered",
        "ETH = 500",
        "ETH = 500\nBTCx = 9",
        "offset.most_gain_usd",
    ),
    mistake("gain of an underlying without a limit", "ETH = 500\n", "", "offset.most_gain_usd"),
    mistake("asset with a space in it", "ETH = 500", "ETH = 500\n\"B TC\" = 9", "offset.most_gain_usd.B TC"),
    mistake("unknown growth", "growth = \"linear\"", "growth = \"cubic\"", "charge[4].growth"),
    mistake("negative rate", "per_year = 0.05", "per_year = -0.05", "charge[4].per_year"),
    mistake("text for a number", "range_up = 0.5", "range_up = \"a lot\"", "vol_shock.range_up"),
    mistake("factor initial below maintenance", "initial = 1.3", "initial = 0.9", "factor.initial"),
    mistake(
        "borrow initial below maintenance",
        "initial = 0.1\nmaintenance = 0.02",
        "initial = 0.01\nmaintenance = 0.02",
        "borrow.initial",
    ),
    mistake("unknown netting", "unit_by = \"underlying\"", "unit_by = \"mood\"", "unit_by"),
    mistake("unknown combination", "combine = \"sum\"", "combine = \"hope\"", "combine"),
    mistake("coins that do not add", "numeraire = \"usd\"", "numeraire = \"settlement\"", "numeraire"),
    mistake("segregated wallets that borrow", "combine = \"sum\"", "combine = \"segregated\"", "borrow"),
    mistake("unknown engine", "engine = \"scenario\"", "engine = \"oracle\"", "engine"),
    mistake("no source", "sources = [\"me\"]", "sources = []", "sources"),
    mistake("no such date", "\"2026-01-01\"", "\"2026-02-31\"", "valid_from"),
];

/// Fields named by the mistakes of a text, each in the file.
fn named(text: &str) -> Vec<String> {
    let issues = Rulebook::parse(FILE, text).expect_err("the text has a mistake");
    assert!(issues.kept().iter().all(|issue| issue.file == FILE && !issue.rule.is_empty()), "{issues}");
    issues.kept().iter().map(|issue| issue.field.clone()).collect()
}

#[test]
fn the_sound_text_is_sound() {
    assert!(Rulebook::parse(FILE, SOUND).is_ok(), "{:?}", Rulebook::parse(FILE, SOUND));
}

#[test]
fn each_mistake_is_named_by_its_key_and_brings_no_other() {
    for Mistake { what, old, new, key } in MISTAKES {
        assert_eq!(SOUND.matches(old).count(), 1, "{what}: '{old}' must be in the text once");
        assert_eq!(named(&SOUND.replacen(old, new, 1)), [*key], "{what}");
    }
}

#[test]
fn a_rulebook_without_a_grid_is_refused() {
    let start = SOUND.find("[[grid]]").unwrap();
    let end = SOUND.find("[vol_shock]").unwrap();
    assert_eq!(named(&format!("{}{}", &SOUND[..start], &SOUND[end..])), ["grid"]);
}

/// Mistakes in different places, all in one text: each is named, none hides another.
#[test]
fn all_mistakes_are_found_at_once() {
    let together = [
        "unknown key at the top",
        "charge initial below maintenance",
        "negative haircut",
        "haircut above 1",
        "unknown vol word",
        "price range missing for an underlying",
        "points that descend",
        "bands that descend",
        "tiers that leave sizes uncharged",
        "unknown growth",
        "factor initial below maintenance",
        "unknown netting",
        "no such date",
    ];
    let mut text = SOUND.to_owned();
    let mut expected = Vec::new();
    for what in together {
        let mistake = MISTAKES.iter().find(|mistake| mistake.what == what).unwrap();
        text = text.replacen(mistake.old, mistake.new, 1);
        expected.push(mistake.key.to_owned());
    }
    let mut found = named(&text);
    // The order is that of reading; the unknown vol leaves the others of its grid, so nothing follows from it.
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn text_that_is_not_toml_names_the_file_and_the_line() {
    let issues = Rulebook::parse(FILE, "id = \"mine\"\ntitle =\n").unwrap_err();
    assert_eq!(issues.kept().len(), 1);
    let message = issues.kept()[0].to_string();
    assert!(message.contains(FILE) && message.contains("line 2"), "{message}");
}

/// A table with an order mistake, a deduction mistake before it, coins named twice, a space, a ratio without a word and a venue
/// that is taken: one reading names all of them.
#[test]
fn all_mistakes_of_tiers_are_found_at_once() {
    let sound = r#"
id = "mine"
title = "My own"
engine = "tiered"
venues = []
valid_from = "2026-01-01"
sources = ["me"]
mode = "cross"
liquidation_ratio = 1.05
[collateral]
others = "excluded"
[collateral.rate]
USDT = 1.0
[[level]]
ratio = 1.05
meaning = "stands"
[[level]]
ratio = 0.0
meaning = "falls"
[linear.a]
underlyings = ["BTC"]
from = [0, 100, 200]
leverage = [40, 20, 10]
maintenance = [0.01, 0.02, 0.04]
deductions = [0, 1, 5]
[linear.b]
underlyings = ["ETH"]
from = [0]
leverage = [10]
maintenance = [0.05]
"#;
    assert!(Rulebook::parse(FILE, sound).is_ok(), "{:?}", Rulebook::parse(FILE, sound));
    let wrong = [
        ("venues = []", "venues = [\"okx\"]"),
        ("liquidation_ratio = 1.05", "liquidation_ratio = 5.0"),
        ("USDT = 1.0", "USDT = 1.0\n\"US DT\" = 1.0"),
        ("from = [0, 100, 200]", "from = [0, 100, 50]"),
        ("deductions = [0, 1, 5]", "deductions = [0, 2, 5]"),
        ("underlyings = [\"ETH\"]", "underlyings = [\"BTC\", \"b t c\"]"),
    ];
    let text = wrong.iter().fold(sound.to_owned(), |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "{old}");
        text.replacen(old, new, 1)
    });
    let issues = Rulebooks::embedded().unwrap().add(FILE, &text).unwrap_err();
    let mut found: Vec<&str> = issues.kept().iter().map(|issue| issue.field.as_str()).collect();
    found.sort_unstable();
    let expected = [
        "collateral.rate.US DT",
        "linear.a.deductions",
        "linear.a.from",
        "linear.b.underlyings",
        "linear.b.underlyings",
        "liquidation_ratio",
        "venues",
    ];
    assert_eq!(found, expected, "{issues}");
}

/// A resolution that loses the size would leave the entry cost without a position.
#[test]
fn a_market_of_the_chain_is_as_fine_as_its_price_asks() {
    let text = Rulebooks::embedded_text("dydx-v4").unwrap();
    let coarse = text.replacen("atomic_resolution = -10", "atomic_resolution = 0", 1);
    assert_ne!(coarse, text);
    let issues = Rulebook::parse(FILE, &coarse).unwrap_err();
    let found: Vec<&str> = issues.kept().iter().map(|issue| issue.field.as_str()).collect();
    assert_eq!(found, ["markets.BTC.atomic_resolution"], "{issues}");
}

#[test]
fn a_venue_is_claimed_once_and_an_id_replaces_itself() {
    let mut all = Rulebooks::embedded().unwrap();
    let claims = SOUND.replacen("venues = []", "venues = [\"okx\"]", 1);
    let issues = all.add(FILE, &claims).unwrap_err();
    assert_eq!(issues.kept()[0].field, "venues");
    assert!(issues.kept()[0].rule.contains("okx-pm"), "{issues}");
    all.add(FILE, &claims.replacen("id = \"mine\"", "id = \"okx-pm\"", 1)).unwrap();
    assert_eq!(all.for_account(&account("okx")).unwrap().header.title, "My own");
    let nobody = all.for_account(&account("nowhere")).unwrap_err().to_string();
    assert!(nobody.contains("--rulebook nowhere=ID") && nobody.contains("--rules"), "{nobody}");
}

fn account(venue: &str) -> AccountState {
    AccountState {
        account: Account::new("a").unwrap(),
        venue: Venue::new(venue).unwrap(),
        asof: Timestamp::from_utc_date(2026, 11, 22, 8).unwrap(),
        legs: Vec::new(),
        balances: Vec::new(),
        unmargined: Vec::new(),
    }
}
