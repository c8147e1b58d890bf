//! What is reported of a process that keeps its worker to itself (P38). In a program of its own: it listens to every thread.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

#[path = "support/log.rs"]
#[expect(dead_code, reason = "it captures here what every thread logs")]
mod log;

use log::Log;
use throng_runtime::{Address, Ctx, GenServer, Handled, Handler, Init, Message, Node};

/// Computes until it has been reported.
struct Hog(Log);

impl GenServer for Hog {
    type Args = Log;

    async fn init(log: Log, ctx: &mut Ctx<Self>) -> Init<Self> {
        ctx.set_label("greedy");
        Ok(Self(log))
    }
}

struct Compute;

impl Message for Compute {
    type Reply = String;
}

impl Handler<Compute> for Hog {
    async fn handle(&mut self, _: Compute, ctx: &mut Ctx<Self>) -> Handled<Compute> {
        loop {
            let lines = self.0.lines();
            let mine = |line: &&String| line.contains(&format!("process={} ", ctx.id()));
            match lines.iter().find(mine) {
                Some(report) => return Ok(report.clone()),
                None => std::thread::yield_now(),
            }
        }
    }
}

#[tokio::test]
async fn p38_a_process_that_keeps_its_worker_is_reported_with_what_it_is() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let node = Node::new("test");
    let hog = node.start(Hog::child(log)).await.unwrap();
    let report = hog.call(Compute).no_timeout().await.unwrap();
    for part in ["WARN", "without reaching an await point", "label=\"greedy\"", "Hog\"", "bound=10ms"] {
        assert!(report.contains(part), "{part:?} is not in {report}");
    }
}
