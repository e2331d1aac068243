//! `component-metadata`, as C reads it.

use std::ffi::{CString, c_char};

use wasmtime_c_api::wasmtime;
use wasmtime_c_api::wasmtime::component::{ComponentType, Lift};

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Metadata {
    name: String,
    version: String,
    description: String,
    author: String,
    license: String,
    #[component(name = "supported-operations")]
    operations: Vec<String>,
    stateful: bool,
}

/// `struct guest_metadata`, and behind it the text it points at.
#[repr(C)]
pub struct CMetadata {
    texts: [*const c_char; 5],
    operations: *const *const c_char,
    operation_count: usize,
    stateful: bool,
    owned: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl CMetadata {
    pub fn new(metadata: Metadata) -> Box<CMetadata> {
        let Metadata {
            name,
            version,
            description,
            author,
            license,
            operations,
            stateful,
        } = metadata;
        let owned: Vec<CString> = [name, version, description, author, license]
            .into_iter()
            .chain(operations)
            .map(|text| CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default())
            .collect();
        let pointers: Vec<*const c_char> = owned.iter().map(|text| text.as_ptr()).collect();
        let mut texts = [std::ptr::null(); 5];
        texts.copy_from_slice(&pointers[..5]);
        let operations = pointers[5..].as_ptr();
        let operation_count = pointers.len() - 5;
        Box::new(CMetadata {
            texts,
            operations,
            operation_count,
            stateful,
            owned,
            pointers,
        })
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn doors_metadata_delete(metadata: Box<CMetadata>) {
    let CMetadata {
        owned, pointers, ..
    } = *metadata;
    drop((owned, pointers));
}
