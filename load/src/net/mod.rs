//! The clients' side of the network: one thread, one poll, thousands of sockets.

mod connection;
mod frame;
mod message;

use std::{
    io,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, event::Event};

pub(crate) use self::{
    connection::Ended,
    message::{Message, string_end},
};
use self::{
    connection::{Connection, State},
    frame::{Frame, Opcode},
};
use crate::target::Target;

/// One read takes as much; whatever is not a whole frame is kept by its connection.
const SCRATCH_BYTES: usize = 256 << 10;

/// How often a client says that it lives. Servers hang up on those who are silent for a minute.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(25);

const HEARTBEAT: &[u8] = br#"[null,"hb","phoenix","heartbeat",{}]"#;

/// What a workload does at each thing that happens.
pub(crate) trait Phase {
    /// A client's socket is open.
    fn opened(&mut self, net: &mut Net, id: usize, now: Instant);

    /// A message for a client; `now` is when its bytes were read.
    fn message(&mut self, net: &mut Net, id: usize, message: &Message<'_>, now: Instant);

    /// A client's connection ended, and not from here.
    fn ended(&mut self, net: &mut Net, id: usize, how: Ended, now: Instant);

    /// Does what is due, and says until when nothing is; `None` ends the phase.
    fn tick(&mut self, net: &mut Net, now: Instant) -> Option<Instant>;
}

/// All connections, by the number of their client.
#[derive(Debug)]
pub(crate) struct Net {
    poll: Poll,
    events: Events,
    target: Target,
    request: Vec<u8>,
    connections: Vec<Option<Connection>>,
    /// Tells a connection's events from those of the one that had its number before.
    generations: Vec<u32>,
    scratch: Vec<u8>,
    outgoing: Vec<u8>,
    /// Failures of writes; their connections end at the next turn.
    broken: Vec<(usize, Ended)>,
    heartbeat_next: usize,
    heartbeat_at: Instant,
    frames: u64,
    bytes: u64,
}

impl Net {
    pub(crate) fn new(target: &Target) -> io::Result<Net> {
        Ok(Net {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            request: connection::request(target),
            target: target.clone(),
            connections: Vec::new(),
            generations: Vec::new(),
            scratch: vec![0; SCRATCH_BYTES],
            outgoing: Vec::new(),
            broken: Vec::new(),
            heartbeat_next: 0,
            heartbeat_at: Instant::now() + HEARTBEAT_INTERVAL,
            frames: 0,
            bytes: 0,
        })
    }

    /// Lets a phase run to its end.
    pub(crate) fn run(&mut self, phase: &mut impl Phase) -> io::Result<()> {
        while let Some(until) = phase.tick(self, Instant::now()) {
            self.turn(until, phase)?;
        }
        Ok(())
    }

    /// Opens a client's connection.
    pub(crate) fn connect(&mut self, id: usize) -> io::Result<()> {
        self.begin(id, false)
    }

    /// Opens the connection of a client that never reads once it is open.
    pub(crate) fn connect_slow(&mut self, id: usize) -> io::Result<()> {
        self.begin(id, true)
    }

    /// Sends a client's text; what cannot be written now is written later.
    pub(crate) fn send(&mut self, id: usize, text: &str) {
        self.write(id, Opcode::Text, text.as_bytes());
    }

    /// Ends a client's connection as a dead network does.
    pub(crate) fn cut(&mut self, id: usize) {
        if let Some(connection) = self.take(id) {
            self.generations[id] = self.generations[id].wrapping_add(1);
            connection.cut();
        }
    }

    /// Reads what a slow client has left unread, and goes on reading.
    pub(crate) fn wake(&mut self, id: usize, phase: &mut impl Phase) {
        if let Some(Some(connection)) = self.connections.get_mut(id) {
            connection.paused = false;
            if let Err(how) = self.readable(id, phase) {
                self.end(id, how, phase);
            }
        }
    }

    pub(crate) fn is_open(&self, id: usize) -> bool {
        matches!(self.connections.get(id), Some(Some(Connection { state: State::Open, .. })))
    }

