// The state page: asks once a second what there is, and draws what has changed.

import { control, element, onChange } from "./dom.js";
import { drawFaults, startFaults } from "./faults.js";

const PERIOD = 1000;
const find = (id) => document.getElementById(id);

let kind = location.hash.slice(1) || "installs";

// ---- drawing ----

const GOOD = ["active", "completed", "enabled", "verified", "on"];
const BUSY = ["pending", "requested", "in_progress", "scheduled", "submitted"];
const BAD = ["aborted", "failed", "rejected", "expired", "off"];
const INFO = ["production", "staging", "development", "primary", "cancelled", "canceled"];

function pill(text) {
  const kinds = [["good", GOOD], ["busy", BUSY], ["bad", BAD], ["info", INFO]];
  const found = kinds.find(([, words]) => words.includes(text));
  return found ? element("span", { className: `pill ${found[0]}` }, text.replace("_", " ")) : text;
}

function drawClock({ now, mode, factor }) {
  const [date, time] = now.replace(/(\.\d+)?Z$/, "").split("T");
  find("time").textContent = time;
  find("time").dateTime = now;
  const day = new Date(now).toLocaleDateString("en", { weekday: "long", timeZone: "UTC" });
  find("date").textContent = `${day}, ${date} UTC`;
  for (const button of find("modes").children) {
    button.setAttribute("aria-pressed", String(mode === button.dataset.mode));
    if (button.dataset.mode === "accelerated") {
      button.textContent = `× ${factor ?? 60}`;
    }
  }
}

const counted = new Map();

function drawCounts({ counts, list }) {
  find("tiles").replaceChildren(...counts.map(({ kind: id, name, count }) => {
    const changed = counted.has(id) && counted.get(id) !== count;
    counted.set(id, count);
    const tile = element("button", { type: "button", className: changed ? "tile changed" : "tile" },
      element("strong", {}, count.toLocaleString("en")), element("span", {}, name));
    tile.dataset.kind = id;
    tile.setAttribute("aria-pressed", String(id === list.kind));
    if (id === list.kind) {
      find("list-title").textContent = name;
    }
    return tile;
  }));
}

function drawList({ columns, rows, more }) {
  find("list-head").replaceChildren(element("tr", {}, ...columns.map((column) => element("th", { scope: "col" }, column))));
  const isId = columns.map((column) => ["Id", "Backup", "Fingerprint", "Details"].includes(column));
  find("list-body").replaceChildren(...rows.map((row) => element("tr", {}, ...row.map((cell, index) =>
    index === 0
      ? element("th", { scope: "row" }, cell)
      : element("td", { className: isId[index] ? "id" : "" }, isId[index] ? cell : pill(cell))))));
  const note = rows.length === 0 ? "There are none." : `The newest ${rows.length} are shown; find narrows them down.`;
  find("list-note").textContent = note;
  find("list-note").hidden = rows.length > 0 && !more;
}

function statusClass(status) {
  return status >= 500 ? "bad" : status >= 400 ? "busy" : "good";
}

let newest = 0;

function drawRequests(requests) {
  find("requests").replaceChildren(...requests.map((request) => {
    const title = `${request.path}${request.query && `?${request.query}`}`;
    const item = element("li", { className: newest && request.number > newest ? "new" : "", title },
      element("span", { className: `pill ${statusClass(request.status)}` }, String(request.status)),
      element("span", { className: "method" }, request.method),
      element("span", { className: "what" }, request.operation ?? request.path));
    for (const fault of request.faults ?? []) {
      item.append(element("span", { className: "pill bad" }, fault));
    }
    if (request.side_effect) {
      item.append(element("span", { className: "wrote", title: "It has changed something" }, "wrote"));
    }
    return item;
  }));
  newest = requests[0]?.number ?? 0;
  if (requests.length === 0) {
    find("requests").append(element("li", { className: "none" }, "Nothing was asked yet."));
  }
}

const draw = {
  clock: onChange(drawClock),
  counts: onChange(drawCounts),
  list: onChange(drawList),
  requests: onChange(drawRequests),
  faults: onChange(drawFaults),
};

// ---- asking ----

let asked = 0;

async function refresh() {
  const number = ++asked;
  const query = new URLSearchParams({ list: kind, find: find("find").value });
  try {
    const response = await fetch(`/explorer/state.json?${query}`);
    const [state, faults] = await Promise.all([response.json(), control("GET", "/faults")]);
    // A newer question has been asked: this answer is of a list that nobody looks at any more.
    if (number !== asked) {
      return;
    }
    draw.clock(state.clock);
    draw.counts({ counts: state.counts, list: { kind: state.list.kind } });
    draw.list(state.list);
    draw.requests(state.requests);
    draw.faults(faults);
    const writes = state.side_effects === 1 ? "1 write" : `${state.side_effects} writes`;
    find("totals").textContent = `${state.requests_total} asked, ${writes}`;
    find("connection").textContent = state.violations
      ? `${state.violations} answers did not fit the document: see /_sim/violations`
      : "Live";
  } catch {
    find("connection").textContent = "The simulator does not answer";
  }
}

async function poll() {
  if (!document.hidden) {
    await refresh();
  }
  setTimeout(poll, PERIOD);
}

/** Does something and shows what came of it, or why nothing did. */
async function act(action) {
  const message = find("message");
  try {
    await action();
    message.hidden = true;
  } catch (error) {
    message.textContent = error.message;
    message.hidden = false;
  }
  await refresh();
}

// ---- what can be pressed ----

find("advance").addEventListener("click", ({ target }) => {
  if (target.dataset.seconds) {
    act(() => control("POST", "/clock/advance", { seconds: Number(target.dataset.seconds) }));
  }
});

find("modes").addEventListener("click", ({ target }) => {
  if (target.dataset.mode) {
    const { mode } = target.dataset;
    act(() => control("PUT", "/clock/mode", mode === "accelerated" ? { mode, factor: 60 } : { mode }));
  }
});

// The first press asks, the second does it: a dialog would be in the way of somebody who resets often.
find("reset").addEventListener("click", ({ target }) => {
  if (target.dataset.armed) {
    delete target.dataset.armed;
    target.textContent = "Reset everything";
    act(() => control("POST", "/reset"));
  } else {
    target.dataset.armed = "yes";
    target.textContent = "Press again to reset";
  }
});
find("reset").addEventListener("blur", ({ target }) => {
  delete target.dataset.armed;
  target.textContent = "Reset everything";
});

find("tiles").addEventListener("click", ({ target }) => {
  const tile = target.closest("button");
  if (tile) {
    kind = tile.dataset.kind;
    history.replaceState(null, "", `#${kind}`);
    find("find").value = "";
    refresh().then(() => find("tiles").querySelector("[aria-pressed=true]")?.focus());
  }
});

find("find").addEventListener("input", refresh);
document.addEventListener("visibilitychange", refresh);

startFaults(act);
poll();
