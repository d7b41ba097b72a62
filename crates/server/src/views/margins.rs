//! Margin of every account by its venue's rules, computed now: the figures of `plimsoll margin` on the same book and market.
//!
//! The engine computes margins at clocks and keeps them; here they are computed from the frame, so that they are as fresh as all else that
//! is shown and hold for a changed frame as well. What counts is rounded down and what is asked up, each published figure once.
//!
//! Single figures where the rules know two levels (`counted_usd`, `surplus_usd`, `haircut`) are those of maintenance: they say how far
//! liquidation is.
//!
//! A line an account is shown of all; what its figures are made of (units, scenarios, charges, collateral) only of the account that is
//! asked for: of four hundred accounts it would be megabytes.

mod account;

use super::{Param, Params, View, ViewError, shape, value};
use crate::frame::Frame;
use account::{AccountDetails, AccountView};
use engine::MarginRules;
use instrument::Terms;
use margin::{AccountMargin, AccountState, ManyAccounts, Rulebook, Rulebooks};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;
use std::sync::LazyLock;
use units::{Account, Fixed, Issues, Timestamp, UnitError, Venue};

pub(super) const VIEW: View = View {
    name: "margin",
    says: "Margin of every account by its venue's rules: equity, requirements, the deciding scenario; of one account what they are made of",
    params: &[
        Param { name: "account", says: "Only this one, with its details", example: "desk" },
        Param { name: "venue", says: "Only this one", example: "deribit" },
    ],
    every_millis: 1_000,
    compute,
    schema: shape::<Margins>,
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Margins {
    #[schema(value_type = String)]
    computed_at: Timestamp,
    /// By account and venue.
    accounts: Vec<AccountView>,
    /// Of these accounts, as far as they have figures.
    total: Total,
    /// Of each of these accounts when one is asked for by `account`; none otherwise.
    details: Vec<AccountDetails>,
}

#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
struct Total {
    #[schema(value_type = String)]
    equity_usd: Fixed,
    #[schema(value_type = String)]
    initial_margin_usd: Fixed,
    #[schema(value_type = String)]
    maintenance_margin_usd: Fixed,
}

/// What most views need of an account's margin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AccountMargins {
    pub(crate) account: Account,
    pub(crate) venue: Venue,
    /// Id; empty where nobody knows whose rules hold.
    pub(crate) rulebook: String,
    /// At full price, rounded down; without a rulebook what all is worth.
    pub(crate) equity_usd: Fixed,
    /// Nothing while there is a reason why not, as the next.
    pub(crate) initial_margin_usd: Fixed,
    pub(crate) maintenance_margin_usd: Fixed,
    /// Requirement as a share of what counts for it, rounded up; none when nothing counts, and for an account of which something is not
    /// margined: what that would ask nobody knows.
    pub(crate) maintenance_use: Option<Fixed>,
    /// Why there are no requirements.
    pub(crate) why_not: Option<String>,
    /// Something that it holds has no fresh quote.
    pub(crate) is_stale: bool,
    /// As the view shows it.
    line: AccountView,
}

impl AccountMargins {
    fn of(margined: &Margined<'_>) -> Self {
        let short = Short::of(margined);
        let line = AccountView::new(&short, margined);
        Self {
            account: short.account,
            venue: short.venue,
            rulebook: short.rulebook.unwrap_or_default(),
            equity_usd: short.equity_usd.unwrap_or_default(),
            initial_margin_usd: short.initial_margin_usd.unwrap_or_default(),
            maintenance_margin_usd: short.maintenance_margin_usd.unwrap_or_default(),
            maintenance_use: short.maintenance_use,
            why_not: short.why_not.filter(|_| short.maintenance_margin_usd.is_none()),
            is_stale: margined.is_stale,
            line,
        }
    }

    /// True when it could be liquidated and nobody knows how far it is from that.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.why_not.as_ref().is_some_and(|why| why != BALANCES_ONLY)
    }
}

/// Margin of every account, by account and venue, on all threads of the pool.
pub(crate) fn accounts(frame: &Frame) -> Vec<AccountMargins> {
    let many = ManyAccounts::under(rulebooks(frame).iter());
    let of = |state| AccountMargins::of(&Margined::of(frame, &many, state));
    frame.accounts().par_iter().map(of).collect()
}

