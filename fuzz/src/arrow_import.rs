//! Arrays of a producer that lies.
//!
//! Buffers are as long as they have to be for so many elements, since nobody can check that; everything else is up to
//! the fuzzer. Reading past them is for the address sanitizer to find.

use std::ffi::{CString, c_void};
use std::ptr;

use arbitrary::{Result, Unstructured};
use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef};
use polars_entropy::arrow::{entr, entropy, import, kl_div, rel_entr};
use polars_entropy::{NanPolicy, Options};

/// Every function of arrays, on two of a foreign producer.
pub fn arrow_import(data: &[u8]) {
    let _ = arrays(&mut Unstructured::new(data));
}

fn arrays(u: &mut Unstructured) -> Result<()> {
    let (mut p, mut q) = (Producer::default(), Producer::default());
    let p = p.array(u)?;
    let q = q.array(u)?;
    for nan_policy in [NanPolicy::Propagate, NanPolicy::Omit, NanPolicy::Raise] {
        let options = Options { base: None, nan_policy };
        if let Some(p) = &p {
            let values = entropy(p, &options);
            if let Ok(values) = &values {
                check(values, f64::NEG_INFINITY);
            }
            if let (Ok(h), Ok(h_again)) = (values, entropy(p, &options)) {
                assert_eq!(h.to_data(), h_again.to_data());
            }
            let _ = entr(p);
        }
        if let (Some(p), Some(q)) = (&p, &q) {
            if let Ok(values) = kl_div(p, q, &options) {
                check(&values, f64::INFINITY);
            }
            let _ = rel_entr(p, q);
        }
    }
    Ok(())
}

/// Checks that values are such as the rules have them.
fn check(values: &ArrayRef, infinity: f64) {
    let fits =
        |x: f64| x.is_nan() || x == infinity || (x >= 0.0 && x.is_sign_positive() && x < f64::INFINITY);
    if let Some(doubles) = values.as_primitive_opt::<Float64Type>() {
        assert!(doubles.iter().flatten().all(fits), "{doubles:?}");
    } else if let Some(singles) = values.as_primitive_opt::<Float32Type>() {
        assert!(singles.iter().flatten().all(|x| fits(x.into())), "{singles:?}");
    }
}

/// Memory behind an array, which outlives it.
#[derive(Default)]
struct Producer {
    buffers: Vec<Vec<u8>>,
    lists: Vec<Vec<*const c_void>>,
    texts: Vec<CString>,
    arrays: Vec<Vec<*mut FFI_ArrowArray>>,
    schemas: Vec<Vec<*mut FFI_ArrowSchema>>,
    owned_arrays: Vec<*mut FFI_ArrowArray>,
    owned_schemas: Vec<*mut FFI_ArrowSchema>,
}

impl Drop for Producer {
    fn drop(&mut self) {
        for array in self.owned_arrays.drain(..) {
            // SAFETY: from `Box::into_raw`, once.
            let mut array = unsafe { Box::from_raw(array) };
            array.release = None;
        }
        for schema in self.owned_schemas.drain(..) {
            // SAFETY: likewise.
            let mut schema = unsafe { Box::from_raw(schema) };
            schema.release = None;
        }
    }
}

unsafe extern "C" fn release_array(array: *mut FFI_ArrowArray) {
    // SAFETY: called with an array, as the interface has it.
    unsafe { (*array).release = None };
}

unsafe extern "C" fn release_schema(schema: *mut FFI_ArrowSchema) {
    // SAFETY: called with a schema, as the interface has it.
    unsafe { (*schema).release = None };
}

