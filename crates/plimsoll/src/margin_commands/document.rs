//! What every rendering of `plimsoll margin` is made from.

use super::cheapest::CheapestFigures;
use super::desk::Basis;
use super::faults::FaultsFigures;
use super::figures::{AccountFigures, Published};
use super::fragmentation::FragmentationFigures;
use ::margin::{Header, Instruments, Rulebook};
use units::Fixed;

/// So many accounts are found by name at a glance; of more the worst come first.
const BY_NAME: usize = 20;

/// Margin of all accounts with its provenance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MarginDocument {
    pub(crate) basis: Basis,
    /// By account and venue.
    pub(crate) accounts: Vec<AccountFigures>,
    pub(crate) detail: Detail,
    /// When asked for.
    pub(crate) fragmentation: Option<FragmentationFigures>,
    /// When asked for.
    pub(crate) cheapest: Option<CheapestFigures>,
    /// When asked for.
    pub(crate) faults: Option<FaultsFigures>,
}

/// How much of each account a table for a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// One line an account.
    Summary,
    /// Scenarios, charges, legs and collateral too.
    Full,
}

/// What a rulebook says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RulebookLine {
    pub(crate) header: Header,
    pub(crate) engine: &'static str,
    pub(crate) parameter_hash: String,
    /// In a what-if: `before`, `after` or `both`.
    pub(crate) side: Option<&'static str>,
}

/// Exact sums over accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    /// Of all accounts.
    pub(crate) equity_usd: Fixed,
    /// Of accounts with a rulebook, as the rest.
    pub(crate) counted_usd: Published,
    pub(crate) requirement_usd: Published,
    /// Of the accounts' own.
    pub(crate) surplus_usd: Published,
}

impl From<&Rulebook> for RulebookLine {
    fn from(rulebook: &Rulebook) -> Self {
        Self {
            header: rulebook.header.clone(),
            engine: rulebook.engine(),
            parameter_hash: rulebook.parameter_hash.clone(),
            side: None,
        }
    }
}

impl RulebookLine {
    /// Which accounts of its venues it is for, as the file says it.
    pub(crate) const fn instruments(&self) -> &'static str {
        match self.header.instruments {
            Instruments::Any => "any",
            Instruments::Options => "options",
            Instruments::Futures => "futures",
        }
    }
}

impl MarginDocument {
    /// True when something that was given is in no figure.
    pub(crate) fn is_partial(&self) -> bool {
        !self.basis.issues.is_empty() || self.missing() > 0
    }

    /// How many accounts, positions and balances are in no figure.
    pub(crate) fn missing(&self) -> usize {
        missing(&self.accounts)
    }

    /// Sums of the published figures.
    pub(crate) fn totals(&self) -> Totals {
        Totals::of(&self.accounts)
    }

    /// True when tables and pages do not go by name.
    pub(crate) const fn is_by_nearness(&self) -> bool {
        self.accounts.len() > BY_NAME
    }

    /// As people want them: by name while they fit a screen, else the nearest to liquidation first.
    pub(crate) fn accounts_shown(&self) -> Vec<&AccountFigures> {
        let mut shown: Vec<&AccountFigures> = self.accounts.iter().collect();
        if self.is_by_nearness() {
            shown.sort_by(|a, b| a.nearest_first(b));
        }
        shown
    }

    /// What the last row of a table of accounts is called: a sum that lacks something must not be taken for the whole.
    pub(crate) fn total_word(&self) -> &'static str {
        if self.is_partial() { "partial total" } else { "total" }
    }
}

/// How many accounts, positions and balances are in no figure.
pub(crate) fn missing<'a>(accounts: impl IntoIterator<Item = &'a AccountFigures>) -> usize {
    accounts.into_iter().map(|account| account.missing.len()).sum()
}

impl Totals {
    pub(crate) fn of<'a>(accounts: impl IntoIterator<Item = &'a AccountFigures>) -> Self {
        let mut totals = Self::default();
        for account in accounts {
            totals.equity_usd += account.equity_usd.unwrap_or_default();
            if let Some(margin) = &account.margin {
                totals.counted_usd = totals.counted_usd.plus(margin.counted_usd);
                totals.requirement_usd = totals.requirement_usd.plus(margin.requirement_usd);
                totals.surplus_usd = totals.surplus_usd.plus(margin.surplus_usd);
            }
        }
        totals
    }

    /// Exact difference.
    pub(crate) fn minus(self, before: Self) -> Self {
        Self {
            equity_usd: self.equity_usd - before.equity_usd,
            counted_usd: self.counted_usd.minus(before.counted_usd),
            requirement_usd: self.requirement_usd.minus(before.requirement_usd),
            surplus_usd: self.surplus_usd.minus(before.surplus_usd),
        }
    }
}
