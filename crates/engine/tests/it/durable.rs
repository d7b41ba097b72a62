//! The engine over a journal on a disk that loses power: nothing acknowledged is lost, and every output is that of an undisturbed run.

use crate::views::{engine, policy};
use crate::world::{Draw, World};
use engine::{Engine, Event, Output};
use journal::sim::SimDisk;
use journal::{Batching, Config, JournalId, Machine, OutputId, Rederive, Retention, Runner, Seq, Stamp};
use std::collections::BTreeMap;
use units::Timestamp;

const ID: JournalId = JournalId::new(*b"engine of a test");
const CONFIG: Config = Config {
    segment_bytes: 256 << 10,
    batching: Batching { max_records: 64, max_bytes: 128 << 10 },
    retention: Retention::Everything,
    snapshot_every: 60,
};

/// How many histories: few by default, or what PLIMSOLL_SEEDS says.
fn seeds() -> u64 {
    #[allow(clippy::disallowed_methods)] // a test may be told to do more
    std::env::var("PLIMSOLL_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(40)
}

fn history(seed: u64, length: usize) -> Vec<(Timestamp, Event)> {
    let mut world = World::new(seed);
    let mut events = vec![(world.now, policy()), (world.now, world.all_quotes())];
    while events.len() < length {
        let event = world.next();
        events.push((world.now, event));
    }
    events
}

type Said = BTreeMap<OutputId, Output>;

/// The run that nothing disturbs: outputs of every event, and the state after each.
fn undisturbed(events: &[(Timestamp, Event)]) -> (Said, Engine) {
    let (mut machine, mut said) = (engine(), Said::new());
    for (seq, (time, event)) in (1..).zip(events) {
        let stamp = Stamp { seq: Seq::new(seq), time: *time };
        for (index, output) in (0..).zip(machine.step(stamp, event)) {
            said.insert(OutputId { seq: stamp.seq, index }, output);
        }
    }
    (said, machine)
}

/// Feeds a journal until its disk dies or the history ends; returns what was said of durable events.
fn feed(
    disk: &SimDisk,
    events: &[(Timestamp, Event)],
    draw: &mut Draw,
    (said, done): (&mut Said, &mut Seq),
) -> bool {
    let take = |said: &mut Said, outputs: Vec<journal::Released<Output>>| {
        for released in outputs {
            if let Some(before) = said.insert(released.id, released.output.clone()) {
                assert_eq!(before, released.output, "derived again, it is the same");
            }
        }
    };
    let (mut runner, recovered) =
        Runner::open(disk.clone(), ID, CONFIG, &engine(), events[0].0, Rederive::After(*done)).unwrap();
    let mut next = usize::try_from(recovered.opened.head.seq.get()).unwrap();
    assert!(recovered.opened.head.seq >= *done, "what was acknowledged is there");
    take(said, recovered.outputs);
    while let Some((time, event)) = events.get(next) {
        runner.submit(*time, event).unwrap();
        next += 1;
        if draw.below(4) == 0 || next == events.len() {
            let durable = runner.commit().unwrap();
            *done = durable.committed.head.seq;
            take(said, durable.outputs);
            if runner.is_snapshot_due() {
                runner.write_snapshot().unwrap();
            }
        }
        if draw.below(40) == 0 {
            disk.cut_power();
            return false;
        }
    }
    let (_, whole) = undisturbed(events);
    assert_eq!(runner.machine().state_hash(), whole.state_hash());
    true
}

#[test]
fn a_run_that_loses_power_says_and_holds_what_an_undisturbed_one_does() {
    let (mut cuts, mut outputs) = (0, 0);
    for seed in 0..seeds() {
        let events = history(seed, 160);
        let mut draw = Draw::new(seed ^ 0xdead);
        let (mut said, mut done) = (Said::new(), Seq::ZERO);
        let mut disk = SimDisk::new(seed);
        while !feed(&disk, &events, &mut draw, (&mut said, &mut done)) {
            disk = disk.restarted();
            cuts += 1;
        }
        let (whole, _) = undisturbed(&events);
        assert_eq!(said, whole, "seed {seed}");
        outputs += said.len();
    }
    assert!(cuts > seeds() && outputs > 100, "{cuts} {outputs}");
}

#[test]
fn a_journal_replays_to_the_same_state_on_any_number_of_threads() {
    let events = history(99, 300);
    let (said, machine) = undisturbed(&events);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (again, twin) = pool.install(|| undisturbed(&events));
        assert_eq!(again, said);
        assert_eq!(twin.state_hash(), machine.state_hash());
    }
}
