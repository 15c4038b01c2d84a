//! Which call fails, and how: decided by the seed, by what is called and for whom, and by how often it was before.
//!
//! It does not depend on which of several workers is faster, so the same seed is the same plan in every run.

use std::collections::HashMap;

/// What happens to one outside call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// An error status in the service's own form, without effect.
    Refuse,
    /// 429 that asks to wait, in s; without effect.
    Wait(u32),
    /// The connection breaks before the call has its effect.
    BreakBefore,
    /// It has its effect, and the connection breaks without an answer.
    BreakAfter,
    /// No answer until the caller gives up waiting, and no effect.
    HangBefore,
    /// It has its effect, and the caller gives up waiting for the answer.
    HangAfter,
    /// It has its effect, and the answer cannot be read.
    Malformed,
    /// The caller is killed before its call has an effect.
    KillBefore,
    /// The caller is killed after it.
    KillAfter,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Service {
    Telegram,
    Gemini,
    S3,
    Sqs,
}

impl Service {
    pub const ALL: [Self; 4] = [Self::Telegram, Self::Gemini, Self::S3, Self::Sqs];

    /// How many of the failing calls hang: few, since each costs the caller all its patience. That is 10 s for a text
    /// to Telegram (40 s for a picture), 10 s of the bucket, 2 s of the queue (3 s in the ingress), and of Gemini what
    /// the invocation has left: the worker would wait 110 s.
    fn hanging_share(self) -> f64 {
        match self {
            Self::Telegram => 0.08,
            Self::Gemini => 0.03,
            Self::S3 => 0.02,
            Self::Sqs => 0.06,
        }
    }
}

pub struct Plan {
    seed: u64,
    /// Shares of the calls that fail, and at which the caller is killed.
    failing: f64,
    killed: f64,
    /// Whose calls may hang.
    hanging: &'static [Service],
    counts: HashMap<String, u64>,
}

impl Plan {
    pub fn new(seed: u64, failing: f64, killed: f64, hanging: &'static [Service]) -> Self {
        Self { seed, failing, killed, hanging, counts: HashMap::new() }
    }

    /// From now on nothing fails.
    pub fn end(&mut self) {
        (self.failing, self.killed) = (0.0, 0.0);
    }

    pub fn has_ended(&self) -> bool {
        self.failing == 0.0 && self.killed == 0.0
    }

    /// The fault of the next call with this key (what is called, and for which update or conversation).
    pub fn next(&mut self, service: Service, key: &str) -> Option<Fault> {
        let nth = self.counts.entry(format!("{service:?} {key}")).or_default();
        *nth += 1;
        let mut dice = Dice::new(self.seed, &format!("{service:?} {key} {nth}"));
        if dice.chance(self.killed) {
            return Some(if dice.chance(0.5) { Fault::KillBefore } else { Fault::KillAfter });
        }
        dice.chance(self.failing).then(|| self.fault(service, &mut dice))
    }

    fn fault(&self, service: Service, dice: &mut Dice) -> Fault {
        // The other calls of a plan are the same, whether or not these hang.
        let (hangs, hang) = (dice.chance(service.hanging_share()), dice.chance(0.5));
        if hangs && self.hanging.contains(&service) {
            return if hang { Fault::HangBefore } else { Fault::HangAfter };
        }
        fault(service, dice)
    }

    /// Whether something of this kind shall happen to this one.
    pub fn chance(&self, what: &str, share: f64) -> bool {
        self.failing > 0.0 && self.dice(what).chance(share)
    }

    pub fn dice(&self, what: &str) -> Dice {
        Dice::new(self.seed, what)
    }
}

fn fault(service: Service, dice: &mut Dice) -> Fault {
    match (dice.below(100), service) {
        (0..20, _) => Fault::BreakBefore,
        (20..40, _) => Fault::BreakAfter,
        (40..50, Service::Telegram | Service::Gemini | Service::Sqs) => Fault::Malformed,
        // Short waits are waited in the function, and for real: few, so that a run ends.
        (50..55, Service::Telegram | Service::Gemini) => Fault::Wait(1),
        (55..65, Service::Telegram | Service::Gemini) => Fault::Wait([6, 60, 300][dice.below(3) as usize]),
        _ => Fault::Refuse,
    }
}

/// Numbers that look random and are the same for the same seed and name (FNV-1a, then SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, name: &str) -> Self {
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, hash) ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn chance(&mut self, share: f64) -> bool {
        (self.next() >> 11) as f64 / ((1_u64 << 53) as f64) < share
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(seed: u64) -> Vec<Option<Fault>> {
        let mut plan = Plan::new(seed, 0.2, 0.02, &Service::ALL);
        (0..5_000).map(|n| plan.next(Service::Telegram, &(n % 100).to_string())).collect()
    }

    #[test]
    fn the_same_seed_is_the_same_plan_and_another_seed_another() {
        assert_eq!(faults(1), faults(1));
        assert_ne!(faults(1), faults(2));
    }

    #[test]
    fn the_shares_are_those_that_were_asked_for() {
        let faults: Vec<_> = faults(7).into_iter().flatten().collect();
        let kills = faults.iter().filter(|fault| matches!(fault, Fault::KillBefore | Fault::KillAfter)).count();
        assert!((70..130).contains(&kills), "{kills} of 100");
        assert!((900..1_100).contains(&(faults.len() - kills)), "{} of 1000", faults.len() - kills);
    }

    #[test]
    fn an_ended_plan_has_no_faults() {
        let mut plan = Plan::new(1, 1.0, 1.0, &[]);
        plan.end();
        assert_eq!(plan.next(Service::S3, "x"), None);
    }
}
