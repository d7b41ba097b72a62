//! PMRM, the first version: portfolios with 18-digit integers, and portfolios whose margins are whole dollars.
//!
//! The files carry feeds and results but not the parameters of the tests: [`model`] has them, from the repository's test set-up
//! (shared reference, protocol margin, section 1.3), the depeg threshold and factor from the file's own loss factor of 1.46 at a
//! stable price of 0.9.

use super::{Expiry, Holding, Leg, Portfolio, list, relative};
use crate::conformance::result::{Comparison, Group};
use crate::conformance::vectors::{CaseError, number, text};
use ::margin::Levels;
use ::margin::scenario::Follows;
use ::margin::scenario::model::{
    ByAsset, ChargeKind, ChargeRule, CollateralRule, Combine, DiscountLaw, DoubtedHoldings, Factors,
    ForwardContingency, Numeraire, Offset, Place, Rates, RelativeVol, Scenario, ScenarioModel, SpotMove,
    StaticDiscount, Table, UnitBy, VolMove, VolShock, Weight,
};
use serde_json::Value;
use units::OptionKind;

pub(super) const WHOLE_REASON: &str = "whole dollars, cut toward zero after rounding at 1e-9 of a dollar: the protocol's 18 \
    digits hold 825 where binary floating point may hold 824.9999999999";
/// Fixed point of the first file.
const WEI: f64 = 1e18;
/// Fixed point of the second.
const CENTI_MICRO: f64 = 1e8;

/// What the two sets of tests set differently.
struct Config {
    /// On perpetuals and base.
    size_rate: f64,
    discount_add: f64,
    confidence_factor: f64,
}

/// Of the 18-digit set.
const VERIFY: Config = Config { size_rate: 0.02, discount_add: 0.05, confidence_factor: 0.5 };
/// Of the whole-dollar set: read off its cases (a base of 2000 USD asks 350 for 15 % and 2.5 %, and 720 at a confidence of 0.1;
/// a box of 1000 USD in 10.3 days is worth 0.95 exp(-0.2 T)).
const WHOLE: Config = Config { size_rate: 0.025, discount_add: 0.12, confidence_factor: 0.4 };

fn model(config: &Config) -> ScenarioModel {
    let mut scenarios = Vec::new();
    for step in -3_i32..=3 {
        for vol in [VolMove::Up, VolMove::Same, VolMove::Down] {
            scenarios.push(Scenario {
                name: format!("{:+} %", step * 5),
                spot: SpotMove::Relative(f64::from(step) * 0.05),
                vol,
                days: 0.0,
                weight: Weight::Fixed(1.0),
                table: Table::Standard,
            });
        }
    }
    let rate = |rate| Rates { initial: rate, maintenance: rate };
    let scaled = |name: &str, kind| ChargeRule { name: name.into(), place: Place::Scaled, kind };
    ScenarioModel {
        underlyings: Vec::new(),
        unit_by: UnitBy::Underlying,
        combine: Combine::Sum,
        numeraire: Numeraire::Usd,
        scenarios,
        price_range: ByAsset::all(1.0),
        vol_shock: VolShock {
            relative: Some(RelativeVol {
                range_up: 0.45,
                range_down: 0.3,
                short_term_power: 0.3,
                long_term_power: 0.13,
                floor_days: 1.0,
                least_vol_up: 0.0,
            }),
            percent: Vec::new(),
            points: Vec::new(),
        },
        skew: None,
        static_discount: Some(StaticDiscount {
            long: DiscountLaw { base: 0.95, rate_multiple: 4.0, rate_add: config.discount_add },
            short: None,
        }),
        forward_contingency: Some(ForwardContingency { up: 0.05, down: -0.05, add: 0.25, per_year: 0.01 }),
        offset: Offset::default(),
        charges: vec![
            scaled("perpetuals", ChargeKind::Futures { rate: rate(config.size_rate), perpetuals_only: true }),
            scaled("base", ChargeKind::Holdings(rate(config.size_rate))),
            scaled("naked options", ChargeKind::NakedOptions(rate(0.01))),
            ChargeRule {
                name: "oracle confidence".into(),
                place: Place::Added,
                kind: ChargeKind::Confidence {
                    threshold: 0.6,
                    factor: config.confidence_factor,
                    holdings: DoubtedHoldings::WithFutures,
                },
            },
        ],
        factor: Factors { initial: 1.3, maintenance: 1.0, depeg_threshold: 0.98, depeg_factor: 2.0 },
        collateral: CollateralRule::default(),
        borrow: None,
    }
}

