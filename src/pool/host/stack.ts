/** What the JavaScript of a worker was doing when it was asked, and how that is written down. */

import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import { clipStack } from '../../lib/errors.ts';
import type { Frame, GuardAnswer } from './protocol.ts';

/** `stack`: lines as those of an error, innermost first. `token`: of the delivery whose code that is, null where of none. */
export interface StackSample {
  readonly stack: string;
  readonly token: string | null;
}

export function stackSample(answer: GuardAnswer): StackSample | null {
  // A loop that waits wakes now and then: what is then seen says nothing of a job.
  if (answer === null || !answer.frames.some(isForeign)) return null;
  const outermost = answer.frames.findLastIndex(isForeign);
  const caller = answer.frames.findIndex((frame, index) => index > outermost && isOurs(frame));
  // What calls the code of a task is the same for every job.
  const frames = caller > 0 ? answer.frames.slice(0, caller) : answer.frames;
  return { stack: frames.map(frameLine).join('\n'), token: answer.token };
}

const OURS = new URL('../../', import.meta.url).href;
const isOurs = ({ url }: Frame): boolean => url.startsWith(OURS);
const isForeign = (frame: Frame): boolean => !frame.url.startsWith('node:') && !isOurs(frame);

/** As the `stack` of an error of this name and message. */
export const stackText = (name: string, message: string, stack: string): string =>
  clipStack(`${name}: ${message}\n${stack}`);

/** The innermost frame, for a sentence: `hang (/srv/tasks/a.js:3:9)`. */
export const topFrame = (stack: string): string => (stack.split('\n', 1)[0] ?? '').replace(/^\s*at /, '');

function frameLine(frame: Frame): string {
  const { file, line, column } = mapped(frame) ?? {
    file: frame.url,
    line: frame.line + 1,
    column: frame.column + 1,
  };
  const place = `${pathOf(file)}:${line}:${column}`;
  return frame.name === '' ? `    at ${place}` : `    at ${frame.name} (${place})`;
}

const INLINE = /^data:application\/json[^,]*;base64,/;

/** Where the source has it, if a loader left a map inside the script. */
function mapped({ url, line, column, map }: Frame): { file: string; line: number; column: number } | null {
  const header = INLINE.exec(map);
  if (header === null) return null;
  try {
    const payload = JSON.parse(Buffer.from(map.slice(header[0].length), 'base64').toString('utf8'));
    const entry = new SourceMap(payload).findEntry(line, column);
    if (!('originalLine' in entry)) return null;
    return { file: url, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  } catch {
    return null;
  }
}

function pathOf(url: string): string {
  try {
    return url.startsWith('file:') ? fileURLToPath(url.replace(/[?#].*$/, '')) : url || '<anonymous>';
  } catch {
    return url;
  }
}
