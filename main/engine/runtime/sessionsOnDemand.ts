/** Sessions that are made when they are first asked for, and freed together. */
import type { InferenceSession } from 'onnxruntime-node';

export interface SessionsOnDemand<Name> {
  /** One that could not be made is tried again the next time. */
  get(name: Name): Promise<InferenceSession>;
  release(): Promise<void>;
}

/** `make` is called once for every name. */
export function sessionsOnDemand<Name>(
  make: (name: Name) => Promise<InferenceSession>,
): SessionsOnDemand<Name> {
  const opened = new Map<Name, Promise<InferenceSession>>();
  const open = (name: Name): Promise<InferenceSession> => {
    const session = make(name);
    session.catch(() => opened.delete(name));
    opened.set(name, session);
    return session;
  };
  return {
    get: (name) => opened.get(name) ?? open(name),
    release: async () => {
      for (const session of opened.values()) await (await session).release();
      opened.clear();
    },
  };
}
