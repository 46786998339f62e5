//! Finds the operation of a method and a path.

use http::Method;

use super::Operation;

/// The routes of the document.
pub(crate) struct Routes(Vec<Route>);

struct Route {
    segments: Vec<Segment>,
    method: Method,
    /// Index into the document's operations.
    operation: usize,
}

/// A segment of a template. Segments are tried in this order: literals first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter(String),
}

/// The result of a lookup.
pub(crate) enum Found {
    /// An operation (its index) and the parameters of its path, decoded.
    Operation(usize, Vec<(&'static str, String)>),
    /// The path exists, but not with this method.
    OtherMethods(Vec<Method>),
    /// No such path.
    Nothing,
}

impl Routes {
    pub(super) fn new(operations: &[Operation]) -> Self {
        let mut routes: Vec<Route> = operations
            .iter()
            .enumerate()
            .map(|(index, operation)| Route {
                segments: operation
                    .path
                    .split('/')
                    .filter(|part| !part.is_empty())
                    .map(Segment::new)
                    .collect(),
                method: operation.method.clone(),
                operation: index,
            })
            .collect();
        // Sorted so that literals are tried before parameters: `domains/bulk` before `domains/{domain_id}`. The sort
        // is stable, so the methods of a template keep the order of the document.
        routes.sort_by(|one, other| one.segments.cmp(&other.segments));
        Self(routes)
    }

    /// Looks a path up. Empty segments are ignored, because the real API accepts double slashes.
    ///
    /// Only the most specific template counts, as in the gateway: `domains/bulk` has no GET, though `domains/{domain_id}`
    /// would match.
    pub(crate) fn find(&'static self, method: &Method, path: &str) -> Found {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let Some(first) = self.0.iter().position(|route| route.matches(&parts)) else {
            return Found::Nothing;
        };
        // Routes with the same template are neighbours.
        let template = &self.0[first].segments;
        let routes = self.0[first..]
            .iter()
            .take_while(|route| route.segments == *template);
        let mut methods = Vec::new();
        for route in routes {
            if route.method == *method {
                return Found::Operation(route.operation, route.parameters(&parts));
            }
            methods.push(route.method.clone());
        }
        Found::OtherMethods(methods)
    }
}

impl Route {
    fn matches(&self, parts: &[&str]) -> bool {
        self.segments.len() == parts.len()
            && self
                .segments
                .iter()
                .zip(parts)
                .all(|(segment, part)| match segment {
                    Segment::Literal(literal) => literal == part,
                    Segment::Parameter(_) => true,
                })
    }

    fn parameters(&'static self, parts: &[&str]) -> Vec<(&'static str, String)> {
        let pairs = self.segments.iter().zip(parts);
        pairs
            .filter_map(|(segment, part)| match segment {
                Segment::Literal(_) => None,
                Segment::Parameter(name) => {
                    let text = percent_encoding::percent_decode_str(part).decode_utf8_lossy();
                    Some((name.as_str(), text.into_owned()))
                }
            })
            .collect()
    }
}

impl Segment {
    fn new(part: &str) -> Self {
        match part
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            Some(name) => Self::Parameter(name.to_owned()),
            None => Self::Literal(part.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::document;

    fn find(method: Method, path: &str) -> String {
        match document().routes.find(&method, path) {
            Found::Operation(index, parameters) => {
                format!("{} {parameters:?}", document().operations[index].id)
            }
            Found::OtherMethods(methods) => format!("not {method}, but {methods:?}"),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn a_written_out_segment_wins_over_a_parameter() {
        assert_eq!(
            find(Method::POST, "/installs/i/domains/bulk"),
            r#"create_bulk_domains [("install_id", "i")]"#
        );
        assert_eq!(
            find(Method::POST, "/installs/i/domains/d/check_status"),
            r#"check_domain_status [("install_id", "i"), ("domain_id", "d")]"#
        );
    }

    #[test]
    fn a_double_slash_and_an_escaped_id_are_understood() {
        assert_eq!(
            find(Method::GET, "//installs//a%20b"),
            r#"get_install [("install_id", "a b")]"#
        );
    }

    #[test]
    fn a_known_path_with_another_method_names_the_methods() {
        assert_eq!(find(Method::PUT, "/sites"), "not PUT, but [GET, POST]");
        assert_eq!(
            find(Method::GET, "/installs/i/domains/bulk"),
            "not GET, but [POST]"
        );
        assert_eq!(find(Method::GET, "/installs/i/logs"), "nothing");
    }

    #[test]
    fn every_operation_is_found_by_its_own_path() {
        for operation in &document().operations {
            let path = operation.path.replace(['{', '}'], "");
            match document().routes.find(&operation.method, &path) {
                Found::Operation(index, _) => {
                    assert_eq!(document().operations[index].id, operation.id)
                }
                _ => panic!("{} is not found", operation.id),
            }
        }
    }
}
