use std::{collections::HashSet, sync::mpsc, thread};

use super::*;

/// Says when it is dropped.
struct Noted(mpsc::Sender<()>);

impl Drop for Noted {
    fn drop(&mut self) {
        let _nobody_listens = self.0.send(());
    }
}

fn owner() -> (Owner<Noted>, mpsc::Receiver<()>) {
    let (sender, dropped) = mpsc::channel();
    (Owner::new(Noted(sender)), dropped)
}

#[test]
fn the_value_goes_with_the_last_owner() {
    let (mut owner, dropped) = owner();
    drop(owner.lease());
    let clone = owner.clone();
    drop(owner);
    assert!(dropped.try_recv().is_err());
    drop(clone);
    assert!(dropped.try_recv().is_ok());
}

#[test]
fn a_lease_finds_the_value_when_all_owners_have_gone_and_takes_it_along() {
    let (mut owner, dropped) = owner();
    let (first, second) = (owner.lease(), owner.clone().lease());
    drop(owner);
    drop(first);
    assert!(second.get().is_some());
    assert!(dropped.try_recv().is_err());
    drop(second);
    assert!(dropped.try_recv().is_ok());
}

#[test]
fn a_lease_may_end_on_another_thread() {
    let (mut owner, dropped) = owner();
    let lease = owner.lease();
    thread::spawn(move || {
        assert!(lease.get().is_some());
        drop(lease);
    })
    .join()
    .unwrap();
    drop(owner);
    assert!(dropped.try_recv().is_ok());
}

#[test]
fn places_are_used_again() {
    let places: HashSet<_> = (0..1_000)
        .map(|_| {
            let mut owner = Owner::new(());
            std::ptr::from_ref(owner.lease().place)
        })
        .collect();
    assert!(places.len() < 100, "{} places for one owner at a time", places.len());
}

#[test]
fn a_forgotten_lease_keeps_its_value_and_nothing_else() {
    let (mut kept, dropped) = owner();
    std::mem::forget(kept.lease());
    drop(kept);
    assert!(dropped.try_recv().is_err());
    let (other, dropped) = owner();
    drop(other);
    assert!(dropped.try_recv().is_ok());
}

#[test]
fn a_value_may_own_owners_and_leases() {
    let (mut inner, dropped) = owner();
    let lease = inner.lease();
    drop(Owner::new((inner, lease)));
    // The lease went with the value that held it.
    drop(Owner::new(()));
    assert!(dropped.try_recv().is_ok());
}

#[test]
fn every_value_is_dropped_once_however_owners_and_leases_race() {
    for _ in 0..200 {
        let (owner, dropped) = owner();
        let (sender, leases) = mpsc::channel::<Lease<Noted>>();
        thread::scope(|scope| {
            for _ in 0..3 {
                let (mut owner, sender) = (owner.clone(), sender.clone());
                scope.spawn(move || {
                    for n in 0..20 {
                        let lease = owner.lease();
                        assert!(lease.get().is_some());
                        if n % 2 == 0 {
                            sender.send(lease).unwrap();
                        }
                    }
                });
            }
            drop((owner, sender));
            scope.spawn(move || leases.iter().for_each(|lease| assert!(lease.get().is_some())));
        });
        // A lease that ended in the moment in which the last owner went is found by the next sweep.
        Places::sweep();
        assert_eq!(dropped.try_iter().count(), 1);
    }
}

#[test]
fn who_sets_the_watch_last_has_seen_what_others_did() {
    use std::sync::atomic::Ordering::Relaxed;
    for _ in 0..500 {
        let mut owner = Owner::new(AtomicBool::new(false));
        let lease = owner.lease();
        let fact = lease.get().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                fact.store(true, Relaxed);
                lease.watch_while(|| fact.load(Relaxed));
            });
            scope.spawn(|| lease.watch_while(|| fact.load(Relaxed)));
        });
        assert!(lease.is_watched());
    }
}
