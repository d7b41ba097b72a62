//! What a margin model says of an account, as it is published: every figure quantised once, requirements up and what counts
//! against them down, so that rows add up to totals to the last digit and no account passes by a rounding.

use ::margin::{AccountMargin, Charge, Collateral, Levels, NoRulebook, ScenarioPnl, Unit};
use std::cmp::Ordering;
use units::{Account, Asset, Fixed, Symbol, UnitError, Venue};

/// A published figure at both levels, USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub(crate) struct Published {
    /// Needed to open or to withdraw.
    pub(crate) initial: Fixed,
    /// Below this the venue liquidates.
    pub(crate) maintenance: Fixed,
}

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Above both requirements.
    Ok,
    /// Between them: nothing may be opened or withdrawn.
    BelowInitial,
    /// Below maintenance: the venue may liquidate now.
    Liquidatable,
    /// Positions, but no rules for them.
    NoRulebook,
    /// Balances only, on a venue without rules: nobody can ask for margin.
    NoDerivatives,
    /// A figure is out of range.
    NoFigures,
    /// Every row of it in the book files was refused.
    NoSoundRows,
}

impl Status {
    /// In tables.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BelowInitial => "below initial",
            Self::Liquidatable => "LIQUIDATABLE",
            Self::NoRulebook => "no rulebook",
            Self::NoDerivatives => "no derivatives",
            Self::NoFigures => "out of range",
            Self::NoSoundRows => "no sound rows",
        }
    }

    /// In files.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BelowInitial => "below_initial",
            Self::Liquidatable => "liquidatable",
            Self::NoRulebook => "no_rulebook",
            Self::NoDerivatives => "no_derivatives",
            Self::NoFigures => "out_of_range",
            Self::NoSoundRows => "no_sound_rows",
        }
    }
}

/// One account on one venue.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AccountFigures {
    pub(crate) account: Account,
    pub(crate) venue: Venue,
    pub(crate) status: Status,
    /// Balances, gains and option values; by the venue's own definition where there is a rulebook. None: out of range.
    pub(crate) equity_usd: Option<Fixed>,
    /// None without a rulebook.
    pub(crate) margin: Option<MarginFigures>,
    /// What is in no figure.
    pub(crate) missing: Vec<Missing>,
    /// How many of its rows in the book files were refused: they are in no figure either.
    pub(crate) bad_rows: usize,
    /// Held options and futures that the market's quotes do not reach.
    pub(crate) extrapolated: Vec<Extrapolated>,
}

/// A held option or future that is priced beyond the market's quotes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(crate) struct Extrapolated {
    pub(crate) instrument: Symbol,
    /// `forward`, `vol`, `forward and vol`.
    pub(crate) what: &'static str,
}

/// What a rulebook says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MarginFigures {
    pub(crate) rulebook: String,
    pub(crate) parameter_hash: String,
    pub(crate) counted_usd: Published,
    pub(crate) requirement_usd: Published,
    /// Initial is what is available, maintenance how far liquidation is: counted less asked, exactly, or what [`of_wallets`] makes
    /// of the wallets.
    pub(crate) surplus_usd: Published,
    /// Maintenance requirement over the equity counted for it, of the nearest wallet where they are separate; none without such
    /// equity, and for an account of which something is not margined: what that would ask nobody knows.
    pub(crate) utilisation: Option<f64>,
    /// Empty where all that is counted stands together.
    pub(crate) wallets: Vec<WalletFigures>,
    pub(crate) units: Vec<UnitFigures>,
    pub(crate) collateral: Vec<CollateralFigures>,
    pub(crate) notes: Vec<String>,
}

/// A wallet that no other helps.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(crate) struct WalletFigures {
    pub(crate) name: String,
    pub(crate) equity_usd: Fixed,
    pub(crate) counted_usd: Published,
    pub(crate) requirement_usd: Published,
    pub(crate) surplus_usd: Published,
    pub(crate) utilisation: Option<f64>,
}

/// Legs that are margined together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UnitFigures {
    pub(crate) name: String,
    pub(crate) requirement_usd: Published,
    pub(crate) scenarios: Vec<ScenarioFigures>,
    /// Place of the scenario that decides.
    pub(crate) worst: Option<usize>,
    pub(crate) charges: Vec<ChargeFigures>,
    pub(crate) legs: Vec<LegFigures>,
}

