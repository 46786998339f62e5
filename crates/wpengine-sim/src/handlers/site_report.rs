//! Templates of site reports: every account has the platform's two.

use serde_json::json;

use crate::call::{Answer, Call, Outcome};
use crate::error::Refusal;

pub(super) fn list_site_report_templates(call: &mut Call<'_>) -> Outcome {
    let account_id = call.query("account_id").unwrap_or_default();
    call.world
        .account(&call.caller, account_id)
        .ok_or_else(Refusal::not_found)?;
    let template = |id: &str, name: &str, description: &str, sections: &[&str]| {
        let sections: Vec<_> = sections
            .iter()
            .map(|name| json!({ "name": name }))
            .collect();
        json!({
            "template_uuid": id,
            "template_name": name,
            "description": description,
            "company_name": "WP Engine",
            "brand_colour": "#0ECAD4",
            "logo_url": "https://storage.googleapis.com/crs-assets/logos/wpengine-logo.png",
            "preview_image_url": "https://storage.googleapis.com/crs-assets/previews/site-report-preview.png",
            "sections": sections,
            "created_at": "2024-01-15T10:30:00Z",
            "updated_at": "2024-03-20T14:45:00Z",
        })
    };
    let templates = [
        template(
            "123e4567-e89b-12d3-a456-426614174000",
            "Site Report",
            "Comprehensive site performance and analytics report",
            &["cover", "overview", "usage", "themes"],
        ),
        template(
            "9a0b6a2e-52f5-4f2f-8c0e-1f6f3f0d7b21",
            "Usage Report",
            "Visits, traffic and storage at a glance",
            &["cover", "usage"],
        ),
    ];
    Answer::json(200, &json!({ "templates": templates }))
}
