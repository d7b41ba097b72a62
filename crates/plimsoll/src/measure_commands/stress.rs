//! `plimsoll stress`: the most plausible move that does a given harm, to the book or to an account.

use super::law::{Law, check, refused};
use super::var::unpriced;
use super::{Section, Sheet};
use crate::cli::{StressArgs, StressTableName};
use crate::failure::Failure;
use crate::load::{Loaded, Rules, load};
use crate::output::{TableNames, Target, on_threads};
use crate::render::flat::{Body, columns, text};
use ::margin::{AccountState, Mark, Move, Rulebook, account_states};
use lake::{Cell, ColumnKind};
use risk::covariance::Covariance;
use risk::history::{Factor, Moves, Overlap};
use risk::reverse::{Found, Reach, Reverse};
use risk::var::{Gradient, Holdings, ScenarioPnl};
use risk::{Drivers, Shock, ShockError, Valuation};
use risk::{VolPlace, slid_vol};
use std::process::ExitCode;
use units::{Account, Fixed, Vol};

impl TableNames for StressTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Moves => "moves",
            Self::Unpriced => "unpriced",
        }
    }
}

/// Runs the command; the exit code says whether anything is missing.
pub(crate) fn run(args: &StressArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    let histories = args.law.factors.history.iter().map(|(_, path)| path);
    target
        .check(args.inputs.files().chain(histories).chain(&args.law.covariance).chain(&args.rules.rules))?;
    if args.reverse.is_some_and(|loss| !(loss > 0.0 && loss <= 1e15)) {
        return Err(Failure::Usage("--reverse: a loss in USD, above zero and at most 1e15".into()));
    }
    if !(args.reach > 0.0 && args.reach <= 50.0) {
        return Err(Failure::Usage("--reach: standard deviations, above zero and at most 50".into()));
    }
    let sheet = on_threads(args.inputs.threads, || sheet(args))?;
    target.write(&sheet)?;
    Ok(sheet.exit_code())
}

/// One answer.
struct Row {
    place: String,
    method: &'static str,
    outcome: &'static str,
    found: Option<Found>,
    /// Loss of the book, or of the account, in that move, every contract revalued.
    loss_usd: Option<Fixed>,
    /// Surplus at maintenance after it, of an account.
    surplus_usd: Option<Fixed>,
}

/// What all answers share.
struct Bench<'a> {
    valuation: &'a Valuation,
    drivers: &'a Drivers,
    holdings: &'a Holdings<'a>,
    reverse: &'a Reverse<'a>,
    reach: Reach,
}

