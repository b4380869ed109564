//! The line of those who wait, and how slots get to them.
//!
//! A turn is announced in the word and then added to the semaphore. Whoever gives up in the moment between the two can't
//! take its turn back, so it leaves a note (`forfeited`), and whichever of the two threads comes second settles it. A lock
//! around both steps was rejected: wakers would run inside it.

use std::sync::{
    Arc,
    atomic::{Ordering::SeqCst, fence},
};

use tokio::sync::Semaphore;

use super::{Slots, WAITING, in_flight, waiting};

// === impl Slots ===

impl Slots {
    pub(super) fn joined_the_line(&self) {
        if let Some(member) = &self.membership {
            member.wait();
        }
        // A slot may have come free, in the group or by a resize, while this one was getting in line.
        self.hand_out();
    }

    /// Gives slots to those who wait, as far as there are any.
    pub(crate) fn hand_out(&self) {
        loop {
            let turns = self.assign();
            if turns > 0 {
                self.turns.add_permits(turns);
            }
            // Either this sees the forfeit, or who forfeits sees the turn.
            fence(SeqCst);
            if self.forfeited.load(SeqCst) == 0 || !self.settle() {
                return;
            }
        }
    }

    /// Moves as many as possible from waiting to in flight.
    fn assign(&self) -> usize {
        let (mut turns, mut word) = (0, self.word.load(SeqCst));
        while waiting(word) > 0 {
            let Some(claim) = self.claim_above(in_flight(word)) else { break };
            let next = word - WAITING + 1;
            match self.word.compare_exchange_weak(word, next, SeqCst, SeqCst) {
                Ok(_) => {
                    self.took(&claim, in_flight(next));
                    turns += 1;
                    word = next;
                }
                Err(now) => {
                    self.unclaim(Some(claim));
                    word = now;
                }
            }
        }
        turns
    }

    /// Takes back one forfeited turn with its slot; whether it did.
    fn settle(&self) -> bool {
        let Ok(turn) = self.turns.try_acquire() else { return false };
        if self.forfeited.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_err() {
            // Another thread settled it: the turn is somebody's.
            drop(turn);
            return true;
        }
        turn.forget();
        self.word.fetch_sub(1, SeqCst);
        if let Some(member) = &self.membership {
            member.leave();
        }
        true
    }

    /// A waiter has taken its turn.
    pub(crate) fn took_turn(&self) {
        if let Some(member) = &self.membership {
            member.unwait();
        }
    }

    /// A waiter goes away, having let go of its place in the semaphore.
    pub(crate) fn left_the_line(&self) {
        self.took_turn();
        let one_less = |word| (waiting(word) > 0).then(|| word - WAITING);
        if self.word.fetch_update(SeqCst, SeqCst, one_less).is_err() {
            // All who wait are given turns, so one is on its way for this one: it has to come back.
            self.forfeited.fetch_add(1, SeqCst);
            self.hand_out();
            self.offer();
        }
    }

    pub(crate) fn turns(&self) -> Arc<Semaphore> {
        self.turns.clone()
    }
}
