//! One account: a line of what its rules say of it, and what that is made of.

use super::{Margined, Short, Total, out_of_range};
use margin::{AccountMargin, Charge, Collateral, Levels, Outcome, Unit, Wallet};
use serde::Serialize;
use units::{Account, Asset, Fixed, UnitError, Venue};

#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct AccountView {
    #[schema(value_type = String)]
    account: Account,
    #[schema(value_type = String)]
    venue: Venue,
    /// Why a figure is absent.
    why_not: Option<String>,
    rulebook: Option<String>,
    rulebook_title: Option<String>,
    parameter_hash: Option<String>,
    #[schema(value_type = Option<String>)]
    equity_usd: Option<Fixed>,
    /// What of the equity counts for maintenance.
    #[schema(value_type = Option<String>)]
    counted_usd: Option<Fixed>,
    #[schema(value_type = Option<String>)]
    initial_margin_usd: Option<Fixed>,
    #[schema(value_type = Option<String>)]
    maintenance_margin_usd: Option<Fixed>,
    /// Requirement as a share of what counts for it; with separate wallets that of the nearest.
    maintenance_use: Option<f64>,
    initial_use: Option<f64>,
    /// Counted less asked, at maintenance: the loss that begins a liquidation.
    #[schema(value_type = Option<String>)]
    surplus_usd: Option<Fixed>,
    is_stale: bool,
    worst: Option<WorstScenario>,
    /// Positions and balances that the rulebook does not cover.
    unmargined: usize,
}

/// What the figures of an account are made of.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct AccountDetails {
    #[schema(value_type = String)]
    account: Account,
    #[schema(value_type = String)]
    venue: Venue,
    units: Vec<UnitView>,
    collateral: Vec<CollateralView>,
    notes: Vec<String>,
}

/// The deciding scenario that loses most.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
struct WorstScenario {
    unit: String,
    scenario: String,
    #[schema(value_type = String)]
    pnl_usd: Fixed,
}

