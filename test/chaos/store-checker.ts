/**
 * Judges a run on embedded stores. Nobody sees their calls: what the tasks and the producer wrote and what the files hold
 * in the end must agree. Its own tests are histories that it must refuse.
 */

import type { Verdict } from './checker.ts';
import type { Recorded } from './history.ts';
import { Interruptions } from './interruptions.ts';
import { type Run, runsOf } from './runs.ts';
import { checkFiles } from './store-file-check.ts';
import type { Invariant, Report, Violation } from './violations.ts';
import { checkWorld } from './world-check.ts';

export interface StoreCheckOptions {
  /** Tasks of which a job may be dead, with the crashes it then must have. */
  readonly mayDie: Readonly<Record<string, number | null>>;
}

/** All that is known of the jobs of a run. */
export interface Account {
  readonly history: readonly Recorded[];
  /** By job, in the order of their starts. */
  readonly runs: ReadonlyMap<string, readonly Run[]>;
  /** What was asked and told, by tag. */
  readonly orders: ReadonlyMap<string, Order>;
}

export type Ask = Recorded & { readonly kind: 'ask' };
export type Told = Recorded & { readonly kind: 'told' };
export interface Order {
  readonly ask: Ask;
  readonly told: Told | null;
}

/** So long the outcome of a run may be on its way to the store while nothing disturbs it. */
const SETTLE_MS = 5_000;
/** So soon after a fault a daemon takes jobs again. */
const COMEBACK_MS = 5_000;

export function checkStore(history: readonly Recorded[], { mayDie }: StoreCheckOptions): Verdict {
  const violations: Violation[] = [];
  const report = (invariant: Invariant, t: number, text: string) =>
    void violations.push({ invariant, t, text });
  const runs = new Map<string, Run[]>();
  for (const run of runsOf(history, report)) runs.set(run.id, [...(runs.get(run.id) ?? []), run]);
  const account = { history, runs, orders: ordersOf(history) };
  const interruptions = new Interruptions(history);
  checkRepeats(account, interruptions, report);
  checkInputs(account, report);
  checkKeys(account, interruptions, report);
  checkRefusals(account, interruptions, report);
  checkWorld(history, report);
  checkFiles(account, mayDie, report);
  return {
    violations,
    jobs: runs.size,
    faults: history.filter(({ kind }) => kind === 'fault').length,
    calls: 0,
    reclaims: 0,
  };
}

function ordersOf(history: readonly Recorded[]): Map<string, Order> {
  const orders = new Map<string, Order>();
  for (const event of history) {
    if (event.kind === 'ask') orders.set(event.tag, { ask: event, told: null });
    const order = event.kind === 'told' ? orders.get(event.tag) : undefined;
    if (event.kind === 'told' && order !== undefined) orders.set(event.tag, { ...order, told: event });
  }
  return orders;
}

/** A job runs again only after its run failed or was cut short. */
function checkRepeats({ runs }: Account, interruptions: Interruptions, report: Report): void {
  for (const ofJob of runs.values()) {
    for (const [index, second] of ofJob.entries()) {
      const first = ofJob[index - 1];
      if (first === undefined) continue;
      if (fenceOf(second) <= fenceOf(first))
        report('I5', second.from, `${second.token} was handed out after ${first.token}`);
      if (second.from < first.to)
        report('I3', second.from, `${second.token} ran beside ${first.token}, whose worker lived`);
      else if (first.how === 'end' && !interruptions.lost(first, second.from, SETTLE_MS))
        report('I2', second.from, `${second.token} ran although ${first.token} had ended and nothing died`);
    }
  }
}

const fenceOf = ({ token }: Run): number => Number(token.slice(token.indexOf(':') + 1));

function checkInputs({ runs, orders }: Account, report: Report): void {
  const jobOf = new Map<string, string>();
  for (const run of [...runs.values()].flat()) {
    const { tag, id, from, sum } = run;
    if (tag === null) continue;
    const order = orders.get(tag);
    const other = jobOf.get(tag);
    jobOf.set(tag, id);
    if (order === undefined) {
      report('I10', from, `job ${id} runs with the tag ${tag}, for which nobody asked`);
      continue;
    }
    if (sum !== order.ask.sum) report('I10', from, `job ${id} got another input than was enqueued`);
    if (other !== undefined && other !== id) report('I4', from, `${tag} was stored as ${other} and as ${id}`);
    if (order.told?.end === 'refused') report('I1', from, `${tag} was refused, but it runs as ${id}`);
    if (order.told?.end === 'existing')
      report('I1', from, `${tag} was told that its key is held, but it runs as ${id}`);
    if (order.told?.end === 'stored' && order.told.id !== id)
      report('I1', from, `${tag} was stored as ${order.told.id}, but it runs as ${id}`);
  }
}

/** What nothing has disturbed for a while takes every job. */
function checkRefusals({ history, orders }: Account, interruptions: Interruptions, report: Report): void {
  const begin = history.find(({ kind }) => kind === 'ask')?.t ?? 0;
  for (const { ask, told } of orders.values()) {
    const from = Math.max(begin, ask.t - COMEBACK_MS);
    if (told === null || (told.end !== 'refused' && told.end !== 'unknown')) continue;
    if (interruptions.calm(from, told.t) === told.t - from)
      report('I9', told.t, `${ask.tag} was ${told.end} although nothing had disturbed its daemon for long`);
  }
}

/** Who is told that a unique key is held, is told of a job that lives; who is not, was alone with it. */
function checkKeys({ runs, orders }: Account, interruptions: Interruptions, report: Report): void {
  const holders = new Map<string, Told[]>();
  for (const { ask, told } of orders.values()) {
    if (ask.unique == null || told?.end !== 'stored') continue;
    for (const other of holders.get(ask.unique) ?? []) {
      const later = (runs.get(other.id ?? '') ?? []).some(({ from }) => from > told.t);
      if (other.t < ask.t && later)
        report('I13', told.t, `${told.id} was stored though ${other.id} holds its key ${ask.unique}`);
    }
    holders.set(ask.unique, [...(holders.get(ask.unique) ?? []), told]);
  }
  for (const { ask, told } of orders.values()) {
    if (told?.end !== 'existing') continue;
    const last = runs.get(told.id ?? '')?.at(-1);
    if (last?.how === 'end' && interruptions.calm(last.to, ask.t) > SETTLE_MS)
      report('I12', told.t, `key ${ask.unique} was still held by ${told.id}, which had ended`);
  }
}
