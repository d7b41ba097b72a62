//! `plimsoll var`: load, move, measure, render.

use super::law::{Law, check, refused, undriven_issue, words};
use super::{Section, Sheet};
use crate::cli::{Method, VarArgs, VarTableName, Windows};
use crate::failure::Failure;
use crate::load::{Loaded, load, load_scenarios, places};
use crate::meter::Meter;
use crate::output::{TableNames, Target, on_threads};
use crate::render::flat::{Body, columns, count, text};
use crate::report_command::unpriced_issues;
use lake::{Cell, ColumnKind};
use risk::covariance::Covariance;
use risk::history::{Factor, Moves, Overlap, Panel};
use risk::var::backtest::{Backtest, Statistic, rolling, rolling_filtered};
use risk::var::{By, Confidence, Gradient, Holdings, Measured, ScenarioPnl, parametric, taylor};
use risk::{Drivers, Shock, StressRow, Valuation, stress};
use std::process::ExitCode;
use units::{Fixed, Issue, Issues};

/// Worst scenarios of each method that are shown.
const TAIL_SHOWN: usize = 10;

impl TableNames for VarTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Measures => "measures",
            Self::Contributions => "contributions",
            Self::Tail => "tail",
            Self::Backtest => "backtest",
            Self::Factors => "factors",
            Self::Stress => "stress",
            Self::Unpriced => "unpriced",
        }
    }
}

impl Method {
    const fn word(self) -> &'static str {
        match self {
            Self::Historical => "historical",
            Self::Filtered => "filtered",
            Self::DeltaGammaVega => "delta-gamma-vega",
            Self::Parametric => "parametric",
            Self::MonteCarlo => "monte-carlo",
        }
    }
}

/// Runs the command; the exit code says whether anything is missing.
pub(crate) fn run(args: &VarArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    let factors = &args.law.factors;
    let given =
        args.inputs.files().chain(factors.history.iter().map(|(_, path)| path)).chain(&args.law.covariance);
    target.check(given)?;
    let confidence =
        Confidence::new(args.confidence).map_err(|e| Failure::Usage(format!("--confidence: {e}")))?;
    if factors.history.is_empty() {
        let needs = [Method::Historical, Method::Filtered].into_iter().find(|m| args.method.contains(m));
        if let Some(method) = needs {
            return Err(Failure::Usage(format!("--method {} needs --history", method.word())));
        }
        if args.backtest.is_some() {
            return Err(Failure::Usage("--backtest needs --history".into()));
        }
    }
    let sheet = on_threads(args.inputs.threads, || sheet(args, confidence))?;
    target.write(&sheet)?;
    Ok(sheet.exit_code())
}

/// One method's figures with the scenarios behind them.
struct Run {
    method: Method,
    measured: Measured,
    scenarios: Scenarios,
}

/// Scenarios in the order of their P&L.
enum Scenarios {
    /// Windows of a history.
    Windows(Moves),
    /// Draws.
    Draws(Vec<Vec<f64>>),
    /// A closed form has none.
    None,
}

impl Scenarios {
    fn row(&self, scenario: usize) -> (String, &[f64]) {
        match self {
            Self::Windows(moves) => {
                let day = |at: units::Timestamp| at.to_string().chars().take(10).collect::<String>();
                let name = moves.windows.get(scenario).map(|w| format!("{} to {}", day(w.from), day(w.to)));
                (name.unwrap_or_default(), moves.row(scenario))
            }
            Self::Draws(draws) => {
                (format!("draw {}", scenario + 1), draws.get(scenario).map_or(&[], Vec::as_slice))
            }
            Self::None => (String::new(), &[]),
        }
    }
}

/// What all methods share.
struct Bench<'a> {
    args: &'a VarArgs,
    confidence: Confidence,
    drivers: &'a Drivers,
    holdings: &'a Holdings<'a>,
    covariance: &'a Covariance,
    panel: Option<&'a Panel>,
    asof: units::Timestamp,
}

