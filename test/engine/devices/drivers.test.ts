import { expect, test } from 'vitest';
import { loadedLibraries, softwareAdapter } from '../../../main/engine/devices/drivers.ts';

test.each([
  ['/opt/chromium/libvk_swiftshader.so', 'SwiftShader'],
  ['/usr/lib/x86_64-linux-gnu/libvulkan_lvp.so', 'lavapipe'],
  ['C:\\Windows\\System32\\d3d10warp.dll', 'WARP'],
])('%s is %s', (library, name) => {
  expect(softwareAdapter(['/usr/lib/libc.so.6', library])).toBe(name);
});

test.each([
  '/usr/lib/x86_64-linux-gnu/libGLX_nvidia.so.0',
  '/usr/lib/x86_64-linux-gnu/libvulkan_radeon.so',
  'C:\\Windows\\System32\\DriverStore\\FileRepository\\nv_disp\\nvwgf2umx.dll',
  'C:\\Windows\\System32\\DriverStore\\FileRepository\\iigd_dch.inf\\igd12umd64.dll',
  'C:\\Windows\\System32\\amdxc64.dll',
  '/System/Library/Extensions/AGXMetalG14X.bundle/Contents/MacOS/AGXMetalG14X',
])('a real adapter beside a software one counts: %s', (library) => {
  expect(
    softwareAdapter([library, 'C:\\Windows\\System32\\d3d10warp.dll', '/usr/lib/libvulkan_lvp.so']),
  ).toBeUndefined();
});

test('no graphics driver at all is no software adapter', () => {
  expect(softwareAdapter(['/usr/lib/libc.so.6'])).toBeUndefined();
});

test('the libraries of this process are known', () => {
  expect(loadedLibraries().length).toBeGreaterThan(0);
});
