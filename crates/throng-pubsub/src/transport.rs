//! The seam to other nodes: what a [`PubSub`](crate::PubSub) needs of a cluster, and what the cluster needs of it.

use std::{error::Error, sync::Weak};

use bytes::Bytes;

/// Carries messages between nodes. The cluster implements it; [`Network`](crate::Network) is its twin in memory.
///
/// Messages of one sender to one node must arrive in the order they were sent, or not at all (§6.5), each at most once, whole,
/// and only from nodes that may speak. A message for a node that cannot be reached now is lost in silence; an error means that
/// the transport itself cannot send.
pub trait Transport: Send + Sync {
    /// The name of this node, which no other node of the cluster has.
    fn node(&self) -> &str;

    /// Sends to all other nodes. It must not wait for them.
    ///
    /// # Errors
    ///
    /// When the transport cannot send at all.
    fn broadcast(&self, message: Bytes) -> Result<(), TransportError>;

    /// Sends to one other node. It must not wait for it.
    ///
    /// # Errors
    ///
    /// When the transport cannot send at all, or knows no such node.
    fn send(&self, node: &str, message: Bytes) -> Result<(), TransportError>;

    /// Hands over what arrives, from now on until the receiver is gone.
    fn attach(&self, receiver: Weak<dyn Receiver>);
}

/// The receiver of what arrives from other nodes.
pub trait Receiver: Send + Sync {
    /// Takes a message from another node. It does not wait, and drops what it does not understand.
    fn receive(&self, from: &str, message: &[u8]);
}

/// Why a message could not be sent to other nodes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The transport has been closed, or there is none.
    #[error("this node is not connected to others")]
    Closed,
    /// There is no node of that name.
    #[error("there is no node {0:?}")]
    UnknownNode(String),
    /// The transport's own reason.
    #[error("the transport failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}
