//! Sends the example request of every documented operation to a simulator whose state is built from the same examples.

use http::Request;
use serde_json::Value;
use wpengine_sim::{ClockMode, Simulator};

use crate::api::Api;

/// The examples that the simulator refuses in this state, and the reasons.
const REFUSED: [(&str, u16, &str); 4] = [
    (
        "create_domain_sharing_link",
        400,
        "the domain of the examples is legacy, so that a certificate can be ordered",
    ),
    (
        "create_install",
        400,
        "the name of the example is the name of the install of all other examples",
    ),
    (
        "create_site_transfer",
        422,
        "the destination of the example is the account that has the site",
    ),
    (
        "cancel_site_transfer",
        409,
        "the transfer of the example is over, so that another can be tried",
    ),
];

/// Returns the target of `$ref`, or the value itself.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => value,
    }
}

/// Returns the path with the example of each path parameter, and with the examples of the required query parameters.
fn address(document: &Value, path: &str, operation: &Value) -> String {
    let (mut path, mut query) = (path.to_owned(), String::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = resolve(document, parameter);
        let (name, example) = (
            parameter["name"].as_str().unwrap(),
            parameter["example"].as_str().unwrap_or_default(),
        );
        match parameter["in"].as_str() {
            Some("path") => path = path.replace(&format!("{{{name}}}"), example),
            _ if parameter["required"] == true => query = format!("?{name}={example}"),
            _ => {}
        }
    }
    format!("/v1{path}{query}")
}

#[tokio::test]
async fn every_example_of_the_documentation_can_be_tried() {
    let document = Api::start().await.found("/swagger").await;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            // Each example gets a new simulator, because an example that deletes a resource would break other examples.
            let builder = Simulator::builder()
                .credentials("u", "p")
                .clock(ClockMode::Manual)
                .check_answers(true);
            let simulator = builder.build();
            let example = &operation["requestBody"]["content"]["application/json"]["example"];
            let body = if example.is_null() {
                String::new()
            } else {
                example.to_string()
            };
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(address(&document, path, operation))
                .header("authorization", "Basic dTpw")
                .header("content-type", "application/json")
                .body(body.into());
            let response = simulator.handle(request.unwrap()).await;
            let id = operation["operationId"].as_str().unwrap();
            let status = response.status().as_u16();
            match REFUSED.iter().find(|(refused, ..)| *refused == id) {
                Some((_, expected, why)) => assert_eq!(status, *expected, "{id}: {why}"),
                None => assert!(
                    (200..300).contains(&status),
                    "{id}: {status} {:?}",
                    response.body()
                ),
            }
            assert_eq!(simulator.violations(), Vec::<String>::new());
        }
    }
}
