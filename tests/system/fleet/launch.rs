//! Whether an install is ready for visitors.

use wpengine_fleet::{Candidate, Code, GoLive, PointStatus};
use wpengine_sim::{Fault, FaultKind, Simulator};

use super::Bed;

async fn install(bed: &Bed, query: &str) -> Candidate {
    bed.fleet.sync().run().await.expect("a sync");
    let rows = bed.fleet.sql(query).await.expect(query).rows;
    bed.fleet
        .resolve(rows[0][0].as_str().expect("an id"))
        .await
        .expect("an install")
}

fn status(launch: &GoLive, beginning: &str) -> Vec<PointStatus> {
    let points = launch
        .points
        .iter()
        .filter(|point| point.point.starts_with(beginning));
    points.map(|point| point.status).collect()
}

/// A production install whose certificates last for more than a month.
const FINE: &str = "SELECT installs.id FROM installs WHERE environment = 'production' AND status = 'active'
    AND (SELECT min(expires_at) FROM certificates WHERE install_id = installs.id) > (strftime('%s', 'now') + 40 * 86400) * 1000
    ORDER BY name LIMIT 1";

#[tokio::test(start_paused = true)]
async fn an_install_with_everything_is_ready_and_one_unknown_point_makes_it_not() {
    let bed = Bed::of(Simulator::builder().fleet(3, 20, 60).build());
    let install = install(&bed, FINE).await;
    let backups = bed.fleet.client().install(install.id.as_str()).backups();
    backups
        .create("before launch", ["ops@example.com"])
        .wait()
        .await
        .expect("a backup");
    let launch = bed.fleet.go_live(&install).await.expect("a list");
    let bad: Vec<_> = launch
        .data
        .points
        .iter()
        .filter(|point| point.status != PointStatus::Pass)
        .collect();
    assert!(launch.data.ready && launch.complete, "{bad:?}");
    assert!(status(&launch.data, "DNS").len() > 1);

    let fault = Fault::new(FaultKind::WrongJson)
        .always()
        .on("check_domain_status");
    bed.simulator.faults().add(fault).expect("a fault");
    let launch = bed.fleet.go_live(&install).await.expect("a list");
    assert!(!launch.data.ready && !launch.complete && !launch.failures.is_empty());
    assert!(
        status(&launch.data, "DNS")
            .iter()
            .all(|status| *status == PointStatus::Unknown)
    );
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_points_elsewhere_stops_a_launch() {
    let bed = Bed::of(Simulator::builder().fleet(3, 20, 60).build());
    let install = install(&bed, FINE).await;
    let domains = bed.fleet.client().install(install.id.as_str()).domains();
    domains
        .create("elsewhere.example.com")
        .await
        .expect("a domain");
    let launch = bed.fleet.go_live(&install).await.expect("a list").data;
    assert!(!launch.ready);
    for (beginning, code) in [
        ("DNS of elsewhere", Code::DomainDnsElsewhere),
        ("ownership of elsewhere", Code::DomainUnverified),
        ("certificate for elsewhere", Code::CertUncovered),
    ] {
        let mut points = launch.points.iter();
        let point = points.find(|point| point.point.starts_with(beginning));
        let point = point.expect(beginning);
        assert_eq!(
            (point.status, point.code),
            (PointStatus::Fail, Some(code)),
            "{point:?}"
        );
    }
    assert_eq!(status(&launch, "backup"), [PointStatus::Pass]);
}

/// Old figures do not make an install ready if the new ones cannot be read.
#[tokio::test(start_paused = true)]
async fn a_capacity_that_cannot_be_read_now_is_unknown() {
    let bed = Bed::of(Simulator::builder().fleet(3, 20, 60).build());
    let install = install(&bed, FINE).await;
    let broken = Fault::new(FaultKind::WrongJson)
        .always()
        .on("get_account_limits");
    bed.simulator.faults().add(broken).expect("a fault");
    let launch = bed.fleet.go_live(&install).await.expect("a list");
    let capacity = status(&launch.data, "capacity");
    assert_eq!(
        capacity,
        [PointStatus::Unknown; 3],
        "{:?}",
        launch.data.points
    );
    assert!(!launch.data.ready && !launch.complete);
}
