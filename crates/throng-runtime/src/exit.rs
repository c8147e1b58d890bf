//! Why a process ended.

use std::{
    any::Any,
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// The reason that a process ended with, or is asked to end with.
///
/// Two questions use two different sets of reasons; do not merge them: a link kills a peer that does not trap exits for
/// [everything but `Normal`](Exit::kills_linked); a transient child is restarted, and a crash is reported, for everything
/// that is [not clean](Exit::is_clean).
///
/// Every type that implements [`std::error::Error`] converts into one, so `?` in a handler means "let it crash, the cause
/// kept". An error in a box goes by [`Exit::boxed`], words by [`Exit::other`].
///
/// ```
/// # use throng_runtime::Exit;
/// fn parse(text: &str) -> Result<u8, Exit> {
///     match text {
///         "" => Err(Exit::other("there is nothing")),
///         text => Ok(text.parse()?),
///     }
/// }
/// assert!(matches!(parse("many"), Err(Exit::Error(cause)) if cause.is::<std::num::ParseIntError>()));
/// assert_eq!(parse("").unwrap_err().to_string(), "there is nothing");
///
/// assert!(Exit::Shutdown.is_clean()); // no crash, and nothing for a transient child to be restarted for
/// assert!(Exit::Shutdown.kills_linked()); // but who is linked goes as well
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Exit {
    /// It finished.
    #[default]
    Normal,
    /// It was asked to end in an orderly way.
    Shutdown,
    /// As `Shutdown`, with a word about why.
    ShutdownWith(Arc<str>),
    /// As a request: end at once, whatever you are doing. As a reason seen over a link, an ordinary one (P14).
    Kill,
    /// It was killed by a `Kill` request (P16).
    Killed,
    /// There was no such process.
    NoProcess,
    /// The connection to its node was lost; it may well be alive.
    NoConnection,
    /// It gave up waiting.
    Timeout,
    /// Its code panicked.
    Panic(Arc<Panic>),
    /// Its code returned an error.
    Error(Arc<dyn Error + Send + Sync>),
    /// Anything else, in words.
    Other(Arc<str>),
}

impl Exit {
    /// A reason in words that counts as a failure.
    pub fn other(words: impl Into<Arc<str>>) -> Self {
        Self::Other(words.into())
    }

    /// An orderly end with a word about why.
    pub fn shutdown_with(words: impl Into<Arc<str>>) -> Self {
        Self::ShutdownWith(words.into())
    }

    /// A failure whose error is in a box, as `anyhow` and others have them: `work().map_err(Exit::boxed)?`.
    ///
    /// ```
    /// # use throng_runtime::Exit;
    /// let error: Box<dyn std::error::Error + Send + Sync> = "out of paper".into();
    /// assert_eq!(Exit::boxed(error).to_string(), "error: out of paper");
    /// ```
    pub fn boxed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Error(error.into().into())
    }

    /// Whether it is an orderly end: no restart of a transient child, no crash report.
    pub fn is_clean(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::ShutdownWith(_))
    }

    /// Whether it ends a linked process that does not trap exits (P14). `Shutdown` does.
    pub fn kills_linked(&self) -> bool {
        !matches!(self, Self::Normal)
    }

    /// Whether both say the same: the same words, or the same error or panic (not an equal one).
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ShutdownWith(a), Self::ShutdownWith(b)) | (Self::Other(a), Self::Other(b)) => a == b,
            (Self::Panic(a), Self::Panic(b)) => Arc::ptr_eq(a, b),
            (Self::Error(a), Self::Error(b)) => Arc::ptr_eq(a, b),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    pub(crate) fn from_panic(payload: Box<dyn Any + Send>) -> Self {
        let panic = Panic { message: message_of(&*payload), location: crate::panics::take_location() };
        // A payload can have a destructor, and that can panic in turn: such a one is leaked.
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(another);
        }
        Self::Panic(Arc::new(panic))
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Exit {
    fn from(error: E) -> Self {
        Self::Error(Arc::new(error))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::ShutdownWith(why) => write!(f, "shutdown ({why})"),
            Self::Kill => f.write_str("kill"),
            Self::Killed => f.write_str("killed"),
            Self::NoProcess => f.write_str("no such process"),
            Self::NoConnection => f.write_str("no connection to its node"),
            Self::Timeout => f.write_str("timeout"),
            Self::Panic(panic) => panic.fmt(f),
            // Whoever reports an end shall not end by it, should the words panic.
            Self::Error(error) => catch_unwind(AssertUnwindSafe(|| write_error(&**error, f)))
                .unwrap_or_else(|_| f.write_str("(its words panicked)")),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// A caught panic.
#[derive(Debug)]
pub struct Panic {
    message: String,
    location: Option<String>,
}

impl Panic {
    /// What the code panicked with.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// `file:line:column`, when the panic hook saw it.
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "panic at {location}: {}", self.message),
            None => write!(f, "panic: {}", self.message),
        }
    }
}

/// With its causes.
fn write_error(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "error: {error}")?;
    let mut source = error.source();
    while let Some(cause) = source {
        write!(f, ": {cause}")?;
        source = cause.source();
    }
    Ok(())
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(words), _) => (*words).to_owned(),
        (_, Some(words)) => words.clone(),
        _ => "a value that is no text".to_owned(),
    }
}

/// What a process body may return: nothing, or how it ended.
pub trait IntoExit {
    /// The exit reason that it means.
    fn into_exit(self) -> Exit;
}

impl IntoExit for () {
    fn into_exit(self) -> Exit {
        Exit::Normal
    }
}

impl IntoExit for std::convert::Infallible {
    fn into_exit(self) -> Exit {
        match self {}
    }
}

impl IntoExit for Exit {
    fn into_exit(self) -> Exit {
        self
    }
}

impl IntoExit for Result<(), Exit> {
    fn into_exit(self) -> Exit {
        self.err().unwrap_or_default()
    }
}