/// P&L under one scenario.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct ScenarioFigures {
    pub(crate) name: String,
    pub(crate) pnl_usd: Fixed,
}

/// A contingency or another named part of a requirement.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct ChargeFigures {
    pub(crate) name: String,
    pub(crate) usd: Published,
}

/// The requirement of one leg.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct LegFigures {
    pub(crate) instrument: Symbol,
    pub(crate) requirement_usd: Published,
}

/// How a balance is counted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CollateralFigures {
    pub(crate) asset: Asset,
    pub(crate) amount: Fixed,
    pub(crate) value_usd: Fixed,
    pub(crate) counted_usd: Published,
    /// The part of the value that is not counted, by level; for a debt the surcharge on it. None without a value.
    pub(crate) haircut: Option<Haircut>,
}

/// Fractions.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(crate) struct Haircut {
    pub(crate) initial: f64,
    pub(crate) maintenance: f64,
}

/// What kind of thing is in no figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MissingKind {
    /// All of it.
    Account,
    /// A position or a balance.
    Holding,
}

impl MissingKind {
    /// In files.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Holding => "holding",
        }
    }
}

/// Something that is in no figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) kind: MissingKind,
    /// Venue's symbol, asset, or venue.
    pub(crate) name: String,
    /// Why, and how to mend it.
    pub(crate) reason: String,
}

impl Published {
    /// What is asked.
    pub(super) fn asked(usd: Levels) -> Result<Self, UnitError> {
        Ok(Self {
            initial: Fixed::quantise_up(usd.initial)?,
            maintenance: Fixed::quantise_up(usd.maintenance)?,
        })
    }

    /// What counts against it.
    pub(super) fn credited(usd: Levels) -> Result<Self, UnitError> {
        Ok(Self {
            initial: Fixed::quantise_down(usd.initial)?,
            maintenance: Fixed::quantise_down(usd.maintenance)?,
        })
    }

    /// What is left: the exact difference of the published figures, or the surplus itself where separate wallets make another of
    /// it.
    pub(super) fn left(counted: Levels, requirement: Levels, surplus: Levels) -> Result<Self, UnitError> {
        /// Rounding of two published figures is far below, and a wallet that matters far above.
        const SAME_USD: f64 = 1e-6;
        let plain = Self::credited(counted)?.minus(Self::asked(requirement)?);
        let level = |plain: Fixed, own: f64| {
            if (plain.to_f64() - own).abs() <= SAME_USD { Ok(plain) } else { Fixed::quantise_down(own) }
        };
        Ok(Self {
            initial: level(plain.initial, surplus.initial)?,
            maintenance: level(plain.maintenance, surplus.maintenance)?,
        })
    }

    /// Exact sum level by level.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { initial: self.initial + other.initial, maintenance: self.maintenance + other.maintenance }
    }

    /// Exact difference level by level.
    pub(crate) fn minus(self, other: Self) -> Self {
        Self { initial: self.initial - other.initial, maintenance: self.maintenance - other.maintenance }
    }
}

impl AccountFigures {
    /// Publishes a model's report; one with a figure out of range is reported without figures.
    pub(crate) fn margined(report: &AccountMargin) -> Self {
        let mut missing: Vec<Missing> =
            report.outcome.unmargined.iter().map(|u| Missing::holding(&u.symbol, &u.reason)).collect();
        let published = Fixed::quantise_down(report.outcome.equity_usd)
            .and_then(|equity_usd| Ok((equity_usd, MarginFigures::new(report)?)));
        let (status, equity_usd, margin) = match published {
            Ok((equity_usd, margin)) => (margin.status(), Some(equity_usd), Some(margin)),
            Err(error) => {
                missing.push(Missing::out_of_range(&report.venue, &error));
                (Status::NoFigures, None, None)
            }
        };
        Self {
            status,
            equity_usd,
            margin,
            missing,
            ..Self::empty(report.account.clone(), report.venue.clone())
        }
    }

    /// An account of which nothing is known but that rows of it were refused.
    pub(super) const fn empty(account: Account, venue: Venue) -> Self {
        Self {
            account,
            venue,
            status: Status::NoSoundRows,
            equity_usd: None,
            margin: None,
            missing: Vec::new(),
            bad_rows: 0,
            extrapolated: Vec::new(),
        }
    }

