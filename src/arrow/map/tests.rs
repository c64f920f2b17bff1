use std::ptr;
use std::sync::Arc;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, DictionaryArray,
    FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Int32Array, Int64Array, LargeListArray,
    LargeStringArray, ListArray, ListViewArray, MapArray, NullArray, StringArray, StringViewArray,
    TimestampMillisecondArray, UInt8Array, UInt64Array,
};
use arrow_buffer::{ArrowNativeType, Buffer, OffsetBuffer, ScalarBuffer, i256};
use arrow_cast::cast;
use arrow_schema::{Field, Fields};

use super::super::import;
use super::super::tests::imported;
use super::*;
use crate::NanPolicy;

const LN_2: f64 = std::f64::consts::LN_2;

fn entries(keys: ArrayRef, weights: ArrayRef) -> StructArray {
    let field = |name: &str, array: &ArrayRef| Field::new(name, array.data_type().clone(), true);
    let fields: Fields = vec![field("key", &keys), field("weight", &weights)].into();
    StructArray::new(fields, vec![keys, weights], None)
}

/// Lists of keys and weights that end in these places.
fn lists(keys: impl Array + 'static, weights: &[f64], offsets: &[i32]) -> ArrayRef {
    let entries = entries(Arc::new(keys), Arc::new(Float64Array::from(weights.to_vec())));
    let field = Arc::new(Field::new_list_field(entries.data_type().clone(), true));
    Arc::new(ListArray::new(field, OffsetBuffer::new(offsets.to_vec().into()), Arc::new(entries), None))
}

/// One list.
fn list(keys: impl Array + 'static, weights: &[f64]) -> ArrayRef {
    lists(keys, weights, &[0, weights.len() as i32])
}

fn doubles(array: &ArrayRef) -> Vec<Option<f64>> {
    array.as_primitive::<Float64Type>().iter().collect()
}

fn divergence(p: &ArrayRef, q: &ArrayRef) -> f64 {
    doubles(&kl_div(p, q, 0.0, &Options::default()).unwrap())[0].unwrap()
}

/// The rows a: 1, b: 1; null; a: 2, c: 1, a: 1, in every layout, with junk around and behind the null.
fn kinds() -> Vec<ArrayRef> {
    let keys = StringArray::from(vec!["x", "a", "b", "junk", "a", "c", "a", "y"]);
    let weights = Float64Array::from(vec![f64::NAN, 1.0, 1.0, -1.0, 2.0, 1.0, 1.0, f64::INFINITY]);
    let of = |keys: ArrayRef| {
        let entries = entries(keys, Arc::new(weights.clone()));
        let field = Arc::new(Field::new("entries", entries.data_type().clone(), false));
        let there = || Some(NullBuffer::from(vec![true, false, true]));
        let small = |xs: &[i32]| ScalarBuffer::from(xs.to_vec());
        let offsets = || OffsetBuffer::new(small(&[1, 3, 4, 7]));
        let below: ArrayRef = Arc::new(entries.clone());
        let lists = ListArray::new(field.clone(), offsets(), below.clone(), there());
        let large = OffsetBuffer::new(vec![1_i64, 3, 4, 7].into());
        let large = LargeListArray::new(field.clone(), large, below.clone(), there());
        let views = ListViewArray::new(field.clone(), small(&[1, 8, 4]), small(&[2, 0, 3]), below, there());
        [Arc::new(lists) as ArrayRef, Arc::new(large), Arc::new(views)]
            .into_iter()
            .chain((entries.column(0).null_count() == 0).then(|| {
                let entries = StructArray::new(
                    vec![
                        Field::new("keys", entries.column(0).data_type().clone(), false),
                        Field::new("values", DataType::Float64, true),
                    ]
                    .into(),
                    entries.columns().to_vec(),
                    None,
                );
                let field = Arc::new(Field::new("entries", entries.data_type().clone(), false));
                let maps = MapArray::new(field, offsets(), entries, there(), false);
                Arc::new(maps) as ArrayRef
            }))
            .collect::<Vec<_>>()
    };
    let keys: ArrayRef = Arc::new(keys);
    let dictionary = DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8));
    [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, dictionary]
        .iter()
        .flat_map(|data_type| of(cast(&keys, data_type).unwrap()))
        .collect()
}

