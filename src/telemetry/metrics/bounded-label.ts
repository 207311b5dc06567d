/** Lets only these values be a label; whatever else comes is counted as `other`, so that no label grows with what users send. */
export function boundedLabel(known: Iterable<string>): (value: unknown) => string {
  const values = new Set(known);
  return (value) => (typeof value === "string" && values.has(value) ? value : "other");
}
