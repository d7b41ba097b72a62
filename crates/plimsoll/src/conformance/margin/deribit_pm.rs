//! Suite `deribit-pm`: answers of Deribit's portfolio simulation, and option tables of this project's own making.
//!
//! | file | what | tolerance |
//! |---|---|---|
//! | `*simulate*.json` | risk vectors by instrument and aggregated, worst case, roll and delta shock, margins | the file's digits |
//! | `selfgen_pme_option_vectors.json` | option tables computed once for this project: regression, no evidence | 1e-12 of a coin |
//!
//! All parameters are those of the answer (`model_params`), not of a rulebook: the engine is what is compared. A vector under
//! `standard_by_bucket` has one number for each price, under `standard` one for each price and vol.

use super::super::result::{Comparison, Group, GroupResult};
use super::super::vectors::{self, CaseError, number, text};
use super::super::{Progress, Report, Sources};
use ::margin::scenario::model::{
    ByAsset, ChargeKind, ChargeRule, CollateralRule, Combine, Factors, Growth, Numeraire, Offset, Place,
    RelativeVol, Scenario, ScenarioModel, SpotMove, Table, UnitBy, VolMove, VolShock, Weight,
};
use ::margin::scenario::{
    AssetState, ContractState, Cube, Entry, ExpiryState, Payoff, Scratch, UnitMarket, UnitRisk,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use units::{Asset, Discount, OptionKind, Strike, Symbol, Timestamp, Venue, YearFraction};

pub(in super::super) const ID: &str = "deribit-pm";
pub(in super::super) const SUMMARY: &str =
    "Deribit's portfolio simulation answers, by the scenario engine with the answer's own parameters";

/// Moves beyond the grid, in the order of the answers.
const EXTENDED: [f64; 8] = [-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0];
/// The answers print f64 in full; a handful of roundings separate two ways of computing them.
const PRINTED_IN_FULL: f64 = 1e-14;
const PRINTED_REASON: &str = "risk vectors and shocks are printed in full: 1e-14 of a coin; margins to 1e-9 of a coin, \
    because the answers' own parts (worst case + roll shock) differ from their sums by up to 4e-10";
const SUMS: f64 = 1e-9;
const OWN_REASON: &str = "own numbers of another implementation of the same formulas: 1e-12 of a coin";

/// Runs every simulation answer of the folder and the option tables.
pub(in super::super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let folder = sources.vectors.join("exchange");
    let files = simulations(&folder);
    let total = files.len() as u64 + 1;
    let mut groups = Vec::new();
    if files.is_empty() {
        let group = Group::checked("simulate answers", "coin", PRINTED_REASON);
        groups.push(group.not_run(format!("no *simulate*.json in {}", folder.display())));
    }
    for (done, path) in files.iter().enumerate() {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        progress(Progress { suite: ID, item: &name, bytes_done: done as u64, bytes_total: total });
        let mut group = Group::checked(name.clone(), "coin", PRINTED_REASON);
        match vectors::read(path) {
            Ok(file) => {
                if let Err(error) = simulation(&file, &mut group) {
                    group.fault(name, error.to_string());
                }
            }
            Err(error) => group.fault(name, error.to_string()),
        }
        groups.push(group.finish());
    }
    groups.push(option_tables(&folder.join("selfgen_pme_option_vectors.json")));
    groups
}

fn simulations(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            name.contains("simulate") && name.ends_with(".json")
        })
        .collect();
    files.sort();
    files
}

/// Everything one answer says about one currency.
struct Answer<'a> {
    coin: String,
    file: &'a Value,
    index: f64,
    model: ScenarioModel,
    asof: Timestamp,
}

fn simulation(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let margins = file.get("margins").and_then(Value::as_object).ok_or(CaseError::Text("margins"))?;
    for (coin, margin) in margins {
        let answer = Answer::new(coin, file)?;
        answer.compare(margin, group)?;
    }
    Ok(())
}

