// Starts bench/nest, which ../README.md describes.
import { launch } from '../launch.mjs';

await launch('nest/run.js');
