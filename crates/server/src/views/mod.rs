//! What is shown: each view is a pure function of a [`Frame`] and the words after the question mark.
//!
//! One table, [`ALL`], is where REST, the WebSocket and the OpenAPI document find them. Exact figures leave as text, model numbers as
//! numbers, units are in the keys. Nothing here draws, and nothing in the browser prices.

mod alerts;
mod curve;
mod exposure;
mod feeds;
mod funding;
mod headline;
mod ladder;
mod liquidation;
mod margins;
mod oracle;
mod overview;
mod policy;
mod positions;
mod profit;
mod proposals;
mod smile;
mod stress;
mod surface;
#[cfg(test)]
pub(crate) mod testing;
mod whatif;

pub(crate) use headline::headline;
pub(crate) use margins::{AccountMargins, accounts};
pub(crate) use whatif::{Question, answer, bump_of};

use crate::frame::Frame;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use units::{Asset, Timestamp};
use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, Schema};

/// One view.
pub(crate) struct View {
    pub(crate) name: &'static str,
    /// What it shows, for the API's document.
    pub(crate) says: &'static str,
    pub(crate) params: &'static [Param],
    /// The least time between two updates of a live view: what prices the whole book over and over is not done ten times a second.
    pub(crate) every_millis: u64,
    pub(crate) compute: fn(&Frame, &Params) -> Result<Value, ViewError>,
    pub(crate) schema: fn() -> Shape,
}

/// The shape of a view's data, and of what it refers to.
pub(crate) type Shape = (RefOr<Schema>, Vec<(String, RefOr<Schema>)>);

/// A word that may follow the question mark.
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) says: &'static str,
    pub(crate) example: &'static str,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum ViewError {
    /// A word that the view does not know.
    #[error("'{name}' is no parameter of {view}; it takes: {known}")]
    Unknown { view: &'static str, name: String, known: String },
    /// A word that is not what it should be.
    #[error("{name}: '{value}': {rule}")]
    Bad { name: &'static str, value: String, rule: String },
    /// Something that is not there.
    #[error("{what} is not there: {hint}")]
    Absent { what: String, hint: String },
    /// A figure cannot be had.
    #[error("{0}")]
    NoFigure(String),
}

/// The words after the question mark.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Params(pub(crate) BTreeMap<String, String>);

impl Params {
    /// Refuses what the view does not know.
    pub(crate) fn check(&self, view: &View) -> Result<(), ViewError> {
        let known = |name: &String| view.params.iter().any(|param| param.name == name);
        match self.0.keys().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let words: Vec<&str> = view.params.iter().map(|param| param.name).collect();
                let known = if words.is_empty() { "nothing".to_owned() } else { words.join(", ") };
                Err(ViewError::Unknown { view: view.name, name: name.clone(), known })
            }
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A parameter in its own type.
    pub(crate) fn parsed<T>(&self, name: &'static str) -> Result<Option<T>, ViewError>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let parse = |text: &str| {
            text.parse().map_err(|error: T::Err| ViewError::Bad {
                name,
                value: text.to_owned(),
                rule: error.to_string(),
            })
        };
        self.text(name).map(parse).transpose()
    }

    /// The underlying that is asked for, or the first of those there.
    pub(crate) fn underlying(&self, of: &[Asset]) -> Result<Asset, ViewError> {
        let names = || of.iter().map(Asset::as_str).collect::<Vec<_>>().join(", ");
        match self.text("underlying") {
            None => of.first().cloned().ok_or_else(|| ViewError::Absent {
                what: "an underlying".into(),
                hint: "nothing is held or quoted yet".into(),
            }),
            Some(text) => {
                of.iter().find(|asset| asset.as_str() == text).cloned().ok_or_else(|| ViewError::Absent {
                    what: format!("underlying '{text}'"),
                    hint: format!("there are {}", names()),
                })
            }
        }
    }
}

