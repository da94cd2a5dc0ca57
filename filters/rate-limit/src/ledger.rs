//! Charging the buckets of a request: all of them, or none.
//!
//! With one limit this is one compare-and-set. With several, every bucket is looked at first, and
//! only if none refuses are they charged, one after the other. Another worker may empty a bucket in
//! between; then what was taken from the others is put back.
//!
//! Putting back must not make a bucket fuller than it would be had nothing been taken. Of `c` taken
//! at the time `s`, an idle bucket has regained `t - s` by the time `t` on its own, so what is put
//! back is `c - (t - s)`, never more. Hence no limit ever admits more than its burst and its rate,
//! whatever the workers do at the same time; what a refusal by another limit can cost is the tokens
//! of the time it took to notice, some microseconds.
//!
//! All times are of the monotonic clock, and are read after the cell was: by the order of writes to
//! a cell they never go back.

use std::borrow::Cow;

use sdk_helpers::{Contended, World};

use crate::gcra::{Gcra, Refused};
use crate::table::{self, Bucket, Slot};

/// A bucket, what a request wants of it, and what came of that.
#[derive(Debug)]
pub struct Account<'a> {
    /// Its quota.
    pub gcra: &'a Gcra,
    /// Its cell.
    pub cell: Cow<'a, str>,
    /// Which one of the cell.
    pub bucket: Bucket,
    /// The longest any bucket of the limit takes to fill.
    pub window: u64,
    /// Tokens.
    pub cost: u32,
    /// What came of it; none before it is charged, and where its cell stayed contended.
    pub result: Option<ChargeResult>,
}

/// What came of a charge, or would come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargeResult {
    /// Whether the tokens are there.
    pub granted: Result<(), Refused>,
    /// The full time without this charge, in nanoseconds of the monotonic clock.
    pub full_before: u64,
    /// The full time with it; as `full_before` where the tokens are not there.
    pub full_after: u64,
    /// Where in its cell the bucket is.
    pub slot: Slot,
    /// The time of the charge, by the same clock.
    pub at: u64,
}

/// What is needed to put tokens back.
#[derive(Debug)]
pub struct Receipt {
    cell: String,
    bucket: Bucket,
    slot: Slot,
    window: u64,
    /// What was taken, in nanoseconds.
    taken: u64,
    at: u64,
}

impl Account<'_> {
    /// Looks whether the tokens are there, and takes none.
    pub fn peek(&mut self, world: &dyn World) {
        self.result = self.visit(world, false).ok();
    }

    /// Takes the tokens if they are there.
    pub fn charge(&mut self, world: &dyn World) {
        self.result = self.visit(world, true).ok();
    }

    /// Whether the tokens are there, or were.
    pub fn is_granted(&self) -> bool {
        self.result.is_some_and(|result| result.granted.is_ok())
    }

    fn passes(&self, lenient: bool) -> bool {
        self.is_granted() || (lenient && self.result.is_none())
    }

    fn visit(&self, world: &dyn World, take: bool) -> Result<ChargeResult, Contended> {
        let mut result = None;
        world.update(&self.cell, &mut |cell| {
            let now = world.monotonic();
            let (slot, full) = table::find(cell, self.bucket, now, self.window);
            let charged = self.gcra.charge(full, now, self.cost);
            let after = charged.unwrap_or(full);
            result = Some(ChargeResult {
                granted: charged.map(drop),
                full_before: full,
                full_after: after,
                slot,
                at: now,
            });
            (take && charged.is_ok() && self.cost > 0)
                .then(|| table::put(cell, self.bucket, slot, after))
        })?;
        result.ok_or(Contended)
    }

    /// A receipt for what it was charged; none if it was not.
    pub fn receipt(&self) -> Option<Receipt> {
        let result = self.result.filter(|result| result.granted.is_ok())?;
        Some(Receipt {
            taken: self.gcra.worth(self.cost),
            cell: self.cell.clone().into_owned(),
            bucket: self.bucket,
            slot: result.slot,
            window: self.window,
            at: result.at,
        })
    }
}

impl Receipt {
    /// Puts back what was taken, but for what the bucket may have regained since.
    pub fn refund(&self, world: &dyn World) {
        // A cell that cannot be had keeps its tokens: too few, never too many.
        let _ = world.update(&self.cell, &mut |cell| {
            let now = world.monotonic();
            let (slot, full) = table::find(cell, self.bucket, now, self.window);
            let back = self.taken.saturating_sub(now.saturating_sub(self.at));
            // In another slot the bucket has been full since, and owes nothing.
            (back > 0 && slot == self.slot)
                .then(|| table::put(cell, self.bucket, slot, full.saturating_sub(back)))
        });
    }
}

/// Takes from all accounts or from none, and says which. An account whose cell stays contended is
/// passed over if `lenient`, and else refuses as one without tokens does. Where nothing is taken, every
/// bucket is at its `full_before`.
pub fn charge_all_or_none<'a>(
    charges: &mut [impl AsMut<Account<'a>> + AsRef<Account<'a>>],
    world: &dyn World,
    lenient: bool,
) -> bool {
    if charges.len() > 1 {
        charges.iter_mut().for_each(|one| one.as_mut().peek(world));
        if !charges.iter().all(|one| one.as_ref().passes(lenient)) {
            return false;
        }
    }
    let mut charged = 0;
    while let Some(one) = charges.get_mut(charged) {
        let account = one.as_mut();
        account.charge(world);
        if !account.passes(lenient) {
            let before = charges.iter().take(charged);
            for receipt in before.filter_map(|one| one.as_ref().receipt()) {
                receipt.refund(world);
            }
            return false;
        }
        charged = charged.saturating_add(1);
    }
    true
}
