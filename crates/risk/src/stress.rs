//! The stress table: each scenario's P&L, with its spot and vol parts stressed on their own.
//!
//! One beta never ties vol to spot: a fall of 15 % came with +5 vol points in October 2025 and a fall of 24 % with +58 in
//! November 2022. So every scenario shows spot alone, vol alone, and all of it together.
//!
//! A lost venue takes every account's equity there if that is positive (an owner still owes a debt), and all positions on
//! it; the rest of the book is then shocked without them, and the delta that is left unhedged is shown.
//!
//! The total is told apart in three ways: by underlying (exact sums of the same lines), by venue (what each holds is netted and revalued by
//! itself: where a contract is held at several, their sum agrees with the total as far as f64 products do, some 1e-15 of the sizes that
//! net), and by the lines that lose most.

use crate::exposure::{Valuation, sum_usd};
use crate::measure::Measure;
use crate::scenario::Scenario;
use crate::shock::{Shock, ShockSet};
use crate::shocked::{Line, LinePnl, ShockError, lines};
use book::Book;
use market::Market;
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Fixed, Venue};

/// One row of the stress table.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct StressRow {
    /// Scenario.
    pub name: String,
    /// Where its numbers come from.
    pub source: String,
    /// What to know before believing it.
    pub caveat: String,
    /// Spot part alone; `None` when the scenario moves no spot.
    pub spot_only_usd: Option<Fixed>,
    /// Vol part alone; `None` when the scenario moves no vol.
    pub vol_only_usd: Option<Fixed>,
    /// Equity lost with venues; `None` when none is lost.
    pub venue_loss_usd: Option<Fixed>,
    /// Everything together.
    pub total_usd: Fixed,
    /// Everything together, by underlying or currency; adds up to the total less the venue loss.
    pub by_underlying_usd: BTreeMap<Asset, Fixed>,
    /// Everything together, by venue; a lost one has its loss. Adds up to the total, to rounding. `None` when what one venue holds by itself
    /// is beyond the range of figures, though the whole is not.
    pub by_venue_usd: Option<BTreeMap<Venue, Fixed>>,
    /// Line with the largest loss, or gain if nothing loses.
    pub largest: Option<String>,
    /// The lines that lose most, the largest loss first.
    pub worst_lines: Vec<StressLine>,
    /// Cash delta left after a venue is lost.
    pub delta_after_usd: Option<Fixed>,
}

/// What one line, netted over all venues, loses under a scenario.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StressLine {
    /// Contract, or asset that is held.
    pub line: String,
    /// Below zero.
    pub pnl_usd: Fixed,
}

/// Lines that a row names.
const WORST: usize = 5;

/// Runs every scenario over the book.
///
/// # Errors
/// When a shock cannot be applied or a figure cannot be published.
pub fn stress(
    book: &Book,
    valuation: &Valuation,
    market: &Market,
    scenarios: &[Scenario],
) -> Result<Vec<StressRow>, ShockError> {
    let all = lines(book, &valuation.board, market, &[])?;
    // Three columns per scenario: spot alone, vol alone, together.
    let shocks =
        scenarios.iter().flat_map(|s| [s.shock.spot_only(), s.shock.vol_only(), prices_of(&s.shock)]);
    let pnl = LinePnl::new(&all, &ShockSet { days: 0.0, shocks: shocks.collect() })?;
    let totals = pnl.total(|_| true);
    let venues = by_venue(book, valuation, market, scenarios).ok();
    let mut rows = Vec::with_capacity(scenarios.len());
    for (scenario, sums) in scenarios.iter().zip(totals.chunks(3)) {
        let [spot_only, vol_only, _] = sums else { continue };
        let shock = &scenario.shock;
        let lost = &shock.venues_lost;
        let joint = if lost.is_empty() {
            Joint::of(&all, &pnl, rows.len() * 3 + 2)
        } else {
            let left = lines(book, &valuation.board, market, lost)?;
            let pnl = LinePnl::new(&left, &ShockSet { days: 0.0, shocks: vec![prices_of(shock)] })?;
            Joint::of(&left, &pnl, 0)
        };
        let venue_loss = (!lost.is_empty()).then(|| -equity_at(valuation, lost));
        let at_venue = |(venue, all): (&Venue, &Vec<Fixed>)| {
            let held = all.get(rows.len()).copied().unwrap_or_default();
            let pnl =
                if lost.contains(venue) { -equity_at(valuation, std::slice::from_ref(venue)) } else { held };
            (!pnl.is_zero()).then(|| (venue.clone(), pnl))
        };
        rows.push(StressRow {
            name: scenario.name.clone(),
            source: scenario.source.clone(),
            caveat: scenario.caveat.clone(),
            spot_only_usd: shock.moves_spot().then_some(*spot_only),
            vol_only_usd: shock.moves_vol().then_some(*vol_only),
            venue_loss_usd: venue_loss,
            total_usd: joint.total + venue_loss.unwrap_or_default(),
            by_underlying_usd: joint.by_underlying,
            by_venue_usd: venues.as_ref().map(|venues| venues.iter().filter_map(at_venue).collect()),
            largest: joint.largest,
            worst_lines: joint.worst,
            delta_after_usd: (!lost.is_empty())
                .then(|| sum_usd(&valuation.rows, Measure::Delta, |row| !lost.contains(&row.venue))),
        });
    }
    Ok(rows)
}

