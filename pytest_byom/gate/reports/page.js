"use strict";
// Texts in `data` are a server's: they get onto the page through `shown`, as text nodes only.
const data = JSON.parse(document.getElementById("data").textContent);
const { checks, columns, outcomes } = data;
const SIGNS = {
  passed: "✓", failed: "F", deviates: "d", known: "k", unsupported: "u", ignored: "i",
  inconclusive: "?", error: "E",
};
const STATES = {
  bad: ["✗", "with failures"], unjudged: ["?", "not judged"], unsure: ["!", "deviating"],
  good: ["✓", "good"],
};
const CAPABILITIES = { present: "✓ has", absent: "– lacks", fails: "✗ fails at", ignored: "○ ignores" };
const BREAKS = ["failed", "deviates", "ignored", "known"];
const LEVELS = ["must", "should", "may"];
const ROWS = 100; // at a time
const FINDINGS = 3; // at first, of a check
const CHANGES = 20; // at first
const several = columns.length > 1;
const $ = (id) => document.getElementById(id);

// --- Elements -----------------------------------------------------------------------------------

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

const INVISIBLE = /(?![\n\t\u200d])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

// What is not seen, or turns the direction of what follows, is named instead.
function shown(text) {
  const made = document.createDocumentFragment();
  let end = 0;
  for (const found of String(text).matchAll(INVISIBLE)) {
    const code = found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    made.append(text.slice(end, found.index), el("i", { class: "hidden-character" }, `U+${code}`));
    end = found.index + found[0].length;
  }
  made.append(String(text).slice(end));
  return made;
}

function sign(outcome, count) {
  const text = (SIGNS[outcome] || "–") + (count === undefined ? "" : count);
  return el("span", { class: `sign ${outcome || "absent"}`, "aria-hidden": "true" }, text);
}

const hear = (text) => el("span", { class: "hear" }, shown(text));
const code = (text) => el("code", null, shown(text));
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function list(pairs) {
  const made = el("dl");
  for (const [term, ...values] of pairs) {
    if (values.some((value) => value !== "" && value !== null && value !== undefined)) {
      made.append(el("dt", null, term), el("dd", null, ...values));
    }
  }
  return made;
}

// --- Head ---------------------------------------------------------------------------------------

function fillHead() {
  const said = [];
  for (const [state, [, word]] of Object.entries(STATES)) {
    const count = columns.filter((column) => column.state === state).length;
    if (count && several) said.push(`${count} ${word}`);
  }
  const head = several ? `${data.size}: ${said.join(", ")}` : "";
  const text = head || columns.map((column) => column.conclusion).join("");
  const runs = [...new Set(columns.map(({ run }) => `${time(run.started)}, pytest-byom ${run.suite.version}`))];
  const last = runs.length > 1 ? `${runs.length} runs, the last of ${runs[runs.length - 1]}` : runs.join("");
  $("lead").append(shown([text, last].filter(Boolean).join(" · ")));
  for (const text of data.remarks) $("remarks").lastElementChild.append(el("li", null, shown(text)));
  $("remarks").hidden = !data.remarks.length;
}

const time = (text) => text.slice(0, 16).replace("T", " ") + (/(\+00:00|Z)$/.test(text) ? " UTC" : "");

function fillDifference() {
  const rows = data.difference.flatMap((group) => group.rows);
  const where = several && rows.some((row) => row.endpoint);
  const known = new Set(checks.map((check) => check.id));
  const notes = rows.some((row) => row.note);
  const titles = ["Class", "What", ...(where ? ["Endpoint"] : []), "Before", "After", ...(notes ? ["Note"] : [])];
  const body = rows.map((row) => el("tr", null,
    el("td", null, el("span", { class: `word ${row.class}` }, shown(row.class))),
    el("th", { scope: "row" }, known.has(row.check) ? el("a", { href: `#${row.check}` }, code(row.check)) : code(row.check)),
    where ? el("td", null, shown(row.endpoint || "")) : "",
    el("td", null, shown(row.before)), el("td", null, shown(row.after)),
    notes ? el("td", null, shown(row.note || "")) : ""));
  const room = $("difference").lastElementChild;
  for (const sentence of data.gates) room.before(el("p", null, el("strong", null, shown(sentence))));
  const table = el("tbody", null, ...body.slice(0, CHANGES));
  room.append(el("table", null,
    el("thead", null, el("tr", null, ...titles.map((text) => el("th", { scope: "col" }, text)))), table));
  if (rows.length > CHANGES) {
    const more = el("button", { type: "button" }, `Show ${rows.length - CHANGES} more of ${rows.length}`);
    more.addEventListener("click", () => {
      more.remove();
      table.append(...body.slice(CHANGES));
      (table.rows[CHANGES].querySelector("a") || room).focus();
    });
    room.after(more);
  }
  room.hidden = !rows.length;
  $("difference").hidden = !rows.length && !data.gates.length;
}

