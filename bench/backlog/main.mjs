// Starts bench/backlog, which ../README.md describes.
import { launch } from '../launch.mjs';

await launch('backlog/run.js');
