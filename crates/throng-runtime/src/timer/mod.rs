//! Timers of a node: messages after a time, and deadlines for whoever waits.
//!
//! Setting and cancelling a timer costs a short lock on one of a few wheels, because nearly every timer is a call's deadline that
//! is cancelled again. One driver per node sleeps until the next slot that holds anything. Resolution is a millisecond;
//! nothing fires early (P5), and what is for one process fires in the order of its deadlines, then of its setting.

mod wheel;

use std::{
    fmt,
    pin::{Pin, pin},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;

use self::wheel::{Key, Wheel};
use crate::{
    control,
    node::Node,
    panics::contain,
    pid::ProcessId,
    scheduler::{self, Backend, Envelope, Tokio},
};

const WHEELS: usize = 4;

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

/// A node's timers.
pub(crate) struct Timers {
    /// Which node's they are: no two in a program have the same.
    number: u64,
    epoch: Instant,
    wheels: [Mutex<Wheel<Fire>>; WHEELS],
    driver: Arc<Driver>,
}

struct Driver {
    running: AtomicBool,
    /// The tick that it sleeps until; whoever sets an earlier timer rings.
    wakes_at: AtomicU64,
    bell: Bell,
}

/// What wakes the driver: a ring that is not lost when it comes before the wait.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    waker: AtomicWaker,
}