#[test]
fn every_layout_of_rows_and_texts_gives_the_same() {
    let of_last = 2.0 * LN_2 - 0.75 * 3_f64.ln();
    let kinds = kinds();
    assert_eq!(kinds.len(), 16);
    for p in &kinds {
        let got = doubles(&entropy(p, &Options::default()).unwrap());
        assert_eq!(got[..2], [Some(LN_2), None], "{}", p.data_type());
        assert!((got[2].unwrap() - of_last).abs() < 1e-15);
        assert_eq!(doubles(&entropy(&p.slice(2, 1), &Options::default()).unwrap())[0], got[2]);
        for q in &kinds {
            let same = kl_div(p, q, 0.0, &Options::default()).unwrap();
            assert_eq!(doubles(&same), [Some(0.0), None, Some(0.0)]);
            // One row for all of them.
            let one = kl_div(p, &q.slice(0, 1), 0.0, &Options::default()).unwrap();
            assert_eq!(doubles(&one), [Some(0.0), None, Some(f64::INFINITY)]);
        }
    }
}

#[test]
fn imported_arrays_give_the_same() {
    for p in kinds() {
        for p in [p.clone(), p.slice(1, 2)] {
            let back = imported(&p, |_, _| {}).unwrap();
            let of = |p: &ArrayRef| doubles(&entropy(p, &Options::default()).unwrap());
            assert_eq!(of(&back), of(&p), "{}", p.data_type());
        }
    }
    // Entries and keys that begin somewhere within their buffers.
    let part = entries(
        Arc::new(StringArray::from(vec!["x", "a", "b", "c"]).slice(1, 3)),
        Arc::new(Float64Array::from(vec![7.0, 1.0, 1.0, 1.0]).slice(1, 3)),
    );
    let part = part.slice(1, 2);
    let field = Arc::new(Field::new_list_field(part.data_type().clone(), true));
    let cells: ArrayRef = Arc::new(FixedSizeListArray::new(field.clone(), 2, Arc::new(part.clone()), None));
    assert_eq!(doubles(&entropy(&cells, &Options::default()).unwrap()), [Some(LN_2)]);
    let p: ArrayRef =
        Arc::new(ListArray::new(field, OffsetBuffer::new(vec![0, 2].into()), Arc::new(part), None));
    let back = imported(&p, |_, _| {}).unwrap();
    assert_eq!(doubles(&entropy(&back, &Options::default()).unwrap()), [Some(LN_2)]);
    // Of structs in such lists, arrow-rs would import others.
    let error = imported(&cells, |_, _| {}).unwrap_err().to_string();
    assert!(error.contains("of format \"+w:2\" with structs in it"), "{error}");
    // Nested lists, of which the innermost are the rows.
    let field = Arc::new(Field::new_list_field(p.data_type().clone(), true));
    let nested: ArrayRef = Arc::new(ListArray::new(field, OffsetBuffer::new(vec![0, 1].into()), p, None));
    let out = entropy(&imported(&nested, |_, _| {}).unwrap(), &Options::default()).unwrap();
    assert_eq!(doubles(&out.as_list::<i32>().value(0)), [Some(LN_2)]);
}

