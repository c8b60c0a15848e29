import { describeMutants } from './mutants-suite.ts';

describeMutants('of the scripts', ({ file }) => file.endsWith('.lua'));
