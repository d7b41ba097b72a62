//! From quotes of all expiries to one surface.
//!
//! Two passes from the longest expiry to the shortest. Each slice is bounded from above by the one after it: beyond its quotes a
//! short slice has nothing to say, so its wings give way, not those of the longer one. The second pass knows the shapes that the
//! first one gave the neighbours and leans on them a little where a slice has no quotes of its own.
//!
//! The bounds hold on nodes. Where a slice breaks one between nodes, that place becomes a node and the slice is fitted again; what is
//! left after [`ROUNDS`] is closed by lowering the slice by at most [`LARGEST_SHIFT_VOL`]. A slice that stays unsound becomes the best
//! eSSVI slice under the same bound, or is refused.
//!
//! The slices of the second pass are corrected before the next shorter one is fitted below them. A correction that breaks a bound
//! between its nodes is halved up to [`HALVINGS`] times, and else left out.

use super::clean::Dropped;
use super::correct::Residual;
use super::essvi::Essvi;
use super::fit::{Guides, Problem, SHAPE_NODES, Shape, VolQuote, deviations, largest};
use super::slice::{Correction, Slice};
use super::svi::{Svi, Wings};
use super::{CLEARANCE, SurfaceSlice, VolSurface, calendar_gap, is_sound, wings_ordered};
use units::{Forward, Timestamp};

/// Fewer mids than this make no slice.
const LEAST_QUOTES: usize = 5;
/// An expiry is accepted up to this root mean square error in vol, or half the median half spread if that is more, or when so
/// many of its mids lie no farther than half a spread from the slice.
const LARGEST_ERROR_VOL: f64 = 0.005;
const ENOUGH_INSIDE: f64 = 0.75;
/// How often a slice is fitted again with the places where it broke its bounds as further nodes.
const ROUNDS: usize = 8;
/// A calendar gap that the soft bound leaves is closed by lowering the shorter slice by at most this much vol.
const LARGEST_SHIFT_VOL: f64 = 1e-3;
/// How often a correction that breaks a bound is halved.
const HALVINGS: usize = 3;

/// Cleaned quotes of one expiry.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpiryQuotes {
    /// Settlement instant.
    pub expiry: Timestamp,
    /// Forward of record.
    pub forward: Forward,
    /// Mids, in any order.
    pub quotes: Vec<VolQuote>,
    /// What was dropped, for the report.
    pub dropped: Dropped,
}

/// Which form a slice has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Five parameters.
    Svi,
    /// Three, free of arbitrage by construction: the stand-in.
    Essvi,
}

/// Why an expiry has no slice.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It has passed.
    #[error("expired before the quotes were taken")]
    Expired,
    /// Another entry has the same expiry.
    #[error("given twice: give each expiry once")]
    Twice,
    /// Too few quotes.
    #[error("{quotes} quotes with a vol, and a slice needs {LEAST_QUOTES}")]
    FewQuotes {
        /// How many there are.
        quotes: usize,
    },
    /// No slice without arbitrage was found.
    #[error("no slice without arbitrage against the next longer expiry")]
    Arbitrage,
    /// It does not fit its quotes.
    #[error("off by {error_points:.2} vol points (root mean square), allowed {allowed_points:.2}")]
    Misfit {
        /// Root mean square error.
        error_points: f64,
        /// What is accepted.
        allowed_points: f64,
    },
}

/// What became of one expiry.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpiryReport {
    /// Settlement instant.
    pub expiry: Timestamp,
    /// Time to it.
    pub years: f64,
    /// Forward of record.
    pub forward: Forward,
    /// Mids that were fitted.
    pub quotes: usize,
    /// Quotes that were not, by reason.
    pub dropped: Dropped,
    /// The form that was found; none when refused before fitting.
    pub model: Option<Model>,
    /// The slice, also when it was refused for its error.
    pub slice: Option<Slice>,
    /// Root mean square of model vol less mid vol, quotes weighted by the inverse square of their spread, in vol points.
    pub error_points: Option<f64>,
    /// Median of half the spread, in vol points.
    pub half_spread_points: Option<f64>,
    /// Mids whose model vol lies within half a spread.
    pub inside: usize,
    /// Least g on the grid.
    pub least_density: Option<f64>,
    /// Why it is not in the surface.
    pub refused: Option<Refused>,
}

/// A surface and what became of each expiry, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The slices that were accepted.
    pub surface: VolSurface,
    /// One for each expiry given.
    pub expiries: Vec<ExpiryReport>,
}

/// An expiry on its way to a slice.
struct Desk {
    expiry: Timestamp,
    forward: Forward,
    years: f64,
    /// By log-moneyness.
    quotes: Vec<VolQuote>,
    dropped: Dropped,
    found: Option<(Slice, Model)>,
    refused: Option<Refused>,
}

