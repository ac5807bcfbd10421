// The lesson: steps with a guess before each answer, all computed from the views in this file.

const [parts, digits] = JSON.parse(document.getElementById("views").textContent);
const [teachingMethod] = parts.methods;
const find = (name, value) => document.querySelector(`[data-${name}="${value}"]`);
const LIGHTING = "parts_lighting";
const BACKGROUND = "parts_background";
const CLEAR = 0.01; // smaller changes of AUROC count as none

function domainOf(view, name) {
  return view.domains.find((domain) => domain.name === name);
}

function say(name, text) {
  find("text", name).textContent = text;
}

// A histogram with a threshold of its own to move.
function addPanel(place, method, domain) {
  const box = document.createElement("div");
  box.className = "panel";
  box.innerHTML = '<p><span></span><b></b></p><p class="below"><span></span><span></span></p><label class="threshold-choice">Threshold <input type="range" step="any" /> <output></output></label>';
  const svg = makeHistogram(BINS, () => {});
  box.insertBefore(svg, box.children[1]);
  const panel = panelOf(method, domain, {});
  const all = Object.values(method.scores).map(([weakest]) => weakest);
  const edges = binEdges(all, BINS);
  const shares = [...KINDS.keys()].map((label) => binShares(panel.scores, panel.labels, label, edges));
  const [heading, below] = box.querySelectorAll("p");
  const slider = box.querySelector("input");
  heading.children[0].textContent = capitalise(domain.title);
  heading.children[1].textContent = aurocWords(panel);
  below.children[1].textContent = countWords(panel.labels);
  [slider.min, slider.max] = [edges[0], edges.at(-1)];
  slider.value = panel.threshold;
  const draw = () => {
    panel.threshold = Number(slider.value);
    below.children[0].textContent = errorWords(panel);
    box.querySelector("output").textContent = panel.threshold.toFixed(2);
    const description = `Scores ${domain.title}: ${aurocWords(panel)}, ${errorWords(panel)}`;
    drawHistogram(svg, { edges, shares, top: 1.05 * Math.max(...shares.flat()), threshold: panel.threshold, selected: null, description });
  };
  slider.addEventListener("input", draw);
  place.append(box);
  draw();
}

// A slider for a guess, and a button that reveals the answer; `compare` returns a sentence on the guess.
function askFor(name, { min, max, step, start, show, reveal }) {
  const place = find("guess", name);
  place.innerHTML = '<label>Your guess <input type="range" /> <output></output></label><button type="button">Reveal</button>';
  const [slider, output, button] = ["input", "output", "button"].map((kind) => place.querySelector(kind));
  Object.assign(slider, { min, max, step, value: start });
  const write = () => (output.textContent = show(Number(slider.value)));
  slider.addEventListener("input", write);
  button.addEventListener("click", () => {
    button.hidden = true;
    slider.disabled = true;
    find("answer", name).hidden = false;
    reveal(Number(slider.value));
  });
  write();
}

function teachShift() {
  const [usual, lit] = [inDistribution(parts), domainOf(parts, LIGHTING)].map((domain) => aurocOf(panelOf(teachingMethod, domain, {})));
  find("number", "usual").textContent = usual.toFixed(2);
  askFor("shift", {
    ...{ min: 0.5, max: 1, step: 0.01, start: usual.toFixed(2) },
    show: (value) => `AUROC ${value.toFixed(2)}`,
    reveal: (guess) => {
      say("shift", `You guessed ${guess.toFixed(2)}; it is ${lit.toFixed(2)}. Good nuts now look unusual, because the detector has never seen their shadows where they are now.`);
      [inDistribution(parts), domainOf(parts, LIGHTING)].forEach((domain) => addPanel(find("panel", "shift"), teachingMethod, domain));
    },
  });
}

function teachThreshold() {
  const { falseAlarms } = ratesOf(panelOf(teachingMethod, domainOf(parts, LIGHTING), {}));
  askFor("threshold", {
    ...{ min: 0, max: 100, step: 1, start: 10 },
    show: (value) => `${value} %`,
    reveal: (guess) => {
      say("threshold", `You guessed ${guess} %; it is ${percentWords(falseAlarms)}. The shift raises all scores, those of good nuts too.`);
      [LIGHTING, BACKGROUND].forEach((name) => addPanel(find("panel", "threshold"), teachingMethod, domainOf(parts, name)));
    },
  });
}

