//! Nothing is left of a process that ended: tens of thousands of crashes, with all that can be attached to a process, and the
//! heap is as before (RELIABILITY T2).
//!
//! The heap is counted by the allocator, so this file has one test and no neighbours.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::{alloc::System, time::Duration};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use throng_runtime::{
    Address, AliasMode, Ctx, Down, Exit, Exited, GenServer, Handled, Handler, Init, Mailbox, Message, Name,
    Node, ReplyTo, census::Census, dictionary,
};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CYCLES: u64 = if cfg!(debug_assertions) { 20_000 } else { 100_000 };
/// Enough to reach every high-water mark: tables, slabs, thread caches.
const WARM_UP: u64 = CYCLES / 10;
/// Hash maps and the like may stand at another size than before.
const SLACK: isize = 64 * 1024;

const NAME: Name<Brittle> = Name::new("brittle");

/// Uses everything, then crashes.
struct Brittle {
    kept: Vec<ReplyTo<()>>,
}

impl GenServer for Brittle {
    type Args = ();

    async fn init((): (), ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.trap_exits();
        ctx.set_label("brittle");
        dictionary::put([0_u64; 16])?;
        ctx.send_after(Duration::from_secs(3_600), Crash);
        ctx.idle_timeout(Duration::from_secs(3_600));
        Ok(Self { kept: Vec::new() })
    }
}

/// Never answered.
struct Keep;

impl Message for Keep {
    type Reply = ();
}

impl Handler<Keep> for Brittle {
    async fn handle(&mut self, _: Keep, ctx: &mut Ctx<Self>) -> Handled<Keep> {
        ctx.reply_later(|to| self.kept.push(to))
    }
}

struct Crash;

impl Message for Crash {
    type Reply = ();
}

impl Handler<Crash> for Brittle {
    async fn handle(&mut self, _: Crash, _: &mut Ctx<Self>) -> Handled<Crash> {
        panic!("as planned, with {} calls in hand", self.kept.len())
    }
}

impl Handler<Down> for Brittle {
    async fn handle(&mut self, _: Down, _: &mut Ctx<Self>) -> Handled<Down> {
        Ok(())
    }
}

impl Handler<Exited> for Brittle {
    async fn handle(&mut self, _: Exited, _: &mut Ctx<Self>) -> Handled<Exited> {
        Ok(())
    }
}

impl Handler<throng_runtime::IdleTimeout> for Brittle {
    async fn handle(
        &mut self,
        _: throng_runtime::IdleTimeout,
        _: &mut Ctx<Self>,
    ) -> Handled<throng_runtime::IdleTimeout> {
        Ok(())
    }
}

/// Has a process of its own start one, attach everything to it, and see it crash.
async fn cycle(node: &Node, anchor: throng_runtime::ProcessId) {
    let keeper = node.spawn(async move |ctx| {
        let brittle = ctx.start_link(Brittle::child(()).name(NAME)).await.map_err(StartFailed)?;
        ctx.unlink(brittle);
        let _ = ctx.link(anchor);
        ctx.unlink(anchor);
        ctx.monitor_with(anchor, |_| unreachable!("the anchor outlives all"));
        let calls: Vec<_> = (0..3).map(|_| brittle.call(Keep).send()).collect();
        let task = ctx.task_nolink(async move { brittle.call(Keep).no_timeout().await.is_err() });
        brittle.sync().await?;
        let _ = brittle.cast(Crash);
        let _ = brittle.cast(Crash);
        for call in calls {
            assert!(call.await.is_err());
        }
        assert!(task.await?);
        let picky = ctx.spawn_receiver_link(move |mailbox| pick(mailbox, anchor));
        ctx.unlink(picky);
        picky.call(Junk::Note(vec![0; 64])).await?;
        drop(picky.cast(Junk::Note(vec![1; 64])));
        picky.exit(Exit::Kill);
        ctx.node().wait(brittle).await;
        Ok::<_, Exit>(())
    });
    let ended = node.wait(keeper).await;
    assert!(matches!(ended, Exit::Normal | Exit::NoProcess), "{ended}");
}

/// Waits for what never comes, in a mailbox with things in it.
async fn pick(mut mailbox: Mailbox<Junk>, anchor: throng_runtime::ProcessId) {
    mailbox.alias().send(Junk::Note(vec![2; 64]));
    mailbox.monitor_alias(anchor, AliasMode::ReplyDemonitor).1.send(Junk::Note(vec![3; 64]));
    mailbox.recv_matching(|junk| matches!(junk, Junk::Note(note) if note.is_empty())).await;
}

enum Junk {
    Note(Vec<u8>),
    Down,
}

impl Message for Junk {
    type Reply = ();
}

impl From<Down> for Junk {
    fn from(_: Down) -> Self {
        Self::Down
    }
}

#[derive(Debug)]
struct StartFailed(#[expect(dead_code, reason = "shown by Debug")] throng_runtime::StartError);

impl From<StartFailed> for Exit {
    fn from(failed: StartFailed) -> Self {
        Exit::other(format!("{failed:?}"))
    }
}

fn live_bytes() -> isize {
    let stats = HEAP.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x8_a_hundred_thousand_crashes_leave_the_heap_as_it_was() {
    let node = Node::new("soak");
    let anchor = node.spawn(async |_| std::future::pending::<()>().await);
    for _ in 0..WARM_UP {
        cycle(&node, anchor).await;
    }
    quiesce(&node).await;
    let before = live_bytes();
    for _ in 0..CYCLES {
        cycle(&node, anchor).await;
    }
    quiesce(&node).await;
    let grown = live_bytes() - before;
    println!("{CYCLES} crashes, {grown} bytes more on the heap");
    assert!(grown < SLACK, "{CYCLES} crashes left {grown} bytes behind");
    assert!(node.whereis(NAME).is_none());
}

/// Waits until only the anchor and the timers' driver are left.
async fn quiesce(node: &Node) {
    while Census::take(node) != (Census { processes: 1, timers: 0 }) {
        tokio::task::yield_now().await;
    }
}
