import { usageError } from './context.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** As the broker writes it. @throws ForkloopError ERR_USAGE */
export function jobIdOf(text: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw usageError(`${JSON.stringify(text)} is no job id: write it as enqueue printed it`);
}
