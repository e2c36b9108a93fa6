// Keeps an open page fresh: asks this host for it again and puts in what has changed, part by part.
"use strict";

(() => {
  const body = document.body, status = document.getElementById("fresh");
  const clock = () => new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  const known = new Map(parts(document).map(part => [part.dataset.part, part.outerHTML]));
  let last = clock();

  function parts(page) {
    return [...page.querySelectorAll("[data-part]")];
  }

  function focusable(part) {
    return [...part.querySelectorAll("a, summary, [tabindex]")];
  }

  // A picture that is shown before it is there would flicker.
  function loaded(part) {
    return Promise.allSettled([...part.querySelectorAll("img")].map(image => image.decode()));
  }

  async function replace(old, next) {
    const markup = next.outerHTML, name = next.dataset.part;
    if (known.get(name) === markup) return false;
    // Made in this document: one parsed apart from any screen would ask for the pictures of a screen without width.
    const adopted = document.createRange().createContextualFragment(markup).firstElementChild;
    for (const details of old.querySelectorAll("details[open]")) {
      const same = adopted.querySelector(`#${CSS.escape(details.id)}`);
      if (same) same.open = true;
    }
    await loaded(adopted);
    const scrolled = [...old.querySelectorAll(".scroll")].map(box => box.scrollLeft);
    const focused = focusable(old).indexOf(document.activeElement);
    old.replaceWith(adopted);
    if (focused >= 0) focusable(adopted)[focused]?.focus({ preventScroll: true });
    adopted.querySelectorAll(".scroll").forEach((box, place) => { box.scrollLeft = scrolled[place] ?? 0; });
    known.set(name, markup);
    return true;
  }

  async function refresh() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (new URL(answer.url).pathname !== location.pathname) return location.reload();
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = parts(page), held = new Map(parts(document).map(part => [part.dataset.part, part]));
    // The first event makes another page of an empty one.
    if (fresh.length !== held.size) return location.reload();
    const changed = await Promise.all(fresh.map(part => replace(held.get(part.dataset.part), part)));
    body.dataset.refresh = page.body.dataset.refresh;
    last = clock();
    if (changed.some(Boolean) || body.classList.contains("stale")) status.textContent = body.dataset.fresh.replace("{time}", last);
    body.classList.remove("stale");
  }

  async function again() {
    if (!document.hidden) {
      try {
        await refresh();
      } catch {
        body.classList.add("stale");
        status.textContent = body.dataset.stale.replace("{time}", last);
      }
    }
    wait();
  }

  function wait() {
    setTimeout(again, 1000 * Number(body.dataset.refresh));
  }

  wait();
})();
