//! Margin of every account under its venue's rules, and how far prices may go before the venue closes it.
//!
//! ```text
//! ledger + market -> AccountState x Rulebook -> equity, requirements, use, liquidation distance        crate margin
//! ```
//!
//! Rulebooks come as events, so that a journal replays under the rules that were in force. An account goes by the rulebook of its venue, or
//! by the one that the policy names. All accounts are computed at clocks, not at every quote: a portfolio margin is thousands of prices. So
//! the figures have a time of their own, and are kept by a snapshot of the machine, not derived anew. An account without a rulebook, or with
//! something that has none, says so.

use crate::transfers::IN_TRANSIT;
use book::Ledger;
use margin::{
    AccountMargin, AccountState, Liquidation, LiquidationQuery, LiquidationReport, ManyAccounts, NoRulebook,
    Outcome, Path, Rulebook, Rulebooks, Side, Tick, account_states, liquidation,
};
use market::Market;
use std::collections::{BTreeMap, BTreeSet};
use units::{Account, Asset, Fixed, Issues, Timestamp, Venue};

/// How near the two sides of a liquidation price come: a hundredth of a percent is below what anybody acts on.
const TICK: Tick = Tick::Relative(1e-4);

/// Margin of one account at a venue.
#[derive(Debug, Clone, PartialEq)]
pub struct MarginView {
    /// Id of the rulebook.
    pub rulebook: String,
    /// Hash of its parameters.
    pub parameter_hash: String,
    /// Balances, gains and what else the venue counts, at full price, USD.
    pub equity_usd: Fixed,
    /// What of it counts against maintenance, USD.
    pub counted_usd: Fixed,
    /// Initial requirement, USD.
    pub initial_margin_usd: Fixed,
    /// Maintenance requirement, USD.
    pub maintenance_margin_usd: Fixed,
    /// Maintenance requirement as a share of what counts for it; with separate wallets that of the one nearest to liquidation. None when
    /// nothing counts and something is asked.
    pub maintenance_use: Option<Fixed>,
    /// By index: the distance to liquidation in percent of it.
    pub liquidation: BTreeMap<Asset, Distance>,
    /// Positions and balances that the rulebook does not cover.
    pub unmargined: usize,
    /// Underlyings of the account: when one is stale, so is all this.
    pub underlyings: BTreeSet<Asset>,
}

/// What a rulebook asks of an account, and what the account has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarginLevels {
    /// Balances, gains and what else the venue counts, at full price, USD.
    pub equity_usd: Fixed,
    /// Initial requirement, USD.
    pub initial_margin_usd: Fixed,
    /// What counts for the initial requirement less it, USD; with separate wallets what the short ones lack, if any is.
    pub initial_surplus_usd: Fixed,
    /// Maintenance requirement, USD.
    pub maintenance_margin_usd: Fixed,
    /// As in [`MarginView`].
    pub maintenance_use: Option<Fixed>,
}

impl MarginLevels {
    pub(crate) fn of(outcome: &Outcome) -> Result<Self, String> {
        Ok(Self {
            equity_usd: Fixed::quantise(outcome.equity_usd).map_err(text)?,
            initial_margin_usd: Fixed::quantise_up(outcome.requirement.initial).map_err(text)?,
            initial_surplus_usd: Fixed::quantise_down(outcome.surplus().initial).map_err(text)?,
            maintenance_margin_usd: Fixed::quantise_up(outcome.requirement.maintenance).map_err(text)?,
            maintenance_use: maintenance_use(outcome)?,
        })
    }
}

fn maintenance_use(outcome: &Outcome) -> Result<Option<Fixed>, String> {
    match outcome.utilisation() {
        Some(share) => Fixed::quantise_up(share).map(Some).map_err(text),
        None if outcome.requirement.maintenance > 0.0 => Ok(None),
        None => Ok(Some(Fixed::ZERO)),
    }
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn text(error: units::UnitError) -> String {
    error.to_string()
}

/// How far an index may move, in percent of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Distance {
    /// Downward, below zero; none when no fall closes the account.
    pub down_percent: Option<Fixed>,
    /// Upward; none when no rise closes it.
    pub up_percent: Option<Fixed>,
}

impl Distance {
    /// Size of the smaller of the two; none when nothing closes the account.
    #[must_use]
    pub fn nearest_percent(&self) -> Option<Fixed> {
        match (self.down_percent.map(Fixed::abs), self.up_percent.map(Fixed::abs)) {
            (Some(down), Some(up)) => Some(down.min(up)),
            (down, up) => down.or(up),
        }
    }
}

/// What is asked for, by the policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MarginRules {
    /// How often all accounts are computed, at clocks.
    pub every_seconds: u32,
    /// Indices whose distance is searched.
    pub liquidation_of: Vec<Asset>,
    /// Rulebooks of accounts that do not go by their venue's.
    pub rulebooks: BTreeMap<(Account, Venue), String>,
}

