// Starts GraphiQL with the example tabs, sends its requests as the chosen persona, and says how the last one went.
"use strict";

(() => {
  const settings = JSON.parse(document.getElementById("settings").textContent);
  const guest = { handle: "guest", type: "", token: "" };
  const personas = [guest, ...settings.personas];
  const remembered = "atrium:persona";
  const queryHeight = "graphiql:secondaryEditorFlex";
  let active = personas.find((persona) => persona.handle === sessionStorage.getItem(remembered)) ?? guest;

  // The persona switcher

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function choose(persona) {
    active = persona;
    sessionStorage.setItem(remembered, persona.handle);
  }

  function choice(persona) {
    const radio = element("input", { type: "radio", name: "persona", checked: persona === active });
    radio.addEventListener("change", () => choose(persona));
    const type = persona.type ? [" ", element("small", {}, persona.type)] : [];
    return element("label", { className: "persona" }, radio, persona.handle, ...type);
  }

  function showSwitcher() {
    const switcher = document.getElementById("personas");
    switcher.append(...personas.map(choice));
    switcher.hidden = false;
  }

  // Asking, and what the line below says of the answer

  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

  function worded({ path, backend, mode }) {
    return `degraded: ${Array.isArray(path) ? path.join(".") : path} (${backend}, ${mode})`;
  }

  function report(viewer, response, answer, milliseconds) {
    const errors = answer.errors?.length ?? 0;
    const parts = [`HTTP ${response.status}`, `${milliseconds} ms`, `as ${viewer}`];
    if (errors) parts.push(plural(errors, "error"));
    document.getElementById("answer").textContent = parts.join(" · ");
    const degraded = answer.extensions?.degraded ?? [];
    document.getElementById("degraded").replaceChildren(...degraded.map((each) => element("li", {}, worded(each))));
  }

  function identify(headers) {
    if (headers.has("authorization")) return "the token in Headers";
    if (active.token) headers.set("authorization", `Bearer ${active.token}`);
    return active.handle;
  }

  async function ask(url, init) {
    const headers = new Headers(init.headers);
    const viewer = identify(headers);
    const started = performance.now();
    const response = await fetch(url, { ...init, headers, credentials: "omit" });
    const milliseconds = Math.round(performance.now() - started);
    if (JSON.parse(init.body).operationName !== "IntrospectionQuery") {
      response.clone().json().then((answer) => report(viewer, response, answer, milliseconds), () => {});
    }
    return response;
  }

  // GraphiQL itself

  function toggleDocs() {
    document.querySelector('button[aria-label$=" Documentation Explorer"]')?.click();
  }

  function storage() {
    const local = GraphiQL.createLocalStorage({ namespace: "atrium" });
    // On a first visit the query gets most of the height, the variables the rest.
    if (local.getItem(queryHeight) === null) local.setItem(queryHeight, "4");
    return local;
  }

  const fetcher = GraphiQL.createFetcher({
    url: settings.endpoint,
    fetch: ask,
    headers: { accept: "application/graphql-response+json, application/json;q=0.9" },
    enableIncrementalDelivery: false,
  });

  if (settings.personas.length) showSwitcher();
  document.getElementById("docs").addEventListener("click", toggleDocs);
  ReactDOM.createRoot(document.getElementById("graphiql")).render(
    React.createElement(GraphiQL, {
      fetcher,
      defaultTabs: settings.tabs,
      defaultEditorToolsVisibility: "variables",
      storage: storage(),
      shouldPersistHeaders: false,
    }),
  );
})();
