//! The story: what is tried, and what has to be seen.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::ask::{self, Answers, Question};
use super::told::Told;
use super::{Mesh, said};
use crate::client::{Broken, Client, Response};
use crate::engines::module_path;
use crate::service::wait;

/// Requests whose shares are counted.
const REQUESTS: usize = 1000;

/// A fifth of them: chance goes beyond these once in a thousand runs.
const A_FIFTH: RangeInclusive<usize> = 158..=242;

/// How soon a mesh of this size has to be up, on two cores.
const UP: Duration = Duration::from_secs(10);

/// How long one who has gone may still be seen.
const GONE: Duration = Duration::from_secs(5);

/// Tells it; the failure says how much of it was not seen.
pub(in crate::demo) fn run(mesh: &Mesh, keep: bool) -> Result<(), String> {
    module_path("mesh-filters");
    println!(
        "\nA book shop on this machine: a page, details, ratings, three versions of reviews, a gateway;"
    );
    println!(
        "an Envoy beside each, with mutual TLS between them. The files are envoy-configs/mesh.\n"
    );
    let mut story = Story {
        mesh,
        told: up(mesh)?,
        wrong: 0,
    };
    story.arrived();
    story.split()?;
    story.jason()?;
    story.faults()?;
    story.strict()?;
    story.roll_out()?;
    if keep && story.wrong == 0 {
        return story.stay();
    }
    story.leave()?;
    match story.wrong {
        0 => Ok(()),
        1 => Err("1 thing was not seen; see above".to_owned()),
        wrong => Err(format!("{wrong} things were not seen; see above")),
    }
}

/// The shop, and how long it took.
fn up(mesh: &Mesh) -> Result<Told, String> {
    mesh.put("bookinfo.yaml", |text| text)?;
    mesh.put("split.yaml", |text| text)?;
    let start = Instant::now();
    let told = mesh.up()?;
    let took = start.elapsed();
    let proxies = told.proxies().len();
    println!("up: {proxies} Envoys in {:.1} s", took.as_secs_f64());
    match took <= UP {
        true => Ok(told),
        false => {
            println!("  slower than it should be: {UP:?}");
            Ok(told)
        }
    }
}

struct Story<'a> {
    mesh: &'a Mesh,
    told: Told,
    wrong: usize,
}