/// Formats, the bits that an element takes in each buffer but the validity, and the children.
const FORMATS: &[(&str, &[usize], usize)] = &[
    ("g", &[64], 0),
    ("f", &[32], 0),
    ("e", &[16], 0),
    ("l", &[64], 0),
    ("L", &[64], 0),
    ("i", &[32], 0),
    ("I", &[32], 0),
    ("s", &[16], 0),
    ("S", &[16], 0),
    ("c", &[8], 0),
    ("C", &[8], 0),
    ("b", &[1], 0),
    ("d:19,2", &[128], 0),
    ("d:38,-4,256", &[256], 0),
    ("d:9,3,32", &[32], 0),
    ("n", &[], 0),
    ("u", &[32, 8], 0),
    ("tdD", &[32], 0),
    ("+l", &[32], 1),
    ("+L", &[64], 1),
    ("+vl", &[32, 32], 1),
    ("+vL", &[64, 64], 1),
    ("+w:0", &[], 1),
    ("+w:1", &[], 1),
    ("+w:3", &[], 1),
    ("+w:2147483647", &[], 1),
    ("+w:-1", &[], 1),
    ("+s", &[], 1),
    ("+m", &[32], 1),
    ("+r", &[], 2),
    ("+ud:0,1", &[8, 32], 2),
    ("zz", &[64], 0),
    ("+w:", &[], 1),
    ("d:1,2,3,4", &[128], 0),
];

/// Length that no array of the fuzzer exceeds.
const ROOM: usize = 40;

impl Producer {
    /// Array that passed the checks, if it did.
    fn array(&mut self, u: &mut Unstructured) -> Result<Option<ArrayRef>> {
        let (array, schema) = self.node(u, 0)?;
        // SAFETY: the structures live as long as self, and are released by their own functions.
        let (array, schema) = unsafe { (FFI_ArrowArray::from_raw(array), &*schema) };
        // SAFETY: buffers are as long as lengths say.
        Ok(unsafe { import::array(array, schema) }.ok())
    }

    fn node(
        &mut self,
        u: &mut Unstructured,
        depth: usize,
    ) -> Result<(*mut FFI_ArrowArray, *mut FFI_ArrowSchema)> {
        // Mostly lists above and numbers below, so that the fuzzer gets somewhere.
        let formats = if depth < 3 { FORMATS } else { &FORMATS[..18] };
        let &(format, bits, children) = u.choose(formats)?;
        let room = u.int_in_range(0..=ROOM)?;
        let offset = u.int_in_range(0..=room)?;
        let length = u.int_in_range(0..=room - offset)?;
        // What has no buffers, not even validity, may have any length.
        let boundless = ["n", "+w:0"].contains(&format) && u.ratio(1, 8)?;
        let length = if boundless { *u.choose(LENGTHS)? } else { length as i64 };

        let mut buffers = Vec::new();
        if format != "n" && format != "+r" && !format.starts_with("+u") {
            buffers.push(if boundless || u.ratio(1, 2)? {
                ptr::null()
            } else {
                self.bytes(u, room.div_ceil(8), false)?
            });
        }
        for &bits in bits {
            let len = ((room + 1) * bits).div_ceil(8);
            // Small numbers where they are offsets or sizes, or arbitrary ones.
            let small = (children > 0 || format == "u") && !u.ratio(1, 8)?;
            let buffer = if small { self.ints(u, room + 1, bits)? } else { self.bytes(u, len, true)? };
            buffers.push(buffer);
        }
        let (mut arrays, mut schemas) = (Vec::new(), Vec::new());
        for _ in 0..children {
            let (array, schema) = self.node(u, depth + 1)?;
            arrays.push(array);
            schemas.push(schema);
        }
        let mut array = FFI_ArrowArray {
            length,
            null_count: if u.ratio(1, 2)? { -1 } else { u.int_in_range(0..=3)? },
            offset: offset as i64,
            n_buffers: buffers.len() as i64,
            n_children: children as i64,
            buffers: self.kept_buffers(buffers),
            children: self.kept_arrays(arrays),
            dictionary: ptr::null_mut(),
            release: Some(release_array),
            private_data: ptr::null_mut(),
        };
        let mut schema = FFI_ArrowSchema::empty();
        schema.format = self.text(format);
        schema.n_children = children as i64;
        schema.children = self.kept_schemas(schemas);
        schema.release = Some(release_schema);
        if u.ratio(1, 6)? {
            lie(u, &mut array, &mut schema)?;
        }
        let (array, schema) = (Box::into_raw(Box::new(array)), Box::into_raw(Box::new(schema)));
        self.owned_arrays.push(array);
        self.owned_schemas.push(schema);
        Ok((array, schema))
    }

