//! Triggers of a policy: a condition in CEL for each group of the book, and what is done when it has held.
//!
//! ```toml
//! [[trigger]]
//! name = "deep loss"
//! each = ["account"]              # groups of the book; once for the whole without it
//! when = "value_usd < -100000.0 && abs(delta_cash_usd) > 50000.0"
//! hold_seconds = 5                # it fires once this has been true for so long
//! cool_down_seconds = 600         # it is over, and may fire again, once this has been false for so long
//! actions = ["alert", "cancel_orders", "reduce_only"]
//! ```
//!
//! What an expression may read and call is in [`crate::Variable`] and docs/formats.md; how it is typed and when it fires in the module
//! `triggers`.

use super::Checker;
use crate::limits::State;
use crate::triggers::Expression;
use risk::GroupBy;
use std::collections::BTreeSet;

/// A condition, and what is done when it has held.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// Its name, unique among limits, hedges and triggers.
    pub name: String,
    /// Groups of the book; none is the whole.
    pub each: Vec<GroupBy>,
    /// The condition.
    pub when: Expression,
    /// How long it must be true before it fires.
    pub hold_seconds: u32,
    /// How long it must be false before it is over and may fire again.
    pub cool_down_seconds: u32,
    /// What is done.
    pub actions: BTreeSet<Action>,
}

/// What a trigger does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// A person is told.
    Alert,
    /// All orders on their way in the group's contracts are to end.
    CancelOrders,
    /// The book is in state `warn` while the trigger is on.
    Warn,
    /// The book is in state `reduce_only` while the trigger is on.
    ReduceOnly,
    /// The book is in state `paused` while the trigger is on.
    Pause,
    /// The book is in state `flatten` while the trigger is on.
    Flatten,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Alert, Self::CancelOrders, Self::Warn, Self::ReduceOnly, Self::Pause, Self::Flatten];

    /// Word for files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::CancelOrders => "cancel_orders",
            Self::Warn => "warn",
            Self::ReduceOnly => "reduce_only",
            Self::Pause => "pause",
            Self::Flatten => "flatten",
        }
    }

    /// The state that it asks for.
    #[must_use]
    pub const fn state(self) -> State {
        match self {
            Self::Alert | Self::CancelOrders => State::Normal,
            Self::Warn => State::Warn,
            Self::ReduceOnly => State::ReduceOnly,
            Self::Pause => State::Paused,
            Self::Flatten => State::Flatten,
        }
    }
}

impl Trigger {
    /// The state that it asks for while it is on.
    #[must_use]
    pub fn state(&self) -> State {
        self.actions.iter().map(|action| action.state()).max().unwrap_or_default()
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TriggerToml {
    pub(super) name: String,
    #[serde(default)]
    each: Vec<String>,
    when: String,
    #[serde(default)]
    hold_seconds: u32,
    #[serde(default)]
    cool_down_seconds: u32,
    actions: Vec<String>,
}

impl Checker<'_> {
    pub(super) fn trigger(&mut self, raw: &TriggerToml) -> Option<Trigger> {
        let at = |field: &str| format!("trigger '{}': {field}", raw.name);
        if raw.name.trim().is_empty() {
            self.issue("trigger.name", "", "a trigger has a name");
        }
        let each = self.columns(&at("each"), &raw.each);
        let mut actions = BTreeSet::new();
        for word in &raw.actions {
            match Action::ALL.into_iter().find(|action| action.word() == word) {
                Some(action) => {
                    if !actions.insert(action) {
                        self.issue(&at("actions"), word, "each action once");
                    }
                }
                None => {
                    let known = Action::ALL.map(Action::word).join(", ");
                    self.issue(&at("actions"), word, &format!("one of {known}"));
                }
            }
        }
        if raw.actions.is_empty() {
            self.issue(&at("actions"), "", "one at least, such as \"alert\"");
        }
        let when = Expression::compile(&raw.when, &each).map_err(|mistakes| {
            for mistake in mistakes {
                self.misread(&at("when"), &raw.when, mistake);
            }
        });
        let (hold_seconds, cool_down_seconds) = (raw.hold_seconds, raw.cool_down_seconds);
        Some(Trigger {
            name: raw.name.clone(),
            each,
            when: when.ok()?,
            hold_seconds,
            cool_down_seconds,
            actions,
        })
    }
}
