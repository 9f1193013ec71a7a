/** Which graphics driver a process has loaded: ONNX Runtime does not say what adapter its WebGPU device runs on. */

/** Vulkan and Direct3D drivers that compute on the CPU; running networks there is slower than on the CPU itself. */
const SOFTWARE: readonly (readonly [RegExp, string])[] = [
  [/vk_swiftshader/i, 'SwiftShader'],
  [/vulkan_lvp|lavapipe/i, 'lavapipe'],
  [/d3d10warp/i, 'WARP'],
];

/** User-mode drivers of real adapters, by their file names on Linux, Windows and macOS. */
const HARDWARE =
  /GLX_nvidia|nvidia-glcore|nvoglv|nvwgf2um|nvd3dum|vulkan_(radeon|intel|nouveau|asahi|freedreno|panfrost|powervr|broadcom|virtio)|amdvlk|amdxc|atidxx|igvk|igd1\dum|igc\d*|qcdx|AGXMetal|AMDMTLBronze|AppleIntel\w*MTLDriver/i;

/** Libraries of this process, by path; a device must have been made before its driver shows up. */
export function loadedLibraries(): readonly string[] {
  const { report } = process;
  Object.assign(report, { excludeNetwork: true }); // looking up host names takes seconds; not in Node's types yet
  const { sharedObjects } = report.getReport() as { readonly sharedObjects?: readonly string[] };
  return sharedObjects ?? [];
}

/** The software adapter among `libraries`, unless a real one is there too: that one is then preferred by Dawn. */
export function softwareAdapter(libraries: readonly string[]): string | undefined {
  if (libraries.some((path) => HARDWARE.test(path))) return undefined;
  return SOFTWARE.find(([pattern]) => libraries.some((path) => pattern.test(path)))?.[1];
}
