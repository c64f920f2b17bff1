//! Entries of the registry: the name of a quantity, what it can do, and every driver compiled for it. The layers above hold a
//! quantity by name, and call its drivers as plain functions.

use std::ops::Range;

use super::broadcast::{Mismatch, RowPairs};
use super::elements;
use super::groups;
use super::layout::Error;
use super::logits;
use super::options::{NanPolicy, Precision, Unit};
use super::quantity::{Element, Mergeable, Numbers, OfFew, Quantity, Summed, Sums};
use super::remainder::{self, TotalOf};
use super::rows::{self, Rows};
use super::rules::{Missing, SplitSum};
use super::states::{self, Parts, States};
use super::summands::{self, Column};
use super::values::Values;
use super::weights::{Weight, Weights};

/// A quantity by name.
#[derive(Debug)]
pub struct Registered {
    /// Its name.
    pub name: &'static str,
    /// Whether it has two inputs.
    pub pair: bool,
    /// Whether its weights have to be counts.
    pub of_counts: bool,
    /// Its value of few observations, if it comes from their entropy.
    pub of_few: Option<OfFew>,
    /// Its groups, if they are native sums.
    pub groups: Option<GroupDrivers>,
    /// Its states, if it has some.
    pub states: Option<StateDrivers>,
    double: RowDrivers<f64>,
    single: RowDrivers<f32>,
}

/// Drivers of rows of one float type.
#[derive(Debug)]
pub struct RowDrivers<T> {
    /// Adds the values of rows of p, or of pairs of rows of p and q.
    pub values: ValuesOf<T>,
    /// Value in nats of one distribution.
    pub value: ValueOf<T>,
    /// Drivers of rows where the total of q is known, if there are any.
    of_total: Option<TotalDrivers<T>>,
    /// States of rows, if there are any.
    pub states: Option<StatesOf<T>>,
}

/// Drivers of rows of one float type where the total of q is known.
#[derive(Debug)]
pub struct TotalDrivers<T> {
    /// Adds the values of pairs of rows.
    pub values: ValuesOfTotal<T>,
    /// Value in nats of one distribution.
    pub value: ValueOfTotal<T>,
}

/// Driver of many rows.
pub type ValuesOf<T> =
    fn(&Rows<T>, Option<&Rows<T>>, RowPairs, NanPolicy, Unit, &mut Values) -> Result<(), Error>;
/// Driver of one distribution.
pub type ValueOf<T> = fn(Weights<T>, Option<Weights<T>>, NanPolicy) -> Result<Option<f64>, Missing>;
/// Driver of many rows with totals of q.
pub type ValuesOfTotal<T> =
    fn(&Rows<T>, &Rows<T>, RowPairs, TotalOf, NanPolicy, Unit, &mut Values) -> Result<(), Error>;
/// Driver of one distribution with the total of q.
pub type ValueOfTotal<T> = fn(Weights<T>, Weights<T>, Option<f64>, NanPolicy) -> Result<Option<f64>, Missing>;
/// Driver of states of rows.
pub type StatesOf<T> = fn(&Rows<T>, Option<&Rows<T>>, RowPairs, NanPolicy) -> Result<States, Error>;
/// Sums of groups in one part: a lead and a rest for each group.
pub type SumsOf<'a> = SplitSum<&'a [f64]>;

/// Columns of summands, whose sums a group's value or state comes from.
#[derive(Debug)]
pub struct Summands {
    /// Names of the columns, in the order in which their sums are handed in.
    pub names: fn() -> Vec<&'static str>,
    /// The number of columns.
    pub count: usize,
    /// The column of a name.
    pub find: fn(&str) -> Option<Column>,
    double: ColumnsOf<f64>,
    single: ColumnsOf<f32>,
}

/// Driver of summands: of all elements of p, or of p and q, in the columns of some places.
pub type ColumnsOf<T> =
    fn(Weights<T>, Option<Weights<T>>, Range<usize>, Precision, NanPolicy) -> Result<Vec<Vec<f64>>, Mismatch>;

