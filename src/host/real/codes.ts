// Names for the system errors that Node has none for: it says "Unknown system error -116" where a file server forgot a file.

/** Linux's, by the negative number that Node gives. libuv lacks these. */
const nameless: Readonly<Record<number, string>> = {
  [-37]: 'ENOLCK',
  [-77]: 'EBADFD',
  [-116]: 'ESTALE',
  [-122]: 'EDQUOT',
};

/** The error, with its name in `code` and in the message. */
export function named(error: unknown): unknown {
  if (!(error instanceof Error && 'errno' in error && typeof error.errno === 'number')) return error;
  const code = nameless[error.errno];
  if (code === undefined) return error;
  const message = error.message.replaceAll(`Unknown system error ${error.errno}`, code);
  return Object.assign(error, { code, message });
}

/** The same object; what its functions reject with has names. */
export function naming<T extends object>(target: T): T {
  return new Proxy(target, {
    get: (from, key) => {
      const member: unknown = Reflect.get(from, key);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        const answer: unknown = Reflect.apply(member, from, args);
        if (!(answer instanceof Promise)) return answer;
        return answer.catch((error: unknown) => {
          throw named(error);
        });
      };
    },
  });
}
