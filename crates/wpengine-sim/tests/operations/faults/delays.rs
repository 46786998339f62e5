//! Delayed responses, in real time or in virtual time.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;
use wpengine_sim::{ClockMode, Fault, FaultKind, Phase, Simulator};

use super::{add, post_backup, taken};
use crate::api::Api;

const PHASES: [Phase; 3] = [Phase::Before, Phase::After, Phase::Body];

async fn ask(simulator: &Simulator) -> Response<Bytes> {
    let secret = STANDARD.encode(format!("{}:{}", simulator.user(), simulator.password()));
    let request = Request::get("/v1/sites").header("authorization", format!("Basic {secret}"));
    simulator.handle(request.body(Bytes::new()).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn a_real_delay_follows_the_paused_time_of_tokio() {
    let simulator = Simulator::builder().clock(ClockMode::Manual).build();
    for phase in PHASES {
        let delay = FaultKind::Delay(Duration::from_secs(30));
        simulator
            .faults()
            .add(Fault::new(delay).in_phase(phase))
            .unwrap();
        let begin = Instant::now();
        assert_eq!(ask(&simulator).await.status(), 200);
        assert!(begin.elapsed() >= Duration::from_secs(30), "{phase:?}");
    }
}

#[tokio::test]
async fn a_virtual_delay_is_over_when_the_clock_was_advanced() {
    let api = Api::start().await;
    for phase in PHASES {
        let delay = FaultKind::VirtualDelay(Duration::from_secs(30));
        add(&api, Fault::new(delay).on("create_backup").in_phase(phase));
        let before = api.simulator.side_effects();
        let request = post_backup(&api).send();
        let mut answer = tokio::spawn(async {
            let response = request.await.unwrap();
            (response.status().as_u16(), response.bytes().await.unwrap())
        });
        // Sends requests until the fault has acted, which means that the delayed request has arrived.
        while api.simulator.faults().list().last().unwrap().acted == 0 {
            api.get("/user").await;
        }
        assert!(!answer.is_finished());
        if phase != Phase::Before {
            assert_eq!(api.simulator.side_effects() - before, 1, "{phase:?}");
        }
        while !answer.is_finished() {
            api.advance(30);
            tokio::select! {
                done = &mut answer => {
                    let (status, body) = done.unwrap();
                    assert_eq!(status, 202, "{phase:?}");
                    assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["id"].is_string());
                    break;
                }
                _ = api.get("/user") => {}
            }
        }
        assert_eq!(api.simulator.side_effects() - before, 1, "{phase:?}");
    }
    assert_eq!(taken(&api).await, 3);
}
