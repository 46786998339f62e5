//! What a command is about: names become ids by the mirror, and a change reads its target again before it touches it.

use std::collections::HashSet;

use serde_json::{Value, json};
use wpengine_fleet::{Candidate, Kind as FleetKind};

use crate::{
    context::{Ctx, operation_of},
    failure::{Failure, exit},
    flags::Args,
    gate::{self, Gate, Intent},
};

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Account,
    Site,
    Install,
    Domain,
    User,
    Other(&'static str),
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Site => "site",
            Self::Install => "install",
            Self::Domain => "domain",
            Self::User => "user",
            Self::Other(word) => word,
        }
    }
}

/// Something that a command reads or changes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) account: Option<String>,
    pub(crate) environment: Option<String>,
    /// Environments that it touches beside its own: those of the installs of a site, or the one that it moves to.
    pub(crate) touches: Vec<String>,
    /// Whether it is a primary domain.
    pub(crate) is_primary: bool,
    /// As the service describes it, if it was read.
    pub(crate) value: Value,
}

impl Target {
    pub(crate) fn new(kind: Kind, id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
            name: name.into(),
            account: None,
            environment: None,
            touches: Vec::new(),
            is_primary: false,
            value: Value::Null,
        }
    }

    /// All environments that it touches.
    pub(crate) fn environments(&self) -> impl Iterator<Item = &str> {
        self.environment
            .iter()
            .chain(&self.touches)
            .map(String::as_str)
    }

    pub(crate) fn is_production(&self) -> bool {
        self.environments()
            .any(|environment| environment == "production")
    }

    /// For people.
    pub(crate) fn title(&self) -> String {
        let mut text = format!("the {} {}", self.kind.word(), self.name);
        let mut notes: Vec<&str> = Vec::new();
        notes.extend(self.environment.as_deref());
        if self.is_primary {
            notes.push("primary");
        }
        if !notes.is_empty() {
            text.push_str(&format!(" ({})", notes.join(", ")));
        }
        text
    }

    pub(crate) fn short(&self) -> Value {
        json!({ "id": self.id, "name": self.name })
    }

    /// It belongs to this install: what is done to it happens in that environment.
    pub(crate) fn within(mut self, install: &Self) -> Self {
        self.environment.clone_from(&install.environment);
        self
    }

    /// It is moved to this environment, or made in it.
    pub(crate) fn into_environment(mut self, environment: Option<String>) -> Self {
        self.touches.extend(environment);
        self
    }

    /// What the library calls it.
    pub(crate) async fn candidate(&self, c: &Ctx) -> Result<Candidate, Failure> {
        Ok(c.fleet()?.resolve(&self.id).await?)
    }
}

impl Ctx {
    /// What a name means, if there is only one such thing.
    async fn resolve(&self, kind: FleetKind, wanted: &str) -> Result<Target, Failure> {
        if wanted.trim().is_empty() {
            return Err(Failure::usage("an empty name means nothing"));
        }
        let fleet = self.fleet()?;
        let found = match fleet.resolve_as(kind, wanted).await {
            Ok(found) => found,
            Err(error @ wpengine_fleet::Error::NotFound { .. }) => {
                // A part of the name may be right.
                let near = fleet
                    .search(wanted.get(..4).unwrap_or(wanted))
                    .await
                    .unwrap_or_default();
                let table = match kind {
                    FleetKind::Account => "accounts",
                    FleetKind::Site => "sites",
                    _ => "installs",
                };
                let near = near.into_iter().filter(|found| found.kind == table).take(5);
                return Err(Failure::from(error)
                    .candidates(near.map(|found| format!("near: {}", found.words))));
            }
            Err(error) => return Err(error.into()),
        };
        let kind = match found.kind {
            FleetKind::Account => Kind::Account,
            FleetKind::Site => Kind::Site,
            _ => Kind::Install,
        };
        let mut target = Target::new(kind, found.id, found.name);
        target.account = found.account;
        Ok(target)
    }

    pub(crate) async fn account(&self, a: Args<'_>) -> Result<Target, Failure> {
        let wanted = a.text("account").or_else(|| self.profile.account.clone());
        match wanted {
            Some(wanted) => self.account_named(&wanted).await,
            None => Err(Failure::usage(
                "which account? Give --account, or set one: wpengine config set account NAME",
            )),
        }
    }

