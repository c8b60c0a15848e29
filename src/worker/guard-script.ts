/**
 * What the guard runs: plain JavaScript as text, so that it starts without a loader and before any module of the user.
 *
 * The parent's id changes at the moment the master dies; the end of the pipe tells it a little before. While the pipe is there
 * the id is looked at once in the half second that an orphan may live: each look wakes an idle machine. What jobs have started
 * ends with it: what carries the mark of this run, and the process group, which a negative id is.
 */
export const GUARD_SCRIPT = `
'use strict';
const { workerData } = require('node:worker_threads');
const { readdirSync, readFileSync } = require('node:fs');
const { Socket } = require('node:net');

const end = (pid) => { try { process.kill(pid, 'SIGKILL'); } catch {} };
const isOurs = (pid) => {
  try { return readFileSync('/proc/' + pid + '/environ', 'latin1').includes(workerData.mark); } catch { return false; }
};
const endMarked = () => {
  let names = [];
  try { names = readdirSync('/proc'); } catch {}
  for (const name of names) {
    const pid = Number(name);
    if (pid > 0 && pid !== process.pid && isOurs(pid)) end(pid);
  }
};
const look = () => {
  if (process.ppid === workerData.master) return;
  if (workerData.mark !== null) endMarked();
  end(-process.pid);
  end(process.pid);
};
look();
let watch = setInterval(look, 400);

const pipe = new Socket({ fd: workerData.pipe, readable: true, writable: true });
pipe.setEncoding('utf8');
pipe.on('error', () => {});
pipe.on('close', () => {
  for (let ms = 0; ms < 100; ms += 5) setTimeout(look, ms);
  clearInterval(watch);
  watch = setInterval(look, 100);
});
let text = '';
pipe.on('data', (chunk) => {
  const lines = (text + chunk).split('\\n');
  text = lines.pop();
  for (const line of lines) {
    const { number, ms } = JSON.parse(line);
    sample(ms, (answer) => pipe.write(JSON.stringify({ number, answer }) + '\\n'));
  }
});

function sample(ms, tell) {
  let session = null;
  let timer = null;
  const done = (answer) => {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    // A thread that stands still goes on with it, and one that was to stop when it wakes will not.
    try { session.disconnect(); } catch {}
    tell(answer);
  };
  timer = setTimeout(done, ms, null);
  try {
    const { Session } = require('node:inspector');
    session = new Session();
    const scripts = new Map();
    session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params));
    session.on('Debugger.paused', ({ params: { callFrames } }) => {
      const frames = callFrames.slice(0, workerData.frames).map(({ functionName, url, location }) => {
        const script = scripts.get(location.scriptId);
        return {
          name: functionName,
          url: script?.url ?? url,
          line: location.lineNumber,
          column: location.columnNumber ?? 0,
          map: script?.sourceMapURL ?? '',
        };
      });
      const question = {
        callFrameId: callFrames[0]?.callFrameId,
        expression: workerData.expression,
        returnByValue: true,
        silent: true,
      };
      session.post('Debugger.evaluateOnCallFrame', question, (error, reply) => {
        const token = reply?.result?.value;
        done({ frames, token: typeof token === 'string' ? token : null });
      });
    });
    session.connectToMainThread();
    session.post('Debugger.enable');
    session.post('Debugger.pause');
  } catch {
    done(null);
  }
}
`;
