use super::{InversePosition, Kind, LinearPosition, NoClosedForm, Tier, Tiers};
use crate::rulebook::{Rulebook, Rulebooks};
use crate::state::{AccountState, Leg, Mark, Move};
use crate::testing::{OptionCase, asset, inverse_perpetual, linear_perpetual, option, state};
use instrument::Settlement;
use proptest::prelude::*;
use units::{Decimal, Forward, OptionKind};

fn tier(from: f64, maintenance_rate: f64, maximum_leverage: f64) -> Tier {
    Tier { from, maintenance_rate, maximum_leverage }
}

fn shipped(id: &str) -> Rulebook {
    Rulebooks::embedded().unwrap().get(id).unwrap().clone()
}

/// A cross account in USDT with one table, and whatever else is given.
fn rulebook(extra: &str) -> Rulebook {
    Rulebook::parse("test.toml", &text(extra)).unwrap()
}

fn text(extra: &str) -> String {
    format!(
        "id = \"test\"\ntitle = \"test\"\nengine = \"tiered\"\nvalid_from = \"2026-01-01\"\nsources = [\"made up\"]\n{extra}"
    )
}

const CROSS: &str = r#"
mode = "cross"
maintenance_of_initial = 0.5
[collateral]
others = "excluded"
[collateral.rate]
USDT = 1.0
BTC = 0.95
[linear.large]
underlyings = ["BTC", "ETH"]
from = [0, 100_000, 1_000_000]
leverage = [40, 20, 10]
"#;

fn mistakes(text: &str) -> Vec<String> {
    Rulebook::parse("test.toml", text).unwrap_err().kept().iter().map(ToString::to_string).collect()
}

fn close(ours: f64, rule: f64) {
    // Products and sums of a few terms: some units of the last place.
    assert!((ours - rule).abs() <= 1e-12 * rule.abs().max(1.0), "{ours} should be {rule}");
}

mod tables {
    use super::*;

    #[test]
    fn deductions_make_maintenance_continuous() {
        let tiers = Tiers::new(&[tier(0.0, 0.0125, 40.0), tier(150e6, 0.025, 20.0), tier(300e6, 0.05, 10.0)])
            .unwrap();
        let second = 150e6 * (0.025 - 0.0125);
        let third = second + 300e6 * (0.05 - 0.025);
        let deductions: Vec<f64> = tiers.rows().map(|(_, deduction)| deduction).collect();
        for (ours, rule) in deductions.iter().zip([0.0, second, third]) {
            close(*ours, rule);
        }
        close(tiers.maintenance(150e6), 150e6 * 0.0125);
        close(tiers.maintenance(200e6), 150e6 * 0.0125 + 50e6 * 0.025);
        close(tiers.maintenance(400e6), 150e6 * 0.0125 + 150e6 * 0.025 + 100e6 * 0.05);
    }

    #[test]
    fn own_leverage_is_kept_up_to_that_of_the_tier() {
        let tiers = Tiers::new(&[tier(0.0, 0.0125, 40.0), tier(150e6, 0.025, 20.0)]).unwrap();
        close(tiers.leverage(1e6, None), 40.0);
        close(tiers.leverage(1e6, Some(5.0)), 5.0);
        close(tiers.leverage(150e6, Some(30.0)), 20.0);
    }

    #[test]
    fn shipped_amounts_of_binance_follow_from_its_rates() {
        let btc = shipped("binance-coinm");
        let tiers = btc.tiered().unwrap().tiers(Kind::Inverse, &asset("BTC")).unwrap();
        let amount = |from: f64| tiers.rows().find(|(tier, _)| (tier.from - from).abs() < 1e-9).unwrap().1;
        // The two amounts that Binance prints; the file has no deductions of its own.
        close(amount(30.0), 0.56);
        close(amount(50.0), 0.56 + 50.0 * (0.05 - 0.025));
    }