    /// The account whose things are listed: none means all.
    pub(crate) async fn account_if_given(&self, a: Args<'_>) -> Result<Option<Target>, Failure> {
        match a.text("account").or_else(|| self.profile.account.clone()) {
            Some(wanted) => Ok(Some(self.resolve(FleetKind::Account, &wanted).await?)),
            None => Ok(None),
        }
    }

    pub(crate) async fn account_named(&self, wanted: &str) -> Result<Target, Failure> {
        let account = self.resolve(FleetKind::Account, wanted).await?;
        self.again("get_account", account, wanted).await
    }

    pub(crate) async fn site_named(&self, wanted: &str) -> Result<Target, Failure> {
        let site = self.resolve(FleetKind::Site, wanted).await?;
        self.again("get_site", site, wanted).await
    }

    /// An install by its name. A change reads it again.
    pub(crate) async fn install_named(&self, wanted: &str) -> Result<Target, Failure> {
        let install = self.resolve(FleetKind::Install, wanted).await?;
        self.again("get_install", install, wanted).await
    }

    pub(crate) async fn install(&self, a: Args<'_>) -> Result<Target, Failure> {
        self.install_named(&a.need("install")).await
    }

    /// Reads what is about to be changed: the mirror may be old, and a name may mean something else by now.
    async fn again(
        &self,
        operation: &str,
        mut target: Target,
        wanted: &str,
    ) -> Result<Target, Failure> {
        if !self.leaf.is_write() {
            return Ok(target);
        }
        let value = self
            .read(operation, &[&target.id], &[])
            .await
            .map_err(|failure| {
                if failure.exit == exit::NOT_FOUND {
                    Failure::not_found(format!(
                        "{} is not there any more: the mirror on this machine is old",
                        target.title()
                    ))
                    .next("wpengine fleet sync")
                } else {
                    failure
                }
            })?;
        let text = |name: &str| value[name].as_str();
        // The name that the mirror has for an account may be its nickname.
        let names = [text("nickname"), text("name")];
        let before = target.title();
        let moved = |now: &str| {
            Failure::not_found(format!(
                "`{wanted}` meant {before} until now, and {now} today; nothing was sent"
            ))
            .next("wpengine fleet sync --only accounts,sites,installs,domains --max-age 1s")
        };
        if !names.contains(&Some(target.name.as_str())) {
            return Err(moved(&format!(
                "its name is {}",
                text("name").unwrap_or_default()
            )));
        }
        target.environment = text("environment").map(str::to_owned);
        let installs = value["installs"].as_array().map_or(&[][..], Vec::as_slice);
        target.touches = installs
            .iter()
            .filter_map(|install| install["environment"].as_str())
            .map(str::to_owned)
            .collect();
        target.value = value;
        let by_name = wanted == target.id
            || wanted.eq_ignore_ascii_case(&target.name)
            || target.kind != Kind::Install;
        match wanted.rsplit_once('/') {
            _ if by_name => {}
            Some((_, environment)) => {
                if !target
                    .environment
                    .as_deref()
                    .is_some_and(|now| now.eq_ignore_ascii_case(environment))
                {
                    return Err(moved(&format!(
                        "that is in the environment {}",
                        target.environment.as_deref().unwrap_or("none")
                    )));
                }
            }
            // A domain may have moved to another install.
            None => {
                let has =
                    |name: Option<&str>| name.is_some_and(|name| name.eq_ignore_ascii_case(wanted));
                let known = has(target.value["primary_domain"].as_str())
                    || has(target.value["cname"].as_str());
                if !known
                    && !self
                        .all("list_domains", &[&target.id])
                        .await?
                        .iter()
                        .any(|domain| has(domain["name"].as_str()))
                {
                    return Err(moved("that has no such domain"));
                }
            }
        }
        Ok(target)
    }

    /// The installs that names or selectors mean. Nothing given is nothing meant, never everything.
    pub(crate) async fn installs(&self, a: Args<'_>) -> Result<Vec<Target>, Failure> {
        self.chosen(a, true).await
    }

    /// The same, but by a domain nothing is meant: it may have moved.
    pub(crate) async fn installs_by_name(&self, a: Args<'_>) -> Result<Vec<Target>, Failure> {
        self.chosen(a, false).await
    }

