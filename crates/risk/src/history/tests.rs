use super::*;

fn asset(name: &str) -> Asset {
    Asset::new(name).unwrap()
}

fn daily(levels: &[f64]) -> Series {
    Series::new((0i64..).zip(levels).map(|(day, level)| (day * DAY, *level)).collect()).unwrap()
}

fn history(spot: Series, vol: Series) -> (History, [Factor; 2]) {
    let factors = [Factor::Spot(asset("BTC")), Factor::Vol(asset("BTC"))];
    (History::from([(factors[0].clone(), spot), (factors[1].clone(), vol)]), factors)
}

#[test]
fn a_day_without_a_level_is_left_out_and_counted_not_filled() {
    let spot = daily(&[100.0, 101.0, 102.0, 103.0, 104.0]);
    // The vol of the third day is seven hours old at midnight.
    let vol = Series::new(vec![
        (0, 50.0),
        (DAY, 51.0),
        (2 * DAY - 7 * 3_600, 60.0),
        (3 * DAY, 53.0),
        (4 * DAY - 6 * 3_600, 54.0),
        (4 * DAY + 1, 99.0),
    ])
    .unwrap();
    let (history, factors) = history(spot, vol);
    let panel = Panel::new(&history, &factors).unwrap();
    let moves = panel.moves(1, Overlap::Daily).unwrap();
    assert_eq!(moves.days_skipped, 1);
    assert_eq!(moves.windows.len(), 2, "days 0-1 and 3-4");
    assert_eq!(moves.row(1)[1].to_bits(), (54.0f64 - 53.0).to_bits());
    let moves = panel.moves(2, Overlap::Daily).unwrap();
    assert_eq!(moves.windows.len(), 1, "days 1-3: only the ends count");
}

#[test]
fn windows_that_do_not_overlap_are_counted_back_from_the_newest_day() {
    let (history, factors) = history(daily(&[1.0; 10]), daily(&[50.0; 10]));
    let panel = Panel::new(&history, &factors).unwrap();
    let days = |overlap| -> Vec<i64> {
        let moves = panel.moves(3, overlap).unwrap();
        moves.windows.iter().map(|w| w.from.unix_nanos() / 86_400_000_000_000).collect()
    };
    assert_eq!(days(Overlap::None), [0, 3, 6]);
    assert_eq!(days(Overlap::Daily), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn filtered_moves_of_a_calm_past_grow_to_the_present_volatility() {
    // 60 days of 1 % up and down, then 60 of 4 %.
    let mut level = 100.0f64;
    let mut spot = vec![level];
    for day in 0..120 {
        let size = if day < 60 { 0.01 } else { 0.04 };
        level *= if day % 2 == 0 { pricing::kernel::exp(size) } else { pricing::kernel::exp(-size) };
        spot.push(level);
    }
    let (history, factors) =
        history(daily(&spot), daily(&(0..121).map(|d| 50.0 + f64::from(d % 2)).collect::<Vec<_>>()));
    let panel = Panel::new(&history, &factors).unwrap();
    let plain = panel.moves(1, Overlap::None).unwrap();
    let filtered = panel.filtered_moves(1, Overlap::None).unwrap();
    assert_eq!(plain.windows.len() - filtered.windows.len(), WARM_UP, "the warm-up has no volatility");
    // The first filtered move is a 1 % day: it becomes 0.01 x sd now / 0.01.
    let now = (0..60).fold(0.01f64 * 0.01, |s, _| 0.94 * s + 0.06 * 0.04 * 0.04).sqrt();
    assert!((filtered.row(0)[0].abs() - now).abs() < 1e-12, "{} {now}", filtered.row(0)[0]);
    assert!(
        (filtered.row(0)[1].abs() - 1.0).abs() < 1e-12,
        "a vol that moved alike all along is not rescaled"
    );
}

#[test]
fn bad_series_are_refused_by_rule() {
    let refused = |points: &[(i64, f64)]| Series::new(points.to_vec()).unwrap_err().to_string();
    assert!(refused(&[(0, 1.0), (0, 1.0)]).contains("each instant once"));
    assert!(refused(&[(5, 1.0), (4, 1.0)]).contains("order of time"));
    assert!(refused(&[(0, f64::NAN)]).contains("finite and above zero"));
    assert!(refused(&[(0, 0.0)]).contains("finite and above zero"));
    let (history, factors) = history(daily(&[1.0, 2.0]), daily(&[50.0, 50.0]));
    let other = Panel::new(&history, &[Factor::Spot(asset("SOL"))]).unwrap_err();
    assert_eq!(other.to_string(), "no history of SOL spot");
    let panel = Panel::new(&history, &factors).unwrap();
    assert!(panel.moves(10, Overlap::Daily).unwrap_err().to_string().contains("0 joint windows of 10 d"));
    assert!(panel.moves(0, Overlap::Daily).is_err());
}

#[test]
fn a_factor_that_never_moved_cannot_be_rescaled() {
    let mut flat = vec![50.0; 40];
    flat.push(51.0);
    let (history, factors) =
        history(daily(&(0..41).map(|d| 100.0 + f64::from(d)).collect::<Vec<_>>()), daily(&flat));
    let error = Panel::new(&history, &factors).unwrap().filtered_moves(1, Overlap::None).unwrap_err();
    assert!(error.to_string().contains("BTC vol does not move"), "{error}");
}
