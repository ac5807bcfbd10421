// Pixel operations of a stroke on an image: paint, erase, clone, blur, darken. Nothing here touches the page.
//
// A picture is { data, width, height } with RGBA bytes, like ImageData. A place is [column, row], in whole pixels.

const DARKENED = 0.6; // share of its brightness that a darkened pixel keeps
const LARGEST_BLUR_PX = 8; // the mean of a larger neighbourhood would take longer than a movement of the hand

const STROKE_TOOLS = {
  brush: (stroke) => stroke.colour,
  erase: ({ original }, at) => original.data.subarray(4 * at, 4 * at + 3),
  clone: ({ before, offset, width, height }, at) => {
    const [column, row] = [(at % width) + offset[0], Math.floor(at / width) + offset[1]];
    const inside = column >= 0 && column < width && row >= 0 && row < height;
    const source = inside ? row * width + column : at;
    return before.subarray(4 * source, 4 * source + 3);
  },
  blur: meanAround,
  darken: ({ before }, at) => [0, 1, 2].map((channel) => Math.round(DARKENED * before[4 * at + channel])),
};

// The mean colour of a square around a pixel, as it was before the stroke.
function meanAround({ before, size, width, height }, at) {
  const reach = Math.min(LARGEST_BLUR_PX, Math.max(1, Math.round(size / 4)));
  const [column, row] = [at % width, Math.floor(at / width)];
  const sums = [0, 0, 0];
  let count = 0;
  for (let y = Math.max(0, row - reach); y <= Math.min(height - 1, row + reach); y += 1) {
    for (let x = Math.max(0, column - reach); x <= Math.min(width - 1, column + reach); x += 1) {
      for (let channel = 0; channel < 3; channel += 1) sums[channel] += before[4 * (y * width + x) + channel];
      count += 1;
    }
  }
  return sums.map((sum) => Math.round(sum / count));
}

function squaredDistance(x, y, [fromX, fromY], [toX, toY]) {
  const [alongX, alongY] = [toX - fromX, toY - fromY];
  const length = alongX * alongX + alongY * alongY;
  const share = length ? Math.min(1, Math.max(0, ((x - fromX) * alongX + (y - fromY) * alongY) / length)) : 0;
  const [offX, offY] = [x - (fromX + share * alongX), y - (fromY + share * alongY)];
  return offX * offX + offY * offY;
}

// The positions of the pixels whose centre is within half of `size` of the line between two places. A brush of an even
// size is centred on the upper left corner of its pixel. app/strokes.py covers the same pixels, as a test checks.
function coveredPixels({ width, height }, from, to, size) {
  const reach = size / 2;
  const [start, end] = [from, to].map((place) => place.map((value) => value - (size % 2 ? 0 : 0.5)));
  const [left, top] = [0, 1].map((axis) => Math.max(0, Math.ceil(Math.min(start[axis], end[axis]) - reach)));
  const [right, bottom] = [width, height].map((most, axis) => Math.min(most - 1, Math.floor(Math.max(start[axis], end[axis]) + reach)));
  const covered = [];
  for (let y = top; y <= bottom; y += 1) {
    for (let x = left; x <= right; x += 1) {
      if (squaredDistance(x, y, start, end) <= reach * reach) covered.push(y * width + x);
    }
  }
  return covered;
}

// A stroke changes each pixel once, however often it passes, and reads the picture as it was before the stroke.
// `offset` is the way from a place to the one that the clone tool copies there.
function startStroke(picture, { original, tool, colour, size, offset = [0, 0] }) {
  const { data, width, height } = picture;
  const stroke = { original, colour, size, offset, width, height, before: data.slice() };
  const done = new Uint8Array(width * height);
  const extend = (from, to) => {
    for (const at of coveredPixels(picture, from, to, size)) {
      if (!done[at]) data.set(STROKE_TOOLS[tool](stroke, at), 4 * at);
      done[at] = 1;
    }
  };
  return { extend, before: stroke.before };
}

// The smallest rectangle with all pixels that differ between two pictures of one size; null if none does.
function changedBox({ data, width, height }, other) {
  const [one, two] = [data, other].map((bytes) => new Uint32Array(bytes.buffer, bytes.byteOffset, width * height));
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let at = 0; at < one.length; at += 1) {
    if (one[at] === two[at]) continue;
    const column = at % width;
    left = Math.min(left, column);
    right = Math.max(right, column);
    bottom = Math.floor(at / width);
    top = Math.min(top, bottom);
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

// The bytes of a rectangle, row by row.
function cutBox(data, pictureWidth, { left, top, width, height }) {
  const bytes = new Uint8ClampedArray(4 * width * height);
  for (let row = 0; row < height; row += 1) {
    const start = 4 * ((top + row) * pictureWidth + left);
    bytes.set(data.subarray(start, start + 4 * width), 4 * row * width);
  }
  return bytes;
}

function pasteBox({ data, width: pictureWidth }, { left, top, width, height }, bytes) {
  for (let row = 0; row < height; row += 1) {
    data.set(bytes.subarray(4 * row * width, 4 * (row + 1) * width), 4 * ((top + row) * pictureWidth + left));
  }
}
