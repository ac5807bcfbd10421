// A method's score histograms in both domains, at the strength that the slider shows. The server gets the selected bars.

const SETTLED_MS = 250; // a selection that rests for so long is sent
const rows = new WeakMap(); // the root of a row → its panels, its selection, and what is about to be sent

function makeRow(root, { panels }) {
  const row = { selected: null, timer: null };
  row.panels = panels.map(({ edges }, side) => {
    const select = (bins) => row.select(bins && { side, bins });
    return makePanel(edges.length - 1, select, { shifted: Boolean(side) });
  });
  root.querySelector(".panels").replaceChildren(...row.panels.map(({ panel }) => panel));
  return row;
}

// The bins between two scores; the server keeps scores because other strengths have the same axis.
function binsBetween({ low, high }, edges) {
  const width = edges[1] - edges[0];
  return [Math.round((low - edges[0]) / width), Math.round((high - edges[0]) / width) - 1];
}

function describePanel({ name, titles }, side, { auroc, interval, errors }) {
  return `Scores of ${name}. ${titles[side]}: ${auroc} ${interval}, ${errors}. Arrow keys select bars, Shift and arrow keys extend the selection, Escape ends it.`;
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!rows.has(parentElement)) rows.set(parentElement, makeRow(parentElement, data));
  const row = rows.get(parentElement);
  const status = parentElement.querySelector("[role=status]");

  const draw = () => {
    const place = placeOfStrength(data);
    row.panels.forEach((drawn, side) => {
      const { edges, top, states, count } = data.panels[side];
      const state = states[Math.min(place, states.length - 1)];
      drawPanel(drawn, {
        ...state,
        ...{ edges, top, count, title: data.titles[side] },
        selected: row.selected?.side === side ? row.selected.bins : null,
        description: describePanel(data, side, state),
      });
    });
  };
  const send = () => {
    row.timer = null;
    if (!row.selected) return setTriggerValue("selected", {});
    const { side, bins: [first, last] } = row.selected;
    const { edges } = data.panels[side];
    const strength = data.strengths[placeOfStrength(data)];
    return setTriggerValue("selected", { shifted: side, strength, low: edges[first], high: edges[last + 1] });
  };
  row.select = (selected) => {
    row.selected = selected;
    clearTimeout(row.timer);
    row.timer = setTimeout(send, SETTLED_MS);
    draw();
    if (!selected) status.textContent = "No bars selected";
    else {
      const [first, last] = selected.bins;
      const { edges } = data.panels[selected.side];
      status.textContent = `Selected: scores ${edges[first].toFixed(2)} to ${edges[last + 1].toFixed(2)}`;
    }
  };
  if (row.timer === null) {
    const [selected] = data.selected;
    row.selected = selected && { side: selected.shifted, bins: binsBetween(selected, data.panels[selected.shifted].edges) };
  }
  return followStrength(parentElement, draw);
}
