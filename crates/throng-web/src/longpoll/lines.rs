//! The messages in the body of a POST, one by one as the body arrives (§9.6).
//!
//! Pure: bytes in, messages out. Of a body it holds what has arrived of one message, which is bounded.

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::{Bytes, BytesMut};

/// Lines of one POST that are used; phoenix.js sends no more at once, and those beyond are ignored.
const LINES_MAX: usize = 100;

/// As `btoa` writes it; whether it is padded does not matter.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A message as the client's serializer wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// One that a WebSocket would carry in a text frame.
    Text(String),
    /// One of a binary frame.
    Binary(Vec<u8>),
}

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    #[error("a message is larger than the limit")]
    TooBig,
    #[error("a message is not UTF-8")]
    NotUtf8,
    #[error("a line is neither a message nor base64")]
    NotBase64,
}

/// How the messages of a body are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A message in each line: text where it begins with a bracket, else base64 of a binary message.
    Lines,
    /// The body is one text message, as clients before 1.7.11 send it.
    Whole,
}

/// Takes a body apart.
#[derive(Debug)]
pub(super) struct Lines {
    format: Format,
    /// Bytes of one message.
    bytes_max: usize,
    /// What has arrived and was not looked at.
    unread: Bytes,
    /// The part of a line that arrived before it.
    begun: BytesMut,
    /// How many more lines are used.
    left: usize,
}

impl Format {
    /// By the content type; parameters of it, which Phoenix does not allow, do not matter.
    pub(super) fn of(content_type: Option<&str>) -> Format {
        let essence = content_type.and_then(|value| value.split(';').next()).map(str::trim);
        match essence {
            Some(essence) if essence.eq_ignore_ascii_case("application/x-ndjson") => Format::Lines,
            _ => Format::Whole,
        }
    }
}

impl Lines {
    pub(super) fn new(format: Format, bytes_max: usize) -> Lines {
        Lines { format, bytes_max, unread: Bytes::new(), begun: BytesMut::new(), left: LINES_MAX }
    }

