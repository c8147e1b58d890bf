//! What is logged, on standard error.
//!
//! Without `RUST_LOG` that is what crashes and what is started again, from the moment at which the chat runs. Why it did not
//! start is the program's last line, and nothing beside it.

use std::{
    env, fmt,
    io::{self, IsTerminal},
    sync::Arc,
};

use tracing_subscriber::EnvFilter;

const USUAL: &str = "throng=warn,throng_runtime::supervisor=info";

/// The program's log; cloning gives another handle.
#[derive(Clone)]
pub(crate) struct Log {
    begin: Arc<dyn Fn() + Send + Sync>,
}

impl Log {
    /// Listens to the whole program: at once to what `RUST_LOG` asks for, and otherwise to nothing yet.
    pub(crate) fn install() -> Log {
        let asked = env::var("RUST_LOG").ok().map(|directives| EnvFilter::builder().parse_lossy(directives));
        let is_usual = asked.is_none();
        let builder = tracing_subscriber::fmt()
            .with_env_filter(asked.unwrap_or_else(|| EnvFilter::new("off")))
            .with_ansi(io::stderr().is_terminal())
            .with_writer(io::stderr)
            .with_filter_reloading();
        let filter = builder.reload_handle();
        builder.init();
        let begin = move || {
            if is_usual {
                // It fails only when the subscriber is gone, which lives as long as the program.
                let _ = filter.reload(EnvFilter::new(USUAL));
            }
        };
        Log { begin: Arc::new(begin) }
    }

    /// The chat runs: from now on the usual is logged.
    pub(crate) fn begin(&self) {
        (self.begin)();
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}
