//! Rate limits for each address and each account, on the virtual clock.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use reqwest::Method;
use serde_json::json;
use wpengine_sim::{RateLimits, Role, Simulator};

use crate::api::{ACCOUNT, Api, INSTALL, answer};
use crate::controls::control;

#[tokio::test]
async fn they_are_off_unless_asked_for() {
    let api = Api::start().await;
    for _ in 0..150 {
        assert_eq!(api.get("/user").await.0, 200);
    }
}

#[tokio::test]
async fn an_address_has_a_hundred_requests_a_minute() {
    let api = Api::with(|builder| builder.rate_limits(RateLimits::documented())).await;
    for _ in 0..50 {
        assert_eq!(api.get("/user").await.0, 200);
    }
    api.advance(30);
    for _ in 0..50 {
        assert_eq!(api.get("/status").await.0, 200, "open operations count too");
    }
    assert_eq!(
        api.get("/user").await,
        (429, json!({ "message": "Too Many Requests" }))
    );
    api.advance(29);
    assert_eq!(api.get("/user").await.0, 429);
    // The window slides: the first half of the requests leaves it. Refused requests are not counted.
    api.advance(1);
    for _ in 0..50 {
        assert_eq!(api.get("/user").await.0, 200);
    }
    assert_eq!(api.get("/user").await.0, 429);
}

#[tokio::test]
async fn what_is_refused_is_not_done() {
    let limits = RateLimits::none().by_address(1);
    let api = Api::with(|builder| builder.rate_limits(limits)).await;
    api.get("/user").await;
    let body = json!({ "description": "b", "notification_emails": ["me@example.com"] });
    let (status, _) = api
        .post(&format!("/installs/{INSTALL}/backups"), body)
        .await;
    assert_eq!((status, api.simulator.side_effects()), (429, 0));
}

#[tokio::test]
async fn addresses_do_not_disturb_each_other() {
    let simulator = Simulator::builder()
        .rate_limits(RateLimits::none().by_address(1))
        .build();
    let ask = async |address: [u8; 4]| -> Response<Bytes> {
        let mut request = Request::get("/v1/status").body(Bytes::new()).unwrap();
        request.extensions_mut().insert(IpAddr::from(address));
        simulator.handle(request).await
    };
    assert_eq!(ask([10, 0, 0, 1]).await.status(), 200);
    assert_eq!(ask([10, 0, 0, 2]).await.status(), 200);
    assert_eq!(ask([10, 0, 0, 1]).await.status(), 429);
}

#[tokio::test]
async fn an_account_has_its_requests_an_hour_whoever_asks_and_however() {
    let simulator = Simulator::builder()
        .rate_limits(RateLimits::none().by_account(6))
        .fleet(2, 2, 2)
        .credentials("u", "p")
        .build();
    let ask = async |path: &str, user: &str, body: &str| -> u16 {
        let method = if body.is_empty() { "GET" } else { "POST" };
        let request = Request::builder()
            .method(method)
            .uri(format!("/v1{path}"))
            .header(
                "authorization",
                format!("Basic {}", STANDARD.encode(format!("{user}:p"))),
            )
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_owned()));
        simulator.handle(request.unwrap()).await.status().as_u16()
    };
    let world: serde_json::Value = serde_json::from_str(simulator.snapshot().as_json()).unwrap();
    let installs = world["world"]["installs"].as_object().unwrap();
    let of = |account: &str| {
        installs
            .values()
            .find(|install| install["account_id"] == account)
            .unwrap()["id"]
            .as_str()
            .unwrap()
    };
    let other = world["world"]["accounts"]
        .as_object()
        .unwrap()
        .keys()
        .find(|id| *id != ACCOUNT)
        .unwrap();
    // This is not the first account of the main user. That account would be counted anyway.
    simulator.add_user("full", "p", other, Role::Full).unwrap();
    let (install, sites) = (of(other), world["world"]["sites"].as_object().unwrap());
    let site = sites.values().find(|site| site["account_id"] == *other);
    let site = site.unwrap()["id"].as_str().unwrap();
    let new_site = format!(r#"{{"name":"New","account_id":"{other}"}}"#);
    let requests = [
        (format!("/accounts/{other}"), "u", "", 200),
        (format!("/installs/{install}/domains"), "u", "", 200),
        (format!("/sites/{site}"), "u", "", 200),
        (format!("/installs?account_id={other}"), "u", "", 200),
        ("/sites".to_owned(), "u", new_site.as_str(), 201),
        ("/user".to_owned(), "full", "", 200),
    ];
    for (path, user, body, expected) in &requests {
        assert_eq!(ask(path, user, body).await, *expected, "{path}");
    }
    for (path, user, body, _) in &requests {
        assert_eq!(ask(path, user, body).await, 429, "{path}");
    }
    // The other account is not affected, and a request without valid credentials counts for no account.
    let install = of(ACCOUNT);
    assert_eq!(ask(&format!("/installs/{install}"), "u", "").await, 200);
    assert_eq!(ask("/user", "u", "").await, 200);
    assert_eq!(ask(&format!("/accounts/{other}"), "nobody", "").await, 401);
    simulator.advance(std::time::Duration::from_secs(3600));
    assert_eq!(ask(&format!("/accounts/{other}"), "u", "").await, 200);
}

