use std::ptr;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, to_ffi};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{
    BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int32Array, IntervalYearMonthArray,
    LargeListArray, LargeListViewArray, ListArray, ListViewArray, NullArray, RecordBatch,
    RecordBatchIterator, StringArray, StructArray,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use arrow_select::concat::concat;

use super::*;

const LN_2: f64 = std::f64::consts::LN_2;

/// Two and three weights, a null with junk behind it, and one weight; junk at both ends.
fn values() -> ArrayRef {
    Arc::new(Float64Array::from(vec![f64::NAN, 1.0, 1.0, -1.0, -1.0, 1.0, 2.0, 1.0, 7.0, f64::INFINITY]))
}

const OFFSETS: [i64; 5] = [1, 3, 5, 8, 9];

fn there() -> Option<NullBuffer> {
    Some(NullBuffer::from(vec![true, false, true, true]))
}

fn element_field() -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Float64, true))
}

/// Lists of each kind, with the same rows.
fn kinds() -> Vec<ArrayRef> {
    let small = |xs: &[i64]| xs.iter().map(|x| *x as i32).collect::<ScalarBuffer<i32>>();
    let sizes: Vec<i64> = OFFSETS.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (firsts, field) = (&OFFSETS[..4], element_field());
    let list = ListArray::new(field.clone(), OffsetBuffer::new(small(&OFFSETS)), values(), there());
    let large =
        LargeListArray::new(field.clone(), OffsetBuffer::new(OFFSETS.to_vec().into()), values(), there());
    let views = ListViewArray::new(field.clone(), small(firsts), small(&sizes), values(), there());
    let large_views =
        LargeListViewArray::new(field, firsts.to_vec().into(), sizes.clone().into(), values(), there());
    let around = concat(&[&list, &list, &list]).unwrap();
    vec![Arc::new(list), Arc::new(large), Arc::new(views), Arc::new(large_views), around.slice(4, 4)]
}

fn doubles(array: &ArrayRef) -> Vec<Option<f64>> {
    array.as_primitive::<Float64Type>().iter().collect()
}

#[test]
fn every_kind_of_list_gives_the_same() {
    let three = 1.5 * LN_2;
    for p in kinds() {
        let values = entropy(&p, &Options::default()).unwrap();
        assert_eq!(doubles(&values), [Some(LN_2), None, Some(three), Some(0.0)], "{}", p.data_type());
        for q in kinds() {
            let values = kl_div(&p, &q, &Options::default()).unwrap();
            assert_eq!(doubles(&values), [Some(0.0), None, Some(0.0), Some(0.0)]);
        }
    }
    let cells = FixedSizeListArray::new(element_field(), 2, values().slice(1, 8), there());
    // Null, [1, 2] and [1, 7].
    let values = doubles(&entropy(&cells.slice(1, 3), &Options::default()).unwrap());
    assert_eq!(values[0], None);
    for (value, p) in values[1..].iter().zip([1.0 / 3.0, 0.125]) {
        let by_hand: f64 = -p * f64::ln(p) - (1.0 - p) * f64::ln(1.0 - p);
        // Each of the two is right to a few units in the last place.
        assert!((value.unwrap() / by_hand - 1.0).abs() < 1e-15);
    }
}

#[test]
fn the_levels_around_the_innermost_stay_whatever_they_are() {
    let inner = kinds().remove(0);
    let field = Arc::new(Field::new_list_field(inner.data_type().clone(), true));
    let there = Some(NullBuffer::from(vec![false, true]));
    let want = |null: ArrayRef| {
        assert!(null.is_null(0));
        null
    };
    let cells = FixedSizeListArray::new(field.clone(), 2, inner.clone(), there.clone());
    let out = want(entropy(&cells, &Options::default()).unwrap());
    assert_eq!(doubles(&out.as_fixed_size_list().value(1)), [Some(1.5 * LN_2), Some(0.0)]);
    let lists =
        ListArray::new(field.clone(), OffsetBuffer::new(vec![0, 1, 4].into()), inner.clone(), there.clone());
    let out = want(entropy(&lists, &Options::default()).unwrap());
    assert_eq!(doubles(&out.as_list::<i32>().value(1)), [None, Some(1.5 * LN_2), Some(0.0)]);
    // Views may share what is below.
    let views = ListViewArray::new(field, vec![0, 2].into(), vec![4, 2].into(), inner, None);
    let out = entropy(&views, &Options::default()).unwrap();
    assert_eq!(doubles(&out.as_list_view::<i32>().value(1)), [Some(1.5 * LN_2), Some(0.0)]);
    assert_eq!(out.as_list_view::<i32>().value(0).len(), 4);
}

