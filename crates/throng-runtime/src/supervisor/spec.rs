//! What a supervisor is started from, and what of it is refused before anything starts (S2, S3): pure.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use super::{
    Supervisor,
    intensity::Budget,
    plan::{AutoShutdown, Strategy},
};
use crate::{
    child::{Child, ChildKind, ChildSpec, IntoChild, Restart, Shutdown},
    error::StartError,
    gen_server::GenServer,
};

/// What a [`Supervisor`] is started from; its methods are those of `ChildSpec<Supervisor>`.
#[derive(Clone, Debug)]
pub struct SupervisorFlags {
    pub(super) strategy: Strategy,
    pub(super) budget: Budget,
    pub(super) auto_shutdown: AutoShutdown,
    pub(super) children: Vec<Child>,
    /// What is wrong with it, as whoever made it knows.
    pub(super) refused: Option<&'static str>,
}

impl Supervisor {
    /// Only the child that ended is restarted (S10).
    pub fn one_for_one(id: impl Into<Cow<'static, str>>) -> ChildSpec<Self> {
        Self::with(id, Strategy::OneForOne)
    }

    /// When one child is restarted, all are (S11).
    pub fn one_for_all(id: impl Into<Cow<'static, str>>) -> ChildSpec<Self> {
        Self::with(id, Strategy::OneForAll)
    }

    /// When one child is restarted, so are those that were started after it (S12).
    pub fn rest_for_one(id: impl Into<Cow<'static, str>>) -> ChildSpec<Self> {
        Self::with(id, Strategy::RestForOne)
    }

    fn with(id: impl Into<Cow<'static, str>>, strategy: Strategy) -> ChildSpec<Self> {
        let flags = SupervisorFlags {
            strategy,
            budget: Budget::default(),
            auto_shutdown: AutoShutdown::default(),
            children: Vec::new(),
            refused: None,
        };
        ChildSpec::supervisor(id, flags)
    }
}

impl ChildSpec<Supervisor> {
    /// Adds a child, started after those that were added before (S5).
    pub fn child(mut self, child: impl IntoChild) -> Self {
        self.args.children.push(child.into_child().erase());
        self
    }

    /// How many restarts within `period` are allowed; with one more the supervisor gives up (S16). Three in five seconds,
    /// unless told otherwise. `usize::MAX` is no limit.
    pub fn max_restarts(mut self, restarts: usize, period: Duration) -> Self {
        self.args.budget = Budget { restarts, period };
        self
    }

    /// Whether it ends by itself when its [significant](ChildSpec::significant) children have (S33). Never, unless told otherwise.
    ///
    /// It ends with `Shutdown`, and if it is permanent its own supervisor starts it again: list it as transient or
    /// temporary (S34).
    ///
    /// ```
    /// # use throng_runtime::{AutoShutdown, Ctx, GenServer, Init, Restart, Supervisor};
    /// # struct Upload;
    /// # impl GenServer for Upload {
    /// #     type Args = ();
    /// #     async fn init(_: (), _: &mut Ctx<Self>) -> Init<Self> { Ok(Upload) }
    /// # }
    /// // Helpers of one upload: they are of no use when it is done.
    /// let upload = Supervisor::one_for_one("upload")
    ///     .auto_shutdown(AutoShutdown::AnySignificant)
    ///     .restart(Restart::Temporary)
    ///     .child(Upload::child(()).restart(Restart::Transient).significant());
    /// ```
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.args.auto_shutdown = auto_shutdown;
        self
    }
}

/// The kind of every supervisor, and the shutdown that lets a subtree finish (S1, S26).
impl<S: GenServer> ChildSpec<S> {
    pub(crate) fn supervisor(id: impl Into<Cow<'static, str>>, args: S::Args) -> Self {
        let mut spec = Self::new(args).id(id).shutdown(Shutdown::Infinity);
        spec.kind = ChildKind::Supervisor;
        spec
    }
}

impl SupervisorFlags {
    /// Refuses what could not work, before anything starts (S3).
    pub(super) fn check(&self) -> Result<(), StartError> {
        if let Some(why) = self.refused {
            return Err(StartError::Invalid(why.to_owned()));
        }
        let mut ids = BTreeSet::new();
        for child in &self.children {
            if !ids.insert(&child.id) {
                return Err(StartError::Invalid(format!("two children have the id {:?}", child.id)));
            }
            child.check(self.auto_shutdown)?;
        }
        self.budget.check()
    }
}

impl Child {
    /// Refuses a child that a supervisor of this kind cannot have (S3).
    pub(super) fn check(&self, auto_shutdown: AutoShutdown) -> Result<(), StartError> {
        let wrong = |why: &str| Err(StartError::Invalid(format!("the child {:?} {why}", self.id)));
        match (self.is_significant, self.restart, auto_shutdown) {
            (true, Restart::Permanent, _) => wrong("is significant and permanent: it never ends for good"),
            (true, _, AutoShutdown::Never) => {
                wrong("is significant, and its supervisor never shuts down by itself")
            }
            _ => self.backoff.as_ref().map_or(Ok(()), |backoff| backoff.check()),
        }
    }
}
