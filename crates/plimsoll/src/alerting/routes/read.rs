//! From TOML to routes.

use super::fields::{Fields, issue};
use super::{Around, By, Channel, Format, Hidden, Routes, Severity};
use crate::alerting::message::WORDS;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use toml::{Table, Value};
use units::Issues;
use ureq::http::Uri;

const KNOWN: &str = "name, severity, kinds, rules, webhook, command, format, secret_file, secret_env, timeout_seconds, most_per_minute";
const SUCH_AS: &str = "webhook = { url_file = \"hook.url\" }";
/// No address or secret is longer.
const LONGEST: usize = 4_096;

impl Routes {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// Every mistake, without the text of an address or a secret.
    pub(in super::super) fn parse(file: &str, text: &str, around: &Around<'_>) -> Result<Self, Issues> {
        let mut issues = Issues::default();
        let mut routes = Self { channels: Vec::new(), hidden_variables: BTreeSet::new() };
        for (row, table) in (1..).zip(tables(file, text, &mut issues)) {
            let fields = Fields { file, row, prefix: "", table, issues: &mut issues };
            let Some(channel) = channel(fields, around, &mut routes.hidden_variables) else { continue };
            if routes.channels.iter().any(|other| other.name == channel.name) {
                issues.push(issue(file, (row, "name"), &channel.name, "is the name of another channel, too"));
            }
            routes.channels.push(channel);
        }
        if issues.is_empty() { Ok(routes) } else { Err(issues) }
    }
}

/// The tables of channels; what else is in the file is an issue.
fn tables(file: &str, text: &str, issues: &mut Issues) -> Vec<Table> {
    let mut fault = |row, field, rule: &str| issues.push(issue(file, (row, field), "", rule));
    let mut whole = match text.parse::<Table>() {
        Ok(whole) => whole,
        Err(error) => {
            // The parser's own message may quote what it stumbled over.
            let line =
                error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            fault(0, "", &format!("line {line} is no TOML, or has a key twice: {}", docs()));
            return Vec::new();
        }
    };
    let list = match whole.remove("channel") {
        Some(Value::Array(list)) => list,
        Some(_) => {
            fault(0, "channel", "each channel begins with [[channel]], in double brackets");
            Vec::new()
        }
        None => {
            fault(0, "channel", &format!("has no channel: {}", docs()));
            Vec::new()
        }
    };
    for key in whole.keys() {
        fault(0, key, "is no key here: known is [[channel]]");
    }
    let mut tables = Vec::new();
    for (row, one) in (1..).zip(list) {
        match one {
            Value::Table(table) => tables.push(table),
            _ => fault(row, "channel", "each channel begins with [[channel]], in double brackets"),
        }
    }
    tables
}

const fn docs() -> &'static str {
    "an example is examples/alerts.toml"
}

fn channel(mut fields: Fields<'_>, around: &Around<'_>, hidden: &mut BTreeSet<String>) -> Option<Channel> {
    let name = name(&mut fields);
    if !fields.has("severity") {
        fields.fault("severity", "", "is missing: info, warn or act");
    }
    let severity = fields.word("severity", &Severity::ALL, Severity::word);
    let kinds: BTreeSet<String> = fields.texts("kinds").unwrap_or_default().into_iter().collect();
    for kind in kinds.iter().filter(|kind| !server::KINDS.contains(&kind.as_str())) {
        fields.fault("kinds", kind, &format!("is no kind: known are {}", server::KINDS.join(", ")));
    }
    let rules: BTreeSet<String> = fields.texts("rules").unwrap_or_default().into_iter().collect();
    let timeout = Duration::from_secs(fields.number("timeout_seconds", (1, 60), 10).into());
    let most_per_minute = fields.number("most_per_minute", (1, 600), 30);
    let by = match (fields.has("webhook"), fields.has("command")) {
        (true, false) => webhook(&mut fields, around, hidden),
        (false, true) => command(&mut fields, around),
        (is_both, _) => {
            fields.table.remove("webhook");
            fields.table.remove("command");
            let rule = if is_both {
                "webhook or command: a channel has one of them"
            } else {
                "is missing: webhook or command says where alerts go"
            };
            fields.fault("webhook", "", rule);
            None
        }
    };
    fields.end(KNOWN);
    Some(Channel { name: name?, severity: severity?, kinds, rules, by: by?, timeout, most_per_minute })
}

/// It names a file and stands in logs.
fn name(fields: &mut Fields<'_>) -> Option<String> {
    let rule = "1 to 40 small letters, digits, - and _";
    if !fields.has("name") {
        fields.fault("name", "", &format!("is missing: {rule}"));
        return None;
    }
    let name = fields.text("name")?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if name.is_empty() || name.len() > 40 || !name.chars().all(is_plain) {
        fields.fault("name", &name, rule);
    }
    Some(name)
}