/// Legs that are margined together.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct UnitView {
    name: String,
    #[schema(value_type = String)]
    initial_usd: Fixed,
    #[schema(value_type = String)]
    maintenance_usd: Fixed,
    scenarios: Vec<ScenarioView>,
    charges: Vec<ChargeView>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ScenarioView {
    name: String,
    #[schema(value_type = String)]
    pnl_usd: Fixed,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ChargeView {
    name: String,
    #[schema(value_type = String)]
    initial_usd: Fixed,
    #[schema(value_type = String)]
    maintenance_usd: Fixed,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CollateralView {
    #[schema(value_type = String)]
    asset: Asset,
    #[schema(value_type = String)]
    amount: Fixed,
    #[schema(value_type = String)]
    value_usd: Fixed,
    /// For maintenance.
    #[schema(value_type = String)]
    counted_usd: Fixed,
    /// The part that does not count; for a debt the surcharge. None for what is worth nothing.
    haircut: Option<f64>,
}

const EMBEDDED_NOTE: &str = "the journal names no rulebooks: those that ship with the program are used";

impl AccountView {
    pub(super) fn new(short: &Short, margined: &Margined<'_>) -> Self {
        let mut view = Self {
            account: short.account.clone(),
            venue: short.venue.clone(),
            why_not: short.why_not.clone(),
            rulebook: short.rulebook.clone(),
            rulebook_title: None,
            parameter_hash: None,
            equity_usd: short.equity_usd,
            counted_usd: None,
            initial_margin_usd: short.initial_margin_usd,
            maintenance_margin_usd: short.maintenance_margin_usd,
            maintenance_use: None,
            initial_use: None,
            surplus_usd: None,
            is_stale: margined.is_stale,
            worst: None,
            unmargined: margined.state.unmargined.len(),
        };
        if let Ok((report, rulebook)) = &margined.by {
            view.rulebook_title = Some(rulebook.header.title.clone());
            view.parameter_hash = Some(report.parameter_hash.clone());
            if let Err(error) = view.figures(report) {
                view.why_not = Some(out_of_range(&error));
            }
        }
        view
    }

    fn figures(&mut self, AccountMargin { outcome, .. }: &AccountMargin) -> Result<(), UnitError> {
        self.counted_usd = Some(Fixed::quantise_down(outcome.counted.maintenance)?);
        self.surplus_usd = Some(surplus(outcome)?);
        let known = |share: &f64| share.is_finite() && !outcome.is_partial();
        self.maintenance_use = outcome.utilisation().filter(known);
        self.initial_use = initial_use(outcome).filter(known);
        self.worst = worst(outcome)?;
        self.unmargined = outcome.unmargined.len();
        Ok(())
    }

    /// Adds its figures to a total.
    pub(super) fn add_to(&self, total: &mut Total) {
        total.equity_usd += self.equity_usd.unwrap_or_default();
        total.initial_margin_usd += self.initial_margin_usd.unwrap_or_default();
        total.maintenance_margin_usd += self.maintenance_margin_usd.unwrap_or_default();
    }
}

/// Of the deciding scenarios the one that loses most.
fn worst(outcome: &Outcome) -> Result<Option<WorstScenario>, UnitError> {
    let deciding = outcome.units.iter().filter_map(|unit| Some((unit, unit.scenarios.get(unit.worst?)?)));
    let published = deciding.map(|(unit, scenario)| Ok((unit, scenario, Fixed::quantise(scenario.pnl_usd)?)));
    let published: Vec<_> = published.collect::<Result<_, UnitError>>()?;
    let least = published.into_iter().min_by_key(|(_, _, pnl_usd)| *pnl_usd);
    Ok(least.map(|(unit, scenario, pnl_usd)| WorstScenario {
        unit: unit.name.clone(),
        scenario: scenario.name.clone(),
        pnl_usd,
    }))
}

impl AccountDetails {
    /// A figure out of range is told in the line.
    pub(super) fn new(line: &mut AccountView, margined: &Margined<'_>, are_embedded: bool) -> Self {
        let mut details = Self {
            account: line.account.clone(),
            venue: line.venue.clone(),
            units: Vec::new(),
            collateral: Vec::new(),
            notes: Vec::new(),
        };
        if let Ok((report, _)) = &margined.by {
            if let Err(error) = details.fill(&report.outcome) {
                line.why_not = Some(out_of_range(&error));
            }
            details.notes.extend(are_embedded.then(|| EMBEDDED_NOTE.to_owned()));
        }
        details
    }

    fn fill(&mut self, outcome: &Outcome) -> Result<(), UnitError> {
        self.notes.clone_from(&outcome.notes);
        let absent = outcome.unmargined.iter();
        self.notes.extend(absent.map(|absent| format!("not margined: {}: {}", absent.symbol, absent.reason)));
        self.units = outcome.units.iter().map(UnitView::new).collect::<Result<_, _>>()?;
        self.collateral = outcome.collateral.iter().map(CollateralView::new).collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// The rule of [`Outcome::surplus`] at maintenance on published figures, so that rows add up: what the short wallets lack, else the least
/// of those that something is asked of.
fn surplus(outcome: &Outcome) -> Result<Fixed, UnitError> {
    let left = |counted: Levels, asked: Levels| {
        Ok(Fixed::quantise_down(counted.maintenance)? - Fixed::quantise_up(asked.maintenance)?)
    };
    let all = left(outcome.counted, outcome.requirement)?;
    let (mut short, mut least) = (Fixed::ZERO, None);
    for wallet in &outcome.wallets {
        let own = left(wallet.counted, wallet.requirement)?;
        if own < Fixed::ZERO {
            short += own;
        }
        if wallet.requirement.maintenance > 0.0 && least.is_none_or(|least| own < least) {
            least = Some(own);
        }
    }
    Ok(if short < Fixed::ZERO { short } else { least.unwrap_or(all) })
}

/// As the use at maintenance: none when nothing counts; with separate wallets that of the one that uses most.
fn initial_use(outcome: &Outcome) -> Option<f64> {
    let share =
        |counted: Levels, asked: Levels| (counted.initial > 0.0).then(|| asked.initial / counted.initial);
    let asked = outcome.wallets.iter().filter(|wallet| wallet.requirement.initial > 0.0);
    let of_wallet = |wallet: &Wallet| share(wallet.counted, wallet.requirement).unwrap_or(f64::INFINITY);
    match asked.map(of_wallet).max_by(f64::total_cmp) {
        Some(most) => most.is_finite().then_some(most),
        None => share(outcome.counted, outcome.requirement),
    }
}

impl UnitView {
    fn new(unit: &Unit) -> Result<Self, UnitError> {
        let scenarios = unit.scenarios.iter().map(|scenario| {
            Ok(ScenarioView { name: scenario.name.clone(), pnl_usd: Fixed::quantise(scenario.pnl_usd)? })
        });
        let charges = unit.charges.iter().map(|Charge { name, usd }| {
            Ok(ChargeView {
                name: name.clone(),
                initial_usd: Fixed::quantise_up(usd.initial)?,
                maintenance_usd: Fixed::quantise_up(usd.maintenance)?,
            })
        });
        Ok(Self {
            name: unit.name.clone(),
            initial_usd: Fixed::quantise_up(unit.requirement.initial)?,
            maintenance_usd: Fixed::quantise_up(unit.requirement.maintenance)?,
            scenarios: scenarios.collect::<Result<_, UnitError>>()?,
            charges: charges.collect::<Result<_, UnitError>>()?,
        })
    }
}

impl CollateralView {
    fn new(Collateral { asset, amount, value_usd, counted }: &Collateral) -> Result<Self, UnitError> {
        let haircut = (*value_usd != 0.0).then(|| (value_usd - counted.maintenance) / value_usd.abs());
        Ok(Self {
            asset: asset.clone(),
            amount: Fixed::quantise(*amount)?,
            value_usd: Fixed::quantise(*value_usd)?,
            counted_usd: Fixed::quantise_down(counted.maintenance)?,
            haircut: haircut.filter(|haircut| haircut.is_finite()),
        })
    }
}
