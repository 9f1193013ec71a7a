/** For troubles that a test expects none of: fails it, though whoever reports them waits for nothing. */
export function unexpected(...told: readonly unknown[]): void {
  void Promise.reject(new Error('an unexpected trouble', { cause: told }));
}
