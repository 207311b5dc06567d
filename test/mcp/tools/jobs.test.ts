import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Job } from "../../../src/jobs/contract.ts";
import { eventually } from "../../support/eventually.ts";
import { type Agent, type McpWorld, openMcp, revisions } from "../../support/mcp.ts";
import { user } from "../../support/notes.ts";

type View = Job & { omitted?: string };

let world: McpWorld;
let agent: Agent;

describe.each(revisions)("an agent that speaks %s", (revision) => {
  beforeEach(async () => {
    world = openMcp();
    await world.jobs.start();
    agent = await world.connect(revision);
  });

  afterEach(async () => {
    await agent.close();
    await world.close();
  });

  const revise = async (instructions?: string) => {
    const { id } = await world.notes.create({ title: "Plan", content: "one" }, user);
    return agent.call<View>("revise_note", { id, ...(instructions === undefined ? {} : { instructions }) });
  };

  test("has a note revised, and is told when that is done", async () => {
    const job = await revise("shorten it");
    expect(job).toMatchObject({ type: "ai_revision", status: "queued" });
    const end = { after: "earliest", job_id: job.id, events: ["JobCompleted", "JobFailed", "JobCancelled"] };
    const waiting = agent.call<{ events: { event: string }[] }>("wait_for_events", end);
    await eventually(() => world.attempts.length === 1);
    expect(world.attempts[0]?.job.payload).toEqual({ instructions: "shorten it" });
    await world.attempts[0]?.complete({ model: "test" });
    const told = { events: [{ event: "JobCompleted", data: { job_id: job.id } }] };
    expect(await waiting).toMatchObject(told);
    expect(await agent.call<View>("get_job", { id: job.id })).toMatchObject({ status: "completed", result: { model: "test" } });
    expect(world.takeEvents().find(({ event }) => event === "JobQueued")?.actor.kind).toBe("agent");
  });

  test("sees a very long result only when it asks for the job", async () => {
    const job = await revise();
    await eventually(() => world.attempts.length === 1);
    await world.attempts[0]?.complete({ text: "x".repeat(10_000) });
    const { jobs } = await agent.call<{ jobs: View[] }>("list_jobs", { status: "completed" });
    expect(jobs).toMatchObject([{ id: job.id, result: null, omitted: expect.stringContaining("get_job") }]);
    expect(await agent.call<View>("get_job", { id: job.id })).toMatchObject({ result: { text: "x".repeat(10_000) } });
  });

  test("cancels a job, and is told why one that has ended cannot be", async () => {
    const { id } = await revise();
    expect(await agent.call<View>("cancel_job", { id })).toMatchObject({ id, status: "cancelled" });
    expect(await agent.failure("cancel_job", { id })).toBe("conflict: The job is cancelled already and cannot be cancelled.");
    expect(await agent.failure("get_job", { id: "nope" })).toBe('not_found: There is no job with the id "nope".');
  });

  test("pages through jobs, the newest first", async () => {
    const ids = [(await revise()).id, (await revise()).id, (await revise()).id];
    interface Page {
      jobs: View[];
      next_cursor: string | null;
    }
    const first = await agent.call<Page>("list_jobs", { limit: 2 });
    const second = await agent.call<Page>("list_jobs", { limit: 2, cursor: first.next_cursor });
    expect([...first.jobs, ...second.jobs].map(({ id }) => id)).toEqual(ids.reverse());
    expect(await agent.failure("list_jobs", { status: "done" })).toStartWith("invalid: status must be one of queued, running");
  });
});