    async fn chosen(&self, a: Args<'_>, by_domain: bool) -> Result<Vec<Target>, Failure> {
        let mut names = a.all("install");
        if names.iter().any(|name| name == "-") {
            names.retain(|name| name != "-");
            let lines = crate::context::read_input("-").await?;
            names.extend(
                lines
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty())
                    .map(str::to_owned),
            );
        }
        let selectors = ["site", "environment", "match", "php", "status"];
        let selected = a.flag("all")
            || a.text("account").is_some()
            || selectors.iter().any(|name| a.text(name).is_some());
        if names.is_empty() && !selected {
            return Err(Failure::usage(
                "which installs? Give names, `-` to read them from standard input, or a selection such as --environment staging or --all",
            ));
        }
        if !names.is_empty() && selected {
            return Err(Failure::usage("give names or a selection, not both"));
        }
        let mut targets = Vec::new();
        if selected {
            targets = self.selected(a).await?;
        }
        let mut seen = HashSet::new();
        for name in names {
            if a.wait().is_some() && crate::flags::duration(&name).is_ok() {
                return Err(Failure::usage(format!(
                    "`{name}` is a time: write --wait={name}"
                )));
            }
            let target = self.install_named(&name).await?;
            let by_name =
                name == target.id || name.eq_ignore_ascii_case(&target.name) || name.contains('/');
            if !by_domain && !by_name {
                return Err(Failure::usage(format!(
                    "`{name}` is a domain of {}; an install is not deleted by a domain, so give its name or its id",
                    target.title()
                )));
            }
            // The same one twice is one.
            if seen.insert(target.id.clone()) {
                targets.push(target);
            }
        }
        Ok(targets)
    }

    /// Which installs fit a selection, beside the account.
    pub(crate) async fn selection(
        &self,
        a: Args<'_>,
    ) -> Result<impl Fn(&Value) -> bool + Send + 'static, Failure> {
        let site = match a.text("site") {
            Some(site) => Some(self.site_named(&site).await?.id),
            None => None,
        };
        let (environment, php, status, pattern) = (
            a.text("environment"),
            a.text("php"),
            a.text("status"),
            a.text("match"),
        );
        Ok(move |install: &Value| {
            let is = |name: &str, wanted: &Option<String>| {
                wanted
                    .as_deref()
                    .is_none_or(|wanted| install[name].as_str() == Some(wanted))
            };
            is("environment", &environment)
                && is("php_version", &php)
                && is("status", &status)
                && site
                    .as_deref()
                    .is_none_or(|site| install["site"]["id"].as_str() == Some(site))
                && pattern.as_deref().is_none_or(|pattern| {
                    fits(pattern, install["name"].as_str().unwrap_or_default())
                })
        })
    }

    /// What a selection means is read from the service at once, so nothing is read again one by one.
    async fn selected(&self, a: Args<'_>) -> Result<Vec<Target>, Failure> {
        let fits = self.selection(a).await?;
        let mut query = Vec::new();
        if let Some(account) = a.text("account") {
            query.push(("account_id", self.account_named(&account).await?.id));
        }
        let mut request = self
            .client()?
            .request(wpengine::http::Method::GET, "/installs");
        for (name, value) in query {
            request = request.query(name, value);
        }
        let installs = request.list::<Value>().concurrency(8).collect().await?;
        let chosen = installs.into_iter().filter(fits);
        let targets: Vec<Target> = chosen
            .map(|install| {
                let text = |name: &str| install[name].as_str().unwrap_or_default().to_owned();
                let mut target = Target::new(Kind::Install, text("id"), text("name"));
                target.environment = install["environment"].as_str().map(str::to_owned);
                target.value = install;
                target
            })
            .collect();
        if targets.is_empty() {
            return Err(Failure::not_found("no install fits this selection"));
        }
        Ok(targets)
    }

    /// One of the things that belong to something: by its id, or by one of these fields.
    pub(crate) async fn child(
        &self,
        kind: Kind,
        operation: &str,
        ids: &[&str],
        wanted: &str,
        fields: &[&str],
    ) -> Result<Target, Failure> {
        let all = self.all(operation, ids).await?;
        self.one_of(kind, &all, wanted, fields)
    }

    /// The one that is wanted among these.
    pub(crate) fn one_of(
        &self,
        kind: Kind,
        all: &[Value],
        wanted: &str,
        fields: &[&str],
    ) -> Result<Target, Failure> {
        if wanted.trim().is_empty() {
            return Err(Failure::usage(format!(
                "an empty name means no {}",
                kind.word()
            )));
        }
        let text = |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
        let by_id: Vec<&Value> = all
            .iter()
            .filter(|item| {
                ["id", "user_id", "uuid"]
                    .iter()
                    .any(|id| item[*id].as_str() == Some(wanted))
            })
            .collect();
        let found: Vec<&Value> = match by_id.is_empty() {
            false => by_id,
            true => all
                .iter()
                .filter(|item| {
                    fields
                        .iter()
                        .any(|field| text(item, field).eq_ignore_ascii_case(wanted))
                })
                .collect(),
        };
        let name = |item: &Value| {
            let name = fields
                .iter()
                .map(|field| text(item, field))
                .find(|name| !name.is_empty());
            name.unwrap_or_else(|| id_of(item))
        };
        match found.as_slice() {
            [item] => {
                let mut target = Target::new(kind, id_of(item), name(item));
                target.is_primary = item["primary"].as_bool().unwrap_or(false);
                target.value = (*item).clone();
                Ok(target)
            }
            [] => Err(
                Failure::not_found(format!("there is no {} `{wanted}` here", kind.word()))
                    .candidates(
                        all.iter()
                            .take(10)
                            .map(|item| format!("{} ({})", name(item), id_of(item))),
                    ),
            ),
            several => Err(Failure::new(
                exit::NOT_FOUND,
                "ambiguous",
                format!("`{wanted}` can mean several; give the id of one of them:"),
            )
            .candidates(
                several
                    .iter()
                    .map(|item| format!("{} ({})", name(item), id_of(item))),
            )),
        }
    }

    /// All items of a listing, whether it has pages or not.
    pub(crate) async fn all(&self, operation: &str, ids: &[&str]) -> Result<Vec<Value>, Failure> {
        use wpengine::operation::Paging;

        match operation_of(operation).paging {
            Paging::Offset => {
                let request = self.client()?.request(
                    wpengine::http::Method::GET,
                    &crate::context::path(operation, ids),
                );
                Ok(request.list::<Value>().concurrency(8).collect().await?)
            }
            _ => Ok(items_of(self.read(operation, ids, &[]).await?)),
        }
    }

    /// Confirms an operation on these targets.
    pub(crate) async fn confirm(
        &self,
        operation: &str,
        what: &str,
        targets: &[Target],
        notes: Vec<String>,
    ) -> Result<(), Failure> {
        let intent = Intent {
            gate: Gate::of(operation_of(operation)),
            what: what.to_owned(),
            targets,
            notes,
        };
        gate::pass(self, intent).await
    }
}

