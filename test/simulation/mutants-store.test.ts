import { describeMutants } from './mutants-suite.ts';

describeMutants('of the embedded store', ({ store }) => store === 'embedded');
