//! Units of the linear problem, all powers of two, so that scaling rounds nothing.
//!
//! A row is divided by its largest coefficient, an instrument by the largest of its own after that, all amounts by the largest exposure that
//! can be moved, all costs by the largest. Liquidity has no part in it: "as much as you like" would otherwise make a lot look like nothing.

use super::form::Form;

/// Factors from the caller's units to those of the linear problem.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    /// Of each row.
    pub(super) rows: Vec<f64>,
    /// Of each venue's margin.
    pub(super) venues: Vec<f64>,
    /// Of scenarios' losses, z and u.
    pub(super) tail: f64,
    /// Lots in a unit of each instrument, but for `amount`.
    pub(super) bases: Vec<f64>,
    /// Unit of all amounts.
    pub(super) amount: f64,
    /// Factor of all costs.
    costs: f64,
    /// No loss with any trades is larger, USD.
    pub(super) loss: f64,
}

impl Scale {
    pub(super) fn of(form: &Form) -> Self {
        let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0_f64, |m, v| m.max(v.abs()));
        let rows: Vec<f64> =
            form.rows.iter().map(|row| inverse(largest(&mut row.moves.iter().map(|(_, g)| *g)))).collect();
        let gains = |t: &super::form::FormTail| largest(&mut t.gains.iter().flatten().copied());
        let tail = form.tail.as_ref().map_or(1.0, |t| inverse(gains(t)));
        let mut strongest = vec![0.0_f64; form.instruments.len()];
        for (row, factor) in form.rows.iter().zip(&rows) {
            for (j, g) in &row.moves {
                strongest[*j] = strongest[*j].max((g * factor).abs());
            }
        }
        for gains in form.tail.iter().flat_map(|t| &t.gains) {
            for (strongest, gain) in strongest.iter_mut().zip(gains) {
                *strongest = strongest.max((gain * tail).abs());
            }
        }
        let bases: Vec<f64> = strongest.into_iter().map(inverse).collect();
        let mut venues = vec![0.0_f64; form.venues.len()];
        for (instrument, base) in form.instruments.iter().zip(&bases) {
            if let Some((v, margin)) = instrument.margin {
                venues[v] = venues[v].max((margin.bought * base).abs()).max((margin.sold * base).abs());
            }
        }
        let mut scale = Self {
            rows,
            venues: venues.into_iter().map(inverse).collect(),
            tail,
            bases,
            amount: 1.0,
            costs: 1.0,
            loss: largest_loss(form),
        };
        scale.amount = scale.needed(form);
        scale.costs = inverse(scale.dearest(form));
        scale
    }

    /// Lots in a unit of an instrument's columns.
    pub(super) fn lots(&self, instrument: usize) -> f64 {
        self.bases[instrument] * self.amount
    }

    /// Factor on a cost per unit of something whose unit is `base`.
    pub(super) fn cost(&self, base: f64) -> f64 {
        base * self.costs
    }

    /// Factor from a multiplier of a row whose factor is `row` to USD per unit of the row.
    pub(super) fn price(&self, row: f64) -> f64 {
        row / self.costs
    }

    /// What an objective of one in the linear problem is in the caller's units: below 1e-16 of it nothing is known.
    pub(super) fn money(&self) -> f64 {
        self.amount / self.costs
    }

    /// How far a row can be moved by all instruments, in its own unit.
    pub(super) fn reach(&self, form: &Form, row: usize) -> f64 {
        let most = |j: usize| form.instruments[j].most.bought.max(form.instruments[j].most.sold);
        form.rows[row].moves.iter().map(|(j, g)| g.abs() * most(*j)).sum()
    }

    fn needed(&self, form: &Form) -> f64 {
        let mut needed = 0.0_f64;
        for (k, row) in form.rows.iter().enumerate().filter(|(_, row)| !row.moves.is_empty()) {
            needed = needed.max(row.exposure.abs().min(self.reach(form, k)) * self.rows[k]);
        }
        for loss in form.tail.iter().flat_map(|t| &t.losses) {
            needed = needed.max(loss.abs() * self.tail);
        }
        1.0 / inverse(needed)
    }

    fn dearest(&self, form: &Form) -> f64 {
        let mut dearest = if form.tail.is_some() { 1.0 / self.tail } else { 0.0 };
        let weight = form.cost_weight;
        for (instrument, base) in form.instruments.iter().zip(&self.bases) {
            let cost = instrument.cost.bought.abs().max(instrument.cost.sold.abs());
            dearest = dearest.max(weight * cost * base);
        }
        for (row, factor) in form.rows.iter().zip(&self.rows).filter(|(row, _)| !row.moves.is_empty()) {
            dearest = dearest.max(weight * row.price.unwrap_or(0.0) / factor);
        }
        dearest
    }
}

fn largest_loss(form: &Form) -> f64 {
    let Some(tail) = &form.tail else { return 0.0 };
    let most: Vec<f64> = form.instruments.iter().map(|i| i.most.bought.max(i.most.sold)).collect();
    let mut largest = 0.0_f64;
    for (loss, gains) in tail.losses.iter().zip(&tail.gains) {
        let traded: f64 = gains.iter().zip(&most).map(|(gain, most)| gain.abs() * most).sum();
        largest = largest.max(loss.abs() + traded);
    }
    largest
}

/// A power of two near 1/value; 1 for zero.
fn inverse(value: f64) -> f64 {
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    let power = f64::from_bits(value.abs().to_bits() & EXPONENT);
    if power > 1e-150 && power < 1e150 { 1.0 / power } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::inverse;

    #[test]
    fn the_factor_is_a_power_of_two_and_brings_the_value_between_one_and_two() {
        for value in [1.0, 3.7, 1e-9, 6.4e12, -5.0] {
            let factor = inverse(value);
            assert_eq!(factor.to_bits() & 0x000f_ffff_ffff_ffff, 0, "{value}");
            assert!((1.0..2.0).contains(&(factor * value.abs())), "{value}");
        }
        assert_eq!(inverse(0.0).to_bits(), 1.0_f64.to_bits());
    }
}
