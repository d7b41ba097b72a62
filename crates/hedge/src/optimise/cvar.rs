//! Value at risk and conditional value at risk of equally likely losses, by sorting.
//!
//! With n losses, m = (1 - alpha) n of them are the tail. VaR is the smallest loss that at least alpha n losses do not exceed; CVaR is
//! `VaR + sum (loss - VaR)+ / m`, the smallest value of `z + sum (loss - z)+ / m` over z (Rockafellar and Uryasev, 2000). The loss at VaR
//! counts with the fraction of it that belongs to the tail, so CVaR is right for any alpha and n.

/// VaR and CVaR, in the unit of the losses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TailRisk {
    /// The quantile.
    pub var: f64,
    /// The mean beyond it.
    pub cvar: f64,
}

/// VaR and CVaR of equally likely losses; none without losses, or for an alpha outside [0, 1).
///
/// ```
/// let losses: Vec<f64> = (1..=100).map(f64::from).collect();
/// let risk = hedge::optimise::tail_risk(&losses, 0.95).ok_or("no losses")?;
/// assert_eq!((risk.var, risk.cvar), (95.0, 98.0));
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn tail_risk(losses: &[f64], alpha: f64) -> Option<TailRisk> {
    if losses.is_empty() || !(0.0..1.0).contains(&alpha) {
        return None;
    }
    let mass = tail_mass(losses.len(), alpha);
    let mut sorted = losses.to_vec();
    let cvar = cvar(&mut sorted, mass);
    Some(TailRisk { var: sorted[var_place(sorted.len(), mass)], cvar })
}

/// (1 - alpha) n, without the rounding of 1 - 0.95.
pub(super) fn tail_mass(count: usize, alpha: f64) -> f64 {
    let mass = count as f64 - alpha * count as f64;
    let whole = mass.round();
    if (mass - whole).abs() < 1e-9 * count as f64 && whole > 0.0 { whole } else { mass }
}

/// Place of VaR among losses sorted from the largest: with a tail of 5 of 100 that is the sixth.
fn var_place(count: usize, mass: f64) -> usize {
    (mass.floor() as usize).min(count - 1)
}

/// CVaR; sorts the losses, largest first.
pub(super) fn cvar(losses: &mut [f64], mass: f64) -> f64 {
    losses.sort_unstable_by(|a, b| b.total_cmp(a));
    let place = var_place(losses.len(), mass);
    let var = losses[place];
    var + losses[..place].iter().map(|loss| loss - var).sum::<f64>() / mass
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tail_of_less_than_one_scenario_is_the_worst_loss() {
        let risk = tail_risk(&[3.0, -1.0, 2.0], 0.9).unwrap();
        assert_eq!((risk.var, risk.cvar), (3.0, 3.0));
    }

    #[test]
    fn no_losses_or_no_tail_is_no_figure() {
        for (losses, alpha) in [(vec![], 0.95), (vec![1.0], 1.0), (vec![1.0], -0.1), (vec![1.0], f64::NAN)] {
            assert_eq!(tail_risk(&losses, alpha), None, "alpha {alpha}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// z + sum (loss - z)+ / m is convex and bends at losses only, so its least value is at one of them.
        #[test]
        fn cvar_is_the_least_value_of_rockafellar_and_uryasev(
            losses in prop::collection::vec(-1e3..1e3_f64, 1..40), alpha in 0.0..0.999_f64,
        ) {
            let mass = losses.len() as f64 * (1.0 - alpha);
            let of = |z: f64| z + losses.iter().map(|l| (l - z).max(0.0)).sum::<f64>() / mass;
            let least = losses.iter().map(|z| of(*z)).fold(f64::INFINITY, f64::min);
            let ours = tail_risk(&losses, alpha).unwrap();
            // Sums of 40 numbers up to 1e3 over a mass of 1e-3 or more.
            prop_assert!((ours.cvar - least).abs() <= 1e-9 * (1.0 + least.abs()) + 1e-7, "{} {}", ours.cvar, least);
            prop_assert!((of(ours.var) - least).abs() <= 1e-7 * (1.0 + least.abs()));
        }
    }
}
