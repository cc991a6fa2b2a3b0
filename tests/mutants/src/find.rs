//! Finds the places in one source file that a mutant can change.

use crate::operators::{defaults, other_method, others};
use proc_macro2::Span;
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprLit, Lit, Pat, Stmt, Type, UnOp};

/// How a mutant is written into the source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Form {
    /// Another expression takes the place of an expression.
    Expression,
    /// The statement is left out.
    Statement,
    /// A function returns at its start. The range is empty.
    Entry,
    /// An arm of a `match` is skipped, by a guard in front of `=>`. The range is that of the guard's
    /// condition, or empty behind the pattern.
    Arm,
    /// An expression that the compiler evaluates. It needs a build of its own.
    Constant,
}

/// One change of the source.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// The function or constant that contains the change.
    pub within: String,
    /// Whether the change deletes a `return`, `break` or `continue`.
    pub diverges: bool,
    pub form: Form,
    pub range: Range<usize>,
    pub original: String,
    pub replacement: String,
}

impl Mutant {
    /// The change as one line of text.
    pub fn change(&self) -> String {
        let shorten = |text: &str| {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if text.chars().count() <= 70 {
                return text;
            }
            let end: Vec<char> = text.chars().collect();
            format!("{} .. {}", String::from_iter(&end[..35]), String::from_iter(&end[end.len() - 31..]))
        };
        match self.form {
            Form::Entry => format!("return {} at once", shorten(&self.replacement)),
            Form::Statement => format!("delete {}", shorten(&self.original)),
            Form::Arm => format!("skip arm {}", shorten(&self.original)),
            _ => format!("{} -> {}", shorten(&self.original), shorten(&self.replacement)),
        }
    }

    /// What stays the same if lines move: the key in lists of results.
    pub fn key(&self) -> String {
        format!("{}\t{}\t{}", self.file, self.within, self.change())
    }
}

/// All mutants of a file. `file` is its path from the root of the repository.
pub fn mutants(file: &str, source: &str) -> Vec<Mutant> {
    let syntax = syn::parse_file(source).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut finder = Finder {
        file,
        source,
        within: Vec::new(),
        is_constant: false,
        has_to_diverge: false,
        found: Vec::new(),
    };
    finder.visit_file(&syntax);
    finder.found
}

struct Finder<'a> {
    file: &'a str,
    source: &'a str,
    within: Vec<String>,
    is_constant: bool,
    has_to_diverge: bool,
    found: Vec<Mutant>,
}

