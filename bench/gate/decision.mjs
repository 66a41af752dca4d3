/** A kernel fails below this part of its committed share of the peak: far outside of what noise and other machines do. */
export const FLOOR = 0.5;

/**
 * Compares measured shares of the peak with committed ones, both by the case's name: which fell `below` the floor, which have no
 * committed share (`unknown`), and which committed ones no case measures any more (`stale`).
 */
export function gateDecision(committed, measured) {
  const names = Object.keys(measured);
  const below = names
    .filter((name) => name in committed && measured[name] < FLOOR * committed[name])
    .map((name) => ({ name, measured: measured[name], committed: committed[name] }));
  return {
    below,
    unknown: names.filter((name) => !(name in committed)),
    stale: Object.keys(committed).filter((name) => !(name in measured)),
  };
}