/// Every test of the file.
pub(super) fn verify(file: &Value, group: &mut Group) {
    let model = model(&VERIFY);
    let Some(cases) = file.as_object().filter(|cases| !cases.is_empty()) else {
        group.fault("file", "has no tests");
        return;
    };
    for (name, case) in cases {
        if let Err(error) = verify_one(&model, name, case, group) {
            group.fault(name, error.to_string());
        }
    }
}

fn verify_one(model: &ScenarioModel, name: &str, case: &Value, group: &mut Group) -> Result<(), CaseError> {
    let scenario = case.get("Scenario").ok_or(CaseError::Text("Scenario"))?;
    let theirs = case.get("Result").ok_or(CaseError::Text("Result"))?;
    let ours = portfolio(scenario)?.margin(model)?;
    let [perpetuals, base, naked, confidence] = ours.scratch.charges() else {
        return Err(CaseError::Text("charges"));
    };
    let Some((forward, scenarios)) = ours.scratch.pnl().split_last() else {
        return Err(CaseError::Text("pnl"));
    };
    // The file's worst case leaves out the forward contingency, which its margins have.
    let worst = scenarios.iter().copied().fold(0.0, f64::min);
    for (key, ours_is) in [
        ("InitialMarginHand", ours.surplus.initial),
        ("InitialMarginCalc", ours.surplus.initial),
        ("MaintenanceMarginHand", ours.surplus.maintenance),
        ("MaintenanceMarginCalc", ours.surplus.maintenance),
        ("PortfolioMTM", ours.mark_to_market),
        ("MinSpan", worst),
        ("ForwardContingency", *forward),
        ("PerpContingency", -perpetuals.maintenance),
        ("BaseContingency", -base.maintenance),
        ("OptionContingency", -naked.maintenance),
        ("OracleContingency", -confidence.initial),
    ] {
        let theirs = number(theirs, key)? / WEI;
        relative(group, ours.gross, ours_is, theirs, || format!("{name} {key}"));
    }
    Ok(())
}

fn wei(row: &Value, key: &str) -> Result<f64, CaseError> {
    Ok(number(row, key)? / WEI)
}

fn portfolio(s: &Value) -> Result<Portfolio, CaseError> {
    let spot = wei(s, "SpotPrice")?;
    let stable = wei(s, "StablePrice")?;
    let column = |key: &'static str| -> Result<Vec<f64>, CaseError> {
        let parse = |v: &Value| v.to_string().parse::<f64>().map_err(|_| CaseError::Number(key.to_owned()));
        list(s, key)?.iter().map(parse).collect()
    };
    let seconds = column("OptionExpiries")?;
    let (strikes, calls) = (column("OptionStrikes")?, column("OptionIsCall")?);
    let (amounts, vols) = (column("OptionAmounts")?, column("OptionVols")?);
    let (fixed, variable) = (column("ForwardsFixed")?, column("ForwardsVariable")?);
    let (rates, rate_confidences) = (column("Rates")?, column("RateConfidences")?);
    let (forward_confidences, vol_confidences) =
        (column("ForwardConfidences")?, column("OptionVolConfidences")?);
    let at = |column: &[f64], i: usize| {
        column.get(i).copied().ok_or_else(|| CaseError::Number(format!("columns of option {i}")))
    };
    let mut expiries: Vec<Expiry> = Vec::new();
    for (i, seconds) in seconds.iter().enumerate() {
        let leg = Leg {
            strike: at(&strikes, i)? / WEI,
            kind: if at(&calls, i)? > 0.5 { OptionKind::Call } else { OptionKind::Put },
            vol: at(&vols, i)? / WEI,
            amount: at(&amounts, i)? / WEI,
        };
        let confidence =
            at(&forward_confidences, i)?.min(at(&rate_confidences, i)?).min(at(&vol_confidences, i)?);
        let known = expiries.iter_mut().find(|expiry| expiry.seconds.to_bits() == seconds.to_bits());
        match known {
            Some(expiry) => {
                expiry.confidence = expiry.confidence.min(confidence / WEI);
                expiry.options.push(leg);
            }
            None => expiries.push(Expiry {
                seconds: *seconds,
                forward_fixed: at(&fixed, i)? / WEI,
                forward_variable: at(&variable, i)? / WEI,
                rate: at(&rates, i)? / WEI,
                discount: 1.0,
                confidence: confidence / WEI,
                options: vec![leg],
            }),
        }
    }
    expiries.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    Ok(Portfolio {
        spot,
        spot_confidence: wei(s, "SpotConfidence")?,
        stable,
        cash: wei(s, "Cash")?,
        perpetuals: wei(s, "Perps")?,
        perpetual_price: wei(s, "PerpPrice")?,
        perpetual_confidence: wei(s, "PerpConfidence")?,
        unsettled: wei(s, "UnrealisedPerpPNL")? + wei(s, "UnrealisedFunding")?,
        expiries,
        holdings: base(wei(s, "Base")?, spot / stable),
    })
}

