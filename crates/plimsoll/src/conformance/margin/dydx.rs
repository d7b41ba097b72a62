//! Suite `dydx`: the chain's own tests of liquidity tiers, margin requirements and liquidations, in its integers.
//!
//! Errors are compared by name. Some numbers of the files are the source's expressions; the few that occur are read. A field
//! that the file leaves empty is counted as not compared; that the case has no error is compared all the same.

use super::integers::{
    Case, Folder, NO_EXPECTED_VALUE, NO_TOLERANCE, VectorFile, integer, integers, list, present, texts,
    whole, whole_or,
};
use crate::conformance::result::{ExactComparison, Group, GroupResult};
use crate::conformance::vectors::{CaseError, text};
use crate::conformance::{Report, Sources};
use margin::dydx::{
    AssetId, BaseQuantums, Closing, DydxError, Fill, FillablePriceConfig, FundingIndex, LiquidityTier,
    Notional, Perpetual, PerpetualId, Perpetuals, Position, Ppm, QuoteQuantums, Side, Subaccount, Update,
};
use margin::exact::Fraction;
use num_bigint::BigInt;
use serde_json::Value;

pub(in crate::conformance) const ID: &str = "dydx";
pub(in crate::conformance) const SUMMARY: &str =
    "dYdX v4's own tests: margin requirements, bankruptcy and fillable prices, insurance fund, in integers";

/// The source's default liquidation configuration, which the files name by null.
const DEFAULT_FILLABLE: FillablePriceConfig =
    FillablePriceConfig { bankruptcy_adjustment: Ppm(1_000_000), spread_to_maintenance: Ppm(100_000) };
const DEFAULT_MAX_FEE: Ppm = Ppm(5_000);
/// Of the order book in the source's tests: quote quantums = base quantums x subticks x 10^-8.
const QUANTUM_CONVERSION_EXPONENT: i32 = -8;

const QUANTUMS: &str = "quote quantums";

static FILES: [VectorFile; 9] = [
    file("GetAdjustedInitialMarginPpm.json", "ppm", adjusted_initial_margin),
    file("GetInitialMarginQuoteQuantums.json", QUANTUMS, initial_margin),
    file("LiquidityTierGetMaintenanceMarginPpm.json", "ppm", maintenance_margin),
    file("LiquidityTierGetMaxAbsFundingClampPpm.json", "ppm", funding_clamp),
    file("net_collateral_margin.json", QUANTUMS, net_collateral),
    file("is_liquidatable.json", "true or false", is_liquidatable),
    file("bankruptcy_price.json", QUANTUMS, bankruptcy_price),
    file("fillable_price.json", "quote quantums per base quantum", fillable_price),
    file("insurance_fund_delta.json", QUANTUMS, insurance_fund_delta),
];

const fn file(
    name: &'static str,
    unit: &'static str,
    compare: fn(&Case<'_>, &mut Group) -> Result<(), CaseError>,
) -> VectorFile {
    VectorFile { name, unit, tolerance_reason: NO_TOLERANCE, compare }
}

pub(in crate::conformance) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    Folder { suite: ID, files: &FILES }.run(sources, progress)
}

fn adjusted_initial_margin(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let open_notional = QuoteQuantums(integer(case.row, "openInterestNotional")?);
    let ours = tier(case.row)?.initial_margin_at(&open_notional);
    let expected = Expected { value: Some(integer(case.row, "expectedPpm")?), error: None };
    expected.compare(ours.map(of_ppm), case.name, group);
    Ok(())
}

fn initial_margin(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let parts = Notional {
        position: QuoteQuantums(integer(case.row, "bigQuoteQuantums")?),
        open_interest: QuoteQuantums(whole_or(case.row, "openInterestNotional", BigInt::default())?),
    };
    let ours = tier(case.row)?.initial(&parts);
    let value = Some(integer(case.row, "expectedInitialMarginQuoteQuantums")?);
    Expected { value, error: None }.compare(ours.map(|quote| quote.0), case.name, group);
    Ok(())
}

fn maintenance_margin(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let value = Some(integer(case.row, "expectedMaintenanceMarginPpm")?);
    let ours = tier(case.row)?.maintenance_margin();
    Expected { value, error: None }.compare(ours.map(of_ppm), case.name, group);
    Ok(())
}

fn funding_clamp(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let value = Some(integer(case.row, "expectedUpperBoundPpm")?);
    let ours = tier(case.row)?.funding_clamp(Ppm(whole(case.row, "clampFactorPpm")?));
    Expected { value, error: None }.compare(ours.map(of_ppm), case.name, group);
    Ok(())
}

