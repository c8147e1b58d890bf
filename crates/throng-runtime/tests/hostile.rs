//! User code that does its worst where a process ends or is looked at: it harms nobody but itself (P8, X8).
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::{
    error::Error,
    fmt,
    future::{pending, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use throng_runtime::{
    Address, Bounds, CallError, Ctx, Exit, GenServer, Halt, Handled, Handler, Init, Mailbox, Message, Node,
    OnExit, Pid, ProcessId, ReplyTo, Sending, sys,
};
use tokio::{runtime::Runtime, sync::mpsc, time::timeout};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// A server that does what it is told.
struct Host {
    kept: Vec<ReplyTo<u64>>,
    said: mpsc::UnboundedSender<String>,
}

impl GenServer for Host {
    type Args = mpsc::UnboundedSender<String>;

    async fn init(said: Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self { kept: Vec::new(), said })
    }

    async fn terminate(&mut self, _: &Exit, _: &mut Ctx<Self>) {
        let _ = self.said.send("terminate".into());
    }
}

async fn host(node: &Node) -> (Pid<Host>, mpsc::UnboundedReceiver<String>) {
    let (said, heard) = mpsc::unbounded_channel();
    (node.start(Host::child(said)).await.unwrap(), heard)
}

/// Is answered later: never.
struct Keep;

impl Message for Keep {
    type Reply = u64;
}

impl Handler<Keep> for Host {
    async fn handle(&mut self, _: Keep, ctx: &mut Ctx<Self>) -> Handled<Keep> {
        ctx.reply_later(|to| self.kept.push(to))
    }
}

/// Takes the answer for one of another type.
struct Mistake;

impl Message for Mistake {
    type Reply = u64;
}

impl Handler<Mistake> for Host {
    async fn handle(&mut self, _: Mistake, ctx: &mut Ctx<Self>) -> Handled<Mistake> {
        let _ = ctx.reply_later(|_: ReplyTo<String>| ());
        Ok(1)
    }
}

/// Runs a piece of code in the server.
struct Run(Box<Code>);

type Code = dyn FnOnce(&mut Ctx<Host>) -> Result<(), Halt> + Send;

impl Message for Run {
    type Reply = ();
}

impl Handler<Run> for Host {
    async fn handle(&mut self, Run(code): Run, ctx: &mut Ctx<Self>) -> Handled<Run> {
        code(ctx)
    }
}

#[tokio::test(start_paused = true)]
async fn x8_an_exit_hook_that_panics_when_it_is_dropped_does_not_hold_up_the_end() {
    struct Hook {
        _bomb: Bomb,
    }
    impl OnExit for Hook {
        fn process_exited(&self, _: ProcessId, _: &Exit) {}
    }

    let node = Node::new("test");
    let (host, _heard) = host(&node).await;
    let hook = |ctx: &mut Ctx<Host>| {
        ctx.on_exit(Arc::new(Hook { _bomb: Bomb }));
        Ok(())
    };
    host.call(Run(Box::new(hook))).await.unwrap();
    let ended = node.wait(host);
    node.exit(host, Exit::other("enough"));
    let ended = timeout(Duration::from_secs(60), ended).await.expect("nobody was told");
    assert_eq!(ended.to_string(), "enough");
}

#[tokio::test(start_paused = true)]
async fn x8_a_listener_that_panics_when_it_is_dropped_does_not_hold_up_the_end() {
    let node = Node::new("test");
    let (host, _heard) = host(&node).await;
    let bomb = Bomb;
    sys::install(&host, move |_, _| {
        let _ = &bomb;
    })
    .await
    .unwrap();
    let answer = host.call(Keep).send();
    host.sync().await.unwrap();
    node.exit(host, Exit::Kill);
    let answer = answer.await;
    assert!(matches!(answer, Err(CallError::Exited { reason: Exit::Killed, .. })), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn x8_an_error_that_cannot_say_what_it_is_does_not_hold_up_the_end() {
    #[derive(Debug)]
    struct Unspeakable;
    impl fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no words")
        }
    }
    impl Error for Unspeakable {}

    let node = Node::new("test");
    let (host, mut heard) = host(&node).await;
    let ended = node.wait(host);
    host.cast(Run(Box::new(|_| Err(Halt::Stop(Exit::from(Unspeakable)))))).unwrap();
    assert!(matches!(ended.await, Exit::Error(_)), "its reason was lost");
    assert_eq!(heard.recv().await.as_deref(), Some("terminate"));

    let raw = node.spawn(async |_| Err::<(), _>(Exit::from(Unspeakable)));
    assert!(matches!(node.wait(raw).await, Exit::Error(_) | Exit::NoProcess), "its reason was lost");
}

/// A letter that does its worst when it is dropped.
enum Parcel {
    Work,
    Drops(Arc<Mutex<Option<Sending<Parcel>>>>),
    Bomb,
}

impl Message for Parcel {
    type Reply = ();
}

impl Drop for Parcel {
    fn drop(&mut self) {
        match self {
            Self::Work => {}
            Self::Drops(sending) => drop(sending.lock().unwrap().take()),
            Self::Bomb => panic!("dropped"),
        }
    }
}

impl Handler<Parcel> for Host {
    async fn handle(&mut self, _: Parcel, _: &mut Ctx<Self>) -> Handled<Parcel> {
        pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn x8_a_message_in_the_line_that_panics_when_it_is_dropped_does_not_hold_up_the_end() {
    let node = Node::new("test");
    let (said, _heard) = mpsc::unbounded_channel();
    let host = node.start(Host::child(said).mailbox(Bounds::messages(1))).await.unwrap();
    host.cast(Parcel::Work).unwrap();
    tokio::task::yield_now().await;
    let line = Arc::new(Mutex::new(None));
    host.cast(Parcel::Drops(line.clone())).unwrap();
    let mut sending = host.send(Parcel::Bomb);
    poll_fn(|cx| {
        assert!(Pin::new(&mut sending).poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    *line.lock().unwrap() = Some(sending);
    let answer = host.call(Parcel::Work).send();
    // The message that waits in the mailbox gives up the one that waits in the line, when the end drops it.
    node.exit(host, Exit::Kill);
    let answer = answer.await;
    assert!(matches!(answer, Err(CallError::Exited { reason: Exit::Killed, .. })), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn g8_a_server_that_mistakes_the_type_of_its_answer_crashes_and_its_caller_knows() {
    let node = Node::new("test");
    let (host, _heard) = host(&node).await;
    let answer = host.call(Mistake).await;
    assert!(matches!(answer, Err(CallError::Exited { reason: Exit::Panic(_), .. })), "{answer:?}");
}

const ASKED: usize = 200;

/// Asks, and once more from inside of each answer, so that a request waits at all times; in the tenth it does something else too.
fn keep_asking(host: Pid<Host>, asked: Arc<AtomicUsize>, tenth: fn(&Node, Pid<Host>), node: Node) {
    let again = asked.clone();
    // Nobody waits for the answer; the request is served all the same.
    drop(sys::with_state(&host, move |_| {
        let number = again.fetch_add(1, Ordering::SeqCst);
        if number == 10 {
            tenth(&node, host);
        }
        if number < ASKED {
            thread::spawn(move || keep_asking(host, again, tenth, node)).join().unwrap();
        }
    }));
}

#[tokio::test]
async fn y1_a_server_that_is_asked_all_the_time_can_be_killed() {
    let node = Node::new("test");
    let (host, _heard) = host(&node).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let ended = node.wait(host);
    keep_asking(host, asked.clone(), |node, host| node.exit(host, Exit::Kill), node.clone());
    assert!(matches!(ended.await, Exit::Killed));
    let asked = asked.load(Ordering::SeqCst);
    assert!(asked < ASKED, "it was asked {asked} times before it ended");
}

#[tokio::test]
async fn y1_a_server_that_is_asked_all_the_time_handles_its_messages() {
    let node = Node::new("test");
    let (host, _heard) = host(&node).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let ended = node.wait(host);
    let stop = |_: &Node, host: Pid<Host>| {
        let first = Run(Box::new(|_| Ok(())));
        let second = Run(Box::new(|_| Err(Halt::Stop(Exit::other("enough")))));
        assert!(host.cast(first).is_ok() && host.cast(second).is_ok());
    };
    keep_asking(host, asked.clone(), stop, node.clone());
    assert_eq!(ended.await.to_string(), "enough");
    let asked = asked.load(Ordering::SeqCst);
    assert!(asked < ASKED, "it was asked {asked} times before it came to its messages");
}

#[tokio::test]
async fn y2_a_suspended_server_that_is_asked_all_the_time_can_be_stopped() {
    let node = Node::new("test");
    let (host, mut heard) = host(&node).await;
    sys::suspend(&host).await.unwrap();
    host.cast(Run(Box::new(|_| Ok(())))).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let ended = node.wait(host);
    let stop = |node: &Node, host: Pid<Host>| {
        // By somebody else; it asks at its first poll.
        let ask = || {
            let mut stopping = Box::pin(node.stop(host, Exit::Shutdown, None));
            assert!(stopping.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        };
        thread::scope(|scope| scope.spawn(ask).join().unwrap());
    };
    keep_asking(host, asked.clone(), stop, node.clone());
    assert!(matches!(ended.await, Exit::Shutdown));
    assert_eq!(heard.recv().await.as_deref(), Some("terminate"));
    let asked = asked.load(Ordering::SeqCst);
    assert!(asked < ASKED, "it was asked {asked} times before it stopped");
}

struct Note;

impl Message for Note {
    type Reply = ();
}

#[test]
fn p9_a_mailbox_that_outlives_its_process_receives_nobody_elses_messages() {
    let (first, second) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let (carry, carried) = std::sync::mpsc::channel();
    let _process = {
        let _entered = first.enter();
        Node::new("first").spawn_receiver(move |mailbox: Mailbox<Note>| async move {
            carry.send(mailbox).unwrap();
            pending::<()>().await;
        })
    };
    let mut orphan = carried.recv().unwrap();
    drop(first);
    second.block_on(async {
        let node = Node::new("second");
        // One of them has the place that the first process had.
        let received = (0..64).map(|_| {
            let (tell, told) = tokio::sync::oneshot::channel();
            let process = node.spawn_receiver(|mut mailbox: Mailbox<Note>| async move {
                mailbox.recv().await;
                tell.send(()).unwrap();
            });
            (process, told)
        });
        let received: Vec<_> = received.collect();
        for (process, told) in received {
            process.cast(Note).unwrap();
            assert!(orphan.try_recv().is_none(), "a message of another process");
            told.await.unwrap();
        }
    });
}
