//! Files of levels: both layouts, packed or not, and every fault by its row.
#![allow(clippy::unwrap_used, clippy::float_cmp)] // test code

mod common;

use common::Scratch;
use lake::{LevelKind, read_history};
use proptest::prelude::*;
use std::io::Write;

#[test]
fn prices_and_vols_hold_at_the_end_of_their_bars() {
    let prices = Scratch::new(
        ".csv",
        b"ts,open,close\n1577836800,7189,7171.5\n1577840400,7171,7210.2\n1577851200,7,7300\n",
    );
    let read = read_history(prices.path()).unwrap();
    assert_eq!(read.kind, LevelKind::Price);
    assert_eq!(read.points, [(1_577_840_400, 7171.5), (1_577_844_000, 7210.2), (1_577_854_800, 7300.0)]);
    let vols =
        Scratch::new(".csv", b"\xEF\xBB\xBFts,iv\n2021-03-24T00:00:00Z,0.8488\n2021-03-24T01:00:00Z,0.866\n");
    let read = read_history(vols.path()).unwrap();
    assert_eq!(read.kind, LevelKind::VolPoints);
    assert_eq!(read.points[0], (1_616_544_000 + 3_600, 84.88));
}

#[test]
fn a_packed_file_reads_as_the_plain_one_and_a_torn_one_is_refused() {
    let text = "ts,close\n0,1\n3600,2\n";
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(text.as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    let (plain, gz) = (Scratch::new(".csv", text.as_bytes()), Scratch::new(".csv.gz", &packed));
    assert_eq!(read_history(plain.path()).unwrap(), read_history(gz.path()).unwrap());
    let torn = Scratch::new(".csv.gz", &packed[..packed.len() - 6]);
    assert!(read_history(torn.path()).unwrap_err().to_string().contains("cannot read"));
}

#[test]
fn every_bad_row_is_an_issue_and_the_rest_is_read() {
    let text = "ts,close\n0,1\n0,2\n3600,NaN\n7200,-1\nyesterday,4\n1800,x\n1799,5\n9000,6,7\n10800\n";
    let file = Scratch::new(".csv", text.as_bytes());
    let read = read_history(file.path()).unwrap();
    assert_eq!(read.points.iter().map(|(_, level)| *level).collect::<Vec<_>>(), [1.0, 5.0, 6.0]);
    let told = read.issues.to_string();
    for expected in [
        "row 2, ts = '0': this instant has a row already",
        "row 3, close = 'NaN': a level is finite and above zero",
        "row 4, close = '-1': a level is finite",
        "row 5, ts = 'yesterday': the open of the bar",
        "row 6, close = 'x': a number",
        "row 9, close: a number",
    ] {
        assert!(told.contains(expected), "{expected} not in\n{told}");
    }
}

#[test]
fn files_that_are_no_history_are_refused_by_rule() {
    let refused = |bytes: &[u8]| {
        let file = Scratch::new(".csv", bytes);
        read_history(file.path()).unwrap_err().to_string()
    };
    assert!(refused(b"time,close\n0,1\n").contains("missing column 'ts'"));
    assert!(refused(b"ts,price\n0,1\n").contains("missing column 'close'"));
    assert!(refused(b"ts,close,iv\n0,1,1\n").contains("which of them is the level"));
    assert!(refused(b"ts,close\n").contains("no rows"));
    assert!(refused(b"").contains("missing column"));
    assert!(read_history(&std::env::temp_dir()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), packed in any::<bool>()) {
        let mut all = if packed { vec![0x1F, 0x8B, 8, 0] } else { b"ts,close\n".to_vec() };
        all.extend(bytes);
        let file = Scratch::new(".csv", &all);
        if let Ok(read) = read_history(file.path()) {
            prop_assert!(read.points.windows(2).all(|p| p[0].0 < p[1].0));
            prop_assert!(read.points.iter().all(|(_, level)| level.is_finite() && *level > 0.0));
        }
    }
}