fn net_collateral(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let (subaccount, perpetuals) = (subaccount(case.row)?, perpetuals(case.row)?);
    let perpetual_updates = list(case.row, "perpUpdates").iter().map(|update| {
        Ok((PerpetualId(whole(update, "perpetualId")?), BaseQuantums(literal(update, "delta")?)))
    });
    let update = Update {
        usdc: QuoteQuantums(literal(case.row, "usdcDelta")?),
        perpetuals: perpetual_updates.collect::<Result<_, CaseError>>()?,
    };
    let risk = subaccount.updated(&update, &perpetuals).and_then(|after| after.risk(&perpetuals));
    let error = present(case.row, "expectedErr").and_then(Value::as_str);
    Expected { value: None, error }.compare_error(risk.as_ref().err(), case.name, group);
    let (Ok(risk), None) = (risk, error) else { return Ok(()) };
    let figures = [
        ("expectedNetCollateral", &risk.net_collateral),
        ("expectedIMR", &risk.initial),
        ("expectedMMR", &risk.maintenance),
    ];
    for (key, ours) in figures {
        if present(case.row, key).is_none() {
            group.not_compared(NO_EXPECTED_VALUE, 1);
            continue;
        }
        let theirs = integer(case.row, key)?;
        group.compare_exact(integers(&ours.0, &theirs), || format!("{} {key}", case.name));
    }
    Ok(())
}

fn is_liquidatable(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let risk = subaccount(case.row)?.risk(&perpetuals(case.row)?);
    let ours = match risk {
        Ok(risk) => risk.is_liquidatable().to_string(),
        Err(error) => error.to_string(),
    };
    group.compare_exact(texts(ours, text(case.row, "expected")?), || case.name.to_owned());
    Ok(())
}

fn bankruptcy_price(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let ours = subaccount(case.row)?.bankruptcy_price(&closing(case.row)?, &perpetuals(case.row)?);
    Expected::of(case.row)?.compare(ours.map(|quote| quote.0), case.name, group);
    Ok(())
}

fn fillable_price(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let config = match present(case.row, "config") {
        None => DEFAULT_FILLABLE,
        Some(config) => FillablePriceConfig {
            bankruptcy_adjustment: Ppm(whole(config, "bankruptcyAdjustmentPpm")?),
            spread_to_maintenance: Ppm(whole(config, "spreadToMaintenanceMarginRatioPpm")?),
        },
    };
    let ours = subaccount(case.row)?.fillable_price(&closing(case.row)?, &perpetuals(case.row)?, config);
    let Some(theirs) = present(case.row, "expected_rational_quote_per_base_quantum") else {
        let error = Expected::of(case.row)?;
        error.compare_error(ours.as_ref().err(), case.name, group);
        return Ok(());
    };
    let whole = Fraction::whole(integer(theirs, "num")?).per(integer(theirs, "den")?);
    let theirs = whole.ok_or_else(|| CaseError::Number("den".to_owned()))?;
    let comparison = match ours {
        Ok(ours) => ExactComparison {
            difference: if ours == theirs { 0.0 } else { 1.0 },
            ours: ours.to_string(),
            theirs: theirs.to_string(),
        },
        Err(error) => texts(error.to_string(), &theirs.to_string()),
    };
    group.compare_exact(comparison, || case.name.to_owned());
    Ok(())
}

fn insurance_fund_delta(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let fee = present(case.row, "config").map(|config| whole(config, "maxLiquidationFeePpm").map(Ppm));
    let side = match case.row.get("isBuy").and_then(Value::as_bool) {
        Some(true) => Side::Buy,
        Some(false) => Side::Sell,
        None => return Err(CaseError::Text("isBuy")),
    };
    let fill = Fill {
        perpetual: PerpetualId(whole(case.row, "perpetualId")?),
        side,
        amount: BaseQuantums(integer(case.row, "fillAmount")?),
        subticks: whole(case.row, "subticks")?,
        quantum_conversion_exponent: QUANTUM_CONVERSION_EXPONENT,
        max_fee: fee.transpose()?.unwrap_or(DEFAULT_MAX_FEE),
    };
    let ours = subaccount(case.row)?.insurance_fund_delta(&fill, &perpetuals(case.row)?);
    Expected::of(case.row)?.compare(ours.map(|quote| quote.0), case.name, group);
    Ok(())
}

/// What a case expects: a number, an error by its name in the source, or neither.
struct Expected<'a> {
    value: Option<BigInt>,
    error: Option<&'a str>,
}

impl<'a> Expected<'a> {
    fn of(row: &'a Value) -> Result<Self, CaseError> {
        let value = present(row, "expected").map(|_| integer(row, "expected")).transpose()?;
        Ok(Self { value, error: present(row, "expectedError").and_then(Value::as_str) })
    }

