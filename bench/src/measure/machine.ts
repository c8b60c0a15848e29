import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** What the figures were taken on, and how busy it was with other things. */
export function machineFacts(): string {
  const model = cpus()[0]?.model.trim().replaceAll(/\s+/g, ' ');
  const cores = availableParallelism();
  return [
    `${cores} ${cores === 1 ? 'core' : 'cores'}${model ? ` (${model})` : ''}`,
    `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    `Linux ${release()}`,
    `Node.js ${process.version}`,
    redisVersion(),
    `load before the run ${loadBefore().toFixed(2)}`,
  ].join(', ');
}

/** Processes that wanted a core in the last minute. */
export const loadBefore = (): number => loadavg()[0] ?? 0;

function redisVersion(): string {
  const version = execFileSync('redis-server', ['--version'], { encoding: 'utf8' });
  return `Redis ${/v=([\d.]+)/.exec(version)?.[1]}`;
}
