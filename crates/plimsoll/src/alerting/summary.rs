//! What became of the alerts of a run.

use serde::Serialize;

/// Of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ChannelSummary {
    pub(super) channel: String,
    /// Host or program.
    pub(super) to: String,
    pub(super) delivered: u64,
    /// Given up: they are not sent again.
    pub(super) failed: u64,
    /// The next start sends them.
    pub(super) left: u64,
    pub(super) last_failure: Option<String>,
}

/// Of all channels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Summary(pub(crate) Vec<ChannelSummary>);

impl Summary {
    /// True when every alert has arrived.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.iter().all(|channel| channel.failed == 0 && channel.left == 0)
    }

    /// One line, and one for each channel that did not deliver all.
    pub(crate) fn lines(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let sum = |of: fn(&ChannelSummary) -> u64| self.0.iter().map(of).sum::<u64>();
        let (delivered, failed, left) = (sum(|c| c.delivered), sum(|c| c.failed), sum(|c| c.left));
        let mut out =
            format!("alerts     {delivered} delivered, {failed} failed, {left} left for the next start\n");
        for ChannelSummary { channel, to, failed, left, last_failure, .. } in &self.0 {
            if failed + left > 0 {
                let why = last_failure.as_deref().unwrap_or("the run was over first");
                out.push_str(&format!("  channel {channel} ({to}): {failed} failed, {left} left: {why}\n"));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_did_not_deliver_all_is_named_with_its_reason() {
        let channel = |name: &str, failed, left, why: Option<&str>| ChannelSummary {
            channel: name.into(),
            to: "http://127.0.0.1:9".into(),
            delivered: 6,
            failed,
            left,
            last_failure: why.map(Into::into),
        };
        let summary = Summary(vec![
            channel("a", 0, 0, Some("it came late")),
            channel("desk", 1, 2, Some("the answer is 404")),
        ]);
        assert!(!summary.is_whole());
        assert_eq!(
            summary.lines(),
            "alerts     12 delivered, 1 failed, 2 left for the next start\n  channel desk (http://127.0.0.1:9): 1 failed, 2 left: the answer is 404\n"
        );
        assert_eq!(Summary::default().lines(), "");
        assert!(Summary::default().is_whole());
    }
}
