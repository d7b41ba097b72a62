//! An expression of a trigger: read, typed, evaluated.
//!
//! The language is CEL, the [Common Expression Language](https://cel.dev), as crate `cel` reads and evaluates it; what it lacks is in
//! [`super::types`]. An expression has no clock, no randomness and no text made of numbers, so that it gives one result for one state of
//! the engine on every machine: floats are added, subtracted, multiplied, divided and compared, nothing else.
//!
//! Bounds: 4096 characters of ASCII, 500 nodes, 24 brackets within each other, a tree 64 deep, one macro at a time.

use super::types::{Checker, Fault, Type, a};
use super::variable::Variable;
use cel::common::ast::{EntryExpr, Expr, IdedExpr, SourceInfo, operators};
use cel::common::types::{CelDouble, DOUBLE_TYPE};
use cel::common::value::CowVal;
use cel::parser::PrattParser;
use cel::{Context, Env, ExecutionError, ParseErrors, Value};
use risk::GroupBy;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock};
use units::Fixed;

const MOST_CHARACTERS: usize = 4096;
const MOST_NODES: usize = 500;
const MOST_BRACKETS: u16 = 24;
const MOST_DEEP: usize = 64;

/// A checked expression that is true or false.
///
/// ```
/// use engine::{Expression, Variable};
/// use risk::{GroupBy, Measure};
/// let each = [GroupBy::Account];
/// let when = Expression::compile("account != 'test' && value_usd < -100000.0", &each).map_err(|_| "mistakes")?;
/// assert!(when.reads().contains(&Variable::Figure(Measure::Value)));
/// // A mistake is found before it matters, with its place.
/// let mistakes = Expression::compile("value_usd < -100000.0 && delta > 1.0", &each).unwrap_err();
/// assert_eq!((mistakes[0].line, mistakes[0].column), (1, 26));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    tree: IdedExpr,
    reads: BTreeSet<Variable>,
}

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column of the line, from 1.
    pub column: usize,
    /// The rule that it breaks.
    pub rule: String,
}

/// The value of a variable.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Figure(Fixed),
    Number(f64),
    Count(usize),
    Text(String),
    Texts(Vec<String>),
    Numbers(BTreeMap<String, f64>),
}

impl fmt::Display for Seen {
    /// Short, for one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Figure(figure) => f.write_str(&figure.to_decimal_text(2)),
            Self::Number(number) => write!(f, "{number}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Text(text) => f.write_str(text),
            Self::Texts(texts) => write!(f, "[{}]", texts.join(", ")),
            Self::Numbers(of) => write!(f, "of {}", of.len()),
        }
    }
}

impl From<Seen> for Value {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::Figure(figure) => Self::Float(figure.to_f64()),
            Seen::Number(number) => Self::Float(number),
            Seen::Count(count) => Self::Int(i64::try_from(count).unwrap_or(i64::MAX)),
            Seen::Text(text) => text.into(),
            Seen::Texts(texts) => texts.into(),
            // The crate's map has no fixed order; it is looked up in and counted, and the checker lets nobody walk through it.
            Seen::Numbers(of) => {
                let pairs = of.into_iter().map(|(key, number)| (key.into(), number.into()));
                Self::Map(cel::objects::Map { map: Arc::new(pairs.collect()) })
            }
        }
    }
}

impl Expression {
    /// Reads and types an expression of a trigger for these groups.
    ///
    /// # Errors
    /// Every mistake in it that can be told from the others.
    pub fn compile(text: &str, each: &[GroupBy]) -> Result<Self, Vec<Mistake>> {
        if let Some(mistake) = unreadable(text) {
            return Err(vec![mistake]);
        }
        let tree = parser().parse(text).map_err(|errors| of_parser(text, errors))?;
        if depth(&tree) > MOST_DEEP {
            let rule =
                format!("nested over {MOST_DEEP} deep, a row of + or - counted: split it into triggers");
            return Err(vec![Mistake { line: 1, column: 1, rule }]);
        }
        let mut checker = Checker::new(each);
        let found = checker.type_of(&tree);
        let Checker { reads, mut faults, .. } = checker;
        if !matches!(found, Type::Bool | Type::Any) {
            faults.push(Fault {
                node: tree.id,
                rule: format!("a trigger is true or false: this is {}", a(&found)),
            });
        }
        if faults.is_empty() {
            return Ok(Self { text: text.to_owned(), tree, reads });
        }
        let places = places(text);
        let mistakes = faults.into_iter().map(|Fault { node, rule }| {
            let offset =
                places.as_ref().and_then(|places| places.offset_for(node)).map_or(0, |(start, _)| start);
            at(text, offset as usize, rule)
        });
        Err(mistakes.collect())
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it looks at.
    #[must_use]
    pub const fn reads(&self) -> &BTreeSet<Variable> {
        &self.reads
    }

    /// Whether it is true.
    ///
    /// # Errors
    /// What only a value can tell: a key that is not there, a division of an int by zero.
    pub(crate) fn evaluate(&self, value_of: impl Fn(Variable) -> Seen) -> Result<bool, String> {
        let mut context = Context::with_env(ENV.clone());
        for variable in &self.reads {
            context.add_variable_from_value(variable.name(), value_of(*variable));
        }
        match Value::resolve(&self.tree, &context) {
            Ok(Value::Bool(truth)) => Ok(truth),
            Ok(_) => Err("it is neither true nor false".into()),
            Err(error) => Err(in_words(&error)),
        }
    }
}

/// The language's own functions, and three of ours.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::default().with_optional_support(false).with_stdlib();
    let added = [
        env.add_overload("abs", "abs_double", vec![DOUBLE_TYPE], |of| {
            number(&of, 0).map(|x| double(x.abs()))
        }),
        env.add_overload("min", "min_double_double", vec![DOUBLE_TYPE, DOUBLE_TYPE], |of| {
            // Not f64::min, whose choice between the zeros is left open.
            let (a, b) = (number(&of, 0)?, number(&of, 1)?);
            Ok(double(if b < a { b } else { a }))
        }),
        env.add_overload("max", "max_double_double", vec![DOUBLE_TYPE, DOUBLE_TYPE], |of| {
            let (a, b) = (number(&of, 0)?, number(&of, 1)?);
            Ok(double(if b > a { b } else { a }))
        }),
    ];
    debug_assert!(added.iter().all(Result::is_ok), "the names are free");
    Arc::new(env)
});

