//! Applications: what starts and stops in which order, and what an end means for the others (L1 to L4).
#![allow(clippy::unwrap_used, reason = "a test that cannot do what it needs has failed")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use throng_runtime::{
    Application, ApplicationError, Applications, ChildSpec, Ctx, Exit, GenServer, Init, Name, Node,
    RestartType, RunError, Shutdown, Supervisor,
};

/// What happened, in order.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(", ")
    }
}

/// Says that it is up, and that it stops.
struct Worker {
    part: &'static str,
    log: Log,
    hangs: bool,
}

impl GenServer for Worker {
    type Args = (&'static str, Log, bool);

    async fn init((part, log, hangs): Self::Args, _: &mut Ctx<Self>) -> Init<Self> {
        log.note(format!("{part} up"));
        Ok(Worker { part, log, hangs })
    }

    async fn terminate(&mut self, _: &Exit, _: &mut Ctx<Self>) {
        self.log.note(format!("{} down", self.part));
        if self.hangs {
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Default)]
struct Part {
    name: &'static str,
    needs: &'static [&'static str],
    phases: &'static [&'static str],
    /// The one callback that fails, and how.
    fails: &'static str,
    hangs: bool,
    worker: Option<Name<Worker>>,
    log: Log,
}

impl Part {
    fn callback(&self, callback: &str) -> Result<(), Exit> {
        self.log.note(format!("{} {callback}", self.name));
        match self.fails.split_once(' ') {
            Some(("panics", failing)) if failing == callback => panic!("{callback} panics"),
            Some(("refuses", failing)) if failing == callback => Err(Exit::other("refused")),
            _ => Ok(()),
        }
    }

    async fn may_hang(&self, callback: &str) {
        if self.fails.strip_prefix("hangs ") == Some(callback) {
            std::future::pending::<()>().await;
        }
    }
}

impl Application for Part {
    fn name(&self) -> &str {
        self.name
    }

    fn dependencies(&self) -> &[&str] {
        self.needs
    }

    fn start_phases(&self) -> &[&str] {
        self.phases
    }

    async fn start(&self, _: &Node) -> Result<ChildSpec<Supervisor>, Exit> {
        self.callback("start")?;
        self.may_hang("start").await;
        let mut worker =
            Worker::child((self.name, self.log.clone(), self.hangs)).shutdown(Shutdown::Infinity);
        if let Some(name) = self.worker {
            worker = worker.name(name);
        }
        Ok(Supervisor::one_for_one("top").max_restarts(0, Duration::from_secs(5)).child(worker))
    }

    async fn start_phase(&self, phase: &str, _: &Node) -> Result<(), Exit> {
        self.callback(phase)?;
        self.may_hang(phase).await;
        Ok(())
    }

    async fn prep_stop(&self, _: &Node) {
        let _ = self.callback("prep_stop");
        self.may_hang("prep_stop").await;
    }

    async fn stop(&self, _: &Node) {
        let _ = self.callback("stop");
    }
}

/// Two that need each other in a row, and one that nobody needs.
fn three(log: &Log) -> [Part; 3] {
    let part = |name, needs| Part { name, needs, log: log.clone(), ..Part::default() };
    [part("shop", &["database"]), part("other", &[]), part("database", &[])]
}

fn all(node: &Node, parts: [Part; 3]) -> Applications {
    parts.into_iter().fold(Applications::new(node), Applications::add)
}

#[tokio::test]
async fn l1_applications_start_after_what_they_need_and_stop_in_reverse() {
    let (node, log) = (Node::new("test"), Log::default());
    let mut applications = all(&node, three(&log));
    assert_eq!(applications.start_all().await.unwrap(), ["database", "shop", "other"]);
    assert_eq!(applications.running(), ["database", "shop", "other"]);
    assert_eq!(log.take(), "database start, database up, shop start, shop up, other start, other up");
    assert!(applications.start_all().await.unwrap().is_empty(), "they run");
    applications.stop_all().await;
    assert_eq!(
        log.take(),
        "other prep_stop, other down, other stop, shop prep_stop, shop down, shop stop, \
         database prep_stop, database down, database stop"
    );
    assert!(applications.running().is_empty());
}

#[tokio::test]
async fn l1_ensure_all_started_starts_what_is_needed_and_tells_what_it_started() {
    let (node, log) = (Node::new("test"), Log::default());
    let mut applications = all(&node, three(&log));
    assert_eq!(applications.ensure_all_started("database").await.unwrap(), ["database"]);
    assert_eq!(applications.ensure_all_started("shop").await.unwrap(), ["shop"]);
    assert!(applications.ensure_all_started("shop").await.unwrap().is_empty());
    let nobody = applications.ensure_all_started("shoq").await.unwrap_err();
    assert_eq!(nobody.to_string(), "there is no application \"shoq\"");
    applications.stop("shop").await.unwrap();
    assert_eq!(applications.stop("shop").await.unwrap_err().to_string(), "no application \"shop\" runs");
    assert_eq!(applications.ensure_all_started("shop").await.unwrap(), ["shop"], "and again");
    applications.stop_all().await;
}

