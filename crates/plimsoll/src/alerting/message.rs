//! Messages as bytes: `plimsoll.alert/1`, text for chats, words in the arguments of a command, the signature.

use super::alert::{Alert, Message, Origin, id_text};
use super::routes::{Format, Hidden};
use ring::hmac;
use serde::Serialize;
use std::collections::BTreeMap;
use units::Timestamp;

/// Words that an argument of a command may have in braces.
pub(super) const WORDS: [&str; 7] = ["channel", "id", "kind", "rules", "severity", "text", "time"];
/// A chat's message is at most so long: Discord takes 2,000 characters.
const LONGEST_CHAT: usize = 1_800;

/// A message, ready to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parcel {
    /// For `Idempotency-Key`: sender and id.
    pub(super) key: String,
    /// For logs.
    pub(super) id: String,
    pub(super) body: String,
    /// For the arguments of a command.
    pub(super) words: BTreeMap<&'static str, String>,
}

/// Who sends, by which channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// Which journal's alerts: ids are unique in one.
    pub(super) sender: &'a str,
    pub(super) channel: &'a str,
}

#[derive(Serialize)]
struct AlertJson<'a> {
    schema: &'static str,
    id: &'a str,
    sender: &'a str,
    channel: &'a str,
    kind: &'a str,
    severity: &'static str,
    rules: &'a [String],
    record: u64,
    index: u32,
    time: Timestamp,
    text: &'a str,
    again: bool,
    test: bool,
    folded: Option<FoldedJson<'a>>,
}

#[derive(Serialize)]
struct FoldedJson<'a> {
    alerts: u64,
    first: String,
    last: String,
    kinds: BTreeMap<&'static str, u64>,
    texts: Vec<&'a str>,
}

#[derive(Serialize)]
struct ChatJson {
    text: String,
}

impl Parcel {
    /// A message in a format.
    pub(super) fn of(message: &Message, from: Source<'_>, format: Format) -> Self {
        match message {
            Message::One(alert) => Self::alert(alert, from, format),
            Message::Folded(fold) => {
                let kinds: Vec<String> =
                    fold.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
                let text = format!(
                    "{} alerts in one: {}: {}",
                    fold.alerts,
                    kinds.join(", "),
                    fold.texts().join("; ")
                );
                let json = AlertJson {
                    schema: SCHEMA,
                    id: &message.id(),
                    sender: from.sender,
                    channel: from.channel,
                    kind: "folded",
                    severity: fold.severity.word(),
                    rules: &[],
                    record: fold.last.seq.get(),
                    index: fold.last.index,
                    time: fold.time,
                    text: &text,
                    again: fold.origin == Origin::Again,
                    test: false,
                    folded: Some(FoldedJson {
                        alerts: fold.alerts,
                        first: id_text(fold.first),
                        last: id_text(fold.last),
                        kinds: fold.kinds.clone(),
                        texts: fold.texts(),
                    }),
                };
                Self::packed(&json, format)
            }
        }
    }

    /// A test of a channel at an instant.
    pub(super) fn test(channel: &str, now: Timestamp, format: Format) -> Self {
        let json = AlertJson {
            schema: SCHEMA,
            id: "test",
            sender: &format!("test-{}", now.unix_nanos()),
            channel,
            kind: "test",
            severity: "act",
            rules: &[],
            record: 0,
            index: 0,
            time: now,
            text: "a test of this channel by plimsoll alert test: nothing has happened",
            again: false,
            test: true,
            folded: None,
        };
        Self::packed(&json, format)
    }

    fn alert(alert: &Alert, from: Source<'_>, format: Format) -> Self {
        let json = AlertJson {
            schema: SCHEMA,
            id: &id_text(alert.id),
            sender: from.sender,
            channel: from.channel,
            kind: alert.kind,
            severity: alert.severity.word(),
            rules: &alert.rules,
            record: alert.id.seq.get(),
            index: alert.id.index,
            time: alert.time,
            text: &alert.text,
            again: alert.origin == Origin::Again,
            test: false,
            folded: None,
        };
        Self::packed(&json, format)
    }

    fn packed(json: &AlertJson<'_>, format: Format) -> Self {
        let body = match format {
            Format::Plimsoll => serde_json::to_string(json),
            Format::Slack => serde_json::to_string(&ChatJson { text: chat(json) }),
        };
        let words = [
            ("channel", json.channel.to_owned()),
            ("id", json.id.to_owned()),
            ("kind", json.kind.to_owned()),
            ("rules", json.rules.join(", ")),
            ("severity", json.severity.to_owned()),
            ("text", json.text.to_owned()),
            ("time", json.time.to_string()),
        ];
        Self {
            key: format!("{}:{}", json.sender, json.id),
            id: json.id.to_owned(),
            // Texts and numbers only: there is nothing in it that could fail.
            body: body.unwrap_or_default(),
            words: words.into_iter().collect(),
        }
    }

