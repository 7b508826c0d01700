// Both variants of the captcha's script; the address it was loaded from says which one and how it
// behaves: /recaptcha/(api|enterprise).js?render=SITE_KEY[&behaviour=NAME][&execute_ms=N].
(function () {
  "use strict";

  const source = new URL(document.currentScript.src);
  const render = source.searchParams.get("render");
  const behaviour = source.searchParams.get("behaviour");
  const executeMs = Number(source.searchParams.get("execute_ms") || 5);
  const variant = source.pathname.endsWith("/enterprise.js") ? "enterprise" : "v3";

  // With render=explicit the real script waits for a call of its `render` function; here an element
  // with a data-sitekey attribute is enough.
  function renderedKeys() {
    if (render && render !== "explicit") return [render];
    return Array.from(document.querySelectorAll("[data-sitekey]"), (element) =>
      element.getAttribute("data-sitekey"),
    );
  }

  async function mint(siteKey, action) {
    const response = await fetch("/recaptcha/token", {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ site_key: siteKey, action: action, variant: variant }),
    });
    if (!response.ok) throw new Error("reCAPTCHA: no token, HTTP " + response.status);
    return (await response.json()).token;
  }

  const outcomes = {
    execute_rejects: () => Promise.reject(new Error("reCAPTCHA error")),
    execute_hangs: () => new Promise(() => {}),
    execute_empty: () => Promise.resolve(""),
  };

  async function execute(siteKey, options) {
    if (!renderedKeys().includes(siteKey)) {
      throw new Error("Invalid site key or not loaded in api.js: " + siteKey);
    }
    await new Promise((resolve) => setTimeout(resolve, executeMs));
    return (outcomes[behaviour] || mint)(siteKey, (options && options.action) || "");
  }

  // The real script only queues what is given to `ready`; a second one, which it loads, adds
  // `execute` and works the queue off. So there is a moment at which `execute` does not exist.
  const waiting = [];
  let loaded = false;

  function ready(callback) {
    if (loaded) setTimeout(callback, 0);
    else waiting.push(callback);
  }

  const root = (window.grecaptcha = window.grecaptcha || {});
  const api = variant === "enterprise" ? (root.enterprise = root.enterprise || {}) : root;
  api.ready = ready;
  setTimeout(() => {
    api.execute = execute;
    if (behaviour === "ready_never") return;
    loaded = true;
    waiting.splice(0).forEach((callback) => callback());
  }, 0);
})();
