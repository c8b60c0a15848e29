import { unfit } from './errors.ts';

/** Redis 7.0 brought scripts with flags and `LPOP` with a count in them; Valkey began after it. */
const OLDEST = { redis: [7, 0], valkey: [7, 2] } as const;

/**
 * Whether a server can keep the promise, from its reply to INFO. Needs no CONFIG, which operators often forbid.
 * @throws BrokerError ERR_BROKER_UNFIT
 */
export function checkFitness(info: string): void {
  const valkey = field(info, 'valkey_version');
  const [name, version] = valkey
    ? ['valkey' as const, valkey]
    : ['redis' as const, field(info, 'redis_version')];
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST[name];
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    throw unfit(
      `the broker is ${name} ${version ?? 'of unknown version'}: Redis 7.0 or Valkey 7.2 or newer is needed`,
    );
  }
  const policy = field(info, 'maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    throw unfit(
      `redis may evict jobs: maxmemory-policy is ${policy}; set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf)`,
    );
  }
}

/** Why a server that is fit may yet lose what it has acknowledged, from its reply to INFO; null where nothing is known against it. */
export function riskIn(info: string): string | null {
  return field(info, 'aof_enabled') === '0'
    ? 'redis keeps no append-only file: when it ends, what it acknowledged since its last snapshot is lost; set appendonly yes'
    : null;
}

/** Whether it is a node of a Redis Cluster, from its reply to INFO. */
export const isClusterNode = (info: string): boolean => field(info, 'cluster_enabled') === '1';

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}
