import { NonRetryable, RetryAfter } from 'forkloop';
import type { EtaCache } from './cache.ts';
import {
  combine,
  type Eta,
  type EtaQuestion,
  keyOf,
  type RouteAnswer,
  type TrafficAnswer,
} from './combine.ts';

export interface PredictOptions {
  /** Base URL of the route and traffic services. */
  readonly services: string;
  readonly cache: EtaCache;
  readonly signal: AbortSignal;
}

/** Asks the cache, else both services at once; the first failure ends the other request too. */
export async function predict(
  question: EtaQuestion,
  { services, cache, signal }: PredictOptions,
): Promise<Eta> {
  const key = keyOf(question);
  const known = await cache.get(key);
  if (known !== null) return known;
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  try {
    const [route, traffic] = await Promise.all([
      ask<RouteAnswer>(new URL('/route', services), question, either),
      ask<TrafficAnswer>(new URL('/traffic', services), question, either),
    ]);
    const eta = combine(question, route, traffic);
    await cache.put(key, eta);
    return eta;
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}

async function ask<Answer>(url: URL, { from, to, at }: EtaQuestion, signal: AbortSignal): Promise<Answer> {
  url.search = new URLSearchParams({
    from: `${from.lat},${from.lng}`,
    to: `${to.lat},${to.lng}`,
    at,
  }).toString();
  const reply = await fetch(url, { signal });
  if (reply.ok) return (await reply.json()) as Answer;
  await reply.body?.cancel();
  throw refusal(url, reply);
}

/** Busy: come back when the service says. Our fault: coming back cannot help. Its fault: the retry policy decides. */
function refusal({ pathname }: URL, { status, headers }: Response): Error {
  const message = `${pathname} answered ${status}`;
  if (status === 429 || status === 503) return new RetryAfter(headers.get('retry-after'), message);
  return status < 500 ? new NonRetryable(message) : new Error(message);
}