/// What every answer says besides its figures.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Envelope {
    schema: &'static str,
    view: &'static str,
    params: BTreeMap<String, String>,
    /// The last record of the journal that this state contains.
    record: u64,
    /// Record and chain hash of the last commit; null for a state within one.
    head: Option<String>,
    #[schema(value_type = String)]
    asof: Timestamp,
    #[schema(value_type = String)]
    computed: Timestamp,
    is_live: bool,
    /// Something held has no value: every total lacks it.
    partial: bool,
    /// Underlyings without a fresh quote: whatever rests on them is in doubt.
    stale: Vec<String>,
    /// Set while the answer is about a bumped market.
    bump: Option<Bumped>,
    data: Value,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Bumped {
    spot_percent: f64,
    vol_points: f64,
    days: f64,
}

impl Envelope {
    pub(crate) fn new(view: &'static str, params: &Params, (frame, computed): (&Frame, Timestamp)) -> Self {
        let bump = frame.bump().map(|bump| bump.asked());
        Self {
            schema: "plimsoll.view/1",
            view,
            params: params.0.clone(),
            record: frame.record.get(),
            head: frame.head.map(|head| head.to_string()),
            asof: frame.asof(),
            computed,
            is_live: frame.is_live && !frame.is_what_if(),
            partial: frame.is_partial(),
            stale: frame.engine().stale().iter().map(ToString::to_string).collect(),
            bump: bump.map(|bump| Bumped {
                spot_percent: bump.spot_percent,
                vol_points: bump.vol_points,
                days: bump.days,
            }),
            data: Value::Null,
        }
    }

    /// With its figures, as JSON; they are moved into it, not written again.
    pub(crate) fn with(&self, data: Value) -> Result<Value, serde_json::Error> {
        let mut whole = serde_json::to_value(self)?;
        if let Some(slot) = whole.get_mut("data") {
            *slot = data;
        }
        Ok(whole)
    }
}

/// Something held without a value.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Unvalued {
    item: String,
    why: String,
}

/// Everything held without a value.
pub(crate) fn unvalued(frame: &Frame) -> Vec<Unvalued> {
    let all = frame.sheet().unpriced.iter();
    all.map(|u| Unvalued {
        item: format!("{}@{}/{} {}", u.account, u.venue, u.chain, u.symbol),
        why: u.reason.clone(),
    })
    .collect()
}

/// Underlyings that can be shocked, held first.
pub(crate) fn underlyings(frame: &Frame) -> Vec<Asset> {
    let market = &frame.market().underlyings;
    // A group of one underlying is in its coins.
    let of_groups = frame.by_underlying().iter().filter_map(|group| group.coin.clone());
    let mut held: Vec<Asset> = of_groups.filter(|asset| market.contains_key(asset)).collect();
    held.sort();
    held.extend(market.keys().filter(|asset| !held.contains(asset)).cloned().collect::<Vec<_>>());
    held
}

fn value(of: &impl Serialize) -> Result<Value, ViewError> {
    serde_json::to_value(of).map_err(|error| ViewError::NoFigure(error.to_string()))
}

fn shape<T: utoipa::ToSchema + PartialSchema>() -> Shape {
    let mut of = Vec::new();
    T::schemas(&mut of);
    (T::schema(), of)
}

const UNDERLYING: Param =
    Param { name: "underlying", says: "Which underlying; the first that is held without it", example: "BTC" };

/// Every view.
pub(crate) const ALL: &[View] = &[
    overview::VIEW,
    exposure::VIEW,
    positions::VIEW,
    margins::VIEW,
    liquidation::VIEW,
    ladder::VIEW,
    curve::VIEW,
    stress::VIEW,
    surface::VIEW,
    smile::VIEW,
    profit::VIEW,
    proposals::VIEW,
    funding::VIEW,
    oracle::VIEW,
    feeds::VIEW,
    policy::VIEW,
    alerts::VIEW,
];

/// The view of a name.
pub(crate) fn of(name: &str) -> Option<&'static View> {
    ALL.iter().find(|view| view.name == name)
}
