//! A chat that does not start says why in one line, and one that starts says where it is: without anything being set.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Command, Stdio},
};

fn chat() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
    for variable in ["RUST_LOG", "CHAT_CONFIG", "HOST", "PORT", "SECRET_KEY_BASE"] {
        command.env_remove(variable);
    }
    command
}

#[test]
fn whatever_keeps_it_from_starting_is_told_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let file = std::env::temp_dir().join(format!("chat-start-{}.toml", std::process::id()));
    std::fs::write(&file, "prot = 1\n").unwrap();
    let in_use = format!("chat: cannot listen on 127.0.0.1:{port}: Address already in use");
    let cases = [
        ("PORT", port.as_str(), in_use.as_str()),
        ("PORT", "many", "chat: PORT=\"many\" is no port"),
        ("CHAT_CONFIG", file.to_str().unwrap(), ".toml:1: unknown field `prot`"),
        ("CHAT_CONFIG", "missing.toml", "chat: cannot read the configuration missing.toml"),
        ("SECRET_KEY_BASE", "short", "chat: SECRET_KEY_BASE: "),
    ];
    for (variable, value, expected) in cases {
        let output = chat().env(variable, value).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{told}");
        assert!(told.contains(expected), "{told}");
        assert!(output.stdout.is_empty());
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn one_that_starts_says_where_it_is() {
    let mut child = chat().env("PORT", "0").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("chat is listening on http://127.0.0.1:"), "{line}");
}
