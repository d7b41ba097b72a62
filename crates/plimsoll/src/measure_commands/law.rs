//! What the book is moved by: a history, a covariance, and which factor drives what.

use crate::cli::{FactorArgs, LawArgs};
use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::{Loaded, hash};
use crate::render::number::{signed_percent, signed_points};
use crate::report_command::unpriced_issues;
use lake::{LevelKind, read_history};
use risk::covariance::{Covariance, CovarianceFile};
use risk::history::{Factor, History, Panel, Series};
use risk::var::{Holdings, NoDriver};
use risk::{Drivers, Priced, Proxies, Undriven, Valuation, VolProxy};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use units::{Asset, Issue, Issues};

/// Moves of a day where nobody gives a history: docs/models/var.md says how it was made.
const COVARIANCE_TOML: &str = include_str!("../../../../scenarios/covariance.toml");

/// What the command line says about the moves.
pub(super) struct Law {
    /// Series by factor; empty without any.
    pub(super) history: History,
    /// A covariance of its own.
    pub(super) file: Option<CovarianceFile>,
    pub(super) proxies: Proxies,
    pub(super) inputs: Vec<InputFile>,
    pub(super) issues: Issues,
    pub(super) notes: Vec<String>,
}

/// Histories with their provenance.
pub(super) struct Recorded {
    pub(super) history: History,
    pub(super) inputs: Vec<InputFile>,
    pub(super) issues: Issues,
}

/// Any error of a measure: what was asked cannot be told from what was given.
#[allow(clippy::needless_pass_by_value)] // used as a map_err function
pub(super) fn refused(error: impl std::fmt::Display) -> Failure {
    Failure::Input(error.to_string())
}

/// Reads histories; bad rows are issues.
pub(super) fn recorded(files: &[(Asset, PathBuf)]) -> Result<Recorded, Failure> {
    let mut recorded = Recorded { history: History::new(), inputs: Vec::new(), issues: Issues::default() };
    for (asset, path) in files {
        let read = read_history(path)?;
        let factor = match read.kind {
            LevelKind::Price => Factor::Spot(asset.clone()),
            LevelKind::VolPoints => Factor::Vol(asset.clone()),
        };
        let rows = read.points.len() as u64;
        let series = Series::new(read.points).map_err(|e| refused(format!("{}: {e}", path.display())))?;
        if recorded.history.insert(factor.clone(), series).is_some() {
            return Err(Failure::Usage(format!("--history: two files give {factor}; leave one out")));
        }
        recorded.issues.extend(read.issues);
        let path_text = path.display().to_string();
        recorded.inputs.push(InputFile {
            path: path_text,
            role: "history",
            blake3: hash(path)?,
            rows,
            asof: None,
        });
    }
    Ok(recorded)
}

/// Proxies of the command line: each name once, and another's factor that is at hand.
pub(super) fn proxies(args: &FactorArgs, at_hand: &BTreeSet<Factor>) -> Result<Proxies, Failure> {
    let stands_in = |option: &str, of: &Asset, by: &Asset, factor: Factor| {
        if of == by {
            return Err(Failure::Usage(format!("{option} {of}={by}: a coin cannot stand in for itself")));
        }
        if at_hand.contains(&factor) {
            return Ok(());
        }
        let known: Vec<String> = at_hand.iter().map(ToString::to_string).collect();
        Err(Failure::Usage(format!(
            "{option} {of}={by}: nobody gives {factor}; there are: {}",
            known.join(", ")
        )))
    };
    for (of, by) in &args.proxy {
        stands_in("--proxy", of, by, Factor::Spot(by.clone()))?;
    }
    for (of, by) in &args.vol_proxy {
        if let VolProxy::Of(by) = by {
            stands_in("--vol-proxy", of, by, Factor::Vol(by.clone()))?;
        }
    }
    let mut proxies = Proxies::default();
    for (of, by) in &args.proxy {
        if proxies.spot.insert(of.clone(), by.clone()).is_some() {
            return Err(Failure::Usage(format!("--proxy {of} is given twice")));
        }
    }
    for (of, by) in &args.vol_proxy {
        if proxies.vol.insert(of.clone(), by.clone()).is_some() {
            return Err(Failure::Usage(format!("--vol-proxy {of} is given twice")));
        }
    }
    Ok(proxies)
}