/// Drivers of groups.
#[derive(Debug)]
pub struct GroupDrivers {
    /// The summands.
    pub summands: Summands,
    /// Values from sums, and perhaps totals of q; `None` if there aren't as many as there are columns.
    pub values: fn(&[SumsOf], Option<TotalOf>, Unit) -> Option<Values>,
}

/// Drivers of states.
#[derive(Debug)]
pub struct StateDrivers {
    /// Names of the sums that a state keeps.
    pub kept: &'static [&'static str],
    /// The summands of groups.
    pub summands: Summands,
    /// States of groups from sums, `None` if there aren't as many as there are columns.
    pub of_sums: fn(&[SumsOf]) -> Option<States>,
    /// Merges the states between each offset and the next, perhaps with totals of q; `None` if the parts haven't as many sums as are
    /// kept.
    pub merge: fn(Parts, &[i64], Option<TotalOf>, Unit) -> Option<States>,
}

impl Registered {
    /// A quantity that has rows and nothing else: a group is a row, and there are no states.
    pub const fn rows<Q: Quantity>() -> Registered {
        Registered {
            name: Q::NAME,
            pair: Q::PAIR,
            of_counts: Q::OF_COUNTS,
            of_few: Q::OF_FEW,
            groups: None,
            states: None,
            double: RowDrivers::of::<Q>(),
            single: RowDrivers::of::<Q>(),
        }
    }

    /// Rows of logits of a quantity, by a name of their own.
    pub const fn of_logits<Q: Quantity>(name: &'static str) -> Registered {
        Registered {
            name,
            double: RowDrivers::of_logits::<Q>(),
            single: RowDrivers::of_logits::<Q>(),
            ..Registered::rows::<Q>()
        }
    }

    /// A quantity whose groups are native sums, too.
    pub const fn summed<Q: Summed>() -> Registered {
        Registered { groups: Some(GroupDrivers::of::<Q>()), ..Registered::rows::<Q>() }
    }

    /// A quantity that has states, too.
    pub const fn mergeable<Q: Mergeable>() -> Registered {
        Registered {
            states: Some(StateDrivers::of::<Q>()),
            double: RowDrivers::with_states::<Q>(),
            single: RowDrivers::with_states::<Q>(),
            ..Registered::summed::<Q>()
        }
    }

    /// The summands of a group, for its state or for its value.
    pub fn summands(&self, of_state: bool) -> Option<&Summands> {
        match of_state {
            true => self.states.as_ref().map(|states| &states.summands),
            false => self.groups.as_ref().map(|groups| &groups.summands),
        }
    }
}

impl<T: Weight> RowDrivers<T> {
    /// Drivers of rows where the total of q is known. Panics for a quantity of one input, or of logits: no face has a total for them,
    /// and a total must not be dropped in silence.
    pub fn of_total(&self) -> &TotalDrivers<T> {
        self.of_total.as_ref().expect("a total of q for a quantity that takes none")
    }

    const fn of<Q: Quantity>() -> RowDrivers<T> {
        RowDrivers {
            values: rows::values::<Q, T>,
            value: rows::value::<Q, T>,
            of_total: if Q::PAIR {
                Some(TotalDrivers { values: remainder::values::<Q, T>, value: remainder::value_of::<Q, T> })
            } else {
                None
            },
            states: None,
        }
    }

    const fn of_logits<Q: Quantity>() -> RowDrivers<T> {
        RowDrivers {
            values: logits::values::<Q, T>,
            value: logits::value::<Q, T>,
            of_total: None,
            states: None,
        }
    }

    const fn with_states<Q: Mergeable>() -> RowDrivers<T> {
        RowDrivers { states: Some(states::states_of_rows::<Q, T>), ..RowDrivers::of::<Q>() }
    }
}

