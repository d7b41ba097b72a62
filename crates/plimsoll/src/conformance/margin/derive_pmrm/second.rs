//! PMRM_2: each file carries portfolio, feeds, parameters and results.

use super::super::derive_files::{DeriveFiles, Layout, file_name};
use super::{Expiry, Holding, ID, Leg, Margined, Portfolio, REASON, list, relative};
use crate::conformance::result::{Group, GroupResult};
use crate::conformance::vectors::{self, CaseError, number, text};
use crate::conformance::{Progress, Report};
use ::margin::Levels;
use ::margin::scenario::Follows;
use ::margin::scenario::model::{
    ByAsset, ChargeKind, ChargeRule, CollateralRule, Combine, DiscountLaw, DoubtedHoldings, Factors,
    ForwardContingency, Numeraire, Offset, Place, Rates, RelativeVol, Scenario, ScenarioModel, Skew,
    SpotMove, StaticDiscount, Table, UnitBy, VolMove, VolShock, Weight,
};
use serde_json::Value;
use units::OptionKind;

/// Expiries settle on the average of the last half hour.
const SETTLEMENT_SECONDS: f64 = 1_800.0;

pub(super) fn run(found: &DeriveFiles, progress: &mut Report<'_>) -> GroupResult {
    let mut group = Group::checked(Layout::Pmrm2.name(), "relative", REASON);
    if let Some(note) = found.unread() {
        group.note(note);
    }
    let files = found.of(Layout::Pmrm2);
    if files.is_empty() {
        return found.absent(group, Layout::Pmrm2);
    }
    for (done, path) in files.iter().enumerate() {
        let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        progress(Progress {
            suite: ID,
            item: &name,
            bytes_done: done as u64,
            bytes_total: files.len() as u64,
        });
        group.enter(&file_name(path));
        let compared = match vectors::read(path) {
            Ok(file) => compare(&name, &file, &mut group).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = compared {
            group.fault(name, error);
        }
    }
    group.note(format!("{} portfolios", files.len()));
    group.finish()
}

fn section<'a>(file: &'a Value, key: &'static str) -> Result<&'a Value, CaseError> {
    file.get(key).ok_or(CaseError::Text(key))
}

fn compare(name: &str, file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let model = model(section(file, "Parameters")?)?;
    let portfolio = portfolio(section(file, "Scenario")?)?;
    let ours = portfolio.margin(&model)?;
    let theirs = section(file, "Result")?;
    let gross = ours.gross;
    // A result that is not there is a fault of its own; the others are still compared.
    let mut check = |ours: f64, key: &'static str| match number(theirs, key) {
        Ok(theirs) => relative(group, gross, ours, theirs, || format!("{name} {key}")),
        Err(error) => group.fault(format!("{name} {key}"), error.to_string()),
    };
    check(ours.surplus.initial, "IM");
    check(ours.surplus.maintenance, "MM");
    check(ours.mark_to_market, "PortfolioMTM");
    check(ours.risk.mark_to_market, "OptionMTM");
    check(ours.holdings_value, "CollateralMTM");
    check(ours.scratch.pnl().last().copied().unwrap_or(0.0), "ForwardContingency");
    let [perpetuals, naked, confidence] = ours.scratch.charges() else {
        return Err(CaseError::Text("charges"));
    };
    check(-perpetuals.maintenance, "MMPerpCont");
    check(-(perpetuals.initial - perpetuals.maintenance), "IMPerpCont");
    check(-naked.maintenance, "MMOptionCont");
    check(-(naked.initial - naked.maintenance), "IMOptionCont");
    check(-ours.haircut.maintenance, "MMBaseCont");
    check(-(ours.haircut.initial - ours.haircut.maintenance), "IMBaseCont");
    check(-confidence.initial, "OracleCont");
    scenarios(name, &model, &ours, theirs, group);
    Ok(())
}