fn child<'a>(value: &'a Value, path: &[&'static str]) -> Result<&'a Value, CaseError> {
    path.iter().try_fold(value, |at, key| at.get(key).ok_or(CaseError::Text(key)))
}

impl<'a> Answer<'a> {
    fn new(coin: &str, file: &'a Value) -> Result<Self, CaseError> {
        let pair = format!("{coin}_usd");
        let params = child(file, &["model_params"])?;
        let by_pair = child(params, &["currency_pair"])?.get(&pair).ok_or(CaseError::Number(pair.clone()))?;
        let currency = child(params, &["currency"])?.get(coin).ok_or(CaseError::Text("currency"))?;
        let general = child(params, &["general"])?;
        let index = number(child(file, &["index_price"])?, &pair)?;
        let millis = number(general, "timestamp")?;
        #[allow(clippy::cast_possible_truncation)] // milliseconds are whole and far below 2^53
        let asof = Timestamp::from_unix_millis(millis as i64)?;
        let model = model(general, currency, by_pair)?;
        Ok(Self { coin: coin.to_owned(), file, index, model, asof })
    }

    fn compare(&self, margin: &Value, group: &mut Group) -> Result<(), CaseError> {
        let positions = child(self.file, &["portfolio", "position"])?;
        let positions = positions.as_object().ok_or(CaseError::Text("position"))?;
        let mut contracts = Vec::new();
        for (symbol, size) in positions {
            let size = size.to_string().parse().map_err(|_| CaseError::Number(symbol.clone()))?;
            contracts.push(self.contract(symbol, size)?);
        }
        contracts.sort_by(|a, b| a.years.get().total_cmp(&b.years.get()));
        for contract in &contracts {
            let plain =
                ScenarioModel { offset: Offset::default(), charges: Vec::new(), ..self.model.clone() };
            let (_, scratch) = self.risk(&plain, std::slice::from_ref(contract))?;
            let theirs = child(self.file, &["initial_risk_vectors"])?.get(&contract.symbol);
            let theirs = theirs.ok_or_else(|| CaseError::Number(contract.symbol.clone()))?;
            self.vectors(&contract.symbol, theirs, scratch.pnl(), group)?;
        }
        let (risk, scratch) = self.risk(&self.model, &contracts)?;
        let pair = format!("{0}_{0}", self.coin);
        let aggregated = child(self.file, &["aggregated_risk_vectors"])?.get(&pair);
        let aggregated = aggregated.ok_or_else(|| CaseError::Number(pair.clone()))?;
        self.vectors(&pair, aggregated, scratch.pnl(), group)?;
        self.margins(margin, risk, &scratch, group)
    }

    /// Standard and extended vectors, in the order in which the answer prints them.
    fn vectors(&self, name: &str, theirs: &Value, ours: &[f64], group: &mut Group) -> Result<(), CaseError> {
        let standard = ours.len() - EXTENDED.len();
        let (by_price_and_vol, extended) = ours.split_at(standard);
        let by_bucket: Vec<f64> = by_price_and_vol.iter().skip(1).step_by(3).copied().collect();
        let lists: [(&'static str, &[f64]); 3] =
            [("standard", by_price_and_vol), ("standard_by_bucket", &by_bucket), ("extended", extended)];
        let mut compared = 0;
        for (key, ours) in lists {
            let Some(list) = theirs.get(key).and_then(Value::as_array) else { continue };
            if list.len() != ours.len() {
                group.fault(
                    format!("{name} {key}"),
                    format!("{} numbers, the grid has {}", list.len(), ours.len()),
                );
            }
            for (index, (ours, theirs)) in ours.iter().zip(list).enumerate() {
                let theirs: f64 = theirs
                    .to_string()
                    .parse()
                    .map_err(|_| CaseError::Number(format!("{name} {key}[{index}]")))?;
                compare(*ours, theirs, PRINTED_IN_FULL, group, || format!("{name} {key}[{index}]"));
                compared += 1;
            }
        }
        if compared == 0 {
            group.fault(name, "has no risk vector");
        }
        Ok(())
    }

    fn margins(
        &self,
        margin: &Value,
        risk: UnitRisk,
        scratch: &Scratch,
        group: &mut Group,
    ) -> Result<(), CaseError> {
        let details = child(margin, &["initial_margin_details"])?;
        let matrix = child(details, &["risk_matrix_margin_details"])?;
        let [roll, delta] = scratch.charges() else { return Err(CaseError::Text("charges")) };
        let coin = &self.coin;
        let mut check =
            |ours: f64, row: &Value, key: &'static str, tolerance: f64| -> Result<(), CaseError> {
                let theirs = number(row, key)?;
                compare(ours, theirs, tolerance, group, || format!("{coin} {key}"));
                Ok(())
            };
        check(risk.worst_loss, matrix, "worst_case", PRINTED_IN_FULL)?;
        check(roll.initial, matrix, "roll_shock", PRINTED_IN_FULL)?;
        check(delta.initial, matrix, "delta_shock", PRINTED_IN_FULL)?;
        check(risk.requirement.initial, details, "risk_matrix_margin", SUMS)?;
        // Orders, market maker protection and spot are not in the matrix: the answer's own figures are added.
        let mut initial = risk.requirement.initial;
        for key in ["spot_margin", "mmp_margin", "open_orders_margin"] {
            initial += number(details, key)?;
        }
        check(initial, margin, "initial_margin", SUMS)?;
        check(risk.requirement.maintenance, margin, "maintenance_margin", SUMS)
    }

    fn risk(&self, model: &ScenarioModel, contracts: &[Position]) -> Result<(UnitRisk, Scratch), CaseError> {
        let mut market = UnitMarket {
            assets: vec![AssetState {
                asset: Asset::new(&self.coin)?,
                index: self.index,
                index_confidence: 1.0,
                perpetual_confidence: 1.0,
            }],
            expiries: Vec::new(),
            contracts: Vec::new(),
            stable_usd: 1.0,
        };
        let mut entries = Vec::new();
        for (row, position) in (0_u32..).zip(contracts) {
            let expiry = market.expiries.len();
            market.expiries.push(expiry_state(expiry, position.years, position.forward)?);
            market.contracts.push(position.state(expiry));
            entries.push(Entry { row, weight: position.quantity });
        }
        let cube = Cube::build(model, &market).map_err(engine)?;
        let mut scratch = Scratch::default();
        let risk = cube.risk(model, &entries, &mut scratch).map_err(engine)?;
        Ok((risk, scratch))
    }

    /// Futures are given in coins; an option needs its forward and vol beside it.
    fn contract(&self, symbol: &str, size: f64) -> Result<Position, CaseError> {
        let ticker = child(self.file, &["ticker"])?.get(symbol);
        let ticker = ticker.ok_or_else(|| CaseError::Number(format!("ticker.{symbol}")))?;
        let listing = instrument::resolve(
            &Venue::new("deribit")?,
            &Symbol::new(symbol)?,
            &instrument::Specs::embedded(),
        );
        let resolved = listing.map_err(engine)?;
        let [leg] = resolved.legs.as_slice() else { return Err(CaseError::Text("position")) };
        let contract = leg.listing.contract.clone();
        let years = match contract.expiry() {
            Some(at) => self.asof.years_until(at)?,
            None => YearFraction::ZERO,
        };
        match contract.terms {
            instrument::Terms::Option { strike, kind, .. } => Ok(Position {
                symbol: symbol.to_owned(),
                quantity: size,
                years,
                forward: number(ticker, "underlying_price")?,
                option: Some(OptionTerms {
                    strike: Strike::new(units::border::to_model(strike.get())?)?,
                    kind,
                    vol: number(ticker, "mark_iv")? / 100.0,
                }),
            }),
            _ => {
                let mark = number(ticker, "mark_price")?;
                Ok(Position {
                    symbol: symbol.to_owned(),
                    quantity: size * mark,
                    years,
                    forward: mark,
                    option: None,
                })
            }
        }
    }
}

struct Position {
    symbol: String,
    /// Coins of options, USD of futures.
    quantity: f64,
    years: YearFraction,
    forward: f64,
    option: Option<OptionTerms>,
}

struct OptionTerms {
    strike: Strike,
    kind: OptionKind,
    vol: f64,
}

impl Position {
    fn state(&self, expiry: usize) -> ContractState {
        match &self.option {
            None => ContractState::Future { expiry, mark: self.forward, payoff: Payoff::Coin },
            Some(OptionTerms { strike, kind, vol }) => ContractState::Option {
                expiry,
                strike: *strike,
                kind: *kind,
                vol: *vol,
                payoff: Payoff::Coin,
            },
        }
    }
}

fn expiry_state(date: usize, years: YearFraction, forward: f64) -> Result<ExpiryState, CaseError> {
    Ok(ExpiryState {
        asset: 0,
        date,
        years,
        forward_fixed: 0.0,
        forward_variable: forward,
        rate: 0.0,
        discount: Discount::new(1.0)?,
        confidence: 1.0,
        quote: Asset::usd(),
        quote_usd: 1.0,
    })
}

fn compare(ours: f64, theirs: f64, tolerance: f64, group: &mut Group, name: impl FnOnce() -> String) {
    group.compare(Comparison { ours, theirs, tolerance, scale: 1.0 }, name);
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn engine(error: impl ToString) -> CaseError {
    CaseError::Number(error.to_string())
}

fn model(general: &Value, currency: &Value, pair: &Value) -> Result<ScenarioModel, CaseError> {
    let buckets = number(general, "buckets_count")?;
    let mut scenarios = Vec::new();
    #[allow(clippy::cast_possible_truncation)] // a handful
    let count = buckets as i32;
    for bucket in -count..=count {
        for vol in [VolMove::Up, VolMove::Same, VolMove::Down] {
            scenarios.push(Scenario {
                name: format!("bucket {}", bucket + count + 1),
                spot: SpotMove::OfRange(f64::from(bucket) / buckets),
                vol,
                days: 0.0,
                weight: Weight::Fixed(1.0),
                table: Table::Standard,
            });
        }
    }
    let factor = number(pair, "extended_table_factor")?;
    scenarios.extend(EXTENDED.iter().map(|by| Scenario {
        name: format!("{by:+}"),
        spot: SpotMove::Relative(*by),
        vol: VolMove::Up,
        days: 0.0,
        weight: Weight::EdgeScaled(factor),
        table: Table::Extended,
    }));
    let rule = |name: &str, kind| ChargeRule { name: name.into(), place: Place::Scaled, kind };
    Ok(ScenarioModel {
        underlyings: Vec::new(),
        unit_by: UnitBy::Settlement,
        combine: Combine::Segregated,
        numeraire: Numeraire::Settlement,
        scenarios,
        price_range: ByAsset::all(number(pair, "price_range")?),
        vol_shock: VolShock { relative: Some(vol_law(pair)?), ..VolShock::default() },
        skew: None,
        static_discount: None,
        forward_contingency: None,
        offset: Offset {
            gain: ByAsset::all(number(currency, "pnl_offset")?),
            most_gain_usd: ByAsset::all(number(currency, "max_offsetable_pnl")?),
            dampener_usd: ByAsset::all(number(currency, "extended_dampener")?),
        },
        charges: vec![
            rule(
                "roll shock",
                ChargeKind::ExpiryDelta {
                    per_year: ByAsset::all(number(currency, "annualised_move_risk")?),
                    growth: Growth::Exponential,
                    least: ByAsset::all(number(currency, "min_annualised_move")?),
                },
            ),
            rule(
                "delta shock",
                ChargeKind::DeltaShock {
                    threshold_usd: number(pair, "delta_total_liq_shock_threshold")?,
                    slope_per_coin: ByAsset::all(number(pair, "m_inc")?),
                    most: number(pair, "max_delta_shock")?,
                },
            ),
        ],
        factor: Factors {
            initial: 1.0,
            maintenance: number(general, "mm_factor")?,
            depeg_threshold: 0.0,
            depeg_factor: 0.0,
        },
        collateral: CollateralRule::default(),
        borrow: None,
    })
}

fn vol_law(pair: &Value) -> Result<RelativeVol, CaseError> {
    Ok(RelativeVol {
        range_up: number(pair, "volatility_range_up")?,
        range_down: number(pair, "volatility_range_down")?,
        short_term_power: number(pair, "short_term_vega_power")?,
        long_term_power: number(pair, "long_term_vega_power")?,
        // The answers name no floor; the tables have options of less than a day and none.
        floor_days: 1e-6,
        least_vol_up: number(pair, "min_volatility_for_shock_up")?,
    })
}

/// Tables of one option each: this project's own, from another implementation of the same text.
fn option_tables(path: &Path) -> GroupResult {
    let mut group = Group::checked("selfgen_pme_option_vectors.json", "coin", OWN_REASON);
    let file = match vectors::read(path) {
        Ok(file) => file,
        Err(vectors::FileError::Absent(at)) => return group.not_run(at),
        Err(error) => {
            group.fault("selfgen", error.to_string());
            return group.finish();
        }
    };
    vectors::each_row(&file, "rows", &mut group, |name, row, group| {
        let params = child(&file, &["params"])?;
        option_table(params, row, name, group)
    });
    group.finish()
}

fn option_table(params: &Value, row: &Value, name: &str, group: &mut Group) -> Result<(), CaseError> {
    let answer_params = serde_json::json!({
        "general": { "buckets_count": 4, "mm_factor": 0.8 },
        "currency": {
            "pnl_offset": 1, "max_offsetable_pnl": 1e18, "extended_dampener": 0,
            "annualised_move_risk": 0, "min_annualised_move": 0,
        },
        "pair": {
            "price_range": params.get("price_range"), "extended_table_factor": 1,
            "volatility_range_up": params.get("vol_up"), "volatility_range_down": params.get("vol_down"),
            "short_term_vega_power": params.get("short_power"), "long_term_vega_power": params.get("long_power"),
            "min_volatility_for_shock_up": params.get("min_vol_up"),
            "delta_total_liq_shock_threshold": 1e18, "m_inc": 0, "max_delta_shock": 0,
        },
    });
    let part = |key: &str| answer_params.get(key).cloned().unwrap_or_default();
    let model = model(&part("general"), &part("currency"), &part("pair"))?;
    let symbol = text(row, "instrument")?;
    let forward = number(row, "F")?;
    let kind = if symbol.ends_with('P') { OptionKind::Put } else { OptionKind::Call };
    let market = UnitMarket {
        assets: vec![AssetState {
            asset: Asset::new("BTC")?,
            index: forward,
            index_confidence: 1.0,
            perpetual_confidence: 1.0,
        }],
        expiries: vec![expiry_state(0, YearFraction::new(number(row, "T")?)?, forward)?],
        contracts: vec![ContractState::Option {
            expiry: 0,
            strike: Strike::new(number(row, "K")?)?,
            kind,
            vol: number(row, "iv")?,
            payoff: Payoff::Coin,
        }],
        stable_usd: 1.0,
    };
    let cube = Cube::build(&model, &market).map_err(engine)?;
    let mut scratch = Scratch::default();
    cube.risk(&model, &[Entry { row: 0, weight: 1.0 }], &mut scratch).map_err(engine)?;
    let tolerance = 1e-12;
    let table = child(row, &["standard_up_same_down"])?.as_array().ok_or(CaseError::Text("standard"))?;
    let standard = table.iter().filter_map(Value::as_array).flatten();
    let extended = child(row, &["extended_up"])?.as_array().ok_or(CaseError::Text("extended_up"))?;
    let mut ours = scratch.pnl().iter();
    for (index, theirs) in standard.enumerate() {
        let theirs: f64 = theirs.to_string().parse().map_err(|_| CaseError::Text("standard_up_same_down"))?;
        let ours = ours.next().ok_or(CaseError::Text("standard_up_same_down"))?;
        compare(*ours, theirs, tolerance, group, || format!("{name} {symbol} standard[{index}]"));
    }
    for theirs in extended {
        let ours = ours.next().ok_or(CaseError::Text("extended_up"))?;
        let by = number(theirs, "move")?;
        compare(*ours, number(theirs, "adjusted")?, tolerance, group, || {
            format!("{name} {symbol} at {by:+}")
        });
    }
    Ok(())
}