    /// Frames and bytes that have come.
    pub(crate) fn received(&self) -> (u64, u64) {
        (self.frames, self.bytes)
    }

    fn begin(&mut self, id: usize, slow: bool) -> io::Result<()> {
        if self.connections.len() <= id {
            self.connections.resize_with(id + 1, || None);
            self.generations.resize(id + 1, 0);
        }
        self.generations[id] = self.generations[id].wrapping_add(1);
        let mut connection = Connection::begin(&self.target, id, slow)?;
        let token = Token(id | (self.generations[id] as usize) << 32);
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut connection.stream, token, interest)?;
        self.connections[id] = Some(connection);
        Ok(())
    }

    fn take(&mut self, id: usize) -> Option<Connection> {
        let mut connection = self.connections.get_mut(id)?.take()?;
        // A socket that is closed leaves the poll by itself.
        let _ = self.poll.registry().deregister(&mut connection.stream);
        Some(connection)
    }

    fn write(&mut self, id: usize, opcode: Opcode, payload: &[u8]) {
        let Some(Some(connection)) = self.connections.get_mut(id) else { return };
        if connection.state != State::Open {
            return;
        }
        self.outgoing.clear();
        frame::masked(opcode, payload, &mut self.outgoing);
        if let Err(error) = connection.write(&self.outgoing) {
            self.broken.push((id, lost(&error)));
        }
    }

