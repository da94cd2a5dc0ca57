//! Taking from the buckets of a request: all of them, or none.
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

use sdk_helpers::Contended;

use crate::gcra::{Gcra, Refused};
use crate::table::{self, Bucket, Seat};

/// A step from what a cell holds to what it shall hold.
pub type Step<'a> = dyn FnMut(Option<&[u8]>) -> Option<Vec<u8>> + 'a;

/// The clock and the cells that all workers share.
pub trait Book {
    /// Nanoseconds on a clock that never steps.
    fn now(&self) -> u64;

    /// Compare-and-set of a cell, tried again while others are faster.
    ///
    /// # Errors
    /// Others were always faster.
    fn update(&self, cell: &str, step: &mut Step<'_>) -> Result<(), Contended>;
}

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

/// What an account said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Whether the tokens are there.
    pub answer: Result<(), Refused>,
    /// When the bucket is full if nothing is taken from it.
    pub before: u64,
    /// When it is full once the tokens are taken; as `before` where they are not there.
    pub after: u64,
    /// Where the bucket is.
    pub seat: Seat,
    /// When.
    pub at: u64,
}

/// What is needed to put tokens back.
#[derive(Debug)]
pub struct Receipt {
    cell: String,
    bucket: Bucket,
    seat: Seat,
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
    pub fn peek(&self, book: &dyn Book) -> Result<Entry, Contended> {
        self.visit(book, false)
    }

    /// Takes the tokens if they are there.
    ///
    /// # Errors
    /// The cell could not be had; nothing is taken.
    pub fn charge(&self, book: &dyn Book) -> Result<Entry, Contended> {
        self.visit(book, true)
    }

    fn visit(&self, book: &dyn Book, take: bool) -> Result<Entry, Contended> {
        let mut entry = None;
        book.update(&self.cell, &mut |cell| {
            let now = book.now();
            let (seat, full) = table::find(cell, self.bucket, now, self.window);
            let charged = self.gcra.charge(full, now, self.cost);
            let after = charged.unwrap_or(full);
            entry = Some(Entry {
                answer: charged.map(drop),
                before: full,
                after,
                seat,
                at: now,
            });
            (take && charged.is_ok() && self.cost > 0)
                .then(|| table::put(cell, self.bucket, seat, after))
        })?;
        entry.ok_or(Contended)
    }

    /// A receipt for what an entry took.
    pub fn receipt(self, entry: &Entry) -> Receipt {
        Receipt {
            taken: self.gcra.worth(self.cost),
            cell: self.cell,
            bucket: self.bucket,
            seat: entry.seat,
            window: self.window,
            at: entry.at,
        }
    }
}

impl Receipt {
    /// Puts back what was taken, but for what the bucket may have regained since.
    pub fn refund(&self, book: &dyn Book) {
        // A cell that cannot be had keeps its tokens: too few, never too many.
        let _ = book.update(&self.cell, &mut |cell| {
            let now = book.now();
            let (seat, full) = table::find(cell, self.bucket, now, self.window);
            let back = self.taken.saturating_sub(now.saturating_sub(self.at));
            // In another seat the bucket has been full since, and owes nothing.
            (back > 0 && seat == self.seat)
                .then(|| table::put(cell, self.bucket, seat, full.saturating_sub(back)))
        });
    }
}

/// What became of several accounts.
#[derive(Debug)]
pub struct Settled {
    /// What each said; the account stayed contended where there is none.
    pub entries: Vec<Option<Entry>>,
    /// What was taken, if all had it; else nothing was, or it has been put back. Then every bucket
    /// is as its entry found it: what is put back leaves it as empty as it was at that time.
    pub receipts: Option<Vec<Receipt>>,
}

/// Takes from all accounts or from none. `lenient` lets a contended account pass, uncounted.
pub fn settle(accounts: Vec<Account<'_>>, book: &dyn Book, lenient: bool) -> Settled {
    let passes = |entry: &Option<Entry>| match entry {
        Some(entry) => entry.answer.is_ok(),
        None => lenient,
    };
    let mut entries: Vec<Option<Entry>> = Vec::with_capacity(accounts.len());
    if accounts.len() > 1 {
        entries.extend(accounts.iter().map(|account| account.peek(book).ok()));
        if !entries.iter().all(passes) {
            return Settled {
                entries,
                receipts: None,
            };
        }
    }
    let mut receipts = Vec::with_capacity(accounts.len());
    for (index, account) in accounts.into_iter().enumerate() {
        let entry = account.charge(book).ok();
        let passed = passes(&entry);
        if let (true, Some(entry)) = (passed, &entry) {
            receipts.push(account.receipt(entry));
        }
        match entries.get_mut(index) {
            Some(peeked) => *peeked = entry,
            None => entries.push(entry),
        }
        if !passed {
            for receipt in &receipts {
                receipt.refund(book);
            }
            return Settled {
                entries,
                receipts: None,
            };
        }
    }
    Settled {
        entries,
        receipts: Some(receipts),
    }
}