#[tokio::test]
async fn l1_a_failure_stops_those_that_were_started_for_it_and_names_who_failed() {
    for (fails, expected) in [
        ("refuses start", "application \"shop\" did not start: init failed: refused"),
        ("panics start", "start panics"),
    ] {
        let (node, log) = (Node::new("test"), Log::default());
        let mut parts = three(&log);
        parts[0].fails = fails;
        let mut applications = all(&node, parts);
        applications.ensure_all_started("other").await.unwrap();
        log.take();
        let error = applications.start_all().await.unwrap_err();
        assert!(matches!(&error, ApplicationError::Start { name, .. } if name == "shop"), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(
            log.take(),
            "database start, database up, shop start, database prep_stop, database down, database stop"
        );
        assert_eq!(applications.running(), ["other"], "which this start did not start");
        applications.stop_all().await;
    }
}

#[tokio::test]
async fn l1_nothing_starts_when_a_needed_one_is_missing_or_they_go_in_a_circle() {
    for (needs, expected) in [
        (&["gone"], "there is no application \"gone\", and \"database\" needs it"),
        (&["shop"], "the applications need each other: shop needs database needs shop"),
    ] {
        let (node, log) = (Node::new("test"), Log::default());
        let mut parts = three(&log);
        parts[2].needs = needs;
        let error = all(&node, parts).start_all().await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(log.take(), "");
    }
}

#[tokio::test]
async fn l2_phases_come_in_their_order_when_the_tree_is_up() {
    let (node, log) = (Node::new("test"), Log::default());
    let part = Part { name: "shop", phases: &["fill", "open"], log: log.clone(), ..Part::default() };
    let mut applications = Applications::new(&node).add(part);
    applications.start_all().await.unwrap();
    assert_eq!(log.take(), "shop start, shop up, shop fill, shop open");
    applications.stop_all().await;
}

#[tokio::test]
async fn l2_a_phase_that_fails_stops_the_application() {
    for (fails, why) in [("refuses open", "refused"), ("panics open", "open panics")] {
        let (node, log) = (Node::new("test"), Log::default());
        let mut parts = three(&log);
        parts[0].phases = &["fill", "open", "never"];
        parts[0].fails = fails;
        let mut applications = all(&node, parts);
        let error = applications.start_all().await.unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with("application \"shop\" failed in its start phase \"open\": "), "{told}");
        assert!(told.ends_with(why), "{told}");
        assert_eq!(
            log.take(),
            "database start, database up, shop start, shop up, shop fill, shop open, \
             shop prep_stop, shop down, shop stop, database prep_stop, database down, database stop"
        );
    }
}

/// Three that need nothing, of which the middle one is of this type, and is killed.
async fn after_a_kill(restart: RestartType) -> (Applications, Log) {
    const VICTIM: Name<Worker> = Name::new("victim");
    let (node, log) = (Node::new("test"), Log::default());
    let part = |name| Part { name, log: log.clone(), ..Part::default() };
    let mut applications = Applications::new(&node)
        .add(part("first"))
        .add_as(restart, Part { worker: Some(VICTIM), ..part("second") })
        .add(part("third"));
    applications.start_all().await.unwrap();
    log.take();
    node.exit(node.whereis(VICTIM).unwrap(), Exit::Kill);
    (applications, log)
}

#[tokio::test]
async fn l3_a_tree_that_gives_up_ends_a_permanent_and_a_transient_application_for_all() {
    for restart in [RestartType::Permanent, RestartType::Transient] {
        let (mut applications, log) = after_a_kill(restart).await;
        let (name, reason) = applications.ended().await;
        assert_eq!(name, "second");
        assert!(matches!(reason, Exit::Shutdown), "{reason}");
        // It had no time to prepare, and is cleaned up after.
        assert_eq!(log.take(), "second stop");
        assert_eq!(applications.running(), ["first", "third"]);
        applications.stop_all().await;
    }
}

#[tokio::test(start_paused = true)]
async fn l3_the_end_of_a_temporary_application_is_only_logged() {
    let (mut applications, log) = after_a_kill(RestartType::Temporary).await;
    // On a paused clock the time is up when there is nothing left to do.
    let ended = tokio::time::timeout(Duration::from_secs(1), applications.ended()).await;
    assert!(ended.is_err(), "{ended:?}");
    assert_eq!(log.take(), "second stop");
    assert_eq!(applications.running(), ["first", "third"]);
    assert_eq!(
        applications.ensure_all_started("second").await.unwrap(),
        ["second"],
        "it can be started again"
    );
    applications.stop_all().await;
}

