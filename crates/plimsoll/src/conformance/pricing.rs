//! Suite `pricing`: textbook values, another library's values and values computed with 40 to 200 digits.
//!
//! | file | what | tolerance |
//! |---|---|---|
//! | `haug_european_values.json` | 43 values of Haug's book; the same with 18 digits | as published; 2e-14 of the forward |
//! | `haug_european_greeks.json` | Haug's greeks | as published |
//! | `hull_black76_pyvollib.json` | Hull's greeks as printed and as recomputed; Black-76 of `py_vollib` | printed digits |
//! | `normalised_black_extreme_mp.json` | prices down to 1e-227 | 2e-14 of the forward; relative by conditioning |
//! | `iv_extreme_reference.json` | implied deviations of such prices | the file's acceptance rule |

use super::result::{Comparison, Group, GroupResult};
use super::vectors::{self, CaseError, FileError, number};
use super::{Progress, Report, Sources};
use ::pricing::implied_vol::{self, Deterministic, ImpliedVol, NormalisedPrice, Reference};
use ::pricing::{Black76, BlackScholes, kernel};
use serde_json::Value;
use units::{Discount, Forward, OptionKind, Rate, Spot, Strike, Vol, YearFraction};

pub(super) const ID: &str = "pricing";
pub(super) const SUMMARY: &str =
    "published and exact option values, greeks and implied vols, against the pricing kernels";

/// The project's target for prices, relative to the forward.
const PRICE_OF_FORWARD: f64 = 2e-14;
/// The deterministic solver's own promise, relative to the deviation and never finer than 1e-13.
const OWN_SOLVER: f64 = 1e-10;
const LEAST_DEVIATION_RESOLVED: f64 = 1e-3;
/// Half a unit of the twelfth digit, for numbers between 0.01 and 100 that a library printed.
const TWELVE_DIGITS: f64 = 1e-11;

/// One file and the groups made of it.
struct VectorFile {
    name: &'static str,
    groups: fn(&str, &Value) -> Vec<GroupResult>,
}

static FILES: [VectorFile; 5] = [
    VectorFile { name: "haug_european_values.json", groups: haug_values },
    VectorFile { name: "haug_european_greeks.json", groups: haug_greeks },
    VectorFile { name: "hull_black76_pyvollib.json", groups: hull },
    VectorFile { name: "normalised_black_extreme_mp.json", groups: extreme_prices },
    VectorFile { name: "iv_extreme_reference.json", groups: extreme_deviations },
];

/// Runs every file; one that is absent is a group that did not run, one that cannot be read is a failure.
pub(super) fn run(sources: &Sources, progress: &mut Report<'_>) -> Vec<GroupResult> {
    let folder = sources.vectors.join("pricing");
    let bytes_of = |file: &VectorFile| std::fs::metadata(folder.join(file.name)).map_or(0, |data| data.len());
    let bytes_total = FILES.iter().map(bytes_of).sum();
    let mut bytes_done = 0;
    let mut groups = Vec::new();
    for file in &FILES {
        match vectors::read(&folder.join(file.name)) {
            Ok(value) => groups.extend((file.groups)(file.name, &value)),
            Err(error) => {
                let mut group = Group::checked(file.name, "", "the file decides");
                groups.push(match error {
                    FileError::Absent(_) => group.not_run(error.to_string()),
                    FileError::Io(_) | FileError::Json(_) => {
                        group.fault(file.name, error.to_string());
                        group.finish()
                    }
                });
            }
        }
        bytes_done += bytes_of(file);
        progress(Progress { suite: ID, item: file.name, bytes_done, bytes_total });
    }
    groups
}

fn absolute(ours: f64, theirs: f64, tolerance: f64) -> Comparison {
    Comparison { ours, theirs, tolerance, scale: 1.0 }
}

fn spot_option(row: &Value) -> Result<BlackScholes, CaseError> {
    Ok(BlackScholes {
        spot: Spot::new(number(row, "spot")?)?,
        strike: Strike::new(number(row, "strike")?)?,
        vol: Vol::new(number(row, "vol")?)?,
        expiry: YearFraction::new(number(row, "t")?)?,
        rate: Rate::new(number(row, "r")?)?,
        carry_yield: Rate::new(number(row, "q")?)?,
        kind: vectors::kind(row, "type")?,
    })
}

fn describe(name: &str, option: &BlackScholes) -> String {
    let letter = if option.kind == OptionKind::Call { 'C' } else { 'P' };
    format!(
        "{name}: {letter} spot {} strike {} t {} vol {}",
        option.spot.get(),
        option.strike.get(),
        option.expiry.get(),
        option.vol.get()
    )
}

