//! What an application chooses of compression.

/// Compression of messages by permessage-deflate (RFC 7692), for clients that offer it (§1.10).
///
/// Neither side refers to earlier messages (no context takeover): an open connection then costs no window, and a broadcast
/// is compressed once for all. Compression makes the length of a message tell something of its content: do not compress
/// where a secret and what an attacker chose may stand in one message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Compress {
    /// From 1, fast, to 9, small: 3.
    pub level: u8,
    /// Smaller messages are sent as they are: 1,024 bytes, and never less.
    pub bytes_min: usize,
    /// How many times its size a client's message may inflate to: 100. Whatever its size it may inflate to 32 KiB. Either
    /// way [`Limits::frame_bytes_max`](crate::Limits::frame_bytes_max) bounds the result. Beyond it the connection is
    /// closed with 1009.
    pub ratio_max: u32,
}

impl Default for Compress {
    fn default() -> Compress {
        Compress { level: 3, bytes_min: 1_024, ratio_max: 100 }
    }
}

impl Compress {
    /// Changes some of the options.
    ///
    /// ```
    /// # use throng_web::Compress;
    /// let compress = Compress::default().with(|compress| compress.bytes_min = 2_048);
    /// assert_eq!(compress.bytes_min, 2_048);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Compress)) -> Compress {
        change(&mut self);
        self
    }
}
