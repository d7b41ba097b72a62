//! Rulebooks: a model with its parameters, from a TOML file with source, date and what is unverified.
//!
//! Every file begins with the same header and names the engine that reads the rest:
//!
//! ```toml
//! id = "example"                  # what --rulebook takes
//! title = "Example venue, standard margin"
//! engine = "options"              # which model reads the sections below
//! venues = ["example"]            # accounts on these venues use it unless told otherwise; may be empty
//! instruments = "options"         # ... that hold only options (or only "futures"); absent: whatever they hold
//! valid_from = "2026-01-01"
//! sources = ["where each number comes from"]
//! unverified = ["what nobody has checked yet"]
//! ```
//!
//! All mistakes of a file are reported at once. The parameter hash in every report is the BLAKE3 hash of the file's bytes.

mod embedded;
pub(crate) mod section;

use crate::formula::{OptionsMargin, Srm, TieredMargin};
use crate::protocol::{Drift, Dydx, Mango};
use crate::report::{AccountMargin, Outcome};
use crate::scenario::{Revalued, ScenarioModel};
use crate::state::{AccountState, Leg};
use section::{Mistakes, Section};
use std::collections::BTreeMap;
use units::{Issues, Venue};

/// What every parameter file says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Short name, unique among rulebooks.
    pub id: String,
    /// For people.
    pub title: String,
    /// Venues whose accounts use it unless told otherwise.
    pub venues: Vec<Venue>,
    /// Which accounts of these venues.
    pub instruments: Instruments,
    /// From when these parameters held, as a date.
    pub valid_from: String,
    /// Where the numbers come from.
    pub sources: Vec<String>,
    /// What nobody has checked.
    pub unverified: Vec<String>,
}

/// Which accounts of its venues a rulebook is for: exchanges with a wallet for each product have a rulebook for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instruments {
    /// Whatever they hold.
    Any,
    /// Accounts that hold options and no futures.
    Options,
    /// Accounts that hold futures or perpetuals and no options.
    Futures,
}

impl Instruments {
    fn overlaps(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }

    fn fits(self, state: &AccountState) -> bool {
        match self {
            Self::Any => true,
            Self::Options => state.legs.iter().all(Leg::is_option),
            Self::Futures => !state.legs.iter().any(Leg::is_option),
        }
    }
}

/// Why no rulebook was chosen for an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRulebook {
    /// No rulebook names the venue.
    #[error(
        "no rulebook is known for this venue: name one by --rulebook {venue}=ID (`plimsoll rulebook list` has the ids), \
         or bring your own by --rules FILE"
    )]
    Venue {
        /// Which.
        venue: Venue,
    },
    /// Each rulebook of the venue is for one product, and the account holds several.
    #[error(
        "{venue} margins options and futures by different rulebooks ({ids}) and this account holds both: \
         give each wallet an account of its own, or name one by --rulebook {venue}=ID"
    )]
    Mixed {
        /// Which.
        venue: Venue,
        /// The rulebooks of the venue.
        ids: String,
    },
}

/// A model with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Rulebook {
    /// What the file says about itself.
    pub header: Header,
    /// BLAKE3 of the file, first 16 hexadecimal digits.
    pub parameter_hash: String,
    pub(crate) model: Model,
}

/// Many accounts at one moment: a contract that several hold is revalued once under the scenarios of each rulebook.
///
/// The figures are those of [`Rulebook::margin`], bit by bit, in whatever order and on however many threads accounts are asked for. What
/// was revalued is kept until this goes: for another market take another.
///
/// ```
/// # let rulebooks = margin::Rulebooks::embedded().unwrap();
/// # let rulebook = rulebooks.get("deribit-pm").unwrap();
/// # let states: Vec<margin::AccountState> = Vec::new();
/// let many = margin::ManyAccounts::under(rulebooks.iter());
/// let margins: Vec<_> = states.iter().map(|state| many.margin(rulebook, state)).collect();
/// # assert!(margins.is_empty());
/// ```
#[derive(Debug)]
pub struct ManyAccounts<'a>(Vec<(&'a Rulebook, Revalued)>);

impl<'a> ManyAccounts<'a> {
    /// None yet, under these rulebooks.
    #[must_use]
    pub fn under(rulebooks: impl IntoIterator<Item = &'a Rulebook>) -> Self {
        Self(rulebooks.into_iter().map(|rulebook| (rulebook, Revalued::default())).collect())
    }

    /// As [`Rulebook::margin`]; a rulebook that is none of these does all by itself.
    #[must_use]
    pub fn margin(&self, rulebook: &Rulebook, state: &AccountState) -> AccountMargin {
        // The very same one: another may have its id and other parameters.
        let own = self.0.iter().find(|(own, _)| std::ptr::eq(*own, rulebook));
        rulebook.margin_with(state, own.map(|(_, known)| known))
    }
}

