/** The methods of the routes at an address, sorted; empty when there is nothing at it. */
export function methodsAt(routes: readonly { method: string; path: string }[], address: string): string[] {
  const methods = routes.filter(({ path }) => isAt(path, address)).map(({ method }) => method);
  if (methods.includes("GET")) methods.push("HEAD");
  return [...new Set(methods)].sort();
}

function isAt(path: string, address: string): boolean {
  const wanted = segments(path);
  const given = segments(address);
  return wanted.length === given.length && wanted.every((one, index) => one.startsWith(":") || one === given[index]);
}

function segments(path: string): string[] {
  return path.replace(/\/$/, "").split("/");
}
