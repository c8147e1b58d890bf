//! What a method answers, as its return type says.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Error, GenericArgument, PathArguments, Result, ReturnType, Type};

/// What a method answers.
pub(super) struct Reply {
    /// The reply of the message.
    pub(super) of: TokenStream,
    /// It returns `Result<Reply, Halt>`: its `?` ends the server.
    pub(super) may_halt: bool,
    pub(super) is_unit: bool,
}

impl Reply {
    pub(super) fn parse(output: &ReturnType, server: &Ident) -> Result<Self> {
        let ReturnType::Type(_, returned) = output else {
            return Ok(Self { of: quote!(()), may_halt: false, is_unit: true });
        };
        let (reply, may_halt) = match result(returned) {
            Some((reply, error)) if is_named(error, "Halt") => (reply, true),
            Some((_, error)) if is_named(error, "Exit") => {
                let refusal = "this `Exit` would be sent as the reply, and end nothing: write `Halt`, which `?` makes of an \
                               `Exit`, to end the server";
                return Err(Error::new_spanned(error, refusal));
            }
            _ => (&**returned, false),
        };
        if let Type::ImplTrait(hidden) = reply {
            return Err(Error::new_spanned(hidden, "a reply is sent to another process: name its type"));
        }
        let is_unit = matches!(reply, Type::Tuple(tuple) if tuple.elems.is_empty());
        Ok(Self { of: owned(reply, server), may_halt, is_unit })
    }
}

/// `T` and `E` of `Result<T, E>`.
fn result(returned: &Type) -> Option<(&Type, &Type)> {
    let Type::Path(path) = returned else { return None };
    let result = path.path.segments.last().filter(|segment| segment.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &result.arguments else { return None };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(of) => Some(of),
        _ => None,
    });
    Some((types.next()?, types.next()?))
}

/// Whether a type has this name, by whatever path.
fn is_named(of: &Type, name: &str) -> bool {
    matches!(of, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}

/// A type as it is said outside of the block: there `Self` is another.
pub(super) fn owned(of: &Type, server: &Ident) -> TokenStream {
    without_self(of.to_token_stream(), server)
}

fn without_self(tokens: TokenStream, server: &Ident) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(word) if word == "Self" => TokenTree::Ident(server.clone()),
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), without_self(group.stream(), server));
                inside.set_span(group.span());
                TokenTree::Group(inside)
            }
            other => other,
        })
        .collect()
}
