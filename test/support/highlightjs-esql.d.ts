/** Elastic's definition of ES|QL for highlight.js, as far as a test looks at it. */
declare module "@elastic/highlightjs-esql" {
  interface Mode {
    className?: string;
    begin?: RegExp | string;
    match?: RegExp | string;
  }
  export default function esql(hljs: object): {
    keywords: Record<"keyword" | "built_in" | "literal", string[]>;
    contains: (Mode | undefined)[];
  };
}