    /// The same with so many rows refused.
    pub(super) fn with_bad_rows(mut self, bad_rows: usize) -> Self {
        self.bad_rows = bad_rows;
        if let Some(margin) = self.margin.as_mut().filter(|_| bad_rows > 0) {
            margin.utilisation = None;
        }
        self
    }

    /// True when something of it is in no figure.
    pub(crate) fn is_partial(&self) -> bool {
        !self.missing.is_empty() || self.bad_rows > 0
    }

    /// Status as tables show it. What is left of a partial account may be sound; the account is not called so.
    pub(crate) fn status_words(&self) -> String {
        let is_margined = self.margin.is_some();
        match self.status {
            Status::Ok if self.is_partial() => "unknown, partial".into(),
            status if is_margined && self.is_partial() => format!("{}, partial", status.words()),
            status => status.words().into(),
        }
    }

    /// Status as files have it.
    pub(crate) fn status_key(&self) -> &'static str {
        if self.status == Status::Ok && self.is_partial() { "partial" } else { self.status.key() }
    }

    /// The nearer to liquidation, the smaller: liquidatable accounts by their shortfall, the others by what they use, then
    /// those of which nobody knows, then those of which nothing is asked.
    fn nearness(&self) -> (u8, f64) {
        let Some(margin) = &self.margin else {
            let rank = if self.status == Status::NoDerivatives { 4 } else { 3 };
            return (rank, 0.0);
        };
        let surplus = margin.surplus_usd.maintenance;
        if surplus < Fixed::ZERO {
            return (0, surplus.to_f64());
        }
        let asked = margin.requirement_usd.maintenance;
        match margin.utilisation {
            Some(used) if asked > Fixed::ZERO => (1, -used),
            None if self.is_partial() => (2, 0.0),
            None if asked > Fixed::ZERO => (1, f64::NEG_INFINITY),
            Some(_) | None => (4, 0.0),
        }
    }

    /// The nearer to liquidation first, then by account and venue.
    pub(crate) fn nearest_first(&self, other: &Self) -> Ordering {
        let (own, its) = (self.nearness(), other.nearness());
        let near = own.0.cmp(&its.0).then(own.1.total_cmp(&its.1));
        near.then_with(|| (&self.account, &self.venue).cmp(&(&other.account, &other.venue)))
    }
}

impl MarginFigures {
    fn new(report: &AccountMargin) -> Result<Self, UnitError> {
        let outcome = &report.outcome;
        let counted_usd = Published::credited(outcome.counted)?;
        let requirement_usd = Published::asked(outcome.requirement)?;
        let wallets: Vec<WalletFigures> =
            outcome.wallets.iter().map(WalletFigures::new).collect::<Result<_, _>>()?;
        let surplus_usd = of_wallets(&wallets, counted_usd.minus(requirement_usd));
        Ok(Self {
            rulebook: report.rulebook.clone(),
            parameter_hash: report.parameter_hash.clone(),
            counted_usd,
            requirement_usd,
            surplus_usd,
            wallets,
            utilisation: outcome.utilisation().filter(|_| !outcome.is_partial()),
            units: outcome.units.iter().map(UnitFigures::new).collect::<Result<_, _>>()?,
            collateral: outcome.collateral.iter().map(CollateralFigures::new).collect::<Result<_, _>>()?,
            notes: outcome.notes.clone(),
        })
    }

    fn status(&self) -> Status {
        let surplus = self.surplus_usd;
        if surplus.maintenance < Fixed::ZERO {
            Status::Liquidatable
        } else if surplus.initial < Fixed::ZERO {
            Status::BelowInitial
        } else {
            Status::Ok
        }
    }

    /// Balances that are worth something and of which the venue counts nothing at either level.
    pub(crate) fn counts_for_nothing(&self) -> impl Iterator<Item = &CollateralFigures> {
        let nothing = Published::default();
        self.collateral.iter().filter(move |b| b.value_usd > Fixed::ZERO && b.counted_usd == nothing)
    }

    /// True when a positive balance counts for more than the market pays for it.
    pub(crate) fn counts_above_value(&self) -> bool {
        let above = |h: Haircut| h.initial < 0.0 || h.maintenance < 0.0;
        self.collateral.iter().any(|b| b.value_usd > Fixed::ZERO && b.haircut.is_some_and(above))
    }

