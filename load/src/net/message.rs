//! A server's message, taken apart without a JSON parser (pure).

/// `[join_ref, ref, topic, event, payload]`: the strings without their quotes, a null as nothing, the payload as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) join_ref: &'a [u8],
    pub(crate) reference: &'a [u8],
    pub(crate) topic: &'a [u8],
    pub(crate) event: &'a [u8],
    pub(crate) payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// `None` for what is not such an array. Escapes in the first four are left as they are.
    pub(crate) fn scan(text: &'a [u8]) -> Option<Message<'a>> {
        let mut rest = text.strip_prefix(b"[")?.strip_suffix(b"]")?;
        let mut field = || element(&mut rest);
        let (join_ref, reference, topic, event) = (field()?, field()?, field()?, field()?);
        Some(Message { join_ref, reference, topic, event, payload: rest })
    }

    pub(crate) fn is_reply(&self) -> bool {
        self.event == b"phx_reply"
    }

    /// Whether a reply says ok.
    pub(crate) fn is_ok(&self) -> bool {
        memchr::memmem::find(self.payload, b"\"status\":\"ok\"").is_some()
    }
}

/// Takes one scalar and the comma behind it off the rest.
fn element<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (element, after) = match rest.strip_prefix(b"\"") {
        Some(string) => {
            let end = string_end(string)?;
            (&string[..end], &string[end + 1..])
        }
        None => {
            let (scalar, after) = rest.split_at(memchr::memchr(b',', rest)?);
            (if scalar == b"null" { &[] } else { scalar }, after)
        }
    };
    *rest = after.strip_prefix(b",")?;
    Some(element)
}

/// Where the quote is that ends a string which began before `rest`.
pub(crate) fn string_end(rest: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', &rest[from..])?;
        if rest[at] == b'"' {
            return Some(at);
        }
        // What is escaped is one byte long, or does not look like a quote.
        from = at + 2;
        if from > rest.len() {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_are_found() {
        let message =
            Message::scan(br#"["1","2","room:\"a\"","phx_reply",{"status":"ok","response":{}}]"#).unwrap();
        assert_eq!((message.join_ref, message.reference), (&b"1"[..], &b"2"[..]));
        assert_eq!(message.topic, br#"room:\"a\""#);
        assert_eq!(message.payload, br#"{"status":"ok","response":{}}"#);
        assert!(message.is_reply() && message.is_ok());
    }

    #[test]
    fn nulls_and_numbers_are_scalars_too() {
        let message = Message::scan(br#"[null,7,"a","b",[1,2]]"#).unwrap();
        assert_eq!(
            (message.join_ref, message.reference, message.payload),
            (&b""[..], &b"7"[..], &b"[1,2]"[..])
        );
    }

    #[test]
    fn what_is_no_message_is_none() {
        for text in ["", "{}", "[", "[]", r#"["1","2","a"]"#, r#"["1","2","a","b]"#, r#"["\"#] {
            assert_eq!(Message::scan(text.as_bytes()), None, "{text}");
        }
    }
}
