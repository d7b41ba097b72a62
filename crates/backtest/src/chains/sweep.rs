//! Every position under every policy, in parallel, with the same bits on any number of threads.
//!
//! A position is made and run by one thread; nothing is summed across positions before all of them are in the order of their entries.

use super::history::History;
use super::plan::{DeltaDefinition, Entry, NamedPolicy, Plan, PolicyKind};
use super::run::{HeldBack, Outcome, Parts, Recording, Under, run};
use super::select::{Chosen, Refused, choose, days};
use super::summary::{Difference, Resampling, Sample, Summary};
use super::track::{ByGreeks, Track};
use rayon::prelude::*;
use std::collections::BTreeMap;
use units::{Fixed, Timestamp};

/// In what P&L is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Accounting {
    /// Coins, over the coins that the options are on.
    Coin,
    /// USD, each step's coins at the index of its end, over the notional at the entry.
    Usd,
}

/// How the results are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reckoning {
    /// In what P&L is counted.
    pub accounting: Accounting,
    /// Of the random numbers of the intervals.
    pub seed: u64,
    /// How often positions are drawn again.
    pub resamples: u32,
    /// Whether trades are kept one by one.
    pub recording: Recording,
}

/// Positions of one kind: underlying, structure and tenor, by their places in histories and plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Among the histories.
    pub history: usize,
    /// Among the structures.
    pub structure: usize,
    /// Among the tenors.
    pub tenor: usize,
}

/// A position run: what a per-position log shows.
#[derive(Debug, Clone, Copy)]
pub struct Ran<'a> {
    /// Which kind.
    pub kind: Kind,
    /// Its place among those of its kind.
    pub position: usize,
    /// The position.
    pub track: &'a Track,
    /// The policy's place in the plan.
    pub policy: usize,
    /// By which delta.
    pub delta: DeltaDefinition,
    /// What came of it.
    pub outcome: &'a Outcome,
}

/// Sums over all positions of a cell, coins.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Explained {
    /// Coins that their legs are on.
    pub quantity_coin: f64,
    /// P&L by part.
    pub parts: Parts,
    /// Options at their marks by greeks.
    pub greeks: ByGreeks,
    /// What kept policies from acting.
    pub held_back: HeldBack,
}

/// One kind of position under one policy and delta.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Which kind.
    pub kind: Kind,
    /// The policy's place in the plan.
    pub policy: usize,
    /// By which delta.
    pub delta: DeltaDefinition,
    /// What came of it.
    pub summary: Summary,
    /// Its positions in the order of their entries.
    pub samples: Vec<Sample>,
    /// Sums of P&L by part.
    pub explained: Explained,
    /// Against the clock with the least loss in the tail; none for that clock itself.
    pub against_best: Option<Compared>,
    /// Against the cheapest clock that costs at least as much, the dearest where all cost less; none for clocks and without a hedge.
    pub against_dearer: Option<Compared>,
    /// Against the same policy by the net delta; none for that itself, and where the plan has no net delta.
    pub against_net: Option<Difference>,
}

/// A cell less a clock of the same kind and delta.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// The clock's place in the plan.
    pub clock: usize,
    /// Policy less clock.
    pub difference: Difference,
}

/// Everything that came of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// In the order of kinds, policies and deltas.
    pub cells: Vec<Cell>,
    /// Entries of each kind: when each position was opened, and how many were not, by reason.
    pub kinds: BTreeMap<Kind, Entries>,
}

/// Positions of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entries {
    /// When each was opened, in order.
    pub opened: Vec<Timestamp>,
    /// Entries without a position.
    pub refused: BTreeMap<Refused, u64>,
}

/// Positions that are run before their results are handed over.
const CHUNK: usize = 128;

