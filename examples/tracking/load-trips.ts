/** Reads fixes from a CSV and writes one trip per line, as `bin/supervisor enqueue location.filter --each -` takes them. */
import { parseArgs } from 'node:util';
import { writeLines } from './trace/line-writer.ts';
import { type ReadReport, readTrips } from './trace/read-trips.ts';

const HELP = `Usage: node load-trips.js FILE...

Reads fixes from CSV files (columns lat,lng,datetime,uid; gzipped if the name ends
in .gz) and writes one line of JSON per trip to the standard output:
  {"device": "001", "points": [{"lat": 39.98, "lng": 116.31, "at": "2008-10-23T05:53:05.000Z"}, ...]}
A gap of more than 10 minutes ends a device's trip; a fix alone between two gaps is
no trip. Lines that cannot be read are reported as file:line and passed over.

Options:
  -h, --help   print this

Exit codes: 0 done; 1 nothing could be read, or a file not at all; 64 usage.
`;
const USAGE = 64;
/** More reports of bad lines than this say nothing new. */
const REPORTS = 20;

async function main(): Promise<number> {
  const files = filesOf(process.argv.slice(2));
  if (typeof files === 'number') return files;
  const report: ReadReport = { rows: 0, bad: 0, trips: 0, lonely: 0 };
  const onBad = (message: string) => {
    if (report.bad <= REPORTS) process.stderr.write(`${message}\n`);
  };
  try {
    const written = await writeLines(process.stdout, tripsOf(files, onBad, report));
    if (written === 'closed') return 0;
  } catch (error) {
    process.stderr.write(`load-trips: ${(error as Error).message}\n`);
    return 1;
  }
  process.stderr.write(summaryOf(report));
  return report.rows === 0 ? 1 : 0;
}

function filesOf(args: string[]): string[] | number {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    if (positionals.length > 0) return positionals;
    process.stderr.write(`load-trips: name a CSV file\n\n${HELP}`);
  } catch (error) {
    process.stderr.write(`load-trips: ${(error as Error).message}\n\n${HELP}`);
  }
  return USAGE;
}

async function* tripsOf(files: readonly string[], onBad: (message: string) => void, report: ReadReport) {
  for (const file of files) {
    for await (const trip of readTrips(file, onBad, report)) yield JSON.stringify(trip);
  }
}

function summaryOf({ rows, bad, trips, lonely }: ReadReport): string {
  const notes = [
    ...(lonely === 0 ? [] : [`${lonely} fixes alone between two gaps left out`]),
    ...(bad === 0 ? [] : [`${bad} lines not readable${bad > REPORTS ? ` (${REPORTS} of them shown)` : ''}`]),
  ];
  return `${trips} trips from ${rows} fixes${notes.map((note) => `; ${note}`).join('')}\n`;
}

process.exitCode = await main();
