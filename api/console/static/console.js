// The console's own script: warns before the session ends, hides the page at its end, and moves the focus to
// what was replaced.
// Pages work without it.
(() => {
  "use strict";
  const WARN_S = 120;
  const warning = document.getElementById("session-warning");
  if (!warning) return;
  const idle = Number(document.body.dataset.idle);
  const over = Date.now() + 1000 * Number(document.body.dataset.left);
  let ends = 0;
  let timers = [];

  // No request is made here: it would be a use of the session, and so keep it open for ever.
  function hidePage() {
    warning.hidden = true;
    document.querySelectorAll("body > header, body > main, body > footer, body > .skip")
      .forEach((part) => { part.hidden = true; });
    const ended = document.getElementById("session-over");
    ended.hidden = false;
    ended.focus();
  }

  function used() {
    timers.forEach(clearTimeout);
    warning.hidden = true;
    ends = Math.min(over, Date.now() + 1000 * idle);
    timers = [
      setTimeout(() => { warning.hidden = false; }, Math.max(0, ends - Date.now() - 1000 * WARN_S)),
      setTimeout(hidePage, Math.max(1000, ends - Date.now() + 1000)),
    ];
  }

  document.getElementById("stay").addEventListener("click", async () => {
    const answer = await fetch("/console/session", { credentials: "same-origin", redirect: "manual" });
    if (answer.status === 204) used();
    else location.reload();
  });
  // What is wrong came with the results alone: it is told at its field, as a whole page has it.
  function markWrong(results) {
    for (const old of document.querySelectorAll("form.search [aria-invalid]")) {
      old.removeAttribute("aria-invalid");
      document.getElementById(`wrong-${old.name}`)?.remove();
    }
    const field = results.dataset.wrong && document.getElementById(`f-${results.dataset.wrong}`);
    if (!field) return null;
    const told = document.createElement("span");
    told.id = `wrong-${field.name}`;
    told.className = "error";
    told.textContent = results.querySelector("[role=alert]").textContent;
    field.after(told);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${told.id} ${field.name}-help`);
    const folded = field.closest("details");
    if (folded) folded.open = true;
    return field;
  }
  document.addEventListener("htmx:after:request", used);
  document.addEventListener("htmx:after:swap", () => {
    const results = document.getElementById("results");
    if (results) (markWrong(results) || results).focus();
  });
  used();
})();