/// Runs a plan. `visit` sees every position in order, `progress` how many of how many are done.
pub fn sweep(
    plan: &Plan,
    histories: &[History],
    reckoning: Reckoning,
    visit: &mut dyn FnMut(Ran<'_>),
    progress: &mut dyn FnMut(usize, usize),
) -> Sweep {
    let mut kinds: BTreeMap<Kind, Entries> = BTreeMap::new();
    let mut wanted: Vec<(Kind, Chosen)> = Vec::new();
    for kind in all_kinds(plan, histories) {
        let entries = kinds.entry(kind).or_default();
        for chosen in positions(plan, histories, kind) {
            match chosen {
                Ok(chosen) => wanted.push((kind, chosen)),
                Err(why) => *entries.refused.entry(why).or_default() += 1,
            }
        }
    }
    let under: Vec<(usize, DeltaDefinition)> = pairs(plan);
    let mut building: BTreeMap<(Kind, usize, DeltaDefinition), Building> = BTreeMap::new();
    let total = wanted.len();
    let mut done = 0;
    for chunk in wanted.chunks(CHUNK) {
        let ran: Vec<Result<Tracked, Refused>> = chunk
            .par_iter()
            .map(|(kind, chosen)| tracked(plan, histories, (*kind, chosen), &under, reckoning.recording))
            .collect();
        for ((kind, _), ran) in chunk.iter().zip(ran) {
            let entries = kinds.entry(*kind).or_default();
            match ran {
                Err(why) => *entries.refused.entry(why).or_default() += 1,
                Ok((track, outcomes)) => {
                    let position = entries.opened.len();
                    entries.opened.extend(track.steps.first().map(|step| step.time));
                    for ((policy, delta), outcome) in under.iter().zip(&outcomes) {
                        let cell = building.entry((*kind, *policy, *delta)).or_default();
                        cell.add(&track, outcome, (position, reckoning.accounting));
                        let (policy, delta) = (*policy, *delta);
                        visit(Ran { kind: *kind, position, track: &track, policy, delta, outcome });
                    }
                }
            }
        }
        done += chunk.len();
        progress(done, total);
    }
    let cells = summaries(plan, histories, &kinds, building, reckoning);
    Sweep { cells, kinds }
}

type Tracked = (Track, Vec<Outcome>);

/// One position under everything. A position that any of them cannot run is none of any.
fn tracked(
    plan: &Plan,
    histories: &[History],
    (kind, chosen): (Kind, &Chosen),
    under: &[(usize, DeltaDefinition)],
    recording: Recording,
) -> Result<Tracked, Refused> {
    let history = histories.get(kind.history).ok_or(Refused::OutOfRange)?;
    let lots = plan.lots.get(kind.history).ok_or(Refused::OutOfRange)?;
    let funding = plan.funding.get(kind.history).ok_or(Refused::OutOfRange)?;
    let track = Track::new(history, *chosen, (plan.notional_usd, lots), (&plan.costs, funding))?;
    let one = |(policy, delta): &(usize, DeltaDefinition)| {
        let policy = plan.policies.get(*policy).ok_or(Refused::OutOfRange)?;
        run(plan, &track, Under { policy, delta: *delta, lots }, recording)
    };
    let outcomes = under.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    Ok((track, outcomes))
}

/// Policies and deltas; without a hedge there is no delta to define.
fn pairs(plan: &Plan) -> Vec<(usize, DeltaDefinition)> {
    let all = plan.policies.iter().enumerate().flat_map(|(policy, named)| {
        let deltas =
            if named.kind() == PolicyKind::None { plan.deltas.get(..1) } else { Some(&*plan.deltas) };
        deltas.unwrap_or_default().iter().map(move |delta| (policy, *delta))
    });
    all.collect()
}

fn all_kinds(plan: &Plan, histories: &[History]) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for history in 0..histories.len() {
        for structure in 0..plan.structures.len() {
            kinds.extend((0..plan.tenors_days.len()).map(|tenor| Kind { history, structure, tenor }));
        }
    }
    kinds
}

/// The positions of a kind, and why there is none where there is none.
fn positions(plan: &Plan, histories: &[History], kind: Kind) -> Vec<Result<Chosen, Refused>> {
    let (Some(history), Some(structure), Some(tenor)) =
        (histories.get(kind.history), plan.structures.get(kind.structure), plan.tenors_days.get(kind.tenor))
    else {
        return Vec::new();
    };
    let choose = |at: usize| choose(history, at, (*structure, *tenor), &plan.holding);
    match plan.entry {
        Entry::EveryDays(every) => first_of_days(history, every).into_iter().map(choose).collect(),
        Entry::Roll => {
            let mut all = Vec::new();
            let mut at = 0;
            while at < history.moments.len() {
                let chosen = choose(at);
                at = chosen.as_ref().map_or(at + 1, |chosen| chosen.end.moment());
                all.push(chosen);
            }
            all
        }
    }
}

/// The first moments of every so many-th UTC day, counted from that of the first moment.
fn first_of_days(history: &History, every: u32) -> Vec<usize> {
    const NANOS_A_DAY: i64 = 86_400_000_000_000;
    let day = |time: Timestamp| time.unix_nanos().div_euclid(NANOS_A_DAY);
    let Some(first) = history.moments.first().map(|moment| day(moment.time)) else { return Vec::new() };
    let mut last = None;
    let mut places = Vec::new();
    for (at, moment) in history.moments.iter().enumerate() {
        let today = day(moment.time);
        if last != Some(today) && (today - first) % i64::from(every.max(1)) == 0 {
            places.push(at);
        }
        last = Some(today);
    }
    places
}

/// A cell that positions are being added to.
#[derive(Default)]
struct Building {
    samples: Vec<Sample>,
    explained: Explained,
}

impl Building {
    fn add(&mut self, track: &Track, outcome: &Outcome, (position, accounting): (usize, Accounting)) {
        let notional_usd = track.quantity_coin * track.entry_index();
        let part = |coin: Fixed, usd: Fixed| match accounting {
            Accounting::Coin => coin.to_f64() / track.quantity_coin,
            Accounting::Usd => usd.to_f64() / notional_usd,
        };
        let Outcome { coin, usd, greeks, held_back, .. } = outcome;
        self.samples.push(Sample {
            position,
            pnl: part(coin.total(), usd.total()),
            hedge_cost: part(coin.hedge_cost(), usd.hedge_cost()),
            turnover: outcome.traded_usd.to_f64() / notional_usd,
            trades: outcome.trades,
        });
        let explained = &mut self.explained;
        explained.quantity_coin += track.quantity_coin;
        explained.parts += *coin;
        explained.greeks.add(greeks);
        explained.held_back.leg_not_quoted += held_back.leg_not_quoted;
        explained.held_back.no_perpetual += held_back.no_perpetual;
        explained.held_back.stale_order += held_back.stale_order;
    }
}