#[test]
fn results_are_single_where_all_inputs_are() {
    let single = Float32Array::from(vec![1.0, 3.0]);
    let double = Float64Array::from(vec![1.0, 3.0]);
    let integers = Int32Array::from(vec![1, 3]);
    let booleans = BooleanArray::from(vec![true, true]);
    let from = |q: &dyn Array| kl_div(&single, q, &Options::default()).unwrap();
    assert_eq!(from(&single).as_primitive::<Float32Type>().value(0), 0.0);
    assert_eq!(from(&double).as_primitive::<Float64Type>().value(0), 0.0);
    assert_eq!(from(&integers).as_primitive::<Float64Type>().value(0), 0.0);
    assert!(from(&booleans).as_primitive::<Float64Type>().value(0) > 0.0);
    assert_eq!(from(&NullArray::new(2)).data_type(), &DataType::Float32);
    assert!(from(&NullArray::new(2)).is_null(0));
}

#[test]
fn errors_say_what_and_where() {
    let raise = Options { nan_policy: NanPolicy::Raise, ..Options::default() };
    let p = ListArray::from_iter_primitive::<Float64Type, _, _>([
        Some(vec![Some(1.0)]),
        None,
        Some(vec![Some(1.0), None]),
    ]);
    assert!(matches!(entropy(&p, &raise), Err(Error::Missing { side: Side::P, row: Some(2), element: 1 })));
    assert!(matches!(
        entropy(p.values(), &raise),
        Err(Error::Missing { side: Side::P, row: None, element: 2 })
    ));
    let q = Float64Array::from(vec![1.0]);
    assert!(matches!(kl_div(&p, &q, &raise), Err(Error::Lengths { row: Some(2), p: 2, q: 1 })));
    assert!(matches!(kl_div(&p, &p.slice(0, 2), &raise), Err(Error::Rows { p: 3, q: 2 })));
    assert!(matches!(kl_div(&q, &p, &raise), Err(Error::Depth { p: 0, q: 1 })));
    assert!(matches!(rel_entr(&q, &p), Err(Error::Type { side: Side::Q, lists: false, .. })));
    let text = StringArray::from(vec!["a"]);
    assert!(matches!(kl_div(&q, &text, &raise), Err(Error::Type { side: Side::Q, lists: true, .. })));
    for base in [0.0, 1.0, -2.0, f64::INFINITY, f64::NAN] {
        let options = Options { base: Some(base), ..raise };
        assert!(matches!(entropy(&q, &options), Err(Error::Base(_))));
    }
}

