//! Remembers which gateways could not be connected to, so that a dead one costs its delay once.
#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::gateway::Gateway;

/// How long a gateway is left alone after its first failure; doubled with each further one.
const FIRST_REST: Duration = Duration::from_secs(15);

/// The longest that a gateway is left alone before it is probed again.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// What is known of the gateways of one process.
#[derive(Debug, Default)]
pub struct Health {
    down: Mutex<HashMap<Gateway, Down>>,
}

#[derive(Debug)]
struct Down {
    rest: Duration,
    probe_at: Instant,
}

impl Health {
    /// The gateways in the order to try them: those that work first, each group in its own order.
    pub fn order<'a>(&self, gateways: &'a [Gateway]) -> Vec<&'a Gateway> {
        let down = self.down();
        let (resting, working): (Vec<_>, Vec<_>) = gateways.iter().partition(|gateway| down.contains_key(gateway));
        working.into_iter().chain(resting).collect()
    }

    /// A gateway among these that has rested long enough to be probed; whoever gets it is the one to probe it.
    pub fn due(&self, gateways: &[Gateway], now: Instant) -> Option<Gateway> {
        let mut down = self.down();
        let is_due = |gateway: &&Gateway| down.get(gateway).is_some_and(|down| down.probe_at <= now);
        let due = gateways.iter().find(is_due).cloned();
        if let Some(down) = due.as_ref().and_then(|gateway| down.get_mut(gateway)) {
            // Nobody else is to probe it until this probe has had its time.
            down.probe_at = now + LONGEST_REST;
        }
        drop(down);
        due
    }

    /// It could be connected to.
    pub fn works(&self, gateway: &Gateway) {
        let mut down = self.down();
        if !down.is_empty() {
            down.remove(gateway);
        }
    }

    /// It could not be connected to.
    pub fn fails(&self, gateway: &Gateway, now: Instant) {
        let mut down = self.down();
        let rest = down.get(gateway).map_or(FIRST_REST, |down| (down.rest * 2).min(LONGEST_REST));
        down.insert(gateway.clone(), Down { rest, probe_at: now + rest });
    }

    fn down(&self) -> MutexGuard<'_, HashMap<Gateway, Down>> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{FIRST_REST, Health, LONGEST_REST};
    use crate::gateway::Gateway;

    #[test]
    fn a_gateway_that_fails_goes_last_and_comes_back() {
        let gateways = Gateway::official();
        let [ru, org, net] = gateways.as_slice() else { unreachable!() };
        let health = Health::default();
        health.fails(ru, Instant::now());
        assert_eq!(health.order(&gateways), [org, net, ru]);
        health.works(ru);
        assert_eq!(health.order(&gateways), [ru, org, net]);
    }

    #[test]
    fn one_asker_at_a_time_gets_to_probe_and_only_after_the_rest() {
        let gateways = Gateway::official();
        let [ru, ..] = gateways.as_slice() else { unreachable!() };
        let health = Health::default();
        let now = Instant::now();
        health.fails(ru, now);
        assert_eq!(health.due(&gateways, now), None);
        assert_eq!(health.due(&gateways, now + FIRST_REST).as_ref(), Some(ru));
        assert_eq!(health.due(&gateways, now + FIRST_REST), None);
    }

    #[test]
    fn rests_double_up_to_a_limit() {
        let gateways = Gateway::official();
        let [ru, ..] = gateways.as_slice() else { unreachable!() };
        let health = Health::default();
        let now = Instant::now();
        for _ in 0..9 {
            health.fails(ru, now);
        }
        assert_eq!(health.due(&gateways, now + LONGEST_REST / 2), None);
        assert!(health.due(&gateways, now + LONGEST_REST).is_some());
    }
}
