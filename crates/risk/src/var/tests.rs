#![allow(clippy::float_cmp)] // exact figures are compared on purpose

use super::*;
use proptest::prelude::*;

fn fixed(values: &[f64]) -> Vec<Fixed> {
    values.iter().map(|v| Fixed::quantise(*v).unwrap()).collect()
}

#[test]
fn a_fractional_tail_takes_part_of_the_quantile_scenario() {
    // 250 scenarios at 99 %: m = 2.5.
    let pnl = fixed(&(0..250).map(|i| f64::from(i) - 100.0).collect::<Vec<_>>());
    let tail = Tail::new(&pnl, Confidence::new(0.99).unwrap()).unwrap();
    assert_eq!(tail.var(&pnl).to_f64(), 98.0);
    assert_eq!(tail.expected_shortfall(&pnl).unwrap().to_f64(), (100.0 + 99.0 + 0.5 * 98.0) / 2.5);
}

#[test]
fn of_equal_losses_the_earlier_is_the_worse() {
    let pnl = fixed(&[0.0, -5.0, -5.0, 1.0]);
    let tail = Tail::new(&pnl, Confidence::new(0.75).unwrap()).unwrap();
    assert_eq!(tail.scenarios(), [1, 2]);
    assert_eq!(tail.scenario(), 2);
}

#[test]
fn a_tail_beyond_the_sample_is_refused() {
    let pnl = fixed(&[-1.0; 99]);
    let error = Tail::new(&pnl, Confidence::new(0.99).unwrap()).unwrap_err().to_string();
    assert!(error.contains("99 scenarios") && error.contains("at least 100"), "{error}");
    for bad in [0.0, 1.0, 0.49, 1.5, f64::NAN, 0.999_999_9] {
        assert!(Confidence::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn var_of_two_books_together_may_exceed_the_sum_of_theirs_and_es_not() {
    // The textbook case: two positions that rarely lose, each below the tail alone.
    let pnl = |lossy: [usize; 4]| {
        fixed(&(0..100).map(|i| if lossy.contains(&i) { -100.0 } else { 1.0 }).collect::<Vec<_>>())
    };
    let (a, b) = (pnl([0, 1, 2, 3]), pnl([50, 51, 52, 53]));
    let both: Vec<Fixed> = a.iter().zip(&b).map(|(a, b)| *a + *b).collect();
    let level = Confidence::new(0.95).unwrap();
    let figures = |pnl: &[Fixed]| {
        let tail = Tail::new(pnl, level).unwrap();
        (tail.var(pnl).to_f64(), tail.expected_shortfall(pnl).unwrap().to_f64())
    };
    let (alone, together) = (figures(&a), figures(&both));
    assert_eq!(alone.0, -1.0);
    assert_eq!(together.0, 99.0, "eight losing scenarios reach a tail of five");
    assert!(together.1 <= 2.0 * alone.1);
}

proptest! {
    #[test]
    fn shares_add_up_to_the_rounded_whole(numerators in prop::collection::vec(-1_000_000_000i128..1_000_000_000, 1..20), divisor in 1i128..10_000) {
        let parts = shares(&numerators, divisor);
        let total: Fixed = parts.iter().copied().sum();
        prop_assert_eq!(total.raw(), rounded(numerators.iter().sum(), divisor));
        for (part, numerator) in parts.iter().zip(&numerators) {
            prop_assert!((part.raw() * divisor - numerator).abs() <= divisor, "a share is off by less than a quantum");
        }
    }

    /// The twin: sort, cut, average in f64.
    #[test]
    fn var_and_es_are_those_of_the_sorted_list(values in prop::collection::vec(-1e6..1e6f64, 100..300), level in 0.9..0.989f64) {
        let pnl = fixed(&values);
        let confidence = Confidence::new(level).unwrap();
        let tail = Tail::new(&pnl, confidence).unwrap();
        let mut losses: Vec<f64> = pnl.iter().map(|p| -p.to_f64()).collect();
        losses.sort_by(|a, b| b.total_cmp(a));
        let m = losses.len() as f64 * confidence.tail();
        // Counted in millionths, as the definition says: m itself may round across an integer.
        let whole = (losses.len() as u64 * (1e6 * confidence.tail()).round() as u64 / 1_000_000) as usize;
        prop_assert_eq!(tail.var(&pnl).to_f64(), losses[whole]);
        let es = (losses[..whole].iter().sum::<f64>() + (m - whole as f64) * losses[whole]) / m;
        // A few hundred roundings of numbers up to 1e6.
        prop_assert!((tail.expected_shortfall(&pnl).unwrap().to_f64() - es).abs() < 1e-6);
        prop_assert!(tail.expected_shortfall(&pnl).unwrap() >= tail.var(&pnl));
    }
}
