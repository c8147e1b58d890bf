//! The stream over a pipe that takes as little as it likes.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_util::FutureExt;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;
use crate::websocket::{Incoming, Outgoing};

/// A byte stream that says what it was told, a few bytes at a time, and would block after each of them.
#[derive(Default)]
struct Pipe {
    incoming: Vec<Vec<u8>>,
    written: Vec<u8>,
    /// What the next writes take; none means that they block.
    takes: Vec<usize>,
    writes: usize,
    flushes: usize,
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.incoming.is_empty() {
            true => Poll::Pending,
            false => {
                buf.put_slice(&self.incoming.remove(0));
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        assert!(bufs.len() <= 64);
        let Some(takes) = self.takes.pop() else { return Poll::Pending };
        let all: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
        let taken = takes.clamp(1, all.len());
        self.written.extend_from_slice(&all[..taken]);
        self.writes += 1;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn stream(pipe: Pipe) -> Stream<Pipe> {
    Stream::new(pipe, Bytes::new(), Decoder::new(1 << 20, None))
}

fn flat(payload: &[u8]) -> Outgoing {
    Outgoing::Flat { is_binary: true, is_compressed: false, payload: Bytes::copy_from_slice(payload) }
}

fn poll_write(stream: &mut Stream<Pipe>) -> Poll<io::Result<()>> {
    stream.poll_write(&mut Context::from_waker(Waker::noop()))
}

/// Text frames with a mask of nothing.
fn texts(texts: &[&str]) -> Vec<u8> {
    texts
        .iter()
        .flat_map(|text| [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text.as_bytes()].concat())
        .collect()
}

/// What is read until nothing is there, breaking off after each message if so wished.
fn read(stream: &mut Stream<Pipe>, breaks: bool) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(flow) = poll_fn(|cx| {
        stream.poll_read(cx, |incoming| {
            let Incoming::Text(text) = incoming else { panic!("{incoming:?}") };
            seen.push(text.to_owned());
            if breaks { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    })
    .now_or_never()
    {
        let _: ControlFlow<()> = flow.unwrap();
    }
    seen
}

#[test]
fn small_frames_are_written_in_one_call_and_flushed_once() {
    let mut stream = stream(Pipe { takes: vec![usize::MAX], ..Pipe::default() });
    for _ in 0..100 {
        stream.queue(flat(b"small"));
    }
    assert!(poll_write(&mut stream).is_ready());
    assert_eq!((stream.io.writes, stream.io.flushes), (1, 1));
    assert_eq!(stream.io.written, [0x82, 5, b's', b'm', b'a', b'l', b'l'].repeat(100));
    assert_eq!(stream.writing.frames.capacity(), 0, "the worker has it again");
    assert!(poll_write(&mut stream).is_ready());
    assert_eq!(stream.io.flushes, 1, "nothing was to be flushed");
}

#[test]
fn what_the_system_did_not_take_waits() {
    let mut stream = stream(Pipe::default());
    stream.queue(flat(b"first"));
    assert!(poll_write(&mut stream).is_pending());
    stream.queue(flat(b"second"));
    stream.io.takes = vec![usize::MAX, 3];
    assert!(poll_write(&mut stream).is_ready());
    assert_eq!(stream.io.written, b"\x82\x05first\x82\x06second");
}

#[test]
fn c8_pings_are_answered_after_what_is_queued_and_a_flood_of_them_is_bounded() {
    let mut stream = stream(Pipe::default());
    stream.queue(flat(b"data"));
    stream.writing.pong(b"1");
    stream.writing.pong(b"2");
    stream.queue(flat(b"later"));
    stream.io.takes = vec![usize::MAX; 2];
    assert!(poll_write(&mut stream).is_ready());
    assert_eq!(stream.io.written, b"\x82\x04data\x8A\x011\x8A\x012\x82\x05later");
    for n in 0..100_000_u32 {
        stream.writing.pong(&n.to_be_bytes().repeat(30));
    }
    assert!(stream.writing.pongs.capacity() < 16 << 10, "{}", stream.writing.pongs.capacity());
    stream.io.written.clear();
    stream.io.takes = vec![usize::MAX];
    assert!(poll_write(&mut stream).is_ready());
    assert!(stream.io.written.ends_with(&99_999_u32.to_be_bytes()), "the newest is always answered");
}

#[test]
fn c5_3_messages_wait_when_the_reader_had_enough() {
    let sent = texts(&["a", "b", "c", "d"]);
    for cut in 1..sent.len() {
        for breaks in [true, false] {
            let incoming = sent.chunks(cut).map(<[u8]>::to_vec).collect();
            let mut stream = stream(Pipe { incoming, ..Pipe::default() });
            assert_eq!(read(&mut stream, breaks), ["a", "b", "c", "d"]);
        }
    }
}

#[test]
fn c1_5_what_came_with_the_handshake_is_read_first() {
    let (unread, incoming) = (texts(&["early", "bird"]), vec![texts(&["late"])]);
    let (first, rest) = unread.split_at(9);
    let io = Pipe { incoming: [vec![rest.to_vec()], incoming].concat(), ..Pipe::default() };
    let mut stream = Stream::new(io, first.to_vec().into(), Decoder::new(100, None));
    assert_eq!(read(&mut stream, false), ["early", "bird", "late"]);
}

#[test]
fn c7_5_the_end_of_the_stream_and_broken_rules_end_the_reading() {
    let mut cx = Context::from_waker(Waker::noop());
    for (bytes, is_gone) in [(vec![], true), (b"\x83".to_vec(), false)] {
        let mut stream = stream(Pipe { incoming: vec![bytes], ..Pipe::default() });
        let read = stream.poll_read(&mut cx, |_| ControlFlow::<()>::Continue(()));
        match read {
            Poll::Ready(Err(ReadError::Gone)) => assert!(is_gone),
            Poll::Ready(Err(ReadError::Violation(_))) => assert!(!is_gone),
            _ => panic!("{read:?}"),
        }
    }
}

proptest! {
    #[test]
    fn however_little_the_system_takes_the_bytes_are_the_same(
        sizes in prop::collection::vec(prop_oneof![3 => 0_usize..300, 1 => 1_500_usize..9_000], 0..90),
        takes in prop::collection::vec(1_usize..5_000, 0..60),
    ) {
        let payloads: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(n, size)| vec![n as u8; *size]).collect();
        let mut stream = stream(Pipe::default());
        let mut expected = Vec::new();
        for payload in &payloads {
            expected.extend_from_slice(flat(payload).head().as_bytes());
            expected.extend_from_slice(payload);
            stream.queue(flat(payload));
        }
        for take in takes {
            stream.io.takes.push(take);
            let _ = poll_write(&mut stream);
        }
        stream.io.takes = vec![usize::MAX; 200];
        prop_assert!(poll_write(&mut stream).is_ready());
        prop_assert_eq!(&stream.io.written, &expected);
    }
}
