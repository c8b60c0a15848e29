/** What is loaded of the YAML library only when it is needed: of a bundled package itself, `import()` would name nothing. */

export { Document, isCollection, isNode, stringify } from 'yaml';