impl Bell {
    fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        if self.rung.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
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

/// Fires timers until the node is gone.
async fn drive(backend: Tokio, driver: Arc<Driver>, node: Weak<crate::node::Shared>) {
    loop {
        let next = match node.upgrade() {
            Some(node) => node.timers().fire_due(backend.now()),
            None => return,
        };
        let mut slept = next.map(|next| Box::pin(backend.sleep_until(next)));
        std::future::poll_fn(|cx| {
            if driver.bell.poll_rung(cx).is_ready() {
                return Poll::Ready(());
            }
            slept.as_mut().map_or(Poll::Pending, |slept| slept.as_mut().poll(cx))
        })
        .await;
    }
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

/// The one wake-up that a process has set for all its deadlines: the earliest of them, or earlier.
///
/// Nearly every deadline is a call's that is answered long before. So an earlier call's wake-up is left to stand for the
/// next call's, which sets none of its own: when it comes, the process looks at its deadlines and sets another for what
/// is left. It costs a process that calls all the time one idle wake-up in a time limit, instead of setting and
/// cancelling a timer for each call.
#[derive(Debug, Default)]
pub(crate) struct Wakeup {
    set: Option<(Instant, TimerKey)>,
}

impl Wakeup {
    /// Sees to it that the process is woken by `deadline`. It is the running one.
    pub(crate) fn set_by(&mut self, deadline: Instant, id: ProcessId, node: &Node) {
        // What has rung is gone. What rings after this look wakes the process again after this poll.
        if scheduler::slot(id).has_rung() {
            self.set = None;
        }
        if self.set.is_none_or(|(due, _)| due > deadline) {
            self.cancel(node);
            self.set = Some((deadline, node.timers().set(node, deadline, Fire::Ring(id))));
        }
    }

    pub(crate) fn cancel(&mut self, node: &Node) {
        if let Some((_, timer)) = self.set.take() {
            drop(node.timers().take(timer));
        }
    }
}

/// A deadline that the running code waits for: by its process' [`Wakeup`], or on its node's wheels where only a waker of its own
/// will do; on the backend's clock outside of processes.
///
/// It refers to the wheels by number, because a count of references on the node would be shared by all its workers. So one
/// that was set in a process of a node can be taken back only there; dropped anywhere else, it fires in vain.
pub(crate) struct Alarm {
    deadline: Instant,
    set: Option<Set>,
}

enum Set {
    /// There was no time to wait.
    Rung,
    /// Its process is woken in time.
    ByProcess,
    OnWheel {
        timers: u64,
        timer: TimerKey,
    },
    Outside(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Alarm {
    pub(crate) fn after(time: Duration) -> Self {
        Self { deadline: later(scheduler::now(), time), set: time.is_zero().then_some(Set::Rung) }
    }

    /// Ready when the deadline has passed.
    pub(crate) fn poll_ring(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.set {
            None => self.set(cx),
            Some(Set::Rung) => Poll::Ready(()),
            Some(Set::ByProcess | Set::OnWheel { .. }) if scheduler::now() >= self.deadline => {
                Poll::Ready(())
            }
            Some(Set::ByProcess) => self.set(cx),
            // One that fired meanwhile woke the waker of an earlier poll, which may be another's.
            Some(Set::OnWheel { timers, timer }) => {
                let (timers, timer) = (*timers, *timer);
                match on_wheels(timers, |timers| timers.rewake(timer, cx.waker())) {
                    Some(true) => Poll::Pending,
                    Some(false) => Poll::Ready(()),
                    None => self.set_outside(cx),
                }
            }
            Some(Set::Outside(sleep)) => sleep.as_mut().poll(cx),
        }
    }

    fn set(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if scheduler::current::wake_by(self.deadline, cx.waker()) {
            self.set = Some(Set::ByProcess);
            return Poll::Pending;
        }
        let wake = Fire::Wake(cx.waker().clone());
        let set = scheduler::current::with_node(|node| Set::OnWheel {
            timers: node.timers().number,
            timer: node.timers().set(node, self.deadline, wake),
        });
        match set {
            None => self.set_outside(cx),
            on_wheel => {
                self.set = on_wheel;
                Poll::Pending
            }
        }
    }

    fn set_outside(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut sleep = Box::pin(scheduler::sleep_until(self.deadline));
        let rung = sleep.as_mut().poll(cx);
        self.set = Some(Set::Outside(sleep));
        rung
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(Set::OnWheel { timers, timer }) = self.set {
            drop(on_wheels(timers, |timers| timers.take(timer)));
        }
    }
}

/// Lends the wheels with this number, if they are those of the node that the running process is on.
fn on_wheels<R>(number: u64, f: impl FnOnce(&Timers) -> R) -> Option<R> {
    scheduler::current::with_node(|node| (node.timers().number == number).then(|| f(node.timers()))).flatten()
}

/// What `work` resolves to, or `None` when `time` passes first.
pub(crate) async fn within<F: Future>(time: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut alarm = Alarm::after(time);
    std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => alarm.poll_ring(cx).map(|()| None),
    })
    .await
}

/// `time` after `now`; a time beyond what the clock can say is as good as never.
pub(crate) fn later(now: Instant, time: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);
    now + time.min(NEVER)
}

/// Has an envelope sent to a process later; its end cancels it (P4, X8).
pub(crate) fn send_later(node: &Node, to: ProcessId, after: Duration, envelope: Envelope) -> TimerRef {
    let timer = node.timers().set(node, later(scheduler::now(), after), Fire::Send(to, envelope));
    let timer = TimerRef { node: node.downgrade(), timer };
    if !control::expect_timer(to, timer.clone()) {
        timer.cancel();
    }
    timer
}

/// A message that was set to be sent later. Dropping this does not cancel it.
#[derive(Clone)]
pub struct TimerRef {
    node: Weak<crate::node::Shared>,
    timer: TimerKey,
}

impl TimerRef {
    pub(crate) fn is_set(&self) -> bool {
        self.node.upgrade().is_some_and(|node| node.timers().is_set(self.timer))
    }

    /// Cancels it. The time that was left; `None` when the message was sent, or the timer cancelled, already (P5). A message
    /// that was sent is not taken back.
    pub fn cancel(&self) -> Option<Duration> {
        let node = self.node.upgrade()?;
        let due = node.timers().cancel(self.timer)?;
        Some(due.saturating_duration_since(scheduler::now()))
    }
}

impl fmt::Debug for TimerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimerRef").field(&self.timer).finish()
    }
}
