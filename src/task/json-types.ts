/** Values that JSON cannot carry as they are. */
type Changed =
  | bigint
  | symbol
  | Date
  | RegExp
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBuffer
  | ArrayBufferView
  | Promise<unknown>
  | ((...parameters: never[]) => unknown);

/** T itself where JSON keeps it as it is; `never` at the places where it would not (Date, Map, bigint, functions). */
export type JsonSafe<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends Changed
      ? never
      : { [K in keyof T]: JsonSafe<T[K]> };

/** What T has become after `JSON.stringify` and `JSON.parse`: a Date is a string, a Map is an empty object. */
export type JsonOf<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null
    ? T
    : T extends undefined
      ? null
      : T extends { toJSON(): infer J }
        ? JsonOf<J>
        : T extends bigint | symbol | ((...parameters: never[]) => unknown)
          ? never
          : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
            ? Record<string, never>
            : T extends readonly unknown[]
              ? { [K in keyof T]: JsonOf<T[K]> }
              : {
                  [K in keyof T as T[K] extends ((...parameters: never[]) => unknown) | symbol
                    ? never
                    : K]: undefined extends T[K]
                    ? JsonOf<Exclude<T[K], undefined>> | undefined
                    : JsonOf<T[K]>;
                };