#[tokio::test]
async fn headers_tell_of_the_limit_that_is_nearer() {
    let limits = RateLimits::none()
        .by_address(3)
        .by_account(2)
        .with_headers();
    let api = Api::with(|builder| builder.rate_limits(limits)).await;
    let mut told = Vec::new();
    for path in ["/status", "/user", "/user", "/user"] {
        let response = api.request(Method::GET, path).send().await.unwrap();
        let number =
            |name: &str| -> i64 { response.headers()[name].to_str().unwrap().parse().unwrap() };
        told.push((
            response.status().as_u16(),
            number("x-ratelimit-limit"),
            number("x-ratelimit-remaining"),
            number("x-ratelimit-reset"),
        ));
        api.advance(1);
    }
    let start = 1_780_315_200;
    // At the end both limits are used up. The headers describe the longer one, the hour, until the limit of the address
    // refuses the request before the account is checked.
    assert_eq!(
        told,
        [
            (200, 2, 1, start + 3600),
            (200, 2, 0, start + 3600),
            (429, 2, 0, start + 3600),
            (429, 3, 0, start + 60),
        ]
    );
    api.simulator
        .set_rate_limits(RateLimits::none().by_address(3));
    let response = api.request(Method::GET, "/status").send().await.unwrap();
    assert!(!response.headers().contains_key("x-ratelimit-limit"));
}

#[tokio::test]
async fn they_are_set_over_http_one_by_one() {
    let api = Api::start().await;
    let (status, limits) = control(
        &api,
        Method::PATCH,
        "/limits",
        json!({ "account_per_hour": 1 }),
    )
    .await;
    assert_eq!((status, &limits["account_per_hour"]), (200, &json!(1)));
    assert_eq!(api.get("/user").await.0, 200);
    assert_eq!(api.get("/user").await.0, 429);
    let (_, limits) = control(
        &api,
        Method::PATCH,
        "/limits",
        json!({ "address_per_minute": 7 }),
    )
    .await;
    assert_eq!(
        limits,
        json!({ "address_per_minute": 7, "account_per_hour": 1, "install": false, "headers": false })
    );
    let off = json!({ "account_per_hour": null, "address_per_minute": null });
    control(&api, Method::PATCH, "/limits", off).await;
    assert_eq!(api.get("/user").await.0, 200);
    for body in [
        json!({ "per_day": 1 }),
        json!({ "account_per_hour": -1 }),
        json!([]),
    ] {
        let (status, _) = control(&api, Method::PATCH, "/limits", body.clone()).await;
        assert_eq!(status, 400, "{body}");
    }
}

#[tokio::test]
async fn a_second_user_over_http_counts_for_the_same_account() {
    let limits = RateLimits::none().by_account(1);
    let api = Api::with(|builder| {
        builder
            .rate_limits(limits)
            .user("second", "s", ACCOUNT, Role::Full)
    })
    .await;
    assert_eq!(api.get("/user").await.0, 200);
    let request = api
        .anonymous(Method::GET, "/user")
        .basic_auth("second", Some("s"));
    assert_eq!(answer(request).await.0, 429);
}
