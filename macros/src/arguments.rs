//! What stands in the parentheses of the attribute: `name = value`, separated by commas.

use crate::error::Error;
use crate::function::is_punct;
use proc_macro::{Delimiter, Ident, Span, TokenStream, TokenTree};

/// Which builder is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// `Builder::new_current_thread`.
    CurrentThread,
    /// `Builder::new_multi_thread`.
    MultiThread,
}

/// How the runtime is to be built.
pub(crate) struct Arguments {
    /// One worker or several.
    pub(crate) flavor: Flavor,
    /// An expression for `Builder::worker_threads`.
    pub(crate) worker_threads: Option<Vec<TokenTree>>,
    /// The path to the runtime, if it is not `::samovar`.
    pub(crate) krate: Option<Vec<TokenTree>>,
}

impl Arguments {
    /// Reads the arguments of an attribute whose flavor is `flavor` unless they name another.
    pub(crate) fn parse(flavor: Flavor, tokens: TokenStream) -> Result<Self, Error> {
        let mut arguments = Arguments {
            flavor,
            worker_threads: None,
            krate: None,
        };
        let mut names: Vec<Ident> = Vec::new();
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for argument in tokens.split_inclusive(|token| is_punct(token, ',')) {
            let (name, value) = name_and_value(argument)?;
            let text = name.to_string();
            if names.iter().any(|earlier| earlier.to_string() == text) {
                let message = format!("`{text}` is given twice");
                return Err(Error::new(name.span(), message));
            }
            match text.as_str() {
                "flavor" => arguments.flavor = parse_flavor(&value)?,
                "worker_threads" => arguments.worker_threads = Some(value),
                "crate" => arguments.krate = Some(parse_path(value)?),
                _ => {
                    let message = format!(
                        "unknown argument `{text}`; there are `flavor`, `worker_threads` and `crate`"
                    );
                    return Err(Error::new(name.span(), message));
                }
            }
            names.push(name);
        }
        let workers = names
            .iter()
            .find(|name| name.to_string() == "worker_threads");
        match workers {
            Some(name) if arguments.flavor == Flavor::CurrentThread => Err(Error::new(
                name.span(),
                "`worker_threads` needs the flavor of many threads: add `flavor = \"multi_thread\"`",
            )),
            _ => Ok(arguments),
        }
    }
}

/// Splits `name = value`, which may end with a comma and is at least that.
fn name_and_value(argument: &[TokenTree]) -> Result<(Ident, Vec<TokenTree>), Error> {
    let Some(TokenTree::Ident(name)) = argument.first() else {
        let span = argument[0].span();
        return Err(Error::new(span, "expected an argument: `name = value`"));
    };
    let argument = match argument.split_last() {
        Some((last, before)) if is_punct(last, ',') => before,
        _ => argument,
    };
    match argument.get(1) {
        Some(equals) if is_punct(equals, '=') && argument.len() > 2 => {
            Ok((name.clone(), argument[2..].to_vec()))
        }
        _ => {
            let message = match name.to_string().as_str() {
                flavor @ ("multi_thread" | "current_thread") => {
                    format!("the flavor is an argument: write `flavor = \"{flavor}\"`")
                }
                name => format!("`{name}` needs a value: `{name} = value`"),
            };
            Err(Error::new(name.span(), message))
        }
    }
}

/// Reads the value of `flavor`.
fn parse_flavor(value: &[TokenTree]) -> Result<Flavor, Error> {
    match string(value) {
        Some((text, _)) if text == "current_thread" => Ok(Flavor::CurrentThread),
        Some((text, _)) if text == "multi_thread" => Ok(Flavor::MultiThread),
        _ => Err(Error::new(
            value[0].span(),
            "the flavors are \"multi_thread\" and \"current_thread\"",
        )),
    }
}

/// Reads the value of `crate`: a path, in quotes (as other attributes write it) or without.
fn parse_path(value: Vec<TokenTree>) -> Result<Vec<TokenTree>, Error> {
    let span = value[0].span();
    let path: Vec<TokenTree> = match string(&value) {
        Some((text, literal)) => {
            let tokens: TokenStream = text.parse().unwrap_or_default();
            let place = |mut token: TokenTree| {
                token.set_span(literal);
                token
            };
            tokens.into_iter().map(place).collect()
        }
        None => value,
    };
    let is_name = |token: &TokenTree| matches!(token, TokenTree::Ident(_));
    let is_path = path.last().is_some_and(is_name)
        && path
            .iter()
            .all(|token| is_name(token) || is_punct(token, ':'))
        && !path.windows(2).any(|two| two.iter().all(is_name));
    if !is_path {
        return Err(Error::new(span, "expected the path of a crate or module"));
    }
    Ok(path)
}

/// The text and the place of a value that is one plain string.
fn string(value: &[TokenTree]) -> Option<(String, Span)> {
    match value {
        [TokenTree::Literal(literal)] => {
            let text = literal.to_string();
            let text = text.strip_prefix('"')?.strip_suffix('"')?;
            Some((text.to_owned(), literal.span()))
        }
        // A `$flavor:literal` of a `macro_rules!` comes in an invisible group.
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::None => {
            string(&group.stream().into_iter().collect::<Vec<_>>())
        }
        _ => None,
    }
}