impl Finder<'_> {
    fn text(&self, span: Span) -> &str {
        &self.source[span.byte_range()]
    }

    fn add(&mut self, form: Form, range: Range<usize>, original: String, replacement: String) {
        let form = match form {
            Form::Expression if self.is_constant => Form::Constant,
            _ if self.is_constant => return,
            form => form,
        };
        let before = &self.source[..range.start];
        self.found.push(Mutant {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: range.start - before.rfind('\n').map_or(0, |at| at + 1) + 1,
            within: self.within.join("::"),
            diverges: false,
            form,
            range,
            original,
            replacement,
        });
    }

    fn replace(&mut self, what: Span, replacement: String) {
        let original = self.text(what).to_owned();
        self.add(Form::Expression, what.byte_range(), original, replacement);
    }

    /// The text of `whole` with another text in the place of `part`.
    fn with(&self, whole: Span, part: Span, replacement: &str) -> String {
        let (whole, part) = (whole.byte_range(), part.byte_range());
        format!("{}{replacement}{}", &self.source[whole.start..part.start], &self.source[part.end..whole.end])
    }

    fn binary(&mut self, expr: &syn::ExprBinary) {
        if contains_let(&expr.left) || contains_let(&expr.right) {
            self.condition(&expr.left);
            self.condition(&expr.right);
            return;
        }
        for other in others(&expr.op) {
            self.replace(expr.span(), self.with(expr.span(), expr.op.span(), other));
        }
        if matches!(expr.op, BinOp::And(_) | BinOp::Or(_)) {
            self.condition(&expr.left);
            self.condition(&expr.right);
        }
    }

    /// A condition that no other change negates.
    fn condition(&mut self, expr: &Expr) {
        let is_negated_elsewhere = match expr {
            Expr::Binary(binary) => !others(&binary.op).is_empty(),
            Expr::Unary(unary) => matches!(unary.op, UnOp::Not(_)),
            Expr::Macro(_) | Expr::Let(_) | Expr::Lit(_) => true,
            _ => false,
        };
        if !is_negated_elsewhere && !contains_let(expr) {
            self.replace(expr.span(), format!("!({})", self.text(expr.span())));
        }
    }

    fn literal(&mut self, expr: &ExprLit) {
        let text = self.text(expr.span()).to_owned();
        match &expr.lit {
            Lit::Bool(value) => self.replace(expr.span(), (!value.value).to_string()),
            Lit::Int(value) => {
                self.replace(expr.span(), format!("{text} + 1"));
                if value.base10_parse::<u128>().is_ok_and(|value| value > 0) {
                    self.replace(expr.span(), format!("{text} - 1"));
                }
            }
            Lit::Byte(_) => {
                self.replace(expr.span(), format!("{text} + 1"));
                self.replace(expr.span(), format!("{text} - 1"));
            }
            _ => {}
        }
    }

    fn bound(&mut self, expr: &Expr) {
        if !matches!(expr, Expr::Lit(_)) && !is_constant_name(expr) {
            let text = self.text(expr.span()).to_owned();
            self.replace(expr.span(), format!("({text}) + 1"));
            self.replace(expr.span(), format!("({text}) - 1"));
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let start = block.brace_token.span.open().byte_range().end;
        if block.stmts.is_empty() {
            return;
        }
        for &value in defaults(&signature.output) {
            self.add(Form::Entry, start..start, String::new(), value.to_owned());
        }
    }

    fn inside(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.within.push(name);
        visit(self);
        self.within.pop();
    }

    fn constant(&mut self, name: &syn::Ident, expr: &Expr) {
        let before = std::mem::replace(&mut self.is_constant, true);
        self.inside(name.to_string(), |this| this.visit_expr(expr));
        self.is_constant = before;
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Binary(binary) => self.binary(binary),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
                self.replace(unary.span(), self.text(unary.expr.span()).to_owned());
            }
            Expr::If(branch) => self.condition(&branch.cond),
            Expr::While(repeat) => self.condition(&repeat.cond),
            Expr::Lit(literal) => self.literal(literal),
            Expr::Macro(call) if call.mac.path.is_ident("matches") => {
                self.replace(expr.span(), format!("!{}", self.text(expr.span())));
            }
            Expr::MethodCall(call) => {
                if let Some(other) = other_method(&call.method.to_string()) {
                    self.replace(call.span(), self.with(call.span(), call.method.span(), other));
                }
            }
            Expr::Range(range) => {
                range.start.iter().chain(&range.end).for_each(|bound| self.bound(bound));
            }
            Expr::Match(choice) if ends_with_catch_all(choice) => {
                for arm in &choice.arms[..choice.arms.len() - 1] {
                    let pattern = self.text(arm.pat.span()).to_owned();
                    let range = match &arm.guard {
                        Some((_, guard)) if contains_let(guard) => continue,
                        Some((_, guard)) => guard.span().byte_range(),
                        None => {
                            let end = arm.pat.span().byte_range().end;
                            end..end
                        }
                    };
                    self.add(Form::Arm, range, pattern, String::new());
                }
            }
            Expr::Path(_) if is_constant_name(expr) => {
                let text = self.text(expr.span()).to_owned();
                self.replace(expr.span(), format!("{text} + 1"));
                self.replace(expr.span(), format!("{text} - 1"));
            }
            Expr::Repeat(repeat) => return self.visit_expr(&repeat.expr),
            Expr::Const(_) => return,
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Some((_, guard)) = &arm.guard {
            self.condition(guard);
        }
        visit::visit_arm(self, arm);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let Some(init) = &local.init else { return };
        self.visit_expr(&init.expr);
        // The block behind the `else` of a `let` has to leave the function or the loop, so no statement is
        // deleted.
        if let Some((_, diverge)) = &init.diverge {
            let before = std::mem::replace(&mut self.has_to_diverge, true);
            self.visit_expr(diverge);
            self.has_to_diverge = before;
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Expr(expr, Some(_)) = statement {
            let is_change = match expr {
                Expr::Binary(binary) => others(&binary.op).len() == 1,
                Expr::Assign(_) | Expr::Call(_) | Expr::MethodCall(_) | Expr::Try(_) => true,
                Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => !self.has_to_diverge,
                _ => false,
            };
            if is_change {
                let original = self.text(statement.span()).to_owned();
                self.add(Form::Statement, statement.span().byte_range(), original, String::new());
                let diverges = matches!(expr, Expr::Return(_) | Expr::Break(_) | Expr::Continue(_));
                if let Some(added) = self.found.last_mut() {
                    added.diverges = diverges;
                }
            }
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_left_out(&item.attrs) {
            self.inside(item.sig.ident.to_string(), |this| {
                this.function(&item.sig, &item.block);
                visit::visit_block(this, &item.block);
            });
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_left_out(&item.attrs) {
            self.inside(item.sig.ident.to_string(), |this| {
                this.function(&item.sig, &item.block);
                visit::visit_block(this, &item.block);
            });
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let Some(block) = &item.default else { return };
        if !is_left_out(&item.attrs) {
            self.inside(item.sig.ident.to_string(), |this| {
                this.function(&item.sig, block);
                visit::visit_block(this, block);
            });
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if is_left_out(&item.attrs) {
            return;
        }
        let Type::Path(path) = &*item.self_ty else { return visit::visit_item_impl(self, item) };
        let name = path.path.segments.last().map_or_else(String::new, |last| last.ident.to_string());
        self.inside(name, |this| visit::visit_item_impl(this, item));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_left_out(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if !is_left_out(&item.attrs) {
            self.constant(&item.ident, &item.expr);
        }
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.constant(&item.ident, &item.expr);
    }

    fn visit_trait_item_const(&mut self, item: &'ast syn::TraitItemConst) {
        if let Some((_, expr)) = &item.default {
            self.constant(&item.ident, expr);
        }
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.constant(&item.ident, &item.expr);
    }

    // Code in these places is no run-time code.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}
    fn visit_type(&mut self, _: &'ast Type) {}
    fn visit_path_arguments(&mut self, _: &'ast syn::PathArguments) {}
    fn visit_angle_bracketed_generic_arguments(&mut self, _: &'ast syn::AngleBracketedGenericArguments) {}
    fn visit_generics(&mut self, _: &'ast syn::Generics) {}
    fn visit_variant(&mut self, _: &'ast syn::Variant) {}
}

fn ends_with_catch_all(choice: &syn::ExprMatch) -> bool {
    choice.arms.last().is_some_and(|arm| {
        arm.guard.is_none()
            && match &arm.pat {
                Pat::Wild(_) => true,
                Pat::Ident(name) => {
                    name.subpat.is_none()
                        && name.ident.to_string().starts_with(|first: char| first.is_lowercase())
                }
                _ => false,
            }
    })
}

fn is_constant_name(expr: &Expr) -> bool {
    let Expr::Path(path) = expr else { return false };
    path.path.segments.last().is_some_and(|last| {
        let name = last.ident.to_string();
        // `EMPTY` is a value of any storage, and no number.
        name.len() > 1
            && name != "EMPTY"
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    })
}

fn contains_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => contains_let(&binary.left) || contains_let(&binary.right),
        Expr::Paren(inner) => contains_let(&inner.expr),
        _ => false,
    }
}

/// Whether no build for the host contains the item: `defmt` needs a target of its own.
fn is_left_out(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && {
            let condition = quote::quote!(#attribute).to_string().replace(' ', "");
            condition.contains("defmt") || condition.contains("not(target_pointer_width=\"64\")")
        }
    })
}
