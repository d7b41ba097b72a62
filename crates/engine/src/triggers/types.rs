//! Types of expressions, and whether an expression can be evaluated: what cannot be shown to is refused before it is used.
//!
//! | what | of | gives |
//! |---|---|---|
//! | `&&` `\|\|` `!` | bool | bool |
//! | `c ? a : b` | bool, two of one type | that type |
//! | `==` `!=` | two of one type, or two numbers | bool |
//! | `<` `<=` `>` `>=` | two numbers, or two strings | bool |
//! | `+` `-` `*` `/`, `-x` | two ints or two doubles; never one of each | the same |
//! | `%` | ints | int |
//! | `+` | two strings, two lists of one type | the same |
//! | `in` | a T in a list of T, a string in a map | bool |
//! | `list[int]`, `map[string]`, `map.key`, `has(map.key)` | | the element; bool |
//! | `abs`, `min`, `max` | doubles | double |
//! | `double` | int or double | double |
//! | `size` | string, list, map | int |
//! | `startsWith`, `endsWith`, `contains` | string, string | bool |
//! | `exists`, `all`, `exists_one`, `filter`, `map` | lists, not one within another | |
//!
//! This is the language's own typing but for three things that are left out: values without a type (`dyn`, `null`, maps written out,
//! unsigned numbers, bytes), conversions from and to text, and macros over maps, whose order is not fixed.
//!
//! Left to run time: division of an int by zero, overflow of ints, an index outside a list, a missing key of a map, an order of what is
//! not a number.

use super::variable::{COLUMNS, Variable};
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};
use risk::GroupBy;
use std::collections::BTreeSet;
use std::fmt;

/// Type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A float of 64 bits.
    Double,
    /// Text.
    Text,
    /// A list of one type.
    List(Box<Type>),
    /// By text.
    Map(Box<Type>),
    /// Not known: element of an empty list, or after a mistake that is named already.
    Any,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Double => f.write_str("double"),
            Self::Text => f.write_str("string"),
            Self::List(of) => write!(f, "list of {of}"),
            Self::Map(of) => write!(f, "map of string to {of}"),
            Self::Any => f.write_str("anything"),
        }
    }
}

impl Type {
    /// The type of both, if there is one.
    fn with(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, of) | (of, Self::Any) => Some(of.clone()),
            (Self::List(a), Self::List(b)) => a.with(b).map(|of| Self::List(Box::new(of))),
            (a, b) => (a == b).then(|| a.clone()),
        }
    }

    const fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Double | Self::Any)
    }
}

/// Functions of expressions, for messages.
pub(super) const FUNCTIONS: &str = "abs(double), min(double, double), max(double, double), double(int), size(string, list or map), \
     TEXT.startsWith(TEXT), TEXT.endsWith(TEXT), TEXT.contains(TEXT), LIST.exists(x, bool), LIST.all(x, bool), \
     LIST.exists_one(x, bool), LIST.filter(x, bool), LIST.map(x, value), has(MAP.key)";

/// What is wrong with one node.
pub(super) struct Fault {
    pub(super) node: u64,
    pub(super) rule: String,
}

/// Types an expression and finds every mistake in it.
pub(super) struct Checker<'a> {
    each: &'a [GroupBy],
    /// Names that macros bind, innermost last.
    bound: Vec<(String, Type)>,
    pub(super) reads: BTreeSet<Variable>,
    pub(super) faults: Vec<Fault>,
}

impl<'a> Checker<'a> {
    pub(super) const fn new(each: &'a [GroupBy]) -> Self {
        Self { each, bound: Vec::new(), reads: BTreeSet::new(), faults: Vec::new() }
    }

    fn fault(&mut self, node: u64, rule: String) -> Type {
        self.faults.push(Fault { node, rule });
        Type::Any
    }

    pub(super) fn type_of(&mut self, node: &IdedExpr) -> Type {
        match &node.expr {
            Expr::Literal(literal) => self.literal(node.id, literal),
            Expr::Ident(name) => self.name(node.id, name),
            Expr::Call(call) => self.call(node.id, call),
            Expr::Select(select) => self.select(node.id, select),
            Expr::List(list) => {
                let mut of = Type::Any;
                for element in &list.elements {
                    let found = self.type_of(element);
                    match of.with(&found) {
                        Some(both) => of = both,
                        None => {
                            self.fault(
                                element.id,
                                format!("a list is of one type: this is {} in a list of {of}", a(&found)),
                            );
                        }
                    }
                }
                Type::List(Box::new(of))
            }
            Expr::Comprehension(comprehension) => self.comprehension(node.id, comprehension),
            Expr::Map(_) | Expr::Struct(_) => {
                self.fault(node.id, "maps and structs are not written out in a trigger".into())
            }
            Expr::Unspecified => self.fault(node.id, "an expression".into()),
        }
    }