    /// Waits until something happens or the time has come, and hands over all that has.
    fn turn(&mut self, until: Instant, phase: &mut impl Phase) -> io::Result<()> {
        let now = Instant::now();
        self.send_heartbeats(now);
        let until = until.min(self.heartbeat_at);
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(1));
        let polled = self.poll.poll(&mut events, Some(until.saturating_duration_since(now)));
        match polled {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Err(_) => {}
            Ok(()) => events.iter().for_each(|event| self.happen(event, phase)),
        }
        self.events = events;
        for (id, how) in std::mem::take(&mut self.broken) {
            self.end(id, how, phase);
        }
        Ok(())
    }

    fn happen(&mut self, event: &Event, phase: &mut impl Phase) {
        let (id, generation) = (event.token().0 & 0xffff_ffff, (event.token().0 >> 32) as u32);
        if self.generations[id] != generation {
            return;
        }
        if event.is_writable()
            && let Err(how) = self.writable(id)
        {
            return self.end(id, how, phase);
        }
        if (event.is_readable() || event.is_read_closed())
            && let Err(how) = self.readable(id, phase)
        {
            self.end(id, how, phase);
        }
    }

    fn end(&mut self, id: usize, how: Ended, phase: &mut impl Phase) {
        if self.take(id).is_some() {
            phase.ended(self, id, how, Instant::now());
        }
    }

    fn writable(&mut self, id: usize) -> Result<(), Ended> {
        let Some(connection) = &mut self.connections[id] else { return Ok(()) };
        if connection.state != State::Connecting {
            return connection.flush().map_err(|error| lost(&error));
        }
        if let Some(error) = connection.stream.take_error().map_err(|error| lost(&error))? {
            return Err(lost(&error));
        }
        connection.state = State::Upgrading;
        connection.write(&self.request).map_err(|error| lost(&error))
    }

    /// Reads until nothing is left. A read that does not fill the buffer was the last one.
    fn readable(&mut self, id: usize, phase: &mut impl Phase) -> Result<(), Ended> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let result = self.read_all(id, &mut scratch, phase);
        self.scratch = scratch;
        result
    }

    fn read_all(&mut self, id: usize, scratch: &mut [u8], phase: &mut impl Phase) -> Result<(), Ended> {
        loop {
            let Some(connection) = &mut self.connections[id] else { return Ok(()) };
            if connection.paused && connection.state == State::Open {
                return Ok(());
            }
            let Some(count) = connection.read(scratch).map_err(|error| lost(&error))? else { return Ok(()) };
            if count == 0 {
                return Err(Ended::Lost("hung up".to_owned()));
            }
            self.bytes += count as u64;
            self.digest(id, &scratch[..count], phase)?;
            if count < scratch.len() {
                return Ok(());
            }
        }
    }

    /// Takes whole frames from what came, behind what was kept of the reads before.
    fn digest(&mut self, id: usize, bytes: &[u8], phase: &mut impl Phase) -> Result<(), Ended> {
        let Some(connection) = &mut self.connections[id] else { return Ok(()) };
        let generation = self.generations[id];
        let mut kept = std::mem::take(&mut connection.partial);
        if kept.is_empty() {
            let used = self.hand_over(id, bytes, phase)?;
            kept.extend_from_slice(&bytes[used..]);
        } else {
            kept.extend_from_slice(bytes);
            let used = self.hand_over(id, &kept, phase)?;
            kept.drain(..used);
        }
        if let (true, Some(connection)) = (self.generations[id] == generation, &mut self.connections[id])
            && !kept.is_empty()
        {
            connection.partial = kept;
        }
        Ok(())
    }

    /// How many bytes were whole frames; none of them counts any more once the client has another connection.
    fn hand_over(&mut self, id: usize, bytes: &[u8], phase: &mut impl Phase) -> Result<usize, Ended> {
        let (now, generation) = (Instant::now(), self.generations[id]);
        let mut used = 0;
        let Some(connection) = &mut self.connections[id] else { return Ok(0) };
        if connection.state != State::Open {
            let Some(length) = connection::answer(bytes)? else { return Ok(0) };
            connection.state = State::Open;
            used = length;
            phase.opened(self, id, now);
        }
        while self.generations[id] == generation
            && let Some((frame, length)) =
                frame::first(&bytes[used..]).map_err(|error| Ended::Lost(error.to_string()))?
        {
            used += length;
            self.frames += 1;
            self.take_frame(id, &frame, phase, now)?;
        }
        Ok(used)
    }

    fn take_frame(
        &mut self,
        id: usize,
        frame: &Frame<'_>,
        phase: &mut impl Phase,
        now: Instant,
    ) -> Result<(), Ended> {
        match frame.opcode {
            Opcode::Text if frame.is_final => self.take_text(id, frame.payload, phase, now),
            Opcode::Text | Opcode::Continuation => self.take_piece(id, frame, phase, now),
            Opcode::Close => {
                let code = frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                Err(Ended::Closed(code))
            }
            Opcode::Ping => {
                self.write(id, Opcode::Pong, frame.payload);
                Ok(())
            }
            Opcode::Binary | Opcode::Pong => Ok(()),
        }
    }

    fn take_piece(
        &mut self,
        id: usize,
        frame: &Frame<'_>,
        phase: &mut impl Phase,
        now: Instant,
    ) -> Result<(), Ended> {
        let Some(Some(connection)) = self.connections.get_mut(id) else { return Ok(()) };
        connection.pieces.extend_from_slice(frame.payload);
        if !frame.is_final {
            return Ok(());
        }
        let whole = std::mem::take(&mut connection.pieces);
        self.take_text(id, &whole, phase, now)
    }

    fn take_text(
        &mut self,
        id: usize,
        text: &[u8],
        phase: &mut impl Phase,
        now: Instant,
    ) -> Result<(), Ended> {
        let message =
            Message::scan(text).ok_or_else(|| Ended::Lost("a text that is no message".to_owned()))?;
        phase.message(self, id, &message, now);
        Ok(())
    }

    /// Spreads the heartbeats over the interval, a few clients at a time.
    fn send_heartbeats(&mut self, now: Instant) {
        while now >= self.heartbeat_at {
            let (id, count) = (self.heartbeat_next, self.connections.len().max(1));
            if self.is_open(id) {
                self.write(id, Opcode::Text, HEARTBEAT);
            }
            self.heartbeat_next = (id + 1) % count;
            self.heartbeat_at += HEARTBEAT_INTERVAL / count as u32;
        }
    }
}

fn lost(error: &io::Error) -> Ended {
    Ended::Lost(error.to_string())
}
