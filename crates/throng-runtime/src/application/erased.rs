//! Applications without their types, and trees that are one by themselves.

use std::{pin::Pin, sync::Arc};

use super::Application;
use crate::{
    child::ChildSpec, error::StartError, exit::Exit, gen_server::GenServer, node::Node, pid::ProcessId,
    process,
};

pub(super) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A process that runs, and what it will end with.
pub(super) type Top = (ProcessId, Boxed<Exit>);

/// A tree that is to be started.
pub(super) type Tree = Box<dyn FnOnce(Node) -> Boxed<Result<Top, StartError>> + Send>;

/// An [`Application`] without its type.
pub(crate) trait Erased: Send + Sync {
    fn name(&self) -> &str;
    fn required(&self) -> &[&str] {
        &[]
    }
    fn optional(&self) -> &[&str] {
        &[]
    }
    fn phases(&self) -> &[&str] {
        &[]
    }
    fn start(self: Arc<Self>, node: Node) -> Boxed<Result<Tree, Exit>>;
    fn start_phase(self: Arc<Self>, _phase: String, _node: Node) -> Boxed<Result<(), Exit>> {
        Box::pin(async { Ok(()) })
    }
    fn prep_stop(self: Arc<Self>, _node: Node) -> Boxed<()> {
        Box::pin(async {})
    }
    fn stop(self: Arc<Self>, _node: Node) -> Boxed<()> {
        Box::pin(async {})
    }
}

impl<A: Application> Erased for A {
    fn name(&self) -> &str {
        Application::name(self)
    }

    fn required(&self) -> &[&str] {
        self.dependencies()
    }

    fn optional(&self) -> &[&str] {
        self.optional_dependencies()
    }

    fn phases(&self) -> &[&str] {
        self.start_phases()
    }

    fn start(self: Arc<Self>, node: Node) -> Boxed<Result<Tree, Exit>> {
        Box::pin(async move { Application::start(&*self, &node).await.map(tree) })
    }

    fn start_phase(self: Arc<Self>, phase: String, node: Node) -> Boxed<Result<(), Exit>> {
        Box::pin(async move { Application::start_phase(&*self, &phase, &node).await })
    }

    fn prep_stop(self: Arc<Self>, node: Node) -> Boxed<()> {
        Box::pin(async move { Application::prep_stop(&*self, &node).await })
    }

    fn stop(self: Arc<Self>, node: Node) -> Boxed<()> {
        Box::pin(async move { Application::stop(&*self, &node).await })
    }
}

/// A tree alone: an application with nothing around it.
pub(crate) struct Alone<S: GenServer> {
    name: String,
    tree: ChildSpec<S>,
}

impl<S: GenServer> Alone<S> {
    pub(crate) fn new(name: &str, tree: ChildSpec<S>) -> Self {
        Self { name: name.to_owned(), tree }
    }
}

impl<S: GenServer> Erased for Alone<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn start(self: Arc<Self>, _: Node) -> Boxed<Result<Tree, Exit>> {
        let tree = tree(self.tree.clone());
        Box::pin(async move { Ok(tree) })
    }
}

fn tree<S: GenServer>(spec: ChildSpec<S>) -> Tree {
    Box::new(|node| {
        Box::pin(async move {
            let (pid, ended) = process::start_and_wait(&node, spec).await?;
            Ok((pid.id(), Box::pin(ended) as Boxed<Exit>))
        })
    })
}
