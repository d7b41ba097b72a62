//! Bands of several greeks: the file `costs/greeks.toml`, or one of the user's.

use crate::document::InputFile;
use crate::failure::Failure;
use crate::load::hash;
use hedge::optimise::Band;
use risk::Measure;
use std::path::Path;
use units::{Issue, Issues, Timestamp};

const EMBEDDED: &str = include_str!("../../../../costs/greeks.toml");
const EMBEDDED_NAME: &str = "embedded costs/greeks.toml";

/// One band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct GreekBand {
    pub(super) measure: Measure,
    pub(super) by: By,
    pub(super) band: Band,
}

/// Of what the sum is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum By {
    Underlying,
    Expiry,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct BandsToml {
    source: String,
    valid_from: String,
    #[serde(default)]
    band: Vec<BandToml>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct BandToml {
    measure: String,
    by: By,
    width: String,
    price_usd: Option<f64>,
}

/// Bands, who decided them, and the file.
pub(super) struct Bands {
    pub(super) source: String,
    pub(super) bands: Vec<GreekBand>,
}

/// The file named, or the embedded one.
pub(super) fn load(path: Option<&Path>) -> Result<(Bands, InputFile), Failure> {
    let input = |path: &str, blake3: String, rows: u64| InputFile {
        path: path.into(),
        role: "bands",
        blake3,
        rows,
        asof: None,
    };
    let Some(path) = path else {
        let bands = parse(EMBEDDED_NAME, EMBEDDED).map_err(|issues| Failure::Costs { issues })?;
        let rows = bands.bands.len() as u64;
        return Ok((
            bands,
            input(EMBEDDED_NAME, blake3::hash(EMBEDDED.as_bytes()).to_hex().to_string(), rows),
        ));
    };
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|e| Failure::Input(format!("{name}: cannot read: {e}")))?;
    let bands = parse(&name, &text).map_err(|issues| Failure::Costs { issues })?;
    let rows = bands.bands.len() as u64;
    Ok((bands, input(&name, hash(path)?, rows)))
}

fn parse(file: &str, text: &str) -> Result<Bands, Issues> {
    let mut issues = Issues::default();
    let mut issue = |field: &str, value: &str, rule: &str| {
        let (file, rule) = (file.to_owned(), rule.to_owned());
        issues.push(Issue { file, row: 0, field: field.into(), value: value.into(), rule });
    };
    let raw: BandsToml = match toml::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            issue("", "", error.to_string().trim());
            return Err(issues);
        }
    };
    if raw.source.trim().is_empty() {
        issue("source", "", "say where the numbers come from");
    }
    if format!("{}T00:00:00Z", raw.valid_from).parse::<Timestamp>().is_err() {
        issue("valid_from", &raw.valid_from, "a day, such as 2026-11-26");
    }
    if raw.band.is_empty() {
        issue("band", "", "at least one [[band]]");
    }
    let known = Measure::ALL.map(Measure::usd_key).join(", ");
    let mut bands: Vec<GreekBand> = Vec::new();
    for (number, row) in (1..).zip(&raw.band) {
        let at = |field: &str| format!("band {number}: {field}");
        let measure = Measure::ALL.into_iter().find(|measure| measure.usd_key() == row.measure);
        if measure.is_none() {
            issue(&at("measure"), &row.measure, &format!("one of {known}"));
        }
        let width = row.width.trim().parse::<f64>().ok().filter(|width| (0.0..=1e15).contains(width));
        if width.is_none() {
            issue(&at("width"), &row.width, "a number of 0 or more, as text, such as \"50000\"");
        }
        if let Some(price) = row.price_usd.filter(|price| !(*price > 0.0 && *price <= 1e9)) {
            issue(
                &at("price_usd"),
                &price.to_string(),
                "above zero; leave it out for a band that no plan leaves",
            );
        }
        let (Some(measure), Some(width)) = (measure, width) else { continue };
        if bands.iter().any(|one| (one.measure, one.by) == (measure, row.by)) {
            issue(&at("measure"), &row.measure, "one band for each measure and sum");
        }
        let band = row.price_usd.map_or(Band::Hard { width }, |price| Band::Soft { width, price });
        bands.push(GreekBand { measure, by: row.by, band });
    }
    if issues.is_empty() { Ok(Bands { source: raw.source, bands }) } else { Err(issues) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_is_sound_and_every_mistake_is_named_at_once() {
        assert!(parse(EMBEDDED_NAME, EMBEDDED).is_ok());
        let wrong = EMBEDDED
            .replace("measure = \"delta_cash_usd\"", "measure = \"delta\"")
            .replace("width = \"20000\"", "width = \"-1\"")
            .replace("price_usd = 2.0", "price_usd = 0.0");
        let issues = parse("mine.toml", &wrong).map(|_| ()).unwrap_err();
        let fields: Vec<&str> = issues.kept().iter().map(|issue| issue.field.as_str()).collect();
        assert_eq!(fields, ["band 1: measure", "band 2: width", "band 3: price_usd"]);
    }
}