    fn compare(&self, ours: Result<BigInt, DydxError>, name: &str, group: &mut Group) {
        match (&self.value, ours) {
            (Some(theirs), Ok(ours)) => group.compare_exact(integers(&ours, theirs), || name.to_owned()),
            (_, ours) => self.compare_error(ours.as_ref().err(), name, group),
        }
    }

    fn compare_error(&self, ours: Option<&DydxError>, name: &str, group: &mut Group) {
        let ours = ours.map_or_else(|| "no error".to_owned(), |error| self.name_of(error));
        group.compare_exact(texts(ours, self.error.unwrap_or("no error")), || format!("{name} error"));
    }

    /// Our error by the source's name. Two of its names are one rule: only USDC is collateral.
    fn name_of(&self, error: &DydxError) -> String {
        let names: &[&str] = match error {
            DydxError::UnknownPerpetual(_) => &["perptypes.ErrPerpetualDoesNotExist"],
            DydxError::NotCollateral(_) => {
                &["asstypes.ErrNotImplementedMulticollateral", "asstypes.ErrNotImplementedMargin"]
            }
            DydxError::NotClosing { .. } => &["types.ErrInvalidPerpetualPositionSizeDelta"],
            DydxError::EmptyFill(_) => &["types.ErrInvalidQuantumsForInsuranceFundDeltaCalculation"],
            _ => &[],
        };
        let same = names.iter().find(|name| Some(**name) == self.error);
        same.map_or_else(|| error.to_string(), |name| (*name).to_owned())
    }
}

fn of_ppm(ppm: Ppm) -> BigInt {
    BigInt::from(ppm.0)
}

fn tier(row: &Value) -> Result<LiquidityTier, CaseError> {
    let cap = |key| whole_or(row, key, BigInt::default()).map(QuoteQuantums);
    Ok(LiquidityTier {
        initial_margin: Ppm(whole(row, "initialMarginPpm")?),
        maintenance_fraction: Ppm(whole_or(row, "maintenanceFractionPpm", 0)?),
        open_interest_lower_cap: cap("openInterestLowerCap")?,
        open_interest_upper_cap: cap("openInterestUpperCap")?,
    })
}

fn perpetuals(row: &Value) -> Result<Perpetuals, CaseError> {
    let read = |row: &Value| {
        let perpetual = Perpetual {
            atomic_resolution: whole(row, "atomicResolution")?,
            price: integer(row, "price")?,
            exponent: whole(row, "exponent")?,
            funding_index: FundingIndex::default(),
            open_interest: BaseQuantums::default(),
            tier: tier(row)?,
        };
        Ok((PerpetualId(whole(row, "id")?), perpetual))
    };
    list(row, "perpetuals").iter().map(read).collect()
}

fn subaccount(row: &Value) -> Result<Subaccount, CaseError> {
    let mut subaccount = match row.get("usdc").and_then(Value::as_str) {
        Some(text) if text.contains("Asset_1BTC") => {
            let amount = if text.contains("Short_") { -100_000_000 } else { 100_000_000 };
            Subaccount { assets: [(AssetId(1), BigInt::from(amount))].into(), ..Subaccount::default() }
        }
        _ => Subaccount::with_usdc(QuoteQuantums(literal(row, "usdc")?)),
    };
    for position in list(row, "positions") {
        let id = PerpetualId(whole(position, "perpetualId")?);
        let quantums = BaseQuantums(literal(position, "quantums")?);
        let funding_index = FundingIndex(integer(position, "fundingIndexUser")?);
        subaccount.positions.insert(id, Position { quantums, funding_index });
    }
    Ok(subaccount)
}

fn closing(row: &Value) -> Result<Closing, CaseError> {
    Ok(Closing {
        perpetual: PerpetualId(whole(row, "perpetualId")?),
        delta: BaseQuantums(integer(row, "deltaQuantums")?),
    })
}

/// A whole number, or one of the source's expressions that a file holds as text: a number in brackets, `Neg(...)` of one, or
/// the constant of the smallest 64-bit amount.
fn literal(row: &Value, key: &str) -> Result<BigInt, CaseError> {
    let Some(text) = row.get(key).and_then(Value::as_str) else { return integer(row, key) };
    if text.contains("BigNegMaxUint64") {
        return Ok(-BigInt::from(u64::MAX));
    }
    let last = text.rsplit('(').next().unwrap_or_default();
    let number: String = last.chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
    let number: BigInt = number.parse().map_err(|_| CaseError::Number(key.to_owned()))?;
    Ok(if text.contains("Neg(") { -number } else { number })
}
