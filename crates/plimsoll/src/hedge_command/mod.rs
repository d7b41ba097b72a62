//! `plimsoll hedge`: what to trade against the bands of a policy, what it costs and does; or the way out of every position.
//!
//! The net delta of the whole book is held against one band for each underlying ([`plan`]); what is traded, how much at most and at what cost
//! follows from the market's quotes, the policy's bounds and the file of costs. [`unwind`] plans `--flatten`. [`tables`] shows both;
//! nothing is sent anywhere.

mod bands;
mod costs;
mod greeks;
mod plan;
mod quotes;
mod sight;
mod tables;
mod unwind;

use crate::cli::{HedgeArgs, HedgeTableName};
use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::hash;
use crate::margin_commands::Desk;
use crate::measure_commands::Sheet;
use crate::output::{TableNames, Target, on_threads};
use crate::report_command::unpriced_issues;
use costs::Costs;
use engine::{Hedge, OrderLimits, Policy};
use instrument::Specs;
use plan::{Chosen, Followed, follow};
use quotes::Board;
use risk::{Measure, Valuation};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use units::{Asset, Issue, Issues};

const SAMPLE: &str = include_str!("../../../../policies/sample.toml");
const SAMPLE_NAME: &str = "embedded policies/sample.toml";

impl TableNames for HedgeTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Reasons => "reasons",
            Self::Costs => "costs",
            Self::Buckets => "buckets",
            Self::Margin => "margin",
            Self::Instruments => "instruments",
            Self::Unwind => "unwind",
            Self::Path => "path",
            Self::Schedule => "schedule",
            Self::Refused => "refused",
            Self::Legs => "legs",
            Self::Greeks => "greeks",
        }
    }
}

/// Everything a plan is made from.
struct Bench {
    desk: Desk,
    policy: Policy,
    policy_name: String,
    costs: Costs,
    valuation: Valuation,
}

/// What could not be done: a rule, an instrument or a position, its name, and why.
struct Refusal {
    what: &'static str,
    name: String,
    why: String,
}

/// Runs the command; the exit code says whether anything is missing.
pub(crate) fn run(args: &HedgeArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    let files = args
        .inputs
        .files()
        .chain(&args.rules.rules)
        .chain(&args.policy)
        .chain(&args.costs)
        .chain(&args.bands);
    target.check(files)?;
    if args.policy.is_none() && !args.inputs.book.is_empty() {
        return Err(Failure::Usage(
            "pass --policy FILE beside the book: its [[hedge]] rules say what is hedged, with what".into(),
        ));
    }
    let sheet = on_threads(args.inputs.threads, || sheet(args))?;
    target.write(&sheet)?;
    Ok(sheet.exit_code())
}

fn sheet(args: &HedgeArgs) -> Result<Sheet<HedgeTableName>, Failure> {
    let bench = Bench::load(args)?;
    match (args.flatten, args.greeks) {
        (true, _) => bench.flattened(args),
        (false, true) => bench.hedged(args),
        (false, false) => bench.planned(args),
    }
}

fn policy(args: &HedgeArgs) -> Result<(Policy, InputFile), Failure> {
    let specs = Specs::embedded();
    let read = |name: &str, text: &str, blake3: String| {
        let policy = Policy::parse(name, text, &specs).map_err(|issues| Failure::Policy { issues })?;
        let rows = policy.hedges.len() as u64;
        Ok((policy, InputFile { path: name.into(), role: "policy", blake3, rows, asof: None }))
    };
    let Some(path) = &args.policy else {
        return read(SAMPLE_NAME, SAMPLE, blake3::hash(SAMPLE.as_bytes()).to_hex().to_string());
    };
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|e| Failure::Input(format!("{name}: cannot read: {e}")))?;
    read(&name, &text, hash(path)?)
}

impl Bench {
    fn load(args: &HedgeArgs) -> Result<Self, Failure> {
        let (policy, policy_input) = policy(args)?;
        let (costs, costs_input) = costs::load(args.costs.as_deref())?;
        let mut desk = Desk::load(&args.inputs, &args.rules, &[])?;
        let valuation = Valuation::new(&desk.loaded.book, &desk.loaded.market);
        let is_sound = desk.loaded.issues.is_empty() && valuation.unpriced.is_empty();
        if !is_sound && !args.inputs.allow_partial {
            let unpriced = unpriced_issues(&valuation.unpriced);
            let issues = Box::new(desk.loaded.issues);
            return Err(Failure::Incomplete { issues, unpriced: Box::new(unpriced) });
        }
        let policy_name = policy_input.path.clone();
        desk.loaded.inputs.extend([policy_input, costs_input]);
        Ok(Self { desk, policy, policy_name, costs, valuation })
    }

