//! Rules that a problem must keep; all that it breaks are reported.

use super::error::{Fault, OptimiseError};
use super::problem::{Aim, Band, Instrument, Problem, Sides, Tail};
use std::collections::BTreeSet;

/// # Errors
/// Every rule that is broken.
pub(super) fn check(problem: &Problem) -> Result<(), OptimiseError> {
    let mut faults = Faults::default();
    if problem.instruments.is_empty() {
        faults.0.push(Fault::NoInstruments);
    }
    if problem.rows.is_empty() && problem.aim == Aim::Cost {
        faults.0.push(Fault::NothingToHedge);
    }
    let rows = faults.names("row", problem.rows.iter().map(|r| r.name.as_str()));
    let venues = faults.names("venue", problem.venues.iter().map(|v| v.name.as_str()));
    faults.names("instrument", problem.instruments.iter().map(|i| i.name.as_str()));
    for row in &problem.rows {
        faults.finite(&|| format!("exposure of row '{}'", row.name), row.exposure);
        let (Band::Hard { width } | Band::Soft { width, .. }) = row.band;
        faults.size(&|| format!("band of row '{}'", row.name), width);
        if let Band::Soft { price, .. } = row.band {
            faults.size(&|| format!("price of row '{}'", row.name), price);
        }
    }
    for venue in &problem.venues {
        faults.finite(&|| format!("margin used at '{}'", venue.name), venue.used);
        faults.finite(&|| format!("margin limit of '{}'", venue.name), venue.limit);
    }
    for instrument in &problem.instruments {
        faults.instrument(instrument, (&rows, &venues));
    }
    faults.aim(problem);
    if faults.0.is_empty() { Ok(()) } else { Err(OptimiseError::Unsound(faults.0)) }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn names<'a>(&mut self, kind: &'static str, names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut known = BTreeSet::new();
        for name in names {
            if !known.insert(name) {
                self.0.push(Fault::Twice { kind, name: name.to_owned() });
            }
        }
        known
    }

    fn finite(&mut self, what: &dyn Fn() -> String, value: f64) -> bool {
        if !value.is_finite() {
            self.0.push(Fault::NotFinite { what: what(), value });
        }
        value.is_finite()
    }

    fn size(&mut self, what: &dyn Fn() -> String, value: f64) {
        if self.finite(what, value) && value < 0.0 {
            self.0.push(Fault::Negative { what: what(), value });
        }
    }

    fn sides(&mut self, what: &dyn Fn() -> String, sides: Sides) -> bool {
        let bought = self.finite(&|| format!("{}, bought", what()), sides.bought);
        self.finite(&|| format!("{}, sold", what()), sides.sold) && bought
    }

    fn instrument(&mut self, given: &Instrument, (rows, venues): (&BTreeSet<&str>, &BTreeSet<&str>)) {
        let name = &given.name;
        let instrument = || name.clone();
        if self.finite(&|| format!("lot of '{name}'"), given.lot) && given.lot <= 0.0 {
            self.0.push(Fault::Lot { instrument: instrument(), lot: given.lot });
        }
        self.size(&|| format!("impact of '{name}'"), given.impact);
        self.size(&|| format!("minimum of '{name}'"), given.minimum);
        self.size(&|| format!("liquidity of '{name}', bought"), given.liquidity.bought);
        self.size(&|| format!("liquidity of '{name}', sold"), given.liquidity.sold);
        let sum = given.cost.bought + given.cost.sold;
        if self.sides(&|| format!("cost of '{name}'"), given.cost) && sum < 0.0 {
            self.0.push(Fault::PaidBothWays { instrument: instrument(), sum });
        }
        if let Some(margin) = &given.margin {
            let sum = margin.per_unit.bought + margin.per_unit.sold;
            if self.sides(&|| format!("margin of '{name}'"), margin.per_unit) && sum < 0.0 {
                self.0.push(Fault::ReleasesBothWays { instrument: instrument(), sum });
            }
            self.known((name, "venue"), &margin.venue, venues);
        }
        let mut moved = BTreeSet::new();
        for m in &given.moves {
            self.known((name, "row"), &m.row, rows);
            self.finite(&|| format!("move of row '{}' by '{name}'", m.row), m.per_unit);
            if !moved.insert(m.row.as_str()) {
                self.0
                    .push(Fault::Twice { kind: "row of an instrument", name: format!("{name}: {}", m.row) });
            }
        }
    }

    fn known(&mut self, (instrument, kind): (&str, &'static str), name: &str, known: &BTreeSet<&str>) {
        if !known.contains(name) {
            self.0.push(Fault::Unknown { instrument: instrument.to_owned(), kind, name: name.to_owned() });
        }
    }

    fn aim(&mut self, problem: &Problem) {
        let tail = match &problem.aim {
            Aim::Cost => return,
            Aim::Tail { tail, cost_weight } => {
                self.size(&|| "weight of cost".to_owned(), *cost_weight);
                tail
            }
            Aim::CostWithin { tail, budget } => {
                self.finite(&|| "budget of CVaR".to_owned(), *budget);
                tail
            }
        };
        self.tail(tail, problem);
    }

    fn tail(&mut self, tail: &Tail, problem: &Problem) {
        if !(0.0..1.0).contains(&tail.alpha) {
            self.0.push(Fault::Alpha(tail.alpha));
        }
        if tail.losses.is_empty() {
            self.0.push(Fault::NoScenarios);
        }
        for (scenario, loss) in tail.losses.iter().enumerate() {
            self.finite(&|| format!("loss in scenario {scenario}"), *loss);
        }
        self.count("lists of gains".to_owned(), tail.gains.len(), problem.instruments.len());
        for (instrument, gains) in problem.instruments.iter().zip(&tail.gains) {
            self.count(format!("gains of '{}'", instrument.name), gains.len(), tail.losses.len());
            for (scenario, gain) in gains.iter().enumerate() {
                self.finite(&|| format!("gain of '{}' in scenario {scenario}", instrument.name), *gain);
            }
        }
    }

    fn count(&mut self, what: String, given: usize, needed: usize) {
        if given != needed {
            self.0.push(Fault::Count { what, given, needed });
        }
    }
}

/// Hard rows that nothing can bring into their band, whatever the other limits.
///
/// # Errors
/// The first such row.
pub(super) fn hedgeable(problem: &Problem) -> Result<(), OptimiseError> {
    for row in &problem.rows {
        let Band::Hard { width } = row.band else { continue };
        if row.exposure.abs() <= width {
            continue;
        }
        let moves = |i: &&Instrument| i.moves.iter().any(|m| m.row == row.name && m.per_unit != 0.0);
        let movers: Vec<&Instrument> = problem.instruments.iter().filter(moves).collect();
        if movers.is_empty() {
            let (row, exposure) = (row.name.clone(), row.exposure);
            return Err(OptimiseError::Unhedgeable { row, exposure, width });
        }
        if movers.iter().all(|i| i.liquidity.bought.max(i.liquidity.sold) <= 0.0) {
            let instruments = movers.iter().map(|i| i.name.clone()).collect();
            return Err(OptimiseError::NoLiquidity { row: row.name.clone(), instruments });
        }
    }
    Ok(())
}