fn haug_values(file_name: &str, file: &Value) -> Vec<GroupResult> {
    let mut printed = Group::checked(
        format!("{file_name}: as printed"),
        "currency",
        "one unit of the last printed digit, as the file states for each case",
    );
    let mut exact = Group::checked(
        format!("{file_name}: exact"),
        "of the forward",
        "the project's target for prices; the exact values have 18 digits",
    );
    vectors::each_row(file, "cases", &mut printed, |name, row, group| {
        let option = spot_option(row)?;
        let (value, tolerance) = (number(row, "value")?, number(row, "tol")?);
        group.compare(absolute(option.greeks()?.value, value, tolerance), || describe(name, &option));
        Ok(())
    });
    vectors::each_row(file, "cases", &mut exact, |name, row, group| {
        let option = spot_option(row)?;
        let (ours, theirs) = (option.greeks()?.value, number(row, "bsm_exact")?);
        let scale = option.on_forward()?.forward.get();
        group.compare(Comparison { ours, theirs, tolerance: PRICE_OF_FORWARD, scale }, || {
            describe(name, &option)
        });
        Ok(())
    });
    vec![printed.finish(), exact.finish()]
}

fn haug_greeks(file_name: &str, file: &Value) -> Vec<GroupResult> {
    let mut group = Group::checked(
        format!("{file_name}: as printed"),
        "per 1.00; theta per year or day",
        "one unit of the last printed digit, as the file states for each case",
    );
    vectors::each_row(file, "cases", &mut group, |name, row, group| {
        let option = spot_option(row)?;
        let greeks = option.greeks()?;
        let word = vectors::text(row, "greek")?;
        let ours = match word {
            "delta" => greeks.delta,
            "gamma" => greeks.gamma,
            "vega" => greeks.vega,
            "theta" => greeks.theta_per_year,
            "theta_per_day" => greeks.theta_per_year / YearFraction::DAYS,
            "rho" => greeks.rho,
            "dividend_rho" => greeks.dividend_rho,
            // None for a worthless option, and then no number agrees.
            "elasticity" => greeks.elasticity.unwrap_or(f64::NAN),
            _ => return Err(CaseError::Text("greek")),
        };
        let comparison = absolute(ours, number(row, "value")?, number(row, "tol")?);
        group.compare(comparison, || format!("{word} of {}", describe(name, &option)));
        Ok(())
    });
    vec![group.finish()]
}

fn hull(file_name: &str, file: &Value) -> Vec<GroupResult> {
    let mut book = Group::checked(
        format!("{file_name}: Hull as printed"),
        "theta per year, vega per point",
        "half a unit of the last digit that the book prints",
    );
    let mut recomputed = Group::checked(
        format!("{file_name}: Hull recomputed"),
        "theta per year, vega per point",
        "the digits that the source prints: twelve",
    );
    if let Err(error) = hull_greeks(file, &mut book, &mut recomputed) {
        book.fault("hull_bsm", error.to_string());
    }
    let mut values = Group::checked(
        format!("{file_name}: Black-76 values"),
        "of the forward",
        "the project's target for prices; the library prints 16 digits",
    );
    let mut greeks = Group::checked(
        format!("{file_name}: Black-76 greeks"),
        "theta per day, vega per point, rho per 1 %",
        "the digits that the source prints: twelve",
    );
    vectors::each_row(file, "black76", &mut values, |name, row, group| {
        let option = black76(row)?;
        let value = option.price();
        let discount = option.discount.get();
        for (measure, ours) in [("discounted", value), ("undiscounted", value / discount)] {
            if row.get(measure).is_some() {
                let (theirs, scale) = (number(row, measure)?, option.forward.get());
                let comparison = Comparison { ours, theirs, tolerance: PRICE_OF_FORWARD, scale };
                group.compare(comparison, || format!("{name} {measure}"));
            }
        }
        Ok(())
    });
    vectors::each_row(file, "black76", &mut greeks, black76_greeks);
    if let Err(error) = normalised(file, &mut values) {
        values.fault("normalised_black", error.to_string());
    }
    vec![book.finish(), recomputed.finish(), values.finish(), greeks.finish()]
}