impl Bench<'_> {
    fn methods(&self) -> Vec<Method> {
        let all = match self.panel {
            Some(_) => vec![
                Method::Historical,
                Method::Filtered,
                Method::DeltaGammaVega,
                Method::Parametric,
                Method::MonteCarlo,
            ],
            None => vec![Method::DeltaGammaVega, Method::Parametric, Method::MonteCarlo],
        };
        let wanted = &self.args.method;
        all.into_iter().filter(|method| wanted.is_empty() || wanted.contains(method)).collect()
    }

    fn overlap(&self) -> Overlap {
        match self.args.windows {
            Windows::Overlapping => Overlap::Daily,
            Windows::Separate => Overlap::None,
        }
    }

    fn shocks<'m>(&self, rows: impl Iterator<Item = &'m [f64]>) -> Vec<Shock> {
        rows.map(|row| self.drivers.shock(row)).collect()
    }

    fn draws(&self) -> Result<Vec<Vec<f64>>, Failure> {
        let lower = self.covariance.cholesky().map_err(refused)?;
        Ok(lower.draws(self.args.seed, usize::try_from(self.args.draws).unwrap_or(usize::MAX)))
    }

    fn run(&self, method: Method) -> Result<Run, Failure> {
        let (holdings, confidence) = (self.holdings, self.confidence);
        let horizon = self.args.law.horizon;
        let moves = match (method, self.panel) {
            (Method::Historical | Method::DeltaGammaVega, Some(panel)) => {
                Some(panel.moves(horizon, self.overlap()).map_err(refused)?)
            }
            (Method::Filtered, Some(panel)) => {
                Some(panel.filtered_moves(horizon, self.overlap()).map_err(refused)?)
            }
            _ => None,
        };
        let scenarios = moves.as_ref().map_or(self.args.draws as usize, |m| m.windows.len());
        fits(holdings.slices.len(), scenarios)?;
        let of = |pnl: &ScenarioPnl| Measured::of_scenarios(pnl, confidence).map_err(refused);
        let (measured, scenarios) = match (method, moves) {
            (Method::Parametric, _) => {
                let gradient = Gradient::new(holdings, self.drivers);
                let measured = parametric(&gradient, &holdings.slices, self.covariance, confidence);
                (measured.map_err(refused)?, Scenarios::None)
            }
            (Method::DeltaGammaVega, Some(moves)) => {
                let shocks = self.shocks(moves.rows());
                (of(&taylor(holdings, &shocks, self.drivers).map_err(refused)?)?, Scenarios::Windows(moves))
            }
            (_, Some(moves)) => {
                let shocks = self.shocks(moves.rows());
                (of(&ScenarioPnl::revalued(holdings, shocks)?)?, Scenarios::Windows(moves))
            }
            (Method::DeltaGammaVega, None) => {
                let draws = self.draws()?;
                let shocks = self.shocks(draws.iter().map(Vec::as_slice));
                (of(&taylor(holdings, &shocks, self.drivers).map_err(refused)?)?, Scenarios::Draws(draws))
            }
            (_, None) => {
                let draws = self.draws()?;
                let shocks = self.shocks(draws.iter().map(Vec::as_slice));
                (of(&ScenarioPnl::revalued(holdings, shocks)?)?, Scenarios::Draws(draws))
            }
        };
        Ok(Run { method, measured, scenarios })
    }

    /// Each separate window against those before it, the book held still: by the plain windows, and rescaled as a whole.
    fn backtests(&self, lookback: u32) -> Result<Vec<(Method, Backtest)>, Failure> {
        let Some(panel) = self.panel else { return Ok(Vec::new()) };
        let moves = panel.moves(self.args.law.horizon, Overlap::None).map_err(refused)?;
        let pnl = ScenarioPnl::revalued(self.holdings, self.shocks(moves.rows()))?;
        let lookback = usize::try_from(lookback).unwrap_or(usize::MAX);
        let plain = rolling(pnl.total(), lookback, self.confidence).map_err(refused)?;
        let filtered = rolling_filtered(pnl.total(), lookback, self.confidence).map_err(refused)?;
        let both = [(Method::Historical, plain), (Method::Filtered, filtered)];
        let tested =
            both.into_iter().filter_map(|(m, days)| Some((m, Backtest::new(&days, self.confidence)?)));
        let tested: Vec<(Method, Backtest)> = tested.collect();
        if tested.is_empty() {
            return Err(refused(format!(
                "--backtest {lookback}: the history has {} separate windows, so no window has {lookback} before it",
                pnl.scenarios()
            )));
        }
        Ok(tested)
    }
}

