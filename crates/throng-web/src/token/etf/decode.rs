//! Bytes → terms, refusing what is not plain data, too deep or cut short.

use super::{DEPTH_MAX, Term, tag};

/// Decodes a term, version byte included; `None` for anything but exactly one plain term.
pub(crate) fn decode(bytes: &[u8]) -> Option<Term> {
    let mut input = Input(bytes);
    let is_known_version = input.byte()? == tag::VERSION;
    let term = is_known_version.then(|| input.term(DEPTH_MAX)).flatten()?;
    input.0.is_empty().then_some(term)
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn short(&mut self) -> Option<usize> {
        self.array().map(|bytes| usize::from(u16::from_be_bytes(bytes)))
    }

    fn long(&mut self) -> Option<usize> {
        usize::try_from(u32::from_be_bytes(self.array()?)).ok()
    }

    fn term(&mut self, depth: usize) -> Option<Term> {
        let depth = depth.checked_sub(1)?;
        match self.byte()? {
            tag::SMALL_INTEGER => self.byte().map(|number| Term::Integer(number.into())),
            tag::INTEGER => self.array().map(|bytes| Term::Integer(i32::from_be_bytes(bytes).into())),
            tag::SMALL_BIG => self.big(),
            tag::NEW_FLOAT => self.array().map(|bytes| Term::Float(f64::from_be_bytes(bytes))),
            tag::BINARY => {
                self.long().and_then(|len| self.take(len)).map(|bytes| Term::Binary(bytes.to_vec()))
            }
            tag::SMALL_ATOM | tag::SMALL_ATOM_UTF8 => self.byte().and_then(|len| self.atom(len.into())),
            tag::ATOM | tag::ATOM_UTF8 => self.short().and_then(|len| self.atom(len)),
            tag::SMALL_TUPLE => self.byte().and_then(|len| self.terms(len.into(), depth)).map(Term::Tuple),
            tag::NIL => Some(Term::List(Vec::new())),
            tag::STRING => self.short().and_then(|len| self.take(len)).map(list_of_bytes),
            tag::LIST => self.list(depth),
            tag::MAP => self.map(depth),
            _ => None,
        }
    }

    fn atom(&mut self, len: usize) -> Option<Term> {
        std::str::from_utf8(self.take(len)?).ok().map(|name| Term::Atom(name.to_owned()))
    }

    fn big(&mut self) -> Option<Term> {
        let [len, sign] = self.array()?;
        let digits = self.take(len.into())?;
        let mut magnitude = [0; 16];
        magnitude.get_mut(..digits.len())?.copy_from_slice(digits);
        let magnitude = i128::from_le_bytes(magnitude);
        let number = if sign == 0 { Some(magnitude) } else { magnitude.checked_neg() };
        number.and_then(|number| i64::try_from(number).ok()).map(Term::Integer)
    }

    /// Each term takes a byte at least, so a length beyond what is left is a lie that must not be allocated for.
    fn terms(&mut self, len: usize, depth: usize) -> Option<Vec<Term>> {
        if len > self.0.len() {
            return None;
        }
        (0..len).map(|_| self.term(depth)).collect()
    }

    fn list(&mut self, depth: usize) -> Option<Term> {
        let len = self.long()?;
        let items = self.terms(len, depth)?;
        let is_proper = self.byte()? == tag::NIL;
        is_proper.then_some(Term::List(items))
    }

    fn map(&mut self, depth: usize) -> Option<Term> {
        let len = self.long()?;
        if len > self.0.len() {
            return None;
        }
        (0..len).map(|_| Some((self.term(depth)?, self.term(depth)?))).collect::<Option<_>>().map(Term::Map)
    }
}

fn list_of_bytes(bytes: &[u8]) -> Term {
    Term::List(bytes.iter().map(|byte| Term::Integer((*byte).into())).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::token::etf::encode;

    fn term() -> impl Strategy<Value = Term> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Term::Integer),
            (-300_i64..300).prop_map(Term::Integer),
            (-1e9..1e9).prop_map(Term::Float),
            "[a-z]{0,9}".prop_map(Term::Atom),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Term::Binary),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Term::Tuple),
                prop::collection::vec(inner.clone(), 0..6).prop_map(Term::List),
                prop::collection::vec((inner.clone(), inner), 0..6).prop_map(Term::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(term in term()) {
            prop_assert_eq!(encode(&term).and_then(|bytes| decode(&bytes)), Some(term));
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut versioned = vec![tag::VERSION];
            versioned.extend(&bytes);
            drop((decode(&bytes), decode(&versioned)));
        }
    }

    #[test]
    fn atoms_of_old_and_new_releases_are_read() {
        // §11.6: 100 before OTP 26, 119 from then on.
        assert_eq!(decode(&[131, 100, 0, 3, b'n', b'i', b'l']), Some(Term::Atom("nil".into())));
        assert_eq!(decode(&[131, 119, 4, b't', b'r', b'u', b'e']), Some(Term::Atom("true".into())));
    }

    #[test]
    fn lies_about_lengths_and_depth_are_refused() {
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&[131]), None);
        assert_eq!(decode(&[130, 97, 1]), None);
        assert_eq!(decode(&[131, 97, 1, 0]), None, "trailing bytes");
        assert_eq!(decode(&[131, 108, 255, 255, 255, 255, 97, 1]), None);
        assert_eq!(decode(&[131, 116, 255, 255, 255, 255, 97, 1]), None);
        assert_eq!(decode(&[131, 109, 255, 255, 255, 255, 97, 1]), None);
        assert_eq!(decode(&[131, 108, 0, 0, 0, 1, 97, 1, 97, 2]), None, "improper list");
        assert_eq!(decode(&[131, 110, 200, 0, 1]), None);
        let mut deep = vec![131];
        deep.extend([104, 1].repeat(100));
        deep.extend([97, 1]);
        assert_eq!(decode(&deep), None);
        assert_eq!(decode(&[131, 113, 0]), None, "functions are not data");
    }

    #[test]
    fn a_string_is_a_list_of_small_integers() {
        let expected = Term::List(vec![Term::Integer(1), Term::Integer(2)]);
        assert_eq!(decode(&[131, 107, 0, 2, 1, 2]), Some(expected));
    }
}
