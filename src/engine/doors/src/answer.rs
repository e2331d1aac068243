//! Answers of host functions: C copies text, bytes and ids into one of these.

use std::ffi::{CStr, c_char};

use crate::core::{CId, ComponentId};
use crate::span::slice;

/// `struct answer`
#[derive(Default)]
pub struct Answer {
    pub bytes: Option<Vec<u8>>,
    pub texts: Vec<String>,
    pub ids: Vec<ComponentId>,
    pub info: Option<[String; 3]>,
}

impl Answer {
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes.as_deref().unwrap_or_default()).into_owned()
    }
}

unsafe fn string(text: *const c_char) -> String {
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

/// # Safety
/// `text` is NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn answer_text(answer: &mut Answer, text: *const c_char) {
    answer.bytes = Some(unsafe { CStr::from_ptr(text) }.to_bytes().to_vec());
}

/// # Safety
/// `bytes` has `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn answer_bytes(answer: &mut Answer, bytes: *const u8, size: usize) {
    answer.bytes = Some(unsafe { slice(bytes, size) }.to_vec());
}

/// # Safety
/// `text` has `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn answer_add_text(answer: &mut Answer, text: *const u8, size: usize) {
    let bytes = unsafe { slice(text, size) };
    answer
        .texts
        .push(String::from_utf8_lossy(bytes).into_owned());
}

/// # Safety
/// The spans of `id` are good.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn answer_add_id(answer: &mut Answer, id: &CId) {
    answer.ids.push(unsafe { ComponentId::from_c(id) });
}

/// # Safety
/// The texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn answer_info(
    answer: &mut Answer,
    name: *const c_char,
    version: *const c_char,
    health: *const c_char,
) {
    answer.info = Some(unsafe { [string(name), string(version), string(health)] });
}
