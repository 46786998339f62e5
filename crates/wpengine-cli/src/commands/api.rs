//! Any request, and the operations of the API.

use serde_json::{Map, Value, json};
use wpengine::{
    http::{HeaderName, HeaderValue, Method},
    operation::{Operation, Paging, Safety},
};

use super::{one, run};
use crate::{
    command::{LEAVES, Leaf, leaf},
    context::{Ctx, read_input},
    failure::Failure,
    flags::{self, Args},
    gate::{self, Gate, Intent},
    output::{Answer, Reply},
    tables, tap,
    target::{Kind, Target},
};

pub(super) fn leaves() -> Vec<Leaf> {
    vec![
        leaf("api", "Send any request, and the operations of the API", &[], run!(|c, a| request(c, a).await))
            .args([
                flags::one("method", "METHOD", "Method; GET if only the path is given"),
                clap::Arg::new("path").value_name("PATH").help("Path below the base URL, such as /installs; {install:NAME}, {site:NAME} and {account:NAME} become ids"),
                flags::value("field", "KEY=VALUE", "Field of the query (GET) or of the body; true, false, null and numbers are sent as such; @FILE reads a file")
                    .short('F')
                    .action(clap::ArgAction::Append),
                flags::value("raw-field", "KEY=VALUE", "The same, always as text").short('f').action(clap::ArgAction::Append),
                flags::value("input", "FILE", "Body as JSON; - is standard input").value_hint(clap::ValueHint::FilePath),
                flags::value("header", "NAME:VALUE", "Header to add").short('H').action(clap::ArgAction::Append),
                flags::switch("include", "Print the status and the headers before the body").short('i'),
                flags::switch("silent", "Print nothing but errors"),
                flags::switch("show-secrets", "Show private keys, and links that give access to whoever has them"),
            ])
            .changes()
            .details("All pages of a listing are merged into one array, unless --field limit or offset is given. The confirmation is that of the operation; a path that no operation has counts as severe.")
            .examples(&[
                "wpengine api /user",
                "wpengine api GET /installs -F account_id={account:acme} --jq '.[].name'",
                "wpengine api POST /installs/{install:torquemag}/purge_cache -F type=page",
            ]),
        leaf("api list", "List the operations of the API, and the command for each", &[], run!(|_c, _a| {
            Ok(Answer::items(wpengine::operations().iter().map(describe).collect()).into())
        }))
        .local()
        .table(&tables::OPERATIONS)
        .examples(&["wpengine api list", "wpengine api list --jq '.[] | select(.class == \"destructive\") | .command'"]),
        leaf("api show", "Show one operation", &[], run!(|_c, a| {
            let wanted = a.need("operation");
            let found = wpengine::operations().iter().find(|operation| operation.id == wanted);
            let found = found.ok_or_else(|| {
                let near = wpengine::operations().iter().filter(|operation| operation.id.contains(&wanted));
                Failure::not_found(format!("there is no operation `{wanted}`")).candidates(near.map(|operation| operation.id.to_owned())).next("wpengine api list")
            })?;
            Ok(one(describe(found)))
        }))
        .arg(flags::one("operation", "OPERATION", "Id of the operation, such as create_backup"))
        .local()
        .table(&tables::OPERATIONS)
        .examples(&["wpengine api show create_backup"]),
        leaf("api spec", "Print the service's own description of the API", &["get_swagger"], run!(|c, _a| {
            let url = crate::profile::base_url(&c.origin, &c.profile);
            let builder = crate::profile::anonymous(url.as_deref());
            let client = c.finish(builder, url.as_deref())?;
            let value: Value = client.request(Method::GET, "/swagger").json().await?;
            // It is a document, whatever the format of tables is.
            match c.globals.jq {
                Some(_) => Ok(one(value)),
                None => Ok(Answer::Text(format!("{value:#}\n")).into()),
            }
        }))
        .local()
        .examples(&["wpengine api spec > swagger.json", "wpengine api spec --jq .info.version"]),
    ]
}

pub(super) fn class_of(operation: &Operation) -> &'static str {
    match operation.safety {
        Safety::Read => "read",
        Safety::Write => "write",
        _ => "destructive",
    }
}

/// The effects of an operation, by the names that the document has for them.
pub(super) fn effects_of(operation: &Operation) -> Vec<String> {
    operation
        .effects
        .iter()
        .map(|effect| format!("{effect:?}").to_lowercase())
        .collect()
}

