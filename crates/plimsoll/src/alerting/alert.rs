//! What the engine said, as alerts: one each, or many folded into one.

use super::routes::{Channel, Severity};
use engine::{Closed, Output};
use journal::{OutputId, Released};
use server::Said;
use std::collections::{BTreeMap, BTreeSet};
use units::Timestamp;

/// A longer text is cut: it is in the journal.
const LONGEST: usize = 1_000;
/// So many texts of a fold are told, the gravest first.
const TOLD: usize = 10;

/// One thing said, on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alert {
    pub(super) id: OutputId,
    /// Of the event.
    pub(super) time: Timestamp,
    pub(super) kind: &'static str,
    pub(super) severity: Severity,
    /// Limits, hedges, triggers and collateral rules that it is of.
    pub(super) rules: Vec<String>,
    pub(super) text: String,
    pub(super) origin: Origin,
    echo: Echo,
}

/// Where an alert was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// In this run.
    Live,
    /// Derived again from the journal, because nobody had confirmed it: it may have been delivered.
    Again,
}

/// A trigger with the action `alert` says the same twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Echo {
    None,
    /// The next output is its alert.
    Follows,
}

impl Alert {
    /// The alerts in what was released together, each at the time of its event.
    pub(super) fn of(
        outputs: &[Released<Output>],
        time_of: impl Fn(OutputId) -> Timestamp,
        origin: Origin,
    ) -> Vec<Self> {
        // What a rule has carried out at once asks nobody for anything.
        let closed = outputs.iter().filter_map(|released| match &released.output {
            Output::ProposalClosed { id, why: Closed::Automatic } => Some((released.id.seq, *id)),
            _ => None,
        });
        let automatic: BTreeSet<_> = closed.collect();
        let mut alerts = Vec::new();
        for (place, Released { id, output }) in outputs.iter().enumerate() {
            let time = time_of(*id);
            let Some(said) = Said::of((id.seq, id.index), time, output) else { continue };
            let is_done = match output {
                Output::Proposed(proposal) => automatic.contains(&(id.seq, proposal.id)),
                Output::TransferProposed(proposal) => automatic.contains(&(id.seq, proposal.id)),
                _ => false,
            };
            let severity = Severity::of(said.severity).unwrap_or(Severity::Act);
            alerts.push(Self {
                id: *id,
                time,
                kind: said.kind,
                severity: if is_done { Severity::Info } else { severity },
                rules: rules(output, place.checked_sub(1).and_then(|before| outputs.get(before))),
                text: cut(&said.text),
                origin,
                echo: echo(output, outputs.get(place + 1)),
            });
        }
        alerts
    }

    /// True when a channel takes it.
    pub(super) fn is_for(&self, channel: &Channel) -> bool {
        let takes = |kind: &str| channel.kinds.is_empty() || channel.kinds.contains(kind);
        // A trigger whose alert goes the same way says nothing besides it.
        let is_echoed = self.echo == Echo::Follows && takes("alert");
        self.severity >= channel.severity
            && takes(self.kind)
            && !is_echoed
            && (channel.rules.is_empty() || self.rules.iter().any(|rule| channel.rules.contains(rule)))
    }
}

fn echo(output: &Output, next: Option<&Released<Output>>) -> Echo {
    match (output, next.map(|next| &next.output)) {
        (Output::Trigger(change), Some(Output::Alert { text })) if *text == change.to_string() => {
            Echo::Follows
        }
        _ => Echo::None,
    }
}

/// The rules that an output is of, as far as it or the one before it names them.
fn rules(output: &Output, before: Option<&Released<Output>>) -> Vec<String> {
    match output {
        Output::Level(change) => vec![change.limit.clone()],
        Output::Trigger(change) => vec![change.trigger.clone()],
        Output::Proposed(proposal) => vec![proposal.rule.clone()],
        Output::TransferProposed(proposal) => vec![proposal.rule.clone()],
        Output::HeldBack { rule, .. } => vec![rule.clone()],
        Output::Alert { text } => match before.map(|before| &before.output) {
            Some(Output::Trigger(change)) if *text == change.to_string() => vec![change.trigger.clone()],
            _ => Vec::new(),
        },
        // `NAME: GROUP ...`, where a name may have the separator in it, too: each beginning may be the name.
        Output::StateChanged { because, .. } => because.iter().flat_map(|why| beginnings(why)).collect(),
        _ => Vec::new(),
    }
}