// --- Matrix -------------------------------------------------------------------------------------

const areas = [...new Set(checks.map((check) => check.area))];

function counts(column, wanted) {
  const found = new Map();
  checks.forEach((check, place) => {
    const result = column.results[place];
    if (result && wanted(check)) found.set(result[0], (found.get(result[0]) || 0) + 1);
  });
  return outcomes.filter((outcome) => found.has(outcome)).map((outcome) => [outcome, found.get(outcome)]);
}

function cell(column, place, area) {
  const found = counts(column, (check) => !area || check.area === area);
  if (!found.length) return el("td", null, el("span", null, area ? "–" : "not judged"));
  const missing = area ? 0 : column.notRun;
  const words = [...found.map(([outcome, count]) => `${count} ${outcome}`), missing ? `${missing} not run` : ""]
    .filter(Boolean).join(", ");
  const show = () => narrow({
    area: area || "", endpoint: String(place), ...(found.every(([name]) => name === "passed") ? everything() : {}),
  });
  return el("td", null, el("button", { type: "button", title: words, onclick: show },
    ...found.map(([outcome, count]) => sign(outcome, count)), missing ? sign("", missing) : "",
    hear(`${words}: ${area || "all areas"} at ${column.label}`)));
}

function fillMatrix() {
  const rows = ["", ...areas].map((area) => el("tr", { class: area ? null : "all" },
    el("th", { scope: "row" }, el("button", { type: "button", onclick: () => narrow({ area, ...(area ? {} : everything()) }) },
      area || "all areas")),
    ...columns.map((column, place) => cell(column, place, area))));
  $("matrix").append(head("Area"), el("tbody", null, ...rows));
  $("facts").append(...columns.map(facts));
}

function head(title) {
  const heads = columns.map((column) => {
    const [mark, word] = STATES[column.state];
    return el("th", { scope: "col" }, el("span", { class: `sign ${column.state}`, "aria-hidden": "true" }, mark), " ",
      shown(column.label), hear(`, ${word}`), el("small", null, shown(column.facts.model || "")));
  });
  return el("thead", null, el("tr", null, el("th", { scope: "col" }, title), ...heads));
}

// Which clients the findings name: those that name none are about all of them.
function fillClients() {
  const rows = data.clients.map((client) => el("tr", null, el("th", { scope: "row" }, client),
    ...columns.map((column, place) => {
      const found = counts(column, (check) => check.breaks.includes(client)).filter(([name]) => BREAKS.includes(name));
      const words = found.map(([outcome, count]) => `${count} ${outcome}`).join(", ");
      if (!found.length) return el("td", null, el("span", null, "–", hear(`nothing: ${client} at ${column.label}`)));
      const show = () => narrow({ client, endpoint: String(place), outcomes: new Set(BREAKS) });
      return el("td", null, el("button", { type: "button", title: words, onclick: show },
        ...found.map(([outcome, count]) => sign(outcome, count)), hear(`${words}: ${client} at ${column.label}`)));
    })));
  const some = columns.some((column) => counts(column, () => true).some(([name]) => BREAKS.includes(name)));
  $("by-clients").hidden = !rows.length || !some;
  $("client-matrix").append(head("Client"), el("tbody", null, ...rows));
}

