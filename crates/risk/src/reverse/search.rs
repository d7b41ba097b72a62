//! The point nearest to zero at which a harm is reached, by rays.

use super::{dot, length};

/// How far the harm at each of many points is beyond what was asked: reached from 0 on.
pub type Harm<'f, E> = dyn Fn(&[Vec<f64>]) -> Result<Vec<f64>, E> + 'f;

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// Greatest Mahalanobis distance.
    pub distance: f64,
}

/// Points on a ray: harm between two of them may be missed.
const STEPS: u32 = 48;
/// Points at which a step is cut at once, and how often: 16^9 is 2^36, so to 1e-12 of the reach. Many points cost one cube.
const CUTS: u32 = 15;
const ROUNDS: u32 = 9;
/// Turns of a direction.
const TURNS: usize = 40;
/// Half the width of the difference that tells the gradient.
const BUMP: f64 = 1e-4;
/// Directions that agree to this sine are one.
const AGREED: f64 = 1e-7;

/// Unit vectors.
pub(super) fn axes(width: usize) -> impl Iterator<Item = Vec<f64>> {
    (0..width).map(move |own| (0..width).map(|i| if i == own { 1.0 } else { 0.0 }).collect())
}

fn unit(z: &[f64]) -> Option<Vec<f64>> {
    let size = length(z);
    (size > 0.0 && size.is_finite()).then(|| z.iter().map(|z| z / size).collect())
}

fn along(direction: &[f64], size: f64) -> Vec<f64> {
    direction.iter().map(|d| d * size).collect()
}

pub(super) fn nearest<E>(
    starts: &[Vec<f64>],
    reach: Reach,
    harm: &Harm<'_, E>,
) -> Result<Option<Vec<f64>>, E> {
    let mut best: Option<(f64, Vec<f64>)> = None;
    for start in starts {
        let Some(direction) = unit(start) else { continue };
        if let Some((size, direction)) = descend(direction, reach, harm)?
            && best.as_ref().is_none_or(|(least, _)| size < *least)
        {
            best = Some((size, direction));
        }
    }
    Ok(best.map(|(size, direction)| along(&direction, size)))
}

/// First crossing on a ray.
fn crossing<E>(direction: &[f64], reach: Reach, harm: &Harm<'_, E>) -> Result<Option<f64>, E> {
    let step = reach.distance / f64::from(STEPS);
    let points: Vec<Vec<f64>> = (1..=STEPS).map(|k| along(direction, step * f64::from(k))).collect();
    let Some(first) = harm(&points)?.iter().position(|excess| *excess >= 0.0) else { return Ok(None) };
    #[allow(clippy::cast_precision_loss)] // one of the steps
    let (mut low, mut high) = (step * first as f64, step * (first + 1) as f64);
    for _ in 0..ROUNDS {
        let part = (high - low) / f64::from(CUTS + 1);
        let ends: Vec<f64> = (1..=CUTS).map(|k| part.mul_add(f64::from(k), low)).collect();
        let points: Vec<Vec<f64>> = ends.iter().map(|end| along(direction, *end)).collect();
        let reached = harm(&points)?.iter().position(|excess| *excess >= 0.0);
        let at = |place: usize| ends.get(place).copied();
        (low, high) = match reached {
            Some(place) => (place.checked_sub(1).and_then(at).unwrap_or(low), at(place).unwrap_or(high)),
            None => (ends.last().copied().unwrap_or(low), high),
        };
    }
    Ok(Some(high))
}

/// Turns a direction towards the gradient at its crossing for as long as that brings the crossing nearer.
fn descend<E>(
    mut direction: Vec<f64>,
    reach: Reach,
    harm: &Harm<'_, E>,
) -> Result<Option<(f64, Vec<f64>)>, E> {
    let Some(mut size) = crossing(&direction, reach, harm)? else { return Ok(None) };
    for _ in 0..TURNS {
        let Some(normal) = normal(&along(&direction, size), harm)? else { break };
        let cosine = dot(&normal, &direction);
        if 1.0 - cosine * cosine < AGREED * AGREED {
            break;
        }
        let mut share = 1.0;
        let mut improved = false;
        while share > 1e-3 {
            let blend: Vec<f64> =
                direction.iter().zip(&normal).map(|(d, n)| (1.0 - share) * d + share * n).collect();
            if let Some(turned) = unit(&blend)
                && let Some(nearer) = crossing(&turned, Reach { distance: size * 1.0001 }, harm)?
                && nearer < size * (1.0 - 1e-12)
            {
                (size, direction, improved) = (nearer, turned, true);
                break;
            }
            share *= 0.5;
        }
        if !improved {
            break;
        }
    }
    Ok(Some((size, direction)))
}

/// Direction in which the harm grows most.
fn normal<E>(point: &[f64], harm: &Harm<'_, E>) -> Result<Option<Vec<f64>>, E> {
    let mut points = Vec::with_capacity(2 * point.len());
    for axis in axes(point.len()) {
        for side in [BUMP, -BUMP] {
            points.push(point.iter().zip(&axis).map(|(p, a)| p + a * side).collect());
        }
    }
    let values = harm(&points)?;
    let slopes: Vec<f64> =
        values.chunks(2).map(|pair| pair.first().zip(pair.get(1)).map_or(0.0, |(u, d)| u - d)).collect();
    Ok(unit(&slopes))
}
