import { Session } from 'node:inspector';
import type { Clock } from '../../lib/clock.ts';
import { FRAME_LIMIT, type Frame, type GuardAnswer, TOKEN_EXPRESSION } from './protocol.ts';
import { type StackSample, stackSample } from './stack.ts';

interface CallFrame {
  readonly callFrameId: string;
  readonly functionName: string;
  readonly url: string;
  readonly location: {
    readonly scriptId: string;
    readonly lineNumber: number;
    readonly columnNumber?: number;
  };
}

interface Script {
  readonly scriptId: string;
  readonly url: string;
  readonly sourceMapURL?: string;
}

/** A message of the thread's own inspector. */
type FromThread =
  | { readonly id: number; readonly result?: { readonly result?: { readonly value?: unknown } } }
  | { readonly method: 'Debugger.scriptParsed'; readonly params: Script }
  | { readonly method: 'Debugger.paused'; readonly params: { readonly callFrames: readonly CallFrame[] } }
  | { readonly method: 'Debugger.resumed' };

/** A thread that runs no JavaScript answers at once; one that waits in native code does not answer at all. */
const GIVE_UP_MS = 1_000;

/**
 * Stops a thread of this process for a moment and tells where it was. Null when no JavaScript runs in it within `ms`. Never
 * rejects, and leaves the thread running: one that stands still could not be terminated.
 */
export function stackOfThread(threadId: number, ms: number, clock: Clock): Promise<StackSample | null> {
  return new Promise((resolve) => {
    const session = new Session();
    let timer = clock.setTimer(ms, () => {
      look.giveUp();
      timer = clock.setTimer(GIVE_UP_MS, () => end(null));
    });
    const end = (answer: GuardAnswer) => {
      timer.cancel();
      session.removeAllListeners();
      session.post('NodeWorker.disable', () => session.disconnect());
      resolve(stackSample(answer));
    };
    const look = new ThreadLook(session, threadId, end);
    session.connect();
    session.on('NodeWorker.attachedToWorker', (event) => look.attached(event.params));
    session.on('NodeWorker.receivedMessageFromWorker', (event) => look.received(event.params));
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  });
}

type Params<Name extends string> = Name extends 'attached'
  ? { readonly sessionId: string; readonly workerInfo: { readonly title: string } }
  : { readonly sessionId: string; readonly message: string };

const EVALUATED = 3;
const GIVEN_UP = 5;

class ThreadLook {
  readonly #session: Session;
  readonly #title: RegExp;
  readonly #end: (answer: GuardAnswer) => void;
  readonly #scripts = new Map<string, Script>();
  #sessionId: string | null = null;
  #frames: readonly Frame[] = [];
  #token: string | null = null;

  constructor(session: Session, threadId: number, end: (answer: GuardAnswer) => void) {
    this.#session = session;
    this.#title = new RegExp(`^\\[?worker ${threadId}\\b`, 'i');
    this.#end = end;
  }

  attached({ sessionId, workerInfo }: Params<'attached'>): void {
    if (this.#sessionId !== null || !this.#title.test(workerInfo.title)) return;
    this.#sessionId = sessionId;
    this.#send(1, 'Debugger.enable');
    this.#send(2, 'Debugger.pause');
  }

  /** The thread is not to stop any more: else it would at the next line that it runs, when nobody is there to wake it. */
  giveUp(): void {
    if (this.#sessionId === null) this.#end(null);
    else this.#send(GIVEN_UP, 'Debugger.disable');
  }

  received({ sessionId, message }: Params<'received'>): void {
    if (sessionId !== this.#sessionId) return;
    const event = JSON.parse(message) as FromThread;
    if ('id' in event) {
      if (event.id === GIVEN_UP) this.#end(null);
      if (event.id !== EVALUATED) return;
      const value = event.result?.result?.value;
      this.#token = typeof value === 'string' ? value : null;
      this.#send(4, 'Debugger.resume');
    } else if (event.method === 'Debugger.scriptParsed') {
      this.#scripts.set(event.params.scriptId, event.params);
    } else if (event.method === 'Debugger.paused') {
      this.#paused(event.params.callFrames);
    } else if (event.method === 'Debugger.resumed') {
      this.#end({ frames: this.#frames, token: this.#token });
    }
  }

  #paused(callFrames: readonly CallFrame[]): void {
    this.#frames = callFrames.slice(0, FRAME_LIMIT).map(({ functionName, url, location }) => {
      const script = this.#scripts.get(location.scriptId);
      return {
        name: functionName,
        url: script?.url ?? url,
        line: location.lineNumber,
        column: location.columnNumber ?? 0,
        map: script?.sourceMapURL ?? '',
      };
    });
    const callFrameId = callFrames[0]?.callFrameId;
    if (callFrameId === undefined) {
      this.#send(4, 'Debugger.resume');
    } else {
      const options = { expression: TOKEN_EXPRESSION, returnByValue: true, silent: true };
      this.#send(EVALUATED, 'Debugger.evaluateOnCallFrame', { callFrameId, ...options });
    }
  }

  #send(id: number, method: string, params: object = {}): void {
    const message = JSON.stringify({ id, method, params });
    this.#session.post('NodeWorker.sendMessageToWorker', { sessionId: this.#sessionId ?? '', message });
  }
}