function facts(column) {
  const { facts, run } = column;
  const [mark] = STATES[column.state];
  const capabilities = Object.entries(facts.capabilities || {}).map(([name, found]) =>
    el("li", null, el("span", { class: "word" }, `${CAPABILITIES[found.state || (found.present ? "present" : "absent")]} `), code(name),
      el("span", { class: "quiet" }, ` ${found.known}: `, shown(found.reason))));
  const identity = Object.entries(facts.identity || {}).map(([name, value]) =>
    el("li", null, code(name), " ", shown(typeof value === "string" ? value : JSON.stringify(value))));
  return el("details", null,
    el("summary", null, el("span", { class: `sign ${column.state}`, "aria-hidden": "true" }, mark), " ",
      el("strong", null, shown(column.label)), ": ", shown(column.conclusion)),
    list([
      ["Base URL", code(facts.base_url)],
      ["Model", shown(facts.model || "")],
      ["Server", shown(facts.server || "no name in its headers")],
      ["Known as", shown(facts.dialect || "")],
      ["Trouble", shown(facts.trouble || facts.gone || "")],
      ["Requests", facts.sent === undefined ? "" : `${facts.sent} sent, ${facts.requests} planned`],
      ["Run", shown(`${time(run.started)} to ${time(run.finished)}, exit code ${run.exit_code}${run.complete ? "" : ", not complete"}`)],
      ["Identity", identity.length ? el("ul", null, ...identity) : ""],
      ["Capabilities", capabilities.length ? el("ul", null, ...capabilities) : "none was asked for"],
    ].filter(([, value]) => !(value instanceof DocumentFragment) || value.textContent)));
}

// --- Filters ------------------------------------------------------------------------------------

const present = outcomes.filter((outcome) => columns.some((column) => column.results.some((r) => r && r[0] === outcome)));
const others = present.filter((outcome) => outcome !== "passed");
const usual = () => ({
  outcomes: new Set(others.length ? others : present), levels: new Set(LEVELS),
  text: "", area: "", endpoint: "", client: "", difference: false,
});
let filter = usual();
let limit = ROWS;

function toggles(room, names, chosen, content) {
  for (const name of names) {
    room.append(el("button", {
      type: "button", "data-name": name, "aria-pressed": "true", onclick: () => {
        const set = chosen();
        if (!set.delete(name)) set.add(name);
        update();
      },
    }, ...content(name)));
  }
}

function fillFilters() {
  const total = (outcome) => columns.reduce((sum, c) => sum + c.results.filter((r) => r && r[0] === outcome).length, 0);
  toggles($("by-outcome"), present, () => filter.outcomes, (name) => [sign(name), name, el("span", { class: "quiet" }, String(total(name)))]);
  toggles($("by-level"), LEVELS, () => filter.levels, (name) => [name]);
  const options = (select, names, all) =>
    select.append(el("option", { value: "" }, all), ...names.map(([value, text]) => el("option", { value }, shown(text))));
  options($("by-area"), areas.map((area) => [area, area]), "every area");
  options($("by-endpoint"), columns.map((column, place) => [String(place), column.label]), "every endpoint");
  options($("by-client"), data.clients.map((client) => [client, client]), "any client");
  const bind = (id, name, read) => $(id).addEventListener("input", (event) => {
    filter[name] = read(event.target);
    update();
  });
  bind("by-text", "text", (field) => field.value.trim().toLowerCase());
  for (const name of ["area", "endpoint", "client"]) bind(`by-${name}`, name, (field) => field.value);
  bind("by-difference", "difference", (field) => field.checked);
  $("by-difference").parentElement.hidden = $("by-endpoint").parentElement.hidden = !several;
  $("by-client").parentElement.hidden = !data.clients.length;
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    filter = usual();
    update();
  });
  $("more").addEventListener("click", () => {
    const next = limit;
    limit += ROWS;
    fillList();
    document.querySelectorAll(".check > h4 > button")[next].focus();
  });
}

function syncFilters() {
  for (const button of $("by-outcome").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", filter.outcomes.has(button.dataset.name));
  }
  for (const button of $("by-level").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", filter.levels.has(button.dataset.name));
  }
  if ($("by-text").value.trim().toLowerCase() !== filter.text) $("by-text").value = filter.text;
  for (const name of ["area", "endpoint", "client"]) $(`by-${name}`).value = filter[name];
  $("by-difference").checked = filter.difference;
}

const everything = () => ({ outcomes: new Set(present) });

function narrow(wanted) {
  filter = { ...usual(), ...wanted };
  update();
  $("checks-title").focus();
  $("checks-title").scrollIntoView();
}

function matches(check, place) {
  const seen = filter.endpoint === "" ? columns : [columns[filter.endpoint]];
  const results = seen.map((column) => column.results[place]);
  if (!filter.levels.has(check.level) || (filter.area && check.area !== filter.area)) return false;
  if (!results.some((result) => result && filter.outcomes.has(result[0]))) return false;
  if (filter.client && !check.breaks.includes(filter.client)) return false;
  if (filter.difference && new Set(columns.map((c) => c.results[place] && c.results[place][0])).size < 2) return false;
  return !filter.text || texts(check, place).includes(filter.text);
}

