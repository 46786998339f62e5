//! `--jq`: filters in jq's language.

use crate::failure::{Failure, exit};

/// A filter that is read before anything is sent.
pub(crate) struct Filter {
    #[cfg(feature = "jq")]
    filter: jaq_core::Filter<jaq_core::data::JustLut<jaq_json::Val>>,
}

/// How much is written at once.
#[cfg(feature = "jq")]
const CHUNK: usize = 64 * 1024;

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

    /// The results, one a line, in chunks. Texts are written without quotes, as `jq -r` does. It ends when nobody takes a chunk.
    pub(crate) fn run(
        &self,
        value: &str,
        mut take: impl FnMut(Vec<u8>) -> bool,
    ) -> Result<(), Failure> {
        use jaq_core::{Ctx, Vars, data::JustLut, unwrap_valr};
        use jaq_json::{Val, read, write};

        let failed = |why: String| {
            Failure::new(
                exit::FAILED,
                "jq",
                format!(
                    "the filter of --jq failed: {}",
                    crate::terminal::cut(&why, 200)
                ),
            )
        };
        let input =
            read::parse_single(value.as_bytes()).map_err(|error| failed(error.to_string()))?;
        let context = Ctx::<JustLut<Val>>::new(&self.filter.lut, Vars::new([]));
        let mut chunk = Vec::new();
        for result in self.filter.id.run((context, input)).map(unwrap_valr) {
            match result.map_err(|error| failed(error.to_string()))? {
                Val::TStr(text) => chunk.extend_from_slice(&text),
                value => {
                    let pp = write::Pp::default();
                    write::write(&mut chunk, &pp, 0, &value)
                        .map_err(|error| failed(error.to_string()))?;
                }
            }
            chunk.push(b'\n');
            if chunk.len() >= CHUNK && !take(std::mem::take(&mut chunk)) {
                return Ok(());
            }
        }
        take(chunk);
        Ok(())
    }
}

#[cfg(not(feature = "jq"))]
impl Filter {
    pub(crate) fn new(_: &str) -> Result<Self, Failure> {
        Err(Failure::usage(
            "this program was built without the feature `jq`; use `-o json` and the program jq",
        ))
    }

    pub(crate) fn run(&self, _: &str, _: impl FnMut(Vec<u8>) -> bool) -> Result<(), Failure> {
        Err(Failure::new(
            exit::FAILED,
            "jq",
            "built without the feature `jq`",
        ))
    }
}

#[cfg(all(test, feature = "jq"))]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn run(code: &str, value: &Value) -> String {
        let filter = Filter::new(code).expect("a filter");
        let mut all = Vec::new();
        let taken = filter.run(&value.to_string(), |chunk| {
            all.extend(chunk);
            true
        });
        taken.expect("results");
        String::from_utf8(all).expect("a text")
    }

    #[test]
    fn a_filter_without_an_end_ends_with_its_reader() {
        let filter = Filter::new("repeat(1)").unwrap();
        let mut chunks = 0;
        let taken = filter.run("null", |_| {
            chunks += 1;
            chunks < 3
        });
        taken.unwrap();
        assert_eq!(chunks, 3);
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
