//! Plans: what they refuse, in which order they send, and how they stop.

use wpengine::{
    RetryPolicy,
    types::{Environment, Role, Roles},
};
use wpengine_fleet::{Action, Candidate, Decision, Error, Fleet, Impact, Plan, State, StepEvent};
use wpengine_sim::{Fault, FaultKind, Simulator};

use super::Bed;
use crate::support::simulated;

const EMAILS: [&str; 1] = ["ops@example.com"];

/// A site with a production and a staging environment, in this order.
async fn pair(fleet: &Fleet) -> (Candidate, Candidate) {
    fleet.snapshot().await.expect("a snapshot");
    let query =
        "SELECT production.name, staging.name FROM installs production JOIN installs staging
        ON staging.site_id = production.site_id AND staging.environment = 'staging'
        WHERE production.environment = 'production' ORDER BY 1 LIMIT 1";
    let rows = fleet.sql(query).await.expect("a pair").rows;
    let name = |at: usize| rows[0][at].as_str().expect("a name").to_owned();
    (
        fleet.resolve(&name(0)).await.expect("one"),
        fleet.resolve(&name(1)).await.expect("one"),
    )
}

fn writes(simulator: &Simulator) -> Vec<&'static str> {
    let requests = simulator.requests().into_iter();
    requests
        .filter(|request| request.method != "GET")
        .filter_map(|request| request.operation)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_requested_only_after_the_backup_is_completed() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    let (production, staging) = pair(&bed.fleet).await;
    let plan = bed
        .fleet
        .promote(&staging, &production)
        .emails(EMAILS)
        .plan()
        .await
        .expect("a plan");
    assert!(plan.is_intact());
    let impacts: Vec<Impact> = plan.steps.iter().map(|step| step.impact).collect();
    assert_eq!(impacts, [Impact::Routine, Impact::Routine, Impact::Serious]);
    let Action::CopyInstall { database, .. } = plan.steps[2].action else {
        panic!("{plan:?}");
    };
    assert!(
        !database,
        "the database is copied only if that is asked for"
    );
    assert!(writes(&bed.simulator).is_empty(), "a plan changes nothing");

    bed.simulator.clear_requests();
    let mut events = Vec::new();
    let tell = |event: &StepEvent<'_>| {
        events.push(match event {
            StepEvent::Begun { step, .. } => format!("{step} begun"),
            StepEvent::Waiting { step, status } => format!("{step} {status}"),
            StepEvent::Done { step } => format!("{step} done"),
            other => format!("{other:?}"),
        });
    };
    let outcome = bed.fleet.run_telling(&plan, tell).await;
    let outcome = outcome.expect("an outcome");
    assert_eq!(outcome.state, State::Done);
    assert_eq!(writes(&bed.simulator), ["create_backup", "copy_install"]);
    events.dedup();
    let expected = [
        "0 begun",
        "0 done",
        "1 begun",
        "1 requested",
        "1 in_progress",
        "1 completed",
        "1 done",
        "2 begun",
        "2 done",
    ];
    assert_eq!(events, expected);
    let backup = outcome.steps[1].made.as_deref().expect("the backup");
    let handle = bed
        .fleet
        .client()
        .install(production.id.as_str())
        .backup(backup);
    let completed = handle
        .get()
        .await
        .expect("a backup")
        .complete_time
        .expect("a time");
    let requests = bed.simulator.requests();
    let copy = requests
        .iter()
        .find(|request| request.operation == Some("copy_install"))
        .expect("it is there");
    assert!(
        completed.timestamp().expect("a time") <= copy.at,
        "{completed} {}",
        copy.at
    );
    // A plan that is over does nothing more.
    let again = bed.fleet.run(&plan).await.expect("an outcome");
    assert_eq!(again.state, State::Done);
    assert_eq!(writes(&bed.simulator).len(), 2);
    assert!(bed.fleet.open_plans().await.expect("none").is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_an_aborted_backup_nothing_is_copied() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    let (production, staging) = pair(&bed.fleet).await;
    let plan = bed
        .fleet
        .promote(&staging, &production)
        .emails(EMAILS)
        .plan()
        .await
        .expect("a plan");
    let (simulator, client) = (bed.simulator.clone(), bed.fleet.client().clone());
    let id = production.id.clone();
    let abort = tokio::spawn(async move {
        loop {
            let backups = client
                .install(id.as_str())
                .backups()
                .list()
                .collect()
                .await
                .expect("backups");
            let running = backups.iter().find(|backup| backup.complete_time.is_none());
            if running.is_some_and(|backup| simulator.abort_backup(&id, &backup.id)) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    });
    let outcome = bed.fleet.run(&plan).await.expect("an outcome");
    abort.await.expect("it is aborted");
    let State::Failed { step: 1, why } = &outcome.state else {
        panic!("{outcome:?}");
    };
    assert!(why.contains("aborted"), "{why}");
    let again = bed.fleet.run(&plan).await.expect("an outcome");
    assert!(matches!(again.state, State::Failed { step: 1, .. }));
    assert_eq!(writes(&bed.simulator), ["create_backup"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_a_backup_is_looked_up_and_one_of_a_copy_is_not() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    let (production, staging) = pair(&bed.fleet).await;
    let plan = bed
        .fleet
        .promote(&staging, &production)
        .emails(EMAILS)
        .plan()
        .await
        .expect("a plan");
    for operation in ["create_backup", "copy_install"] {
        let lost = Fault::new(FaultKind::Reset).on(operation).after();
        bed.simulator.faults().add(lost).expect("a fault");
    }
    let outcome = bed.fleet.run(&plan).await.expect("an outcome");
    let State::Unknown { step: 2, .. } = outcome.state else {
        panic!("{outcome:?}");
    };
    let again = bed.fleet.run(&plan).await.expect("an outcome");
    assert_eq!(again.state, outcome.state, "it does not go on by itself");
    assert_eq!(writes(&bed.simulator), ["create_backup", "copy_install"]);
    bed.fleet
        .decide(&plan, 2, Decision::Done)
        .await
        .expect("a decision");
    assert_eq!(
        bed.fleet.run(&plan).await.expect("an outcome").state,
        State::Done
    );
    assert_eq!(writes(&bed.simulator).len(), 2);
    assert!(
        bed.fleet.decide(&plan, 2, Decision::Repeat).await.is_err(),
        "it is decided"
    );
}

#[tokio::test(start_paused = true)]
async fn a_guard_waits_for_its_caller_and_purges_afterwards() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    let (production, _) = pair(&bed.fleet).await;
    let plan = bed
        .fleet
        .guard(&production)
        .emails(EMAILS)
        .plan()
        .await
        .expect("a plan");
    // Only the caller knows when the work is done: an interruption does not mean it.
    for _ in 0..2 {
        let outcome = bed.again().run(&plan).await.expect("an outcome");
        assert_eq!(outcome.state, State::YourTurn { step: 2 });
    }
    assert_eq!(writes(&bed.simulator), ["create_backup"]);
    assert_eq!(
        bed.fleet.open_plans().await.expect("one"),
        [plan.id.as_str()]
    );
    let seen = bed.fleet.progress(&plan).await.expect("an outcome");
    assert_eq!(seen.state, State::YourTurn { step: 2 });
    let kept = bed.again().plan(&plan.id).await.expect("the plan");
    assert_eq!(kept, plan);
    let early = bed.fleet.decide(&plan, 3, Decision::Done).await;
    early.expect_err("the purge waits for no answer");
    let decided = bed.fleet.decide(&plan, 2, Decision::Done).await;
    decided.expect("a decision");
    assert_eq!(
        bed.again().run(&kept).await.expect("an outcome").state,
        State::Done
    );
    assert_eq!(writes(&bed.simulator), ["create_backup", "purge_cache"]);
}

#[tokio::test(start_paused = true)]
async fn plans_that_make_no_sense_are_refused_before_anything_is_changed() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    let (production, staging) = pair(&bed.fleet).await;
    let other = "SELECT name FROM installs WHERE site_id != (SELECT site_id FROM installs WHERE id = '{}') LIMIT 1";
    let other = bed
        .fleet
        .sql(&other.replace("{}", &production.id))
        .await
        .expect("one")
        .rows;
    let other = bed
        .fleet
        .resolve(other[0][0].as_str().expect("a name"))
        .await
        .expect("one");
    let promote =
        |from: &Candidate, to: &Candidate| bed.fleet.promote(from, to).emails(EMAILS).plan();
    for (why, error) in [
        (
            "at least one e-mail address",
            bed.fleet.promote(&staging, &production).plan().await.err(),
        ),
        ("over itself", promote(&production, &production).await.err()),
        ("not of one", promote(&other, &production).await.err()),
        (
            "the list of tables is empty",
            bed.fleet
                .promote(&staging, &production)
                .emails(EMAILS)
                .tables(Vec::<String>::new())
                .plan()
                .await
                .err(),
        ),
        (
            "is no e-mail address",
            bed.fleet
                .promote(&staging, &production)
                .emails(["ops at example.com"])
                .plan()
                .await
                .err(),
        ),
        (
            "is called",
            bed.fleet
                .set_up(&production, &staging.name)
                .emails(EMAILS)
                .plan()
                .await
                .err(),
        ),
        (
            "the list of accounts is empty",
            bed.fleet.person("a@example.com", []).remove().await.err(),
        ),
    ] {
        let error = error.expect(why);
        assert!(error.to_string().contains(why), "{error}");
    }
    let mut changed = promote(&staging, &production).await.expect("a plan");
    changed.steps.remove(0);
    let error = bed.fleet.run(&changed).await.expect_err("it was changed");
    assert!(
        matches!(error, Error::Plan(_)) && error.to_string().contains("digest"),
        "{error}"
    );

    // A target that is another one by now.
    let plan = promote(&staging, &production).await.expect("a plan");
    bed.fleet
        .client()
        .install(staging.id.as_str())
        .delete()
        .await
        .expect("it is deleted");
    bed.fleet.run(&plan).await.expect_err("the source is gone");
    assert_eq!(writes(&bed.simulator), ["delete_install"]);
}

#[tokio::test]
async fn people_are_added_changed_and_removed_over_accounts_and_owners_are_kept() {
    let bed = Bed::of(Simulator::builder().fleet(3, 3, 9).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let mut accounts = Vec::new();
    for name in ["account1", "account2", "account3"] {
        accounts.push(bed.fleet.resolve(name).await.expect("an account"));
    }
    let person = || bed.fleet.person("new.person@example.com", accounts.clone());
    let run = async |plan: Plan| bed.fleet.run(&plan).await.expect("an outcome").state;
    let plan = person().add("New", "Person", &Roles::full()).await;
    assert_eq!(run(plan.expect("a plan")).await, State::Done);
    // Who is there already is left alone, and the plan says so.
    let plan = person().add("New", "Person", &Roles::full()).await;
    let plan = plan.expect("a plan");
    assert!(plan.steps.is_empty() && plan.notes.len() == 3, "{plan:?}");
    assert!(plan.notes[0].contains("already, as full"), "{plan:?}");
    let plan = person().set_roles(&Roles::full_and_billing()).await;
    assert_eq!(run(plan.expect("a plan")).await, State::Done);
    let plan = person().remove().await.expect("a plan");
    assert_eq!(run(plan).await, State::Done);
    let mut expected = vec!["create_account_user"; 3];
    expected.extend(["update_account_user"; 3]);
    expected.extend(["delete_account_user"; 3]);
    assert_eq!(writes(&bed.simulator), expected);

    // The owner of all accounts is the user of the credentials.
    let own = bed.fleet.client().current_user().await.expect("a user");
    let own = || bed.fleet.person(own.email.as_str(), accounts.clone());
    for plan in [own().remove().await, own().set_roles(&Roles::full()).await] {
        let plan = plan.expect("a plan");
        assert!(plan.steps.is_empty() && plan.notes.len() == 3, "{plan:?}");
        assert!(plan.notes[0].contains("stays"), "{plan:?}");
    }
    assert_eq!(writes(&bed.simulator).len(), 9);
}

/// Between the plan and its run somebody else may have changed who is the last owner.
#[tokio::test]
async fn the_last_owner_is_kept_although_the_plan_did_not_know_and_the_other_steps_go_on() {
    let bed = Bed::of(Simulator::builder().fleet(2, 2, 4).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let accounts = [
        bed.fleet.resolve("account1").await.expect("an account"),
        bed.fleet.resolve("account2").await.expect("an account"),
    ];
    let person = || bed.fleet.person("second@example.com", accounts.clone());
    let plan = person().add("Second", "Owner", &Roles::owner()).await;
    bed.fleet.run(&plan.expect("a plan")).await.expect("done");
    let plan = person().remove().await.expect("a plan");
    assert_eq!(plan.steps.len(), 2);
    let users = bed.fleet.client().account(accounts[0].id.as_str()).users();
    for user in users.list().collect().await.expect("users") {
        if user.email != "second@example.com" && user.roles.contains(&Role::Owner) {
            let user = bed
                .fleet
                .client()
                .account(accounts[0].id.as_str())
                .user(&user.user_id);
            user.update(Roles::full()).await.expect("another role");
        }
    }
    bed.simulator.clear_requests();
    let outcome = bed.fleet.run(&plan).await.expect("an outcome");
    let State::Failed { step: 0, why } = &outcome.state else {
        panic!("{outcome:?}");
    };
    assert!(why.contains("last owner"), "{why}");
    assert!(
        !outcome.steps[0].is_done && outcome.steps[1].is_done,
        "{outcome:?}"
    );
    assert_eq!(writes(&bed.simulator), ["delete_account_user"]);
}

#[tokio::test]
async fn a_partial_role_is_for_installs_of_each_account() {
    let bed = Bed::of(Simulator::builder().fleet(2, 2, 4).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let rows = "SELECT accounts.name, min(installs.name) FROM installs JOIN accounts ON accounts.id = account_id GROUP BY 1 ORDER BY 1";
    let rows = bed.fleet.sql(rows).await.expect("names").rows;
    let (mut accounts, mut installs) = (Vec::new(), Vec::new());
    for row in &rows {
        accounts.push(
            bed.fleet
                .resolve(row[0].as_str().expect("a name"))
                .await
                .expect("one"),
        );
        installs.push(
            bed.fleet
                .resolve(row[1].as_str().expect("a name"))
                .await
                .expect("one"),
        );
    }
    let person = |installs: &[Candidate]| {
        bed.fleet
            .person("freelance@example.com", accounts.clone())
            .installs(installs.to_vec())
    };
    for (why, plan) in [
        (
            "needs installs of account2",
            person(&installs[..1])
                .add("A", "B", &Roles::partial())
                .await,
        ),
        (
            "is for all installs",
            person(&installs).add("A", "B", &Roles::full()).await,
        ),
        ("is of none of the accounts", {
            let other = bed.fleet.person("a@example.com", [accounts[0].clone()]);
            other
                .installs(installs.clone())
                .add("A", "B", &Roles::partial())
                .await
        }),
    ] {
        let error = plan.expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
    let plan = person(&installs)
        .add("A", "B", &Roles::partial())
        .await
        .expect("a plan");
    let outcome = bed.fleet.run(&plan).await.expect("an outcome");
    assert_eq!(outcome.state, State::Done);
    for (account, install) in accounts.iter().zip(&installs) {
        let users = bed.fleet.client().account(account.id.as_str()).users();
        let users = users.list().collect().await.expect("users");
        let user = users
            .iter()
            .find(|user| user.email == "freelance@example.com")
            .expect("it is there");
        let of_user: Vec<_> = user
            .installs
            .iter()
            .flatten()
            .map(|one| one.id.as_ref().map(ToString::to_string))
            .collect();
        assert_eq!(of_user, [Some(install.id.clone())]);
    }
    // The same once more is nothing to do.
    let again = person(&installs)
        .set_roles(&Roles::partial())
        .await
        .expect("a plan");
    assert!(again.steps.is_empty(), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn another_environment_is_created_then_filled_and_a_lost_answer_is_looked_up() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 4).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let query = "SELECT name FROM installs WHERE environment = 'production' ORDER BY 1 LIMIT 1";
    let rows = bed.fleet.sql(query).await.expect("one").rows;
    let production = bed
        .fleet
        .resolve(rows[0][0].as_str().expect("a name"))
        .await
        .expect("one");
    let set_up = |name: &str| bed.fleet.set_up(&production, name).emails(EMAILS);
    let plan = set_up("newstaging1").plan().await.expect("a plan");
    let lost = Fault::new(FaultKind::Reset).on("create_install").after();
    bed.simulator.faults().add(lost).expect("a fault");
    let outcome = bed.fleet.run(&plan).await.expect("an outcome");
    assert_eq!(outcome.state, State::Done, "{outcome:?}");
    assert_eq!(writes(&bed.simulator), ["create_install", "copy_install"]);
    let made = outcome.steps[0].made.as_deref().expect("an install");
    let install = bed
        .fleet
        .client()
        .install(made)
        .get()
        .await
        .expect("it is there");
    assert_eq!(install.name, "newstaging1");
    assert_eq!(
        install.environment.map(|one| one.to_string()).as_deref(),
        Some("staging")
    );

    let again = set_up("newstaging2")
        .plan()
        .await
        .expect_err("there is one")
        .to_string();
    assert!(
        again.contains("staging environment already: newstaging1"),
        "{again}"
    );
    let bad = set_up("No Name!")
        .environment(Environment::Development)
        .plan()
        .await;
    let error = bad.expect_err("no name").to_string();
    assert!(error.contains("3 to 14"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_a_deletion_is_looked_up() {
    let simulator = Simulator::builder().fleet(2, 4, 12).build();
    // The client itself would repeat a deletion.
    let client = simulated::builder(&simulator).retry(RetryPolicy::none());
    let bed = Bed::with(simulator, &client.build().expect("a client"));
    let (_, staging) = pair(&bed.fleet).await;
    let plan = bed
        .fleet
        .delete(&staging)
        .emails(EMAILS)
        .plan()
        .await
        .expect("a plan");
    let lost = Fault::new(FaultKind::Reset).on("delete_install").after();
    bed.simulator.faults().add(lost).expect("a fault");
    let outcome = bed.fleet.run(&plan).await.expect("an outcome");
    assert_eq!(outcome.state, State::Done, "{outcome:?}");
    assert_eq!(writes(&bed.simulator), ["create_backup", "delete_install"]);
}

/// A backup of last month does not hold what came since.
#[tokio::test(start_paused = true)]
async fn behind_an_old_backup_nothing_is_overwritten() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    let (production, staging) = pair(&bed.fleet).await;
    let plan = bed
        .fleet
        .promote(&staging, &production)
        .emails(EMAILS)
        .plan()
        .await
        .expect("a plan");
    let broken = Fault::new(FaultKind::InternalServerError).on("copy_install");
    bed.simulator.faults().add(broken).expect("a fault");
    let outcome = bed.fleet.run(&plan).await.expect("an outcome");
    assert!(
        matches!(outcome.state, State::Unknown { step: 2, .. }),
        "{outcome:?}"
    );
    bed.fleet
        .decide(&plan, 2, Decision::Repeat)
        .await
        .expect("a decision");
    let state = bed.state();
    state
        .execute("UPDATE steps SET at = at - 2 * 86400000", [])
        .expect("two days");
    let error = bed
        .fleet
        .run(&plan)
        .await
        .expect_err("it is too old")
        .to_string();
    assert!(
        error.contains("more than a day ago: make the plan again"),
        "{error}"
    );
    assert_eq!(writes(&bed.simulator), ["create_backup", "copy_install"]);
}

/// A program that ended in the middle of a copy leaves a step of which nobody knows anything.
#[tokio::test(start_paused = true)]
async fn a_copy_that_was_begun_is_unknown_before_the_plan_is_run_again() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    let (production, staging) = pair(&bed.fleet).await;
    let plan = bed
        .fleet
        .promote(&staging, &production)
        .emails(EMAILS)
        .plan()
        .await
        .expect("a plan");
    bed.fleet.run(&plan).await.expect("an outcome");
    let begun = "UPDATE steps SET entry = '{\"state\":\"started\"}' WHERE step = 2";
    bed.state().execute(begun, []).expect("it is begun");
    let seen = bed.fleet.progress(&plan).await.expect("an outcome");
    assert!(
        matches!(seen.state, State::Unknown { step: 2, .. }),
        "{seen:?}"
    );
    bed.fleet
        .decide(&plan, 2, Decision::Done)
        .await
        .expect("a decision");
    let seen = bed.fleet.progress(&plan).await.expect("an outcome");
    assert_eq!(seen.state, State::Done);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_nobody_wants_any_more_is_given_up() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    let (production, _) = pair(&bed.fleet).await;
    let plan = bed
        .fleet
        .guard(&production)
        .emails(EMAILS)
        .plan()
        .await
        .expect("a plan");
    let state = async || bed.fleet.progress(&plan).await.expect("an outcome").state;
    assert_eq!(state().await, State::Open { step: 0 });
    bed.fleet.run(&plan).await.expect("an outcome");
    assert_eq!(bed.fleet.open_plans().await.expect("one").len(), 1);
    bed.fleet.abandon(&plan).await.expect("it is given up");
    assert!(bed.fleet.open_plans().await.expect("none").is_empty());
    let error = bed.fleet.run(&plan).await.expect_err("it is given up");
    assert!(error.to_string().contains("given up"), "{error}");
    let error = bed.fleet.plan("nonsense").await.expect_err("there is none");
    assert!(
        error.to_string().contains("there is no plan nonsense in"),
        "{error}"
    );
    assert_eq!(writes(&bed.simulator), ["create_backup"]);
}

#[tokio::test(start_paused = true)]
async fn a_restore_and_a_deletion_name_what_is_lost() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    let (production, staging) = pair(&bed.fleet).await;
    let backups = bed.fleet.client().install(production.id.as_str()).backups();
    let backup = backups
        .create("before", EMAILS)
        .wait()
        .await
        .expect("a backup");
    let restore = bed
        .fleet
        .restore(&production, backup.id.to_string())
        .emails(EMAILS);
    let plan = restore.plan().await.expect("a plan");
    assert!(plan.notes[0].contains("is lost"), "{:?}", plan.notes);
    assert_eq!(
        bed.fleet.run(&plan).await.expect("an outcome").state,
        State::Done
    );

    let plan = bed
        .fleet
        .delete(&staging)
        .emails(EMAILS)
        .plan()
        .await
        .expect("a plan");
    assert_eq!(
        plan.steps.last().map(|step| step.impact),
        Some(Impact::Destructive)
    );
    assert_eq!(
        bed.fleet.run(&plan).await.expect("an outcome").state,
        State::Done
    );
    assert_eq!(
        writes(&bed.simulator),
        [
            "create_backup",
            "restore_backup",
            "create_backup",
            "delete_install"
        ]
    );
}