/// How many positions of a kind are open at once: so many are drawn together.
fn block(plan: &Plan, kind: Kind, entries: &Entries) -> usize {
    let tenor = plan.tenors_days.get(kind.tenor).copied().unwrap_or(1.0);
    let (Some(first), Some(last)) = (entries.opened.first(), entries.opened.last()) else { return 1 };
    #[allow(clippy::cast_precision_loss)] // a number of positions
    let apart = days(*first, *last) / entries.opened.len().saturating_sub(1).max(1) as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // cut to the number of positions
    let open = (tenor / apart.max(1e-3)).ceil().min(1e6) as usize;
    open.clamp(1, (entries.opened.len() / 2).max(1))
}

fn summaries(
    plan: &Plan,
    histories: &[History],
    kinds: &BTreeMap<Kind, Entries>,
    mut building: BTreeMap<(Kind, usize, DeltaDefinition), Building>,
    reckoning: Reckoning,
) -> Vec<Cell> {
    let resampling = |kind: Kind| {
        let block = kinds.get(&kind).map_or(1, |entries| block(plan, kind, entries));
        Resampling { seed: reckoning.seed, resamples: reckoning.resamples, block }
    };
    let mut keys = Vec::new();
    for kind in all_kinds(plan, histories) {
        keys.extend(pairs(plan).into_iter().map(|(policy, delta)| (kind, policy, delta)));
    }
    let built: Vec<Cell> = keys
        .into_iter()
        .filter_map(|key| building.remove(&key).map(|built| (key, built)))
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|((kind, policy, delta), built)| {
            let summary = Summary::of(&built.samples, resampling(kind));
            let Building { samples, explained } = built;
            let (against_best, against_dearer, against_net) = (None, None, None);
            Cell {
                kind,
                policy,
                delta,
                summary,
                samples,
                explained,
                against_best,
                against_dearer,
                against_net,
            }
        })
        .collect();
    let against: Vec<Against> = built
        .par_iter()
        .map(|cell| {
            let kind = |at: usize| plan.policies.get(at).map(NamedPolicy::kind);
            let is_band = !matches!(kind(cell.policy), None | Some(PolicyKind::None | PolicyKind::Clock));
            let clocks: Vec<&Cell> = built
                .iter()
                .filter(|other| other.kind == cell.kind && other.delta == cell.delta)
                .filter(|other| kind(other.policy) == Some(PolicyKind::Clock))
                .collect();
            let less = |other: &Cell| Difference::of(&cell.samples, &other.samples, resampling(cell.kind));
            let compared = |clock: &Cell| Compared { clock: clock.policy, difference: less(clock) };
            let same = |other: &&Cell| other.kind == cell.kind && other.policy == cell.policy;
            let net = built.iter().filter(same).find(|other| other.delta == DeltaDefinition::Net);
            Against {
                best: best(&clocks).filter(|clock| clock.policy != cell.policy).map(compared),
                dearer: dearer(&clocks, cell.summary.hedge_cost).filter(|_| is_band).map(compared),
                net: net.filter(|_| cell.delta != DeltaDefinition::Net).map(less),
            }
        })
        .collect();
    let with = |(cell, against): (Cell, Against)| Cell {
        against_best: against.best,
        against_dearer: against.dearer,
        against_net: against.net,
        ..cell
    };
    built.into_iter().zip(against).map(with).collect()
}

/// What a cell is compared with.
struct Against {
    best: Option<Compared>,
    dearer: Option<Compared>,
    net: Option<Difference>,
}

/// The clock with the least loss in the tail. It is chosen with hindsight, which favours it.
fn best<'a>(clocks: &[&'a Cell]) -> Option<&'a Cell> {
    let loss = |cell: &&&Cell| cell.summary.cvar95;
    clocks.iter().min_by(|a, b| loss(a).total_cmp(&loss(b)).then(a.policy.cmp(&b.policy))).copied()
}

/// The cheapest clock that costs at least so much, the dearest where all cost less.
fn dearer<'a>(clocks: &[&'a Cell], cost: f64) -> Option<&'a Cell> {
    let by_cost = |a: &&&Cell, b: &&&Cell| {
        a.summary.hedge_cost.total_cmp(&b.summary.hedge_cost).then(b.policy.cmp(&a.policy))
    };
    let above = clocks.iter().filter(|clock| clock.summary.hedge_cost >= cost).min_by(by_cost);
    above.or_else(|| clocks.iter().max_by(by_cost)).copied()
}
