//! The data a token carries.

/// An Erlang term, as far as tokens need them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Term {
    /// An atom, such as `nil`, `true` and `false`.
    Atom(String),
    /// An integer of up to 64 bits.
    Integer(i64),
    /// A floating-point number.
    Float(f64),
    /// Bytes; Elixir's strings are binaries of UTF-8.
    Binary(Vec<u8>),
    /// A tuple.
    Tuple(Vec<Term>),
    /// A proper list.
    List(Vec<Term>),
    /// A map, as pairs in the order they were encoded.
    Map(Vec<(Term, Term)>),
}

impl Term {
    /// The text, where the term is a binary of UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Term::Binary(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The number, where the term is an integer.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Term::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The value under a key, where the term is a map; a binary and an atom of that name both match.
    pub fn get(&self, key: &str) -> Option<&Term> {
        let Term::Map(pairs) = self else { return None };
        pairs.iter().find(|(k, _)| k.as_str() == Some(key) || k.is_atom(key)).map(|(_, value)| value)
    }

    /// Whether the term is the atom of this name.
    pub fn is_atom(&self, name: &str) -> bool {
        matches!(self, Term::Atom(atom) if atom == name)
    }
}

impl From<&str> for Term {
    fn from(text: &str) -> Term {
        Term::Binary(text.as_bytes().to_vec())
    }
}

impl From<String> for Term {
    fn from(text: String) -> Term {
        Term::Binary(text.into_bytes())
    }
}

impl From<&String> for Term {
    fn from(text: &String) -> Term {
        Term::from(text.as_str())
    }
}

impl From<i64> for Term {
    fn from(number: i64) -> Term {
        Term::Integer(number)
    }
}

impl From<i32> for Term {
    fn from(number: i32) -> Term {
        Term::Integer(number.into())
    }
}

impl From<u32> for Term {
    fn from(number: u32) -> Term {
        Term::Integer(number.into())
    }
}

impl From<bool> for Term {
    fn from(value: bool) -> Term {
        Term::Atom(value.to_string())
    }
}

impl<K: Into<Term>, V: Into<Term>, const N: usize> From<[(K, V); N]> for Term {
    fn from(pairs: [(K, V); N]) -> Term {
        Term::Map(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}