impl Story<'_> {
    /// Prints what was seen, and whether it is what was to be seen.
    fn see(&mut self, what: &str, seen: &str, holds: bool) {
        println!("  {what}: {seen}");
        if !holds {
            println!("  EXPECTED something else");
            self.wrong += 1;
        }
    }

    fn arrived(&mut self) {
        let gateway = self.told.gateways.first();
        let port = gateway.and_then(|gateway| gateway.ports.first());
        let Some(port) = port.map(|port| port.address) else {
            return self.see("a request from outside", "there is no gateway", false);
        };
        let answer = Client::http1(port)
            .get("/productpage")
            .authority("bookinfo.example")
            .try_send();
        let (seen, holds) = match &answer {
            Ok(answer) => {
                let called = answer.json().ok();
                let called = called.as_ref().and_then(|said| said.get("called"));
                let called = called.and_then(|called| called.as_array());
                let count = called.map_or(0, Vec::len);
                let seen = format!("{}, and the page called {count} services", answer.status);
                (seen, answer.status == 200 && count == 2)
            }
            Err(broken) => (broken.to_string(), false),
        };
        self.see("a request from outside, through the gateway", &seen, holds);
    }

    fn split(&mut self) -> Result<(), String> {
        println!("\nsplit.yaml: 80 % to the first version of reviews, 20 % to the second");
        let answers = self.reviews(None, REQUESTS)?;
        let of = |who: &str| answers.get(&(who.to_owned(), 200)).copied().unwrap_or(0);
        let (first, second) = (of("reviews-v1"), of("reviews-v2"));
        let holds = first + second == REQUESTS && A_FIFTH.contains(&second);
        self.see(
            &format!("{REQUESTS} requests of the page"),
            &ask::text(&answers),
            holds,
        );
        Ok(())
    }

    fn jason(&mut self) -> Result<(), String> {
        println!(
            "\njason.yaml, in its place: one reader gets the second version, all others the first"
        );
        self.mesh.take_away("split.yaml")?;
        self.mesh.put("jason.yaml", |text| text)?;
        self.mesh.apply()?;
        for (header, who) in [
            (Some(("end-user", "jason")), "reviews-v2"),
            (None, "reviews-v1"),
        ] {
            let answers = self.reviews(header, 100)?;
            let what = header.map_or("everybody else".to_owned(), |(name, value)| {
                format!("with {name}: {value}")
            });
            let holds = answers == Answers::from([((who.to_owned(), 200), 100)]);
            self.see(&what, &ask::text(&answers), holds);
        }
        Ok(())
    }

    fn faults(&mut self) -> Result<(), String> {
        println!(
            "\nfaults.yaml: one request for reviews in ten waits for 5 s, and ratings are down for jason"
        );
        self.mesh.take_away("jason.yaml")?;
        self.mesh.put("faults.yaml", |text| text)?;
        self.mesh.apply()?;
        let page = self.told.outbound("productpage-v1")?;
        let waits = Question::of("reviews:9080", "/reviews/0").waits(page, 100)?;
        let slow = waits.iter().filter(|wait| **wait >= Duration::from_secs(5));
        let slow = slow.count();
        // Chance goes beyond these once in 30,000 runs.
        let holds = (1..=27).contains(&slow);
        self.see(
            "100 requests at once",
            &format!("{slow} of them waited"),
            holds,
        );
        let reviews = self.told.outbound("reviews-v2")?;
        let ratings = Question::of("ratings:9080", "/ratings/0");
        for (question, what, expected) in [
            (
                ratings.clone().with("end-user", "jason"),
                "jason's ratings",
                500,
            ),
            (ratings, "those of everybody else", 200),
        ] {
            let status = question.once(reviews, "GET")?.status;
            self.see(what, &status.to_string(), status == expected);
        }
        Ok(())
    }

    fn strict(&mut self) -> Result<(), String> {
        println!(
            "\nauthorization.yaml: nobody speaks plaintext, and the page alone may read reviews"
        );
        let ports = &self.told.replica("reviews-v1")?.ports;
        let direct = ports.first().map(|port| port.address);
        let direct = direct.ok_or("reviews-v1 has no port")?;
        let plain = |answer: Result<Response, Broken>| match answer {
            Ok(answer) => answer.status.to_string(),
            Err(_) => "refused".to_owned(),
        };
        let ask = || Client::http1(direct).get("/reviews/0").try_send();
        let before = plain(ask());
        self.mesh.take_away("faults.yaml")?;
        self.mesh.put("authorization.yaml", |text| text)?;
        self.mesh.apply()?;
        self.see("plaintext before", &before, before == "200");
        let after = plain(ask());
        self.see("plaintext now", &after, after == "refused");
        let reviews = Question::of("reviews:9080", "/reviews/0");
        for (who, method, expected) in [
            ("productpage-v1", "GET", 200),
            ("productpage-v1", "POST", 403),
            ("details-v1", "GET", 403),
        ] {
            let status = reviews.once(self.told.outbound(who)?, method)?.status;
            let what = format!("{method} by {who}");
            self.see(&what, &status.to_string(), status == expected);
        }
        self.reason()
    }

    /// Why it was refused, as the sidecars of reviews count it.
    fn reason(&mut self) -> Result<(), String> {
        let mut counts = BTreeMap::new();
        for name in ["reviews-v1", "reviews-v2", "reviews-v3"] {
            let admin = self.told.replica(name)?.admin;
            let admin = admin.ok_or_else(|| format!("{name} has no sidecar"))?;
            for (reason, count) in refusals(admin)? {
                *counts.entry(reason).or_insert(0) += count;
            }
        }
        let text = counts
            .iter()
            .map(|(reason, count)| format!("{reason} × {count}"));
        let text = text.collect::<Vec<_>>().join(", ");
        let holds = counts == BTreeMap::from([("no_allow[policy=reviews-viewer]".to_owned(), 2)]);
        self.see("why, as their sidecars count it", &text, holds);
        Ok(())
    }

    fn roll_out(&mut self) -> Result<(), String> {
        println!("\nA new version, while requests come: 80/20, 50/50, 0/100");
        self.mesh.take_away("authorization.yaml")?;
        self.mesh.put("split.yaml", |text| text)?;
        self.mesh.apply()?;
        let page = self.told.outbound("productpage-v1")?;
        let (done, answers) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        let rolled: Result<(), String> = std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| load(page, &done, &answers));
            }
            let rolled = [(50, 50), (0, 100)].into_iter().try_for_each(|(one, two)| {
                self.mesh
                    .put("split.yaml", |text| weights(&text, one, two))?;
                self.mesh.apply()?;
                std::thread::sleep(Duration::from_millis(300));
                Ok(())
            });
            done.store(true, Ordering::SeqCst);
            rolled
        });
        rolled?;
        let answers = answers
            .into_inner()
            .unwrap_or_else(|lost| lost.into_inner());
        let count = answers.len();
        let bad = answers
            .into_iter()
            .filter(|answer: &Result<Response, Broken>| {
                answer.as_ref().map_or(true, |answer| answer.status != 200)
            });
        let bad = bad.count();
        self.see(
            &format!("{count} requests meanwhile"),
            &format!("{bad} failed"),
            bad == 0 && count > 100,
        );
        let answers = self.reviews(None, 100)?;
        let holds = answers == Answers::from([(("reviews-v2".to_owned(), 200), 100)]);
        self.see("100 requests afterwards", &ask::text(&answers), holds);
        Ok(())
    }

    /// Asks for reviews as the page does.
    fn reviews(
        &self,
        header: Option<(&'static str, &'static str)>,
        count: usize,
    ) -> Result<Answers, String> {
        let mut question = Question::of("reviews:9080", "/reviews/0");
        if let Some((name, value)) = header {
            question = question.with(name, value);
        }
        question.ask(self.told.outbound("productpage-v1")?, count)
    }

    fn leave(&mut self) -> Result<(), String> {
        println!("\ndown");
        self.mesh.down()?;
        let addresses = self.told.proxies();
        let is_gone = |address: &SocketAddr| TcpStream::connect(address).is_err();
        let process = format!("/proc/{}", self.told.pid);
        let all_gone = wait::until(GONE, || {
            let left = addresses.iter().filter(|address| !is_gone(address)).count();
            let left = left + usize::from(std::path::Path::new(&process).exists());
            (left == 0).then_some(())
        });
        let seen = match all_gone {
            Some(()) => "no process is left, and nobody listens any more",
            None => "something is left",
        };
        self.see("afterwards", seen, all_gone.is_some());
        Ok(())
    }

    /// What there is to play with.
    fn stay(&self) -> Result<(), String> {
        let folder = self.mesh.folder();
        println!(
            "\nThe mesh stays up, its objects in {}:",
            self.mesh.objects().display()
        );
        for verb in ["status", "graph"] {
            println!("  mesh-filters mesh {verb} --folder {}", folder.display());
        }
        println!("Ctrl-C ends it.");
        folder
            .exists()
            .then_some(())
            .ok_or_else(|| said(&folder, "it is gone"))
    }
}

