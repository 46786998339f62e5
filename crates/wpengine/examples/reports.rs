//! Reports on a site: existing reports, the schedules that create them, and the sections that they can have.
//!
//! `cargo run --example reports`
#![allow(clippy::print_stdout)]

mod support;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = support::connect().await?;
    let client = &connection.client;
    let Some(site) = client.sites().list().items().try_next().await? else {
        println!("there is no site");
        return Ok(());
    };
    println!("reports on {}", site.name);
    let site = client.site(site.id);
    for report in site.reports().list().collect().await? {
        let title = report.title.unwrap_or_default();
        match report.created_at {
            Some(time) => println!("  {title} of {time}"),
            None => println!("  {title}"),
        }
        if let Some(link) = &report.download_url {
            let mut download = client.download(link).await?;
            let mut bytes = 0;
            while let Some(piece) = download.try_next().await? {
                bytes += piece.len();
            }
            println!("    a PDF of {bytes} bytes");
        }
    }
    let sections = client.report_sections().await?.sections;
    let names: Vec<String> = sections.into_iter().map(|section| section.name).collect();
    println!("sections: {}", names.join(", "));

    if client.is_read_only() {
        println!("with credentials this reads only: no new schedule");
        return Ok(());
    }
    let schedule = site
        .report_schedules()
        .create("Monthly report", ["ops@example.com"])
        .monthly(31)
        .sections(["cover", "usage"])
        .found()
        .await?;
    if let Some(first) = schedule.next_scheduled_date {
        println!("the first one comes at {first}");
    }
    client.report_schedule(schedule.uuid).delete().await?;
    Ok(())
}