#[tokio::test(start_paused = true)]
async fn l4_an_application_that_does_not_stop_in_time_is_killed_and_the_next_one_stops() {
    let (node, log) = (Node::new("test"), Log::default());
    let mut parts = three(&log);
    parts[0].hangs = true;
    let mut applications = all(&node, parts).shutdown_timeout(Duration::from_secs(60));
    applications.ensure_all_started("shop").await.unwrap();
    log.take();
    let began = tokio::time::Instant::now();
    applications.stop_all().await;
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(
        log.take(),
        "shop prep_stop, shop down, shop stop, database prep_stop, database down, database stop"
    );
}

#[tokio::test]
async fn l4_callbacks_that_panic_do_not_keep_the_others_from_stopping() {
    let (node, log) = (Node::new("test"), Log::default());
    let mut parts = three(&log);
    parts[0].fails = "panics prep_stop";
    parts[2].fails = "panics stop";
    let mut applications = all(&node, parts);
    applications.start_all().await.unwrap();
    log.take();
    applications.stop_all().await;
    assert_eq!(
        log.take(),
        "other prep_stop, other down, other stop, shop prep_stop, shop down, shop stop, \
         database prep_stop, database down, database stop"
    );
}

#[tokio::test(start_paused = true)]
async fn l4_a_start_that_is_given_up_leaves_nothing_of_its_own_and_the_others_to_be_stopped() {
    for (hangs, expected) in [("hangs start", &["database"][..]), ("hangs open", &["database", "shop"])] {
        let (node, log) = (Node::new("test"), Log::default());
        let mut parts = three(&log);
        parts[0].fails = hangs;
        parts[0].phases = &["open"];
        let mut applications = all(&node, parts);
        // On a paused clock the time is up when there is nothing left to do.
        let started = tokio::time::timeout(Duration::from_secs(1), applications.start_all()).await;
        assert!(started.is_err());
        assert_eq!(applications.running(), expected, "{hangs}");
        applications.stop_all().await;
        for process in node.processes() {
            node.wait(process).await;
        }
        assert_eq!(node.processes().count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn l4_a_callback_that_hangs_is_given_up_in_time() {
    let (node, log) = (Node::new("test"), Log::default());
    let mut parts = three(&log);
    parts[2].fails = "hangs prep_stop";
    let mut applications = all(&node, parts).shutdown_timeout(Duration::from_secs(60));
    applications.ensure_all_started("database").await.unwrap();
    log.take();
    applications.stop_all().await;
    assert_eq!(log.take(), "database prep_stop, database down, database stop");
}

/// An operator says stop while a failed start is taken back: what is in the middle of its stop is stopped all the same.
#[tokio::test]
async fn l1_a_start_that_is_given_up_while_it_is_taken_back_leaves_nothing_behind() {
    const DATABASE: Name<Worker> = Name::new("database");
    let (node, log) = (Node::new("test"), Log::default());
    let part = |name, fails| Part { name, fails, log: log.clone(), ..Part::default() };
    let database = Part { worker: Some(DATABASE), ..part("database", "hangs prep_stop") };
    let mut applications = Applications::new(&node)
        .add(database)
        .add(part("shop", "refuses start"))
        .shutdown_timeout(Duration::from_millis(1));
    {
        let mut start = std::pin::pin!(applications.start_all());
        loop {
            let pending =
                std::future::poll_fn(|cx| std::task::Poll::Ready(start.as_mut().poll(cx).is_pending()));
            assert!(pending.await, "it hangs in prep_stop");
            if log.0.lock().unwrap().iter().any(|what| what == "database prep_stop") {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(applications.running(), ["database"]);
    applications.stop_all().await;
    assert!(node.whereis(DATABASE).is_none());
    assert!(log.take().ends_with("database down, database stop"));
    assert!(applications.running().is_empty());
}

#[test]
fn l1_an_error_that_main_returns_is_printed_in_words() {
    let reason = throng_runtime::StartError::Invalid("two children have the id \"till\"".into());
    let error = RunError::Start(ApplicationError::Start { name: "shop".into(), reason });
    let words = "application \"shop\" did not start: the supervisor's children are wrong: two children have the id \"till\"";
    // As `fn main() -> Result<(), Box<dyn Error>>` does.
    assert_eq!(format!("Error: {:?}", Box::<dyn std::error::Error>::from(error)), format!("Error: {words}"));
}
