import type { Command } from "commander";
import { usage } from "./failure.ts";
import type { Io } from "./io.ts";

/** One place in a command line, and what may stand there. */
interface Place {
  /** The commands before it: ``, `notes`, `notes add`. */
  path: string;
  commands: { name: string; description: string }[];
  options: { flag: string; description: string }[];
}

const shells: Record<string, (places: readonly Place[]) => string> = { bash, zsh, fish };

export function registerCompletion(program: Command, io: Io): void {
  program
    .command("completion")
    .description("print the completion script of a shell")
    .argument("<shell>", Object.keys(shells).join(", "))
    .addHelpText(
      "after",
      `
Install it:
  bash  echo 'source <(matric completion bash)' >> ~/.bashrc
  zsh   matric completion zsh > "\${fpath[1]}/_matric"
  fish  matric completion fish > ~/.config/fish/completions/matric.fish`,
    )
    .action((shell: string) => run(shell, program, io));
}

export async function run(shell: string, program: Command, io: Io): Promise<void> {
  const script = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
  if (!script) throw usage(`There is completion for ${Object.keys(shells).join(", ")}, not for "${shell}".`);
  await io.stdout.write(script(placesOf(program, "")));
}

function placesOf(command: Command, path: string): Place[] {
  const place: Place = {
    path,
    commands: command.commands.map((one) => ({ name: one.name(), description: one.description() })),
    options: command.options.flatMap(({ long, description, hidden }) => (long && !hidden ? [{ flag: long, description }] : [])),
  };
  place.options.push({ flag: "--help", description: "show help" });
  return [place, ...command.commands.flatMap((one) => placesOf(one, `${path} ${one.name()}`.trim()))];
}

function wordsOf({ commands, options }: Place): string {
  return [...commands.map(({ name }) => name), ...options.map(({ flag }) => flag)].join(" ");
}

/** Follows the words typed so far as long as they name a command; arguments and options are passed over. */
function bash(places: readonly Place[]): string {
  const known = places.filter(({ path }) => path !== "").map(({ path }) => `"${path}"`);
  return `_matric() {
  local path="" next word words i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    next="\${path:+$path }$word"
    case "$next" in
      ${known.join(" | ")}) path="$next" ;;
    esac
  done
  case "$path" in
${places.map((place) => `    "${place.path}") words="${wordsOf(place)}" ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _matric matric
`;
}

function zsh(places: readonly Place[]): string {
  const known = places.filter(({ path }) => path !== "").map(({ path }) => `"${path}"`);
  const candidates = (place: Place) =>
    [
      ...place.commands.map(({ name, description }) => [name, description]),
      ...place.options.map(({ flag, description }) => [flag, description]),
    ]
      .map(([word = "", description = ""]) => quoted(`${word.replaceAll(":", "\\:")}:${description}`))
      .join(" ");
  return `#compdef matric
_matric() {
  local path_="" next word i
  local -a candidates
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    next="\${path_:+$path_ }$word"
    case "$next" in
      ${known.join(" | ")}) path_="$next" ;;
    esac
  done
  case "$path_" in
${places.map((place) => `    "${place.path}") candidates=(${candidates(place)}) ;;`).join("\n")}
  esac
  _describe matric candidates || _files
}
if [ "$funcstack[1]" = "_matric" ]; then _matric "$@"; else compdef _matric matric; fi
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options }) => {
    const seen = path
      .split(" ")
      .filter(Boolean)
      .map((word) => `__fish_seen_subcommand_from ${word}`);
    const notYet = commands.length > 0 ? [`not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(" ")}`] : [];
    const condition = `-n ${quoted([...seen, ...notYet].join("; and ") || "true")}`;
    return [
      ...commands.map(({ name, description }) => `complete -c matric -f ${condition} -a ${name} -d ${quoted(description)}`),
      ...options.map(({ flag, description }) => `complete -c matric ${condition} -l ${flag.slice(2)} -d ${quoted(description)}`),
    ];
  });
  return `${lines.join("\n")}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
