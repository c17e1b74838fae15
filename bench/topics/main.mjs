// Starts bench/topics, which ../README.md describes.
import { launch } from '../launch.mjs';

await launch('topics/run.js');
