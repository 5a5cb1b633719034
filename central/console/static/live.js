// The page is alive, or says that it is not: one stream, a watchdog and ages, all on performance.now().
// The browser's wall clock is never read.  Without a beat for 25 s the page is stale, whatever failed.
(function () {
  "use strict";
  var STALE_MS = 25000, TICK_MS = 500, RETRY_FIRST_MS = 500, RETRY_MAX_MS = 60000;
  var body = document.body, url = body.dataset.live, title = document.title;
  var timing = performance.getEntriesByType("navigation")[0];
  var loaded = timing && timing.responseStart ? timing.responseStart : 0;
  var born = new WeakMap(), lastBeat = loaded, retry = RETRY_FIRST_MS, source = null, opening = 0;

  function pad(number) { return number < 10 ? "0" + number : String(number); }

  // The same words as present.age_text; a test holds the two together.
  function ageText(ms) {
    if (ms < 9950) { return (Math.floor(ms / 100 + 0.5) / 10).toFixed(1) + " s"; }
    var s = Math.floor((ms + 500) / 1000);
    if (s < 60) { return s + " s"; }
    if (s < 3600) { return Math.floor(s / 60) + " min " + pad(s % 60) + " s"; }
    if (s < 86400) { return Math.floor(s / 3600) + " h " + pad(Math.floor(s % 3600 / 60)) + " min"; }
    return Math.floor(s / 86400) + " d " + Math.floor(s % 86400 / 3600) + " h";
  }

  function ageOf(element, now) {
    if (!born.has(element)) { born.set(element, loaded); }
    return Number(element.dataset.ageMs) + now - born.get(element);
  }

  function advance(now) {
    document.querySelectorAll(".age[data-age-ms]").forEach(function (element) {
      if (element.id === "stale-age") { return; }
      var ms = ageOf(element, now), text = ageText(ms);
      if (element.textContent !== text) { element.textContent = text; }
      if (element.dataset.maxMs && ms > Number(element.dataset.maxMs)) { grow(element, text); }
    });
  }

  // A value that grows too old on the page is marked on the page; it never waits for the server.
  function grow(element, text) {
    var row = element.closest(".point");
    if (!row || row.classList.contains("bad") || row.classList.contains("never")) { return; }
    row.classList.add("stale", "hatched");
    var value = row.querySelector(".value"), mark = row.querySelector(".mark");
    if (!mark && value) {
      mark = document.createElement("span");
      mark.className = "mark";
      value.append(" ", mark);
    }
    if (mark) { mark.textContent = "⌀ " + text; }
  }

  function stale(now) {
    var is = Boolean(url) && now - lastBeat > STALE_MS, banner = document.getElementById("stale");
    if (is !== body.classList.contains("stale")) {
      body.classList.toggle("stale", is);
      banner.hidden = !is;
      document.title = is ? "⌀ " + title : title;
      if (is) { reopen(); }
    }
    if (is) { document.getElementById("stale-age").textContent = ageText(now - lastBeat); }
  }

  function alive() { lastBeat = performance.now(); retry = RETRY_FIRST_MS; stale(lastBeat); }

  function keepFocus(old, fresh) {
    var active = document.activeElement;
    if (!active || !old.contains(active)) { return null; }
    var links = Array.prototype.indexOf.call(old.querySelectorAll("a, button, select"), active);
    return links < 0 ? null : fresh.querySelectorAll("a, button, select")[links];
  }

  // Fragments are whole blocks with ids; parsed as a document, so that nothing in them runs.
  function swap(html) {
    var now = performance.now(), parsed = new DOMParser().parseFromString(html, "text/html");
    Array.prototype.slice.call(parsed.body.children).forEach(function (child) {
      var old = child.id && document.getElementById(child.id);
      if (!old) { return; }
      var fresh = document.importNode(child, true), focus = keepFocus(old, fresh);
      fresh.querySelectorAll(".age[data-age-ms]").forEach(function (each) { born.set(each, now); });
      old.replaceWith(fresh);
      if (focus) { focus.focus({ preventScroll: true }); }
    });
    advance(now);
  }

  function asOf(data) {
    var shown = document.getElementById("asof"), said = JSON.parse(data);
    if (shown && said.as_of) { shown.textContent = said.as_of; }
    if (said.language && said.language !== body.parentElement.lang.slice(0, 2)) { location.reload(); }
  }

  // Fetch the page anew and take over every block that has an id in <main>.
  function resync() {
    fetch(location.href, { headers: { Accept: "text/html" } }).then(function (answer) {
      return answer.ok ? answer.text() : "";
    }).then(function (text) {
      if (!text) { return; }
      var parsed = new DOMParser().parseFromString(text, "text/html");
      parsed.querySelectorAll("main section[id]").forEach(function (block) { swap(block.outerHTML); });
    }).catch(function () { /* the watchdog says so */ });
  }

  function open() {
    opening = 0;
    source = new EventSource(url);
    source.onmessage = function (event) { alive(); swap(event.data); };
    source.addEventListener("beat", function (event) { alive(); asOf(event.data); });
    source.addEventListener("resync", function () { alive(); resync(); });
    source.onerror = function () { if (source.readyState === EventSource.CLOSED) { reopen(); } };
  }

  function reopen() {
    if (source) { source.close(); }
    if (opening) { return; }
    opening = setTimeout(open, retry * (0.85 + 0.3 * Math.random()));
    retry = Math.min(retry * 2, RETRY_MAX_MS);
  }

  setInterval(function () {
    var now = performance.now();
    advance(now);
    stale(now);
    if (body.classList.contains("stale") && !opening) { reopenLater(now); }
  }, TICK_MS);

  var triedAt = 0;
  function reopenLater(now) {
    if (now - triedAt > retry) { triedAt = now; reopen(); }
  }

  window.addEventListener("pagehide", function () { if (source) { source.close(); } });
  window.addEventListener("pageshow", function (event) { if (event.persisted && url) { reopen(); } });
  if (url && "EventSource" in window) { open(); }
  window.yujingAgeText = ageText;
})();