    #[test]
    fn the_four_hyperliquid_files_have_one_set_of_tables() {
        let tables = |id: &str| {
            let book = shipped(id);
            book.tiered()
                .unwrap()
                .underlyings()
                .map(|(k, a, t)| (k, a.clone(), t.clone()))
                .collect::<Vec<_>>()
        };
        let first = tables("hyperliquid");
        assert!(first.len() > 40, "{}", first.len());
        for id in ["hyperliquid-isolated", "hyperliquid-unified", "hyperliquid-portfolio"] {
            assert_eq!(tables(id), first, "{id}");
        }
    }
}

mod reading {
    use super::*;

    fn only(text: &str, key: &str, rule: &str) {
        let found = mistakes(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(key) && found[0].contains(rule), "{found:?} should name {key}: {rule}");
    }

    fn changed(from: &str, to: &str) -> String {
        assert!(CROSS.contains(from), "{from}");
        text(&CROSS.replace(from, to))
    }

    #[test]
    fn each_mistake_is_named_with_its_key_and_rule() {
        let froms = "from = [0, 100_000, 1_000_000]";
        let leverages = "leverage = [40, 20, 10]";
        only(
            &changed(froms, "from = [0, 1_000_000, 100_000]"),
            "linear.large.from",
            "tier 3 must begin above tier 2",
        );
        only(&changed(froms, "from = [1, 100_000, 1_000_000]"), "linear.large.from", "must begin at 0");
        only(&changed(leverages, "leverage = [40, 20]"), "linear.large.leverage", "as many entries as from");
        only(
            &changed(leverages, "leverage = [40, 20, 10]\nmaintenance = [0.01, 0.02, 0.2]"),
            "linear.large.maintenance",
            "tier 3: the maintenance rate 0.2 is above the initial rate 0.1",
        );
        only(
            &changed(leverages, "leverage = [40, 20, 10]\nmaintenance = [0.02, 0.01, 0.05]"),
            "linear.large.maintenance",
            "tier 2 must not ask less than tier 1",
        );
        only(
            &changed(leverages, "leverage = [40, 20, 10]\ndeductions = [0, 1250, 26_000]"),
            "linear.large.deductions",
            "tier 3: 26250 follows from the rates",
        );
        only(&changed("mode = \"cross\"", "mode = \"crossed\""), "mode", "one of: cross, separate, isolated");
        only(
            &changed("others = \"excluded\"", "others = \"x\""),
            "collateral.others",
            "excluded, unmargined",
        );
        only(&changed("BTC = 0.95", "BTC = 1.95"), "collateral.rate.BTC", "fraction");
        only(&changed("[\"BTC\", \"ETH\"]", "[\"BTC\", \"BTC\"]"), "underlyings", "BTC stands twice");
        only(&changed("[\"BTC\", \"ETH\"]", "[]"), "underlyings", "at least one");
        only(
            &changed("[linear.large]", "[linear.large]\nrates = 1"),
            "linear.large.rates",
            "is not a parameter",
        );
        only(
            &changed("[collateral]", "[collateral.par]\nUSDT = 1.0\n[collateral]"),
            "collateral.rate",
            "USDT stands under par too",
        );
        only(
            &changed("[linear.large]", "[leverage]\nBTC = 0.5\n[linear.large]"),
            "leverage.BTC",
            "from 1 to 1000",
        );
    }

    #[test]
    fn levels_fall_from_one_to_the_next() {
        let levels = "[[level]]\nratio = 1.0\nmeaning = \"a\"\n[[level]]\nratio = 1.5\nmeaning = \"b\"\n";
        only(&text(&format!("{CROSS}{levels}")), "level[2].ratio", "below the ratio of the level before it");
    }

    #[test]
    fn a_file_without_tables_says_what_to_add() {
        let bare = "mode = \"cross\"\n[collateral]\nothers = \"excluded\"\n";
        only(&text(bare), "linear", "add a table of tiers");
    }

