// What a view says: panels of scores, and sentences about them. Nothing here draws.

const inDistribution = (view) => view.domains[0];
const shiftedDomains = (view) => (view.domains.length > 1 ? view.domains.slice(1) : view.domains); // one alone is shown twice

// The name of an adaptation: its kind and the number of images, such as "normal-8".
function keyOf(part) {
  return `${part.known_normal ? "normal" : "unlabelled"}-${part.size}`;
}

function adaptationsOf(view) {
  const parts = view.methods.flatMap((method) => Object.values(method.adapted).flat());
  return [...new Set(parts.map(keyOf))].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
}

function adaptationWords(key) {
  const [kind, size] = key.split("-");
  return `from ${size} ${kind === "normal" ? "normal " : ""}image${size === "1" ? "" : "s"}`;
}

// The scores of a method in a domain with the labels and positions of their images, and the threshold. `strength`
// counts the method's strengths from 0, which is off; an adaptation takes the place of matching where there is one.
function panelOf(method, domain, { strength = 0, adapt = "" }) {
  const adapted = method.adapted[domain.name]?.find((part) => keyOf(part) === adapt);
  const own = Math.min(strength, method.strengths.length - 1);
  const scores = adapted ? adapted.scores : method.scores[domain.name][own];
  const rows = adapted ? adapted.rows : scores.map((_, index) => index);
  const threshold = adapted ? adapted.threshold : method.thresholds[own];
  return { scores, rows, labels: rows.map((row) => domain.labels[row]), threshold, adapted };
}

function aurocOf({ scores, labels }) {
  return auroc(scores, labels);
}

function ratesOf({ scores, labels, threshold }) {
  return errorRates(scores, labels, threshold);
}

function percentWords(share) {
  return share === null ? "–" : `${Math.round(100 * share)} %`;
}

function aurocWords(panel) {
  const value = aurocOf(panel);
  return value === null ? "no AUROC" : `AUROC ${value.toFixed(2)}`;
}

function errorWords(panel) {
  const { falseAlarms, misses } = ratesOf(panel);
  if (falseAlarms === null && misses === null) return alarmWords(panel);
  return `false alarms ${percentWords(falseAlarms)}, misses ${percentWords(misses)}`;
}

function alarmWords({ scores, threshold }) {
  return `${scores.filter((score) => score > threshold).length} of ${scores.length} above the threshold`;
}

function countWords(labels) {
  const normal = labels.filter((label) => label === 0).length;
  return labels.includes(-1) ? `n = ${labels.length}, unlabelled` : `n = ${labels.length} (${normal} normal)`;
}

function changeWords(before, after) {
  if (Math.abs(after - before) < 0.005) return `leaves it at ${after.toFixed(2)}`;
  return `${after > before ? "raises" : "lowers"} it to ${after.toFixed(2)}`;
}

function capitalise(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// What a shift broke, what matching did and what adapting did, for a view's first method. What is not chosen is told at
// full strength, and for the largest number of images.
function tell(view, domain, { strength, adapt }) {
  const [method] = view.methods;
  const plain = panelOf(method, domain, {});
  const title = capitalise(domain.title);
  if (plain.labels.includes(-1)) return `${title}, images are not labelled, so there is no AUROC: for ${method.name}, ${alarmWords(plain)}.`;
  const alarms = `At the threshold chosen on training images, ${percentWords(ratesOf(plain).falseAlarms)} of the normal images raise a false alarm`;
  const value = aurocOf(plain);
  if (value === null) return `${title}, there is only one kind of images, and so no AUROC. ${alarms}.`;
  const usual = aurocOf(panelOf(method, inDistribution(view), {}));
  const instead = usual === null || domain === inDistribution(view) ? "" : ` instead of ${usual.toFixed(2)}`;
  const sentences = [`${title}, ${method.name} separates ${view.task} with AUROC ${value.toFixed(2)}${instead}.`];
  if (method.strengths.length > 1) {
    const chosen = strength || method.strengths.length - 1;
    const matched = aurocOf(panelOf(method, domain, { strength: chosen }));
    sentences.push(`Matching each image's features (FDM, α = ${method.strengths[chosen]}) ${changeWords(value, matched)}.`);
  }
  const key = adapt || adaptationsOf(view).at(-1);
  const after = panelOf(method, domain, { adapt: key });
  if (!after.adapted) return `${sentences.join(" ")} ${alarms}.`;
  const { falseAlarms, misses } = ratesOf(after);
  sentences.push(`Adapting ${adaptationWords(key)} of this domain ${changeWords(value, aurocOf(after))}.`);
  const errors = `after adapting, ${percentWords(falseAlarms)} do, and ${percentWords(misses)} of the anomalous ones are missed`;
  return `${sentences.join(" ")} ${alarms}; ${errors}.`;
}
