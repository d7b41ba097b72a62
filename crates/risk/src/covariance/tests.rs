use super::*;
use crate::history::{History, Overlap, Panel, Series};

fn factors() -> [Factor; 3] {
    let asset = |name| Asset::new(name).unwrap();
    [Factor::Spot(asset("BTC")), Factor::Spot(asset("ETH")), Factor::Vol(asset("BTC"))]
}

fn sample(correlations: &[Vec<f64>]) -> Covariance {
    let [a, b, c] = factors();
    Covariance::new(vec![(a, 0.04), (b, 0.05), (c, 8.0)], correlations, 1).unwrap()
}

fn sound() -> Vec<Vec<f64>> {
    vec![vec![1.0, 0.85, -0.6], vec![0.85, 1.0, -0.55], vec![-0.6, -0.55, 1.0]]
}

#[test]
fn the_triangle_times_itself_is_the_covariance() {
    let covariance = sample(&sound());
    let lower = covariance.cholesky().unwrap();
    for i in 0..3 {
        for j in 0..3 {
            let product = dot(&lower.rows[i][..=i.min(j)], &lower.rows[j][..=i.min(j)]);
            let expected = covariance.correlation((i, j)) * covariance.sd()[i] * covariance.sd()[j];
            // A handful of roundings of numbers of this size.
            assert!(
                (product - expected).abs() <= 8.0 * f64::EPSILON * covariance.sd()[i] * covariance.sd()[j]
            );
        }
    }
    let x = [0.01, -0.02, 3.0];
    let back = lower.times(&lower.solve(&x));
    for (back, x) in back.iter().zip(x) {
        assert!((back - x).abs() <= 1e-14 * x.abs(), "{back} {x}");
    }
}

#[test]
fn a_matrix_that_is_not_positive_definite_is_refused_with_the_pair() {
    let mut copied = sound();
    copied[1] = copied[0].clone();
    copied[0][1] = 1.0;
    copied[1][1] = 1.0;
    copied[2] = vec![-0.6, -0.6, 1.0];
    let error = sample(&copied).cholesky().unwrap_err().to_string();
    assert!(error.contains("ETH spot follows") && error.contains("BTC spot"), "{error}");
    let impossible = vec![vec![1.0, 0.9, -0.9], vec![0.9, 1.0, 0.9], vec![-0.9, 0.9, 1.0]];
    let error = sample(&impossible).cholesky().unwrap_err();
    assert!(
        matches!(error, CovarianceError::NotPositiveDefinite { ref second, .. } if *second == factors()[2])
    );
}

#[test]
fn the_generator_gives_the_published_sequence() {
    // Outputs for seed 1234567 as printed with the reference implementation in several languages.
    let mut generator = SplitMix64::new(1_234_567);
    for expected in [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
        4_593_380_528_125_082_431u64,
    ] {
        assert_eq!(generator.next_bits(), expected);
    }
}

#[test]
fn draws_have_the_moments_they_are_drawn_from() {
    let covariance = sample(&sound());
    let draws = covariance.cholesky().unwrap().draws(7, 20_000);
    assert_eq!(draws, covariance.cholesky().unwrap().draws(7, 20_000), "a seed is a sequence");
    for i in 0..3 {
        for j in 0..3 {
            let mean = draws.iter().map(|d| d[i] * d[j]).sum::<f64>() / 20_000.0;
            let (scale, rho) = (covariance.sd()[i] * covariance.sd()[j], covariance.correlation((i, j)));
            // The sample moment has standard error sqrt((1 + rho²)/n); five of them.
            let limit = 5.0 * ((1.0 + rho * rho) / 20_000.0).sqrt();
            assert!((mean / scale - rho).abs() < limit, "({i}, {j}): {} against {rho}", mean / scale);
        }
    }
}

#[test]
fn moments_are_about_zero_and_grow_by_the_root_of_time() {
    let spot = |shift: f64| -> Vec<(i64, f64)> {
        let log = |day: i64| if day % 2 == 0 { 0.02 } else { -0.01 } * shift;
        let mut level = 0.0;
        (0..41)
            .map(|day| {
                level += log(day);
                (day * 86_400, pricing::kernel::exp(level))
            })
            .collect()
    };
    let [a, b, _] = factors();
    let history = History::from([
        (a.clone(), Series::new(spot(1.0)).unwrap()),
        (b.clone(), Series::new(spot(-2.0)).unwrap()),
    ]);
    let moves = Panel::new(&history, &[a, b]).unwrap().moves(1, Overlap::None).unwrap();
    let covariance = Covariance::from_moves(&moves).unwrap();
    // Half the days 2 %, half -1 %.
    let expected = ((0.02f64 * 0.02 + 0.01 * 0.01) / 2.0).sqrt();
    assert!((covariance.sd()[0] - expected).abs() < 1e-14);
    assert!((covariance.over(4).sd()[1] - 2.0 * 2.0 * expected).abs() < 1e-14);
    let error = covariance.cholesky().unwrap_err().to_string();
    assert!(error.contains("correlation -1.0"), "one is -2 times the other: {error}");
    let few = Panel::new(&history, &factors()[..1]).unwrap().moves(9, Overlap::None).unwrap();
    assert!(Covariance::from_moves(&few).unwrap_err().to_string().contains("4 windows"));
}

#[test]
fn a_file_reads_back_to_the_same_bits_and_tells_all_mistakes() {
    let file = CovarianceFile {
        source: "by test".into(),
        valid_from: "2021-01-01".into(),
        valid_to: "2021-02-01".into(),
        covariance: sample(&sound()),
        proxies: Proxies::parse(
            &[("SOL".into(), "ETH".into())].into(),
            &[("ETH".into(), "held".into())].into(),
        )
        .unwrap(),
    };
    assert_eq!(CovarianceFile::parse("c.toml", &file.to_toml()).unwrap(), file);
    let bad = file.to_toml().replace("0.85", "1.85").replace("sd = 0.04", "sd = 0.0").replace("by test", "");
    let issues = CovarianceFile::parse("c.toml", &bad).unwrap_err().to_string();
    for expected in ["within -1 and 1", "does not move", "where the numbers come from"] {
        assert!(issues.contains(expected), "{expected} not in\n{issues}");
    }
    assert!(CovarianceFile::parse("c.toml", "nonsense = 1").is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_panics(cut in 0usize..900, junk in "[\\PC\\[\\]=.,\"0-9e-]{0,12}") {
        let text = CovarianceFile {
            source: "by test".into(),
            valid_from: String::new(),
            valid_to: String::new(),
            covariance: sample(&sound()),
            proxies: Proxies::default(),
        }
        .to_toml();
        let cut = cut.min(text.len());
        let changed = format!("{}{junk}{}", &text[..cut], &text[cut..]);
        if let Ok(file) = CovarianceFile::parse("c.toml", &changed) {
            proptest::prop_assert!(file.covariance.cholesky().is_ok());
        }
    }
}