#[test]
fn keys_are_equal_where_a_group_by_takes_them_for_equal() {
    let nan = f64::NAN;
    let equal: [(ArrayRef, ArrayRef); 16] = [
        (Arc::new(Int32Array::from(vec![1, -2])), Arc::new(Int64Array::from(vec![-2, 1]))),
        (Arc::new(Int64Array::from(vec![3, 1])), Arc::new(UInt8Array::from(vec![1, 3]))),
        (
            Arc::new(UInt64Array::from(vec![(1 << 53) + 1, 1 << 53])),
            Arc::new(Int64Array::from(vec![1 << 53, (1 << 53) + 1])),
        ),
        (Arc::new(Int64Array::from(vec![3, 1])), Arc::new(Float64Array::from(vec![1.0, 3.0]))),
        (Arc::new(Float64Array::from(vec![0.0, nan])), Arc::new(Float32Array::from(vec![-f32::NAN, -0.0]))),
        (
            Arc::new(Float64Array::from(vec![None, Some(2.0)])),
            Arc::new(Float64Array::from(vec![Some(2.0), None])),
        ),
        (Arc::new(BooleanArray::from(vec![true, false])), Arc::new(BooleanArray::from(vec![false, true]))),
        (Arc::new(Date32Array::from(vec![3, 4])), Arc::new(Date32Array::from(vec![4, 3]))),
        (
            Arc::new(TimestampMillisecondArray::from(vec![3, 4])),
            Arc::new(TimestampMillisecondArray::from(vec![4, 3])),
        ),
        (
            Arc::new(StringArray::from(vec!["a text of more than twelve bytes", "b"])),
            Arc::new(StringViewArray::from(vec!["b", "a text of more than twelve bytes"])),
        ),
        (
            Arc::new(LargeStringArray::from(vec!["a", "b"])),
            Arc::new(DictionaryArray::<Int8Type>::from_iter(["b", "a"])),
        ),
        (
            Arc::new(BinaryArray::from_vec(vec![b"ab", b"\xff\xff"])),
            Arc::new(FixedSizeBinaryArray::try_from_iter([b"\xff\xff", b"ab"].into_iter()).unwrap()),
        ),
        (Arc::new(decimals(&[150, 200], 2)), Arc::new(decimals(&[20_000, 15_000], 4))),
        (Arc::new(decimals(&[100, 200], 2)), Arc::new(Int32Array::from(vec![2, 1]))),
        (
            Arc::new(decimals(&[i128::MAX, 150], 0)),
            Arc::new(
                Decimal256Array::from(vec![
                    i256::from_i128(15_000),
                    i256::from_i128(i128::MAX).wrapping_mul(i256::from_i128(100)),
                ])
                .with_precision_and_scale(76, 2)
                .unwrap(),
            ),
        ),
        (
            Arc::new(UInt8Array::from(vec![7, 9])),
            cast(
                &UInt8Array::from(vec![9, 7]),
                &DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::UInt8)),
            )
            .unwrap(),
        ),
    ];
    for (p, q) in equal {
        let types = format!("{} and {}", p.data_type(), q.data_type());
        let (p, q) = (list(p, &[1.0, 3.0]), list(q, &[3.0, 1.0]));
        assert_eq!(divergence(&p, &q), 0.0, "{types}");
        assert_eq!(divergence(&q, &p), 0.0, "{types}");
        // And not in the same order.
        let turned = list(p.as_list::<i32>().values().as_struct().column(0).clone(), &[3.0, 1.0]);
        assert!(divergence(&turned, &q) > 0.0, "{types}");
    }
    // As decimals of one scale, the first has more digits than there are.
    let (most, least) = (i256::MAX, i256::from_i128(1));
    let wide = |x, scale| {
        list(Decimal256Array::from(vec![x]).with_data_type(DataType::Decimal256(76, scale)), &[1.0])
    };
    assert_eq!(divergence(&wide(most, 0), &wide(most, 2)), f64::INFINITY);
    assert_eq!(divergence(&wide(least, -100), &wide(least, 100)), f64::INFINITY);
    assert_eq!(divergence(&wide(i256::ZERO, -100), &wide(i256::ZERO, 100)), 0.0);
    let nulls = list(NullArray::new(2), &[1.0, 3.0]);
    assert_eq!(divergence(&nulls, &list(StringArray::new_null(1), &[1.0])), 0.0);
}

fn decimals(numbers: &[i128], scale: i8) -> Decimal128Array {
    Decimal128Array::from(numbers.to_vec()).with_data_type(DataType::Decimal128(38, scale))
}

