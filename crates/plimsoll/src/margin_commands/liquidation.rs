//! `plimsoll liquidation`: how far an index may move before the venue closes an account.

use super::desk::{Basis, Desk, exit_code, rulebooks_of};
use super::document::missing;
use super::figures::{AccountFigures, MissingKind, Status};
use crate::cli::{LiquidationArgs, LiquidationTableName};
use crate::failure::Failure;
use crate::output::{Shown, Target, on_threads};
use crate::render::grid::Style;
use crate::render::html;
use crate::render::liquidation::{json, table, tables};
use ::margin::{
    AccountState, Crossing, HIGHEST_FACTOR, LOWEST_FACTOR, Liquidation, LiquidationQuery, Path, Rulebook,
    Side, collateral_to_add_usd, liquidation, own_at_the_money_vol,
};
use lake::Table;
use market::{Market, VolSource};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::process::ExitCode;
use units::{Account, Asset, Fixed, Spot, Symbol, Venue, Vol, YearFraction};

/// Liquidation prices of all accounts with their provenance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LiquidationDocument {
    pub(crate) basis: Basis,
    /// The path in words.
    pub(crate) path: String,
    /// The account's figures today, by account and venue.
    pub(crate) accounts: Vec<AccountFigures>,
    /// The nearest first.
    pub(crate) rows: Vec<LiquidationRow>,
    /// The move to survive, a fraction, when one was asked for.
    pub(crate) survive: Option<f64>,
}

/// One account on one path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LiquidationRow {
    pub(crate) account: Account,
    pub(crate) venue: Venue,
    /// None where nobody knows whose rules hold.
    pub(crate) rulebook: Option<String>,
    /// The asset that leads the path; none for an account that depends on no coin.
    pub(crate) driver: Option<Asset>,
    /// Its index today; none when neither the account nor the market has one.
    pub(crate) index_usd: Option<f64>,
    /// Vol behind the distance in daily sigmas; none where neither account nor market has one.
    pub(crate) vol: Option<DriverVol>,
    /// Counted equity less maintenance requirement today, USD; none when it is no number.
    pub(crate) surplus_usd: Option<Fixed>,
    pub(crate) place: Place,
    /// What must be added so that the account survives the move asked for, USD, or why nobody knows.
    pub(crate) to_add_usd: Option<Result<Fixed, String>>,
    /// True when something of the account is in no figure.
    pub(crate) is_partial: bool,
}

/// Vol of a driver.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DriverVol {
    /// A year's, a fraction.
    pub(crate) annual: Vol,
    pub(crate) source: DriverVolSource,
}

/// Whose vol it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DriverVolSource {
    /// Of the account's option nearest to the money.
    Account(Symbol),
    /// The market's at the money, [`MARKET_VOL_DAYS`] from now: between quoted expiries, or the nearest one's.
    Market(VolSource),
}

/// Tenor of the market's vol: what desks quote as the one-month vol.
pub(crate) const MARKET_VOL_DAYS: u16 = 30;

impl DriverVol {
    fn of(state: &AccountState, driver: &Asset, market: &Market) -> Option<Self> {
        if let Some((annual, symbol)) = own_at_the_money_vol(state, driver) {
            return Some(Self { annual, source: DriverVolSource::Account(symbol.clone()) });
        }
        let (annual, source) = market.at_the_money_vol(driver, MARKET_VOL_DAYS).ok()?;
        Some(Self { annual, source: DriverVolSource::Market(source) })
    }

    /// A day's, a fraction.
    pub(crate) fn daily(&self) -> f64 {
        self.annual.get() / YearFraction::DAYS.sqrt()
    }
}

/// Where it liquidates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    /// At today's prices.
    Now,
    /// Nothing depends on the path, or the model gives no number.
    Undefined(String),
    /// On each side.
    Sides { down: SideFigures, up: SideFigures },
}

/// One direction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SideFigures {
    /// The nearest crossing.
    pub(crate) crossing: Option<Crossing>,
    /// How far was searched when there is none: a factor on today's index.
    pub(crate) searched_to_factor: Option<f64>,
    /// Why it was searched no further.
    pub(crate) reason: Option<String>,
}

/// Runs the command; the exit code says whether anything is missing.
pub(crate) fn run(args: &LiquidationArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    target.check(args.inputs.files().chain(&args.rules.rules))?;
    let paths = Paths::new(args)?;
    let document = on_threads(args.inputs.threads, || document(args, &paths))?;
    target.write(&document)?;
    Ok(exit_code(missing(&document.accounts), &document.basis.issues))
}

/// Along which paths each account is moved.
enum Paths {
    /// One after the other, every coin that it depends on, alone.
    EachAlone,
    /// This one.
    Joint(Path),
}

