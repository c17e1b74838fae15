// Starts bench/outbox, which ../README.md describes.
import { launch } from '../launch.mjs';

await launch('outbox/run.js');
