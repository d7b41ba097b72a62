//! One value an instant.

use std::collections::BTreeMap;

/// The mean of the values of each group, in the order of the groups.
#[must_use]
pub fn mean_by_group<K: Ord + Copy>(values: impl IntoIterator<Item = (K, f64)>) -> Vec<(K, f64)> {
    let mut sums: BTreeMap<K, (f64, u32)> = BTreeMap::new();
    for (group, value) in values {
        let slot = sums.entry(group).or_default();
        *slot = (slot.0 + value, slot.1 + 1);
    }
    sums.into_iter().map(|(group, (sum, count))| (group, sum / f64::from(count))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_in_their_order_with_their_means() {
        let means = mean_by_group([(2, 1.0), (1, 5.0), (2, 4.0)]);
        assert_eq!(means, vec![(1, 5.0), (2, 2.5)]);
    }
}
