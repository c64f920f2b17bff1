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
use polars_entropy::arrow::{entr, entropy, import, kl_div, map, rel_entr};
use polars_entropy::{NanPolicy, Options};

/// Every function of arrays, on two of a foreign producer.
pub fn arrow_import(data: &[u8]) {
    let _ = arrays(&mut Unstructured::new(data));
}

fn arrays(u: &mut Unstructured) -> Result<()> {
    let (mut p, mut q) = (Producer::default(), Producer::default());
    let p = p.array(u, Place::Any(0))?;
    let q = q.array(u, Place::Any(0))?;
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

/// Every function of keys and weights, on two arrays of a foreign producer.
pub fn arrow_map(data: &[u8]) {
    let _ = maps(&mut Unstructured::new(data));
}

fn maps(u: &mut Unstructured) -> Result<()> {
    let (mut p, mut q) = (Producer::default(), Producer::default());
    let p = p.array(u, Place::Rows)?;
    let q = q.array(u, Place::Rows)?;
    for nan_policy in [NanPolicy::Propagate, NanPolicy::Omit, NanPolicy::Raise] {
        let options = Options { base: None, nan_policy };
        for side in [&p, &q].into_iter().flatten() {
            let values = map::entropy(side, &options);
            if let Ok(values) = &values {
                assert_eq!(values.len(), side.len());
                check(values, f64::NEG_INFINITY);
                assert_eq!(values.to_data(), map::entropy(side, &options).expect("as before").to_data());
            }
        }
        for (p, q) in [(&p, &q), (&p, &p), (&q, &q)] {
            let (Some(p), Some(q)) = (p, q) else { continue };
            for pseudo_count in [0.0, 0.5] {
                for function in [map::kl_div, map::cross_entropy, map::js_div, map::psi] {
                    if let Ok(values) = function(p, q, pseudo_count, &options) {
                        check(&values, f64::INFINITY);
                    }
                }
            }
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

/// Formats, the bits that an element takes in each buffer but the validity, and the children. Texts and bytes have buffers of their own.
type Formats = &'static [(&'static str, &'static [usize], usize)];

const FORMATS: Formats = &[
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
    ("u", &[], 0),
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

const LISTS: Formats = &[
    ("+l", &[32], 1),
    ("+L", &[64], 1),
    ("+vl", &[32, 32], 1),
    ("+vL", &[64, 64], 1),
    ("+m", &[32], 1),
    ("+w:3", &[], 1),
];

const KEYS: Formats = &[
    ("u", &[], 0),
    ("z", &[], 0),
    ("U", &[], 0),
    ("Z", &[], 0),
    ("vu", &[], 0),
    ("vz", &[], 0),
    ("l", &[64], 0),
    ("L", &[64], 0),
    ("i", &[32], 0),
    ("S", &[16], 0),
    ("c", &[8], 0),
    ("C", &[8], 0),
    ("b", &[1], 0),
    ("g", &[64], 0),
    ("f", &[32], 0),
    ("d:19,2", &[128], 0),
    ("d:38,-4,256", &[256], 0),
    ("d:9,3,32", &[32], 0),
    ("n", &[], 0),
    ("w:0", &[0], 0),
    ("w:3", &[24], 0),
    ("tdD", &[32], 0),
    ("tsm:UTC", &[64], 0),
    ("tDn", &[64], 0),
    ("tiM", &[32], 0),
];

/// Place of an array in what is around it.
#[derive(Clone, Copy)]
enum Place {
    /// At this depth, of any format.
    Any(usize),
    /// Lists or maps.
    Rows,
    /// Their structs.
    Entries,
    Key,
    /// Contents of a dictionary.
    Value,
    Weight,
}

impl Place {
    fn formats(self) -> Formats {
        match self {
            // Mostly lists above and numbers below, so that the fuzzer gets somewhere.
            Place::Any(0..3) => FORMATS,
            Place::Any(_) => &FORMATS[..18],
            Place::Rows => LISTS,
            Place::Entries => &[("+s", &[], 2)],
            Place::Key | Place::Value => KEYS,
            Place::Weight => &FORMATS[..16],
        }
    }

    /// Place of a child.
    fn below(self, child: usize) -> Place {
        match (self, child) {
            (Place::Any(depth), _) => Place::Any(depth + 1),
            (Place::Rows, _) => Place::Entries,
            (Place::Entries, 0) => Place::Key,
            _ => Place::Weight,
        }
    }

    /// Room, offset and length. Arrays below are mostly long enough.
    fn extent(self, u: &mut Unstructured) -> Result<(usize, usize, usize)> {
        let longest = match self {
            Place::Rows => 6,
            Place::Entries => 20,
            Place::Key | Place::Value | Place::Weight => 30,
            Place::Any(_) => ROOM,
        };
        if longest < ROOM && !u.ratio(1, 16)? {
            let (offset, length) = (u.int_in_range(0..=3)?, u.int_in_range(longest - 2..=longest)?);
            return Ok((offset + length, offset, length));
        }
        let room = u.int_in_range(0..=ROOM)?;
        let offset = u.int_in_range(0..=room)?;
        Ok((room, offset, u.int_in_range(0..=room - offset)?))
    }

    /// This place, or now and then one for anything.
    fn mostly(self, u: &mut Unstructured) -> Result<Place> {
        let is_any = matches!(self, Place::Any(_));
        Ok(if !is_any && u.ratio(1, 24)? { Place::Any(2) } else { self })
    }
}

/// Length that no array of the fuzzer exceeds.
const ROOM: usize = 40;

impl Producer {
    /// Array that passed the checks, if it did.
    fn array(&mut self, u: &mut Unstructured, place: Place) -> Result<Option<ArrayRef>> {
        let (array, schema) = self.node(u, place)?;
        // SAFETY: the structures live as long as self, and are released by their own functions.
        let (array, schema) = unsafe { (FFI_ArrowArray::from_raw(array), &*schema) };
        // SAFETY: buffers are as long as lengths say.
        Ok(unsafe { import::array(array, schema) }.ok())
    }

    fn node(
        &mut self,
        u: &mut Unstructured,
        place: Place,
    ) -> Result<(*mut FFI_ArrowArray, *mut FFI_ArrowSchema)> {
        let place = place.mostly(u)?;
        let &(format, bits, children) = u.choose(place.formats())?;
        let (room, offset, length) = place.extent(u)?;
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
        match format {
            "u" | "z" => self.texts_of(u, offset + length as usize, room, 32, &mut buffers)?,
            "U" | "Z" => self.texts_of(u, offset + length as usize, room, 64, &mut buffers)?,
            "vu" | "vz" => self.views(u, room, &mut buffers)?,
            _ => {}
        }
        let most = if matches!(place, Place::Rows) { 3 } else { 8 };
        // Indices into a dictionary, of integers that may be too large for it.
        let is_dictionary = matches!(place, Place::Key) && "cCsSiIlL".contains(format) && u.ratio(1, 2)?;
        for &bits in bits {
            let len = ((room + 1) * bits).div_ceil(8);
            // Small numbers where they are offsets or sizes, or arbitrary ones.
            let small = (children > 0 || is_dictionary) && !u.ratio(1, 8)?;
            let buffer = if small { self.ints(u, room + 1, bits, most)? } else { self.bytes(u, len, true)? };
            buffers.push(buffer);
        }
        let (mut arrays, mut schemas) = (Vec::new(), Vec::new());
        for child in 0..children {
            let (array, schema) = self.node(u, place.below(child))?;
            arrays.push(array);
            schemas.push(schema);
        }
        let (dictionary, values) =
            if is_dictionary { self.node(u, Place::Value)? } else { (ptr::null_mut(), ptr::null_mut()) };
        let lacks_dictionary = is_dictionary && u.ratio(1, 16)?;
        let mut array = FFI_ArrowArray {
            length,
            null_count: if u.ratio(1, 2)? { -1 } else { u.int_in_range(0..=3)? },
            offset: offset as i64,
            n_buffers: buffers.len() as i64,
            n_children: children as i64,
            buffers: self.kept_buffers(buffers),
            children: self.kept_arrays(arrays),
            dictionary: if lacks_dictionary { ptr::null_mut() } else { dictionary },
            release: Some(release_array),
            private_data: ptr::null_mut(),
        };
        let mut schema = FFI_ArrowSchema::empty();
        schema.format = self.text(format);
        schema.n_children = children as i64;
        schema.children = self.kept_schemas(schemas);
        schema.dictionary = values;
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

    fn ints(&mut self, u: &mut Unstructured, count: usize, bits: usize, most: u8) -> Result<*const c_void> {
        let numbers = numbers(u, count, bits, most)?;
        Ok(self.kept(numbers))
    }

    /// Offsets, and as many bytes as the last of them says.
    fn texts_of(
        &mut self,
        u: &mut Unstructured,
        end: usize,
        room: usize,
        bits: usize,
        buffers: &mut Vec<*const c_void>,
    ) -> Result<()> {
        let mut offsets = numbers(u, room + 1, bits, 8)?;
        if u.ratio(1, 20)? {
            buffers.extend([ptr::null(), ptr::null()]);
            return Ok(());
        }
        let width = bits / 8;
        if u.ratio(1, 4)? {
            let at = u.int_in_range(0..=end)?;
            let lie = *u.choose(&[-1, 7, 1 << 20, i64::MIN, i64::MAX, i32::MAX.into()])?;
            offsets[at * width..][..width].copy_from_slice(&lie.to_le_bytes()[..width]);
        }
        let last = &mut offsets[end * width..][..width];
        let said = match bits {
            32 => i32::from_le_bytes(last.try_into().expect("four bytes")).into(),
            _ => i64::from_le_bytes(last.try_into().expect("eight bytes")),
        };
        // What nobody can see to be too much has to be there.
        let there = if (MOST_BYTES..1 << 54).contains(&said) { MOST_BYTES } else { said };
        last.copy_from_slice(&there.to_le_bytes()[..width]);
        let texts = if there < 1 << 54 { there.max(0) } else { 0 };
        let texts = self.bytes(u, texts as usize, true)?;
        buffers.extend([self.kept(offsets), texts]);
        Ok(())
    }

    /// Views, some buffers, and their lengths.
    fn views(&mut self, u: &mut Unstructured, room: usize, buffers: &mut Vec<*const c_void>) -> Result<()> {
        let mut views = Vec::new();
        for _ in 0..room + 1 {
            let wild = u.ratio(1, 16)?;
            for most in [24, 0x6463_6261, 2, 30] {
                let part = if wild { u.arbitrary()? } else { u.int_in_range(0..=most)? };
                views.extend_from_slice(&u32::to_le_bytes(part));
            }
        }
        buffers.push(self.kept(views));
        let mut lengths = Vec::new();
        for _ in 0..u.int_in_range(0..=3)? {
            let len = u.int_in_range(0..=40)?;
            buffers.push(self.bytes(u, len, true)?);
            let said =
                if u.ratio(1, 24)? { *u.choose(&[-1, i64::MIN, i64::MAX, 1 << 60])? } else { len as i64 };
            lengths.extend_from_slice(&said.to_le_bytes());
        }
        let is_there = !u.ratio(1, 20)?;
        buffers.push(if is_there { self.kept(lengths) } else { ptr::null() });
        Ok(())
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

/// Numbers of so many bits that mostly go up, by less than `most`.
fn numbers(u: &mut Unstructured, count: usize, bits: usize, most: u8) -> Result<Vec<u8>> {
    let (mut bytes, mut last) = (Vec::new(), 0i64);
    let sorted = u.ratio(2, 3)?;
    for _ in 0..count {
        let step = i64::from(u.arbitrary::<u8>()? % most);
        last = if sorted { last + step } else { step - 1 };
        bytes.extend_from_slice(&last.to_le_bytes()[..bits.div_ceil(8)]);
    }
    Ok(bytes)
}

/// Bytes that texts have at most.
const MOST_BYTES: i64 = 100;

/// Impossible lengths.
const LENGTHS: &[i64] = &[-1, i64::MIN, i64::MAX, i64::MAX - 7, 1 << 62, 1 << 57, 1 << 54, 1 << 50, -64];

/// Changes one thing to something that can be seen to be wrong.
fn lie(u: &mut Unstructured, array: &mut FFI_ArrowArray, schema: &mut FFI_ArrowSchema) -> Result<()> {
    match u.int_in_range(0..=12)? {
        0 => array.length = *u.choose(&[-1, i64::MIN, i64::MAX, 1 << 62, 1 << 57, 1 << 56])?,
        1 => array.offset = *u.choose(&[-1, i64::MIN, i64::MAX, 1 << 62, 1 << 57, 1 << 56])?,
        // Of views with a buffer less than they have nobody could tell which is the one with the lengths.
        2 => array.n_buffers = (array.n_buffers + u.int_in_range(-3..=-1)?).min(2),
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
