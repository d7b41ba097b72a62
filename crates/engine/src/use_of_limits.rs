//! Where every limit stands on every group: for whoever shows it.

use crate::limits::Level;
use crate::machine::Engine;
use crate::policy::Limit;
use risk::GroupKey;
use units::Fixed;

/// One limit on one group.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitUse<'a> {
    /// Which limit.
    pub limit: &'a Limit,
    /// Which group.
    pub group: Vec<GroupKey>,
    /// The figure, USD.
    pub value: Fixed,
    /// Its size as a share of the hard level.
    pub share: f64,
    /// The level that counts: a figure that has just crossed one may have to stay there first.
    pub level: Level,
    /// True when the group rests on stale quotes: the level stands still.
    pub is_stale: bool,
    /// Things held in the group that have no value: the figure lacks them.
    pub unvalued: usize,
}

impl Engine {
    /// Every limit on every group that it applies to, in the order of the policy.
    #[must_use]
    pub fn limit_use(&self) -> Vec<LimitUse<'_>> {
        let mut all = Vec::new();
        for (place, limit) in self.policy.limits.iter().enumerate() {
            let views = self.views();
            let watched = views.watched();
            let groups = watched.filter(|sums| sums.by == limit.group_by && sums.measure == limit.measure);
            for (group, figure) in groups.flat_map(|sums| sums.groups) {
                if !limit.applies(&group) {
                    continue;
                }
                let value = figure.sum;
                let standing = self.limits.standings.get(&(place, group.clone()));
                all.push(LimitUse {
                    limit,
                    group,
                    value,
                    share: value.abs().to_f64() / limit.hard.to_f64(),
                    level: standing.map_or(Level::Inside, |standing| standing.level),
                    is_stale: figure.underlyings.iter().any(|asset| self.stale.contains(asset)),
                    unvalued: figure.unvalued,
                });
            }
        }
        all
    }
}
