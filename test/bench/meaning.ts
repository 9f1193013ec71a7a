/** Bench of the search by meaning: 100 000 random vectors of 512 and 768 numbers. */
import { MeaningIndex } from '../../main/history/meaningIndex.ts';

for (const width of [128, 512, 768]) {
  const index = new MeaningIndex(width);
  const random = () => {
    const vector = Float32Array.from({ length: width }, () => Math.random() - 0.5);
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  };
  for (let id = 0; id < 100_000; id++) index.set(id, random());
  index.search(random(), 100, () => true);
  const times = Array.from({ length: 9 }, () => {
    const query = random();
    const start = performance.now();
    index.search(query, 100, () => true);
    return performance.now() - start;
  }).sort((a, b) => a - b);
  console.log(`${width} numbers: median ${times[4]!.toFixed(1)} ms, worst ${times[8]!.toFixed(1)} ms`);
}
