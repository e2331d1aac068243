//! Components: compiled code from a file, linked once for all its instances.

use std::ffi::{CStr, c_char};
use std::sync::OnceLock;

use wasmtime_c_api::wasmtime::component::{Component, Instance, InstancePre};
use wasmtime_c_api::wasmtime::{Error, Result, Store};

use crate::command::INTERFACE as STOP;
use crate::engine::DoorsEngine;
use crate::exports::Exports;
use crate::failure::{CError, c_error};
use crate::guard::guarded;
use crate::store::Guest;

pub struct DoorsComponent {
    pub linked: InstancePre<Guest>,
    pub exports: Exports,
    types_checked: OnceLock<()>,
    pub engine: *const DoorsEngine,
}

impl DoorsComponent {
    /// Checked with the first instance: types are the component's, not the instance's.
    pub fn check_types(&self, store: &mut Store<Guest>, instance: &Instance) -> Result<()> {
        if self.types_checked.get().is_none() {
            self.exports.check(store, instance)?;
            let _ = self.types_checked.set(());
        }
        Ok(())
    }
}

/// `struct doors_needs`
#[repr(C)]
pub struct Needs {
    is_actor: bool,
    imports_stop: bool,
    memories: u32,
    tables: u32,
}

fn needs(component: &Component, exports: &Exports) -> Needs {
    let engine = component.engine();
    let imports_stop = component
        .component_type()
        .imports(engine)
        .any(|(name, _)| name == STOP);
    let required = component.resources_required();
    let required = required.as_ref();
    Needs {
        is_actor: exports.is_actor,
        imports_stop,
        memories: required.map_or(0, |r| r.num_memories),
        tables: required.map_or(0, |r| r.num_tables),
    }
}

/// # Safety
/// The file is code that this engine's compiler wrote.
unsafe fn open(engine: &DoorsEngine, path: &CStr) -> Result<(DoorsComponent, Needs)> {
    let path = path
        .to_str()
        .map_err(|_| Error::msg("the path is not UTF-8"))?;
    let component = unsafe { Component::deserialize_file(&engine.engine, path) }?;
    let exports = Exports::find(&component)?;
    let needs = needs(&component, &exports);
    let linked = engine.linker.instantiate_pre(&component)?;
    let types_checked = OnceLock::new();
    Ok((
        DoorsComponent {
            linked,
            exports,
            types_checked,
            engine,
        },
        needs,
    ))
}

/// # Safety
/// See [`open`]; `engine` must outlive the component.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doors_component_open(
    engine: &DoorsEngine,
    path: *const c_char,
    needs_out: &mut Needs,
    out: &mut *mut DoorsComponent,
) -> CError {
    let path = unsafe { CStr::from_ptr(path) };
    c_error(
        guarded(|| unsafe { open(engine, path) }),
        |(component, needs)| {
            *needs_out = needs;
            *out = Box::into_raw(Box::new(component));
        },
    )
}

#[unsafe(no_mangle)]
pub extern "C" fn doors_component_delete(component: Box<DoorsComponent>) {
    let _ = guarded(|| drop(component));
}
