//! A topic that a client joined.

use std::{fmt, panic::Location, time::Duration};

use serde_json::{Value, json};

use super::{
    pattern::fits,
    wire::{Heard, Unheard, Wire},
};

/// A joined topic, as its client knows it: [`TestSocket`](super::TestSocket) shows one at work.
#[derive(Debug)]
pub struct TestChannel {
    wire: Wire,
    topic: String,
    join_ref: String,
    response: Value,
    deadline: Duration,
}

/// The answer to a request.
#[must_use = "a reply is there to be checked"]
#[derive(Clone, Debug, PartialEq)]
pub struct TestReply {
    /// `ok`, `error`, or what the channel chose.
    pub status: String,
    /// What came with it.
    pub response: Value,
    event: String,
}

/// A join that was answered with an error.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinRefused {
    /// The topic.
    pub topic: String,
    /// What the channel said.
    pub response: Value,
}

/// Which messages are looked at.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Any,
    Broadcast,
}

impl TestChannel {
    #[track_caller]
    pub(super) fn join(
        wire: Wire,
        topic: String,
        params: Value,
        deadline: Duration,
    ) -> impl Future<Output = Result<TestChannel, JoinRefused>> {
        let place = Location::caller();
        async move {
            let join_ref = wire.say(None, &topic, "phx_join", &params).await;
            let channel = TestChannel { wire, topic, join_ref, response: json!({}), deadline };
            let TestReply { status, response, .. } =
                channel.answer(&channel.join_ref, "phx_join", place).await;
            if status == "ok" {
                Ok(TestChannel { response, ..channel })
            } else {
                Err(JoinRefused { topic: channel.topic, response })
            }
        }
    }

    /// What the join was answered with.
    pub fn response(&self) -> &Value {
        &self.response
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Sends an event, and waits for its reply.
    ///
    /// # Panics
    ///
    /// When no reply comes in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses the reply; the event may be handled all the same.
    #[track_caller]
    pub fn push(&mut self, event: &str, payload: Value) -> impl Future<Output = TestReply> {
        let place = Location::caller();
        async move {
            let reference = self.wire.say(Some(&self.join_ref), &self.topic, event, &payload).await;
            self.answer(&reference, event, place).await
        }
    }

    /// Sends an event and goes on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future sends nothing.
    pub async fn cast(&mut self, event: &str, payload: Value) {
        self.wire.say(Some(&self.join_ref), &self.topic, event, &payload).await;
    }

    /// Leaves the topic: waits until the channel has said goodbye (§4.4).
    ///
    /// # Panics
    ///
    /// When it does not in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the topic all the same.
    #[track_caller]
    pub fn leave(mut self) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            let _ = self.push("phx_leave", json!({})).await;
            self.expect(Kind::Any, "phx_close", &json!({}), place).await;
        }
    }

    /// The payload of the first such event that the client hears, pushed or broadcast; [`assert_push!`](crate::assert_push) in
    /// words of its own.
    ///
    /// # Panics
    ///
    /// When none comes in time, with what came instead.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn expect_push(&mut self, event: &str, pattern: Value) -> impl Future<Output = Value> {
        let place = Location::caller();
        async move { self.expect(Kind::Any, event, &pattern, place).await }
    }

    /// As [`TestChannel::expect_push`], for what was broadcast.
    ///
    /// # Panics
    ///
    /// When none comes in time, with what came instead.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn expect_broadcast(&mut self, event: &str, pattern: Value) -> impl Future<Output = Value> {
        let place = Location::caller();
        async move { self.expect(Kind::Broadcast, event, &pattern, place).await }
    }

    /// Checks that the client has heard no such event so far; [`refute_push!`](crate::refute_push) in words of its own.
    ///
    /// # Panics
    ///
    /// When it has.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn refuse_push(&mut self, event: &str, pattern: Value) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move {
            let heard = self.wire.heard().await;
            let found = heard.iter().find(|heard| self.is_it(heard, Kind::Any, event, &pattern));
            if let Some(found) = found {
                panic!("{place}: heard {found:?}");
            }
        }
    }

    /// Waits until the channel closes of its own: the client will not come back (§7.2).
    ///
    /// # Panics
    ///
    /// When it does not in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn expect_close(&mut self) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move { drop(self.expect(Kind::Any, "phx_close", &json!({}), place).await) }
    }

    /// Waits until the client is told that the channel has crashed (§7.1).
    ///
    /// # Panics
    ///
    /// When it is not in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn expect_crash(&mut self) -> impl Future<Output = ()> {
        let place = Location::caller();
        async move { drop(self.expect(Kind::Any, "phx_error", &json!({}), place).await) }
    }

    async fn answer(&self, reference: &str, event: &str, place: &Location<'_>) -> TestReply {
        let is_it = |heard: &Heard| heard.event == "phx_reply" && heard.reference == reference;
        match self.wire.hear(is_it, self.deadline).await {
            Ok(Heard { mut payload, .. }) => TestReply {
                status: payload["status"].as_str().unwrap_or_default().to_owned(),
                response: payload["response"].take(),
                event: event.to_owned(),
            },
            Err(why) => self.fail(place, &format!("a reply to `{event}`"), &why).await,
        }
    }

    async fn expect(&self, kind: Kind, event: &str, pattern: &Value, place: &Location<'_>) -> Value {
        let heard = self.wire.hear(|heard| self.is_it(heard, kind, event, pattern), self.deadline).await;
        match heard {
            Ok(heard) => heard.payload,
            Err(why) => {
                let kind = if kind == Kind::Broadcast { "the broadcast" } else { "the event" };
                self.fail(place, &format!("{kind} `{event}` with {pattern}"), &why).await
            }
        }
    }

    async fn fail(&self, place: &Location<'_>, wanted: &str, why: &Unheard) -> ! {
        let heard = self.wire.heard().await;
        panic!("{place}: {} waited for {wanted}; {why}. It heard {heard:?}", self.topic)
    }

    fn is_it(&self, heard: &Heard, kind: Kind, event: &str, pattern: &Value) -> bool {
        let is_broadcast = heard.join_ref.is_null();
        let is_mine = heard.topic == self.topic && (is_broadcast || heard.join_ref == *self.join_ref);
        let is_kind = kind == Kind::Any || is_broadcast;
        is_mine && is_kind && heard.event == event && fits(pattern, &heard.payload)
    }
}

impl TestReply {
    /// Checks that it is `ok` with a response that fits, and gives the response.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[track_caller]
    pub fn assert_ok(self, pattern: Value) -> Value {
        self.assert_status("ok", &pattern)
    }

    /// Checks that it is an `error` with a response that fits, and gives the response.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[track_caller]
    pub fn assert_error(self, pattern: Value) -> Value {
        self.assert_status("error", &pattern)
    }

    #[track_caller]
    fn assert_status(self, wanted: &str, pattern: &Value) -> Value {
        let TestReply { status, response, event } = self;
        assert!(
            status == wanted && fits(pattern, &response),
            "`{event}` was to be answered with {wanted} {pattern}, and was with {status} {response}"
        );
        response
    }
}

impl fmt::Display for JoinRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the join of {} was refused with {}", self.topic, self.response)
    }
}

impl std::error::Error for JoinRefused {}