impl Law {
    pub(super) fn load(args: &LawArgs) -> Result<Self, Failure> {
        let Recorded { history, mut inputs, issues } = recorded(&args.factors.history)?;
        let mut notes = Vec::new();
        let file = match &args.covariance {
            Some(path) => {
                let (file, input) = covariance_file(path)?;
                inputs.push(input);
                Some(file)
            }
            None if history.is_empty() => {
                let bad = |issues| Failure::Covariance { issues };
                let file = CovarianceFile::parse("covariance.toml", COVARIANCE_TOML).map_err(bad)?;
                notes.push(format!(
                    "no --history: moves come from the embedded covariance.toml, data of {} to {}; docs/models/var.md says how it was made",
                    file.valid_from, file.valid_to
                ));
                Some(file)
            }
            None => None,
        };
        let own = proxies(&args.factors, &at_hand(&history, file.as_ref()))?;
        let proxies = file.as_ref().map_or_else(Proxies::default, |f| f.proxies.clone()).with(&own);
        Ok(Self { history, file, proxies, inputs, issues, notes })
    }

    /// Which factor drives what of the book.
    pub(super) fn drivers(&mut self, valuation: &Valuation, args: &LawArgs) -> Result<Drivers, Failure> {
        let at_hand = at_hand(&self.history, self.file.as_ref());
        let contracts = valuation.board.contracts.values().filter_map(|p| p.as_ref().ok());
        let assets = valuation.board.assets.values().filter_map(|p| p.as_ref().ok());
        let all: Vec<&Priced> = contracts.chain(assets).collect();
        let held: BTreeSet<Asset> = all.iter().map(|priced| priced.underlying.clone()).collect();
        self.notes.extend(unused(&args.factors, &at_hand, &held));
        let drivers = Drivers::new(all, &at_hand, &self.proxies, args.vol_tenor_power);
        if drivers.factors.is_empty() && drivers.undriven().is_empty() {
            return Err(refused(
                "nothing in the book moves with a price or a vol: there is nothing to measure",
            ));
        }
        Ok(drivers)
    }

    /// Days on which all factors have a level; none without a history.
    pub(super) fn panel(&self, drivers: &Drivers) -> Result<Option<Panel>, Failure> {
        if self.history.is_empty() || drivers.factors.is_empty() {
            return Ok(None);
        }
        Panel::new(&self.history, &drivers.factors).map(Some).map_err(refused)
    }

    /// Covariance of the factors in use over the horizon: of the file, or of daily moves of the history.
    pub(super) fn covariance(
        &self,
        drivers: &Drivers,
        panel: Option<&Panel>,
        horizon: u32,
    ) -> Result<Covariance, Failure> {
        let whole = match (&self.file, panel) {
            (Some(file), _) => file.covariance.clone(),
            (None, Some(panel)) => {
                let daily = panel.moves(1, risk::history::Overlap::None).map_err(refused)?;
                Covariance::from_moves(&daily).map_err(refused)?
            }
            (None, None) => return Err(refused("no factor of the book has a history")),
        };
        if let Some(lacking) = drivers.factors.iter().find(|f| !whole.factors.contains(f)) {
            return Err(refused(format!(
                "the covariance file has no {lacking}: add it, or leave --covariance out"
            )));
        }
        let covariance = whole.only(&drivers.factors).over(horizon);
        covariance.cholesky().map_err(refused)?;
        Ok(covariance)
    }
}

/// Factors that somebody gives: the history, or else the covariance file.
fn at_hand(history: &History, file: Option<&CovarianceFile>) -> BTreeSet<Factor> {
    if history.is_empty() {
        file.iter().flat_map(|file| file.covariance.factors.iter().cloned()).collect()
    } else {
        history.keys().cloned().collect()
    }
}

