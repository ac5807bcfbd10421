// The page: choices, a sentence, a pair of histograms per method, and the images of selected bars.

const view = JSON.parse(document.getElementById("view").textContent);
const [base, ...shifted] = view.domains;
const BINS = 40;
const SHOWN = 12;
const START = { domain: 0, strength: 0, adapt: "", scale: "training", thresholds: {}, selected: null, shown: SHOWN };
const colours = readColours(view.colours);
const pictures = new Map(); // URL → promise of a picture
const byId = (id) => document.getElementById(id);
let state = { ...START, ...readAddress() };

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const domain = shifted.findIndex((one) => one.name === given.get("domain"));
  const strength = Math.round(Number(given.get("strength")));
  const strengths = Math.max(...view.methods.map((method) => method.strengths.length));
  return {
    ...(domain >= 0 && { domain }),
    ...(strength > 0 && strength < strengths && { strength }),
    ...(adaptations().includes(given.get("adapt")) && { adapt: given.get("adapt") }),
  };
}

function writeAddress() {
  const domain = shifted[state.domain]?.name ?? "";
  const words = new URLSearchParams({ domain, strength: state.strength, adapt: state.adapt });
  history.replaceState(null, "", `#${words}`);
}

function adaptations() {
  const parts = view.methods.flatMap((method) => Object.values(method.adapted).flat());
  const keys = [...new Set(parts.map(keyOf))];
  return keys.sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
}

function keyOf(part) {
  return `${part.known_normal ? "normal" : "unlabelled"}-${part.size}`;
}

function adaptationWords(key) {
  const [kind, size] = key.split("-");
  return `from ${size} ${kind === "normal" ? "normal " : ""}image${size === "1" ? "" : "s"}`;
}

function strengthOf(method) {
  return Math.min(state.strength, method.strengths.length - 1);
}

// What a panel shows: scores and labels of the same images, their positions in the domain, and the threshold.
function panelOf(method, domain, { strength = strengthOf(method), adapt = state.adapt } = {}) {
  const adapted = domain === base ? undefined : method.adapted[domain.name]?.find((part) => keyOf(part) === adapt);
  const own = adapted ? adapted.scores : method.scores[domain.name][strength];
  const rows = adapted ? adapted.rows : own.map((_, index) => index);
  const threshold = adapted ? adapted.threshold : method.thresholds[strength];
  return { scores: own, rows, labels: rows.map((row) => domain.labels[row]), threshold, adapted };
}

function percentWords(share) {
  return share === null ? "–" : `${Math.round(100 * share)} %`;
}

function aurocWords(panel) {
  const value = auroc(panel.scores, panel.labels);
  return value === null ? "no AUROC" : `AUROC ${value.toFixed(2)}`;
}

function changeWords(before, after) {
  if (Math.abs(after - before) < 0.005) return `leaves it at ${after.toFixed(2)}`;
  return `${after > before ? "raises" : "lowers"} it to ${after.toFixed(2)}`;
}

// The whole story of the first method, whatever is chosen below it.
function tell(method, domain) {
  const plain = panelOf(method, domain, { strength: 0, adapt: "" });
  const value = auroc(plain.scores, plain.labels);
  if (plain.labels.includes(-1)) return `${capitalise(domain.title)}, images are not labelled, so there is no AUROC: for ${method.name}, ${alarmWords(plain.scores, plain.threshold)}.`;
  const { falseAlarms } = errorRates(plain.scores, plain.labels, plain.threshold);
  const alarms = `At the threshold chosen on training images, ${percentWords(falseAlarms)} of the normal images raise a false alarm`;
  if (value === null) return `${capitalise(domain.title)}, there is only one kind of images, and so no AUROC. ${alarms}.`;
  const before = panelOf(method, base, { strength: 0, adapt: "" });
  const usual = auroc(before.scores, before.labels);
  const instead = usual === null ? "" : ` instead of ${usual.toFixed(2)}`;
  const sentences = [`${capitalise(domain.title)}, ${method.name} separates ${view.task} with AUROC ${value.toFixed(2)}${instead}.`];
  if (method.strengths.length > 1) {
    const strength = state.strength || method.strengths.length - 1;
    const matched = panelOf(method, domain, { strength, adapt: "" });
    sentences.push(`Matching each image's features (FDM, α = ${method.strengths[strength]}) ${changeWords(value, auroc(matched.scores, matched.labels))}.`);
  }
  const key = state.adapt || adaptations().at(-1);
  const adapted = key && panelOf(method, domain, { strength: 0, adapt: key });
  if (adapted?.adapted) {
    sentences.push(`Adapting ${adaptationWords(key)} of this domain ${changeWords(value, auroc(adapted.scores, adapted.labels))}.`);
    const after = errorRates(adapted.scores, adapted.labels, adapted.threshold);
    return `${sentences.join(" ")} ${alarms}; after adapting, ${percentWords(after.falseAlarms)} do, and ${percentWords(after.misses)} of the anomalous ones are missed.`;
  }
  return `${sentences.join(" ")} ${alarms}.`;
}

