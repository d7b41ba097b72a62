//! Delta-normal VaR and ES: the book's first derivatives times jointly normal moves.
//!
//! `sigma = sqrt(g' Sigma g)`, `VaR = z sigma`, `ES = sigma phi(z)/(1 - c)`, z = N⁻¹(c). A slice contributes
//! `z (g_i' Sigma g)/sigma`: Euler's theorem for a function homogeneous of degree one. No gamma: for books of options it is the
//! yardstick that shows what curvature does, not the answer.

use super::contributions::{By, Measured, parts};
use super::gradient::Gradient;
use super::holdings::Slice;
use super::{Confidence, VarError};
use crate::covariance::Covariance;
use pricing::kernel;
use units::{Fixed, UnitError};

/// Closed form on a covariance whose factors are those of the gradient.
///
/// # Errors
/// When a figure cannot be published.
pub fn parametric(
    gradient: &Gradient,
    slices: &[Slice],
    covariance: &Covariance,
    confidence: Confidence,
) -> Result<Measured, VarError> {
    let moved = covariance.times(&gradient.total);
    let variance = dot(&gradient.total, &moved);
    let sigma = if variance > 0.0 { variance.sqrt() } else { 0.0 };
    let z = kernel::norm_inv(confidence.get());
    let tail = kernel::norm_pdf(z) / confidence.tail();
    let per_sigma = |of: f64| if sigma > 0.0 { of / sigma } else { 0.0 };
    let own: Vec<f64> = gradient.by_slice.iter().map(|row| per_sigma(dot(row, &moved))).collect();
    let (var_usd, es_usd) = (Fixed::quantise(z * sigma)?, Fixed::quantise(tail * sigma)?);
    let vars = adding_up(var_usd, own.iter().map(|s| z * s))?;
    let tails = adding_up(es_usd, own.iter().map(|s| tail * s))?;
    let alone = |by: By, name: &str| -> Result<(Fixed, Fixed), VarError> {
        let mut sum = vec![0.0; gradient.total.len()];
        let rows = slices.iter().zip(&gradient.by_slice);
        for (_, row) in rows.filter(|(slice, _)| by.name(slice) == name) {
            sum.iter_mut().zip(row).for_each(|(sum, part)| *sum += part);
        }
        let variance = dot(&sum, &covariance.times(&sum));
        let sigma = if variance > 0.0 { variance.sqrt() } else { 0.0 };
        Ok((Fixed::quantise(z * sigma)?, Fixed::quantise(tail * sigma)?))
    };
    let parts = parts(slices, &vars, &tails, alone)?;
    Ok(Measured { confidence, var_usd, es_usd, parts, sample: None })
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| a.mul_add(*b, sum))
}

/// Quantised parts; what rounding leaves goes to the largest, of equal ones the first.
fn adding_up(total: Fixed, parts: impl Iterator<Item = f64>) -> Result<Vec<Fixed>, UnitError> {
    let mut parts = parts.map(Fixed::quantise).collect::<Result<Vec<_>, _>>()?;
    let left = total - parts.iter().copied().sum();
    let mut largest: Option<&mut Fixed> = None;
    for part in &mut parts {
        if largest.as_ref().is_none_or(|most| part.abs() > most.abs()) {
            largest = Some(part);
        }
    }
    if let Some(part) = largest {
        *part += left;
    }
    Ok(parts)
}