/// What stands before each `: `.
fn beginnings(text: &str) -> impl Iterator<Item = String> {
    text.match_indices(": ").map(|(end, _)| text.get(..end).unwrap_or_default().to_owned())
}

/// At most so many characters.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Many alerts as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fold {
    pub(super) alerts: u64,
    pub(super) first: OutputId,
    pub(super) last: OutputId,
    /// Of the last.
    pub(super) time: Timestamp,
    /// The gravest.
    pub(super) severity: Severity,
    pub(super) kinds: BTreeMap<&'static str, u64>,
    pub(super) origin: Origin,
    texts: Vec<(Severity, String)>,
}

impl Fold {
    /// Of one; more are added.
    pub(super) fn begin(alert: &Alert) -> Self {
        let mut fold = Self {
            alerts: 0,
            first: alert.id,
            last: alert.id,
            time: alert.time,
            severity: alert.severity,
            kinds: BTreeMap::new(),
            origin: alert.origin,
            texts: Vec::new(),
        };
        fold.add(alert);
        fold
    }

    /// One more, later than all before.
    pub(super) fn add(&mut self, alert: &Alert) {
        self.alerts += 1;
        (self.last, self.time) = (alert.id, alert.time);
        self.severity = self.severity.max(alert.severity);
        *self.kinds.entry(alert.kind).or_default() += 1;
        self.tell(alert.severity, &alert.text);
    }

    /// Another fold, later than all before.
    pub(super) fn join(&mut self, later: &Self) {
        self.alerts += later.alerts;
        (self.last, self.time) = (later.last, later.time);
        self.severity = self.severity.max(later.severity);
        for (kind, count) in &later.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        for (severity, text) in &later.texts {
            self.tell(*severity, text);
        }
    }

    /// Keeps the gravest texts, of equals the first.
    fn tell(&mut self, severity: Severity, text: &str) {
        let place = self.texts.partition_point(|(other, _)| *other >= severity);
        self.texts.insert(place, (severity, text.to_owned()));
        self.texts.truncate(TOLD);
    }

    /// The gravest texts; the others are in the journal.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// What is sent at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// One alert.
    One(Alert),
    /// Several.
    Folded(Fold),
}

impl Message {
    /// How many alerts it stands for.
    pub(super) const fn alerts(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Folded(fold) => fold.alerts,
        }
    }

    /// Its last alert.
    pub(super) const fn last(&self) -> OutputId {
        match self {
            Self::One(alert) => alert.id,
            Self::Folded(fold) => fold.last,
        }
    }

    /// `1204.3`, or `1200.0-1204.3` of several.
    pub(super) fn id(&self) -> String {
        match self {
            Self::One(alert) => id_text(alert.id),
            Self::Folded(fold) => format!("{}-{}", id_text(fold.first), id_text(fold.last)),
        }
    }
}