const textsOf = new Map();
function texts(check, place) {
  if (!textsOf.has(place)) {
    const words = columns.flatMap((column) => {
      const [, reason, findings] = column.results[place] || ["", "", []];
      return [reason, ...findings.flatMap((f) => [f.exchange, f.place, f.expected, f.got])];
    });
    textsOf.set(place, [check.id, check.sentence, check.breaks, ...words].join("\n").toLowerCase());
  }
  return textsOf.get(place);
}

// --- List ---------------------------------------------------------------------------------------

let open = new Set();

function update() {
  limit = ROWS;
  syncFilters();
  fillList();
}

function fillList() {
  const found = checks.map((_, place) => place).filter((place) => matches(checks[place], place));
  const made = document.createDocumentFragment();
  let area = "";
  for (const place of found.slice(0, limit)) {
    if (checks[place].area !== area) {
      area = checks[place].area;
      const size = found.filter((other) => checks[other].area === area).length;
      made.append(el("h3", null, area, hear(","), " ", String(size)));
    }
    made.append(row(checks[place], place));
  }
  $("list").replaceChildren(made);
  $("count").textContent = found.length
    ? `${found.length} of ${plural(checks.length, "check")}`
    : `None of ${plural(checks.length, "check")}: choose another outcome, or reset the filters`;
  $("more").hidden = found.length <= limit;
  $("more").textContent = `Show ${Math.min(ROWS, found.length - limit)} more of ${found.length}`;
}

function row(check, place) {
  const results = columns.map((column) => column.results[place]);
  const button = el("button", { type: "button", "aria-expanded": "false" },
    el("span", { class: "signs" }, ...results.map((result, index) => {
      const made = sign(result && result[0]);
      made.title = `${columns[index].label}: ${result ? result[0] : "not run"}`;
      return made;
    })),
    el("span", { class: "id" }, check.id),
    el("span", { class: "level" }, check.level),
    el("span", { class: "sentence" }, shown(check.sentence)),
    hear(results.map((result, index) => `${columns[index].label}: ${result ? result[0] : "not run"}`).join(", ")));
  const made = el("div", { class: "check", id: check.id }, el("h4", null, button));
  button.addEventListener("click", () => {
    setOpen(made, place, !open.has(place));
    history.replaceState(null, "", open.has(place) ? `#${check.id}` : "#");
  });
  if (open.has(place)) setOpen(made, place, true);
  return made;
}

function setOpen(node, place, wanted) {
  const button = node.querySelector("button");
  button.setAttribute("aria-expanded", String(wanted));
  node.classList.toggle("open", wanted);
  node.querySelector(".body")?.remove();
  if (wanted) {
    open.add(place);
    node.append(el("div", { class: "body" }, ...body(checks[place], place)));
  } else {
    open.delete(place);
  }
}

// --- One check ----------------------------------------------------------------------------------

function body(check, place) {
  const judged = columns.map((column) => [column, column.results[place]]);
  const notPassed = judged.filter(([, result]) => result && result[0] !== "passed");
  const names = (pairs) => pairs.map(([column]) => column.label).join(", ");
  return [
    list([
      ["Breaks", shown(check.breaks)],
      ["Source", shown(check.source)],
      ["Passed at", shown(names(judged.filter(([, result]) => result && result[0] === "passed")))],
      ["Not run at", shown(names(judged.filter(([, result]) => !result)))],
      ["More", code(`byom explain ${check.id}`)],
    ].filter(([, value]) => value.textContent)),
    ...notPassed.map(([column, result]) => resultOf(column, result)),
  ];
}

function resultOf(column, [outcome, reason, findings]) {
  const made = el("section", { class: `result ${outcome}` },
    el("h5", null, sign(outcome), " ", shown(column.label), ": ", el("span", { class: "word" }, outcome)));
  if (reason && (!findings.length || outcome === "known")) {
    made.append(reason.includes("\n") ? el("pre", { tabindex: "0", role: "group", "aria-label": "Reason" }, shown(reason)) : el("p", null, shown(reason)));
  }
  const add = (from, to) => made.append(...findings.slice(from, to).map((found) => finding(column, found)));
  add(0, FINDINGS);
  if (findings.length > FINDINGS) {
    const more = el("button", { type: "button" }, `Show ${plural(findings.length - FINDINGS, "more finding")}`);
    more.addEventListener("click", () => {
      more.remove();
      add(FINDINGS);
      made.querySelectorAll("summary")[FINDINGS]?.focus();
    });
    made.append(more);
  }
  return made;
}

