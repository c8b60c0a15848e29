import { describeMutants } from './mutants-suite.ts';

describeMutants(
  'of the daemon and the client',
  ({ file, store }) => store !== 'embedded' && !file.endsWith('.lua'),
);