/// Published figures of one account.
#[derive(Debug)]
struct Short {
    account: Account,
    venue: Venue,
    rulebook: Option<String>,
    equity_usd: Option<Fixed>,
    initial_margin_usd: Option<Fixed>,
    maintenance_margin_usd: Option<Fixed>,
    maintenance_use: Option<Fixed>,
    /// Why one of them is absent.
    why_not: Option<String>,
}

/// One account under its rules.
struct Margined<'a> {
    state: &'a AccountState,
    /// The model's own words, or why there are none.
    by: Result<(AccountMargin, &'a Rulebook), String>,
    is_stale: bool,
}

impl<'a> Margined<'a> {
    fn of(frame: &'a Frame, many: &ManyAccounts<'_>, state: &'a AccountState) -> Self {
        Self {
            state,
            by: rulebook_of(frame, state).map(|rulebook| (many.margin(rulebook, state), rulebook)),
            is_stale: is_stale(frame, state),
        }
    }
}

/// True when something that the account depends on has no fresh quote.
pub(super) fn is_stale(frame: &Frame, state: &AccountState) -> bool {
    state.underlyings().iter().any(|asset| frame.engine().stale().contains(asset))
}

static EMBEDDED: LazyLock<Result<Rulebooks, Issues>> = LazyLock::new(Rulebooks::embedded);

/// True when the engine was told of no rulebooks: those that ship with the program stand in.
pub(super) fn are_embedded(frame: &Frame) -> bool {
    frame.engine().margins().rulebooks().iter().next().is_none()
}

/// Those that the engine was told of, or those that stand in for them.
fn rulebooks(frame: &Frame) -> &Rulebooks {
    match EMBEDDED.as_ref() {
        Ok(embedded) if are_embedded(frame) => embedded,
        Ok(_) | Err(_) => frame.engine().margins().rulebooks(),
    }
}

/// The rulebook that an account goes by, or why there is none.
pub(super) fn rulebook_of<'a>(frame: &'a Frame, state: &AccountState) -> Result<&'a Rulebook, String> {
    if let Some(other) = frame.other_rules(&state.account, &state.venue) {
        return Ok(other);
    }
    let none = MarginRules::default();
    let rules = frame.engine().policy().margin.as_ref().unwrap_or(&none);
    let found = rules.rulebook_of(rulebooks(frame), state);
    found.map_err(|why| if has_contracts(frame, state) { why } else { BALANCES_ONLY.to_owned() })
}

const BALANCES_ONLY: &str = "balances only and no rulebook: nobody can liquidate it";

/// True when it holds more than balances, priced or not.
fn has_contracts(frame: &Frame, state: &AccountState) -> bool {
    let mut here =
        frame.book().positions.iter().filter(|p| p.account == state.account && p.venue == state.venue);
    here.any(|position| position.listing.contract.terms != Terms::Spot)
}

impl Short {
    fn of(Margined { state, by, .. }: &Margined<'_>) -> Self {
        let bare = |why_not: Option<String>| Self {
            account: state.account.clone(),
            venue: state.venue.clone(),
            rulebook: None,
            equity_usd: None,
            initial_margin_usd: None,
            maintenance_margin_usd: None,
            maintenance_use: None,
            why_not,
        };
        let figures = match by {
            Ok((report, _)) => margined_figures(report, bare(None)),
            Err(why) => Fixed::quantise_down(state.value_usd())
                .map(|equity| Self { equity_usd: Some(equity), ..bare(Some(why.clone())) }),
        };
        figures.unwrap_or_else(|error| bare(Some(out_of_range(&error))))
    }
}

fn margined_figures(report: &AccountMargin, bare: Short) -> Result<Short, UnitError> {
    let outcome = &report.outcome;
    let share = outcome.utilisation().filter(|_| !outcome.is_partial());
    let maintenance_use = share.map(Fixed::quantise_up).transpose()?;
    let why_not = || match outcome.unmargined.first() {
        Some(first) => format!(
            "{} positions or balances are not margined, the first {}: {}",
            outcome.unmargined.len(),
            first.symbol,
            first.reason
        ),
        None => "nothing of the account counts for maintenance".into(),
    };
    Ok(Short {
        rulebook: Some(report.rulebook.clone()),
        equity_usd: Some(Fixed::quantise_down(outcome.equity_usd)?),
        initial_margin_usd: Some(Fixed::quantise_up(outcome.requirement.initial)?),
        maintenance_margin_usd: Some(Fixed::quantise_up(outcome.requirement.maintenance)?),
        maintenance_use,
        why_not: maintenance_use.is_none().then(why_not),
        ..bare
    })
}

