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

use sdk_helpers::{Contended, World};

use crate::gcra::{Gcra, Refused};
use crate::table::{self, Bucket, Slot};

/// A bucket and what a request wants of it.
#[derive(Debug)]
pub struct Account<'a> {
    /// Its quota.
    pub gcra: &'a Gcra,
    /// Its cell.
    pub cell: String,
    /// Which one of the cell.
    pub bucket: Bucket,
    /// The longest any bucket of the limit takes to fill.
    pub window: u64,
    /// Tokens.
    pub cost: u32,
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
    ///
    /// # Errors
    /// The cell could not be had.
    pub fn peek(&self, world: &dyn World) -> Result<ChargeResult, Contended> {
        self.visit(world, false)
    }

    /// Takes the tokens if they are there.
    ///
    /// # Errors
    /// The cell could not be had; nothing is taken.
    pub fn charge(&self, world: &dyn World) -> Result<ChargeResult, Contended> {
        self.visit(world, true)
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

    /// A receipt for what this charge took.
    pub fn receipt(self, result: &ChargeResult) -> Receipt {
        Receipt {
            taken: self.gcra.worth(self.cost),
            cell: self.cell,
            bucket: self.bucket,
            slot: result.slot,
            window: self.window,
            at: result.at,
        }
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

/// What came of charging several accounts.
#[derive(Debug)]
pub struct AllOrNone {
    /// Of each account; none where its cell stayed contended.
    pub results: Vec<Option<ChargeResult>>,
    /// Of what was taken, if all accounts had it. None if one did not: then nothing is taken, and
    /// every bucket is at its `full_before`.
    pub receipts: Option<Vec<Receipt>>,
}

/// Takes from all accounts or from none. An account whose cell stays contended is passed over if
/// `lenient`, and else refuses as one without tokens does.
pub fn charge_all_or_none(
    accounts: Vec<Account<'_>>,
    world: &dyn World,
    lenient: bool,
) -> AllOrNone {
    let passes = |result: &Option<ChargeResult>| match result {
        Some(result) => result.granted.is_ok(),
        None => lenient,
    };
    let mut results: Vec<Option<ChargeResult>> = Vec::with_capacity(accounts.len());
    if accounts.len() > 1 {
        results.extend(accounts.iter().map(|account| account.peek(world).ok()));
        if !results.iter().all(passes) {
            return AllOrNone {
                results,
                receipts: None,
            };
        }
    }
    let mut receipts = Vec::with_capacity(accounts.len());
    for (index, account) in accounts.into_iter().enumerate() {
        let result = account.charge(world).ok();
        let passed = passes(&result);
        if let (true, Some(result)) = (passed, &result) {
            receipts.push(account.receipt(result));
        }
        match results.get_mut(index) {
            Some(peeked) => *peeked = result,
            None => results.push(result),
        }
        if !passed {
            for receipt in &receipts {
                receipt.refund(world);
            }
            return AllOrNone {
                results,
                receipts: None,
            };
        }
    }
    AllOrNone {
        results,
        receipts: Some(receipts),
    }
}