/// The part of a shock that moves prices and rates.
fn prices_of(shock: &Shock) -> Shock {
    Shock { venues_lost: Vec::new(), ..shock.clone() }
}

struct Joint {
    total: Fixed,
    by_underlying: BTreeMap<Asset, Fixed>,
    largest: Option<String>,
    worst: Vec<StressLine>,
}

/// P&L of what each venue holds under each scenario, none of them lost.
fn by_venue(
    book: &Book,
    valuation: &Valuation,
    market: &Market,
    scenarios: &[Scenario],
) -> Result<BTreeMap<Venue, Vec<Fixed>>, ShockError> {
    let shocks: Vec<Shock> = scenarios.iter().map(|scenario| prices_of(&scenario.shock)).collect();
    let set = ShockSet { days: 0.0, shocks };
    let positions = book.positions.iter().map(|position| &position.venue);
    let venues: BTreeSet<&Venue> =
        positions.chain(book.balances.iter().map(|balance| &balance.venue)).collect();
    let at = |venue: &&Venue| {
        let others: Vec<Venue> =
            venues.iter().filter(|other| *other != venue).map(|v| (*v).clone()).collect();
        let own = lines(book, &valuation.board, market, &others)?;
        Ok(((*venue).clone(), LinePnl::new(&own, &set)?.total(|_| true)))
    };
    venues.iter().map(at).collect()
}

impl Joint {
    fn of(lines: &[Line<'_>], pnl: &LinePnl, column: usize) -> Self {
        let mut joint =
            Self { total: Fixed::ZERO, by_underlying: BTreeMap::new(), largest: None, worst: Vec::new() };
        let mut losing: Vec<(Fixed, &str)> = Vec::new();
        let mut largest: Option<Fixed> = None;
        for (index, line) in lines.iter().enumerate() {
            let Some(part) = pnl.line(index).get(column).copied() else { continue };
            joint.total += part;
            *joint.by_underlying.entry(line.priced.underlying.clone()).or_default() += part;
            if part < Fixed::ZERO {
                losing.push((part, &line.name));
            }
            // A loss beats any gain; of losses the lowest wins, of gains the highest.
            let is_larger = |old: Fixed| part < old.min(Fixed::ZERO) || (old > Fixed::ZERO && part > old);
            if !part.is_zero() && largest.is_none_or(is_larger) {
                largest = Some(part);
                joint.largest = Some(line.name.clone());
            }
        }
        joint.by_underlying.retain(|_, part| !part.is_zero());
        // Of equal losses the first in the order of lines.
        losing.sort_by_key(|(part, _)| *part);
        let worst = losing.iter().take(WORST);
        joint.worst =
            worst.map(|(pnl_usd, line)| StressLine { line: (*line).into(), pnl_usd: *pnl_usd }).collect();
        joint
    }
}

/// Positive equity of every account at the given venues.
fn equity_at(valuation: &Valuation, venues: &[Venue]) -> Fixed {
    let mut equity: BTreeMap<_, Fixed> = BTreeMap::new();
    for row in valuation.rows.iter().filter(|row| venues.contains(&row.venue)) {
        *equity.entry((&row.account, &row.venue)).or_default() += row.exposure.in_usd(Measure::Value);
    }
    equity.into_values().filter(|e| *e > Fixed::ZERO).sum()
}