function teachMatching() {
  const place = document.querySelector("[data-channel]");
  const state = { own: [0.9, 1.4, 1.1, 2.6, 1.2, 1.0], reference: [0.1, 0.2, 0.3, 0.4, 0.5, 1.0], strength: 1 };
  place.innerHTML = '<div class="bank"></div><label>FDM strength α <input type="range" min="0" max="1" step="0.05" /> <output></output></label><div class="wide"><table><tbody></tbody></table></div>';
  const bank = place.querySelector(".bank");
  const slider = place.querySelector(".bank + label input");
  const draw = () => {
    const matched = match(state.own, state.reference, state.strength);
    const ranks = [];
    rankPositions(state.own).forEach((position, rank) => (ranks[position] = rank + 1));
    const rows = { "New image": state.own, Rank: ranks, "Normal image, sorted": ascending(state.reference), "After matching": matched, "Rank after matching": ranks };
    const makeRow = ([name, values]) => {
      const row = document.createElement("tr");
      row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: name }));
      row.append(...values.map((value) => Object.assign(document.createElement("td"), { textContent: name.includes("Rank") ? value : value.toFixed(2) })));
      row.className = name === "After matching" ? "own" : "";
      return row;
    };
    place.querySelector("tbody").replaceChildren(...Object.entries(rows).map(makeRow));
    place.querySelector(".bank + label output").textContent = state.strength.toFixed(2);
  };
  state.own.forEach((value, index) => {
    const label = document.createElement("label");
    label.innerHTML = '<input type="range" min="0" max="3" step="0.1" /><output></output>';
    const [input, output] = label.children;
    input.setAttribute("aria-label", `Value ${index + 1} of the new image`);
    input.value = value;
    output.textContent = value.toFixed(1);
    input.addEventListener("input", () => {
      state.own[index] = Number(input.value);
      output.textContent = state.own[index].toFixed(1);
      draw();
    });
    bank.append(label);
  });
  slider.value = state.strength;
  slider.addEventListener("input", () => {
    state.strength = Number(slider.value);
    draw();
  });
  draw();
}

// Each shifted domain with its AUROC before and after matching at full strength.
function effectsOf(view) {
  const [method] = view.methods;
  return shiftedDomains(view).map((domain) => ({
    title: `${view.title}, ${domain.title}`,
    before: aurocOf(panelOf(method, domain, {})),
    after: aurocOf(panelOf(method, domain, { strength: method.strengths.length - 1 })),
  }));
}

function teachEffect() {
  const effects = [parts, digits].flatMap(effectsOf);
  const lowered = effects.filter(({ before, after }) => after < before - CLEAR).map(({ title }) => title);
  find("number", "shifts").textContent = effects.length;
  askFor("effect", {
    ...{ min: 0, max: effects.length, step: 1, start: 0 },
    show: (value) => `${value} of ${effects.length}`,
    reveal: (guess) => {
      say("effect", `You guessed ${guess}; it is ${lowered.length} of ${effects.length}${lowered.length ? `: ${lowered.join("; ")}` : ""}. One seed and small test sets: differences of a few hundredths are within chance.`);
      document.querySelector("[data-effect]").append(drawEffects(effects));
    },
  });
}

