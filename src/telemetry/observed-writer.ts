import type { Clock } from "../clock.ts";
import type { Db } from "../db/open.ts";
import { type Change, type Tx, Writer } from "../db/writer.ts";
import { MatricError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Span, Tracing } from "../tracing.ts";
import type { WorkMetrics } from "./metrics/work-metrics.ts";

export interface WriterObserver {
  clock: Clock;
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
    const { clock, tracing } = this.observer;
    const startMs = clock.monotonicMs();
    const isTraced = tracing?.current() !== undefined;
    const span = isTraced ? tracing.begin("COMMIT matric.db", { kind: "client", attributes }) : undefined;
    const written = super.write(span && tracing ? within(tracing, span, change) : change);
    written.then(
      () => this.#ended(startMs, span, undefined),
      (error) => this.#ended(startMs, span, error instanceof MatricError ? error.code : "internal"),
    );
    return written;
  }

  protected override waits(): void {
    this.observer.leisure();
  }

  #ended(startMs: number, span: Span | undefined, errorCode: string | undefined): void {
    const { clock, metrics } = this.observer;
    span?.end(errorCode);
    // A change that is refused for what it asks never came to the disk.
    if (errorCode === undefined || errorCode.startsWith("storage")) {
      metrics.commit(errorCode === undefined, clock.monotonicMs() - startMs);
    }
  }
}

/** What is told after the commit begins work of its own: it is not part of what caused the change. */
function within<T>(tracing: Tracing, span: Span, change: Change<T>): Change<T> {
  return (tx) => {
    const outside: Tx = { afterCommit: (tell) => tx.afterCommit(() => tracing.within(undefined, tell)) };
    return tracing.within(span.context, () => change(outside));
  };
}
