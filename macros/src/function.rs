//! The parts of an `async fn` that an expansion needs, found without parsing Rust.
//!
//! Before the body stand attributes, a visibility, qualifiers, `fn`, a name, parentheses and a return type. Everything
//! that could hold another `fn` (an attribute, `pub(in path)`) keeps it inside a group, so the first one outside of
//! groups is the function's own; and the last token is the body.

use crate::error::Error;
use proc_macro::{Delimiter, Ident, Span, TokenStream, TokenTree};

/// A function, in slices of the tokens it was written with.
pub(crate) struct Function {
    /// `#[..]`, `#[..]` and so on.
    pub(crate) attributes: Vec<TokenTree>,
    /// `pub`, `pub(crate)` or nothing.
    pub(crate) visibility: Vec<TokenTree>,
    /// `async fn name(..) -> Type { .. }`: all the rest, untouched.
    pub(crate) definition: Vec<TokenTree>,
    /// The `fn` in the definition.
    pub(crate) keyword: TokenTree,
    /// The name in the definition.
    pub(crate) name: Ident,
    /// The `-> Type` in the definition, or nothing.
    pub(crate) output: Vec<TokenTree>,
    /// What is wrong with the function, though it is async and has a body. Kept beside the parts, so that it can still
    /// be expanded to something that brings no further errors.
    pub(crate) fault: Option<Error>,
}

impl Function {
    /// Takes an item apart; an error if it is not an async function with a body.
    pub(crate) fn parse(item: TokenStream) -> Result<Self, Error> {
        let mut tokens: Vec<TokenTree> = item.into_iter().collect();
        let Some(at_fn) = tokens.iter().position(|token| is_ident(token, "fn")) else {
            let span = tokens.first().map_or_else(Span::call_site, TokenTree::span);
            return Err(Error::new(span, "expected an async function"));
        };
        let keyword = tokens[at_fn].clone();
        let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(_))) =
            (tokens.get(at_fn + 1).cloned(), tokens.last())
        else {
            return Err(Error::new(
                keyword.span(),
                "expected an async function with a body",
            ));
        };

        // An attribute is two tokens: `#` and its brackets.
        let after_attributes = (0..)
            .step_by(2)
            .find(|&at| !is_punct(&tokens[at], '#'))
            .unwrap_or(0);
        let at_definition = after_attributes + visibility(&tokens[after_attributes..at_fn]);
        let qualifiers = &tokens[at_definition..at_fn];
        if !qualifiers.iter().any(|token| is_ident(token, "async")) {
            return Err(Error::new(
                keyword.span(),
                "the `async` keyword is missing from the function",
            ));
        }

        let signature = &tokens[at_fn + 2..tokens.len() - 1];
        let fault = fault(qualifiers, signature);
        let arrow = signature.iter().position(|token| is_punct(token, '-'));
        // Generics may hold an arrow of their own (`F: Fn() -> u8`); they are a fault, and nobody misses the type.
        let output = match arrow {
            Some(at) if !is_punct(&signature[0], '<') => signature[at..].to_vec(),
            _ => Vec::new(),
        };
        let definition = tokens.split_off(at_definition);
        let visibility = tokens.split_off(after_attributes);
        Ok(Function {
            attributes: tokens,
            visibility,
            definition,
            keyword,
            name,
            output,
            fault,
        })
    }

    /// Where an attribute stands that makes the function a test already.
    pub(crate) fn test_attribute(&self) -> Option<Span> {
        self.attributes.iter().find_map(|token| {
            let TokenTree::Group(group) = token else {
                return None;
            };
            // `test`, or `::core::prelude::v1::test`, which `#[samovar::test]` itself leaves behind.
            let text: String = group.stream().to_string().split_whitespace().collect();
            let is_test = text == "test" || text.ends_with("::prelude::v1::test");
            is_test.then(|| group.span())
        })
    }
}

/// How many tokens the visibility at the beginning takes: none, `pub`, or `pub` and its parentheses. A `$vis` of a macro
/// comes as one group, also when it is empty.
fn visibility(tokens: &[TokenTree]) -> usize {
    match tokens {
        [TokenTree::Group(_), ..] => 1,
        [public, TokenTree::Group(_), ..] if is_ident(public, "pub") => 2,
        [public, ..] if is_ident(public, "pub") => 1,
        _ => 0,
    }
}

/// The first thing in the head of an async function that an entry point cannot have.
fn fault(qualifiers: &[TokenTree], signature: &[TokenTree]) -> Option<Error> {
    if let Some(token) = qualifiers.iter().find(|token| !is_ident(token, "async")) {
        let message = format!("an async entry point cannot be `{token}`");
        return Some(Error::new(token.span(), message));
    }
    let first = signature.first()?;
    let message = match first {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
            if group.stream().is_empty() {
                return None;
            }
            "an async entry point cannot have arguments"
        }
        _ => "an async entry point cannot be generic",
    };
    Some(Error::new(first.span(), message))
}

/// Whether a token is this word.
pub(crate) fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == word)
}

/// Whether a token is this character of punctuation.
pub(crate) fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}
