import { type Daemon, withSupervisor } from './with-supervisor.ts';

/** One daemon for a suite. */
export function sharedDaemon(configure: () => Promise<Record<string, unknown>>) {
  let daemon: Daemon | undefined;
  let finish = () => {};
  let run: Promise<void> = Promise.resolve();
  return {
    daemon: () => daemon as Daemon,
    start: async () => {
      const configuration = await configure();
      await new Promise<void>((ready, failed) => {
        run = withSupervisor(configuration, async (started) => {
          daemon = started;
          ready();
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
        });
        run.catch(failed);
      });
    },
    end: async () => {
      finish();
      await run;
    },
  };
}
