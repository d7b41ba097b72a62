//! The first crossing of the surplus below zero along one direction.
//!
//! The path is measured by y = |ln x|, 0 at today. The surplus is piecewise smooth in y: kinks at tiers, at max() and at
//! switches of the worst scenario, jumps where a tier applies to the whole size. So it is scanned outward, not solved:
//!
//! 1. Nodes lie 0.001 apart near today (0.1 % of price) and 2 % of the distance apart beyond y = 0.05, nearer where an option
//!    close to its expiry could turn the surplus: within 0.7 of its strike, since scenarios look that far away from the
//!    index, they lie a quarter of its standard deviation to expiry apart, at least 0.001: scenarios shrink vols as well.
//! 2. Three nodes whose middle one is the lowest enclose a dip. If it could reach zero, judged by eight times the steepest
//!    slope beside it, golden section finds its floor. A V of one kink is always enclosed so.
//! 3. Where two nodes stand so low that eight times the slope beside them could reach zero in between, the step is looked at in
//!    sixteenths: pockets narrower than a step, or on a slope, show no minimum among the nodes.
//! 4. A pair of points with opposite signs is halved to the tick; then its safe part is checked at ten points, and halved
//!    again if one of them is below zero, so that of several crossings inside one step the nearest is taken.
//!
//! What can be missed: a dip below zero that begins and ends between two nodes while the nodes around it show no minimum and stand
//! high above zero for the slope there.

use super::{Direction, HIGHEST_FACTOR, LOWEST_FACTOR, Path};
use crate::state::AccountState;
use pricing::kernel::{exp, ln};

/// Spacing of nodes near today.
const FINE: f64 = 0.001;
/// Spacing of nodes as a share of the distance.
const GROWTH: f64 = 0.02;
/// Spacing of nodes near options as a share of the standard deviation: half of one whose vol a scenario has halved.
const DEVIATION_SHARE: f64 = 0.25;
/// How far from the index scenarios look, in |ln x|: half to twice the price.
const SHOCK_REACH: f64 = 0.7;
/// How many times the slope beside a minimum, or beside a step, may be exceeded inside it.
const STEEPENING: f64 = 8.0;
/// Parts of a step in which pockets are looked for.
const POCKET_PARTS: u32 = 16;
/// Points at which the safe part of a bracket is checked.
const CHECKS: u32 = 10;
/// Golden section ends at this share of the dip.
const FLOOR_DETAIL: f64 = 1e-6;
/// Golden section: the share of the wider part.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// One evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// |ln x|.
    pub(super) distance: f64,
    pub(super) factor: f64,
    pub(super) surplus_usd: f64,
}

/// A crossing: the venue liquidates at the second point and not at the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub(super) safe: Point,
    pub(super) liquidated: Point,
}

/// The model does not go on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lost {
    /// No crossing before this.
    pub(super) safe_factor: f64,
    pub(super) reason: String,
}

/// A search in one direction.
#[derive(Debug)]
pub(super) struct Search<'a, F> {
    /// Surplus at a factor, or why there is none.
    pub(super) reading: &'a F,
    pub(super) direction: Direction,
    /// Widest bracket allowed, as a factor.
    pub(super) width: f64,
}

impl Direction {
    /// Where the search ends.
    pub(super) const fn end(self) -> f64 {
        match self {
            Self::Down => LOWEST_FACTOR,
            Self::Up => HIGHEST_FACTOR,
        }
    }

    pub(super) fn factor(self, distance: f64) -> f64 {
        match self {
            Self::Down => exp(-distance),
            Self::Up => exp(distance),
        }
    }

    fn distance(self, factor: f64) -> f64 {
        match self {
            Self::Down => -ln(factor),
            Self::Up => ln(factor),
        }
    }
}

/// A stretch of the path where the surplus may turn within less than the mesh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Band {
    from: f64,
    to: f64,
    step: f64,
}

/// Distances to look at, ascending, the end of the range last.
pub(super) fn nodes(direction: Direction, bands: &[Band]) -> Vec<f64> {
    let end = direction.distance(direction.end());
    let mut nodes = Vec::new();
    let mut distance = 0.0;
    while distance < end {
        distance += step(distance, bands);
        nodes.push(if distance < end { distance } else { end });
    }
    nodes
}

