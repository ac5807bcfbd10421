// Dots that open a step, and keys: ← and → change the step, Escape leaves lecture mode.

// Elements that use the arrow keys themselves keep them while they have the focus.
const KEEPS_ARROWS = [
  'input:not([type="checkbox"], [type="button"])',
  "textarea",
  "select",
  "[contenteditable]",
  '[role="slider"]',
  '[role="radiogroup"]',
  '[role="radio"]',
  '[role="tablist"]',
  '[role="listbox"]',
  '[role="combobox"]',
  '[role="menu"]',
  '[role="grid"]',
].join(", ");
const STEPS_OF_KEYS = { ArrowLeft: -1, ArrowRight: 1 };
const listeners = new WeakMap();

function keepsArrows(event) {
  return event.composedPath().some((node) => node instanceof Element && node.matches(KEEPS_ARROWS));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const row = parentElement.querySelector("nav");
  const count = data.titles.length;
  let current = data.step; // ahead of the server when a key is pressed twice quickly

  const open = (step) => {
    if (step < 1 || step > count || step === current) return;
    current = step;
    setTriggerValue("step", step);
  };

  row.replaceChildren(
    ...data.titles.map((title, index) => {
      const dot = document.createElement("button");
      dot.type = "button";
      dot.title = title;
      dot.setAttribute("aria-label", `Step ${index + 1} of ${count}: ${title}`);
      if (index + 1 === data.step) dot.setAttribute("aria-current", "step");
      dot.onclick = () => open(index + 1);
      return dot;
    }),
  );

  const press = (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Escape" && data.lecture) setTriggerValue("leave", true);
    if (!(event.key in STEPS_OF_KEYS) || keepsArrows(event)) return;
    event.preventDefault();
    open(current + STEPS_OF_KEYS[event.key]);
  };
  document.removeEventListener("keydown", listeners.get(parentElement));
  listeners.set(parentElement, press);
  document.addEventListener("keydown", press);
  return () => document.removeEventListener("keydown", listeners.get(parentElement));
}
