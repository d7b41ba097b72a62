//! The sample book: `holdings.csv` with its figures moved by the seed.
//!
//! Quantities and amounts move by up to 10 %, entry prices by up to 2 %; each keeps the decimals that it is written with,
//! which are the venue's step. Quantities are in the unit of the venue's position: USD for inverse futures, contracts at
//! OKX, coins elsewhere. An entry price is in coin for inverse options, in the quote currency otherwise.

use super::certain;
use super::seed::Seed;
use units::Decimal;

const HOLDINGS: &str = include_str!("holdings.csv");
const QUANTITY_PER_MILLE: i32 = 100;
const PRICE_PER_MILLE: i32 = 20;

/// The file, header first.
pub(super) fn csv(seed: &Seed) -> String {
    let mut lines = HOLDINGS.lines();
    let header = lines.next().unwrap_or_default();
    let rows = lines.map(|row| moved_row(seed, header, row));
    std::iter::once(header.to_owned()).chain(rows).map(|line| line + "\n").collect()
}

fn moved_row(seed: &Seed, header: &str, row: &str) -> String {
    let cells = header.split(',').zip(row.split(',')).map(|(column, cell)| {
        let reach = match column {
            "quantity" | "amount" => QUANTITY_PER_MILLE,
            "average_price" => PRICE_PER_MILLE,
            _ => return cell.to_owned(),
        };
        let label = format!("{column} of {row}");
        if cell.is_empty() { String::new() } else { moved(cell, seed.draw(&label, -reach..=reach)) }
    });
    cells.collect::<Vec<String>>().join(",")
}

fn moved(cell: &str, per_mille: i32) -> String {
    let written: Decimal = certain(cell.parse());
    let factor = Decimal::ONE + Decimal::new(i64::from(per_mille), 3);
    (written * factor).round_dp(written.scale()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_move_by_the_factor_and_keep_their_decimals() {
        assert_eq!(moved("25.0", 100), "27.5");
        assert_eq!(moved("-1800", -15), "-1773");
        assert_eq!(moved("0.0455", 20), "0.0464");
    }

    #[test]
    fn usd_sizes_stay_multiples_of_the_contract() {
        // 1000 x (1 + n/1000) is whole, and a multiple of 10 where the size is one of 10 000.
        for per_mille in -100..=100 {
            assert!(moved("-850000", per_mille).ends_with('0'));
        }
    }
}
