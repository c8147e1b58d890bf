//! Binary frames of the second version, put together and taken apart as section 3 lays them out.

/// What comes from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Push { join_ref: String, topic: String, event: String, payload: Vec<u8> },
    Reply { join_ref: String, reference: String, topic: String, status: String, payload: Vec<u8> },
    Broadcast { topic: String, event: String, payload: Vec<u8> },
}

/// A push of a client: its header has five bytes.
pub(crate) fn push(join_ref: &str, reference: &str, topic: &str, event: &str, payload: &[u8]) -> Vec<u8> {
    let names = [join_ref, reference, topic, event];
    let mut frame = vec![0];
    frame.extend(names.iter().map(|name| u8::try_from(name.len()).unwrap()));
    names.iter().for_each(|name| frame.extend(name.as_bytes()));
    frame.extend(payload);
    frame
}

impl Binary {
    pub(crate) fn parse(frame: &[u8]) -> Binary {
        let (names, payload) = names(
            frame,
            match frame[0] {
                0 => 3,
                1 => 4,
                2 => 2,
                kind => panic!("kind {kind}"),
            },
        );
        let mut names = names.into_iter();
        let mut name = || names.next().unwrap();
        match frame[0] {
            0 => Binary::Push { join_ref: name(), topic: name(), event: name(), payload },
            1 => {
                Binary::Reply { join_ref: name(), reference: name(), topic: name(), status: name(), payload }
            }
            _ => Binary::Broadcast { topic: name(), event: name(), payload },
        }
    }
}

/// So many names, whose lengths stand behind the kind, and what follows them.
fn names(frame: &[u8], count: usize) -> (Vec<String>, Vec<u8>) {
    let (lengths, mut rest) = frame[1..].split_at(count);
    let mut names = Vec::new();
    for length in lengths {
        let (name, behind) = rest.split_at(usize::from(*length));
        names.push(String::from_utf8(name.to_vec()).unwrap());
        rest = behind;
    }
    (names, rest.to_vec())
}