    /// An argument with its words filled in. What is put in is not looked at again.
    pub(super) fn fill(&self, argument: &str) -> String {
        let mut out = String::new();
        let mut rest = argument;
        while let Some(start) = rest.find('{') {
            out.push_str(&rest[..start]);
            rest = &rest[start..];
            let word = rest[1..].split_once('}').and_then(|(word, _)| Some((word, self.words.get(word)?)));
            if let Some((word, value)) = word {
                out.push_str(value);
                rest = &rest[word.len() + 2..];
            } else {
                out.push('{');
                rest = &rest[1..];
            }
        }
        out + rest
    }
}

const SCHEMA: &str = "plimsoll.alert/1";

/// One line for people. `&`, `<` and `>` have a meaning in Slack's text.
fn chat(json: &AlertJson<'_>) -> String {
    let again = if json.again { ", perhaps once more" } else { "" };
    let line = format!("[{}] {} ({}, {}{again})", json.severity, json.text, json.id, json.time);
    let escaped = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    match escaped.char_indices().nth(LONGEST_CHAT) {
        Some((end, _)) => format!("{}...", &escaped[..end]),
        None => escaped,
    }
}

/// HMAC-SHA256 of `SECONDS.BODY` as `t=SECONDS,v1=HEX`: the receiver computes it again and refuses what is old.
pub(super) fn signature(secret: &Hidden, unix_seconds: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
    let tag = hmac::sign(&key, format!("{unix_seconds}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={unix_seconds},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::super::alert::Fold;
    use super::super::alert::tests::alert;
    use super::super::routes::Severity;
    use super::*;
    use serde_json::Value;

    const FROM: Source<'_> = Source { sender: "0123", channel: "desk" };

    fn json(message: &Message) -> Value {
        serde_json::from_str(&Parcel::of(message, FROM, Format::Plimsoll).body).unwrap()
    }

    #[test]
    fn one_alert_is_told_whole() {
        let parcel = Parcel::of(&Message::One(alert(12, Severity::Act)), FROM, Format::Plimsoll);
        assert_eq!(parcel.key, "0123:12.0");
        assert_eq!(
            parcel.body,
            r#"{"schema":"plimsoll.alert/1","id":"12.0","sender":"0123","channel":"desk","kind":"level","severity":"act","rules":["delta"],"record":12,"index":0,"time":"1970-01-01T00:00:00Z","text":"level: delta, 12","again":false,"test":false,"folded":null}"#
        );
    }

    #[test]
    fn a_fold_says_how_many_and_which() {
        let mut fold = Fold::begin(&alert(1, Severity::Warn));
        fold.add(&alert(2, Severity::Act));
        let json = json(&Message::Folded(fold));
        assert_eq!((&json["id"], &json["kind"]), (&"1.0-2.0".into(), &"folded".into()));
        assert_eq!(json["folded"]["alerts"], 2);
        assert_eq!(json["folded"]["kinds"]["level"], 2);
        assert_eq!(json["text"], "2 alerts in one: 2 level: level: delta, 2; level: delta, 1");
    }

    #[test]
    fn a_chat_gets_one_escaped_line_of_bounded_length() {
        let mut said = alert(3, Severity::Act);
        said.text = format!("a < b & <!channel> {}", "x".repeat(3_000));
        let parcel = Parcel::of(&Message::One(said), FROM, Format::Slack);
        let json: Value = serde_json::from_str(&parcel.body).unwrap();
        let text = json["text"].as_str().unwrap();
        assert!(text.starts_with("[act] a &lt; b &amp; &lt;!channel&gt; xxx"), "{text}");
        assert_eq!(text.chars().count(), LONGEST_CHAT + "...".len());
        assert_eq!(json.as_object().unwrap().len(), 1);
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let mut said = alert(4, Severity::Act);
        said.text = "{id} of {kind}".into();
        let parcel = Parcel::of(&Message::One(said), FROM, Format::Plimsoll);
        assert_eq!(parcel.fill("{severity}/{kind}: {text}"), "act/level: {id} of {kind}");
        assert_eq!(parcel.fill("{\"a\": {unknown} {"), "{\"a\": {unknown} {");
    }

    /// RFC 4231, test case 2, whose message is `what do ya want for nothing?`: not of the form `t.body`, so the primitive itself is asked;
    /// then the same through [`signature`], against `printf '1.x' | openssl dgst -sha256 -hmac Jefe`.
    #[test]
    fn the_signature_is_hmac_sha256() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"Jefe");
        let tag = hmac::sign(&key, b"what do ya want for nothing?");
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_eq!(signature(&Hidden::new("Jefe".into()), 1, "x"), EXPECTED);
    }

    const EXPECTED: &str = "t=1,v1=2f7ccbd0f043456ad29514b2d24a8aa345ec6673a5db1b44e91c8ac99d1841e3";
}
