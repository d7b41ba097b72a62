//! Exact sums of the measures that limits look at, by group, kept from event to event.
//!
//! Names are interned, groups have dense numbers: a price that moves adds differences to integers and reads no text.

use crate::limits::Scope;
use risk::{GroupBy, GroupKey, Measure, RowKind, kind_word};
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Fixed, Timestamp};

/// One sum that a limit looks at: a measure of the groups of one grouping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Columns.
    pub by: Vec<GroupBy>,
    /// Which figure, USD.
    pub measure: Measure,
    /// By group.
    pub groups: BTreeMap<Vec<GroupKey>, GroupFigure>,
}

/// One figure of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFigure {
    /// Exact sum, USD.
    pub sum: Fixed,
    /// Rows in it.
    pub rows: usize,
    /// Things held that belong here and have no value.
    pub unvalued: usize,
    /// Underlyings of its rows.
    pub underlyings: BTreeSet<Asset>,
}

/// A name, an expiry or a kind as a number.
pub(super) type Part = i64;
/// Parts of a group's key, in the order of its columns; the rest is zero.
type Parts = [Part; COLUMNS];
const COLUMNS: usize = 6;
/// A perpetual, spot or balance has no expiry: before all instants that occur.
const NO_EXPIRY: Part = Part::MIN;
const KINDS: [RowKind; 6] =
    [RowKind::Option, RowKind::Future, RowKind::Perpetual, RowKind::Spot, RowKind::Balance, RowKind::Gain];

/// Names by number, for as long as the engine lives: there are few accounts, venues, chains and assets.
#[derive(Debug, Clone, Default)]
struct Names {
    by_text: BTreeMap<String, Part>,
    texts: Vec<String>,
}

impl Names {
    fn part(&mut self, text: &str) -> Part {
        if let Some(part) = self.by_text.get(text) {
            return *part;
        }
        let part = Part::try_from(self.texts.len()).unwrap_or(Part::MAX);
        self.by_text.insert(text.to_owned(), part);
        self.texts.push(text.to_owned());
        part
    }

    fn text(&self, part: Part) -> String {
        usize::try_from(part).ok().and_then(|place| self.texts.get(place)).cloned().unwrap_or_default()
    }
}

/// Where a row belongs, by column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Belongs {
    pub(super) account: Part,
    pub(super) venue: Part,
    pub(super) chain: Part,
    pub(super) underlying: Part,
    pub(super) expiry: Option<Timestamp>,
    pub(super) kind: RowKind,
}

impl Belongs {
    fn parts(&self, by: &[GroupBy]) -> Parts {
        let mut parts = [0; COLUMNS];
        for (part, column) in parts.iter_mut().zip(by) {
            *part = match column {
                GroupBy::Underlying => self.underlying,
                GroupBy::Expiry => self.expiry.map_or(NO_EXPIRY, Timestamp::unix_nanos),
                GroupBy::Venue => self.venue,
                GroupBy::Chain => self.chain,
                GroupBy::Account => self.account,
                GroupBy::Kind => kind_part(self.kind),
            };
        }
        parts
    }
}

fn kind_part(kind: RowKind) -> Part {
    KINDS.iter().position(|of| *of == kind).and_then(|place| Part::try_from(place).ok()).unwrap_or(Part::MAX)
}

#[derive(Debug, Clone)]
struct Group {
    parts: Parts,
    key: Vec<GroupKey>,
    rows: usize,
    unvalued: usize,
    /// Rows of each underlying.
    underlyings: Vec<(Part, usize)>,
}

/// Number of a group in its grouping.
pub(super) type GroupId = u32;

#[derive(Debug, Clone)]
struct Grouping {
    by: Vec<GroupBy>,
    /// Places of its measures in [`Watch::measures`].
    measures: Vec<usize>,
    ids: BTreeMap<Parts, GroupId>,
    groups: Vec<Group>,
    /// By group, then measure of the grouping.
    sums: Vec<Fixed>,
    free: Vec<GroupId>,
    changed: Vec<GroupId>,
    /// By group: true for those in `changed`.
    has_changed: Vec<bool>,
}

/// Whether a thing counts by its rows or as one without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    Row,
    Unvalued,
}

