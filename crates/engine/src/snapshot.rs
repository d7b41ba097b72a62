//! The state as bytes: what cannot be derived, in a canonical order; and the engine as a [`Machine`].
//!
//! Kept: time of valuation, ledger, quotes at hand, the user's rates, text of the policy, standings of its limits and triggers, a person's state,
//! reports that differ, orders, transfers, proposals, what rules wait for, connections, fills near the heads of chains, profit by cause with the quotes and book that its interval began with. Market, views, ages and the state of the book follow from these and are derived again.

use crate::event::Event;
use crate::explain::ExplainKept;
use crate::kept::{ActingKept, MarginsKept, ProfitKept};
use crate::limits::{Limits, Standing, State};
use crate::machine::Engine;
use crate::output::Output;
use crate::policy::Policy;
use crate::quotes::Quotes;
use crate::triggers::{self, Triggers};
use crate::views::{Item, LiveViews, Touched};
use crate::wire::{Held, Quote, get, put};
use book::{Ledger, Place};
use journal::{Digest, Event as _, Machine, Stamp, Tag};
use market::RawQuote;
use risk::GroupKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use units::{Asset, Spot, Timestamp};

/// Two: with what acts. Three: with triggers. Four: with margins and profit. Five: with what trades do to margins, profit by cause, and moves
/// of collateral.
const VERSION: u16 = 5;
/// Kind of a report's event, whose encoding reports are kept in.
const REPORTED: Tag = Tag { kind: 7, version: 1 };

#[derive(Serialize, Deserialize)]
pub(crate) enum Key {
    Text(String),
    Expiry(Option<i64>),
}

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u16,
    now: i64,
    ledger: Vec<u8>,
    rows: Vec<Quote>,
    rates: Vec<(Asset, f64)>,
    policy: String,
    standings: Vec<(u32, Vec<Key>, Standing)>,
    triggers: Vec<(u32, Vec<Key>, triggers::Standing)>,
    by_person: Option<State>,
    state: State,
    stale: Vec<Asset>,
    differing: Vec<Vec<u8>>,
    adopted: Vec<(Held, i64)>,
    acting: ActingKept,
    margins: MarginsKept,
    profit: ProfitKept,
    explain: ExplainKept,
}

impl From<&GroupKey> for Key {
    fn from(key: &GroupKey) -> Self {
        match key {
            GroupKey::Text(text) => Self::Text(text.clone()),
            GroupKey::Expiry(expiry) => Self::Expiry(expiry.map(Timestamp::unix_nanos)),
        }
    }
}

impl From<Key> for GroupKey {
    fn from(key: Key) -> Self {
        match key {
            Key::Text(text) => Self::Text(text),
            Key::Expiry(expiry) => Self::Expiry(expiry.map(Timestamp::from_unix_nanos)),
        }
    }
}

/// Standings of the rules of a policy by place in it and group.
type Standings<T> = BTreeMap<(usize, Vec<GroupKey>), T>;

fn kept<T: Copy>(standings: &Standings<T>) -> Vec<(u32, Vec<Key>, T)> {
    let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    standings
        .iter()
        .map(|((place, key), standing)| (number(*place), key.iter().map(Key::from).collect(), *standing))
        .collect()
}

fn restored<T>(kept: Vec<(u32, Vec<Key>, T)>) -> Standings<T> {
    kept.into_iter()
        .map(|(place, key, standing)| {
            ((place as usize, key.into_iter().map(GroupKey::from).collect()), standing)
        })
        .collect()
}

