import { haversine, type LatLng } from '../filter/geodesy.ts';
import { between, seededRandom, seedOf } from '../trace/random.ts';
import type { RouteAnswer, TrafficAnswer } from './combine.ts';

/** How long the services think, milliseconds: drawn between these. */
export interface Delay {
  readonly shortest: number;
  readonly longest: number;
}

export type Reply =
  | { readonly status: 200; readonly delayMs: number; readonly body: RouteAnswer | TrafficAnswer }
  | { readonly status: 400 | 404; readonly delayMs: 0; readonly body: { readonly error: string } };

/** Roads are longer than the crow flies, and driven at about this speed when empty. */
const DETOUR = 1.35;
const SPEED_M_S = 11;
const RUSH_HOURS = [8, 18];

/**
 * What the stand-in answers to a path with query, and after which delay. The same question with the same seed has the same
 * answer and delay, whenever and in whatever order it is asked.
 */
export function replyTo(target: string, delay: Delay, seed: number): Reply {
  const url = new URL(target, 'http://stand-in');
  if (url.pathname !== '/route' && url.pathname !== '/traffic')
    return { status: 404, delayMs: 0, body: { error: `no service ${url.pathname}: ask /route or /traffic` } };
  const from = placeOf(url.searchParams.get('from'));
  const to = placeOf(url.searchParams.get('to'));
  const at = Date.parse(url.searchParams.get('at') ?? '');
  if (from === null || to === null || Number.isNaN(at))
    return { status: 400, delayMs: 0, body: { error: 'ask with from=lat,lng&to=lat,lng&at=ISO 8601' } };
  const random = seededRandom(seedOf(seed, url.pathname, url.search));
  const delayMs = Math.round(between(random, delay.shortest, delay.longest));
  return { status: 200, delayMs, body: url.pathname === '/route' ? route(from, to) : traffic(at, random()) };
}

function route(from: LatLng, to: LatLng): RouteAnswer {
  const distance = DETOUR * haversine(from, to);
  return { distance_m: Math.round(distance), duration_s: Math.round(distance / SPEED_M_S) };
}

/** Slow around the rush hours (UTC), and a little by chance. */
function traffic(at: number, chance: number): TrafficAnswer {
  const hour = (at / 3_600_000) % 24;
  const rush = RUSH_HOURS.reduce((sum, peak) => sum + Math.exp(-((hour - peak) ** 2) / 3), 0);
  return { factor: round(1 + rush * 0.8 + chance * 0.2), confidence: round(0.7 + chance * 0.3) };
}

function placeOf(text: string | null): LatLng | null {
  const match = /^(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)$/.exec(text ?? '');
  if (match === null) return null;
  const [lat, lng] = [Number(match[1]), Number(match[2])];
  return Math.abs(lat) <= 90 && Math.abs(lng) <= 180 ? { lat, lng } : null;
}

const round = (value: number): number => Math.round(value * 1e3) / 1e3;