/// The sums.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    names: Names,
    measures: Vec<Measure>,
    groupings: Vec<Grouping>,
    /// By measure: the groupings that it is summed by, and its column there.
    columns: Vec<Vec<(usize, usize)>>,
}

impl Watch {
    pub(super) fn part(&mut self, text: &str) -> Part {
        self.names.part(text)
    }

    /// Measures of every line, in the order of their figures.
    pub(super) fn measures(&self) -> &[Measure] {
        &self.measures
    }

    /// How many groups a line is in.
    pub(super) fn width(&self) -> usize {
        self.groupings.len()
    }

    /// Watches these and no others; everything held is to be put in again.
    pub(super) fn reset(&mut self, watched: &BTreeSet<(Vec<GroupBy>, Measure)>) {
        let measures: BTreeSet<Measure> = watched.iter().map(|(_, measure)| *measure).collect();
        self.measures = measures.into_iter().collect();
        let mut by: BTreeMap<&Vec<GroupBy>, Vec<usize>> = BTreeMap::new();
        for (columns, measure) in watched {
            let place = self.measures.iter().position(|of| of == measure);
            by.entry(columns).or_default().extend(place);
        }
        let grouping = |(by, measures): (&Vec<GroupBy>, Vec<usize>)| Grouping {
            by: by.clone(),
            measures,
            ids: BTreeMap::new(),
            groups: Vec::new(),
            sums: Vec::new(),
            free: Vec::new(),
            changed: Vec::new(),
            has_changed: Vec::new(),
        };
        self.groupings = by.into_iter().map(grouping).collect();
        let columns = |measure: usize| {
            let groupings = self.groupings.iter().enumerate();
            let column = |grouping: &Grouping| grouping.measures.iter().position(|of| *of == measure);
            groupings.filter_map(|(place, grouping)| Some((place, column(grouping)?))).collect()
        };
        self.columns = (0..self.measures.len()).map(columns).collect();
    }

    /// Numbers of the groups that something belongs to, one per grouping.
    pub(super) fn groups_of(&mut self, belongs: &Belongs, into: &mut Vec<GroupId>) {
        let Self { names, groupings, .. } = self;
        into.extend(groupings.iter_mut().map(|grouping| grouping.id(belongs, names)));
    }

    /// Counts a line in its groups.
    pub(super) fn count_in(&mut self, groups: &[GroupId], underlying: Part, counts: Counts) {
        for (grouping, id) in self.groupings.iter_mut().zip(groups) {
            grouping.touch(*id);
            let Some(group) = grouping.groups.get_mut(*id as usize) else { continue };
            match counts {
                Counts::Unvalued => group.unvalued += 1,
                Counts::Row => {
                    group.rows += 1;
                    match group.underlyings.iter_mut().find(|(of, _)| *of == underlying) {
                        Some((_, rows)) => *rows += 1,
                        None => group.underlyings.push((underlying, 1)),
                    }
                }
            }
        }
    }

    /// Takes a line out of the count of its groups; they stay until [`Self::release`].
    pub(super) fn count_out(&mut self, groups: &[GroupId], underlying: Part, counts: Counts) {
        for (grouping, id) in self.groupings.iter_mut().zip(groups) {
            grouping.touch(*id);
            let Some(group) = grouping.groups.get_mut(*id as usize) else { continue };
            match counts {
                Counts::Unvalued => group.unvalued = group.unvalued.saturating_sub(1),
                Counts::Row => {
                    group.rows = group.rows.saturating_sub(1);
                    for (_, rows) in group.underlyings.iter_mut().filter(|(of, _)| *of == underlying) {
                        *rows = rows.saturating_sub(1);
                    }
                    group.underlyings.retain(|(_, rows)| *rows > 0);
                }
            }
        }
    }

    /// Lets groups go that nothing belongs to any more.
    pub(super) fn release(&mut self, groups: &[GroupId]) {
        for (grouping, id) in self.groupings.iter_mut().zip(groups) {
            let is_empty = grouping.groups.get(*id as usize).is_some_and(Group::is_empty);
            let parts = grouping.groups.get(*id as usize).map(|group| group.parts);
            if let Some(parts) = parts.filter(|_| is_empty)
                && grouping.ids.remove(&parts).is_some()
            {
                grouping.free.push(*id);
            }
        }
    }

