/** Names for new layers. */
let count = 0;

/** An id that no layer of any project has. */
export const newLayerId = (): string => `layer-${Date.now().toString(36)}-${(count++).toString(36)}`;
