//! The color of a report template, whose field was renamed.

use crate::types::Template;

impl Template {
    /// Returns the color of the cover page, from the current field or from the field that was used until 1.17.
    #[must_use]
    pub fn color(&self) -> Option<&str> {
        let color = self.brand_color.as_deref();
        color.or(self.brand_colour.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_is_read_by_either_name_and_by_both() {
        for (fields, color) in [
            (r##""brand_color":"#1","##, Some("#1")),
            (r##""brand_colour":"#2","##, Some("#2")),
            (r##""brand_color":"#1","brand_colour":"#2","##, Some("#1")),
            (r##""brand_color":null,"brand_colour":"#2","##, Some("#2")),
            ("", None),
        ] {
            let text = format!("{{{fields}\"template_uuid\":\"t\",\"template_name\":\"n\"}}");
            let template: Template = serde_json::from_str(&text).unwrap();
            assert_eq!(template.color(), color, "{text}");
        }
    }
}