    #[test]
    fn a_missing_list_and_a_rate_above_one_are_two_mistakes_of_one_reading() {
        let two = "mode = \"cross\"\n[collateral]\nothers = \"excluded\"\n[linear.a]\nunderlyings = [\"BTC\"]\nfrom = [0]\n\
                   leverage = [1]\nmaintenance = [1.5]\n[linear.b]\nunderlyings = [\"ETH\"]\nleverage = [1]\nmaintenance = [0.5]\n";
        let found = mistakes(&text(two));
        assert!(
            found.iter().any(|m| m.contains("linear.a.maintenance") && m.contains("fraction from 0 to 1")),
            "{found:?}"
        );
        assert!(found.iter().any(|m| m.contains("linear.b.from") && m.contains("is missing")), "{found:?}");
    }
}

mod accounts {
    use super::*;

    fn long_btc() -> AccountState {
        // 2 coins at 60,000: the first 100,000 USDT of notional at 1/80, the other 20,000 at 1/40.
        state(
            "test",
            vec![linear_perpetual("BTC", "USDT", 2.0, 50_000.0, 60_000.0)],
            &[("USDT", 10_000.0, 1.0)],
        )
    }

    #[test]
    fn a_cross_account_has_balance_gain_and_the_margin_of_its_tier() {
        let outcome = rulebook(CROSS).outcome(&long_btc());
        close(outcome.equity_usd, 10_000.0 + 2.0 * (60_000.0 - 50_000.0));
        close(outcome.counted.maintenance, outcome.equity_usd);
        close(outcome.requirement.initial, 120_000.0 / 20.0);
        close(outcome.requirement.maintenance, 100_000.0 / 80.0 + 20_000.0 / 40.0);
        assert_eq!(outcome.units.len(), 1);
        assert_eq!(outcome.units[0].legs.len(), 1);
        assert!(outcome.unmargined.is_empty() && outcome.notes.is_empty(), "{outcome:?}");
    }

    #[test]
    fn tiers_are_in_the_quote_currency_and_the_figures_in_dollars() {
        let outcome = rulebook(CROSS).outcome(&long_btc().moved(&Move::of(asset("USDT"), 0.8)));
        // The coin keeps its price in USD, so the quoted price is 75,000 USDT of 0.8 USD.
        close(outcome.requirement.maintenance, (100_000.0 / 80.0 + 50_000.0 / 40.0) * 0.8);
        close(outcome.equity_usd, (10_000.0 + 2.0 * (75_000.0 - 50_000.0)) * 0.8);
    }

    #[test]
    fn haircuts_fall_on_assets_and_not_on_debts() {
        let owed = |btc: f64| {
            let state = state("test", vec![], &[("BTC", btc, 60_000.0), ("DOGE", 10.0, 0.1)]);
            rulebook(CROSS).outcome(&state)
        };
        close(owed(2.0).counted.maintenance, 2.0 * 60_000.0 * 0.95);
        close(owed(-2.0).counted.maintenance, -2.0 * 60_000.0);
        close(owed(2.0).equity_usd, 2.0 * 60_000.0 + 1.0);
        // DOGE is excluded by the file: shown, not counted, and not an unknown.
        assert_eq!(owed(2.0).collateral.len(), 2);
        close(owed(2.0).collateral[1].counted.initial, 0.0);
        assert!(owed(2.0).unmargined.is_empty());
    }

    #[test]
    fn assets_without_a_rule_are_named_where_the_file_asks_for_it() {
        let book = rulebook(&CROSS.replace("others = \"excluded\"", "others = \"unmargined\""));
        let outcome = book.outcome(&state("test", vec![], &[("DOGE", 10.0, 0.1), ("USDT", 5.0, 1.0)]));
        assert_eq!(outcome.unmargined.len(), 1);
        assert!(outcome.unmargined[0].reason.contains("[collateral.rate]"), "{outcome:?}");
        close(outcome.counted.initial, 5.0);
    }