    /// Takes what arrived; everything before has to have been asked for with [`Lines::next`].
    pub(super) fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.unread.is_empty(), "what arrived before was not looked at");
        self.unread = chunk;
    }

    /// The next message that is complete; `None` if more has to arrive first.
    pub(super) fn next(&mut self) -> Result<Option<Line>, BodyError> {
        while self.left > 0 {
            let Some(end) = self.line_end() else {
                let rest = std::mem::take(&mut self.unread);
                self.begin(&rest)?;
                return Ok(None);
            };
            let mut line = self.unread.split_to(end + 1);
            line.truncate(end);
            if !self.begun.is_empty() {
                self.begin(&line)?;
                line = self.begun.split().freeze();
            }
            if let Some(line) = self.read(&line)? {
                return Ok(Some(line));
            }
        }
        self.unread = Bytes::new();
        Ok(None)
    }

    /// What is left when the body has ended.
    pub(super) fn last(&mut self) -> Result<Option<Line>, BodyError> {
        let line = self.begun.split().freeze();
        if self.left == 0 { Ok(None) } else { self.read(&line) }
    }

    fn line_end(&self) -> Option<usize> {
        match self.format {
            Format::Lines => self.unread.iter().position(|byte| *byte == b'\n'),
            Format::Whole => None,
        }
    }

    /// Keeps a part of a line, in bounds.
    fn begin(&mut self, part: &[u8]) -> Result<(), BodyError> {
        // A carriage return may come that does not belong to it.
        if self.begun.len() + part.len() > self.encoded_bytes_max() + 1 {
            return Err(BodyError::TooBig);
        }
        self.begun.extend_from_slice(part);
        Ok(())
    }

    /// The message of a line; an empty one, behind the last line end say, is none.
    fn read(&mut self, line: &[u8]) -> Result<Option<Line>, BodyError> {
        let line = match self.format {
            Format::Lines => line.strip_suffix(b"\r").unwrap_or(line),
            Format::Whole => line,
        };
        if line.is_empty() && self.format == Format::Lines {
            return Ok(None);
        }
        self.left -= 1;
        let is_text = self.format == Format::Whole || matches!(line[0], b'[' | b'{');
        if is_text { self.text(line) } else { self.binary(line) }.map(Some)
    }

    fn text(&self, line: &[u8]) -> Result<Line, BodyError> {
        if line.len() > self.bytes_max {
            return Err(BodyError::TooBig);
        }
        std::str::from_utf8(line).map(|text| Line::Text(text.to_owned())).map_err(|_| BodyError::NotUtf8)
    }

    fn binary(&self, line: &[u8]) -> Result<Line, BodyError> {
        if line.len() > self.encoded_bytes_max() {
            return Err(BodyError::TooBig);
        }
        let bytes = BASE64.decode(line).map_err(|_| BodyError::NotBase64)?;
        if bytes.len() > self.bytes_max { Err(BodyError::TooBig) } else { Ok(Line::Binary(bytes)) }
    }

    /// The longest line that may be a message: a binary one takes four characters for three bytes.
    fn encoded_bytes_max(&self) -> usize {
        match self.format {
            Format::Lines => self.bytes_max.div_ceil(3).saturating_mul(4),
            Format::Whole => self.bytes_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 30;

    fn read(format: Format, chunks: &[&[u8]]) -> Result<Vec<Line>, BodyError> {
        let mut lines = Lines::new(format, MAX);
        let mut read = Vec::new();
        for chunk in chunks {
            lines.feed(Bytes::copy_from_slice(chunk));
            while let Some(line) = lines.next()? {
                read.push(line);
            }
        }
        read.extend(lines.last()?);
        Ok(read)
    }

    fn lines(body: &[u8]) -> Result<Vec<Line>, BodyError> {
        read(Format::Lines, &[body])
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[test]
    fn c9_6_lines_are_text_that_begins_with_a_bracket_or_base64() {
        let body = b"[1]\nAAEC\r\n[\"\xc3\xb6\"]";
        assert_eq!(lines(body).unwrap(), [text("[1]"), Line::Binary(vec![0, 1, 2]), text("[\"ö\"]")]);
        assert_eq!(lines(b"AAE=").unwrap(), [Line::Binary(vec![0, 1])]);
        assert_eq!(lines(b"AAE").unwrap(), [Line::Binary(vec![0, 1])], "padding does not matter");
        assert_eq!(lines(b"{}").unwrap(), [text("{}")], "of version 1");
    }

    #[test]
    fn c9_6_empty_lines_are_none() {
        assert_eq!(lines(b"").unwrap(), []);
        assert_eq!(lines(b"\n\r\n[1]\n\n").unwrap(), [text("[1]")]);
    }

    #[test]
    fn c9_6_of_more_lines_the_first_hundred_are_used() {
        let body = "[1]\n".repeat(103);
        assert_eq!(lines(body.as_bytes()).unwrap().len(), 100);
        // What comes beyond is not looked at, nor held.
        let body = format!("{}!!!\n{}", "[1]\n".repeat(100), "x".repeat(10 * MAX));
        assert_eq!(lines(body.as_bytes()).unwrap().len(), 100);
    }

    #[test]
    fn c9_6_any_other_content_is_one_message() {
        assert_eq!(read(Format::Whole, &[b"{\n", b"}"]).unwrap(), [text("{\n}")]);
        assert_eq!(read(Format::Whole, &[b"no JSON"]).unwrap(), [text("no JSON")]);
        assert_eq!(read(Format::Whole, &[]).unwrap(), [text("")]);
    }

    #[test]
    fn c9_6_the_content_type_tells_which() {
        for (content_type, format) in [
            (Some("application/x-ndjson"), Format::Lines),
            (Some("application/x-ndjson; charset=utf-8"), Format::Lines),
            (Some("application/json"), Format::Whole),
            (Some("text/plain"), Format::Whole),
            (None, Format::Whole),
        ] {
            assert_eq!(Format::of(content_type), format, "{content_type:?}");
        }
    }

    #[test]
    fn c9_7_what_is_no_message_is_refused() {
        assert_eq!(lines(b"[1]\nno base64!"), Err(BodyError::NotBase64));
        assert_eq!(lines(b"[\"\xff\"]"), Err(BodyError::NotUtf8));
        assert_eq!(read(Format::Whole, &[b"\xff"]), Err(BodyError::NotUtf8));
    }

    #[test]
    fn a_message_is_bounded_and_never_held_beyond_it() {
        let fits = |length: usize| format!("[{}]", "1".repeat(length - 2));
        assert_eq!(lines(format!("{}\r\n", fits(MAX)).as_bytes()).unwrap(), [text(&fits(MAX))]);
        assert_eq!(lines(fits(MAX + 1).as_bytes()), Err(BodyError::TooBig));
        assert_eq!(lines(BASE64.encode([7; MAX]).as_bytes()).unwrap(), [Line::Binary(vec![7; MAX])]);
        assert_eq!(lines(BASE64.encode([7; MAX + 1]).as_bytes()), Err(BodyError::TooBig));
        assert_eq!(read(Format::Whole, &[&[b'1'; MAX + 2]]), Err(BodyError::TooBig));
        let mut endless = Lines::new(Format::Lines, MAX);
        let held = (0..).find_map(|_| {
            endless.feed(Bytes::from_static(b"[11"));
            endless.next().is_err().then_some(endless.begun.len())
        });
        assert!(held.unwrap() <= 2 * MAX);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_a_body_is_cut(
            body in "(\\[1\\]|AAEC|\\{\\}|\r|\n){0,40}",
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
            cuts.push(body.len());
            cuts.sort_unstable();
            let mut start = 0;
            let chunks: Vec<_> = cuts
                .iter()
                .map(|end| &body.as_bytes()[std::mem::replace(&mut start, *end)..*end])
                .collect();
            prop_assert_eq!(read(Format::Lines, &chunks), lines(body.as_bytes()));
        }
    }
}
