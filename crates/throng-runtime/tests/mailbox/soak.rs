//! One slow consumer, eight producers at full speed: the mailbox stays within its bounds under every policy.
//!
//! By default for so many messages; with `THRONG_SOAK=60` for sixty seconds in all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use throng_runtime::{
    Address, Bounds, CallError, CastError, Ctx, GenServer, Handled, Handler, Init, Message, Node, Overflow,
    Pid, census,
};

const PRODUCERS: u64 = 8;
const MESSAGES_MAX: usize = 100;
/// What a parcel says it holds, and about what its envelope takes.
const WEIGHT: usize = 1_000;
const BYTES_MAX: usize = 50 * (WEIGHT + 128);
const POLICIES: [Overflow; 5] =
    [Overflow::Block, Overflow::Refuse, Overflow::DropNewest, Overflow::DropOldest, Overflow::Kill];

/// Parcels that exist, and the most that ever did: what memory sees.
#[derive(Default)]
struct Alive {
    now: AtomicU64,
    most: AtomicU64,
}

/// Counts itself while it exists.
struct Parcel {
    sent: u64,
    producer: u64,
    alive: Arc<Alive>,
}

impl Parcel {
    fn new(producer: u64, sent: u64, alive: &Arc<Alive>) -> Self {
        let now = alive.now.fetch_add(1, Ordering::Relaxed) + 1;
        alive.most.fetch_max(now, Ordering::Relaxed);
        Self { sent, producer, alive: alive.clone() }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.alive.now.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Message for Parcel {
    type Reply = ();

    fn weight(&self) -> usize {
        WEIGHT
    }
}

/// Works through its parcels and looks that each producer's come in order.
struct Slow {
    last: [Option<u64>; PRODUCERS as usize],
    handled: Arc<AtomicU64>,
}

impl GenServer for Slow {
    type Args = Arc<AtomicU64>;

    async fn init(handled: Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Slow { last: Default::default(), handled })
    }
}

impl Handler<Parcel> for Slow {
    async fn handle(&mut self, parcel: Parcel, _: &mut Ctx<Self>) -> Handled<Parcel> {
        let last = self.last[parcel.producer as usize].replace(parcel.sent);
        assert!(last < Some(parcel.sent), "{last:?} came before {}", parcel.sent);
        self.handled.fetch_add(1, Ordering::Relaxed);
        // Slower than any producer: it gives way again and again.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// How long a producer goes on.
#[derive(Clone, Copy)]
enum Until {
    Sent(u64),
    Time(Instant),
}

impl Until {
    fn is_over(self, sent: u64) -> bool {
        match self {
            Self::Sent(enough) => sent >= enough,
            Self::Time(end) => sent.is_multiple_of(64) && Instant::now() >= end,
        }
    }
}

/// Sends by all three ways, as fast as it can. How many it sent, and how many were refused.
async fn produce(to: Pid<Slow>, producer: u64, until: Until, alive: Arc<Alive>) -> (u64, u64) {
    let (mut sent, mut refused) = (0, 0);
    while !until.is_over(sent) {
        let parcel = Parcel::new(producer, sent, &alive);
        refused += match sent % 16 {
            0 => match to.send(parcel).await {
                Ok(()) => 0,
                Err(CastError::NoProcess { .. }) => break,
                Err(_) => 1,
            },
            8 => match to.call(parcel).no_timeout().await {
                Ok(()) => 0,
                Err(CallError::Overloaded { .. }) => 1,
                Err(_) => break,
            },
            _ => u64::from(to.cast(parcel).is_err()),
        };
        sent += 1;
        if sent.is_multiple_of(32) {
            tokio::task::yield_now().await;
        }
    }
    (sent, refused)
}

async fn overload(node: &Node, overflow: Overflow, until: Until) {
    let bounds = Bounds::messages(MESSAGES_MAX).bytes(BYTES_MAX).on_overflow(overflow);
    let (alive, handled) = (Arc::<Alive>::default(), Arc::<AtomicU64>::default());
    let slow = node.start(Slow::child(handled.clone()).mailbox(bounds)).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let observer = std::thread::spawn({
        let over = over.clone();
        move || {
            let (mut most, mut looks) = (0, 0_u64);
            while !over.load(Ordering::Relaxed) {
                most = most.max(census::queue_len(slow.id()));
                looks += 1;
                std::thread::yield_now();
            }
            (most, looks)
        }
    });
    let producers: Vec<_> =
        (0..PRODUCERS).map(|producer| tokio::spawn(produce(slow, producer, until, alive.clone()))).collect();
    let (mut sent, mut refused) = (0, 0);
    for producer in producers {
        let (its_sent, its_refused) = producer.await.unwrap();
        sent += its_sent;
        refused += its_refused;
    }
    over.store(true, Ordering::Relaxed);
    let (most_queued, looks) = observer.join().unwrap();
    let most = alive.most.load(Ordering::Relaxed);
    let handled = handled.load(Ordering::Relaxed);
    println!(
        "{overflow:?}: {sent} sent, {refused} refused, {handled} handled; at most {most_queued} queued in {looks} looks, \
         {most} alive"
    );
    // The bytes bound it first: about fifty parcels.
    assert!(most_queued <= BYTES_MAX / WEIGHT, "{overflow:?}: {most_queued} were queued");
    // And in memory, with what each producer and the consumer have in hand.
    let in_hand = 2 * PRODUCERS + 1;
    assert!(most <= (BYTES_MAX / WEIGHT) as u64 + in_hand, "{overflow:?}: {most} existed at once");
    assert!(refused > 0 || !matches!(overflow, Overflow::Refuse | Overflow::Block), "it never was full");
    assert_eq!(node.is_alive(slow), overflow != Overflow::Kill, "{overflow:?}");
    node.exit(slow, throng_runtime::Exit::Kill);
    node.wait(slow).await;
    // The mailbox goes after its process' observers were told (X8). If a parcel stays behind, this never ends.
    while alive.now.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p34_a_slow_consumer_with_eight_producers_stays_within_its_bounds_under_every_policy() {
    let node = Node::new("soak");
    let seconds: Option<u64> = std::env::var("THRONG_SOAK").ok().and_then(|seconds| seconds.parse().ok());
    for overflow in POLICIES {
        let each = seconds.map(|seconds| Duration::from_secs(seconds) / POLICIES.len() as u32);
        let began = Instant::now();
        loop {
            let until = match each {
                Some(each) => Until::Time(began + each),
                None => Until::Sent(2_000),
            };
            overload(&node, overflow, until).await;
            // A process that is killed ends its round early; the next begins.
            if each.is_none_or(|each| began.elapsed() >= each) {
                break;
            }
        }
    }
}