/// Every scenario that the file lists, found by move and vol: rows do not have the weight, so of several scenarios of one move
/// and vol a row is the one whose P&L is nearest.
fn scenarios(name: &str, model: &ScenarioModel, ours: &Margined, theirs: &Value, group: &mut Group) {
    let mut taken = vec![false; model.scenarios.len()];
    for key in ["reg_losses", "tail_losses", "skew_losses"] {
        let Ok(rows) = list(theirs, key) else {
            group.fault(format!("{name} {key}"), "the result has no such list");
            continue;
        };
        for row in rows {
            let row = row.as_array().map(Vec::as_slice).unwrap_or_default();
            if row.first().and_then(Value::as_str).is_some_and(|word| word.ends_with("SPOT_SHOCK")) {
                group.not_compared("smile scenario with a spot move: the protocol refuses such a list", 1);
                continue;
            }
            let Some(loss) = row.last().and_then(decimal) else {
                group.fault(format!("{name} {key}"), format!("has no loss in {row:?}"));
                continue;
            };
            let fits = model.scenarios.iter().zip(&taken).zip(ours.scratch.pnl()).enumerate();
            let fits = fits.filter(|(_, ((scenario, taken), _))| !**taken && is_named(scenario, row));
            let nearest = fits
                .map(|(place, (_, pnl))| (place, *pnl))
                .min_by(|(_, a), (_, b)| (a - loss).abs().total_cmp(&(b - loss).abs()));
            let Some((place, pnl)) = nearest else {
                group.fault(format!("{name} {key}"), format!("no scenario of the file's list is {row:?}"));
                continue;
            };
            if let Some(slot) = taken.get_mut(place) {
                *slot = true;
            }
            relative(group, ours.gross, pnl, loss, || {
                format!("{name} {}", model.scenarios.get(place).map_or("", |s| s.name.as_str()))
            });
        }
    }
    let missed = taken.iter().filter(|taken| !**taken).count() as u64;
    if missed > 0 {
        group.not_compared("scenarios whose result the file does not list", missed);
    }
}

/// `[move, direction, loss]` with the direction 1, 0 or -1, or `[word, loss]` for a skew.
fn is_named(scenario: &Scenario, row: &[Value]) -> bool {
    let SpotMove::Relative(by) = scenario.spot else { return false };
    match row {
        [word, _] => match word.as_str() {
            Some("LINEAR") => scenario.vol == VolMove::SkewLinear && by == 0.0,
            Some("ABS") => scenario.vol == VolMove::SkewAbsolute && by == 0.0,
            _ => false,
        },
        [spot, direction, _] => {
            let vol = match decimal(direction) {
                Some(d) if d > 0.0 => VolMove::Up,
                Some(d) if d < 0.0 => VolMove::Down,
                _ => VolMove::Same,
            };
            // Both sides come from the same decimal by one subtraction.
            scenario.vol == vol && decimal(spot).is_some_and(|spot| (spot - by).abs() < 1e-9)
        }
        _ => false,
    }
}

