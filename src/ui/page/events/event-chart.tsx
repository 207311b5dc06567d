import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { usePage } from "../page.ts";
import type { Second } from "./meter.ts";

const heightPx = 150;

/** Events per second, and how long they were on their way from the commit to this page. */
export function EventChart() {
  const { tape } = usePage();
  const place = useRef<HTMLDivElement>(null);
  const [latest, tell] = useState<Second | undefined>(undefined);
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    let chart = draw(box, dataOf(tape.meter.seconds(Date.now())));
    const timer = setInterval(() => {
      const seconds = tape.meter.seconds(Date.now());
      chart.setData(dataOf(seconds));
      tell(seconds.findLast(({ events }) => events > 0));
    }, 1000);
    const resize = new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: heightPx }));
    resize.observe(box);
    const redraw = () => {
      chart.destroy();
      chart = draw(box, dataOf(tape.meter.seconds(Date.now())));
    };
    const themes = new MutationObserver(redraw);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", redraw);
    return () => {
      clearInterval(timer);
      resize.disconnect();
      themes.disconnect();
      system.removeEventListener("change", redraw);
      chart.destroy();
    };
  }, []);
  const now = latest ? `${latest.events} events in the last second that had any` : "no events in the last two minutes";
  return (
    <figure class="chart">
      <figcaption>
        <span class="key events-key">events per second</span>
        <span class="key median-key">median delivery</span>
        <span class="key slow-key">95 % delivered within</span>
        <span class="muted readout">
          {latest?.medianMs === undefined ? "" : `${latest.events}/s · ${latest.medianMs} ms · ${latest.slowMs} ms`}
        </span>
      </figcaption>
      <div ref={place} role="img" aria-label={`Chart of the last two minutes: ${now}`} />
    </figure>
  );
}

function dataOf(seconds: readonly Second[]): uPlot.AlignedData {
  const column = <T,>(value: (second: Second) => T) => seconds.map(value);
  return [
    column(({ at }) => at),
    column(({ events }) => events),
    column(({ medianMs }) => medianMs ?? null),
    column(({ slowMs }) => slowMs ?? null),
  ];
}

function draw(box: HTMLElement, data: uPlot.AlignedData): uPlot {
  const style = getComputedStyle(box);
  // Resolved: a canvas does not know light-dark() nor variables.
  const color = (name: string) => {
    box.style.color = `var(${name})`;
    return style.color;
  };
  const [muted, line, accent, spark, warn] = ["--muted", "--line", "--accent", "--spark", "--warn"].map(color);
  box.style.color = "";
  const font = `11px ${style.fontFamily}`;
  const axis = { stroke: muted, font, ticks: { show: false }, grid: { stroke: line, width: 1 } } satisfies uPlot.Axis;
  const bars = uPlot.paths.bars?.({ size: [0.8, 12] });
  const dots = { show: true, size: 4 };
  return new uPlot(
    {
      width: box.clientWidth,
      height: heightPx,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 0, 0, 0],
      scales: {
        y: { range: (_, __, most) => [0, Math.max(5, most * 1.15)] },
        ms: { range: (_, __, most) => [0, Math.max(20, most * 1.15)] },
      },
      axes: [
        { ...axis, grid: { show: false }, size: 26, space: 90, values: (_, values) => values.map(clockTime) },
        { ...axis, size: 44, splits: wholeSplits },
        {
          ...axis,
          scale: "ms",
          side: 1,
          grid: { show: false },
          size: 56,
          values: (_, values) => values.map((value) => `${value} ms`),
        },
      ],
      series: [
        {},
        {
          stroke: accent ?? "",
          fill: `color-mix(in srgb, ${accent} 25%, transparent)`,
          width: 1,
          ...(bars ? { paths: bars } : {}),
          points: { show: false },
        },
        { scale: "ms", stroke: spark ?? "", width: 1.5, points: dots },
        { scale: "ms", stroke: warn ?? "", width: 1.5, points: dots },
      ],
    },
    data,
    box,
  );
}

/** Half an event has never been seen. */
function wholeSplits(_: uPlot, __: number, least: number, most: number, step: number): number[] {
  const whole = Math.max(1, Math.ceil(step));
  const splits: number[] = [];
  for (let at = Math.ceil(least); at <= most; at += whole) splits.push(at);
  return splits;
}

const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

function clockTime(seconds: number): string {
  return time.format(seconds * 1000);
}