impl Bench<'_> {
    /// Losses of points by full revaluation.
    fn losses(&self, points: &[Vec<f64>]) -> Result<Vec<f64>, ShockError> {
        let shocks = points.iter().map(|x| self.drivers.shock(x)).collect();
        let pnl = ScenarioPnl::revalued(self.holdings, shocks)?;
        Ok(pnl.total().iter().map(|pnl| -pnl.to_f64()).collect())
    }

    fn loss_at(&self, found: &Found) -> Result<Option<Fixed>, Failure> {
        let loss = self.losses(std::slice::from_ref(&found.moves))?;
        Ok(loss.first().and_then(|loss| Fixed::quantise(*loss).ok()))
    }

    fn book(&self, loss: f64) -> Result<Vec<Row>, Failure> {
        let gradient = Gradient::new(self.holdings, self.drivers);
        let linear = self.reverse.linear(&gradient.total, loss);
        let curved = self.reverse.delta_gamma(&gradient.total, &gradient.second, loss);
        // A closed form knows no reach: what it says beyond may be no market at all.
        let is_near = |found: &Found| found.distance <= self.reach.distance;
        let starts: Vec<Found> = linear.iter().chain(&curved).filter(|f| is_near(f)).cloned().collect();
        let harm = |points: &[Vec<f64>]| -> Result<Vec<f64>, ShockError> {
            Ok(self.losses(points)?.into_iter().map(|lost| lost - loss).collect())
        };
        let slopes = (gradient.total.as_slice(), gradient.second.as_slice());
        let full = self.reverse.revalued(slopes, &starts, self.reach, &harm)?;
        let mut rows = Vec::new();
        for (method, none, found) in [
            ("linear", "no first-order loss", linear),
            ("delta-gamma", "no move loses so much", curved),
            ("revalued", "none within reach", full),
        ] {
            let near = found.as_ref().filter(|f| is_near(f));
            let loss_usd = near.map(|f| self.loss_at(f)).transpose()?.flatten();
            let outcome = match (&found, near) {
                (_, Some(_)) => "found",
                (Some(_), None) => "beyond reach",
                (None, _) => none,
            };
            rows.push(Row { place: "book".into(), method, outcome, found, loss_usd, surplus_usd: None });
        }
        Ok(rows)
    }

    fn account(&self, state: &AccountState, rulebook: &Rulebook) -> Result<Row, Failure> {
        let place = format!("{}@{}", state.account, state.venue);
        let surplus = |x: &[f64]| {
            let shocked = self.shocked(state, &self.drivers.shock(x));
            rulebook.outcome(&shocked).surplus().maintenance
        };
        let today = surplus(&vec![0.0; self.drivers.factors.len()]);
        let row = |outcome, found: Option<Found>, at: f64| Row {
            place: place.clone(),
            method: "revalued",
            outcome,
            found,
            loss_usd: None,
            surplus_usd: Fixed::quantise_down(at).ok(),
        };
        if today < 0.0 {
            return Ok(row("liquidatable today", None, today));
        }
        let harm = |points: &[Vec<f64>]| -> Result<Vec<f64>, ShockError> {
            Ok(points.iter().map(|x| -surplus(x)).collect())
        };
        let width = self.drivers.factors.len();
        let flat = vec![vec![0.0; width]; width];
        let slopes = (vec![0.0; width], flat);
        let found = self.reverse.revalued((&slopes.0, &slopes.1), &[], self.reach, &harm)?;
        Ok(match found {
            Some(found) => {
                let at = surplus(&found.moves);
                row("found", Some(found), at)
            }
            None => row("none within reach", None, today),
        })
    }

    /// The account after a shock: prices as [`AccountState::moved`], and each option's vol by its smile and the shift.
    fn shocked(&self, state: &AccountState, shock: &Shock) -> AccountState {
        let of = shock.spot_return_of.iter().map(|(asset, r)| (asset.clone(), 1.0 + r)).collect();
        let mut moved = state.moved(&Move { coins: 1.0, of });
        for leg in &mut moved.legs {
            let underlying = &leg.contract.underlying;
            let priced = self.valuation.board.contracts.get(&leg.contract);
            let smile = priced.and_then(|priced| priced.as_ref().ok()?.smile.as_ref());
            let log_move = pricing::kernel::ln(shock.spot_factor(underlying));
            let slide = smile.map_or(0.0, |smile| smile.slide(log_move, shock.stickiness(underlying)));
            if let Mark::Option { vol, expiry, .. } = &mut leg.mark {
                // The drivers shift levels only, so the moneyness is of no consequence.
                let place = VolPlace { vol: slid_vol(vol.get(), slide), expiry: *expiry, log_moneyness: 0.0 };
                *vol = Vol::new(shock.vol(underlying, place)).unwrap_or(*vol);
            }
        }
        moved
    }
}

fn only(loaded: &mut Loaded, account: &Account) -> Result<(), Failure> {
    let held: std::collections::BTreeSet<String> =
        crate::load::places(&loaded.book).map(|(account, _)| account.to_string()).collect();
    if !held.contains(account.as_str()) {
        let held: Vec<String> = held.into_iter().collect();
        return Err(Failure::Usage(format!(
            "--account {account}: the book has no such account; it has: {}",
            held.join(", ")
        )));
    }
    loaded.book.positions.retain(|p| p.account == *account);
    loaded.book.balances.retain(|b| b.account == *account);
    Ok(())
}

fn sheet(args: &StressArgs) -> Result<Sheet<StressTableName>, Failure> {
    let mut loaded = load(&args.inputs)?;
    let (rules, rule_inputs) = Rules::load(&args.rules, &loaded.book)?;
    if let Some(account) = &args.account {
        only(&mut loaded, account)?;
    }
    let valuation = Valuation::new(&loaded.book, &loaded.market);
    let mut law = Law::load(&args.law)?;
    let drivers = law.drivers(&valuation, &args.law)?;
    let holdings =
        Holdings::new(&loaded.book, &valuation.board, &loaded.market, &drivers).map_err(refused)?;
    check(args.inputs.allow_partial, &loaded, &valuation, (&holdings, &law))?;
    let panel = law.panel(&drivers)?;
    let covariance = law.covariance(&drivers, panel.as_ref(), args.law.horizon)?;
    let reverse = Reverse::new(&covariance).map_err(refused)?;
    let reach = Reach { distance: args.reach };
    let bench =
        Bench { valuation: &valuation, drivers: &drivers, holdings: &holdings, reverse: &reverse, reach };
    let mut notes = law.notes.clone();
    let rows = match args.reverse {
        Some(loss) => bench.book(loss)?,
        None => accounts(&bench, &loaded, &rules, &mut notes)?,
    };
    let recorded =
        panel.as_ref().map(|p| p.moves(args.law.horizon, Overlap::Daily)).transpose().map_err(refused)?;
    notes.extend(loaded.notes.iter().cloned());
    notes.push("distance is in standard deviations of the covariance; plausibility assumes the normal law, whose tails are thin".into());
    notes.push("a search from many starts, not a proof: a harm nearer than what is found is possible, on a ray between those tried".into());
    let sections = vec![
        Section::new(
            StressTableName::Found,
            ("Reverse stress", "the most plausible move that does the harm, by method"),
            found(&rows, &reverse, recorded.as_ref()),
        ),
        Section::new(
            StressTableName::Moves,
            ("Moves", "what each factor does in it"),
            moves(&rows, &covariance),
        ),
        Section::new(StressTableName::Unpriced, ("In no figure", ""), unpriced(&valuation, &holdings)),
    ];
    let mut facts = vec![
        ("horizon_days", Cell::Integer(args.law.horizon.into())),
        ("reach", Cell::Float(args.reach)),
        ("vol_tenor_power", Cell::Float(args.law.vol_tenor_power)),
    ];
    if let Some(loss) = args.reverse {
        facts.insert(0, ("loss_usd", Cell::Fixed(Fixed::quantise(loss).map_err(refused)?)));
    }
    let mut inputs = loaded.inputs;
    inputs.extend(law.inputs);
    inputs.extend(rule_inputs);
    let mut issues = loaded.issues;
    issues.extend(law.issues);
    Ok(Sheet {
        schema: "plimsoll.stress/1",
        title: "reverse stress",
        market: loaded.market,
        inputs,
        missing: valuation.unpriced.len() + holdings.undriven.len(),
        lacking: Vec::new(),
        issues,
        notes,
        facts,
        sections,
    })
}

