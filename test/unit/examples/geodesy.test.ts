import assert from 'node:assert/strict';
import fc from 'fast-check';
import { haversine, type LatLng } from '../../../examples/tracking/filter/geodesy.ts';
import { azimuthalEquidistant, wrapLongitude } from '../../../examples/tracking/filter/projection.ts';

const paris = { lat: 48.8566, lng: 2.3522 };
const distances: readonly (readonly [name: string, from: LatLng, to: LatLng, metres: number])[] = [
  ['a place to itself', paris, paris, 0],
  ['Paris to London', paris, { lat: 51.5074, lng: -0.1278 }, 343_557],
  ['one degree along the equator', { lat: 0, lng: 0 }, { lat: 0, lng: 1 }, 111_195],
  ['across the antimeridian', { lat: 0, lng: 179.5 }, { lat: 0, lng: -179.5 }, 111_195],
  ['over the pole', { lat: 89.5, lng: 0 }, { lat: 89.5, lng: 180 }, 111_195],
  ['pole to pole', { lat: 90, lng: 0 }, { lat: -90, lng: 77 }, 20_015_115],
];

const place = fc.record({
  lat: fc.double({ min: -90, max: 90, noNaN: true }),
  lng: fc.double({ min: -180, max: 179.999, noNaN: true }),
});

describe('the globe in a plane', () => {
  for (const [name, from, to, metres] of distances) {
    it(`measures ${name}`, () => assert.ok(Math.abs(haversine(from, to) - metres) < 1 + metres * 1e-5));
  }

  it('keeps the distance of any place from the centre', () => {
    fc.assert(
      fc.property(place, place, (center, there) => {
        const { x, y } = azimuthalEquidistant(center).toPlane(there);
        assert.ok(Math.abs(Math.hypot(x, y) - haversine(center, there)) < 0.1);
      }),
    );
  });

  it('finds a place again, near the poles and the antimeridian too', () => {
    fc.assert(
      fc.property(
        place,
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        (center, x, y) => {
          const projection = azimuthalEquidistant(center);
          const there = projection.toGlobe(x, y);
          assert.ok(Math.abs(there.lat) <= 90 && there.lng >= -180 && there.lng < 180.0001);
          const again = projection.toPlane(there);
          assert.ok(Math.hypot(again.x - x, again.y - y) < 1, `${x},${y} became ${again.x},${again.y}`);
        },
      ),
    );
  });

  for (const [lng, wrapped] of [
    [0, 0],
    [180, -180],
    [190, -170],
    [-190, 170],
    [-180, -180],
    [540, -180],
  ] as const) {
    it(`names the meridian ${lng} as ${wrapped}`, () => assert.equal(wrapLongitude(lng), wrapped));
  }
});
