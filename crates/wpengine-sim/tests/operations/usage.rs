use serde_json::{Value, json};

use crate::api::{ACCOUNT, Api, INSTALL};

fn install_usage() -> String {
    format!("/installs/{INSTALL}/usage")
}

fn account_usage() -> String {
    format!("/accounts/{ACCOUNT}/usage")
}

fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn get_install_usage_has_thirty_days_that_add_up() {
    let api = Api::start().await;
    let usage = api.found(&install_usage()).await;
    let days = usage["metrics"].as_array().unwrap();
    assert_eq!(days.len(), 30);
    assert_eq!(
        (&days[0]["date"], &days[29]["date"]),
        (&json!("2026-05-02"), &json!("2026-05-31"))
    );
    let sum: u64 = days.iter().map(|day| number(&day["visit_count"])).sum();
    assert_eq!(number(&usage["metrics_rollup"]["visit_count"]["sum"]), sum);
    assert_eq!(
        number(&usage["metrics_rollup"]["visit_count"]["average"]),
        sum / 30
    );
    for day in days {
        let total = number(&day["network_origin_bytes"]) + number(&day["network_cdn_bytes"]);
        assert_eq!(number(&day["network_total_bytes"]), total);
    }
    let measured: Vec<_> = days
        .iter()
        .filter(|day| !day["storage_file_bytes"].is_null())
        .collect();
    assert!((4..=5).contains(&measured.len()), "measured once a week");
    let latest = &usage["metrics_rollup"]["storage_file_bytes"]["latest"];
    assert_eq!(latest["date"], measured.last().unwrap()["date"]);
    assert_eq!(
        api.found(&install_usage()).await,
        usage,
        "asked twice, the same"
    );
}

#[tokio::test]
async fn dates_are_both_or_neither_in_order_and_not_too_old() {
    let api = Api::start().await;
    let month = "?first_date=2026-05-01&last_date=2026-05-31";
    assert_eq!(
        api.found(&format!("{}{month}", install_usage())).await["metrics"]
            .as_array()
            .unwrap()
            .len(),
        31
    );
    for path in [
        install_usage(),
        account_usage(),
        account_usage() + "/summary",
        account_usage() + "/insights",
    ] {
        assert_eq!(api.get(&format!("{path}{month}")).await.0, 200);
        for query in [
            "?first_date=2026-05-01",
            "?last_date=2026-05-01",
            "?first_date=2026-05-02&last_date=2026-05-01",
            "?first_date=2025-04-30&last_date=2025-05-01",
            "?first_date=2026-5-1&last_date=2026-05-31",
            "?first_date=2026-02-30&last_date=2026-05-31",
        ] {
            let (status, body) = api.get(&format!("{path}{query}")).await;
            assert_eq!(status, 400, "{path}{query}: {body}");
        }
    }
    let (_, body) = api
        .get(&format!("{}?first_date=2026-05-01", install_usage()))
        .await;
    assert_eq!(
        body,
        json!({ "message": "Must provide or omit both first_date and last_date." })
    );
}

#[tokio::test]
async fn summary_and_insights_take_31_days_at_most() {
    let api = Api::start().await;
    let longer = "?first_date=2026-05-01&last_date=2026-06-01";
    assert_eq!(
        api.get(&format!("{}{longer}", install_usage())).await.0,
        200
    );
    for kind in ["summary", "insights"] {
        assert_eq!(
            api.get(&format!("{}/{kind}{longer}", account_usage()))
                .await
                .0,
            400
        );
    }
}

