//! The node's two lives, as a letter and as its handler's future, for every way out of either. Also what Miri runs.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
};

use super::*;
use crate::{gen_server::Init, node::Node, pid::ProcessId, scheduler::Tokio};

struct Server(Vec<u64>);

impl GenServer for Server {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self(Vec::new()))
    }
}

struct Other;

impl GenServer for Other {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self)
    }
}

/// A letter whose handler keeps `N` words over `waits` await points. It counts the drops of what it holds.
struct Words<const N: usize> {
    words: [u64; N],
    waits: usize,
    held: Held,
}

struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl<const N: usize> Letter<Server> for Words<N> {
    async fn open<'a>(self, server: &'a mut Server, _: &'a mut Ctx<Server>) {
        let Self { words, waits, held } = self;
        for _ in 0..waits {
            wait_once().await;
        }
        server.0.extend(words);
        drop(held);
    }

    fn abandon(self, _: CallFailure) {}

    fn name() -> &'static str {
        "words"
    }
}

/// A letter that wants more room around it than a header does.
#[repr(align(64))]
struct Aligned(Words<1>);

impl Letter<Server> for Aligned {
    async fn open<'a>(self, server: &'a mut Server, ctx: &'a mut Ctx<Server>) {
        assert_eq!((&raw const self).addr() % 64, 0);
        wait_once().await;
        self.0.open(server, ctx).await;
    }

    fn abandon(self, _: CallFailure) {}

    fn name() -> &'static str {
        "aligned"
    }
}

async fn wait_once() {
    let mut waited = false;
    poll_fn(|_| match std::mem::replace(&mut waited, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

fn in_a_server(check: impl FnOnce(&mut Server, &mut Ctx<Server>)) {
    // Entered, not run: Miri has no epoll to block on, and nothing here needs to be driven.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        panic!("no runtime")
    };
    let _entered = runtime.enter();
    let mut ctx = Ctx::new(ProcessId::new(0, 1), None, a_node());
    check(&mut Server(Vec::new()), &mut ctx);
}

fn a_node() -> Node {
    let Some(backend) = Tokio::current() else { panic!("no runtime") };
    Node::on(backend, "test".into())
}

fn polls(mut running: Running<'_>) -> usize {
    let mut cx = Context::from_waker(Waker::noop());
    (1..).find(|_| Pin::new(&mut running).poll(&mut cx).is_ready()).unwrap_or_default()
}

fn check_all_ways<L: Letter<Server>>(letter: impl Fn(usize, Held) -> L) {
    let drops = Arc::new(AtomicUsize::new(0));
    let envelope = |waits| Envelope::message::<Server, _>(1, letter(waits, Held(drops.clone())));
    let dropped = || drops.swap(0, Ordering::SeqCst);

    drop(envelope(0));
    assert_eq!(dropped(), 1, "dropped as a letter");
    envelope(0).abandon(CallFailure::NoProcess);
    assert_eq!(dropped(), 1, "abandoned");
    in_a_server(|server, ctx| {
        let Ok(running) = envelope(3).open(server, ctx) else { panic!("refused") };
        assert!(polls(running) >= 4);
        assert_eq!(server.0.len(), server.0.iter().filter(|word| **word == 7).count());
        assert!(!server.0.is_empty());
        assert_eq!(dropped(), 1, "handled");

        drop(envelope(0).open(server, ctx));
        assert_eq!(dropped(), 1, "dropped before its first poll");

        let Ok(mut running) = envelope(3).open(server, ctx) else { panic!("refused") };
        assert!(Pin::new(&mut running).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(running);
        assert_eq!(dropped(), 1, "dropped at an await point");
    });
}

#[test]
fn a_small_handler_takes_the_place_of_its_letter() {
    check_all_ways(|waits, held| Words::<1> { words: [7], waits, held });
}

#[test]
fn a_large_handler_gets_a_box() {
    check_all_ways(|waits, held| Words::<100> { words: [7; 100], waits, held });
}

#[test]
fn an_aligned_letter_lies_aligned() {
    check_all_ways(|waits, held| Aligned(Words { words: [7], waits, held }));
}

#[test]
fn a_letter_for_another_type_of_server_comes_back() {
    let drops = Arc::new(AtomicUsize::new(0));
    let words = Words { words: [7], waits: 0, held: Held(drops.clone()) };
    let envelope = Envelope::message::<Server, _>(1, words);
    in_a_server(|_, _| {
        let mut ctx = Ctx::<Other>::new(ProcessId::new(0, 1), None, a_node());
        let Err(back) = envelope.open(&mut Other, &mut ctx) else { panic!("opened by another") };
        assert_eq!(drops.load(Ordering::SeqCst), 0);
        assert_eq!((back.name())(), "words");
    });
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn a_queued_message_is_no_larger_for_a_large_handler() {
    let small = node_layout(Layout::new::<[u64; 2]>(), Layout::new::<[u64; 8]>());
    let large = node_layout(Layout::new::<[u64; 2]>(), Layout::new::<[u64; 1_000]>());
    assert_eq!((small.size(), large.size()), (128, 64));
}