fn describe(operation: &Operation) -> Value {
    let command = LEAVES
        .iter()
        .find(|leaf| leaf.operations.contains(&operation.id));
    json!({
        "id": operation.id,
        "method": operation.method.as_str(),
        "path": operation.path,
        "class": class_of(operation),
        "effects": effects_of(operation),
        "retry": format!("{:?}", operation.retry).to_lowercase(),
        "paging": format!("{:?}", operation.paging).to_lowercase(),
        "confirmation": gate::describe(Gate::of(operation)),
        "command": command.map(|leaf| leaf.path.join(" ")),
        "summary": operation.summary,
    })
}

async fn request(c: &Ctx, a: Args<'_>) -> Result<Reply, Failure> {
    let (method, path) = match a.text("path") {
        Some(path) => (a.need("method"), path),
        None => ("GET".to_owned(), a.need("method")),
    };
    let method: Method = method
        .to_uppercase()
        .parse()
        .map_err(|_| Failure::usage(format!("`{method}` is no method")))?;
    let is_read = matches!(method, Method::GET | Method::HEAD);
    let path = placeholders(c, &format!("/{}", path.trim_start_matches('/'))).await?;
    let place = plain_path(&path)?;
    let mut fields = Map::new();
    for text in a.all("field") {
        let (name, value) = pair(&text)?;
        fields.insert(
            name.to_owned(),
            field(&placeholders(c, value).await?).await?,
        );
    }
    for text in a.all("raw-field") {
        let (name, value) = pair(&text)?;
        fields.insert(name.to_owned(), json!(value));
    }
    let known = tap::operation(&method, place);
    let mut request = c.client()?.request(method.clone(), &path);
    for header in a.all("header") {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| Failure::usage("a header is NAME:VALUE"))?;
        let name: HeaderName = name
            .trim()
            .parse()
            .map_err(|_| Failure::usage(format!("`{name}` is no name of a header")))?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| {
            Failure::usage(format!("the value of the header {name} cannot be sent"))
        })?;
        request = request.header(name, value);
    }
    if is_read {
        if a.text("input").is_some() {
            return Err(Failure::usage(format!(
                "a {method} has no body: --input means nothing here; -F adds to the query"
            )));
        }
        for (name, value) in &fields {
            request = request.query(
                name,
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            );
        }
        let pages = ["limit", "offset"]
            .iter()
            .any(|name| fields.contains_key(*name))
            || path.contains("limit=")
            || path.contains("offset=");
        if known.is_some_and(|operation| operation.paging == Paging::Offset)
            && !pages
            && !a.flag("include")
        {
            use futures_util::StreamExt as _;
            let items = request.list::<Value>().concurrency(8).items();
            let shown = a.flag("show-secrets");
            let items = items.map(move |item| {
                item.map(|item| hidden(item, known, shown))
                    .map_err(Failure::from)
            });
            return json_unless_chosen(c, a, Answer::List(items.boxed())).await;
        }
    } else {
        let body = match a.text("input") {
            Some(_) if !fields.is_empty() => {
                return Err(Failure::usage("give --input or fields, not both"));
            }
            Some(file) => {
                let text = read_input(&file).await?;
                serde_json::from_str(&text)
                    .map_err(|error| Failure::usage(format!("{file} is no JSON: {error}")))?
            }
            None if fields.is_empty() => Value::Null,
            None => Value::Object(fields),
        };
        pass(c, known, &method, place, &body).await?;
        if !body.is_null() {
            request = request.body(&body);
        }
    }
    let call = std::sync::Arc::new(tap::Call::default());
    let sent = tap::CALL
        .scope(std::sync::Arc::clone(&call), request.send())
        .await;
    if let Some(planned) = call.planned() {
        return Ok(one(planned));
    }
    let response = sent?;
    let mut text = String::new();
    if a.flag("include") {
        text.push_str(&format!("HTTP {}\n", response.status()));
        for (name, value) in response.headers() {
            text.push_str(&format!(
                "{name}: {}\n",
                crate::terminal::clean(&String::from_utf8_lossy(value.as_bytes()))
            ));
        }
        text.push('\n');
    }
    let body = response.into_value();
    let value = serde_json::from_slice::<Value>(&body)
        .map(|value| hidden(value, known, a.flag("show-secrets")));
    match value {
        _ if a.flag("silent") => Ok(Answer::Text(text).into()),
        Ok(value) if text.is_empty() => json_unless_chosen(c, a, Answer::One(value)).await,
        Ok(value) => Ok(Answer::Text(format!("{text}{value:#}\n")).into()),
        Err(_) if body.is_empty() && c.format.is_json() => Ok(one(Value::Null)),
        Err(_) => Ok(Answer::Text(format!("{text}{}", String::from_utf8_lossy(&body))).into()),
    }
}

