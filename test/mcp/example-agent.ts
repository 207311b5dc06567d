// An agent that needs no library: it waits for notes that change, and tags them. Runs in Bun, and in Node from version 22 on.
const server = process.env.MATRIC_URL ?? "http://127.0.0.1:6287";
const token = process.env.MATRIC_TOKEN;
const headers = { "x-matric-actor": "agent", ...(token ? { authorization: `Bearer ${token}` } : {}) };
const tag = "read-by-agent";
/** The last event that was handled: with it every connection goes on exactly where the one before broke off. */
let cursor = "";

export interface NoteUpdated {
  actor: { kind: string };
  data: { note_id: string };
}

async function handle({ actor, data }: NoteUpdated): Promise<void> {
  if (actor.kind === "agent") return; // Its own doing.
  const url = `${server}/api/v1/notes/${data.note_id}`;
  const found = await fetch(url, { headers });
  if (found.status === 404) return; // Deleted meanwhile.
  const note = (await found.json()) as { title: string; tags: string[] };
  if (!found.ok || note.tags.includes(tag)) return;
  const changed = await fetch(url, {
    method: "PATCH",
    // Nothing is overwritten: when somebody changes the note at this moment, the answer is 412.
    headers: { ...headers, "content-type": "application/json", "if-match": found.headers.get("etag") ?? "" },
    body: JSON.stringify({ tags: [...note.tags, tag] }),
  });
  if (changed.status === 412) return handle({ actor, data });
  if (changed.ok) process.stdout.write(`tagged ${JSON.stringify(note.title)}\n`);
}

async function follow(): Promise<void> {
  const resume: Record<string, string> = cursor === "" ? {} : { "last-event-id": cursor };
  const { body } = await fetch(`${server}/api/v1/events?events=NoteUpdated`, { headers: { ...headers, ...resume } });
  let text = "";
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const frames = `${text}${chunk}`.split("\n\n");
    text = frames.pop() ?? "";
    for (const frame of frames) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(frame)?.[1];
      if (field("event") === "NoteUpdated") await handle(JSON.parse(field("data") ?? "null"));
      // Only now: an event that could not be handled comes again.
      cursor = field("id") ?? cursor;
    }
  }
}

for (;;) {
  await follow().catch((error: unknown) => process.stderr.write(`no connection: ${error}\n`));
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
