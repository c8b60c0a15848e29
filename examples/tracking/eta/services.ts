/** A local HTTP server that stands for the two services of `eta.predict`, as slow as you like. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type Delay, replyTo } from './stand-in.ts';

const HELP = `Usage: node services.js [options]

Answers GET /route and GET /traffic (?from=lat,lng&to=lat,lng&at=ISO 8601) on the
loopback interface after a delay, and prints its URL. Ends on SIGTERM and SIGINT.

Options:
  --port N          0 = any free port (default 0)
  --delay-ms A..B   drawn between these for each question (default 50..250)
  --seed N          the same seed gives the same delays and answers (default 1)
  -h, --help        print this
`;
const USAGE = 64;

function main(): void {
  const options = optionsOf(process.argv.slice(2));
  if (typeof options === 'number') {
    process.exitCode = options;
    return;
  }
  serve(options);
}

function serve({ port, delay, seed }: { port: number; delay: Delay; seed: number }): void {
  const server = createServer((request, response) => {
    const { status, delayMs, body } = replyTo(request.url ?? '/', delay, seed);
    const timer = setTimeout(() => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }, delayMs);
    response.on('close', () => clearTimeout(timer)); // the asker has gone away
  });
  server.on('error', (error) => {
    process.stderr.write(`services: ${error.message}\n`);
    process.exitCode = 1;
  });
  server.listen(port, '127.0.0.1', () => {
    process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** The options, or the exit code when there is nothing to serve. */
function optionsOf(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        port: { type: 'string', default: '0' },
        'delay-ms': { type: 'string', default: '50..250' },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (!values.help) {
      return {
        port: wholeNumber('--port', values.port, 65_535),
        delay: delayOf(values['delay-ms']),
        seed: wholeNumber('--seed', values.seed, 2 ** 32 - 1),
      };
    }
    process.stdout.write(HELP);
    return 0;
  } catch (error) {
    process.stderr.write(`services: ${(error as Error).message}\n\n${HELP}`);
    return USAGE;
  }
}

function delayOf(text: string): Delay {
  const [shortest, longest, more] = text.split('..').map((part) => wholeNumber('--delay-ms', part, 600_000));
  if (shortest === undefined || longest === undefined || more !== undefined || shortest > longest) {
    throw new Error(`--delay-ms: ${JSON.stringify(text)} is not a range like 50..250`);
  }
  return { shortest, longest };
}

function wholeNumber(option: string, text: string, most: number): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > most)
    throw new Error(`${option}: ${JSON.stringify(text)} is not a whole number from 0 to ${most}`);
  return Number(text);
}

main();