function drawEffects(effects) {
  const [left, width, height] = [330, 640, 34];
  const across = (value) => left + ((value - 0.5) / 0.5) * (width - left - 40);
  const svg = makeShape("svg", { class: "chart", viewBox: `0 0 ${width} ${effects.length * height + 30}`, role: "img" });
  svg.setAttribute("aria-label", effects.map(({ title, before, after }) => `${title}: ${before.toFixed(2)} without, ${after.toFixed(2)} with FDM`).join("; "));
  const write = (text, attributes) => Object.assign(makeShape("text", attributes), { textContent: text });
  for (const value of [0.5, 0.75, 1]) {
    svg.append(makeShape("line", { class: "grid", x1: across(value), x2: across(value), y1: 0, y2: effects.length * height }));
    svg.append(write(value.toFixed(2), { class: "quiet", x: across(value), y: effects.length * height + 20, "text-anchor": "middle" }));
  }
  effects.forEach(({ title, before, after }, index) => {
    const y = (index + 0.5) * height;
    const direction = after >= before ? "raised" : "lowered";
    svg.append(write(title, { x: 0, y: y + 4 }));
    svg.append(makeShape("line", { class: `way ${direction}`, x1: across(before), x2: across(after), y1: y, y2: y }));
    svg.append(makeShape("circle", { class: "before", cx: across(before), cy: y, r: 6 }));
    svg.append(makeShape("circle", { class: direction, cx: across(after), cy: y, r: 6 }));
  });
  return svg;
}

// AUROC over the number of normal images adapted to; 0 is as it is.
function sizesOf(method, domain) {
  const adapted = (method.adapted[domain.name] ?? []).filter((part) => part.known_normal);
  const steps = adapted.map((part) => ({ size: part.size, panel: panelOf(method, domain, { adapt: keyOf(part) }) }));
  return [{ size: 0, panel: panelOf(method, domain, {}) }, ...steps.sort((one, other) => one.size - other.size)];
}

function drawSizes(view, domain) {
  const sizes = sizesOf(view.methods[0], domain);
  const usual = aurocOf(panelOf(view.methods[0], inDistribution(view), {}));
  const table = document.createElement("table");
  const rows = {
    "Normal images adapted to": sizes.map(({ size }) => size || "none"),
    AUROC: sizes.map(({ panel }) => aurocOf(panel).toFixed(2)),
    "False alarms": sizes.map(({ panel }) => percentWords(ratesOf(panel).falseAlarms)),
    Misses: sizes.map(({ panel }) => percentWords(ratesOf(panel).misses)),
    "n (normal)": sizes.map(({ panel }) => `${panel.labels.length} (${panel.labels.filter((label) => label === 0).length})`),
  };
  for (const [name, values] of Object.entries(rows)) {
    const row = table.insertRow();
    row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: name }));
    for (const value of values) row.insertCell().textContent = value;
    row.className = name === "AUROC" ? "own" : "";
  }
  const wide = document.createElement("div");
  wide.className = "wide";
  wide.append(table);
  document.querySelector("[data-sizes]").replaceChildren(wide);
  const most = sizes.at(-1);
  say("adapting", `${capitalise(domain.title)}, ${most.size} normal images take AUROC from ${aurocOf(sizes[0].panel).toFixed(2)} to ${aurocOf(most.panel).toFixed(2)}; without any shift it is ${usual.toFixed(2)}.`);
}

function teachAdapting() {
  const cases = [parts, digits].flatMap((view) => shiftedDomains(view).map((domain) => ({ view, domain })));
  const offered = cases.filter(({ view, domain }) => sizesOf(view.methods[0], domain).length > 1);
  const choice = find("choice", "adapting");
  choice.append(...offered.map(({ view, domain }, index) => new Option(`${view.title}, ${domain.title}`, index)));
  const draw = () => drawSizes(offered[choice.value].view, offered[choice.value].domain);
  choice.addEventListener("change", draw);
  draw();
}

// An explorer is made when its data set is first chosen.
function teachExploring() {
  const choice = find("choice", "explore");
  const views = [parts, digits];
  const roots = views.map(() => document.createElement("div"));
  choice.append(...views.map((view, index) => new Option(`${view.title}: ${view.task}`, index)));
  const draw = () => {
    const chosen = Number(choice.value);
    roots.forEach((root, index) => (root.hidden = index !== chosen));
    if (roots[chosen].childElementCount) return;
    roots[chosen].append(document.getElementById("explorer").content.cloneNode(true));
    startExplorer(roots[chosen], views[chosen]);
  };
  document.getElementById("explorers").append(...roots);
  choice.addEventListener("change", draw);
  draw();
}

addPanel(find("panel", "normal"), teachingMethod, inDistribution(parts));
teachShift();
teachThreshold();
teachMatching();
teachEffect();
teachAdapting();
teachExploring();