/// P&L of every account, venue and underlying is kept for every scenario, 16 bytes each.
fn fits(slices: usize, scenarios: usize) -> Result<(), Failure> {
    const MOST: usize = 256 << 20;
    if slices.saturating_mul(scenarios) <= MOST {
        return Ok(());
    }
    Err(refused(format!(
        "{slices} combinations of account, venue and underlying in {scenarios} scenarios need over 4 GiB: pass at most --draws {}, or fewer \
         accounts at a time",
        MOST / slices.max(1)
    )))
}

fn sheet(args: &VarArgs, confidence: Confidence) -> Result<Sheet<VarTableName>, Failure> {
    let loaded = load(&args.inputs)?;
    let valuation = Valuation::new(&loaded.book, &loaded.market);
    let mut law = Law::load(&args.law)?;
    let drivers = law.drivers(&valuation, &args.law)?;
    let holdings =
        Holdings::new(&loaded.book, &valuation.board, &loaded.market, &drivers).map_err(refused)?;
    check(args.inputs.allow_partial, &loaded, &valuation, (&holdings, &law))?;
    let panel = law.panel(&drivers)?;
    let covariance = law.covariance(&drivers, panel.as_ref(), args.law.horizon)?;
    let bench = Bench {
        args,
        confidence,
        drivers: &drivers,
        holdings: &holdings,
        covariance: &covariance,
        panel: panel.as_ref(),
        asof: loaded.market.asof,
    };
    let mut meter = Meter::new("measuring");
    let methods = bench.methods();
    let mut runs = Vec::with_capacity(methods.len());
    for (done, method) in methods.iter().enumerate() {
        meter.at(done as u64, methods.len() as u64);
        runs.push(bench.run(*method)?);
    }
    drop(meter);
    let tested = args.backtest.map(|lookback| bench.backtests(lookback)).transpose()?.unwrap_or_default();
    let stressed = stressed(&loaded, &valuation)?;
    let unpriced = unpriced(&valuation, &holdings);
    let sections = vec![
        Section::new(
            VarTableName::Measures,
            (
                "VaR and expected shortfall",
                "a loss is positive; errors are one standard error, scenarios taken as independent",
            ),
            measures(&runs),
        ),
        Section::new(
            VarTableName::Contributions,
            (
                "Contributions",
                "shares of each kind add up to the total; alone: the figures of the part by itself",
            ),
            contributions(&runs),
        ),
        Section::new(
            VarTableName::Tail,
            ("Worst scenarios", "the ten worst of each method"),
            tail(&runs, &drivers.factors),
        ),
        Section::new(
            VarTableName::Backtest,
            (
                "Backtest",
                "today's book held still, each window against those before it; filtered rescales the book's P&L as a whole",
            ),
            backtests(&tested, args),
        ),
        Section::new(
            VarTableName::Factors,
            (
                "Factors",
                "standard deviation of the move over the horizon: log return in percent, or vol points",
            ),
            factors(&covariance),
        ),
        Section::new(
            VarTableName::Stress,
            ("Named scenarios", "no probability goes with these; plimsoll report shows them in full"),
            scenarios(&stressed),
        ),
        Section::new(VarTableName::Unpriced, ("In no figure", ""), unpriced),
    ];
    let mut notes = loaded.notes.clone();
    notes.extend(law.notes.iter().cloned());
    notes.extend(loaded.market.notes.iter().cloned());
    notes.extend(remarks(&bench));
    let mut inputs = loaded.inputs;
    inputs.extend(law.inputs);
    let mut issues = loaded.issues;
    issues.extend(law.issues);
    Ok(Sheet {
        schema: "plimsoll.var/1",
        title: "value at risk",
        market: loaded.market,
        inputs,
        missing: valuation.unpriced.len() + holdings.undriven.len(),
        lacking: Vec::new(),
        issues,
        notes,
        facts: vec![
            ("confidence", Cell::Float(confidence.get())),
            ("horizon_days", Cell::Integer(args.law.horizon.into())),
            ("vol_tenor_power", Cell::Float(args.law.vol_tenor_power)),
            ("seed", Cell::Text(args.seed.to_string())),
        ],
        sections,
    })
}

