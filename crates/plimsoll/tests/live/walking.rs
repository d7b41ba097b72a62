//! A market that moves, for those who run the engine over it.

use crate::support::{chain_column, chain_csv, chain_rows};

/// So many minutes of the sample market, whose index and forwards walk up and down together while prices in coin stay.
pub(crate) fn walking_chain(minutes: usize) -> String {
    let prices = ["underlying_price", "index_price"].map(chain_column);
    let mut rows = Vec::new();
    for minute in 0..minutes {
        let factor = 1.0 + 0.001 * f64::from(u32::try_from(minute % 7).unwrap());
        for mut row in chain_rows(&format!("2026-11-20T12:{minute:02}:00Z")) {
            for price in prices {
                if let Ok(was) = row[price].parse::<f64>() {
                    row[price] = (was * factor).to_string();
                }
            }
            rows.push(row);
        }
    }
    chain_csv(&rows)
}
