/**
 * A misspelt `kind` or `type` hides whatever else is wrong in its block: nobody knows which keys belong there. What they
 * would be is guessed, so that one look at the report is enough.
 */

import type * as z from 'zod';
import { suggest } from '../lib/suggest.ts';
import { type Finding, findingsOf } from './findings.ts';
import { type ConfigPath, valueAt } from './problem.ts';
import { configSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** What is wrong besides, if each unknown kind were the one that it resembles most. */
export function hiddenFindings(issues: readonly Issue[], data: unknown): Finding[] {
  const unions = issues.filter(isUnknownKind);
  if (unions.length === 0) return [];
  const guess = structuredClone(data);
  const blocks: ConfigPath[] = [];
  for (const issue of unions) {
    const block = issue.path.slice(0, -1);
    const holder = valueAt(guess, block) as Record<PropertyKey, unknown>;
    const key = issue.path.at(-1) as PropertyKey;
    const choices = issue.options.map(String);
    const said = holder[key];
    holder[key] = (typeof said === 'string' ? suggest(said, choices) : null) ?? choices[0];
    blocks.push(block);
  }
  const inBlock = ({ path }: Finding) => blocks.some((block) => block.every((key, at) => key === path[at]));
  return findingsOf(configSchema.safeParse(guess).error?.issues ?? [], guess).filter(inBlock);
}

function isUnknownKind(issue: Issue): issue is Issue & { readonly options: readonly unknown[] } {
  const { options } = issue as { options?: unknown };
  return issue.code === 'invalid_union' && Array.isArray(options) && issue.path.length > 0;
}
