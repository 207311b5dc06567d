// A process that publishes: events that become due by the clock, or as many as the server takes.
import { Histogram, type Summary } from "../histogram.ts";
import { nowUs } from "../monotonic.ts";
import { HttpConnection } from "./http-connection.ts";
import { eventJson, postOf } from "./post.ts";
import { tokenOf } from "./token.ts";
import { answerCalls } from "./worker-process.ts";

interface Target {
  port: number;
  connections: number;
  event: string;
  /** One: the body is an object; more: an array. */
  eventsPerPost: number;
}

export interface PacedRequest extends Target {
  firstSeq: number;
  events: number;
  eventsPerSecond: number;
  /** The start of the bench, from which the tokens count. */
  zeroUs: number;
}

export interface FlatOutRequest extends Target {
  forMs: number;
}

export interface Published {
  /** Events that were answered with 2xx. */
  answered: number;
  refused: number;
  /** The first answer that was not 2xx. */
  refusal: string;
  startedAtUs: number;
  endedAtUs: number;
  /** From sending a request to its answer. */
  emission: Summary;
  /** Given up because the server fell too far behind. */
  overloaded: boolean;
}

export type PublisherCalls = {
  paced(request: PacedRequest): Promise<Published>;
  flatOut(request: FlatOutRequest): Promise<Published>;
};

/** Posts that may wait for a free connection before the server counts as overloaded. */
const waitingMax = 20_000;
const answersWithinMs = 10_000;
/** Of as many characters as a token has. */
const sameNoteId = "0197a2f4-7c1e-7000-8000-00";

/** What is counted while publishing. */
class Tally {
  answered = 0;
  refused = 0;
  refusal = "";
  readonly emission = new Histogram();
  readonly startedAtUs = nowUs();

  take(connection: HttpConnection, ok: boolean, answer: Buffer, events: number): void {
    this.emission.add(nowUs() - connection.sentAtUs);
    if (ok) this.answered += events;
    else {
      this.refused += events;
      this.refusal ||= answer.toString("latin1", 0, 300);
    }
  }

  published(overloaded: boolean): Published {
    const { answered, refused, refusal, startedAtUs } = this;
    return { answered, refused, refusal, startedAtUs, endedAtUs: nowUs(), emission: this.emission.summary(), overloaded };
  }
}

async function connect(target: Target, answered: (connection: HttpConnection, ok: boolean, answer: Buffer) => void) {
  const indexes = Array.from({ length: target.connections }, (_, index) => index);
  return Promise.all(indexes.map((index) => HttpConnection.open(target.port, index, answered)));
}

/**
 * An open loop: posts become due by the clock and carry when they did; they wait when every connection is busy, so that a slow
 * server shows as latency and not as a lower rate.
 */
async function paced(request: PacedRequest): Promise<Published> {
  const { event, eventsPerPost, firstSeq, zeroUs } = request;
  const posts = Math.ceil(request.events / eventsPerPost);
  const gapUs = (1e6 * eventsPerPost) / request.eventsPerSecond;
  const dueAtUs: number[] = [];
  let sent = 0;
  const sendNext = (connection: HttpConnection) => {
    const dueUs = dueAtUs[sent];
    if (dueUs === undefined) return;
    const seq = firstSeq + sent++ * eventsPerPost;
    const events = Array.from({ length: eventsPerPost }, (_, k) =>
      eventJson(event, tokenOf(connection.index, seq + k, dueUs - zeroUs)),
    );
    connection.send(postOf(events), nowUs());
  };
  const connections = await connect(request, (connection, ok, answer) => {
    tally.take(connection, ok, answer, eventsPerPost);
    sendNext(connection);
  });
  const tally = new Tally();
  const isOverloaded = () => dueAtUs.length - sent > waitingMax / eventsPerPost;
  while (dueAtUs.length < posts && !isOverloaded()) {
    const now = nowUs();
    const due = Math.min(posts, Math.floor((now - tally.startedAtUs) / gapUs) + 1);
    while (dueAtUs.length < due) dueAtUs.push(now);
    for (const connection of connections) if (!connection.isBusy) sendNext(connection);
    await Bun.sleep(1);
  }
  const overloaded = isOverloaded();
  const deadlineUs = nowUs() + answersWithinMs * 1000;
  const settled = () => tally.answered + tally.refused >= dueAtUs.length * eventsPerPost;
  while (!settled() && nowUs() < deadlineUs) await Bun.sleep(1);
  for (const connection of connections) connection.close();
  return tally.published(overloaded || !settled());
}

/** A closed loop: every connection sends again as soon as it has its answer. The bytes are always the same ones. */
async function flatOut(request: FlatOutRequest): Promise<Published> {
  const { event, eventsPerPost, forMs } = request;
  const bytes = postOf(Array(eventsPerPost).fill(eventJson(event, sameNoteId)));
  let isOver = false;
  let busy = 0;
  const done = Promise.withResolvers<void>();
  const send = (connection: HttpConnection) => {
    busy++;
    connection.send(bytes, nowUs());
  };
  const connections = await connect(request, (connection, ok, answer) => {
    tally.take(connection, ok, answer, eventsPerPost);
    busy--;
    if (!isOver && ok) send(connection);
    else if (busy === 0) done.resolve();
  });
  const tally = new Tally();
  for (const connection of connections) send(connection);
  await Bun.sleep(forMs);
  isOver = true;
  await Promise.race([done.promise, Bun.sleep(answersWithinMs)]);
  const published = tally.published(busy > 0);
  for (const connection of connections) connection.close();
  return published;
}

if (import.meta.main) answerCalls({ paced, flatOut } satisfies PublisherCalls);
