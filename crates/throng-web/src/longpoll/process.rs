//! The process of a session: it takes messages, starts and feeds the channels, and ends when nobody polls any more.

use std::{pin::pin, sync::Arc, time::Duration};

use throng_runtime::{Ctx, Exit};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{
    lines::Line,
    session::{Mail, Session},
    sessions::Entry,
};
use crate::{
    close::CloseReason,
    connection::Client,
    endpoint::{Admitted, Mounted},
    protocol::Wire,
    telemetry,
};

/// A session that was let in and waits for its process.
pub(super) struct Opened {
    pub(super) admitted: Admitted,
    pub(super) entry: Entry,
    pub(super) mail: mpsc::Receiver<Mail>,
    pub(super) mounted: Arc<Mounted>,
    /// How long it lives while nobody polls.
    pub(super) patience: Duration,
}