    fn literal(&mut self, node: u64, literal: &LiteralValue) -> Type {
        match literal {
            LiteralValue::Boolean(_) => Type::Bool,
            LiteralValue::Double(_) => Type::Double,
            LiteralValue::Int(_) => Type::Int,
            LiteralValue::String(_) => Type::Text,
            LiteralValue::UInt(_) => {
                self.fault(node, "unsigned numbers are not used here: write it without the u".into())
            }
            LiteralValue::Bytes(_) | LiteralValue::Null => self
                .fault(node, "bytes and null are not used here: nothing that can be read is either".into()),
        }
    }

    fn name(&mut self, node: u64, name: &str) -> Type {
        if let Some((_, bound)) = self.bound.iter().rev().find(|(of, _)| of == name) {
            return bound.clone();
        }
        match Variable::named(name) {
            Some(variable) if variable.is_of_margin() && !self.each.iter().all(is_of_account) => self.fault(
                node,
                format!("{name} is of accounts: each may have account and venue, no other column"),
            ),
            Some(Variable::Column(column)) if !self.each.contains(&column) => {
                let rule = format!("{name} is known in a trigger for each {name}: add it to each");
                self.fault(node, rule)
            }
            Some(variable) => {
                self.reads.insert(variable);
                variable.type_of()
            }
            None => {
                let known = self.known();
                self.fault(node, format!("there is no variable {name}; there are {known}"))
            }
        }
    }

    fn known(&self) -> String {
        let others = COLUMNS.into_iter().filter(|column| !self.each.contains(column));
        let others: BTreeSet<&str> = others.map(GroupBy::word).collect();
        let names: Vec<&str> =
            Variable::all().map(Variable::name).filter(|name| !others.contains(name)).collect();
        names.join(", ")
    }

    fn select(&mut self, node: u64, select: &SelectExpr) -> Type {
        match self.type_of(&select.operand) {
            Type::Map(_) if select.test => Type::Bool,
            Type::Map(of) => *of,
            Type::Any => Type::Any,
            other => self.fault(node, format!(".{} is of a map; this is {}", select.field, a(&other))),
        }
    }

