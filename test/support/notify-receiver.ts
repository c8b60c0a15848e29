/** A service manager's end of sd_notify: a real Unix datagram socket. Python makes it, Node has none of the kind. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Whether the tests that need it can run here. */
export const hasPython = spawnSync('python3', ['-c', 'import socket'], { stdio: 'ignore' }).status === 0;

const RECEIVE = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('[]', flush=True)
while True:
    data, files, _, _ = socket.recv_fds(s, 65536, 8)
    for f in files: os.close(f)
    print(json.dumps(data.decode().split('\\n')), flush=True)
`;

/** Starts a program with a connected descriptor, handed over as a service manager does. */
export const WITH_DESCRIPTOR = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='notify')
os.execv(sys.argv[2], sys.argv[2:])
`;

export interface NotifyReceiver {
  /** Every assignment so far, in the order received. */
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

export async function receiveNotices(path: string): Promise<NotifyReceiver> {
  const child: ChildProcess = spawn('python3', ['-c', RECEIVE, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let text = '';
  const bound = new Promise<void>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const complete = text.split('\n');
      text = complete.pop() ?? '';
      for (const message of complete) {
        lines.push(...(JSON.parse(message) as string[]).filter((line) => line !== ''));
        resolve();
      }
    });
  });
  await bound;
  return {
    lines,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
