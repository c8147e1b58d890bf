//! What a registry knows about itself (N1): a value of each type that its users put there.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::Arc,
};

use parking_lot::RwLock;

#[derive(Default)]
pub(super) struct Meta {
    by_type: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Meta {
    /// What was there before is dropped without the lock.
    pub(super) fn put<T: Send + Sync + 'static>(&self, value: T) {
        let value: Arc<dyn Any + Send + Sync> = Arc::new(value);
        let before = self.by_type.write().insert(TypeId::of::<T>(), value);
        drop(before);
    }

    pub(super) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.by_type.read().get(&TypeId::of::<T>())?.clone();
        value.downcast().ok()
    }

    pub(super) fn remove<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.by_type.write().remove(&TypeId::of::<T>())?;
        value.downcast().ok()
    }
}