    fn call(&mut self, node: u64, call: &CallExpr) -> Type {
        // A target is the first argument: size(x) and x.size() are one function.
        let of: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let types: Vec<Type> = of.iter().map(|argument| self.type_of(argument)).collect();
        let is_method = call.target.is_some();
        match (call.func_name.as_str(), &types[..], is_method) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, _, false) => {
                self.all_bool(&of, &types);
                Type::Bool
            }
            (operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE, [_], false) => {
                self.all_bool(&of, &types);
                Type::Bool
            }
            (operators::CONDITIONAL, [condition, yes, no], false) => {
                if let Some(first) = of.first() {
                    self.all_bool(&[first], std::slice::from_ref(condition));
                }
                yes.with(no).unwrap_or_else(|| {
                    self.fault(
                        node,
                        format!("both sides of ? : are of one type: these are {} and {}", a(yes), a(no)),
                    )
                })
            }
            (operators::NEGATE, [one], false) if one.is_number() => one.clone(),
            (operators::INDEX, [container, key], false) => self.index(node, container, key),
            (operators::IN, [one, container], false) => self.contained(node, one, container),
            (name, [a, b], false) if is_operator(name) => self.operator(node, name, (a, b)),
            (name, types, _) if is_operator(name) => {
                let types = listed(types);
                self.fault(node, format!("{} is not of {types}", sign(name)))
            }
            (name, types, is_method) => self.function(node, (name, is_method), types),
        }
    }

    fn all_bool(&mut self, of: &[&IdedExpr], types: &[Type]) {
        for (argument, found) in of.iter().zip(types) {
            if Type::Bool.with(found).is_none() {
                self.fault(argument.id, format!("a bool: this is {}", a(found)));
            }
        }
    }

    fn operator(&mut self, node: u64, name: &str, (left, right): (&Type, &Type)) -> Type {
        let both = left.with(right);
        let numbers = left.is_number() && right.is_number();
        match name {
            operators::EQUALS | operators::NOT_EQUALS => match both {
                Some(Type::Map(_)) | None if !numbers => {}
                _ => return Type::Bool,
            },
            operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
                if numbers || matches!(both, Some(Type::Text)) {
                    return Type::Bool;
                }
            }
            operators::MODULO => {
                if matches!(both, Some(Type::Int | Type::Any)) {
                    return Type::Int;
                }
            }
            operators::ADD => {
                if let Some(of @ (Type::Int | Type::Double | Type::Any | Type::Text | Type::List(_))) = both {
                    return of;
                }
            }
            _ => {
                if let Some(of @ (Type::Int | Type::Double | Type::Any)) = both {
                    return of;
                }
            }
        }
        let sign = sign(name);
        let how = if numbers && left != right { ": write 2.0 for 2, or double(x)" } else { "" };
        self.fault(node, format!("{sign} is not of {} and {}{how}", a(left), a(right)))
    }

    fn index(&mut self, node: u64, container: &Type, key: &Type) -> Type {
        match (container, key) {
            (Type::Any, _) => Type::Any,
            (Type::List(of), Type::Int | Type::Any) | (Type::Map(of), Type::Text | Type::Any) => {
                (**of).clone()
            }
            (Type::List(_), _) => self.fault(node, format!("a list is read by an int; this is {}", a(key))),
            (Type::Map(_), _) => self.fault(node, format!("a map is read by a string; this is {}", a(key))),
            _ => self.fault(node, format!("[ ] is of a list or a map; this is {}", a(container))),
        }
    }

    fn contained(&mut self, node: u64, one: &Type, container: &Type) -> Type {
        let fits = match container {
            Type::List(of) => one.with(of).is_some(),
            Type::Map(_) => Type::Text.with(one).is_some(),
            Type::Any => true,
            _ => false,
        };
        if !fits {
            self.fault(node, format!("{} is not in {}", a(one), a(container)));
        }
        Type::Bool
    }

    fn function(&mut self, node: u64, (name, is_method): (&str, bool), types: &[Type]) -> Type {
        let doubles = |wanted: usize| {
            types.len() == wanted && types.iter().all(|found| Type::Double.with(found).is_some())
        };
        let (fits, gives, form) = match (name, is_method) {
            ("abs", false) => (doubles(1), Type::Double, "abs(double)"),
            ("min", false) => (doubles(2), Type::Double, "min(double, double)"),
            ("max", false) => (doubles(2), Type::Double, "max(double, double)"),
            ("double", false) => (matches!(types, [one] if one.is_number()), Type::Double, "double(int)"),
            ("size", _) => {
                let has_size =
                    |of: &Type| matches!(of, Type::Text | Type::List(_) | Type::Map(_) | Type::Any);
                (matches!(types, [one] if has_size(one)), Type::Int, "size(string), size(list) or size(map)")
            }
            ("startsWith" | "endsWith" | "contains", true) => {
                let texts = types.len() == 2 && types.iter().all(|of| Type::Text.with(of).is_some());
                (texts, Type::Bool, "of a string and a string, such as account.startsWith(\"desk\")")
            }
            _ => {
                return self.fault(node, format!("there is no function {name}; there are {FUNCTIONS}"));
            }
        };
        if fits {
            return gives;
        }
        let wrong = listed(types);
        let how = if types.contains(&Type::Int) && gives == Type::Double {
            "; write 2.0 for 2, or double(x)"
        } else {
            ""
        };
        self.fault(node, format!("{name} is {form}, not of {wrong}{how}"))
    }

    /// A macro over a list. Its parts are expressions of the language in turn, with the element and the sum so far as names.
    fn comprehension(&mut self, node: u64, of: &ComprehensionExpr) -> Type {
        if !self.bound.is_empty() {
            return self
                .fault(node, "a macro within a macro may take too long: there is one at a time".into());
        }
        if of.iter_var2.is_some() {
            return self.fault(node, "macros bind one name".into());
        }
        let element = match self.type_of(&of.iter_range) {
            Type::List(element) => *element,
            Type::Any => Type::Any,
            other => {
                return self
                    .fault(node, format!("macros go over lists, in their order; this is {}", a(&other)));
            }
        };
        let first = self.type_of(&of.accu_init);
        self.bound.push((of.iter_var.clone(), element));
        self.bound.push((of.accu_var.clone(), first.clone()));
        let condition = self.type_of(&of.loop_cond);
        self.all_bool(&[&of.loop_cond], &[condition]);
        let step = self.type_of(&of.loop_step);
        let both = first.with(&step);
        if both.is_none() {
            self.fault(of.loop_step.id, format!("{} cannot go on as {}", a(&first), a(&step)));
        }
        self.bound.pop();
        self.bound.push((of.accu_var.clone(), both.unwrap_or(Type::Any)));
        let result = self.type_of(&of.result);
        self.bound.clear();
        result
    }
}

/// With its article.
pub(super) fn a(of: &Type) -> String {
    if *of == Type::Int { format!("an {of}") } else { format!("a {of}") }
}

fn listed(types: &[Type]) -> String {
    let words: Vec<String> = types.iter().map(a).collect();
    if words.is_empty() { "nothing".into() } else { words.join(" and ") }
}

const BINARY: [&str; 11] = [
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::LESS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
    operators::ADD,
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
];

fn is_operator(name: &str) -> bool {
    BINARY.contains(&name) || name == operators::NEGATE
}

/// An operator as it is written.
fn sign(name: &str) -> &str {
    name.trim_matches('_')
}

const fn is_of_account(column: &GroupBy) -> bool {
    matches!(column, GroupBy::Account | GroupBy::Venue)
}
