// The explorer: choices, a sentence, a pair of histograms per method, and the images of selected bars.

const BINS = 40;
const SHOWN = 12;
const START = { domain: 0, strength: 0, adapt: "", scale: "training", thresholds: {}, selected: null, shown: SHOWN };

// The elements of a method. `onSelect` gets a side and its selected bars, `onThreshold` a threshold.
function makeMethod(method, { onSelect, onThreshold }) {
  const section = document.createElement("div");
  section.className = "method";
  section.innerHTML = '<h2></h2><div class="panels"></div><label class="threshold-choice"><span></span><input type="range" step="any" /></label>';
  section.querySelector("h2").textContent = method.name;
  const panels = [0, 1].map((side) => makePanel(BINS, (bins) => onSelect(side, bins), { shifted: Boolean(side) }));
  section.querySelector(".panels").append(...panels.map(({ panel }) => panel));
  const slider = section.querySelector("input");
  slider.addEventListener("input", () => onThreshold(Number(slider.value)));
  return { section, panels, slider, words: section.querySelector(".threshold-choice span") };
}

// Both panels of a method share their bins, unless standardised maps give the shifted one another unit.
function edgesOf(method, [base, domain], panel, side) {
  if (side && panel.adapted?.standardised) return binEdges([panel.scores, [panel.threshold]], BINS);
  const parts = [method.scores[base.name], method.scores[domain.name]].flat();
  const others = (method.adapted[domain.name] ?? []).filter((one) => !one.standardised).map((one) => one.scores);
  return binEdges([...parts, ...others, method.thresholds], BINS);
}

function describePanel(method, [base, domain], panel, side) {
  const title = side ? capitalise(domain.title) + (panel.adapted ? " (adapted)" : "") : `In-distribution: ${base.title}`;
  const [areaWords, errors] = [aurocWords(panel), errorWords(panel)];
  const description = `Scores of ${method.name}. ${title}: ${areaWords}, ${errors}. Arrow keys select bars, Escape clears.`;
  return { title, auroc: areaWords, errors, count: countWords(panel.labels), description };
}

// `own` is the threshold that was chosen, if any; `selected` are the selected bars, if they are of this method.
function drawMethod(drawn, method, domains, { state, own, selected }) {
  const panels = domains.map((one) => panelOf(method, one, state));
  const edges = panels.map((panel, side) => edgesOf(method, domains, panel, side));
  const moved = panels[1].adapted ? [1] : [0, 1]; // after adapting, the shifted domain has a threshold of its own
  if (own !== undefined) for (const side of moved) panels[side].threshold = own;
  const shares = panels.map(({ scores, labels }, side) => [...KINDS.keys()].map((label) => binShares(scores, labels, label, edges[side])));
  const top = 1.05 * Math.max(...shares.flat(2));
  panels.forEach((panel, side) => {
    drawPanel(drawn.panels[side], {
      ...describePanel(method, domains, panel, side),
      edges: edges[side],
      shares: shares[side],
      top,
      threshold: panel.threshold,
      selected: selected?.side === side ? selected.bins : null,
    });
  });
  [drawn.slider.min, drawn.slider.max] = [edges[1][0], edges[1].at(-1)];
  drawn.slider.value = panels[1].threshold;
  drawn.words.textContent = `Threshold ${panels[1].threshold.toFixed(3)}${own === undefined ? thresholdSource(panels[1]) : ""}`;
  return { panels, edges };
}

function thresholdSource({ adapted }) {
  return adapted ? ", recalibrated on the images adapted to" : ", chosen on normal training images";
}

// The images of the selected bars, highest score first; without a selection the worst mistakes of the first method.
function chosenImages(results, selected) {
  const { method, side, bins } = selected ?? { method: 0, side: 1, bins: null };
  const { panels, edges } = results[method];
  const { scores, rows, labels } = panels[side];
  const all = scores.map((score, at) => ({ row: rows[at], score, label: labels[at] })).sort((one, other) => other.score - one.score);
  if (bins) {
    const inside = ({ score }) => binOf(score, edges[side]) >= bins[0] && binOf(score, edges[side]) <= bins[1];
    return { method, side, images: all.filter(inside) };
  }
  if (labels.includes(-1)) return { method, side, images: all.slice(0, SHOWN) };
  const alarms = all.filter(({ label }) => label === 0).slice(0, SHOWN / 2);
  const misses = all.filter(({ label }) => label === 1).slice(-SHOWN / 2);
  return { method, side, images: [...alarms, ...misses] };
}

function galleryTitle(images, selected) {
  if (selected) return images.length === 1 ? "1 image of the selected bars" : `${images.length} images of the selected bars`;
  return images.some(({ label }) => label === -1) ? "Images that score highest" : "Normal images that score highest, and anomalous ones that score lowest";
}

