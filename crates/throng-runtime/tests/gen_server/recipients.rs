//! Addresses that do not say of which server.

use std::sync::Arc;

use parking_lot::Mutex;
use throng_runtime::{
    Address, CallError, CastError, Ctx, EventCtx, EventHandler, Exit, GenServer, Handled, Handler, Init,
    Machine, Message, Name, Node, Recipient, StateMachine, Target,
};

#[derive(Clone, Copy, Debug, PartialEq)]
struct News(u32);

impl Message for News {
    type Reply = ();
}

struct Read;

impl Message for Read {
    type Reply = &'static str;
}

type Log = Arc<Mutex<Vec<(&'static str, u32)>>>;

/// A server.
struct Paper(Log);

impl GenServer for Paper {
    type Args = Log;

    async fn init(log: Log, _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Self(log))
    }
}

impl Handler<News> for Paper {
    async fn handle(&mut self, News(number): News, _: &mut Ctx<Self>) -> Handled<News> {
        self.0.lock().push(("paper", number));
        Ok(())
    }
}

impl Handler<Read> for Paper {
    async fn handle(&mut self, _: Read, _: &mut Ctx<Self>) -> Handled<Read> {
        Ok("paper")
    }
}

/// A state machine.
struct Radio(Log);

impl StateMachine for Radio {
    type Args = Log;
    type State = ();

    async fn init(log: Log, _: &mut Ctx<Machine<Self>>) -> Init<((), Self)> {
        Ok(((), Self(log)))
    }
}

impl EventHandler<News> for Radio {
    async fn handle_event(
        &mut self,
        (): &(),
        News(number): News,
        _: &mut EventCtx<'_, Self>,
    ) -> Handled<News> {
        self.0.lock().push(("radio", number));
        Ok(())
    }
}

impl EventHandler<Read> for Radio {
    async fn handle_event(&mut self, (): &(), _: Read, _: &mut EventCtx<'_, Self>) -> Handled<Read> {
        Ok("radio")
    }
}

#[tokio::test]
async fn recipients_of_one_message_are_one_type_whatever_handles_it() {
    let (node, log) = (Node::new("test"), Log::default());
    let paper = node.start(Paper::child(log.clone())).await.unwrap();
    let radio = node.start(Radio::child(log.clone())).await.unwrap();

    let told: Vec<Recipient<News>> = vec![paper.into(), radio.into()];
    for (number, recipient) in (0..).zip(&told) {
        recipient.cast(News(number)).unwrap();
        recipient.clone().send(News(number + 10)).await.unwrap();
    }
    paper.sync().await.unwrap();
    radio.sync().await.unwrap();
    let mut told = log.lock().clone();
    told.sort_unstable();
    assert_eq!(told, [("paper", 0), ("paper", 10), ("radio", 1), ("radio", 11)]);

    for (recipient, answer) in [(Recipient::<Read>::from(paper), "paper"), (radio.into(), "radio")] {
        assert_eq!(recipient.call(Read).await.unwrap(), answer);
    }
}

#[tokio::test]
async fn g22_a_recipient_of_a_name_means_whoever_holds_it_and_one_of_a_pid_that_incarnation() {
    const PAPER: Name<Paper> = Name::new("paper");
    let (node, log) = (Node::new("test"), Log::default());
    let named = Recipient::<News>::from(node.via(PAPER));
    assert_eq!(named.resolve(), None);
    assert!(matches!(
        named.cast(News(1)),
        Err(CastError::NoProcess { target: Target::Name(name), message: News(1) }) if &*name == "paper"
    ));

    let first = node.start(Paper::child(log.clone()).name(PAPER)).await.unwrap();
    let (of_first, ask_first) = (Recipient::<News>::from(first), Recipient::<Read>::from(first));
    assert_eq!(named.resolve(), Some(first.id()));
    node.stop(first, Exit::Normal, None).await.unwrap();
    let second = node.start(Paper::child(log.clone()).name(PAPER)).await.unwrap();
    assert_eq!(named.resolve(), Some(second.id()));

    // A cast to the dead is lost in silence, as by its pid; a call fails.
    of_first.cast(News(2)).unwrap();
    assert!(matches!(ask_first.call(Read).await, Err(CallError::NoProcess { .. })));
    named.cast(News(3)).unwrap();
    second.sync().await.unwrap();
    assert_eq!(*log.lock(), [("paper", 3)]);
}