fn pair(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once('=')
        .ok_or_else(|| Failure::usage("a field is KEY=VALUE"))
}

/// The path without its query. What could mean another path than it says is refused, because the path decides how a request is
/// confirmed.
fn plain_path(path: &str) -> Result<&str, Failure> {
    let place = path.split(['?', '#']).next().unwrap_or_default();
    if place.contains(":/") {
        return Err(Failure::usage(format!(
            "`{place}` is a file path: the shell made it from the path of the request. Give it without the first slash, or set MSYS_NO_PATHCONV=1"
        )));
    }
    let mut parts = place.trim_start_matches('/').split('/');
    let is_odd = |part: &str| {
        let dots = part.to_lowercase().replace("%2e", ".");
        part.is_empty()
            || dots == "."
            || dots == ".."
            || part.contains('\\')
            || part.contains('%')
            || part
                .chars()
                .any(|letter| letter.is_whitespace() || letter.is_control())
    };
    match parts.find(|part| is_odd(part)) {
        Some(part) => Err(Failure::usage(format!(
            "the path has the part `{part}`, which may mean another path; give it plainly, such as /installs/ID"
        ))),
        None => Ok(place),
    }
}

/// An answer without private keys and links that give access.
fn hidden(mut value: Value, known: Option<&Operation>, shown: bool) -> Value {
    const LINKS: [&str; 2] = ["download_uri", "download_url"];
    const KEYS: [&str; 2] = ["key", "private_key"];
    fn hide(value: &mut Value, names: &[&str]) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| hide(item, names)),
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    match value {
                        Value::String(text) if names.contains(&name.as_str()) => {
                            *text = "(hidden: --show-secrets shows it)".to_owned()
                        }
                        value => hide(value, names),
                    }
                }
            }
            _ => {}
        }
    }
    if !shown {
        hide(&mut value, &LINKS);
        if known.is_none_or(|operation| operation.secret) {
            hide(&mut value, &KEYS);
        }
    }
    value
}

/// Without a format of the user's choice the answer is JSON: no table fits every path.
async fn json_unless_chosen(c: &Ctx, a: Args<'_>, answer: Answer) -> Result<Reply, Failure> {
    use futures_util::TryStreamExt as _;

    if !a.flag("silent") && (c.globals.output.is_some() || c.format.is_json()) {
        return Ok(answer.into());
    }
    let value = match answer {
        Answer::List(items) => {
            let mut items: Vec<Value> = items.try_collect().await?;
            items.truncate(c.globals.limit.unwrap_or(usize::MAX));
            Value::Array(items)
        }
        Answer::One(value) => value,
        other => return Ok(other.into()),
    };
    Ok(match a.flag("silent") {
        true => Answer::Nothing.into(),
        false => Answer::Text(format!(
            "{}\n",
            crate::output::escaped(&format!("{value:#}"))
        ))
        .into(),
    })
}

