//! `#[derive(Message)]`, from parsed type to implementation (pure).

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, DeriveInput, Error, GenericParam, Generics, Path, Result, Type, meta::ParseNestedMeta,
    parse_quote,
};

/// What the `#[message(…)]` attributes of a type say.
#[derive(Default)]
struct Options {
    reply: Option<Type>,
    krate: Option<Path>,
}

/// Writes the implementation.
pub(crate) fn expand(input: DeriveInput) -> Result<TokenStream> {
    let Options { reply, krate } = Options::parse(&input.attrs)?;
    let reply = reply.unwrap_or_else(|| parse_quote!(()));
    let krate = krate.unwrap_or_else(|| parse_quote!(::throng));
    let generics = sendable(input.generics)?;
    let (parameters, arguments, conditions) = generics.split_for_impl();
    let name = &input.ident;
    Ok(quote! {
        impl #parameters #krate::Message for #name #arguments #conditions {
            type Reply = #reply;
        }
    })
}

impl Options {
    fn parse(attributes: &[Attribute]) -> Result<Options> {
        let mut options = Options::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("message")) {
            attribute.parse_nested_meta(|meta| options.take(&meta))?;
        }
        Ok(options)
    }

    fn take(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("reply") {
            let reply = meta.value()?.parse()?;
            set_once(&mut self.reply, reply, meta)
        } else if meta.path.is_ident("crate") {
            let krate = meta.value()?.call(Path::parse_mod_style)?;
            set_once(&mut self.krate, krate, meta)
        } else {
            Err(meta.error("expected `reply = Type` or `crate = path`"))
        }
    }
}

fn set_once<T>(slot: &mut Option<T>, value: T, meta: &ParseNestedMeta<'_>) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(meta.error("this is set twice")),
    }
}

/// Asks of every type parameter what `Message` asks of the whole.
fn sendable(mut generics: Generics) -> Result<Generics> {
    for parameter in &mut generics.params {
        match parameter {
            GenericParam::Type(parameter) => {
                parameter.bounds.push(parse_quote!(::core::marker::Send));
                parameter.bounds.push(parse_quote!('static));
            }
            GenericParam::Lifetime(parameter) => {
                let refusal = "a message owns what it carries, because it is sent to another process: \
                               it cannot borrow";
                return Err(Error::new_spanned(parameter, refusal));
            }
            GenericParam::Const(_) => {}
        }
    }
    Ok(generics)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(input: DeriveInput) -> String {
        expand(input).unwrap().to_string()
    }

    fn refusal(input: DeriveInput) -> String {
        expand(input).unwrap_err().to_string()
    }

    #[test]
    fn without_a_word_the_reply_is_nothing() {
        let expected = quote! {
            impl ::throng::Message for Close {
                type Reply = ();
            }
        };
        assert_eq!(expanded(parse_quote! { struct Close; }), expected.to_string());
    }

    #[test]
    fn the_reply_is_any_type() {
        let written = expanded(parse_quote! {
            #[message(reply = Result<Vec<u64>, [u8; 4]>)]
            enum Withdraw { All, Some(u64) }
        });
        let reply = quote!(
            type Reply = Result<Vec<u64>, [u8; 4]>;
        );
        assert!(written.contains(&reply.to_string()), "{written}");
    }

    #[test]
    fn type_parameters_are_asked_to_be_sendable() {
        let expected = quote! {
            impl<T: Clone + ::core::marker::Send + 'static, const N: usize> ::throng::Message for Put<T, N>
            where
                T: Ord
            {
                type Reply = Option<T>;
            }
        };
        let written = expanded(parse_quote! {
            #[message(reply = Option<T>)]
            struct Put<T: Clone, const N: usize>([T; N]) where T: Ord;
        });
        assert_eq!(written, expected.to_string());
    }

    #[test]
    fn another_path_takes_the_place_of_the_facade() {
        let written = expanded(parse_quote! {
            #[message(crate = throng_runtime)]
            struct Close;
        });
        assert!(written.contains(&quote!(impl throng_runtime::Message for Close).to_string()), "{written}");
    }

    #[test]
    fn borrowing_messages_are_refused() {
        assert!(refusal(parse_quote! { struct Say<'a>(&'a str); }).contains("cannot borrow"));
    }

    #[test]
    fn unknown_and_repeated_words_are_refused() {
        let unknown = refusal(parse_quote! { #[message(replies = u64)] struct Close; });
        assert!(unknown.contains("expected `reply = Type`"), "{unknown}");
        let twice = refusal(parse_quote! { #[message(reply = u64, reply = u8)] struct Close; });
        assert!(twice.contains("twice"), "{twice}");
    }
}
