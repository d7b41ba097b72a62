//! The value of trades straight from the problem, and the best of all trades that could be best.

use super::*;

/// Objective of trades in lots, none where a hard limit is broken by more than rounding. Written from the problem, not from `Form`.
pub(super) fn objective(problem: &Problem, lots: &[f64]) -> Option<f64> {
    const ROUNDING: f64 = 1e-7;
    let quantities: Vec<f64> = problem.instruments.iter().zip(lots).map(|(i, l)| i.lot * l).collect();
    let of = |sides: Sides, q: f64| if q < 0.0 { sides.sold * -q } else { sides.bought * q };
    let mut cost = 0.0;
    for (i, q) in problem.instruments.iter().zip(&quantities) {
        let q = *q;
        if q > i.liquidity.bought + ROUNDING || -q > i.liquidity.sold + ROUNDING {
            return None;
        }
        if q.abs() > ROUNDING && q.abs() < i.minimum - ROUNDING {
            return None;
        }
        cost += of(i.cost, q) + i.impact * q * q / 2.0;
    }
    for row in &problem.rows {
        let mut after = row.exposure;
        for (i, q) in problem.instruments.iter().zip(&quantities) {
            after += i.moves.iter().filter(|m| m.row == row.name).map(|m| m.per_unit * q).sum::<f64>();
        }
        match row.band {
            Band::Hard { width } if after.abs() > width + ROUNDING => return None,
            Band::Hard { .. } => {}
            Band::Soft { width, price } => cost += price * (after.abs() - width).max(0.0),
        }
    }
    for venue in &problem.venues {
        let mut used = venue.used;
        for (i, q) in problem.instruments.iter().zip(&quantities) {
            used +=
                i.margin.iter().filter(|m| m.venue == venue.name).map(|m| of(m.per_unit, *q)).sum::<f64>();
        }
        if used > venue.limit + ROUNDING {
            return None;
        }
    }
    match &problem.aim {
        Aim::Cost => Some(cost),
        Aim::Tail { tail, cost_weight } => Some(tail_mean(tail, &quantities) + cost_weight * cost),
        Aim::CostWithin { tail, budget } => {
            (tail_mean(tail, &quantities) <= budget + ROUNDING).then_some(cost)
        }
    }
}

/// Rockafellar and Uryasev's function at each loss, the least of them.
pub(super) fn tail_mean(tail: &Tail, quantities: &[f64]) -> f64 {
    let losses = losses(tail, quantities);
    let mass = (1.0 - tail.alpha) * losses.len() as f64;
    let at = |z: f64| z + losses.iter().map(|l| (l - z).max(0.0)).sum::<f64>() / mass;
    losses.iter().map(|z| at(*z)).fold(f64::INFINITY, f64::min)
}

pub(super) fn losses(tail: &Tail, quantities: &[f64]) -> Vec<f64> {
    let gain = |s: usize| tail.gains.iter().zip(quantities).map(|(g, q)| g[s] * q).sum::<f64>();
    tail.losses.iter().enumerate().map(|(s, loss)| loss - gain(s)).collect()
}

/// The best of all whole numbers of lots up to `reach`.
pub(super) fn best_whole(problem: &Problem, reach: i32) -> Option<f64> {
    let mut lots = vec![f64::from(-reach); problem.instruments.len()];
    let mut best: Option<f64> = None;
    loop {
        if let Some(found) = objective(problem, &lots) {
            best = Some(best.map_or(found, |b| b.min(found)));
        }
        let Some(place) = lots.iter().position(|l| *l < f64::from(reach)) else { return best };
        lots[place] += 1.0;
        for lot in &mut lots[..place] {
            *lot = f64::from(-reach);
        }
    }
}

/// A plane `normal x = level` on which the objective or a limit bends.
type Plane = (Vec<f64>, f64);

/// The best of all points where as many planes meet as there are instruments; without impact and a budget the optimum is one of them.
pub(super) fn best_vertex(problem: &Problem) -> Option<f64> {
    let planes = planes(problem);
    let size = problem.instruments.len();
    let mut best: Option<f64> = None;
    let mut chosen: Vec<usize> = (0..size).collect();
    loop {
        let meeting: Vec<&Plane> = chosen.iter().map(|p| &planes[*p]).collect();
        if let Some(found) = meet(&meeting).and_then(|lots| objective(problem, &lots)) {
            best = Some(best.map_or(found, |b| b.min(found)));
        }
        let Some(place) = (0..size).rev().find(|p| chosen[*p] + size - p < planes.len()) else { return best };
        chosen[place] += 1;
        for p in place + 1..size {
            chosen[p] = chosen[p - 1] + 1;
        }
    }
}

fn planes(problem: &Problem) -> Vec<Plane> {
    let size = problem.instruments.len();
    let mut planes = Vec::new();
    for (j, i) in problem.instruments.iter().enumerate() {
        let mut axis = vec![0.0; size];
        axis[j] = i.lot;
        planes.extend([0.0, i.liquidity.bought, -i.liquidity.sold].map(|level| (axis.clone(), level)));
    }
    for row in &problem.rows {
        let of =
            |i: &Instrument| i.moves.iter().filter(|m| m.row == row.name).map(|m| m.per_unit * i.lot).sum();
        let normal: Vec<f64> = problem.instruments.iter().map(of).collect();
        let (Band::Hard { width } | Band::Soft { width, .. }) = row.band;
        planes.extend([width, -width].map(|edge| (normal.clone(), edge - row.exposure)));
    }
    for venue in &problem.venues {
        for signs in 0..1_u32 << size {
            let of = |(j, i): (usize, &Instrument)| {
                let m = i.margin.as_ref().filter(|m| m.venue == venue.name);
                let sold = signs >> j & 1 == 1;
                m.map_or(0.0, |m| i.lot * if sold { -m.per_unit.sold } else { m.per_unit.bought })
            };
            planes.push((problem.instruments.iter().enumerate().map(of).collect(), venue.limit - venue.used));
        }
    }
    if let Aim::Tail { tail, .. } = &problem.aim {
        for a in 0..tail.losses.len() {
            for b in 0..a {
                let of = |(j, i): (usize, &Instrument)| (tail.gains[j][a] - tail.gains[j][b]) * i.lot;
                let normal = problem.instruments.iter().enumerate().map(of).collect();
                planes.push((normal, tail.losses[a] - tail.losses[b]));
            }
        }
    }
    planes
}

/// Cramer's rule would do; elimination is as short.
fn meet(planes: &[&Plane]) -> Option<Vec<f64>> {
    let size = planes.len();
    let mut table: Vec<Vec<f64>> =
        planes.iter().map(|(normal, level)| normal.iter().copied().chain([*level]).collect()).collect();
    for column in 0..size {
        let pivot =
            (column..size).max_by(|a, b| table[*a][column].abs().total_cmp(&table[*b][column].abs()))?;
        if table[pivot][column].abs() < 1e-9 {
            return None;
        }
        table.swap(column, pivot);
        let lead = table[column].clone();
        for (r, line) in table.iter_mut().enumerate() {
            if r != column {
                let factor = line[column] / lead[column];
                for (value, l) in line.iter_mut().zip(&lead) {
                    *value -= factor * l;
                }
            }
        }
    }
    Some((0..size).map(|r| table[r][size] / table[r][r]).collect())
}
