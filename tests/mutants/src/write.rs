//! Writes the mutants of a file into its source. Each mutant checks at run time whether it is the one that is
//! switched on.

use crate::find::{Form, Mutant};
use std::fmt::Write;
use std::ops::Range;

/// The source with mutants in it, and where each of them is.
pub struct Written {
    pub source: String,
    /// For each mutant: the bytes of its own code, and the bytes of the place that it shares with others.
    pub places: Vec<Place>,
}

pub struct Place {
    pub number: usize,
    pub own: Range<usize>,
    pub shared: Range<usize>,
}

/// The source with all these mutants, each with its number.
pub fn write(source: &str, mutants: &[(usize, &Mutant)]) -> Written {
    let mut sites: Vec<Site> = Vec::new();
    for &(number, mutant) in mutants.iter().filter(|(_, mutant)| mutant.form != Form::Constant) {
        let site = sites.iter_mut().find(|site| site.form == mutant.form && site.range == mutant.range);
        match site {
            Some(site) => site.mutants.push((number, mutant)),
            None => sites.push(Site {
                form: mutant.form,
                range: mutant.range.clone(),
                mutants: vec![(number, mutant)],
            }),
        }
    }
    // Outer sites come before those inside them. If a site has the range of another one, a guard is outside.
    sites.sort_by_key(|site| (site.range.start, usize::MAX - site.range.end, site.form != Form::Arm));
    let mut writer = Writer { source, sites: &sites, next: 0, out: String::new(), places: Vec::new() };
    writer.copy(0..source.len());
    Written { source: writer.out, places: writer.places }
}

/// The source with only this mutant, as a build of its own has it.
pub fn write_one(source: &str, mutant: &Mutant) -> String {
    let (before, after) = (&source[..mutant.range.start], &source[mutant.range.end..]);
    format!("{before}({}){after}", mutant.replacement)
}

struct Site<'a> {
    form: Form,
    range: Range<usize>,
    mutants: Vec<(usize, &'a Mutant)>,
}

struct Writer<'a> {
    source: &'a str,
    sites: &'a [Site<'a>],
    next: usize,
    out: String,
    places: Vec<Place>,
}

impl<'a> Writer<'a> {
    /// Copies a part of the source, with the sites that are inside it.
    fn copy(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while let Some(site) = self.sites.get(self.next).filter(|site| site.range.end <= range.end) {
            self.next += 1;
            self.out.push_str(&self.source[at..site.range.start]);
            self.site(site);
            at = site.range.end;
        }
        self.out.push_str(&self.source[at..range.end]);
    }

    fn site(&mut self, site: &'a Site<'a>) {
        let start = self.out.len();
        let first = self.places.len();
        match site.form {
            Form::Expression => {
                self.out.push('(');
                for (number, mutant) in &site.mutants {
                    self.alternative(*number, &mutant.replacement);
                    self.out.push_str(" else ");
                }
                self.out.push_str("{ ");
                self.copy(site.range.clone());
                self.out.push_str(" })");
            }
            Form::Statement => {
                for (number, _) in &site.mutants {
                    self.alternative(*number, "");
                }
                self.out.push_str(" else { ");
                self.copy(site.range.clone());
                self.out.push_str(" }");
            }
            Form::Entry => {
                for (number, mutant) in &site.mutants {
                    self.out.push(' ');
                    self.alternative(*number, &format!("return {};", mutant.replacement));
                }
            }
            Form::Arm => {
                let numbers =
                    site.mutants.iter().map(|(number, _)| format!("!crate::mutants::is_on({number})"));
                let conditions = numbers.collect::<Vec<_>>().join(" && ");
                if site.range.is_empty() {
                    self.out.push_str(" if ");
                    self.out.push_str(&conditions);
                } else {
                    self.out.push_str(&conditions);
                    self.out.push_str(" && (");
                    self.copy(site.range.clone());
                    self.out.push(')');
                }
                for (number, _) in &site.mutants {
                    self.places.push(Place { number: *number, own: start..start, shared: start..start });
                }
            }
            Form::Constant => unreachable!("it has a build of its own"),
        }
        let end = self.out.len();
        let numbers: Vec<usize> = site.mutants.iter().map(|(number, _)| *number).collect();
        for place in &mut self.places[first..] {
            if numbers.contains(&place.number) {
                place.shared = start..end;
            }
        }
    }

    fn alternative(&mut self, number: usize, text: &str) {
        let start = self.out.len();
        let _ = write!(self.out, "if crate::mutants::is_on({number}) {{ {text}\n}}");
        self.places.push(Place { number, own: start..self.out.len(), shared: 0..0 });
    }
}
