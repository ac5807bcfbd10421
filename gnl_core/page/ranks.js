// Eq. 1 of feature distribution matching: the value of each rank moves toward the reference's value of the same rank.
// The arithmetic equals that of gnl_core.distribution_matching.match_distribution, as a test checks.

// Positions from the smallest value to the largest; tied values keep their order, because sort is stable.
const rankPositions = (values) => [...values.keys()].sort((one, other) => values[one] - values[other]);
const ascending = (values) => [...values].sort((one, other) => one - other);

function match(values, reference, strength) {
  const target = ascending(reference);
  const matched = [...values];
  rankPositions(values).forEach((position, rank) => {
    matched[position] = values[position] + strength * (target[rank] - values[position]);
  });
  return matched;
}
