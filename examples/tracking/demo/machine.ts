import { availableParallelism, cpus, totalmem } from 'node:os';

/** What the numbers were measured on. */
export function machineFacts(): string {
  const cores = availableParallelism();
  const model = cpus()[0]?.model.trim().replaceAll(/\s+/g, ' ');
  return [
    `${cores} ${cores === 1 ? 'core' : 'cores'}${model ? ` (${model})` : ''}`,
    `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    `Node.js ${process.version}`,
    `${process.platform} ${process.arch}`,
  ].join(', ');
}
