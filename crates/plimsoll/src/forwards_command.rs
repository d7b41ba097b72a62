//! `plimsoll forwards`: the forward curve with every source beside the forward of record, and what perpetuals' funding implies.
//!
//! Carry is `ln(F/S)/T`, a year. A perpetual's funding f per 8 hours, paid by longs, is the carry `f 3 365`: holding spot and selling
//! the perpetual earns it as long as it lasts. Its funding-implied forward at a tenor T is `S exp(carry T)`.

use crate::cli::{ForwardsArgs, ForwardsTableName};
use crate::failure::Failure;
use crate::load::{LoadedMarket, load_market};
use crate::measure_commands::{Section, Sheet};
use crate::output::{TableNames, Target};
use crate::render::flat::{Body, columns, count, text};
use instrument::{Contract, Terms, expiry_text};
use lake::{Cell, ColumnKind};
use market::{DISAGREEMENT_LIMIT_BP, FutureQuote, Market, quote_currency};
use std::process::ExitCode;
use units::{Asset, Spot, YearFraction};

/// Funding payments a year.
const FUNDINGS: f64 = 3.0 * YearFraction::DAYS;

impl TableNames for ForwardsTableName {
    fn stem(self) -> &'static str {
        match self {
            Self::Forwards => "forwards",
            Self::Perpetuals => "perpetuals",
        }
    }
}

/// Runs the command; the exit code says whether rows were left out.
pub(crate) fn run(args: &ForwardsArgs) -> Result<ExitCode, Failure> {
    let target = Target::new(&args.output, args.table);
    target.check(&args.market)?;
    let loaded = load_market(&args.market, args.at)?;
    if !loaded.issues.is_empty() && !args.allow_partial {
        return Err(Failure::BadRows { issues: Box::new(loaded.issues) });
    }
    let sheet = sheet(args, loaded);
    target.write(&sheet)?;
    Ok(sheet.exit_code())
}

fn sheet(args: &ForwardsArgs, loaded: LoadedMarket) -> Sheet<ForwardsTableName> {
    let LoadedMarket { snapshot, market, inputs, issues, mut notes } = loaded;
    notes.extend(market.notes.iter().cloned());
    notes.push("synthetic: at the best bids and asks of options near the money, before fees".into());
    let futures: Vec<&FutureQuote> = snapshot.futures.values().collect();
    let (curve, most_bp) = curve(&market);
    let sections = vec![
        Section::new(
            ForwardsTableName::Forwards,
            ("Forward curve", "the forward of record, its sources, and how far they lie apart"),
            curve,
        ),
        Section::new(
            ForwardsTableName::Perpetuals,
            (
                "Perpetuals",
                "premium to index; carry that the last funding implies against that of the curve at the tenor",
            ),
            perpetuals(&market, &futures, args.tenor),
        ),
    ];
    Sheet {
        schema: "plimsoll.forwards/1",
        title: "forwards",
        market,
        inputs,
        missing: 0,
        lacking: Vec::new(),
        issues,
        notes,
        facts: vec![
            ("largest_disagreement_bp", most_bp.map_or(Cell::Null, Cell::Float)),
            ("disagreement_limit_bp", Cell::Float(DISAGREEMENT_LIMIT_BP)),
            ("tenor_days", count(usize::from(args.tenor))),
        ],
        sections,
    }
}

