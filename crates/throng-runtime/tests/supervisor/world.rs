//! Workers that do what they are told and write down what happens to them.

use std::{
    collections::HashMap,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use throng_runtime::{
    Address, ChildSpec, ChildStatus, Ctx, Exit, GenServer, Handled, Handler, Init, InitError, Message, Node,
    Pid, ProcessId, Supervisor,
};
use tokio::sync::mpsc;

/// What a worker's start comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    Up,
    Fails,
    Panics,
    Ignores,
    Hangs,
}

/// A node, and workers on it that tell of their starts and stops.
pub(crate) struct World {
    pub(crate) node: Node,
    tell: mpsc::UnboundedSender<String>,
    told: mpsc::UnboundedReceiver<String>,
    pids: Arc<Mutex<HashMap<&'static str, Pid<Worker>>>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        Self { node: Node::new("test"), tell, told, pids: Arc::default() }
    }

    /// A worker that starts.
    pub(crate) fn worker(&self, name: &'static str) -> ChildSpec<Worker> {
        self.scripted(name, |_| Start::Up)
    }

    /// A worker whose n-th start, counted from 1, comes to what the script says.
    pub(crate) fn scripted(
        &self,
        name: &'static str,
        script: impl Fn(usize) -> Start + Send + Sync + 'static,
    ) -> ChildSpec<Worker> {
        Worker::child(Args {
            name,
            script: Arc::new(script),
            starts: Arc::default(),
            hangs_in_terminate: false,
            tell: self.tell.clone(),
            pids: self.pids.clone(),
        })
        .id(name)
    }

    /// A worker whose `terminate` never returns.
    pub(crate) fn stubborn(&self, name: &'static str) -> ChildSpec<Worker> {
        Worker::child(Args {
            name,
            script: Arc::new(|_| Start::Up),
            starts: Arc::default(),
            hangs_in_terminate: true,
            tell: self.tell.clone(),
            pids: self.pids.clone(),
        })
        .id(name)
    }

    /// The process that runs a worker now, or ran it last.
    pub(crate) fn pid(&self, name: &'static str) -> Pid<Worker> {
        self.pids.lock().unwrap()[name]
    }

    /// Has a worker end, and waits until it has, its observers told.
    pub(crate) async fn end(&self, name: &'static str, reason: Exit) {
        let pid = self.pid(name);
        pid.cast(End(reason)).unwrap();
        self.node.wait(pid).await;
    }

    /// Has a worker panic, and waits until it is gone.
    pub(crate) async fn crash(&self, name: &'static str) {
        let pid = self.pid(name);
        pid.cast(Crash).unwrap();
        self.node.wait(pid).await;
    }

    /// What happened since the last look, after the supervisor has dealt with it.
    pub(crate) async fn log(&mut self, supervisor: Pid<Supervisor>) -> String {
        // An error means that the supervisor is gone, and with it all that it could do.
        let _ = Supervisor::count_children(&supervisor).await;
        self.log_now()
    }

    /// What happened since the last look.
    pub(crate) fn log_now(&mut self) -> String {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect::<Vec<_>>().join(" ")
    }

    /// The next thing that happens.
    pub(crate) async fn next(&mut self) -> String {
        self.told.recv().await.unwrap()
    }
}

/// How the children of a supervisor are, oldest first: `+` runs, `-` does not, `~` is being restarted.
pub(crate) async fn children(supervisor: Pid<Supervisor>) -> String {
    let children = Supervisor::which_children(&supervisor).await.unwrap();
    let sign = |status| match status {
        ChildStatus::Running(_) => '+',
        ChildStatus::Stopped => '-',
        ChildStatus::Restarting => '~',
    };
    let words = children.iter().rev().map(|child| format!("{}{}", sign(child.status), child.id));
    words.collect::<Vec<_>>().join(" ")
}

pub(crate) struct Worker {
    args: Args,
}

#[derive(Clone)]
pub(crate) struct Args {
    name: &'static str,
    script: Arc<dyn Fn(usize) -> Start + Send + Sync>,
    starts: Arc<AtomicUsize>,
    hangs_in_terminate: bool,
    tell: mpsc::UnboundedSender<String>,
    pids: Arc<Mutex<HashMap<&'static str, Pid<Worker>>>>,
}

impl GenServer for Worker {
    type Args = Args;

    async fn init(args: Args, ctx: &mut Ctx<Self>) -> Init<Self> {
        let nth = args.starts.fetch_add(1, Ordering::SeqCst) + 1;
        match (args.script)(nth) {
            Start::Up => {}
            Start::Fails => return Err(InitError::Stop(Exit::other("no luck"))),
            Start::Panics => panic!("no luck at all"),
            Start::Ignores => return Err(InitError::Ignore),
            Start::Hangs => pending().await,
        }
        args.tell.send(format!("+{}", args.name))?;
        args.pids.lock().unwrap().insert(args.name, ctx.me());
        Ok(Self { args })
    }

    async fn terminate(&mut self, _: &Exit, _: &mut Ctx<Self>) {
        if self.args.hangs_in_terminate {
            pending::<()>().await;
        }
        let _ = self.args.tell.send(format!("-{}", self.args.name));
    }
}

struct End(Exit);

impl Message for End {
    type Reply = ();
}

impl Handler<End> for Worker {
    async fn handle(&mut self, End(reason): End, _: &mut Ctx<Self>) -> Handled<End> {
        Err(reason.into())
    }
}

struct Crash;

impl Message for Crash {
    type Reply = ();
}

impl Handler<Crash> for Worker {
    async fn handle(&mut self, _: Crash, _: &mut Ctx<Self>) -> Handled<Crash> {
        panic!("told to")
    }
}

/// Unlinks the worker from everybody that could be its supervisor.
pub(crate) struct Unlink(pub(crate) ProcessId);

impl Message for Unlink {
    type Reply = ();
}

impl Handler<Unlink> for Worker {
    async fn handle(&mut self, Unlink(peer): Unlink, ctx: &mut Ctx<Self>) -> Handled<Unlink> {
        ctx.unlink(peer);
        Ok(())
    }
}
