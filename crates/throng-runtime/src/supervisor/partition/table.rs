//! Which process runs which partition: read without a lock, by whoever sends.
//!
//! A process takes its seat before its first instruction and leaves it before anybody is told of its end, as with every name
//! (P33, X8). So between a crash and the restart the seat is empty, and a call says so at once.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::route;
use crate::{
    address::Naming,
    control::{self, OnExit},
    exit::Exit,
    gen_server::GenServer,
    names::is_alive,
    pid::{Pid, ProcessId},
    supervisor::Supervisor,
};

pub(super) struct Table {
    pub(super) name: Arc<str>,
    supervisor: Seat,
    partitions: Box<[Seat]>,
    /// How many of them, the first ones, are routed to (R3).
    routed: AtomicUsize,
}

impl Table {
    pub(super) fn new(name: Arc<str>, partitions: usize) -> Arc<Self> {
        let seats = (0..partitions).map(|_| Seat::default()).collect();
        Arc::new(Self {
            name,
            supervisor: Seat::default(),
            partitions: seats,
            routed: AtomicUsize::new(partitions),
        })
    }

    /// How many there are, routed to or not.
    pub(super) fn len(&self) -> usize {
        self.partitions.len()
    }

    pub(super) fn routed(&self) -> usize {
        self.routed.load(Ordering::Acquire)
    }

    pub(super) fn route_to(&self, partitions: usize) {
        self.routed.store(partitions, Ordering::Release);
    }

    /// Who runs the partition that this number chooses now.
    pub(super) fn find(&self, number: u128) -> Option<ProcessId> {
        match self.routed() {
            0 => None,
            partitions => self.partitions[route::choose(number, partitions)].holder(),
        }
    }
}

impl OnExit for Table {
    fn process_exited(&self, id: ProcessId, _: &Exit) {
        self.supervisor.leave(id);
        self.partitions.iter().for_each(|seat| seat.leave(id));
    }
}

/// The seat of one partition, as the name of its process.
pub(super) struct PartitionSeat {
    pub(super) table: Arc<Table>,
    pub(super) partition: usize,
}

impl<S: GenServer> Naming<S> for PartitionSeat {
    fn whereis(&self) -> Option<Pid<S>> {
        self.table.partitions[self.partition].holder().map(Pid::of)
    }

    /// One that still dies, as its supervisor was killed, gives way: only one supervisor has these seats to give.
    fn claim(&self, pid: Pid<S>) -> Result<(), ProcessId> {
        self.table.partitions[self.partition].take(pid.id());
        control::on_exit(pid.id(), self.table.clone());
        Ok(())
    }

    fn describe(&self) -> String {
        format!("{}[{}]", self.table.name, self.partition)
    }
}

/// The seat of the supervisor, as its name: so that there is one at a time.
pub(super) struct SupervisorSeat(pub(super) Arc<Table>);

impl Naming<Supervisor> for SupervisorSeat {
    fn whereis(&self) -> Option<Pid<Supervisor>> {
        self.0.supervisor.holder().map(Pid::of)
    }

    /// A new supervisor starts all partitions, whatever its predecessor was resized to.
    fn claim(&self, pid: Pid<Supervisor>) -> Result<(), ProcessId> {
        self.0.supervisor.take_if_free(pid.id())?;
        control::on_exit(pid.id(), self.0.clone());
        self.0.route_to(self.0.len());
        Ok(())
    }

    fn describe(&self) -> String {
        self.0.name.to_string()
    }
}

/// A process' identity in one word; zero is nobody, as no generation is zero.
#[derive(Default)]
struct Seat(AtomicU64);

impl Seat {
    fn holder(&self) -> Option<ProcessId> {
        unpack(self.0.load(Ordering::Acquire)).filter(|id| is_alive(*id))
    }

    fn take(&self, id: ProcessId) {
        self.0.store(pack(id), Ordering::Release);
    }

    fn take_if_free(&self, id: ProcessId) -> Result<(), ProcessId> {
        let taken = self.0.compare_exchange(0, pack(id), Ordering::AcqRel, Ordering::Acquire);
        taken.map(drop).map_err(|holder| unpack(holder).unwrap_or(id))
    }

    fn leave(&self, id: ProcessId) {
        // Somebody else's by now: theirs to leave.
        let _ = self.0.compare_exchange(pack(id), 0, Ordering::AcqRel, Ordering::Relaxed);
    }
}

fn pack(id: ProcessId) -> u64 {
    u64::from(id.generation()) << 32 | u64::from(id.index())
}

fn unpack(word: u64) -> Option<ProcessId> {
    let generation = (word >> 32) as u32;
    (generation != 0).then(|| ProcessId::new(word as u32, generation))
}