    #[test]
    fn what_has_no_table_is_unmargined_with_its_key() {
        let call = OptionCase {
            quantity: 1.0,
            strike: 60_000,
            kind: OptionKind::Call,
            days: 30,
            vol: 0.5,
            forward: 60_000.0,
            index: 60_000.0,
        };
        let legs = vec![
            linear_perpetual("SOL", "USDT", 1.0, 100.0, 200.0),
            inverse_perpetual("BTC", 100.0, 60_000.0, 60_000.0),
            option("BTC", Some("USDT"), call),
        ];
        let outcome = rulebook(CROSS).outcome(&state("test", legs, &[]));
        let reasons: Vec<&str> = outcome.unmargined.iter().map(|u| u.reason.as_str()).collect();
        let parts = [
            "SOL: add it to underlyings under [linear.NAME]",
            "BTC: add it to underlyings under [inverse.NAME]",
            "rulebook for options",
        ];
        for (reason, part) in reasons.iter().zip(parts) {
            assert!(reason.contains(part), "{reason} should say {part}");
        }
        assert_eq!(reasons.len(), 3);
        close(outcome.equity_usd, 0.0);
    }

    #[test]
    fn separate_wallets_do_not_help_one_another() {
        let text = "mode = \"separate\"\nmaintenance_of_initial = 0.5\n[collateral]\nothers = \"excluded\"\n[collateral.rate]\n\
                    BTC = 1.0\nETH = 1.0\n[inverse.a]\nunderlyings = [\"BTC\", \"ETH\"]\nfrom = [0]\nleverage = [50]\n";
        let book = rulebook(text);
        let legs = || {
            vec![
                inverse_perpetual("BTC", 60_000.0, 60_000.0, 60_000.0),
                inverse_perpetual("ETH", 30_000.0, 3000.0, 3000.0),
            ]
        };
        let with = |btc: f64, eth: f64| {
            book.outcome(&state("test", legs(), &[("BTC", btc, 60_000.0), ("ETH", eth, 3000.0)]))
                .surplus()
                .maintenance
        };
        let (btc, eth) = (60_000.0 * 0.01, 30_000.0 * 0.01);
        close(with(1.0, 1.0), 3000.0 - eth);
        close(with(0.001, 1.0), 0.001 * 60_000.0 - btc);
        close(with(0.001, 0.01), (0.001 * 60_000.0 - btc) + (0.01 * 3000.0 - eth));
        let outcome = book.outcome(&state("test", legs(), &[("BTC", 1.0, 60_000.0), ("ETH", 1.0, 3000.0)]));
        assert_eq!(outcome.units.iter().map(|u| u.name.as_str()).collect::<Vec<_>>(), ["BTC", "ETH"]);
        close(outcome.equity_usd, 63_000.0);
    }

    #[test]
    fn an_isolated_wallet_is_its_raw_ledger_and_one_position() {
        let book = shipped("hyperliquid-isolated");
        let leg = linear_perpetual("BTC", "USDC", 0.5, 90_000.0, 80_000.0);
        // Margin 10,000 put in, 45,000 paid: raw -35,000; worth 40,000 today.
        let one = book.outcome(&state("hyperliquid", vec![leg.clone()], &[("USDC", -35_000.0, 1.0)]));
        close(one.equity_usd, 0.5 * 80_000.0 - 35_000.0);
        close(one.requirement.maintenance, 40_000.0 / 80.0);
        let two = vec![leg, linear_perpetual("ETH", "USDC", 1.0, 3000.0, 3000.0)];
        assert_eq!(book.outcome(&state("hyperliquid", two, &[])).unmargined.len(), 2);
    }