/// The engines. Each reads its own sections and margins one account; nothing else is asked of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Model {
    Scenario(Box<ScenarioModel>),
    Options(OptionsMargin),
    Tiered(Box<TieredMargin>),
    Srm(Srm),
    Dydx(Dydx),
    Drift(Drift),
    Mango(Mango),
}

#[derive(Debug, Clone, Copy)]
enum Engine {
    Scenario,
    Options,
    Tiered,
    Srm,
    Dydx,
    Drift,
    Mango,
}

const ENGINES: [(&str, Engine); 7] = [
    ("scenario", Engine::Scenario),
    ("options", Engine::Options),
    ("tiered", Engine::Tiered),
    ("srm", Engine::Srm),
    ("dydx", Engine::Dydx),
    ("drift", Engine::Drift),
    ("mango", Engine::Mango),
];

impl Rulebook {
    /// Parses and checks a parameter file.
    ///
    /// # Errors
    /// Every mistake in it, each with its key and rule.
    pub fn parse(file: &str, text: &str) -> Result<Self, Issues> {
        Self::parse_among(file, text, |_, _| {})
    }

    /// The same, with a rule between this file and others that finds its mistakes in the same reading.
    fn parse_among(
        file: &str,
        text: &str,
        check: impl FnOnce(&Header, &Section<'_>),
    ) -> Result<Self, Issues> {
        let mistakes = Mistakes::new(file);
        let table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                mistakes.add("", "", error.to_string().trim());
                return Err(mistakes.into_issues());
            }
        };
        let root = Section::root(&table, &mistakes);
        let header = header(&root);
        check(&header, &root);
        let engine = root.word("engine", &ENGINES);
        if engine.is_none() {
            root.leave_rest();
        }
        let model = engine.and_then(|engine| match engine {
            Engine::Scenario => ScenarioModel::read(&root).map(|m| Model::Scenario(Box::new(m))),
            Engine::Options => OptionsMargin::read(&root).map(Model::Options),
            Engine::Tiered => TieredMargin::read(&root).map(|m| Model::Tiered(Box::new(m))),
            Engine::Srm => Srm::read(&root).map(Model::Srm),
            Engine::Dydx => Dydx::read(&root).map(Model::Dydx),
            Engine::Drift => Drift::read(&root).map(Model::Drift),
            Engine::Mango => Mango::read(&root).map(Model::Mango),
        });
        drop(root);
        let issues = mistakes.into_issues();
        match model {
            Some(model) if issues.is_empty() => {
                let hash = blake3::hash(text.as_bytes()).to_hex();
                let parameter_hash = hash.as_str().get(..16).unwrap_or_default().to_owned();
                Ok(Self { header, parameter_hash, model })
            }
            _ => Err(issues),
        }
    }

    /// Margins one account: the one function that everything else calls. Total: what the model does not cover is listed in
    /// the outcome, not dropped.
    #[must_use]
    pub fn margin(&self, state: &AccountState) -> AccountMargin {
        self.margin_with(state, None)
    }

    fn margin_with(&self, state: &AccountState, known: Option<&Revalued>) -> AccountMargin {
        AccountMargin {
            account: state.account.clone(),
            venue: state.venue.clone(),
            rulebook: self.header.id.clone(),
            parameter_hash: self.parameter_hash.clone(),
            outcome: self.outcome_with(state, known),
        }
    }

    /// Name of the engine, as files name it.
    #[must_use]
    pub const fn engine(&self) -> &'static str {
        match &self.model {
            Model::Scenario(_) => "scenario",
            Model::Options(_) => "options",
            Model::Tiered(_) => "tiered",
            Model::Srm(_) => "srm",
            Model::Dydx(_) => "dydx",
            Model::Drift(_) => "drift",
            Model::Mango(_) => "mango",
        }
    }

    /// The parameters, when the model revalues scenarios: for whoever margins many portfolios on one cube.
    #[must_use]
    pub fn scenario_model(&self) -> Option<&ScenarioModel> {
        match &self.model {
            Model::Scenario(model) => Some(model),
            Model::Options(_)
            | Model::Tiered(_)
            | Model::Srm(_)
            | Model::Dydx(_)
            | Model::Drift(_)
            | Model::Mango(_) => None,
        }
    }

    /// The figures alone.
    #[must_use]
    pub fn outcome(&self, state: &AccountState) -> Outcome {
        self.outcome_with(state, None)
    }

    fn outcome_with(&self, state: &AccountState, known: Option<&Revalued>) -> Outcome {
        let mut outcome = match &self.model {
            Model::Scenario(model) => model.margin(state, known),
            Model::Options(model) => model.margin(state),
            Model::Tiered(model) => model.margin(state),
            Model::Srm(model) => model.margin(state),
            Model::Dydx(model) => model.margin(state),
            Model::Drift(model) => model.margin(state),
            Model::Mango(model) => model.margin(state),
        };
        outcome.unmargined.extend(state.unmargined.iter().cloned());
        outcome
    }
}