/// Every place of the account that has a rulebook; the others are said to have none.
fn accounts(
    bench: &Bench<'_>,
    loaded: &Loaded,
    rules: &Rules,
    notes: &mut Vec<String>,
) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for state in account_states(&loaded.book, &loaded.market) {
        match rules.of(&state) {
            Ok(rulebook) => {
                let unmargined = rulebook.outcome(&state).unmargined.len();
                if unmargined > 0 {
                    notes.push(format!(
                        "{}@{}: positions and balances that rulebook {} leaves out: {unmargined}",
                        state.account, state.venue, rulebook.header.id
                    ));
                }
                rows.push(bench.account(&state, rulebook)?);
            }
            Err(why) => notes.push(format!("{}@{}: not searched: {why}", state.account, state.venue)),
        }
    }
    if rows.is_empty() {
        return Err(refused(format!("no place of the account has a rulebook:\n{}", notes.join("\n"))));
    }
    Ok(rows)
}

fn found(rows: &[Row], reverse: &Reverse<'_>, recorded: Option<&Moves>) -> Body {
    let columns = columns(&[
        ("place", ColumnKind::Text),
        ("method", ColumnKind::Text),
        ("outcome", ColumnKind::Text),
        ("distance", ColumnKind::Float),
        ("plausibility", ColumnKind::Float),
        ("one_sided_probability", ColumnKind::Float),
        ("loss_revalued_usd", ColumnKind::Fixed),
        ("surplus_after_usd", ColumnKind::Fixed),
        ("nearest_window", ColumnKind::Text),
        ("nearest_distance", ColumnKind::Float),
    ]);
    let day = |at: units::Timestamp| at.to_string().chars().take(10).collect::<String>();
    let fixed = |value: Option<Fixed>| value.map_or(Cell::Null, Cell::Fixed);
    let rows = rows.iter().map(|row| {
        let number = |of: fn(&Found) -> f64| row.found.as_ref().map_or(Cell::Null, |f| Cell::Float(of(f)));
        let nearest =
            row.found.as_ref().zip(recorded).and_then(|(f, moves)| reverse.nearest(&f.moves, moves));
        vec![
            text(&row.place),
            text(row.method),
            text(row.outcome),
            number(|f| f.distance),
            number(|f| f.plausibility),
            number(|f| f.one_sided),
            fixed(row.loss_usd),
            fixed(row.surplus_usd),
            nearest
                .as_ref()
                .map_or(Cell::Null, |n| text(format!("{} to {}", day(n.window.from), day(n.window.to)))),
            nearest.as_ref().map_or(Cell::Null, |n| Cell::Float(n.distance)),
        ]
    });
    (columns, rows.collect())
}

fn moves(rows: &[Row], covariance: &Covariance) -> Body {
    let columns = columns(&[
        ("place", ColumnKind::Text),
        ("method", ColumnKind::Text),
        ("factor", ColumnKind::Text),
        ("unit", ColumnKind::Text),
        ("move", ColumnKind::Float),
        ("deviations", ColumnKind::Float),
    ]);
    let mut body = Vec::new();
    for row in rows {
        let Some(found) = &row.found else { continue };
        for ((factor, sd), x) in covariance.factors.iter().zip(covariance.sd()).zip(&found.moves) {
            let (unit, shown) = match factor {
                Factor::Spot(_) => ("%", (pricing::kernel::exp(*x) - 1.0) * 100.0),
                Factor::Vol(_) => ("points", *x),
            };
            let mut line = vec![text(&row.place), text(row.method), text(factor), text(unit)];
            line.extend([Cell::Float(shown), Cell::Float(x / sd)]);
            body.push(line);
        }
    }
    (columns, body)
}
