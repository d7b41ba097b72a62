//! Suite `drift`: the program's own tests of weights, account margin and liquidation arithmetic, in its integers.

use super::integers::{
    Case, Folder, NO_EXPECTED_VALUE, NO_TOLERANCE, VectorFile, integer, integers, list, present, texts,
    whole, whole_or,
};
use crate::conformance::result::{ExactComparison, Group, GroupResult};
use crate::conformance::vectors::{CaseError, text};
use crate::conformance::{Report, Sources};
use margin::drift::{
    AssetHeld, Base, Decimals, DepositScale, DriftError, Fee, Imf, Interest, MarginContext, MarginLevel,
    Multiplier, OpenInterest, PerpMarket, PerpPosition, PerpShortage, Price, Quote, Size, SpotLoss,
    SpotOrders, SpotPosition, SpotShortage, SpotSide, SpotWeights, StrictPrice, TokenAmount, Transfer,
    Weight, asset_for_liability, funding_delta_of_bankruptcy, interest_delta_of_bankruptcy,
    liability_for_asset, total,
};
use num_bigint::BigInt;
use serde_json::Value;

pub(in crate::conformance) const ID: &str = "drift";
pub(in crate::conformance) const SUMMARY: &str = "Drift v2's own tests: weights, collateral and requirement of accounts, liquidation arithmetic, in integers";

/// One dollar.
const DOLLAR: i128 = 1_000_000;