/// The rows, and the largest disagreement of all.
fn curve(market: &Market) -> (Body, Option<f64>) {
    let columns = columns(&[
        ("underlying", ColumnKind::Text),
        ("quote_currency", ColumnKind::Text),
        ("expiry", ColumnKind::Text),
        ("expiry_days", ColumnKind::Float),
        ("forward", ColumnKind::Float),
        ("source", ColumnKind::Text),
        ("carry_pct_per_year", ColumnKind::Float),
        ("forward_carry_pct_per_year", ColumnKind::Float),
        ("disagreement_bp", ColumnKind::Float),
        ("synthetic_bid", ColumnKind::Float),
        ("synthetic_ask", ColumnKind::Float),
        ("synthetic", ColumnKind::Text),
        ("outside_synthetic_bp", ColumnKind::Float),
        ("parity", ColumnKind::Float),
        ("parity_pairs", ColumnKind::Integer),
        ("future_mark", ColumnKind::Float),
        ("printed", ColumnKind::Float),
        ("expiry_utc", ColumnKind::Text),
    ]);
    let optional = |value: Option<f64>| value.map_or(Cell::Null, Cell::Float);
    let (mut rows, mut most): (Vec<Vec<Cell>>, Option<f64>) = (Vec::new(), None);
    for (asset, underlying) in &market.underlyings {
        for (currency, family) in &underlying.families {
            // Without a rate of the currency the forward stands, and its carry against the index in USD is not known.
            let rate = market.usd_rate(currency).ok();
            // Carry between the point before, first of all spot itself, and this one.
            let mut before = (0.0, 0.0);
            for point in family.curve.points() {
                let forward = point.forward.get();
                let years = market.asof.years_until(point.expiry).map_or(0.0, YearFraction::get);
                let log_carry = rate.map(|rate| pricing::kernel::ln(forward * rate / underlying.spot.get()));
                let per_year = |gain: Option<f64>, time: f64| {
                    gain.filter(|_| time > 0.0).map(|gain| 100.0 * gain / time)
                };
                let synthetic = point.synthetic;
                most = most.into_iter().chain([basis_points(point.disagreement_bp())]).max_by(f64::total_cmp);
                rows.push(vec![
                    text(asset),
                    text(currency),
                    text(expiry_text(point.expiry)),
                    Cell::Float(years * YearFraction::DAYS),
                    Cell::Float(forward),
                    text(point.source.word()),
                    optional(per_year(log_carry, years)),
                    optional(per_year(log_carry.map(|carry| carry - before.1), years - before.0)),
                    Cell::Float(basis_points(point.disagreement_bp())),
                    optional(synthetic.map(|s| s.bid)),
                    optional(synthetic.map(|s| s.ask)),
                    text(synthetic.map_or("none", |s| if s.is_crossed() { "crossed" } else { "ok" })),
                    optional(synthetic.map(|s| basis_points(s.outside_bp(forward)))),
                    optional(point.parity),
                    count(point.parity_pairs),
                    optional(point.future_mark),
                    optional(point.printed),
                    text(point.expiry),
                ]);
                before = (years, log_carry.unwrap_or(0.0));
            }
        }
    }
    ((columns, rows), most)
}

/// To a thousandth: what is below is rounding of prices.
fn basis_points(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn perpetuals(market: &Market, futures: &[&FutureQuote], tenor_days: u16) -> Body {
    let columns = columns(&[
        ("venue", ColumnKind::Text),
        ("instrument", ColumnKind::Text),
        ("underlying", ColumnKind::Text),
        ("mark", ColumnKind::Float),
        ("premium_bp", ColumnKind::Float),
        ("funding_8h_pct", ColumnKind::Float),
        ("funding_carry_pct_per_year", ColumnKind::Float),
        ("curve_carry_pct_per_year", ColumnKind::Float),
        ("funding_less_curve_pct_per_year", ColumnKind::Float),
        ("funding_forward", ColumnKind::Float),
    ]);
    let optional = |value: Option<f64>| value.map_or(Cell::Null, Cell::Float);
    let tenor = f64::from(tenor_days) / YearFraction::DAYS;
    let perpetuals = futures.iter().filter(|quote| quote.listing.contract.terms == Terms::Perpetual);
    let rows = perpetuals.map(|quote| {
        let contract = &quote.listing.contract;
        let spot = spot_in_quote_currency(market, contract);
        let carry = quote.funding_rate_8h.map(|funding| funding * FUNDINGS);
        let curve = curve_carry(market, contract, tenor_days);
        let mark = quote.mark_price.get();
        vec![
            text(&quote.listing.venue),
            text(&quote.listing.symbol),
            text(&contract.underlying),
            Cell::Float(mark),
            optional(spot.map(|spot| (mark / spot - 1.0) * 1e4)),
            optional(quote.funding_rate_8h.map(|funding| 100.0 * funding)),
            optional(carry.map(|carry| 100.0 * carry)),
            optional(curve.map(|carry| 100.0 * carry)),
            optional(carry.zip(curve).map(|(funding, curve)| 100.0 * (funding - curve))),
            optional(carry.zip(spot).map(|(carry, spot)| spot * pricing::kernel::exp(carry * tenor))),
        ]
    });
    (columns, rows.collect())
}

fn spot_in_quote_currency(market: &Market, contract: &Contract) -> Option<f64> {
    let rate = market.usd_rate(&quote_currency(contract)).ok()?;
    Some(market.spot(&contract.underlying).ok()?.get() / rate)
}

/// Carry a year of the dated curve at the tenor: of the contract's own quote currency, or else of USD. None without a curve.
fn curve_carry(market: &Market, contract: &Contract, days: u16) -> Option<f64> {
    let underlying = market.underlyings.get(&contract.underlying)?;
    let own = quote_currency(contract);
    let (currency, family) = [own, Asset::usd()]
        .into_iter()
        .find_map(|c| underlying.families.get_key_value(&c).filter(|(_, f)| !f.curve.is_empty()))?;
    let spot = Spot::new(underlying.spot.get() / market.usd_rate(currency).ok()?).ok()?;
    let expiry = market.asof.plus_millis(i64::from(days) * 86_400_000);
    let (forward, _) = family.curve.forward(spot, market.asof, expiry);
    let years = f64::from(days) / YearFraction::DAYS;
    Some(pricing::kernel::ln(forward.get() / spot.get()) / years)
}