fn step(distance: f64, bands: &[Band]) -> f64 {
    let mut step = mesh(distance);
    for band in bands {
        if band.to > distance && band.from < distance + step {
            let to_band = band.from - distance;
            let inside = if band.step > FINE { band.step } else { FINE };
            let allowed = if to_band > inside { to_band } else { inside };
            step = if allowed < step { allowed } else { step };
        }
    }
    step
}

fn mesh(distance: f64) -> f64 {
    let grown = GROWTH * distance;
    if grown > FINE { grown } else { FINE }
}

/// One band for each option that is narrower than the mesh around it.
pub(super) fn bands(state: &AccountState, path: &Path, direction: Direction) -> Vec<Band> {
    let mut bands = Vec::new();
    for leg in &state.legs {
        let (Some(option), beta) = (leg.black76(), path.beta(&leg.contract.underlying)) else { continue };
        let strike = option.strike.get() / option.forward.get();
        let lead = if beta == 0.0 { f64::NAN } else { 1.0 + (strike - 1.0) / beta };
        if !(lead.is_finite() && lead > 0.0) {
            continue;
        }
        let years = option.expiry.get();
        let deviation = if years > 0.0 { option.vol.get() * years.sqrt() } else { 0.0 };
        // Distance of the lead for one of the option's own underlying, at the strike.
        let scale = (strike / (beta * lead)).abs();
        let (centre, reach) = (direction.distance(lead), SHOCK_REACH * scale);
        let band =
            Band { from: centre - reach, to: centre + reach, step: DEVIATION_SHARE * deviation * scale };
        if band.to > 0.0 && band.step < mesh(band.to) {
            bands.push(band);
        }
    }
    bands
}