    /// Puts a figure of a line in the place of the one before.
    pub(super) fn replace(&mut self, groups: &[GroupId], measure: usize, difference: Fixed) {
        self.add(measure, std::iter::once(difference), groups, groups.len());
    }

    /// Adds differences of one measure of several lines, one after the other, to their groups; each line is in as many groups as `width`
    /// says, one per grouping.
    #[inline]
    pub(super) fn add(
        &mut self,
        measure: usize,
        differences: impl Iterator<Item = Fixed>,
        groups: &[GroupId],
        width: usize,
    ) {
        let columns = self.columns.get(measure).map(Vec::as_slice).unwrap_or_default();
        if let [(place, column)] = columns {
            let Some(grouping) = self.groupings.get_mut(*place) else { return };
            let ids = groups.iter().skip(*place).step_by(width.max(1));
            ids.zip(differences).for_each(|(id, difference)| grouping.add(*id, *column, difference));
            return;
        }
        for (ids, difference) in groups.chunks(width.max(1)).zip(differences) {
            for (place, column) in columns {
                if let (Some(grouping), Some(id)) = (self.groupings.get_mut(*place), ids.get(*place)) {
                    grouping.add(*id, *column, difference);
                }
            }
        }
    }

    /// The groups of one limit.
    pub(crate) fn of(&self, by: &[GroupBy], measure: Measure) -> Figures<'_> {
        let grouping = self.groupings.iter().find(|grouping| grouping.by == by);
        let place = self.measures.iter().position(|of| *of == measure);
        let column = grouping.and_then(|grouping| grouping.measures.iter().position(|of| Some(*of) == place));
        Figures { names: &self.names, grouping: grouping.zip(column) }
    }

    /// True when the policy names it: a sum that is not kept has no groups.
    pub(crate) fn is_watched(&self, by: &[GroupBy], measure: Measure) -> bool {
        self.of(by, measure).grouping.is_some()
    }

    /// Groups of one grouping that hold anything.
    pub(crate) fn groups(&self, by: &[GroupBy]) -> Vec<Vec<GroupKey>> {
        let grouping = self.groupings.iter().find(|grouping| grouping.by == by);
        let groups = grouping.into_iter().flat_map(|grouping| &grouping.groups);
        groups.filter(|group| !group.is_empty()).map(|group| group.key.clone()).collect()
    }

    /// Those of them that changed since this was last settled, and those that are gone since.
    pub(crate) fn changed(&self, by: &[GroupBy]) -> Vec<Vec<GroupKey>> {
        let Some(grouping) = self.groupings.iter().find(|grouping| grouping.by == by) else {
            return Vec::new();
        };
        let groups = grouping.changed.iter().filter_map(|id| grouping.groups.get(*id as usize));
        groups.map(|group| group.key.clone()).collect()
    }

    /// What changed has been seen.
    pub(crate) fn settle(&mut self) {
        for grouping in &mut self.groupings {
            for id in grouping.changed.drain(..) {
                if let Some(has_changed) = grouping.has_changed.get_mut(id as usize) {
                    *has_changed = false;
                }
            }
        }
    }

    pub(super) fn watched(&self) -> impl Iterator<Item = Watched> {
        self.groupings.iter().flat_map(move |grouping| {
            let column = move |(column, measure): (usize, &usize)| {
                let figures = Figures { names: &self.names, grouping: Some((grouping, column)) };
                let groups = grouping.ids.values().filter_map(|id| figures.at(*id));
                Some(Watched {
                    by: grouping.by.clone(),
                    measure: *self.measures.get(*measure)?,
                    groups: groups.map(|(group, figure)| (group.key.clone(), figure)).collect(),
                })
            };
            grouping.measures.iter().enumerate().filter_map(column)
        })
    }
}

impl Group {
    fn is_empty(&self) -> bool {
        self.rows == 0 && self.unvalued == 0
    }
}

