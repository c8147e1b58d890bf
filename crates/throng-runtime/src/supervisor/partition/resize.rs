//! Routing to fewer partitions, or to more again (R3).

use super::PartitionSupervisor;
use crate::{
    gen_server::GenServer,
    supervisor::{ChildError, Supervisor},
};

/// Why a partition supervisor was not resized.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResizeError {
    /// There are never more partitions than it was made with.
    #[error("{asked} partitions are more than the {made} it was made with")]
    TooMany {
        /// So many were asked for.
        asked: usize,
        /// So many it was made with.
        made: usize,
    },
    /// A partition did not start again, or the supervisor is not there. As many are routed to as before.
    #[error(transparent)]
    Child(#[from] ChildError),
}

impl<S: GenServer> PartitionSupervisor<S> {
    /// Routes to the first `partitions` only, from none to as many as it was made with; how many it were before (R3).
    ///
    /// To shrink is to route to fewer first and then to stop the others: their states and the messages that wait for them
    /// are lost, their specifications kept. To grow is to start them again first and then to route to them. Either way
    /// nearly every key comes to another partition than before. With none, a call finds nobody.
    ///
    /// Two at once are done one after the other. A supervisor that is restarted has all its partitions again.
    ///
    /// # Errors
    ///
    /// [`ResizeError`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave partitions running that nothing is routed to; the next resize stops or uses them.
    pub async fn resize(&self, partitions: usize) -> Result<usize, ResizeError> {
        let made = self.table.len();
        if partitions > made {
            return Err(ResizeError::TooMany { asked: partitions, made });
        }
        let _one_at_a_time = self.resizing.lock().await;
        let before = self.table.routed();
        if let Err(error) = self.grow(before, partitions).await {
            self.stop_from(before).await?;
            return Err(error.into());
        }
        self.table.route_to(partitions);
        let stopped = self.stop_from(partitions).await;
        // A supervisor that was restarted meanwhile routes to all its partitions: not to those that have been stopped since.
        self.table.route_to(if stopped.is_ok() { partitions } else { before });
        stopped.map(|()| before).map_err(ResizeError::from)
    }

    async fn grow(&self, from: usize, to: usize) -> Result<(), ChildError> {
        for partition in from..to {
            match Supervisor::restart_child(&self.supervisor, partition.to_string()).await {
                // Left over from a resize that was given up, or on its way.
                Ok(_) | Err(ChildError::Running | ChildError::Restarting) => {}
                // A temporary one is forgotten when it ends.
                Err(ChildError::NotFound) => {
                    Supervisor::start_child(&self.supervisor, self.partition(partition)).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Stops those that are not routed to.
    async fn stop_from(&self, first: usize) -> Result<(), ChildError> {
        for partition in first..self.table.len() {
            match Supervisor::terminate_child(&self.supervisor, partition.to_string()).await {
                Ok(()) | Err(ChildError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