fn header(root: &Section<'_>) -> Header {
    let venues = root.texts("venues").into_iter().filter_map(|name| {
        let venue = Venue::new(&name);
        if let Err(error) = &venue {
            root.mistake("venues", &error.to_string());
        }
        venue.ok()
    });
    let header = Header {
        venues: venues.collect(),
        instruments: instruments(root),
        id: root.text("id"),
        title: root.text("title"),
        valid_from: root.text("valid_from"),
        sources: root.texts("sources"),
        unverified: root.texts("unverified"),
    };
    if header.sources.is_empty() {
        root.mistake("sources", "must name at least one source of the numbers");
    }
    if !is_date(&header.valid_from) {
        root.mistake("valid_from", "must be a date such as \"2026-01-31\"");
    }
    header
}

fn instruments(root: &Section<'_>) -> Instruments {
    if !root.has("instruments") {
        return Instruments::Any;
    }
    let words = [("options", Instruments::Options), ("futures", Instruments::Futures)];
    root.word("instruments", &words).unwrap_or(Instruments::Any)
}

/// Rulebooks by id: the embedded ones and the user's own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rulebooks {
    by_id: BTreeMap<String, Rulebook>,
}

impl Rulebooks {
    /// All rulebooks that ship with the program.
    ///
    /// # Errors
    /// Never in a build whose tests pass; a mistake in an embedded file is data like any other.
    pub fn embedded() -> Result<Self, Issues> {
        let mut all = Self::default();
        for (file, text) in embedded::FILES.iter().copied() {
            all.add(file, text)?;
        }
        Ok(all)
    }

    /// Text of the file that ships with the program under this id, to copy and change.
    #[must_use]
    pub fn embedded_text(id: &str) -> Option<&'static str> {
        let is_it = |text: &str| Rulebook::parse("", text).is_ok_and(|rulebook| rulebook.header.id == id);
        embedded::FILES.iter().map(|(_, text)| *text).find(|text| is_it(text))
    }

    /// Adds a file; one with an id that is there already replaces it, which is how a user changes parameters.
    ///
    /// # Errors
    /// Every mistake in the file, or a venue that another rulebook has already claimed.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), Issues> {
        let rulebook = Rulebook::parse_among(file, text, |header, root| {
            for venue in &header.venues {
                let claims = |other: &&Rulebook| {
                    let same_accounts = other.header.instruments.overlaps(header.instruments);
                    other.header.venues.contains(venue) && other.header.id != header.id && same_accounts
                };
                if let Some(other) = self.by_id.values().find(claims) {
                    let id = &other.header.id;
                    let rule = format!(
                        "'{venue}' is claimed by rulebook '{id}': leave venues empty and name this one by --rulebook"
                    );
                    root.mistake("venues", &rule);
                }
            }
        })?;
        self.by_id.insert(rulebook.header.id.clone(), rulebook);
        Ok(())
    }

    /// By id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Rulebook> {
        self.by_id.get(id)
    }

    /// The one that an account uses unless told otherwise.
    ///
    /// # Errors
    /// When its venue has none, or one for each product and the account holds several.
    pub fn for_account(&self, state: &AccountState) -> Result<&Rulebook, NoRulebook> {
        let venue = &state.venue;
        let own = || self.by_id.values().filter(|book| book.header.venues.contains(venue));
        if let Some(found) = own().find(|book| book.header.instruments.fits(state)) {
            return Ok(found);
        }
        let ids: Vec<&str> = own().map(|book| book.header.id.as_str()).collect();
        if ids.is_empty() {
            return Err(NoRulebook::Venue { venue: venue.clone() });
        }
        Err(NoRulebook::Mixed { venue: venue.clone(), ids: ids.join(", ") })
    }

    /// In the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Rulebook> {
        self.by_id.values()
    }
}

/// `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |part: &str, length: usize| (part.len() == length).then(|| part.parse::<i16>().ok())?;
    let small = |part: &str| number(part, 2).and_then(|n| i8::try_from(n).ok());
    match (number(year, 4), small(month), small(day)) {
        (Some(year), Some(month), Some(day)) => units::Timestamp::from_utc_date(year, month, day, 0).is_ok(),
        _ => false,
    }
}
