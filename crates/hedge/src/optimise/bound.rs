//! Prices of the limits, and the bound that they prove.
//!
//! For any multipliers the Lagrangian's least value over the boxes of the trades is a lower bound of every trade that keeps the limits.
//! It separates by instrument, so it is computed in closed form, impact included, in the caller's units: nothing of the simplex method's
//! scaling, tolerances or segments is in it. A gap is the objective at the trades less this bound, two sums that know nothing of one another.

use super::form::Form;
use super::problem::Sides;

/// Change of the objective per unit of each limit; signs as the rows' activities have them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Multipliers {
    pub(super) rows: Vec<f64>,
    /// Not positive.
    pub(super) venues: Vec<f64>,
    /// Scenario and weight, not negative.
    pub(super) scenarios: Vec<(usize, f64)>,
    /// Of the budget of CVaR, not positive.
    pub(super) budget: f64,
}

/// Trades that are allowed, in signed lots.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Boxes {
    pub(super) lower: Vec<f64>,
    pub(super) upper: Vec<f64>,
}

impl Boxes {
    /// What liquidity allows.
    pub(super) fn of(form: &Form) -> Self {
        Self {
            lower: form.instruments.iter().map(|i| -i.most.sold).collect(),
            upper: form.instruments.iter().map(|i| i.most.bought).collect(),
        }
    }

    /// The least and the most of one side.
    pub(super) fn side(&self, instrument: usize) -> [(f64, f64); 2] {
        let (lower, upper) = (self.lower[instrument], self.upper[instrument]);
        [(lower.max(0.0), upper.max(0.0)), ((-upper).max(0.0), (-lower).max(0.0))]
    }
}

impl Multipliers {
    /// Removes what rounding has added: signs, and weights of scenarios that do not sum to what they must.
    pub(super) fn clean(&mut self, form: &Form) {
        for (price, row) in self.rows.iter_mut().zip(&form.rows) {
            // What is beyond a soft band costs its price, so a unit of band cannot be worth more.
            let most = row.price.map_or(f64::INFINITY, |p| form.cost_weight * p);
            *price = price.clamp(-most, most);
        }
        for venue in &mut self.venues {
            *venue = venue.min(0.0);
        }
        self.budget = self.budget.min(0.0);
        let Some(tail) = &form.tail else { return };
        let total = if tail.budget.is_some() { -self.budget } else { 1.0 };
        let most = total / tail.mass;
        for (_, weight) in &mut self.scenarios {
            *weight = weight.clamp(0.0, most);
        }
        let sum: f64 = self.scenarios.iter().map(|(_, weight)| weight).sum();
        let room: f64 = self.scenarios.iter().map(|(_, weight)| most - weight).sum();
        for (_, weight) in &mut self.scenarios {
            // Too much is scaled down, too little filled up; neither leaves a weight above the most that it may be.
            *weight += if sum > total {
                *weight * (total / sum - 1.0)
            } else {
                (most - *weight) * filled(total - sum, room)
            };
        }
    }

    /// What a lot bought and a lot sold are worth at these prices: what they relieve.
    pub(super) fn worth(&self, form: &Form) -> Vec<Sides> {
        let mut moved = vec![0.0; form.instruments.len()];
        for (row, price) in form.rows.iter().zip(&self.rows).filter(|(_, price)| **price != 0.0) {
            for (instrument, per_lot) in &row.moves {
                moved[*instrument] += price * per_lot;
            }
        }
        if let Some(tail) = &form.tail {
            for (scenario, weight) in &self.scenarios {
                super::basis::add(&mut moved, &tail.gains[*scenario], *weight);
            }
        }
        let margined = |(instrument, moved): (&super::form::FormInstrument, f64)| {
            let (price, margin) =
                instrument.margin.map_or((0.0, Sides::default()), |(v, margin)| (self.venues[v], margin));
            Sides { bought: moved + price * margin.bought, sold: -moved + price * margin.sold }
        };
        form.instruments.iter().zip(moved).map(margined).collect()
    }

    /// A value that no trade within the boxes and limits can be below.
    pub(super) fn bound(&self, form: &Form, boxes: &Boxes) -> f64 {
        let weight = form.cost_weight;
        let mut bound = 0.0;
        for (row, price) in form.rows.iter().zip(&self.rows) {
            bound += self.row_bound(row, *price, weight);
        }
        for (venue, price) in form.venues.iter().zip(&self.venues) {
            if *price != 0.0 {
                bound += price * venue.free;
            }
        }
        if let Some(tail) = &form.tail {
            bound += self.scenarios.iter().map(|(s, q)| q * tail.losses[*s]).sum::<f64>();
            bound += tail.budget.map_or(0.0, |budget| self.budget * budget);
        }
        for (number, (instrument, worth)) in form.instruments.iter().zip(self.worth(form)).enumerate() {
            let [bought, sold] = boxes.side(number);
            let quadratic = weight * instrument.impact;
            let buying = least((weight * instrument.cost.bought - worth.bought, quadratic), bought);
            let selling = least((weight * instrument.cost.sold - worth.sold, quadratic), sold);
            // One side only can be traded: where a trade of one side is forced, the other is none.
            bound += if bought.0 > 0.0 {
                buying
            } else if sold.0 > 0.0 {
                selling
            } else {
                buying.min(selling)
            };
        }
        bound
    }

    /// The trade of each instrument that is best at these prices.
    pub(super) fn minimisers(&self, form: &Form, boxes: &Boxes) -> Vec<f64> {
        let weight = form.cost_weight;
        let best = |(number, (instrument, worth)): (usize, (&super::form::FormInstrument, Sides))| {
            let [bought, sold] = boxes.side(number);
            let quadratic = weight * instrument.impact;
            let at = |linear: f64, (from, to): (f64, f64)| (-linear / quadratic).clamp(from, to.max(from));
            if quadratic <= 0.0 {
                return 0.0;
            }
            at(weight * instrument.cost.bought - worth.bought, bought)
                - at(weight * instrument.cost.sold - worth.sold, sold)
        };
        form.instruments.iter().zip(self.worth(form)).enumerate().map(best).collect()
    }

    fn row_bound(&self, row: &super::form::FormRow, price: f64, weight: f64) -> f64 {
        if price == 0.0 {
            return if row.moves.is_empty() {
                row.price.map_or(0.0, |p| weight * p * (row.exposure.abs() - row.width).max(0.0))
            } else {
                0.0
            };
        }
        -price.abs() * row.width - price * row.exposure
    }
}

/// The part of the room that what lacks takes.
fn filled(lacking: f64, room: f64) -> f64 {
    if room > 0.0 { (lacking / room).min(1.0) } else { 0.0 }
}

/// Least value of `linear x + quadratic x²/2` between two bounds.
fn least((linear, quadratic): (f64, f64), (from, to): (f64, f64)) -> f64 {
    let at = |x: f64| linear * x + 0.5 * quadratic * x * x;
    if quadratic > 0.0 {
        return at((-linear / quadratic).clamp(from, to.max(from)));
    }
    at(from).min(at(to))
}