fn base(amount: f64, price: f64) -> Vec<Holding> {
    let (confidence, follows, haircut) = (1.0, Follows::Index, Levels::default());
    let holding = Holding { amount, coins: 1.0, price, confidence, follows, haircut };
    if amount == 0.0 { Vec::new() } else { vec![holding] }
}

/// Every case of the file.
pub(super) fn whole_dollars(file: &Value, group: &mut Group) {
    let model = model(&WHOLE);
    let Ok(cases) = list(file, "cases") else {
        group.fault("file", "has no cases");
        return;
    };
    for case in cases {
        let name = text(case, "name").unwrap_or("case without a name");
        let compared = held_and_expected(case).and_then(|(held, expected)| {
            whole(&model, Whole { name, held, expected, file, feeds: feeds(case)? }, group)
        });
        if let Err(error) = compared {
            group.fault(name, error.to_string());
        }
    }
}

fn held_and_expected(case: &Value) -> Result<(&Value, &Value), CaseError> {
    let held = case.get("portfolio").ok_or(CaseError::Text("portfolio"))?;
    Ok((held, case.get("expected").ok_or(CaseError::Text("expected"))?))
}

fn feeds(case: &Value) -> Result<&Value, CaseError> {
    case.get("environment").ok_or(CaseError::Text("environment"))
}

/// Every case of a file without feeds, with those of the case of the same name in a file that has them.
pub(super) fn bare(file: &Value, with_feeds: &[Value], group: &mut Group) {
    let model = model(&WHOLE);
    for (name, held) in file.as_object().into_iter().flatten() {
        let twins = with_feeds
            .iter()
            .flat_map(|file| list(file, "cases").unwrap_or_default().iter().map(move |case| (file, case)));
        let Some((file, twin)) =
            twins.into_iter().find(|(_, case)| text(case, "name").is_ok_and(|n| n == name))
        else {
            group.not_compared("no file with feeds has a case of this name", 1);
            continue;
        };
        let expected = held.get("results").or(held.get("result")).ok_or(CaseError::Text("results"));
        let compared = expected.and_then(|expected| {
            whole(&model, Whole { name, held, expected, file, feeds: feeds(twin)? }, group)
        });
        if let Err(error) = compared {
            group.fault(name, error.to_string());
        }
    }
}

/// A portfolio in whole dollars.
#[derive(Clone, Copy)]
struct Whole<'a> {
    name: &'a str,
    held: &'a Value,
    expected: &'a Value,
    /// Has the seconds to each expiry.
    file: &'a Value,
    feeds: &'a Value,
}