fn out_of_range(error: &UnitError) -> String {
    format!("{error}: look for a size, price or rate out of range")
}

fn compute(frame: &Frame, params: &Params) -> Result<Value, ViewError> {
    let is_wanted = |name: &str, own: &str| params.text(name).is_none_or(|text| text == own);
    let is_of = |account: &Account, venue: &Venue| {
        is_wanted("account", account.as_str()) && is_wanted("venue", venue.as_str())
    };
    let mut details = Vec::new();
    let accounts: Vec<AccountView> = if params.text("account").is_some() {
        let mut lines = Vec::new();
        let alone = ManyAccounts::under([]);
        for state in frame.accounts().iter().filter(|state| is_of(&state.account, &state.venue)) {
            let margined = Margined::of(frame, &alone, state);
            let mut line = AccountMargins::of(&margined).line;
            details.push(AccountDetails::new(&mut line, &margined, are_embedded(frame)));
            lines.push(line);
        }
        lines
    } else {
        let all = frame.margins().iter();
        all.filter(|of| is_of(&of.account, &of.venue)).map(|of| of.line.clone()).collect()
    };
    // Nothing of somebody who is not there would read as nothing asked.
    if accounts.is_empty() && ["account", "venue"].iter().any(|name| params.text(name).is_some()) {
        let text = |name| params.text(name).map_or(String::new(), |text| format!(" {name} '{text}'"));
        let what = format!("an account of{}{}", text("account"), text("venue"));
        return Err(ViewError::Absent { what, hint: "GET /v1/margin lists them".into() });
    }
    let mut total = Total::default();
    for line in &accounts {
        line.add_to(&mut total);
    }
    value(&Margins { computed_at: frame.asof(), accounts, total, details })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{DEMO, SAMPLE, data, exact, figure, keys, sample};
    use super::*;
    use engine::Event;

    const KEYS: &str = "account counted_usd equity_usd initial_margin_usd initial_use is_stale maintenance_margin_usd \
         maintenance_use parameter_hash rulebook rulebook_title surplus_usd unmargined venue why_not worst";

    /// The view of each account by itself: its line, and what that is made of.
    fn each(frame: &Frame) -> Vec<(Value, Value)> {
        let all = data(frame, "margin", &[]).unwrap();
        let lines = all["accounts"].as_array().unwrap().iter();
        lines
            .map(|line| {
                let named = |key: &str| line[key].as_str().unwrap().to_owned();
                let (account, venue) = (named("account"), named("venue"));
                let own = data(frame, "margin", &[("account", &account), ("venue", &venue)]).unwrap();
                assert_eq!(own["accounts"], Value::from(vec![line.clone()]), "the line is the same");
                assert_eq!(own["details"].as_array().unwrap().len(), 1);
                assert_eq!(own["details"][0]["account"], line["account"]);
                (line.clone(), own["details"][0].clone())
            })
            .collect()
    }

    #[test]
    fn the_view_has_the_keys_of_the_contract_and_its_totals_are_exact_sums() {
        for frame in [&*DEMO, &*SAMPLE] {
            let view = data(frame, "margin", &[]).unwrap();
            assert_eq!(keys(&view), ["accounts", "computed_at", "details", "total"].into());
            assert_eq!(view["details"], Value::from(Vec::<Value>::new()), "nobody asked for one account");
            let accounts = view["accounts"].as_array().unwrap();
            assert!(accounts.len() > 2);
            for key in ["equity_usd", "initial_margin_usd", "maintenance_margin_usd"] {
                let sum: i128 = accounts.iter().filter(|a| !a[key].is_null()).map(|a| exact(&a[key])).sum();
                assert_eq!(exact(&view["total"][key]), sum, "{key}");
            }
            for account in accounts {
                assert_eq!(keys(account), KEYS.split_whitespace().collect());
                let is_absent = account["maintenance_use"].is_null();
                assert_eq!(
                    account["why_not"].is_null(),
                    !is_absent,
                    "an absent figure has a reason: {account}"
                );
                if account["rulebook"].is_null() {
                    assert!(account["initial_margin_usd"].is_null() && !account["equity_usd"].is_null());
                }
            }
        }
    }

    /// The engine computes at clocks; at a clock both must say the same but for the rounding of equity, which the engine does to the nearest
    /// quantum and this downward, as `plimsoll margin` does.
    #[test]
    fn at_a_clock_the_figures_are_the_engines_own() {
        let mut engine = DEMO.engine().clone();
        let far = engine.now().plus_millis(60_000);
        let stamp = journal::Stamp { seq: DEMO.record.next(), time: far };
        engine.apply(stamp, &Event::Clock);
        let frame = Frame::new(engine, stamp.seq, None);
        assert_eq!(frame.engine().margins().computed(), Some(far), "the clock computed");
        let mut compared = 0;
        for own in accounts(&frame) {
            let engines = &frame.engine().margins().of()[&(own.account.clone(), own.venue.clone())];
            let Ok(engines) = engines else {
                assert!(own.why_not.is_some());
                continue;
            };
            assert_eq!(own.initial_margin_usd, engines.initial_margin_usd);
            assert_eq!(own.maintenance_margin_usd, engines.maintenance_margin_usd);
            assert_eq!(own.maintenance_use, engines.maintenance_use);
            assert!((own.equity_usd - engines.equity_usd).abs() <= Fixed::from_raw(1));
            compared += 1;
        }
        assert!(compared >= 2, "{compared}");
    }

    #[test]
    fn counted_less_asked_is_the_surplus_and_the_worst_scenario_is_among_the_units() {
        let mut worst = 0;
        for (account, details) in each(&SAMPLE).into_iter().filter(|(line, _)| line["why_not"].is_null()) {
            let left = exact(&account["counted_usd"]) - exact(&account["maintenance_margin_usd"]);
            // A separate wallet may be nearer than the sum of all.
            assert!(exact(&account["surplus_usd"]) <= left);
            let share = figure(&account["maintenance_margin_usd"]) / figure(&account["counted_usd"]);
            let used = account["maintenance_use"].as_f64().unwrap();
            assert!(used >= share - 1e-12, "{used} {share}");
            if account["worst"].is_null() {
                continue;
            }
            worst += 1;
            let units = details["units"].as_array().unwrap();
            let unit = units.iter().find(|unit| unit["name"] == account["worst"]["unit"]).unwrap();
            let mut scenarios = unit["scenarios"].as_array().unwrap().iter();
            assert!(
                scenarios.any(|s| s["name"] == account["worst"]["scenario"]
                    && s["pnl_usd"] == account["worst"]["pnl_usd"])
            );
        }
        assert!(worst > 0);
    }

    #[test]
    fn an_account_that_is_not_there_is_no_account_of_which_nothing_is_asked() {
        for words in [[("account", "nobody")], [("venue", "nowhere")]] {
            let view = data(&SAMPLE, "margin", &words);
            assert!(matches!(view, Err(ViewError::Absent { what, .. }) if what.contains(words[0].1)));
        }
    }

    #[test]
    fn without_rulebooks_those_of_the_program_are_used_and_it_says_so() {
        let note = |frame: &Frame| {
            let notes = |details: &Value| details["notes"].to_string().contains("ship with the program");
            let margined = each(frame).into_iter().filter(|(line, _)| !line["rulebook"].is_null());
            margined.map(|(_, details)| notes(&details)).collect::<Vec<bool>>()
        };
        assert!(!note(&SAMPLE).is_empty() && note(&SAMPLE).iter().all(|told| *told));
        assert!(!note(&DEMO).is_empty() && note(&DEMO).iter().all(|told| !*told));
    }

    #[test]
    fn the_policy_may_name_another_rulebook_of_an_account() {
        let mut desk = sample();
        let now = desk.engine.now();
        let named = |frame: &Frame| {
            accounts(frame)
                .into_iter()
                .filter(|a| a.venue.as_str() == "deribit")
                .map(|a| (a.account, a.rulebook))
                .collect::<Vec<_>>()
        };
        let before = named(&SAMPLE);
        let account = before[0].0.clone();
        let text = format!(
            "source = \"test\"\nvalid_from = \"2026-01-01\"\n[margin]\nevery_seconds = 10\nrulebooks = {{ \"{account}@deribit\" = \"{}\" }}\n",
            "deribit-sm"
        );
        desk.tell(now, &Event::Policy { text });
        let after = named(&desk.frame());
        let of = |all: &[(Account, String)]| all.iter().find(|(own, _)| *own == account).unwrap().1.clone();
        assert_ne!(of(&before), "deribit-sm");
        assert_eq!(of(&after), "deribit-sm");
    }
}