    fn bytes(&mut self, u: &mut Unstructured, len: usize, may_lack: bool) -> Result<*const c_void> {
        if may_lack && u.ratio(1, 20)? {
            return Ok(ptr::null());
        }
        let mut bytes = vec![0; len];
        let given = u.len().min(len);
        u.fill_buffer(&mut bytes[..given])?;
        Ok(self.kept(bytes))
    }

    /// Numbers of 32 or 64 bits that mostly go up.
    fn ints(&mut self, u: &mut Unstructured, count: usize, bits: usize) -> Result<*const c_void> {
        let (mut bytes, mut last) = (Vec::new(), 0i64);
        let sorted = u.ratio(2, 3)?;
        for _ in 0..count {
            let step = i64::from(u.arbitrary::<u8>()? % 8);
            last = if sorted { last + step } else { step - 1 };
            bytes.extend_from_slice(&last.to_le_bytes()[..bits.div_ceil(8)]);
        }
        Ok(self.kept(bytes))
    }

    fn kept(&mut self, mut bytes: Vec<u8>) -> *const c_void {
        // Not a byte more than there has to be, for the sanitizer.
        bytes.shrink_to_fit();
        self.buffers.push(bytes);
        self.buffers[self.buffers.len() - 1].as_ptr().cast()
    }

    fn text(&mut self, text: &str) -> *const std::ffi::c_char {
        self.texts.push(CString::new(text).expect("no zeros in formats"));
        self.texts[self.texts.len() - 1].as_ptr()
    }

    fn kept_buffers(&mut self, buffers: Vec<*const c_void>) -> *mut *const c_void {
        self.lists.push(buffers);
        let last = self.lists.len() - 1;
        self.lists[last].as_mut_ptr()
    }

    fn kept_arrays(&mut self, arrays: Vec<*mut FFI_ArrowArray>) -> *mut *mut FFI_ArrowArray {
        self.arrays.push(arrays);
        let last = self.arrays.len() - 1;
        self.arrays[last].as_mut_ptr()
    }

    fn kept_schemas(&mut self, schemas: Vec<*mut FFI_ArrowSchema>) -> *mut *mut FFI_ArrowSchema {
        self.schemas.push(schemas);
        let last = self.schemas.len() - 1;
        self.schemas[last].as_mut_ptr()
    }
}

/// Impossible lengths.
const LENGTHS: &[i64] = &[-1, i64::MIN, i64::MAX, i64::MAX - 7, 1 << 62, 1 << 57, 1 << 54, 1 << 50, -64];

/// Changes one thing to something that can be seen to be wrong.
fn lie(u: &mut Unstructured, array: &mut FFI_ArrowArray, schema: &mut FFI_ArrowSchema) -> Result<()> {
    match u.int_in_range(0..=12)? {
        0 => array.length = *u.choose(&[-1, i64::MIN, i64::MAX, 1 << 62, 1 << 57, 1 << 56])?,
        1 => array.offset = *u.choose(&[-1, i64::MIN, i64::MAX, 1 << 62, 1 << 57, 1 << 56])?,
        2 => array.n_buffers += u.int_in_range(-3..=-1)?,
        3 => array.n_children -= 1,
        4 => array.buffers = ptr::null_mut(),
        5 => array.children = ptr::null_mut(),
        6 => array.release = None,
        7 => array.null_count = *u.choose(&[-2, i64::MIN, i64::MAX, 41])?,
        8 => schema.release = None,
        9 => schema.n_children -= 1,
        10 => schema.children = ptr::null_mut(),
        11 => schema.format = ptr::null(),
        _ => schema.n_children = i64::MIN,
    }
    Ok(())
}
