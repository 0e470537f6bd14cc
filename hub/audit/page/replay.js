// Makes a slider of the links to each moment. Without it the links, the list and the form for a day do the same.
(() => {
  "use strict";
  const form = document.getElementById("slider");
  const slider = document.getElementById("stop");
  if (!form || !slider) return;
  const told = document.getElementById("stop-text");
  const names = [...document.querySelectorAll("#stops option")].map((option) => option.label);
  let asked = 0;
  let waiting;

  const name = () => {
    slider.setAttribute("aria-valuetext", names[slider.value]);
    told.value = names[slider.value];
  };

  const show = async () => {
    const mine = ++asked;
    const address = new URL(location.href);
    address.searchParams.delete("at");
    address.searchParams.set("stop", slider.value);
    let text;
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      text = await answer.text();
    } catch {
      location.assign(address); // signed out, or not on record: the page says so
      return;
    }
    if (mine !== asked) return; // moved on meanwhile
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const id of ["state", "steps"]) document.getElementById(id).replaceWith(page.getElementById(id));
    document.getElementById("said").textContent = page.getElementById("said").textContent; // stays, so that it is read out
    history.replaceState(null, "", address);
  };

  slider.addEventListener("input", () => {
    name();
    clearTimeout(waiting);
    waiting = setTimeout(show, 200);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
})();
