//! The list of deviations: what an entry removes, what it does not, and when it is stale.

use serde_json::{Value, json};

use crate::drift::deviations::{self, Deviation, Sifted};
use crate::drift::report::{self, Other};

use super::{description, drift, lines, small_swagger, swagger};

const STATUS: &str = "
- operations: ['GET /installs/{install_id}/backups', 'POST /installs/{install_id}/backups']
  where: '* *status'
  there: value aborted
  here: absent
  reason: We do not believe it.
";

fn entries(text: &str) -> Vec<Deviation> {
    deviations::parse(text).expect("entries")
}

fn sifted(there: Value, entries: &[Deviation]) -> Sifted {
    crate::drift::difference(&description(small_swagger()), &description(there), entries)
        .expect("readable")
}

/// The service has one value more than our document.
fn with_another_value() -> Value {
    let mut there = small_swagger();
    there["definitions"]["Backup"]["properties"]["status"]["enum"] =
        json!(["requested", "completed", "aborted"]);
    there
}

#[test]
fn what_is_listed_is_taken_out() {
    let sifted = sifted(with_another_value(), &entries(STATUS));
    assert_eq!(lines(&sifted.differences), [""; 0]);
    assert_eq!((sifted.meant, sifted.stale.len()), (2, 0));
    assert!(report::is_same(&sifted));
}

#[test]
fn another_difference_at_the_same_place_stays() {
    let mut there = with_another_value();
    there["definitions"]["Backup"]["properties"]["status"]["x-nullable"] = json!(true);
    let sifted = sifted(there, &entries(STATUS));
    assert_eq!(
        lines(&sifted.differences),
        [
            "GET /installs/{install_id}/backups: 200 results[].status: nullable there, not nullable here",
            "POST /installs/{install_id}/backups: 202 status: nullable there, not nullable here",
        ]
    );
}

#[test]
fn an_entry_covers_only_the_operations_it_names() {
    let only_one = STATUS.replace(", 'POST /installs/{install_id}/backups'", "");
    assert_eq!(
        sifted(with_another_value(), &entries(&only_one))
            .differences
            .len(),
        1
    );
    let all =
        "[{operations: ['*'], where: '*status', there: value aborted, here: absent, reason: x}]";
    assert_eq!(
        sifted(with_another_value(), &entries(all))
            .differences
            .len(),
        0
    );
}

#[test]
fn an_entry_that_is_not_needed_is_a_difference_for_each_operation_it_names() {
    let sifted = sifted(small_swagger(), &entries(STATUS));
    let stale: Vec<&str> = sifted
        .stale
        .iter()
        .map(|stale| stale.operation.as_str())
        .collect();
    assert_eq!(
        stale,
        [
            "GET /installs/{install_id}/backups",
            "POST /installs/{install_id}/backups"
        ]
    );
    assert!(!report::is_same(&sifted));
}

#[test]
fn of_an_operation_that_is_gone_an_entry_says_nothing() {
    let mut there = with_another_value();
    there["paths"]["/installs/{install_id}/backups"]["post"].take();
    there["paths"]["/installs/{install_id}/backups"]
        .as_object_mut()
        .expect("an object")
        .remove("post");
    let sifted = sifted(there, &entries(STATUS));
    assert_eq!(sifted.differences.len(), 1, "the operation itself");
    assert_eq!(sifted.stale, []);
}

#[test]
fn a_copy_of_our_own_document_makes_no_entry_stale() {
    let mut copy = small_swagger();
    copy["paths"]["/folders"]["get"]["x-wpengine"] = json!({"safety": "read"});
    assert_eq!(sifted(copy, &entries(STATUS)).stale, []);
}

#[test]
fn an_entry_needs_a_reason_an_operation_and_known_names() {
    for (wrong, word) in [
        (STATUS.replace("We do not believe it.", "''"), "reason"),
        (
            STATUS.replace(
                "['GET /installs/{install_id}/backups', 'POST /installs/{install_id}/backups']",
                "[]",
            ),
            "operation",
        ),
        (STATUS.replace("here:", "hier:"), "hier"),
    ] {
        let error = deviations::parse(&wrong).expect_err("refused");
        assert!(error.contains(word), "{error}");
    }
}

/// Every entry of the real list has the form of a printed difference: in a copy of our document with the service's
/// value, the difference is found and removed.
#[test]
fn every_entry_of_our_list_matches_places_of_our_document() {
    let text = std::fs::read_to_string(crate::workspace::root().join("openapi/deviations.yaml"))
        .expect("the list");
    let mut there = swagger::from_openapi(&super::ours());
    as_the_service_says(&mut there);
    let (here, there) = (description(super::ours()), description(there));
    let sifted = crate::drift::difference(&here, &there, &entries(&text)).expect("readable");
    assert_eq!(lines(&sifted.differences), [""; 0]);
    assert_eq!(sifted.stale, []);
    assert_eq!(sifted.meant, drift(&here, &there).len());
}

