//! Plants the mutants of one file, each behind its switch.

use std::collections::BTreeMap;
use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::Mutant;

/// What is done at one place.
struct Edit {
    /// The text that is wrapped; empty for an insertion.
    place: Range<usize>,
    /// What is put in, by the number of the switch.
    variants: Vec<(u32, String)>,
}

/// A file with its mutants.
pub struct Planted {
    /// The new text.
    pub text: String,
    /// Where in the new text each mutant is, to find which one an error of the compiler is about.
    pub places: Vec<(u32, Range<usize>)>,
    /// Those that have found no place.
    pub left: Vec<u32>,
}

/// Plants `mutants`, all of this file.
pub fn plant(source: &str, mutants: &[&Mutant]) -> Planted {
    let file = syn::parse_file(source).expect("the file is Rust");
    let mut wanted: BTreeMap<(String, usize), Vec<&Mutant>> = BTreeMap::new();
    for mutant in mutants {
        let key = (mutant.genre.clone(), offset(source, mutant.start));
        wanted.entry(key).or_default().push(mutant);
    }
    let mut finder = Finder {
        source,
        wanted,
        edits: Vec::new(),
        constant: 0,
    };
    finder.visit_file(&file);
    let mut edits = finder.edits;
    // What encloses comes before what is inside; an insertion before what begins at the same place.
    edits.sort_by_key(|edit| {
        (
            edit.place.start,
            !edit.place.is_empty(),
            usize::MAX - edit.place.end,
        )
    });
    let mut planted = Planted {
        text: String::new(),
        places: Vec::new(),
        left: finder
            .wanted
            .values()
            .flatten()
            .map(|mutant| mutant.number)
            .collect(),
    };
    render(source, &edits, 0..source.len(), &mut planted);
    planted
}

/// The byte at a line and column, both from 1.
fn offset(source: &str, (line, column): (usize, usize)) -> usize {
    let start: usize = source
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let rest = &source[start..];
    start
        + rest
            .char_indices()
            .nth(column - 1)
            .map_or(rest.len(), |(at, _)| at)
}

/// Writes a range of the source with the edits in it.
fn render(source: &str, edits: &[Edit], range: Range<usize>, planted: &mut Planted) {
    let mut at = range.start;
    let mut rest = edits;
    while let Some((edit, behind)) = rest.split_first() {
        let place = &edit.place;
        planted.text.push_str(&source[at..place.start]);
        let wraps = !place.is_empty();
        if wraps {
            planted.text.push('(');
        }
        for (number, text) in &edit.variants {
            let start = planted.text.len();
            if wraps {
                let on = format!("if crate::switches::on({number}) {{ {text} }} else ");
                planted.text.push_str(&on);
            } else {
                planted.text.push_str(text);
            }
            planted.places.push((*number, start..planted.text.len()));
        }
        let inside = behind
            .iter()
            .take_while(|next| next.place.start < place.end)
            .count();
        let (inside, behind) = behind.split_at(inside);
        if wraps {
            planted.text.push_str("{ ");
            render(source, inside, place.clone(), planted);
            planted.text.push_str(" })");
        }
        (at, rest) = (place.end, behind);
    }
    planted.text.push_str(&source[at..range.end]);
}

/// Goes through the syntax tree and makes the edits.
struct Finder<'a> {
    /// The file.
    source: &'a str,
    /// By genre and place. What is left at the end has found no place.
    wanted: BTreeMap<(String, usize), Vec<&'a Mutant>>,
    /// What is to be done.
    edits: Vec<Edit>,
    /// How many constants are around: a switch cannot be asked there.
    constant: usize,
}

