//! What every rendering of `plimsoll margin` is made from.

use super::desk::Basis;
use super::faults::FaultFigures;
use super::figures::{AccountFigures, Published};
use super::fragmentation::FragmentationFigures;
use ::margin::{Header, Instruments, Rulebook};
use units::Fixed;

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
    pub(crate) faults: Option<Vec<FaultFigures>>,
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

    /// What the last row of a table of accounts is called: a sum that lacks something must not be taken for the whole.
    pub(crate) fn total_word(&self) -> &'static str {
        if self.is_partial() { "partial total" } else { "total" }
    }
}

/// How many accounts, positions and balances are in no figure.
pub(crate) fn missing(accounts: &[AccountFigures]) -> usize {
    accounts.iter().map(|account| account.missing.len()).sum()
}

impl Totals {
    pub(crate) fn of(accounts: &[AccountFigures]) -> Self {
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
}
