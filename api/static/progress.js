// Brings an import's progress up to date without loading the page anew; without script the page reloads itself.
"use strict";
(() => {
  const PAUSE_MILLISECONDS = 1500;
  const update = async () => {
    const shown = document.getElementById("progress");
    try {
      const answer = await fetch(location.pathname, { credentials: "same-origin", redirect: "error" });
      const read = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = read.getElementById("progress");
      if (fresh === null) return;
      if (fresh.dataset.open === undefined) {
        location.reload();
        return;
      }
      shown.replaceChildren(...fresh.childNodes);
    } catch {
      // The line was lost for a moment: the next round asks again.
    }
    setTimeout(update, PAUSE_MILLISECONDS);
  };
  setTimeout(update, PAUSE_MILLISECONDS);
})();
