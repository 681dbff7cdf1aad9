//! The client without Node: a bare loop around reqwest, which shows what is left to gain.
//!
//! Takes the URL, the paths of the authority's certificate and of a configuration, how many messages are in flight, how many
//! are sent before the measuring begins, and how many are measured. For each it does what a connector does: it reads the
//! configuration anew, fills in the template, sends, reads the reply. Prints a line of JSON.

use std::{
    cell::{Cell, RefCell},
    fs,
    rc::Rc,
    time::Instant,
};

use reqwest::{Client, header};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::LocalSet;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

struct Plan {
    url: String,
    /// A configuration as JSON.
    row: String,
    in_flight: usize,
    warm_up: usize,
    count: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    email: String,
    api_key: String,
    sender_name: String,
    templates: Vec<Template>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Template {
    usage_type: String,
    content: String,
}

#[derive(Serialize)]
struct Order<'a> {
    number: &'a str,
    sign: &'a str,
    text: &'a str,
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
        row: fs::read_to_string(next()?)?,
        in_flight: next()?.parse()?,
        warm_up: next()?.parse()?,
        count: next()?.parse()?,
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
    send(&client, &plan, 0).await?;
    let first_us = first.elapsed().as_micros();
    let plan = Rc::new(plan);
    run(&client, &plan, plan.warm_up).await?;
    let (cpu_ns, started) = (process_ns(), Instant::now());
    let course = run(&client, &plan, plan.count).await?;
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

/// Sends so many messages, keeping as many in flight as the plan says.
async fn run(client: &Client, plan: &Rc<Plan>, count: usize) -> Outcome<Rc<Course>> {
    let course = Rc::new(Course::default());
    let lanes = (0..plan.in_flight).map(|_| {
        let (client, plan, course) = (client.clone(), Rc::clone(plan), Rc::clone(&course));
        tokio::task::spawn_local(async move {
            while course.begun.get() < count {
                let place = course.begun.replace(course.begun.get() + 1);
                let started = Instant::now();
                if send(&client, &plan, place).await.is_err() {
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

async fn send(client: &Client, plan: &Plan, place: usize) -> Outcome<()> {
    let config = serde_json::from_str::<Config>(&plan.row)?;
    let template = config.templates.get(place % config.templates.len()).ok_or("no template")?;
    if template.usage_type.is_empty() {
        return Err("a template of no type".into());
    }
    let code = 100_000 + place * 104_729 % 900_000;
    let text = template.content.replace("{{code}}", &code.to_string());
    let number = format!("79{}", 100_000_000 + place * 7919 % 900_000_000);
    let order = serde_json::to_string(&Order { number: &number, sign: &config.sender_name, text: &text })?;
    let request = client
        .post(&plan.url)
        .basic_auth(&config.email, Some(&config.api_key))
        .header(header::CONTENT_TYPE, "application/json")
        .body(order);
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