impl Paths {
    fn new(args: &LiquidationArgs) -> Result<Self, Failure> {
        let Some(driver) = &args.driver else {
            if args.beta.is_empty() && args.beta_others.is_none() {
                return Ok(Self::EachAlone);
            }
            return Err(Failure::Usage("--beta and --beta-others go with --driver ASSET".into()));
        };
        let mut path = Path::alone(driver.clone());
        path.beta_of_other_coins = args.beta_others.unwrap_or(0.0);
        for (asset, beta) in &args.beta {
            if asset == driver {
                return Err(Failure::Usage(format!("--beta {asset}: the driver moves by itself")));
            }
            if path.betas.insert(asset.clone(), *beta).is_some() {
                return Err(Failure::Usage(format!("--beta {asset} is given twice")));
            }
        }
        Ok(Self::Joint(path))
    }

    fn of(&self, state: &AccountState) -> Vec<Path> {
        match self {
            Self::Joint(path) => vec![path.clone()],
            Self::EachAlone => {
                let held = state.balances.iter().filter(|b| b.amount != 0.0).map(|b| b.asset.clone());
                let coins: BTreeSet<Asset> = state
                    .underlyings()
                    .into_iter()
                    .chain(held.filter(|asset| !asset.is_currency()))
                    .collect();
                coins.into_iter().map(Path::alone).collect()
            }
        }
    }

    fn words(&self) -> String {
        match self {
            Self::EachAlone => "each coin alone, the others and all vols as they are".into(),
            Self::Joint(path) => {
                let mut words = format!("{} moves", path.lead);
                for (asset, beta) in &path.betas {
                    words.push_str(&format!(", {asset} by {beta} of it"));
                }
                let others = path.beta_of_other_coins;
                if others == 0.0 {
                    words.push_str("; other coins and all vols as they are");
                } else {
                    words.push_str(&format!("; other coins by {others} of it, vols as they are"));
                }
                words
            }
        }
    }
}

fn document(args: &LiquidationArgs, paths: &Paths) -> Result<LiquidationDocument, Failure> {
    let desk = Desk::load(&args.inputs, &args.rules, &args.account)?;
    let accounts = desk.margined();
    desk.check(&accounts, &args.inputs)?;
    if let Paths::Joint(path) = paths {
        known_coins(&desk, path)?;
    }
    let survive = args.survive.map(|percent| percent / 100.0);
    let found: Vec<Vec<LiquidationRow>> = desk
        .states
        .par_iter()
        .map(|state| {
            let here = || (state.account.clone(), state.venue.clone());
            let paths = paths.of(state).into_iter();
            let mut rows: Vec<LiquidationRow> = match desk.rules.of(state) {
                Ok(rulebook) => {
                    paths.map(|path| row(rulebook, state, path, (survive, &desk.loaded.market))).collect()
                }
                Err(_) => paths.map(|path| unsearched(here(), Some(path.lead), NO_RULES)).collect(),
            };
            if rows.is_empty() {
                rows.push(unsearched(
                    here(),
                    None,
                    "nothing that is margined in the account depends on the price of a coin",
                ));
            }
            rows.into_iter().map(|row| completed(row, &desk, &accounts)).collect()
        })
        .collect();
    let mut rows: Vec<LiquidationRow> = found.into_iter().flatten().collect();
    let refused = desk.without_sound_rows().into_iter();
    rows.extend(refused.map(|figures| {
        let why = "every row of it in the book files was refused";
        LiquidationRow { is_partial: true, ..unsearched((figures.account, figures.venue), None, why) }
    }));
    rows.sort_by(nearest_first);
    let rulebooks = rulebooks_of(&desk.states, &desk.rules);
    Ok(LiquidationDocument { basis: desk.basis(rulebooks), path: paths.words(), accounts, rows, survive })
}

const NO_RULES: &str = "balances only and no rulebook: nobody can liquidate it";

/// A row of an account that was not searched: it is there, so that no account is forgotten.
fn unsearched((account, venue): (Account, Venue), driver: Option<Asset>, why: &str) -> LiquidationRow {
    let place = Place::Undefined(why.to_owned());
    LiquidationRow {
        account,
        venue,
        rulebook: None,
        driver,
        index_usd: None,
        vol: None,
        surplus_usd: None,
        place,
        to_add_usd: None,
        is_partial: false,
    }
}

/// A row with what the account's figures and the market know of it.
fn completed(mut row: LiquidationRow, desk: &Desk, accounts: &[AccountFigures]) -> LiquidationRow {
    let quoted =
        || row.driver.as_ref().and_then(|driver| desk.loaded.market.spot(driver).ok()).map(Spot::get);
    row.index_usd = row.index_usd.or_else(quoted);
    let place = (&row.account, &row.venue);
    let found = accounts.binary_search_by(|figures| (&figures.account, &figures.venue).cmp(&place));
    if let Some(figures) = found.ok().and_then(|place| accounts.get(place)) {
        row.is_partial = figures.is_partial();
        if let (None, Some(margin)) = (&row.driver, &figures.margin) {
            row.rulebook = Some(margin.rulebook.clone());
            row.surplus_usd = Some(margin.surplus_usd.maintenance);
            if figures.status == Status::Liquidatable {
                row.place = Place::Now;
            }
        }
        if figures.status == Status::NoRulebook {
            let whole = figures.missing.iter().find(|missing| missing.kind == MissingKind::Account);
            row.place = Place::Undefined(whole.map_or_else(String::new, |missing| missing.reason.clone()));
        }
    }
    row
}

