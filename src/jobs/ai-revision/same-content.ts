import { isDeepStrictEqual } from "node:util";

/** What matters here of a node of a Markdown tree. */
export interface Node {
  type: string;
  value?: string;
  children?: Node[];
  position?: { start: { offset?: number }; end: { offset?: number } };
}

/** How it was written, not what it says: places, blank lines between list items, the spelling of a reference's label. */
const form = ["position", "spread", "label", "data"];

/** Whether two Markdown trees say the same: equal structure, text, code, links, HTML and front matter. */
export function isSameContent(a: Node, b: Node): boolean {
  return isDeepStrictEqual(essence(a), essence(b));
}

function essence(node: Node): unknown {
  const { children, ...rest } = node;
  const said = Object.fromEntries(
    Object.entries(rest).filter(([key, value]) => !form.includes(key) && value !== null && value !== undefined),
  );
  return children === undefined ? said : { ...said, children: joined(children).map(essence) };
}

/** Where one text ends and the next begins is an accident of parsing. */
function joined(nodes: readonly Node[]): Node[] {
  const result: Node[] = [];
  for (const node of nodes) {
    const last = result.at(-1);
    if (node.type === "text" && last?.type === "text")
      result[result.length - 1] = { type: "text", value: `${last.value}${node.value}` };
    else result.push(node);
  }
  return result;
}