impl<F: Fn(f64) -> Result<f64, String>> Search<'_, F> {
    /// The nearest crossing at or before the last node.
    pub(super) fn first_crossing(&self, nodes: &[f64]) -> Result<Option<Found>, Lost> {
        let mut here = self.at(0.0, 1.0)?;
        // A neighbour on the other side shows a dip that begins at once; without one the first step is its own context.
        let mut before = self.at(-FINE, 1.0).unwrap_or(here);
        for node in nodes {
            let next = self.at(*node, here.factor)?;
            if let Some(floor) = self.floor_below_zero(before, here, next)? {
                let start = if floor.distance > here.distance { here } else { before };
                return self.nearest(start, floor).map(Some);
            }
            if next.surplus_usd < 0.0 {
                return self.nearest(here, next).map(Some);
            }
            if let Some((safe, liquidated)) = self.pocket(before, here, next)? {
                return self.nearest(safe, liquidated).map(Some);
            }
            (before, here) = (here, next);
        }
        Ok(None)
    }

    fn at(&self, distance: f64, safe_factor: f64) -> Result<Point, Lost> {
        let factor = if distance == 0.0 { 1.0 } else { self.direction.factor(distance) };
        self.evaluate(distance, factor, safe_factor)
    }

    fn evaluate(&self, distance: f64, factor: f64, safe_factor: f64) -> Result<Point, Lost> {
        match (self.reading)(factor) {
            Ok(surplus_usd) => Ok(Point { distance, factor, surplus_usd }),
            Err(reason) => Err(Lost { safe_factor, reason }),
        }
    }

    /// A point below zero between the outer two of three, if the middle one is the lowest and a dip is found.
    fn floor_below_zero(&self, before: Point, here: Point, next: Point) -> Result<Option<Point>, Lost> {
        let is_dip = before.surplus_usd > here.surplus_usd && here.surplus_usd <= next.surplus_usd;
        let (left, right) = (here.distance - before.distance, next.distance - here.distance);
        if !is_dip || here.surplus_usd > STEEPENING * steepest_drop(before, here, next) {
            return Ok(None);
        }
        // The other side of today is the other direction's.
        let (mut low, mut high) = (if before.distance < 0.0 { 0.0 } else { before.distance }, next.distance);
        let safe = if low < here.distance { before.factor } else { here.factor };
        let narrow = FLOOR_DETAIL * (left + right);
        let mut inner = self.at(high - GOLDEN * (high - low), safe)?;
        let mut outer = self.at(low + GOLDEN * (high - low), safe)?;
        while high - low > narrow {
            for point in [inner, outer] {
                if point.surplus_usd < 0.0 {
                    return Ok(Some(point));
                }
            }
            if inner.surplus_usd <= outer.surplus_usd {
                high = outer.distance;
                outer = inner;
                inner = self.at(high - GOLDEN * (high - low), safe)?;
            } else {
                low = inner.distance;
                inner = outer;
                outer = self.at(low + GOLDEN * (high - low), safe)?;
            }
        }
        Ok(None)
    }

    /// A pair of opposite signs between two nodes above zero, if they stand low enough for one.
    fn pocket(&self, before: Point, here: Point, next: Point) -> Result<Option<(Point, Point)>, Lost> {
        let reach = STEEPENING * steepest_change(before, here, next);
        if here.surplus_usd + next.surplus_usd > reach {
            return Ok(None);
        }
        let mut last = here;
        for part in 1..POCKET_PARTS {
            let share = f64::from(part) / f64::from(POCKET_PARTS);
            let point = self.at(here.distance + share * (next.distance - here.distance), last.factor)?;
            if point.surplus_usd < 0.0 {
                return Ok(Some((last, point)));
            }
            last = point;
        }
        Ok(None)
    }

    /// The nearest crossing between a safe point and one below zero.
    fn nearest(&self, safe: Point, liquidated: Point) -> Result<Found, Lost> {
        let mut found = self.halve(safe, liquidated)?;
        // Each round lands nearer; a surplus that crosses more often than this inside one step has no digits to trust.
        for _ in 0..CHECKS {
            match self.earlier(safe, found.safe)? {
                Some((safe, liquidated)) => found = self.halve(safe, liquidated)?,
                None => break,
            }
        }
        Ok(found)
    }

    /// A crossing before the one found, among points in between.
    fn earlier(&self, from: Point, to: Point) -> Result<Option<(Point, Point)>, Lost> {
        let mut last = from;
        for part in 1..CHECKS {
            let share = f64::from(part) / f64::from(CHECKS);
            let factor = from.factor + share * (to.factor - from.factor);
            let next = self.evaluate(self.direction.distance(factor), factor, last.factor)?;
            if next.surplus_usd < 0.0 {
                return Ok(Some((last, next)));
            }
            last = next;
        }
        Ok(None)
    }

    /// Halves until the two sides lie within the width, or no number lies between them.
    fn halve(&self, mut safe: Point, mut liquidated: Point) -> Result<Found, Lost> {
        while (liquidated.factor - safe.factor).abs() > self.width {
            let middle = 0.5 * (safe.factor + liquidated.factor);
            let between = (middle - safe.factor) * (liquidated.factor - middle) > 0.0;
            if !between {
                break;
            }
            let point = self.evaluate(self.direction.distance(middle), middle, safe.factor)?;
            if point.surplus_usd < 0.0 {
                liquidated = point;
            } else {
                safe = point;
            }
        }
        Ok(Found { safe, liquidated })
    }
}

/// What the surplus would change by over the second of two steps if the steeper slope of the two held.
fn steepest_change(before: Point, here: Point, next: Point) -> f64 {
    let slope = |from: Point, to: Point| {
        let width = to.distance - from.distance;
        if width > 0.0 { ((to.surplus_usd - from.surplus_usd) / width).abs() } else { 0.0 }
    };
    let (left, right) = (slope(before, here), slope(here, next));
    (next.distance - here.distance) * if left > right { left } else { right }
}

/// How far the surplus would fall below the middle point if the steepest slope beside it went on over the wider step.
fn steepest_drop(before: Point, here: Point, next: Point) -> f64 {
    let (left, right) = (here.distance - before.distance, next.distance - here.distance);
    let falling = (before.surplus_usd - here.surplus_usd) / left;
    let rising = (next.surplus_usd - here.surplus_usd) / right;
    let slope = if falling > rising { falling } else { rising };
    slope * if left > right { left } else { right }
}