impl Grouping {
    fn id(&mut self, belongs: &Belongs, names: &Names) -> GroupId {
        let parts = belongs.parts(&self.by);
        if let Some(id) = self.ids.get(&parts) {
            return *id;
        }
        let key = self.by.iter().zip(parts).map(|(column, part)| match column {
            GroupBy::Expiry => GroupKey::Expiry(belongs.expiry),
            GroupBy::Kind => GroupKey::Text(kind_word(belongs.kind).into()),
            _ => GroupKey::Text(names.text(part)),
        });
        let key = key.collect();
        let group = Group { parts, key, rows: 0, unvalued: 0, underlyings: Vec::new() };
        let width = self.measures.len();
        let id = match self.free.pop() {
            Some(id) => {
                let place = id as usize;
                if let Some(old) = self.groups.get_mut(place) {
                    *old = group;
                }
                for sum in self.sums.iter_mut().skip(place * width).take(width) {
                    *sum = Fixed::ZERO;
                }
                id
            }
            None => {
                let id = GroupId::try_from(self.groups.len()).unwrap_or(GroupId::MAX);
                self.groups.push(group);
                self.has_changed.push(false);
                self.sums.extend(std::iter::repeat_n(Fixed::ZERO, width));
                id
            }
        };
        self.ids.insert(parts, id);
        id
    }

    #[inline]
    fn touch(&mut self, id: GroupId) {
        if let Some(has_changed) = self.has_changed.get_mut(id as usize)
            && !*has_changed
        {
            *has_changed = true;
            self.changed.push(id);
        }
    }

    #[inline]
    fn add(&mut self, id: GroupId, column: usize, difference: Fixed) {
        if difference.is_zero() {
            return;
        }
        let place = id as usize * self.measures.len() + column;
        if let Some(sum) = self.sums.get_mut(place) {
            *sum += difference;
        }
        self.touch(id);
    }
}

/// One measure of the groups of one grouping.
pub(crate) struct Figures<'a> {
    names: &'a Names,
    grouping: Option<(&'a Grouping, usize)>,
}

impl Figures<'_> {
    fn sum(&self, id: GroupId) -> Option<Fixed> {
        let (grouping, column) = self.grouping?;
        grouping.sums.get(id as usize * grouping.measures.len() + column).copied()
    }

    fn at(&self, id: GroupId) -> Option<(&Group, GroupFigure)> {
        let (grouping, _) = self.grouping?;
        let group = grouping.groups.get(id as usize).filter(|group| !group.is_empty())?;
        let names = group.underlyings.iter().filter_map(|(part, _)| Asset::new(&self.names.text(*part)).ok());
        let (rows, unvalued) = (group.rows, group.unvalued);
        Some((group, GroupFigure { sum: self.sum(id)?, rows, unvalued, underlyings: names.collect() }))
    }

    /// One group.
    pub(crate) fn get(&self, key: &[GroupKey]) -> Option<GroupFigure> {
        let (grouping, _) = self.grouping?;
        let mut parts = [0; COLUMNS];
        for ((part, column), key) in parts.iter_mut().zip(&grouping.by).zip(key) {
            *part = match (column, key) {
                (GroupBy::Kind, GroupKey::Text(text)) => {
                    kind_part(*KINDS.iter().find(|kind| kind_word(**kind) == text)?)
                }
                (_, GroupKey::Text(text)) => *self.names.by_text.get(text)?,
                (_, GroupKey::Expiry(expiry)) => expiry.map_or(NO_EXPIRY, Timestamp::unix_nanos),
            };
        }
        Some(self.at(*grouping.ids.get(&parts)?)?.1)
    }

    /// Keys of the groups whose figure is of a size or over it, of those that changed or of all. A smaller figure moves no level that
    /// stands at none.
    pub(crate) fn reaching(&self, size: Fixed, scope: Scope) -> Vec<Vec<GroupKey>> {
        let Some((grouping, _)) = self.grouping else { return Vec::new() };
        let reaches = |id: &GroupId| self.sum(*id).is_some_and(|sum| sum.abs() >= size);
        let key = |id: GroupId| {
            let group = grouping.groups.get(id as usize).filter(|group| !group.is_empty());
            group.map(|group| group.key.clone())
        };
        match scope {
            Scope::All => grouping.ids.values().copied().filter(reaches).filter_map(key).collect(),
            Scope::Changed => grouping.changed.iter().copied().filter(reaches).filter_map(key).collect(),
        }
    }
}
