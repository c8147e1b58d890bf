//! A channel is opened: the client is let in, and told what it missed (§4.2, §18.6).

use parking_lot::Mutex;
use throng_pubsub::{Missed, Since};
use throng_runtime::{Ctx, Halt};

use super::{
    Channel,
    server::ChannelServer,
    socket::{Out, Socket, SocketState},
};
use crate::{
    connection::ChannelNews,
    fastlane,
    protocol::{Frame, Payload, Ref},
    recovery::{self, Pages},
    telemetry,
};

impl<C: Channel> ChannelServer<C> {
    /// Subscribes, answers the join, and lets through what was broadcast meanwhile.
    pub(super) async fn open(&mut self, since: Option<Since>, ctx: &mut Ctx<Self>) -> Result<(), Halt> {
        let socket = &mut self.socket;
        let response = socket.join_reply.take().unwrap_or_else(Payload::empty);
        // Before anything is begun: a reply that cannot be sent is a crash of the join.
        let reference = socket.reference.take().unwrap_or_default();
        let reply = socket.join_reply(&reference, &response)?;
        let link = socket.link.clone();
        let turn =
            if C::RECOVERS && since.is_some() { Some(link.outbox.turn_to_replay().await) } else { None };
        link.outbox.hold(socket.channel);
        let mut frames = vec![reply];
        if let Some(missed) = self.subscribe(since, ctx) {
            let pages = Box::pin(self.replay(missed, ctx)).await?;
            frames = self.socket.with_pages(frames, &reference, &response, &pages)?;
        }
        let SocketState { link, channel, topic, .. } = &self.socket;
        link.outbox.tell(ChannelNews::Joined(*channel));
        let last = frames.pop();
        for frame in frames {
            // What was missed is no flood: it comes as fast as the client reads it.
            link.outbox.has_room().await;
            link.outbox.send(frame);
        }
        if turn.is_some() {
            link.outbox.has_room().await;
        }
        if let Some(last) = last {
            link.outbox.release(*channel, last);
        }
        drop(turn);
        telemetry::channel_joined(topic, link.id.as_deref());
        self.socket.watch.as_ref().inspect(|watch| watch.joined());
        Ok(())
    }

    /// Has the topic's broadcasts reach the client; what it missed up to then, where that is kept.
    fn subscribe(&mut self, since: Option<Since>, ctx: &Ctx<Self>) -> Option<Missed> {
        let SocketState { link, channel, topic, subscription, .. } = &mut self.socket;
        let deliver = fastlane::to_channel(ctx.me(), *channel, link.outbox.clone(), link.serializer);
        let (begun, missed) = if C::RECOVERS {
            link.pubsub.subscribe_since(ctx, topic.clone(), since, deliver)
        } else {
            (link.pubsub.subscribe_with(ctx, topic.clone(), deliver), None)
        };
        *subscription = Some(begun);
        missed
    }

    /// What the client is shown of what it missed. Events that the channel intercepts go through it, as they do otherwise.
    async fn replay(&mut self, missed: Missed, ctx: &mut Ctx<Self>) -> Result<Vec<Payload>, Halt> {
        let Missed { position, gap, messages, .. } = missed;
        telemetry::channel_recovered(&self.socket.topic, messages.len(), gap);
        let mut pages = Pages::new(position, gap, self.socket.link.page_bytes_max);
        for broadcast in messages {
            let (Some(channel), Some(position)) = (&mut self.channel, broadcast.position()) else { break };
            let mut socket = Socket { state: &mut self.socket, ctx };
            if !channel.replays(&broadcast, &socket) {
                continue;
            }
            if !C::INTERCEPTS.contains(&broadcast.event()) {
                pages.add(position.offset, broadcast.event(), broadcast.client_payload());
                continue;
            }
            socket.state.out = Some(Box::new(Out { position, missed: Some(Mutex::default()) }));
            let handled = channel.handle_out(&broadcast, &mut socket).await;
            let out = socket.state.out.take();
            handled?;
            for (event, payload) in out.and_then(|out| out.missed).into_iter().flat_map(Mutex::into_inner) {
                pages.add(position.offset, &event, &payload);
            }
        }
        Ok(pages.into_payloads())
    }
}

impl<C: Channel> SocketState<C> {
    fn join_reply(&self, reference: &Ref, response: &Payload) -> Result<Frame, Halt> {
        let SocketState { link, stored_join_ref, topic, .. } = self;
        Ok(link.serializer.reply(stored_join_ref, reference, topic, "ok", response)?)
    }

    /// The reply with the first page in it and the others behind it; or all of them behind a reply that has no place for it.
    fn with_pages(
        &self,
        plain: Vec<Frame>,
        reference: &Ref,
        response: &Payload,
        pages: &[Payload],
    ) -> Result<Vec<Frame>, Halt> {
        let first = pages.first().and_then(|page| recovery::reply_with(response, page));
        let (mut frames, rest) = match &first {
            Some(reply) => (vec![self.join_reply(reference, reply)?], &pages[1..]),
            None => (plain, pages),
        };
        let SocketState { link, join_ref, topic, .. } = self;
        for page in rest {
            frames.push(link.serializer.push(join_ref, topic, recovery::HISTORY, page)?);
        }
        Ok(frames)
    }
}