impl VolSurface {
    /// Fits all expiries; the order in which they are given does not matter.
    #[must_use]
    pub fn fit(asof: Timestamp, expiries: &[ExpiryQuotes]) -> Fit {
        let mut desks: Vec<Desk> = expiries.iter().map(|quotes| Desk::new(asof, quotes)).collect();
        desks.sort_by_key(|desk| desk.expiry);
        for index in 1..desks.len() {
            if desks[index].expiry == desks[index - 1].expiry {
                desks[index].refused = Some(Refused::Twice);
            }
        }
        pass(&mut desks, Pass::Shapes);
        let shapes = shapes(&desks);
        pass(&mut desks, Pass::Slices(&shapes));
        refuse_misfits(&mut desks);
        let slices = desks.iter().filter_map(|desk| desk.slice(asof)).collect();
        Fit { surface: Self::of(asof, slices), expiries: desks.into_iter().map(Desk::report).collect() }
    }
}

/// What a pass is for.
#[derive(Clone, Copy)]
enum Pass<'a> {
    /// To know the shapes.
    Shapes,
    /// To make the slices, knowing the shapes of the neighbours.
    Slices(&'a [Option<Shape>]),
}

/// Where a slice breaks its bounds most, one place a bound.
fn worst(found: &Slice, next: Option<&Slice>) -> Vec<f64> {
    let reach = super::reach(found);
    let density = found.check(-reach, reach);
    let calendar = next.map(|late| calendar_gap(found, late, CLEARANCE)).filter(|gap| gap.value < 0.0);
    let density = (density.least_density < CLEARANCE).then_some(density.at);
    density.into_iter().chain(calendar.map(|gap| gap.at)).collect()
}

/// From the longest expiry to the shortest.
fn pass(desks: &mut [Desk], pass: Pass<'_>) {
    let mut next: Option<Slice> = None;
    for (index, desk) in desks.iter_mut().enumerate().rev() {
        if desk.refused.is_some_and(|refused| refused != Refused::Arbitrage) {
            continue;
        }
        let previous = desk.found.map(|(slice, _)| slice.hyperbola().wings());
        desk.found = match pass {
            Pass::Shapes => desk.solve(next.as_ref(), None, previous),
            Pass::Slices(shapes) => {
                let shape = shapes.get(index).and_then(Option::as_ref);
                let found = desk.solve(next.as_ref(), shape, previous);
                found.map(|(slice, model)| (desk.corrected(slice, next.as_ref()), model))
            }
        };
        desk.refused = desk.found.is_none().then_some(Refused::Arbitrage);
        next = desk.found.map(|(slice, _)| slice).or(next);
    }
}

/// What the neighbours of each expiry look like, by the nearness of their log times.
fn shapes(desks: &[Desk]) -> Vec<Option<Shape>> {
    let known: Vec<Option<(f64, Shape)>> = desks
        .iter()
        .map(|desk| desk.found.map(|(slice, _)| (pricing::kernel::ln(desk.years), shape(&slice))))
        .collect();
    let near = |index: usize, offset: isize| {
        index.checked_add_signed(offset).and_then(|place| known.get(place)).and_then(Option::as_ref)
    };
    (0..desks.len())
        .map(|index| {
            let own = pricing::kernel::ln(largest(desks[index].years, 1e-9));
            match (near(index, -1), near(index, 1)) {
                (Some((early, low)), Some((late, high))) => {
                    let share = (own - early) / (late - early);
                    let mut mixed = *low;
                    for (slot, high) in mixed.iter_mut().zip(high) {
                        *slot += share * (high - *slot);
                    }
                    Some(mixed)
                }
                (Some((_, only)), None) | (None, Some((_, only))) => Some(*only),
                (None, None) => None,
            }
        })
        .collect()
}

fn shape(slice: &Slice) -> Shape {
    let centre = slice.variance(0.0);
    let deviation = centre.sqrt();
    let mut shape = [0.0; SHAPE_NODES];
    for (node, slot) in shape.iter_mut().enumerate() {
        *slot = (slice.variance(deviations(node) * deviation) / centre).sqrt();
    }
    shape
}

/// Expiries whose slice is too far from its quotes.
fn refuse_misfits(desks: &mut [Desk]) {
    for desk in desks {
        let (Some(error), Some(half)) = (desk.error(), desk.half_spread()) else { continue };
        let allowed = largest(0.5 * half, LARGEST_ERROR_VOL);
        #[allow(clippy::cast_precision_loss)] // hundreds of quotes
        let share = desk.inside() as f64 / desk.quotes.len() as f64;
        if error > allowed && share < ENOUGH_INSIDE {
            desk.refused =
                Some(Refused::Misfit { error_points: 100.0 * error, allowed_points: 100.0 * allowed });
        }
    }
}

