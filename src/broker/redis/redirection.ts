import { replyText } from './errors.ts';
import { type Address, addressOf } from './slot-map.ts';

/** Where another node is to be asked, and how long that holds. */
export interface Redirection {
  /** `moved`: the slot is there from now on; `ask`: this call alone, while the slot is on its way. */
  readonly type: 'moved' | 'ask';
  readonly to: Address;
}

/** `host` is that of the node which answered: an empty name in the reply means it. Null: the failure is something else. */
export function redirectionOf(failure: unknown, host: string): Redirection | null {
  const found = /^(MOVED|ASK) \d+ (.*):(\d+)/.exec(replyText(failure));
  if (found === null) return null;
  const [, type, name = '', port] = found;
  return { type: type === 'MOVED' ? 'moved' : 'ask', to: addressOf(name, Number(port), host) };
}