fn id_of(item: &Value) -> String {
    let id = ["id", "user_id", "uuid"]
        .iter()
        .find_map(|name| item[*name].as_str());
    id.unwrap_or_default().to_owned()
}

/// The items of a response that has no pages: the array, or the one array in it.
pub(crate) fn items_of(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        // One thing, whose own lists are no items.
        Value::Object(fields) if fields.contains_key("id") => vec![Value::Object(fields)],
        Value::Object(fields) => fields
            .into_iter()
            .find_map(|(_, value)| match value {
                Value::Array(items) => Some(items),
                _ => None,
            })
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Each target once.
pub(crate) fn unique(mut targets: Vec<Target>) -> Vec<Target> {
    let mut seen = HashSet::new();
    targets.retain(|target| seen.insert(target.id.clone()));
    targets
}

/// Whether a name fits a pattern with `*` and `?`.
fn fits(pattern: &str, name: &str) -> bool {
    fn from(pattern: &[char], name: &[char]) -> bool {
        match pattern {
            [] => name.is_empty(),
            ['*', rest @ ..] => (0..=name.len()).any(|skipped| from(rest, &name[skipped..])),
            ['?', rest @ ..] => !name.is_empty() && from(rest, &name[1..]),
            [letter, rest @ ..] => name.first() == Some(letter) && from(rest, &name[1..]),
        }
    }
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    from(&pattern, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_names() {
        for (pattern, name, wanted) in [
            ("acme*", "acmestg", true),
            ("*stg", "acmestg", true),
            ("a?me", "acme", true),
            ("acme", "acmestg", false),
            ("?", "", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
