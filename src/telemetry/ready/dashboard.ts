import type { Dashboard, Panel as GrafanaPanel, RowPanel, VariableModel } from "@grafana/schema";
import { type Panel, rows } from "./panels.ts";

const columns = 24;
const heights: Record<Panel["kind"], number> = { timeseries: 8, stat: 4 };
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana's
const datasource = { type: "prometheus", uid: "${datasource}" };

/** Grafana's JSON of the dashboard, to be imported as it is. */
export function dashboard(): Dashboard {
  const panels: (GrafanaPanel | RowPanel)[] = [];
  let y = 0;
  for (const { title, panels: own } of rows) {
    panels.push({
      id: panels.length + 1,
      type: "row",
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: columns, h: 1 },
    });
    y += 1;
    const width = own.some(({ kind }) => kind === "stat") ? columns / own.length : columns / 2;
    let x = 0;
    for (const panel of own) {
      const h = heights[panel.kind];
      panels.push({ id: panels.length + 1, ...grafanaPanel(panel), gridPos: { x, y, w: width, h } });
      x += width;
      if (x >= columns) {
        x = 0;
        y += h;
      }
    }
    if (x > 0) y += heights.timeseries;
  }
  return {
    uid: "matric",
    title: "matric",
    tags: ["matric"],
    schemaVersion: 39,
    editable: true,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    templating: {
      list: [
        { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" },
        variable("job", "label_values(matric_build_info, job)"),
        variable("instance", 'label_values(matric_build_info{job=~"$job"}, instance)'),
      ],
    },
    panels,
  };
}

function grafanaPanel({ title, description, kind, unit, queries }: Panel): GrafanaPanel {
  return {
    type: kind,
    title,
    description,
    datasource,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: kind === "stat" ? { reduceOptions: { calcs: ["lastNotNull"] } } : { tooltip: { mode: "multi" } },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend === "" ? "__auto" : legend,
      instant: kind === "stat",
      range: kind !== "stat",
    })),
  };
}

function variable(name: string, query: string): VariableModel {
  return {
    name,
    type: "query",
    datasource,
    query: { query, refId: name },
    multi: true,
    includeAll: true,
    allValue: ".*",
    current: { text: "All", value: "$__all" },
    refresh: 2,
  };
}
