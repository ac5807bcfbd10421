// Matching by hand: two banks of sliders, a strength, and the result of Eq. 1, redrawn while the sliders move.

function ranksOf(values) {
  const ranks = [];
  rankPositions(values).forEach((position, rank) => (ranks[position] = rank + 1));
  return ranks;
}

const format = (value) => value.toFixed(1).replace("-", "−");

// Each number by position: a ring before, a dot after, a line between them; below, rank and result.
function drawPlaces(plot, values, matched, height, width) {
  const count = values.length;
  plot.setAttribute("viewBox", `0 0 ${width} ${HEIGHT + 36}`);
  plot.setAttribute("aria-label", `After matching: ${matched.map(format).join(", ")}`);
  plot.replaceChildren(
    ...values.flatMap((value, index) => {
      const x = across(index, count, width);
      const [from, to] = [height(value), height(matched[index])];
      return [
        shape("line", { x1: x, x2: x, y1: from, y2: to, class: "way" }),
        shape("circle", { cx: x, cy: from, r: 5, class: "before" }),
        shape("circle", { cx: x, cy: to, r: 5, class: "after" }),
        shape("text", { x, y: HEIGHT + 10 }, `${ranksOf(values)[index]}`),
        shape("text", { x, y: HEIGHT + 28, class: "after" }, format(matched[index])),
      ];
    }),
  );
}

function fillBank(bank, numbers, { low, high, step, name, changed }) {
  while (bank.children.length < numbers.length) {
    const index = bank.children.length;
    const cell = document.createElement("label");
    const [slider, number] = [document.createElement("input"), document.createElement("output")];
    Object.assign(slider, { type: "range", min: low, max: high, step });
    slider.setAttribute("aria-label", `${name} ${index + 1} of ${numbers.length}`);
    cell.append(slider, number);
    bank.append(cell);
  }
  [...bank.children].forEach((cell, index) => {
    const [slider, number] = cell.children;
    slider.oninput = () => changed(index, Number(slider.value));
    if (Number(slider.value) !== numbers[index]) slider.value = numbers[index];
    number.textContent = format(numbers[index]);
  });
}

export default function ({ data, parentElement }) {
  const find = (part) => parentElement.querySelector(`[data-part="${part}"]`);
  const kept = readKept();
  const state = kept?.values?.length === data.values.length ? kept : structuredClone(data);

  const draw = () => {
    const matched = match(state.values, state.reference, state.strength);
    const { low, high, step } = data;
    for (const [part, name] of Object.entries({ values: "Own value", reference: "Reference value" })) {
      const changed = (index, value) => {
        state[part][index] = value;
        keep();
      };
      fillBank(find(part), state[part], { low, high, step, name, changed });
    }
    find("strength").value = state.strength;
    find("strength-value").textContent = state.strength.toFixed(2);
    drawPlaces(find("places"), state.values, matched, heights([low, high]), 420);
    drawSorted(find("sorted"), state.values, matched, state.reference, 300);
    find("result").textContent = JSON.stringify(matched);
  };
  const keep = () => {
    sessionStorage.setItem(KEPT, JSON.stringify(state));
    document.dispatchEvent(new Event(MOVED));
    draw();
  };
  find("strength").oninput = (event) => {
    state.strength = Number(event.target.value);
    keep();
  };
  find("again").onclick = () => {
    Object.assign(state, structuredClone(data));
    keep();
  };
  draw();
}