/// `book` is printed to three decimals (theta to two), `calc` to twelve digits.
fn hull_greeks(file: &Value, book: &mut Group, recomputed: &mut Group) -> Result<(), CaseError> {
    let hull = file.get("hull_bsm").ok_or(CaseError::Text("hull_bsm"))?;
    let inputs = hull.get("inputs").ok_or(CaseError::Text("inputs"))?;
    let greeks = |kind| -> Result<_, CaseError> {
        let option = BlackScholes {
            spot: Spot::new(number(inputs, "S")?)?,
            strike: Strike::new(number(inputs, "K")?)?,
            vol: Vol::new(number(inputs, "sigma")?)?,
            expiry: YearFraction::new(number(inputs, "t")?)?,
            rate: Rate::new(number(inputs, "r")?)?,
            carry_yield: Rate::new(0.0)?,
            kind,
        };
        Ok(option.greeks()?)
    };
    let (call, put) = (greeks(OptionKind::Call)?, greeks(OptionKind::Put)?);
    let measures = [
        ("delta_call", call.delta, 5e-4),
        ("theta_call_year", call.theta_per_year, 5e-3),
        ("theta_put_year", put.theta_per_year, 5e-3),
        ("gamma", call.gamma, 5e-4),
        ("vega_per_volpoint", call.vega / 100.0, 5e-4),
    ];
    for (name, ours, half_printed_digit) in measures {
        let row = hull.get(name).ok_or_else(|| CaseError::Number(name.to_owned()))?;
        if row.get("book").is_some() {
            book.compare(absolute(ours, number(row, "book")?, half_printed_digit), || {
                format!("hull_bsm {name}")
            });
        }
        recomputed
            .compare(absolute(ours, number(row, "calc")?, TWELVE_DIGITS), || format!("hull_bsm {name}"));
    }
    Ok(())
}

fn black76(row: &Value) -> Result<Black76, CaseError> {
    let (rate, time) = (number(row, "r")?, number(row, "t")?);
    Ok(Black76 {
        forward: Forward::new(number(row, "F")?)?,
        strike: Strike::new(number(row, "K")?)?,
        vol: Vol::new(number(row, "sigma")?)?,
        expiry: YearFraction::new(time)?,
        discount: Discount::new(kernel::exp(-rate * time))?,
        kind: vectors::kind(row, "flag")?,
    })
}

fn black76_greeks(name: &str, row: &Value, group: &mut Group) -> Result<(), CaseError> {
    let greeks = black76(row)?.greeks();
    let measures = [
        ("delta", greeks.delta),
        ("gamma", greeks.gamma),
        ("vega_per_volpoint", greeks.vega / 100.0),
        ("theta_per_day", greeks.theta_per_year / YearFraction::DAYS),
        ("rho_per_1pct", greeks.rho_forward / 100.0),
    ];
    for (measure, ours) in measures {
        if row.get(measure).is_some() {
            group.compare(absolute(ours, number(row, measure)?, TWELVE_DIGITS), || {
                format!("{name} {measure}")
            });
        }
    }
    Ok(())
}

/// V/√(F K) without discount.
fn normalised(file: &Value, group: &mut Group) -> Result<(), CaseError> {
    let row = file.get("normalised_black").ok_or(CaseError::Text("normalised_black"))?;
    let (forward, strike) = (number(row, "F")?, number(row, "K")?);
    for (name, kind) in [("call", OptionKind::Call), ("put", OptionKind::Put)] {
        let option = Black76 {
            forward: Forward::new(forward)?,
            strike: Strike::new(strike)?,
            vol: Vol::new(number(row, "v")?)?,
            expiry: YearFraction::new(number(row, "t")?)?,
            discount: Discount::new(1.0)?,
            kind,
        };
        let ours = option.price() / (forward * strike).sqrt();
        group.compare(absolute(ours, number(row, name)?, PRICE_OF_FORWARD), || {
            format!("normalised_black {name}")
        });
    }
    Ok(())
}

/// With x = ln(F/K) <= 0 and s = σ√T, the price is √(F K) b(x, s), so that an error of b is e^(-x/2) times as large in terms of F.
fn extreme_prices(file_name: &str, file: &Value) -> Vec<GroupResult> {
    let mut absolute_error = Group::checked(
        format!("{file_name}: normalised price"),
        "of the forward",
        "the project's target for prices",
    );
    let mut kernel_error = Group::checked(
        format!("{file_name}: Black-76 at F = 1"),
        "of the forward",
        "the project's target for prices; rounding the strike e^-x moves the price by less than an ulp of the forward",
    );
    let mut relative_error = Group::checked(
        format!("{file_name}: normalised price, relative"),
        "relative",
        "4 eps (2 + (x/s)^2 + (1 + |x/s|)/s): rounding of the exponent, and of a difference that a small s makes",
    );
    vectors::each_row(file, "cases", &mut absolute_error, |name, row, group| {
        let (x, s, theirs) = (number(row, "x")?, number(row, "s")?, number(row, "b_digits")?);
        let ours = implied_vol::normalised_price(x, s);
        let scale = kernel::exp(0.5 * x);
        group.compare(Comparison { ours, theirs, tolerance: PRICE_OF_FORWARD, scale }, || {
            extreme_name(name, x, s)
        });
        Ok(())
    });
    vectors::each_row(file, "cases", &mut kernel_error, |name, row, group| {
        let (x, s, theirs) = (number(row, "x")?, number(row, "s")?, number(row, "b_digits")?);
        let option = Black76 {
            forward: Forward::new(1.0)?,
            strike: Strike::new(kernel::exp(-x))?,
            vol: Vol::new(s)?,
            expiry: YearFraction::new(1.0)?,
            discount: Discount::new(1.0)?,
            kind: OptionKind::Call,
        };
        let of_forward = theirs * kernel::exp(-0.5 * x);
        group.compare(absolute(option.price(), of_forward, PRICE_OF_FORWARD), || extreme_name(name, x, s));
        Ok(())
    });
    vectors::each_row(file, "cases", &mut relative_error, |name, row, group| {
        let (x, s, theirs) = (number(row, "x")?, number(row, "s")?, number(row, "b_digits")?);
        let ours = implied_vol::normalised_price(x, s);
        let distance = (x / s).abs();
        let tolerance = 4.0 * f64::EPSILON * (2.0 + distance * distance + (1.0 + distance) / s);
        group.compare(Comparison { ours, theirs, tolerance, scale: theirs }, || extreme_name(name, x, s));
        Ok(())
    });
    vec![absolute_error.finish(), kernel_error.finish(), relative_error.finish()]
}