/// The gate of the operation, with what the request is about.
async fn pass(
    c: &Ctx,
    known: Option<&Operation>,
    method: &Method,
    path: &str,
    body: &Value,
) -> Result<(), Failure> {
    let gate = known.map_or(Gate::Severe, Gate::of);
    let mut targets = vec![Target::new(Kind::Other("request"), path, path)];
    if gate != Gate::Open {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let install = match parts.as_slice() {
            ["installs", id, ..] => Some((*id).to_owned()),
            _ => body["destination_environment_id"]
                .as_str()
                .map(str::to_owned),
        };
        let site = match parts.as_slice() {
            ["sites", id, ..] => Some(*id),
            _ => None,
        };
        let moved_to = body["environment"].as_str().map(str::to_owned);
        if let Some(id) = install {
            let value = c.read("get_install", &[&id], &[]).await?;
            let mut target = Target::new(
                Kind::Install,
                &id,
                value["name"].as_str().unwrap_or_default(),
            );
            target.environment = value["environment"].as_str().map(str::to_owned);
            let target = target.into_environment(moved_to);
            targets = match parts.as_slice() {
                ["installs", _, "domains", "bulk"] => {
                    let domains = body["domains"].as_array().map_or(&[][..], Vec::as_slice);
                    let name =
                        |domain: &Value| domain["name"].as_str().unwrap_or_default().to_owned();
                    domains
                        .iter()
                        .map(|domain| {
                            Target::new(Kind::Domain, name(domain), name(domain)).within(&target)
                        })
                        .collect()
                }
                ["installs", _, "domains", domain, ..] if *domain != "check_status" => {
                    let value = c.read("get_domain", &[&id, domain], &[]).await?;
                    let mut domain = Target::new(
                        Kind::Domain,
                        *domain,
                        value["name"].as_str().unwrap_or_default(),
                    )
                    .within(&target);
                    domain.is_primary = value["primary"].as_bool().unwrap_or(false);
                    vec![domain]
                }
                _ => vec![target],
            };
        } else if let Some(id) = site {
            let value = c.read("get_site", &[id], &[]).await?;
            let mut target =
                Target::new(Kind::Site, id, value["name"].as_str().unwrap_or_default());
            let installs = value["installs"].as_array().map_or(&[][..], Vec::as_slice);
            target.touches = installs
                .iter()
                .filter_map(|install| install["environment"].as_str())
                .map(str::to_owned)
                .collect();
            targets = vec![target];
        } else {
            targets = targets
                .into_iter()
                .map(|target| target.into_environment(moved_to.clone()))
                .collect();
        }
    }
    let what = known.map_or_else(
        || format!("{method}, which no operation has,"),
        |operation| operation.summary.to_lowercase(),
    );
    let intent = Intent {
        gate,
        what: format!("{what}:"),
        targets: &targets,
        notes: Vec::new(),
    };
    gate::pass(c, intent).await
}

/// A value as what it looks like.
async fn field(text: &str) -> Result<Value, Failure> {
    Ok(match text {
        "true" => json!(true),
        "false" => json!(false),
        "null" => Value::Null,
        text if text.starts_with('@') => json!(read_input(&text[1..]).await?),
        text => text
            .parse::<i64>()
            .map_or_else(|_| json!(text), |number| json!(number)),
    })
}

/// Replaces `{install:NAME}` and the like by ids. Other braces stay as they are.
async fn placeholders(c: &Ctx, text: &str) -> Result<String, Failure> {
    let (mut done, mut rest) = (String::new(), text);
    while let Some(start) = rest.find('{') {
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        let inner = &rest[start + 1..start + length];
        done.push_str(&rest[..start]);
        match inner.split_once(':') {
            Some(("install", name)) => done.push_str(&c.install_named(name).await?.id),
            Some(("site", name)) => done.push_str(&c.site_named(name).await?.id),
            Some(("account", name)) => done.push_str(&c.account_named(name).await?.id),
            _ => done.push_str(&rest[start..=start + length]),
        }
        rest = &rest[start + length + 1..];
    }
    done.push_str(rest);
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_may_mean_another_one_is_refused() {
        assert_eq!(plain_path("/installs/x?limit=1").unwrap(), "/installs/x");
        for odd in [
            "/./installs/x",
            "/sites/../installs/x",
            "/sites/x\\..\\..\\installs\\x",
            "/sites/%2e%2E/installs/x",
            "/installs//x",
            "/installs/x/",
            "/installs/%78",
            "/C:/Program/installs",
        ] {
            assert_eq!(
                plain_path(odd).unwrap_err().exit,
                crate::failure::exit::USAGE,
                "{odd}"
            );
        }
    }

    #[tokio::test]
    async fn fields_are_what_they_look_like() {
        assert_eq!(field("true").await.unwrap(), json!(true));
        assert_eq!(field("12").await.unwrap(), json!(12));
        assert_eq!(field("1.0.0").await.unwrap(), json!("1.0.0"));
        assert_eq!(field("null").await.unwrap(), Value::Null);
        assert_eq!(field("acme").await.unwrap(), json!("acme"));
    }
}
