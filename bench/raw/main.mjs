// Starts bench/raw, which ../README.md describes.
import { launch } from '../launch.mjs';

await launch('raw/run.js');
