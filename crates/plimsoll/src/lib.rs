//! The binary's library: commands, rendering, conformance suites.
//!
//! `cli` says what can be asked, `load` turns file names into checked inputs, [`risk::Report`] holds every number, and
//! `render` shows it. Nothing here computes a risk figure.

mod alert_command;
mod alerting;
mod backtest_command;
mod cli;
mod conformance;
mod document;
mod example;
mod failure;
mod feeds_command;
mod forwards_command;
mod hedge_command;
mod live_commands;
mod load;
mod margin_commands;
mod measure_commands;
mod meter;
mod oracle_command;
mod output;
mod policy_command;
mod render;
mod report_command;
mod rulebook_command;
mod surface_command;

use clap::Parser;
use cli::{Cli, Command, ConformanceArgs, ExampleArgs, ReportForm};
use conformance::{Snapshots, Sources};
use failure::Failure;
use meter::Meter;
use std::process::ExitCode;

/// Runs the command line: results on standard output, everything else on standard error.
#[must_use]
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Report(args) => report_command::run(&args),
        Command::Margin(args) => margin_commands::run_margin(&args),
        Command::Liquidation(args) => margin_commands::run_liquidation(&args),
        Command::Whatif(args) => margin_commands::run_whatif(&args),
        Command::Hedge(args) => hedge_command::run(&args),
        Command::Surface(args) => surface_command::run(&args),
        Command::Run(args) => live_commands::run_live(&args),
        Command::Demo(args) => live_commands::run_demo(&args),
        Command::Serve(args) => live_commands::run_serve(&args),
        Command::Alert(args) => alert_command::run(&args),
        Command::Token(args) => live_commands::run_token(&args),
        Command::Top(args) => live_commands::run_top(&args),
        Command::Replay(args) => live_commands::run_replay(&args),
        Command::Verify(args) => live_commands::run_verify(&args),
        Command::Forwards(args) => forwards_command::run(&args),
        Command::Smile(args) => measure_commands::run_smile(&args),
        Command::Var(args) => measure_commands::run_var(&args),
        Command::Stress(args) => measure_commands::run_stress(&args),
        Command::Explain(args) => measure_commands::run_explain(&args),
        Command::Covariance(args) => measure_commands::run_covariance(&args),
        Command::Policy(args) => policy_command::run(&args),
        Command::Rulebook(args) => rulebook_command::run(&args),
        Command::Example(args) => write_example(&args),
        Command::Feeds(args) => feeds_command::run(&args),
        Command::Oracle(args) => oracle_command::run(&args),
        Command::Backtest(args) => backtest_command::run(&args),
        Command::Conformance(args) => run_conformance(&args),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("plimsoll: {}", failure.to_string().trim_end());
        failure.exit_code()
    })
}

fn write_example(args: &ExampleArgs) -> Result<ExitCode, Failure> {
    let example = example::generate(&args.seed);
    std::fs::create_dir_all(&args.out).map_err(|source| Failure::Write { path: args.out.clone(), source })?;
    for (name, text) in [("book.csv", &example.book_csv), ("market.json", &example.market_json)] {
        let path = args.out.join(name);
        let same = std::fs::read_to_string(&path).is_ok_and(|old| old == *text);
        if path.exists() && !same && !args.force {
            return Err(Failure::Usage(format!(
                "{} is there already with other content: pass --force to replace it",
                path.display()
            )));
        }
        output::put(Some(&path), text.as_bytes())?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn run_conformance(args: &ConformanceArgs) -> Result<ExitCode, Failure> {
    let every = args.every.map_or(Snapshots::All, Snapshots::EveryNth);
    let sources = Sources { vectors: args.vectors.clone(), chains: args.data.clone(), snapshots: every };
    let mut meter = Meter::new("conformance");
    let results = conformance::run(&args.suite, &sources, &mut |p| meter.at(p.bytes_done, p.bytes_total));
    drop(meter);
    let results = results.map_err(|e| Failure::Usage(e.to_string()))?;
    let text = match args.format {
        ReportForm::Table => conformance::table(&results),
        ReportForm::Json => conformance::json(&results),
    };
    output::put(None, text.as_bytes())?;
    Ok(ExitCode::from(u8::from(!conformance::passed(&results))))
}
