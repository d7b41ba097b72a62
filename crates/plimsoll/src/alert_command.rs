//! `plimsoll alert test`: a file of routes checked, and a marked message sent by each of its channels.

use crate::alerting::{Channel, Routes, try_out};
use crate::cli::{AlertAction, AlertArgs, AlertTestArgs, ReportForm};
use crate::failure::Failure;
use crate::output::put;
use crate::render::json::pretty;
use instrument::Specs;
use serde::Serialize;
use std::collections::BTreeSet;
use std::process::ExitCode;

#[derive(Serialize)]
struct TestJson {
    schema: &'static str,
    version: &'static str,
    file: String,
    dry_run: bool,
    arrived: bool,
    channels: Vec<ChannelJson>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct ChannelJson {
    name: String,
    by: &'static str,
    to: String,
    severity: &'static str,
    kinds: BTreeSet<String>,
    rules: BTreeSet<String>,
    format: &'static str,
    signed: bool,
    timeout_seconds: u64,
    most_per_minute: u32,
    outcome: &'static str,
    why: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: &AlertArgs) -> Result<ExitCode, Failure> {
    let AlertAction::Test(args) = &args.action;
    let routes = Routes::read(&args.file).map_err(|issues| Failure::Routes { issues })?;
    let unknown =
        args.channel.iter().find(|name| routes.channels.iter().all(|channel| channel.name != **name));
    if let Some(name) = unknown {
        let names: Vec<&str> = routes.channels.iter().map(|channel| channel.name.as_str()).collect();
        return Err(Failure::Usage(format!("--channel {name}: the file has {}", names.join(", "))));
    }
    let warnings = warnings(args, &routes)?;
    let is_asked = |channel: &&Channel| args.channel.is_empty() || args.channel.contains(&channel.name);
    let channels: Vec<ChannelJson> =
        routes.channels.iter().filter(is_asked).map(|channel| tried(args, &routes, channel)).collect();
    let arrived = channels.iter().all(|channel| channel.outcome == "arrived");
    let document = TestJson {
        schema: "plimsoll.alert_test/1",
        version: env!("CARGO_PKG_VERSION"),
        file: args.file.display().to_string(),
        dry_run: args.dry_run,
        arrived,
        channels,
        warnings,
    };
    let text = match args.format {
        ReportForm::Table => table(&document),
        ReportForm::Json => pretty(&document).map_err(|error| Failure::Input(error.to_string()))?,
    };
    put(None, text.as_bytes())?;
    Ok(if arrived || args.dry_run { ExitCode::SUCCESS } else { ExitCode::from(6) })
}

fn warnings(args: &AlertTestArgs, routes: &Routes) -> Result<Vec<String>, Failure> {
    let Some(path) = &args.policy else { return Ok(Vec::new()) };
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Input(format!("{file}: cannot read: {error}")))?;
    let policy = engine::Policy::parse(&file, &text, &Specs::embedded())
        .map_err(|issues| Failure::Policy { issues })?;
    let unknown = routes.unknown_rules(&policy).into_iter();
    Ok(unknown
        .map(|(channel, rule)| {
            format!("channel {channel} waits for the rule '{rule}', which {file} does not have")
        })
        .collect())
}

fn tried(args: &AlertTestArgs, routes: &Routes, channel: &Channel) -> ChannelJson {
    let (outcome, why) = match (!args.dry_run).then(|| try_out(routes, channel)) {
        None => ("not sent", None),
        Some(Ok(())) => ("arrived", None),
        Some(Err(why)) => ("failed", Some(why)),
    };
    ChannelJson {
        name: channel.name.clone(),
        by: channel.way(),
        to: channel.to(),
        severity: channel.severity.word(),
        kinds: channel.kinds.clone(),
        rules: channel.rules.clone(),
        format: channel.format().word(),
        signed: channel.is_signed(),
        timeout_seconds: channel.timeout.as_secs(),
        most_per_minute: channel.most_per_minute,
        outcome,
        why,
    }
}

fn table(document: &TestJson) -> String {
    let mut out = String::new();
    for channel in &document.channels {
        let ChannelJson { name, by, to, severity, format, timeout_seconds, most_per_minute, outcome, .. } =
            channel;
        let signed = if channel.signed { ", signed" } else { "" };
        out.push_str(&format!("{name}: {by} to {to}, format {format}{signed}\n"));
        out.push_str(&format!(
            "  takes      {severity} and above, kinds: {}, rules: {}\n",
            listed(&channel.kinds),
            listed(&channel.rules)
        ));
        out.push_str(&format!(
            "  bounds     {timeout_seconds} s a try, {most_per_minute} messages a minute\n"
        ));
        let why = channel.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
        out.push_str(&format!("  test       {outcome}{why}\n"));
    }
    for warning in &document.warnings {
        out.push_str(&format!("warning: {warning}\n"));
    }
    out
}

fn listed(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "all".into();
    }
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
