/** A real systemd for a test: process 1 of namespaces of its own. Needs root, cgroup v2 and util-linux. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { descendants } from './processes.ts';
import { until } from './until.ts';

const run = promisify(execFile);

/** What the namespaces look like before systemd takes over: `/` read-only, all that it writes to in memory. */
const PREPARE = `
set -e
mount --make-rprivate /
umount -R -l /sys
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /opt
for place in /run /var/lib /var/log /opt; do mount -t tmpfs tmpfs $place; done
mkdir /run/etc /run/units /opt/forkloop
cp -a /etc/. /run/etc
mount --bind /run/etc /etc
mount --bind "$FL_ROOT" /opt/forkloop
grep -q ^forkloop: /etc/passwd || echo forkloop:x:9470:9470::/nonexistent:/usr/sbin/nologin >> /etc/passwd
grep -q ^forkloop: /etc/group || echo forkloop:x:9470: >> /etc/group
mkdir -p /etc/forkloop
cp "$FL_CONFIG" /etc/forkloop/supervisor.yaml
mount --bind "$FL_UNITS" /run/units
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /var/tmp
mkdir /run/dev
for node in null zero full random urandom tty; do touch /run/dev/$node; mount --bind /dev/$node /run/dev/$node; done
ln -s null /run/dev/console
mkdir /run/dev/shm /run/dev/pts /run/dev/mqueue /run/dev/hugepages
mount -t devpts devpts /run/dev/pts
ln -s pts/ptmx /run/dev/ptmx
mount --rbind /run/dev /dev
mount -o remount,bind,ro /
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=x SYSTEMD_UNIT_PATH=/run/units /lib/systemd/systemd --system --unit=test.target
`;

export interface NestedSystemd {
  /** Runs a program inside. Its exit code is an answer, not an error. */
  exec(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** One property of a unit. */
  property(unit: string, name: string): Promise<string>;
  stop(): Promise<void>;
}

export interface NestedSystemdOptions {
  /** Seen as /opt/forkloop. */
  readonly root: string;
  /** Copied to /etc/forkloop/supervisor.yaml, which can be written to. */
  readonly configPath: string;
  /** The only folder with units; test.target is started. */
  readonly units: string;
}

export async function startSystemd({
  root,
  configPath,
  units,
}: NestedSystemdOptions): Promise<NestedSystemd> {
  const group = join(cgroupRoot(), `forkloop-test-${process.pid}`);
  mkdirSync(group, { recursive: true });
  const words = '--kill-child --mount --pid --fork --mount-proc --uts --ipc --net --cgroup bash -c'.split(
    ' ',
  );
  // Into the group first: the namespace makes its own cgroup the root.
  const enter = `echo $$ > ${group}/cgroup.procs; exec unshare "$@"`;
  const child = spawn('bash', ['-c', enter, 'bash', ...words, PREPARE], {
    env: { PATH: process.env['PATH'], FL_ROOT: root, FL_CONFIG: configPath, FL_UNITS: units },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    await until(() => removed(group));
  };
  const exec = async (...inside: string[]) => {
    const [first] = descendants(child.pid ?? -1);
    if (first === undefined) throw new Error(`the nested systemd has ended: ${said}`);
    const into = ['-t', String(first.pid), '--all', ...inside];
    return run('nsenter', into, { encoding: 'utf8' }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
  };
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error('unshare has ended');
      const { stdout } = await exec('systemctl', 'is-system-running').catch(() => ({ stdout: '' }));
      return /^(running|degraded)$/m.test(stdout);
    });
  } catch (error) {
    await stop();
    throw new Error(`the nested systemd did not start: ${said}`, { cause: error });
  }
  return {
    exec,
    property: async (unit, name) =>
      (await exec('systemctl', 'show', '--value', '-p', name, unit)).stdout.trim(),
    stop,
  };
}

/** Where cgroup v2 is mounted: alone, or beside the older hierarchies. */
function cgroupRoot(): string {
  const found = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((path) =>
    existsSync(join(path, 'cgroup.controllers')),
  );
  if (found === undefined) throw new Error('cgroup v2 is not mounted');
  return found;
}

/** Deepest first; a group can be removed when its last process is gone. */
function removed(group: string): boolean {
  try {
    writeFileSync(join(group, 'cgroup.kill'), '1');
  } catch {
    // Older kernels have none: what is left ends with its process 1.
  }
  try {
    removeTree(group);
    return true;
  } catch {
    return !existsSync(group);
  }
}

function removeTree(group: string): void {
  for (const name of subgroups(group)) removeTree(join(group, name));
  rmdirSync(group);
}

const subgroups = (group: string): string[] =>
  readdirSync(group, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
