//! `#[server]`, from an inherent `impl` block to the messages, handlers and client that its methods stand for (pure).

mod method;
mod options;
mod reply;
mod write;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, Ident, ImplItem, ItemImpl, Result, Type, Visibility};

use self::{method::Method, options::Options};

/// Everything that a block says.
struct Server {
    options: Options,
    block: ItemImpl,
    name: Ident,
    methods: Vec<Method>,
}

/// Writes the block without its marks, and what they stand for. A block with mistakes stays as it is besides them, so that
/// nobody is told of methods that are missing.
pub(crate) fn expand(words: TokenStream, block: ItemImpl) -> TokenStream {
    match Server::parse(words, block.clone()) {
        Ok(server) => server.write(),
        Err(error) => {
            let mut block = block;
            methods_of(&mut block)
                .for_each(|method| method.attrs.retain(|attribute| !method::is_mark(attribute)));
            let mut refusal = error.into_compile_error();
            block.to_tokens(&mut refusal);
            refusal
        }
    }
}

impl Server {
    fn parse(words: TokenStream, mut block: ItemImpl) -> Result<Self> {
        let options = Options::parse(words)?;
        let name = server_name(&block)?;
        let mut methods = Vec::new();
        let mut mistakes: Option<Error> = None;
        for method in methods_of(&mut block) {
            match Method::take(method, &name) {
                Ok(method) => methods.extend(method),
                Err(error) => match &mut mistakes {
                    Some(mistakes) => mistakes.combine(error),
                    None => mistakes = Some(error),
                },
            }
        }
        if let Some(mistakes) = mistakes {
            return Err(mistakes);
        }
        if methods.is_empty() {
            return Err(Error::new_spanned(&block.self_ty, "no method is marked `#[call]` or `#[cast]`"));
        }
        one_visibility(&methods)?;
        Ok(Self { options, block, name, methods })
    }

    /// The visibility of everything that is written.
    fn visibility(&self) -> &Visibility {
        self.methods.first().map_or(&Visibility::Inherited, |method| &method.visibility)
    }
}

fn methods_of(block: &mut ItemImpl) -> impl Iterator<Item = &mut syn::ImplItemFn> {
    block.items.iter_mut().filter_map(|item| match item {
        ImplItem::Fn(method) => Some(method),
        _ => None,
    })
}

fn server_name(block: &ItemImpl) -> Result<Ident> {
    if let Some((of, _)) = &block.trait_ {
        return Err(Error::new_spanned(
            of,
            "`#[server]` goes on an `impl` block of the server's own methods",
        ));
    }
    if !block.generics.params.is_empty() {
        let refusal =
            "`#[server]` writes messages without type parameters; write `impl Handler` for a generic server";
        return Err(Error::new_spanned(&block.generics, refusal));
    }
    match &*block.self_ty {
        Type::Path(path) if path.qself.is_none() => match path.path.get_ident() {
            Some(name) => Ok(name.clone()),
            None => Err(Error::new_spanned(path, "expected the plain name of a server")),
        },
        other => Err(Error::new_spanned(other, "expected the plain name of a server")),
    }
}

fn one_visibility(methods: &[Method]) -> Result<()> {
    let Some((first, rest)) = methods.split_first() else { return Ok(()) };
    let words = |method: &Method| method.visibility.to_token_stream().to_string();
    match rest.iter().find(|method| words(method) != words(first)) {
        None => Ok(()),
        Some(odd) => {
            let refusal = format!(
                "`{}` and `{}` differ in visibility: the methods of one `#[server]` are those of one client trait",
                first.name, odd.name
            );
            Err(Error::new(odd.name.span(), refusal))
        }
    }
}

#[cfg(test)]
mod tests;
