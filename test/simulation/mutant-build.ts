import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Mutant } from './mutants.ts';
import type { Simulated, SimulateOptions } from './simulate.ts';

const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const COPIED = ['package.json', 'tsconfig.json', 'src', 'test/simulation', 'test/support'] as const;

/** The product with one mistake in it, and the simulation of that product: a copy of the sources, loaded from there. */
export interface MutantBuild extends Disposable {
  readonly simulate: (options: SimulateOptions) => Promise<Simulated>;
}

/** @throws Error when the text to replace is not there exactly once: the mutant tests nothing then. */
export async function buildMutant({ name, file, find, replace }: Mutant): Promise<MutantBuild> {
  const folder = mkdtempSync(join(tmpdir(), 'forkloop-mutant-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const dispose = () => {
    process.off('exit', remove);
    remove();
  };
  process.once('exit', remove);
  try {
    for (const path of COPIED) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const path = join(folder, 'src', file);
    const parts = readFileSync(path, 'utf8').split(find);
    if (parts.length !== 2)
      throw new Error(
        `${name}: the text to replace is ${parts.length - 1} times in src/${file}, not once: ${find}`,
      );
    writeFileSync(path, parts.join(replace));
    const url = pathToFileURL(join(folder, 'test/simulation/simulate.ts')).href;
    const { simulate } = (await import(url)) as Pick<MutantBuild, 'simulate'>;
    return { simulate, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

export interface Caught {
  /** Null: it survived. */
  readonly seed: number | null;
  readonly violation: string;
  readonly tried: number;
}

/** Its own seed first, then the others from 1 on. */
export async function hunt(mutant: Mutant, on: SimulateOptions['on'], seeds: number): Promise<Caught> {
  using build = await buildMutant(mutant);
  const others = Array.from({ length: seeds }, (_, index) => index + 1).filter(
    (seed) => seed !== mutant.seed,
  );
  let tried = 0;
  for (const seed of [mutant.seed, ...others]) {
    tried += 1;
    const { violation } = await build.simulate({ seed, on });
    if (violation !== null) return { seed, violation: violation.message, tried };
  }
  return { seed: null, violation: '', tried };
}
