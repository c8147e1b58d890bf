//! The line that says where the chat is, and the begin of its log: the last child of the tree, so that it is true when it is printed.

use std::io::{self, Write};

use throng::{prelude::*, web::Endpoint};

use crate::log::Log;

/// A child that prints one line and is done; it prints another when the listener before it had to be restarted.
#[derive(Debug)]
pub(crate) struct Announcement;

impl GenServer for Announcement {
    type Args = (Endpoint, Log);

    async fn init((endpoint, log): (Endpoint, Log), _: &mut Ctx<Self>) -> Init<Self> {
        if let Some(addr) = endpoint.local_addr() {
            // Nobody who does not want to read it should keep the chat from running.
            let _ = writeln!(io::stdout(), "chat is listening on http://{addr} (Ctrl-C stops it)");
        }
        log.begin();
        Err(InitError::Ignore)
    }
}
