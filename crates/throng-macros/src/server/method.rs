//! A method that stands for a message.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Error, FnArg, Ident, ImplItemFn, Pat, PatType, Path, ReceiverKind, Result, Signature, Type,
    Visibility,
};

use super::{
    options::{Mark, message_name},
    reply::{Reply, owned},
};

/// Names that every address has a method of: a client's would be ambiguous.
const TAKEN: [&str; 9] = ["call", "call_retry", "cast", "exit", "id", "resolve", "send", "sync", "target"];

pub(super) struct Method {
    pub(super) is_call: bool,
    pub(super) visibility: Visibility,
    pub(super) name: Ident,
    pub(super) message: Ident,
    pub(super) derives: Vec<Path>,
    pub(super) docs: Vec<Attribute>,
    pub(super) conditions: Vec<Attribute>,
    pub(super) arguments: Vec<Argument>,
    pub(super) is_async: bool,
    pub(super) reply: Reply,
}

pub(super) enum Argument {
    /// Carried by the message.
    Field { name: Ident, of: TokenStream },
    /// The server's handle on itself.
    Ctx,
}

/// Whether an attribute makes a method a message.
pub(super) fn is_mark(attribute: &Attribute) -> bool {
    attribute.path().is_ident("call") || attribute.path().is_ident("cast")
}

impl Method {
    /// Takes the mark off a method; `None` when it has none.
    pub(super) fn take(method: &mut ImplItemFn, server: &Ident) -> Result<Option<Self>> {
        let mut marks = method.attrs.extract_if(.., |attribute| is_mark(attribute));
        let Some(mark) = marks.next() else { return Ok(None) };
        if let Some(another) = marks.next() {
            return Err(Error::new_spanned(another, "a method is one message: `#[call]` or `#[cast]`"));
        }
        drop(marks);
        let signature = &method.sig;
        refuse_what_no_message_can_be(signature)?;
        let is_call = mark.path().is_ident("call");
        let reply = Reply::parse(&signature.output, server)?;
        if !is_call && !reply.is_unit {
            let refusal =
                "nobody waits for what a cast returns: let it return nothing, or make it a `#[call]`";
            return Err(Error::new_spanned(&signature.output, refusal));
        }
        let Mark { message, derives } = Mark::parse(&mark)?;
        let of_name =
            |name: &str| method.attrs.iter().filter(|has| has.path().is_ident(name)).cloned().collect();
        Ok(Some(Self {
            is_call,
            visibility: method.vis.clone(),
            name: signature.ident.clone(),
            message: message.map_or_else(|| message_name(&signature.ident), Ok)?,
            derives,
            docs: of_name("doc"),
            conditions: of_name("cfg"),
            arguments: signature
                .inputs
                .iter()
                .filter_map(|input| match input {
                    FnArg::Typed(argument) => Some(Argument::parse(argument, server)),
                    FnArg::Receiver(_) => None,
                })
                .collect::<Result<_>>()?,
            is_async: signature.asyncness.is_some(),
            reply,
        }))
    }

    /// Name and type of what the message carries.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&Ident, &TokenStream)> {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::Field { name, of } => Some((name, of)),
            Argument::Ctx => None,
        })
    }

    /// The message, with its fields from the names in scope; as an expression and as a pattern.
    pub(super) fn value(&self) -> TokenStream {
        let message = &self.message;
        let names: Vec<_> = self.fields().map(|(name, _)| name).collect();
        if names.is_empty() { quote!(#message) } else { quote!(#message { #(#names),* }) }
    }
}

impl Argument {
    fn parse(argument: &PatType, server: &Ident) -> Result<Self> {
        if is_ctx(&argument.ty) {
            return Ok(Self::Ctx);
        }
        match &*argument.ty {
            Type::Reference(borrowed)
                if borrowed.lifetime.as_ref().is_none_or(|life| life.ident != "static") =>
            {
                let refusal = "a message owns what it carries, because it is sent to another process: \
                               it cannot borrow";
                return Err(Error::new_spanned(borrowed, refusal));
            }
            Type::ImplTrait(hidden) => {
                return Err(Error::new_spanned(hidden, "a message has no type parameters: name the type"));
            }
            _ => {}
        }
        match &*argument.pat {
            Pat::Ident(plain) if plain.by_ref.is_none() && plain.subpat.is_none() => {
                Ok(Self::Field { name: plain.ident.clone(), of: owned(&argument.ty, server) })
            }
            pattern => Err(Error::new_spanned(pattern, "a field of the message needs a plain name")),
        }
    }
}

/// `&mut Ctx<…>`, by whatever path.
fn is_ctx(of: &Type) -> bool {
    let Type::Reference(reference) = of else { return false };
    let Type::Path(path) = &*reference.elem else { return false };
    reference.mutability.is_some() && path.path.segments.last().is_some_and(|last| last.ident == "Ctx")
}

fn refuse_what_no_message_can_be(signature: &Signature) -> Result<()> {
    let name = &signature.ident;
    if !signature.generics.params.is_empty() {
        let refusal = "a message has no type parameters: write `impl Handler` for a generic message";
        return Err(Error::new_spanned(&signature.generics, refusal));
    }
    match signature.receiver() {
        Some(receiver) if matches!(receiver.kind, ReceiverKind::Reference(..)) => {}
        Some(receiver) => {
            return Err(Error::new_spanned(receiver, "a message is handled by `&mut self`, or `&self`"));
        }
        None => {
            return Err(Error::new(name.span(), "a message is handled by `&mut self`, or `&self`"));
        }
    }
    if TAKEN.iter().any(|taken| name == taken) {
        let refusal = format!("every address has a method `{name}` already: name this one otherwise");
        return Err(Error::new(name.span(), refusal));
    }
    Ok(())
}
