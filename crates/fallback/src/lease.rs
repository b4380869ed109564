//! A shared value that calls borrow without a locked operation.
//!
//! A count up and down in an `Arc` is two of them (7 to 16 ns, 74 where threads meet), for a future that in nearly all
//! cases never looks at what it holds. So it holds a *lease*: the address of a *place* where the value is found as long
//! as an owner or a lease is left. Leases are counted by numbers that have one writer each: begun by the service that
//! gives them, ended by the thread that drops them. Once the last owner has gone and the numbers agree, the value is
//! dropped and the place used again. (Leaking the value was rejected: layers may be made for every request.)

use std::{
    any::Any,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::AcqRel, Ordering::Relaxed},
    },
};

use mainstay_core::Counters;

/// One of those who keep the value.
pub(crate) struct Owner<T> {
    held: Arc<Held<T>>,
    /// Leases given by this owner. Nobody else writes it, so it is added to the place's count when the owner goes.
    begun: u64,
}

/// The right to look at the value.
pub(crate) struct Lease<T> {
    place: &'static Place,
    find: Find<T>,
}

struct Held<T> {
    value: Arc<T>,
    place: &'static Place,
    /// Made where the value is known to be `'static`, so that nothing else has to say so: a service that asks for
    /// `'static` trips the compiler inside `async` blocks ("`&'0 str` is not general enough").
    find: Find<T>,
}

type Find<T> = fn(&Place) -> Option<Arc<T>>;

struct Place {
    value: RwLock<Option<Arc<dyn Any + Send + Sync>>>,
    begun: AtomicU64,
    ended: Counters<1>,
    /// The last owner has gone.
    left: AtomicBool,
    watched: AtomicBool,
}

/// Places to use, and places whose owners have gone while leases are left.
static PLACES: Mutex<Places> = Mutex::new(Places { free: Vec::new(), left: Vec::new() });

struct Places {
    free: Vec<&'static Place>,
    left: Vec<&'static Place>,
}

// === impl Owner ===

impl<T: Send + Sync + 'static> Owner<T> {
    pub(crate) fn new(value: T) -> Self {
        let value = Arc::new(value);
        Places::sweep();
        let free = Places::lock().free.pop();
        let place = free.unwrap_or_else(|| Box::leak(Box::new(Place::new())));
        *place.value.write().unwrap_or_else(PoisonError::into_inner) = Some(value.clone());
        Self { held: Arc::new(Held { value, place, find: Place::find }), begun: 0 }
    }
}

impl<T> Owner<T> {
    #[inline]
    pub(crate) fn lease(&mut self) -> Lease<T> {
        self.begun += 1;
        Lease { place: self.held.place, find: self.held.find }
    }
}

impl<T> Deref for Owner<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.held.value
    }
}

impl<T> Clone for Owner<T> {
    fn clone(&self) -> Self {
        Self { held: Arc::clone(&self.held), begun: 0 }
    }
}

impl<T> Drop for Owner<T> {
    fn drop(&mut self) {
        if self.begun > 0 {
            self.held.place.begun.fetch_add(self.begun, Relaxed);
        }
    }
}

// === impl Lease ===

impl<T> Lease<T> {
    /// The value, for the calls that need it; `Some`, by the count of leases.
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        (self.find)(self.place)
    }

    /// Whether somebody wants to hear of calls that went well.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.place.watched.load(Relaxed)
    }

    /// Sets that, by a fact that others change, too: who is last to set it has seen what they did before.
    pub(crate) fn watch_while(&self, needed: impl Fn() -> bool) {
        self.place.watched.swap(false, AcqRel);
        if needed() {
            self.place.watched.swap(true, AcqRel);
        }
    }
}

impl<T> Drop for Lease<T> {
    #[inline]
    fn drop(&mut self) {
        self.place.ended.add(0);
        if self.place.left.load(Relaxed) {
            Places::sweep();
        }
    }
}

// === impl Held ===

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        // All owners have gone, and each has added what it gave.
        self.place.left.store(true, Relaxed);
        Places::lock().left.push(self.place);
        Places::sweep();
    }
}

// === impl Place ===

impl Place {
    fn new() -> Self {
        Self {
            value: RwLock::new(None),
            begun: AtomicU64::new(0),
            ended: Counters::per_thread(),
            left: AtomicBool::new(false),
            watched: AtomicBool::new(false),
        }
    }

    fn find<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.value.read().unwrap_or_else(PoisonError::into_inner).clone()?.downcast().ok()
    }

    /// Whether every lease has ended. What has ended never shrinks, and nothing begins any more.
    fn is_over(&self) -> bool {
        self.begun.load(Relaxed) == self.ended.get(0)
    }
}

// === impl Places ===

impl Places {
    fn lock() -> MutexGuard<'static, Self> {
        PLACES.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Empties the places whose leases have all ended. One that ends in the very moment in which its owner goes may be
    /// missed, and is found by the next sweep.
    #[cold]
    fn sweep() {
        let mut places = Self::lock();
        let over: Vec<_> = places.left.extract_if(.., |place| place.is_over()).collect();
        drop(places);
        for place in over {
            // Dropped outside of the lock: a value may own services that own leases.
            let value = place.value.write().unwrap_or_else(PoisonError::into_inner).take();
            drop(value);
            place.left.store(false, Relaxed);
            place.watched.store(false, Relaxed);
            Self::lock().free.push(place);
        }
    }
}

#[cfg(test)]
#[path = "lease/tests.rs"]
mod tests;
