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
        ("PORT", "many", "chat: PORT: `port`: expected a number from 0 to 65535, found text"),
        ("CHAT_CONFIG", file.to_str().unwrap(), ".toml:1: unknown key `prot`; did you mean `port`?"),
        ("CHAT_CONFIG", "missing.toml", "chat: missing.toml: cannot be read: "),
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
fn l5_all_that_is_wrong_with_its_settings_is_told_at_once() {
    let file = std::env::temp_dir().join(format!("chat-mistakes-{}.toml", std::process::id()));
    std::fs::write(&file, "port = 1\n\nsecret_key_base = 1234567890\nroom_max = 1\n").unwrap();
    let output =
        chat().env("CHAT_CONFIG", &file).env("PORT", "many").env("CHAT__HISTORY_MAX", "-1").output().unwrap();
    std::fs::remove_file(&file).unwrap();
    let path = file.display();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!(
            "chat: 4 mistakes in the settings:\n  \
             {path}:3: `secret_key_base`: expected text, found a whole number\n  \
             {path}:4: unknown key `room_max`; did you mean `rooms_max`?\n  \
             CHAT__HISTORY_MAX: `history_max`: expected a whole number from 0 on, found one out of that range\n  \
             PORT: `port`: expected a number from 0 to 65535, found text\n"
        )
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_file_and_above_it_the_environment_say_where_it_listens() {
    let file = std::env::temp_dir().join(format!("chat-above-{}.toml", std::process::id()));
    std::fs::write(&file, "port = 1\nhost = \"::1\"\nsecret_key_base = \"from the file, long enough\"\n")
        .unwrap();
    let mut child = chat()
        .env("CHAT_CONFIG", &file)
        .env("PORT", "0")
        .env("HOST", "127.0.0.1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(line.starts_with("chat is listening on http://127.0.0.1:"), "{line}");
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
