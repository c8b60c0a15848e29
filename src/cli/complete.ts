/** What may stand where the cursor is: pure, from the tree of commands. */

import type { Command, Option } from 'commander';

export interface Candidate {
  readonly text: string;
  /** One line for the shells that show it; empty where the text says it all. */
  readonly about: string;
}

/** Names that only the configuration knows. */
export type NameKind = 'task' | 'queue' | 'pool' | 'worker' | 'schedule';

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Names of this kind fit as well. */
  readonly names: NameKind | null;
  /** What stands before each name in the same word, as in `--queue=`. */
  readonly lead: string;
}

/** Arguments and values that are names, as help writes them. */
const NAMES: ReadonlyMap<string, NameKind> = new Map([
  ['task', 'task'],
  ['queue', 'queue'],
  ['pool', 'pool'],
  ['worker', 'worker'],
  ['schedule', 'schedule'],
]);

const NOTHING: Completion = { candidates: [], names: null, lead: '' };

/** `words` are those after the program's name, the last one, maybe empty, the word that is being written. */
export function complete(program: Command, words: readonly string[]): Completion {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const { command, positionals, pending } = readWords(program, before);
  const [, long, start] = /^(--[\w-]+)=(.*)$/s.exec(current) ?? [];
  const assigned = pending === null && long !== undefined ? valued(command, long) : undefined;
  if (assigned !== undefined) return valuesOf(assigned, start ?? '', `${long}=`);
  if (pending !== null) return valuesOf(pending, current);
  if (current.startsWith('-')) return { ...NOTHING, candidates: matching(optionsOf(command), current) };
  const inner = command.createHelp().visibleCommands(command);
  if (inner.length > 0 && positionals === 0) {
    const candidates = inner.map((each) => ({ text: each.name(), about: each.description() }));
    return { ...NOTHING, candidates: matching(candidates, current) };
  }
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[positionals] ?? (last?.variadic ? last : undefined);
  if (argument === undefined) return NOTHING;
  // `schedule show <name>` takes the name of a schedule.
  const what = argument.name() === 'name' ? (command.parent?.name() ?? '') : argument.name();
  return choices(argument.argChoices, what, current);
}

/** How far the words lead: the command, how many of its arguments are there, the option that waits for its value. */
function readWords(program: Command, words: readonly string[]) {
  let command = program;
  let positionals = 0;
  let pending: Option | null = null;
  for (const word of words) {
    if (word === '=') continue; // bash cuts --option=value in three
    if (pending !== null) {
      pending = null;
    } else if (word.startsWith('-') && word !== '-') {
      pending = valued(command, word) ?? null;
    } else {
      const inner = positionals === 0 ? command.commands.find((each) => each.name() === word) : undefined;
      if (inner === undefined) positionals += 1;
      else command = inner;
    }
  }
  return { command, positionals, pending };
}

/** The option of that flag, if it takes a value. */
const valued = (command: Command, flag: string): Option | undefined =>
  allOptions(command).find(
    ({ short, long, required, optional }) => (flag === short || flag === long) && (required || optional),
  );

function valuesOf(option: Option, current: string, lead = ''): Completion {
  const name = /<([^>]+)>/.exec(option.flags)?.[1] ?? '';
  return choices(option.argChoices, name, current === '=' ? '' : current, lead);
}

function choices(values: readonly string[] | undefined, name: string, start: string, lead = ''): Completion {
  const fitting = matching(
    (values ?? []).map((text) => ({ text, about: '' })),
    start,
  );
  const candidates = fitting.map(({ text }) => ({ text: lead + text, about: '' }));
  return { candidates, names: NAMES.get(name) ?? null, lead };
}

function optionsOf(command: Command): Candidate[] {
  return allOptions(command).flatMap(({ long, short, description, hidden }) => {
    const text = long ?? short;
    return hidden || text === undefined ? [] : [{ text, about: description }];
  });
}

/** Its own and those of the commands around it, which are taken everywhere. */
function allOptions(command: Command): Option[] {
  const own = command.createHelp().visibleOptions(command);
  return command.parent === null
    ? own
    : [...own, ...allOptions(command.parent).filter(({ long }) => long !== '--version' && long !== '--help')];
}

export const matching = <Each extends { readonly text: string }>(
  candidates: readonly Each[],
  start: string,
): Each[] => candidates.filter(({ text }) => text.startsWith(start));