#[test]
fn keys_that_no_type_holds_both_of_are_refused() {
    use DataType::*;
    use arrow_schema::TimeUnit::{Microsecond, Millisecond};
    let date_time = |unit, zone: Option<&str>| Timestamp(unit, zone.map(Into::into));
    let apart = [
        (Int64, Utf8),
        (Utf8, Binary),
        (Int64, Boolean),
        (Int64, Date32),
        (Date32, Date64),
        (Date32, date_time(Millisecond, None)),
        (date_time(Millisecond, None), date_time(Microsecond, None)),
        (date_time(Millisecond, None), date_time(Millisecond, Some("UTC"))),
        (date_time(Millisecond, None), Duration(Millisecond)),
        (Time64(Microsecond), Int64),
        (Decimal128(10, 2), Float64),
        (Dictionary(Box::new(Int8), Box::new(Utf8)), Int8),
    ];
    for (p, q) in apart {
        assert_eq!(common_form(&p, &q), None, "{p} and {q}");
        assert_eq!(common_form(&q, &p), None, "{p} and {q}");
        assert!(common_form(&p, &p).is_some() && common_form(&q, &Null).is_some());
    }
    let (p, q) = (list(Int64Array::from(vec![1]), &[1.0]), list(StringArray::from(vec!["a"]), &[1.0]));
    let error = kl_div(&p, &q, 0.0, &Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "the keys of p are Int64 and those of q are Utf8: cast one of them");
}

#[test]
fn rows_follow_the_rules() {
    let text = |keys: Vec<Option<&'static str>>| StringArray::from(keys);
    let of = |p: &ArrayRef, nan_policy| {
        entropy(p, &Options { nan_policy, ..Options::default() }).map(|values| doubles(&values)[0])
    };
    let null_key = list(text(vec![None, Some("a"), None]), &[1.0, 2.0, 1.0]);
    assert_eq!(of(&null_key, NanPolicy::Raise).unwrap(), Some(LN_2));
    let missing = entries(
        Arc::new(text(vec![Some("a"), Some("b"), Some("c"), Some("b")])),
        Arc::new(Float64Array::from(vec![Some(1.0), None, Some(1.0), Some(5.0)])),
    );
    let field = Arc::new(Field::new_list_field(missing.data_type().clone(), true));
    let missing: ArrayRef = Arc::new(FixedSizeListArray::new(field, 4, Arc::new(missing), None));
    assert_eq!(of(&missing, NanPolicy::Propagate).unwrap(), None);
    assert_eq!(of(&missing, NanPolicy::Omit).unwrap(), Some(LN_2));
    let error = of(&missing, NanPolicy::Raise).unwrap_err();
    assert!(matches!(error, Error::Missing { side: Side::P, row: Some(0), element: 1 }));
    // Entries that are null, and those of no type.
    let none: ArrayRef = {
        let field = Arc::new(Field::new_list_field(DataType::Null, true));
        let offsets = OffsetBuffer::new(vec![0, 0, 2].into());
        Arc::new(ListArray::new(field, offsets, Arc::new(NullArray::new(2)), None))
    };
    let values = entropy(&none, &Options::default()).unwrap();
    assert_eq!(doubles(&values), [Some(0.0), None]);
    let both = kl_div(&none, &list(text(vec![]), &[]), 0.0, &Options::default()).unwrap();
    assert_eq!(doubles(&both), [Some(0.0), None]);
    // A pseudo-count is on both sides of every key.
    let (p, q) = (list(text(vec![Some("a")]), &[3.0]), list(text(vec![Some("b")]), &[1.0]));
    let got = doubles(&kl_div(&p, &q, 0.5, &Options::default()).unwrap())[0].unwrap();
    let want = 0.875 * (0.875_f64 / 0.25).ln() + 0.125 * (0.125_f64 / 0.75).ln();
    assert!((got - want).abs() < 1e-15);
}

#[test]
fn results_are_single_where_all_weights_are() {
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let of = |weights: ArrayRef| -> ArrayRef {
        let entries = entries(keys.clone(), weights);
        let field = Arc::new(Field::new_list_field(entries.data_type().clone(), true));
        Arc::new(FixedSizeListArray::new(field, 2, Arc::new(entries), None))
    };
    let (single, double) =
        (of(Arc::new(Float32Array::from(vec![1.0, 3.0]))), of(Arc::new(Int32Array::from(vec![1, 3]))));
    let data_type = |p, q| js_div(p, q, 0.0, &Options::default()).unwrap().data_type().clone();
    assert_eq!(data_type(&single, &single), DataType::Float32);
    assert_eq!(data_type(&single, &double), DataType::Float64);
    assert_eq!(data_type(&double, &single), DataType::Float64);
}

