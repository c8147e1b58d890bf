//! The line that says where the server is: the last child of the tree, so that it is true when it is printed.

use std::io::{self, Write};

use throng::prelude::*;

/// A child that prints one line and is done.
#[derive(Debug)]
pub(crate) struct Announcement;

impl GenServer for Announcement {
    type Args = Endpoint;

    async fn init(endpoint: Endpoint, _: &mut Ctx<Self>) -> Init<Self> {
        if let Some(addr) = endpoint.local_addr() {
            // Nobody who does not want to read it should keep the server from running.
            let _ = writeln!(io::stdout(), "conformance is listening on http://{addr}");
        }
        Err(InitError::Ignore)
    }
}
