import type { Db } from "../db/open.ts";
import { type Change, type Tx, Writer } from "../db/writer.ts";
import { MatricError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Span, Tracing } from "../tracing.ts";
import type { WorkMetrics } from "./metrics/work-metrics.ts";

export interface WriterObserver {
  metrics: WorkMetrics;
  tracing: Tracing | undefined;
  /** Called while the disk is waited for. */
  leisure: () => void;
}

const attributes = { "db.system.name": "sqlite", "db.namespace": "matric.db", "db.operation.name": "COMMIT" };

/** The writer, with the time that changes take measured, and those that belong to a trace followed. */
export class ObservedWriter extends Writer {
  constructor(
    db: Pick<Db, "sqlite" | "diskSync">,
    logger: Logger,
    private readonly observer: WriterObserver,
  ) {
    super(db, logger);
  }

  override write<T>(change: Change<T>): Promise<T> {
    const { tracing } = this.observer;
    if (tracing?.current() === undefined) return super.write(change);
    const span = tracing.begin("COMMIT matric.db", { kind: "client", attributes });
    const written = super.write(within(tracing, span, change));
    written.then(
      () => span.end(undefined),
      (error) => span.end(codeOf(error)),
    );
    return written;
  }

  protected override waits(): void {
    this.observer.leisure();
  }

  protected override settled(waitedMs: number, error: unknown): void {
    // A change that is refused for what it asks never came to the disk.
    if (error === undefined || codeOf(error).startsWith("storage")) this.observer.metrics.commit(error === undefined, waitedMs);
  }
}

function codeOf(error: unknown): string {
  return error instanceof MatricError ? error.code : "internal";
}

/** What is told after the commit begins work of its own: it is not part of what caused the change. */
function within<T>(tracing: Tracing, span: Span, change: Change<T>): Change<T> {
  return (tx) => {
    const outside: Tx = { afterCommit: (tell) => tx.afterCommit(() => tracing.within(undefined, tell)) };
    return tracing.within(span.context, () => change(outside));
  };
}