impl Summands {
    const fn of<S: Sums>() -> Summands {
        Summands {
            names: summands::column_names::<S>,
            count: 2 * S::PARTS.len(),
            find: Column::find::<S>,
            double: summands::columns::<S, f64>,
            single: summands::columns::<S, f32>,
        }
    }
}

impl GroupDrivers {
    const fn of<Q: Summed>() -> GroupDrivers {
        GroupDrivers {
            summands: Summands::of::<Q::Sums>(),
            values: |sums, totals, unit| {
                let sums = <<Q::Sums as Sums>::Numbers as Numbers>::from_slice(sums)?;
                Some(groups::finish::<Q, Q::Sums>(&sums, totals, unit))
            },
        }
    }
}

impl StateDrivers {
    const fn of<Q: Mergeable>() -> StateDrivers {
        StateDrivers {
            kept: Q::KEPT,
            summands: Summands::of::<Q::StateSums>(),
            of_sums: |sums| {
                let sums = <<Q::StateSums as Sums>::Numbers as Numbers>::from_slice(sums)?;
                Some(states::states_of_sums::<Q>(&sums))
            },
            merge: states::merge::<Q>,
        }
    }
}

/// Choice of the drivers of a float type.
pub trait ByFloat: Weight {
    /// Drivers of rows.
    fn rows(quantity: &Registered) -> &RowDrivers<Self>;
    /// Driver of summands.
    fn summands(summands: &Summands) -> ColumnsOf<Self>;
    /// Driver of elements.
    fn elements(function: &Function) -> ElementsOf<Self>;
}

impl ByFloat for f64 {
    fn rows(quantity: &Registered) -> &RowDrivers<f64> {
        &quantity.double
    }

    fn summands(summands: &Summands) -> ColumnsOf<f64> {
        summands.double
    }

    fn elements(function: &Function) -> ElementsOf<f64> {
        function.double
    }
}

impl ByFloat for f32 {
    fn rows(quantity: &Registered) -> &RowDrivers<f32> {
        &quantity.single
    }

    fn summands(summands: &Summands) -> ColumnsOf<f32> {
        summands.single
    }

    fn elements(function: &Function) -> ElementsOf<f32> {
        function.single
    }
}

/// A quantity of pairs of observed values x and y by name: a sum of entropies.
#[derive(Debug)]
pub struct Pairs {
    /// Its name.
    pub name: &'static str,
    /// Whose entropies they are, with their signs.
    pub terms: &'static [(PairSide, f64)],
    /// The entropy.
    pub(super) entropy: Registered,
}

/// Side of pairs of observed values that an entropy is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairSide {
    /// The values x of the pairs.
    X,
    /// The values y of the pairs.
    Y,
    /// The pairs.
    Both,
}

impl PairSide {
    const ALL: [PairSide; 3] = [PairSide::X, PairSide::Y, PairSide::Both];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            PairSide::X => "x",
            PairSide::Y => "y",
            PairSide::Both => "both",
        }
    }

    /// The side of this name.
    pub fn named(name: &str) -> Option<PairSide> {
        PairSide::ALL.into_iter().find(|side| side.name() == name)
    }
}

impl Pairs {
    /// A quantity of pairs.
    pub const fn of<Q: Quantity>(name: &'static str, terms: &'static [(PairSide, f64)]) -> Pairs {
        Pairs { name, terms, entropy: Registered::rows::<Q>() }
    }
}

/// Values of all elements of x, or of x and y.
pub type ElementsOf<T> = fn(Weights<T>, Option<Weights<T>>) -> Result<Vec<f64>, Mismatch>;

/// A function of single elements by name.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Whether it has two inputs.
    pub pair: bool,
    double: ElementsOf<f64>,
    single: ElementsOf<f32>,
}

impl Function {
    /// A function.
    pub const fn of<E: Element>() -> Function {
        Function {
            name: E::NAME,
            pair: E::PAIR,
            double: elements::values::<E, f64>,
            single: elements::values::<E, f32>,
        }
    }
}