#[test]
fn errors_say_what_is_wrong() {
    let options = Options::default();
    let told = |error: Error, what: &str| assert!(error.to_string().contains(what), "{error}");
    let p = list(StringArray::from(vec!["a"]), &[1.0]);
    for count in [-0.5, f64::NAN, f64::INFINITY] {
        assert!(matches!(psi(&p, &p, count, &options), Err(Error::PseudoCount(_))));
    }
    told(
        entropy(&Float64Array::from(vec![1.0]), &options).unwrap_err(),
        "make lists of structs of two fields",
    );
    let numbers = ListArray::from_iter_primitive::<Float64Type, _, _>([Some(vec![Some(1.0)])]);
    told(entropy(&numbers, &options).unwrap_err(), "its lists have no keys");
    let flat = p.as_list::<i32>().values().clone();
    told(entropy(&flat, &options).unwrap_err(), "put the rows of a distribution into a list");
    let turned = flat.as_struct();
    let turned = entries(turned.column(1).clone(), turned.column(0).clone());
    let field = Arc::new(Field::new_list_field(turned.data_type().clone(), true));
    let turned = FixedSizeListArray::new(field, 1, Arc::new(turned), None);
    told(entropy(&turned, &options).unwrap_err(), "the weight, is Utf8; cast it to numbers");
    told(kl_div(&p, &list(p.clone(), &[1.0]), 0.0, &options).unwrap_err(), "keys of List(");
    told(super::super::entropy(&p, &options).unwrap_err(), "the functions of `map` take keys and weights");
    assert!(matches!(kl_div(&p, &p.slice(0, 0), 0.0, &options), Ok(empty) if empty.is_empty()));
}

/// A list of one map whose keys have these buffers, at odds with what their type promises.
fn with_lies(data_type: DataType, len: usize, buffers: Vec<Buffer>) -> ArrayRef {
    let honest = arrow_array::new_null_array(&data_type, len).to_data().into_builder();
    // SAFETY: this breaks what the array promises, which is what is tested: nothing reads without a check.
    let keys = unsafe { honest.nulls(None).buffers(buffers).build_unchecked() };
    list(arrow_array::make_array(keys), &vec![1.0; len])
}

fn buffer<T: ArrowNativeType>(numbers: &[T]) -> Buffer {
    Buffer::from_slice_ref(numbers)
}

