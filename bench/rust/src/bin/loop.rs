//! The client without Node: a bare loop around reqwest, which shows what is left to gain.
//!
//! Takes the URL, the path of the authority's certificate, how many messages are in flight, how many are sent before
//! the measuring begins, and for how many milliseconds to measure. Prints a line of JSON.

use std::{
    cell::{Cell, RefCell},
    fs,
    rc::Rc,
    time::{Duration, Instant},
};

use reqwest::{Client, header};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde_json::json;
use tokio::task::LocalSet;

const TEXT: &str = "Your Logto sign-in verification code is 482913. The code will remain active for 10 minutes.";

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

struct Plan {
    url: String,
    in_flight: usize,
    warm_up: usize,
    time: Duration,
}

#[derive(Default)]
struct Course {
    begun: Cell<usize>,
    failures: Cell<usize>,
    latencies_us: RefCell<Vec<u64>>,
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("an argument is missing");
    let (url, ca) = (next()?, next()?);
    let plan = Plan {
        url,
        in_flight: next()?.parse()?,
        warm_up: next()?.parse()?,
        time: Duration::from_millis(next()?.parse()?),
    };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca)?)?;
    let tls = ClientConfig::builder_with_provider(bench::provider())
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder().tls_backend_preconfigured(tls).http1_only().no_proxy().build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, measure(client, plan))
}

async fn measure(client: Client, plan: Plan) -> Outcome<()> {
    let first = Instant::now();
    send(&client, &plan.url).await?;
    let first_us = first.elapsed().as_micros();
    let plan = Rc::new(plan);
    let warm_up = plan.warm_up;
    run(&client, &plan, move |course| course.begun.get() < warm_up).await?;
    let (cpu_ns, started, time) = (process_ns(), Instant::now(), plan.time);
    let course = run(&client, &plan, move |_| started.elapsed() < time).await?;
    let (cpu_ns, seconds) = (process_ns() - cpu_ns, started.elapsed().as_secs_f64());
    let mut latencies = course.latencies_us.take();
    latencies.sort_unstable();
    let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default();
    let report = json!({
        "messages": latencies.len(),
        "failures": course.failures.get(),
        "seconds": seconds,
        "processNs": cpu_ns,
        "p50us": at(50),
        "p99us": at(99),
        "firstUs": first_us,
        "peakRssKib": peak_rss_kib(),
    });
    println!("{report}");
    Ok(())
}

/// Keeps so many messages in flight for as long as there are to be more.
async fn run(
    client: &Client,
    plan: &Rc<Plan>,
    more: impl Fn(&Course) -> bool + Clone + 'static,
) -> Outcome<Rc<Course>> {
    let course = Rc::new(Course::default());
    let lanes = (0..plan.in_flight).map(|_| {
        let (client, plan, course, more) = (client.clone(), Rc::clone(plan), Rc::clone(&course), more.clone());
        tokio::task::spawn_local(async move {
            while more(&course) {
                course.begun.set(course.begun.get() + 1);
                let started = Instant::now();
                if send(&client, &plan.url).await.is_err() {
                    course.failures.set(course.failures.get() + 1);
                }
                let taken = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
                course.latencies_us.borrow_mut().push(taken);
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await?;
    }
    Ok(course)
}

async fn send(client: &Client, url: &str) -> Outcome<()> {
    let order = json!({ "number": "79001234567", "sign": "SMSAero", "text": TEXT });
    let request = client
        .post(url)
        .header(header::AUTHORIZATION, "Basic b3duZXJAZXhhbXBsZS5jb206a2V5LW9mLXRoZS1hY2NvdW50")
        .header(header::CONTENT_TYPE, "application/json")
        .body(order.to_string());
    let reply = request.send().await?.error_for_status()?.bytes().await?;
    let reply = serde_json::from_slice::<serde_json::Value>(&reply)?;
    if reply["success"] == true { Ok(()) } else { Err("not sent".into()) }
}

/// What all threads have had of the processors.
fn process_ns() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lines = tasks.filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok());
    lines.filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).sum()
}

fn peak_rss_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