    fn board<'a>(&'a self, args: &HedgeArgs) -> Board<'a> {
        let loaded = &self.desk.loaded;
        Board {
            snapshot: &loaded.snapshot,
            market: &loaded.market,
            policy: &self.policy,
            costs: &self.costs,
            now: args.inputs.at.map_or(loaded.market.asof, |at| at.max(loaded.market.asof)),
        }
    }

    fn planned(&self, args: &HedgeArgs) -> Result<Sheet<HedgeTableName>, Failure> {
        let board = self.board(args);
        let chosen = if args.choose { Chosen::Cheapest } else { Chosen::ByRule };
        if self.policy.hedges.is_empty() {
            return Err(self.unfollowed(
                "hedge",
                "",
                "the policy has no [[hedge]] rule: nothing can be planned",
            ));
        }
        let orders = self.orders()?;
        let (mut followed, mut refusals): (Vec<Followed<'_>>, Vec<Refusal>) = (Vec::new(), Vec::new());
        let mut hedged: BTreeMap<&Asset, &str> = BTreeMap::new();
        for rule in &self.policy.hedges {
            if let Some(first) = hedged.insert(&rule.underlying, &rule.name) {
                let why = format!(
                    "'{first}' hedges the delta of {} already: one band for each coin",
                    rule.underlying
                );
                refusals.push(Refusal { what: "rule", name: rule.name.clone(), why });
                hedged.insert(&rule.underlying, first);
                continue;
            }
            match follow((board, &self.desk), (rule, orders), (&self.valuation, chosen)) {
                Ok(one) => followed.push(one),
                Err(why) => refusals.push(Refusal { what: "rule", name: rule.name.clone(), why }),
            }
        }
        if !refusals.is_empty() && !args.inputs.allow_partial {
            return Err(Failure::Unfollowed { issues: self.issues(&refusals) });
        }
        let unfollowed = refusals.len();
        let refused = refused_underlyings(&self.policy.hedges, &followed);
        for one in &followed {
            let listings = one.refused.iter();
            refusals.extend(listings.map(|(listing, why)| Refusal {
                what: "instrument",
                name: format!("{} {}", listing.venue, listing.symbol),
                why: why.clone(),
            }));
        }
        let sections = tables::planned(self, board, (&followed, &refusals, &refused))?;
        let lost = self.valuation.rows.iter().filter(|row| refused.contains(&row.underlying)).count();
        let notes = self.notes(&followed);
        let mut sheet = self.answer("hedge plan", sections, (lost + self.valuation.unpriced.len(), notes));
        if unfollowed > 0 {
            sheet.lacking.push(("rules that are not followed", unfollowed));
        }
        Ok(sheet)
    }

    fn hedged(&self, args: &HedgeArgs) -> Result<Sheet<HedgeTableName>, Failure> {
        let (bands, input) = bands::load(args.bands.as_deref())?;
        let board = self.board(args);
        if self.policy.hedges.is_empty() {
            let rule = "the policy has no [[hedge]] rule: no coin has an account that would trade";
            return Err(self.unfollowed("hedge", "", rule));
        }
        let plan = greeks::plan(self, board, &bands).map_err(Failure::Input)?;
        let sections = tables::of_greeks(self, board, &plan)?;
        let mut notes = greeks::notes(&plan, &bands, &self.policy.hedges);
        notes.extend(self.desk.loaded.notes.iter().cloned());
        notes.push(format!("costs: {}", self.costs.source));
        let mut sheet =
            self.answer("hedge plan over several greeks", sections, (self.valuation.unpriced.len(), notes));
        sheet.inputs.push(input);
        Ok(sheet)
    }

    fn flattened(&self, args: &HedgeArgs) -> Result<Sheet<HedgeTableName>, Failure> {
        let board = self.board(args);
        let way = unwind::plan(board, &self.desk.loaded.book).map_err(Failure::Input)?;
        let refusals: Vec<Refusal> = way
            .refused
            .iter()
            .map(|(position, why)| Refusal {
                what: "position",
                name: format!("{}@{} {}", position.account, position.venue, position.listing.symbol),
                why: why.clone(),
            })
            .collect();
        if !refusals.is_empty() && !args.inputs.allow_partial {
            return Err(Failure::Unfollowed { issues: self.issues(&refusals) });
        }
        let sections = tables::flattened(&way, &refusals, args.output.format)?;
        let mut notes = tables::unwind_notes(&way, &self.costs, args.output.format);
        notes.extend(self.desk.loaded.notes.iter().cloned());
        let missing = refusals.len() + self.valuation.unpriced.len();
        let mut sheet = self.answer("unwind", sections, (missing, notes));
        sheet.facts.extend(tables::unwind_facts(&way));
        Ok(sheet)
    }

    fn orders(&self) -> Result<&OrderLimits, Failure> {
        self.policy.orders.as_ref().ok_or_else(|| {
            self.unfollowed(
                "orders",
                "",
                "the policy has no [orders]: without its bounds nothing is proposed",
            )
        })
    }

    fn unfollowed(&self, field: &str, value: &str, rule: &str) -> Failure {
        let mut issues = Issues::default();
        issues.push(self.issue(field, value, rule));
        Failure::Unfollowed { issues }
    }

    fn issue(&self, field: &str, value: &str, rule: &str) -> Issue {
        let file = self.policy_name.clone();
        Issue { file, row: 0, field: field.into(), value: value.into(), rule: rule.into() }
    }

    fn issues(&self, refusals: &[Refusal]) -> Issues {
        let mut issues = Issues::default();
        refusals.iter().for_each(|one| issues.push(self.issue(one.what, &one.name, &one.why)));
        issues
    }

    fn answer(
        &self,
        title: &'static str,
        sections: Vec<crate::measure_commands::Section<HedgeTableName>>,
        (missing, notes): (usize, Vec<String>),
    ) -> Sheet<HedgeTableName> {
        let loaded = &self.desk.loaded;
        Sheet {
            schema: "plimsoll.hedge/1",
            title,
            market: loaded.market.clone(),
            inputs: loaded.inputs.clone(),
            missing,
            lacking: Vec::new(),
            issues: loaded.issues.clone(),
            notes,
            facts: Vec::new(),
            sections,
        }
    }

    /// What a reader should know.
    fn notes(&self, followed: &[Followed<'_>]) -> Vec<String> {
        let mut notes = self.desk.loaded.notes.clone();
        let ruled: BTreeSet<&Asset> = self.policy.hedges.iter().map(|rule| &rule.underlying).collect();
        for (asset, delta) in tables::deltas(&self.valuation) {
            if !ruled.contains(&asset) && !asset.is_currency() && !delta.is_zero() {
                let delta = crate::render::number::grouped(delta, 0);
                notes.push(format!("{asset}: delta of {delta} USD and no [[hedge]] rule, so it stays"));
            }
        }
        let accounts: BTreeSet<&str> = self.valuation.rows.iter().map(|row| row.account.as_str()).collect();
        let strangers: Vec<&str> = accounts.into_iter().filter(|name| !self.knows(name)).collect();
        if !strangers.is_empty() {
            notes.push(format!(
                "netted although the policy's accounts do not name them: {}",
                strangers.join(", ")
            ));
        }
        for ranked in followed.iter().flat_map(|one| &one.ranked) {
            let name = format!("{} {}", ranked.with.listing.venue, ranked.with.listing.symbol);
            if !ranked.with.assumed.is_empty() {
                let what = ranked.with.assumed.join(", ");
                notes
                    .push(format!("{name}: the market files do not tell its {what}; the file of costs does"));
            }
            if ranked.margin_share.is_none() {
                notes.push(format!(
                    "{name}: no rulebook says what it would ask, so margin is in no cost of it"
                ));
            }
        }
        for rule in self.policy.hedges.iter().filter(|rule| rule.delta == Measure::DeltaSettlement) {
            notes.push(format!(
                "{}: its delta is settlement-adjusted; those by time to expiry are cash deltas",
                rule.name
            ));
        }
        notes.push(format!("costs: {}", self.costs.source));
        notes
    }

    fn knows(&self, account: &str) -> bool {
        let named = &self.policy.accounts;
        named.is_empty() || named.iter().any(|one| one.as_str() == account)
    }
}

/// Underlyings of which no rule could be followed.
fn refused_underlyings(rules: &[Hedge], followed: &[Followed<'_>]) -> BTreeSet<Asset> {
    let done = |rule: &&Hedge| followed.iter().any(|one| one.rule.underlying == rule.underlying);
    rules.iter().filter(|rule| !done(rule)).map(|rule| rule.underlying.clone()).collect()
}