#[tokio::test]
async fn get_account_usage_pages_by_token() {
    let api = Api::start().await;
    let (mut names, mut query) = (Vec::new(), String::new());
    loop {
        let page = api
            .found(&format!("{}?limit=2{query}", account_usage()))
            .await;
        assert_eq!(
            (&page["total_size"], &page["all_environments_included"]),
            (&json!(5), &json!(true))
        );
        let metrics = page["environment_metrics"].as_array().unwrap();
        names.extend(
            metrics
                .iter()
                .map(|one| one["environment_name"].as_str().unwrap().to_owned()),
        );
        let Some(token) = page["next_page_token"].as_str() else {
            break;
        };
        query = format!("&offset={}", token.replace('=', "%3D"));
    }
    assert_eq!(
        names,
        [
            "torquemag",
            "torqueevents",
            "torqueeventstg",
            "mysite",
            "mysitestg"
        ]
    );
    for query in ["limit=1001", "limit=-1", "offset=!"] {
        assert_eq!(
            api.get(&format!("{}?{query}", account_usage())).await.0,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn get_account_usage_summary_is_the_sum_of_the_installs() {
    let api = Api::start().await;
    let usage = api.found(&account_usage()).await;
    let installs = usage["environment_metrics"].as_array().unwrap();
    let of_installs: u64 = installs
        .iter()
        .map(|one| number(&one["metrics_rollup"]["visit_count"]["sum"]))
        .sum();
    let summary = api.found(&format!("{}/summary", account_usage())).await;
    assert_eq!(number(&summary["visit_count"]["sum"]), of_installs);
    assert!(summary["storage_file_bytes"]["latest"]["value"].is_string());
}

#[tokio::test]
async fn get_account_usage_insights_break_down_the_summary() {
    let api = Api::start().await;
    let insights = api.found(&format!("{}/insights", account_usage())).await["visit_count"].clone();
    let summary = api.found(&format!("{}/summary", account_usage())).await;
    assert_eq!(insights["total"], summary["visit_count"]["sum"]);
    for kinds in ["environment_types", "site_types"] {
        let sum: u64 = insights[kinds]
            .as_object()
            .unwrap()
            .values()
            .map(number)
            .sum();
        assert_eq!(sum, number(&insights["total"]), "{kinds}");
    }
}

#[tokio::test]
async fn refresh_install_disk_usage_measures_anew() {
    let api = Api::start().await;
    let path = format!("{}/refresh_disk_usage", install_usage());
    let response = api
        .request(reqwest::Method::POST, &path)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "null");
    let running = api.found(&install_usage()).await;
    assert_eq!(
        running["storage_refresh_expected_time"],
        "2026-06-01T12:02:00.000Z"
    );
    api.advance(120);
    let today = format!(
        "{}?first_date=2026-06-01&last_date=2026-06-01",
        install_usage()
    );
    let usage = api.found(&today).await;
    assert_eq!(usage["storage_refresh_expected_time"], json!(null));
    assert_eq!(
        usage["metrics"][0]["storage_update_time"],
        "2026-06-01T12:02:00.000Z"
    );
    assert!(usage["metrics"][0]["storage_file_bytes"].is_string());
}

#[tokio::test]
async fn refresh_account_disk_usage_measures_every_install() {
    let api = Api::start().await;
    let path = format!("{}/refresh_disk_usage", account_usage());
    assert_eq!(api.post(&path, json!({})).await, (200, json!(null)));
    let running = api.found(&account_usage()).await;
    assert_eq!(
        running["account_storage_refresh_expected_time"],
        "2026-06-01T12:02:00.000Z"
    );
    assert_eq!(running["last_account_storage_refresh_time"], json!(null));
    api.advance(120);
    let done = api.found(&account_usage()).await;
    assert_eq!(done["account_storage_refresh_expected_time"], json!(null));
    assert_eq!(
        done["last_account_storage_refresh_time"],
        "2026-06-01T12:02:00.000Z"
    );
}

#[tokio::test]
async fn a_new_install_has_no_past() {
    let api = Api::start().await;
    let (_, install) = api
        .post(
            "/installs",
            json!({ "name": "fresh", "account_id": ACCOUNT }),
        )
        .await;
    let usage = api
        .found(&format!(
            "/installs/{}/usage",
            install["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(usage["metrics"], json!([]));
    assert_eq!(
        usage["metrics_rollup"]["visit_count"],
        json!({ "average": null, "sum": "0" })
    );
    assert_eq!(
        usage["metrics_rollup"]["storage_file_bytes"],
        json!({ "latest": null })
    );
}
