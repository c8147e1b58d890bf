//! Timers of a node: messages after a time, and deadlines for whoever waits.
//!
//! Setting and cancelling a timer costs a short lock on one of a few wheels, because nearly every timer is a call's deadline that
//! is cancelled again. One driver per node sleeps until the next slot that holds anything. Resolution is a millisecond;
//! nothing fires early (P5), and what is for one process fires in the order of its deadlines, then of its setting.

mod alarm;
mod driver;
mod message;
mod wakeup;
mod wheel;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

pub use self::message::TimerRef;
pub(crate) use self::{
    alarm::{Alarm, within},
    message::send_later,
    wakeup::Wakeup,
};
use self::{
    driver::{Bell, Driver, drive},
    wheel::{Key, Wheel},
};
use crate::{
    node::Node,
    panics::contain,
    pid::ProcessId,
    scheduler::{self, Backend, Envelope},
};

const WHEELS: usize = 4;

/// A node's timers.
pub(crate) struct Timers {
    /// Which node's they are: no two in a program have the same.
    number: u64,
    epoch: Instant,
    wheels: [Mutex<Wheel<Fire>>; WHEELS],
    driver: Arc<Driver>,
}

impl Timers {
    pub(crate) fn new(now: Instant) -> Self {
        let driver = Driver {
            running: AtomicBool::new(false),
            wakes_at: AtomicU64::new(u64::MAX),
            bell: Bell::default(),
        };
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            epoch: now,
            wheels: std::array::from_fn(|_| Mutex::new(Wheel::new(0))),
            driver: Arc::new(driver),
        }
    }

    /// Sets a timer of `node`, whose timers these are.
    fn set(&self, node: &Node, deadline: Instant, fire: Fire) -> TimerKey {
        let tick = self.tick_at_or_after(deadline);
        let wheel = fire.wheel();
        let key = self.wheels[usize::from(wheel)].lock().insert(tick, fire);
        if tick < self.driver.wakes_at.load(Ordering::SeqCst) {
            self.wake_driver(node);
        }
        TimerKey::new(wheel, key)
    }

    /// Takes a timer back if it has not fired.
    pub(crate) fn cancel(&self, timer: TimerKey) -> Option<Instant> {
        self.take(timer).map(|(tick, _)| self.epoch + Duration::from_millis(tick))
    }

    fn take(&self, timer: TimerKey) -> Option<(u64, Fire)> {
        self.wheels[usize::from(timer.wheel)].lock().cancel(timer.key())
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn len(&self) -> usize {
        self.wheels.iter().map(|wheel| wheel.lock().len()).sum()
    }

    fn is_set(&self, timer: TimerKey) -> bool {
        self.wheels[usize::from(timer.wheel)].lock().get_mut(timer.key()).is_some()
    }

    /// Has a deadline wake another waker. False when it has fired.
    fn rewake(&self, timer: TimerKey, waker: &Waker) -> bool {
        let mut wheel = self.wheels[usize::from(timer.wheel)].lock();
        let Some(Fire::Wake(known)) = wheel.get_mut(timer.key()) else { return false };
        if !known.will_wake(waker) {
            let before = std::mem::replace(known, waker.clone());
            drop(wheel);
            drop(before);
        }
        true
    }

    /// Fires what is due; when the next may be.
    fn fire_due(&self, now: Instant) -> Option<Instant> {
        // Until the sleep is decided, every new timer rings: none is missed between the look and the sleep.
        self.driver.wakes_at.store(u64::MAX, Ordering::SeqCst);
        let tick = u64::try_from(now.saturating_duration_since(self.epoch).as_millis()).unwrap_or(u64::MAX);
        let (mut due, mut next) = (Vec::new(), None);
        for wheel in &self.wheels {
            let mut wheel = wheel.lock();
            wheel.advance(tick, &mut due);
            next = next.into_iter().chain(wheel.next_tick()).min();
        }
        due.into_iter().for_each(Fire::run);
        if let Some(next) = next {
            self.driver.wakes_at.store(next, Ordering::SeqCst);
        }
        next.map(|tick| self.epoch + Duration::from_millis(tick))
    }

    fn tick_at_or_after(&self, deadline: Instant) -> u64 {
        let time = deadline.saturating_duration_since(self.epoch);
        time.as_secs()
            .saturating_mul(1_000)
            .saturating_add(u64::from(time.subsec_nanos().div_ceil(1_000_000)))
    }

    fn wake_driver(&self, node: &Node) {
        if self.driver.running.swap(true, Ordering::AcqRel) {
            self.driver.bell.ring();
        } else {
            let (backend, driver) = (node.backend().clone(), self.driver.clone());
            node.backend().spawn(Box::pin(drive(backend, driver, node.downgrade())));
        }
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        self.driver.bell.ring();
    }
}

/// Names a timer that was set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerKey {
    /// Apart from its key's own two fields, so that all three fit into two words.
    serial: u64,
    index: u32,
    wheel: u8,
}

impl TimerKey {
    fn new(wheel: u8, Key { index, serial }: Key) -> Self {
        Self { serial, index, wheel }
    }

    fn key(self) -> Key {
        Key { index: self.index, serial: self.serial }
    }
}

/// What a timer does when it fires.
pub(crate) enum Fire {
    Wake(Waker),
    /// Wake a process, which then looks at its deadlines.
    Ring(ProcessId),
    Send(ProcessId, Envelope),
}

impl Fire {
    fn run(self) {
        match self {
            Self::Wake(waker) => waker.wake(),
            Self::Ring(id) => scheduler::ring(id),
            // A process that is gone needs no message (P4). Its destructor must not take the driver with it.
            Self::Send(to, envelope) => {
                contain("a timer's message that was dropped", || drop(scheduler::deliver(to, envelope)));
            }
        }
    }

    /// One wheel for one receiver keeps its order; threads set their own deadlines on different wheels, so that they
    /// seldom meet.
    fn wheel(&self) -> u8 {
        match self {
            Self::Wake(_) | Self::Ring(_) => home(),
            Self::Send(to, _) => (to.index() as usize % WHEELS) as u8,
        }
    }
}

/// `time` after `now`; a time beyond what the clock can say is as good as never.
pub(crate) fn later(now: Instant, time: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);
    now + time.min(NEVER)
}

fn home() -> u8 {
    thread_local! {
        static HOME: u8 = {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            (NEXT.fetch_add(1, Ordering::Relaxed) % WHEELS) as u8
        };
    }
    HOME.with(|home| *home)
}
