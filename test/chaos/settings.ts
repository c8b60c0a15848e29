/** The times of a chaos run: as short as the configuration allows, so that outages longer than a lease take seconds. */

export const LEASE_MS = 6_000;
export const HEARTBEAT_MS = 300;
/** G of the protocol: two looks at a lease lie at least so far apart. */
export const GRACE_MS = 1.6 * HEARTBEAT_MS;
export const DRAIN_MS = 5_000;
export const COLD_GRACE_MS = 1_000;
export const NAMESPACE = 'chaos';
export const QUEUES = ['cpu', 'io'] as const;
/** More is not asked of the machine on which it runs. */
export const MOST_JOBS_PER_SECOND = 300;
