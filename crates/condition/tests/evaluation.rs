//! Conditions against an evaluator that shares nothing with the crate: a recursive one over a syntax tree.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{cmp::Ordering, collections::HashMap};

use mainstay_condition::{Condition, Kind, Limits, Schema, Truth, Value};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, RngSeed, TestRunner},
};

#[derive(Clone, Debug)]
enum Tree {
    Or(Box<Tree>, Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Not(Box<Tree>),
    /// Two conditions, and whether they must be equal.
    Same(Box<Tree>, Box<Tree>, bool),
    Compare(Leaf, &'static str, Leaf),
    Flag(&'static str),
    Constant(bool),
}

#[derive(Clone, Debug)]
enum Leaf {
    Name(&'static str),
    /// In eighths, which are exact in decimal and in binary.
    Eighths(i64),
    Whole(i128),
    Text(&'static str),
}

type Facts = HashMap<&'static str, Value<'static>>;

const NUMBERS: [&str; 4] = ["n1", "n2", "big.float", "big.int"];
const FLAGS: [&str; 2] = ["f1", "f2"];
const TEXTS: [&str; 2] = ["t1", "t2"];
const BIG: i128 = 1 << 53;

fn number() -> impl Strategy<Value = Leaf> {
    prop_oneof![
        prop::sample::select(&NUMBERS).prop_map(Leaf::Name),
        (-24_i64..24).prop_map(Leaf::Eighths),
        (-3_i128..3).prop_map(Leaf::Whole),
        (-2_i128..3).prop_map(|near| Leaf::Whole(BIG + near)),
    ]
}

fn text() -> impl Strategy<Value = Leaf> {
    prop_oneof![
        prop::sample::select(&TEXTS).prop_map(Leaf::Name),
        prop::sample::select(&["x", "y z"]).prop_map(Leaf::Text)
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    let order = prop::sample::select(&["<", "<=", ">", ">=", "==", "!="]);
    let equality = prop::sample::select(&["==", "!="]);
    let leaf = prop_oneof![
        4 => (number(), order, number()).prop_map(|(left, relation, right)| Tree::Compare(left, relation, right)),
        1 => (text(), equality, text()).prop_map(|(left, relation, right)| Tree::Compare(left, relation, right)),
        1 => prop::sample::select(&FLAGS).prop_map(Tree::Flag),
        1 => any::<bool>().prop_map(Tree::Constant),
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        let two = || (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            two().prop_map(|(left, right)| Tree::Or(left, right)),
            two().prop_map(|(left, right)| Tree::And(left, right)),
            inner.clone().prop_map(|inner| Tree::Not(Box::new(inner))),
            (two(), any::<bool>()).prop_map(|((left, right), same)| Tree::Same(left, right, same)),
        ]
    })
}

fn facts() -> impl Strategy<Value = Facts> {
    let number = prop_oneof![
        (-24_i32..24).prop_map(|eighths| Value::Float(f64::from(eighths) / 8.0)),
        (-3_i64..3).prop_map(Value::from),
        Just(Value::Float(f64::NAN)),
        Just(Value::from(true)),
    ];
    let big_float = (-2_i128..3).prop_map(|near| Value::Float((BIG + near) as f64));
    let big_int = (-2_i128..3).prop_map(|near| Value::Integer(BIG + near));
    let flag = prop_oneof![3 => any::<bool>().prop_map(Value::from), 1 => Just(Value::from(1))];
    let text = prop::sample::select(&["x", "y z", ""]).prop_map(Value::from);
    let option = |value: BoxedStrategy<Value<'static>>| prop::option::weighted(0.8, value);
    (
        option(number.clone().boxed()),
        option(number.boxed()),
        option(big_float.boxed()),
        option(big_int.boxed()),
        option(flag.clone().boxed()),
        option(flag.boxed()),
        option(text.clone().boxed()),
        option(text.boxed()),
    )
        .prop_map(|(n1, n2, float, int, f1, f2, t1, t2)| {
            let values = [n1, n2, float, int, f1, f2, t1, t2];
            let names = NUMBERS.into_iter().chain(FLAGS).chain(TEXTS);
            names.zip(values).filter_map(|(name, value)| Some((name, value?))).collect()
        })
}

/// Writes a tree with the parentheses that it needs; `rank` is what the place binds.
fn write(tree: &Tree, rank: u8, out: &mut String) {
    let own = match tree {
        Tree::Or(..) => 1,
        Tree::And(..) => 2,
        Tree::Not(_) => 3,
        Tree::Same(..) | Tree::Compare(..) => 4,
        Tree::Flag(_) | Tree::Constant(_) => 5,
    };
    if own < rank {
        out.push('(');
        write(tree, 0, out);
        out.push(')');
        return;
    }
    let mut two = |left: &Tree, operator: &str, right: &Tree, left_rank, right_rank| {
        write(left, left_rank, out);
        out.push_str(operator);
        write(right, right_rank, out);
    };
    match tree {
        Tree::Or(left, right) => two(left, " or ", right, 1, 2),
        Tree::And(left, right) => two(left, " and ", right, 2, 3),
        Tree::Same(left, right, same) => two(left, if *same { "==" } else { "!=" }, right, 5, 5),
        Tree::Not(inner) => {
            out.push_str("not ");
            write(inner, 3, out);
        }
        Tree::Compare(left, relation, right) => out.push_str(&format!("{}{relation}{}", leaf(left), leaf(right))),
        Tree::Flag(name) => out.push_str(name),
        Tree::Constant(bool) => out.push_str(&bool.to_string()),
    }
}

fn leaf(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Name(name) => (*name).to_owned(),
        Leaf::Eighths(eighths) => format!("{:.3}", *eighths as f64 / 8.0),
        Leaf::Whole(whole) => whole.to_string(),
        Leaf::Text(text) => format!("'{text}'"),
    }
}

fn evaluate(tree: &Tree, facts: &Facts) -> Option<bool> {
    match tree {
        Tree::Or(left, right) => match (evaluate(left, facts), evaluate(right, facts)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Tree::And(left, right) => match (evaluate(left, facts), evaluate(right, facts)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Tree::Not(inner) => evaluate(inner, facts).map(|value| !value),
        Tree::Same(left, right, same) => Some((evaluate(left, facts)? == evaluate(right, facts)?) == *same),
        Tree::Compare(left, relation, right) => {
            let ordering = match (text_of(left, facts), text_of(right, facts)) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => eighths(left, facts)?.cmp(&eighths(right, facts)?),
            };
            Some(match *relation {
                "<" => ordering == Ordering::Less,
                "<=" => ordering != Ordering::Greater,
                ">" => ordering == Ordering::Greater,
                ">=" => ordering != Ordering::Less,
                "==" => ordering == Ordering::Equal,
                _ => ordering != Ordering::Equal,
            })
        }
        Tree::Flag(name) => match facts.get(name)? {
            Value::Bool(bool) => Some(*bool),
            _ => None,
        },
        Tree::Constant(bool) => Some(*bool),
    }
}

/// The exact value in eighths, by way of decimal digits.
fn eighths(leaf: &Leaf, facts: &Facts) -> Option<i128> {
    let of_text = |text: String| {
        let (whole, fraction) = text.split_once('.').unwrap();
        let thousandths: i128 = format!("{whole}{fraction}").parse().unwrap();
        thousandths / 125
    };
    match leaf {
        Leaf::Eighths(eighths) => Some(i128::from(*eighths)),
        Leaf::Whole(whole) => Some(whole * 8),
        Leaf::Name(name) => match facts.get(name)? {
            Value::Integer(integer) => Some(integer * 8),
            Value::Float(float) if !float.is_nan() => Some(of_text(format!("{float:.3}"))),
            _ => None,
        },
        Leaf::Text(_) => None,
    }
}

fn text_of(leaf: &Leaf, facts: &Facts) -> Option<String> {
    match leaf {
        Leaf::Text(text) => Some((*text).to_owned()),
        Leaf::Name(name) => match facts.get(name)? {
            Value::Text(text) => Some(text.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn schema() -> Schema {
    let numbers = NUMBERS.map(|name| (name, Kind::Number));
    let others = FLAGS.map(|name| (name, Kind::Bool)).into_iter().chain(TEXTS.map(|name| (name, Kind::Text)));
    Schema::new(numbers.into_iter().chain(others)).unwrap()
}

#[test]
fn random_conditions_have_the_result_of_an_independent_evaluator() {
    let (schema, limits) = (schema(), Limits::new(65_536, 8_192).unwrap());
    let config = Config {
        cases: 1_500,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&(tree(), facts()), |(tree, facts)| {
        let mut text = String::new();
        write(&tree, 0, &mut text);
        let condition = Condition::parse_within(&text, &schema, limits)
            .map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let expected = evaluate(&tree, &facts).map_or(Truth::Unknown, Truth::from);
        prop_assert_eq!(condition.verdict(&facts), expected, "{} over {:?}", text, facts);
        prop_assert_eq!(condition.explain(&facts).truth(), expected, "{} over {:?}", text, facts);
        Ok(())
    });
    result.unwrap();
}

#[test]
fn missing_values_and_nan_never_act() {
    let schema = schema();
    let missing = Facts::new();
    let nan = Facts::from([("n1", f64::NAN.into()), ("n2", f64::NAN.into())]);
    let other_kind = Facts::from([("n1", "1".into()), ("n2", true.into()), ("f1", 1.into()), ("t1", 1.into())]);
    for text in
        ["n1 < 1", "n1 >= 1", "n1 == n2", "n1 != n2", "n1 == n1", "n1 != 1", "f1", "f1 == f1", "t1 == 'x'", "t1 != 'x'"]
    {
        for text in
            [text.to_owned(), format!("not ({text})"), format!("({text}) == ({text})"), format!("({text}) and true")]
        {
            let condition = Condition::parse(&text, &schema).unwrap();
            for facts in [&missing, &nan, &other_kind] {
                assert!(!condition.evaluate(facts), "{text} over {facts:?}");
                assert_eq!(condition.verdict(facts), Truth::Unknown, "{text} over {facts:?}");
            }
        }
    }
    let decided = Condition::parse("n1 > 1 or n2 < 1", &schema).unwrap();
    assert!(decided.evaluate(&Facts::from([("n2", 0.into())])), "the other side decides");
}

#[test]
fn integers_beyond_two_to_the_53_are_exact() {
    let condition = Condition::parse("n1 == 9007199254740993", &schema()).unwrap();
    assert!(condition.evaluate(&Facts::from([("n1", 9_007_199_254_740_993_u64.into())])));
    assert!(!condition.evaluate(&Facts::from([("n1", 9_007_199_254_740_992_u64.into())])));
    assert!(!condition.evaluate(&Facts::from([("n1", 9_007_199_254_740_992.0.into())])));
}

#[test]
fn evaluation_allocates_nothing() {
    let schema = schema();
    let condition = Condition::parse("n1 >= 0.8 and (n2 > 2 or t1 == 'x') and not f1", &schema).unwrap();
    let facts = Facts::from([("n1", 0.9.into()), ("n2", 1.into()), ("t1", "x".into()), ("f1", false.into())]);
    let mut result = false;
    let count = allocation_counter::measure(|| result = condition.evaluate(&facts));
    assert!(result);
    assert_eq!(count.count_total, 0);
}
