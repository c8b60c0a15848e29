import type { Logger } from '../lib/logger.ts';
import type { Notice, NotifyChannel } from './notify-channel.ts';

/**
 * Sends notices one after the other. What gathers while one is under way goes with the next, the newest value of each key:
 * a slow service manager costs no memory. Never throws; the first failure is told, later ones are not.
 */
export class ServiceNotifier {
  readonly #channel: NotifyChannel;
  readonly #log: Logger;
  #pending: Record<string, string> = {};
  #sending: Promise<void> | null = null;
  #told = false;

  constructor(channel: NotifyChannel, log: Logger) {
    this.#channel = channel;
    this.#log = log;
  }

  send(notice: Notice): void {
    Object.assign(this.#pending, notice);
    this.#sending ??= this.#sendOn();
  }

  /** Resolves when everything given so far was sent, or could not be. */
  async flush(): Promise<void> {
    await this.#sending;
  }

  async #sendOn(): Promise<void> {
    while (Object.keys(this.#pending).length > 0) {
      const notice = this.#pending;
      this.#pending = {};
      await this.#channel(notice).catch((error: unknown) => this.#failed(error));
    }
    this.#sending = null;
  }

  #failed(error: unknown): void {
    if (this.#told) return;
    this.#told = true;
    this.#log.warn(
      'the service manager cannot be told how the daemon is; it may end a service that is well',
      {
        error: String(error),
      },
    );
  }
}