/// A driver or beta of a coin that no account holds is most likely misspelt.
fn known_coins(desk: &Desk, path: &Path) -> Result<(), Failure> {
    let mut held: BTreeSet<&Asset> = BTreeSet::new();
    for state in &desk.states {
        held.extend(state.legs.iter().map(|leg| &leg.contract.underlying));
        held.extend(state.legs.iter().map(|leg| leg.contract.settlement_asset()));
        held.extend(state.balances.iter().map(|balance| &balance.asset));
    }
    let absent = std::iter::once(&path.lead).chain(path.betas.keys()).find(|asset| !held.contains(asset));
    match absent {
        None => Ok(()),
        Some(asset) => {
            let held: Vec<&str> = held.into_iter().map(Asset::as_str).collect();
            Err(Failure::Usage(format!(
                "no account depends on {asset}: there are {}; look at --driver and --beta",
                held.join(", ")
            )))
        }
    }
}

fn row(
    rulebook: &Rulebook,
    state: &AccountState,
    path: Path,
    (survive, market): (Option<f64>, &Market),
) -> LiquidationRow {
    let to_add_usd = survive.map(|fraction| {
        let usd = collateral_to_add_usd(rulebook, state, &path, 1.0 + fraction)?;
        Fixed::quantise_up(usd).map_err(|error| error.to_string())
    });
    let driver = path.lead.clone();
    let vol = DriverVol::of(state, &driver, market);
    let annual = vol.as_ref().map(|vol| vol.annual);
    let query = LiquidationQuery { path, vol: annual, ..LiquidationQuery::of(driver.clone()) };
    let report = liquidation(rulebook, state, &query);
    LiquidationRow {
        account: report.account,
        venue: report.venue,
        rulebook: Some(report.rulebook),
        driver: Some(driver),
        index_usd: report.index_usd,
        vol,
        surplus_usd: Fixed::quantise_down(report.surplus_usd).ok(),
        place: match report.liquidation {
            Liquidation::Undefined { reason } => Place::Undefined(reason),
            Liquidation::Already => Place::Now,
            Liquidation::Searched { down, up } => {
                Place::Sides { down: SideFigures::from(down), up: SideFigures::from(up) }
            }
        },
        to_add_usd,
        is_partial: false,
    }
}

impl From<Side> for SideFigures {
    fn from(side: Side) -> Self {
        match side {
            Side::Price(crossing) => {
                Self { crossing: Some(crossing), searched_to_factor: None, reason: None }
            }
            Side::None { to_factor } => {
                Self { crossing: None, searched_to_factor: Some(to_factor), reason: None }
            }
            Side::Unknown { to_factor, reason } => {
                Self { crossing: None, searched_to_factor: Some(to_factor), reason: Some(reason) }
            }
        }
    }
}

impl LiquidationRow {
    /// Index price of a crossing.
    pub(crate) fn price_usd(&self, crossing: &Crossing) -> Option<f64> {
        crossing.price_usd.or_else(|| Some(self.index_usd? * crossing.factor))
    }

    /// Size of the nearest move that liquidates, percent; none when neither side does.
    pub(crate) fn nearest_percent(&self) -> Option<f64> {
        match &self.place {
            Place::Now => Some(0.0),
            Place::Undefined(_) => None,
            Place::Sides { down, up } => {
                let size = |side: &SideFigures| side.crossing.map(|crossing| crossing.percent.abs());
                match (size(down), size(up)) {
                    (Some(down), Some(up)) => Some(down.min(up)),
                    (one, other) => one.or(other),
                }
            }
        }
    }
}

fn nearest_first(a: &LiquidationRow, b: &LiquidationRow) -> Ordering {
    let distance = |row: &LiquidationRow| row.nearest_percent().unwrap_or(f64::INFINITY);
    let name = |row: &LiquidationRow| (row.account.clone(), row.venue.clone(), row.driver.clone());
    distance(a).total_cmp(&distance(b)).then_with(|| name(a).cmp(&name(b)))
}

/// The range of the search, percent.
pub(crate) const RANGE_PERCENT: (f64, f64) = (100.0 * (LOWEST_FACTOR - 1.0), 100.0 * (HIGHEST_FACTOR - 1.0));

impl LiquidationDocument {
    /// True when something that was given is in no figure.
    pub(crate) fn is_partial(&self) -> bool {
        !self.basis.issues.is_empty() || missing(&self.accounts) > 0
    }
}

impl Shown for LiquidationDocument {
    type TableName = LiquidationTableName;

    fn text(&self, style: Style) -> String {
        table::text(self, style)
    }

    fn json(&self) -> Result<String, serde_json::Error> {
        json::json(self)
    }

    fn html(&self) -> String {
        html::liquidation(self)
    }

    fn table(&self, name: LiquidationTableName) -> Table {
        tables::table(self, name)
    }
}
