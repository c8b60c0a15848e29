import type { WorkerHost } from '../../src/pool/host/host.ts';

/** What has passed between a host and its workers since it was made. */
export interface Passed {
  toWorkers: number;
  fromWorkers: number;
}

/** The host it is given, and counts of the messages both ways. */
export function countingHost(host: WorkerHost): { readonly host: WorkerHost; readonly passed: Passed } {
  const passed: Passed = { toWorkers: 0, fromWorkers: 0 };
  return {
    passed,
    host: {
      type: host.type,
      spawn: (boot, listener) => {
        const channel = host.spawn(boot, {
          message: (message) => {
            passed.fromWorkers++;
            listener.message(message);
          },
          output: (stream, line, token) => listener.output(stream, line, token),
          exit: (info) => listener.exit(info),
        });
        return {
          pid: channel.pid,
          send: (message) => {
            passed.toWorkers++;
            channel.send(message);
          },
          kill: () => channel.kill(),
          stack: (ms) => channel.stack(ms),
        };
      },
    },
  };
}
