//! Remembers which gateways could not be connected to, so that a dead one costs its delay once.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::gateway::Gateway;

/// The rest of a gateway after its first failure; doubled when it fails again after that.
const FIRST_REST: Duration = Duration::from_secs(15);

/// The longest that a gateway is left alone before it is probed again.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// The most gateways that are remembered as down: embedders may name others with every message.
const REMEMBERED: usize = 64;

/// The gateways of a process that are down.
#[derive(Debug, Default)]
pub struct Health {
    down: Mutex<HashMap<Gateway, Down>>,
}

/// A gateway that could not be connected to.
#[derive(Debug)]
struct Down {
    rest: Duration,
    rests_until: Instant,
}

impl Health {
    /// Returns the gateways in the order to try them: those that are up first, each group in its own order.
    pub fn order<'a>(&self, gateways: &'a [Gateway]) -> Vec<&'a Gateway> {
        let down = self.down();
        let mut order = gateways.iter().collect::<Vec<_>>();
        order.sort_by_key(|gateway| down.contains_key(*gateway));
        order
    }

    /// Returns a gateway among these that has rested long enough; the caller probes it, and no other does.
    pub fn claim_probe(&self, gateways: &[Gateway], now: Instant) -> Option<Gateway> {
        let mut all = self.down();
        for gateway in gateways {
            if let Some(down) = all.get_mut(gateway).filter(|down| down.rests_until <= now) {
                // No other message probes it until this probe has had its time.
                down.rests_until = now + LONGEST_REST;
                return Some(gateway.clone());
            }
        }
        None
    }

    /// Notes that a gateway could be connected to.
    pub fn mark_up(&self, gateway: &Gateway) {
        self.down().remove(gateway);
    }

    /// Notes that a message could not be connected through a gateway. Its rest is doubled once per rest, however many
    /// messages failed.
    pub fn mark_down(&self, gateway: &Gateway, now: Instant) {
        let mut down = self.down();
        match down.get_mut(gateway) {
            Some(down) if now < down.rests_until => {}
            Some(down) => down.rest_again(now),
            None => {
                if down.len() >= REMEMBERED {
                    let soonest = down.iter().min_by_key(|(_, down)| down.rests_until);
                    if let Some(forgotten) = soonest.map(|(gateway, _)| gateway.clone()) {
                        down.remove(&forgotten);
                    }
                }
                down.insert(gateway.clone(), Down { rest: FIRST_REST, rests_until: now + FIRST_REST });
            }
        }
    }

    /// Notes that a probe could not connect to a gateway.
    pub fn probe_failed(&self, gateway: &Gateway, now: Instant) {
        if let Some(down) = self.down().get_mut(gateway) {
            down.rest_again(now);
        }
    }

    fn down(&self) -> MutexGuard<'_, HashMap<Gateway, Down>> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Down {
    fn rest_again(&mut self, now: Instant) {
        self.rest = (self.rest * 2).min(LONGEST_REST);
        self.rests_until = now + self.rest;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{FIRST_REST, Health, LONGEST_REST, REMEMBERED};
    use crate::net::gateway::Gateway;

    fn official() -> Vec<Gateway> {
        Gateway::parse_all(["https://gate.smsaero.ru,https://gate.smsaero.org,https://gate.smsaero.net"]).unwrap()
    }

    #[test]
    fn a_gateway_that_fails_goes_last_and_comes_back() {
        let gateways = official();
        let [ru, org, net] = gateways.as_slice() else { unreachable!() };
        let health = Health::default();
        health.mark_down(ru, Instant::now());
        assert_eq!(health.order(&gateways), [org, net, ru]);
        health.mark_up(ru);
        assert_eq!(health.order(&gateways), [ru, org, net]);
    }

    #[test]
    fn one_message_at_a_time_claims_the_probe_and_only_after_the_rest() {
        let gateways = official();
        let [ru, ..] = gateways.as_slice() else { unreachable!() };
        let health = Health::default();
        let now = Instant::now();
        health.mark_down(ru, now);
        assert_eq!(health.claim_probe(&gateways, now), None);
        assert_eq!(health.claim_probe(&gateways, now + FIRST_REST).as_ref(), Some(ru));
        assert_eq!(health.claim_probe(&gateways, now + FIRST_REST), None);
    }

    #[test]
    fn an_outage_that_many_messages_meet_at_once_is_one_failure() {
        let gateways = official();
        let [ru, ..] = gateways.as_slice() else { unreachable!() };
        let health = Health::default();
        let now = Instant::now();
        for _ in 0..6 {
            health.mark_down(ru, now);
        }
        assert_eq!(health.claim_probe(&gateways, now + FIRST_REST).as_ref(), Some(ru));
    }

    #[test]
    fn rests_double_once_per_rest_up_to_a_limit() {
        let gateways = official();
        let [ru, ..] = gateways.as_slice() else { unreachable!() };
        let health = Health::default();
        let mut now = Instant::now();
        health.mark_down(ru, now);
        let mut rest = FIRST_REST;
        for _ in 0..9 {
            now += rest;
            assert_eq!(health.claim_probe(&gateways, now).as_ref(), Some(ru));
            health.probe_failed(ru, now);
            rest = (rest * 2).min(LONGEST_REST);
            assert_eq!(health.claim_probe(&gateways, now + rest - Duration::from_millis(1)), None);
        }
        assert_eq!(rest, LONGEST_REST);
    }

    #[test]
    fn gateways_of_endless_variety_are_not_all_remembered() {
        let health = Health::default();
        let now = Instant::now();
        for port in 1..1000 {
            health.mark_down(&Gateway::parse(&format!("http://127.0.0.1:{port}")).unwrap(), now);
        }
        assert_eq!(health.down().len(), REMEMBERED);
    }
}
