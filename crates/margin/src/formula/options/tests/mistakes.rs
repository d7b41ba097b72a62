//! Every mistake of a file is reported at once, by its key.

use crate::rulebook::Rulebook;

const HEADER: &str =
    "id = \"t\"\ntitle = \"t\"\nengine = \"options\"\nvalid_from = \"2026-01-01\"\nsources = [\"s\"]\n";
const ACCOUNT: &str = "[account]\nwallets = \"separate\"\noption_value = \"excluded\"\n";
const RULE: &str = "[short_option]\nreference = \"index\"\ninitial_price = \"mark\"\n\
                    mark_scales_maintenance = \"puts\"\ninitial_floor = \"none\"\n";
const BTC: &str = "[short_option.coefficients.BTC]\ninitial = 0.15\ninitial_min = 0.1\nmaintenance = 0.075\n";
const FUTURE: &str = "[future.BTC]\ninitial_base = 0.02\ninitial_per_coin = 0.1\nmaintenance_base = 0.01\n\
                      maintenance_per_coin = 0.1\n";

fn file(parts: &[&str]) -> String {
    format!("{HEADER}{}", parts.concat())
}

fn mistakes(text: &str) -> Vec<String> {
    match Rulebook::parse("t.toml", text) {
        Ok(_) => Vec::new(),
        Err(issues) => issues.kept().iter().map(ToString::to_string).collect(),
    }
}

/// The sound file with one replacement has exactly one mistake, which names the key and says the rule.
fn assert_one(from: &str, to: &str, key: &str, rule: &str) {
    let sound = file(&[ACCOUNT, RULE, BTC, FUTURE]);
    assert!(sound.contains(from), "{from}");
    let found = mistakes(&sound.replacen(from, to, 1));
    let [message] = found.as_slice() else { panic!("{to}: one mistake, not {found:?}") };
    assert!(message.contains(key) && message.contains(rule), "{message} should name {key}: {rule}");
}

#[test]
fn a_sound_file_has_none() {
    assert_eq!(mistakes(&file(&[ACCOUNT, RULE, BTC, FUTURE])), Vec::<String>::new());
    assert_eq!(mistakes(&file(&[ACCOUNT, RULE, BTC])), Vec::<String>::new());
}

#[test]
fn each_mistake_is_named_by_its_key() {
    let btc = "short_option.coefficients.BTC";
    let initial = format!("{btc}.initial");
    let minimum = format!("{btc}.initial_min");
    let maintenance = format!("{btc}.maintenance");
    assert_one("initial = 0.15", "initial = -0.15", &initial, "fraction from 0 to 1");
    assert_one("maintenance = 0.075", "maintenance = 7.5", &maintenance, "fraction from 0 to 1");
    assert_one("maintenance = 0.075\n", "", &maintenance, "is missing");
    assert_one("initial_min = 0.1\n", "initial_min = 0.07\n", &minimum, "must not be below maintenance");
    assert_one("initial = 0.15", "initial = 0.09", &initial, "must not be below initial_min");
    assert_one(
        "initial_min = 0.1\n",
        "initial_min = 0.1\nmin = 1\n",
        &format!("{btc}.min"),
        "is not a parameter",
    );
    assert_one(
        "maintenance = 0.075",
        "maintenance = 0.075\nmaintenance_min = 0.08",
        &maintenance,
        "must not be below maintenance_min",
    );
    assert_one(
        "initial_floor = \"none\"",
        "initial_floor = \"none\"\nliquidation_fee = 0.03",
        &minimum,
        "liquidation_fee",
    );
    assert_one(
        "[short_option.coefficients.BTC]",
        "[short_option.coefficients.\"B,C\"]",
        "coefficients.B,C",
        "asset",
    );
    assert_one("reference = \"index\"", "reference = \"spot\"", "short_option.reference", "index, forward");
    assert_one("wallets = \"separate\"", "wallets = \"both\"", "account.wallets", "separate, pooled");
    assert_one("wallets = \"separate\"", "wallets = \"pooled\"", "collateral", "is missing");
    assert_one("initial_base = 0.02", "initial_base = 0.005", "future.BTC.initial_base", "maintenance_base");
    assert_one(
        "maintenance_per_coin = 0.1",
        "maintenance_per_coin = 0.2",
        "future.BTC.initial_per_coin",
        "must not be below",
    );
    assert_one(ACCOUNT, "", "account", "is missing");
    assert_one(BTC, "", "short_option.coefficients", "is missing");
}

