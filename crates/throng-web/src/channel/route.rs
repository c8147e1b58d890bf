//! Where a route leads: a channel type, without its type.

use std::{fmt, marker::PhantomData, pin::Pin, sync::Arc};

use throng_runtime::{Address, GenServer, Node, Pid, ProcessId, Restart, StartError};

use super::{
    Channel,
    server::{ChannelServer, Inbound},
};
use crate::{connection::Link, protocol::Message, socket::ChannelId};

/// A join that was let through, for the channel's process to run.
#[derive(Debug)]
pub(crate) struct JoinRequest {
    pub(crate) link: Arc<Link>,
    pub(crate) channel: ChannelId,
    pub(crate) message: Message,
    /// The channel of an earlier join of the same topic, which ends first (§4.3).
    pub(crate) replaces: Option<ProcessId>,
}

/// What a channel's process begins from.
#[derive(Debug)]
pub(crate) struct Start<A> {
    pub(crate) assigns: A,
    pub(crate) join: JoinRequest,
}

/// A future of a started channel.
pub(crate) type Starting<'a> = Pin<Box<dyn Future<Output = Result<ChannelProcess, StartError>> + Send + 'a>>;

/// A channel type that can be started for clients with the assigns `A`.
pub(crate) trait StartChannel<A>: Send + Sync {
    /// Starts the process; its join runs after this has returned.
    fn start<'a>(&'a self, node: &'a Node, start: Start<A>) -> Starting<'a>;
}

/// The channel type `C` as a route's target.
pub(crate) struct Route<C>(PhantomData<fn() -> C>);

impl<C: Channel> Route<C> {
    pub(crate) fn new() -> Route<C> {
        Route(PhantomData)
    }
}

impl<C: Channel> StartChannel<C::Assigns> for Route<C> {
    fn start<'a>(&'a self, node: &'a Node, start: Start<C::Assigns>) -> Starting<'a> {
        Box::pin(async move {
            let child = ChannelServer::<C>::child(Arc::new(start)).restart(Restart::Temporary);
            node.start(child).await.map(ChannelProcess::new)
        })
    }
}

/// A running channel, as its connection sees it.
pub(crate) struct ChannelProcess {
    pub(crate) id: ProcessId,
    hand: Box<dyn Fn(Inbound) + Send + Sync>,
}

impl ChannelProcess {
    fn new<C: Channel>(pid: Pid<ChannelServer<C>>) -> ChannelProcess {
        // A pid is an address of its own: it always resolves.
        ChannelProcess { id: pid.id(), hand: Box::new(move |inbound| drop(pid.cast(inbound))) }
    }

    /// Hands something over; lost if the channel is gone.
    pub(crate) fn hand(&self, inbound: Inbound) {
        (self.hand)(inbound);
    }
}

impl fmt::Debug for ChannelProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChannelProcess").field(&self.id).finish()
    }
}
