import type { Point } from '../filter/clean.ts';
import type { Trace } from '../filter/filter.ts';
import type { LatLng } from '../filter/geodesy.ts';
import { azimuthalEquidistant } from '../filter/projection.ts';
import { between, gaussian, type Random, seededRandom, seedOf } from './random.ts';

export interface TraceOptions {
  readonly seed: number;
  readonly points: number;
  readonly device?: string;
  /** Where the drive begins. */
  readonly start?: LatLng;
  /** EpochMs of the first fix. */
  readonly from?: number;
}

const PARIS: LatLng = { lat: 48.8566, lng: 2.3522 };
const FROM = Date.UTC(2025, 2, 3, 6);
const CRUISE_M_S = 13;
/** Standard deviation of a good fix, metres. */
const NOISE_M = 4;
/** Shares of fixes that are wrong: reflected between houses, thrown far away, sent twice. */
const REFLECTED = 0.03;
const THROWN = 0.004;
const REPEATED = 0.004;

/** A drive through a town with turns, stops and a receiver as bad as real ones. The same options give the same trace. */
export function generateTrace({
  seed,
  points: count,
  device = `device-${seed}`,
  start = PARIS,
  from = FROM,
}: TraceOptions): Trace {
  const random = seededRandom(seedOf('trace', seed));
  const plane = azimuthalEquidistant(start);
  const points: Point[] = [];
  const car = { x: 0, y: 0, heading: between(random, 0, 2 * Math.PI), speed: 0, stopFor: 0 };
  let at = from;
  while (points.length < count) {
    const seconds = Math.round(between(random, 1, 5));
    at += seconds * 1_000;
    drive(car, seconds, random);
    const spread = spreadOf(random);
    const place = plane.toGlobe(car.x + spread * gaussian(random), car.y + spread * gaussian(random));
    const point = { lat: round(place.lat), lng: round(place.lng), at: new Date(at).toISOString() };
    points.push(point);
    if (random() < REPEATED && points.length < count) points.push(point);
  }
  return { device, points };
}

/** Straight streets, turns at crossings, red lights. */
function drive(
  car: { x: number; y: number; heading: number; speed: number; stopFor: number },
  seconds: number,
  random: Random,
) {
  for (let second = 0; second < seconds; second++) {
    if (car.stopFor > 0) car.stopFor--;
    else if (random() < 0.01) car.stopFor = Math.round(between(random, 5, 40));
    const wanted = car.stopFor > 0 ? 0 : CRUISE_M_S;
    car.speed += Math.max(-3, Math.min(1.5, wanted - car.speed));
    if (random() < 0.02) car.heading += (random() < 0.5 ? 1 : -1) * (Math.PI / 2);
    car.heading += 0.01 * gaussian(random);
    car.x += car.speed * Math.sin(car.heading);
    car.y += car.speed * Math.cos(car.heading);
  }
}

function spreadOf(random: Random): number {
  const draw = random();
  if (draw < THROWN) return 3_000;
  return draw < THROWN + REFLECTED ? 6 * NOISE_M : NOISE_M;
}

/** As receivers send them: six digits, a decimetre. */
const round = (degrees: number): number => Math.round(degrees * 1e6) / 1e6;
