//! A client on a blocking socket of its own: it allocates nothing that a test would count, and knows no rules. And a room that
//! answers with what it was sent.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;
use throng_runtime::Exit;
use throng_web::{Channel, JoinError, Reply, Socket};

/// What a client without extensions sends.
pub(crate) const PLAIN: &str = "";

pub(crate) struct Raw(TcpStream);

impl Raw {
    /// A connection that has become a WebSocket, and the head of the answer; `headers` are lines with their ends.
    pub(crate) fn upgraded(addr: SocketAddr, headers: &str) -> (Raw, String) {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let request = format!(
            "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        (Raw(stream), head)
    }

    /// Sends a frame with a mask of nothing. A server that has hung up is no failure.
    pub(crate) fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            short @ ..=125 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(long).unwrap().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        drop(self.0.write_all(&frame));
    }

    /// The next frame: its first byte and its payload.
    pub(crate) fn frame(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.0.read_exact(&mut length).unwrap();
                usize::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                self.0.read_exact(&mut length).unwrap();
                usize::try_from(u64::from_be_bytes(length)).unwrap()
            }
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).unwrap();
        (head[0], payload)
    }

    pub(crate) fn join(&mut self, topic: &str) {
        self.send(0x81, format!(r#"["1","1","{topic}","phx_join",{{}}]"#).as_bytes());
        let (first, reply) = self.frame();
        assert!(first == 0x81 && reply.starts_with(br#"["1","1","#), "{}", reply.escape_ascii());
    }
}

pub(crate) struct Room;

impl Channel for Room {
    type Assigns = ();
    type Params = ();
    type Event = Value;

    async fn join(_: (), _: &mut Socket<'_, Self>) -> Result<Room, JoinError> {
        Ok(Room)
    }

    async fn handle_in(&mut self, event: Value, _: &mut Socket<'_, Self>) -> Result<Reply, Exit> {
        Ok(Reply::ok(event["payload"].clone()))
    }
}