    #[test]
    fn a_stablecoin_at_par_counts_in_full_when_it_falls() {
        let mut leg = linear_perpetual("BTC", "USDC", 1.0, 78_000.0, 80_000.0);
        // As the venue lists it: quoted in USD, paid in USDC.
        leg.contract.settlement = Settlement::Quanto { currency: asset("USDC"), multiplier: Decimal::ONE };
        let account = state("hyperliquid", vec![leg], &[("USDC", 10_000.0, 1.0)]);
        let fallen = account.moved(&Move::of(asset("USDC"), 0.9));
        let outcome = shipped("hyperliquid").outcome(&fallen);
        close(outcome.equity_usd, 0.9 * (10_000.0 + 2000.0));
        close(outcome.counted.maintenance, 10_000.0 + 2000.0);
        close(outcome.requirement.maintenance, 80_000.0 / 80.0);
        let price = |state: &AccountState| {
            shipped("hyperliquid").tiered().unwrap().liquidation_price(state, 0).unwrap().unwrap()
        };
        close(price(&fallen), price(&account));
    }

    #[test]
    fn withdrawals_leave_a_tenth_of_the_notional_in_a_figure_of_its_own() {
        let legs = vec![linear_perpetual("BTC", "USDC", 1.0, 80_000.0, 80_000.0)];
        let outcome = shipped("hyperliquid").outcome(&state("hyperliquid", legs, &[("USDC", 10_000.0, 1.0)]));
        close(outcome.requirement.initial, 80_000.0 / 40.0);
        let transfer = outcome.units.iter().find(|unit| unit.name == "transfer").unwrap();
        close(transfer.requirement.initial, 8000.0);
        assert!(outcome.notes.iter().any(|note| note.contains("not added up")));
    }

    #[test]
    fn the_ratio_of_portfolio_margin_is_named_and_liquidates_at_its_level() {
        let legs = vec![linear_perpetual("BTC", "USDT", 0.5, 60_000.0, 60_000.0)];
        let maintenance = 30_000.0 * 0.004;
        let with = |usdt: f64| {
            shipped("binance-pm").outcome(&state("binance", legs.clone(), &[("USDT", usdt, 1.0)]))
        };
        let named = |usdt: f64, word: &str| with(usdt).notes.iter().any(|note| note.ends_with(word));
        assert!(named(1.6 * maintenance, "free to transfer"));
        assert!(named(1.3 * maintenance, "no transfers out"));
        assert!(named(1.06 * maintenance, "reduce only"));
        assert!(named(1.04 * maintenance, "liquidation"));
        close(with(1.05 * maintenance).surplus().maintenance, 0.0);
    }

    #[test]
    fn portfolio_margin_lends_against_coins_and_liquidates_by_its_ratio() {
        let book = shipped("hyperliquid-portfolio");
        let at = |usdc: f64, hype: f64| {
            let legs = vec![linear_perpetual("BTC", "USDC", 1.0, 80_000.0, 80_000.0)];
            book.outcome(&state("hyperliquid", legs, &[("USDC", usdc, 1.0), ("HYPE", hype, 40.0)]))
        };
        let maintenance = 80_000.0 / 80.0;
        let value = 100.0 * 40.0 * (1.0 + 0.65) / 2.0;
        // Cash covers the maintenance: nothing is borrowed.
        let rich = at(5000.0, 100.0);
        close(rich.surplus().maintenance, 0.95 * (5000.0 + value) - (20.0 + maintenance));
        close(rich.counted.initial, 5000.0 + 100.0 * 40.0 * 0.65);
        assert!(rich.notes.iter().any(|note| note.contains("at maintenance 0.95 of")), "{:?}", rich.notes);
        // A debt of 500: maintenance and debt are borrowed, and the borrowed money is there.
        let poor = at(-500.0, 100.0);
        let borrowed = maintenance + 500.0;
        close(
            poor.surplus().maintenance,
            0.95 * (-500.0 + borrowed + value) - (20.0 + maintenance + borrowed),
        );
        let sum: f64 = poor.units[0].charges.iter().map(|charge| charge.usd.maintenance).sum();
        close(sum, 20.0 + borrowed);
    }

