//! Where and how a stream's tasks are started.

use super::{job::Job, stream::TaskStream};
use crate::{ctx::Ctx, node::Node};

/// How a stream's tasks are started.
pub(super) struct Starter {
    /// Whether they are linked with the process that consumes the stream.
    pub(super) linked: bool,
    pub(super) place: Place,
}

/// Where they run.
pub(super) enum Place {
    Node(Node),
    /// Under a supervisor, which is sent the job.
    Supervisor(Box<dyn Fn(Job) + Send + Sync>),
}

impl Starter {
    /// Starts a task, or sends it to where it is started.
    pub(super) fn start(&self, job: Job) {
        match &self.place {
            Place::Node(node) => drop(job.start(node)),
            Place::Supervisor(send) => send(job),
        }
    }
}

impl<S> Ctx<S> {
    /// Results of `work` for each element, each found by a task that is linked with whoever consumes the stream (T8).
    pub fn async_stream<I, F, Fut>(&self, input: I, work: F) -> TaskStream<I::IntoIter, F, Fut::Output>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        let starter = Starter { linked: true, place: Place::Node(self.node().clone()) };
        TaskStream::new(starter, input.into_iter(), work)
    }

    /// As [`async_stream`](Ctx::async_stream); a task that crashes is an element, and ends nobody (T8).
    pub fn async_stream_nolink<I, F, Fut>(&self, input: I, work: F) -> TaskStream<I::IntoIter, F, Fut::Output>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        self.node().async_stream(input, work)
    }
}

impl Node {
    /// Results of `work` for each element, each found by a task of its own whose crash is an element and ends nobody (T8).
    pub fn async_stream<I, F, Fut>(&self, input: I, work: F) -> TaskStream<I::IntoIter, F, Fut::Output>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        let starter = Starter { linked: false, place: Place::Node(self.clone()) };
        TaskStream::new(starter, input.into_iter(), work)
    }
}
