/** How keys are called on this machine. */

const isMac = typeof navigator !== 'undefined' && /mac/i.test(navigator.platform);

/** The key of commands: Control, on a Mac Command. */
export const COMMAND_KEY = isMac ? '⌘' : 'Ctrl';

/** ARIA's name of a combination ("Control+Shift+Z") as people here read it. */
export const readableKeys = (keys: string): string =>
  isMac
    ? keys.replace('Control', '⌘').replace('Shift', '⇧').replace('Alt', '⌥').replaceAll('+', '')
    : keys.replace('Control', 'Ctrl').replaceAll('+', ' + ');
