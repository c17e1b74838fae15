// Starts bench/send, which ../README.md describes.
import { launch } from '../launch.mjs';

await launch('send/run.js');