fn number(of: &[CowVal<'_, '_>], place: usize) -> Result<f64, ExecutionError> {
    let found = of.get(place).and_then(|value| value.downcast_ref::<CelDouble>());
    found.map(|double| *double.inner()).ok_or_else(ExecutionError::missing_argument_or_target)
}

fn double<'b, 'v>(value: f64) -> CowVal<'b, 'v> {
    CowVal::owned(CelDouble::from(value))
}

/// The parser that counts nodes and brackets: the other one of the crate overflows the stack at twenty.
fn parser() -> PrattParser {
    PrattParser::new().max_recursion_depth(MOST_BRACKETS).max_expression_node_count(MOST_NODES)
}

fn unreadable(text: &str) -> Option<Mistake> {
    if text.trim().is_empty() {
        return Some(Mistake {
            line: 1,
            column: 1,
            rule: "an expression, such as value_usd < -100000.0".into(),
        });
    }
    if text.len() > MOST_CHARACTERS {
        let rule = format!("{} characters; at most {MOST_CHARACTERS}: split it into triggers", text.len());
        return Some(Mistake { line: 1, column: 1, rule });
    }
    let odd = text
        .char_indices()
        .find(|(_, c)| !c.is_ascii() || (c.is_ascii_control() && !c.is_ascii_whitespace()));
    odd.map(|(offset, found)| {
        at(
            text,
            offset,
            format!("'{}' is not plain ASCII: such names are not compared here", found.escape_default()),
        )
    })
}

/// Where every node begins. The parser tells only with an error, so it gets one after the end of the same text.
fn places(text: &str) -> Option<Arc<SourceInfo>> {
    let errors = parser().parse(&format!("{text}\n)")).err()?;
    errors.errors.into_iter().find_map(|error| error.source_info)
}

/// Line and column of an offset.
fn at(text: &str, offset: usize, rule: String) -> Mistake {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    Mistake { line, column, rule }
}

fn of_parser(text: &str, errors: ParseErrors) -> Vec<Mistake> {
    let lines = text.lines().count().max(1);
    let mut mistakes: Vec<Mistake> = Vec::new();
    for error in errors.errors {
        let (line, column) = (usize::try_from(error.pos.0), usize::try_from(error.pos.1));
        let (line, column) = (line.unwrap_or(1).clamp(1, lines), column.unwrap_or(1).max(1));
        let rule = error.msg.trim_start_matches("Syntax error: ").trim().to_owned();
        let mistake = Mistake { line, column, rule };
        if !mistakes.contains(&mistake) {
            mistakes.push(mistake);
        }
    }
    mistakes
}

/// The longest way from the root to a leaf.
fn depth(node: &IdedExpr) -> usize {
    let entry = |entry: &EntryExpr| match entry {
        EntryExpr::StructField(field) => depth(&field.value),
        EntryExpr::MapEntry(entry) => depth(&entry.key).max(depth(&entry.value)),
    };
    let below = match &node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => 0,
        Expr::Call(call) => {
            call.target.as_deref().into_iter().chain(&call.args).map(depth).max().unwrap_or(0)
        }
        Expr::Select(select) => depth(&select.operand),
        Expr::List(list) => list.elements.iter().map(depth).max().unwrap_or(0),
        Expr::Map(map) => map.entries.iter().map(|of| entry(&of.expr)).max().unwrap_or(0),
        Expr::Struct(of) => of.entries.iter().map(|of| entry(&of.expr)).max().unwrap_or(0),
        Expr::Comprehension(of) => [&of.iter_range, &of.accu_init, &of.loop_cond, &of.loop_step, &of.result]
            .map(depth)
            .into_iter()
            .max()
            .unwrap_or(0),
    };
    below + 1
}

const ORDERS: [&str; 4] =
    [operators::LESS, operators::LESS_EQUALS, operators::GREATER, operators::GREATER_EQUALS];

fn in_words(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no '{key}' in the map"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "a whole number divided by zero".into()
        }
        ExecutionError::Overflow(..) => "a whole number of over 64 bits".into(),
        ExecutionError::IndexOutOfBounds(_) => "the list is shorter".into(),
        // Types were proved: what is left without an order is not a number.
        ExecutionError::NoSuchOverload(of) if ORDERS.contains(&of.function()) => {
            "a figure that is not a number, such as 0.0 / 0.0, is compared".into()
        }
        other => other.to_string(),
    }
}