static FILES: [VectorFile; 3] = [
    file("account_margin.json", "1e-6 USD", account_margin),
    file("weights_and_perp_margin.json", "1e-4 of a weight, 1e-6 USD", weights),
    file("liquidation_math.json", "the program's units of each figure", liquidation),
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

fn account_margin(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let row = case.row;
    let (spot_keys, perp_keys) = (SPOT_PRICE.for_case(row), QUOTE_PRICE.for_case(row));
    let spots = list(row, "spot").iter().map(|spot| spot_position(spot, &spot_keys));
    let perps = list(row, "perps").iter().map(|perp| plain_perp(perp, &perp_keys));
    let (spots, perps): (Vec<_>, Vec<_>) =
        (spots.collect::<Result<_, _>>()?, perps.collect::<Result<_, _>>()?);
    let own_ratio = present(row, "user_max_margin_ratio").map(|_| whole(row, "user_max_margin_ratio"));
    let context = MarginContext { level: level(row)?, own_ratio: own_ratio.transpose()?.map(Weight) };
    let ours = total(&spots, &perps, context);
    let figures = |key| match (key, ours) {
        ("margin_requirement", Ok(margin)) => Ok(margin.requirement.0),
        (_, Ok(margin)) => Ok(margin.collateral.0),
        (_, Err(error)) => Err(error),
    };
    let expected = row.get("expected").ok_or(CaseError::Text("expected"))?;
    for key in ["margin_requirement", "total_collateral"] {
        if present(expected, key).is_none() {
            group.not_compared(NO_EXPECTED_VALUE, 1);
            continue;
        }
        compare(figures(key), &integer(expected, key)?, &format!("{} {key}", case.name), group);
    }
    Ok(())
}

fn spot_position(row: &Value, price: &PriceKeys) -> Result<SpotPosition, CaseError> {
    let is_quote = row.get("quote").and_then(Value::as_bool).unwrap_or_default();
    let weights = || {
        Ok::<_, CaseError>(SpotWeights {
            initial_asset: Weight(whole(row, "iaw")?),
            maintenance_asset: Weight(whole(row, "maw")?),
            initial_liability: Weight(whole(row, "ilw")?),
            maintenance_liability: Weight(whole(row, "mlw")?),
            imf: Imf(0),
        })
    };
    Ok(SpotPosition {
        amount: TokenAmount(whole(row, "amount")?),
        decimals: Decimals(whole(row, "decimals")?),
        price: strict_price(row, price)?,
        weights: if is_quote { None } else { Some(weights()?) },
        deposits: None,
        orders: SpotOrders {
            count: whole_or(row, "open_orders", 0)?,
            bids: TokenAmount(whole_or(row, "open_bids", 0)?),
            asks: TokenAmount(whole_or(row, "open_asks", 0)?),
        },
    })
}

/// A perpetual of a market whose gains weigh nothing, as the file notes.
fn plain_perp(row: &Value, quote_price: &PriceKeys) -> Result<PerpPosition, CaseError> {
    let market = PerpMarket {
        initial: Weight(whole(row, "mri")?),
        maintenance: Weight(whole(row, "mrm")?),
        imf: Imf(0),
        initial_gain: Weight(0),
        maintenance_gain: Weight(0),
        gain_imf: Imf(0),
    };
    Ok(PerpPosition {
        base: Base(whole(row, "base")?),
        quote: Quote(0),
        price: Price(whole(row, "price")?),
        quote_price: strict_price(row, quote_price)?,
        market,
    })
}

/// Where a price and its average stand.
struct PriceKeys {
    oracle: &'static str,
    average: Option<&'static str>,
}

const SPOT_PRICE: PriceKeys = PriceKeys { oracle: "price", average: Some("twap_5min") };
const QUOTE_PRICE: PriceKeys = PriceKeys { oracle: "quote_price", average: Some("quote_twap") };

impl PriceKeys {
    /// Only cases that say they are strict use the average.
    fn for_case(&self, case: &Value) -> Self {
        let is_strict = case.get("strict").and_then(Value::as_bool).unwrap_or_default();
        Self { oracle: self.oracle, average: self.average.filter(|_| is_strict) }
    }
}

fn strict_price(row: &Value, keys: &PriceKeys) -> Result<StrictPrice, CaseError> {
    let average = keys.average.filter(|key| present(row, key).is_some());
    Ok(StrictPrice {
        oracle: Price(whole_or(row, keys.oracle, DOLLAR)?),
        average: average.map(|key| whole(row, key)).transpose()?.map(Price),
    })
}

fn weights(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let row = case.row;
    let ours = match text(row, "fn")? {
        "spot_asset_weight" => spot_weights(row)?.and_then(|w| w.weights.asset(w.size, w.level)),
        "spot_liability_weight" => spot_weights(row)?.and_then(|w| w.weights.liability(w.size, w.level)),
        "scaled_initial_asset_weight" => {
            let (price, decimals) = (Price(whole(row, "oracle_price")?), Decimals(whole(row, "decimals")?));
            let start = Quote(whole(row, "scale_start_quote")?);
            let weight = Weight(whole(row, "initial_asset_weight")?);
            let deposits = TokenAmount(whole(row, "deposits")?).value(decimals, price);
            deposits.and_then(|deposits| weight.scaled(DepositScale { deposits, start }))
        }
        "unrealized_asset_weight" => {
            let mut market = gain_market(Imf(whole(row, "imf_factor")?));
            market.initial_gain = Weight(whole(row, "weight")?);
            market.gain_weight(Quote(whole(row, "unrealized_pnl")?), MarginLevel::Initial)
        }
        "perp_margin" => return perp_margin(case, group),
        _ => return Err(CaseError::Text("fn")),
    };
    let ours = ours.map(|weight| i128::from(weight.0));
    compare(ours, &integer(row, "expected")?, case.name, group);
    Ok(())
}

/// What a case of spot weights asks.
struct SpotCase {
    weights: SpotWeights,
    size: Size,
    level: MarginLevel,
}

fn spot_weights(row: &Value) -> Result<Result<SpotCase, DriftError>, CaseError> {
    let market = row.get("market").ok_or(CaseError::Text("market"))?;
    let weight = |key| whole(market, key).map(Weight);
    let weights = SpotWeights {
        initial_asset: weight("initial_asset_weight")?,
        maintenance_asset: weight("maintenance_asset_weight")?,
        initial_liability: weight("initial_liability_weight")?,
        maintenance_liability: weight("maintenance_liability_weight")?,
        imf: Imf(whole(row, "imf_factor")?),
    };
    let (decimals, level) = (Decimals(whole(market, "decimals")?), level(row)?);
    let size = TokenAmount(whole(row, "size")?).size(decimals);
    Ok(size.map(|size| SpotCase { weights, size, level }))
}

/// A market of which only the weight of gains matters.
const fn gain_market(gain_imf: Imf) -> PerpMarket {
    PerpMarket {
        initial: Weight(0),
        maintenance: Weight(0),
        imf: Imf(0),
        initial_gain: Weight(0),
        maintenance_gain: Weight(0),
        gain_imf,
    }
}

fn perp_margin(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let row = case.row;
    let mut market = gain_market(Imf(whole(row, "unrealized_pnl_imf_factor")?));
    market.initial = Weight(whole(row, "margin_ratio_initial")?);
    market.imf = Imf(whole(row, "imf_factor")?);
    market.initial_gain = Weight(whole(row, "unrealized_pnl_initial_asset_weight")?);
    let position = PerpPosition {
        base: Base(whole(row, "base_asset_amount")?),
        quote: Quote(whole(row, "quote_asset_amount")?),
        price: Price(whole(row, "oracle_price")?),
        quote_price: StrictPrice::oracle(Price(DOLLAR)),
        market,
    };
    let ours = position.margin(MarginContext::at(MarginLevel::Initial));
    let expected = row.get("expected").ok_or(CaseError::Text("expected"))?;
    let figures = [
        ("margin_requirement", ours.map(|margin| margin.requirement.0)),
        ("weighted_pnl", ours.map(|margin| margin.collateral.0)),
    ];
    for (key, ours) in figures {
        compare(ours, &integer(expected, key)?, &format!("{} {key}", case.name), group);
    }
    Ok(())
}

fn liquidation(case: &Case<'_>, group: &mut Group) -> Result<(), CaseError> {
    let row = case.row;
    let args = row.get("args").unwrap_or(row);
    let fee = |key| whole(args, key).map(Fee);
    let ours = match text(row, "fn")? {
        "calculate_base_asset_amount_to_cover_margin_shortage" => {
            let keys = PerpKeys { fee: "liquidation_fee", quote_price: "quote_oracle_price" };
            size(perp_shortage(args, &keys)?.base_to_cover(fee("if_liquidation_fee")?))
        }
        "calculate_perp_if_fee" => {
            let keys = PerpKeys { fee: "liquidator_fee", quote_price: "quote_price" };
            let base = Base(whole(args, "base_amount")?);
            let ours = perp_shortage(args, &keys)?.insurance_fee(base, fee("max_if_fee")?);
            ours.map(|fee| BigInt::from(fee.0))
        }
        "calculate_liability_transfer_to_cover_margin_shortage" => {
            let keys = SpotKeys {
                asset: "asset_liq_mult",
                liability: "liability_liq_mult",
                decimals: "liability_decimals",
            };
            size(spot_shortage(args, &keys)?.liability_to_cover(fee("if_fee")?))
        }
        "calculate_spot_if_fee" => {
            let keys = SpotKeys { asset: "asset_mult", liability: "liability_mult", decimals: "decimals" };
            let amount = TokenAmount(whole(args, "token_amount")?);
            let ours = spot_shortage(args, &keys)?.insurance_fee(amount, fee("max_if_fee")?);
            ours.map(|fee| BigInt::from(fee.0))
        }
        "calculate_liability_transfer_implied_by_asset_amount" => {
            let ours = liability_for_asset(asset_held(args)?, spot_side(args, &LIABILITY)?);
            ours.map(|amount| BigInt::from(amount.0))
        }
        "calculate_asset_transfer_for_liability_transfer" => {
            let taken = TokenAmount(whole(args, "liab_amount")?);
            let ours = asset_for_liability(taken, spot_side(args, &LIABILITY)?, asset_held(args)?);
            ours.map(|amount| BigInt::from(amount.0))
        }
        "calculate_funding_rate_deltas_to_resolve_bankruptcy" => {
            let open = OpenInterest {
                long: Base(whole(args, "base_long")?),
                short: Base(whole(args, "base_short")?),
            };
            funding_delta_of_bankruptcy(Quote(whole(args, "loss")?), open).map(|delta| BigInt::from(delta.0))
        }
        "calculate_cumulative_deposit_interest_delta_to_resolve_bankruptcy" => {
            let loss = SpotLoss {
                borrowed: TokenAmount(whole(args, "loss")?),
                deposits: TokenAmount(whole(args, "deposits")?),
                interest: Interest(whole(args, "cumulative_deposit_interest")?),
            };
            interest_delta_of_bankruptcy(loss).map(|delta| BigInt::from(delta.0))
        }
        _ => return Err(CaseError::Text("fn")),
    };
    compare(ours, &integer(row, "expected")?, case.name, group);
    Ok(())
}

/// The program says "as much as there is" by its largest number.
fn size(transfer: Result<Transfer, DriftError>) -> Result<BigInt, DriftError> {
    transfer.map(|transfer| match transfer {
        Transfer::Amount(amount) => BigInt::from(amount),
        Transfer::Unbounded => BigInt::from(u128::MAX),
    })
}

/// What two tests call the same inputs.
struct PerpKeys {
    fee: &'static str,
    quote_price: &'static str,
}

fn perp_shortage(args: &Value, keys: &PerpKeys) -> Result<PerpShortage, CaseError> {
    Ok(PerpShortage {
        shortage: Quote(whole(args, "margin_shortage")?),
        ratio: Weight(whole(args, "margin_ratio")?),
        liquidator_fee: Fee(whole(args, keys.fee)?),
        price: Price(whole(args, "oracle_price")?),
        quote_price: Price(whole(args, keys.quote_price)?),
    })
}

/// What two tests call the same inputs.
struct SpotKeys {
    asset: &'static str,
    liability: &'static str,
    decimals: &'static str,
}

fn spot_shortage(args: &Value, keys: &SpotKeys) -> Result<SpotShortage, CaseError> {
    Ok(SpotShortage {
        shortage: Quote(whole(args, "margin_shortage")?),
        asset_weight: Weight(whole(args, "asset_weight")?),
        asset_multiplier: Multiplier(whole(args, keys.asset)?),
        liability_weight: Weight(whole(args, "liability_weight")?),
        liability: SpotSide {
            decimals: Decimals(whole(args, keys.decimals)?),
            price: Price(whole(args, "liability_price")?),
            multiplier: Multiplier(whole(args, keys.liability)?),
        },
    })
}

/// Where one side of a spot liquidation stands.
struct SideKeys {
    decimals: &'static str,
    price: &'static str,
    multiplier: &'static str,
}

const ASSET: SideKeys =
    SideKeys { decimals: "asset_decimals", price: "asset_price", multiplier: "asset_mult" };
const LIABILITY: SideKeys =
    SideKeys { decimals: "liab_decimals", price: "liab_price", multiplier: "liab_mult" };

fn spot_side(args: &Value, keys: &SideKeys) -> Result<SpotSide, CaseError> {
    Ok(SpotSide {
        decimals: Decimals(whole(args, keys.decimals)?),
        price: Price(whole(args, keys.price)?),
        multiplier: Multiplier(whole(args, keys.multiplier)?),
    })
}

fn asset_held(args: &Value) -> Result<AssetHeld, CaseError> {
    Ok(AssetHeld { amount: TokenAmount(whole(args, "asset_amount")?), side: spot_side(args, &ASSET)? })
}

fn level(row: &Value) -> Result<MarginLevel, CaseError> {
    match text(row, "margin_type")? {
        "Initial" => Ok(MarginLevel::Initial),
        "Fill" => Ok(MarginLevel::Fill),
        "Maintenance" => Ok(MarginLevel::Maintenance),
        _ => Err(CaseError::Text("margin_type")),
    }
}

fn compare(ours: Result<impl Into<BigInt>, DriftError>, theirs: &BigInt, name: &str, group: &mut Group) {
    let comparison: ExactComparison = match ours {
        Ok(ours) => integers(&ours.into(), theirs),
        Err(error) => texts(error.to_string(), &theirs.to_string()),
    };
    group.compare_exact(comparison, || name.to_owned());
}