impl MarginRules {
    /// The rulebook of an account: the one named for it, else its venue's.
    ///
    /// # Errors
    /// Why there is none, and how to mend it.
    pub fn rulebook_of<'a>(&self, all: &'a Rulebooks, state: &AccountState) -> Result<&'a Rulebook, String> {
        match self.rulebooks.get(&(state.account.clone(), state.venue.clone())) {
            Some(id) => all.get(id).ok_or_else(|| format!("no rulebook '{id}' has been given")),
            None => all.for_account(state).map_err(|none| match none {
                NoRulebook::Venue { venue } => format!(
                    "no rulebook of {venue} has been given: name one under [margin] rulebooks, \"{}@{venue}\" = \"ID\"",
                    state.account
                ),
                other => other.to_string(),
            }),
        }
    }
}

/// Margins of all accounts, and the rules they go by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Margins {
    pub(crate) texts: BTreeMap<String, (String, String)>,
    rulebooks: Rulebooks,
    pub(crate) of: BTreeMap<(Account, Venue), Result<MarginView, String>>,
    pub(crate) computed: Option<Timestamp>,
}

impl Margins {
    /// By account and venue; the reason where there is no figure.
    #[must_use]
    pub const fn of(&self) -> &BTreeMap<(Account, Venue), Result<MarginView, String>> {
        &self.of
    }

    /// When they were computed.
    #[must_use]
    pub const fn computed(&self) -> Option<Timestamp> {
        self.computed
    }

    /// Rulebooks at hand.
    #[must_use]
    pub const fn rulebooks(&self) -> &Rulebooks {
        &self.rulebooks
    }

    /// Takes a rulebook; one of the same id replaces it.
    ///
    /// # Errors
    /// Every mistake in it.
    pub(crate) fn add(&mut self, file: &str, text: &str) -> Result<(), Issues> {
        let id = Rulebook::parse(file, text)?.header.id;
        self.rulebooks.add(file, text)?;
        self.texts.insert(id, (file.to_owned(), text.to_owned()));
        self.computed = None;
        Ok(())
    }

    /// True when a clock at this time computes them.
    pub(crate) fn is_due(&self, rules: &MarginRules, now: Timestamp) -> bool {
        self.computed
            .is_none_or(|computed| now >= computed.plus_millis(i64::from(rules.every_seconds) * 1_000))
    }

    /// Computes all accounts.
    pub(crate) fn compute(&mut self, rules: &MarginRules, ledger: &Ledger, market: &Market, now: Timestamp) {
        let states = account_states(&ledger.book(), market);
        // What is under way is nobody's collateral.
        let states = states.iter().filter(|state| state.venue.as_str() != IN_TRANSIT);
        let many = ManyAccounts::under(self.rulebooks.iter());
        let views = states.map(|state| {
            let key = (state.account.clone(), state.venue.clone());
            let rulebook = rules.rulebook_of(&self.rulebooks, state);
            (key, rulebook.and_then(|rulebook| view((rules, &many), rulebook, state)))
        });
        self.of = views.collect();
        self.computed = Some(now);
    }
}

fn view(
    (rules, many): (&MarginRules, &ManyAccounts<'_>),
    rulebook: &Rulebook,
    state: &AccountState,
) -> Result<MarginView, String> {
    let AccountMargin { rulebook: id, parameter_hash, outcome, .. } = many.margin(rulebook, state);
    let mut distances = BTreeMap::new();
    for lead in &rules.liquidation_of {
        if state.underlyings().contains(lead) {
            distances.insert(lead.clone(), distance(rulebook, state, lead)?);
        }
    }
    let MarginLevels { equity_usd, initial_margin_usd, maintenance_margin_usd, maintenance_use, .. } =
        MarginLevels::of(&outcome)?;
    Ok(MarginView {
        rulebook: id,
        parameter_hash,
        equity_usd,
        counted_usd: Fixed::quantise_down(outcome.counted.maintenance).map_err(text)?,
        initial_margin_usd,
        maintenance_margin_usd,
        maintenance_use,
        liquidation: distances,
        unmargined: outcome.unmargined.len(),
        underlyings: state.underlyings().into_iter().collect(),
    })
}

fn distance(rulebook: &Rulebook, state: &AccountState, lead: &Asset) -> Result<Distance, String> {
    let path = Path { lead: lead.clone(), betas: BTreeMap::new(), beta_of_other_coins: 0.0 };
    let query = LiquidationQuery { path, tick: TICK, vol: None };
    let report: LiquidationReport = liquidation(rulebook, state, &query);
    let side = |side: &Side| match side {
        Side::Price(crossing) => {
            Fixed::quantise(crossing.percent).map(Some).map_err(|error| error.to_string())
        }
        Side::None { .. } => Ok(None),
        // What the model cannot see may be there.
        Side::Unknown { reason, .. } => Err(format!("liquidation by {lead}: {reason}")),
    };
    match &report.liquidation {
        Liquidation::Undefined { .. } => Ok(Distance::default()),
        Liquidation::Already => {
            Ok(Distance { down_percent: Some(Fixed::ZERO), up_percent: Some(Fixed::ZERO) })
        }
        Liquidation::Searched { down, up } => {
            Ok(Distance { down_percent: side(down)?, up_percent: side(up)? })
        }
    }
}