impl Desk {
    fn new(asof: Timestamp, given: &ExpiryQuotes) -> Self {
        let years = asof.years_until(given.expiry).map_or(0.0, units::YearFraction::get);
        let mut quotes = given.quotes.clone();
        quotes.sort_by(|a, b| {
            let key = |q: &VolQuote| [q.log_moneyness, q.vol, q.half_spread];
            let (a, b) = (key(a), key(b));
            a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])).then(a[2].total_cmp(&b[2]))
        });
        let refused = if years <= 0.0 {
            Some(Refused::Expired)
        } else if quotes.len() < LEAST_QUOTES {
            Some(Refused::FewQuotes { quotes: quotes.len() })
        } else {
            None
        };
        let dropped = given.dropped.clone();
        Self { expiry: given.expiry, forward: given.forward, years, quotes, dropped, found: None, refused }
    }

    fn solve(
        &self,
        next: Option<&Slice>,
        shape: Option<&Shape>,
        previous: Option<Wings>,
    ) -> Option<(Slice, Model)> {
        let mut start = previous;
        let mut broken = Vec::new();
        let mut last = None;
        for _ in 0..ROUNDS {
            let problem = Problem::new(&self.quotes, self.years, Guides { next, shape, broken: &broken });
            let starts = start.map_or_else(|| problem.starts(), |wings| vec![wings]);
            let found = problem.solve(&starts)?;
            let worst = worst(&found.into(), next);
            if worst.is_empty() {
                return Some((found.into(), Model::Svi));
            }
            last = Some(found);
            broken.extend(worst);
            start = Some(found.wings());
        }
        if let Some(sound) = last.and_then(|found| self.lowered(&found, next)) {
            return Some((sound, Model::Svi));
        }
        let stand_in = Essvi::fit(&self.quotes, self.years, next)?;
        Some((stand_in.svi().into(), Model::Essvi))
    }

    /// With what its quotes say beyond five parameters, as far as the bounds allow.
    fn corrected(&self, slice: Slice, next: Option<&Slice>) -> Slice {
        let hyperbola = *slice.hyperbola();
        let problem = Problem::new(&self.quotes, self.years, Guides { next, shape: None, broken: &[] });
        let full =
            Residual::new(&problem, hyperbola).and_then(|residual| residual.solve().correction().copied());
        let mut trial: Option<Correction> = full;
        for _ in 0..=HALVINGS {
            let Some(correction) = trial else { break };
            let corrected = Slice::corrected(hyperbola, correction);
            if worst(&corrected, next).is_empty() {
                return corrected;
            }
            trial = Some(correction.scaled(0.5));
        }
        slice
    }

    /// A slice that touches the next longer one, lowered until it does not; none where that takes more vol than is bearable, or
    /// leaves butterfly arbitrage.
    fn lowered(&self, found: &Svi, next: Option<&Slice>) -> Option<Slice> {
        let gap = next.map_or(0.0, |late| calendar_gap(&(*found).into(), late, CLEARANCE).value);
        let by = if gap < 0.0 { -gap * (1.0 + 1e-9) + 1e-15 } else { 0.0 };
        let vol = by / (2.0 * (found.variance(0.0) * self.years).sqrt());
        let wings = found.wings();
        let slice = Slice::from(Svi::new(Wings { least: wings.least - by, ..wings }).ok()?);
        let ordered = next.is_none_or(|late| {
            wings_ordered(&slice, late) && calendar_gap(&slice, late, CLEARANCE).value >= 0.0
        });
        (vol <= LARGEST_SHIFT_VOL && ordered && is_sound(&slice)).then_some(slice)
    }

    fn errors(&self) -> Option<Vec<f64>> {
        let (slice, _) = self.found?;
        let error = |q: &VolQuote| (slice.variance(q.log_moneyness) / self.years).sqrt() - q.vol;
        Some(self.quotes.iter().map(error).collect())
    }

    /// Root mean square in vol, each quote by 1/h²: an option deep in the money, whose spread spans many vol points, says little.
    fn error(&self) -> Option<f64> {
        let errors = self.errors()?;
        let (mut sum, mut weights) = (0.0, 0.0);
        for (error, quote) in errors.iter().zip(&self.quotes) {
            let weight = 1.0 / (quote.half_spread * quote.half_spread);
            sum += weight * error * error;
            weights += weight;
        }
        (weights > 0.0).then(|| (sum / weights).sqrt())
    }

    /// Median, in vol.
    fn half_spread(&self) -> Option<f64> {
        crate::forward::median(&mut self.quotes.iter().map(|q| q.half_spread).collect::<Vec<_>>())
    }

    /// Mids within half a spread of the slice.
    fn inside(&self) -> usize {
        let errors = self.errors().unwrap_or_default();
        errors.iter().zip(&self.quotes).filter(|(error, quote)| error.abs() <= quote.half_spread).count()
    }

    fn slice(&self, asof: Timestamp) -> Option<SurfaceSlice> {
        let (slice, _) = self.found.filter(|_| self.refused.is_none())?;
        Some(SurfaceSlice { expiry: self.expiry, years: self.years, forward: self.forward, slice, asof })
    }

    fn report(self) -> ExpiryReport {
        let least_density = |(slice, _): (Slice, Model)| {
            let reach = super::reach(&slice);
            slice.check(-reach, reach).least_density
        };
        ExpiryReport {
            expiry: self.expiry,
            years: self.years,
            forward: self.forward,
            quotes: self.quotes.len(),
            error_points: self.error().map(|e| 100.0 * e),
            half_spread_points: self.half_spread().map(|h| 100.0 * h),
            inside: self.inside(),
            least_density: self.found.map(least_density),
            model: self.found.map(|(_, model)| model),
            slice: self.found.map(|(slice, _)| slice),
            refused: self.refused,
            dropped: self.dropped,
        }
    }
}
