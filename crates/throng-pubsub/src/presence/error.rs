//! How tracking fails.

use throng_runtime::ProcessId;

use crate::payload::PayloadError;

/// Why a process was not tracked. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrackError {
    /// It is tracked on this topic under this key; [`update`](super::Presence::update) changes what it shows (§12.2).
    #[error("the process is tracked on this topic under this key already")]
    AlreadyTracked,
    /// The process has ended.
    #[error("there is no process {0}")]
    NoProcess(ProcessId),
    /// The topic has as many presences as it [may](super::PresenceOptions::presences_per_topic_max).
    #[error("the topic has {max} presences already")]
    TopicFull {
        /// The limit.
        max: usize,
    },
    /// The process has as many presences as it [may](super::PresenceOptions::presences_per_process_max).
    #[error("the process has {max} presences already")]
    TooMany {
        /// The limit.
        max: usize,
    },
    /// What it should show, or where, is refused.
    #[error(transparent)]
    Refused(#[from] PresenceRefusal),
}

/// Why a presence was not updated. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The process is not tracked on this topic under this key (§12.2).
    #[error("the process is not tracked on this topic under this key")]
    NoPresence,
    /// What it should show is refused.
    #[error(transparent)]
    Refused(#[from] PresenceRefusal),
}

/// Why a topic, a key or a meta is refused; the limits are those of [`PresenceOptions`](super::PresenceOptions).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PresenceRefusal {
    /// The topic is too long.
    #[error("a topic of {bytes} bytes is longer than {max}")]
    TopicTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The key is too long.
    #[error("a key of {bytes} bytes is longer than {max}")]
    KeyTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The meta is too large.
    #[error("a meta of {bytes} bytes of JSON is larger than {max}")]
    MetaTooLarge {
        /// Its size as JSON.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The meta is not a JSON object, or cannot be encoded.
    #[error(transparent)]
    Meta(#[from] PayloadError),
}
