// Resize an image as `gnl score` does: Pillow's BILINEAR, whose triangle reaches the next pixels of the result.
// It computes in whole numbers, and the result equals Pillow's to the bit, as a test checks. An image is an ImageData or has
// its fields: width, height, and data with red, green, blue and alpha of each pixel.

const WEIGHT_BITS = 22; // of a weight's fraction, as in Pillow's Resample.c

// For each pixel of the result the first pixel that it is made of, and the weights of that and the following ones.
function resizeWeights(from, to) {
  const scale = from / to;
  const reach = Math.max(scale, 1); // half of the triangle's width
  return Array.from({ length: to }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const shares = Array.from({ length: end - first }, (_, next) => Math.max(0, 1 - Math.abs((first + next - centre + 0.5) * (1 / reach))));
    const sum = shares.reduce((one, other) => one + other, 0);
    return { first, weights: Int32Array.from(shares, (share) => 0.5 + (share / sum) * 2 ** WEIGHT_BITS) };
  });
}

// Resize each line of an image along it. `step` is the distance of two pixels on a line, `nextLine` that of two lines.
function resizeLines({ data, lines, from, to, step, nextLine, toStep, toNextLine }) {
  const target = new Uint8ClampedArray(4 * lines * to);
  const places = resizeWeights(from, to);
  for (let line = 0; line < lines; line += 1) {
    for (let at = 0; at < to; at += 1) {
      const { first, weights } = places[at];
      for (let channel = 0; channel < 4; channel += 1) {
        let sum = 2 ** (WEIGHT_BITS - 1); // rounds
        let place = line * nextLine + first * step + channel;
        for (let next = 0; next < weights.length; next += 1, place += step) sum += data[place] * weights[next];
        target[line * toNextLine + at * toStep + channel] = sum >> WEIGHT_BITS;
      }
    }
  }
  return target;
}

function resizeRows({ width: from, height: lines, data }, to) {
  if (from === to) return { width: from, height: lines, data };
  const resized = resizeLines({ data, lines, from, to, step: 4, nextLine: 4 * from, toStep: 4, toNextLine: 4 * to });
  return { width: to, height: lines, data: resized };
}

function resizeColumns({ width: lines, height: from, data }, to) {
  if (from === to) return { width: lines, height: from, data };
  const resized = resizeLines({ data, lines, from, to, step: 4 * lines, nextLine: 4, toStep: 4 * lines, toNextLine: 4 });
  return { width: lines, height: to, data: resized };
}

// Pixels are rounded between the passes, so their order matters: Pillow 13 begins with columns if they lose far more.
function resizeImage(image, width, height) {
  const lost = image.height - height;
  const columnsFirst = lost > 0 && lost > 2 * (image.width - width);
  return columnsFirst ? resizeRows(resizeColumns(image, height), width) : resizeColumns(resizeRows(image, width), height);
}
