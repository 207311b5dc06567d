import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { usePage } from "../page.ts";
import { Dialog } from "../shell/dialog.tsx";
import { MarkedText, SameLines } from "./marked-text.tsx";
import { type Choice, firstChoice, type MergePart, merged, mergeParts } from "./merge.ts";
import type { Newer } from "./newer.ts";
import type { OpenNote } from "./open-note.ts";
import { wordMarks } from "./text-diff.ts";

interface Place {
  name: "Title" | "Tags" | "Text";
  parts: readonly MergePart[];
}

/** Mine and theirs side by side: one of them as a whole, or the better one in each place. */
export function ConflictDialog({ note, newer }: { note: OpenNote; newer: Newer }) {
  const { desk } = usePage();
  const base = note.base.value;
  const mine = { title: note.title.value, tags: note.tags.value, content: note.content.value };
  const theirs = newer.note;
  const places = useMemo((): Place[] => {
    const lines = (tags: readonly string[]) => tags.join("\n");
    return [
      { name: "Title", parts: mergeParts(base?.title ?? "", mine.title, theirs.title) },
      { name: "Tags", parts: mergeParts(lines(base?.tags ?? []), lines(mine.tags), lines(theirs.tags)) },
      { name: "Text", parts: mergeParts(base?.content ?? "", mine.content, theirs.content) },
    ];
  }, [base, theirs]);
  const choices = useSignal(places.map(({ parts }) => parts.map(firstChoice)));
  const textOf = (index: number) => merged(places[index]?.parts ?? [], choices.peek()[index] ?? []);
  const open = places.flatMap(({ parts }, place) =>
    parts.filter((part, index) => part.kind === "differing" && choices.value[place]?.[index] === undefined),
  ).length;
  const close = () => {
    desk.isChoosing.value = false;
  };
  const choose = (place: number, part: number, choice: Choice) => {
    const chosen = (choices.peek()[place] ?? []).with(part, choice);
    choices.value = choices.peek().with(place, chosen);
  };
  const saveMerged = () =>
    desk.choose(note, newer, { title: textOf(0), tags: textOf(1).split("\n").filter(Boolean), content: textOf(2) });
  return (
    <Dialog title="Two versions of this note" onClose={close} isWide>
      <div class="merge">
        <h3>Mine, not saved</h3>
        <h3>Theirs, version {theirs.version}</h3>
        {places.map(({ name, parts }, place) =>
          parts.some(({ kind }) => kind === "differing") ? (
            <PlaceView
              key={name}
              name={name}
              parts={parts}
              choices={choices.value[place] ?? []}
              onChoose={(part, choice) => choose(place, part, choice)}
            />
          ) : null,
        )}
      </div>
      <div class="dialog-actions">
        <span class="muted" role="status">
          {open > 0 ? `${open} ${open === 1 ? "place" : "places"} to decide` : "Everything is decided"}
        </span>
        <button type="button" onClick={() => desk.choose(note, newer, theirs)}>
          Take theirs
        </button>
        <button type="button" onClick={() => desk.choose(note, newer, mine)}>
          Keep mine
        </button>
        <button type="button" class="primary" disabled={open > 0} onClick={saveMerged}>
          Save merged
        </button>
      </div>
    </Dialog>
  );
}

interface PlaceViewProps extends Place {
  choices: readonly (Choice | undefined)[];
  onChoose: (part: number, choice: Choice) => void;
}

function PlaceView({ name, parts, choices, onChoose }: PlaceViewProps) {
  return (
    <>
      {name !== "Text" && <h4 class="across">{name}</h4>}
      {parts.map((part, index) =>
        part.kind === "same" ? (
          <div key={index} class="across same">
            <SameLines lines={part.lines} isFirst={index === 0} isLast={index === parts.length - 1} />
          </div>
        ) : (
          <Differing
            key={index}
            part={part}
            label={`${name}, difference ${parts.slice(0, index + 1).filter(({ kind }) => kind === "differing").length}`}
            choice={choices[index]}
            takesBoth={name !== "Title"}
            onChoose={(choice) => onChoose(index, choice)}
          />
        ),
      )}
    </>
  );
}

interface DifferingProps {
  part: MergePart & { kind: "differing" };
  label: string;
  choice: Choice | undefined;
  /** Whether one after the other makes sense. */
  takesBoth: boolean;
  onChoose: (choice: Choice) => void;
}

function Differing({ part: { mine, theirs, changedBy }, label, choice, takesBoth, onChoose }: DifferingProps) {
  const marks = useMemo(() => wordMarks(mine.join("\n"), theirs.join("\n")), [mine, theirs]);
  const radio = (value: Choice, text: string) => (
    <label class="choice">
      <input type="radio" name={label} checked={choice === value} onChange={() => onChoose(value)} />
      {text}
    </label>
  );
  const isTaken = (side: Choice) => choice === side || choice === "both";
  return (
    <fieldset class={`hunk ${choice === undefined ? "open" : ""}`}>
      <legend class="hidden">
        {label}: changed by {changedBy === "both" ? "both" : changedBy === "me" ? "you" : "them"}
      </legend>
      <div class={`side ${isTaken("mine") ? "taken" : ""}`}>
        <div class="choices">{radio("mine", "Mine")}</div>
        {mine.length === 0 ? <span class="muted">nothing here</span> : <MarkedText marks={marks.before} as="ins" />}
      </div>
      <div class={`side ${isTaken("theirs") ? "taken" : ""}`}>
        <div class="choices">
          {radio("theirs", "Theirs")}
          {takesBoth && mine.length > 0 && theirs.length > 0 && radio("both", "Both")}
        </div>
        {theirs.length === 0 ? <span class="muted">nothing here</span> : <MarkedText marks={marks.after} as="ins" />}
      </div>
    </fieldset>
  );
}