fn extreme_name(name: &str, x: f64, s: f64) -> String {
    format!("{name}: x {x} s {s}")
}

fn extreme_deviations(file_name: &str, file: &Value) -> Vec<GroupResult> {
    let mut reference = Group::checked(
        format!("{file_name}: reference solver"),
        "relative",
        "the file's acceptance rule: 4 eps (1 + b/(s vega))",
    );
    let mut own = Group::checked(
        format!("{file_name}: deterministic solver"),
        "relative",
        "1e-10 of the deviation, or of 0.001 where it is smaller: what the solver promises",
    );
    for list in ["bits_cases", "decimal_cases"] {
        vectors::each_row(file, list, &mut reference, |name, row, group| {
            let case = DeviationCase::read(row)?;
            case.compare(Reference.total_deviation(case.price)?, case.acceptance(), name, group);
            Ok(())
        });
        vectors::each_row(file, list, &mut own, |name, row, group| {
            let case = DeviationCase::read(row)?;
            let tolerance = OWN_SOLVER * (LEAST_DEVIATION_RESOLVED / case.deviation).max(1.0);
            case.compare(Deterministic.total_deviation(case.price)?, tolerance, name, group);
            Ok(())
        });
    }
    vec![reference.finish(), own.finish()]
}

struct DeviationCase {
    price: NormalisedPrice,
    deviation: f64,
    /// What the exact root has beyond the nearest f64.
    correction: f64,
}

impl DeviationCase {
    fn read(row: &Value) -> Result<Self, CaseError> {
        let price = NormalisedPrice { log_moneyness: number(row, "x")?, time_value: number(row, "beta")? };
        let correction = if row.get("s_correction").is_some() { number(row, "s_correction")? } else { 0.0 };
        let case = Self { price, deviation: number(row, "s")?, correction };
        if let Some(bits) = row.get("bits").and_then(Value::as_array) {
            case.agrees_with(bits)?;
        }
        Ok(case)
    }

    /// The decimal fields must name the very numbers whose bits the file lists.
    fn agrees_with(&self, bits: &[Value]) -> Result<(), CaseError> {
        let fields = [
            ("x", self.price.log_moneyness),
            ("beta", self.price.time_value),
            ("s", self.deviation),
            ("s_correction", self.correction),
        ];
        for ((name, value), bits) in fields.iter().zip(bits) {
            let text = bits.as_str().unwrap_or_default().replace('_', "");
            if u64::from_str_radix(&text, 16) != Ok(value.to_bits()) {
                return Err(CaseError::Number(format!("bits of {name}")));
            }
        }
        Ok(())
    }

    /// 4 eps (1 + b/(s vega)), vega = exp(-(x/s)²/2 - s²/8)/√(2π).
    fn acceptance(&self) -> f64 {
        let s = self.deviation;
        let distance = self.price.log_moneyness / s;
        let vega = kernel::exp(-0.5 * distance * distance - s * s / 8.0) * kernel::norm_pdf(0.0);
        4.0 * f64::EPSILON * (1.0 + self.price.time_value / (s * vega))
    }

    fn compare(&self, found: f64, tolerance: f64, name: &str, group: &mut Group) {
        // The difference first: the correction is far below an ulp of the deviation.
        let difference = (found - self.deviation) - self.correction;
        let comparison = Comparison { ours: difference, theirs: 0.0, tolerance, scale: self.deviation };
        group.compare(comparison, || {
            format!("{name}: x {} beta {:e}", self.price.log_moneyness, self.price.time_value)
        });
    }
}
