//! Bytes and text that cross between C and Rust, borrowed in both directions.

use std::borrow::Cow;

/// `struct span`: bytes of a given size; `data` NULL is an absent option.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Span {
    data: *const u8,
    size: usize,
}

/// `struct span_pair`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SpanPair {
    pub name: Span,
    pub value: Span,
}

impl Span {
    pub const ABSENT: Span = Span {
        data: std::ptr::null(),
        size: 0,
    };

    pub fn of(bytes: &[u8]) -> Span {
        Span {
            data: bytes.as_ptr(),
            size: bytes.len(),
        }
    }

    /// # Safety
    /// The bytes must live and stay unchanged for `'a`.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        unsafe { slice(self.data, self.size) }
    }

    /// # Safety
    /// As for [`Span::bytes`].
    pub unsafe fn option<'a>(self) -> Option<&'a [u8]> {
        (!self.data.is_null()).then(|| unsafe { self.bytes() })
    }

    /// Text with what is not UTF-8 replaced.
    ///
    /// # Safety
    /// As for [`Span::bytes`].
    pub unsafe fn text<'a>(self) -> Cow<'a, str> {
        String::from_utf8_lossy(unsafe { self.bytes() })
    }

    /// Text as an environment or argument list can hold it: UTF-8 without NUL bytes.
    ///
    /// # Safety
    /// As for [`Span::bytes`].
    pub unsafe fn clean_text<'a>(self) -> Option<&'a str> {
        let text = std::str::from_utf8(unsafe { self.bytes() }).ok()?;
        (!text.contains('\0')).then_some(text)
    }
}

/// The array of `count` items at `first`; none when `count` is 0, whatever `first` is.
///
/// # Safety
/// The items must live and stay unchanged for `'a`.
pub unsafe fn slice<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        &[]
    } else {
        unsafe { std::slice::from_raw_parts(first, count) }
    }
}
