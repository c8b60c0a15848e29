import type { LatLng } from '../filter/geodesy.ts';

/** What is asked. `at` is ISO 8601: when the device leaves. */
export interface EtaQuestion {
  readonly from: LatLng;
  readonly to: LatLng;
  readonly at: string;
}

/** What the route service knows: the way on an empty road. */
export interface RouteAnswer {
  readonly distance_m: number;
  readonly duration_s: number;
}

/** What the traffic service knows: how many times longer everything takes at that hour there, and how sure it is (0 to 1). */
export interface TrafficAnswer {
  readonly factor: number;
  readonly confidence: number;
}

export interface Eta {
  readonly distance_m: number;
  readonly duration_s: number;
  /** ISO 8601. */
  readonly arrives_at: string;
  /** The part of the duration that is traffic. */
  readonly delay_s: number;
}

/** Beyond these a traffic report is a fault of the service, not of the road. */
const FACTORS = { lowest: 0.8, highest: 4 };

/** An arrival from both answers: the traffic counts as far as its service is sure of it. */
export function combine({ at }: EtaQuestion, route: RouteAnswer, traffic: TrafficAnswer): Eta {
  const factor = Math.min(FACTORS.highest, Math.max(FACTORS.lowest, traffic.factor));
  const trust = Math.min(1, Math.max(0, traffic.confidence));
  const duration = Math.round(route.duration_s * (1 + (factor - 1) * trust));
  return {
    distance_m: Math.round(route.distance_m),
    duration_s: duration,
    arrives_at: new Date(Date.parse(at) + duration * 1_000).toISOString(),
    delay_s: duration - Math.round(route.duration_s),
  };
}

/** Questions with the same key have the same answer: places to about ten metres, times to five minutes. */
export function keyOf({ from, to, at }: EtaQuestion): string {
  const place = ({ lat, lng }: LatLng) => `${lat.toFixed(4)},${lng.toFixed(4)}`;
  return `${place(from)}>${place(to)}@${Math.floor(Date.parse(at) / 300_000)}`;
}
