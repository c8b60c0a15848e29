import { BrokerError, type Disposition } from '../broker-error.ts';

/** Codes of replies that Redis gives before it executes anything; they pass by themselves. */
const REFUSED = new Set([
  'LOADING',
  'READONLY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'BUSY',
  'NOREPLICAS',
  'MISCONF',
  'OOM',
  'NOSCRIPT',
  'MOVED',
  'ASK',
  'UNBLOCKED',
]);

/** A reply that is an error, as what the caller may rely on. `verb` is what was asked, for the message. */
export function replyError(verb: string, message: string, cause?: unknown): BrokerError {
  const code = /^[A-Z]+/.exec(message)?.[0] ?? '';
  if (code === 'OOM') {
    return new BrokerError(
      'refused',
      `redis has no room for ${verb}: used memory is at maxmemory; raise it, or wait until jobs have ended`,
      { code: 'ERR_BROKER_FULL', cause },
    );
  }
  if (message.startsWith('ERR SELECT is not allowed in cluster mode'))
    return unfit('a Redis Cluster has no database but 0: leave the number out of the url of the broker');
  const disposition: Disposition =
    REFUSED.has(code) || message.startsWith('ERR Can not run script') ? 'refused' : 'fatal';
  return new BrokerError(disposition, `redis answered ${verb} with: ${message}${wayOut(code)}`, { cause });
}

/** The text of an error reply, '' of any other failure. */
export const replyText = (failure: unknown): string =>
  failure instanceof BrokerError && failure.cause instanceof Error ? failure.cause.message : '';

/** A command that was written, whose reply did not come: it may have been executed. */
export function lostReply(verb: string, cause: unknown): BrokerError {
  return new BrokerError('unknown', `the connection to redis ended before ${verb} was answered`, { cause });
}

export function overdue(verb: string, deadlineMs: number): BrokerError {
  return new BrokerError('unknown', `redis did not answer ${verb} within ${Math.round(deadlineMs)} ms`);
}

/** A command that was not sent. */
export function notConnected(verb: string, cause: unknown): BrokerError {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new BrokerError('refused', `redis is not connected (${verb}): ${reason}`, { cause });
}

/** No node has the slot of what was asked for. */
export function unserved(verb: string): BrokerError {
  return new BrokerError('refused', `no node of the redis cluster serves the slot of the queue (${verb})`);
}

export function closed(verb: string): BrokerError {
  return new BrokerError('refused', `the broker is closed (${verb})`);
}

export function unfit(message: string): BrokerError {
  return new BrokerError('fatal', message, { code: 'ERR_BROKER_UNFIT' });
}

export function wrongType(key: string, is: string, expected: string, cause: unknown): BrokerError {
  return new BrokerError(
    'fatal',
    `the key ${key} is a ${is}, expected a ${expected}: something else wrote to it; rename or delete it`,
    { cause },
  );
}

function wayOut(code: string): string {
  switch (code) {
    case 'NOAUTH':
    case 'WRONGPASS':
      return '; check the password of the broker';
    case 'NOPERM':
      return '; the ACL user of the broker lacks a command or the keys fl:*';
    default:
      return '';
  }
}