/// Our document with the known values of the service.
fn as_the_service_says(root: &mut Value) {
    let definitions = &mut root["definitions"];
    let network = definitions["NetworkType"].as_object_mut();
    network.expect("a type").remove("enum").expect("values");
    for name in ["Domain", "DomainOrRedirect"] {
        let properties = definitions[name]["properties"]
            .as_object_mut()
            .expect("properties");
        properties.remove("redirect_to").expect("redirect_to");
    }
    for name in ["CreateSiteRequest", "UpdateSiteRequest"] {
        let name = definitions[name]["properties"]["name"]
            .as_object_mut()
            .expect("a name");
        name.remove("minLength")
            .and(name.remove("maxLength"))
            .expect("both limits");
    }
    let name = definitions["CreateInstallRequest"]["properties"]["name"]
        .as_object_mut()
        .expect("a name");
    name.remove("pattern").expect("a pattern");
    for (name, field, limits) in [
        (
            "CreateArchiveRequest",
            "notification_emails",
            &["minItems"][..],
        ),
        ("CreateBackupRequest", "notification_emails", &["minItems"]),
        ("RestoreBackupRequest", "notification_emails", &["minItems"]),
        ("CreateReportScheduleRequest", "recipients", &["minItems"]),
        ("UpdateReportScheduleRequest", "recipients", &["minItems"]),
        ("ReportFrequency", "value", &["minimum", "maximum"]),
    ] {
        let field = definitions[name]["properties"][field]
            .as_object_mut()
            .expect("a field");
        for limit in limits {
            field.remove(*limit).expect("a limit");
        }
    }
    let template = definitions["Template"]["properties"]
        .as_object_mut()
        .expect("properties");
    for gone in ["brand_colour", "description", "created_at", "updated_at"] {
        template.remove(gone).expect("a field of 1.17");
    }
    let paths = &mut root["paths"];
    let swagger = paths["/swagger"]["get"]["responses"]["200"]
        .as_object_mut()
        .expect("an answer");
    swagger.remove("schema").expect("a schema");
    let parameters =
        paths["/installs/{install_id}/ssl_certificates"]["get"]["parameters"].as_array_mut();
    let offset = parameters
        .into_iter()
        .flatten()
        .find(|parameter| parameter["name"] == "offset");
    let offset = offset.expect("offset");
    offset["type"] = json!("integer");
    offset["minimum"] = json!(0);
}

#[test]
fn the_report_is_grouped_by_operation_and_ends_in_a_summary() {
    let mut there = with_another_value();
    there["paths"]["/folders"]["get"]["responses"]["404"] = json!({"description": ""});
    let stale = "[{operations: ['*'], where: body, there: x, here: y, reason: z}]";
    let sifted = sifted(there, &entries(stale));
    let other = Other {
        source: "x.json".to_owned(),
        form: "Swagger 2.0",
        version: "3".to_owned(),
        operations: 3,
        unresolved: Vec::new(),
    };
    assert_eq!(
        report::text(&sifted, &other),
        "GET /installs/{install_id}/backups\n  \
           + 200 results[].status: value aborted there, absent here\n\
         POST /installs/{install_id}/backups\n  \
           + 202 status: value aborted there, absent here\n\
         GET /folders\n  \
           + 404: present there, absent here\n\
         openapi/deviations.yaml: no longer needed\n  \
           ! *, body: x there, y here\n\
         \n\
         3 differences in 3 operations: 3 added, 0 removed, 0 changed; 1 stale entry; x.json is Swagger 2.0, version 3\n"
    );
    let json = report::json(&sifted, &other);
    assert_eq!(
        json["differences"][0],
        json!({
            "operation": "GET /installs/{install_id}/backups",
            "operation_id": null,
            "kind": "added",
            "aspect": "value",
            "where": "200 results[].status",
            "there": "value aborted",
            "here": null,
        })
    );
    assert_eq!(
        (&json["same"], &json["counts"]["stale"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(json["stale"][0]["where"], "body");
    assert_eq!(
        json["issue"]["title"],
        "The API describes itself differently: version 3"
    );
    let body = json["issue"]["body"].as_str().expect("a text");
    assert!(body.contains(&report::text(&sifted, &other)), "{body}");
}

#[test]
fn an_issue_shows_a_foreign_text_as_text_and_is_never_too_long() {
    let mut there = with_another_value();
    let odd = format!("/x````\n# Heading @everyone{}", "y".repeat(70_000));
    there["paths"][odd] = json!({"get": {"responses": {"200": {"description": ""}}}});
    let other = Other {
        source: "x.json".to_owned(),
        form: "Swagger 2.0",
        version: "3".to_owned(),
        operations: 3,
        unresolved: Vec::new(),
    };
    let json = report::json(&sifted(there, &[]), &other);
    let body = json["issue"]["body"].as_str().expect("a text");
    assert!(
        body.len() < 65_536 && body.contains("[cut:"),
        "{}",
        body.len()
    );
    assert_eq!(
        body.matches("\n`````").count(),
        2,
        "a longer fence than any inside"
    );
}

#[test]
fn a_foreign_text_cannot_command_a_terminal_and_references_to_nowhere_are_said() {
    let mut there = small_swagger();
    there["paths"]["/evil\u{1b}[2J\nx"] =
        json!({"get": {"responses": {"200": {"description": ""}}}});
    there["paths"]["/far"] = json!({"get": {"responses": {"200": {
        "description": "",
        "schema": {"$ref": "https://elsewhere.example/x.json"},
    }}}});
    there["paths"]["/gone"] = json!({"get": {"responses": {"200": {
        "description": "",
        "schema": {"$ref": "#/definitions/Gone\u{7}"},
    }}}});
    let unresolved = description(there.clone()).unresolved();
    let other = Other {
        source: "x.json".to_owned(),
        form: "Swagger 2.0",
        version: "3\u{1b}[31m".to_owned(),
        operations: 3,
        unresolved,
    };
    let text = report::text(&sifted(there, &[]), &other);
    let is_shown = |letter: char| letter == '\n' || !letter.is_control();
    assert!(text.chars().all(is_shown), "{text:?}");
    assert!(text.contains("/evil\\u{1b}[2J\\nx"), "{text}");
    assert!(
        text.contains("  ? https://elsewhere.example/x.json\n"),
        "{text}"
    );
    assert!(text.contains("  ? #/definitions/Gone\\u{7}\n"), "{text}");
}