/// What the figures rest on and leave out.
fn remarks(bench: &Bench<'_>) -> Vec<String> {
    let mut notes = vec![
        "moves are instantaneous: no theta or carry of the horizon; USD rates of currencies do not move, forwards follow spot"
            .to_owned(),
        "VaR is not subadditive; expected shortfall is".to_owned(),
    ];
    notes.extend(bench.panel.and_then(Panel::last).and_then(|last| ends_early(last, bench.asof)));
    if bench.panel.is_some() && bench.args.law.horizon > 1 && bench.overlap() == Overlap::Daily {
        notes.push("windows overlap: their standard errors are too small; --windows separate has fewer, independent ones".into());
    }
    if bench.args.law.horizon > 1
        && bench.methods().iter().any(|m| matches!(m, Method::Parametric | Method::MonteCarlo))
    {
        notes.push(format!(
            "normal moves over {} days: daily ones times the square root of time",
            bench.args.law.horizon
        ));
    }
    notes
}

/// A history that ends long before the valuation says nothing about today's volatility.
fn ends_early(last: units::Timestamp, asof: units::Timestamp) -> Option<String> {
    let days = (asof.unix_nanos() - last.unix_nanos()) / 86_400_000_000_000;
    (days.abs() > 3).then(|| {
        let day: String = last.to_string().chars().take(10).collect();
        format!("the joint history ends on {day}, {days} days before the valuation: filtered figures have that day's volatility")
    })
}

fn stressed(loaded: &Loaded, valuation: &Valuation) -> Result<Vec<StressRow>, Failure> {
    let scenarios = load_scenarios(&[], &mut Vec::new())?;
    let venues = places(&loaded.book).map(|(_, venue)| venue.clone()).collect();
    Ok(stress(&loaded.book, valuation, &loaded.market, &scenarios.file.scenarios_on(&venues))?)
}

fn measures(runs: &[Run]) -> Body {
    let columns = columns(&[
        ("method", ColumnKind::Text),
        ("scenarios", ColumnKind::Integer),
        ("var_usd", ColumnKind::Fixed),
        ("var_error_usd", ColumnKind::Fixed),
        ("es_usd", ColumnKind::Fixed),
        ("es_error_usd", ColumnKind::Fixed),
        ("var_scenario", ColumnKind::Text),
    ]);
    let rows = runs
        .iter()
        .map(|run| {
            let sample = run.measured.sample.as_ref();
            let error =
                |of: Option<f64>| of.and_then(|e| Fixed::quantise(e).ok()).map_or(Cell::Null, Cell::Fixed);
            vec![
                text(run.method.word()),
                sample.map_or(Cell::Null, |s| count(s.scenarios)),
                Cell::Fixed(run.measured.var_usd),
                error(sample.map(|s| s.var_error_usd)),
                Cell::Fixed(run.measured.es_usd),
                error(sample.map(|s| s.es_error_usd)),
                sample.and_then(|s| s.tail.last()).map_or(Cell::Null, |s| text(run.scenarios.row(*s).0)),
            ]
        })
        .collect();
    (columns, rows)
}

fn contributions(runs: &[Run]) -> Body {
    let columns = columns(&[
        ("method", ColumnKind::Text),
        ("by", ColumnKind::Text),
        ("name", ColumnKind::Text),
        ("var_usd", ColumnKind::Fixed),
        ("es_usd", ColumnKind::Fixed),
        ("alone_var_usd", ColumnKind::Fixed),
        ("alone_es_usd", ColumnKind::Fixed),
    ]);
    let mut rows = Vec::new();
    for run in runs {
        for by in By::ALL {
            for part in run.measured.parts.iter().filter(|part| part.by == by) {
                let mut row = vec![text(run.method.word()), text(by.word()), text(&part.name)];
                let figures = [part.var_usd, part.es_usd, part.alone_var_usd, part.alone_es_usd];
                row.extend(figures.map(Cell::Fixed));
                rows.push(row);
            }
        }
        let mut total = vec![text(run.method.word()), text("total"), Cell::Null];
        total.extend([run.measured.var_usd, run.measured.es_usd].map(Cell::Fixed));
        total.extend([Cell::Null, Cell::Null]);
        rows.push(total);
    }
    (columns, rows)
}

fn tail(runs: &[Run], factors: &[Factor]) -> Body {
    let columns = columns(&[
        ("method", ColumnKind::Text),
        ("scenario", ColumnKind::Text),
        ("moves", ColumnKind::Text),
        ("rank", ColumnKind::Integer),
        ("pnl_usd", ColumnKind::Fixed),
    ]);
    let mut rows = Vec::new();
    for run in runs {
        let Some(sample) = &run.measured.sample else { continue };
        let worst = sample.tail.iter().zip(&sample.tail_pnl_usd).take(TAIL_SHOWN);
        for (rank, (scenario, pnl)) in worst.enumerate() {
            let (name, moves) = run.scenarios.row(*scenario);
            rows.push(vec![
                text(run.method.word()),
                text(name),
                text(words(factors, moves)),
                count(rank + 1),
                Cell::Fixed(*pnl),
            ]);
        }
    }
    (columns, rows)
}