impl Engine {
    fn kept(&self) -> Kept {
        let mut ledger = Vec::new();
        self.ledger.encode(&mut ledger);
        let differing = self.differing.values().map(|reported| {
            let mut bytes = Vec::new();
            Event::Reported(reported.clone()).encode(&mut bytes);
            bytes
        });
        Kept {
            version: VERSION,
            now: self.now.unix_nanos(),
            ledger,
            rows: self.quotes.rows().map(Quote::from).collect(),
            rates: self.quotes.rates().iter().map(|(asset, usd)| (asset.clone(), usd.get())).collect(),
            policy: self.policy_text.clone(),
            standings: kept(&self.limits.standings),
            triggers: kept(&self.triggers.standings),
            by_person: self.limits.by_person,
            state: self.limits.state,
            stale: self.stale.iter().cloned().collect(),
            differing: differing.collect(),
            adopted: self.adopted.iter().map(|(place, time)| (place.into(), time.unix_nanos())).collect(),
            acting: ActingKept::of(&self.acting, &self.chains),
            margins: MarginsKept::of(&self.margins),
            profit: ProfitKept::of(&self.profit),
            explain: ExplainKept::of(&self.explain),
        }
    }

    fn of(&self, kept: Kept) -> Result<Self, String> {
        if kept.version != VERSION {
            return Err(format!("state version {}: this program reads {VERSION}", kept.version));
        }
        let now = Timestamp::from_unix_nanos(kept.now);
        let rates = kept.rates.into_iter().map(|(asset, usd)| Ok((asset, Spot::new(usd)?)));
        let rates: Result<BTreeMap<Asset, Spot>, units::UnitError> = rates.collect();
        let rates = rates.map_err(|e| e.to_string())?;
        let rows: Vec<RawQuote> = kept.rows.into_iter().map(RawQuote::from).collect();
        let policy = if kept.policy.is_empty() {
            Policy::default()
        } else {
            Policy::parse("snapshot", &kept.policy, &self.specs).map_err(|issues| issues.to_string())?
        };
        let mut differing = BTreeMap::new();
        for bytes in &kept.differing {
            if let Event::Reported(reported) = Event::decode(REPORTED, bytes)? {
                differing.insert(reported.place.clone(), reported);
            }
        }
        let adopted = kept.adopted.into_iter();
        let adopted = adopted.map(|(place, time)| (Place::from(place), Timestamp::from_unix_nanos(time)));
        let (acting, chains) = kept.acting.restored(&self.specs)?;
        let mut engine = Self {
            specs: self.specs.clone(),
            listings: self.listings.clone(),
            now,
            ledger: Ledger::decode(&kept.ledger, &self.specs).map_err(|e| e.to_string())?,
            quotes: Quotes::restored(&self.specs, now, &rows, rates)?,
            policy_text: kept.policy,
            limits: Limits {
                standings: restored(kept.standings),
                by_person: kept.by_person,
                state: kept.state,
            },
            triggers: Triggers::new(restored(kept.triggers)),
            stale: kept.stale.into_iter().collect(),
            differing,
            adopted: adopted.collect(),
            views: LiveViews::default(),
            policy,
            policy_is_new: false,
            acting,
            chains,
            margins: kept.margins.restored()?,
            profit: kept.profit.restored()?,
            explain: kept.explain.restored(&self.specs)?,
        };
        engine.derive_views();
        // What was tested before needs no test: levels are in the standings.
        engine.views.watch_mut().settle();
        engine.views.take_changes();
        Ok(engine)
    }

    /// Values everything held from nothing.
    fn derive_views(&mut self) {
        self.views = LiveViews::default();
        self.views.keep(&self.policy.watched());
        let touched = Touched { items: self.items(), ..Touched::default() };
        self.views.update(&self.ledger, self.quotes.market(), &touched);
    }

    fn items(&self) -> Vec<Item> {
        let positions = self.ledger.positions();
        let positions =
            positions.map(|(place, held)| Item::Position(place.clone(), held.listing().symbol.clone()));
        let balances = self.ledger.balances();
        let balances = balances.map(|(place, asset, _)| Item::Balance(place.clone(), asset.clone()));
        positions.chain(balances).collect()
    }
}

impl Machine for Engine {
    type Event = Event;
    type Output = Output;

    fn step(&mut self, stamp: Stamp, event: &Event) -> Vec<Output> {
        self.apply(stamp, event)
    }

    fn state_hash(&self) -> Digest {
        Digest::of_state(&self.snapshot())
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, &self.kept());
        bytes
    }

    fn restore(&self, bytes: &[u8]) -> Result<Self, String> {
        self.of(get(bytes)?)
    }
}