    /// The unit whose deciding scenario loses most, with that scenario.
    pub(crate) fn worst(&self) -> Option<(&UnitFigures, &ScenarioFigures)> {
        let deciding = self.units.iter().filter_map(|unit| Some((unit, unit.worst_scenario()?)));
        deciding.min_by_key(|(_, scenario)| scenario.pnl_usd)
    }

    /// The largest charge, by what it adds to initial margin, with its unit; credits do not count.
    pub(crate) fn largest_charge(&self) -> Option<(&UnitFigures, &ChargeFigures)> {
        let all = self.units.iter().flat_map(|unit| unit.charges.iter().map(move |charge| (unit, charge)));
        // The first of equals: max_by_key would take the last.
        let mut largest: Option<(&UnitFigures, &ChargeFigures)> = None;
        for (unit, charge) in all.filter(|(_, charge)| charge.usd.initial > Fixed::ZERO) {
            if largest.is_none_or(|(_, best)| charge.usd.initial > best.usd.initial) {
                largest = Some((unit, charge));
            }
        }
        largest
    }
}

/// The rule of [`::margin::Outcome::surplus`] on published figures: what the short wallets lack, else at initial what all have to
/// spare and at maintenance the least of those that something is asked of.
fn of_wallets(wallets: &[WalletFigures], all: Published) -> Published {
    let short = |level: fn(&Published) -> Fixed| {
        let each = wallets.iter().map(|wallet| level(&wallet.surplus_usd));
        let short = each.filter(|surplus| *surplus < Fixed::ZERO).fold(Fixed::ZERO, |sum, own| sum + own);
        (short < Fixed::ZERO).then_some(short)
    };
    let asked = wallets.iter().filter(|wallet| wallet.requirement_usd.maintenance > Fixed::ZERO);
    let least = asked.map(|wallet| wallet.surplus_usd.maintenance).min();
    Published {
        initial: short(|usd| usd.initial).unwrap_or(all.initial),
        maintenance: short(|usd| usd.maintenance).or(least).unwrap_or(all.maintenance),
    }
}

impl WalletFigures {
    fn new(wallet: &::margin::Wallet) -> Result<Self, UnitError> {
        let counted_usd = Published::credited(wallet.counted)?;
        let requirement_usd = Published::asked(wallet.requirement)?;
        Ok(Self {
            name: wallet.name.clone(),
            equity_usd: Fixed::quantise(wallet.equity_usd)?,
            counted_usd,
            requirement_usd,
            surplus_usd: counted_usd.minus(requirement_usd),
            utilisation: wallet.utilisation(),
        })
    }
}

impl UnitFigures {
    fn new(unit: &Unit) -> Result<Self, UnitError> {
        let scenario = |ScenarioPnl { name, pnl_usd }: &ScenarioPnl| {
            Ok(ScenarioFigures { name: name.clone(), pnl_usd: Fixed::quantise(*pnl_usd)? })
        };
        let charge = |Charge { name, usd }: &Charge| {
            Ok(ChargeFigures { name: name.clone(), usd: Published::asked(*usd)? })
        };
        let leg = |leg: &::margin::LegMargin| {
            Ok(LegFigures {
                instrument: leg.symbol.clone(),
                requirement_usd: Published::asked(leg.requirement)?,
            })
        };
        Ok(Self {
            name: unit.name.clone(),
            requirement_usd: Published::asked(unit.requirement)?,
            scenarios: unit.scenarios.iter().map(scenario).collect::<Result<_, UnitError>>()?,
            worst: unit.worst,
            charges: unit.charges.iter().map(charge).collect::<Result<_, UnitError>>()?,
            legs: unit.legs.iter().map(leg).collect::<Result<_, UnitError>>()?,
        })
    }

    /// The scenario that decides.
    pub(crate) fn worst_scenario(&self) -> Option<&ScenarioFigures> {
        self.scenarios.get(self.worst?)
    }
}

impl CollateralFigures {
    fn new(collateral: &Collateral) -> Result<Self, UnitError> {
        let Collateral { asset, amount, value_usd, counted } = collateral;
        let part = |counted_usd: f64| (value_usd - counted_usd) / value_usd.abs();
        let haircut = (*value_usd != 0.0)
            .then(|| Haircut { initial: part(counted.initial), maintenance: part(counted.maintenance) });
        Ok(Self {
            asset: asset.clone(),
            amount: Fixed::quantise(*amount)?,
            value_usd: Fixed::quantise(*value_usd)?,
            counted_usd: Published::credited(*counted)?,
            haircut: haircut.filter(|h| h.initial.is_finite() && h.maintenance.is_finite()),
        })
    }
}

