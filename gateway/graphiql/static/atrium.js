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

  function worded({ path, backend, mode, ageMs }) {
    const age = ageMs ? `, ${(ageMs / 1000).toFixed(1)} s old` : "";
    return `degraded: ${Array.isArray(path) ? path.join(".") : path} (${backend}, ${mode}${age})`;
  }

  function report(viewer, response, answer, detail) {
    const errors = answer.errors?.length ?? 0;
    const parts = [`HTTP ${response.status}`, detail, `as ${viewer}`];
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
      response.clone().json().then((answer) => report(viewer, response, answer, `${milliseconds} ms`), () => {});
    }
    return response;
  }

  // Subscribing: answers come as server-sent events until somebody stops it

  async function* subscribe(params, options, signal) {
    const headers = new Headers({ ...options.headers, accept: "text/event-stream", "content-type": "application/json" });
    const viewer = identify(headers);
    const request = { method: "POST", body: JSON.stringify(params), headers, credentials: "omit", signal };
    try {
      const response = await fetch(settings.endpoint, request);
      let count = 0;
      for await (const answer of answersIn(response)) {
        count += 1;
        report(viewer, response, answer, plural(count, "event"));
        yield answer;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async function* answersIn(response) {
    if (!response.headers.get("content-type").startsWith("text/event-stream")) {
      yield await response.json();
      return;
    }
    let text = "";
    for await (const part of parts(response.body.pipeThrough(new TextDecoderStream()).getReader())) {
      const events = (text + part).split("\n\n");
      text = events.pop();
      for (const event of events) {
        if (event.startsWith("event: next\ndata: ")) yield JSON.parse(event.slice("event: next\ndata: ".length));
      }
    }
  }

  async function* parts(reader) {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  }

  function stoppable(begin) {
    const leaving = new AbortController();
    const answers = begin(leaving.signal);
    return {
      [Symbol.asyncIterator]() { return this; },
      next: () => answers.next(),
      return: () => {
        leaving.abort();
        return answers.return();
      },
    };
  }

  function subscribes({ operationName }, { documentAST }) {
    const asked = (each) => each.operation === "subscription" && (!operationName || each.name?.value === operationName);
    return documentAST?.definitions.some(asked) ?? false;
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

  const askOnce = GraphiQL.createFetcher({
    url: settings.endpoint,
    fetch: ask,
    headers: { accept: "application/graphql-response+json, application/json;q=0.9" },
    enableIncrementalDelivery: false,
  });

  function fetcher(params, options) {
    if (!subscribes(params, options)) return askOnce(params, options);
    return stoppable((signal) => subscribe(params, options, signal));
  }

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