#[test]
fn offsets_that_lie_are_an_error() {
    for (offsets, row) in [([1i64, 3, 2, 8, 9], 1), ([-1, 3, 5, 8, 9], 0), ([1, 3, 5, 8, 11], 3)] {
        let offsets = ScalarBuffer::from(offsets.to_vec()).into_inner();
        // SAFETY: this breaks what a list array promises, which is what is tested: nothing reads through it.
        let p = unsafe {
            let whole = LargeListArray::new(
                element_field(),
                OffsetBuffer::new(OFFSETS.to_vec().into()),
                values(),
                None,
            );
            let data = whole.into_data().into_builder().buffers(vec![offsets]);
            LargeListArray::from(data.build_unchecked())
        };
        for result in [entropy(&p, &Options::default()), kl_div(&p, &p, &Options::default())] {
            match result {
                Err(Error::Extent { side: Side::P, level: 0, row: at }) => assert_eq!(at, row),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn lengths_that_no_memory_has_are_an_error() {
    for length in [1 << 50, usize::MAX / 2] {
        let p = NullArray::new(length);
        assert!(matches!(entr(&p), Err(Error::Arrow(ArrowError::MemoryError(_)))));
        assert!(matches!(entropy(&p, &Options::default()), Err(Error::Arrow(ArrowError::MemoryError(_)))));
    }
}

/// Result of importing an array that was spoilt.
pub(super) fn imported(
    array: &dyn Array,
    spoil: impl FnOnce(&mut FFI_ArrowArray, &mut FFI_ArrowSchema),
) -> Result<ArrayRef, Error> {
    let (mut array, mut schema) = to_ffi(&array.to_data()).unwrap();
    let (format, release) = (schema.format, schema.release);
    spoil(&mut array, &mut schema);
    // SAFETY: what is spoilt can be seen to be.
    let result = unsafe { import::array(array, &schema) };
    // So that it can be let go of.
    (schema.format, schema.release) = (format, release);
    result
}

#[test]
fn honest_arrays_come_in_as_they_are() {
    for array in kinds() {
        let back = imported(&array, |_, _| {}).unwrap();
        assert_eq!(&back, &array);
        assert_eq!(imported(&array.slice(2, 2), |_, _| {}).unwrap().as_ref(), array.slice(2, 2).as_ref());
        // Not a copy.
        let address = |array: &ArrayRef| {
            Unnested::open(array, Side::P).unwrap().floats::<Float64Type>().unwrap().values().as_ptr()
        };
        assert_eq!(address(&back), address(&array));
    }
    let table = StructArray::from(vec![(element_field(), values())]);
    assert_eq!(imported(&table, |_, _| {}).unwrap().as_struct().column(0), &values());
    assert_eq!(imported(&NullArray::new(3), |_, _| {}).unwrap().len(), 3);
    assert_eq!(imported(&Float64Array::from(Vec::<f64>::new()), |_, _| {}).unwrap().len(), 0);
}

#[test]
fn nulls_are_counted_whatever_the_producer_says() {
    for array in kinds() {
        let back = imported(&array, |array, _| array.null_count = 0).unwrap();
        assert_eq!(back.null_count(), 1);
    }
    let nulls = imported(&NullArray::new(3), |array, _| array.n_buffers = 1).unwrap();
    assert_eq!(nulls.len(), 3);
    let empty = ListArray::new_null(element_field(), 0);
    // SAFETY: a list array has two buffers.
    let back = imported(&empty, |array, _| unsafe { *array.buffers.add(1) = ptr::null() }).unwrap();
    assert_eq!(back.len(), 0);
}

/// Stream of tables of one column, since arrow-rs makes streams of tables alone.
fn stream(batches: Vec<Result<ArrayRef, ArrowError>>) -> import::Chunks {
    let schema = Arc::new(Schema::new(vec![Field::new("p", kinds()[0].data_type().clone(), true)]));
    let batch = {
        let schema = schema.clone();
        move |column: Result<_, _>| RecordBatch::try_new(schema.clone(), vec![column?])
    };
    let reader = RecordBatchIterator::new(batches.into_iter().map(batch), schema);
    // SAFETY: from arrow-rs itself.
    unsafe { import::Chunks::new(FFI_ArrowArrayStream::new(Box::new(reader))) }.unwrap()
}

#[test]
fn streams_are_read_to_their_end_or_to_their_error() {
    let p = kinds().remove(0);
    let chunks = stream(vec![Ok(p.clone()), Ok(p.slice(0, 0)), Ok(p.slice(1, 2))]);
    assert!(matches!(chunks.data_type(), DataType::Struct(_)));
    let lens: Vec<usize> = chunks.map(|chunk| chunk.unwrap().len()).collect();
    assert_eq!(lens, [4, 0, 2]);
    let error = || Err(ArrowError::ComputeError("the line broke".into()));
    let mut chunks = stream(vec![Ok(p.clone()), error(), Ok(p)]);
    assert!(chunks.next().unwrap().is_ok());
    match chunks.next() {
        Some(Err(Error::Stream(what))) => assert!(what.contains("the line broke"), "{what}"),
        other => panic!("{other:?}"),
    }
    assert!(chunks.next().is_none());
}

#[test]
fn extension_types_are_refused() {
    let field = Field::new("p", DataType::Int8, true);
    let field = field.with_metadata([("ARROW:extension:name".into(), "arrow.bool8".into())].into());
    let schema = FFI_ArrowSchema::try_from(&field).unwrap();
    // SAFETY: from arrow-rs itself.
    let error = unsafe { import::data_type(&schema) }.unwrap_err();
    assert!(error.to_string().contains("of the extension type \"arrow.bool8\""), "{error}");
}

#[test]
fn lists_that_share_more_than_there_is_memory_for_are_an_error() {
    let cells = FixedSizeListArray::try_new_with_length(
        element_field(),
        0,
        Arc::new(Float64Array::from(Vec::<f64>::new())),
        None,
        1 << 45,
    );
    let cells: ArrayRef = Arc::new(cells.unwrap());
    let field = Arc::new(Field::new_list_field(cells.data_type().clone(), true));
    let p = LargeListArray::new(field, OffsetBuffer::new(vec![0, 1 << 45].into()), cells, None);
    assert!(matches!(entropy(&p, &Options::default()), Err(Error::Arrow(ArrowError::MemoryError(_)))));
}

#[test]
fn what_a_producer_cannot_mean_is_an_error() {
    type Spoil = fn(&mut FFI_ArrowArray, &mut FFI_ArrowSchema);
    let spoils: [(&str, Spoil); 16] = [
        ("length -1", |array, _| array.length = -1),
        ("offset -1", |array, _| array.offset = -1),
        ("length 9223372036854775807", |array, _| array.length = i64::MAX),
        ("offset 4611686018427387904", |array, _| array.offset = 1 << 62),
        ("1 buffers in place of 2", |array, _| array.n_buffers = 1),
        ("-2 buffers", |array, _| array.n_buffers = -2),
        ("buffers in place", |array, _| array.buffers = ptr::null_mut()),
        // SAFETY: a list array has two buffers.
        ("buffer 1 is not there", |array, _| unsafe { *array.buffers.add(1) = ptr::null() }),
        // SAFETY: likewise.
        ("buffer 0 is not there", |array, _| unsafe { *array.buffers = ptr::null() }),
        ("5 nulls among 4", |array, _| array.null_count = 5),
        ("0 children in place of 1", |array, _| array.n_children = 0),
        ("child 0 is not there", |array, _| array.children = ptr::null_mut()),
        ("has been released", |array, _| array.release = None),
        ("no format", |_, schema| schema.format = ptr::null()),
        ("lacks child 0", |_, schema| schema.n_children = 0),
        ("has been released", |_, schema| schema.release = None),
    ];
    for (message, spoil) in spoils {
        let error = imported(&kinds()[0], spoil).unwrap_err();
        assert!(matches!(error, Error::Foreign(_)), "{error:?}");
        assert!(error.to_string().contains(message), "{error} and not {message}");
    }
    let cells = FixedSizeListArray::new(element_field(), 2, values(), None);
    let error = imported(&cells, |array, _| array.length = 6).unwrap_err().to_string();
    assert!(error.contains("child 0 has 10 elements and 12 are needed"), "{error}");
    let error = imported(&cells, |_, schema| schema.format = c"+w:-2".as_ptr()).unwrap_err().to_string();
    assert!(error.contains("has no width"), "{error}");
    let table = StructArray::from(vec![(element_field(), values())]);
    let field = Arc::new(Field::new("table", table.data_type().clone(), true));
    let nested = StructArray::from(vec![(field, Arc::new(table) as ArrayRef)]);
    let error = imported(&nested, |_, _| {}).unwrap_err().to_string();
    assert!(error.contains("of format \"+s\" with structs in it, which is neither numbers"), "{error}");
    let months = IntervalYearMonthArray::from(vec![1]);
    let error = imported(&months, |_, _| {}).unwrap_err().to_string();
    assert!(error.contains("an array is of Interval(YearMonth), which is neither numbers"), "{error}");
}
