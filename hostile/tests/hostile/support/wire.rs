//! A client that speaks WebSocket as it likes: each byte of what it sends is its own choice.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

/// Far more than anything takes: nothing waits for ever.
const PATIENCE: Duration = Duration::from_secs(60);
const MASK: [u8; 4] = [0x5a, 0x1b, 0xc3, 0x7e];

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const CLOSE: u8 = 0x88;

/// One connection.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    received: Vec<u8>,
}

/// A frame of the server, whole and without a mask.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

/// How the server let go of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parting {
    /// It said why.
    Closed(u16),
    /// It hung up, or the close was lost to a reset.
    Cut,
}

/// A frame as a client has to send it.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A connection from an address of this machine; its receive buffer is small, for a client that does not read should be
/// noticed by the server and not filled by the kernel.
pub(crate) fn tcp_from(source: [u8; 4], addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(16 << 10)?;
    socket.bind(&SocketAddr::from((IpAddr::V4(Ipv4Addr::from(source)), 0)).into())?;
    socket.connect(&addr.into())?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(crate) fn tcp(addr: SocketAddr) -> TcpStream {
    tcp_from([127, 0, 0, 1], addr).unwrap()
}

/// The request that opens a socket, with further headers.
pub(crate) fn upgrade(headers: &str) -> Vec<u8> {
    format!(
        "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
    .into_bytes()
}

impl Peer {
    pub(crate) fn connect(addr: SocketAddr) -> Peer {
        Peer::open(tcp(addr), "").unwrap()
    }

    /// Opens a socket, or says with which status it was refused.
    pub(crate) fn open(mut stream: TcpStream, headers: &str) -> Result<Peer, u16> {
        stream.write_all(&upgrade(headers)).map_err(|_| 0_u16)?;
        let mut received = Vec::new();
        loop {
            if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                let status = std::str::from_utf8(&received[9..12]).unwrap().parse().unwrap();
                received.drain(..end + 4);
                return if status == 101 { Ok(Peer { stream, received }) } else { Err(status) };
            }
            if read_more(&mut stream, &mut received).unwrap_or(0) == 0 {
                return Err(0);
            }
        }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.stream.write_all(&masked(TEXT, text.as_bytes())).unwrap();
    }

    /// Joins a topic, whose name is the join's reference as well.
    pub(crate) fn join(&mut self, topic: &str) {
        self.send(&json!([topic, "join", topic, "phx_join", {}]).to_string());
        assert_eq!(self.reply("join").0, "ok");
    }

    /// Asks a joined topic for something, and gives the answer.
    pub(crate) fn ask(&mut self, topic: &str, event: &str, payload: &Value) -> Value {
        self.send(&json!([topic, "ask", topic, event, payload]).to_string());
        let (status, response) = self.reply("ask");
        assert_eq!(status, "ok", "{response}");
        response
    }

    /// The reply to a reference; what comes before it is skipped.
    pub(crate) fn reply(&mut self, reference: &str) -> (String, Value) {
        loop {
            let message = self.message();
            if message[1] == reference && message[3] == "phx_reply" {
                return (message[4]["status"].as_str().unwrap().to_owned(), message[4]["response"].clone());
            }
        }
    }

    /// The next message.
    pub(crate) fn message(&mut self) -> Value {
        let frame = self.frame().expect("the server hung up");
        assert_eq!(frame.first, TEXT, "{:?}", String::from_utf8_lossy(&frame.payload));
        serde_json::from_slice(&frame.payload).unwrap()
    }

    /// The next frame; `None` when there will be none.
    pub(crate) fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.take_frame() {
                return Some(frame);
            }
            if read_more(&mut self.stream, &mut self.received).unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Reads to the end, which the server has to make.
    pub(crate) fn parting(&mut self) -> Parting {
        while let Some(frame) = self.frame() {
            if frame.first == CLOSE {
                let code = frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                return Parting::Closed(code);
            }
        }
        Parting::Cut
    }

    fn take_frame(&mut self) -> Option<Frame> {
        let received = &self.received;
        let (first, length) = (*received.first()?, *received.get(1)?);
        let (start, length) = match length {
            126 => (4, usize::from(u16::from_be_bytes(received.get(2..4)?.try_into().unwrap()))),
            127 => (10, u64::from_be_bytes(received.get(2..10)?.try_into().unwrap()) as usize),
            length => (2, usize::from(length)),
        };
        let payload = received.get(start..start + length)?.to_vec();
        self.received.drain(..start + length);
        Some(Frame { first, payload })
    }
}

fn read_more(stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<usize> {
    let before = received.len();
    received.resize(before + (64 << 10), 0);
    let read = stream.read(&mut received[before..]);
    received.truncate(before + *read.as_ref().unwrap_or(&0));
    match read {
        // Nothing that is asked for here may stay out for so long.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("the server said nothing"),
        read => read,
    }
}
