//! The same bytes from any order of rows and any number of threads.

use crate::support::{SAMPLE_TIME, Scratch, chain_csv, chain_rows, sample_book, sample_market, shuffled};

const SEEDS: [u64; 3] = [1, 7, 20_261_120];

/// All tables as CSV, and the JSON without the hashes of its input files (whose bytes do differ).
fn everything(scratch: &Scratch, args: &str) -> Vec<(String, String)> {
    scratch
        .report(&format!("{args} --format csv --output tables --group-by account,underlying,expiry"))
        .succeeds();
    let mut all: Vec<(String, String)> = std::fs::read_dir(scratch.path("tables"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| (name.clone(), scratch.text(&format!("tables/{name}"))))
        .collect();
    all.sort();
    let json = scratch.report(&format!("{args} --format json")).succeeds();
    let (hashes, kept): (Vec<&str>, Vec<&str>) = json.lines().partition(|line| line.contains("\"blake3\""));
    assert_eq!(hashes.len(), 2, "one book, one market");
    all.push(("json".into(), kept.join("\n")));
    assert_eq!(all.len(), 12);
    all
}

#[track_caller]
fn assert_same(name: &str, got: &[(String, String)], expected: &[(String, String)]) {
    for ((file, bytes), (_, wanted)) in got.iter().zip(expected) {
        assert!(bytes == wanted, "{name}: {file} differs");
    }
}

#[test]
fn the_order_of_rows_leaves_no_trace() {
    let scratch = Scratch::chain();
    let (json_args, csv_args) = ("book.csv --market market.json", "book.csv --market chain.csv");
    let (from_json, from_csv) = (everything(&scratch, json_args), everything(&scratch, csv_args));
    let (book, market, chain) = (sample_book(), sample_market(), chain_rows(SAMPLE_TIME));
    let book_rows: Vec<&str> = book.lines().skip(1).collect();
    let market_lines: Vec<&str> = market.trim_end().lines().collect();
    let (head, tail) = (market_lines[0], market_lines[market_lines.len() - 1]);
    let quotes: Vec<&str> =
        market_lines[1..market_lines.len() - 1].iter().map(|line| line.trim_end_matches(',')).collect();
    for seed in SEEDS {
        let rows = shuffled(&book_rows, seed);
        assert_ne!(rows, book_rows);
        scratch.write("book.csv", crate::support::book_of(&rows));
        scratch
            .write("market.json", format!("{head}\n{}\n{tail}\n", shuffled(&quotes, seed + 1).join(",\n")));
        scratch.write("chain.csv", chain_csv(&shuffled(&chain, seed + 2)));
        assert_same(&format!("JSON, seed {seed}"), &everything(&scratch, json_args), &from_json);
        assert_same(&format!("CSV, seed {seed}"), &everything(&scratch, csv_args), &from_csv);
    }
}

#[test]
fn the_order_of_columns_and_of_files_leaves_no_trace_in_figures() {
    let scratch = Scratch::sample();
    let expected = scratch.exposure("book.csv --market market.json --group-by kind,expiry", 0);
    let book = sample_book();
    let reversed: Vec<String> =
        book.lines().map(|line| line.split(',').rev().collect::<Vec<_>>().join(",")).collect();
    scratch.write("book.csv", reversed.join("\n"));
    assert_eq!(scratch.exposure("book.csv --market market.json --group-by kind,expiry", 0), expected);
    let rows: Vec<&str> = book.lines().skip(1).collect();
    scratch.write("a.csv", crate::support::book_of(&rows[..9]));
    scratch.write("b.csv", crate::support::book_of(&rows[9..]));
    for files in ["a.csv b.csv", "b.csv a.csv"] {
        let args = format!("{files} --market market.json --group-by kind,expiry");
        assert_eq!(scratch.exposure(&args, 0), expected, "{files}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes_in_every_format() {
    let scratch = Scratch::sample();
    let run = |threads: u32| {
        let args = format!("report book.csv --market market.json --threads {threads}");
        let mut bytes = Vec::new();
        for format in ["table", "json", "html"] {
            bytes.push(
                scratch
                    .command(&args.split(' ').chain(["--format", format]).collect::<Vec<_>>())
                    .output()
                    .unwrap()
                    .stdout,
            );
        }
        for format in ["csv", "parquet"] {
            let folder = format!("{format}-{threads}");
            let status = scratch
                .command(&args.split(' ').chain(["--format", format, "-o", &folder]).collect::<Vec<_>>());
            assert!({ status }.status().unwrap().success());
            let mut names: Vec<_> = std::fs::read_dir(scratch.path(&folder))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            names.sort();
            bytes.extend(names.iter().map(|path| std::fs::read(path).unwrap()));
        }
        assert!(bytes.len() == 25 && bytes.iter().all(|output| !output.is_empty()));
        bytes
    };
    let one = run(1);
    for threads in [2, 7] {
        assert!(run(threads) == one, "{threads} threads");
    }
}
