//! Totals of q, one for each distribution, where q has fewer rows than what the total is of. They are the last inputs of a call.

use std::borrow::Cow;

use polars::prelude::*;
use polars_arrow::array::PrimitiveArray;

use super::convert;
use super::dtypes;
use super::errors::pair_rows;
use crate::kernel::remainder::TotalOf;

/// A number of totals, or one for any number of distributions.
pub struct Totals {
    numbers: PrimitiveArray<f64>,
}

impl Totals {
    /// Splits off the fields of the totals, of which there are so many, and refuses what isn't a number.
    pub fn split_fields<'a>(fields: &'a [Field], totals: usize, method: &str) -> PolarsResult<&'a [Field]> {
        let (fields, totals) = fields.split_at(fields.len() - totals.min(fields.len()));
        for field in totals {
            polars_ensure!(
                dtypes::is_number(field.dtype()),
                InvalidOperation:
                "`{method}` takes one number for each distribution as q_total, but '{}' is {}",
                field.name().escape_debug(), field.dtype()
            );
        }
        Ok(fields)
    }

    /// Splits off the totals. If there are two series, they are the least and the greatest number that each distribution has,
    /// which have to be the same.
    pub fn split(inputs: &[Series], totals: usize) -> PolarsResult<(&[Series], Option<Totals>)> {
        let (inputs, totals) = inputs.split_at(inputs.len() - totals.min(inputs.len()));
        let totals = match totals {
            [] => None,
            [least, .., greatest] => {
                let (least, greatest) = (Totals::open(least)?, Totals::open(greatest)?);
                for i in 0..least.numbers.len() {
                    same(least.get(i), greatest.get(i))?;
                }
                Some(least)
            }
            [each] => Some(Totals::open(each)?),
        };
        Ok((inputs, totals))
    }

    fn open(s: &Series) -> PolarsResult<Totals> {
        Ok(Totals { numbers: convert::column(s)? })
    }

    /// Number of totals; one goes with any number of distributions.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Total of the distribution of this number, `None` being null.
    pub fn get(&self, i: usize) -> Option<f64> {
        convert::weights(&self.numbers).get(if self.numbers.len() == 1 { 0 } else { i })
    }

    /// The one total of a whole column, which may be repeated for each of its rows.
    pub fn of_whole(self) -> PolarsResult<Totals> {
        for i in 1..self.numbers.len() {
            same(self.get(0), self.get(i))?;
        }
        let first = self.numbers.len().min(1);
        Ok(Totals { numbers: self.numbers.sliced(0, first) })
    }

    /// Refuses another number of totals than there are distributions.
    pub fn check(&self, distributions: usize) -> PolarsResult<()> {
        polars_ensure!(
            self.len() == 1 || self.len() == distributions,
            ShapeMismatch:
            "q_total has {} values for {}: it takes one for each distribution, which in a column, group or window is an \
             aggregate, such as `pl.col(\"total\").first()`",
            self.len(), if distributions == 1 { "1 distribution".into() } else { format!("{distributions} distributions") }
        );
        Ok(())
    }
}

/// Inputs with as many rows as there are totals, where both have one row.
pub fn for_each<'a>(inputs: &'a [Series], totals: &Totals) -> PolarsResult<Cow<'a, [Series]>> {
    let (p, q) = (&inputs[0], inputs.get(1).unwrap_or(&inputs[0]));
    let rows = pair_rows(p, q)?.rows();
    if rows != 1 || totals.len() == 1 {
        totals.check(rows)?;
        return Ok(Cow::Borrowed(inputs));
    }
    Ok(Cow::Owned(inputs.iter().map(|s| s.new_from_index(0, totals.len())).collect()))
}

/// Result of a driver of groups that takes the total of q of each, if there are some.
pub fn of_groups<R>(
    totals: Option<&Totals>,
    groups: usize,
    driver: impl FnOnce(Option<TotalOf>) -> R,
) -> PolarsResult<R> {
    let Some(totals) = totals else { return Ok(driver(None)) };
    totals.check(groups)?;
    Ok(driver(Some(&|group| totals.get(group))))
}

fn same(a: Option<f64>, b: Option<f64>) -> PolarsResult<()> {
    let is_nan = |x: Option<f64>| x.is_some_and(f64::is_nan);
    let shown = |x: Option<f64>| x.map_or("null".into(), |x| format!("{x:?}"));
    polars_ensure!(
        a == b || (is_nan(a) && is_nan(b)),
        ComputeError:
        "q_total is not one number for the distribution: there are {} and {}", shown(a), shown(b)
    );
    Ok(())
}
