//! `--jq`: filters in jq's language.

use serde_json::Value;

use crate::failure::{Failure, exit};

/// A filter that is read before anything is sent.
pub(crate) struct Filter {
    #[cfg(feature = "jq")]
    filter: jaq_core::Filter<jaq_core::data::JustLut<jaq_json::Val>>,
}

/// Two formats of jq that the library leaves to its users.
#[cfg(feature = "jq")]
const FORMATS: &str = r#"
def @tsv: map(if . == null then "" elif type == "string" then gsub("\\\\"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n") | gsub("\r"; "\\r") else tostring end) | join("\t");
def @csv: map(if . == null then "" elif type == "string" then "\"" + gsub("\""; "\"\"") + "\"" else tostring end) | join(",");
"#;

#[cfg(feature = "jq")]
impl Filter {
    pub(crate) fn new(code: &str) -> Result<Self, Failure> {
        use jaq_core::{
            Compiler,
            load::{Arena, File, Loader},
        };

        let defs = jaq_core::defs()
            .chain(jaq_std::defs())
            .chain(jaq_json::defs());
        let funs = jaq_core::funs()
            .chain(jaq_std::funs())
            .chain(jaq_json::funs());
        let refuse = |why: &str| Failure::usage(format!("the filter `{code}` of --jq {why}"));
        let program = format!("{FORMATS}{code}");
        let arena = Arena::default();
        let modules = Loader::new(defs)
            .load(
                &arena,
                File {
                    code: program.as_str(),
                    path: (),
                },
            )
            .map_err(|_| refuse("cannot be read; see https://jqlang.org/manual/"))?;
        let filter = Compiler::default()
            .with_funs(funs)
            .compile(modules)
            .map_err(|errors| {
                let names = errors
                    .iter()
                    .flat_map(|(_, errors)| errors)
                    .map(|(name, _)| *name);
                let names: Vec<&str> = names.collect();
                refuse(&format!("uses what is not defined: {}", names.join(", ")))
            })?;
        Ok(Self { filter })
    }

    /// The results, one a line. Texts are written without quotes, as `jq -r` does.
    pub(crate) fn run(&self, value: &Value) -> Result<Vec<u8>, Failure> {
        use jaq_core::{Ctx, Vars, data::JustLut, unwrap_valr};
        use jaq_json::{Val, read, write};

        let failed = |why: String| {
            Failure::new(
                exit::FAILED,
                "jq",
                format!("the filter of --jq failed: {why}"),
            )
        };
        let text = value.to_string();
        let input =
            read::parse_single(text.as_bytes()).map_err(|error| failed(error.to_string()))?;
        let context = Ctx::<JustLut<Val>>::new(&self.filter.lut, Vars::new([]));
        let mut out = Vec::new();
        for result in self.filter.id.run((context, input)).map(unwrap_valr) {
            match result.map_err(|error| failed(error.to_string()))? {
                Val::TStr(text) => out.extend_from_slice(&text),
                value => write::write(&mut out, &write::Pp::default(), 0, &value)
                    .map_err(|error| failed(error.to_string()))?,
            }
            out.push(b'\n');
        }
        Ok(out)
    }
}

#[cfg(not(feature = "jq"))]
impl Filter {
    pub(crate) fn new(_: &str) -> Result<Self, Failure> {
        Err(Failure::usage(
            "this program was built without the feature `jq`; use `-o json` and the program jq",
        ))
    }

    pub(crate) fn run(&self, _: &Value) -> Result<Vec<u8>, Failure> {
        Err(Failure::new(
            exit::FAILED,
            "jq",
            "built without the feature `jq`",
        ))
    }
}

#[cfg(all(test, feature = "jq"))]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(code: &str, value: &Value) -> String {
        let filter = Filter::new(code).expect("a filter");
        String::from_utf8(filter.run(value).expect("results")).expect("a text")
    }

    #[test]
    fn texts_are_raw_and_the_rest_is_json() {
        let value = json!([{"name": "a", "n": 1}, {"name": "b", "n": 2}]);
        assert_eq!(run(".[].name", &value), "a\nb\n");
        assert_eq!(run("map(.n) | add", &value), "3\n");
        assert_eq!(
            run("[.[] | select(.n > 1)]", &value),
            "[{\"name\":\"b\",\"n\":2}]\n"
        );
    }

    #[test]
    fn rows_can_be_made_for_a_shell_and_for_a_spreadsheet() {
        let value =
            json!([{"name": "a\tb", "n": 1, "x": null}, {"name": "say \"c\"", "n": 2, "x": true}]);
        assert_eq!(
            run(".[] | [.name, .n, .x] | @tsv", &value),
            "a\\tb\t1\t\nsay \"c\"\t2\ttrue\n"
        );
        assert_eq!(
            run(".[1] | [.name, .n] | @csv", &value),
            "\"say \"\"c\"\"\",2\n"
        );
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_a_mistake_of_usage() {
        let refused = |code: &str| Filter::new(code).err().unwrap();
        assert_eq!(refused(".[").exit, exit::USAGE);
        assert!(
            refused("nonsense")
                .message
                .contains("not defined: nonsense")
        );
    }
}