#[test]
fn tiers_and_curves_ascend_from_zero() {
    for (tiers, key) in [
        ("[{ above_coin = 1.0, factor = 1.0 }]", "tiers[1].above_coin"),
        ("[{ above_coin = 0.0, factor = 1.0 }, { above_coin = 0.0, factor = 1.0 }]", "tiers[2].above_coin"),
        ("[{ above_coin = 0.0, factor = 1.2 }, { above_coin = 5.0, factor = 1.1 }]", "tiers[2].factor"),
        ("[{ above_coin = 0.0, factor = 0.0 }]", "tiers[1].factor"),
    ] {
        assert_one("maintenance = 0.075", &format!("maintenance = 0.075\ntiers = {tiers}"), key, "must");
    }
    let point = |points: &str| format!("[future.BTC]\nmaintenance_of_initial = 0.5\nleverage = {points}\n");
    for (curve, key) in [
        (point("[]"), "future.BTC.leverage"),
        (point("[{ size_coin = 1.0, leverage = 50.0 }]"), "leverage[1].size_coin"),
        (
            point("[{ size_coin = 0.0, leverage = 50.0 }, { size_coin = 0.0, leverage = 20.0 }]"),
            "leverage[2].size_coin",
        ),
        (
            point("[{ size_coin = 0.0, leverage = 50.0 }, { size_coin = 9.0, leverage = 60.0 }]"),
            "leverage[2].leverage",
        ),
        (point("[{ size_coin = 0.0, leverage = -1.0 }]"), "leverage[1].leverage"),
        (point("[{ size_coin = 0.0, leverage = 1.0 }]\ninitial_base = 0.02"), "future.BTC.initial_base"),
    ] {
        let found = mistakes(&file(&[ACCOUNT, RULE, BTC, &curve]));
        assert!(found.iter().any(|message| message.contains(key)), "{curve}: {found:?}");
    }
}

#[test]
fn collateral_is_checked_and_belongs_to_pooled_wallets() {
    let pooled = ACCOUNT.replace("separate", "pooled");
    let collateral = "[collateral.ETH]\nhaircut_initial = 0.1\nhaircut_maintenance = 0.0\n";
    assert_eq!(mistakes(&file(&[&pooled, RULE, BTC, collateral])), Vec::<String>::new());
    let found = mistakes(&file(&[ACCOUNT, RULE, BTC, collateral]));
    assert!(found.len() == 1 && found[0].contains("is for pooled wallets"), "{found:?}");
    let backwards = collateral.replace("maintenance = 0.0", "maintenance = 0.2");
    let found = mistakes(&file(&[&pooled, RULE, BTC, &backwards]));
    assert!(found.len() == 1 && found[0].contains("collateral.ETH.haircut_initial"), "{found:?}");
    let twice = format!("{collateral}{}", collateral.replace("ETH", "eth"));
    let found = mistakes(&file(&[&pooled, RULE, BTC, &twice]));
    assert!(
        found.len() == 1 && found[0].contains("collateral.eth") && found[0].contains("twice"),
        "{found:?}"
    );
}

#[test]
fn all_mistakes_are_found_in_one_reading() {
    let text = file(&[
        "[account]\nwallets = \"x\"\noption_value = 1\n",
        "[short_option]\nreference = \"index\"\ninitial_price = \"last\"\nmark_scales_maintenance = \"puts\"\n",
        "[short_option.coefficients.BTC]\ninitial = -0.15\ninitial_min = 0.1\nmaintenance = 0.2\n",
        "[short_option.coefficients.ETH]\ninitial = 0.15\n",
        "[future.BTC]\ninitial_base = \"2 %\"\n[stray]\nx = 1\n",
    ]);
    let found = mistakes(&text).join("\n");
    for key in [
        "account.wallets",
        "account.option_value",
        "short_option.initial_price",
        "short_option.initial_floor",
        "short_option.coefficients.BTC.initial ",
        "short_option.coefficients.ETH.initial_min",
        "short_option.coefficients.ETH.maintenance",
        "future.BTC.initial_base",
        "future.BTC.maintenance_per_coin",
        "stray",
    ] {
        assert!(found.contains(key), "{key} is not in\n{found}");
    }
}
