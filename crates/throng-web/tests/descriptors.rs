//! A process whose descriptors run out; in a process of its own, for the limit is the whole process's.
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]
#![cfg(unix)]

use std::{fs::File, net::Ipv4Addr, time::Duration};

use rlimit::Resource;
use throng_runtime::Node;
use throng_web::Endpoint;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn descriptors_are_raised_and_who_comes_when_none_is_left_is_turned_away() {
    let (_, hard) = Resource::NOFILE.get().unwrap();
    Resource::NOFILE.set(100, hard).unwrap();
    let node = Node::new("test");
    let endpoint = Endpoint::builder(&node, &throng_web::PubSub::new()).build().unwrap();
    node.start(endpoint.listen((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let addr = endpoint.local_addr().unwrap();
    assert_eq!(Resource::NOFILE.get().unwrap().0, hard);

    Resource::NOFILE.set(100, hard).unwrap();
    let mut files: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    for _ in 0..5 {
        files.pop();
        // It takes the one that was left; the server has none to take it with.
        let mut client = TcpStream::connect(addr).await.unwrap();
        let end = tokio::time::timeout(Duration::from_secs(20), client.read(&mut [0; 8])).await;
        assert!(matches!(end, Ok(Ok(0) | Err(_))), "left to wait");
        files.push(client.into_std().map(|client| File::from(std::os::fd::OwnedFd::from(client))).unwrap());
    }

    drop(files);
    let mut client = TcpStream::connect(addr).await.unwrap();
    client.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'H');
}