function capitalise(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function makeOption(value, text) {
  return new Option(text, value);
}

function makeMethod(method, index) {
  const section = document.createElement("div");
  section.className = "method";
  section.innerHTML = '<h2></h2><div class="panels"></div><label class="threshold-choice"><span></span><input type="range" step="any" /></label>';
  section.querySelector("h2").textContent = method.name;
  const panels = [0, 1].map((side) => {
    const panel = document.createElement("div");
    panel.className = "panel";
    panel.innerHTML = '<p><span class="title"></span><b></b></p><p class="below"><span></span><span></span></p>';
    const svg = makeHistogram(BINS, (bins) => change({ selected: bins && { method: index, side, bins }, shown: SHOWN }));
    panel.insertBefore(svg, panel.lastChild);
    section.querySelector(".panels").append(panel);
    return { panel, svg };
  });
  const slider = section.querySelector("input");
  slider.addEventListener("input", () => change({ thresholds: { ...state.thresholds, [index]: Number(slider.value) } }));
  byId("methods").append(section);
  return { panels, slider, words: section.querySelector(".threshold-choice span") };
}

// Both panels of a method share their bins, unless standardised maps give the shifted one another unit.
function edgesOf(method, domain, panel, side) {
  if (side && panel.adapted?.standardised) return binEdges([panel.scores, [panel.threshold]], BINS);
  const parts = [method.scores[base.name], method.scores[domain.name]].flat();
  const others = (method.adapted[domain.name] ?? []).filter((part) => !part.standardised).map((part) => part.scores);
  return binEdges([...parts, ...others, method.thresholds], BINS);
}

function drawMethod(drawn, method, index, domain) {
  const sides = [base, domain];
  const panels = sides.map((one) => panelOf(method, one));
  const edges = panels.map((panel, side) => edgesOf(method, domain, panel, side));
  const own = state.thresholds[index];
  const moved = panels[1].adapted ? [1] : [0, 1]; // after adapting, the shifted domain has a threshold of its own
  if (own !== undefined) for (const side of moved) panels[side].threshold = own;
  const shares = panels.map((panel, side) => [...KINDS.keys()].map((label) => binShares(panel.scores, panel.labels, label, edges[side])));
  const top = 1.05 * Math.max(...shares.flat(2));
  panels.forEach((panel, side) => {
    const errors = errorWords(panel);
    const title = side ? capitalise(domain.title) + (panel.adapted ? " (adapted)" : "") : `In-distribution: ${base.title}`;
    const words = aurocWords(panel);
    const [heading, below] = drawn.panels[side].panel.querySelectorAll("p");
    heading.children[0].textContent = title;
    heading.children[1].textContent = words;
    below.children[0].textContent = errors;
    below.children[1].textContent = countWords(panel.labels);
    const { selected } = state;
    drawHistogram(drawn.panels[side].svg, {
      edges: edges[side],
      shares: shares[side],
      top,
      threshold: panel.threshold,
      selected: selected && selected.method === index && selected.side === side ? selected.bins : null,
      description: `Scores of ${method.name}. ${title}: ${words}, ${errors}. Arrow keys select bars, Escape clears.`,
    });
  });
  const span = edges[1];
  [drawn.slider.min, drawn.slider.max] = [span[0], span.at(-1)];
  drawn.slider.value = panels[1].threshold;
  drawn.words.textContent = `Threshold ${panels[1].threshold.toFixed(3)}${own === undefined ? thresholdSource(panels[1]) : ""}`;
  return { panels, edges };
}

function errorWords({ scores, labels, threshold }) {
  const { falseAlarms, misses } = errorRates(scores, labels, threshold);
  if (falseAlarms === null && misses === null) return alarmWords(scores, threshold);
  return `false alarms ${percentWords(falseAlarms)}, misses ${percentWords(misses)}`;
}

function alarmWords(scores, threshold) {
  return `${scores.filter((score) => score > threshold).length} of ${scores.length} above the threshold`;
}

function countWords(labels) {
  const normal = labels.filter((label) => label === 0).length;
  return labels.includes(-1) ? `n = ${labels.length}, unlabelled` : `n = ${labels.length} (${normal} normal)`;
}

function thresholdSource({ adapted }) {
  return adapted ? ", recalibrated on the images adapted to" : ", chosen on normal training images";
}

// The images of the selected bars, highest score first; without a selection the worst mistakes of the first method.
function chosenImages(results) {
  const { method, side, bins } = state.selected ?? { method: 0, side: 1, bins: null };
  const { panels, edges } = results[method];
  const panel = panels[side];
  const all = panel.scores.map((score, at) => ({ row: panel.rows[at], score, label: panel.labels[at] }));
  const byScore = (one, other) => other.score - one.score;
  if (bins) {
    const inside = ({ score }) => binOf(score, edges[side]) >= bins[0] && binOf(score, edges[side]) <= bins[1];
    return { method, side, images: all.filter(inside).sort(byScore) };
  }
  if (panel.labels.includes(-1)) return { method, side, images: all.sort(byScore).slice(0, SHOWN) };
  const alarms = all.filter(({ label }) => label === 0).sort(byScore).slice(0, SHOWN / 2);
  const misses = all.filter(({ label }) => label === 1).sort(byScore).slice(-SHOWN / 2);
  return { method, side, images: [...alarms, ...misses] };
}

function pictureOf(url) {
  if (!pictures.has(url)) pictures.set(url, loadPicture(url));
  return pictures.get(url);
}

async function drawGallery(results) {
  const { method: index, side, images } = chosenImages(results);
  const [method, domain] = [view.methods[index], [base, shifted[state.domain]][side]];
  const adapted = results[index].panels[side].adapted;
  const strength = adapted ? 0 : strengthOf(method);
  const maps = method.maps[domain.name]?.[strength ? 1 : 0];
  const title = galleryTitle(images);
  const mapped = maps ? mapWords(method, strength, adapted) : "";
  byId("gallery-title").textContent = `${title}, ${method.name}${mapped}`;
  byId("more").hidden = images.length <= state.shown;
  byId("scale-choice").hidden = !maps;
  const tiles = images.slice(0, state.shown).map(({ row, score, label }) => ({ row, ...makeTile({ name: domain.names[row], label, score }, maps) }));
  const [picture, sheet] = await Promise.all([pictureOf(domain.pictures.url), maps && pictureOf(maps.sprite.url)]);
  for (const { row, image, map } of tiles) {
    cutTile(image, picture, domain.pictures, row);
    if (map) colourTile(cutTile(map, sheet, maps.sprite, row), colours, maps.brightest, state.scale === "domain" ? maps.brightest : method.map_scale);
  }
  byId("gallery").replaceChildren(...tiles.map(({ item }) => item));
}

function galleryTitle(images) {
  if (state.selected) return images.length === 1 ? "1 image of the selected bars" : `${images.length} images of the selected bars`;
  return images.some(({ label }) => label === -1) ? "Images that score highest" : "Normal images that score highest, and anomalous ones that score lowest";
}

// Maps are stored at the weakest and the greatest strength only.
function mapWords(method, strength, adapted) {
  if (adapted) return "; maps without adapting";
  return strength ? `; maps at α = ${method.strengths.at(-1)}` : "; maps without matching";
}

function drawProvenance() {
  const lines = view.methods.map((method) => {
    const line = document.createElement("p");
    const code = document.createElement("code");
    code.textContent = method.command;
    line.append(`${method.name}: ${method.origin} · reproduce: `, code);
    return line;
  });
  byId("provenance").replaceChildren(...lines);
}

function change(choices) {
  state = { ...state, ...choices };
  draw();
  writeAddress();
}

function draw() {
  const domain = shifted[state.domain];
  const strengths = view.methods.find((method) => method.strengths.length > 1)?.strengths;
  byId("story").textContent = tell(view.methods[0], domain);
  byId("domain").value = state.domain;
  byId("strength").value = state.strength;
  byId("strength").disabled = Boolean(state.adapt);
  byId("strength-value").textContent = strengths?.[state.strength] || "off";
  byId("adapt").value = state.adapt;
  byId("scale").value = state.scale;
  const results = view.methods.map((method, index) => drawMethod(drawnMethods[index], method, index, domain));
  drawGallery(results);
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").textContent = dark ? "Light" : "Dark";
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
byId("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
byId("domain").append(...shifted.map(({ title }, index) => makeOption(index, title)));
byId("adapt").append(makeOption("", "as it is"), ...adaptations().map((key) => makeOption(key, adaptationWords(key))));
byId("adapt-choice").hidden = !adaptations().length;
const most = Math.max(...view.methods.map((method) => method.strengths.length));
byId("strength").max = most - 1;
byId("strength-choice").hidden = most < 2;
byId("domain").addEventListener("change", (event) => change({ domain: Number(event.target.value), thresholds: {}, selected: null, shown: SHOWN }));
byId("strength").addEventListener("input", (event) => change({ strength: Number(event.target.value), thresholds: {} }));
byId("adapt").addEventListener("change", (event) => change({ adapt: event.target.value, thresholds: {}, selected: null }));
byId("scale").addEventListener("change", (event) => change({ scale: event.target.value }));
byId("more").addEventListener("click", () => change({ shown: state.shown + SHOWN }));
byId("reset").addEventListener("click", () => change(START));
const drawnMethods = view.methods.map(makeMethod);
drawProvenance();
draw();
