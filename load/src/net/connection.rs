//! One client's connection: what has come of the next frame, what waits to be written.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use mio::net::TcpStream;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::target::Target;

/// The nonce of RFC 6455's own example, and the answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Clients spread over so many addresses of this machine: one address has too few ports for storms of reconnects.
const ADDRESSES: usize = 16;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Connecting,
    /// The request is written, its answer has not come.
    Upgrading,
    Open,
}

/// How a connection ended that was not cut from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The upgrade was refused with that status.
    Refused(u16),
    /// The server closed with that code.
    Closed(u16),
    /// Without a word, or against the protocol.
    Lost(String),
}

/// An open socket.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) state: State,
    /// The begin of a frame whose end has not come.
    pub(super) partial: Vec<u8>,
    /// The begin of a message whose other frames have not come.
    pub(super) pieces: Vec<u8>,
    /// What the kernel did not take.
    pending: Vec<u8>,
    /// Not to be read: a slow client.
    pub(super) paused: bool,
}

impl Connection {
    /// Begins to connect. A client that shall be slow takes little into its kernel's buffer.
    pub(super) fn begin(target: &Target, id: usize, slow: bool) -> io::Result<Connection> {
        let socket = Socket::new(Domain::for_address(target.addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if slow {
            socket.set_recv_buffer_size(4096)?;
        }
        if target.addr.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            let from = Ipv4Addr::new(127, 0, 0, 1 + (id % ADDRESSES) as u8);
            socket.bind(&SocketAddr::from((from, 0)).into())?;
        }
        match socket.connect(&target.addr.into()) {
            Ok(()) => {}
            Err(error) if is_in_progress(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(Connection {
            stream: TcpStream::from_std(socket.into()),
            state: State::Connecting,
            partial: Vec::new(),
            pieces: Vec::new(),
            pending: Vec::new(),
            paused: slow,
        })
    }

    /// Writes what can be written, and keeps the rest.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = if self.pending.is_empty() { write_some(&mut self.stream, bytes)? } else { 0 };
        self.pending.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    /// The socket has room again.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let written = write_some(&mut self.stream, &self.pending)?;
        self.pending.drain(..written);
        if self.pending.is_empty() {
            self.pending = Vec::new();
        }
        Ok(())
    }

    /// How many bytes came; `None` when none is there.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match self.stream.read(into) {
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends it without a word, as a network does that is gone; the port is free at once.
    pub(super) fn cut(self) {
        // Where this fails the connection ends all the same, by its drop.
        let _ = SockRef::from(&self.stream).set_linger(Some(std::time::Duration::ZERO));
    }
}

fn write_some(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// `EINPROGRESS`, which has no kind of its own.
fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(115)
}

/// The request that opens a socket.
pub(super) fn request(target: &Target) -> Vec<u8> {
    let Target { addr, path } = target;
    format!(
        "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
    .into_bytes()
}

/// How many bytes the answer takes, once all of it is there.
///
/// # Errors
///
/// How the server refused.
pub(super) fn answer(bytes: &[u8]) -> Result<Option<usize>, Ended> {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let head = &bytes[..end];
    let digits = head.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    match status {
        Some(101) if memchr::memmem::find(head, ACCEPT).is_some() => Ok(Some(end + 4)),
        Some(status) => Err(Ended::Refused(status)),
        None => Err(Ended::Lost("no answer of HTTP/1.1".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_once_it_is_complete_and_accepts() {
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        assert_eq!(answer(&head.as_bytes()[..20]), Ok(None));
        assert_eq!(answer(format!("{head}rest").as_bytes()), Ok(Some(head.len())));
    }

    #[test]
    fn a_refusal_tells_its_status() {
        assert_eq!(answer(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"), Err(Ended::Refused(503)));
        assert_eq!(answer(b"HTTP/1.1 101 Yes\r\n\r\n"), Err(Ended::Refused(101)));
        assert!(matches!(answer(b"SSH-2.0\r\n\r\n"), Err(Ended::Lost(_))));
    }
}