    #[test]
    fn an_unknown_entry_and_a_leverage_above_the_tier_are_noted() {
        let mut leg = linear_perpetual("BTC", "USDT", 2.0, 60_000.0, 60_000.0);
        leg.entry_value = None;
        let book = rulebook(&format!("{CROSS}[leverage]\nBTC = 30\n"));
        let outcome = book.outcome(&state("test", vec![leg], &[("USDT", 1.0, 1.0)]));
        assert!(outcome.notes.iter().any(|note| note.contains("entry unknown")), "{outcome:?}");
        assert!(outcome.notes.iter().any(|note| note.contains("limited to 20")), "{outcome:?}");
        close(outcome.requirement.initial, 120_000.0 / 20.0);
    }
}

mod prices {
    use super::*;

    #[test]
    fn the_published_formulas_are_this_one() {
        let tiers = Tiers::new(&[tier(0.0, 0.004, 125.0), tier(50_000.0, 0.005, 100.0)]).unwrap();
        // Binance USD-M one-way: (WB - TMM + UPNL + cum - side q EP) / (q MMR - side q), amount 50 in the second tier.
        let (wallet, quantity, entry) = (20_000.0, 3.0, 60_000.0);
        let long = LinearPosition { quantity, price: entry, available: wallet };
        let rule = (wallet + 50.0 - quantity * entry) / (quantity * 0.005 - quantity);
        close(long.liquidation_price(&tiers).unwrap(), rule);
        // COIN-M: (q MMR cs + side q cs) / (WB + cum + side q cs / EP), first tier in coins.
        let coins = Tiers::new(&[tier(0.0, 0.004, 125.0)]).unwrap();
        let face = 100.0 * 100.0;
        for side in [1.0, -1.0] {
            let position =
                InversePosition { quantity_usd: side * face, price: 25_000.0, available_coin: 0.1 };
            let rule = (face * 0.004 + side * face) / (0.1 + side * face / 25_000.0);
            close(position.liquidation_price(&coins).unwrap(), rule);
        }
        // Hyperliquid: price - side available / size / (1 - l side), available after all maintenance.
        let single = Tiers::new(&[tier(0.0, 0.5 / 40.0, 40.0)]).unwrap();
        let short = LinearPosition { quantity: -2.0, price: 80_000.0, available: 30_000.0 };
        let after = 30_000.0 - 160_000.0 / 80.0;
        close(short.liquidation_price(&single).unwrap(), 80_000.0 + after / 2.0 / (1.0 + 1.0 / 80.0));
    }

    #[test]
    fn there_is_none_when_equity_covers_every_price() {
        let tiers = Tiers::new(&[tier(0.0, 0.01, 50.0)]).unwrap();
        let long = LinearPosition { quantity: 1.0, price: 100.0, available: 100.0 };
        assert_eq!(long.liquidation_price(&tiers), None);
        // A coin account short in its coin, 1 coin for a face value of 1 coin: it only holds dollars.
        let hedged = InversePosition { quantity_usd: -100.0, price: 100.0, available_coin: 1.0 };
        assert_eq!(hedged.liquidation_price(&tiers), None);
        let open = InversePosition { quantity_usd: -100.0, price: 100.0, available_coin: 0.9 };
        close(open.liquidation_price(&tiers).unwrap(), 100.0 * (0.01 - 1.0) / (0.9 - 1.0));
    }

