/** What a shell is told, so that it asks us: `__complete -- WORD…` answers a line for each candidate, text TAB about. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The names that the program is started by. */
const PROGRAMS = ['supervisor', 'forkloop'];

const BASH = `# bash completion of forkloop
_forkloop() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  mapfile -t COMPREPLY < <("\${COMP_WORDS[0]/#\\~/$HOME}" __complete -- "\${words[@]}" 2>/dev/null | cut -f1)
}
complete -o default -F _forkloop ${PROGRAMS.join(' ')}
`;

const ZSH = `#compdef ${PROGRAMS.join(' ')}
# zsh completion of forkloop
_forkloop() {
  local -a lines found
  local line
  lines=("\${(@f)$(\${(Q)words[1]} __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#found )); then _describe 'forkloop' found; else _files; fi
}
if [ "$funcstack[1]" = "_forkloop" ]; then _forkloop "$@"; else compdef _forkloop ${PROGRAMS.join(' ')}; fi
`;

const FISH = `# fish completion of forkloop
function __forkloop_complete
  set -l words (commandline -opc)
  set -l found ($words[1] __complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
${PROGRAMS.map((program) => `complete -c ${program} -f -a '(__forkloop_complete)'`).join('\n')}
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
