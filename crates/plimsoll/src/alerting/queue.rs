//! What waits for one channel: bounded, in order, and at most so many messages a minute.
//!
//! Nothing is dropped. What comes when the list is full, and what has waited for a minute's end, is folded into one message that says how many
//! and which. Pure: time comes in as milliseconds.

use super::alert::{Alert, Fold, Message};
use std::collections::VecDeque;

/// So many wait one by one; what comes on top is folded.
pub(super) const KEPT: usize = 1_000;
const MINUTE_MILLIS: u64 = 60_000;

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Send this.
    Send(Message),
    /// Nothing may be sent before this time, milliseconds.
    Wait(u64),
    /// Nothing waits.
    Nothing,
}

/// Whether a minute's end is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is.
    Running,
    /// The run ends: what waits goes now, in one message if it is too much.
    Closing,
}

/// Alerts of one channel, in order.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: VecDeque<Alert>,
    /// What came later than all that wait.
    more: Option<Fold>,
    /// When the messages of the last minute were handed out, milliseconds.
    sent: VecDeque<u64>,
    most_per_minute: usize,
    /// True from the moment that something had to wait: what waits then goes as one message.
    is_over: bool,
}

impl Queue {
    pub(super) fn new(most_per_minute: u32) -> Self {
        Self {
            waiting: VecDeque::new(),
            more: None,
            sent: VecDeque::new(),
            most_per_minute: most_per_minute as usize,
            is_over: false,
        }
    }

    /// Takes an alert that is later than all before.
    pub(super) fn push(&mut self, alert: Alert) {
        match &mut self.more {
            Some(fold) => fold.add(&alert),
            None if self.waiting.len() >= KEPT => self.more = Some(Fold::begin(&alert)),
            None => self.waiting.push_back(alert),
        }
    }

    /// Alerts that wait.
    pub(super) fn alerts(&self) -> u64 {
        self.waiting.len() as u64 + self.more.as_ref().map_or(0, |fold| fold.alerts)
    }

    /// The next message, if one may go.
    pub(super) fn next(&mut self, now_millis: u64, phase: Phase) -> Next {
        if self.alerts() == 0 {
            return Next::Nothing;
        }
        while self.sent.front().is_some_and(|sent| sent + MINUTE_MILLIS <= now_millis) {
            self.sent.pop_front();
        }
        if self.sent.len() >= self.most_per_minute {
            self.is_over = true;
            if let (Some(first), Phase::Running) = (self.sent.front(), phase) {
                return Next::Wait(first + MINUTE_MILLIS);
            }
        }
        let message = if std::mem::take(&mut self.is_over) { self.all() } else { self.first() };
        let Some(message) = message else { return Next::Nothing };
        self.sent.push_back(now_millis);
        Next::Send(message)
    }

    fn first(&mut self) -> Option<Message> {
        let first = self.waiting.pop_front().map(Message::One);
        first.or_else(|| self.more.take().map(Message::Folded))
    }

    /// All that waits, as one message.
    fn all(&mut self) -> Option<Message> {
        if self.alerts() == 1 {
            return self.first();
        }
        let mut fold: Option<Fold> = None;
        for alert in std::mem::take(&mut self.waiting) {
            match &mut fold {
                Some(fold) => fold.add(&alert),
                None => fold = Some(Fold::begin(&alert)),
            }
        }
        let fold = match (fold, self.more.take()) {
            (Some(mut fold), Some(more)) => {
                fold.join(&more);
                Some(fold)
            }
            (fold, more) => fold.or(more),
        };
        fold.map(Message::Folded)
    }
}

#[cfg(test)]
mod tests {
    use super::super::alert::tests::alert;
    use super::super::routes::Severity;
    use super::*;

    fn filled(most_per_minute: u32, alerts: u64) -> Queue {
        let mut queue = Queue::new(most_per_minute);
        (1..=alerts).for_each(|record| queue.push(alert(record, Severity::Act)));
        queue
    }

    fn sent(queue: &mut Queue, now: u64, phase: Phase) -> Vec<String> {
        let mut ids = Vec::new();
        while let Next::Send(message) = queue.next(now, phase) {
            ids.push(message.id());
        }
        ids
    }

    #[test]
    fn what_is_over_the_rate_goes_as_one_when_the_minute_is_over() {
        let mut queue = filled(2, 5);
        assert_eq!(sent(&mut queue, 0, Phase::Running), ["1.0", "2.0"]);
        assert_eq!(queue.next(59_999, Phase::Running), Next::Wait(60_000));
        queue.push(alert(6, Severity::Act));
        assert_eq!(sent(&mut queue, 60_000, Phase::Running), ["3.0-6.0"]);
        assert_eq!(queue.alerts(), 0);
        queue.push(alert(7, Severity::Act));
        assert_eq!(sent(&mut queue, 60_001, Phase::Running), ["7.0"], "one by one again");
    }

    #[test]
    fn one_that_waited_alone_is_not_folded() {
        let mut queue = filled(1, 2);
        assert_eq!(sent(&mut queue, 0, Phase::Running), ["1.0"]);
        assert_eq!(sent(&mut queue, 60_000, Phase::Running), ["2.0"]);
    }

    #[test]
    fn at_the_end_nothing_waits_for_a_minute() {
        let mut queue = filled(2, 5);
        assert_eq!(sent(&mut queue, 0, Phase::Running), ["1.0", "2.0"]);
        assert_eq!(sent(&mut queue, 1, Phase::Closing), ["3.0-5.0"]);
    }

    #[test]
    fn a_full_list_folds_what_comes_and_loses_none() {
        let more = 7;
        let mut queue = filled(u32::MAX, KEPT as u64 + more);
        assert_eq!(queue.alerts(), KEPT as u64 + more);
        assert_eq!(queue.waiting.len(), KEPT, "bounded");
        let ids = sent(&mut queue, 0, Phase::Running);
        assert_eq!(ids.len(), KEPT + 1);
        assert_eq!(ids[KEPT], format!("{}.0-{}.0", KEPT + 1, KEPT as u64 + more));
    }

    /// Any pushes and times: every alert is handed out once, in order, and no minute has more messages than it may.
    #[test]
    fn every_alert_is_in_one_message_and_no_minute_has_too_many() {
        for most in 1..6_u32 {
            let mut queue = Queue::new(most);
            let (mut record, mut handed, mut times) = (0, 0, Vec::new());
            for step in 0..600_u64 {
                let now = step * 977;
                for _ in 0..(step * 7919 % 5) {
                    record += 1;
                    queue.push(alert(record, Severity::Warn));
                }
                while let Next::Send(message) = queue.next(now, Phase::Running) {
                    handed += message.alerts();
                    assert_eq!(message.last().seq.get(), handed, "in order, none missing");
                    times.push(now);
                }
            }
            assert_eq!(handed + queue.alerts(), record);
            for (place, time) in times.iter().enumerate() {
                let in_minute = times[place..].iter().take_while(|t| **t < time + MINUTE_MILLIS).count();
                assert!(in_minute <= most as usize, "{in_minute} messages in the minute from {time}");
            }
        }
    }
}
