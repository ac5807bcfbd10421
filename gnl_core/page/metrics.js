// Metrics of scores. Arrays of scores and labels have one entry per image; label 0 is normal, 1 anomalous.

function scoresOf(label, scores, labels) {
  return scores.filter((_, index) => labels[index] === label);
}

// The share of pairs of an anomalous and a normal image in which the anomalous one scores higher; ties count half.
function auroc(scores, labels) {
  const normal = Float64Array.from(scoresOf(0, scores, labels)).sort();
  const anomalous = scoresOf(1, scores, labels);
  if (!normal.length || !anomalous.length) return null;
  let wins = 0;
  for (const score of anomalous) wins += (countBelow(normal, score, false) + countBelow(normal, score, true)) / 2;
  return wins / (normal.length * anomalous.length);
}

function countBelow(ascending, value, orEqual) {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < value || (orEqual && ascending[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

// False alarms: the share of normal images above the threshold. Misses: the share of anomalous ones not above it.
function errorRates(scores, labels, threshold) {
  const share = (label, isError) => {
    const own = scoresOf(label, scores, labels);
    return own.length ? own.filter(isError).length / own.length : null;
  };
  return { falseAlarms: share(0, (score) => score > threshold), misses: share(1, (score) => score <= threshold) };
}

function binEdges(parts, bins) {
  let low = Infinity;
  let high = -Infinity;
  for (const scores of parts) for (const score of scores) [low, high] = [Math.min(low, score), Math.max(high, score)];
  const margin = 0.02 * (high - low) || 0.5;
  const step = (high - low + 2 * margin) / bins;
  return Array.from({ length: bins + 1 }, (_, index) => low - margin + index * step);
}

// The share of one label's scores in each bin.
function binShares(scores, labels, label, edges) {
  const own = scoresOf(label, scores, labels);
  const shares = new Array(edges.length - 1).fill(0);
  for (const score of own) shares[binOf(score, edges)] += 1 / own.length;
  return shares;
}

function binOf(score, edges) {
  const bin = Math.floor((score - edges[0]) / (edges[1] - edges[0]));
  return Math.max(0, Math.min(edges.length - 2, bin));
}