#[test]
fn keys_that_lie_are_an_error() {
    let text = || buffer(b"some text that is longer than twelve bytes");
    let view = |len: u32, index: u32, first: u32| {
        u128::from(len) | u128::from(index) << 64 | u128::from(first) << 96
    };
    let mut lies: Vec<(ArrayRef, usize)> = vec![];
    for (offsets, key) in [
        ([0, 3, 1, 4], 1),
        ([0, 3, 50, 4], 1),
        ([0, 3, -1, 4], 1),
        ([-1, 3, 4, 4], 0),
        ([i32::MIN, i32::MAX, 4, 4], 0),
    ] {
        for data_type in [DataType::Utf8, DataType::Binary] {
            lies.push((with_lies(data_type, 3, vec![buffer(&offsets), text()]), key));
        }
        let offsets = offsets.map(|x| if x == i32::MIN { i64::MIN } else { x.into() });
        for data_type in [DataType::LargeUtf8, DataType::LargeBinary] {
            lies.push((with_lies(data_type, 3, vec![buffer(&offsets), text()]), key));
        }
    }
    for lie in
        [view(13, 0, 40), view(13, 1, 0), view(u32::MAX, 0, 0), view(14, 0, u32::MAX), view(13, u32::MAX, 0)]
    {
        let views = ScalarBuffer::from(vec![view(2, 9, 9), view(20, 0, 4), lie]).into_inner();
        for data_type in [DataType::Utf8View, DataType::BinaryView] {
            lies.push((with_lies(data_type, 3, vec![views.clone(), text()]), 2));
        }
    }
    for index in [2, -1, i32::MAX] {
        let keys = Int32Array::from(vec![Some(0), None, Some(index)]);
        // SAFETY: as above.
        let dictionary = unsafe {
            DictionaryArray::<Int32Type>::new_unchecked(keys, Arc::new(StringArray::from(vec!["a", "b"])))
        };
        lies.push((list(dictionary, &[1.0; 3]), 2));
    }
    for (p, at) in &lies {
        // From a producer, too. There the last offset tells how many bytes there are.
        let foreign = imported(p, |_, _| {}).ok();
        for p in [Some(p), foreign.as_ref()].into_iter().flatten() {
            match entropy(p, &Options::default()) {
                Err(Error::Key { side: Side::P, key }) => assert_eq!(key, *at),
                other => panic!("{other:?} of {}", p.data_type()),
            }
            assert!(matches!(js_div(p, p, 0.0, &Options::default()), Err(Error::Key { .. })));
        }
    }
    // Texts of a dictionary, the third of which lies: hashed all together, or those in use.
    let of_lies = |offsets: &[i32], indices: Vec<i32>| {
        let texts = with_lies(DataType::Utf8, offsets.len() - 1, vec![buffer(offsets), text()]);
        let texts = texts.as_list::<i32>().values().as_struct().column(0).clone();
        let weights = vec![1.0; indices.len()];
        list(DictionaryArray::<Int32Type>::new(indices.into(), texts), &weights)
    };
    let (short, long) = (&[0, 1, 2, 99][..], &[0, 1, 2, 99, 3, 4][..]);
    for (offsets, indices) in [(short, vec![0, 2, 1]), (short, vec![0, 1, 0]), (long, vec![0, 2, 1])] {
        let error = entropy(&of_lies(offsets, indices), &Options::default()).unwrap_err();
        assert!(matches!(error, Error::Key { side: Side::P, key: 2 }));
    }
    assert!(entropy(&of_lies(long, vec![0, 1, 0]), &Options::default()).is_ok());
    // Behind a null, anything goes.
    let keys = with_lies(DataType::Utf8, 3, vec![buffer(&[0, 1, -5, 3]), text()]);
    let keys = keys.as_list::<i32>().values().as_struct().column(0).to_data().into_builder();
    // SAFETY: as above.
    let keys = unsafe { keys.nulls(Some(vec![true, false, false].into())).build_unchecked() };
    let p = list(arrow_array::make_array(keys), &[1.0; 3]);
    assert!(entropy(&p, &Options::default()).is_ok());
}

/// The array of the keys below a list.
fn keys_of(array: &mut FFI_ArrowArray) -> &mut FFI_ArrowArray {
    // SAFETY: a list has one child, and an entry two.
    unsafe { &mut **(**array.children).children }
}

