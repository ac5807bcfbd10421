// The table of methods; a click on a column notifies the server, which sorts by it. The focus is kept.

export default function({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".wide");
  const focused = parentElement.activeElement?.dataset?.column;
  place.innerHTML = data.table;
  place.setAttribute("aria-label", data.name);
  for (const button of place.querySelectorAll("button")) {
    button.onclick = () => setTriggerValue("column", button.dataset.column);
    if (button.dataset.column === focused) button.focus();
  }
}