fn backtests(tested: &[(Method, Backtest)], args: &VarArgs) -> Body {
    let columns = columns(&[
        ("method", ColumnKind::Text),
        ("zone", ColumnKind::Text),
        ("lookback", ColumnKind::Integer),
        ("windows", ColumnKind::Integer),
        ("breaches", ColumnKind::Integer),
        ("expected", ColumnKind::Float),
        ("kupiec_ratio", ColumnKind::Float),
        ("kupiec_p", ColumnKind::Float),
        ("independence_ratio", ColumnKind::Float),
        ("independence_p", ColumnKind::Float),
        ("coverage_ratio", ColumnKind::Float),
        ("coverage_p", ColumnKind::Float),
        ("z1", ColumnKind::Float),
        ("z2", ColumnKind::Float),
        ("at_most_so_many_probability", ColumnKind::Float),
    ]);
    let whole = |n: u64| i64::try_from(n).map_or(Cell::Null, Cell::Integer);
    let both = |s: Statistic| [Cell::Float(s.likelihood_ratio), Cell::Float(s.p_value)];
    let rows = tested.iter().map(|(method, b)| {
        let mut row = vec![text(method.word()), text(b.zone.word())];
        row.push(args.backtest.map_or(Cell::Null, |n| Cell::Integer(n.into())));
        row.extend([whole(b.breaches.days), whole(b.breaches.breaches), Cell::Float(b.expected)]);
        row.extend([b.kupiec, b.independence, b.conditional_coverage].into_iter().flat_map(both));
        row.extend([
            b.z1.map_or(Cell::Null, Cell::Float),
            Cell::Float(b.z2),
            Cell::Float(b.cumulative_probability),
        ]);
        row
    });
    (columns, rows.collect())
}

fn factors(covariance: &Covariance) -> Body {
    let mut list: Vec<(String, ColumnKind)> =
        vec![("factor".into(), ColumnKind::Text), ("unit".into(), ColumnKind::Text)];
    list.push(("standard_deviation".into(), ColumnKind::Float));
    list.extend(covariance.factors.iter().map(|f| (format!("correlation {f}"), ColumnKind::Float)));
    let named: Vec<(&str, ColumnKind)> = list.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    let rows = covariance.factors.iter().zip(covariance.sd()).enumerate().map(|(i, (factor, sd))| {
        let (unit, sd) = match factor {
            Factor::Spot(_) => ("%", sd * 100.0),
            Factor::Vol(_) => ("points", *sd),
        };
        let mut row = vec![text(factor), text(unit), Cell::Float(sd)];
        row.extend((0..covariance.factors.len()).map(|j| Cell::Float(covariance.correlation((i, j)))));
        row
    });
    (columns(&named), rows.collect())
}

fn scenarios(rows: &[StressRow]) -> Body {
    let columns = columns(&[("scenario", ColumnKind::Text), ("pnl_usd", ColumnKind::Fixed)]);
    (columns, rows.iter().map(|row| vec![text(&row.name), Cell::Fixed(row.total_usd)]).collect())
}

/// Positions without a price and those that nothing drives, by their places in the book files.
pub(super) fn unpriced(valuation: &Valuation, holdings: &Holdings<'_>) -> Body {
    let mut issues = unpriced_issues(&valuation.unpriced);
    holdings.undriven.iter().map(undriven_issue).for_each(|issue| issues.push(issue));
    issue_table(&issues)
}

/// Issues as a table.
pub(super) fn issue_table(issues: &Issues) -> Body {
    let columns = columns(&[
        ("file", ColumnKind::Text),
        ("instrument", ColumnKind::Text),
        ("reason", ColumnKind::Text),
        ("row", ColumnKind::Integer),
    ]);
    let line = |issue: &Issue| {
        let row = i64::try_from(issue.row).map_or(Cell::Null, Cell::Integer);
        vec![text(&issue.file), text(&issue.value), text(&issue.rule), row]
    };
    (columns, issues.kept().iter().map(line).collect())
}