fn webhook(fields: &mut Fields<'_>, around: &Around<'_>, hidden: &mut BTreeSet<String>) -> Option<By> {
    let format = if fields.has("format") {
        fields.word("format", &Format::ALL, Format::word)
    } else {
        Some(Format::Plimsoll)
    };
    let is_signed = fields.has("secret_file") || fields.has("secret_env");
    let secret = is_signed.then(|| kept(fields, &["secret_file", "secret_env"], around, hidden));
    let table = fields.table("webhook", SUCH_AS)?;
    let Fields { file, row, .. } = *fields;
    let mut inner = Fields { file, row, prefix: "webhook.", table, issues: &mut *fields.issues };
    let url = kept(&mut inner, &["url_file", "url_env", "url"], around, hidden);
    let host = url.as_ref().and_then(|url| match host(url.reveal()) {
        Ok(host) => Some(host),
        Err(rule) => {
            inner.fault("url", "", rule);
            None
        }
    });
    inner.end("url_file, url_env, url");
    let secret = match secret {
        None => None,
        Some(secret) => Some(secret?),
    };
    Some(By::Webhook { url: url?, host: host?, format: format?, secret })
}

/// A text that is not shown: from a file (`..._file`), from the environment (`..._env`), or as it stands.
fn kept(
    fields: &mut Fields<'_>,
    keys: &[&str],
    around: &Around<'_>,
    hidden: &mut BTreeSet<String>,
) -> Option<Hidden> {
    let written: Vec<&str> = keys.iter().copied().filter(|key| fields.has(key)).collect();
    let [key] = written[..] else {
        written.iter().for_each(|key| drop(fields.table.remove(*key)));
        fields.fault(keys[0], "", &format!("exactly one of {} says it", keys.join(", ")));
        return None;
    };
    // Whatever is written here may be the secret itself, put into the wrong key: it is not shown.
    let value = fields.text(key)?;
    let text = if key.ends_with("_file") {
        match std::fs::read_to_string(around.folder.join(&value)) {
            Ok(text) => text,
            Err(error) => {
                fields.fault(
                    key,
                    "",
                    &format!("cannot read: {error}; the path begins at the folder of this file"),
                );
                return None;
            }
        }
    } else if key.ends_with("_env") {
        let found = (around.variable)(&value);
        if found.is_none() {
            fields.fault(key, "", "names no environment variable that is set");
        }
        hidden.insert(value);
        found?
    } else {
        value
    };
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        fields.fault(key, "", &format!("one line of 1 to {LONGEST} characters"));
        return None;
    }
    Some(Hidden::new(text.to_owned()))
}

/// Scheme, name and port of an address that messages may go to.
fn host(url: &str) -> Result<String, &'static str> {
    let uri: Uri = url.parse().map_err(|_| "is no address: such as https://hooks.example/path")?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err("is no whole address: such as https://hooks.example/path");
    };
    if authority.as_str().contains('@') {
        return Err("has a name before an @: put no password into an address, sign messages by secret_file");
    }
    let host = authority.host();
    let rest = authority.as_str().get(host.len()..).unwrap_or_default();
    if !rest.is_empty() && authority.port_u16().is_none() {
        return Err("has a port that is none: 1 to 65535");
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match scheme {
        "https" => {}
        "http" if is_loopback => {}
        "http" => {
            return Err(
                "is http to another machine, readable on its way: use https, or a proxy on this machine that speaks it",
            );
        }
        _ => return Err("begins with https://, or with http:// to this machine"),
    }
    let port = authority.port().map_or(String::new(), |port| format!(":{port}"));
    Ok(format!("{scheme}://{host}{port}"))
}

fn command(fields: &mut Fields<'_>, around: &Around<'_>) -> Option<By> {
    for key in ["format", "secret_file", "secret_env"] {
        if fields.table.remove(key).is_some() {
            fields.fault(key, "", "is of webhooks: a command gets JSON of schema plimsoll.alert/1, unsigned");
        }
    }
    let words = fields.texts("command")?;
    let (program, arguments) = words.split_first()?;
    for word in arguments.iter().flat_map(|argument| braced(argument)) {
        if !WORDS.contains(&word) {
            let known: Vec<String> = WORDS.iter().map(|word| format!("{{{word}}}")).collect();
            fields.fault("command", word, &format!("is no word to put in: known are {}", known.join(", ")));
        }
    }
    // A name without a slash is looked for as a shell would.
    let path =
        if program.contains('/') { around.folder.join(program) } else { Path::new(program).to_path_buf() };
    if program.is_empty() || (program.contains('/') && !path.is_file()) {
        fields.fault("command", program, "is no file: a path begins at the folder of this file, a name without a slash is looked for in PATH");
        return None;
    }
    // A relative path would be looked for in PATH where the file of routes is in the folder that the program runs in.
    let program = if program.contains('/') { std::path::absolute(&path).unwrap_or(path) } else { path };
    Some(By::Command { program, arguments: arguments.to_vec() })
}

/// Words in braces: small letters only, so that JSON in an argument is left alone.
pub(in super::super) fn braced(argument: &str) -> impl Iterator<Item = &str> {
    argument.split('{').skip(1).filter_map(|rest| {
        let word = rest.split_once('}')?.0;
        (!word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')).then_some(word)
    })
}