    #[test]
    fn an_account_refuses_where_there_is_no_closed_form() {
        let btc = || vec![linear_perpetual("BTC", "USDT", 1.0, 60_000.0, 60_000.0)];
        let cash = |legs: Vec<Leg>| state("test", legs, &[("USDT", 5000.0, 1.0)]);
        let error = |book: &Rulebook, state: &AccountState| {
            book.tiered().unwrap().liquidation_price(state, 0).unwrap_err()
        };
        assert_eq!(error(&shipped("binance-pm"), &cash(btc())), NoClosedForm::Ratio);
        assert_eq!(error(&rulebook(CROSS), &cash(vec![])), NoClosedForm::NotMargined);
        let haircut = rulebook(&CROSS.replace("USDT = 1.0", "USDT = 0.99"));
        assert_eq!(error(&haircut, &cash(btc())), NoClosedForm::Haircut);
    }
}

/// One to five tiers with rising bounds and rates.
fn any_tiers() -> impl Strategy<Value = Tiers> {
    prop::collection::vec((0.01f64..3.0, 1.05f64..2.0), 1..6).prop_map(|steps| {
        let (mut from, mut rate) = (0.0, 0.002);
        let mut tiers = Vec::new();
        for (step, rise) in steps {
            tiers.push(tier(from, rate, 0.5 / rate));
            from += step * 50_000.0;
            rate *= rise;
        }
        Tiers::new(&tiers).unwrap()
    })
}

/// Prices from 1e-4 to 1e4 times a price, nearest first on either side.
fn outward(price: f64) -> impl Iterator<Item = f64> {
    (-2000i32..=2000).map(move |step| price * pricing::kernel::exp(f64::from(step) * 0.0046))
}

