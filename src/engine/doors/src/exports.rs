//! Exports: where a component has the functions that the host calls, and whether they fit.

use wasmtime_c_api::wasmtime::component::{Component, ComponentExportIndex, Func, Instance, types};
use wasmtime_c_api::wasmtime::{Error, Result, Store};

use crate::core::ComponentError;
use crate::lifecycle::{Config, Handled, Health, Message};
use crate::metadata::Metadata;
use crate::store::Guest;

#[derive(Clone, Copy)]
pub enum Export {
    Initialize,
    HandleMessage,
    HandleCallback,
    Metadata,
    Health,
    Shutdown,
    Run,
}

const LIFECYCLE: &str = "airssys:core/component-lifecycle@1.0.0";
const LIFECYCLE_FUNCTIONS: [&str; 6] = [
    "initialize",
    "handle-message",
    "handle-callback",
    "metadata",
    "health",
    "shutdown",
];
const RUN_0_2: &str = "wasi:cli/run@0.2.";
const EXPORTS: usize = 7;

/// Where a component has the functions that the host calls.
pub struct Exports {
    indices: [Option<ComponentExportIndex>; EXPORTS],
    pub is_actor: bool,
}

impl Exports {
    pub fn find(component: &Component) -> Result<Exports> {
        let mut indices = [const { None }; EXPORTS];
        if let Some(lifecycle) = component.get_export_index(None, LIFECYCLE) {
            for (index, name) in indices.iter_mut().zip(LIFECYCLE_FUNCTIONS) {
                *index = component.get_export_index(Some(&lifecycle), name);
                if index.is_none() {
                    return Err(Error::msg(format!("its {LIFECYCLE} has no '{name}'")));
                }
            }
            return Ok(Exports {
                indices,
                is_actor: true,
            });
        }
        let engine = component.engine();
        let run = component
            .component_type()
            .exports(engine)
            .find_map(|(name, item)| {
                let is_instance = matches!(item.ty, types::ComponentItem::ComponentInstance(_));
                (is_instance && name.starts_with(RUN_0_2)).then(|| name.to_string())
            });
        indices[Export::Run as usize] = run.and_then(|name| {
            let instance = component.get_export_index(None, name.as_str())?;
            component.get_export_index(Some(&instance), "run")
        });
        if indices[Export::Run as usize].is_none() {
            return Err(Error::msg(format!(
                "it is neither an actor (export {LIFECYCLE}) nor a command (export wasi:cli/run@0.2)"
            )));
        }
        Ok(Exports {
            indices,
            is_actor: false,
        })
    }

    fn function(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
        export: Export,
    ) -> Result<Func> {
        let index = self.indices[export as usize].as_ref();
        index
            .and_then(|index| instance.get_func(store, index))
            .ok_or_else(|| Error::msg("the component has no such function"))
    }

    /// Whether the functions have the types that the host calls them with.
    pub fn check(&self, store: &mut Store<Guest>, instance: &Instance) -> Result<()> {
        let mut check = |export, typed: fn(Func, &Store<Guest>) -> Result<()>| {
            let function = self.function(store, instance, export)?;
            typed(function, store).map_err(|e| match LIFECYCLE_FUNCTIONS.get(export as usize) {
                Some(name) => e.context(format!("its '{name}' has another type")),
                None => e.context("its 'run' has another type"),
            })
        };
        if !self.is_actor {
            return check(Export::Run, |f, s| {
                f.typed::<(), (Result<(), ()>,)>(s).map(drop)
            });
        }
        check(Export::Initialize, |f, s| {
            f.typed::<(Config,), (Result<(), ComponentError>,)>(s)
                .map(drop)
        })?;
        check(Export::HandleMessage, |f, s| {
            f.typed::<(Message,), (Handled<Option<Vec<u8>>>,)>(s)
                .map(drop)
        })?;
        check(Export::HandleCallback, |f, s| {
            f.typed::<(Message,), (Handled<()>,)>(s).map(drop)
        })?;
        check(Export::Metadata, |f, s| {
            f.typed::<(), (Metadata,)>(s).map(drop)
        })?;
        check(Export::Health, |f, s| f.typed::<(), (Health,)>(s).map(drop))?;
        check(Export::Shutdown, |f, s| {
            f.typed::<(), (Result<(), ComponentError>,)>(s).map(drop)
        })
    }
}

/// One instance's functions, looked up when first called.
#[derive(Default)]
pub struct Functions([Option<Func>; EXPORTS]);

impl Functions {
    pub fn get(
        &mut self,
        exports: &Exports,
        store: &mut Store<Guest>,
        instance: &Instance,
        export: Export,
    ) -> Result<Func> {
        let place = &mut self.0[export as usize];
        if place.is_none() {
            *place = Some(exports.function(store, instance, export)?);
        }
        place.ok_or_else(|| Error::msg("the component has no such function"))
    }
}
