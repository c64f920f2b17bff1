//! Table of quantities: their names, and what each can do.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::kernel::quantities::{ESTIMATORS, OF_PAIRS, QUANTITIES};
use crate::kernel::registry::{Registered, Summands};

/// Quantity by name, with what it can do.
#[pyclass(frozen, get_all, module = "polars_entropy._lib")]
pub struct Quantity {
    /// Name.
    name: &'static str,
    /// True if there are two inputs.
    pair: bool,
    /// Columns of summands for the value, in order; `None` if it does not come from native sums.
    sums: Option<Vec<&'static str>>,
    /// Columns of summands for the state, in order; `None` if there are no states.
    state_sums: Option<Vec<&'static str>>,
}

impl From<&Registered> for Quantity {
    fn from(quantity: &Registered) -> Quantity {
        let names = |summands: &Summands| (summands.names)();
        Quantity {
            name: quantity.name,
            pair: quantity.pair,
            sums: quantity.groups.as_ref().map(|groups| names(&groups.summands)),
            state_sums: quantity.states.as_ref().map(|states| names(&states.summands)),
        }
    }
}

/// All quantities, by name.
pub fn quantities(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    table(py, QUANTITIES)
}

/// All estimators of the entropy, by name.
pub fn estimators(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    table(py, ESTIMATORS)
}

/// The sides that each quantity of pairs of observed values takes entropies of, by name.
pub fn of_pairs(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let table = PyDict::new(py);
    for pairs in OF_PAIRS {
        let sides: Vec<&str> = pairs.terms.iter().map(|(side, _)| side.name()).collect();
        table.set_item(pairs.name, sides)?;
    }
    Ok(table)
}

fn table<'py>(py: Python<'py>, quantities: &[Registered]) -> PyResult<Bound<'py, PyDict>> {
    let table = PyDict::new(py);
    for quantity in quantities {
        table.set_item(quantity.name, Py::new(py, Quantity::from(quantity))?)?;
    }
    Ok(table)
}
