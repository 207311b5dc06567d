import { Argument, type Command } from "commander";
import type { Io } from "../io.ts";

export type Shell = "bash" | "zsh" | "fish";

/**
 * Each asks `matric __complete` with the words so far, the one under the cursor last, and gets candidates, one per line, with a tab
 * and a description. When there are none, the shell offers files.
 */
const scripts: Record<Shell, string> = {
  // Its own words end at colons and equal signs, too; what it is given must then begin after the last of these.
  bash: `_matric() {
  local line typed given
  local -a words
  read -ra words <<< "\${COMP_LINE:0:COMP_POINT}"
  case "\${COMP_LINE:0:COMP_POINT}" in *[[:space:]]) words+=("") ;; esac
  typed="\${words[\${#words[@]} - 1]}"
  given="\${typed%"\${typed##*[:=]}"}"
  COMPREPLY=()
  while IFS= read -r line; do
    line="\${line%%$'\\t'*}"
    COMPREPLY+=("\${line#"$given"}")
  done < <("$1" __complete "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F _matric matric
`,
  zsh: `#compdef matric
_matric() {
  local line about
  local -a candidates
  while IFS= read -r line; do
    about="\${line#*$'\\t'}"
    candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}\${about:+:$about}")
  done < <("\${(Q)words[1]}" __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  if (( $#candidates )); then _describe matric candidates; else _files; fi
}
if [ "$funcstack[1]" = "_matric" ]; then _matric "$@"; else compdef _matric matric; fi
`,
  fish: `function __matric_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l candidates ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
  if test (count $candidates) -gt 0
    printf '%s\\n' $candidates
  else
    __fish_complete_path "$current"
  end
end
complete -c matric -f -a '(__matric_complete)'
`,
};

export function registerCompletion(program: Command, io: Io): void {
  program
    .command("completion")
    .description("print the completion script of a shell: commands, options, values, and the ids that the server knows")
    .addArgument(new Argument("<shell>", "which shell").choices(Object.keys(scripts)))
    .addHelpText(
      "after",
      `
Install it:
  bash  echo 'source <(matric completion bash)' >> ~/.bashrc
  zsh   matric completion zsh > "\${fpath[1]}/_matric"
  fish  matric completion fish > ~/.config/fish/completions/matric.fish`,
    )
    .action((shell: Shell) => run(shell, io));
}

export async function run(shell: Shell, io: Io): Promise<void> {
  await io.stdout.write(scripts[shell]);
}
