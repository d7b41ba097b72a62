//! An engine over a journal on disk, in front of the demo's paper venues, brought to where a proposal waits; then it stands still and obeys.

use engine::{Arming, Command, Engine, Event};
use instrument::Specs;
use journal::{Config, JournalId, RealDisk, Rederive, Released, Runner};
use paper::{Seed, World, WorldConfig};
use server::{About, Listen, Mode, Publisher, Role, Secret, Server, Tokens};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::Duration;
use units::Timestamp;

const POLICY: &str = include_str!("../../../../policies/demo.toml");
const STEP_MILLIS: i64 = 100;

pub(crate) fn genesis() -> Engine {
    Engine::new(Arc::new(Specs::embedded()), Timestamp::from_unix_nanos(0))
}

/// A folder that goes with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("plimsoll-server-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Events up to the moment when a proposal waits: made once for all tests.
static STORY: LazyLock<Vec<(Timestamp, Event)>> = LazyLock::new(|| {
    let start = Timestamp::from_utc_date(2026, 11, 25, 12).unwrap();
    let mut world = World::new(&WorldConfig::embedded(), Seed::new(7), start).unwrap();
    let mut engine = genesis();
    let mut story = Vec::new();
    let mut seq = journal::Seq::ZERO;
    let mut apply = |engine: &mut Engine, time, event: Event| {
        seq = seq.next();
        let outputs = engine.apply(journal::Stamp { seq, time }, &event);
        story.push((time, event));
        outputs
    };
    apply(&mut engine, start, Event::Started);
    apply(&mut engine, start, Event::Clock);
    apply(&mut engine, start, Event::Policy { text: POLICY.to_owned() });
    for event in world.opening().to_vec() {
        apply(&mut engine, start, event);
    }
    let command = Command::Arming(Arming::Armed);
    apply(&mut engine, start, Event::Operator { who: "test".into(), command });
    let (mut now, mut clock) = (start, start);
    // Some minutes in, so that there is a past, at a moment when nothing else is on its way.
    while now < start.plus_millis(200_000) || engine.proposals().is_empty() || !engine.orders().is_empty() {
        assert!(now < start.plus_millis(1_800_000), "no rule of the demo asks for anything in half an hour");
        now = now.plus_millis(STEP_MILLIS);
        let mut outputs = Vec::new();
        while let Some((time, event)) = world.next(now) {
            outputs.extend(apply(&mut engine, time, event));
        }
        if now >= clock.plus_millis(1_000) {
            clock = now;
            outputs.extend(apply(&mut engine, now, Event::Clock));
        }
        outputs.iter().for_each(|output| world.take(now, output));
    }
    story
});

/// Tokens of the three roles.
pub(crate) struct Secrets {
    pub(crate) viewer: Secret,
    pub(crate) trader: Secret,
    pub(crate) risk: Secret,
}

/// A running server.
pub(crate) struct Desk {
    pub(crate) server: Server,
    pub(crate) secrets: Secrets,
    pub(crate) folder: Folder,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Engine>>,
}

impl Desk {
    pub(crate) fn open() -> Self {
        let folder = Folder::new();
        let secrets = Secrets {
            viewer: Secret::random().unwrap(),
            trader: Secret::random().unwrap(),
            risk: Secret::random().unwrap(),
        };
        let tokens = Tokens::default()
            .with("vera", Role::Viewer, &secrets.viewer)
            .with("tom", Role::Trader, &secrets.trader)
            .with("rita", Role::Risk, &secrets.risk);
        let disk = RealDisk::create(&folder.0).unwrap();
        let id = JournalId::new(*b"plimsoll engine ");
        let config = Config { segment_bytes: 8 << 20, ..Config::default() };
        let start = STORY[0].0;
        let (mut runner, _) = Runner::open(disk, id, config, &genesis(), start, Rederive::Nothing).unwrap();
        let mut publisher = Publisher::new();
        for (time, event) in STORY.iter() {
            runner.submit(*time, event).unwrap();
            if runner.is_due() {
                commit(&mut runner, &publisher, *time);
            }
        }
        let now = STORY.last().unwrap().0;
        commit(&mut runner, &publisher, now);
        publisher.publish(runner.machine(), runner.journal().head());
        let listen = Listen { address: ([127, 0, 0, 1], 0).into(), hosts: vec![], tls: None, tokens };
        let about = About { name: "test".into(), mode: Mode::Paper, speed: None };
        let past = (Some(folder.0.clone()), genesis());
        let server = Server::start(listen, about, &publisher, past).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let stop = stop.clone();
            move || obey(runner, publisher, now, &stop)
        });
        Self { server, secrets, folder, stop, thread: Some(thread) }
    }

    /// Ends it and gives the engine back.
    pub(crate) fn close(mut self) -> Engine {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn commit(
    runner: &mut Runner<Engine, RealDisk>,
    publisher: &Publisher,
    now: Timestamp,
) -> Vec<Released<engine::Output>> {
    let outputs = runner.commit().unwrap().outputs;
    outputs.iter().for_each(|released| publisher.say(now, released));
    outputs
}

fn obey(
    mut runner: Runner<Engine, RealDisk>,
    mut publisher: Publisher,
    now: Timestamp,
    stop: &AtomicBool,
) -> Engine {
    while !stop.load(Ordering::Relaxed) {
        while let Some(asked) = publisher.asked() {
            if let Err(refusal) = asked.check(runner.machine()) {
                asked.answer(Err(refusal));
                continue;
            }
            runner.submit(now, &asked.event()).unwrap();
            let outputs = commit(&mut runner, &publisher, now);
            asked.answer_of(runner.journal().head().seq, &outputs);
        }
        publisher.publish(runner.machine(), runner.journal().head());
        std::thread::sleep(Duration::from_millis(5));
    }
    runner.machine().clone()
}
