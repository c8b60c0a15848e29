import { ForkloopError } from './errors.ts';
import { didYouMean } from './suggest.ts';

/** The options that a call takes: what has another name must not be passed over in silence. */
export class OptionNames<Options extends object> {
  readonly #of: string;
  readonly #names: ReadonlySet<string>;
  readonly #parts: Readonly<Record<string, { has(name: string): boolean }>>;

  /** `of`: the call, or the option that these are part of. `parts`: those of its options that have options themselves. */
  constructor(
    of: string,
    names: Readonly<Record<keyof Options, true>>,
    parts: Readonly<Record<string, { has(name: string): boolean }>> = {},
  ) {
    this.#of = of;
    this.#names = new Set(Object.keys(names));
    this.#parts = parts;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /**
   * Looks at the names, not at the values. `subject` begins the message.
   * @throws ForkloopError ERR_OPTION_INVALID: no object, or it has an option that there is not
   */
  check(options: unknown, subject = ''): void {
    if (typeof options !== 'object' || options === null) {
      const given = options === undefined || options === null ? String(options) : `a ${typeof options}`;
      throw invalid(`${subject}the options of ${this.#of} are an object, not ${given}${this.#list()}`);
    }
    // What a program has put on the prototype of all objects is no option.
    for (const name in options)
      if (!this.#names.has(name) && Object.hasOwn(options, name)) throw this.#unknown(name, subject);
  }

  #unknown(name: string, subject: string): ForkloopError {
    const part = Object.keys(this.#parts).find((key) => this.#parts[key]?.has(name));
    const near = part === undefined ? didYouMean(name, this.#names) : `, did you mean ${part}: { ${name} }?`;
    const text = JSON.stringify(name.length <= 60 ? name : `${name.slice(0, 59)}…`);
    return invalid(`${subject}no option of ${this.#of} is named ${text}${near || this.#list()}`);
  }

  #list(): string {
    return `; there are: ${[...this.#names].join(', ')}`;
  }
}

const invalid = (message: string) => new ForkloopError('ERR_OPTION_INVALID', message);
