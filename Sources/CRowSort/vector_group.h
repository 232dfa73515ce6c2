// SPDX-License-Identifier: Apache-2.0
// A sort that stops where nobody looks: keys between two neighbouring edges keep any order. Included after
// vector_sort.h, with its macros.

// Groups `count` keys from `keys` into `target`, which is `keys` itself or `other`, by the edges first ..< last:
// ends[e] becomes `base` and the number of keys up to edges[e]. The median's edge splits, so that the larger half goes
// with its side; parts that fit into registers are sorted.
static void NAMED(group)(
    KEY *keys, KEY *other, KEY *target, long count, const KEY *edges, long first, long last,
    long base, long *ends) {
  while (first < last && count > ROWS * LANES) {
    const KEY pivot = NAMED(pivot)(keys, count);
    long low = first, high = last - 1;
    while (low < high) {
      const long middle = (low + high) / 2;
      if (edges[middle] < pivot)
        low = middle + 1;
      else
        high = middle;
    }
    const long below = PARTITION(keys, count, other, edges[low]);
    ends[low] = base + below;
    NAMED(group)(keys, other, target, below, edges, first, low, base, ends);
    KEY *const rest = other + below;
    other = keys + below;
    keys = rest;
    target += below;
    count -= below;
    base += below;
    first = low + 1;
  }
  if (first == last) {
    if (target != keys) memcpy(target, keys, (size_t)count * sizeof(KEY));
    return;
  }
  NAMED(small)(keys, count, target);
  long place = 0;
  for (long edge = first; edge < last; edge++) {
    while (place < count && target[place] <= edges[edge]) place++;
    ends[edge] = base + place;
  }
}
