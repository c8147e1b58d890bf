//! Terms → bytes, in the same form that Erlang chooses for them.

use super::{DEPTH_MAX, Term, tag};

/// Characters that Erlang allows in an atom.
const ATOM_CHARS_MAX: usize = 255;

/// Encodes a term, version byte included; `None` for one that no reader would take: too deep, or with a tuple or an atom
/// that is too long.
pub(crate) fn encode(term: &Term) -> Option<Vec<u8>> {
    let mut out = vec![tag::VERSION];
    write(&mut out, term, DEPTH_MAX)?;
    Some(out)
}

fn write(out: &mut Vec<u8>, term: &Term, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match term {
        Term::Atom(name) => write_atom(out, name)?,
        Term::Integer(number) => write_integer(out, *number),
        Term::Float(number) => {
            out.push(tag::NEW_FLOAT);
            out.extend(number.to_be_bytes());
        }
        Term::Binary(bytes) => {
            write_header(out, tag::BINARY, bytes.len())?;
            out.extend(bytes);
        }
        Term::Tuple(items) => {
            out.extend([tag::SMALL_TUPLE, u8::try_from(items.len()).ok()?]);
            write_all(out, items, depth)?;
        }
        Term::List(items) => write_list(out, items, depth)?,
        Term::Map(pairs) => {
            write_header(out, tag::MAP, pairs.len())?;
            for (key, value) in pairs {
                write(out, key, depth)?;
                write(out, value, depth)?;
            }
        }
    }
    Some(())
}

fn write_all(out: &mut Vec<u8>, items: &[Term], depth: usize) -> Option<()> {
    items.iter().try_for_each(|item| write(out, item, depth))
}

/// A tag and a 32-bit length.
fn write_header(out: &mut Vec<u8>, tag: u8, len: usize) -> Option<()> {
    out.push(tag);
    out.extend(u32::try_from(len).ok()?.to_be_bytes());
    Some(())
}

fn write_atom(out: &mut Vec<u8>, name: &str) -> Option<()> {
    if name.chars().nth(ATOM_CHARS_MAX).is_some() {
        return None;
    }
    match u8::try_from(name.len()) {
        Ok(len) => out.extend([tag::SMALL_ATOM_UTF8, len]),
        Err(_) => {
            out.push(tag::ATOM_UTF8);
            out.extend(u16::try_from(name.len()).ok()?.to_be_bytes());
        }
    }
    out.extend(name.as_bytes());
    Some(())
}

fn write_integer(out: &mut Vec<u8>, number: i64) {
    if let Ok(small) = u8::try_from(number) {
        out.extend([tag::SMALL_INTEGER, small]);
    } else if let Ok(medium) = i32::try_from(number) {
        out.push(tag::INTEGER);
        out.extend(medium.to_be_bytes());
    } else {
        let digits = number.unsigned_abs().to_le_bytes();
        let len = digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
        out.extend([tag::SMALL_BIG, len as u8, u8::from(number < 0)]);
        out.extend(&digits[..len]);
    }
}

fn write_list(out: &mut Vec<u8>, items: &[Term], depth: usize) -> Option<()> {
    if !items.is_empty() {
        write_header(out, tag::LIST, items.len())?;
        write_all(out, items, depth)?;
    }
    out.push(tag::NIL);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::etf::decode;

    #[test]
    fn what_a_reader_would_refuse_is_not_encoded() {
        let nested = |levels| (1..levels).fold(Term::Integer(1), |inner, _| Term::Tuple(vec![inner]));
        let good = [
            Term::Tuple(vec![Term::Integer(1); 255]),
            Term::Atom("ü".repeat(255)),
            Term::List(vec![Term::Integer(1); 300]),
            nested(DEPTH_MAX),
        ];
        for term in good {
            assert_eq!(encode(&term).and_then(|bytes| decode(&bytes)), Some(term));
        }
        let bad = [
            Term::Tuple(vec![Term::Integer(1); 256]),
            Term::Atom("a".repeat(256)),
            Term::List(vec![Term::Tuple(vec![Term::Integer(1); 256])]),
            nested(DEPTH_MAX + 1),
        ];
        for term in bad {
            assert_eq!(encode(&term), None, "{term:?}");
        }
    }
}