// Maps are stored at the weakest and the greatest strength only.
function mapWords(method, strength, adapted) {
  if (adapted) return "; maps without adapting";
  return strength ? `; maps at α = ${method.strengths.at(-1)}` : "; maps without matching";
}

function makeProvenance(method) {
  const line = document.createElement("p");
  const code = document.createElement("code");
  code.textContent = method.command;
  line.append(`${method.name}: ${method.origin} · reproduce: `, code);
  return line;
}

function fillViewChoices(part, view, strengths) {
  const adaptations = adaptationsOf(view);
  part("domain").append(...shiftedDomains(view).map(({ title }, index) => new Option(title, index)));
  part("adapt").append(new Option("as it is", ""), ...adaptations.map((key) => new Option(adaptationWords(key), key)));
  part("adapt-choice").hidden = !adaptations.length;
  part("strength").max = strengths.length - 1;
  part("strength-choice").hidden = strengths.length < 2;
}

function listenToViewChoices(part, change) {
  part("domain").addEventListener("change", (event) => change({ domain: Number(event.target.value), thresholds: {}, selected: null, shown: SHOWN }));
  part("strength").addEventListener("input", (event) => change({ strength: Number(event.target.value), thresholds: {} }));
  part("adapt").addEventListener("change", (event) => change({ adapt: event.target.value, thresholds: {}, selected: null }));
  part("scale").addEventListener("change", (event) => change({ scale: event.target.value }));
  part("reset").addEventListener("click", () => change(START));
}

function drawViewChoices(part, state, strengths) {
  part("domain").value = state.domain;
  part("strength").value = state.strength;
  part("strength").disabled = Boolean(state.adapt);
  part("strength-value").textContent = strengths[state.strength] || "off";
  part("adapt").value = state.adapt;
  part("scale").value = state.scale;
}

// Fill `root`, which has the elements of explorer.html. `onChange` gets the state whenever something is chosen.
function startExplorer(root, view, { start = {}, onChange = () => {} } = {}) {
  const part = (name) => root.querySelector(`.${name}`);
  const strengths = view.methods.map((method) => method.strengths).reduce((one, other) => (other.length > one.length ? other : one));
  const colours = readColours(view.colours);
  const pictures = new Map(); // URL → promise of a picture
  let state = { ...START, ...start };
  const domainsNow = () => [inDistribution(view), shiftedDomains(view)[state.domain]];

  function change(choices) {
    state = { ...state, ...choices };
    draw();
    onChange(state);
  }

  function startMethod(method, index) {
    const drawn = makeMethod(method, {
      onSelect: (side, bins) => change({ selected: bins && { method: index, side, bins }, shown: SHOWN }),
      onThreshold: (threshold) => change({ thresholds: { ...state.thresholds, [index]: threshold } }),
    });
    part("methods").append(drawn.section);
    return drawn;
  }

  function pictureOf(url) {
    if (!pictures.has(url)) pictures.set(url, loadPicture(url));
    return pictures.get(url);
  }

  async function drawGallery(results) {
    const { method: index, side, images } = chosenImages(results, state.selected);
    const [method, domain] = [view.methods[index], domainsNow()[side]];
    const { adapted } = results[index].panels[side];
    const strength = adapted ? 0 : Math.min(state.strength, method.strengths.length - 1);
    const maps = method.maps[domain.name]?.[strength ? 1 : 0];
    part("gallery-title").textContent = `${galleryTitle(images, state.selected)}, ${method.name}${maps ? mapWords(method, strength, adapted) : ""}`;
    part("more").hidden = images.length <= state.shown;
    part("scale-choice").hidden = !maps;
    const upper = state.scale === "domain" ? maps?.brightest : method.map_scale;
    const tiles = images.slice(0, state.shown).map(({ row, score, label }) => ({ row, ...makeTile({ name: domain.names[row], label, score }, maps) }));
    const [picture, sheet] = await Promise.all([pictureOf(domain.pictures.url), maps && pictureOf(maps.sprite.url)]);
    for (const { row, image, map } of tiles) {
      cutTile(image, picture, domain.pictures, row);
      if (map) colourTile(cutTile(map, sheet, maps.sprite, row), colours, maps.brightest, upper);
    }
    part("gallery").replaceChildren(...tiles.map(({ item }) => item));
  }

  function draw() {
    const { thresholds, selected } = state;
    const domains = domainsNow();
    part("story").textContent = tell(view, domains[1], state);
    drawViewChoices(part, state, strengths);
    const results = view.methods.map((method, index) => {
      const own = selected?.method === index ? selected : null;
      return drawMethod(drawnMethods[index], method, domains, { state, own: thresholds[index], selected: own });
    });
    drawGallery(results);
  }

  fillViewChoices(part, view, strengths);
  listenToViewChoices(part, change);
  part("more").addEventListener("click", () => change({ shown: state.shown + SHOWN }));
  const drawnMethods = view.methods.map(startMethod);
  part("provenance").replaceChildren(...view.methods.map(makeProvenance));
  draw();
}
