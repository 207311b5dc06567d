import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

export interface TimeSeries {
  /** Name of a colour of the page's style. */
  color: `--${string}`;
  shape: "bars" | "line";
}

interface TimeChartProps {
  /** What it shows, and what there is to see: for those who do not. */
  label: string;
  series: readonly TimeSeries[];
  /** Unix times in seconds, then the values of each series; null where there is none. */
  data: uPlot.AlignedData;
  /** The scale reaches at least so far. */
  leastTop: number;
  unit?: string;
}

/** Values over time, in the page's colours, as wide as there is room. */
export function TimeChart({ label, series, data, leastTop, unit = "" }: TimeChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const shown = useRef(data);
  shown.current = data;
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const redraw = () => {
      chart.current?.destroy();
      chart.current = draw(box, shown.current, series, leastTop, unit);
    };
    redraw();
    const resize = new ResizeObserver(() => chart.current?.setSize(sizeOf(box)));
    resize.observe(box);
    const themes = new MutationObserver(redraw);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", redraw);
    return () => {
      resize.disconnect();
      themes.disconnect();
      system.removeEventListener("change", redraw);
      chart.current?.destroy();
    };
  }, []);
  useEffect(() => chart.current?.setData(data), [data]);
  return <div ref={place} class="plot" role="img" aria-label={label} />;
}

function draw(box: HTMLElement, data: uPlot.AlignedData, series: readonly TimeSeries[], leastTop: number, unit: string): uPlot {
  const style = getComputedStyle(box);
  // Resolved: a canvas does not know light-dark() nor variables.
  const colorOf = (name: string) => {
    box.style.color = `var(${name})`;
    const { color } = style;
    box.style.color = "";
    return color;
  };
  const [muted, line] = [colorOf("--muted"), colorOf("--line")];
  const axis = { stroke: muted, font: `11px ${style.fontFamily}`, ticks: { show: false } } satisfies uPlot.Axis;
  const bars = uPlot.paths.bars?.({ size: [0.75, 12], radius: 0.2 });
  return new uPlot(
    {
      ...sizeOf(box),
      legend: { show: false },
      cursor: { show: false },
      padding: [10, 28, 0, 0],
      scales: { y: { range: (_, __, most) => [0, Math.max(leastTop, most * 1.15)] } },
      axes: [
        { ...axis, grid: { show: false }, size: 24, space: 90, values: (_, values) => values.map(clockTime) },
        {
          ...axis,
          grid: { stroke: line, width: 1 },
          size: unit === "" ? 36 : 54,
          space: 34,
          splits: wholeSplits,
          values: (_, values) => values.map((value) => `${value}${unit}`),
        },
      ],
      series: [
        {},
        ...series.map(({ color, shape }): uPlot.Series => {
          const stroke = colorOf(color);
          return shape === "bars"
            ? { fill: stroke, width: 0, points: { show: false }, ...(bars ? { paths: bars } : {}) }
            : { stroke, width: 1.5, points: { show: true, size: 4, fill: stroke } };
        }),
      ],
    },
    data,
    box,
  );
}

function sizeOf({ clientWidth: width, clientHeight: height }: HTMLElement): { width: number; height: number } {
  return { width, height };
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
