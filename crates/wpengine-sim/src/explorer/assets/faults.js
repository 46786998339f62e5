// Faults: what can be switched on with a press, and what is on.

import { control, element } from "./dom.js";

const find = (id) => document.getElementById(id);

// The common ones; /_sim/faults takes more.
const PRESETS = [
  ["Done, but the answer is lost", { kind: "reset", phase: "after" }],
  ["Connection reset, nothing is done", { kind: "reset", phase: "before" }],
  ["502 with an HTML page", { kind: "html_502", phase: "before" }],
  ["503 with an empty body", { kind: "empty_503", phase: "before" }],
  ["500 though it was done", { kind: "500", phase: "after" }],
  ["504 after it was done", { kind: "504", phase: "after" }],
  ["429, retry after 30 seconds", { kind: "429", phase: "before", retry_after: 30 }],
  ["429 without a hint", { kind: "429", phase: "before" }],
  ["Answers take 3 seconds", { kind: "delay", phase: "before", seconds: 3 }],
  ["No answer at all", { kind: "hang", phase: "before" }],
  ["The body breaks off", { kind: "reset", phase: "body" }],
  ["JSON that breaks off", { kind: "truncated_json", phase: "body" }],
  ["A value that no list has", { kind: "unknown_enum", phase: "body" }],
  ["A field that nobody knows", { kind: "extra_field", phase: "body" }],
  ["Nulls where values are expected", { kind: "nulls", phase: "body" }],
  ["A next page on another host", { kind: "foreign_next", phase: "body" }],
  ["Something appears between two pages", { kind: "insert_between_pages", phase: "before" }],
];

let act;

/** What a fault is called: as its preset, or by its own words. */
function nameOf({ kind, phase }) {
  const preset = PRESETS.find(([, it]) => it.kind === kind && it.phase === phase);
  return preset ? preset[0] : `${kind.replaceAll("_", " ")}, ${phase}`;
}

/** How often it has acted, and how often it will. */
function progressOf({ acted, count }) {
  if (count === null) {
    return `acted ${acted} ×`;
  }
  return acted >= count ? `done, ${acted} ×` : `acted ${acted} of ${count} ×`;
}

export function drawFaults(faults) {
  find("clear-faults").hidden = faults.length === 0;
  find("faults").replaceChildren(...faults.map((fault) => {
    const name = nameOf(fault);
    const remove = element("button", { type: "button", className: "quiet", "aria-label": `Remove: ${name}` }, "✕");
    remove.addEventListener("click", () => act(() => control("DELETE", `/faults/${fault.id}`)));
    const isSpent = fault.count !== null && fault.acted >= fault.count;
    return element("li", { className: isSpent ? "spent" : "" },
      element("span", { className: "text" },
        element("strong", {}, name),
        element("span", { className: "where" }, `${fault.operation ?? "any operation"} · ${progressOf(fault)}`)),
      remove);
  }));
}

export async function startFaults(run) {
  act = run;
  find("fault-preset").replaceChildren(...PRESETS.map(([name], index) =>
    element("option", { value: String(index) }, name)));

  find("add-fault").addEventListener("submit", (event) => {
    event.preventDefault();
    const fault = { ...PRESETS[Number(find("fault-preset").value)][1] };
    const operation = find("fault-operation").value.trim();
    const count = find("fault-count").value;
    if (operation) {
      fault.operation = operation;
    }
    fault.count = count ? Number(count) : null;
    act(() => control("POST", "/faults", fault));
  });
  find("clear-faults").addEventListener("click", () => act(() => control("DELETE", "/faults")));

  const { paths } = await (await fetch("/explorer/openapi.json")).json();
  const operations = Object.values(paths).flatMap((path) => Object.values(path).map((it) => it.operationId));
  find("operations").replaceChildren(...operations.filter(Boolean).sort().map((id) => element("option", { value: id })));
}
