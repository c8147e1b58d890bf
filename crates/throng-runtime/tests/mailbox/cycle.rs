//! Waits that go round.

use throng_runtime::{Address, CallError, Ctx, GenServer, Handled, Handler, Init, Message, Node, Pid};

const PROCESSES: usize = 64;

/// Calls the next when it is told to.
struct Link {
    next: Option<Pid<Link>>,
}

impl GenServer for Link {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Link { next: None })
    }
}

struct Next(Pid<Link>);

impl Message for Next {
    type Reply = ();
}

impl Handler<Next> for Link {
    async fn handle(&mut self, Next(next): Next, _: &mut Ctx<Self>) -> Handled<Next> {
        self.next = Some(next);
        Ok(())
    }
}

/// Whether the next one answered.
struct AskNext;

impl Message for AskNext {
    type Reply = Result<(), CallError>;
}

impl Handler<AskNext> for Link {
    async fn handle(&mut self, _: AskNext, _: &mut Ctx<Self>) -> Handled<AskNext> {
        let Some(next) = self.next else { return Ok(Ok(())) };
        Ok(next.sync().await)
    }
}

/// All are asked at once, so that each waits for one that waits.
#[tokio::test(start_paused = true)]
async fn g21_a_wait_that_goes_round_among_64_processes_times_out_instead_of_hanging() {
    let node = Node::new("test");
    let mut links = Vec::new();
    for _ in 0..PROCESSES {
        links.push(node.start(Link::child(())).await.unwrap());
    }
    for (at, link) in links.iter().enumerate() {
        link.call(Next(links[(at + 1) % PROCESSES])).await.unwrap();
    }
    let asked: Vec<_> = links.iter().map(|link| link.call(AskNext).no_timeout().send()).collect();
    let mut timed_out = 0;
    for answer in asked {
        // Whoever gives up is free to answer the one that waits for it, if that has not given up as well.
        match answer.await.unwrap() {
            Ok(()) => {}
            Err(CallError::Timeout { .. }) => timed_out += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(timed_out > 0);
    for link in links {
        link.sync().await.unwrap();
    }
}
