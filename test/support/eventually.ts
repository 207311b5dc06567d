/** Resolves as soon as `condition` holds: for what another process, or the network, brings about in its own time. */
export async function eventually(condition: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`after ${withinMs} ms it is not so: ${condition}`);
    await Bun.sleep(2);
  }
}
