//! What can be asked of a running supervisor: adding, stopping, restarting, forgetting and listing children.

use super::{ChildCount, ChildError, ChildInfo, ChildStatus, Supervisor};
use crate::{
    address::Address,
    child::{Child, IntoChild, Restart},
    ctx::Ctx,
    error::StartError,
    gen_server::GenServer,
    message::{Handled, Handler, Message},
    pid::{Pid, ProcessId},
};

/// Requests to a running supervisor. They wait for as long as it takes: a child that is slow to start or stop holds them up (S32).
impl Supervisor {
    /// Adds a child at the end of the order and starts it (S27).
    ///
    /// # Errors
    ///
    /// [`ChildError`]. A child that did not start is not kept; one whose `init` returned
    /// [`InitError::Ignore`](crate::InitError::Ignore) is, unless it is temporary, though this is an error as well.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the child is started all the same.
    pub async fn start_child<S: GenServer>(
        supervisor: &impl Address<Self>,
        child: impl IntoChild<Server = S>,
    ) -> Result<Pid<S>, ChildError> {
        ask(supervisor, StartChild(child.into_child().erase())).await?.map(Pid::of)
    }

    /// Stops a child and keeps it known, unless it is temporary (S28). That it does not run already is fine.
    ///
    /// # Errors
    ///
    /// [`ChildError::NotFound`], [`ChildError::Supervisor`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the child is stopped all the same.
    pub async fn terminate_child(
        supervisor: &impl Address<Self>,
        id: impl Into<String>,
    ) -> Result<(), ChildError> {
        ask(supervisor, TerminateChild(id.into())).await?
    }

    /// Starts a child that is known and does not run (S29).
    ///
    /// # Errors
    ///
    /// [`ChildError`]; the child stays known if it does not start.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the child is started all the same.
    pub async fn restart_child(
        supervisor: &impl Address<Self>,
        id: impl Into<String>,
    ) -> Result<ProcessId, ChildError> {
        ask(supervisor, RestartChild(id.into())).await?
    }

    /// Forgets a child that does not run (S30).
    ///
    /// # Errors
    ///
    /// [`ChildError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the child is forgotten all the same.
    pub async fn delete_child(
        supervisor: &impl Address<Self>,
        id: impl Into<String>,
    ) -> Result<(), ChildError> {
        ask(supervisor, DeleteChild(id.into())).await?
    }

    /// Its children, newest first (S31).
    ///
    /// # Errors
    ///
    /// The supervisor is not there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer, nothing else.
    pub async fn which_children(supervisor: &impl Address<Self>) -> Result<Vec<ChildInfo>, ChildError> {
        ask(supervisor, WhichChildren).await
    }

    /// How many children it has (S31).
    ///
    /// # Errors
    ///
    /// The supervisor is not there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer, nothing else.
    pub async fn count_children(supervisor: &impl Address<Self>) -> Result<ChildCount, ChildError> {
        ask(supervisor, CountChildren).await
    }
}

/// What every request comes to: however long it takes (S32), it is answered, or the supervisor is not there.
pub(super) async fn ask<S, M>(supervisor: &impl Address<S>, request: M) -> Result<M::Reply, ChildError>
where
    S: Handler<M>,
    M: Message,
{
    Ok(supervisor.call(request).no_timeout().await?)
}

pub(super) struct StartChild(pub(super) Child);

impl Message for StartChild {
    type Reply = Result<ProcessId, ChildError>;
}

#[diagnostic::do_not_recommend]
impl Handler<StartChild> for Supervisor {
    async fn handle(&mut self, StartChild(child): StartChild, ctx: &mut Ctx<Self>) -> Handled<StartChild> {
        if let Err(wrong) = child.check(self.auto_shutdown) {
            return Ok(Err(ChildError::Start(wrong)));
        }
        if let Some(known) = self.children.find(&child.id) {
            return Ok(Err(match self.children[known].status {
                ChildStatus::Running(pid) => ChildError::AlreadyStarted(pid),
                ChildStatus::Restarting | ChildStatus::Stopped => ChildError::AlreadyPresent,
            }));
        }
        let started = (child.start)(ctx.node().clone(), ctx.id()).await;
        match &started {
            Ok(pid) => self.children.push(child, ChildStatus::Running(*pid)),
            Err(StartError::Ignored) if child.restart != Restart::Temporary => {
                self.children.push(child, ChildStatus::Stopped);
            }
            Err(_) => {}
        }
        Ok(started.map_err(ChildError::Start))
    }
}

struct TerminateChild(String);

impl Message for TerminateChild {
    type Reply = Result<(), ChildError>;
}

#[diagnostic::do_not_recommend]
impl Handler<TerminateChild> for Supervisor {
    async fn handle(
        &mut self,
        TerminateChild(id): TerminateChild,
        ctx: &mut Ctx<Self>,
    ) -> Handled<TerminateChild> {
        let Some(at) = self.children.find(&id) else { return Ok(Err(ChildError::NotFound)) };
        self.stop_one(at, ctx).await;
        if self.children[at].child.restart == Restart::Temporary {
            self.children.remove(at);
        }
        Ok(Ok(()))
    }
}

struct RestartChild(String);

impl Message for RestartChild {
    type Reply = Result<ProcessId, ChildError>;
}

#[diagnostic::do_not_recommend]
impl Handler<RestartChild> for Supervisor {
    async fn handle(&mut self, RestartChild(id): RestartChild, ctx: &mut Ctx<Self>) -> Handled<RestartChild> {
        Ok(match self.stopped(&id) {
            Ok(at) => self.start(at, ctx).await.map_err(ChildError::Start),
            Err(refused) => Err(refused),
        })
    }
}

struct DeleteChild(String);

impl Message for DeleteChild {
    type Reply = Result<(), ChildError>;
}

#[diagnostic::do_not_recommend]
impl Handler<DeleteChild> for Supervisor {
    async fn handle(&mut self, DeleteChild(id): DeleteChild, _: &mut Ctx<Self>) -> Handled<DeleteChild> {
        Ok(self.stopped(&id).map(|at| drop(self.children.remove(at))))
    }
}

impl Supervisor {
    /// Where a child is that is known and does not run.
    fn stopped(&self, id: &str) -> Result<usize, ChildError> {
        let at = self.children.find(id).ok_or(ChildError::NotFound)?;
        match self.children[at].status {
            ChildStatus::Stopped => Ok(at),
            ChildStatus::Running(_) => Err(ChildError::Running),
            ChildStatus::Restarting => Err(ChildError::Restarting),
        }
    }
}

pub(super) struct WhichChildren;

impl Message for WhichChildren {
    type Reply = Vec<ChildInfo>;
}

#[diagnostic::do_not_recommend]
impl Handler<WhichChildren> for Supervisor {
    async fn handle(&mut self, _: WhichChildren, _: &mut Ctx<Self>) -> Handled<WhichChildren> {
        Ok(self.children.iter().rev().map(|place| ChildInfo::of(&place.child, place.status)).collect())
    }
}

pub(super) struct CountChildren;

impl Message for CountChildren {
    type Reply = ChildCount;
}

#[diagnostic::do_not_recommend]
impl Handler<CountChildren> for Supervisor {
    async fn handle(&mut self, _: CountChildren, _: &mut Ctx<Self>) -> Handled<CountChildren> {
        Ok(self.children.iter().map(|place| (&place.child, place.status)).collect())
    }
}