/// What a sidecar's policies refused, and how often.
fn refusals(admin: SocketAddr) -> Result<Vec<(String, u64)>, String> {
    let page = Client::http1(admin)
        .get("/stats?usedonly&filter=mesh_filters.authorization-policy.no_allow")
        .try_send();
    let page = page.map_err(|broken| broken.to_string())?.text();
    let lines = page.lines().filter_map(|line| {
        let (name, count) = line.split_once(": ")?;
        let reason = name.split("authorization-policy.").nth(1)?;
        Some((reason.to_owned(), count.parse().ok()?))
    });
    Ok(lines.collect())
}

/// Asks for reviews over and over, over one connection after another, as a client with connections to spare does.
fn load(page: SocketAddr, done: &AtomicBool, answers: &Mutex<Vec<Result<Response, Broken>>>) {
    let request = Question::of("reviews:9080", "/reviews/0");
    while !done.load(Ordering::SeqCst) {
        let some = Client::http1(page).try_burst(20, 1, |_| request.request("GET"));
        if let Ok(mut answers) = answers.lock() {
            answers.extend(some);
        }
    }
}

/// The split with other weights.
fn weights(text: &str, first: u8, second: u8) -> String {
    text.replace("weight: 80", &format!("weight: {first}"))
        .replace("weight: 20", &format!("weight: {second}"))
}
