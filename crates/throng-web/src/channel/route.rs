//! Where a route leads: a channel type, without its type.

use std::{fmt, marker::PhantomData, pin::Pin, sync::Arc, time::Duration};

use throng_runtime::{Address, GenServer, Node, ProcessId, Restart, StartError};

use super::{
    Channel, Replaced,
    server::{ChannelServer, Inbound},
};
use crate::{connection::Link, protocol::Message, recovery, socket::ChannelId, telemetry::ChannelWatch};

/// A join that was let through, for the channel's process to run.
#[derive(Debug)]
pub(crate) struct JoinRequest {
    /// Follows the channel, where there are observers.
    pub(crate) watch: Option<Arc<ChannelWatch>>,
    pub(crate) link: Arc<Link>,
    pub(crate) channel: ChannelId,
    pub(crate) message: Message,
    /// The channel of an earlier join of the same topic, which ends first (§4.3).
    pub(crate) replaces: Option<Replaced>,
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

/// The channel type `C` as a route's target, with what the route adds to the assigns.
pub(crate) struct Route<C, F> {
    assign: F,
    leads_to: PhantomData<fn() -> C>,
}

impl<C: Channel, F: Fn(&mut C::Assigns)> Route<C, F> {
    pub(crate) fn new(assign: F) -> Route<C, F> {
        Route { assign, leads_to: PhantomData }
    }
}

impl<C: Channel, F: Fn(&mut C::Assigns) + Send + Sync> StartChannel<C::Assigns> for Route<C, F> {
    fn start<'a>(&'a self, node: &'a Node, mut start: Start<C::Assigns>) -> Starting<'a> {
        (self.assign)(&mut start.assigns);
        Box::pin(async move {
            let link = start.join.link.clone();
            let child = ChannelServer::<C>::child(Arc::new(start)).restart(Restart::Temporary);
            let pid = node.start(child).await?;
            // A pid is an address of its own: it always resolves.
            let hand = move |inbound| drop(pid.cast(inbound));
            let (id, grace) = (pid.id(), C::GRACE);
            if !C::RECOVERS {
                return Ok(ChannelProcess::new(id, grace, hand));
            }
            Ok(ChannelProcess::new(id, grace, move |inbound| match inbound {
                Inbound::Event { message, in_flight } => recovery::hand_over(&link, message, in_flight, hand),
                other => hand(other),
            }))
        })
    }
}

/// A running channel, as its connection sees it.
pub(crate) struct ChannelProcess {
    pub(crate) id: ProcessId,
    /// How long it may take to end, if not as long as others.
    pub(crate) grace: Option<Duration>,
    hand: Box<dyn Fn(Inbound) + Send + Sync>,
}

impl ChannelProcess {
    pub(super) fn new(
        id: ProcessId,
        grace: Option<Duration>,
        hand: impl Fn(Inbound) + Send + Sync + 'static,
    ) -> ChannelProcess {
        ChannelProcess { id, grace, hand: Box::new(hand) }
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