/// The signs on a grid must be one on either side of the answer, and one everywhere without an answer.
fn only_crossing(margin: impl Fn(f64) -> f64, start: f64, answer: Option<f64>) -> Result<(), TestCaseError> {
    let sign = |price: f64| margin(price) > 0.0;
    match answer {
        Some(answer) => {
            let (below, above) = (sign(answer * (1.0 - 1e-6)), sign(answer * (1.0 + 1e-6)));
            prop_assert_ne!(below, above, "no crossing at {}", answer);
            for price in outward(start).filter(|p| (p / answer - 1.0).abs() > 1e-6) {
                prop_assert_eq!(sign(price), if price < answer { below } else { above }, "at {}", price);
            }
        }
        None => {
            let all: Vec<bool> = outward(start).map(sign).collect();
            prop_assert!(all.iter().all(|s| *s == all[0]), "a crossing was missed");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn linear_answers_are_the_only_crossing(
        tiers in any_tiers(),
        size in 0.01f64..100.0,
        short in any::<bool>(),
        cover in -0.5f64..1.5,
    ) {
        let price = 3000.0;
        let quantity = if short { -size } else { size };
        let position = LinearPosition { quantity, price, available: cover * size * price };
        let answer = position.liquidation_price(&tiers);
        if let Some(answer) = answer {
            // Terms of the size of both notionals cancel at the answer.
            let scale = size * price.max(answer);
            prop_assert!(position.margin_at(answer, &tiers).abs() <= 1e-9 * scale);
        }
        only_crossing(|p| position.margin_at(p, &tiers), price, answer)?;
    }

    #[test]
    fn inverse_answers_are_the_only_crossing(
        tiers in any_tiers(),
        size in 0.01f64..100.0,
        short in any::<bool>(),
        cover in -0.5f64..1.5,
    ) {
        // Coins of 0.02 USD, so that notionals in coins meet the tiers.
        let price = 0.02;
        let face = size * 3000.0 * price;
        let quantity_usd = if short { -face } else { face };
        let position = InversePosition { quantity_usd, price, available_coin: cover * face / price };
        let answer = position.liquidation_price(&tiers);
        if let Some(answer) = answer {
            let scale = face / price.min(answer);
            prop_assert!(position.margin_at(answer, &tiers).abs() <= 1e-9 * scale);
        }
        only_crossing(|p| position.margin_at(p, &tiers), price, answer)?;
    }

    #[test]
    fn maintenance_is_continuous_convex_and_within_initial(tiers in any_tiers(), notional in 0.0f64..1e6) {
        for (tier, _) in tiers.rows() {
            let (before, after) = (tiers.maintenance(tier.from * (1.0 - 1e-12)), tiers.maintenance(tier.from));
            // A step of 1e-12 in the notional changes it by less than that, and rounding by as much.
            prop_assert!((after - before).abs() <= 4e-12 * tier.from);
        }
        let maintenance = tiers.maintenance(notional);
        prop_assert!(maintenance >= 0.0);
        prop_assert!(maintenance <= notional / tiers.leverage(notional, None) * (1.0 + 1e-12));
        // Splitting a position over two accounts never asks more.
        let halves = 2.0 * tiers.maintenance(notional / 2.0);
        prop_assert!(halves <= maintenance + 1e-12 * notional);
    }

    #[test]
    fn collateral_never_raises_a_requirement(
        quantity in -5.0f64..5.0,
        usdt in -1e5f64..1e5,
        btc in -2.0f64..2.0,
        more in 0.0f64..1e5,
    ) {
        for book in [rulebook(CROSS), shipped("binance-pm"), shipped("hyperliquid-portfolio"), shipped("hyperliquid-unified")] {
            let money = if book.header.id.starts_with("hyper") { "USDC" } else { "USDT" };
            let with = |amount: f64| {
                let legs = vec![linear_perpetual("BTC", money, quantity, 55_000.0, 60_000.0)];
                book.outcome(&state("test", legs, &[("BTC", btc, 60_000.0), ("HYPE", 10.0, 40.0), (money, amount, 1.0)]))
            };
            let (before, after) = (with(usdt), with(usdt + more));
            prop_assert!(after.requirement.initial <= before.requirement.initial);
            prop_assert!(after.requirement.maintenance <= before.requirement.maintenance);
            // Sums of a few terms of at most a million.
            prop_assert!(after.surplus().maintenance >= before.surplus().maintenance - 1e-9);
        }
    }

    #[test]
    fn the_account_is_at_maintenance_at_its_closed_form_price(
        quantity in prop_oneof![-5.0f64..-0.01, 0.01f64..5.0],
        other in -20.0f64..20.0,
        usdt in 1e4f64..1e5,
    ) {
        let legs = vec![
            linear_perpetual("BTC", "USDT", quantity, 55_000.0, 60_000.0),
            linear_perpetual("ETH", "USDT", other, 3100.0, 3000.0),
        ];
        let book = rulebook(CROSS);
        let account = state("test", legs, &[("USDT", usdt, 1.0)]);
        if let Some(price) = book.tiered().unwrap().liquidation_price(&account, 0).unwrap() {
            let mut there = account;
            there.legs[0].mark = Mark::Perpetual { price: Forward::new(price).unwrap() };
            let surplus = book.outcome(&there).surplus().maintenance;
            prop_assert!(surplus.abs() <= 1e-9 * (quantity.abs() * price.max(60_000.0) + usdt), "{surplus} at {price}");
        }
    }

    #[test]
    fn an_inverse_account_is_at_maintenance_at_its_closed_form_price(
        quantity in prop_oneof![-2e6f64..-100.0, 100.0f64..2e6],
        coins in 0.1f64..40.0,
    ) {
        let legs = vec![inverse_perpetual("BTC", quantity, 55_000.0, 60_000.0)];
        let book = shipped("binance-coinm");
        let account = state("binance", legs, &[("BTC", coins, 60_000.0)]);
        let answer = book.tiered().unwrap().liquidation_price(&account, 0).unwrap();
        if let Some(price) = answer.filter(|price| (1.0..1e7).contains(price)) {
            let surplus = book.outcome(&account.moved(&Move::coins(price / 60_000.0))).surplus().maintenance;
            prop_assert!(surplus.abs() <= 1e-9 * (quantity.abs() + coins * price), "{surplus} at {price}");
        }
    }
}
