// Security keys and passkeys (WebAuthn): signing in with one, and registering one. The routes are those of the API.
// What needs this script is hidden without it; the way with password and code stays.
(() => {
  "use strict";
  const able = window.PublicKeyCredential && PublicKeyCredential.parseCreationOptionsFromJSON;

  // The answer of a route of this host, or an Error that has its status.
  async function ask(path, body) {
    const answer = await fetch(path, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw Object.assign(new Error(path), { status: answer.status });
    return answer.json();
  }

  async function signIn(form) {
    const account = document.getElementById("account").value.trim();
    const begun = await ask("/v1/session/authenticator", { account });
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(begun.options);
    const given = await navigator.credentials.get({ publicKey });
    const body = { ticket: begun.ticket, answer: given.toJSON(), cookie: true };
    await ask("/v1/session/authenticator/finish", body);
    location.assign("/console/signed-in?next=" + encodeURIComponent(form.dataset.next));
  }

  async function register(form) {
    const label = form.querySelector("[name=label]").value.trim();
    const begun = await ask("/v1/authenticators", {});
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(begun.options);
    const made = await navigator.credentials.create({ publicKey });
    await ask("/v1/authenticators/finish", { ticket: begun.ticket, answer: made.toJSON(), label });
    location.reload();
  }

  function use(form, work, ready) {
    if (!form || !able) return;
    form.hidden = false;
    const told = form.querySelector("[role=alert]");
    const button = form.querySelector("button");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      told.hidden = true;
      const wrong = ready();
      if (wrong) {
        wrong.focus();
        wrong.reportValidity();
        return;
      }
      button.disabled = true;
      try {
        await work(form);
      } catch (error) {
        const kind = error.name === "InvalidStateError" ? "known"
          : error.status === 403 ? "old" : error.status >= 429 ? "busy" : "failed";
        told.textContent = form.dataset[kind] || form.dataset.failed;
        told.hidden = false;
        button.disabled = false;
        button.focus();
      }
    });
  }

  use(document.getElementById("with-authenticator"), signIn, () => {
    const account = document.getElementById("account");
    return account.value.trim() ? null : account;
  });
  use(document.getElementById("register"), register, () => {
    const label = document.getElementById("label");
    return label.checkValidity() ? null : label;
  });
})();
