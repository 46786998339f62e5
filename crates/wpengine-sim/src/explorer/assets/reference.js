// Starts Swagger UI on one of the simulator's two documents, signed in already: whoever opens the page wants to try
// something.

const path = location.pathname.replace(/\/$/, "");
const isControls = path.endsWith("/controls");
document.querySelector(`nav a[href="${path}"]`).setAttribute("aria-current", "page");
document.title = `${isControls ? "Controls" : "Reference"} · wpengine-sim`;

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const followScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
followScheme();
dark.addEventListener("change", followScheme);

const response = await fetch("/explorer/credentials.json");
const { user, password } = response.ok ? await response.json() : {};

const ui = SwaggerUIBundle({
  url: isControls ? "/_sim/openapi.json" : "/explorer/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  filter: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  // The badge would send the document's address to a service on the Internet.
  validatorUrl: null,
  onComplete() {
    if (isControls) {
      return;
    }
    if (user) {
      ui.preauthorizeBasic("basic", user, password);
    }
    document.getElementById("signed-in").textContent = user
      ? `Signed in as ${user}`
      : "Sign in with the button Authorize";
  },
});