/// Proxies of the command line that change nothing, each with the reason.
fn unused(args: &FactorArgs, at_hand: &BTreeSet<Factor>, held: &BTreeSet<Asset>) -> Vec<String> {
    let why = |of: &Asset, own: Option<Factor>| {
        if !held.contains(of) {
            return Some(format!("nothing that is valued in the book moves with {of}"));
        }
        let own = own.filter(|own| at_hand.contains(own))?;
        Some(format!("{own} is there itself and goes first"))
    };
    let spots = args.proxy.iter().filter_map(|(of, by)| {
        Some(format!("--proxy {of}={by} is not used: {}", why(of, Some(Factor::Spot(of.clone())))?))
    });
    let vols = args.vol_proxy.iter().filter_map(|(of, by)| {
        // A vol that is to be held is held, whatever is at hand.
        let own = matches!(by, VolProxy::Of(_)).then(|| Factor::Vol(of.clone()));
        Some(format!("--vol-proxy {of} is not used: {}", why(of, own)?))
    });
    spots.chain(vols).collect()
}

fn covariance_file(path: &Path) -> Result<(CovarianceFile, InputFile), Failure> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| refused(format!("{name}: cannot read: {e}")))?;
    let file = CovarianceFile::parse(&name, &text).map_err(|issues| Failure::Covariance { issues })?;
    let rows = file.covariance.factors.len() as u64;
    Ok((file, InputFile { path: name, role: "covariance", blake3: hash(path)?, rows, asof: None }))
}

/// Stops a command that was not allowed to leave anything out: bad rows, what has no price, what nothing drives.
pub(super) fn check(
    allow_partial: bool,
    loaded: &Loaded,
    valuation: &Valuation,
    (holdings, law): (&Holdings<'_>, &Law),
) -> Result<(), Failure> {
    let mut bad = loaded.issues.clone();
    bad.extend(law.issues.clone());
    let nothing = bad.is_empty() && valuation.unpriced.is_empty() && holdings.undriven.is_empty();
    if allow_partial || nothing {
        return Ok(());
    }
    let mut unpriced = unpriced_issues(&valuation.unpriced);
    holdings.undriven.iter().map(undriven_issue).for_each(|issue| unpriced.push(issue));
    Err(Failure::Incomplete { issues: Box::new(bad), unpriced: Box::new(unpriced) })
}

/// A position that nothing drives, with the remedy.
pub(super) fn undriven_issue(undriven: &NoDriver) -> Issue {
    Issue {
        file: undriven.file.clone(),
        row: undriven.row,
        field: "instrument or asset".into(),
        value: undriven.symbol.to_string(),
        rule: remedy(&undriven.lacks),
    }
}

fn remedy(lacks: &Undriven) -> String {
    match lacks {
        Undriven::Spot(asset) => {
            format!(
                "no history of {asset} spot: pass --history {asset}=FILE, or let another coin stand in: --proxy {asset}=COIN"
            )
        }
        Undriven::Vol(asset) => format!(
            "no history of {asset} vol: pass --history {asset}=FILE with columns ts, iv, or let another's stand in: \
             --vol-proxy {asset}=COIN, or hold it: --vol-proxy {asset}=held"
        ),
    }
}

/// `BTC spot −10.2 %, BTC vol +5.1 pt`.
pub(super) fn words(factors: &[Factor], moves: &[f64]) -> String {
    let parts: Vec<String> =
        factors.iter().zip(moves).map(|(f, x)| format!("{f} {}", moved(f, *x))).collect();
    parts.join(", ")
}

/// A move as it is read: simple return in percent, points of vol.
pub(super) fn moved(factor: &Factor, x: f64) -> String {
    match factor {
        Factor::Spot(_) => signed_percent(pricing::kernel::exp(x) - 1.0),
        Factor::Vol(_) => signed_points(x),
    }
}
