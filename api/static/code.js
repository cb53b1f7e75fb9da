// The next code in its place after a minute, and what a code was used for as soon as it is.
// Without script the page loads itself again each minute.
const EVERY_SECONDS = 4;

let section = document.getElementById("member-code");
let shownAt = performance.now();
let askedAt = shownAt;
let isBusy = false;
let bar = null;

function begin() {
  shownAt = performance.now();
  bar = null;
  if (section.dataset.next === undefined) return;
  bar = document.createElement("progress");
  bar.max = Number(section.dataset.seconds);
  bar.setAttribute("aria-label", section.dataset.waiting);
  section.querySelector(".digits").after(bar);
}

async function next() {
  const answer = await fetch(section.dataset.next);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.getElementById("member-code");
  if (!answer.ok || answer.redirected || found === null) {
    location.assign("/portal/code");
    return;
  }
  const hasFocus = section.contains(document.activeElement);
  section.replaceWith(found);
  section = found;
  if (hasFocus) section.querySelector("a").focus();
  document.getElementById("code-told").replaceChildren(...page.getElementById("code-told").childNodes);
  begin();
}

async function isUsed() {
  const answer = await fetch("/portal/code/used");
  if (!answer.ok || answer.redirected) return false;
  return ((await answer.json()).used ?? "") !== section.dataset.used;
}

function sayOffline() {
  if (section.querySelector(".offline") !== null) return;
  const said = document.createElement("p");
  said.className = "said wrong offline";
  said.setAttribute("role", "alert");
  said.textContent = section.dataset.offline;
  section.prepend(said);
}

async function tick() {
  if (isBusy || document.hidden || section.dataset.next === undefined) return;
  const now = performance.now();
  const seconds = (now - shownAt) / 1000;
  if (bar !== null) bar.value = Math.max(bar.max - seconds, 0);
  if (seconds < Number(section.dataset.seconds) && now - askedAt < EVERY_SECONDS * 1000) return;
  isBusy = true;
  askedAt = now;
  try {
    if (seconds >= Number(section.dataset.seconds) || await isUsed()) await next();
    section.querySelector(".offline")?.remove();
  } catch {
    sayOffline();
  }
  isBusy = false;
}

begin();
setInterval(tick, 500);
document.addEventListener("visibilitychange", tick);
