//! What a test sets of its server: one JSON object in the environment; what it leaves out stays as everybody has it.

use std::time::Duration;

use serde::Deserialize;
use throng::web::{Limits, LongPoll, Quota};

/// The variable that holds the object.
pub(crate) const VARIABLE: &str = "THRONG_HOSTILE";

/// Some of the limits; times are in milliseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    frame_bytes_max: Option<usize>,
    outbound_bytes_max: Option<usize>,
    channels_per_connection_max: Option<usize>,
    sockets_max: Option<usize>,
    sockets_per_peer_max: Option<usize>,
    connections_max: Option<usize>,
    connections_per_peer_max: Option<usize>,
    message_rate: Option<[u32; 2]>,
    join_rate: Option<[u32; 2]>,
    header_timeout: Option<u64>,
    request_timeout: Option<u64>,
    idle_timeout: Option<u64>,
    write_timeout: Option<u64>,
    channel_grace: Option<u64>,
    longpoll_window: Option<u64>,
    /// Open files that the process may have.
    pub(crate) descriptors: Option<u64>,
}

impl Settings {
    /// # Errors
    ///
    /// When the object is not one.
    pub(crate) fn load() -> Result<Settings, serde_json::Error> {
        std::env::var(VARIABLE).map_or(Ok(Settings::default()), |text| serde_json::from_str(&text))
    }

    pub(crate) fn limits(&self) -> Limits {
        let quota = |[per_second, burst]: [u32; 2]| Quota::new(per_second, burst);
        Limits::default().with(|limits| {
            set(&mut limits.frame_bytes_max, self.frame_bytes_max);
            set(&mut limits.outbound_bytes_max, self.outbound_bytes_max);
            set(&mut limits.channels_per_connection_max, self.channels_per_connection_max);
            set(&mut limits.sockets_max, self.sockets_max);
            set(&mut limits.sockets_per_peer_max, self.sockets_per_peer_max);
            set(&mut limits.connections_max, self.connections_max);
            set(&mut limits.connections_per_peer_max, self.connections_per_peer_max);
            set(&mut limits.message_rate, self.message_rate.map(quota));
            set(&mut limits.join_rate, self.join_rate.map(quota));
            set(&mut limits.header_timeout, self.header_timeout.map(Duration::from_millis));
            set(&mut limits.request_timeout, self.request_timeout.map(Duration::from_millis));
            set(&mut limits.idle_timeout, self.idle_timeout.map(Duration::from_millis));
            set(&mut limits.write_timeout, self.write_timeout.map(Duration::from_millis));
            set(&mut limits.channel_grace, self.channel_grace.map(Duration::from_millis));
        })
    }

    pub(crate) fn longpoll(&self) -> LongPoll {
        LongPoll::default().with(|longpoll| {
            set(&mut longpoll.window, self.longpoll_window.map(Duration::from_millis));
        })
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