function finding(column, found) {
  const made = el("div", { class: "finding" }, list([
    ["Where", code(found.place), found.exchange ? el("span", { class: "quiet" }, " in ", code(found.exchange)) : ""],
    ["Expected", code(found.expected)],
    ["Got", code(found.got)],
  ]));
  made.append(...block("Steps", found.steps));
  const exchange = column.exchanges[found.exchange];
  if (exchange) {
    const room = el("details", null, el("summary", null, "Request and answer", hear(` of ${found.exchange}`)));
    room.addEventListener("toggle", () => {
      if (room.open && room.childElementCount === 1) room.append(...wire(exchange));
    });
    made.append(room);
  } else if (found.curl || found.answered) {
    made.append(...block("Answer", found.answered), ...block("Ask again", found.curl));
  }
  return made;
}

function wire({ request, response }) {
  const lines = (headers) => headers.map(([name, value]) => `${name}: ${value}`);
  const asked = [`${request.method} ${request.url}`, ...lines(request.headers)].join("\n");
  const came = response.status === null ? response.trouble : [String(response.status), ...lines(response.headers)].join("\n");
  const broke = response.status !== null && response.trouble ? `\n\n${response.trouble}` : "";
  return [
    ...block("Ask again", request.curl),
    ...block(`Request, ${plural(request.bytes, "byte")}`, asked, request.body),
    ...block(`Answer, ${plural(response.bytes, "byte")}`, came, response.body + broke),
  ];
}

function block(title, head, content = "") {
  if (!head && !content) return [];
  const text = [head, content].filter(Boolean).join("\n\n");
  const pre = el("pre", { tabindex: "0", role: "group", "aria-label": title }, shown(text));
  const tools = el("div", { class: "tools" }, el("span", { class: "quiet" }, title));
  const buttons = el("span");
  const pretty = indented(content);
  if (pretty) {
    const toggle = el("button", { type: "button", "aria-pressed": "false" }, "Indent", hear(` ${title}`));
    toggle.addEventListener("click", () => {
      const on = toggle.getAttribute("aria-pressed") === "false";
      toggle.setAttribute("aria-pressed", String(on));
      pre.replaceChildren(shown(on ? `${head}\n\n${pretty}` : text));
    });
    buttons.append(toggle, " ");
  }
  buttons.append(copier(text, pre, title));
  tools.append(buttons);
  return [tools, pre];
}

function indented(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : "";
  } catch {
    return "";
  }
}

function copier(text, pre, title) {
  const button = el("button", { type: "button" }, "Copy", hear(` ${title}`));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.firstChild.data = "Copied";
    } catch {
      getSelection().selectAllChildren(pre);
      button.firstChild.data = "Selected";
    }
    setTimeout(() => { button.firstChild.data = "Copy"; }, 2000);
  });
  return button;
}

// --- Deep links, keys, theme --------------------------------------------------------------------

function follow() {
  const id = location.hash.slice(1); // ids have no character that a URL would escape
  const place = checks.findIndex((check) => check.id === id);
  if (place < 0) return;
  open.add(place);
  if (!matches(checks[place], place)) {
    filter = { ...usual(), ...everything() };
    syncFilters();
  }
  const before = checks.filter((check, other) => other < place && matches(check, other)).length;
  limit = Math.max(limit, Math.ceil((before + 1) / ROWS) * ROWS);
  fillList();
  const node = $(id);
  node.querySelector("button").focus({ preventScroll: true });
  node.scrollIntoView();
}

$("list").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.matches(".check > h4 > button")) return;
  const buttons = [...document.querySelectorAll(".check > h4 > button")];
  buttons[buttons.indexOf(event.target) + step]?.focus();
  event.preventDefault();
});

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = theme === "dark" ? "Light" : "Dark";
  $("theme").setAttribute("aria-label", `Use ${theme === "dark" ? "light" : "dark"} colours`);
}

function keep(theme) {
  try {
    localStorage.setItem("byom-theme", theme);
  } catch { /* a page in a frame or from a file may not keep anything */ }
}

function kept() {
  try {
    return localStorage.getItem("byom-theme");
  } catch {
    return null;
  }
}

setTheme(kept() || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
$("theme").addEventListener("click", () => {
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  keep(document.documentElement.dataset.theme);
});
fillHead();
fillDifference();
fillMatrix();
fillClients();
fillFilters();
update();
follow();
addEventListener("hashchange", follow);