impl Finder<'_> {
    /// Makes an edit at `place` of the mutants whose span begins at `start`.
    fn edit(
        &mut self,
        genre: &str,
        start: usize,
        place: Range<usize>,
        text: impl Fn(&Mutant) -> String,
    ) {
        if self.constant > 0 {
            return;
        }
        if let Some(mutants) = self.wanted.remove(&(genre.to_owned(), start)) {
            let variants = mutants
                .iter()
                .map(|mutant| (mutant.number, text(mutant)))
                .collect();
            self.edits.push(Edit { place, variants });
        }
    }

    /// The text of a piece of syntax.
    fn text(&self, span: Span) -> &'static str {
        // The tool runs once over a hundred files: that may stay.
        String::leak(self.source[span.byte_range()].to_owned())
    }

    /// The body of a function: it returns at once.
    fn body(&mut self, block: &syn::Block) {
        if let Some(first) = block.stmts.first() {
            let start = first.span().byte_range().start;
            self.edit("FnValue", start, start..start, |mutant| {
                let (number, value) = (mutant.number, &mutant.replacement);
                format!("if crate::switches::on({number}) {{ return {value}; }} ")
            });
        }
    }

    /// Visits what is a constant.
    fn constant(&mut self, visit: impl FnOnce(&mut Self)) {
        self.constant += 1;
        visit(self);
        self.constant -= 1;
    }

    /// Visits a function.
    fn function(
        &mut self,
        sig: &syn::Signature,
        block: &syn::Block,
        visit: impl FnOnce(&mut Self),
    ) {
        let constant = usize::from(sig.constness.is_some());
        self.constant += constant;
        self.body(block);
        visit(self);
        self.constant -= constant;
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block, |this| {
            visit::visit_item_fn(this, item)
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block, |this| {
            visit::visit_impl_item_fn(this, item)
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block, |this| {
                visit::visit_trait_item_fn(this, item)
            });
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        // That is compiled for the models alone: the tests do not know it.
        let is_loom = |attribute: &syn::Attribute| match &attribute.meta {
            syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "loom",
            _ => false,
        };
        let constant = usize::from(item.attrs.iter().any(is_loom));
        self.constant += constant;
        visit::visit_item_impl(self, item);
        self.constant -= constant;
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.constant(|this| visit::visit_item_const(this, item));
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.constant(|this| visit::visit_item_static(this, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.constant(|this| visit::visit_impl_item_const(this, item));
    }

    fn visit_expr_const(&mut self, item: &'ast syn::ExprConst) {
        self.constant(|this| visit::visit_expr_const(this, item));
    }

    fn visit_type_array(&mut self, item: &'ast syn::TypeArray) {
        self.constant(|this| visit::visit_type_array(this, item));
    }

    fn visit_expr_repeat(&mut self, item: &'ast syn::ExprRepeat) {
        self.visit_expr(&item.expr);
        self.constant(|this| this.visit_expr(&item.len));
    }

    fn visit_expr_binary(&mut self, item: &'ast syn::ExprBinary) {
        let (left, right) = (self.text(item.left.span()), self.text(item.right.span()));
        let operator = item.op.span().byte_range().start;
        self.edit(
            "BinaryOperator",
            operator,
            item.span().byte_range(),
            |mutant| {
                let operator = &mutant.replacement;
                // The left side of an assignment is a place: not in parentheses.
                if operator.ends_with('=') && !["==", "!=", "<=", ">="].contains(&operator.as_str())
                {
                    format!("{left} {operator} {right}")
                } else {
                    format!("({left}) {operator} ({right})")
                }
            },
        );
        visit::visit_expr_binary(self, item);
    }

    fn visit_expr_unary(&mut self, item: &'ast syn::ExprUnary) {
        let operand = self.text(item.expr.span());
        let place = item.span().byte_range();
        self.edit("UnaryOperator", place.start, place.clone(), |_| {
            operand.to_owned()
        });
        visit::visit_expr_unary(self, item);
    }

    fn visit_arm(&mut self, item: &'ast syn::Arm) {
        let start = item.span().byte_range().start;
        if let Some((_, guard)) = &item.guard {
            let place = guard.span().byte_range();
            self.edit("MatchArm", start, place.clone(), |_| "false".to_owned());
            self.edit("MatchArmGuard", place.start, place.clone(), |mutant| {
                mutant.replacement.clone()
            });
        } else {
            let end = item.pat.span().byte_range().end;
            self.edit("MatchArm", start, end..end, |mutant| {
                format!(" if !crate::switches::on({})", mutant.number)
            });
        }
        visit::visit_arm(self, item);
    }
}
