//! Terms → bytes, in the same form that Erlang chooses for them.

use super::{Term, tag};

/// Encodes a term, version byte included.
pub(crate) fn encode(term: &Term) -> Vec<u8> {
    let mut out = vec![tag::VERSION];
    write(&mut out, term);
    out
}

fn write(out: &mut Vec<u8>, term: &Term) {
    match term {
        Term::Atom(name) => write_atom(out, name),
        Term::Integer(number) => write_integer(out, *number),
        Term::Float(number) => {
            out.push(tag::NEW_FLOAT);
            out.extend(number.to_be_bytes());
        }
        Term::Binary(bytes) => {
            write_header(out, tag::BINARY, bytes.len());
            out.extend(bytes);
        }
        Term::Tuple(items) => write_tuple(out, items),
        Term::List(items) => write_list(out, items),
        Term::Map(pairs) => {
            write_header(out, tag::MAP, pairs.len());
            for (key, value) in pairs {
                write(out, key);
                write(out, value);
            }
        }
    }
}

/// A tag and a 32-bit length; what a token carries is far below that length.
fn write_header(out: &mut Vec<u8>, tag: u8, len: usize) {
    out.push(tag);
    out.extend(u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
}

fn write_atom(out: &mut Vec<u8>, name: &str) {
    match u8::try_from(name.len()) {
        Ok(len) => out.extend([tag::SMALL_ATOM_UTF8, len]),
        Err(_) => {
            out.push(tag::ATOM_UTF8);
            out.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    out.extend(name.as_bytes());
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

fn write_tuple(out: &mut Vec<u8>, items: &[Term]) {
    out.extend([tag::SMALL_TUPLE, u8::try_from(items.len()).unwrap_or(u8::MAX)]);
    items.iter().take(usize::from(u8::MAX)).for_each(|item| write(out, item));
}

fn write_list(out: &mut Vec<u8>, items: &[Term]) {
    if !items.is_empty() {
        write_header(out, tag::LIST, items.len());
        items.iter().for_each(|item| write(out, item));
    }
    out.push(tag::NIL);
}
