//! The real process, killed at random moments: nothing that it had made durable is lost, and the end is that of an undisturbed run.

use crate::{desk, go};
use std::process::Stdio;
use std::time::Duration;

/// Kills: few by default, or what PLIMSOLL_KILLS says.
fn kills() -> u32 {
    #[allow(clippy::disallowed_methods)] // a test may be told to do more
    std::env::var("PLIMSOLL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(8)
}

#[test]
#[allow(clippy::disallowed_methods)] // times are told, not tested
fn a_killed_run_goes_on_to_the_same_end() {
    let minutes = 40;
    let undisturbed = desk(minutes);
    assert_eq!(go(&undisturbed, "run run.toml").code, 4, "one fill comes twice");
    let whole = go(&undisturbed, "replay journal --format json").json();
    let scratch = desk(minutes);
    // Everything is after its end: such a run recovers, and stops.
    scratch.write("recover.toml", format!("to = \"2026-11-20T11:00:00Z\"\n{}", crate::CONFIG));
    let mut restarts = Vec::new();
    // Longer while kills find nothing durable yet, shorter when the run was over before it could be killed: so on any machine.
    let (mut durable, mut killed_at_work, mut delay_millis) = (0, 0, 20);
    for attempt in 0..kills() * 10 {
        if killed_at_work >= kills() {
            break;
        }
        let mut child = scratch
            .command(&["run", "run.toml"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay_millis + u64::from((attempt * 7919) % 97)));
        let was_over = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        if was_over {
            std::fs::remove_dir_all(scratch.path("journal")).unwrap();
            (durable, delay_millis) = (0, delay_millis / 2 + 1);
            continue;
        }
        let verified = go(&scratch, "verify journal --format json");
        // Killed before there was a journal.
        if verified.code == 3 {
            delay_millis = (delay_millis * 3 / 2).min(20_000);
            continue;
        }
        let verified = verified.json();
        assert_eq!(verified["damage"], serde_json::Value::Null, "a kill is no damage: {verified}");
        let records = verified["records"].as_u64().unwrap();
        assert!(records >= durable, "what was durable is there: {records} of {durable}");
        if records > durable {
            killed_at_work += 1;
        } else {
            delay_millis = (delay_millis * 3 / 2).min(20_000);
        }
        durable = records;
        let begun = std::time::Instant::now();
        // 4 where the last snapshot has no price for something: it recovered all the same.
        let code = go(&scratch, "run recover.toml").code;
        assert!(code == 0 || code == 4, "{code}");
        restarts.push(begun.elapsed());
    }
    restarts.sort();
    eprintln!(
        "{killed_at_work} kills at work; process start and recovery: median {:?}, longest {:?}",
        restarts.get(restarts.len() / 2),
        restarts.last()
    );
    let end = go(&scratch, "run run.toml --format json").json();
    let again = go(&scratch, "replay journal --format json").json();
    // Killed between two commits of one snapshot a run may cut its events otherwise; what they say is the same.
    assert_eq!(again["state_blake3"], whole["state_blake3"]);
    let said = |json: &serde_json::Value| -> Vec<String> {
        json["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["output"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(said(&again), said(&whole));
    assert!(killed_at_work > 0, "no kill found the run at work: {end}");
}