fn decimal(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.to_string().parse().ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A list that may be left out or null: nothing is held.
fn held<'a>(row: &'a Value, key: &'static str) -> Result<&'a [Value], CaseError> {
    if is_given(row, key) { list(row, key) } else { Ok(&[]) }
}

/// A number that may be left out or null, with what it then is.
fn number_or(row: &Value, key: &str, absent: f64) -> Result<f64, CaseError> {
    if is_given(row, key) { number(row, key) } else { Ok(absent) }
}

fn is_given(row: &Value, key: &str) -> bool {
    row.get(key).is_some_and(|value| !value.is_null())
}

/// `true` and 1, `false` and 0.
fn flag(row: &Value, key: &'static str) -> Result<bool, CaseError> {
    row.get(key).and_then(Value::as_bool).map_or_else(|| Ok(number(row, key)? > 0.5), Ok)
}

/// A confidence, or the least of a list of them.
fn least(row: &Value, key: &'static str) -> Result<f64, CaseError> {
    let Some(all) = row.get(key).and_then(Value::as_array) else { return number(row, key) };
    let all = all.iter().map(|value| decimal(value).ok_or_else(|| CaseError::Number(key.to_owned())));
    all.collect::<Result<Vec<f64>, _>>()?
        .into_iter()
        .reduce(f64::min)
        .ok_or_else(|| CaseError::Number(key.to_owned()))
}

fn portfolio(s: &Value) -> Result<Portfolio, CaseError> {
    let stable = number(s, "StablePrice")?;
    let perpetuals = number_or(s, "NumPerps", 0.0)?;
    // Without a perpetual its feeds may be left out.
    let fed = |key: &str, absent| {
        if perpetuals == 0.0 { number_or(s, key, absent) } else { number(s, key) }
    };
    let mut expiries = held(s, "OptionFeeds")?.iter().map(feed).collect::<Result<Vec<_>, _>>()?;
    expiries.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    for option in held(s, "Options")? {
        let seconds = number(option, "Expiry")?;
        let own = expiries.iter_mut().find(|expiry| expiry.seconds.to_bits() == seconds.to_bits());
        let own = own.ok_or_else(|| CaseError::Number(format!("OptionFeeds for {seconds}")))?;
        own.options.push(Leg {
            strike: number(option, "Strike")?,
            kind: if flag(option, "IsCall")? { OptionKind::Call } else { OptionKind::Put },
            vol: number(option, "MarkVol")?,
            amount: number(option, "Amount")?,
        });
    }
    Ok(Portfolio {
        spot: number(s, "SpotPrice")?,
        spot_confidence: number(s, "SpotConfidence")?,
        stable,
        cash: number(s, "Cash")?,
        perpetuals,
        perpetual_price: fed("PerpPrice", 0.0)?,
        perpetual_confidence: fed("PerpConfidence", 1.0)?,
        unsettled: fed("UnrealisedPerpPNL", 0.0)? + fed("UnrealisedFunding", 0.0)?,
        expiries,
        holdings: held(s, "Collaterals")?.iter().map(|row| holding(row, stable)).collect::<Result<_, _>>()?,
    })
}

fn feed(row: &Value) -> Result<Expiry, CaseError> {
    let seconds = number(row, "FeedExpiry")?;
    let forward = number(row, "Forward")?;
    let rate = number(row, "Rate")?;
    // In the last half hour the part of the average that has gone by no longer moves.
    let open = if seconds < SETTLEMENT_SECONDS { seconds.max(0.0) / SETTLEMENT_SECONDS } else { 1.0 };
    let fixed = forward * (1.0 - open);
    let confidence = [
        number(row, "ForwardConfidence")?,
        number(row, "RateConfidence")?,
        least(row, "OptionVolConfidences")?,
    ];
    let [forward_confidence, rate_confidence, vol_confidence] = confidence;
    let years = seconds / 31_536_000.0;
    Ok(Expiry {
        seconds,
        forward_fixed: fixed,
        forward_variable: forward - fixed,
        rate,
        // A rate below zero counts as zero, and what has expired is not discounted.
        discount: if rate > 0.0 && seconds > 0.0 { ::pricing::kernel::exp(-rate * years) } else { 1.0 },
        confidence: forward_confidence.min(rate_confidence).min(vol_confidence),
        options: Vec::new(),
    })
}

fn holding(row: &Value, stable: f64) -> Result<Holding, CaseError> {
    let maintenance = number(row, "MMHaircut")?;
    let follows = flag(row, "IsRiskCancelling")?;
    Ok(Holding {
        amount: number(row, "Amount")?,
        // No rule of this version charges a balance by coins.
        coins: 0.0,
        price: number(row, "Price")? / stable,
        confidence: number(row, "Confidence")?,
        follows: if follows { Follows::Index } else { Follows::Nothing },
        haircut: Levels { initial: maintenance + number(row, "IMHaircut")?, maintenance },
    })
}

fn model(p: &Value) -> Result<ScenarioModel, CaseError> {
    let (vol, margin) = (section(p, "VolShock")?, section(p, "Margin")?);
    let (basis, other) = (section(p, "BasisContingency")?, section(p, "OtherContingency")?);
    let rates = |initial: &'static str, maintenance: &'static str| -> Result<Rates, CaseError> {
        let maintenance = number(other, maintenance)?;
        Ok(Rates { initial: maintenance + number(other, initial)?, maintenance })
    };
    let rule = |name: &str, kind| ChargeRule { name: name.into(), place: Place::Added, kind };
    let law = |base, multiple, add| -> Result<DiscountLaw, CaseError> {
        Ok(DiscountLaw {
            base: number(margin, base)?,
            rate_multiple: number(margin, multiple)?,
            rate_add: number(margin, add)?,
        })
    };
    Ok(ScenarioModel {
        underlyings: Vec::new(),
        unit_by: UnitBy::Underlying,
        combine: Combine::Sum,
        numeraire: Numeraire::Usd,
        scenarios: list(p, "Scenarios")?.iter().map(scenario).collect::<Result<_, _>>()?,
        price_range: ByAsset::all(1.0),
        vol_shock: VolShock {
            relative: Some(RelativeVol {
                range_up: number(vol, "VOLRANGEUP")?,
                range_down: number(vol, "VOLRANGEDOWN")?,
                short_term_power: number(vol, "SHORTTERMPOWER")?,
                long_term_power: number(vol, "LONGTERMPOWER")?,
                floor_days: number(vol, "DTE_FLOOR")?,
                least_vol_up: number(vol, "MIN_VOL_EVAL_SHOCKED")?,
            }),
            percent: Vec::new(),
            points: Vec::new(),
        },
        skew: Some(skew(section(p, "SkewShock")?)?),
        static_discount: Some(StaticDiscount {
            long: law("BASE_STATIC_DISCOUNT", "LONG_RATE_MULTSCALE", "LONG_RATE_ADDSCALE")?,
            short: Some(law("BASE_STATIC_DISCOUNT_NEG", "SHORT_RATE_MULTSCALE", "SHORT_RATE_ADDSCALE")?),
        }),
        forward_contingency: Some(ForwardContingency {
            up: number(basis, "SCENARIO_SPOT_UP")? - 1.0,
            down: number(basis, "SCENARIO_SPOT_DOWN")? - 1.0,
            add: number(basis, "BASIS_CONT_ADD_FACTOR")?,
            per_year: number(basis, "BASIS_CONT_MULT_FACTOR")?,
        }),
        offset: Offset::default(),
        charges: vec![
            rule(
                "perpetuals",
                ChargeKind::Futures {
                    rate: rates("IM_PERP_PERCENT", "MM_PERP_PERCENT")?,
                    perpetuals_only: true,
                },
            ),
            rule("naked options", ChargeKind::NakedOptions(rates("IM_OPTION_PERCENT", "MM_OPTION_PERCENT")?)),
            rule(
                "oracle confidence",
                ChargeKind::Confidence {
                    threshold: number(other, "CONF_THRESHOLD")?,
                    factor: number(other, "CONF_MARGIN")?,
                    holdings: DoubtedHoldings::Own,
                },
            ),
        ],
        factor: Factors {
            initial: number(margin, "IM_LOSS_FACTOR")?,
            maintenance: number(margin, "MM_LOSS_FACTOR")?,
            depeg_threshold: number(other, "PEG_LOSS_THRESHOLD")?,
            depeg_factor: number(other, "PEG_LOSS_FACTOR")?,
        },
        collateral: CollateralRule::default(),
        borrow: None,
    })
}

fn skew(s: &Value) -> Result<Skew, CaseError> {
    Ok(Skew {
        linear_cap: number(s, "LINEAR_SCALE_CAP")?,
        linear_cap_per_root_year: number(s, "LINEAR_CBASE")?,
        absolute_cap: number(s, "ABS_SCALE_CAP")?,
        absolute_cap_per_root_year: number(s, "ABS_CBASE")?,
        least_width: number(s, "MIN_K_STAR")?,
        width: number(s, "MIN_WIDTH_SCALE")?,
        vol_static: number(s, "VOL_PARAM_STATIC")?,
        vol_per_root_year: number(s, "VOL_PARAM_SCALE")?,
    })
}

fn scenario(row: &Value) -> Result<Scenario, CaseError> {
    let direction = text(row, "VolShockDirection")?;
    let vol = match direction.to_ascii_lowercase().as_str() {
        "up" => VolMove::Up,
        "down" => VolMove::Down,
        "none" => VolMove::Same,
        "linear" => VolMove::SkewLinear,
        "abs" => VolMove::SkewAbsolute,
        _ => return Err(CaseError::Text("VolShockDirection")),
    };
    let shock = number(row, "SpotShock")?;
    Ok(Scenario {
        name: format!("x{shock} {direction}"),
        spot: SpotMove::Relative(shock - 1.0),
        vol,
        days: 0.0,
        weight: Weight::Fixed(number(row, "DampeningFactor")?),
        table: Table::Standard,
    })
}