#[test]
fn what_a_producer_of_keys_cannot_mean_is_an_error() {
    type Spoil = fn(&mut FFI_ArrowArray);
    let texts = |data_type: &DataType| {
        let keys: ArrayRef = Arc::new(StringArray::from(vec!["a text of more than twelve bytes", "b"]));
        list(cast(&keys, data_type).unwrap(), &[1.0, 1.0])
    };
    let dictionary = DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8));
    let spoils: [(DataType, &str, Spoil); 15] = [
        (DataType::Utf8, "2 buffers in place of 3", |keys| keys.n_buffers = 2),
        (DataType::Utf8, "buffer 1 is not there", |keys| set_buffer(keys, 1, ptr::null())),
        (DataType::Utf8, "buffer at position 2 is null", |keys| set_buffer(keys, 2, ptr::null())),
        (DataType::Utf8, "texts that end at -7", |keys| set_buffer(keys, 1, [0, 1, -7].as_ptr().cast())),
        (DataType::LargeUtf8, "texts that end at", |keys| {
            set_buffer(keys, 1, [0, 1, i64::MAX].as_ptr().cast());
        }),
        (DataType::Utf8, "buffer 1 is not aligned", |keys| {
            let odd = keys.buffer(1).wrapping_add(1);
            set_buffer(keys, 1, odd);
        }),
        (DataType::Utf8, "it has a dictionary", |keys| keys.dictionary = ptr::from_mut(keys)),
        (DataType::Utf8, "has 1 elements and 2 are needed", |keys| keys.length = 1),
        (DataType::Utf8View, "2 buffers in place of 3", |keys| keys.n_buffers = 2),
        (DataType::Utf8View, "-1 buffers in place of 3", |keys| keys.n_buffers = -1),
        (DataType::Utf8View, "9223372036854775807 buffers", |keys| keys.n_buffers = i64::MAX),
        (DataType::Utf8View, "buffer 3 is not there", |keys| set_buffer(keys, 3, ptr::null())),
        (DataType::Utf8View, "a buffer of -1 bytes", |keys| set_buffer(keys, 3, [-1_i64].as_ptr().cast())),
        (dictionary.clone(), "it has no dictionary", |keys| keys.dictionary = ptr::null_mut()),
        (dictionary.clone(), "2 buffers in place of 3", |keys| {
            // SAFETY: it has one.
            unsafe { (*keys.dictionary).n_buffers = 2 };
        }),
    ];
    for (data_type, message, spoil) in spoils {
        let error = imported(&texts(&data_type), |array, _| spoil(keys_of(array))).unwrap_err().to_string();
        assert!(error.contains(message), "{error} and not {message}");
    }
    // A width that there cannot be, a map of anything else than two fields, and indices that are texts.
    let list = |key| DataType::List(Arc::new(Field::new("l", entry_type(key), true)));
    let map = DataType::Map(Arc::new(Field::new("m", entry_type(DataType::Utf8), false)), false);
    type SpoilSchema = fn(&mut FFI_ArrowSchema);
    let types: [(DataType, SpoilSchema, &str); 4] = [
        (
            list(DataType::FixedSizeBinary(2)),
            |entries| key_schema(entries).format = c"w:-2".as_ptr(),
            "has no width",
        ),
        (list(dictionary), |entries| key_schema(entries).format = c"u".as_ptr(), "indices into a dictionary"),
        (map.clone(), |entries| entries.format = c"l".as_ptr(), "the entries of a map are Int64"),
        (map, |entries| entries.n_children = 1, "the entries of a map are Struct"),
    ];
    for (data_type, spoil, message) in types {
        let schema = FFI_ArrowSchema::try_from(&data_type).unwrap();
        // SAFETY: a list or a map has one child, and an entry two.
        let entries = unsafe { &mut **schema.children };
        let honest = (entries.format, entries.n_children, key_schema(entries).format);
        spoil(entries);
        // SAFETY: what is spoilt can be seen to be.
        let error = unsafe { import::data_type(&schema) }.unwrap_err().to_string();
        // So that it can be let go of.
        (entries.format, entries.n_children, key_schema(entries).format) = honest;
        assert!(error.contains(message), "{error} and not {message}");
    }
}

fn entry_type(key: DataType) -> DataType {
    DataType::Struct(
        vec![Field::new("key", key, false), Field::new("weight", DataType::Float64, true)].into(),
    )
}

fn key_schema(entries: &mut FFI_ArrowSchema) -> &mut FFI_ArrowSchema {
    // SAFETY: an entry has two children.
    unsafe { &mut **entries.children }
}

fn set_buffer(array: &mut FFI_ArrowArray, i: usize, buffer: *const u8) {
    // SAFETY: the array has as many buffers.
    unsafe { *array.buffers.add(i) = buffer.cast() };
}

#[test]
fn lengths_that_no_memory_has_are_an_error() {
    let nulls = || Arc::new(NullArray::new(1 << 50));
    let entries = entries(nulls(), nulls());
    let field = Arc::new(Field::new_list_field(entries.data_type().clone(), true));
    let offsets = OffsetBuffer::new(vec![0_i64, 1 << 50].into());
    let p: ArrayRef = Arc::new(LargeListArray::new(field, offsets, Arc::new(entries), None));
    // Values of a dictionary, of which one is in use.
    let of_nulls = list(DictionaryArray::<Int32Type>::new(vec![0].into(), nulls()), &[1.0]);
    for p in [p, of_nulls] {
        let error = entropy(&p, &Options::default()).unwrap_err();
        assert!(matches!(error, Error::Arrow(arrow_schema::ArrowError::MemoryError(_))));
    }
}
