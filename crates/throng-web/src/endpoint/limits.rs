//! What one connection, and all of them, may use. A mount may have [limits of its own](super::Mount::limits).

use std::time::Duration;

use crate::rate::Quota;

/// Bounds on connections; each field's documentation names its default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a frame or a reassembled message: 64 KiB. Larger ones close with 1009.
    pub frame_bytes_max: usize,
    /// Topics that one connection may have joined: 100 (§4.5). While as many channels more have yet to end, as they were replaced or
    /// left, the connection is not read.
    pub channels_per_connection_max: usize,
    /// Open sockets: 65,536. Further upgrades are answered with 503.
    pub sockets_max: usize,
    /// Those of one address, or of one IPv6 network of 64 bits: 32,768, half of all, so that nobody alone shuts the others
    /// out. Further upgrades are answered with 429. It holds where the server in use tells the peer's address.
    pub sockets_per_peer_max: usize,
    /// Open HTTP connections of a listening endpoint, sockets not counted: 65,536. Further ones wait in the kernel's
    /// queue.
    pub connections_max: usize,
    /// Those of one address, or of one IPv6 network of 64 bits: 4,096. Further ones are hung up on. Behind a proxy all come
    /// from its address: make it as large as `connections_max` there, and have the proxy count.
    pub connections_per_peer_max: usize,
    /// Bytes that wait to be written to one client: 1 MiB. A client that falls behind further is closed with 1013. One frame
    /// counts for a quarter of it at most, so that four of any size may wait: a state that is large makes no reader slow.
    pub outbound_bytes_max: usize,
    /// How long one write may wait for a client that does not read: 30 s.
    pub write_timeout: Duration,
    /// How long a client may take to receive its last frames and the reason of the close, and then to hang up: 2 s each.
    pub close_timeout: Duration,
    /// How long a client may be silent: 60 s. Any message counts, a ping too (§8). The first byte of one buys as much time
    /// again for the whole of it, however it is cut into fragments.
    pub idle_timeout: Duration,
    /// How long before its token expires a client is told: 30 s; zero tells nobody (§18.9).
    pub expiry_notice: Duration,
    /// Events handed to the channels of one connection and not handled yet: 128. Beyond it the connection is not read; if
    /// that lasts as long as `idle_timeout`, it is closed with 1013.
    pub events_in_flight_max: usize,
    /// Bytes of those events: 1 MiB, and the event that exceeds it. Beyond it the same holds.
    pub bytes_in_flight_max: usize,
    /// Messages of one connection, pings and pongs included: 1,000 a second, 5,000 at once. Beyond it messages are
    /// answered with an error, and the connection is closed with 1008 if they keep coming. Fragments that continue a
    /// message have a quota of their own, of the same size, and beyond it close the connection at once.
    pub message_rate: Quota,
    /// Joins of one connection: 50 a second, 500 at once.
    pub join_rate: Quota,
    /// How long a channel may take to end once its connection is over or another join took its topic: 5 s. Then it is
    /// killed (§4.3, §5.7).
    pub channel_grace: Duration,
    /// How long a listening endpoint waits for a request's headers, on a new connection or after an answer: 10 s.
    pub header_timeout: Duration,
    /// How long it then takes for the request, its body and the writing of its answer, before it hangs up: 30 s. An answer
    /// that streams for longer needs more, or a server of your own. A socket is an answer that ends with the upgrade.
    pub request_timeout: Duration,
    /// How long the application may take to let a client in, and then the upgrade: 10 s each.
    pub upgrade_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            frame_bytes_max: 64 << 10,
            channels_per_connection_max: 100,
            sockets_max: 1 << 16,
            sockets_per_peer_max: 1 << 15,
            connections_max: 1 << 16,
            connections_per_peer_max: 4_096,
            outbound_bytes_max: 1 << 20,
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(60),
            expiry_notice: Duration::from_secs(30),
            events_in_flight_max: 128,
            bytes_in_flight_max: 1 << 20,
            message_rate: Quota::new(1_000, 5_000),
            join_rate: Quota::new(50, 500),
            channel_grace: Duration::from_secs(5),
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            upgrade_timeout: Duration::from_secs(10),
        }
    }
}

/// How a shutdown parts with its clients (§16.2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Drain {
    /// Time between the moment from which nobody is let in and `/health/ready` says so, and the first batch: none. What
    /// balances the load needs some to notice, or sends those here who were just asked to go elsewhere.
    pub notice: Duration,
    /// Connections that are closed at a time: 10,000.
    pub batch_size: usize,
    /// Time between two batches: 2 s.
    pub batch_interval: Duration,
    /// Clients are told to come back after a part of this time, each another: 2 s. phoenix.js does not know of it (§18.12).
    pub retry_spread: Duration,
    /// How long the last connections and channels may take to end: 10 s.
    pub patience: Duration,
    /// How long HTTP requests in hand may take after that: 2 s.
    pub request_grace: Duration,
}

impl Default for Drain {
    fn default() -> Drain {
        Drain {
            notice: Duration::ZERO,
            batch_size: 10_000,
            batch_interval: Duration::from_secs(2),
            retry_spread: Duration::from_secs(2),
            patience: Duration::from_secs(10),
            request_grace: Duration::from_secs(2),
        }
    }
}

impl Limits {
    /// Changes some of the limits.
    ///
    /// ```
    /// # use throng_web::Limits;
    /// let limits = Limits::default().with(|limits| limits.frame_bytes_max = 1 << 20);
    /// assert_eq!(limits.frame_bytes_max, 1_048_576);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Limits)) -> Limits {
        change(&mut self);
        self
    }
}

impl Drain {
    /// Changes some of the options.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Drain)) -> Drain {
        change(&mut self);
        self
    }
}