/// `RECORD.INDEX`.
pub(super) fn id_text(id: OutputId) -> String {
    format!("{}.{}", id.seq, id.index)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use engine::{Level, LevelChange, State, TriggerChange, Turn};
    use journal::Seq;
    use units::Fixed;

    /// An alert of a test.
    pub(in super::super) fn alert(record: u64, severity: Severity) -> Alert {
        Alert {
            id: OutputId { seq: Seq::new(record), index: 0 },
            time: Timestamp::from_unix_nanos(0),
            kind: "level",
            severity,
            rules: vec!["delta".into()],
            text: format!("level: delta, {record}"),
            origin: Origin::Live,
            echo: Echo::None,
        }
    }

    fn channel(text: &str) -> Channel {
        let text = format!(
            "[[channel]]\nname = 'c'\nseverity = 'act'\nwebhook = {{ url = 'http://127.0.0.1:1' }}\n{text}"
        );
        super::super::routes::tests::parse(&text).unwrap().channels.remove(0)
    }

    fn of(outputs: Vec<Output>) -> Vec<Alert> {
        let released: Vec<Released<Output>> = (0..)
            .zip(outputs)
            .map(|(index, output)| Released { id: OutputId { seq: Seq::new(7), index }, output })
            .collect();
        Alert::of(&released, |_| Timestamp::from_unix_nanos(0), Origin::Live)
    }

    fn fired(turn: Turn) -> Vec<Output> {
        fired_of("thin margin", turn)
    }

    fn fired_of(trigger: &str, turn: Turn) -> Vec<Output> {
        let change = TriggerChange { trigger: trigger.into(), group: Vec::new(), turn, seen: String::new() };
        let text = change.to_string();
        vec![Output::Trigger(change), Output::Alert { text }]
    }

    #[test]
    fn a_trigger_and_its_alert_are_one_message() {
        let alerts = of(fired(Turn::Fired));
        let taken = |channel: &Channel| -> Vec<&str> {
            alerts.iter().filter(|alert| alert.is_for(channel)).map(|alert| alert.kind).collect()
        };
        assert_eq!(taken(&channel("")), ["alert"]);
        assert_eq!(taken(&channel("kinds = ['trigger']")), ["trigger"], "asked for by kind");
        assert_eq!(taken(&channel("rules = ['thin margin']")), ["alert"], "the alert is of its trigger");
        assert_eq!(taken(&channel("rules = ['another']")), [""; 0]);
    }

    /// Names may have what sets them apart in an output's words.
    #[test]
    fn a_rule_of_any_name_reaches_the_channel_that_is_of_it() {
        for name in ["deep, wide", "deep: wide", "trigger x, y: z"] {
            let alerts = of(fired_of(name, Turn::Fired));
            let channel = channel(&format!("rules = ['{name}']"));
            let taken: Vec<&str> =
                alerts.iter().filter(|alert| alert.is_for(&channel)).map(|alert| alert.kind).collect();
            assert_eq!(taken, ["alert"], "{name}");
            let because = vec![format!("{name}: BTC hard")];
            let state = Output::StateChanged { from: State::Normal, to: State::Paused, because };
            assert!(of(vec![state])[0].is_for(&channel), "{name}");
        }
    }

    #[test]
    fn a_trigger_in_doubt_is_an_alert_to_act_on() {
        let alerts = of(fired(Turn::InDoubt { why: "BTC is stale".into() }));
        let severities: Vec<Severity> = alerts.iter().map(|alert| alert.severity).collect();
        assert_eq!(severities, [Severity::Warn, Severity::Act]);
    }

    #[test]
    fn rules_are_those_that_the_output_names() {
        let level = LevelChange {
            limit: "delta".into(),
            group: Vec::new(),
            from: Level::Inside,
            to: Level::Hard,
            value: Fixed::default(),
        };
        let because = vec!["delta: BTC hard".into(), "thin margin: desk".into(), "a person".into()];
        let state = Output::StateChanged { from: State::Normal, to: State::ReduceOnly, because };
        let alerts = of(vec![Output::Level(level), state, Output::Alert { text: "no trigger".into() }]);
        assert_eq!(alerts[0].rules, ["delta"]);
        assert_eq!(alerts[1].rules, ["delta", "thin margin"]);
        assert_eq!(alerts[2].rules, [""; 0]);
    }

    #[test]
    fn severity_is_at_least_what_a_channel_asks() {
        let asks = channel("");
        assert!(alert(1, Severity::Act).is_for(&asks));
        assert!(!alert(1, Severity::Warn).is_for(&asks));
    }

    #[test]
    fn a_fold_counts_all_and_tells_the_gravest() {
        let mut fold = Fold::begin(&alert(1, Severity::Info));
        for record in 2..=50 {
            fold.add(&alert(record, if record == 40 { Severity::Act } else { Severity::Info }));
        }
        assert_eq!((fold.alerts, fold.severity), (50, Severity::Act));
        assert_eq!(fold.kinds["level"], 50);
        assert_eq!(fold.texts().len(), TOLD);
        assert_eq!(fold.texts()[..2], ["level: delta, 40", "level: delta, 1"]);
        assert_eq!(Message::Folded(fold).id(), "1.0-50.0");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = cut(&"é".repeat(LONGEST + 1));
        assert_eq!(text.chars().count(), LONGEST + "...".len());
        assert_eq!(cut("short"), "short");
    }
}