impl Missing {
    pub(crate) fn holding(symbol: &Symbol, reason: &str) -> Self {
        Self { kind: MissingKind::Holding, name: symbol.to_string(), reason: reason.to_owned() }
    }

    pub(crate) fn out_of_range(venue: &Venue, error: &UnitError) -> Self {
        let reason = format!("{error}: look for a size, price or rate out of range");
        Self { kind: MissingKind::Account, name: venue.to_string(), reason }
    }

    pub(crate) fn no_rulebook(venue: &Venue, why: &NoRulebook) -> Self {
        Self { kind: MissingKind::Account, name: venue.to_string(), reason: why.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::margin::Outcome;

    fn report(outcome: Outcome) -> AccountMargin {
        AccountMargin {
            account: Account::new("a").unwrap(),
            venue: Venue::new("v").unwrap(),
            rulebook: "r".into(),
            parameter_hash: "h".into(),
            outcome,
        }
    }

    /// A third has no last decimal: its two neighbours at 1e-12 end in 3 and 4.
    #[test]
    fn requirements_are_rounded_up_and_what_counts_down() {
        let third = Levels::both(1.0 / 3.0);
        let outcome =
            Outcome { equity_usd: 1.0 / 3.0, counted: third, requirement: third, ..Outcome::default() };
        let figures = AccountFigures::margined(&report(outcome));
        let margin = figures.margin.unwrap();
        assert_eq!(figures.equity_usd.unwrap().to_string(), "0.333333333333");
        assert_eq!(margin.counted_usd.initial.to_string(), "0.333333333333");
        assert_eq!(margin.requirement_usd.maintenance.to_string(), "0.333333333334");
        assert_eq!(figures.status, Status::Liquidatable, "the last quantum is the venue's");
    }

    #[test]
    fn a_figure_that_is_no_number_leaves_the_account_listed_without_figures() {
        for bad in [f64::NAN, f64::INFINITY, 1e21] {
            let outcome = Outcome { requirement: Levels::both(bad), ..Outcome::default() };
            let figures = AccountFigures::margined(&report(outcome));
            assert_eq!((figures.status, figures.equity_usd), (Status::NoFigures, None));
            assert!(figures.is_partial() && figures.margin.is_none());
        }
    }

    #[test]
    fn the_worst_is_the_deciding_scenario_that_loses_most_and_credits_are_no_charges() {
        let unit = |name: &str, pnl_usd: &[f64], worst: Option<usize>, charge: f64| Unit {
            name: name.into(),
            scenarios: pnl_usd
                .iter()
                .map(|pnl_usd| ScenarioPnl { name: "s".into(), pnl_usd: *pnl_usd })
                .collect(),
            worst,
            charges: vec![Charge { name: "c".into(), usd: Levels::both(charge) }],
            ..Unit::default()
        };
        // The second unit loses more in a scenario that does not decide.
        let units = vec![
            unit("A", &[-5.0], Some(0), -9.0),
            unit("B", &[-7.0, -3.0], Some(1), 2.0),
            unit("C", &[], None, 2.0),
        ];
        let figures = AccountFigures::margined(&report(Outcome { units, ..Outcome::default() }));
        let margin = figures.margin.unwrap();
        let (worst, charge) = (margin.worst().unwrap(), margin.largest_charge().unwrap());
        assert_eq!((worst.0.name.as_str(), worst.1.pnl_usd), ("A", Fixed::quantise(-5.0).unwrap()));
        assert_eq!(charge.0.name, "B", "the first of equals");
    }

    #[test]
    fn a_haircut_is_the_part_that_does_not_count_and_for_a_debt_the_surcharge() {
        let of = |value_usd: f64, counted: f64| {
            let asset = Asset::new("BTC").unwrap();
            let collateral = Collateral { asset, amount: 1.0, value_usd, counted: Levels::both(counted) };
            CollateralFigures::new(&collateral).unwrap().haircut.map(|haircut| haircut.initial)
        };
        assert_eq!(of(100.0, 75.0), Some(0.25));
        assert_eq!(of(-100.0, -125.0), Some(0.25));
        assert_eq!(of(0.0, 0.0), None);
    }
}