fn whole(model: &ScenarioModel, case: Whole<'_>, group: &mut Group) -> Result<(), CaseError> {
    let Whole { name, expected, .. } = case;
    let ours = environment(&case)?.margin(model)?;
    for (key, surplus) in [("im", ours.surplus.initial), ("mm", ours.surplus.maintenance)] {
        let whole = ((surplus * 1e9).round() / 1e9).trunc();
        let theirs = number(expected, key)?;
        // Below half a dollar is none.
        group.compare(Comparison { ours: whole, theirs, tolerance: 1e-9, scale: 1.0 }, || {
            format!("{name} {key}")
        });
    }
    Ok(())
}

fn environment(case: &Whole<'_>) -> Result<Portfolio, CaseError> {
    let Whole { held, file, feeds, .. } = *case;
    let market = feeds.get("eth").ok_or(CaseError::Text("eth"))?;
    let stable = number(feeds, "stable")?;
    let spot = number(market, "spot")?;
    let mut portfolio = Portfolio {
        spot,
        spot_confidence: number(market, "conf")?,
        stable,
        cash: number(held, "cash")? / CENTI_MICRO,
        perpetual_price: number(market, "perp")?,
        perpetual_confidence: number(market, "perpconf")?,
        ..Portfolio::default()
    };
    for perpetual in list(held, "perps")? {
        only_eth(perpetual)?;
        let amount = number(perpetual, "amount")? / CENTI_MICRO;
        portfolio.perpetuals += amount;
        portfolio.unsettled +=
            amount * (portfolio.perpetual_price - number(perpetual, "entryPrice")? / CENTI_MICRO);
    }
    for holding in list(held, "bases")? {
        only_eth(holding)?;
        portfolio.holdings.extend(base(number(holding, "amount")? / CENTI_MICRO, spot / stable));
    }
    for option in list(held, "options")? {
        only_eth(option)?;
        let date = text(option, "expiry")?;
        let (leg, vol_confidence) = option_leg(feeds, market, date, option)?;
        let seconds = number(file.get("expiry_seconds").ok_or(CaseError::Text("expiry_seconds"))?, date)?;
        let (forward, forward_confidence) = pair(market.get("fwd").and_then(|f| f.get(date)), "fwd")?;
        let confidence = vol_confidence.min(forward_confidence);
        let known = portfolio.expiries.iter_mut().find(|e| e.seconds.to_bits() == seconds.to_bits());
        match known {
            Some(expiry) => {
                expiry.confidence = expiry.confidence.min(confidence);
                expiry.options.push(leg);
            }
            None => portfolio.expiries.push(Expiry {
                seconds,
                forward_fixed: 0.0,
                forward_variable: forward,
                rate: number(feeds, "rate")?,
                discount: 1.0,
                confidence,
                options: vec![leg],
            }),
        }
    }
    portfolio.expiries.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    Ok(portfolio)
}

/// A portfolio manager has one base market.
fn only_eth(row: &Value) -> Result<(), CaseError> {
    if text(row, "underlying")? == "eth" { Ok(()) } else { Err(CaseError::Text("underlying")) }
}

fn option_leg(feeds: &Value, market: &Value, date: &str, option: &Value) -> Result<(Leg, f64), CaseError> {
    let strike = number(option, "strike")?;
    let own = market.get("vol").and_then(|vols| vols.get(format!("{date}:{strike}")));
    let (vol, confidence) = pair(own.or(feeds.get("vol_default")), "vol_default")?;
    let kind = match text(option, "type")? {
        "call" => OptionKind::Call,
        "put" => OptionKind::Put,
        _ => return Err(CaseError::Text("type")),
    };
    Ok((Leg { strike, kind, vol, amount: number(option, "amount")? / CENTI_MICRO }, confidence))
}

/// Value and confidence.
fn pair(value: Option<&Value>, key: &'static str) -> Result<(f64, f64), CaseError> {
    let [value, confidence] = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() else {
        return Err(CaseError::Text(key));
    };
    let parse = |v: &Value| v.to_string().parse().map_err(|_| CaseError::Number(key.to_owned()));
    Ok((parse(value)?, parse(confidence)?))
}
