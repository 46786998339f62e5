//! What the examples in the documentation have in common.

/// An example that runs: against a simulator of its own, with `client` at hand.
macro_rules! example {
    ($code:literal) => {
        concat!(
            "```\n",
            "# #[tokio::main(flavor = \"current_thread\")]\n",
            "# async fn main() -> Result<(), Box<dyn std::error::Error>> {\n",
            "# let simulator = wpengine_sim::Simulator::builder().start().await?;\n",
            "# let client = wpengine::Client::builder()\n",
            "#     .base_url(simulator.base_url())\n",
            "#     .credentials(wpengine::Credentials::basic(simulator.user(), simulator.password()))\n",
            "#     .build()?;\n",
            $code,
            "\n# Ok(())\n# }\n```"
        )
    };
}

pub(crate) use example;
