import { useEffect, useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import { usePage } from "../page.ts";
import type { Second } from "./meter.ts";
import { TimeChart } from "./time-chart.tsx";

/** The last two minutes: events per second, and how long they were on their way from the commit to this page. */
export function EventCharts() {
  const { tape } = usePage();
  const [seconds, setSeconds] = useState(() => tape.meter.seconds(Date.now()));
  useEffect(() => {
    const timer = setInterval(() => setSeconds(tape.meter.seconds(Date.now())), 1000);
    return () => clearInterval(timer);
  }, []);
  const rate = useMemo(() => columns(seconds, [({ events }) => events || null]), [seconds]);
  const delivery = useMemo(() => columns(seconds, [({ medianMs }) => medianMs, ({ slowMs }) => slowMs]), [seconds]);
  const most = Math.max(...seconds.map(({ events }) => events));
  const latest = seconds.findLast(({ events }) => events > 0);
  return (
    <div class="charts">
      <figure>
        <figcaption>
          Events per second <b>{seconds.at(-1)?.events ?? 0}</b>
        </figcaption>
        <TimeChart
          label={`Events per second in the last two minutes: ${most === 0 ? "none" : `at most ${most}`}`}
          series={[{ color: "--accent", shape: "bars" }]}
          data={rate}
          leastTop={5}
        />
      </figure>
      <figure>
        <figcaption>
          Delivery
          <span class="key median-key">
            half within <b>{millisecondsOf(latest?.medianMs)}</b>
          </span>
          <span class="key slow-key">
            95 % within <b>{millisecondsOf(latest?.slowMs)}</b>
          </span>
        </figcaption>
        <TimeChart
          label={
            latest
              ? `Delivery in the last two minutes: half within ${millisecondsOf(latest.medianMs)}, 95 % within ${millisecondsOf(latest.slowMs)}`
              : "Delivery in the last two minutes: nothing was delivered"
          }
          series={[
            { color: "--spark", shape: "line" },
            { color: "--warn", shape: "line" },
          ]}
          data={delivery}
          leastTop={10}
          unit=" ms"
        />
      </figure>
    </div>
  );
}

function columns(seconds: readonly Second[], values: ((second: Second) => number | null | undefined)[]): uPlot.AlignedData {
  return [seconds.map(({ at }) => at), ...values.map((value) => seconds.map((second) => value(second) ?? null))];
}

function millisecondsOf(ms: number | undefined): string {
  return ms === undefined ? "–" : `${Math.round(ms)} ms`;
}
