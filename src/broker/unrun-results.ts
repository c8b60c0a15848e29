/** What the kept result of a job tells that was taken out before it ran. */

import type { ResultRecord } from './messages/exchange.ts';

export const DELETED_RESULT = JSON.stringify({
  status: 'cancelled',
  error: { name: 'JobDeleted', message: 'an operator deleted the job before it was run' },
} satisfies ResultRecord);

export const EXPIRED_RESULT = JSON.stringify({
  status: 'expired',
  error: { name: 'JobExpired', message: 'the job was not started before its time ran out' },
} satisfies ResultRecord);
