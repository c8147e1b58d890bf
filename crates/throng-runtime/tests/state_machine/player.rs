//! A state machine that does what it is told, and says what it did. Its states are words.

use std::{future::Future, sync::Arc};

use throng_runtime::{
    Address, Ctx, Down, EnterCtx, EventCtx, EventHandler, Exit, Exited, Halt, Handled, Init, Machine,
    Message, Node, Pid, StateMachine,
};
use tokio::sync::mpsc;

pub(crate) type Heard = mpsc::UnboundedReceiver<String>;
pub(crate) type Stage<'a> = EventCtx<'a, Player>;
type Line = dyn Fn(&str, Ask, &mut Stage<'_>) -> Result<String, Halt> + Send + Sync;
type Entrance = dyn Fn(&str, &mut EnterCtx<'_, Player>) -> Result<(), Exit> + Send + Sync;

/// How a player begins: in which state, and what it does in each that it enters.
#[derive(Clone)]
pub(crate) struct Part {
    said: mpsc::UnboundedSender<String>,
    first: &'static str,
    begin: Option<&'static str>,
    enter: Arc<Entrance>,
}

pub(crate) struct Player {
    part: Part,
    pub(crate) hibernated: u64,
}

impl Part {
    pub(crate) fn new() -> (Self, Heard) {
        let (said, heard) = mpsc::unbounded_channel();
        (Self { said, first: "idle", begin: None, enter: Arc::new(|_, _| Ok(())) }, heard)
    }

    pub(crate) fn enter(
        self,
        enter: impl Fn(&str, &mut EnterCtx<'_, Player>) -> Result<(), Exit> + Send + Sync + 'static,
    ) -> Self {
        Self { enter: Arc::new(enter), ..self }
    }

    /// What `init` continues with.
    pub(crate) fn begin(self, name: &'static str) -> Self {
        Self { begin: Some(name), ..self }
    }
}

impl StateMachine for Player {
    type Args = Part;
    type State = &'static str;
    const POSTPONED_MAX: usize = 100;

    async fn init(part: Part, ctx: &mut Ctx<Machine<Self>>) -> Init<(&'static str, Self)> {
        if let Some(name) = part.begin {
            ctx.continue_with(cue(name));
        }
        Ok((part.first, Player { part, hibernated: 0 }))
    }

    async fn state_enter(
        &mut self,
        old: &&'static str,
        state: &&'static str,
        ctx: &mut EnterCtx<'_, Self>,
    ) -> Result<(), Exit> {
        self.say(format!("enter {state} from {old}"));
        (self.part.enter)(state, ctx)
    }

    async fn terminate(&mut self, state: &&'static str, reason: &Exit, _: &mut Ctx<Machine<Self>>) {
        self.say(format!("terminate in {state} ({reason})"));
    }

    fn hibernate(&mut self) {
        self.hibernated += 1;
    }
}

impl Player {
    fn say(&self, words: String) {
        // An error means that the test listens no more.
        let _ = self.part.said.send(words);
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.say("dropped".into());
    }
}

/// Has the player say this name and do a thing; the reply is what the line returns.
#[derive(Clone)]
pub(crate) struct Ask {
    name: &'static str,
    line: Arc<Line>,
}

impl Message for Ask {
    type Reply = String;
}

impl EventHandler<Ask> for Player {
    async fn handle_event(&mut self, state: &&'static str, ask: Ask, ctx: &mut Stage<'_>) -> Handled<Ask> {
        self.say(format!("{} in {state}", ask.name));
        let line = ask.line.clone();
        line(state, ask, ctx)
    }
}

/// The same without a reply.
#[derive(Clone)]
pub(crate) struct Cue(Ask);

impl Message for Cue {
    type Reply = ();
}

impl EventHandler<Cue> for Player {
    async fn handle_event(
        &mut self,
        state: &&'static str,
        Cue(ask): Cue,
        ctx: &mut Stage<'_>,
    ) -> Handled<Cue> {
        self.handle_event(state, ask, ctx).await.map(drop)
    }
}

impl EventHandler<Exited> for Player {
    async fn handle_event(
        &mut self,
        state: &&'static str,
        exited: Exited,
        _: &mut Stage<'_>,
    ) -> Handled<Exited> {
        self.say(format!("exited ({}) in {state}", exited.reason));
        Ok(())
    }
}

impl EventHandler<Down> for Player {
    async fn handle_event(&mut self, state: &&'static str, down: Down, ctx: &mut Stage<'_>) -> Handled<Down> {
        match *state {
            "busy" => ctx.postpone(down),
            state => {
                self.say(format!("down ({}) in {state}", down.reason));
                Ok(())
            }
        }
    }
}

/// Awaits something in a callback.
pub(crate) struct Await(pub(crate) std::pin::Pin<Box<dyn Future<Output = ()> + Send>>);

impl Message for Await {
    type Reply = ();
}

impl EventHandler<Await> for Player {
    async fn handle_event(
        &mut self,
        _: &&'static str,
        Await(work): Await,
        _: &mut Stage<'_>,
    ) -> Handled<Await> {
        work.await;
        Ok(())
    }
}

/// An event that does `line` and replies with its name.
pub(crate) fn act(name: &'static str, line: impl Fn(&mut Stage<'_>) + Send + Sync + 'static) -> Ask {
    full(name, move |_, _, ctx| {
        line(ctx);
        Ok(name.into())
    })
}

/// An event that decides everything.
pub(crate) fn full(
    name: &'static str,
    line: impl Fn(&str, Ask, &mut Stage<'_>) -> Result<String, Halt> + Send + Sync + 'static,
) -> Ask {
    Ask { name, line: Arc::new(line) }
}

/// An event that waits for this state.
pub(crate) fn only_in(wanted: &'static str, name: &'static str) -> Ask {
    full(name, move |state, ask, ctx| if state == wanted { Ok(name.into()) } else { ctx.postpone(ask) })
}

pub(crate) fn go(state: &'static str) -> Ask {
    act("go", move |ctx| ctx.next_state(state))
}

/// An event that does nothing.
pub(crate) fn cue(name: &'static str) -> Cue {
    act(name, |_| {}).quietly()
}

impl Ask {
    pub(crate) fn quietly(self) -> Cue {
        Cue(self)
    }
}

/// Starts a player that has entered its first state, which is no longer heard.
pub(crate) async fn start_as(node: &Node, cast: impl FnOnce(Part) -> Part) -> (Pid<Machine<Player>>, Heard) {
    let (part, mut heard) = Part::new();
    let player = node.start(Player::child(cast(part))).await.unwrap();
    expect(&mut heard, &["enter idle from idle"]).await;
    (player, heard)
}

pub(crate) async fn start(node: &Node) -> (Pid<Machine<Player>>, Heard) {
    start_as(node, |part| part).await
}

/// The next things that the player says are these.
pub(crate) async fn expect(heard: &mut Heard, lines: &[&str]) {
    for line in lines {
        assert_eq!(heard.recv().await.unwrap_or_else(|| "gone".into()), *line, "of {lines:?}");
    }
}

/// It has nothing more to say about what was sent before.
pub(crate) async fn nothing_more(player: Pid<Machine<Player>>, heard: &mut Heard) {
    player.sync().await.unwrap();
    assert_eq!(heard.try_recv().ok(), None);
}
