//! Arguments as they come from Python, where they have been checked.

use serde::Deserialize;

use super::fixed::Fixed;
use super::maps::FixedMap;
use crate::kernel::options::{NanPolicy, Unit};
use crate::kernel::quantities;
use crate::kernel::registry::{Function, PairSide, Pairs, Registered, Summands};
use crate::kernel::summands::Column;

/// Arguments of the rows of List columns.
#[derive(Deserialize)]
pub struct RowKwargs {
    pub quantity: Quantity,
    pub nan_policy: Policy,
    pub base: Option<f64>,
    pub fixed: Option<Fixed>,
    /// Number of the last inputs that are totals of q, as in all calls that have some.
    #[serde(default)]
    pub q_totals: usize,
    /// Whether a row is a whole column, group or window, in which messages count the rows.
    #[serde(default)]
    pub gathered: bool,
}

/// Arguments of the axes of Array columns.
#[derive(Deserialize)]
pub struct AxesKwargs {
    pub quantity: Quantity,
    pub nan_policy: Policy,
    pub base: Option<f64>,
    /// `None` is all of them.
    pub axis: Option<Vec<i64>>,
    pub keepdims: bool,
    pub span: Span,
    pub fixed: Option<Fixed>,
    #[serde(default)]
    pub q_totals: usize,
}

/// Arguments of a function of elements.
#[derive(Deserialize)]
pub struct ElementKwargs {
    pub function: ElementFunction,
    /// q is a Python number, which has no precision of its own.
    #[serde(default)]
    pub weak_q: bool,
    #[serde(default)]
    pub sequence: Sequence,
}

/// Arguments of the search for missing elements.
#[derive(Deserialize)]
pub struct MissingKwargs {
    pub quantity: Quantity,
    #[serde(default)]
    pub weak_q: bool,
    #[serde(default)]
    pub sequence: Sequence,
}

/// Arguments of the summands of a group. Polars unpickles them for each column of each batch, so there are few, and defaults are
/// omitted.
#[derive(Deserialize)]
pub struct SummandKwargs {
    /// The column of summands.
    pub column: SummandColumn,
    #[serde(default)]
    pub nan_policy: Policy,
    #[serde(default)]
    pub weak_q: bool,
    #[serde(default)]
    pub sequence: Sequence,
}

/// Arguments of the value of a group beside its sums.
#[derive(Deserialize)]
pub struct SumKwargs {
    pub quantity: Quantity,
    #[serde(default)]
    pub base: Option<f64>,
    /// Name of q, for the error under `raise`.
    #[serde(default)]
    pub q_name: Option<String>,
    #[serde(default)]
    pub q_totals: usize,
}

/// Arguments of the keys of observed values.
#[derive(Deserialize)]
pub struct KeyKwargs {
    /// The method, for messages.
    pub method: String,
    #[serde(default)]
    pub nan_policy: Policy,
    /// The side of pairs, of which there are two columns then.
    #[serde(default)]
    pub side: Option<PairSideName>,
    #[serde(default)]
    pub sequence: Sequence,
}

/// Arguments of rows of observed values.
#[derive(Deserialize)]
pub struct KeyRowKwargs {
    pub quantity: Quantity,
    pub nan_policy: Policy,
    pub base: Option<f64>,
    /// Whether a row is a whole column, group or window, and holds keys.
    #[serde(default)]
    pub gathered: bool,
}

/// Arguments of columns, groups and windows of pairs of observed values, of which the keys come as rows.
#[derive(Deserialize)]
pub struct PairKwargs {
    pub pairs: PairsQuantity,
    pub nan_policy: Policy,
    pub base: Option<f64>,
}

/// Arguments of characters.
#[derive(Deserialize)]
pub struct CharacterKwargs {
    pub quantity: Quantity,
    pub base: Option<f64>,
    /// Whether characters are bytes.
    pub bytes: bool,
}

/// Arguments of rows of keys and weights.
#[derive(Deserialize)]
pub struct MapKwargs {
    pub quantity: Quantity,
    pub nan_policy: Policy,
    pub base: Option<f64>,
    /// Number that is added on both sides to each key.
    #[serde(default)]
    pub pseudo_count: f64,
    pub fixed: Option<FixedMap>,
}

/// Arguments of a merge.
#[derive(Deserialize)]
pub struct MergeKwargs {
    pub base: Option<f64>,
    #[serde(default)]
    pub q_totals: usize,
}

impl MergeKwargs {
    pub fn unit(&self) -> Unit {
        Unit::new(self.base)
    }
}

/// A quantity by its name.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Quantity(pub &'static Registered);

impl TryFrom<String> for Quantity {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        quantities::quantity(&name).map(Quantity).ok_or_else(|| format!("unknown quantity {name:?}"))
    }
}

/// A column of summands by the method whose value comes from it, as in `kl_div_state.near`.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct SummandColumn {
    pub quantity: &'static Registered,
    pub summands: &'static Summands,
    pub column: Column,
}

impl TryFrom<String> for SummandColumn {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let found = name.rsplit_once('.').and_then(|(method, column)| {
            let (name, of_state) = match method.strip_suffix("_state") {
                Some(name) => (name, true),
                None => (method, false),
            };
            let quantity = quantities::quantity(name)?;
            let summands = quantity.summands(of_state)?;
            Some(SummandColumn { quantity, summands, column: (summands.find)(column)? })
        });
        found.ok_or_else(|| format!("unknown column of summands {name:?}"))
    }
}

/// A quantity of pairs of observed values by its name.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct PairsQuantity(pub &'static Pairs);

impl TryFrom<String> for PairsQuantity {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        quantities::pairs(&name).map(PairsQuantity).ok_or_else(|| format!("unknown quantity {name:?}"))
    }
}

/// A side of pairs by its name.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct PairSideName(pub PairSide);

impl TryFrom<String> for PairSideName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        PairSide::named(&name).map(PairSideName).ok_or_else(|| format!("unknown side {name:?}"))
    }
}

/// A function of elements by its name.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct ElementFunction(pub &'static Function);

impl TryFrom<String> for ElementFunction {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        quantities::function(&name).map(ElementFunction).ok_or_else(|| format!("unknown function {name:?}"))
    }
}

/// Form of the input of an Array method.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum Span {
    /// Cells, each reduced on its own: axis 0 is not among the axes.
    Row,
    /// One list of cells for each column or group: axis 0 is among the axes.
    Group,
    /// A whole column, where it takes the dtype to tell which of the two it is.
    Column,
}

/// Whether q is a sequence, which is a column of its own length.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum Sequence {
    #[default]
    No,
    /// Beside a column of a frame, which may stand in a group.
    OfFrame,
    /// Beside a Series, which has no groups.
    OfSeries,
}

/// A nan policy by its name.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Policy(pub NanPolicy);

impl TryFrom<String> for Policy {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse().map(Policy)
    }
}

/// Conversion from the names that Python uses. Pickle has no notion of Rust's enums, hence not by derive.
macro_rules! from_name {
    ($kind:ty: $($name:literal => $value:expr),+) => {
        impl TryFrom<String> for $kind {
            type Error = String;

            fn try_from(name: String) -> Result<Self, String> {
                match name.as_str() {
                    $($name => Ok($value),)+
                    _ => Err(format!("unknown name {name:?}")),
                }
            }
        }
    };
}

from_name!(Span:
    "row" => Span::Row,
    "group" => Span::Group,
    "column" => Span::Column
);
from_name!(Sequence:
    "no" => Sequence::No,
    "of_frame" => Sequence::OfFrame,
    "of_series" => Sequence::OfSeries
);
