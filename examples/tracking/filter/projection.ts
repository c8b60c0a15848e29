import { degrees, EARTH_RADIUS_M, type LatLng, radians } from './geodesy.ts';

/** A plane in metres that touches the globe at `center`: x to the east, y to the north. */
export interface Projection {
  toPlane(place: LatLng): { x: number; y: number };
  toGlobe(x: number, y: number): LatLng;
}

/**
 * The azimuthal equidistant projection: distances and directions from the centre are true, and 100 km away from it the
 * scale is off by 0.004 %. Unlike a grid of latitude and longitude it has no seam at the antimeridian and no
 * singularity at the poles; only the antipode of the centre has no image (it is put on the rim).
 *
 * Source: J. P. Snyder, "Map Projections: A Working Manual", USGS Professional Paper 1395, 1987, pages 191 to 202.
 */
export function azimuthalEquidistant(center: LatLng): Projection {
  const sinLat0 = Math.sin(radians(center.lat));
  const cosLat0 = Math.cos(radians(center.lat));
  return {
    toPlane({ lat, lng }) {
      const sinLat = Math.sin(radians(lat));
      const cosLat = Math.cos(radians(lat));
      const cosLng = Math.cos(radians(lng - center.lng));
      const east = cosLat * Math.sin(radians(lng - center.lng));
      const north = cosLat0 * sinLat - sinLat0 * cosLat * cosLng;
      const sinAngle = Math.hypot(east, north);
      const angle = Math.atan2(sinAngle, sinLat0 * sinLat + cosLat0 * cosLat * cosLng);
      const scale = sinAngle === 0 ? EARTH_RADIUS_M : (EARTH_RADIUS_M * angle) / sinAngle;
      return { x: scale * east, y: scale * north };
    },
    toGlobe(x, y) {
      const distance = Math.hypot(x, y);
      if (distance === 0) return center;
      const angle = distance / EARTH_RADIUS_M;
      const sinAngle = Math.sin(angle);
      const cosAngle = Math.cos(angle);
      const sinLat = cosAngle * sinLat0 + (y * sinAngle * cosLat0) / distance;
      const lng = Math.atan2(x * sinAngle, distance * cosLat0 * cosAngle - y * sinLat0 * sinAngle);
      return { lat: degrees(Math.asin(clamp(sinLat, -1, 1))), lng: wrapLongitude(center.lng + degrees(lng)) };
    },
  };
}

/** The same meridian between -180 (included) and 180 (not). */
export function wrapLongitude(lng: number): number {
  return lng >= -180 && lng < 180 ? lng : ((((lng + 180) % 360) + 360) % 360) - 180;
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
